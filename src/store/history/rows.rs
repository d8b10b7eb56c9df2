//! The history's rows: written in the transaction that writes the document they follow from, read back whole.

use std::collections::BTreeMap;

use super::places::node;
use crate::{
    domain::{
        digest::{Act, Back, Moments, Stage, What, acts, acts_now, back, moments},
        request::{Request, RequestId},
        time::{Instant, Span},
    },
    store::{
        StoreError,
        api::corrupt,
        apply::{exec, micros},
        db::{
            Row,
            Value::{self, Bool, Int, IntOr, Text, TextOr},
        },
        tx::Tx,
    },
};

/// Values of a row of `history`, and of `acts`.
const WIDTH: usize = 22;
const ACT: usize = 9;

/// The columns of a row, in the order in which `row` reads them.
macro_rules! columns {
    () => {
        "request, stage, resource, role, requester, subject, opened_at, begun_at, held_from, had_before, absent_at, ended_at, gone_at, \
         closed_at, ending, closed_by, sessions, sampled, less, settled_at, settled_by"
    };
}
pub(super) use columns;

macro_rules! insert {
    ($otherwise:literal) => {
        concat!("INSERT INTO history (", columns!(), ", node) VALUES {rows} ON CONFLICT (request) DO ", $otherwise)
    };
}

/// What a stage brings is written once: a document that changes otherwise leaves its row as it is.
const PUT: &str = insert!(
    "UPDATE SET stage = excluded.stage, role = excluded.role, begun_at = excluded.begun_at, held_from = excluded.held_from, \
     had_before = excluded.had_before, absent_at = COALESCE(history.absent_at, excluded.absent_at), ended_at = excluded.ended_at, \
     gone_at = excluded.gone_at, closed_at = excluded.closed_at, ending = excluded.ending, closed_by = excluded.closed_by, \
     sessions = excluded.sessions, sampled = excluded.sampled, less = excluded.less, \
     settled_at = excluded.settled_at, settled_by = excluded.settled_by, node = excluded.node \
     WHERE history.stage <> excluded.stage"
);
const ADD: &str = insert!("NOTHING");
const ACTED: &str = "INSERT INTO acts (person, at, request, kind, subject, resource, opened_at, took, decided) VALUES {rows} \
                     ON CONFLICT (person, at, request, kind) DO NOTHING";

const BACK: &str = "INSERT INTO came_back (request, resource, from_at) VALUES {rows} ON CONFLICT (request, from_at) DO NOTHING";
const GONE: &str = "WITH v (request, at) AS (VALUES {rows}) UPDATE came_back SET to_at = v.at FROM v \
                    WHERE came_back.request = v.request AND came_back.to_at IS NULL";

/// The rows of documents that are being written.
pub(in crate::store) fn apply<'a>(tx: &mut Tx<'_>, requests: impl Iterator<Item = &'a Request>) {
    let (mut rows, mut acted, mut returned, mut left) = (Vec::new(), BTreeMap::new(), Vec::new(), Vec::new());
    for request in requests {
        match back(request) {
            Some(Back::Since(at)) => returned.push(came_back(request, at)),
            Some(Back::Until(at)) => left.push([Text(request.id.to_string()), Int(at.micros())]),
            None => {}
        }
        rows.extend(moments(request).map(|row| values(&request.id, &row)));
        add(&mut acted, request, acts_now(request));
    }
    exec(tx, PUT, rows, None);
    exec(tx, ACTED, acted.into_values().collect(), None);
    exec(tx, BACK, returned, None);
    exec(tx, GONE, left, None);
}

/// The rows of documents that were written without any, as far as those still say.
pub(super) fn apply_older(tx: &mut Tx<'_>, requests: &[Request]) {
    let (mut rows, mut acted, mut returned) = (Vec::new(), BTreeMap::new(), Vec::new());
    let mut requests: Vec<&Request> = requests.iter().collect();
    requests.sort_by(|a, b| a.id.cmp(&b.id));
    for request in requests {
        // When it was found absent is not known any more: from its beginning it was perhaps not there.
        let row = moments(request).map(|row| Moments { absent_at: row.absent_at.and(row.held_from), ..row });
        rows.extend(row.map(|row| values(&request.id, &row)));
        add(&mut acted, request, acts(request));
        if let Some(Back::Since(at)) = back(request) {
            returned.push(came_back(request, at));
        }
    }
    exec(tx, ADD, rows, None);
    exec(tx, BACK, returned, None);
    exec(tx, ACTED, acted.into_values().collect(), None);
}

fn came_back(request: &Request, at: Instant) -> [Value; 3] {
    [Text(request.id.to_string()), Text(request.main_ask().resource.to_string()), Int(at.micros())]
}

type Key = (String, i64, String, &'static str);

/// Each act once: one statement cannot write a row twice.
fn add(all: &mut BTreeMap<Key, [Value; ACT]>, request: &Request, acts: Vec<Act>) {
    let resource = &request.main_ask().resource;
    for act in acts {
        let Act { person, kind, at, took, decided } = act;
        let key = (person.to_string(), at.micros(), request.id.to_string(), kind.name());
        let seconds = |span: Option<Span>| IntOr(span.map(Span::seconds));
        let row = [
            Text(key.0.clone()),
            Int(key.1),
            Text(key.2.clone()),
            Text(kind.name().to_owned()),
            Text(request.subject.to_string()),
            Text(resource.to_string()),
            Int(request.opened_at.micros()),
            seconds(took),
            seconds(decided),
        ];
        all.insert(key, row);
    }
}

fn values(request: &RequestId, row: &Moments) -> [Value; WIDTH] {
    [
        Text(request.to_string()),
        Int(row.stage.number()),
        Text(row.resource.to_string()),
        Text(row.role.to_string()),
        Text(row.requester.to_string()),
        Text(row.subject.to_string()),
        Int(row.opened_at.micros()),
        IntOr(micros(row.begun_at)),
        IntOr(micros(row.held_from)),
        Bool(row.had_before),
        IntOr(micros(row.absent_at)),
        IntOr(micros(row.ended_at)),
        IntOr(micros(row.gone_at)),
        IntOr(micros(row.closed_at)),
        TextOr(row.ending.map(|ending| ending.name().to_owned())),
        TextOr(row.closed_by.as_ref().map(ToString::to_string)),
        IntOr(row.sessions.map(i64::from)),
        Bool(row.sampled),
        Bool(row.less),
        IntOr(micros(row.settled.as_ref().map(|(_, at)| *at))),
        TextOr(row.settled.as_ref().map(|(by, _)| by.to_string())),
        IntOr(row.begun_at.zip(row.gone_at).map(|(begun, gone)| node(begun, gone))),
    ]
}

/// A name as it was stored.
pub(super) fn name<T: std::str::FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| corrupt("a name in the history"))
}

/// Columns `columns!()`.
pub(super) fn row(row: &Row) -> Result<(RequestId, Moments), StoreError> {
    let at = |index| Ok::<_, StoreError>(row.int_or(index)?.map(Instant::from_micros));
    let moments = Moments {
        stage: Stage::numbered(row.int(1)?).ok_or_else(|| corrupt("a stage"))?,
        resource: name(&row.text(2)?)?,
        role: name(&row.text(3)?)?,
        requester: name(&row.text(4)?)?,
        subject: name(&row.text(5)?)?,
        opened_at: Instant::from_micros(row.int(6)?),
        begun_at: at(7)?,
        held_from: at(8)?,
        had_before: row.bool(9)?,
        absent_at: at(10)?,
        ended_at: at(11)?,
        gone_at: at(12)?,
        closed_at: at(13)?,
        ending: row.text_or(14)?.map(|name| What::ending(&name).ok_or_else(|| corrupt("an ending"))).transpose()?,
        closed_by: row.text_or(15)?.as_deref().map(name).transpose()?,
        sessions: row.int_or(16)?.and_then(|sessions| u32::try_from(sessions).ok()),
        sampled: row.bool(17)?,
        less: row.bool(18)?,
        settled: row.text_or(20)?.as_deref().map(name).transpose()?.zip(at(19)?),
    };
    Ok((name(&row.text(0)?)?, moments))
}
