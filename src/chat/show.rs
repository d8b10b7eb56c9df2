//! Words for what the workers bring in line: looks up names, zones and texts, and hands them to the templates.

use std::sync::Arc;

use super::{
    Message,
    render::Templates,
    replies,
    view::{self, Around, Reader},
};
use crate::{
    bot::{Answer, Bot},
    domain::{
        event::{AlarmKind, Event},
        explain::Outlook,
        ids::PersonId,
        policy::Platform,
        request::Request,
        time::Instant,
        words::{self, Texts},
    },
    store::{Alarm, StoreError},
    worker::{Shows, Telling},
};

/// The console's voice.
pub struct Voice {
    pub bot: Arc<Bot>,
    pub templates: Arc<Templates>,
}

impl Voice {
    /// What the presser reads: an answer or a refusal, in their zone.
    pub async fn answer(&self, person: Option<&PersonId>, answer: &Answer) -> Result<String, StoreError> {
        let catalogue = self.bot.catalogue();
        let zone = person.and_then(|p| catalogue.people.get(p)).and_then(|p| p.time_zone).unwrap_or(catalogue.time_zone);
        let texts = match answer {
            Answer::Refused(_) => Texts::new(),
            Answer::Said { data, .. } => self.bot.store().texts(&words::of(data)).await?,
        };
        let reader = Reader { catalogue: &catalogue, texts: &texts, now: self.bot.now(), tz: zone };
        Ok(match answer {
            Answer::Refused(refusal) => self.templates.refusal(refusal, &reader),
            Answer::Said { name, data } => self.templates.answer(name, data, &reader),
        })
    }
}

impl Voice {
    /// How an ask would go, in the lines that stand before sending.
    pub fn before(&self, outlook: &Outlook) -> String {
        let catalogue = self.bot.catalogue();
        let zone = catalogue.people.get(&outlook.person).and_then(|p| p.time_zone).unwrap_or(catalogue.time_zone);
        let texts = Texts::new();
        self.templates.before(outlook, &Reader { catalogue: &catalogue, texts: &texts, now: self.bot.now(), tz: zone })
    }
}

impl Shows for Voice {
    fn card(&self, _platform: Platform, request: &Request, texts: &Texts, now: Instant) -> Message {
        let catalogue = self.bot.catalogue();
        let reader = Reader { catalogue: &catalogue, texts, now, tz: catalogue.time_zone };
        match view::card(request, &reader, &Around::default()) {
            Some(view) => self.templates.card(&view),
            None => Message { body: view::headline(request, &reader), buttons: Vec::new() },
        }
    }

    fn reply(&self, _platform: Platform, telling: &Telling<'_>) -> Option<Message> {
        let catalogue = self.bot.catalogue();
        let reader = Reader { catalogue: &catalogue, texts: telling.texts, now: telling.now, tz: catalogue.time_zone };
        let around = Around::default();
        let line = match telling.event {
            Event::AlarmRaised { alarm: AlarmKind::StillOpen } => replies::still_open(telling.request, &reader, &around),
            event => replies::reply_for(event, telling.at, telling.request, &reader, &around),
        };
        line.map(|line| self.templates.reply(&line))
    }

    fn direct(&self, _platform: Platform, to: &PersonId, telling: &Telling<'_>) -> Option<Message> {
        let catalogue = self.bot.catalogue();
        let zone = catalogue.people.get(to).and_then(|p| p.time_zone).unwrap_or(catalogue.time_zone);
        let reader = Reader { catalogue: &catalogue, texts: telling.texts, now: telling.now, tz: zone };
        let line = replies::direct_for(telling.event, telling.at, to, telling.request, &reader, &Around::default());
        line.map(|line| self.templates.direct(&line))
    }

    fn link(&self, _platform: Platform, _to: &PersonId, account: (Platform, &str), joined: bool) -> Message {
        let name = if joined { "linked" } else { "unlinked" };
        let data = serde_json::json!({ "platform": account.0.name(), "account": account.1 });
        self.templates.direct(&replies::ReplyView { name, data, buttons: Vec::new() })
    }

    fn alarm(&self, _platform: Platform, alarm: &Alarm, _now: Instant) -> Message {
        let state = if alarm.cleared_at.is_some() { "OVER" } else { "ALARM" };
        Message { body: format!("{state}: {}", alarm.what), buttons: Vec::new() }
    }
}
