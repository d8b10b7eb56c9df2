//! Whether `[slack]` and what else the file says of Slack belong together: all of it is allowed, and hardly meant.

use toml::{Spanned, de::DeValue};

use super::{
    super::{node::Table, notes::At},
    SlackConfig,
};

/// Warns of Slack's channels, groups and people without `[slack]`, and of `[slack]` without them.
pub(in super::super) fn judge(file: &Table<'_>, slack: Option<&SlackConfig>) {
    let (channels, accounts) = (channels(file), accounts(file));
    let Some((section, _)) = file.raw().get_key_value("slack") else {
        let first = channels.iter().chain(&accounts).min_by_key(|place| place.at);
        if let Some(first) = first {
            let all = channels.len() + accounts.len();
            let more = if all == 1 { String::new() } else { format!(" (nor are {} more)", all - 1) };
            file.warn(first.at, format!("{} is not reached{more}: there is no [slack]", first.value));
        }
        return;
    };
    if channels.is_empty() {
        let how = "write channels = [\"slack:C0123\"] in a resource or in [alarm]";
        file.warn(section.span().start, format!("the bot would be on Slack and post nothing there: {how}"));
    }
    let Some(slack) = slack else { return };
    for account in &accounts {
        let team = account.value.split_once('/').map(|(team, _)| team);
        if let Some(team) = team.filter(|team| !slack.tenants.iter().any(|t| t == team) && slack.workspace.as_deref() != Some(team)) {
            file.warn(
                account.at,
                format!("{team} is none of slack.tenants: {} can neither ask nor decide until it stands there", account.value),
            );
        }
    }
    let used = |id: &String| channels.iter().any(|channel| channel.value.strip_prefix("slack:") == Some(id));
    for shared in slack.shared_channels.iter().filter(|id| !used(id)) {
        file.warn(section.span().start, format!("slack.shared_channels has {shared}, and nothing is posted there"));
    }
}

/// Every `slack:..` of a list of channels.
fn channels(file: &Table<'_>) -> Vec<At<String>> {
    let alarm = file.raw().get("alarm").into_iter();
    let lists =
        alarm.chain(entries(file, "resources")).filter_map(|table| table.get_ref().as_table()?.get("channels")?.get_ref().as_array());
    lists.flatten().filter_map(text).filter(|channel| channel.value.starts_with("slack:")).collect()
}

/// Every account and group of Slack's.
fn accounts(file: &Table<'_>) -> Vec<At<String>> {
    let tables = entries(file, "people").chain(entries(file, "groups"));
    tables.filter_map(|table| text(table.get_ref().as_table()?.get("slack")?)).collect()
}

fn entries<'t>(file: &Table<'t>, section: &str) -> impl Iterator<Item = &'t Spanned<DeValue<'t>>> {
    let table = file.raw().get(section).and_then(|section| section.get_ref().as_table());
    table.into_iter().flat_map(|table| table.values())
}

fn text(value: &Spanned<DeValue<'_>>) -> Option<At<String>> {
    Some(At { at: value.span().start, value: value.get_ref().as_str()?.to_owned() })
}
