//! People's words in Discord's markdown do nothing. Holds a small reader of it, which knows what its clients make of a text.

use proptest::prelude::*;

use super::*;
use crate::{chat::words::one_line, domain::time::Instant};

/// What a client shows of a text, and what in it is more than characters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::chat::discord) struct Read {
    pub shown: String,
    pub live: Vec<String>,
}

/// Reads as clients do: the earliest construct wins, an escape before anything, code before what is in it.
pub(in crate::chat::discord) fn read(text: &str) -> Read {
    let (mut read, mut rest, mut begins) = (Read::default(), text, true);
    while let Some(c) = rest.chars().next() {
        let found = if begins { line_start(rest) } else { None }.or_else(|| construct(rest));
        begins = c == '\n' || (begins && c == ' ');
        let taken = match (c, found) {
            ('\\', _) if rest[1..].starts_with(|c: char| !c.is_alphanumeric() && !c.is_whitespace()) => {
                let escaped = rest[1..].chars().next().unwrap();
                read.shown.push(escaped);
                1 + escaped.len_utf8()
            }
            (_, Some(length)) => {
                read.live.push(rest[..length].to_owned());
                read.shown.push_str(&rest[..length]);
                length
            }
            (c, None) => {
                read.shown.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    read
}

fn line_start(rest: &str) -> Option<usize> {
    let number = rest.bytes().take_while(u8::is_ascii_digit).count();
    let starts = ["# ", "## ", "### ", "-# ", "> ", ">>> ", "- ", "* "];
    let numbered = (number > 0 && rest[number..].starts_with(". ")).then_some(number + 2);
    starts.iter().find(|start| rest.starts_with(**start)).map(|start| start.len()).or(numbered)
}

fn construct(rest: &str) -> Option<usize> {
    let until = |open: &str, close: &str| {
        let inner = rest.strip_prefix(open)?;
        unescaped(inner, close).filter(|at| *at > 0).map(|at| open.len() + at + close.len())
    };
    let verbatim = |open: &str| rest.strip_prefix(open)?.find(open).map(|at| at + 2 * open.len());
    let word = |word: &str| rest.starts_with(word).then_some(word.len());
    let masked = || {
        let text = unescaped(rest.strip_prefix('[')?, "](")?;
        unescaped(&rest[text + 3..], ")").map(|at| text + 4 + at)
    };
    let tagged = || {
        let inner = &rest[1..rest.find('>').filter(|_| rest.starts_with('<'))?];
        ["@", "#", ":", "a:", "/", "t:", "id:", "http"].iter().any(|kind| inner.starts_with(kind)).then_some(inner.len() + 2)
    };
    let emoji = || {
        let name = rest
            .strip_prefix(':')?
            .split(':')
            .next()
            .filter(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_'))?;
        rest[1 + name.len()..].starts_with(':').then_some(name.len() + 2)
    };
    verbatim("```")
        .or_else(|| verbatim("`"))
        .or_else(masked)
        .or_else(tagged)
        .or_else(emoji)
        .or_else(|| ["@everyone", "@here", "http://", "https://", "discord.gg/"].iter().find_map(|w| word(w)))
        .or_else(|| ["***", "**", "*", "__", "_", "~~", "||"].iter().find_map(|mark| until(mark, mark)))
}

/// Where this stands for the first time without a backslash before it.
fn unescaped(text: &str, what: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if text[at..].starts_with(what) {
            return Some(at);
        }
        at += c.len_utf8();
        if c == '\\' {
            at += text[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    None
}

/// What people try, in any order.
pub(in crate::chat::discord) fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "@everyone",
        "@here",
        "<@1>",
        "<@&1>",
        "<#1>",
        "</jit:1>",
        "<t:1:R>",
        "<:x:1>",
        ":tada:",
        "[a](https://evil.example)",
        "https://evil.example",
        "discord.gg/x",
        "# ",
        "-# ",
        "> ",
        ">>> ",
        "- ",
        "1. ",
        "* ",
        "**",
        "*",
        "__",
        "_",
        "~~",
        "||",
        "`",
        "```",
        "\\",
        "\\\\",
        "\n",
        "\u{202e}",
        "\u{200b}",
        "\u{1f600}",
        "é",
        " ",
        "a",
    ]);
    prop_oneof![prop::collection::vec(pieces, 0..40).prop_map(|all| all.concat()), any::<String>()]
}

fn made_inert(text: &str) -> String {
    shown(&Piece::Text(&one_line(text)), Times::Live)
}

#[test]
fn the_reader_knows_markup_when_it_sees_it() {
    let live = |text: &str| read(text).live;
    for text in [
        "@everyone",
        "<@1>",
        "<@&1>",
        "<#1>",
        "</jit:1>",
        "<t:1:R>",
        "<:x:1>",
        ":tada:",
        "[a](https://b)",
        "`c`",
        "```c```",
        "*a*",
        "**a**",
        "_a_",
        "__a__",
        "~~a~~",
        "||a||",
        "# a",
        "> a",
        "- a",
        "1. a",
        "-# a",
        "discord.gg/",
    ] {
        assert_eq!(live(text).len(), 1, "{text}");
    }
    assert_eq!(live("a - b (c) 1.5 # _ x"), Vec::<String>::new());
    assert_eq!(read("\\*a\\* \\\\"), Read { shown: "*a* \\".into(), live: Vec::new() });
}

proptest! {
    #[test]
    fn what_people_type_is_shown_as_it_is_and_does_nothing(text in hostile()) {
        let read = read(&made_inert(&text));
        prop_assert_eq!(read.live, Vec::<String>::new());
        prop_assert_eq!(read.shown, one_line(&text));
    }

    #[test]
    fn a_cut_is_never_within_an_escape(text in hostile(), most in 1..60_usize) {
        let whole = made_inert(&text);
        let mut cut = whole.clone();
        cut_at(&mut cut, most, false);
        prop_assert!(length(&cut) <= most);
        let read = read(&cut);
        prop_assert_eq!(read.live, Vec::<String>::new());
        if cut == whole {
            prop_assert_eq!(read.shown, one_line(&text));
        } else {
            let kept = read.shown.strip_suffix(MARK).unwrap().to_owned();
            prop_assert!(one_line(&text).starts_with(&kept), "{:?}", kept);
        }
    }

    #[test]
    fn code_ends_where_the_template_ends_it(text in hostile()) {
        let one = format!("`{}`", as_code(&one_line(&text), 1));
        prop_assert_eq!(read(&one).live, vec![one]);
        let block = format!("```\n{}\n```", as_code(&one_line(&text), 3));
        prop_assert_eq!(read(&block).live, vec![block]);
    }
}

#[test]
fn a_time_is_each_readers_own_where_discord_shows_it_and_words_where_not() {
    let at = Instant::from_micros(1_795_528_800_000_000);
    let time = |shape| Piece::Time { at, shape, fallback: "14:00 UTC" };
    assert_eq!(shown(&time(Shape::Minute), Times::Live), "<t:1795528800:f>");
    assert_eq!(shown(&time(Shape::Exact), Times::Live), "<t:1795528800:d> <t:1795528800:T>");
    assert_eq!(shown(&time(Shape::Counted), Times::Live), "<t:1795528800:R>");
    assert_eq!(shown(&time(Shape::Minute), Times::Words), "14\\:00 UTC");
}

#[test]
fn a_time_is_cut_away_as_a_whole() {
    for most in 1..30 {
        let mut text = "until <t:1795528800:f>\\!".to_owned();
        cut_at(&mut text, most, false);
        assert!(["until …", "until <t:1795528800:f>…", "until <t:1795528800:f>\\!"].contains(&text.as_str()) || most < 7, "{text}");
        assert!(!text.contains("<t") || text.contains(":f>"), "{text}");
    }
}

#[test]
fn a_links_target_ends_nothing_and_one_that_is_too_long_is_its_site() {
    assert_eq!(target("https://a.example/x(1)?q=[b] "), Err("a link is no web address".to_owned()));
    assert_eq!(target("https://a.example/x(1)?q=[b]\u{e9}>").unwrap(), "https://a.example/x%281%29?q=%5Bb%5D%C3%A9%3E");
    assert_eq!(target(&format!("https://a.example/{}", "x".repeat(800))).unwrap(), "https://a.example");
    assert!(target("javascript:alert(1)").is_err());
}
