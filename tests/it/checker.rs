//! The pure checker: holds the rules of DESIGN.md over what a store, a ledger, a provider and the chats remember.
//! Knows no clock and calls nothing; whoever made a mess (a crash, a fault, random commands) hands in the evidence.

mod house;
mod ledger;
mod life;
mod provider;
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use hallpass::{
    domain::{
        command::Actor,
        entitlement::{Claim, Entitlement, EntitlementKey},
        event::{Effect, Event},
        ids::PolicyName,
        policy::Policy,
        request::{Request, RequestId},
        time::{Instant, Span},
    },
    store::{Alarm, Entry, Filter, InboxRow, Store},
};

/// Everything that is known at the end.
#[derive(Default)]
pub(crate) struct Evidence {
    // -- read from the store
    pub requests: Vec<Request>,
    pub claims: Vec<Claim>,
    pub entitlements: Vec<Entitlement>,
    pub entries: Vec<Entry>,
    /// Open and closed.
    pub alarms: Vec<Alarm>,
    /// Received and not handled.
    pub inbox: Vec<InboxRow>,
    // -- handed in
    /// The policies in force, for the number of approvals.
    pub policies: BTreeMap<PolicyName, Policy>,
    /// The provider's own record: real changes only, in order.
    pub changes: Vec<Change>,
    /// What it answered when it was looked at; None: it keeps no such record.
    pub looks: Option<Vec<Look>>,
    /// What was on before the bot came.
    pub before: BTreeSet<Object>,
    /// What doors and threads said of requests.
    pub said: Vec<Said>,
    /// When the bot was down: from, to.
    pub down: Vec<(Instant, Instant)>,
    /// When it is judged.
    pub now: Option<Instant>,
    /// Nothing disturbed anything for so long that all that was due must be done.
    pub settled: bool,
    /// By how much the record's moments may be late, where processes and a real machine are involved.
    pub slack: Span,
}

/// What a provider switches on and off. `grant` is the order's own name for it; empty where the provider knows none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Object {
    pub provider: String,
    /// The target's JSON, as intents write it.
    pub target: String,
    pub principal: String,
    pub grant: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub at: Instant,
    pub object: Object,
    pub on: bool,
    /// Somebody did it without the bot.
    pub by_hand: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub at: Instant,
    pub object: Object,
    pub present: bool,
}

/// Somebody was told that this request had come to its `n`th event (counted from one).
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub at: Instant,
    pub request: RequestId,
    pub n: u64,
}

impl Evidence {
    /// What a store holds; the rest is for the caller to add.
    pub(crate) async fn of(store: &Store) -> Self {
        let requests = store.requests(&Filter { limit: u32::MAX, ..Filter::default() }).await.unwrap();
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let more = store.all_entries(entries.last().map_or(0, |e| e.id), 10_000).await.unwrap();
            if more.is_empty() {
                break;
            }
            entries.extend(more);
        }
        let streams: BTreeSet<&str> = entries.iter().map(|e| e.stream.as_str()).collect();
        let keys: Vec<_> = streams.iter().filter_map(|s| s.strip_prefix("entitlement/")).map(|key| EntitlementKey(key.into())).collect();
        let mut alarms = store.open_alarms().await.unwrap();
        for request in &requests {
            let closed = store.alarm(&still_open(&request.id)).await.unwrap().filter(|alarm| alarm.cleared_at.is_some());
            alarms.extend(closed);
        }
        let mut entitlements = Vec::new();
        for key in &keys {
            entitlements.extend(store.entitlement(key).await.unwrap());
        }
        let (claims, inbox) = (store.claims(&keys).await.unwrap(), store.inbox_open(u32::MAX).await.unwrap());
        Self { requests, claims, entitlements, entries, alarms, inbox, ..Self::default() }
    }

    fn now(&self) -> Instant {
        self.now.unwrap_or(Instant::from_micros(i64::MAX))
    }
}

fn still_open(id: &RequestId) -> String {
    format!("still_open/{id}")
}

/// Holds every rule over it. Each finding names the rule and the ids; none: it is sound.
pub(crate) fn check(evidence: &Evidence) -> Vec<String> {
    let mut findings = Vec::new();
    let book = Book::read(evidence, &mut findings);
    let rules: [fn(&Evidence, &Book) -> Vec<String>; 19] = [
        provider::r1_effects_lie_within_a_committed_intent,
        provider::r1_intents_are_for_what_was_granted,
        ledger::r2_every_outcome_has_its_intent,
        ledger::r2_every_intent_comes_to_something,
        provider::r3_what_outlives_its_end_has_an_alarm,
        house::r3_a_raised_alarm_has_its_row,
        provider::r4_gone_is_read_back_after_every_unknown_call,
        provider::r4_what_is_said_to_remain_is_so,
        life::r5_the_quorum_was_met_by_different_people,
        provider::r6_what_was_there_before_stays,
        provider::r6_no_grant_cuts_another,
        life::r7_who_acts_may_and_is_who_it_says,
        life::r8_no_end_is_later_than_approved,
        provider::r9_working_and_gone_are_said_after_they_are_true,
        house::r9_what_was_said_is_recorded,
        ledger::r12_documents_are_the_fold_of_their_stream,
        ledger::r12_streams_are_whole_and_never_go_back,
        house::r14_every_request_of_the_ledger_is_listed,
        house::settled_leaves_nothing_half_done,
    ];
    findings.extend(rules.iter().flat_map(|rule| rule(evidence, &book)));
    findings
}

/// One event of a request's stream.
struct Line {
    at: Instant,
    actor: Actor,
    event: Event,
}

/// The ledger, read.
#[derive(Default)]
struct Book {
    requests: BTreeMap<RequestId, Vec<Line>>,
    /// By entitlement key.
    effects: BTreeMap<String, Vec<(Instant, Effect)>>,
}

impl Book {
    fn read(evidence: &Evidence, findings: &mut Vec<String>) -> Self {
        let mut book = Self::default();
        let mut entries: Vec<&Entry> = evidence.entries.iter().collect();
        entries.sort_by_key(|entry| (&entry.stream, entry.n));
        for entry in entries {
            if book.add(entry).is_none() && entry.stream.contains('/') {
                findings.push(format!("R2 {} number {}: it cannot be read", entry.stream, entry.n));
            }
        }
        book
    }

    fn add(&mut self, entry: &Entry) -> Option<()> {
        let mut value: serde_json::Value = serde_json::from_slice(&entry.bytes).ok()?;
        let (event, actor) = (value.get_mut("event")?.take(), value.get_mut("actor")?.take());
        match entry.stream.split_once('/')? {
            ("request", id) => {
                let line = Line { at: entry.at, actor: serde_json::from_value(actor).ok()?, event: serde_json::from_value(event).ok()? };
                self.requests.entry(id.parse().ok()?).or_default().push(line);
            }
            ("entitlement", key) => self.effects.entry(key.to_owned()).or_default().push((entry.at, serde_json::from_value(event).ok()?)),
            _ => return None,
        }
        Some(())
    }

    /// The streams of entitlements that this object belongs to.
    fn streams_of<'a>(&'a self, object: &Object) -> impl Iterator<Item = (&'a str, &'a [(Instant, Effect)])> {
        let object = object.clone();
        let ours = move |key: &str, effect: &Effect| match effect {
            Effect::Intent { provider, target, principal, grants, .. } => {
                let named = object.grant.is_empty() || key.starts_with(&object.grant) || grants.contains(&object.grant);
                named && (provider, target, principal) == (&object.provider, &object.target, &object.principal)
            }
            _ => false,
        };
        let mine = self.effects.iter().filter(move |(key, lines)| lines.iter().any(|(_, effect)| ours(key, effect)));
        mine.map(|(key, lines)| (key.as_str(), lines.as_slice()))
    }

    /// The lives of the grants on this entitlement.
    fn lives_on<'a>(&'a self, key: &'a str) -> impl Iterator<Item = life::Life<'a>> {
        let lives = self.requests.iter().filter_map(|(id, lines)| life::Life::of(id, lines));
        lives.filter(move |life| life.grant.entitlement.0 == key)
    }
}
