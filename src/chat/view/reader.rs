//! For whom something is shown, and what names, texts and times are looked up in. Pure.

use chrono_tz::Tz;

use crate::{
    bot::ToldTo,
    chat::{
        Mention,
        marks::{Marks, Shape},
        words::{duration, exact, list, moment, relative, rough},
    },
    domain::{
        command::{Length, Less},
        ids::PersonId,
        policy::{Catalogue, Platform, Policy, Who},
        request::Ask,
        time::Instant,
        words::{Texts, WordId},
    },
};

/// Members of a group without an id on the platform who are mentioned one by one; of a larger one nobody is.
const MENTIONED: usize = 20;
/// Mentions in one message: more would leave no room for what it says.
const MENTIONS: usize = 50;

/// A reader, and the moment of reading.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    pub catalogue: &'a Catalogue,
    pub texts: &'a Texts,
    pub now: Instant,
    /// The reader's zone; for a channel the catalogue's.
    pub tz: Tz,
    /// Where it is read.
    pub platform: Platform,
    /// How that platform shows times.
    pub marks: Marks,
}

impl<'a> Reader<'a> {
    /// The name people know somebody by; the id when nobody has it any more.
    pub fn name(&self, person: &PersonId) -> String {
        self.catalogue.people.get(person).map_or_else(|| person.to_string(), |p| p.name.clone())
    }

    /// Somebody's id where this is read.
    pub fn account(&self, person: &PersonId) -> Option<String> {
        let account = self.catalogue.people.get(person)?.identities.get(&self.platform)?;
        // Somebody of another organisation is known with their team, and mentioned without it.
        Some(account.rsplit('/').next().unwrap_or(account).to_owned())
    }

    /// `Ben`, `Ben and Cleo`.
    pub fn names<'p>(&self, people: impl IntoIterator<Item = &'p PersonId>) -> String {
        list(&people.into_iter().map(|p| self.name(p)).collect::<Vec<_>>())
    }

    /// A text by its id; one that was erased says so.
    pub fn text(&self, id: &WordId) -> String {
        self.texts.get(id).cloned().unwrap_or_else(|| "(erased)".to_owned())
    }

    /// The same for a text that may not have been given.
    pub fn some_text(&self, id: Option<&WordId>) -> Option<String> {
        id.map(|id| self.text(id))
    }

    pub fn moment(&self, at: Instant) -> String {
        self.marks.time(at, Shape::Minute, self.words(at, moment))
    }

    pub fn exact(&self, at: Instant) -> String {
        self.marks.time(at, Shape::Exact, self.words(at, exact))
    }

    /// Where the words are only what stands in for the reader's own time, they name their zone.
    fn words(&self, at: Instant, say: fn(Instant, Instant, Tz) -> String) -> String {
        let words = say(at, self.now, self.tz);
        match self.marks {
            Marks::Plain => words,
            Marks::Made(_) | Marks::Counting(_) => format!("{words} {}", at.utc().with_timezone(&self.tz).format("%Z")),
        }
    }

    /// `15:04 (in 58 min)`. What stays on a card is not counted down where the platform shows the reader's own clock, unless the
    /// platform does it.
    pub fn moment_from_now(&self, at: Instant) -> String {
        match self.marks {
            Marks::Plain | Marks::Counting(_) => format!("{} ({})", self.moment(at), self.relative(at)),
            Marks::Made(_) => self.moment(at),
        }
    }

    /// `in 58 min`, `4 s ago`; counted by the platform where it does that.
    pub fn relative(&self, at: Instant) -> String {
        let words = relative(at, self.now);
        match self.marks {
            Marks::Plain | Marks::Made(_) => words,
            Marks::Counting(_) => self.marks.time(at, Shape::Counted, words),
        }
    }

    /// Somebody is at it since then: `since 2 min`.
    pub(super) fn since(&self, at: Instant) -> String {
        match self.marks {
            Marks::Plain | Marks::Made(_) => format!("since {}", rough(self.now.since(at))),
            Marks::Counting(_) => format!("began {}", self.relative(at)),
        }
    }

    /// What should be over since then: `, 2 min past its end`.
    pub(super) fn past_end(&self, end: Instant) -> String {
        match self.marks {
            Marks::Plain | Marks::Made(_) => format!(", {} past its end", rough(self.now.since(end))),
            Marks::Counting(_) => format!("; it was to end {}", self.relative(end)),
        }
    }

    /// Whom a message mentions: by the platform's ids, nobody who has none there, and never everybody. A group that only
    /// bot.toml knows is its members, unless they are more than a message should call.
    pub fn mentions(&self, notify: &[Who]) -> Vec<Mention> {
        let account = |person: &PersonId| self.account(person);
        let mut all = Vec::new();
        for who in notify {
            match who {
                Who::Everyone => {}
                Who::Person(person) => all.extend(account(person).map(Mention::User)),
                Who::Group(id) => {
                    let Some(group) = self.catalogue.groups.get(id) else { continue };
                    match group.chats.get(&self.platform) {
                        Some(id) => all.push(Mention::Group(id.clone())),
                        None if group.members.len() > MENTIONED => {}
                        None => all.extend(group.members.iter().filter_map(account).map(Mention::User)),
                    }
                }
            }
        }
        all.dedup();
        all.truncate(MENTIONS);
        all
    }

    /// `@db-leads`, a person's name, `everyone`.
    pub fn who(&self, who: &Who) -> String {
        match who {
            Who::Everyone => "everyone".to_owned(),
            Who::Person(person) => self.name(person),
            Who::Group(group) => format!("@{group}"),
        }
    }

    pub(in crate::chat) fn whos(&self, whos: &[Who]) -> String {
        list(&whos.iter().map(|who| self.who(who)).collect::<Vec<_>>())
    }

    pub(in crate::chat) fn length(&self, length: Length) -> String {
        match length {
            Length::For(span) => duration(span),
            Length::Until(end) => format!("until {}", self.moment(end)),
        }
    }

    /// `30 min more`, `time until 18:00`.
    pub(in crate::chat) fn more(&self, length: Length) -> String {
        match length {
            Length::For(span) => format!("{} more", duration(span)),
            Length::Until(end) => format!("time until {}", self.moment(end)),
        }
    }

    /// `30 min`, `read`, `read for 30 min`.
    pub(in crate::chat) fn less(less: &Less) -> String {
        match (&less.role, less.duration) {
            (Some(role), Some(span)) => format!("{role} for {}", duration(span)),
            (Some(role), None) => role.to_string(),
            (None, Some(span)) => duration(span),
            (None, None) => "less".to_owned(),
        }
    }

    /// `#ops and the alarm program`; a channel of another platform by its id there.
    pub(in crate::chat) fn told(&self, told: &[ToldTo]) -> String {
        let name = |to: &ToldTo| match to {
            ToldTo::Channel(channel) if channel.platform == self.platform => self.marks.channel(&channel.id, &channel.id),
            ToldTo::Channel(channel) => match channel.platform {
                Platform::Console => channel.id.clone(),
                Platform::Slack => format!("{} in Slack", channel.id),
                Platform::Discord => format!("{} in Discord", channel.id),
            },
            ToldTo::Program => "the alarm program".to_owned(),
        };
        list(&told.iter().map(name).collect::<Vec<_>>())
    }

    pub(super) fn policy(&self, ask: &Ask) -> Option<&'a Policy> {
        self.catalogue.role(&ask.resource, &ask.role).map(|(_, _, policy)| policy)
    }
}
