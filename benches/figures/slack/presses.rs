//! Presses as Slack would send them for the cards that were posted: the whole message in each, every one with an id and a
//! response URL of its own.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};
use url::form_urlencoded;

use super::{
    servers::{COMMANDS, REQUESTS},
    workspace::{APP, BOSS, TEAM, Workspace, approve},
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
    /// The same bytes as an outsider's press, of a type that the bot does not know: the signature is checked and remembered, the
    /// payload is read, nothing is written, nothing follows.
    Unknown,
}

/// Bodies that only lack their number.
pub(crate) struct Presses {
    cards: Arc<Vec<Value>>,
    bodies: Arc<Vec<String>>,
    /// Shared by all presses of a round: no id comes twice.
    next: Arc<AtomicU64>,
    first: u64,
    host: String,
}

impl Presses {
    /// Presses of this kind on the same cards.
    pub(crate) fn of(&self, kind: Kind) -> Self {
        let bodies = self.cards.iter().enumerate().map(|(n, card)| body(card, n, kind, &self.host));
        let first = self.next.load(Ordering::Relaxed);
        Self { cards: self.cards.clone(), bodies: Arc::new(bodies.collect()), next: self.next.clone(), first, host: self.host.clone() }
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

    /// How many were made since these presses began.
    pub(crate) fn count(&self) -> usize {
        usize::try_from(self.next.load(Ordering::Relaxed) - self.first).unwrap_or(usize::MAX)
    }
}

/// Has everybody ask for something, and waits until the cards stand and everybody was told.
pub(crate) async fn ask(door: std::net::SocketAddr, workspace: &Workspace) -> anyhow::Result<Presses> {
    let mut connection = Connection::open(door).await?;
    for n in 0..REQUESTS {
        let fields = [
            ("team_id", TEAM),
            ("api_app_id", APP),
            ("user_id", &format!("U0P{n}")),
            ("command", "/jit"),
            ("text", &format!("request r{n} use 1h look at the stuck import of last night")),
            ("trigger_id", &format!("{n}.1795528800.ask")),
            ("response_url", &format!("http://{}/hook/{n}", workspace.host)),
        ];
        connection.send(COMMANDS, form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()).await?;
    }
    workspace.answers(REQUESTS).await?;
    let cards = Arc::new(workspace.cards(REQUESTS).await?);
    let (bodies, next) = (Arc::default(), Arc::new(AtomicU64::new(REQUESTS as u64)));
    Ok(Presses { cards, bodies, next, first: 0, host: workspace.host.clone() })
}

fn body(card: &Value, n: usize, kind: Kind, host: &str) -> String {
    let presser = if kind == Kind::Approvals { BOSS.to_owned() } else { outsider(card, n) };
    let button = approve(card).cloned().unwrap_or_default();
    let (channel, ts) = (&card["channel"], &card["ts"]);
    let payload = json!({
        "type": if kind == Kind::Unknown { "block_presses" } else { "block_actions" },
        "user": { "id": presser, "username": "somebody", "name": "somebody", "team_id": TEAM },
        "api_app_id": APP, "token": "verification-token-of-nobody",
        "container": { "type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": false },
        "trigger_id": format!("{NUMBER}.1795528800.0123456789abcdef0123456789abcdef"),
        "team": { "id": TEAM, "domain": "bench" }, "enterprise": null, "is_enterprise_install": false,
        "channel": { "id": channel, "name": "approvers" },
        "message": {
            "type": "message", "subtype": "bot_message", "user": "U0BOT", "bot_id": "B0BOT", "app_id": APP, "team": TEAM, "ts": ts,
            "text": card["text"], "blocks": card["blocks"], "metadata": card["metadata"],
        },
        "state": { "values": {} },
        "response_url": format!("http://{host}/hook/{NUMBER}"),
        "actions": [{
            "type": "button", "action_id": button["action_id"], "block_id": "actions", "text": button["text"],
            "value": button["value"], "style": button["style"], "action_ts": "1795528800.000100",
        }],
    });
    form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish()
}

/// Somebody who neither asked for this nor decides about it.
fn outsider(card: &Value, n: usize) -> String {
    let asker = card["channel"].as_str().and_then(|channel| channel.trim_start_matches("C0R").parse::<usize>().ok()).unwrap_or(n);
    format!("U0P{}", (asker + 1) % REQUESTS)
}
