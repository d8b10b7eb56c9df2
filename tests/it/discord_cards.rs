//! What Discord is sent: every card as a snapshot of its JSON and of what a person reads of it, and everything else that there is
//! to say, within the limits.

mod commands;
mod limits;
mod overrides;
mod phone;
mod reading;
mod worst;

use hallpass::{
    bot::{Body, Incoming, ToldTo},
    chat::{
        Message,
        marks::Marks,
        render::Templates,
        replies,
        view::{self, Reader},
    },
    domain::{
        event::Event,
        ids::PersonId,
        parse::COMMANDS,
        policy::{Catalogue, Channel, Platform},
        request::{Extension, State},
        time::Span,
        words::Texts,
    },
    worker::{Scene, Shows},
};
use serde_json::{Value, json};

pub(crate) use self::{
    limits::wrongs,
    reading::{live_markup, text_of},
};
use crate::{
    cards::{
        lines, refusals,
        sample::{Story, texts},
        section, states,
    },
    world::{self, START, World},
};

const DISCORD: Platform = Platform::Discord;
const LEADS: &str = "41771983423143937";
const ANA: &str = "80351110224678912";

/// The company of the other tests, with everybody's accounts and the groups as roles there.
fn rules() -> Catalogue {
    let mut rules = world::catalogue();
    for (n, person) in rules.people.values_mut().enumerate() {
        person.identities = [(DISCORD, format!("{}", 80_351_110_224_678_912_u64 + n as u64))].into();
    }
    for (id, role) in [("db-leads", LEADS), ("security", "41771983423143938"), ("oncall", "41771983423143939")] {
        let known = rules.groups.get_mut(&id.parse().unwrap()).unwrap();
        known.members.clear();
        known.chats = [(DISCORD, role.to_owned())].into();
    }
    for resource in rules.resources.values_mut() {
        resource.channels = vec![Channel { platform: DISCORD, id: "381870553235193857".into() }];
    }
    rules
}

/// What is shown in Discord of stories, in the words of these people.
struct Shown {
    templates: Templates,
    texts: Texts,
}

impl Shown {
    fn new(texts: Texts) -> Self {
        Self { templates: Templates::load(None).unwrap(), texts }
    }

    fn reader<'a>(&'a self, story: &'a Story) -> Reader<'a> {
        let marks = self.templates.marks(DISCORD);
        assert!(matches!(marks, Marks::Counting(_)));
        Reader { catalogue: &story.catalogue, texts: &self.texts, now: story.now, tz: chrono_tz::UTC, platform: DISCORD, marks }
    }

    fn card(&self, story: &Story) -> Value {
        let reader = self.reader(story);
        let view = view::card(&story.request, &reader, &story.around).unwrap();
        valid(&self.templates.card(DISCORD, &view, &reader))
    }

    fn reply(&self, story: &Story) -> Option<Value> {
        let reader = self.reader(story);
        let line = replies::reply_for(&story.last, story.at, &story.request, &reader, &story.around)?;
        Some(valid(&self.templates.reply(DISCORD, &line, &reader)))
    }

    fn direct(&self, story: &Story, to: &PersonId) -> Option<Value> {
        let reader = self.reader(story);
        let line = replies::direct_for(&story.last, story.at, to, &story.request, &reader, &story.around)?;
        Some(valid(&self.templates.direct(DISCORD, &line, &reader)))
    }

    /// All that is sent about a story.
    fn all(&self, story: &Story) -> Vec<Value> {
        let people = [&story.request.requester, &story.request.subject];
        let directs = people.into_iter().filter_map(|to| self.direct(story, to));
        std::iter::once(self.card(story)).chain(self.reply(story)).chain(directs).collect()
    }

    fn assert_no_trouble(&self) {
        assert_eq!(self.templates.take_troubles(), Vec::<String>::new());
    }
}

/// As Discord would take it.
fn valid(message: &Message) -> Value {
    body(&message.body)
}

fn body(body: &str) -> Value {
    let message: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    assert_eq!(wrongs(&message), Vec::<String>::new(), "{message:#}");
    message
}

/// With everybody's accounts in Discord.
fn there(story: Story) -> Story {
    Story { catalogue: rules(), ..story }
}

/// Every state and ending, by its group.
fn groups() -> Vec<(String, Vec<(&'static str, Story)>)> {
    let named = |(name, stories): (&'static str, Vec<(&'static str, Story)>)| {
        (name.to_owned(), stories.into_iter().map(|(what, story)| (what, there(story))).collect())
    };
    states::all().into_iter().map(named).chain(states::endings().into_iter().map(named)).collect()
}

fn stories() -> impl Iterator<Item = Story> {
    let cards = groups().into_iter().flat_map(|(_, stories)| stories.into_iter().map(|(_, story)| story));
    cards.chain(lines::all().into_iter().flat_map(|(_, stories)| stories.into_iter().map(there)))
}

#[test]
fn every_card() {
    let shown = Shown::new(texts());
    for (group, stories) in groups() {
        let (mut sent, mut read) = (String::new(), String::new());
        for (name, story) in stories {
            let card = shown.card(&story);
            sent.push_str(&section(name, &format!("{card:#}")));
            read.push_str(&section(name, &text_of(&card)));
        }
        insta::assert_snapshot!(format!("sent {group}"), sent);
        insta::assert_snapshot!(format!("read {group}"), read);
    }
    shown.assert_no_trouble();
}

#[test]
fn a_card_keeps_what_was_asked_and_a_decided_one_has_no_buttons_to_decide_it() {
    let shown = Shown::new(texts());
    for (group, stories) in groups() {
        for (name, story) in stories {
            let card = shown.card(&story);
            let (text, first) = (text_of(&card), card["content"].as_str().unwrap().lines().next().unwrap().to_owned());
            assert!(text.contains(": “Unblock the stuck import” OPS-4512"), "{group} {name}: {text}");
            assert!(card.to_string().matches("\"style\":3").count() <= 1, "{group} {name}: one primary button");
            assert!(!first.contains("R-") && first.chars().next().is_some_and(|sign| !sign.is_ascii()), "{group} {name}: {first}");
            assert_eq!(card["embeds"][0]["footer"]["text"], story.request.id.as_str(), "{group} {name}");
            assert!(card["embeds"][0]["color"].is_u64() && card["components"].is_array(), "{group} {name}");
            let decided = group != "Pending" && !text.contains("More time: ");
            assert!(!decided || !text.contains("[Approve]"), "{group} {name}: {text}");
            assert_eq!(card["thread"]["name"], format!("{} · prod-db · {}", story.request.id, story.request.main_ask().role));
        }
    }
}

#[test]
fn what_is_red_on_a_card_is_wrong_or_was_refused() {
    let shown = Shown::new(texts());
    for (group, stories) in groups() {
        for (name, story) in stories {
            let card = shown.card(&story);
            let red = card["embeds"][0]["color"].as_u64().unwrap() >> 16 > 0xe0
                && card["embeds"][0]["color"].as_u64().unwrap() >> 8 & 0xff < 0x60;
            let first = card["content"].as_str().unwrap();
            let bad = ["STILL OPEN", "Denied", "Could not grant"].iter().any(|word| first.contains(word));
            assert_eq!(red, bad, "{group} {name}: {first}");
        }
    }
}

#[test]
fn only_access_that_is_there_is_green() {
    let shown = Shown::new(texts());
    for (group, stories) in groups() {
        for (name, story) in stories {
            let card = shown.card(&story);
            let colour = card["embeds"][0]["color"].as_u64().unwrap();
            let (red, green, blue) = (colour >> 16, colour >> 8 & 0xff, colour & 0xff);
            let there = matches!(&story.request.state, State::Active { work, extension, .. }
                if !work.found_absent && !matches!(extension, Some(Extension::Asked { .. })));
            assert_eq!(green > red && green > blue, there, "{group} {name}: {colour:x}");
        }
    }
    let taken = shown.card(&there(Story::active().after(60).then(Event::FoundAbsent)));
    assert!(taken["embeds"][0]["color"] == 6_323_595 && text_of(&taken).starts_with('⌛'), "{taken:#}");
}

#[test]
fn whom_an_alarm_was_told_is_a_channel_that_can_be_opened() {
    let channel = |platform, id: &str| ToldTo::Channel(Channel { platform, id: id.to_owned() });
    let told = vec![channel(DISCORD, "381870553235193857"), channel(Platform::Slack, "C0OPS"), ToldTo::Program];
    let story = there(Story::stuck()).with(|around| around.told = told);
    let shown = Shown::new(texts());
    for message in shown.all(&story) {
        let text = message["embeds"][0]["description"].as_str().unwrap();
        assert!(text.contains("Told: <#381870553235193857>, C0OPS in Slack and the alarm program."), "{text}");
    }
}

#[test]
fn time_alone_changes_no_card() {
    let shown = Shown::new(texts());
    for (group, stories) in groups() {
        for (name, story) in stories {
            let card = shown.card(&story);
            for later in [1, 59, 100] {
                assert_eq!(card, shown.card(&story.clone().after(later)), "{group} {name}, {later} s later");
            }
            // Whoever is looking is said to be as long as they keep others from being called.
            if name != "being looked at" {
                let much_later = shown.card(&story.clone().after(3 * 86_400));
                assert_eq!((&card["content"], &card["embeds"]), (&much_later["content"], &much_later["embeds"]), "{group} {name}");
            }
        }
    }
}

#[test]
fn a_card_calls_whom_the_policy_names_and_nobody_else() {
    let shown = Shown::new(texts());
    for story in stories() {
        for message in shown.all(&story) {
            let content = message["content"].as_str().unwrap();
            let named = |of: &str| message["allowed_mentions"][of].as_array().into_iter().flatten().filter_map(Value::as_str);
            assert!(named("roles").all(|id| content.contains(&format!("<@&{id}>"))), "{message:#}");
            assert!(named("users").all(|id| content.contains(&format!("<@{id}>"))), "{message:#}");
            assert_eq!(named("roles").count() + named("users").count(), content.matches("<@").count(), "{message:#}");
        }
    }
    let card = shown.card(&there(Story::asked()));
    assert_eq!(card["allowed_mentions"], json!({ "parse": [], "replied_user": false, "roles": [LEADS] }));
    assert!(text_of(&card).contains(&format!("Who and why: <@{ANA}> (Ana Reyes): “")), "seen, not called");
}

#[test]
fn every_line_of_a_thread_and_every_private_message_is_valid() {
    let shown = Shown::new(texts());
    let (mut thread, mut private) = (String::new(), String::new());
    for (event, stories) in lines::all() {
        for story in stories.into_iter().map(there) {
            if let Some(reply) = shown.reply(&story) {
                thread.push_str(&section(event, &text_of(&reply)));
            }
            let of_the_end = story.last.name() == "gone";
            assert!(!of_the_end || shown.reply(&story).is_none_or(|reply| reply["components"] == json!([])), "its thread is locked");
            for to in [&story.request.requester, &story.request.subject] {
                private.extend(shown.direct(&story, to).map(|told| section(&format!("{event} to {to}"), &text_of(&told))));
            }
        }
    }
    insta::assert_snapshot!("read in threads", thread);
    insta::assert_snapshot!("read privately", private);
    shown.assert_no_trouble();
}

#[tokio::test]
async fn every_alarm_is_valid() {
    let (world, texts) = (World::new().await, texts());
    let mut read = String::new();
    for (id, story) in lines::alarms() {
        for cleared_at in [None, Some(START + Span::from_minutes(90))] {
            let (alarm, now) = lines::alarm(&id, story.as_ref(), cleared_at);
            let scene = story.as_ref().map(|s| Scene { request: &s.request, texts: &texts, around: &s.around, now });
            let post = world.voice().alarm(DISCORD, &alarm, scene.as_ref(), now);
            let post = valid(&post);
            let footers = post["embeds"].as_array().unwrap().iter().filter_map(|embed| embed["footer"]["text"].as_str());
            assert!(footers.clone().all(|footer| footer.starts_with("Alarm · ")), "only a card has the id alone: {post:#}");
            read.push_str(&section(&alarm.id, &text_of(&post)));
        }
    }
    insta::assert_snapshot!("read of alarms", read);
}

#[test]
fn every_refusal_and_every_topic_of_help_is_valid() {
    let shown = Shown::new(texts());
    let story = there(Story::asked());
    let reader = shown.reader(&story);
    let mut read = String::new();
    for (name, refusals) in refusals::all("wirte") {
        for refusal in refusals {
            let said = body(&shown.templates.refusal(DISCORD, &refusal, &reader));
            assert!(said["embeds"] == json!([]) && said["flags"] == 4, "words, and no previews: {said:#}");
            read.push_str(&section(name, &text_of(&said)));
        }
    }
    for topic in COMMANDS {
        let said = text_of(&body(&shown.templates.answer(DISCORD, "help", &json!({ "topic": topic }), &reader)));
        let begins = ["/jit ", "/jit see ", "/jit admin "].map(|begin| format!("{begin}{topic}"));
        assert!(begins.iter().any(|begin| said.starts_with(begin)), "{topic}: {said}");
        read.push_str(&section(topic, &said));
    }
    insta::assert_snapshot!("read of refusals and help", read);
    shown.assert_no_trouble();
}

#[tokio::test]
async fn every_answer_is_valid() {
    let (world, shown) = (World::new().await, Shown::new(texts()));
    let mut read = String::new();
    for line in [
        "/jit mine",
        "/jit inbox",
        "/jit who prod-db",
        "/jit resources",
        "/jit explain prod-db write 1h",
        "/jit",
        "/jit quiet",
        "/jit clock",
        "/jit help",
    ] {
        let asked =
            Incoming { platform: Platform::Console, user: "ana".into(), interaction: line.into(), body: Body::Line { text: line.into() } };
        let answer = world.bot.take(&asked).await.unwrap().unwrap();
        let said = world.voice().answer(DISCORD, Some(&"ana".parse().unwrap()), &answer).await.unwrap();
        read.push_str(&section(line, &text_of(&body(&said))));
    }
    let story = there(Story::stuck());
    let reader = shown.reader(&story);
    let said = shown.templates.show(DISCORD, (&story.request, Some(&"ana".parse().unwrap())), &reader, &story.around);
    read.push_str(&section("/jit show", &text_of(&body(&said))));
    let story = there(Story::active());
    let reader = shown.reader(&story);
    let said = shown.templates.show(DISCORD, (&story.request, Some(&"ana".parse().unwrap())), &reader, &story.around);
    read.push_str(&section("/jit show, held", &text_of(&body(&said))));
    insta::assert_snapshot!("read of answers", read);
}
