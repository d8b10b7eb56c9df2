//! `ledger list` and `ledger show`: entries a page at a time, filtered, as lines for people or as they are stored.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io::Write,
};

use anyhow::anyhow;
use clap::Args;
use serde_json::Value;

use super::line::{self, Line};
use crate::{
    domain::{event::Event, request::RequestId, time::Instant, words},
    store::{
        Entry, Snapshot,
        entry::{self, Said},
    },
};

const PAGE: u32 = 500;

/// Which entries to list; all of them must fit.
#[derive(Debug, Clone, Default, Args)]
pub struct Filters {
    /// Only what this person did, and what happened to requests by or for them
    #[arg(long, value_name = "ID")]
    person: Option<String>,
    /// Only what concerns this resource
    #[arg(long, value_name = "ID")]
    resource: Option<String>,
    /// Only from this moment on: 2026-11-20T14:05:30Z, or "2026-11-20 14:05:30" for UTC
    #[arg(long, value_name = "TIME", value_parser = super::moment)]
    since: Option<Instant>,
    /// Only before this moment
    #[arg(long, value_name = "TIME", value_parser = super::moment)]
    until: Option<Instant>,
    /// Only entries of these kinds, such as approved,denied
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<String>,
    /// Only the newest so many
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
}

/// `ledger list`.
pub(super) async fn list(snapshot: &mut Snapshot, filters: &Filters, json: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let since = filters.since.unwrap_or(Instant::from_micros(i64::MIN));
    let until = filters.until.unwrap_or(Instant::from_micros(i64::MAX));
    let mut concerned = Concerned::default();
    let mut newest: VecDeque<String> = VecDeque::new();
    let mut after = i64::MIN;
    let mut count = 0_usize;
    loop {
        let entries = snapshot.written(after, since, until, PAGE).await?;
        let Some(last) = entries.last() else { break };
        after = last.id;
        for entry in &entries {
            let Some(said) = concerned.fits(snapshot, filters, entry).await? else { continue };
            count += 1;
            let text = text_of(entry, &said, json);
            match filters.limit {
                None => writeln!(out, "{text}")?,
                Some(limit) => {
                    newest.push_back(text);
                    if newest.len() > limit {
                        newest.pop_front();
                    }
                }
            }
        }
    }
    for text in newest {
        writeln!(out, "{text}")?;
    }
    if count == 0 {
        eprintln!("no entry fits");
    }
    Ok(())
}

fn text_of(entry: &Entry, said: &Result<Said, String>, json: bool) -> String {
    if json { String::from_utf8_lossy(&entry.bytes).into_owned() } else { Line { entry, said }.to_string() }
}

/// Requests and entitlements that the filters mean, as far as they were met.
#[derive(Default)]
struct Concerned {
    requests: BTreeMap<String, bool>,
    entitlements: BTreeSet<String>,
}

impl Concerned {
    /// What the entry says, if it fits. An entry that cannot be read always fits: it must be seen.
    async fn fits(&mut self, snapshot: &mut Snapshot, filters: &Filters, entry: &Entry) -> anyhow::Result<Option<Result<Said, String>>> {
        let said = match entry::decode(entry) {
            Err(why) => return Ok(Some(Err(why))),
            Ok(said) => said,
        };
        let is_about = self.is_about(snapshot, filters, entry, &said).await?;
        if is_about
            && entry.stream.starts_with("request/")
            && let Ok(Event::Granting { grant }) = serde_json::from_value(said.event.clone())
        {
            self.entitlements.insert(format!("entitlement/{}", grant.entitlement.0));
        }
        let is_kind = filters.kind.is_empty() || filters.kind.iter().any(|kind| said.event["type"] == kind.as_str());
        Ok((is_about && is_kind).then_some(Ok(said)))
    }

    async fn is_about(&mut self, snapshot: &mut Snapshot, filters: &Filters, entry: &Entry, said: &Said) -> anyhow::Result<bool> {
        if filters.person.is_none() && filters.resource.is_none() {
            return Ok(true);
        }
        if self.entitlements.contains(&entry.stream) {
            return Ok(true);
        }
        let named = |name: &String| names(&said.event, name) || said.actor.person.as_ref().is_some_and(|person| person.as_str() == name);
        let is_named = filters.person.iter().chain(&filters.resource).all(named);
        let Some(id) = entry.stream.strip_prefix("request/") else { return Ok(is_named) };
        if !self.requests.contains_key(id) {
            let row = snapshot.request_row(id).await?;
            let is_concerned = row.is_some_and(|(requester, subject, resource)| {
                filters.person.as_ref().is_none_or(|person| *person == requester || *person == subject)
                    && filters.resource.as_ref().is_none_or(|wanted| *wanted == resource)
            });
            self.requests.insert(id.to_owned(), is_concerned);
        }
        Ok(is_named || self.requests.get(id).copied().unwrap_or_default())
    }
}

/// Is this name a whole value anywhere in the entry?
fn names(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => text == name,
        Value::Array(items) => items.iter().any(|item| names(item, name)),
        Value::Object(fields) => fields.values().any(|item| names(item, name)),
        _ => false,
    }
}

/// `ledger show`.
pub(super) async fn show(snapshot: &mut Snapshot, id: &str, json: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let stream = stream_of(snapshot, id).await?;
    let mut from = 0;
    loop {
        let entries = snapshot.of_stream(&stream, from, PAGE).await?;
        let Some(last) = entries.last() else { break };
        from = last.n + 1;
        for entry in &entries {
            let said = entry::decode(entry);
            writeln!(out, "{}", text_of(entry, &said, json))?;
            if !json && let Ok(said) = &said {
                for text in snapshot.texts(&words::of(&said.event)).await?.values() {
                    writeln!(out, "    \"{}\"", line::plain(text))?;
                }
            }
        }
    }
    if from == 0 { Err(anyhow!("there is no {id} in this ledger")) } else { Ok(()) }
}

/// A request however it is typed, `bot`, or a stream whose name may be cut as `list` cuts it.
async fn stream_of(snapshot: &mut Snapshot, id: &str) -> anyhow::Result<String> {
    let bare = id.strip_prefix("request/").unwrap_or(id);
    if let Ok(id) = bare.parse::<RequestId>() {
        return Ok(format!("request/{id}"));
    }
    let found = snapshot.streams_like(id).await?;
    match found.as_slice() {
        [one] => Ok(one.clone()),
        _ if found.iter().any(|stream| stream == id) => Ok(id.to_owned()),
        [] => {
            Err(anyhow!("there is no {id} in this ledger: give a request such as R-7K3QD2, `bot`, or a stream as `ledger list` prints it"))
        }
        _ => Err(anyhow!("{id} is the beginning of several streams: give more of it")),
    }
}
