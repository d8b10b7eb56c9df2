//! Fills a store with live grants: documents, claims, entitlements and ledger entries as a bot would have written them.

use std::{collections::BTreeMap, sync::Arc};

use hallpass::{
    domain::{
        command::{Actor, Length},
        due,
        entitlement::{Claim, Entitlement, EntitlementKey, Handle, Order, Ownership},
        event::Event,
        facts::{Facts, Groups},
        ids::PersonId,
        policy::Catalogue,
        request::{Ask, AskKind, Grant, GrantId, Preview, Request, RequestId, Vote, Work},
        time::{Instant, Span},
        words::Words,
    },
    store::{ClaimWrite, Commit, EntitlementWrite, NewEntry, RequestWrite, Store},
};
use tokio::task::JoinSet;

use crate::house::{PEOPLE, RESOURCES, catalogue, target};

pub(crate) const LIVE: u32 = 100_000;
const HOUR: Span = Span::from_minutes(60);
/// Grants in one transaction.
const CHUNK: u32 = 100;

/// What to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) count: u32,
    /// The first ones, `soon` of them, end within one second from here.
    pub(crate) ends_at: Instant,
    pub(crate) soon: u32,
    /// The moment at which the others were last looked at, spread over the ten minutes before it.
    pub(crate) looked_at: Instant,
}

/// Something that is live, as the adapter of the figure has it.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) order: Order,
    pub(crate) ownership: Ownership,
    pub(crate) handle: Option<Handle>,
}

/// What the n-th grant is called.
pub(crate) fn grant_id(n: u32) -> GrantId {
    GrantId::new(u128::from(n) << 64)
}

/// Whose the n-th grant is.
pub(crate) fn person(n: u32) -> anyhow::Result<PersonId> {
    Ok(format!("p{}", usize::try_from(n)? % PEOPLE).parse()?)
}

/// Writes it all, then waits for the last commit.
pub(crate) async fn fill(store: &Store, plan: Plan) -> anyhow::Result<()> {
    held(store, plan, Arc::new([])).await
}

/// The same, of what is really held: the n-th grant holds the n-th of these, and what the figures' own provider has beyond them.
pub(crate) async fn held(store: &Store, plan: Plan, held: Arc<[Held]>) -> anyhow::Result<()> {
    let catalogue = Arc::new(catalogue());
    let mut running: JoinSet<anyhow::Result<()>> = JoinSet::new();
    for first in (0..plan.count).step_by(usize::try_from(CHUNK)?) {
        if running.len() >= 4
            && let Some(done) = running.join_next().await
        {
            done??;
        }
        let (store, catalogue, held) = (store.clone(), catalogue.clone(), held.clone());
        running.spawn(async move {
            let mut commit = Commit::default();
            for n in first..(first + CHUNK).min(plan.count) {
                add(&mut commit, n, plan, (&catalogue, held.get(usize::try_from(n)?)))?;
            }
            commit.requests.sort_by(|a, b| a.request.id.cmp(&b.request.id));
            Ok(store.commit(commit).await?)
        });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    Ok(())
}

/// An order to the figures' own provider.
fn ours(n: u32, person: &PersonId, resource: &str, until: Instant) -> anyhow::Result<Order> {
    Ok(Order {
        provider: "bench".parse()?,
        target: target(&format!("{resource}/{n}"), until),
        principal: person.to_string(),
        person: person.clone(),
        inputs: BTreeMap::new(),
        grant: String::new(),
        by_hand: "switch it off".into(),
    })
}

fn add(commit: &mut Commit, n: u32, plan: Plan, (catalogue, held): (&Catalogue, Option<&Held>)) -> anyhow::Result<()> {
    let soon = n < plan.soon;
    let part = i64::from(n) * 1_000_000 / i64::from(plan.soon.max(1));
    let until = if soon { Instant::from_micros(plan.ends_at.micros() + part) } else { plan.ends_at + HOUR + HOUR + HOUR };
    let since = until - HOUR;
    let person = person(n)?;
    let resource = format!("r{}", usize::try_from(n)? / PEOPLE % RESOURCES);
    let Held { order, ownership, handle } = match held {
        Some(held) => held.clone(),
        None => Held { order: ours(n, &person, &resource, until)?, ownership: Ownership::Shared, handle: None },
    };
    let reason = Words::new("look at the stuck import of last night", u128::from(n));
    let ask = Ask {
        kind: AskKind::First,
        by: person.clone(),
        subject: person.clone(),
        resource: resource.parse()?,
        role: "use".parse()?,
        length: Length::For(HOUR),
        start: None,
        reason: Some(reason.id.clone()),
        ticket: None,
        about: None,
        direct: false,
        at: since,
        policy: "usual".parse()?,
        preview: Preview { gets: "switches use on".into(), by_hand: "switch it off".into(), order: Some((order.clone(), ownership)) },
    };
    let grant_id = grant_id(n);
    let vote = Vote { person: "boss".parse()?, stage: 0, rung: 0, at: since, comment: None };
    let key = EntitlementKey::of(&order, ownership, &grant_id);
    let grant = Grant {
        id: grant_id.clone(),
        entitlement: key.clone(),
        resource: resource.parse()?,
        role: "use".parse()?,
        policy: "usual".parse()?,
        duration: HOUR,
        end: None,
        ceiling: HOUR,
        cap: Span::from_minutes(480),
        grace: Span::ZERO,
        warning: Span::from_minutes(6),
        decided_at: since,
        give_up_at: since + Span::from_minutes(15),
        latest: until + Span::from_minutes(15),
        votes: vec![vote.clone()],
    };
    let work = Work {
        since,
        until,
        native_expiry: None,
        had_before: false,
        how_to_connect: None,
        warned: false,
        grace_used: false,
        graced_from: None,
        found_absent: false,
        extended: Vec::new(),
        unmet: Vec::new(),
    };
    let mut events = vec![
        Event::Asked { ask: ask.clone() },
        Event::Approved { person: vote.person, stage: 0, rung: 0, comment: None },
        Event::Granting { grant: grant.clone() },
        Event::Working { work },
    ];
    if soon {
        events.push(Event::Warned);
    }
    let opened = Request::open(RequestId::new(u64::from(n)), ask, since);
    let request = events.iter().skip(1).try_fold(opened, |request, event| request.apply(event, since))?;
    let stream = format!("request/{}", request.id);
    for event in &events {
        let event = serde_json::to_value(event)?;
        commit.entries.push(NewEntry { stream: stream.clone(), at: since, actor: Actor::BOT, policy: catalogue.digest.clone(), event });
    }
    let mut row = Entitlement::new(key.clone(), ownership, order);
    let looked = Instant::from_micros(plan.looked_at.micros() - i64::from(n % 6_000) * 100_000);
    (row.given, row.progress.looked_at, row.handle) = (true, Some(looked), handle);
    row.had_before = (ownership == Ownership::Shared).then_some(false);
    let due_at = (looked + Span::from_minutes(10)).min(until + Span::from_seconds(2));
    commit.entitlements.push(EntitlementWrite::Want { row, due_at, urgent: false });
    commit.claims.push(ClaimWrite::Put(Claim {
        entitlement: key,
        request: request.id.clone(),
        grant: grant_id,
        wanted: true,
        until: Some(until),
        extend_to: None,
        latest: grant.latest,
        give_up_at: grant.give_up_at,
        duration: HOUR,
    }));
    let facts = Facts { catalogue, groups: &Groups::default() };
    let wake_at = due::wake_at(&request, &facts, since, since);
    commit.requests.push(RequestWrite { request, expected: None, wake_at });
    commit.words.push(reason);
    Ok(())
}
