//! Words for what the workers bring in line: looks up names, zones and texts, and hands them to the templates.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Message, alarms,
    digest::{self, Bounds},
    home::{self, HomeView},
    render::Templates,
    replies,
    view::{self, Reader},
};
use crate::{
    bot::{Answer, Bot},
    domain::{
        digest::Made,
        explain::Outlook,
        ids::PersonId,
        policy::{Catalogue, Platform},
        refusal::Refusal,
        request::Request,
        time::Instant,
        words::{self, Texts},
    },
    store::{Alarm, StoreError},
    worker::{Digested, Scene, Shows, Telling},
};

/// Messages of one digest in a channel, and of one that is answered privately: Slack takes five.
const MESSAGES: usize = 20;
const PRIVATE: usize = 5;

/// The bot's voice on every platform.
pub struct Voice {
    pub bot: Arc<Bot>,
    pub templates: Arc<Templates>,
}

impl Voice {
    /// What the presser reads: an answer or a refusal, in their zone.
    pub async fn answer(&self, platform: Platform, person: Option<&PersonId>, answer: &Answer) -> Result<String, StoreError> {
        let catalogue = self.bot.catalogue();
        let texts = match answer {
            Answer::Refused(_) | Answer::Handed(_) => Texts::new(),
            Answer::Said { data, .. } => self.bot.store().texts(&words::of(data)).await?,
        };
        let reader = Reader {
            catalogue: &catalogue,
            texts: &texts,
            now: self.bot.now(),
            tz: zone(&catalogue, person),
            platform,
            marks: self.templates.marks(platform),
        };
        Ok(match answer {
            Answer::Refused(refusal) => self.templates.refusal(platform, refusal, &reader),
            Answer::Said { name: "digest", data } => self.digest_bodies(platform, data).join("\n"),
            Answer::Said { name: "show", data } => self.shown(platform, data, &reader).await?,
            Answer::Said { name, data } => self.templates.answer(platform, name, data, &reader),
            Answer::Handed(handed) => self.templates.handed(platform, handed, &reader),
        })
    }

    /// The same as it is sent: a digest may take several messages.
    pub async fn answers(&self, platform: Platform, person: Option<&PersonId>, answer: &Answer) -> Result<Vec<String>, StoreError> {
        match answer {
            Answer::Said { name: "digest", data } => Ok(self.digest_bodies(platform, data)),
            answer => Ok(vec![self.answer(platform, person, answer).await?]),
        }
    }

    fn digest_bodies(&self, platform: Platform, data: &Value) -> Vec<String> {
        let part = |name: &str| data.get(name).cloned().unwrap_or_default();
        let (all, links) = (serde_json::from_value::<Vec<Made>>(part("digests")), serde_json::from_value(part("links")));
        let (Ok(all), Ok(links)) = (all, links) else { return vec![String::new()] };
        // Of a day that had many, the last ones.
        let all = &all[all.len().saturating_sub(PRIVATE)..];
        let bounds = Bounds { told: (0, 0), most: PRIVATE / all.len().max(1) };
        let pages = all.iter().flat_map(|made| self.digest_pages(platform, &Digested { made, links: &links }, bounds));
        pages.map(|(message, _)| message.body).collect()
    }

    /// In the digest's own zone, as of when it was made: what is told again is told in the same words.
    fn digest_pages(&self, platform: Platform, digested: &Digested<'_>, bounds: Bounds) -> Vec<(Message, usize)> {
        let (catalogue, texts, marks) = (self.bot.catalogue(), Texts::new(), self.templates.marks(platform));
        let (made, now) = (digested.made, digested.made.digest.made_at);
        let reader = Reader { catalogue: &catalogue, texts: &texts, now, tz: made.zone(), platform, marks };
        let pages = digest::pages(made, digested.links, bounds, (&self.templates, &reader));
        pages.into_iter().map(|(page, lines)| (self.templates.digest(&page, &reader), lines)).collect()
    }

    /// One request as its card has it, with all that the card looks up.
    async fn shown(&self, platform: Platform, data: &Value, reader: &Reader<'_>) -> Result<String, StoreError> {
        let request = data.get("request").and_then(|request| serde_json::from_value::<Request>(request.clone()).ok());
        let Some(request) = request else { return Ok(self.templates.answer(platform, "show", data, reader)) };
        let to = data.get("reader").and_then(|to| serde_json::from_value::<PersonId>(to.clone()).ok());
        let around = self.bot.around(&request).await?;
        Ok(self.templates.show(platform, (&request, to.as_ref()), reader, &around))
    }

    /// A page of the platform's own, such as a form, by its section.
    pub fn page(&self, platform: Platform, section: &str, data: &Value) -> Value {
        serde_json::from_str(&self.templates.page(platform, section, data)).unwrap_or_default()
    }

    /// A request's first line.
    pub fn headline(&self, platform: Platform, request: &Request) -> String {
        let (catalogue, texts) = (self.bot.catalogue(), Texts::new());
        let (tz, marks) = (catalogue.time_zone, self.templates.marks(platform));
        view::headline(request, &Reader { catalogue: &catalogue, texts: &texts, now: self.bot.now(), tz, platform, marks })
    }

    /// What the presser reads, as lines for a page; times are marked for the platform.
    pub async fn answer_lines(&self, platform: Platform, answer: &Answer) -> Result<Vec<String>, StoreError> {
        let catalogue = self.bot.catalogue();
        let texts = match answer {
            Answer::Refused(_) | Answer::Handed(_) => Texts::new(),
            Answer::Said { data, .. } => self.bot.store().texts(&words::of(data)).await?,
        };
        let (tz, marks) = (catalogue.time_zone, self.templates.marks(platform));
        let reader = Reader { catalogue: &catalogue, texts: &texts, now: self.bot.now(), tz, platform, marks };
        let words = match answer {
            Answer::Refused(refusal) => self.templates.refusal_words(platform, refusal, &reader),
            Answer::Said { name, data } => self.templates.answer_words(name, data, &reader),
            // A page stays: what is shown once is told as a message of its own.
            Answer::Handed(_) => self.templates.answer_words("credential_sent", &Value::Null, &reader),
        };
        Ok(words.lines().map(str::to_owned).collect())
    }

    /// Somebody's own page, in their zone; or why they have none, in words.
    pub async fn home(&self, platform: Platform, user: &str) -> Result<Result<HomeView, String>, StoreError> {
        let page = self.bot.home(platform, user).await?;
        let (catalogue, none) = (self.bot.catalogue(), Texts::new());
        let (person, texts) = page.as_ref().map_or((None, &none), |page| (Some(&page.person), &page.texts));
        let (tz, marks) = (zone(&catalogue, person), self.templates.marks(platform));
        let reader = Reader { catalogue: &catalogue, texts, now: self.bot.now(), tz, platform, marks };
        Ok(match &page {
            Ok(page) => Ok(home::home(page, &reader)),
            Err(refusal) => Err(self.templates.refusal_words(platform, refusal, &reader)),
        })
    }

    /// How an ask would go, in the lines that stand before sending.
    pub fn before(&self, platform: Platform, outlook: &Outlook) -> String {
        let (catalogue, texts) = (self.bot.catalogue(), Texts::new());
        let tz = zone(&catalogue, Some(&outlook.person));
        let reader =
            Reader { catalogue: &catalogue, texts: &texts, now: self.bot.now(), tz, platform, marks: self.templates.marks(platform) };
        self.templates.before(platform, outlook, &reader)
    }

    /// The same in words alone, for a place that takes no markup.
    pub fn before_words(&self, platform: Platform, outlook: &Outlook) -> String {
        let (catalogue, texts) = (self.bot.catalogue(), Texts::new());
        let tz = zone(&catalogue, Some(&outlook.person));
        let reader =
            Reader { catalogue: &catalogue, texts: &texts, now: self.bot.now(), tz, platform, marks: self.templates.marks(platform) };
        self.templates.before_words(platform, outlook, &reader)
    }

    /// A "no" in words alone.
    pub fn refusal_words(&self, platform: Platform, person: Option<&PersonId>, refusal: &Refusal) -> String {
        let (catalogue, texts) = (self.bot.catalogue(), Texts::new());
        let tz = zone(&catalogue, person);
        let reader =
            Reader { catalogue: &catalogue, texts: &texts, now: self.bot.now(), tz, platform, marks: self.templates.marks(platform) };
        self.templates.refusal_words(platform, refusal, &reader)
    }
}

/// The person's own zone; the house's for a channel and for those who have none.
fn zone(catalogue: &Catalogue, person: Option<&PersonId>) -> chrono_tz::Tz {
    person.and_then(|p| catalogue.people.get(p)).and_then(|p| p.time_zone).unwrap_or(catalogue.time_zone)
}

impl Voice {
    fn reader<'a>(&self, platform: Platform, catalogue: &'a Catalogue, scene: &Scene<'a>, person: Option<&PersonId>) -> Reader<'a> {
        let marks = self.templates.marks(platform);
        Reader { catalogue, texts: scene.texts, now: scene.now, tz: zone(catalogue, person), platform, marks }
    }
}

impl Shows for Voice {
    fn card(&self, platform: Platform, scene: &Scene<'_>) -> Message {
        let catalogue = self.bot.catalogue();
        let reader = self.reader(platform, &catalogue, scene, None);
        match view::card(scene.request, &reader, scene.around) {
            Some(view) => self.templates.card(platform, &view, &reader),
            None => self.templates.line(platform, &view::headline(scene.request, &reader)),
        }
    }

    fn reply(&self, platform: Platform, telling: &Telling<'_>) -> Option<Message> {
        let (catalogue, scene) = (self.bot.catalogue(), &telling.scene);
        let reader = self.reader(platform, &catalogue, scene, None);
        let line = replies::reply_for(telling.event, telling.at, scene.request, &reader, scene.around)?;
        Some(self.templates.reply(platform, &line, &reader))
    }

    fn direct(&self, platform: Platform, to: &PersonId, telling: &Telling<'_>) -> Option<Message> {
        let (catalogue, scene) = (self.bot.catalogue(), &telling.scene);
        let reader = self.reader(platform, &catalogue, scene, Some(to));
        let line = replies::direct_for(telling.event, telling.at, to, scene.request, &reader, scene.around)?;
        Some(self.templates.direct(platform, &line, &reader))
    }

    fn link(&self, platform: Platform, _to: &PersonId, account: (Platform, &str), joined: bool) -> Message {
        let name = if joined { "linked" } else { "unlinked" };
        let data = serde_json::json!({ "platform": account.0.name(), "account": account.1 });
        let (catalogue, texts) = (self.bot.catalogue(), Texts::new());
        let (tz, marks) = (catalogue.time_zone, self.templates.marks(platform));
        let reader = Reader { catalogue: &catalogue, texts: &texts, now: self.bot.now(), tz, platform, marks };
        self.templates.direct(platform, &replies::ReplyView { name, data, buttons: Vec::new(), notify: Vec::new(), late: None }, &reader)
    }

    fn digest(&self, platform: Platform, digested: &Digested<'_>, told: (usize, usize)) -> Vec<(Message, usize)> {
        self.digest_pages(platform, digested, Bounds { told, most: MESSAGES })
    }

    fn alarm(&self, platform: Platform, alarm: &Alarm, about: Option<&Scene<'_>>, now: Instant) -> Message {
        let (catalogue, none) = (self.bot.catalogue(), Texts::new());
        let reader = Reader {
            catalogue: &catalogue,
            texts: about.map_or(&none, |scene| scene.texts),
            now,
            tz: catalogue.time_zone,
            platform,
            marks: self.templates.marks(platform),
        };
        let post = alarms::post(alarm, about.map(|scene| (scene.request, scene.around)), &reader);
        self.templates.alarm(platform, &post, &reader)
    }
}
