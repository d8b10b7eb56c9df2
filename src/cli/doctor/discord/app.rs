//! The application itself: whether its token works, which application it is, which intents it has, and whether the door that
//! bot.toml names is the one that Discord uses.

use std::fmt::Write as _;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{Asks, Report, asks::Fault, shown, unanswered};
use crate::config::{DiscordConfig, DiscordDoor};

const PORTAL: &str = "at discord.com/developers/applications";
const COPY_TOKEN: &str =
    "at discord.com/developers/applications, your application, Bot: Reset Token, and put the new one where bot.toml says";

/// Flags of an application that say which privileged intents are switched on, of small bots and of verified ones.
const INTENTS: [(u64, &str); 3] = [
    ((1 << 12) | (1 << 13), "Presence Intent"),
    ((1 << 14) | (1 << 15), "Server Members Intent"),
    ((1 << 18) | (1 << 19), "Message Content Intent"),
];

/// Who the bot is in Discord.
pub(super) struct Bot {
    /// Of old applications it is not the application's.
    pub(super) id: String,
    /// As in `@Hallpass`.
    pub(super) name: String,
}

/// The bot's token, if it can be used.
pub(super) fn token(discord: &DiscordConfig, report: &mut Report) -> Option<SecretString> {
    match discord.bot_token.read() {
        Ok(token) if token.expose_secret().starts_with("Bot ") => {
            report.broken("discord.bot_token begins with \"Bot \"", "write the token alone: the bot writes \"Bot \" before it");
            None
        }
        Ok(token) => Some(token),
        Err(why) => {
            // The file was refused for it, with its place.
            report.note(format!("without discord.bot_token nothing of Discord was looked at: {why}"));
            None
        }
    }
}

/// Whether the token works, and whose it is.
pub(super) async fn look(asks: &Asks, discord: &DiscordConfig, report: &mut Report) -> Option<Bot> {
    let me = match asks.ask("/users/@me").await {
        Ok(answer) => answer.body,
        Err(fault) => {
            refused(&fault, report);
            return None;
        }
    };
    let text = |key: &str| shown(me[key].as_str().unwrap_or_default());
    let bot = Bot { id: text("id"), name: text("username") };
    report.fine(format!("Discord's bot token: @{} ({})", bot.name, bot.id));
    match asks.ask("/applications/@me").await {
        Ok(answer) => application(discord, &answer.body, report),
        Err(fault) => unanswered(report, "the application", &fault),
    }
    Some(bot)
}

fn refused(fault: &Fault, report: &mut Report) {
    if fault.is_unauthorized() {
        return report.broken("Discord does not know the bot token", COPY_TOKEN);
    }
    unanswered(report, "Discord's bot token", fault);
}

fn application(discord: &DiscordConfig, app: &Value, report: &mut Report) {
    let (id, name) = (shown(app["id"].as_str().unwrap_or_default()), shown(app["name"].as_str().unwrap_or_default()));
    if id == discord.application_id {
        report.fine(format!("application: {name} ({id})"));
    } else {
        report.broken(
            format!("the bot token is of the application {name} ({id}), and discord.application_id is {}", discord.application_id),
            format!("write application_id = \"{id}\", or take that application's token"),
        );
    }
    intents(app, report);
    door(discord, app, &format!("{PORTAL}, {name}, General Information"), report);
}

/// Presses and commands come without any.
fn intents(app: &Value, report: &mut Report) {
    let flags = app["flags"].as_u64().unwrap_or_default();
    let on: Vec<&str> = INTENTS.iter().filter(|(bits, _)| flags & bits != 0).map(|(_, name)| *name).collect();
    if on.is_empty() {
        report.fine("intents: no privileged one is on, and none is needed");
    } else {
        let on = on.join(", ");
        report.note(format!("the bot may hear more than it needs: switch off {on} ({PORTAL}, your application, Bot)"));
    }
}

/// Discord uses one door at a time: what is pressed comes through the endpoint as soon as there is one.
fn door(discord: &DiscordConfig, app: &Value, place: &str, report: &mut Report) {
    let endpoint = app["interactions_endpoint_url"].as_str().filter(|url| !url.is_empty()).map(shown);
    match (&discord.door, endpoint) {
        (DiscordDoor::Gateway, None) => report.fine("door: the gateway, and no Interactions Endpoint URL in its way"),
        (DiscordDoor::Gateway, Some(url)) => report.broken(
            format!("nobody would be heard: Discord sends what people do to {url}, and bot.toml says the gateway"),
            format!("empty Interactions Endpoint URL {place}, or write public_key and listen under [discord]"),
        ),
        (DiscordDoor::Http { .. }, None) => report.broken(
            "nobody would be heard: bot.toml has public_key and listen, and Discord has no Interactions Endpoint URL",
            format!(
                "with the bot running, write https://your-host/discord/interactions as Interactions Endpoint URL {place}, or take both keys out for the gateway"
            ),
        ),
        (DiscordDoor::Http { listen, .. }, Some(url)) => {
            report.note(format!(
                "Discord calls {url}, and the bot listens at {listen}: whether one leads to the other is seen only from outside"
            ));
        }
    }
    if let DiscordDoor::Http { public_key, .. } = &discord.door {
        key(public_key, app, place, report);
    }
}

fn key(ours: &[u8; 32], app: &Value, place: &str, report: &mut Report) {
    let hex = ours.iter().fold(String::new(), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02x}");
        hex
    });
    match app["verify_key"].as_str() {
        Some(theirs) if theirs.eq_ignore_ascii_case(&hex) => report.fine("public key: it is the application's"),
        Some(theirs) => report.broken(
            "discord.public_key is another application's: everything that Discord sends would be refused",
            format!("write public_key = \"{}\" (Public Key {place})", shown_key(theirs)),
        ),
        None => report.note("Discord did not say the application's public key"),
    }
}

/// A key is longer than what is shown of others' texts.
fn shown_key(text: &str) -> String {
    text.chars().filter(char::is_ascii_hexdigit).take(64).collect()
}
