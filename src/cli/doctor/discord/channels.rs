//! Whether each channel that the file names is a text channel of the server, and the bot may do there what it needs.

use serde_json::Value;

use super::{
    super::{super::discord::rights::NEEDED, places::used},
    Asks, Report,
    server::Server,
    shown, unanswered,
};
use crate::{config::Config, domain::policy::Platform};

const COPY: &str = "in Discord, with Developer Mode on, right-click the channel, Copy Channel ID, and write that";
/// A text channel, and one whose messages others may follow.
const TEXT: [u64; 2] = [0, 5];

pub(super) async fn look(asks: &Asks, config: &Config, server: &Server, report: &mut Report) {
    for (id, uses) in used(config, Platform::Discord) {
        let uses = uses.join(", ");
        match server.channels.get(&id) {
            Some(channel) => one(&format!("{} ({id}, for {uses})", name(channel)), channel, server, report),
            None => elsewhere(asks, &id, &uses, server, report).await,
        }
    }
}

/// As people see it.
pub(super) fn name(channel: &Value) -> String {
    format!("#{}", shown(channel["name"].as_str().unwrap_or_default()))
}

fn one(shown_as: &str, channel: &Value, server: &Server, report: &mut Report) {
    let kind = channel["type"].as_u64().unwrap_or_default();
    if !TEXT.contains(&kind) {
        let what = match kind {
            2 | 13 => "a voice channel",
            4 => "a category",
            15 | 16 => "a forum",
            _ => "no text channel",
        };
        return report.broken(format!("{shown_as} is {what}, and cards need a text channel"), COPY);
    }
    let (everywhere, here) = (server.rights(), server.rights_in(channel));
    let mut all = true;
    for right in NEEDED.iter().filter(|right| !here.has(right.bit)) {
        let how = if everywhere.has(right.bit) {
            format!("in Discord: {}, Edit Channel, Permissions, add the role of @{}, and allow {}", name(channel), server.bot, right.name)
        } else {
            format!(
                "in Discord: Server Settings, Roles, the role of @{}, switch on {}; or open the link of hallpass discord invite again",
                server.bot, right.name
            )
        };
        let lacks = format!("{shown_as}: the bot lacks {}, with which it {}", right.name, right.why);
        if let Some(without) = right.without {
            report.note(format!("{lacks}; without it, {without} ({how})"));
        } else {
            all = false;
            report.broken(lacks, how);
        }
    }
    if all {
        report.fine(format!("{shown_as}: the bot may do there all that it needs"));
    }
}

/// A channel that the bot cannot see, a thread, another server's channel, or none at all.
async fn elsewhere(asks: &Asks, id: &str, uses: &str, server: &Server, report: &mut Report) {
    let place = &server.name;
    let what = match asks.ask(&format!("/channels/{id}")).await {
        Ok(answer) => match (answer.body["guild_id"].as_str(), answer.body["type"].as_u64()) {
            (Some(guild), _) if guild != server.id => format!("is a channel of another server, {}", shown(guild)),
            (Some(_), Some(10..=12)) => "is a thread, and a card needs a channel to open its own".to_owned(),
            (Some(_), _) => format!("is no channel that {place} lists"),
            (None, _) => "is a direct conversation".to_owned(),
        },
        // Unknown channel.
        Err(fault) if fault.code() == 10003 => format!("is no channel of {place}"),
        // No access: it is there, and hidden.
        Err(fault) if fault.code() == 50001 => {
            return report.broken(
                format!("{id} (for {uses}) is a channel that the bot may not see"),
                format!("in Discord: that channel, Edit Channel, Permissions, add the role of @{}, and allow View Channels; then run this again", server.bot),
            );
        }
        Err(fault) => return unanswered(report, &format!("the channel {id}"), &fault),
    };
    report.broken(format!("{id} (for {uses}) {what}"), COPY);
}
