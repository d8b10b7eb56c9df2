//! The streams, each in its order: bytes, numbers, instants, and what the entries mean together.

use std::collections::BTreeSet;

use super::{BATCH, effects::Effects, findings::Findings, life::Life};
use crate::{
    domain::{
        event::Operation,
        time::{Instant, Span},
    },
    store::{
        Entry, Snapshot, StoreError,
        entry::{self, Said},
    },
};

/// What a stream is about.
enum Kind {
    Bot,
    Entitlement(Effects),
    Request(Box<Life>),
    /// Of a kind that this version does not judge, or broken: its bytes and numbers are checked all the same.
    Other,
}

/// When the bot could not act: it was down, the clock jumped, the store was away.
#[derive(Debug, Default)]
pub(super) struct Resumed {
    /// Moments from which it could again; since when it could not is not known.
    from: BTreeSet<Instant>,
    /// From when to when the store was away.
    away: Vec<(Instant, Instant)>,
}

/// What R3 allows between an end and its alarm.
const IN_TIME: Span = Span::from_seconds(30);

impl Resumed {
    fn note(&mut self, at: Instant, operation: &Operation) {
        match operation {
            Operation::Started { .. } => drop(self.from.insert(at)),
            Operation::ClockJumped { to, .. } => self.from.extend([at, *to]),
            Operation::StoreWasDown { since, for_ } => self.away.push((*since, at.max(*since + *for_))),
            _ => {}
        }
    }

    /// Was something due at `due` known by `seen`, or within the same time of the moment from which it could be?
    pub(super) fn in_time(&self, due: Instant, seen: Instant) -> bool {
        let by = due + IN_TIME;
        let away = |(since, back): &(Instant, Instant)| *since <= by && due <= *back && seen <= *back + IN_TIME;
        seen <= by
            || self.from.range(due..=seen).next_back().is_some_and(|resumed| seen <= *resumed + IN_TIME)
            || self.away.iter().any(away)
    }
}

struct Walk {
    stream: String,
    next: u64,
    last: Instant,
    kind: Kind,
    resumed: Resumed,
    /// Of the newest entry of all: how far the ledger knows what happened.
    newest: Instant,
}

/// Reads every stream from its beginning.
pub(super) async fn check(snapshot: &mut Snapshot, findings: &mut Findings) -> Result<(), StoreError> {
    let newest = snapshot.newest().await?.unwrap_or(Instant::from_micros(i64::MIN));
    let start = Instant::from_micros(i64::MIN);
    let mut walk = Walk { stream: String::new(), next: 0, last: start, kind: Kind::Other, resumed: Resumed::default(), newest };
    let mut last: (String, u64) = (String::new(), 0);
    loop {
        let batch = snapshot.in_streams(&last.0, last.1, BATCH).await?;
        let Some(newest) = batch.last() else { break };
        last = (newest.stream.clone(), newest.n);
        for entry in &batch {
            if entry.stream != walk.stream {
                walk.finish(snapshot, findings).await?;
                walk.begin(&entry.stream);
            }
            walk.step(snapshot, entry, findings).await?;
        }
    }
    walk.finish(snapshot, findings).await?;
    for (stream, there, counted) in snapshot.cut_streams(BATCH).await? {
        findings.lost_numbers(&stream, there, counted - 1);
    }
    for id in snapshot.requests_without_stream(BATCH).await? {
        findings.say(format!("{id}: a document, and not one entry of it"));
    }
    Ok(())
}

impl Walk {
    fn begin(&mut self, stream: &str) {
        stream.clone_into(&mut self.stream);
        (self.next, self.last) = (0, Instant::from_micros(i64::MIN));
        self.kind = match stream.split_once('/') {
            None if stream == "bot" => Kind::Bot,
            Some(("entitlement", _)) => Kind::Entitlement(Effects::default()),
            Some(("request", id)) => id.parse().map_or(Kind::Other, |id| Kind::Request(Box::new(Life::new(id)))),
            _ => Kind::Other,
        };
    }

    async fn step(&mut self, snapshot: &mut Snapshot, entry: &Entry, findings: &mut Findings) -> Result<(), StoreError> {
        let Entry { stream, n, .. } = entry;
        if *n > self.next {
            findings.lost_numbers(stream, self.next, n - 1);
            self.kind = Kind::Other;
        }
        self.next = n + 1;
        let wrong = match entry::decode(entry) {
            Err(why) => Some(why),
            Ok(said) if said.at < self.last => Some("earlier than the one before it".into()),
            Ok(said) => {
                self.last = said.at;
                self.judge(snapshot, said).await?
            }
        };
        if let Some(why) = wrong {
            findings.say(format!("{stream} number {n}: {why}"));
            // What follows from it would only repeat it.
            self.kind = Kind::Other;
        }
        Ok(())
    }

    /// What is wrong with what it says.
    async fn judge(&mut self, snapshot: &mut Snapshot, said: Said) -> Result<Option<String>, StoreError> {
        Ok(match &mut self.kind {
            Kind::Other => None,
            // The bot's own stream comes before the requests' in every order of names.
            Kind::Bot => match serde_json::from_value::<Operation>(said.event) {
                Err(error) => Some(format!("its event cannot be read: {error}")),
                Ok(operation) => {
                    self.resumed.note(said.at, &operation);
                    None
                }
            },
            Kind::Entitlement(effects) => effects.step(said.event).err(),
            Kind::Request(life) => match life.step(&self.resumed, said) {
                Err(why) => Some(why),
                Ok(None) => None,
                Ok(Some(gone)) => gone.wrong(snapshot).await?,
            },
        })
    }

    async fn finish(&mut self, snapshot: &mut Snapshot, findings: &mut Findings) -> Result<(), StoreError> {
        let Kind::Request(life) = std::mem::replace(&mut self.kind, Kind::Other) else { return Ok(()) };
        if let Some(why) = life.unreported(&self.resumed, self.newest) {
            findings.say(format!("{}: {why}", self.stream));
        }
        let stored = snapshot.document(life.id().as_str()).await?;
        if let Some(why) = life.differs(stored.as_deref())
            // What is missing at the end of the stream is said as that.
            && snapshot.counted(&self.stream).await? <= self.next
        {
            findings.say(format!("{}: {why}", life.id()));
        }
        Ok(())
    }
}
