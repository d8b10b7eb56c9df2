//! Slack: what the bot says there and hears there. Sends, answers questions about people, translates; never decides.

mod blocks;
mod limits;

use super::render::Folder;
use crate::domain::policy::Platform;

/// Slack's layouts; words that are the same everywhere are the console's.
pub(super) const FOLDER: Folder = Folder {
    platform: Platform::Slack,
    escape: blocks::escape,
    finish: blocks::finish,
    files: &[
        ("card.hbs", include_str!("../../../templates/slack/card.hbs")),
        ("lines.hbs", include_str!("../../../templates/slack/lines.hbs")),
    ],
    actions: blocks::actions,
};
