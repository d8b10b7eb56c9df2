//! A digest as its readers get it: one line for a quiet day, else what needs a human, then the day, how approvals went, and the
//! ledger; in as many messages as it takes, up to a bound that is said. Pure; the words and layouts are the templates'.

mod exceptions;
mod happened;
mod pages;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use self::pages::{Lost, Part, Told};
use super::{
    render::Templates,
    view::Reader,
    words::{rough, thousands},
};
use crate::domain::{
    digest::{Digest, Kind, Made, Verified, Window},
    policy::Catalogue,
    request::RequestId,
    time::Span,
};

/// Links behind one line.
const LINKS: usize = 3;
/// Times without a bot that are said one by one.
const AWAY: usize = 3;
/// What is made so much later than its window ended says so: what is open is of another time than what happened.
const LATE: Span = Span::from_minutes(10);
/// A window between these is a day, also where a clock is changed.
const A_DAY: (Span, Span) = (Span::from_minutes(22 * 60), Span::from_minutes(26 * 60));

/// How urgent a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sign {
    /// Access outlives its end, or the ledger does not fit.
    Alarm,
    /// A human has to act.
    Warn,
    /// It is only told.
    Note,
}

/// A line before it has words: its section below `digest/`, its data, and the requests whose threads it leads to.
pub(super) struct Line {
    pub name: &'static str,
    pub data: Value,
    pub sign: Sign,
    pub about: Vec<RequestId>,
}

impl Line {
    fn note(name: &'static str, data: Value) -> Self {
        Self { name, data, sign: Sign::Note, about: Vec::new() }
    }

    fn about(mut self, requests: &[RequestId]) -> Self {
        self.about = requests.to_vec();
        self
    }
}

/// A line in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Row {
    pub words: String,
    pub sign: Sign,
    pub links: Vec<Link>,
    /// Requests beyond those.
    pub more: Option<usize>,
}

/// A request, and the address of its thread where it has one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Link {
    pub id: String,
    pub url: Option<String>,
}

/// One message of a digest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct DigestPage {
    first_line: String,
    /// The name of the thread for the messages after this first one.
    thread: Option<String>,
    needs_human: bool,
    rows: Vec<Row>,
}

/// What of it goes into how many messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Lines and messages that stand already.
    pub told: (usize, usize),
    /// Messages in all.
    pub most: usize,
}

/// The pages of a digest after those that stand already, each with how many lines are told after it.
pub(super) fn pages(
    made: &Made,
    links: &BTreeMap<RequestId, String>,
    bounds: Bounds,
    (templates, r): (&Templates, &Reader<'_>),
) -> Vec<(DigestPage, usize)> {
    let digest = &made.digest;
    let day = made.day();
    let human = (digest.needs_human() > 0).then(|| thousands(digest.needs_human()));
    let say = |name: &str, data: &Value| templates.digest_words(name, data, r);
    let days = (digest.window.days > 1).then_some(digest.window.days);
    let first = |ledger: Option<String>| {
        let name = if ledger.is_some() { "quiet" } else { "first" };
        say(name, &json!({ "day": day, "days": days, "human": human, "ledger": ledger }))
    };
    if is_one_line(made) {
        let ledger = say("ledger", &ledger(digest, r).data);
        let page = DigestPage { first_line: first(Some(ledger)), thread: None, needs_human: false, rows: Vec::new() };
        return if bounds.told.1 == 0 { vec![(page, 0)] } else { Vec::new() };
    }
    let room = templates.digest_room(r.platform);
    // How much is shown is reckoned without names: one that changes while a digest is being told moves no line of it.
    let nobody = Catalogue { people: BTreeMap::new(), ..r.catalogue.clone() };
    let nameless = Reader { catalogue: &nobody, ..*r };
    let say_nameless = |name: &str, data: &Value| templates.digest_words(name, data, &nameless);
    let kept = pages::kept(&laid_out(made, links, &nameless, &say_nameless), (room, bounds.most), &|text| r.marks.plain(text), &|lost| {
        said_of(lost, &say_nameless)
    });
    let rows = pages::shown(laid_out(made, links, r, &say), &kept, |lost| said_of(lost, &say));
    let told = Told { lines: bounds.told.0, messages: bounds.told.1 };
    let cut = pages::cut(&rows, told, room, &|text| r.marks.plain(text));
    let last = told.messages + cut.len();
    let of = |(n, range): (usize, std::ops::Range<usize>)| {
        let number = told.messages + n + 1;
        let is_first = number == 1;
        let first_line = if is_first { first(None) } else { say("continued", &json!({ "day": day, "part": number })) };
        let thread = (is_first && last > 1).then(|| say("thread", &json!({ "day": day })));
        let end = range.end;
        (DigestPage { first_line, thread, needs_human: human.is_some(), rows: rows[range].to_vec() }, end)
    };
    cut.into_iter().enumerate().map(of).collect()
}

fn laid_out(made: &Made, links: &BTreeMap<RequestId, String>, r: &Reader<'_>, say: &impl Fn(&str, &Value) -> String) -> Vec<Part> {
    let rows = |lines: Vec<Line>| lines.iter().map(|line| row(line, links, say)).collect();
    parts(made, r).into_iter().map(|(kind, lines, beyond)| Part { rows: rows(lines), kind, beyond }).collect()
}

/// Nothing to tell: one line, which says how many days it is of. What is asked for says which hours it is of, or as of when.
fn is_one_line(made: &Made) -> bool {
    let is_usual = made.n.is_some() || is_a_day(&made.digest.window);
    made.digest.is_quiet() && made.away.is_empty() && is_usual && !is_late(made)
}

fn is_a_day(window: &Window) -> bool {
    (A_DAY.0..=A_DAY.1).contains(&window.to.since(window.from))
}

fn is_late(made: &Made) -> bool {
    made.digest.made_at.since(made.digest.window.to) > LATE
}

/// The lines of a part, of which kind of exceptions they are, and how many more are only counted.
type Lines = (Option<Kind>, Vec<Line>, u64);

/// What is told, in its parts: what needs a human comes first.
fn parts(made: &Made, r: &Reader<'_>) -> Vec<Lines> {
    let digest = &made.digest;
    let of = |lines: Vec<Line>| (None, lines, 0);
    let kinds = exceptions::kinds(digest, r).into_iter().map(|(kind, (lines, beyond))| (Some(kind), lines, beyond));
    let before = covers(made, r).into_iter().chain(as_of(made, r)).collect();
    let after = [happened::day(digest, r), happened::quality(digest, r), vec![ledger(digest, r)]];
    std::iter::once(of(before)).chain(kinds).chain(after.map(of)).collect()
}

/// As of when it tells what is open, where that is not when its window ended.
fn as_of(made: &Made, r: &Reader<'_>) -> Option<Line> {
    is_late(made).then(|| Line::note("as_of", json!({ "at": r.moment(made.digest.made_at) })))
}

/// That it is of another time than one day, and since when and until when no bot ran.
fn covers(made: &Made, r: &Reader<'_>) -> Option<Line> {
    let window = &made.digest.window;
    if is_a_day(window) && made.away.is_empty() {
        return None;
    }
    let away: Vec<Value> = made.away.iter().take(AWAY).map(|a| json!({ "from": r.moment(a.from), "to": r.moment(a.to) })).collect();
    let data = json!({
        "from": r.moment(window.from), "to": r.moment(window.to), "days": (window.days > 1).then_some(window.days), "away": away,
        "more": made.away.len().checked_sub(AWAY).filter(|more| *more > 0),
    });
    Some(Line::note("covers", data))
}

/// The last line: how the ledger stands.
fn ledger(digest: &Digest, r: &Reader<'_>) -> Line {
    let ledger = &digest.ledger;
    let size = ledger.signed.as_ref().map(|(size, _)| *size);
    let (verified, upto, at) = match &ledger.verified {
        Verified::NotYet => ("not_yet", None, None),
        Verified::Yes { since, .. } if ledger.is_verified() => ("all", None, Some(r.moment(*since))),
        Verified::Yes { size, since, .. } => ("some", Some(thousands(*size)), Some(r.moment(*since))),
        Verified::No { size, at } => ("no", Some(thousands(*size)), Some(r.moment(*at))),
    };
    let data = json!({
        "entries": thousands(ledger.entries), "root": ledger.signed.as_ref().map(|(_, root)| root),
        "signed": size.filter(|size| *size != ledger.entries).map(thousands), "verified": verified, "upto": upto, "at": at,
    });
    let sign = if ledger.is_fine() { Sign::Note } else { Sign::Alarm };
    Line { sign, ..Line::note("ledger", data) }
}

fn row(line: &Line, links: &BTreeMap<RequestId, String>, say: &impl Fn(&str, &Value) -> String) -> Row {
    let link = |id: &RequestId| Link { id: id.to_string(), url: links.get(id).cloned() };
    let more = line.about.len().checked_sub(LINKS).filter(|more| *more > 0);
    Row { words: say(line.name, &line.data), sign: line.sign, links: line.about.iter().take(LINKS).map(link).collect(), more }
}

/// What is said of lines that no message holds.
fn said_of(lost: Lost, say: &impl Fn(&str, &Value) -> String) -> Row {
    let words = match lost {
        Lost::More(Some(kind), count) => say("more_of", &json!({ "kind": kind, "count": thousands(count) })),
        Lost::More(None, count) => say("more", &json!({ "count": thousands(count) })),
        Lost::Elsewhere => say("elsewhere", &Value::Null),
    };
    Row { words, sign: Sign::Note, links: Vec::new(), more: None }
}

/// A length that is told: `3 min 40 s`, `6 h`.
fn length(span: Span) -> String {
    if span < Span::from_minutes(10) { super::words::duration(span) } else { rough(span) }
}

impl Made {
    /// `Tuesday 24 Nov 2026`: the day on which it ends, in its zone.
    fn day(&self) -> String {
        self.digest.window.to.utc().with_timezone(&self.zone()).format("%A %-d %b %Y").to_string()
    }
}
