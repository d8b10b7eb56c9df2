//! Rules within one request's stream: who decided, by how many, until when.

use std::collections::BTreeSet;

use hallpass::domain::{
    event::{AlarmKind, Event},
    ids::PersonId,
    policy::Policy,
    request::{Ending, Grant, Remains, RequestId, Vote, Work},
    time::{Instant, Span},
};

use super::{Book, Evidence, Line};

/// The span of one grant, as its stream tells it.
pub(super) struct Life<'a> {
    pub(super) id: &'a RequestId,
    pub(super) grant: &'a Grant,
    pub(super) granting: Instant,
    pub(super) work: Option<(&'a Work, Instant)>,
    /// The last `until`; None: it never worked.
    until: Option<Instant>,
    /// Grace goes on.
    graced: bool,
    revoking: Option<Instant>,
    pub(super) gone: Option<(Instant, &'a Remains)>,
    pub(super) settled: Option<Instant>,
    /// Raised and cleared, of the alarm that access outlives its end.
    pub(super) alarms: Vec<(Instant, Option<Instant>)>,
}

impl<'a> Life<'a> {
    /// Of what was granted last: what was decided before, and asked again, was never begun. None: it was never granted.
    pub(super) fn of(id: &'a RequestId, lines: &'a [Line]) -> Option<Self> {
        let (granting, grant) = lines.iter().rev().find_map(|line| match &line.event {
            Event::Granting { grant } => Some((line.at, grant)),
            _ => None,
        })?;
        let mut life = Self {
            id,
            grant,
            granting,
            work: None,
            until: None,
            graced: false,
            revoking: None,
            gone: None,
            settled: None,
            alarms: Vec::new(),
        };
        for line in lines {
            life.take(line);
        }
        Some(life)
    }

    fn take(&mut self, line: &'a Line) {
        match &line.event {
            Event::Working { work } => (self.work, self.until) = (Some((work, line.at)), Some(work.until)),
            Event::Extended { until, .. } => (self.until, self.graced) = (Some(*until), false),
            Event::GraceBegan { until } => (self.until, self.graced) = (Some(*until), true),
            Event::ExtensionClosed { .. } if self.graced => self.until = self.until.min(Some(line.at)),
            Event::Revoking { .. } | Event::GrantFailed { .. } => self.revoking = self.revoking.or(Some(line.at)),
            Event::Gone { remains, .. } => self.gone = Some((line.at, remains)),
            Event::Settled { .. } => self.settled = Some(line.at),
            Event::AlarmRaised { alarm: AlarmKind::StillOpen } => self.alarms.push((line.at, None)),
            Event::AlarmCleared { alarm: AlarmKind::StillOpen } => {
                if let Some(open) = self.alarms.last_mut() {
                    open.1 = Some(line.at);
                }
            }
            _ => {}
        }
    }

    /// When nobody wants it any more.
    pub(super) fn end(&self) -> Instant {
        let planned = self.until.unwrap_or(self.grant.latest);
        self.revoking.map_or(planned, |revoking| revoking.min(planned))
    }

    /// From when it was said to work until its end.
    pub(super) fn active(&self) -> Option<(Instant, Instant)> {
        self.work.map(|(_, at)| (at, self.end()))
    }
}

/// R5, R7: as many as the policy says, each once, none of them the person it is for; and each of them pressed.
pub(super) fn r5_the_quorum_was_met_by_different_people(evidence: &Evidence, book: &Book) -> Vec<String> {
    let mut findings = Vec::new();
    for (id, lines) in &book.requests {
        let mut approvals = Vec::new();
        for line in lines {
            match &line.event {
                Event::ExtensionAsked { .. } | Event::OfferAccepted { .. } => approvals.clear(),
                Event::Approved { person, .. } => approvals.push(person),
                Event::TakenBack { person } => approvals.retain(|p| *p != person),
                Event::Granting { grant } => {
                    let given: BTreeSet<_> = grant.votes.iter().map(|Vote { person, .. }| person).collect();
                    if given.len() != grant.votes.len() {
                        findings.push(format!("R5 {id}: somebody is counted twice among {:?}", grant.votes));
                    }
                    if let Some(stranger) = given.iter().find(|p| !approvals.contains(p)) {
                        findings.push(format!("R5 {id}: {stranger} is counted and did not approve"));
                    }
                    findings.extend(
                        short(evidence.policies.get(&grant.policy), grant.duration, &given, lines).map(|s| format!("R5 {id}: {s}")),
                    );
                    approvals.clear();
                }
                Event::ExtensionApproved { until } => {
                    let given: BTreeSet<_> = approvals.iter().copied().collect();
                    let asked = matches!(more_asked(lines, line.at), Some(true));
                    let Some((grant, work)) = granted(lines) else { continue };
                    let policy = evidence.policies.get(&grant.policy).filter(|_| asked || until.since(work.since) > grant.ceiling);
                    findings.extend(short(policy, until.since(work.since), &given, lines).map(|s| format!("R5 {id}: more time: {s}")));
                }
                _ => {}
            }
        }
    }
    findings
}

/// Was the newest extension, up to then, one that had to be asked for?
fn more_asked(lines: &[Line], at: Instant) -> Option<bool> {
    let of_extensions =
        // Less that is taken instead may lie below what was approved.
        |line: &&Line| {
            matches!(line.event, Event::ExtensionAsked { .. } | Event::OfferAccepted { .. } | Event::Extended { .. } | Event::ExtensionClosed { .. })
        };
    lines.iter().filter(|line| line.at <= at).rfind(of_extensions).map(|line| matches!(line.event, Event::ExtensionAsked { .. }))
}

fn granted(lines: &[Line]) -> Option<(&Grant, &Work)> {
    let grant = lines.iter().find_map(|line| if let Event::Granting { grant } = &line.event { Some(grant) } else { None })?;
    let work = lines.iter().find_map(|line| if let Event::Working { work } = &line.event { Some(work) } else { None })?;
    Some((grant, work))
}

fn short(policy: Option<&Policy>, length: Span, given: &BTreeSet<&PersonId>, lines: &[Line]) -> Option<String> {
    let policy = policy?;
    let needed: usize =
        if policy.at_once_up_to.is_some_and(|most| length <= most) { 0 } else { policy.stages.iter().map(|s| s.needed).sum() };
    let own = concerned(lines);
    if let Some(person) = given.iter().find(|person| own.contains(*person)) {
        return Some(format!("{person} decided about their own access"));
    }
    (given.len() < needed).then(|| format!("{needed} approvals are needed, {} were given", given.len()))
}

/// Requester and subject.
fn concerned(lines: &[Line]) -> BTreeSet<&PersonId> {
    let asks = lines.iter().filter_map(|line| if let Event::Asked { ask } = &line.event { Some([&ask.by, &ask.subject]) } else { None });
    asks.flatten().collect()
}

/// R7: deciders are others, holders are holders, and whoever an event names is who did it.
pub(super) fn r7_who_acts_may_and_is_who_it_says(_: &Evidence, book: &Book) -> Vec<String> {
    let mut findings = Vec::new();
    for (id, lines) in &book.requests {
        let own = concerned(lines);
        for Line { event, actor, .. } in lines {
            let (who, may) = match event {
                Event::Approved { person, .. } | Event::Denied { person, .. } | Event::Offered { person, .. } => {
                    (person, !own.contains(person))
                }
                Event::Settled { person, .. } | Event::PassedOn { by: person, .. } => (person, !own.contains(person)),
                Event::Revoking { cause: Ending::Returned { by } } | Event::CredentialShown { person: by } => (by, own.contains(by)),
                Event::ExtensionAsked { ask } | Event::OfferAccepted { ask } => (&ask.by, own.contains(&ask.by)),
                _ => continue,
            };
            if !may {
                findings.push(format!("R7 {id}: {} by {who}, who has no right to it", event.name()));
            }
            if actor.person.as_ref() != Some(who) || actor.door.is_none() {
                findings.push(format!("R7 {id}: {} is written as {who}'s and was done by {:?}", event.name(), actor.person));
            }
        }
    }
    findings
}

/// R8: `until` is `since` + duration or earlier, moves only by what was approved, and never beyond the cap.
pub(super) fn r8_no_end_is_later_than_approved(_: &Evidence, book: &Book) -> Vec<String> {
    let mut findings = Vec::new();
    for (id, lines) in &book.requests {
        let Some((grant, work)) = granted(lines) else { continue };
        let most = (work.since + grant.cap).min(grant.end.unwrap_or(Instant::from_micros(i64::MAX)));
        let mut until = work.until;
        let shortened = lines.iter().rev().find_map(|line| match &line.event {
            Event::Shortened { duration, latest, .. } => Some((*duration, *latest)),
            _ => None,
        });
        let (duration, latest) = shortened.unwrap_or((grant.duration, grant.latest));
        // Where an end was asked for as such it is that end which is kept, and no length rounded to seconds.
        let by_length = if grant.end.is_some() && shortened.is_none() { most } else { work.since + duration };
        if until > by_length || until > latest || until > most {
            findings.push(format!("R8 {id}: until {until} is later than since {} + {} s", work.since, duration.seconds()));
        }
        if work.since < grant.decided_at {
            findings.push(format!("R8 {id}: it is said to work since {}, before it was decided", work.since));
        }
        let (mut approved, mut graced, mut in_grace) = (None, false, false);
        for (n, Line { event, .. }) in lines.iter().enumerate() {
            let wrong = match event {
                Event::ExtensionApproved { until: to } => {
                    approved = Some(*to);
                    false
                }
                Event::Extended { until: to, .. } => {
                    let wrong = approved.take() != Some(*to) || *to > most;
                    (until, in_grace) = (*to, false);
                    wrong
                }
                Event::GraceBegan { until: to } => {
                    let wrong = graced || *to > (until + grant.grace).min(most);
                    (until, graced, in_grace) = (*to, true, true);
                    wrong
                }
                // Grace is for as long as more is being decided.
                Event::ExtensionClosed { .. } if in_grace => !matches!(lines.get(n + 1), Some(Line { event: Event::Revoking { .. }, .. })),
                _ => false,
            };
            if wrong {
                findings.push(format!("R8 {id}: {} to {until} was not approved, or is over the cap ({most})", event.name()));
            }
        }
    }
    findings
}
