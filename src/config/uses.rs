//! What a file says of one chat besides the chat's own section: where is posted, and who is known there. Whether both belong
//! together: all of it is allowed, and hardly meant.

use toml::{Spanned, de::DeValue};

use super::{node::Table, notes::At};
use crate::domain::policy::Platform;

/// What is on this chat, with its places.
pub(super) struct Uses {
    /// Channels, with their platform: `slack:C0123`.
    pub(super) channels: Vec<At<String>>,
    /// Every account and group.
    pub(super) accounts: Vec<At<String>>,
}

impl Uses {
    pub(super) fn of(file: &Table<'_>, platform: Platform) -> Self {
        Self { channels: channels(file, platform), accounts: accounts(file, platform) }
    }
}

/// Warns of channels, groups and people of a chat that has no section, and of a section without channels. Gives the section's
/// place, if it is there. `like` is a channel's example.
pub(super) fn judge(file: &Table<'_>, platform: Platform, uses: &Uses, (chat, like): (&str, &str)) -> Option<usize> {
    let Some((section, _)) = file.raw().get_key_value(platform.name()) else {
        let first = uses.channels.iter().chain(&uses.accounts).min_by_key(|place| place.at);
        if let Some(first) = first {
            let all = uses.channels.len() + uses.accounts.len();
            let more = if all == 1 { String::new() } else { format!(" (nor are {} more)", all - 1) };
            file.warn(first.at, format!("{} is not reached{more}: there is no [{}]", first.value, platform.name()));
        }
        return None;
    };
    let at = section.span().start;
    if uses.channels.is_empty() {
        let how = format!("write channels = [\"{like}\"] in a resource or in [alarm]");
        file.warn(at, format!("the bot would be on {chat} and post nothing there: {how}"));
    }
    Some(at)
}

fn channels(file: &Table<'_>, platform: Platform) -> Vec<At<String>> {
    let sections = ["alarm", "digest"].into_iter().filter_map(|section| file.raw().get(section));
    let lists =
        sections.chain(entries(file, "resources")).filter_map(|table| table.get_ref().as_table()?.get("channels")?.get_ref().as_array());
    let is_there = |channel: &At<String>| channel.value.split_once(':').is_some_and(|(name, _)| name == platform.name());
    lists.flatten().filter_map(text).filter(is_there).collect()
}

fn accounts(file: &Table<'_>, platform: Platform) -> Vec<At<String>> {
    let tables = entries(file, "people").chain(entries(file, "groups"));
    tables.filter_map(|table| text(table.get_ref().as_table()?.get(platform.name())?)).collect()
}

/// The tables of a section.
pub(super) fn entries<'t>(file: &Table<'t>, section: &str) -> impl Iterator<Item = &'t Spanned<DeValue<'t>>> {
    let table = file.raw().get(section).and_then(|section| section.get_ref().as_table());
    table.into_iter().flat_map(|table| table.values())
}

pub(super) fn text(value: &Spanned<DeValue<'_>>) -> Option<At<String>> {
    Some(At { at: value.span().start, value: value.get_ref().as_str()?.to_owned() })
}
