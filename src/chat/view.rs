//! What a card shows, as plain values made from a request. Pure; layout is the templates', rights are `decide`'s.
//! Text from people is carried as it is: the renderer makes it inert.

use chrono_tz::Tz;
use serde::Serialize;

use super::{
    Button, Style,
    words::{duration, exact, list, moment, night, relative, rough},
};
use crate::domain::{
    command::{Length, Less},
    event::AlarmKind,
    ids::PersonId,
    policy::{Catalogue, Policy, Stage, Who},
    request::{Ask, AskKind, Ending, Extension, Grant, Held, Remains, Request, Round, State, Vote, Work},
    rounds::chain,
    time::{Instant, Span},
    words::{Texts, WordId},
};

/// The actions that buttons stand for.
pub mod action {
    pub const APPROVE: &str = "approve";
    pub const LESS: &str = "less";
    pub const DENY: &str = "deny";
    pub const LOOKING: &str = "looking";
    pub const PASS: &str = "pass";
    pub const ACCEPT: &str = "accept";
    pub const DECLINE: &str = "decline";
    pub const RETURN: &str = "return";
    pub const EXTEND_30: &str = "extend:30m";
    pub const EXTEND_60: &str = "extend:1h";
    pub const REVOKE: &str = "revoke";
    /// Every action there is; each has its label in the templates, as `button/<action>`.
    pub const ALL: [&str; 11] = [APPROVE, LESS, DENY, LOOKING, PASS, ACCEPT, DECLINE, RETURN, EXTEND_30, EXTEND_60, REVOKE];
}

/// For whom something is shown, and what it is looked up in.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    pub catalogue: &'a Catalogue,
    pub texts: &'a Texts,
    pub now: Instant,
    /// The reader's zone; for a channel the catalogue's.
    pub tz: Tz,
}

/// What the request itself does not know, where the caller does.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// The subject's earlier grants of this role; None: not looked up.
    pub past: Option<Past>,
    /// While a revoke goes on: tries so far and the provider's last answer.
    pub tries: Option<(u32, String)>,
    /// Who was told of an alarm: `#ops`, `alarm program`.
    pub told: Vec<String>,
    /// Entries in the ledger and its whole root, for the closing summary.
    pub ledger: Option<(u64, String)>,
    /// What becomes of open sessions at the end, in a sentence.
    pub sessions: Option<String>,
}

/// What the subject had on this resource before.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// Other roles held there now.
    pub holds: Vec<String>,
    /// End and length of the last grant there.
    pub last: Option<(Instant, Span)>,
}

/// Everything a card shows. Optional things are None or empty, never absent (templates are strict).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardView {
    pub id: String,
    pub state: &'static str,
    /// Enough on a lock screen.
    pub first_line: String,
    /// Lines that stand out; only what is true and unusual.
    pub unusual: Vec<String>,
    pub asked: AskedView,
    /// `1 of 2 approvals`, in approvals needed; None when none is.
    pub progress: Option<String>,
    pub votes: Vec<VoteView>,
    pub waiting: Option<WaitingView>,
    pub offer: Option<OfferView>,
    /// What is being asked on top of access that is held.
    pub extension: Option<String>,
    pub held: Option<HeldView>,
    /// How it ended or why it goes on, in sentences.
    pub outcome: Vec<String>,
    pub alarm: Option<AlarmView>,
    pub buttons: Vec<Button>,
}

/// What was asked for; kept on the card for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedView {
    pub requester: String,
    pub subject: String,
    pub for_other: bool,
    pub resource: String,
    pub title: String,
    pub role: String,
    /// `1 h`, `until 18:00`.
    pub length: String,
    pub start: Option<String>,
    pub reason: Option<String>,
    pub ticket: Option<String>,
    pub ticket_link: Option<String>,
    pub gets: String,
    pub rule: String,
    pub past: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VoteView {
    pub who: String,
    pub at: String,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaitingView {
    /// `@db-leads`.
    pub names: String,
    /// Approvals that this stage still needs.
    pub needed: usize,
    /// The stages after this one.
    pub then: Option<String>,
    /// `in 10 min also @oncall-sre`.
    pub ladder: Option<String>,
    /// Rungs that opened already.
    pub also_asked: Option<String>,
    pub passed_to: Option<String>,
    /// `Cleo Marsh is looking, since 2 min`.
    pub looking: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfferView {
    pub who: String,
    /// `30 min`, `read for 30 min`.
    pub less: String,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldView {
    pub approved: String,
    pub until: String,
    pub until_in: String,
    pub since: String,
    pub ends_first: Option<String>,
    pub time: Option<String>,
    pub how_to_connect: Option<String>,
    pub sessions_closed: Option<u32>,
    pub gone: Option<String>,
    pub remains: Option<String>,
    pub residue: Vec<String>,
    pub used: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlarmView {
    pub since: String,
    pub tries: Option<u32>,
    pub last_answer: Option<String>,
    pub told: String,
    pub by_hand: String,
}

impl<'a> Reader<'a> {
    /// The name people know somebody by; the id when nobody has it any more.
    pub fn name(&self, person: &PersonId) -> String {
        self.catalogue.people.get(person).map_or_else(|| person.to_string(), |p| p.name.clone())
    }

    /// A text by its id; one that was erased says so.
    pub fn text(&self, id: &WordId) -> String {
        self.texts.get(id).cloned().unwrap_or_else(|| "(erased)".to_owned())
    }

    pub fn moment(&self, at: Instant) -> String {
        moment(at, self.now, self.tz)
    }

    pub fn exact(&self, at: Instant) -> String {
        exact(at, self.now, self.tz)
    }

    /// `@db-leads`, a person's name, `everyone`.
    pub fn who(&self, who: &Who) -> String {
        match who {
            Who::Everyone => "everyone".to_owned(),
            Who::Person(person) => self.name(person),
            Who::Group(group) => format!("@{group}"),
        }
    }

    pub(super) fn whos(&self, whos: &[Who]) -> String {
        list(&whos.iter().map(|who| self.who(who)).collect::<Vec<_>>())
    }

    pub(super) fn length(&self, length: Length) -> String {
        match length {
            Length::For(span) => duration(span),
            Length::Until(end) => format!("until {}", self.moment(end)),
        }
    }

    pub(super) fn less(less: &Less) -> String {
        match (&less.role, less.duration) {
            (Some(role), Some(span)) => format!("{role} for {}", duration(span)),
            (Some(role), None) => role.to_string(),
            (None, Some(span)) => duration(span),
            (None, None) => "less".to_owned(),
        }
    }

    fn policy(&self, ask: &Ask) -> Option<&'a Policy> {
        self.catalogue.role(&ask.resource, &ask.role).map(|(_, _, policy)| policy)
    }
}

/// The ask that stands: the first, or the offer that replaced it.
pub fn standing(request: &Request) -> Option<&Ask> {
    request.asks.iter().rev().find(|a| a.kind != AskKind::Extension)
}

/// Name of the state, as templates see it.
pub const fn state_name(state: &State) -> &'static str {
    match state {
        State::Pending { .. } => "pending",
        State::Scheduled { .. } => "scheduled",
        State::Granting { .. } => "granting",
        State::Active { .. } => "active",
        State::Revoking { .. } => "revoking",
        State::Closed { .. } => "closed",
    }
}

/// The card of a request. None only for a document without an ask, which nothing writes.
pub fn card(request: &Request, reader: &Reader<'_>, around: &Around) -> Option<CardView> {
    let ask = standing(request)?;
    let round = round_of(&request.state);
    let stages = stages(ask, request, reader);
    let progress = round.and_then(|r| progress(r, stages));
    let votes = round.map(|r| r.votes.as_slice()).or_else(|| grant_of(&request.state).map(|g| g.votes.as_slice())).unwrap_or_default();
    Some(CardView {
        id: request.id.to_string(),
        state: state_name(&request.state),
        first_line: first_line(request, ask, progress.as_deref(), reader),
        unusual: unusual(request, ask, reader, around),
        asked: asked(request, ask, reader, around),
        votes: votes.iter().map(|v| vote(v, stages, reader)).collect(),
        waiting: round.and_then(|r| waiting(r, stages, reader)),
        progress,
        offer: round.and_then(|r| r.offer.as_ref()).map(|o| OfferView {
            who: reader.name(&o.person),
            less: Reader::less(&o.less),
            comment: o.comment.as_ref().map(|c| reader.text(c)),
        }),
        extension: extension(request, reader),
        held: held(request, reader),
        outcome: outcome(request, reader),
        alarm: alarm(request, ask, reader, around),
        buttons: buttons(request),
    })
}

/// The first line of the card, for lists too.
pub fn headline(request: &Request, reader: &Reader<'_>) -> String {
    let Some(ask) = standing(request) else { return request.id.to_string() };
    let progress = round_of(&request.state).and_then(|r| progress(r, stages(ask, request, reader)));
    first_line(request, ask, progress.as_deref(), reader)
}

fn round_of(state: &State) -> Option<&Round> {
    match state {
        State::Pending { round } | State::Active { extension: Some(Extension::Asked { round }), .. } => Some(round),
        _ => None,
    }
}

fn grant_of(state: &State) -> Option<&Grant> {
    match state {
        State::Granting { grant } | State::Active { grant, .. } | State::Revoking { grant, .. } => Some(grant),
        State::Closed { held: Some(held), .. } => Some(&held.grant),
        _ => None,
    }
}

fn stages<'a>(ask: &Ask, request: &Request, reader: &Reader<'a>) -> &'a [Stage] {
    let Some(policy) = reader.policy(ask) else { return &[] };
    let extending = matches!(&request.state, State::Active { extension: Some(_), .. });
    match ask.length {
        Length::For(span) if !extending => chain(policy, span),
        Length::Until(end) if !extending => chain(policy, end.since(ask.start.unwrap_or(ask.at))),
        _ => &policy.stages,
    }
}

fn progress(round: &Round, stages: &[Stage]) -> Option<String> {
    let needed: usize = stages.iter().map(|s| s.needed).sum();
    let got: usize = stages.iter().enumerate().map(|(i, s)| in_stage(round, i).min(s.needed)).sum();
    (needed > 0).then(|| format!("{got} of {needed} {}", if needed == 1 { "approval" } else { "approvals" }))
}

fn in_stage(round: &Round, stage: usize) -> usize {
    round.votes.iter().filter(|v| usize::try_from(v.stage) == Ok(stage)).count()
}

/// `write on prod-db`.
pub(super) fn what(ask: &Ask) -> String {
    format!("{} on {}", ask.role, ask.resource)
}

fn asked_words(ask: &Ask, reader: &Reader<'_>) -> String {
    let start = ask.start.map(|s| format!(", from {}", reader.moment(s))).unwrap_or_default();
    match ask.length {
        Length::For(span) => format!("for {}{start}", duration(span)),
        Length::Until(end) => format!("until {}{start}", reader.moment(end)),
    }
}

fn first_line(request: &Request, ask: &Ask, progress: Option<&str>, r: &Reader<'_>) -> String {
    let (subject, what) = (r.name(&request.subject), what(ask));
    match &request.state {
        State::Pending { round } if round.votes.is_empty() => asks(request, ask, true, r),
        State::Pending { .. } => {
            format!("{}{}", asks(request, ask, false, r), progress.map(|p| format!(" · {p}")).unwrap_or_default())
        }
        State::Scheduled { start, .. } => {
            format!("{subject} will have {what} from {} ({})", r.moment(*start), relative(*start, r.now))
        }
        State::Granting { .. } => format!("Approved: {subject} is getting {what}"),
        State::Active { work, .. } => {
            format!("{subject} has {what} until {} ({})", r.moment(work.until), relative(work.until, r.now))
        }
        State::Revoking { work: Some(work), .. } if request.alarms.contains(&AlarmKind::StillOpen) => {
            format!("STILL OPEN: {subject} still has {what}, {} past its end", rough(r.now.since(work.until)))
        }
        State::Revoking { .. } if request.alarms.contains(&AlarmKind::StillOpen) => {
            format!("STILL OPEN: {subject} may still have {what}")
        }
        State::Revoking { .. } => format!("Ending: taking {what} away from {subject}"),
        State::Closed { ending, at, held } => closed_line(request, ask, (ending, *at, held.as_ref()), r),
    }
}

fn asks(request: &Request, ask: &Ask, title: bool, r: &Reader<'_>) -> String {
    let title = match r.catalogue.resources.get(&ask.resource) {
        Some(res) if title && !res.title.is_empty() && res.title != ask.resource.as_str() => format!(" ({})", res.title),
        _ => String::new(),
    };
    let other = if request.requester == request.subject { String::new() } else { format!(" for {}", r.name(&request.subject)) };
    let comma = if other.is_empty() { "" } else { "," };
    format!("{} asks{other}{comma} for {}{title} {}", r.name(&request.requester), what(ask), asked_words(ask, r))
}

fn closed_line(request: &Request, ask: &Ask, closed: (&Ending, Instant, Option<&Held>), r: &Reader<'_>) -> String {
    let (ending, at, held) = closed;
    if let Some((work, held)) = held.and_then(|h| h.work.as_ref().map(|w| (w, h))) {
        let end = held.gone_at.unwrap_or(held.ended_at);
        return format!(
            "Ended: {} had {}, {} to {} ({} of {})",
            r.name(&request.subject),
            what(ask),
            r.exact(work.since),
            r.exact(end),
            rough(end.since(work.since)),
            duration(work.until.since(work.since).max(held.grant.duration)),
        );
    }
    let was = format!("{} asked for {} {}", r.name(&request.requester), what(ask), asked_words(ask, r));
    let by = |verb: &str, by: Option<&PersonId>| by.map_or_else(|| verb.to_owned(), |p| format!("{verb} by {}", r.name(p)));
    match ending {
        Ending::Denied { by: person, .. } => format!("{} {}: {was}", by("Denied", Some(person)), r.moment(at)),
        Ending::Cancelled { by: person, .. } => format!("{}: {was}", by("Cancelled", person.as_ref())),
        Ending::Unanswered => format!("Nobody answered in {}: {was}", rough(at.since(request.opened_at))),
        Ending::Failed { .. } => format!("Could not grant: {was}"),
        Ending::Expired | Ending::Returned { .. } => format!("Ended before it began: {was}"),
        Ending::Revoked { by: person, .. } => format!("{} before it began: {was}", by("Taken back", person.as_ref())),
        Ending::Left => format!("Closed, {} is no longer active: {was}", r.name(&request.subject)),
        Ending::Settled { by: person, .. } => format!("{}: {was}", by("Settled", Some(person))),
    }
}

fn unusual(request: &Request, ask: &Ask, r: &Reader<'_>, around: &Around) -> Vec<String> {
    let mut lines = Vec::new();
    if matches!(request.state, State::Pending { .. } | State::Scheduled { .. }) {
        if around.past.as_ref().is_some_and(|p| p.last.is_none() && p.holds.is_empty()) {
            lines.push("First time on this resource".to_owned());
        }
        let zone = r.catalogue.people.get(&request.subject).and_then(|p| p.time_zone).unwrap_or(r.catalogue.time_zone);
        if let Some(time) = night(ask.at, zone) {
            lines.push(format!("{time} for {}", r.name(&request.subject)));
        }
    }
    if let State::Active { work, .. } = &request.state {
        if work.had_before {
            lines.push(format!("{} had this before: nothing was given, nothing will be taken away", r.name(&request.subject)));
        }
        if work.found_absent {
            lines.push("Somebody took it away at the target; it is not given again".to_owned());
        }
    }
    lines
}

fn asked(request: &Request, ask: &Ask, r: &Reader<'_>, around: &Around) -> AskedView {
    let policy = r.policy(ask);
    let link = policy.and_then(|p| p.ticket.as_ref()).and_then(|t| t.link.as_ref());
    AskedView {
        requester: r.name(&request.requester),
        subject: r.name(&request.subject),
        for_other: request.requester != request.subject,
        resource: ask.resource.to_string(),
        title: r.catalogue.resources.get(&ask.resource).map(|res| res.title.clone()).unwrap_or_default(),
        role: ask.role.to_string(),
        length: r.length(ask.length),
        start: ask.start.map(|s| r.moment(s)),
        reason: ask.reason.as_ref().map(|id| r.text(id)),
        ticket: ask.ticket.clone(),
        ticket_link: link.zip(ask.ticket.as_ref()).map(|(link, ticket)| link.replace("{ticket}", ticket)),
        gets: gets(ask, r),
        rule: policy.map_or_else(|| format!("{} (no longer in the catalogue)", ask.policy), |p| rule(p, stages(ask, request, r), r)),
        past: around.past.as_ref().map(|p| past(p, r.now)),
    }
}

fn gets(ask: &Ask, r: &Reader<'_>) -> String {
    let what = if ask.preview.gets.is_empty() { what(ask) } else { ask.preview.gets.clone() };
    match ask.length {
        Length::For(span) => format!("{what}, ends {} after it works", duration(span)),
        Length::Until(end) => format!("{what}, ends at {}", r.moment(end)),
    }
}

fn rule(policy: &Policy, stages: &[Stage], r: &Reader<'_>) -> String {
    let needed: usize = stages.iter().map(|s| s.needed).sum();
    let chain = stages.iter().map(|s| r.whos(&s.approvers)).collect::<Vec<_>>().join(", then ");
    let approvals = match needed {
        0 => "no approval needed".to_owned(),
        1 => format!("1 approval: {chain}"),
        n => format!("{n} approvals: {chain}"),
    };
    let extend = policy.extend_to.map(|e| format!(" · may be extended to {}", duration(e))).unwrap_or_default();
    let grace = if policy.grace > Span::ZERO { format!(" · grace {}", duration(policy.grace)) } else { String::new() };
    format!("{}: {approvals}{extend}{grace} · cap {}", policy.name, duration(policy.cap))
}

fn past(past: &Past, now: Instant) -> String {
    let holds = if past.holds.is_empty() { "holds nothing here".to_owned() } else { format!("holds {} here", list(&past.holds)) };
    match past.last {
        Some((end, span)) => format!("{holds} · last had it {}, {}", relative(end, now), rough(span)),
        None => format!("{holds} · never had it"),
    }
}

fn vote(vote: &Vote, stages: &[Stage], r: &Reader<'_>) -> VoteView {
    let stage = usize::try_from(vote.stage).ok().and_then(|i| stages.get(i));
    let asked = stage.map(|s| r.whos(&s.approvers)).filter(|s| s.starts_with('@'));
    VoteView {
        who: asked.map_or_else(|| r.name(&vote.person), |g| format!("{} ({})", r.name(&vote.person), g.replace('@', ""))),
        at: r.exact(vote.at),
        comment: vote.comment.as_ref().map(|c| r.text(c)),
    }
}

fn waiting(round: &Round, stages: &[Stage], r: &Reader<'_>) -> Option<WaitingView> {
    let open = usize::try_from(round.stage).ok()?;
    let stage = stages.get(open)?;
    let rungs = usize::try_from(round.rung).ok()?.min(stage.ladder.len());
    let then: Vec<_> = stages.iter().skip(open + 1).map(|s| r.whos(&s.approvers)).collect();
    let also: Vec<_> = stage.ladder.iter().take(rungs).flat_map(|rung| &rung.to).map(|who| r.who(who)).collect();
    let passed: Vec<_> = round.passed_to.iter().map(|p| r.name(p)).collect();
    Some(WaitingView {
        names: r.whos(&stage.approvers),
        needed: stage.needed.saturating_sub(in_stage(round, open)),
        then: (!then.is_empty()).then(|| then.join(", then ")),
        ladder: stage.ladder.get(rungs).map(|rung| {
            let at = round.stage_since + rung.after + round.paused;
            format!("{} also {}", if at > r.now { relative(at, r.now) } else { "now".to_owned() }, r.whos(&rung.to))
        }),
        also_asked: (!also.is_empty()).then(|| list(&also)),
        passed_to: (!passed.is_empty()).then(|| list(&passed)),
        looking: round
            .looking
            .as_ref()
            .filter(|l| l.until > r.now)
            .map(|l| format!("{} is looking, since {}", r.name(&l.person), rough(r.now.since(l.since)))),
    })
}

fn extension(request: &Request, r: &Reader<'_>) -> Option<String> {
    let State::Active { extension: Some(extension), .. } = &request.state else { return None };
    match extension {
        Extension::Moving { until } => Some(format!("More time approved, until {}: telling the target now", r.moment(*until))),
        Extension::Asked { .. } => {
            let ask = request.asks.iter().rev().find(|a| a.kind == AskKind::Extension)?;
            let more = match ask.length {
                Length::For(span) => format!("{} more", duration(span)),
                Length::Until(end) => format!("time until {}", r.moment(end)),
            };
            let why = ask.reason.as_ref().map(|w| format!(": \"{}\"", r.text(w))).unwrap_or_default();
            Some(format!("{} asks for {more}{why}", r.name(&ask.by)))
        }
    }
}

/// `Approved by Ben Okafor and Cleo Marsh in 3 min`.
pub(super) fn approved(request: &Request, grant: &Grant, r: &Reader<'_>) -> String {
    let names: Vec<_> = grant.votes.iter().map(|v| r.name(&v.person)).collect();
    if names.is_empty() {
        return format!("Approved at once by the rule {}", grant.policy);
    }
    format!("Approved by {} in {}", list(&names), rough(grant.decided_at.since(request.opened_at)))
}

fn held(request: &Request, r: &Reader<'_>) -> Option<HeldView> {
    let grant = grant_of(&request.state)?;
    let (work, held) = match &request.state {
        State::Active { work, .. } => (Some(work), None),
        State::Revoking { work, .. } => (work.as_ref(), None),
        State::Closed { held: Some(held), .. } => (held.work.as_ref(), Some(held)),
        _ => (None, None),
    };
    let end = held.map(|h| h.gone_at.unwrap_or(h.ended_at));
    Some(HeldView {
        approved: approved(request, grant, r),
        until: work.map(|w| r.moment(w.until)).unwrap_or_default(),
        until_in: work.map(|w| relative(w.until, r.now)).unwrap_or_default(),
        since: work.map(|w| r.exact(w.since)).unwrap_or_default(),
        ends_first: work.and_then(|w| capped(w, r)),
        time: work.zip(end).map(|(w, end)| rough(end.since(w.since))),
        how_to_connect: work.and_then(|w| w.how_to_connect.clone()),
        sessions_closed: held.and_then(|h| h.sessions_closed),
        gone: held.and_then(|h| h.gone_at).map(|at| r.exact(at)),
        remains: held.and_then(|h| remains(request, &h.remains, r)),
        residue: held.map(|h| h.residue.clone()).unwrap_or_default(),
        used: held.and_then(|h| h.used.as_ref()).map(|u| used(u, r)),
    })
}

/// The target ends it before we do.
fn capped(work: &Work, r: &Reader<'_>) -> Option<String> {
    work.native_expiry.filter(|at| *at < work.until).map(|at| r.exact(at))
}

/// The words for what a read-back found besides this grant.
pub(super) fn remains(request: &Request, remains: &Remains, r: &Reader<'_>) -> Option<String> {
    let subject = r.name(&request.subject);
    match remains {
        Remains::Nothing => None,
        Remains::Through { request } => Some(format!("{subject} still has it through {request}")),
        Remains::Before => Some(format!("{subject} had this before and still has it")),
        Remains::Unknown => Some("nobody could look whether it is gone".to_owned()),
    }
}

fn used(used: &crate::domain::event::Used, r: &Reader<'_>) -> String {
    if used.sessions == 0 {
        return "never".to_owned();
    }
    let mut parts = vec![format!("{} {}", used.sessions, if used.sessions == 1 { "session" } else { "sessions" })];
    parts.extend(used.first.map(|at| format!("first {}", r.moment(at))));
    parts.extend(used.last.map(|at| format!("last {}", r.moment(at))));
    if !used.from.is_empty() {
        parts.push(format!("from {}", list(&used.from)));
    }
    parts.join(", ")
}

fn outcome(request: &Request, r: &Reader<'_>) -> Vec<String> {
    let State::Closed { ending, held, .. } = &request.state else {
        return match &request.state {
            State::Revoking { cause, .. } => vec![ending_words(cause, r)],
            _ => Vec::new(),
        };
    };
    let mut lines = vec![ending_words(ending, r)];
    if let Ending::Unanswered = ending {
        lines = vec![unanswered_next(request, r)];
    }
    if let (Ending::Failed { .. }, None) = (ending, held) {
        lines.push("Nothing was changed.".to_owned());
    }
    lines.retain(|l| !l.is_empty());
    lines
}

fn unanswered_next(request: &Request, r: &Reader<'_>) -> String {
    let last = standing(request)
        .and_then(|ask| r.policy(ask))
        .and_then(|p| p.stages.iter().flat_map(|s| &s.ladder).next_back())
        .map(|rung| format!(" or try {}", r.whos(&rung.to)));
    format!("Closed. Ask again{}.", last.unwrap_or_default())
}

/// How it ended, in words; empty where the first line says it all.
pub(super) fn ending_words(ending: &Ending, r: &Reader<'_>) -> String {
    let quoted = |id: &WordId| format!("\"{}\"", r.text(id));
    match ending {
        Ending::Denied { reason, .. } => quoted(reason),
        Ending::Cancelled { reason, .. } => reason.as_ref().map(quoted).unwrap_or_default(),
        Ending::Unanswered => String::new(),
        Ending::Failed { why } => format!("The answer was: {why}"),
        Ending::Expired => "Its time was over".to_owned(),
        Ending::Returned { by } => format!("Returned early by {}", r.name(by)),
        Ending::Revoked { by, reason } => {
            let by = by.as_ref().map(|p| format!(" by {}", r.name(p))).unwrap_or_default();
            format!("Revoked{by}{}", reason.as_ref().map(|w| format!(": {}", quoted(w))).unwrap_or_default())
        }
        Ending::Left => "The person is no longer active".to_owned(),
        Ending::Settled { by, reason } => format!("Settled by {}: {}", r.name(by), quoted(reason)),
    }
}

fn alarm(request: &Request, ask: &Ask, r: &Reader<'_>, around: &Around) -> Option<AlarmView> {
    let State::Revoking { since, .. } = &request.state else { return None };
    request.alarms.contains(&AlarmKind::StillOpen).then(|| AlarmView {
        since: r.exact(*since),
        tries: around.tries.as_ref().map(|(n, _)| *n),
        last_answer: around.tries.as_ref().map(|(_, answer)| answer.clone()),
        told: list(&around.told),
        by_hand: ask.preview.by_hand.clone(),
    })
}

/// The buttons of a card, in order. Labels are put in by the renderer.
pub fn buttons(request: &Request) -> Vec<Button> {
    use Style::{Danger, Plain, Primary};
    use action::{ACCEPT, APPROVE, DECLINE, DENY, EXTEND_30, EXTEND_60, LESS, LOOKING, PASS, RETURN, REVOKE};
    let these: &[(&str, Style)] = match &request.state {
        State::Pending { round } if round.offer.is_some() => &[(ACCEPT, Primary), (DECLINE, Plain), (APPROVE, Plain), (DENY, Danger)],
        State::Pending { .. } => &[(APPROVE, Primary), (LESS, Plain), (DENY, Danger), (LOOKING, Plain), (PASS, Plain)],
        State::Active { extension: Some(Extension::Asked { .. }), .. } => {
            &[(APPROVE, Primary), (DENY, Danger), (RETURN, Plain), (REVOKE, Danger)]
        }
        State::Active { .. } => &[(RETURN, Primary), (EXTEND_30, Plain), (EXTEND_60, Plain), (REVOKE, Danger)],
        _ => &[],
    };
    these.iter().map(|(action, style)| button(action, *style, request)).collect()
}

pub(super) fn button(action: &str, style: Style, request: &Request) -> Button {
    Button { action: action.to_owned(), label: String::new(), value: request.id.to_string(), style }
}
