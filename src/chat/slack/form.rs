//! The form of an ask, as it is filled in: opened at once, filled from what the bot offers this person, and read back. Offers and
//! reads only: what is sent is judged like any ask.

use std::sync::Arc;

use chrono::DateTime;
use serde_json::{Value, json};

use super::{
    door::{Door, Presser, SLACK},
    limits::{self, plain},
    payload::View,
};
use crate::{
    bot::{Body, Chosen, Filled, Form, Pick, Ticket},
    chat::words::duration,
    domain::{parse::Piece, refusal::Refusal, spans},
};

/// What a field that looks things up may offer at once.
const OPTIONS: usize = limits::OPTIONS;
const UNLINKED: &str = "The message could not be linked: I am not in that channel. Invite me there, or say in the reason what it is about.";
/// Pieces that may be wrong at the same time.
const PIECES: usize = 7;
const LENGTH: &str = "length";
const FREE: &str = "free";

/// Where a refusal about this piece is shown: the first of these blocks that is there.
pub(super) fn block_of(piece: Piece) -> &'static [&'static str] {
    match piece {
        Piece::Resource => &["resource"],
        Piece::Role => &["role", "resource"],
        Piece::Length => &[FREE, LENGTH],
        Piece::Start => &["start"],
        Piece::Subject => &["subject", "person"],
        Piece::Reason => &["reason", "words"],
        Piece::Ticket => &["ticket"],
    }
}

impl Door {
    /// A page within the three seconds that a trigger lives, and then the form in it. `message`: what it is about.
    pub(super) async fn open_form(self: Arc<Self>, from: &Presser, message: Option<(String, String)>) {
        let loading = self.voice.page(SLACK, "form/loading", &json!({}));
        let id = match self.slack.open_view(from, &loading).await {
            Ok(id) => id,
            Err(error) => return self.unopened(from, "/jit request RESOURCE ROLE 1h why", &error).await,
        };
        let (about, notice) = match &message {
            Some((channel, ts)) => match self.slack.permalink(channel, ts).await {
                Some(link) => (link, None),
                None => (String::new(), Some(UNLINKED.to_owned())),
            },
            None => (String::new(), None),
        };
        let view = self.form(&from.user, Chosen { limit: 1, ..Chosen::default() }, &about, notice).await;
        self.slack.update_view(&id, None, &view).await;
    }

    /// The form again, after something in it was chosen.
    pub(super) async fn refresh(self: Arc<Self>, from: &Presser, view: View) {
        if view.callback != "request" {
            return;
        }
        let about = metadata(&view, "about");
        let form = self.form(&from.user, chosen(&view), &about, None).await;
        self.slack.update_view(&view.id, Some(&view.hash), &form).await;
    }

    /// The form with what is chosen; a choice that will not do is named, and the others stay.
    async fn form(&self, user: &str, mut chosen: Chosen, about: &str, mut notice: Option<String>) -> Value {
        for _ in 0..=PIECES {
            let refusal = match self.bot.form(SLACK, user, &chosen).await {
                Ok(Ok(form)) => return self.page(&form, &chosen, about, notice.as_deref()),
                Ok(Err(refusal)) => refusal,
                Err(error) => {
                    tracing::error!(%error, "a form could not be filled");
                    Refusal::NotRecorded
                }
            };
            let words = self.words(&refusal);
            if !forget(&mut chosen, refusal.field()) {
                return self.said("Not now", &[words]);
            }
            notice.get_or_insert(words);
        }
        self.said("Not now", &notice.into_iter().collect::<Vec<_>>())
    }

    pub(super) fn said(&self, title: &str, lines: &[String]) -> Value {
        self.voice.page(SLACK, "form/said", &json!({ "title": title, "lines": lines }))
    }

    fn page(&self, form: &Form, chosen: &Chosen, about: &str, notice: Option<&str>) -> Value {
        let pick = |pick: &Pick| json!({ "id": pick.id, "text": named(pick) });
        let needs = form.needs.as_ref();
        let only = form.roles.len() < 2;
        let length = |span| json!({ "id": spans::short(span), "text": duration(span) });
        let before = needs.map(|needs| self.voice.before_words(SLACK, &needs.before)).unwrap_or_default();
        let (required, projects) = match needs.map(|needs| &needs.ticket) {
            Some(Ticket::Required { projects }) => (true, projects.as_slice()),
            Some(Ticket::Optional { projects }) => (false, projects.as_slice()),
            None => (false, &[][..]),
        };
        let ticket = projects.first().map_or_else(|| "OPS-4512".to_owned(), |project| format!("{project}-4512"));
        let mut lengths: Vec<_> = needs.into_iter().flat_map(|needs| needs.lengths.iter().copied()).collect();
        lengths.extend(needs.map(|needs| needs.default));
        lengths.sort();
        lengths.dedup();
        self.voice.page(
            SLACK,
            "form/request",
            &json!({
                "metadata": json!({ "about": about, "role": needs.filter(|_| only).map(|needs| needs.role.to_string()) }).to_string(), "about": about, "notice": notice,
                "resource": chosen.resource.clone().unwrap_or_default(),
                "roles": if only { Vec::new() } else { form.roles.iter().take(OPTIONS).map(pick).collect::<Vec<_>>() },
                "ready": needs.is_some(), "role": needs.map(|needs| needs.role.to_string()),
                "lengths": lengths.into_iter().map(length).collect::<Vec<_>>(), "length": needs.map(|needs| length(needs.default)),
                "reason_needed": needs.map(|needs| needs.reason_chars).filter(|least| *least > 0),
                "ticket_required": required, "ticket": ticket, "on_behalf": needs.is_some_and(|needs| needs.on_behalf),
                "before": before.lines().collect::<Vec<_>>(),
            }),
        )
    }

    /// What fits the letters, of what this person may ask for.
    pub(super) async fn suggestions(&self, user: &str, query: &str) -> Vec<Value> {
        let chosen = Chosen { query: query.to_owned(), limit: OPTIONS, ..Chosen::default() };
        match self.bot.form(SLACK, user, &chosen).await {
            Ok(Ok(form)) => form.resources.iter().map(|pick| json!({ "text": plain(&named(pick), 75), "value": pick.id })).collect(),
            Ok(Err(_)) => Vec::new(),
            Err(error) => {
                tracing::error!(%error, "what may be asked for could not be looked up");
                Vec::new()
            }
        }
    }
}

/// The command that a submitted view stands for. None: a view that is none of ours.
pub(super) fn submitted(view: &View) -> Option<Body> {
    match view.callback.as_str() {
        "request" => Some(Body::Form(filled(view))),
        "words" => super::words::press(view),
        _ => None,
    }
}

fn named(pick: &Pick) -> String {
    if pick.title.is_empty() || pick.title == pick.id { pick.id.clone() } else { format!("{} · {}", pick.id, pick.title) }
}

/// What we put into the page; none of it is a right.
fn metadata(view: &View, key: &str) -> String {
    let metadata: Value = serde_json::from_str(&view.metadata).unwrap_or_default();
    metadata[key].as_str().unwrap_or_default().to_owned()
}

/// The value of the block of this name, whatever it was made for.
fn value(view: &View, name: &str) -> String {
    view.values.iter().find(|(block, _)| block.split('/').next() == Some(name)).map(|(_, value)| value.clone()).unwrap_or_default()
}

fn start(view: &View) -> String {
    let at = value(view, "start").parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    at.map(|at| at.format("%Y-%m-%dT%H:%M%:z").to_string()).unwrap_or_default()
}

/// What was typed wins over what was chosen.
fn length(view: &View) -> String {
    let free = value(view, FREE);
    if free.trim().is_empty() { value(view, LENGTH) } else { free }
}

fn subject(view: &View) -> String {
    let user = value(view, "subject");
    if user.is_empty() { user } else { format!("<@{user}>") }
}

fn filled(view: &View) -> Filled {
    Filled {
        resource: value(view, "resource"),
        // There is no field where this person may ask for one role only.
        role: Some(value(view, "role")).filter(|role| !role.is_empty()).unwrap_or_else(|| metadata(view, "role")),
        length: length(view),
        start: start(view),
        subject: subject(view),
        reason: value(view, "reason"),
        ticket: value(view, "ticket"),
        about: metadata(view, "about"),
    }
}

fn chosen(view: &View) -> Chosen {
    let some = |text: String| Some(text).filter(|text| !text.trim().is_empty());
    let resource = some(value(view, "resource"));
    // A role that was chosen for another resource is none of this one's.
    let own = |name: &str| {
        let prefix = format!("{name}/{}", resource.as_deref().unwrap_or_default());
        let is_own = |block: &str| block == prefix || block.strip_prefix(&prefix).is_some_and(|rest| rest.starts_with('/'));
        view.values.iter().find(|(block, _)| is_own(block)).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let free = value(view, FREE);
    Chosen {
        limit: 1,
        role: some(own("role")),
        length: some(if free.trim().is_empty() { own(LENGTH) } else { free }),
        start: some(start(view)),
        subject: some(subject(view)),
        resource,
        ..Chosen::default()
    }
}

/// Takes the wrong piece out; false: it is about none that was chosen.
fn forget(chosen: &mut Chosen, piece: Option<Piece>) -> bool {
    let field = match piece {
        Some(Piece::Resource) => &mut chosen.resource,
        Some(Piece::Role) => &mut chosen.role,
        Some(Piece::Length) => &mut chosen.length,
        Some(Piece::Start) => &mut chosen.start,
        Some(Piece::Subject) => &mut chosen.subject,
        Some(Piece::Reason | Piece::Ticket) | None => return false,
    };
    field.take().is_some()
}
