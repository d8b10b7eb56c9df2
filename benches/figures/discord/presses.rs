//! Interactions as Discord would send them: commands that ask, and presses on the cards that were posted, with the whole message
//! and member in each, every one with an id and a token of its own.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};

use super::{
    guild::{APPLICATION, BOSS, GUILD, Guild, LEADS, approve, asker, channel},
    servers::{INTERACTIONS, REQUESTS},
};
use crate::doors::load::{Connection, Next};

/// Stands in a body where the press's own number belongs.
const NUMBER: &str = "PRESSNUMBER";

/// Which presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Approve, by somebody who may not: looked up, refused, recorded in the ledger and answered, as often as one likes.
    Outsiders,
    /// Approve, by whoever may.
    Approvals,
    /// The same bytes as an outsider's press, for another application: the signature is checked and remembered, the payload is read,
    /// nothing is written, nothing follows.
    Foreign,
}

/// Bodies that only lack their number.
pub(crate) struct Presses {
    cards: Arc<Vec<Value>>,
    bodies: Arc<Vec<String>>,
    /// Shared by all presses of a round: no id comes twice.
    next: Arc<AtomicU64>,
}

impl Presses {
    /// Presses of this kind on the same cards.
    pub(crate) fn of(&self, kind: Kind) -> Self {
        let bodies = self.cards.iter().enumerate().map(|(n, card)| press(card, n, kind).to_string());
        Self { cards: self.cards.clone(), bodies: Arc::new(bodies.collect()), next: self.next.clone() }
    }

    /// One after the other, for as long as one likes.
    pub(crate) fn next(&self) -> Arc<Next> {
        let (bodies, next) = (self.bodies.clone(), self.next.clone());
        Arc::new(move || {
            let press = next.fetch_add(1, Ordering::Relaxed);
            let body = usize::try_from(press).ok().and_then(|n| bodies.get(n % bodies.len()));
            body.map(|body| body.replace(NUMBER, &press.to_string())).unwrap_or_default()
        })
    }

    /// One of each card, with its number.
    pub(crate) fn each(&self) -> Vec<(u64, String)> {
        let first = self.next.fetch_add(self.bodies.len() as u64, Ordering::Relaxed);
        (first..).zip(self.bodies.iter()).map(|(press, body)| (press, body.replace(NUMBER, &press.to_string()))).collect()
    }
}

/// So many ask at the same moment. Each ask needs Discord's word about several people, for which the bot keeps to 45 calls a second:
/// two hundred in one burst would be refused in part.
const AT_ONCE: usize = 10;

/// Has everybody ask for something, and waits until the cards stand and everybody was told.
pub(crate) async fn ask(door: std::net::SocketAddr, guild: &Guild) -> anyhow::Result<Presses> {
    let mut connection = Connection::open(door).await?;
    for n in 0..REQUESTS {
        let option = |name: &str, value: String| json!({ "type": 3, "name": name, "value": value });
        let options = [
            option("resource", format!("r{n}")),
            option("role", "use".to_owned()),
            option("length", "1h".to_owned()),
            option("reason", "look at the stuck import of last night".to_owned()),
        ];
        let mut asked = interaction(2, &asker(n), &channel(n), &n.to_string());
        asked["data"] = json!({ "id": "500000000000000000", "name": "jit", "type": 1,
            "options": [{ "type": 1, "name": "request", "options": options }] });
        connection.send(INTERACTIONS, asked.to_string()).await?;
        if (n + 1) % AT_ONCE == 0 {
            guild.answers(AT_ONCE).await?;
        }
    }
    let cards = Arc::new(guild.cards(REQUESTS).await?);
    Ok(Presses { cards, bodies: Arc::default(), next: Arc::new(AtomicU64::new(REQUESTS as u64)) })
}

fn press(card: &Value, n: usize, kind: Kind) -> Value {
    let presser = if kind == Kind::Approvals { BOSS.to_owned() } else { outsider(card, n) };
    let mut pressed = interaction(3, &presser, card["channel_id"].as_str().unwrap_or_default(), NUMBER);
    if kind == Kind::Foreign {
        pressed["application_id"] = json!("100000000000000009");
    }
    pressed["data"] = json!({ "component_type": 2, "id": 3, "custom_id": approve(card) });
    pressed["message"] = json!({
        "id": card["id"], "channel_id": card["channel_id"], "author": card["author"], "type": 0, "flags": 0, "pinned": false,
        "content": card["content"], "embeds": card["embeds"], "components": card["components"], "attachments": [], "mentions": [],
        "mention_roles": [], "mention_everyone": false, "tts": false, "timestamp": "2026-11-24T10:00:00+00:00", "edited_timestamp": null,
    });
    pressed
}

fn interaction(kind: u8, user: &str, channel: &str, number: &str) -> Value {
    let roles = if user == BOSS { json!([LEADS]) } else { json!([]) };
    json!({
        "id": format!("6{number:0>17}"), "application_id": APPLICATION, "type": kind, "token": number, "version": 1,
        "guild_id": GUILD, "guild": { "id": GUILD, "locale": "en-US", "features": [] }, "channel_id": channel,
        "channel": { "id": channel, "type": 0, "name": "approvers", "permissions": "0" },
        "member": {
            "user": { "id": user, "username": "somebody", "discriminator": "0", "global_name": "Somebody", "avatar": null, "public_flags": 0 },
            "roles": roles, "permissions": "0", "joined_at": "2026-01-01T00:00:00+00:00", "deaf": false, "mute": false, "pending": false,
            "flags": 0, "nick": null, "avatar": null, "premium_since": null, "communication_disabled_until": null,
        },
        "app_permissions": "0", "locale": "en-US", "guild_locale": "en-US", "entitlements": [], "attachment_size_limit": 10_485_760,
        "authorizing_integration_owners": { "0": GUILD }, "context": 0,
    })
}

/// Somebody who neither asked for this nor decides about it.
fn outsider(card: &Value, n: usize) -> String {
    let asked = (0..REQUESTS).find(|n| card["channel_id"] == channel(*n)).unwrap_or(n);
    asker((asked + 1) % REQUESTS)
}
