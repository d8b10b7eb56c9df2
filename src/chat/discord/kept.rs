//! What a form knows besides its five fields, in its `custom_id`: the message it is about, a start, a subject, a ticket. Words of our
//! own making or what the grammar took, never free text; none of it is a right.

use std::fmt;

use super::payload::is_id;
use crate::bot::Filled;

/// The form's own name, before what it keeps.
const FORM: &str = "request";
/// Longest `custom_id`, in characters.
const MOST: usize = 100;
const LINK: &str = "https://discord.com/channels/";

/// What is kept, each as it stands in the `custom_id`; empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// Channel and message.
    about: Option<(String, String)>,
    start: String,
    subject: String,
    ticket: String,
}

impl Kept {
    /// None: something cannot be kept so, and must not be lost.
    pub(super) fn of(filled: &Filled, guild: &str) -> Option<Self> {
        let about = match filled.about.as_str() {
            "" => None,
            link => {
                let (channel, message) = link.strip_prefix(LINK)?.strip_prefix(guild)?.strip_prefix('/')?.split_once('/')?;
                Some((channel.to_owned(), message.to_owned()))
            }
        };
        let subject = filled.subject.trim();
        let account = subject.strip_prefix("<@").and_then(|id| id.strip_suffix('>'));
        let kept = Self {
            about,
            start: filled.start.trim().replace(' ', "_"),
            subject: account.unwrap_or(subject).to_owned(),
            ticket: filled.ticket.trim().to_owned(),
        };
        let text = kept.to_string();
        (text.chars().count() <= MOST && Self::read(&text).as_ref() == Some(&kept)).then_some(kept)
    }

    pub(super) fn about(channel: String, message: String) -> Self {
        Self { about: Some((channel, message)), ..Self::default() }
    }

    /// From a form's `custom_id`; None: it is no form's.
    pub(super) fn read(custom_id: &str) -> Option<Self> {
        let mut kept = Self::default();
        let mut words = custom_id.split(' ');
        if words.next() != Some(FORM) {
            return None;
        }
        for word in words {
            let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:+-.@#".contains(&b));
            match word.split_once('=') {
                Some(("at", text)) if plain(text) => text.clone_into(&mut kept.start),
                Some(("for", text)) if plain(text) => text.clone_into(&mut kept.subject),
                Some(("ticket", text)) if plain(text) => text.clone_into(&mut kept.ticket),
                Some(_) => return None,
                None => {
                    let (channel, message) = word.split_once('/').filter(|(channel, message)| is_id(channel) && is_id(message))?;
                    kept.about = Some((channel.to_owned(), message.to_owned()));
                }
            }
        }
        Some(kept)
    }

    /// The fields that it stands for.
    pub(super) fn filled(&self, guild: &str) -> Filled {
        let about = self.about.as_ref().map(|(channel, message)| format!("{LINK}{guild}/{channel}/{message}"));
        let subject = if is_id(&self.subject) { format!("<@{}>", self.subject) } else { self.subject.clone() };
        Filled {
            start: self.start.replace('_', " "),
            subject,
            ticket: self.ticket.clone(),
            about: about.unwrap_or_default(),
            ..Filled::default()
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORM)?;
        if let Some((channel, message)) = &self.about {
            write!(f, " {channel}/{message}")?;
        }
        for (name, text) in [("at", &self.start), ("for", &self.subject), ("ticket", &self.ticket)] {
            if !text.is_empty() {
                write!(f, " {name}={text}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(start: &str, subject: &str, ticket: &str, about: &str) -> Filled {
        let [start, subject, ticket, about] = [start, subject, ticket, about].map(str::to_owned);
        Filled { start, subject, ticket, about, ..Filled::default() }
    }

    #[test]
    fn what_a_form_has_no_field_for_comes_back_as_it_was() {
        for (filled, custom_id) in [
            (with("", "", "", ""), "request"),
            (with("", "", "", "https://discord.com/channels/700/500/601"), "request 500/601"),
            (
                with("tomorrow 09:30", "<@80351110224678912>", "OPS-4512", ""),
                "request at=tomorrow_09:30 for=80351110224678912 ticket=OPS-4512",
            ),
            (with("2026-11-25T18:00+01:00", "@dora", "", ""), "request at=2026-11-25T18:00+01:00 for=@dora"),
        ] {
            let kept = Kept::of(&filled, "700").unwrap();
            assert_eq!(kept.to_string(), custom_id);
            assert_eq!(Kept::read(custom_id).unwrap().filled("700"), filled);
        }
        assert_eq!(Kept::about("500".into(), "601".into()).to_string(), "request 500/601");
    }

    #[test]
    fn what_cannot_be_kept_is_not_lost_silently() {
        for filled in [
            with("tömorrow", "", "", ""),
            with("", "", "a\nb", ""),
            with("", "", &"x".repeat(100), ""),
            with("", "somebody else", "", ""),
            with("", "", "", "https://discord.com/channels/701/500/601"),
            with("", "", "", "https://evil.example/channels/700/500/601"),
            with("", "", "", "https://discord.com/channels/700/500/601/more"),
        ] {
            assert_eq!(Kept::of(&filled, "700"), None, "{filled:?}");
        }
    }

    #[test]
    fn a_custom_id_that_was_altered_is_no_form() {
        for odd in [
            "",
            "Request",
            "requests",
            "request ",
            "request x",
            "request 500/x",
            "request at=",
            "request to=x",
            "request at=a\u{e9}",
            "request 500/601/2",
        ] {
            assert_eq!(Kept::read(odd), None, "{odd:?}");
        }
    }
}
