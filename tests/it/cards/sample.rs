//! Requests in every state, made by folding events as the bot does, and what a console shows of them.

use hallpass::{
    bot::Around,
    chat::{Chat, Message, Once, console::Console, marks::Marks, render::Templates, replies, view},
    domain::{
        command::{Length, Less},
        event::{AlarmKind, Event, Used},
        policy::{Catalogue, Channel, Platform},
        request::{Ask, AskKind, Ending, Grant, Preview, Remains, Request, RequestId, Work},
        time::{Instant, Span},
        words::{Texts, WordId, Words},
    },
};

use crate::world::START;

/// Everything that people say in these stories.
const TEXTS: [&str; 10] = [
    "Unblock the stuck import",
    "only the import table, please",
    "use the read replica",
    "try it with this first",
    "not needed any more",
    "that is long enough",
    "server deleted",
    "one more batch",
    "enough for today",
    "kept for the audit",
];

pub(crate) fn said(text: &str) -> WordId {
    assert!(TEXTS.contains(&text), "{text}");
    Words::new(text, 1).id
}

pub(crate) fn texts() -> Texts {
    TEXTS.iter().map(|text| (said(text), (*text).to_owned())).collect()
}

/// What a template, a terminal or a chat might take for its own.
pub(crate) const HOSTILE: &str = "{{id}} {{{x}}} <!channel> *b* \u{202e}rtl\u{200b}\u{1b}[31m\nDenied by Ben\n@everyone \"q\"";

pub(crate) fn hostile_texts() -> Texts {
    TEXTS.iter().map(|text| (said(text), HOSTILE.to_owned())).collect()
}

/// A request, the event that came last, and when one looks at it.
#[derive(Clone)]
pub(crate) struct Story {
    pub request: Request,
    pub last: Event,
    pub at: Instant,
    pub now: Instant,
    pub around: Around,
    pub catalogue: Catalogue,
}

pub(crate) fn ask(role: &str, length: Length) -> Ask {
    Ask {
        kind: AskKind::First,
        by: "ana".parse().unwrap(),
        subject: "ana".parse().unwrap(),
        resource: "prod-db".parse().unwrap(),
        role: role.parse().unwrap(),
        length,
        start: None,
        reason: Some(said("Unblock the stuck import")),
        ticket: Some("OPS-4512".into()),
        about: None,
        direct: false,
        at: START,
        policy: "prod-data".parse().unwrap(),
        preview: Preview {
            gets: format!("database role orders_{role} as ana.reyes"),
            by_hand: format!("REVOKE orders_{role} FROM \"ana.reyes\""),
            order: None,
        },
    }
}

pub(crate) fn hour() -> Length {
    Length::For(Span::from_minutes(60))
}

impl Story {
    pub(crate) fn of(ask: Ask) -> Self {
        let last = Event::Asked { ask: ask.clone() };
        let request = Request::open(RequestId::new(7), ask, START);
        Self { request, last, at: START, now: START, around: Around::default(), catalogue: crate::world::catalogue() }
    }

    /// Ana asks for an hour of write.
    pub(crate) fn asked() -> Self {
        Self::of(ask("write", hour()))
    }

    /// Time passes.
    pub(crate) fn after(mut self, seconds: i64) -> Self {
        self.now = self.now + Span::from_seconds(seconds);
        self
    }

    pub(crate) fn then(mut self, event: Event) -> Self {
        self.request = self.request.apply(&event, self.now).unwrap();
        (self.last, self.at) = (event, self.now);
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Around)) -> Self {
        change(&mut self.around);
        self
    }

    pub(crate) fn approved(self, person: &str, stage: u32, comment: Option<&str>) -> Self {
        let person = person.parse().unwrap();
        self.then(Event::Approved { person, stage, rung: 0, comment: comment.map(said) })
    }

    pub(crate) fn granting(self) -> Self {
        let grant = self.grant();
        self.then(Event::Granting { grant })
    }

    /// Ben approved it after three minutes.
    pub(crate) fn decided() -> Self {
        Self::asked().after(180).approved("ben", 0, Some("only the import table, please")).granting()
    }

    pub(crate) fn working(self) -> Self {
        let work = self.work();
        self.then(Event::Working { work })
    }

    pub(crate) fn active() -> Self {
        Self::decided().after(12).working()
    }

    pub(crate) fn work(&self) -> Work {
        Work {
            since: self.now,
            until: self.now + Span::from_minutes(60),
            native_expiry: None,
            had_before: false,
            how_to_connect: Some("psql -h db-prod orders\nyour role: orders_write".into()),
            warned: false,
            grace_used: false,
            graced_from: None,
            found_absent: false,
            extended: Vec::new(),
            unmet: Vec::new(),
        }
    }

    pub(crate) fn grant(&self) -> Grant {
        let ask = self.request.main_ask();
        let duration = match ask.length {
            Length::For(span) => span,
            Length::Until(end) => end.since(self.now),
        };
        Grant {
            id: hallpass::domain::request::GrantId::new(1),
            entitlement: hallpass::domain::entitlement::EntitlementKey("e".repeat(64)),
            resource: ask.resource.clone(),
            role: ask.role.clone(),
            policy: ask.policy.clone(),
            duration,
            end: None,
            ceiling: Span::from_minutes(120),
            cap: Span::from_minutes(240),
            grace: Span::ZERO,
            warning: Span::from_minutes(6),
            decided_at: self.now,
            give_up_at: self.now + Span::from_minutes(15),
            latest: self.now + Span::from_minutes(75),
            votes: self.request.round().map(|round| round.votes.clone()).unwrap_or_default(),
        }
    }

    /// More time is asked for, beyond what was approved.
    pub(crate) fn more_asked() -> Self {
        let more = Ask {
            kind: AskKind::Extension,
            length: Length::For(Span::from_minutes(90)),
            reason: Some(said("one more batch")),
            ..ask("write", hour())
        };
        Self::active().after(3300).then(Event::Warned).then(Event::ExtensionAsked { ask: more })
    }

    /// Dora approved it in the end.
    pub(crate) fn extended() -> Self {
        let until = START + Span::from_seconds(192 + 150 * 60);
        let approved = Self::more_asked().after(60).approved("dora", 0, None).then(Event::ExtensionApproved { until });
        approved.then(Event::Extended { until, native_expiry: None, how_to_connect: None })
    }

    /// Less of it is offered.
    pub(crate) fn less_time() -> Self {
        let less = Less { role: None, duration: Some(Span::from_minutes(30)) };
        Self::more_asked().after(60).then(Event::Offered { person: "ben".parse().unwrap(), less, comment: None })
    }

    /// Nobody has answered by the end; grace keeps it open.
    pub(crate) fn graced() -> Self {
        Self::more_asked().after(300).then(Event::GraceBegan { until: START + Span::from_seconds(192 + 70 * 60) })
    }

    pub(crate) fn revoking(self, cause: Ending) -> Self {
        self.then(Event::Revoking { cause })
    }

    pub(crate) fn gone(self, remains: Remains) -> Self {
        let used =
            Some(Used { sessions: 3, first: Some(self.now), last: Some(self.now), from: vec!["10.0.0.7".into()], sampled_every: None });
        let ledger = Some((48_213, "R2xhZCB5b3UgbG9va2VkOiB0aGlzIGlzIGEgcm9vdCE=".to_owned()));
        self.then(Event::Gone { remains, sessions_closed: Some(2), residue: Vec::new(), used, unwritten: None })
            .with(|around| around.ledger = ledger)
    }

    /// Returned after 41 minutes.
    pub(crate) fn returned() -> Self {
        let by = "ana".parse().unwrap();
        Self::active().after(2485).revoking(Ending::Returned { by }).after(1).gone(Remains::Nothing)
    }

    /// The target has not let go for two minutes.
    pub(crate) fn stuck() -> Self {
        use hallpass::bot::{Stuck, ToldTo};
        let ops = Channel { platform: Platform::Console, id: "#ops".into() };
        let stuck = Stuck {
            tries: 7,
            last_answer: Some("connection refused (db-prod:5432)".into()),
            by_hand: "REVOKE orders_write FROM \"ana.reyes\"".into(),
        };
        Self::active()
            .after(3600)
            .revoking(Ending::Expired)
            .after(25)
            .then(Event::AlarmRaised { alarm: AlarmKind::StillOpen })
            .after(95)
            .with(|around| (around.stuck, around.told) = (Some(stuck), vec![ToldTo::Channel(ops), ToldTo::Program]))
    }

    pub(crate) fn grant_failed(permanent: bool) -> Self {
        let why = "role \"orders_write\" does not exist".to_owned();
        let failed = Self::decided().after(2).then(Event::GrantFailed { why, permanent });
        if permanent { failed.then(Event::AlarmRaised { alarm: AlarmKind::GrantFailed }) } else { failed }
    }

    /// Ben offers half an hour of read.
    pub(crate) fn offered() -> Self {
        let less = Less { role: Some("read".parse().unwrap()), duration: Some(Span::from_minutes(30)) };
        let comment = Some(said("try it with this first"));
        Self::asked().after(60).then(Event::Offered { person: "ben".parse().unwrap(), less, comment })
    }

    /// The chain of two stages, Ben's vote in.
    pub(crate) fn half_decided() -> Self {
        let asked = Self::of(Ask { policy: "prod-admin".parse().unwrap(), ..ask("admin", hour()) });
        asked.after(131).approved("ben", 0, Some("only the import table, please")).then(Event::StageOpened { stage: 1 })
    }

    pub(crate) fn reader<'a>(&'a self, texts: &'a Texts) -> view::Reader<'a> {
        view::Reader {
            catalogue: &self.catalogue,
            texts,
            now: self.now,
            tz: chrono_tz::UTC,
            platform: Platform::Console,
            marks: Marks::Plain,
        }
    }

    pub(crate) fn card(&self, templates: &Templates, texts: &Texts) -> Message {
        let view = view::card(&self.request, &self.reader(texts), &self.around).unwrap();
        templates.card(Platform::Console, &view, &self.reader(texts))
    }

    pub(crate) fn reply(&self, templates: &Templates, texts: &Texts) -> Option<Message> {
        let line = replies::reply_for(&self.last, self.at, &self.request, &self.reader(texts), &self.around)?;
        Some(templates.reply(Platform::Console, &line, &self.reader(texts)))
    }

    pub(crate) fn direct(&self, to: &str, templates: &Templates, texts: &Texts) -> Option<Message> {
        let to = to.parse().unwrap();
        let line = replies::direct_for(&self.last, self.at, &to, &self.request, &self.reader(texts), &self.around)?;
        Some(templates.direct(Platform::Console, &line, &self.reader(texts)))
    }
}

/// As it stands on the console.
pub(crate) async fn drawn(message: &Message) -> String {
    let (console, channel) = (Console::new(), Channel { platform: Platform::Console, id: "#c".into() });
    console.post(&channel, message, Once { nonce: "nonce", may_stand: false, since: START }).await.unwrap();
    console.channel("#c")
}

/// For `Through`.
pub(crate) fn other() -> RequestId {
    RequestId::new(8)
}
