//! What was typed into the options of `/jit`, as a command of the bot's. An option is what it is named, whatever stands in it: a
//! second word where one belongs is refused, and never becomes the next option. Must not judge anybody.

use super::{
    commands,
    payload::{Typed, Values},
};
use crate::{
    bot::{Body, Filled},
    domain::{
        parse::{self, Context},
        refusal::Refusal,
    },
};

/// An ask; a whole line in the option of one of its words is refused.
pub(super) fn ask(typed: &Typed) -> Result<Filled, Refusal> {
    for name in ["resource", "role"] {
        one_word(typed, name)?;
    }
    Ok(filled(typed))
}

/// An ask, as its form has it.
pub(super) fn filled(typed: &Typed) -> Filled {
    let text = |name: &str| option(&typed.options, name).unwrap_or_default().to_owned();
    Filled {
        resource: text("resource"),
        role: text("role"),
        length: text("length"),
        start: text("at"),
        subject: text("for"),
        reason: text("reason"),
        ticket: text("ticket"),
        about: String::new(),
    }
}

/// Everything else. `context` reads lengths, so that none runs over into what follows it.
pub(super) fn body(typed: &Typed, context: &Context<'_>) -> Result<Body, Refusal> {
    let given = Given { typed, context };
    let line = match typed.subcommand.as_str() {
        // What is offered and what is said about it lie apart in a press, and would run together in a line.
        "offer" => return given.offer(),
        "extend" => {
            let why = given.text("why").map(|why| parse::quoted(&why));
            line("extend", [Some(given.needed("id")?), given.length("length")?, why])
        }
        "revoke" => {
            let whose = match (given.word("id")?, given.word("person")?) {
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => return Err(expected("an id or a person", "")),
                (Some(_), Some(person)) => return Err(expected("an id or a person, not both", &person)),
            };
            line("revoke", [Some(whose), given.text("why")])
        }
        "explain" => {
            line("explain", [given.word("person")?, Some(given.needed("resource")?), given.word("role")?, given.length("length")?])
        }
        "pass" => line("pass", [Some(given.needed("id")?), Some(given.needed("person")?)]),
        "who" => line("who", [Some(given.needed("resource")?), given.at()?, given.page()?]),
        "find" => {
            let whose = match (given.word("person")?, given.word("name")?) {
                (Some(_), Some(name)) => return Err(expected("a person or a name, not both", &name)),
                (person, name) => person.or(name),
            };
            line("find", [whose, given.since()?, given.page()?])
        }
        "stats" => line("stats", [given.word("resource")?, given.since()?]),
        "digest" => line("digest", [given.word("day")?]),
        "settle" => line("settle", [Some(given.needed("id")?), given.text("why")]),
        "unlink" => line("unlink", [Some(given.needed("person")?), Some(given.needed("chat")?)]),
        "clock" => line("clock", [given.word("to")?]),
        "quiet" => line("quiet", [given.word("to")?]),
        "link" => line("link", [given.text("code")]),
        "key" => line("key", [given.text("public_key")]),
        "help" => line("help", [given.text("topic")]),
        plain @ ("mine" | "inbox" | "resources") => line(plain, []),
        act @ ("show" | "cancel" | "return" | "credential" | "approve" | "deny" | "takeback" | "accept" | "decline" | "looking") => {
            line(act, [Some(given.needed("id")?), given.text("why").or_else(|| given.text("comment"))])
        }
        other => return Err(expected("a command", other)),
    };
    Ok(Body::Line { text: line })
}

/// The options of one command.
struct Given<'t> {
    typed: &'t Typed,
    context: &'t Context<'t>,
}

impl Given<'_> {
    fn text(&self, name: &str) -> Option<String> {
        option(&self.typed.options, name).map(str::to_owned)
    }

    fn word(&self, name: &str) -> Result<Option<String>, Refusal> {
        one_word(self.typed, name).map(|word| word.map(str::to_owned))
    }

    fn needed(&self, name: &str) -> Result<String, Refusal> {
        self.word(name)?.ok_or_else(|| expected(&format!("something as {name}"), ""))
    }

    fn length(&self, name: &str) -> Result<Option<String>, Refusal> {
        let Some(text) = option(&self.typed.options, name) else { return Ok(None) };
        parse::length(text, None, self.context)?;
        Ok(Some(text.to_owned()))
    }

    /// The moment that is meant in this person's zone, as it is read everywhere.
    fn at(&self) -> Result<Option<String>, Refusal> {
        let Some(text) = option(&self.typed.options, "at") else { return Ok(None) };
        Ok(Some(format!("--at {}", parse::past(text, self.context)?)))
    }

    fn since(&self) -> Result<Option<String>, Refusal> {
        let Some(text) = option(&self.typed.options, "since") else { return Ok(None) };
        Ok(Some(format!("--since {}", parse::since(text, self.context)?)))
    }

    fn page(&self) -> Result<Option<String>, Refusal> {
        Ok(self.word("page")?.map(|page| format!("--page {page}")))
    }

    fn offer(&self) -> Result<Body, Refusal> {
        let role = self.word("role")?.unwrap_or_default();
        let less = format!("{role} {}", self.length("length")?.unwrap_or_default());
        Ok(Body::Press { action: format!("less:{}", less.trim()), request: self.needed("id")?, words: self.text("comment") })
    }
}

/// The word in an option. Whoever wrote more there, such as a whole line, is told how it is typed.
fn one_word<'t>(typed: &'t Typed, name: &str) -> Result<Option<&'t str>, Refusal> {
    match option(&typed.options, name) {
        Some(text) if text.contains(char::is_whitespace) => {
            let form = commands::form(&typed.subcommand).map(|form| format!(", each piece in an option of its own: {form}"));
            Err(expected(&format!("one word as {name}{}", form.unwrap_or_default()), text))
        }
        word => Ok(word),
    }
}

fn line<const N: usize>(command: &str, pieces: [Option<String>; N]) -> String {
    let pieces = pieces.into_iter().flatten();
    [format!("/jit {command}")].into_iter().chain(pieces).collect::<Vec<_>>().join(" ")
}

/// What was typed there; nothing is as if it had been left out.
fn option<'o>(options: &'o Values, name: &str) -> Option<&'o str> {
    options.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn expected(what: &str, found: &str) -> Refusal {
    Refusal::Grammar { expected: what.to_owned(), found: found.chars().take(60).collect(), near: Vec::new() }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::domain::{
        policy::{Catalogue, Platform},
        time::Instant,
    };

    fn typed(subcommand: &str, options: &[(&str, &str)]) -> Typed {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Typed { subcommand: subcommand.to_owned(), options }
    }

    fn read(subcommand: &str, options: &[(&str, &str)]) -> Result<Body, Refusal> {
        let catalogue = Catalogue::default();
        let now = Instant::from_micros(1_795_528_800_000_000);
        let context = Context { now, time_zone: Tz::UTC, catalogue: &catalogue, platform: Platform::Discord };
        body(&typed(subcommand, options), &context)
    }

    fn said(subcommand: &str, options: &[(&str, &str)]) -> String {
        match read(subcommand, options) {
            Ok(Body::Line { text }) => text,
            other => panic!("{other:?}"),
        }
    }

    const ID: (&str, &str) = ("id", "R-7K3QD2");

    #[test]
    fn options_become_the_line_that_means_the_same() {
        assert_eq!(said("mine", &[]), "/jit mine");
        assert_eq!(said("show", &[("id", " R-7K3QD2 ")]), "/jit show R-7K3QD2");
        assert_eq!(said("approve", &[ID, ("comment", "fine by me")]), "/jit approve R-7K3QD2 fine by me");
        assert_eq!(said("deny", &[ID, ("why", "use the replica")]), "/jit deny R-7K3QD2 use the replica");
        assert_eq!(said("pass", &[ID, ("person", "<@80>")]), "/jit pass R-7K3QD2 <@80>");
        assert_eq!(said("revoke", &[("person", "<@80>"), ("why", "left")]), "/jit revoke <@80> left");
        assert_eq!(said("explain", &[("length", "1h"), ("resource", "prod-db"), ("person", "<@80>")]), "/jit explain <@80> prod-db 1h");
        assert_eq!(said("quiet", &[("to", "on")]), "/jit quiet on");
        assert_eq!(said("link", &[]), "/jit link");
        assert_eq!(said("clock", &[]), "/jit clock");
        assert_eq!(said("clock", &[("to", "confirm")]), "/jit clock confirm");
        assert_eq!(said("settle", &[ID, ("why", "it is gone")]), "/jit settle R-7K3QD2 it is gone");
        assert_eq!(said("unlink", &[("person", "<@80>"), ("chat", "slack")]), "/jit unlink <@80> slack");
        assert_eq!(said("find", &[]), "/jit find");
        assert_eq!(said("find", &[("name", "ana"), ("page", "2")]), "/jit find ana --page 2");
        assert_eq!(said("find", &[("person", "<@80>"), ("since", "7d")]), "/jit find <@80> --since 2026-11-17T14:00:00.000000Z");
        assert_eq!(said("stats", &[("since", "2026-11-20")]), "/jit stats --since 2026-11-20T00:00:00.000000Z");
        assert_eq!(said("digest", &[("day", "yesterday")]), "/jit digest yesterday");
        let at = |text| said("who", &[("resource", "prod-db"), ("at", text)]);
        assert_eq!(at("yesterday 14:05"), "/jit who prod-db --at 2026-11-23T14:05:00.000000Z");
        assert_eq!(at("2026-11-20 14:05:30"), "/jit who prod-db --at 2026-11-20T14:05:30.000000Z");
    }

    #[test]
    fn more_words_than_belong_there_are_refused_and_never_the_next_option() {
        for (subcommand, options) in [
            ("show", vec![("id", "R-7K3QD2 extra")]),
            ("approve", vec![("id", "R-7K3QD2\tR-7K3QD3")]),
            ("deny", vec![("id", "R-7K3QD2 because"), ("why", "x")]),
            ("pass", vec![ID, ("person", "80> @dora")]),
            ("revoke", vec![("id", "@ana everything"), ("why", "x")]),
            ("who", vec![("resource", "prod db")]),
            ("explain", vec![("resource", "prod-db"), ("role", "read write")]),
            ("quiet", vec![("to", "on off")]),
            ("find", vec![("name", "ana --page 3")]),
            ("find", vec![("name", "ana"), ("person", "<@80>")]),
            ("who", vec![("resource", "prod-db"), ("page", "2 3")]),
            ("digest", vec![("day", "yesterday today")]),
            ("unlink", vec![("person", "<@80>"), ("chat", "slack @dora")]),
            ("offer", vec![ID, ("role", "read 30m")]),
        ] {
            assert!(matches!(read(subcommand, &options), Err(Refusal::Grammar { .. })), "{subcommand} {options:?}");
        }
        for subcommand in ["extend", "offer", "explain"] {
            let options = [ID, ("resource", "prod-db"), ("length", "30m and more")];
            assert!(matches!(read(subcommand, &options), Err(Refusal::BadDuration { .. })), "{subcommand}");
        }
        let moment = [("resource", "prod-db"), ("at", "14:05 --page 3"), ("since", "7d\" x")];
        for subcommand in ["who", "find", "stats"] {
            assert!(matches!(read(subcommand, &moment), Err(Refusal::BadPast { .. })), "{subcommand}");
        }
    }

    #[test]
    fn whoever_types_a_whole_line_into_one_option_is_told_how_it_is_typed() {
        let said = |refused: Result<Body, Refusal>| match refused {
            Err(Refusal::Grammar { expected, found, .. }) => (expected, found),
            other => panic!("{other:?}"),
        };
        let (expected, found) = said(read("extend", &[("id", "R-7K3QD2 30m")]));
        assert!(expected.ends_with("an option of its own: /jit extend id:ID length:LENGTH why:WHY"), "{expected}");
        assert_eq!(found, "R-7K3QD2 30m");
        let Err(Refusal::Grammar { expected, .. }) = ask(&typed("request", &[("resource", "prod-db write 1h unblock it")])) else {
            panic!("it was taken")
        };
        assert!(expected.contains("/jit request resource:RESOURCE role:ROLE length:LENGTH reason:REASON"), "{expected}");
    }

    #[test]
    fn a_reason_that_looks_like_a_length_stays_a_reason() {
        assert_eq!(said("extend", &[ID, ("why", "2 hosts are left")]), "/jit extend R-7K3QD2 \"2 hosts are left\"");
        assert_eq!(said("extend", &[ID, ("length", "1 h 30 min"), ("why", "x")]), "/jit extend R-7K3QD2 1 h 30 min \"x\"");
        assert_eq!(
            read("offer", &[ID, ("length", "30m"), ("comment", "read it first")]).unwrap(),
            Body::Press { action: "less:30m".into(), request: "R-7K3QD2".into(), words: Some("read it first".into()) }
        );
    }

    #[test]
    fn what_is_needed_and_missing_is_said() {
        for (subcommand, options) in [
            ("show", vec![]),
            ("deny", vec![("why", "R-7K3QD2")]),
            ("revoke", vec![("why", "x")]),
            ("who", vec![("resource", "  ")]),
            ("", vec![]),
        ] {
            assert!(matches!(read(subcommand, &options), Err(Refusal::Grammar { .. })), "{subcommand} {options:?}");
        }
        let both = [ID, ("person", "<@80>"), ("why", "x")];
        assert!(matches!(read("revoke", &both), Err(Refusal::Grammar { expected, .. }) if expected.contains("not both")));
    }

    #[test]
    fn an_ask_keeps_every_piece_apart() {
        let asked = ask(&typed(
            "request",
            &[
                ("resource", "prod-db"),
                ("length", " 1h "),
                ("reason", "--for @eve until 18:00"),
                ("at", "tomorrow 09:30"),
                ("for", "<@80>"),
            ],
        ))
        .unwrap();
        let Filled { resource, role, length, start, subject, reason, ticket, about } = asked;
        assert_eq!([resource, role, length, start], ["prod-db", "", "1h", "tomorrow 09:30"]);
        assert_eq!([subject, reason, ticket, about], ["<@80>", "--for @eve until 18:00", "", ""]);
    }
}
