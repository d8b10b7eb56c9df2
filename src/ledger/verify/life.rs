//! What a request's stream means: its events fold to its document, votes are by others, ends are in time or alarmed,
//! nothing lasts longer than what was approved, and "gone" follows a reading.

use serde_json::Value;

use super::{older::as_kept, streams::Resumed};
use crate::{
    domain::{
        entitlement::EntitlementKey,
        event::{AlarmKind, Effect, Event, Verb},
        request::{Remains, Request, RequestId, State, Work},
        time::{Instant, Span},
    },
    store::{
        Snapshot, StoreError, document,
        entry::{self, Said},
    },
};

/// One request, as far as its stream was read.
#[derive(Debug)]
pub(super) struct Life {
    id: RequestId,
    request: Option<Request>,
    /// When its revoke was due, and the first word of its being late.
    due: Option<(Instant, Option<Instant>)>,
}

/// "Gone" was said: what must have been read before.
#[derive(Debug)]
pub(super) struct Gone {
    entitlement: EntitlementKey,
    at: Instant,
    remains: Remains,
}

/// Access that is noticed this much after its end was noticed late: the alarm counts from the noticing.
const NOTICED_LATE: Span = Span::from_seconds(10);
/// Clocks of two replicas differ by less.
const SKEW: Span = Span::from_seconds(5);
/// Entries of an entitlement that are read back from the end, to find the newest reading.
const LOOK_BACK: u32 = 200;

impl Life {
    pub(super) const fn new(id: RequestId) -> Self {
        Self { id, request: None, due: None }
    }

    pub(super) const fn id(&self) -> &RequestId {
        &self.id
    }

    /// One more event. What must be looked up elsewhere is handed back.
    pub(super) fn step(&mut self, resumed: &Resumed, said: Said) -> Result<Option<Gone>, String> {
        let event: Event = serde_json::from_value(said.event).map_err(|error| format!("its event cannot be read: {error}"))?;
        let Some(before) = self.request.take() else {
            let opened = Request::fold(&self.id, [(&event, said.at)]).map_err(|illegal| illegal.to_string())?;
            self.request = opened;
            return Ok(None);
        };
        votes(&before, &event, said.actor.person.as_ref())?;
        let gone = gone(&before, &event, said.at);
        let after = before.apply(&event, said.at).map_err(|illegal| illegal.to_string())?;
        bounds(&after)?;
        self.ends(&after, &event, said.at, resumed)?;
        self.request = Some(after);
        Ok(gone)
    }

    fn ends(&mut self, after: &Request, event: &Event, at: Instant, resumed: &Resumed) -> Result<(), String> {
        match (&after.state, &mut self.due) {
            (State::Revoking { since, work, .. }, None) => self.due = Some((due(*since, work.as_ref()), None)),
            (State::Revoking { .. }, Some((_, alarm @ None))) if matches!(event, Event::AlarmRaised { alarm: AlarmKind::StillOpen }) => {
                *alarm = Some(at);
            }
            (State::Closed { .. }, Some((due, alarm))) => {
                let (due, seen) = (*due, alarm.unwrap_or(at));
                self.due = None;
                if !resumed.in_time(due, seen) {
                    return Err(format!("its end was due at {due}, and the first word of its being late is of {seen}"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Access whose end is overdue without an alarm, as far as the ledger knows what happened.
    pub(super) fn unreported(&self, resumed: &Resumed, newest: Instant) -> Option<String> {
        let (due, alarm) = self.due?;
        let is_unreported = !resumed.in_time(due, alarm.unwrap_or(newest));
        is_unreported.then(|| format!("its end was due at {due}, and there is no alarm in time"))
    }

    /// What distinguishes the stored document from the fold of the stream.
    pub(super) fn differs(&self, stored: Option<&str>) -> Option<String> {
        let folded = self.request.as_ref()?;
        let Some(stored) = stored else { return Some("its document is missing".into()) };
        match document::parsed::<Request>(stored) {
            Err(error) => Some(format!("its document cannot be read ({error})")),
            Ok(document) if document == *folded || document == as_kept(&document, folded.clone()) => None,
            Ok(document) => {
                let fields = differing(&document, folded).join(", ");
                Some(format!("its document is not what its ledger says: {fields}"))
            }
        }
    }
}

fn due(since: Instant, work: Option<&Work>) -> Instant {
    match work {
        Some(work) if since.since(work.until) <= NOTICED_LATE => since.min(work.until),
        _ => since,
    }
}

/// Approvals are by others than requester and subject, by whoever entered them, and those that a grant names were cast.
fn votes(before: &Request, event: &Event, actor: Option<&crate::domain::ids::PersonId>) -> Result<(), String> {
    match event {
        Event::Approved { person, .. } if *person == before.requester || *person == before.subject => {
            Err(format!("{person} approved their own access"))
        }
        Event::Approved { person, .. } if actor != Some(person) => Err(format!("a vote of {person} that somebody else entered")),
        Event::Granting { grant } => {
            let cast = before.round().map_or(&[][..], |round| &round.votes);
            match grant.votes.iter().find(|vote| !cast.contains(vote)) {
                Some(vote) => Err(format!("granted by a vote of {} that was not cast", vote.person)),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Access ends at the latest when it was approved to end.
fn bounds(after: &Request) -> Result<(), String> {
    let State::Active { grant, work, .. } = &after.state else { return Ok(()) };
    let most = work.since + grant.cap;
    if work.until > most || grant.end.is_some_and(|end| work.until > end) {
        return Err(format!("it lasts until {}, longer than was approved", work.until));
    }
    Ok(())
}

fn gone(before: &Request, event: &Event, at: Instant) -> Option<Gone> {
    let (State::Revoking { grant, .. }, Event::Gone { remains, .. }) = (&before.state, event) else { return None };
    Some(Gone { entitlement: grant.entitlement.clone(), at, remains: remains.clone() })
}

impl Gone {
    /// The newest reading before it must have shown what it says. An answer that did not change is written once.
    pub(super) async fn wrong(self, snapshot: &mut Snapshot) -> Result<Option<String>, StoreError> {
        let expected = if self.remains == Remains::Nothing { "absent" } else { "present" };
        let stream = format!("entitlement/{}", self.entitlement.0);
        for entry in snapshot.up_to(&stream, self.at + SKEW, LOOK_BACK).await? {
            let effect = entry::decode(&entry).ok().and_then(|said| serde_json::from_value(said.event).ok());
            let Some(Effect::Answer { verb: Verb::Observe, answer }) = effect else { continue };
            if answer == expected {
                return Ok(None);
            }
            if entry.at <= self.at {
                return Ok(Some(format!("said to be gone, when the newest reading (number {} of {stream}) was not so", entry.n)));
            }
        }
        Ok(Some(format!("said to be gone without a reading in {stream}")))
    }
}

/// Names of the fields in which two documents differ.
fn differing(one: &Request, other: &Request) -> Vec<String> {
    let fields = |request: &Request| match serde_json::to_value(request) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::default(),
    };
    let (one, other) = (fields(one), fields(other));
    one.iter().filter(|(name, value)| other.get(*name) != Some(value)).map(|(name, _)| name.clone()).collect()
}
