//! Whether blocks are as Block Kit's reference says: types, fields, limits. Stricter than Slack where the reference leaves
//! room: what it does not name is refused. Every problem says where it is, as Slack does, by JSON pointer.

mod check;
mod elements;
mod layout;
mod rich;
mod view;

use std::collections::BTreeSet;

use serde_json::Value;

use check::Check;

/// Blocks of a message.
const MESSAGE: usize = 50;

/// Options of a static select, and in one answer to a search.
const OPTIONS: usize = 100;

/// Where blocks stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Surface {
    Message,
    Modal,
    Home,
}

/// A list of blocks, or an object with one under `blocks`.
///
/// # Errors
/// What is wrong, each with its place.
pub(crate) fn check_message(message: &Value) -> Result<(), Vec<String>> {
    let mut check = Check::default();
    let blocks = message.get("blocks").unwrap_or(message);
    check.at("blocks", |check| layout::blocks(check, blocks, Surface::Message, MESSAGE));
    check.done()
}

/// A modal or a home tab.
///
/// # Errors
/// What is wrong, each with its place.
pub(crate) fn check_view(view: &Value) -> Result<(), Vec<String>> {
    let mut check = Check::default();
    check.at("view", |check| view::view(check, view));
    check.done()
}

/// The answer to a search: `options` or `option_groups`.
///
/// # Errors
/// What is wrong, each with its place.
pub(crate) fn check_suggestions(answer: &Value) -> Result<(), Vec<String>> {
    let mut check = Check::default();
    let Some(answer) = check.object(answer, &[], &["options", "option_groups"]) else { return check.done() };
    if answer.is_empty() {
        check.problem("one of options and option_groups is needed");
    }
    let least = 0; // nothing was found
    elements::options(&mut check, answer, least, OPTIONS, &mut BTreeSet::new());
    check.done()
}
