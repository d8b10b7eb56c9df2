//! What fits the letters while a command is being typed: at most twenty-five choices, of what this person may ask for and of requests
//! on which the command would do something. Offers only; whatever is sent is read and judged like anything typed.

use serde_json::{Value, json};

use super::{
    door::{DISCORD, Door},
    options,
    payload::Typed,
    words::cut,
};
use crate::{
    bot::{Chosen, Form, Pick},
    chat::words::{duration, one_line},
    domain::{ids::ResourceId, parse, spans, time::Span},
};

/// Most choices, and the longest of each, in characters.
const MOST: usize = 25;
const LONGEST: usize = 100;
/// In seconds.
const DAY: i64 = 86_400;

impl Door {
    pub(super) async fn choices(&self, user: &str, typed: &Typed, option: &str) -> Vec<Value> {
        let letters = typed.options.get(option).map(|letters| letters.trim()).unwrap_or_default();
        let mut found = match option {
            "resource" if matches!(typed.subcommand.as_str(), "who" | "stats") => self.seen(user, letters).await,
            "resource" => self.resources(user, letters).await,
            "at" | "since" | "day" => self.times(user, option, letters),
            "role" => self.roles(user, typed, letters).await,
            "length" => self.lengths(user, typed, letters).await,
            "id" => self.ids(user, &typed.subcommand, letters).await,
            "topic" => parse::COMMANDS.iter().filter(|name| name.starts_with(letters)).map(|name| choice(name, name)).collect(),
            _ => Vec::new(),
        };
        // A longer value would be refused by Discord, and all of them with it.
        found.retain(|choice| choice["value"].as_str().is_some_and(|value| value.chars().count() <= LONGEST));
        found.truncate(MOST);
        found
    }

    async fn resources(&self, user: &str, letters: &str) -> Vec<Value> {
        let chosen = Chosen { query: letters.to_owned(), limit: MOST, ..Chosen::default() };
        let form = self.offered(user, &chosen).await;
        form.into_iter().flat_map(|form| form.resources).map(|pick| choice(&named(&pick), &pick.id)).collect()
    }

    /// What they may look at, which is more than what they may ask for.
    async fn seen(&self, user: &str, letters: &str) -> Vec<Value> {
        let seen = self.bot.seen(DISCORD, user, letters).await.unwrap_or_else(|error| {
            tracing::error!(%error, "what may be looked at could not be looked up");
            Vec::new()
        });
        let pick = |(id, title): (ResourceId, String)| Pick { id: id.to_string(), title };
        seen.into_iter().map(pick).map(|pick| choice(&named(&pick), &pick.id)).collect()
    }

    /// What was typed, if it is a time that has been; while nothing was typed, some that people mean.
    fn times(&self, user: &str, option: &str, letters: &str) -> Vec<Value> {
        let (now, zone) = (self.bot.now(), self.zone(user));
        let day = |back: i64| (now - Span::from_seconds(back * DAY)).utc().with_timezone(&zone).date_naive();
        let exactly = |moment| spans::typed_exactly(moment, zone);
        let offered = |typed: Option<String>, usual: &[String]| {
            let usual = usual.iter().filter(|usual| usual.starts_with(letters)).cloned();
            let all: Vec<String> = if letters.is_empty() { usual.collect() } else { typed.into_iter().chain(usual).collect() };
            all.iter().map(|one| choice(one, one)).collect()
        };
        match option {
            "at" => {
                let usual = [0, 900, 3_600].map(|back| exactly(now - Span::from_seconds(back)));
                let usual: Vec<String> =
                    usual.into_iter().chain([format!("{} 00:00:00", day(0)), exactly(now - Span::from_seconds(DAY))]).collect();
                offered(spans::past(letters, now, zone).ok().map(exactly), &usual)
            }
            "since" => {
                let own = spans::since(letters, now, zone).is_ok().then(|| letters.to_owned());
                let usual = ["1d", "7d", "30d", "90d"].map(str::to_owned);
                offered(own.filter(|own| !usual.contains(own)), &usual)
            }
            _ => {
                let days: Vec<String> = (0..14).map(|back| day(back).to_string()).collect();
                let own = spans::past_day(letters, now, zone).ok().map(|day| day.to_string());
                offered(own.filter(|own| !days.contains(own)), &days)
            }
        }
    }

    async fn roles(&self, user: &str, typed: &Typed, letters: &str) -> Vec<Value> {
        let resource = self.about(typed).await.map(|(resource, _)| resource);
        let form = self.offered(user, &Chosen { resource, limit: 1, ..Chosen::default() }).await;
        let letters = letters.to_lowercase();
        let fits = |pick: &Pick| pick.id.starts_with(&letters) || pick.title.to_lowercase().contains(&letters);
        form.into_iter().flat_map(|form| form.roles).filter(fits).map(|pick| choice(&named(&pick), &pick.id)).collect()
    }

    /// What was typed, if it is a length; then the rule's.
    async fn lengths(&self, user: &str, typed: &Typed, letters: &str) -> Vec<Value> {
        let (resource, role) = self.about(typed).await.unzip();
        let form = self.offered(user, &Chosen { resource, role: role.flatten(), limit: 1, ..Chosen::default() }).await;
        let needs = form.and_then(|form| form.needs);
        let mut spans: Vec<Span> = needs.iter().flat_map(|needs| needs.lengths.iter().copied().chain([needs.default])).collect();
        spans.sort();
        spans.dedup();
        let own = spans::parse(letters).ok().filter(|own| !spans.contains(own));
        let fits = |span: &Span| spans::short(*span).starts_with(letters) || duration(*span).starts_with(letters);
        own.into_iter().chain(spans.into_iter().filter(fits)).map(|span| choice(&duration(span), &spans::short(span))).collect()
    }

    async fn ids(&self, user: &str, command: &str, letters: &str) -> Vec<Value> {
        let meant = self.bot.meant(DISCORD, user, command).await.unwrap_or_else(|error| {
            tracing::error!(%error, "requests that could be meant cannot be read");
            Vec::new()
        });
        let (marks, letters) = (self.voice.templates.marks(DISCORD), letters.to_lowercase());
        let mut found: Vec<Value> = Vec::new();
        for request in &meant {
            let says = format!("{} · {}", request.id, marks.plain(&self.voice.headline(DISCORD, request)));
            let choice = choice(&says, request.id.as_str());
            if says.to_lowercase().contains(&letters) && !found.contains(&choice) {
                found.push(choice);
            }
            if found.len() == MOST {
                break;
            }
        }
        found
    }

    /// Resource and role that the other options name, by themselves or by a request.
    async fn about(&self, typed: &Typed) -> Option<(String, Option<String>)> {
        let filled = options::filled(typed);
        if !filled.resource.is_empty() {
            return Some((filled.resource, Some(filled.role).filter(|role| !role.is_empty())));
        }
        let id = typed.options.get("id")?.trim().parse().ok()?;
        let request = self.bot.store().request(&id).await.ok()??;
        let ask = request.main_ask();
        Some((ask.resource.to_string(), Some(ask.role.to_string())))
    }

    async fn offered(&self, user: &str, chosen: &Chosen) -> Option<Form> {
        match self.bot.form(DISCORD, user, chosen).await {
            Ok(form) => form.ok(),
            Err(error) => {
                tracing::error!(%error, "what may be asked for could not be looked up");
                None
            }
        }
    }
}

fn choice(says: &str, value: &str) -> Value {
    json!({ "name": cut(&one_line(says), LONGEST), "value": value })
}

fn named(pick: &Pick) -> String {
    if pick.title.is_empty() || pick.title == pick.id { pick.id.clone() } else { format!("{} · {}", pick.id, pick.title) }
}
