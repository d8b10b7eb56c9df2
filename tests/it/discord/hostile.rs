//! The worst that people can type, everywhere it is shown in Discord: nothing of it takes effect, pings anybody or breaks a limit.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ANA, BEN, BOTH, CLEO, DORA, FINN, House, LEADS, OPS, TALK, Way, guild, rules};
use crate::fakes::discord::{
    pings,
    reading::{live_markup, text_of},
};

/// Markup, mentions, links, times, templates, JSON, directions, breaks, and what the bot itself marks and seals values with.
fn hostile(length: usize) -> String {
    let one = format!(
        "@everyone @here <@{DORA}> <@&{LEADS}> <#{OPS}> </jit:1> <t:1795528811:R> <:x:1> [click](https://evil.example) \
         https://evil.example discord.gg/x **b** _i_ ~~s~~ ||spoiler|| `c` ```\ncode\n``` \\\" }}],{{ {{{{id}}}} :tada: \u{1f600} \
         \u{202e}gnp\u{200b}\n# head\n-# small\n> quote\n>>> all\n- list\n1. one\n\u{e000}0000000000000007m1\u{e001}\u{e004}3c21\u{e005} \\ "
    );
    one.chars().cycle().take(length).collect()
}

/// The same on one line.
fn line(length: usize) -> String {
    hostile(length).replace('\n', " ")
}

/// What a message does that no card, line or answer of the bot's own does.
pub(crate) fn does(message: &Value) -> Vec<String> {
    // Times and accounts are the bot's own: which ones is for the tests of cards. Here they are what was typed, or not.
    let typed = [
        "everyone".to_owned(),
        "here".to_owned(),
        format!("user {DORA}"),
        format!("role {LEADS}"),
        format!("channel {OPS}"),
        "time 1795528811 R".to_owned(),
    ];
    let own = |live: &String| {
        let is_typed = typed.contains(live) && !pings(message).contains(live);
        !is_typed && ["bold", "time", "user", "role", "code"].iter().any(|kind| live.split(' ').next() == Some(kind))
    };
    live_markup(message).into_iter().filter(|live| !own(live)).collect()
}

impl House {
    /// Everything that anybody could read so far.
    fn everything(&self) -> Vec<Value> {
        let mut all = vec![self.card()];
        all.extend(self.lines());
        all.extend([TALK, OPS].iter().flat_map(|channel| self.discord.messages(channel)));
        for user in [ANA, BEN, CLEO, DORA, FINN] {
            all.extend(self.discord.ephemerals(user));
            all.extend(self.discord.directs(user));
        }
        all
    }

    fn assert_inert(&self) {
        let own_words = BTreeSet::from([format!("role {LEADS}"), format!("user {ANA}"), format!("user {BEN}"), format!("user {DORA}")]);
        for message in self.everything() {
            assert_eq!(does(&message), Vec::<String>::new(), "{}\n{message:#}", text_of(&message));
            assert!(pings(&message).iter().all(|ping| own_words.contains(ping)), "{:?} {message:#}", pings(&message));
            let text = message.to_string();
            assert!(!text.contains(['\u{202e}', '\u{200b}', '\u{e004}', '\u{e005}']), "{message:#}");
        }
        for call in self.calls() {
            assert!([format!("role {LEADS}"), format!("user {ANA}"), format!("user {DORA}")].contains(&call), "{call}");
        }
    }
}

#[tokio::test]
async fn what_people_type_takes_no_effect_anywhere() {
    for way in BOTH {
        let house = House::new(way).await;
        let reply = house.discord.slash(ANA, TALK, "request", &[("resource", "prod-db"), ("role", "write")]).await;
        house.opened(ANA, reply).await;
        let said = house.submit(ANA, &[("length", "1h"), ("reason", &hostile(900)), ("ticket", &line(100))]).await;
        if !said.starts_with("Asked.") {
            let said = house.asks_for(ANA, ["prod-db", "write", "1h", &line(900)]).await;
            assert!(said.starts_with("Asked."), "{way:?}: {said}");
        }
        let id = house.newest().await.id.to_string();
        house.words(BEN, "less", &[("length", "30m"), ("words", &hostile(900))]).await;
        house.press(ANA, "decline").await;
        house.say(BEN, "offer", &[("id", &id), ("role", &line(100)), ("comment", &line(900))]).await;
        house.say(BEN, "pass", &[("id", &id), ("person", DORA)]).await;
        for (user, path) in [(ANA, "mine"), (BEN, "inbox"), (ANA, "resources")] {
            house.say(user, path, &[]).await;
        }
        house.say(BEN, "show", &[("id", &id)]).await;
        house.assert_inert();
        house.say(DORA, "approve", &[("id", &id), ("comment", &line(900))]).await;
        assert!(house.holds("ana", "write"), "{way:?}: {}", house.reads());
        house.say(ANA, "extend", &[("id", &id), ("length", "1h"), ("why", &line(900))]).await;
        house.say(BEN, "deny", &[("id", &id), ("why", &line(900))]).await;
        house.words(FINN, "revoke", &[("words", &hostile(900))]).await;
        assert!(!house.holds("ana", "write"), "{way:?}");
        house.assert_inert();
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn words_of_a_denial_take_no_effect_for_the_asker_or_in_the_thread() {
    for way in BOTH {
        let house = House::asked(way).await;
        let said = house.words(BEN, "deny", &[("words", &hostile(1_000))]).await;
        assert!(said.starts_with("Denied by Ben Okafor"), "{way:?}: {said}");
        assert!(house.directs(ANA).contains("[click](https://evil.example)"), "it reads as it was typed: {}", house.directs(ANA));
        house.assert_inert();
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn whatever_is_typed_by_hand_is_answered_with_it_as_plain_words() {
    let house = House::asked(Way::Http).await;
    let id = house.newest().await.id.to_string();
    let (short, long) = (line(200), line(4_000));
    for (user, path, options) in [
        (ANA, "request", vec![("resource", short.as_str()), ("role", "write"), ("reason", "Unblock it")]),
        (ANA, "request", vec![("resource", "prod-db"), ("role", short.as_str()), ("reason", "Unblock it")]),
        (ANA, "request", vec![("resource", "prod-db"), ("role", "write"), ("length", short.as_str()), ("reason", "Unblock it")]),
        (ANA, "request", vec![("resource", "prod-db"), ("role", "write"), ("at", short.as_str()), ("reason", "Unblock it")]),
        (ANA, "request", vec![("resource", "prod-db"), ("role", "write"), ("ticket", short.as_str()), ("reason", long.as_str())]),
        (BEN, "approve", vec![("id", short.as_str())]),
        (BEN, "deny", vec![("id", id.as_str()), ("why", long.as_str())]),
        (ANA, "see who", vec![("resource", short.as_str())]),
        (ANA, "see who", vec![("resource", "prod-db"), ("at", short.as_str())]),
        (ANA, "see find", vec![("name", short.as_str()), ("since", short.as_str()), ("page", short.as_str())]),
        (ANA, "see stats", vec![("resource", short.as_str()), ("since", short.as_str())]),
        (super::EVE, "see digest", vec![("day", short.as_str())]),
        (ANA, "explain", vec![("resource", short.as_str()), ("role", short.as_str())]),
        (ANA, "link", vec![("code", short.as_str())]),
        (ANA, "key", vec![("public_key", long.as_str())]),
        (ANA, "help", vec![("topic", short.as_str())]),
        (super::EVE, "admin settle", vec![("id", short.as_str()), ("why", long.as_str())]),
    ] {
        let said = house.say(user, path, &options).await;
        assert!(!said.is_empty(), "{path} {options:?}");
        house.assert_inert();
    }
    for message in house.discord.ephemerals(super::EVE) {
        assert_eq!(does(&message), Vec::<String>::new(), "{message:#}");
    }
    house.assert_nothing_refused();
}

#[tokio::test]
async fn names_of_people_resources_and_roles_take_no_effect() {
    let (name, mut bad) = (hostile(300), rules());
    for resource in bad.resources.values_mut() {
        resource.title.clone_from(&name);
        resource.description.clone_from(&name);
        resource.roles.iter_mut().for_each(|role| role.title.clone_from(&name));
    }
    for person in bad.people.values_mut() {
        person.name.clone_from(&name);
    }
    let discord = guild().await;
    for user in [ANA, BEN, DORA] {
        discord.nick(user, "**Boss** \u{202e}nimda @everyone");
    }
    for way in BOTH {
        let house = House::with(way, guild().await, bad.clone()).await;
        house.ask().await;
        for action in ["deny", "less"] {
            let reply = house.discord.press(BEN, &house.card_id(), action).await;
            let form = house.opened(BEN, reply).await;
            assert!(!form.to_string().contains(['\u{202e}', '\u{200b}', '\u{e004}']), "{form}");
            house.discord.close(BEN);
        }
        let thread = house.discord.thread_of(&house.card_id()).unwrap().name;
        assert!(!thread.contains(['\u{202e}', '\u{200b}', '\u{e004}', '\n']) && thread.chars().count() <= 100, "{thread}");
        for (user, path) in [(ANA, "mine"), (BEN, "inbox"), (ANA, "resources")] {
            house.say(user, path, &[]).await;
        }
        house.press(BEN, "looking").await;
        house.press(CLEO, "approve").await;
        house.press(BEN, "approve").await;
        house.press(ANA, "return").await;
        house.assert_inert();
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn the_names_that_people_give_themselves_in_discord_take_no_effect() {
    let discord = guild().await;
    for user in [ANA, BEN, DORA] {
        discord.nick(user, &format!("**Boss** \u{202e}nimda @everyone <@&{LEADS}>"));
    }
    let mut rules = rules();
    rules.members = hallpass::domain::members::Rules { people_from: None, match_email: None };
    let house = House::with(Way::Gateway, discord, rules).await;
    house.ask().await;
    house.press(BEN, "approve").await;
    house.press(ANA, "return").await;
    house.assert_inert();
    house.assert_nothing_refused();
}
