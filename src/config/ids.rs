//! Ids on the chats, where the rest of the file names them: each platform knows the form of its own.

use super::{
    discord,
    node::Table,
    notes::{At, short},
    slack,
};
use crate::domain::policy::Platform;

/// What an id belongs to, on any platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Channel,
    Group,
    Person,
}

/// Refuses an id that cannot be one on this platform, where it stands. A file that loaded before is taken as it is.
pub(super) fn check(table: &Table<'_>, platform: Platform, kind: Kind, id: &At<String>) {
    let wrong = match platform {
        Platform::Console => return,
        Platform::Slack => slack::ids::wrong(&id.value, kind.into()),
        Platform::Discord => discord::ids::wrong(&id.value, kind.into()),
    };
    if let Some(how) = wrong.filter(|_| table.reading.strict) {
        table.refuse(id.at, format!("\"{}\" is not {how}", short(&id.value)));
    }
}
