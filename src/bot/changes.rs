//! From a decision to a transaction: the document, its claim, the ledger entries, and the tasks that bring cards,
//! threads and entitlements in line. Everything here is derived; nothing is decided.

use super::{Bot, alarms};
use crate::{
    domain::{
        command::Actor,
        due,
        entitlement::{Claim, Entitlement, Order, Ownership},
        event::{AlarmKind, Event},
        facts::{Facts, Groups},
        policy::{Catalogue, Platform},
        request::{Grant, Request, RequestId, State},
        time::Instant,
    },
    store::{Alarm, AlarmWrite, ClaimWrite, Commit, EntitlementWrite, RequestWrite, StoreError, TaskKind, TaskWant},
};

/// One request before and after its events.
pub(super) struct Step<'a> {
    pub before: Option<&'a Request>,
    pub after: &'a Request,
    pub events: &'a [Event],
    pub actor: &'a Actor,
    pub order: Option<(Order, Ownership)>,
}

impl Bot {
    /// Adds a step to the transaction.
    pub(super) async fn changes(
        &self,
        commit: &mut Commit,
        step: Step<'_>,
        catalogue: &Catalogue,
        groups: &Groups,
        now: Instant,
    ) -> Result<(), StoreError> {
        let facts = Facts { catalogue, groups };
        self.copies(commit, &step, &facts, now).await?;
        let Step { before, after, events, actor, order } = step;
        commit.requests.push(RequestWrite {
            request: after.clone(),
            expected: before.map(|r| r.n),
            wake_at: due::wake_at(after, &facts, now, self.resumed()),
        });
        let stream = stream_of(&after.id);
        for event in events {
            let mut entry = self.entry(&stream, actor.clone(), event);
            entry.at = after.last_at;
            commit.entries.push(entry);
            if let Event::Granting { grant } = event
                && let Some((order, ownership)) = order.clone().or_else(|| after.main_ask().preview.order.clone())
            {
                commit.entitlements.push(EntitlementWrite::Want { row: entitlement(grant, order, ownership), due_at: now, urgent: false });
            }
            self.alarm(commit, after, event, now).await?;
            if let (Event::Settled { .. }, State::Closed { held: Some(held), .. }) = (event, &after.state) {
                // Nobody waits for its clean-up any more.
                commit.entitlements.push(EntitlementWrite::Raise { key: held.grant.entitlement.clone(), due_at: now, urgent: false });
            }
        }
        claim_changes(commit, before.and_then(due::claim), due::claim(after), now);
        tasks(commit, after, catalogue, now);
        commit.now = Some(self.guard.highest());
        Ok(())
    }

    async fn alarm(&self, commit: &mut Commit, request: &Request, event: &Event, now: Instant) -> Result<(), StoreError> {
        let (kind, cleared) = match event {
            Event::AlarmRaised { alarm } => (*alarm, None),
            Event::AlarmCleared { alarm } => (*alarm, Some(now)),
            _ => return Ok(()),
        };
        let id = kind.id(&request.id);
        let ask = request.main_ask();
        let what = match kind {
            AlarmKind::StillOpen => "still open past its end",
            AlarmKind::GrantFailed => "could not be granted",
            AlarmKind::Residue => "something remains after the end",
        };
        let what = format!("{}: {} has {} on {}: {what}", request.id, request.subject, ask.role, ask.resource);
        if cleared.is_none() {
            tracing::error!(request.id = %request.id, alarm.id = %id, "{what}");
        }
        let known = self.store.alarm(&id).await?;
        let alarm = Alarm {
            request: Some(request.id.clone()),
            raised_at: known.as_ref().filter(|a| a.cleared_at.is_none()).map_or(now, |a| a.raised_at),
            cleared_at: cleared,
            told: known.map(|a| a.told).unwrap_or_default(),
            id: id.clone(),
            what,
        };
        commit.alarms.push(AlarmWrite(alarm));
        commit.tasks.push(TaskWant { kind: TaskKind::Alarm, queue: alarms::queue(&id), key: id, due_at: now });
        Ok(())
    }
}

pub(super) fn stream_of(id: &RequestId) -> String {
    format!("request/{id}")
}

fn entitlement(grant: &Grant, mut order: Order, ownership: Ownership) -> Entitlement {
    order.grant = match ownership {
        Ownership::PerGrant => grant.id.to_string(),
        Ownership::Ours | Ownership::Shared => grant.entitlement.0.chars().take(26).collect(),
    };
    Entitlement::new(grant.entitlement.clone(), ownership, order)
}

fn claim_changes(commit: &mut Commit, before: Option<Claim>, after: Option<Claim>, now: Instant) {
    if before == after {
        return;
    }
    match (before, after) {
        (_, Some(claim)) => {
            let (key, urgent) = (claim.entitlement.clone(), !claim.wanted);
            // A worker that is saving this very row looks again by itself when it is an end.
            let saved = commit.entitlements.iter().any(|e| matches!(e, EntitlementWrite::Save { row, .. } if row.key == key));
            if urgent || !saved {
                commit.entitlements.push(EntitlementWrite::Raise { key, due_at: now, urgent });
            }
            commit.claims.push(ClaimWrite::Put(claim));
        }
        (Some(claim), None) => {
            commit.entitlements.push(EntitlementWrite::Raise { key: claim.entitlement.clone(), due_at: now, urgent: false });
            commit.claims.push(ClaimWrite::Remove { entitlement: claim.entitlement, grant: claim.grant });
        }
        (None, None) => {}
    }
}

/// Cards and threads in the resource's channels, direct messages to requester and subject.
fn tasks(commit: &mut Commit, request: &Request, catalogue: &Catalogue, now: Instant) {
    let ask = request.main_ask();
    let mut want = |kind, platform: Platform, place: &str| {
        let platform = platform.name();
        let key = format!("{}/{platform}/{place}", request.id);
        if !commit.tasks.iter().any(|t| t.kind == kind && t.key == key) {
            commit.tasks.push(TaskWant { kind, key, queue: format!("{platform}/{place}"), due_at: now });
        }
    };
    for channel in catalogue.resources.get(&ask.resource).into_iter().flat_map(|r| &r.channels) {
        want(TaskKind::Card, channel.platform, &channel.id);
        want(TaskKind::Thread, channel.platform, &channel.id);
    }
    for person in [&request.requester, &request.subject] {
        for platform in catalogue.people.get(person).into_iter().flat_map(|p| p.identities.keys()) {
            want(TaskKind::Thread, *platform, &format!("@{person}"));
        }
    }
}
