//! `/jit digest`: what happened since the last digest, or what an earlier one told; for those who may read what everybody did. And
//! where the requests that a digest tells of are shown. Words nothing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use serde_json::json;

use super::{
    Answer, Bot,
    answers::Found,
    facts::{Fresh, Whom},
    handle::Caller,
};
use crate::{
    domain::{
        digest::{self, Before, DOCUMENT_VERSION, Made, Rules, Schedule, Window},
        event::Operation,
        facts::Facts,
        parse::Day,
        policy::{Catalogue, Platform, Who},
        refusal::Refusal,
        request::RequestId,
        time::{Instant, Span},
    },
    store::StoreError,
};

/// Requests whose places are looked up for one digest: more than its messages lead to.
const LINKED: usize = 3_000;
/// What is told where there was no digest yet.
const LATELY: Span = Span::from_seconds(86_400);

impl Bot {
    /// The addresses of the threads that a digest leads to on this platform; of those that stand there.
    /// # Errors
    /// The store does not answer.
    pub async fn digest_links(&self, platform: Platform, made: &Made) -> Result<BTreeMap<RequestId, String>, StoreError> {
        let ids: BTreeSet<&RequestId> = made.requests().take(LINKED).collect();
        let mut links = BTreeMap::new();
        for (id, posted) in self.store.cards_of(platform, ids.into_iter()).await? {
            if let Some(link) = self.facts.link(platform, &posted).await {
                links.insert(id, link);
            }
        }
        Ok(links)
    }

    /// The digest of this day, or of what came since the last one; judged and recorded like every look at what others do.
    pub(super) async fn look_at_digest(&self, caller: &Caller, day: Option<Day>, catalogue: &Catalogue) -> Found {
        let among: Vec<Who> = digest::readers(catalogue).cloned().collect();
        let whom = Whom { presser: Some(caller.presser()), among: &among, listed: true, ..Whom::default() };
        let groups = self.gather(catalogue, None, whom, Fresh::Now).await;
        if let Err(refusal) = digest::may_read(&caller.person, &Facts { catalogue, groups: &groups }) {
            return Ok(Err(refusal));
        }
        let usual = Rules { schedule: Schedule { zone: catalogue.time_zone, ..Rules::default().schedule }, ..Rules::default() };
        let rules = catalogue.digests.as_ref().unwrap_or(&usual);
        let digests = match self.found(day, rules).await? {
            Ok(digests) => digests,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let what = day.map_or_else(|| "digest".to_owned(), |day| format!("digest {}", date(day, &rules.schedule, self.now())));
        let mut links = BTreeMap::new();
        for made in &digests {
            links.extend(self.digest_links(caller.platform, made).await?);
        }
        Ok(Ok((Answer::said("digest", json!({ "digests": digests, "links": links })), Some(Operation::Looked { what }))))
    }

    /// As they were made, for a day that had one or, by another time of bot.toml, more; else computed now.
    async fn found(&self, day: Option<Day>, rules: &Rules) -> Result<Result<Vec<Made>, Refusal>, StoreError> {
        let (schedule, now) = (&rules.schedule, self.now());
        let Some(day) = day else { return Ok(Ok(self.computed(self.since_the_last(schedule, now).await?, rules).await?)) };
        let date = date(day, schedule, now);
        let begins = schedule.begin_of(date);
        let ends = date.checked_add_days(Days::new(1)).map_or(begins + LATELY, |next| schedule.begin_of(next));
        let made = self.store.digests_ending(begins, ends).await?;
        if !made.is_empty() {
            return Ok(Ok(made));
        }
        match schedule.ended_on(date, now) {
            Some(window) => Ok(Ok(self.computed(window, rules).await?)),
            None if begins <= now => Ok(Ok(self.computed(self.since_the_last(schedule, now).await?, rules).await?)),
            None => Ok(Err(Refusal::BadPast { text: date.to_string(), why: "that day is still to come".into() })),
        }
    }

    async fn since_the_last(&self, schedule: &Schedule, now: Instant) -> Result<Window, StoreError> {
        let last = self.store.last_digest().await?;
        let from = match last {
            Some((_, Before::Digest { to })) => to,
            Some((_, Before::Nothing { .. })) | None => now - LATELY,
        };
        Ok(schedule.window(from.min(now), now))
    }

    async fn computed(&self, window: Window, rules: &Rules) -> Result<Vec<Made>, StoreError> {
        let digest = self.digest(window, &rules.thresholds).await?;
        let away = self.store.absences(window.from, window.to).await?;
        Ok(vec![Made { v: DOCUMENT_VERSION, n: None, zone: rules.schedule.zone.name().to_owned(), digest, away }])
    }
}

fn date(day: Day, schedule: &Schedule, now: Instant) -> NaiveDate {
    match day {
        Day::On(date) => date,
        Day::Yesterday => {
            let today = schedule.day_of(now);
            today.pred_opt().unwrap_or(today)
        }
    }
}
