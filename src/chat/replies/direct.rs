//! The private lines for whoever asked and for whom the access is. Every event is named here. Pure.

use serde_json::{Value, json};

use super::{ReplyView, Told, is_other, lines, summary::settlement};
use crate::{
    bot::Around,
    chat::{
        Style,
        view::{Reader, action, ask_again, button, card, ending_words, more_time, offer_button, standing, what},
    },
    domain::{
        event::{AlarmKind, Event, ExtensionEnd},
        ids::PersonId,
        request::{AskKind, Ending, Request, State},
        time::Instant,
    },
};

/// The private line for `to` (requester or subject), or None when the event is no news to them.
pub fn direct_for(event: &Event, at: Instant, to: &PersonId, request: &Request, r: &Reader<'_>, around: &Around) -> Option<ReplyView> {
    let told = Told { at, request, r, around };
    line_for(&told, event, to).map(|line| told.dated(line))
}

fn line_for(told: &Told<'_>, event: &Event, to: &PersonId) -> Option<ReplyView> {
    let Told { at, request, r, .. } = *told;
    let for_me = *to == request.subject;
    match event {
        Event::Asked { .. } => (for_me && request.requester != request.subject).then(|| told.asked_for_you())?,
        Event::Denied { person, reason } => told.line("denied", json!({ "who": r.name(person), "reason": r.text(reason) })),
        Event::Cancelled { person, reason } if is_other(person.as_ref(), to) => {
            let who = person.as_ref().map(|p| r.name(p));
            told.line("cancelled", json!({ "who": who, "reason": r.some_text(reason.as_ref()) }))
        }
        Event::Unanswered => told.line("unanswered", told.unanswered()).map(|line| told.again(line, to)),
        Event::Left { person } if person != to => told.line("left", json!({ "who": r.name(person) })),
        Event::Offered { person, less, comment } if *to == request.ask().by => {
            let comment = r.some_text(comment.as_ref());
            let mut line = told.line("offered", json!({ "who": r.name(person), "less": Reader::less(less), "comment": comment }))?;
            if request.ask().kind == AskKind::Extension {
                line.data["what"] = json!(format!("{} of {}", r.more(request.ask().length), what(request.ask())));
            }
            line.buttons = [(action::ACCEPT, Style::Primary), (action::DECLINE, Style::Plain)]
                .map(|(action, style)| offer_button(action, style, request, at))
                .into();
            Some(line)
        }
        Event::Scheduled { start } => {
            let mut line = told.line("scheduled", json!({ "start": r.moment(*start), "start_in": r.relative(*start) }))?;
            line.buttons = vec![button(action::CANCEL, Style::Plain, request)];
            Some(line)
        }
        Event::Reopened { .. } => told.line("reopened", json!({})),
        Event::Working { .. } => told.working(for_me),
        Event::GrantFailed { why, permanent } => told.line("grant_failed", json!({ "why": why, "permanent": permanent })),
        Event::Warned if for_me => told.warned(),
        Event::GraceBegan { until } if for_me => told.line("grace_began", json!({ "until": r.moment(*until) })),
        Event::FoundAbsent if for_me => told.line("found_absent", json!({})),
        Event::Extended { until, how_to_connect, .. } => {
            let how = lines(how_to_connect.as_ref().filter(|_| for_me));
            told.line("extended", json!({ "until": r.moment(*until), "until_in": r.relative(*until), "how_to_connect": how }))
        }
        Event::ExtensionClosed { how: ExtensionEnd::Denied | ExtensionEnd::Unanswered, reason, .. } => {
            told.line("no_more_time", json!({ "until": told.until(), "reason": r.some_text(reason.as_ref()) }))
        }
        Event::Gone { .. } => told.ended(to),
        Event::Settled { .. } if settlement(request).is_none() => told.ended(to),
        // The one who is told did it, or is not the one it concerns.
        Event::Cancelled { .. } | Event::Left { .. } | Event::Offered { .. } | Event::Warned | Event::GraceBegan { .. } | Event::FoundAbsent
        // The approvers' business: it shows on the card, and the asker hears of the decision.
        | Event::Reminded | Event::Escalated { .. } | Event::Looking { .. } | Event::PassedOn { .. } | Event::Approved { .. }
        | Event::TakenBack { .. } | Event::StageOpened { .. } | Event::Recounted { .. }
        // Their own presses, answered at once.
        | Event::CredentialShown { .. } | Event::OfferDeclined { .. } | Event::OfferAccepted { .. } | Event::ExtensionAsked { .. }
        | Event::ExtensionClosed { how: ExtensionEnd::Cancelled | ExtensionEnd::Overtaken, .. }
        // Said when it is true: works (and until when), moved, gone.
        | Event::Granting { .. } | Event::Shortened { .. } | Event::ExtensionApproved { .. } | Event::Revoking { .. }
        // For operators, as is what remains after the end.
        | Event::Leftover { .. } | Event::Settled { .. }
        | Event::AlarmRaised { alarm: AlarmKind::StillOpen | AlarmKind::GrantFailed | AlarmKind::Residue }
        | Event::AlarmCleared { .. } | Event::Refused { .. } => None,
    }
}

impl Told<'_> {
    /// A line with what every private line may name.
    fn line(&self, name: &'static str, more: Value) -> Option<ReplyView> {
        let (request, r, ask) = (self.request, self.r, standing(self.request)?);
        let line =
            json!({ "what": what(ask), "id": request.id, "requester": r.name(&request.requester), "subject": r.name(&request.subject) });
        ReplyView::new(name, merged(line, more))
    }

    fn again(&self, mut line: ReplyView, to: &PersonId) -> ReplyView {
        if *to == self.request.requester {
            line.buttons = ask_again(self.request);
        }
        line
    }

    fn asked_for_you(&self) -> Option<ReplyView> {
        let ask = standing(self.request)?;
        let reason = self.r.some_text(ask.reason.as_ref());
        let mut line = self.line("asked_for_you", json!({ "length": self.r.length(ask.length), "reason": reason }))?;
        line.buttons = vec![button(action::CANCEL, Style::Plain, self.request)];
        Some(line)
    }

    fn working(&self, for_me: bool) -> Option<ReplyView> {
        let sessions = card(self.request, self.r, self.around)?.sessions;
        // As much as the buttons would: what can only be refused is not offered.
        let more = more_time(self.request, self.r).iter().find_map(|button| button.action.strip_prefix("extend:").map(str::to_owned));
        let data = merged(self.has()?, json!({ "sessions": sessions, "more": more }));
        let mut line = self.line(if for_me { "working" } else { "working_other" }, data)?;
        if for_me && self.around.hands_over {
            line.buttons.push(button(action::CREDENTIAL, Style::Primary, self.request));
        }
        line.buttons.push(button(action::RETURN, Style::Plain, self.request));
        Some(line)
    }

    fn ended(&self, to: &PersonId) -> Option<ReplyView> {
        let State::Closed { ending, held: Some(held), .. } = &self.request.state else { return None };
        let shown = card(self.request, self.r, self.around)?.held?;
        if held.work.is_none() {
            // That it failed was said; what is new is that nothing of it stays, and that it may be asked again.
            let undone = json!({ "gone": shown.gone, "residue": shown.residue });
            return matches!(ending, Ending::Failed { .. }).then(|| self.line("undone", undone)).flatten().map(|line| self.again(line, to));
        }
        let early = !matches!(ending, Ending::Expired);
        self.line(
            "ended",
            json!({
                "time": shown.time, "how": ending_words(ending, self.r), "early": early, "remains": shown.remains, "gone": shown.gone,
            }),
        )
    }
}

fn merged(mut all: Value, more: Value) -> Value {
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    all
}
