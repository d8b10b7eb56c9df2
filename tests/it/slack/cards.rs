//! What Slack is sent: every card as a snapshot of its JSON and of what a person reads of it, and everything else that there is to
//! say, as valid blocks.

use hallpass::{
    chat::{
        Message,
        marks::Marks,
        render::Templates,
        replies,
        view::{self, Reader},
    },
    domain::{ids::PersonId, parse::COMMANDS, policy::Platform, words::Texts},
    worker::{Scene, Shows},
};
use serde_json::{Value, json};

use super::rules;
use crate::{
    cards::{
        lines, refusals,
        sample::{Story, texts},
        section, states,
    },
    fakes::slack::{blocks::check_message, reading::text_of},
    world::{START, World},
};

const SLACK: Platform = Platform::Slack;

/// What is shown in Slack of stories, in the words of these people.
pub(super) struct Shown {
    pub templates: Templates,
    pub texts: Texts,
}

impl Shown {
    pub(super) fn new(texts: Texts) -> Self {
        Self { templates: Templates::load(None).unwrap(), texts }
    }

    fn reader<'a>(&'a self, story: &'a Story) -> Reader<'a> {
        let marks = self.templates.marks(SLACK);
        assert!(matches!(marks, Marks::Made(_)));
        Reader { catalogue: &story.catalogue, texts: &self.texts, now: story.now, tz: chrono_tz::UTC, platform: SLACK, marks }
    }

    pub(super) fn card(&self, story: &Story) -> Value {
        let reader = self.reader(story);
        let view = view::card(&story.request, &reader, &story.around).unwrap();
        valid(&self.templates.card(SLACK, &view, &reader))
    }

    pub(super) fn reply(&self, story: &Story) -> Option<Value> {
        let reader = self.reader(story);
        let line = replies::reply_for(&story.last, story.at, &story.request, &reader, &story.around)?;
        Some(valid(&self.templates.reply(SLACK, &line, &reader)))
    }

    pub(super) fn direct(&self, story: &Story, to: &PersonId) -> Option<Value> {
        let reader = self.reader(story);
        let line = replies::direct_for(&story.last, story.at, to, &story.request, &reader, &story.around)?;
        Some(valid(&self.templates.direct(SLACK, &line, &reader)))
    }

    /// All that is sent about a story.
    pub(super) fn all(&self, story: &Story) -> Vec<Value> {
        let people = [&story.request.requester, &story.request.subject];
        let directs = people.into_iter().filter_map(|to| self.direct(story, to));
        std::iter::once(self.card(story)).chain(self.reply(story)).chain(directs).collect()
    }

    pub(super) fn assert_no_trouble(&self) {
        assert_eq!(self.templates.take_troubles(), Vec::<String>::new());
    }
}

/// As Slack would take it.
pub(super) fn valid(message: &Message) -> Value {
    body(&message.body)
}

fn body(body: &str) -> Value {
    let message: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    check_message(&message).unwrap_or_else(|problems| panic!("{problems:?}: {message:#}"));
    assert!(message["text"].as_str().is_some_and(|text| !text.trim().is_empty()), "nothing for a lock screen: {message:#}");
    message
}

/// With everybody's accounts in Slack.
pub(super) fn there(story: Story) -> Story {
    Story { catalogue: rules(), ..story }
}

/// Every state and ending, by its group.
pub(super) fn groups() -> Vec<(String, Vec<(&'static str, Story)>)> {
    let named = |(name, stories): (&'static str, Vec<(&'static str, Story)>)| {
        (name.to_owned(), stories.into_iter().map(|(what, story)| (what, there(story))).collect())
    };
    states::all().into_iter().map(named).chain(states::endings().into_iter().map(named)).collect()
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
fn a_card_keeps_what_was_asked_and_has_at_most_one_primary_button() {
    let shown = Shown::new(texts());
    for (group, stories) in groups() {
        for (name, story) in stories {
            let card = shown.card(&story);
            assert!(text_of(&card).contains("“Unblock the stuck import”"), "{group} {name}: {}", text_of(&card));
            assert!(card.to_string().matches("\"style\":\"primary\"").count() <= 1, "{group} {name}");
            assert!(!text_of(&card).lines().next().unwrap().contains("R-"), "{group} {name}: no id first");
            let decided = group != "Pending" && !text_of(&card).contains("More  ");
            assert!(!decided || !text_of(&card).contains("[Approve]"), "{group} {name}: {}", text_of(&card));
        }
    }
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
        for cleared_at in [None, Some(START)] {
            let (alarm, now) = lines::alarm(&id, story.as_ref(), cleared_at);
            let scene = story.as_ref().map(|s| Scene { request: &s.request, texts: &texts, around: &s.around, now });
            let post = world.voice().alarm(SLACK, &alarm, scene.as_ref(), now);
            read.push_str(&section(&alarm.id, &text_of(&valid(&post))));
        }
    }
    insta::assert_snapshot!("read of alarms", read);
}

#[test]
fn every_refusal_and_every_topic_of_help_is_valid() {
    let shown = Shown::new(texts());
    let story = there(Story::asked());
    let reader = shown.reader(&story);
    for (name, refusals) in refusals::all("wirte") {
        for refusal in refusals {
            let said = text_of(&body(&shown.templates.refusal(SLACK, &refusal, &reader)));
            assert_eq!(said, shown.templates.refusal_words(SLACK, &refusal, &reader), "{name}: all of it, and only once");
        }
    }
    for topic in COMMANDS {
        let said = text_of(&body(&shown.templates.answer(SLACK, "help", &json!({ "topic": topic }), &reader)));
        assert!(said.starts_with(&format!("/jit {topic}")), "{topic}: {said}");
    }
    shown.assert_no_trouble();
}
