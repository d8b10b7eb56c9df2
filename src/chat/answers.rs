//! Makes the bot's answers and refusals ready for the templates: requests become lines, ids names, times words.

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::{
    replies::lines,
    typing::Typing,
    view::{Reader, card, headline, standing, what},
    words::{duration, list, rough},
};
use crate::{
    bot::{Around, Handed},
    domain::{
        explain::{Asked, Outlook, Then},
        ids::PersonId,
        policy::{Person, Platform},
        refusal::Refusal,
        request::{Request, State},
        time::{Instant, Span},
    },
};

/// Lists longer than this are cut, and say so.
const MOST: usize = 50;

/// The template's name and data of a refusal.
pub(super) fn refusal(refusal: &Refusal, r: &Reader<'_>) -> (String, Value) {
    let Ok(Value::Object(fields)) = serde_json::to_value(refusal) else { return ("grammar".to_owned(), Value::Null) };
    let name = fields.get("refusal").and_then(Value::as_str).unwrap_or_default().to_owned();
    let standing = fields.get("how").cloned();
    let mut data: Map<_, _> = fields.into_iter().map(|(key, value)| said(key, value, r)).collect();
    // The bare name beside its words, for templates that choose by it.
    data.extend(standing.map(|how| ("standing".to_owned(), how)));
    (name, Value::Object(data))
}

fn said(key: String, value: Value, r: &Reader<'_>) -> (String, Value) {
    let new = match key.as_str() {
        "asked" | "cap" | "most" => span(&value).map(|s| json!(duration(s))),
        "end" | "start" | "latest" | "until" => instant(&value).map(|at| json!(r.moment(at))),
        "at" => instant(&value).map(|at| json!({ "clock": r.moment(at), "ago": r.relative(at) })),
        "subject" | "to" | "person" | "by" => person(&value, r),
        "near" | "roles" | "others" | "waiting_for" | "projects" => Some(json!(joined(&value))),
        "how" => value.as_str().and_then(standing_words).map(|words| json!(words)),
        "stage" => value.as_u64().map(|n| json!(n + 1)),
        _ => None,
    };
    (key, new.unwrap_or(value))
}

/// The topic of `help TOPIC` as its section is named: one word, however it was typed.
pub(super) fn topic(text: &str) -> String {
    text.trim().trim_start_matches("/jit").trim().to_lowercase().chars().take_while(char::is_ascii_alphabetic).collect()
}

fn span(value: &Value) -> Option<Span> {
    serde_json::from_value(value.clone()).ok()
}

fn instant(value: &Value) -> Option<Instant> {
    serde_json::from_value(value.clone()).ok()
}

fn person(value: &Value, r: &Reader<'_>) -> Option<Value> {
    serde_json::from_value::<PersonId>(value.clone()).ok().map(|p| json!(r.name(&p)))
}

fn joined(value: &Value) -> String {
    let words: Vec<_> = value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    words.join(", ")
}

fn standing_words(how: &str) -> Option<&'static str> {
    Some(match how {
        "pending" => "is still being decided",
        "scheduled" => "is approved and waits for its start",
        "granting" => "is approved and on its way",
        "active" => "is granted and working",
        "revoking" => "is being taken away",
        "denied" => "was denied",
        "cancelled" => "was cancelled",
        "unanswered" => "closed without an answer",
        "failed" => "could not be granted",
        "ended" => "has ended",
        _ => return None,
    })
}

/// The data of an answer with every request in it made a line for this reader.
pub(super) fn dressed(data: &Value, r: &Reader<'_>) -> Value {
    let mut data = walk(data, r);
    if let Value::Object(map) = &mut data {
        if let Some(person) = map.get("person").and_then(|p| person(p, r)) {
            map.insert("person".to_owned(), person);
        }
        if let Some(outlook) = map.get("outlook").and_then(|o| serde_json::from_value::<Outlook>(o.clone()).ok()) {
            return before(&outlook, r);
        }
        if let Some(code) = map.get("code").and_then(Value::as_str).map(str::to_owned) {
            map.insert("in_options".to_owned(), json!(typed_in_discord(&code, r)));
        }
        if let Some(events) = map.get("events").and_then(Value::as_array).cloned() {
            let came = |name: &str| json!(events.iter().any(|event| event == name));
            let flags = [("called_off", "cancelled"), ("more_asked", "extension_asked"), ("more_approved", "extension_approved")];
            // What ended it is the first word of its line.
            let act = map.get("act").and_then(Value::as_str).unwrap_or_default();
            let said = events.iter().any(|event| matches!((act, event.as_str()), ("deny", Some("denied")) | ("cancel", Some("cancelled"))));
            map.insert("said".to_owned(), json!(said));
            map.extend(flags.into_iter().chain([("more_given", "extended")]).map(|(flag, event)| (flag.to_owned(), came(event))));
        }
        for key in ["clock", "from", "to_time"] {
            if let Some(at) = map.get(key).and_then(instant) {
                map.insert(key.to_owned(), json!(r.exact(at)));
            }
        }
    }
    data
}

/// How a code is typed in Discord, for those who read it elsewhere and may bring it there.
fn typed_in_discord(code: &str, r: &Reader<'_>) -> Option<String> {
    let has_discord = |people: &Person| people.identities.contains_key(&Platform::Discord);
    let there = r.platform != Platform::Discord && r.catalogue.people.values().any(has_discord);
    there.then(|| Typing::Options.command("link", &[("code", code)]))
}

/// How an ask would go, before it is sent.
pub(super) fn before(outlook: &Outlook, r: &Reader<'_>) -> Value {
    let bare = |names: &[String]| list(&names.iter().map(|name| name.trim_start_matches('@').to_owned()).collect::<Vec<_>>());
    let stage = |stage: &Asked| {
        let night = stage.people.iter().filter(|who| who.night).map(|who| format!("{} for {}", who.clock, r.name(&who.id)));
        let then = |then: &Then| format!("in {} also {}", duration(then.after), bare(&then.names));
        json!({
            "names": bare(&stage.names), "needed": stage.needed, "several": stage.needed > 1,
            "people": list(&stage.people.iter().map(|who| r.name(&who.id)).collect::<Vec<_>>()),
            "night": list(&night.collect::<Vec<_>>()),
            "ladder": stage.ladder.iter().map(then).collect::<Vec<_>>().join(", "),
        })
    };
    json!({
        "person": r.name(&outlook.person), "resource": outlook.resource, "role": outlook.role, "rule": outlook.rule,
        "length": duration(outlook.length), "cap": duration(outlook.cap), "within": outlook.within_cap,
        "may_not": outlook.may_ask == Some(false), "nobody": outlook.nobody,
        "others": list(&outlook.others.iter().map(ToString::to_string).collect::<Vec<_>>()),
        "stages": outlook.stages.iter().map(stage).collect::<Vec<_>>(),
        "at_once": outlook.at_once.map(duration), "extend_to": outlook.extend_to.map(duration),
        "patience": duration(outlook.patience), "usual": outlook.usual.map(rough),
    })
}

fn walk(value: &Value, r: &Reader<'_>) -> Value {
    match value {
        Value::Object(map) if map.contains_key("asks") && map.contains_key("state") => {
            serde_json::from_value::<Request>(value.clone()).map_or(Value::Null, |request| line(&request, r))
        }
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), walk(v, r))).collect::<Map<_, _>>()),
        Value::Array(all) => {
            let mut rows: Vec<_> = all.iter().take(MOST).map(|v| walk(v, r)).collect();
            if all.len() > MOST && rows.iter().all(Value::is_object) {
                rows.push(json!({ "id": "…", "line": format!("and {} more", all.len() - MOST), "request": { "line": "and more" } }));
            }
            Value::Array(rows)
        }
        other => other.clone(),
    }
}

/// One request, as its card has it. How to connect is for whoever the access is for, and for nobody else.
pub(super) fn shown(request: &Request, to: Option<&PersonId>, r: &Reader<'_>, around: &Around) -> Value {
    let how = match &request.state {
        State::Active { work, .. } if to == Some(&request.subject) => work.how_to_connect.as_ref(),
        _ => None,
    };
    json!({
        "view": card(request, r, around), "how_to_connect": lines(how),
        "opened": r.exact(request.opened_at), "opened_ago": r.relative(request.opened_at),
    })
}

/// A credential with what it is for, until when, and how to connect with it. Each of its lines stands alone, as it is typed.
pub(super) fn handed(handed: &Handed, r: &Reader<'_>) -> Value {
    let request = &handed.request;
    let work = match &request.state {
        State::Active { work, .. } => Some(work),
        _ => None,
    };
    json!({
        "id": request.id, "what": standing(request).map(what), "until": work.map(|work| r.moment(work.until)),
        "secret": handed.secret.expose_secret().lines().collect::<Vec<_>>(),
        "how_to_connect": lines(work.and_then(|work| work.how_to_connect.as_ref())),
    })
}

/// One request in a list: its first line, what it waits for and why it was asked.
pub(super) fn line(request: &Request, r: &Reader<'_>) -> Value {
    let view = card(request, r, &Around::default());
    let waiting = view.as_ref().and_then(|v| v.waiting.as_ref()).map(|w| w.names.clone());
    // More time is asked with a length and a reason of its own, which stand together.
    let more = view.as_ref().and_then(|v| v.extension.clone());
    let reason = view.as_ref().filter(|_| more.is_none()).and_then(|v| v.asked.reason.clone());
    json!({ "id": request.id, "line": headline(request, r), "waiting": waiting, "more": more, "reason": reason })
}
