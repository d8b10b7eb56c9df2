//! The form of an ask: a modal with what is known already, and hints of what the rule needs; read back, sent, and opened again
//! when it was refused. Offers and reads only: what is sent is judged like any ask.

use serde_json::{Value, json};

use super::{
    door::{DISCORD, Door},
    kept::Kept,
    payload::Values,
    reply::{self, Reply},
    words::{cut, person},
};
use crate::{
    bot::{Answer, Body, Chosen, Filled, Form, Needs, Pick, Ticket},
    chat::{typing::Typing, words::duration},
    domain::{limits, parse::Piece, refusal::Refusal},
};

/// How to ask without the form.
pub(super) fn typed() -> String {
    Typing::Options.command("request", &[("resource", "…"), ("role", "…"), ("length", "1h"), ("reason", "…")])
}

/// Resources that a hint names.
const NAMED: usize = 4;
/// Pieces that may be wrong at the same time.
const PIECES: usize = 7;
/// Longest text of a field, and longest hint, in characters.
const VALUE: usize = 4_000;
const HINT: usize = 100;

impl Door {
    /// `/jit request`: sent when it is whole, or wrong, which is refused in words; else the form opens with what there is.
    pub(super) async fn asked(&self, reply: &Reply, filled: &Filled) {
        let is_whole = match self.bot.form(DISCORD, &reply.user, &chosen(filled)).await {
            Ok(Ok(form)) => is_whole(filled, form.needs.as_ref()),
            Ok(Err(_)) | Err(_) => !filled.resource.is_empty(),
        };
        if is_whole || Kept::of(&shown_by(filled, None), &self.discord.settings.guild).is_none() {
            self.durable(reply, reply::deferred(), Body::Form(filled.clone())).await;
        } else {
            self.open_form(reply, filled).await;
        }
    }

    /// The form, with these fields filled in.
    pub(super) async fn open_form(&self, reply: &Reply, filled: &Filled) {
        match self.form(&reply.user, filled).await {
            Ok(page) => self.open(reply, &page, &typed()).await,
            Err(refusal) => self.tell(reply, &Answer::Refused(refusal)).await,
        }
    }

    /// The form as it was sent under this interaction, by the same account.
    pub(super) async fn open_again(&self, reply: &Reply, interaction: &str) {
        let unsent = self.unsent.of(&reply.user, interaction);
        let sent = match unsent {
            Some(filled) => Ok(Some(filled)),
            None => self.bot.sent_form(DISCORD, &reply.user, interaction).await,
        };
        match sent {
            Ok(Some(filled)) => self.open_form(reply, &filled).await,
            Ok(None) => self.tell(reply, &Answer::Said { name: "form_gone", data: json!({}) }).await,
            Err(error) => {
                tracing::error!(%error, "a form that was sent cannot be read");
                self.tell(reply, &Answer::Refused(Refusal::NotRecorded)).await;
            }
        }
    }

    /// A page as the first answer, which alone can be one.
    pub(super) async fn open(&self, reply: &Reply, page: &Value, line: &str) {
        let first = reply::page(page);
        let is_whole = first.is_some();
        if first.is_some_and(|first| reply.first(first)) {
            return;
        }
        if is_whole {
            tracing::warn!("a page was not ready in the time that Discord waits");
        }
        // Where another line went out instead, it said the same.
        if !is_whole || reply.is_owed() {
            self.tell(reply, &reply::unopened(line)).await;
        }
    }

    /// A choice that will not do stays as it was typed; the others say what is needed. Err: nothing that a form could mend.
    async fn form(&self, user: &str, filled: &Filled) -> Result<Value, Refusal> {
        let (mut chosen, mut wrong, mut first) = (chosen(filled), None, None);
        for _ in 0..=PIECES {
            let refusal = match self.bot.form(DISCORD, user, &chosen).await {
                Ok(Ok(form)) => return self.page(&form, filled, wrong).ok_or(first.unwrap_or(Refusal::NotRecorded)),
                Ok(Err(refusal)) => refusal,
                Err(error) => {
                    tracing::error!(%error, "a form could not be filled");
                    Refusal::NotRecorded
                }
            };
            if !forget(&mut chosen, refusal.field()) {
                return Err(refusal);
            }
            // What has no field of its own takes the place of another one.
            let in_the_way = matches!(refusal.field(), Some(Piece::Start | Piece::Subject));
            wrong = wrong.or(refusal.field().filter(|_| in_the_way));
            first.get_or_insert(refusal);
        }
        Err(Refusal::NotRecorded)
    }

    /// None: something was typed that it could not keep.
    fn page(&self, form: &Form, filled: &Filled, wrong: Option<Piece>) -> Option<Value> {
        let needs = form.needs.as_ref();
        let kept = Kept::of(&shown_by(filled, wrong), &self.discord.settings.guild)?;
        let least = needs.map_or(0, |needs| needs.reason_chars);
        let reason = filled.reason.trim();
        // Discord holds what stands there already to the same limits.
        let least_here = Some(least).filter(|least| *least > 0 && (reason.is_empty() || reason.chars().count() >= *least));
        let most = if reason.chars().count() > limits::WORDS { VALUE } else { limits::WORDS };
        let (ticket_needed, projects) = match needs.map(|needs| &needs.ticket) {
            Some(Ticket::Required { projects }) => (true, projects.as_slice()),
            Some(Ticket::Optional { projects }) => (false, projects.as_slice()),
            None => (false, &[][..]),
        };
        let tickets: Vec<String> = projects.iter().map(|project| format!("{project}-4512")).collect();
        let hint = |text: String| cut(&text, HINT);
        let data = json!({
            "custom_id": kept.to_string(), "asks_start": wrong == Some(Piece::Start), "asks_person": wrong == Some(Piece::Subject),
            "resource_hint": hint(ids(&form.resources, form.fitting)), "roles_hint": hint(ids(&form.roles, form.roles.len())),
            "length_hint": needs.map(|needs| duration(needs.default)),
            "reason_least": least_here, "reason_needed": Some(least).filter(|least| *least > 0), "reason_most": most,
            "ticket_hint": if tickets.is_empty() { "OPS-4512".to_owned() } else { hint(tickets.join(", ")) }, "ticket_needed": ticket_needed,
        });
        let mut page = self.voice.page(DISCORD, "form/request", &data);
        put_in(&mut page, filled);
        Some(page)
    }
}

/// What is known already, in the fields that there are: as it was typed, line by line.
fn put_in(page: &mut Value, filled: &Filled) {
    for component in page.get_mut("components").and_then(Value::as_array_mut).into_iter().flatten() {
        put_in(component, filled);
        let text = match component["custom_id"].as_str().unwrap_or_default() {
            "resource" => &filled.resource,
            "role" => &filled.role,
            "length" => &filled.length,
            "reason" => &filled.reason,
            "ticket" => &filled.ticket,
            "start" => &filled.start,
            "person" => &filled.subject,
            _ => continue,
        };
        let most = component["max_length"].as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(VALUE);
        if !text.is_empty() {
            component["value"] = json!(cut(text, most));
        }
    }
}

/// What was sent with the form; `kept`: what it had no fields for.
pub(super) fn filled(kept: &Kept, values: &Values, guild: &str) -> Filled {
    let text = |name: &str| values.get(name).map(|text| text.trim().to_owned());
    let before = kept.filled(guild);
    Filled {
        resource: text("resource").unwrap_or_default(),
        role: text("role").unwrap_or_default(),
        length: text("length").unwrap_or_default(),
        start: text("start").unwrap_or(before.start),
        subject: text("person").map_or(before.subject, |typed| person(&typed)),
        reason: text("reason").unwrap_or_default(),
        ticket: text("ticket").unwrap_or(before.ticket),
        about: before.about,
    }
}

/// What the form keeps besides its fields: that for which it has none.
fn shown_by(filled: &Filled, wrong: Option<Piece>) -> Filled {
    let Filled { start, subject, ticket, about, .. } = filled.clone();
    let (keeps_ticket, none) = (wrong.is_some(), String::new);
    Filled {
        start: if wrong == Some(Piece::Start) { none() } else { start },
        subject: if wrong == Some(Piece::Subject) { none() } else { subject },
        ticket: if keeps_ticket { ticket } else { none() },
        about,
        ..Filled::default()
    }
}

fn chosen(filled: &Filled) -> Chosen {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.trim().is_empty());
    Chosen {
        limit: NAMED,
        resource: some(&filled.resource),
        role: some(&filled.role),
        length: some(&filled.length),
        start: some(&filled.start),
        subject: some(&filled.subject),
        about: some(&filled.about),
        ..Chosen::default()
    }
}

/// Is everything there that the rule wants?
fn is_whole(filled: &Filled, needs: Option<&Needs>) -> bool {
    let Some(needs) = needs else { return false };
    let reason = needs.reason_chars == 0 || !filled.reason.is_empty();
    reason && (matches!(needs.ticket, Ticket::Optional { .. }) || !filled.ticket.is_empty())
}

fn ids(picks: &[Pick], count: usize) -> String {
    let ids: Vec<&str> = picks.iter().map(|pick| pick.id.as_str()).collect();
    let more = if count > picks.len() { ", …" } else { "" };
    ids.join(", ") + more
}

/// Takes the wrong piece out; false: it is about none that was filled in.
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
