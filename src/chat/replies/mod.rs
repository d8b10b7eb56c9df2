//! One line of the thread for each event that people care about. Every event is named here: with its words, or with the
//! reason why it has none. Pure; the words themselves are the templates'.

mod direct;
mod summary;

use serde_json::{Value, json};

pub use direct::direct_for;
pub(super) use summary::owner;
pub use summary::still_open;

use super::{
    Button,
    view::{Reader, card, more_time, only_got, open_rung, open_stage, standing, until_asked, what},
    words::{rough, thousands},
};
use crate::{
    bot::Around,
    domain::{
        command::Length,
        event::{AlarmKind, Event, ExtensionEnd},
        ids::PersonId,
        policy::Who,
        request::{Ask, AskKind, Request, State},
        time::{Instant, Span},
    },
};

/// What is told longer than this after it happened says so.
const LATE: Span = Span::from_minutes(1);

/// A line to be rendered by `reply/<name>` or `direct/<name>`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplyView {
    pub name: &'static str,
    pub data: Value,
    pub buttons: Vec<Button>,
    /// Whom the platform is to mention; nobody else may be.
    pub notify: Vec<Who>,
    /// When it happened, for a line that is told long after it.
    pub late: Option<String>,
}

impl ReplyView {
    #[expect(clippy::unnecessary_wraps, reason = "each arm of a match gives a line or none")]
    const fn new(name: &'static str, data: Value) -> Option<Self> {
        Some(Self { name, data, buttons: Vec::new(), notify: Vec::new(), late: None })
    }

    #[expect(clippy::unnecessary_wraps, reason = "each arm of a match gives a line or none")]
    const fn calling(name: &'static str, data: Value, notify: Vec<Who>) -> Option<Self> {
        Some(Self { name, data, buttons: Vec::new(), notify, late: None })
    }
}

/// An event with everything that its line may say.
struct Told<'a> {
    at: Instant,
    request: &'a Request,
    r: &'a Reader<'a>,
    around: &'a Around,
}

/// The thread's line for `event`, which happened at `at`; `request` is as it stood then, after it.
pub fn reply_for(event: &Event, at: Instant, request: &Request, r: &Reader<'_>, around: &Around) -> Option<ReplyView> {
    let told = Told { at, request, r, around };
    told.reply(event).map(|line| told.dated(line))
}

impl Told<'_> {
    /// Marked with its time when it is told long after it.
    fn dated(&self, line: ReplyView) -> ReplyView {
        let late = (self.r.now.since(self.at) > LATE).then(|| self.r.moment(self.at));
        ReplyView { late, ..line }
    }

    fn reply(&self, event: &Event) -> Option<ReplyView> {
        match event {
            // The card itself says it.
            Event::Asked { .. }
            // "Has it" is said when it works, and not before (R9).
            | Event::Granting { .. }
            // More time is said when the target's own expiry moved.
            | Event::ExtensionApproved { .. }
            // The card says that it is being taken away; the summary says what came of it.
            | Event::Revoking { .. }
            // The line of the failed grant says that operators were told.
            | Event::AlarmRaised { alarm: AlarmKind::GrantFailed }
            | Event::AlarmCleared { alarm: AlarmKind::GrantFailed | AlarmKind::Residue }
            // Told to whoever pressed; the ledger keeps it.
            | Event::Refused { .. }
            // The end says it.
            | Event::ExtensionClosed { how: ExtensionEnd::Overtaken, .. } => None,
            Event::Reminded | Event::Escalated { .. } | Event::StageOpened { .. } | Event::PassedOn { .. } | Event::Looking { .. } => {
                self.calling(event)
            }
            Event::Approved { .. } | Event::TakenBack { .. } | Event::Recounted { .. } | Event::Reopened { .. } => self.counting(event),
            Event::Offered { .. } | Event::OfferDeclined { .. } | Event::OfferAccepted { .. } => self.offering(event),
            Event::Denied { .. }
            | Event::Cancelled { .. }
            | Event::Unanswered
            | Event::Left { .. }
            | Event::Scheduled { .. } => self.decided(event),
            Event::Shortened { .. } | Event::Working { .. } | Event::CredentialShown { .. } | Event::GrantFailed { .. } | Event::Warned | Event::GraceBegan { .. } | Event::FoundAbsent => {
                self.holding(event)
            }
            Event::ExtensionAsked { .. } | Event::ExtensionClosed { .. } | Event::Extended { .. } => self.extending(event),
            Event::Leftover { residue } => ReplyView::new("leftover", json!({ "residue": residue })),
            Event::Settled { .. } if summary::settlement(self.request).is_some() => summary::settled(self.request, self.r),
            Event::Gone { .. } | Event::Settled { .. } => summary::ended(self.request, self.r, self.around),
            Event::AlarmRaised { alarm: AlarmKind::StillOpen } => still_open(self.request, self.r, self.around),
            Event::AlarmRaised { alarm: AlarmKind::Residue } => summary::residue(self.request, self.r),
            Event::AlarmCleared { alarm: AlarmKind::StillOpen } => {
                ReplyView::new("alarm_cleared", json!({ "at": self.r.exact(self.at) }))
            }
        }
    }

    fn waiting_names(&self) -> Option<String> {
        card(self.request, self.r, self.around)?.waiting.map(|w| w.names)
    }

    /// Whom the stage that is open now notifies: perhaps fewer than may approve.
    fn notified(&self) -> Vec<Who> {
        open_stage(self.request, self.r).map(|stage| stage.notify.clone()).unwrap_or_default()
    }

    fn calling(&self, event: &Event) -> Option<ReplyView> {
        let r = self.r;
        match event {
            Event::Reminded => ReplyView::calling("reminded", json!({ "names": self.waiting_names()? }), self.notified()),
            Event::StageOpened { .. } => ReplyView::calling("stage_opened", json!({ "names": self.waiting_names()? }), self.notified()),
            Event::Escalated { rung } => {
                let to = &open_rung(self.request, *rung, r)?.to;
                ReplyView::calling("escalated", json!({ "names": r.whos(to) }), to.clone())
            }
            Event::PassedOn { by, to } => {
                ReplyView::calling("passed_on", json!({ "who": r.name(by), "to": r.name(to) }), vec![Who::Person(to.clone())])
            }
            Event::Looking { person, until } => ReplyView::new("looking", json!({ "who": r.name(person), "until": r.moment(*until) })),
            _ => None,
        }
    }

    fn counting(&self, event: &Event) -> Option<ReplyView> {
        let r = self.r;
        match event {
            Event::Approved { person, comment, .. } => {
                let progress = card(self.request, r, self.around).and_then(|c| c.progress);
                let comment = r.some_text(comment.as_ref());
                let (who, at) = (r.name(person), r.exact(self.at));
                ReplyView::new("approved", json!({ "who": who, "at": at, "comment": comment, "progress": progress }))
            }
            Event::TakenBack { person } => ReplyView::new("taken_back", json!({ "who": r.name(person) })),
            Event::Recounted { dropped, policy, .. } => {
                ReplyView::calling("recounted", json!({ "dropped": r.names(dropped), "policy": policy }), self.notified())
            }
            Event::Reopened { dropped, .. } => ReplyView::calling("reopened", json!({ "dropped": r.names(dropped) }), self.notified()),
            _ => None,
        }
    }

    fn offering(&self, event: &Event) -> Option<ReplyView> {
        let r = self.r;
        match event {
            Event::Offered { person, less, comment } => {
                let comment = r.some_text(comment.as_ref());
                ReplyView::new("offered", json!({ "who": r.name(person), "less": Reader::less(less), "comment": comment }))
            }
            Event::OfferDeclined { person } => ReplyView::new("offer_declined", json!({ "who": r.name(person) })),
            Event::OfferAccepted { ask } => {
                let more = ask.kind == AskKind::Extension;
                let what = if more { r.more(ask.length) } else { what(ask) };
                let data = json!({ "who": r.name(&ask.by), "what": what, "length": (!more).then(|| r.length(ask.length)) });
                ReplyView::calling("offer_accepted", data, self.notified())
            }
            _ => None,
        }
    }

    fn decided(&self, event: &Event) -> Option<ReplyView> {
        let r = self.r;
        match event {
            Event::Denied { person, reason } => {
                ReplyView::new("denied", json!({ "who": r.name(person), "at": r.moment(self.at), "reason": r.text(reason) }))
            }
            Event::Cancelled { person, reason } => {
                let who = person.as_ref().map(|p| r.name(p));
                ReplyView::new("cancelled", json!({ "who": who, "reason": r.some_text(reason.as_ref()) }))
            }
            Event::Unanswered => ReplyView::new("unanswered", self.unanswered()),
            Event::Left { person } => ReplyView::new("left", json!({ "who": r.name(person) })),
            Event::Scheduled { start } => ReplyView::new("scheduled", json!({ "start": r.moment(*start), "start_in": r.relative(*start) })),
            _ => None,
        }
    }

    fn unanswered(&self) -> Value {
        let next = card(self.request, self.r, self.around).and_then(|c| c.outcome.first().cloned());
        let got = standing(self.request).and_then(|ask| only_got(self.request, ask, self.r));
        json!({ "after": rough(self.at.since(self.request.opened_at)), "next": next, "got": got })
    }

    fn holding(&self, event: &Event) -> Option<ReplyView> {
        let r = self.r;
        match event {
            Event::Shortened { duration, .. } => ReplyView::new("shortened", json!({ "length": r.length(Length::For(*duration)) })),
            Event::Working { .. } => ReplyView::new("working", self.has()?),
            Event::GrantFailed { why, permanent } => ReplyView::new("grant_failed", json!({ "why": why, "permanent": permanent })),
            Event::CredentialShown { person } => {
                ReplyView::new("credential_shown", json!({ "who": r.name(person), "at": r.moment(self.at) }))
            }
            Event::Warned => self.warned(),
            Event::GraceBegan { until } => ReplyView::new("grace_began", json!({ "until": r.moment(*until) })),
            Event::FoundAbsent => ReplyView::new("found_absent", json!({})),
            _ => None,
        }
    }

    fn extending(&self, event: &Event) -> Option<ReplyView> {
        let r = self.r;
        match event {
            Event::ExtensionAsked { ask } => ReplyView::calling("extension_asked", self.more_asked(ask), self.notified()),
            Event::ExtensionClosed { how, person, reason } => {
                let (who, reason) = (person.as_ref().map(|p| r.name(p)), r.some_text(reason.as_ref()));
                ReplyView::new("extension_closed", json!({ "how": how, "who": who, "reason": reason, "until": self.until() }))
            }
            Event::Extended { until, .. } => {
                ReplyView::new("extended", json!({ "until": r.moment(*until), "until_in": r.relative(*until) }))
            }
            _ => None,
        }
    }

    fn more_asked(&self, ask: &Ask) -> Value {
        let r = self.r;
        let until = until_asked(self.request, r).map(|until| r.moment(until));
        json!({
            "who": r.name(&ask.by), "more": r.more(ask.length), "until": until,
            "reason": r.some_text(ask.reason.as_ref()), "names": self.waiting_names(),
        })
    }

    /// The end that stands when no more time is given; None once it is no longer held, or is held by grace alone.
    fn until(&self) -> Option<String> {
        match &self.request.state {
            State::Active { work, .. } if work.graced_from.is_none() => Some(self.r.moment(work.until)),
            _ => None,
        }
    }

    /// Who has what until when; None unless it is held.
    fn has(&self) -> Option<Value> {
        let (State::Active { work, .. }, ask) = (&self.request.state, standing(self.request)?) else { return None };
        let r = self.r;
        Some(json!({
            "subject": r.name(&self.request.subject), "what": what(ask),
            "since": r.exact(work.since), "until": r.moment(work.until), "until_in": r.relative(work.until),
            "had_before": work.had_before, "how_to_connect": lines(work.how_to_connect.as_ref()),
        }))
    }

    fn warned(&self) -> Option<ReplyView> {
        let (State::Active { work, .. }, ask) = (&self.request.state, standing(self.request)?) else { return None };
        let r = self.r;
        let data = json!({ "what": what(ask), "until": r.moment(work.until), "until_in": r.relative(work.until) });
        Some(ReplyView { name: "warned", data, buttons: more_time(self.request, r), notify: Vec::new(), late: None })
    }
}

/// Each line on its own: a line is copied whole, and the escape of a value makes one line of it.
pub(super) fn lines(text: Option<&String>) -> Vec<&str> {
    text.iter().flat_map(|text| text.lines()).collect()
}

/// The ledger's size and whole root, as people compare them.
fn ledger(around: &Around) -> (Option<String>, Option<&str>) {
    around.ledger.as_ref().map_or((None, None), |(entries, root)| (Some(thousands(*entries)), Some(root.as_str())))
}

/// The person by whom a decision was made is not told of it; everybody else is.
fn is_other(person: Option<&PersonId>, to: &PersonId) -> bool {
    person != Some(to)
}
