//! For whom something is shown, and what names, texts and times are looked up in. Pure.

use chrono_tz::Tz;

use crate::{
    bot::ToldTo,
    chat::words::{duration, exact, list, moment},
    domain::{
        command::{Length, Less},
        ids::PersonId,
        policy::{Catalogue, Policy, Who},
        request::Ask,
        time::Instant,
        words::{Texts, WordId},
    },
};

/// A reader, and the moment of reading.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    pub catalogue: &'a Catalogue,
    pub texts: &'a Texts,
    pub now: Instant,
    /// The reader's zone; for a channel the catalogue's.
    pub tz: Tz,
}

impl<'a> Reader<'a> {
    /// The name people know somebody by; the id when nobody has it any more.
    pub fn name(&self, person: &PersonId) -> String {
        self.catalogue.people.get(person).map_or_else(|| person.to_string(), |p| p.name.clone())
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

    /// `#ops and the alarm program`.
    pub(in crate::chat) fn told(told: &[ToldTo]) -> String {
        let name = |to: &ToldTo| match to {
            ToldTo::Channel(channel) => channel.id.clone(),
            ToldTo::Program => "the alarm program".to_owned(),
        };
        list(&told.iter().map(name).collect::<Vec<_>>())
    }

    pub(super) fn policy(&self, ask: &Ask) -> Option<&'a Policy> {
        self.catalogue.role(&ask.resource, &ask.role).map(|(_, _, policy)| policy)
    }
}
