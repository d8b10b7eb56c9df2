//! The worst that people can type, everywhere it is shown in Discord: within the limits, nothing of it does anything, and what
//! matters most is still there.

use std::collections::BTreeMap;

use hallpass::domain::{
    command::Length,
    event::Event,
    request::{Ask, Ending, Preview, Remains},
    time::Span,
    words::Texts,
};
use serde_json::{Value, json};

use super::{
    Shown, groups,
    limits::length,
    reading::{live_markup, text_of},
    stories, there,
};
use crate::{
    cards::{
        poison::poisoned,
        sample::{Story, ask, texts},
    },
    world::START,
};

/// Markup, mentions, links, templates, JSON, directions, breaks, what the bot itself marks and seals values with; 4,000 characters.
fn hostile() -> String {
    let one = "{{id}} {{{x}}} @everyone @here <@1> <@&1> <#1> </jit:1> <t:1795528800:R> <:x:1> [click](https://evil.example) \
               https://evil.example discord.gg/x **b** _i_ ~~s~~ ||spoiler|| `c` ```\ncode\n``` \\\" }],{ :tada: \u{1f600}\u{1f600} \
               \u{202e}gnp\u{200b}\u{1b}[31m\n# head\n-# small\n> quote\n>>> all\n- list\n1. one\n\
               \u{e000}0000000000000007m1795528800000000\u{e002}noon\u{e001} \u{e004}3c21\u{e005}\u{e003} \\";
    one.chars().cycle().take(4_000).collect()
}

fn worst() -> Texts {
    texts().into_keys().map(|id| (id, hostile())).collect()
}

/// How often each thing that does something stands there.
fn works(message: &Value) -> BTreeMap<String, usize> {
    let mut works = BTreeMap::new();
    for what in live_markup(message) {
        *works.entry(what).or_default() += 1;
    }
    works
}

#[test]
fn the_worst_that_people_type_is_within_the_limits_and_does_nothing() {
    let (plain, hostile_texts) = (Shown::new(texts()), Shown::new(worst()));
    for story in stories() {
        let (said, bad) = (plain.all(&story), hostile_texts.all(&poisoned(story, &hostile())));
        assert_eq!(said.len(), bad.len());
        for (said, bad) in said.iter().zip(&bad) {
            let (meant, is) = (works(said), works(bad));
            // A line that stands in an embed begins above it too.
            let twice = if said["embeds"].as_array().map(Vec::len) == bad["embeds"].as_array().map(Vec::len) { 1 } else { 2 };
            for (what, times) in &is {
                assert!(meant.get(what).is_some_and(|meant| *times <= twice * meant), "{what} does something: {bad:#}");
            }
            for key in ["components", "allowed_mentions", "thread"] {
                assert_eq!(said.get(key), bad.get(key), "{bad:#}");
            }
            let text = bad.to_string();
            assert!(!text.contains(['\u{202e}', '\u{200b}', '\u{1b}', '\u{e004}', '\u{e005}']), "{bad:#}");
        }
    }
    plain.assert_no_trouble();
    hostile_texts.assert_no_trouble();
}

#[test]
fn what_was_cut_says_so_and_what_matters_most_is_whole() {
    let shown = Shown::new(worst());
    for (group, stories) in groups() {
        for (name, story) in stories {
            let whole = text_of(&Shown::new(texts()).card(&story));
            let cut = text_of(&shown.card(&story));
            assert_eq!(cut.lines().next(), whole.lines().next(), "{group} {name}: the first line");
            for kept in whole.lines().filter(|line| ["Decision: ", "Waiting for: ", "R-"].iter().any(|start| line.starts_with(start))) {
                assert!(cut.contains(kept), "{group} {name}: {kept}\n{cut}");
            }
            let why = cut.lines().find(|line| line.starts_with("Who and why: ")).unwrap();
            assert!(why.contains("@everyone @here <@1>") && why.contains('…') && why.chars().count() < 600, "{why}");
        }
    }
}

/// A card that needs more than all embeds may hold.
fn endless(words: &str) -> Story {
    let residue = vec![words.to_owned(); 60];
    let reason = Ending::Revoked { by: Some("finn".parse().unwrap()), reason: Some(crate::cards::sample::said("enough for today")) };
    let held = Story::extended().after(60).revoking(reason).after(1);
    there(held.then(Event::Gone { remains: Remains::Unknown, sessions_closed: Some(2), residue, used: None, unwritten: None }))
}

#[test]
fn more_than_all_embeds_may_hold_loses_what_matters_least() {
    let shown = Shown::new(worst());
    let card = shown.card(&endless(&hostile()));
    let said = text_of(&card);
    assert!(said.contains("Decision:\nApproved by Ben Okafor in 3 min · + 1 h 30 min approved by Dora Lind"), "{said}");
    assert!(
        said.contains("R-70000V") && said.contains("But nobody could look whether it is gone") && said.contains("Remains there: "),
        "{said}"
    );
    let embed = &card["embeds"][0];
    let all: usize = [&embed["description"], &embed["footer"]["text"]].iter().filter_map(|text| text.as_str()).map(length).sum();
    assert!(all > 3000, "what fits is shown: {all}");
    shown.assert_no_trouble();
}

#[test]
fn a_cut_never_shows_half_of_a_time() {
    let shown = Shown::new(texts());
    for long in 150..310 {
        let ends = Length::Until(START + Span::from_minutes(60));
        let preview = Preview { gets: "g".repeat(long), ..Preview::default() };
        let card = shown.card(&there(Story::of(Ask { preview, ..ask("write", ends) })));
        assert!(!card.to_string().contains('\u{e000}'), "{long}: {card:#}");
        let gets = text_of(&card).lines().find(|line| line.starts_with("Gets: ")).unwrap().to_owned();
        assert!(gets.ends_with("<t:1795532400:f>") || gets.ends_with('…'), "{gets}");
    }
}

/// A line of the thread with a reason of so many characters.
fn denied(characters: usize) -> Value {
    let long: Texts = texts().into_keys().map(|id| (id, "word ".repeat(characters / 5))).collect();
    let reason = crate::cards::sample::said("use the read replica");
    Shown::new(long).reply(&there(Story::asked().then(Event::Denied { person: "ben".parse().unwrap(), reason }))).unwrap()
}

#[test]
fn a_line_that_is_too_long_for_a_message_stands_in_an_embed_and_a_longer_one_is_cut() {
    let short = denied(1000);
    assert_eq!((&short["embeds"], &short["flags"]), (&json!([]), &json!(4)));
    let long = denied(3000);
    assert_eq!(long["flags"], 0, "or the embed would be hidden");
    let (content, below) = (long["content"].as_str().unwrap(), long["embeds"][0]["description"].as_str().unwrap());
    assert!(content.starts_with("Denied by Ben Okafor ") && content.ends_with('…') && length(content) <= 300, "{content}");
    assert!(below.starts_with("Denied by Ben Okafor ") && !below.contains('…') && below.contains("word word \""), "{below}");
    let cut = denied(5000);
    assert!(cut["embeds"][0]["description"].as_str().unwrap().ends_with('…'), "{cut:#}");
}

#[test]
fn a_list_that_is_too_long_loses_whole_lines_and_keeps_its_ids() {
    let shown = Shown::new(texts());
    let story = there(Story::asked());
    let reader = shown.reader(&story);
    let requests: Vec<_> = (0..60).map(|_| story.request.clone()).collect();
    let said = super::body(&shown.templates.answer(super::DISCORD, "mine", &json!({ "open": requests, "closed": [] }), &reader));
    let below = said["embeds"][0]["description"].as_str().unwrap();
    let lines: Vec<&str> = below.lines().collect();
    assert_eq!(said["content"], "Open\\:");
    assert!(lines.len() > 20 && lines[..lines.len() - 1].iter().all(|line| line.ends_with("· R\\-70000V")), "{below}");
    assert!(lines.last().unwrap().ends_with('…'), "{below}");
}

#[test]
fn how_to_connect_is_code_whatever_stands_in_it() {
    let shown = Shown::new(worst());
    let told = shown.direct(&poisoned(there(Story::active()), &hostile()), &"ana".parse().unwrap()).unwrap();
    assert_eq!(live_markup(&told).iter().filter(|what| *what == "code").count(), 1, "{told:#}");
    let plain = Shown::new(texts()).direct(&there(Story::active()), &"ana".parse().unwrap()).unwrap();
    assert!(plain["content"].as_str().unwrap().contains("\n```\npsql -h db-prod orders\nyour role: orders_write\n```\n"), "{plain:#}");
}
