//! Answers about the past as their readers get them: a first line, a line for each thing that leads to its thread, and what has to
//! be known to read them right. Pure; the words are the templates', and so is the layout.

mod did;
mod had;
mod rates;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{marks::Marks, view::Reader};
use crate::domain::{
    ids::PersonId,
    request::{Ending, RequestId},
    spans,
    time::{Instant, Span},
};

/// Answers that are made here, by name.
pub(super) const NAMES: [&str; 3] = ["then", "found", "rates"];

/// What a platform lays out.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct PastPage {
    first: String,
    rows: Vec<Row>,
    /// What has to be known besides.
    notes: Vec<String>,
}

/// A line, and the request that it is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Row {
    words: String,
    id: Option<String>,
    url: Option<String>,
}

impl Row {
    fn about(words: String, id: &RequestId, url: Option<&String>) -> Self {
        Self { words, id: Some(id.to_string()), url: url.cloned() }
    }

    const fn alone(words: String) -> Self {
        Self { words, id: None, url: None }
    }
}

/// Puts a name below `past/` and its data into words.
type Say<'s> = &'s dyn Fn(&str, &Value) -> String;

/// The page of an answer of this name; None: it cannot be read.
pub(super) fn page(name: &str, data: &Value, r: &Reader<'_>, say: Say<'_>) -> Option<PastPage> {
    match name {
        "then" => read(data).map(|page| had::page(&page, r, say)),
        "found" => read(data).map(|page| did::page(&page, r, say)),
        _ => read(data).map(|page| rates::page(&page, r, say)),
    }
}

fn read<T: DeserializeOwned>(data: &Value) -> Option<T> {
    serde_json::from_value(data.clone()).ok()
}

/// Where times are words, whose they are; a platform that shows each reader's own needs no word about it.
fn zone(r: &Reader<'_>, say: Say<'_>) -> Option<String> {
    (r.marks == Marks::Plain).then(|| say("zone", &json!({ "zone": r.tz.name() })))
}

/// How access, or an ask, came to its end; None where nothing is to be said of it.
fn ended(ending: &Ending, r: &Reader<'_>) -> String {
    let by = |verb: &str, by: Option<&PersonId>| by.map_or_else(|| verb.to_owned(), |by| format!("{verb} by {}", r.name(by)));
    match ending {
        Ending::Denied { by: person, .. } => by("denied", Some(person)),
        Ending::Cancelled { by: person, .. } => by("called off", person.as_ref()),
        Ending::Unanswered => "nobody answered".to_owned(),
        Ending::Failed { .. } => "it could not be given".to_owned(),
        Ending::Expired => "its time was over".to_owned(),
        Ending::Returned { by: person } => by("returned early", Some(person)),
        Ending::Revoked { by: person, .. } => by("revoked", person.as_ref()),
        Ending::Left => "the person left".to_owned(),
        Ending::Settled { by: person, .. } => by("settled", Some(person)),
    }
}

/// Is the later one later by at least a second, as people read it?
fn apart(earlier: Instant, later: Instant) -> bool {
    later.seconds() > earlier.seconds()
}

/// A moment as it is typed into a command: the same one whoever types it, so that the next page belongs to this one.
fn typed(at: Instant, r: &Reader<'_>) -> String {
    spans::typed_anywhere(at, r.tz)
}

/// `4 min 20 s`; none is below a second.
fn lasted(span: Span) -> String {
    if span < Span::from_seconds(600) { super::words::duration(span) } else { super::words::rough(span) }
}
