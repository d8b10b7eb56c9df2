//! Discord: what the bot says there and hears there. Sends, answers questions about people, translates; never decides.

mod components;
mod embeds;
mod limits;
mod markdown;
mod places;
mod text;

pub(super) use embeds::FOLDER;
