//! Whom a message mentions: those whom the stage notifies, never somebody who may only approve.

use hallpass::{
    chat::render::Templates,
    domain::{
        event::Event,
        policy::{Stage, Who},
    },
};

use super::sample::{Story, texts};

/// Ben is called, the other db-leads only may; the second stage calls nobody.
fn quiet(mut story: Story) -> Story {
    for policy in story.catalogue.policies.values_mut() {
        for (index, stage) in policy.stages.iter_mut().enumerate() {
            let Stage { notify, .. } = stage;
            *notify = if index == 0 { vec![Who::Person("ben".parse().unwrap())] } else { Vec::new() };
        }
    }
    story
}

fn called(story: Story) -> Vec<Who> {
    quiet(story).reply(&Templates::load(None).unwrap(), &texts()).map(|message| message.notify).unwrap_or_default()
}

fn ben() -> Vec<Who> {
    vec![Who::Person("ben".parse().unwrap())]
}

#[test]
fn a_card_calls_whom_the_first_stage_notifies_and_no_approver_besides() {
    let templates = Templates::load(None).unwrap();
    assert_eq!(quiet(Story::asked()).card(&templates, &texts()).notify, ben());
    assert_eq!(quiet(Story::half_decided()).card(&templates, &texts()).notify, Vec::new());
    assert_eq!(quiet(Story::active()).card(&templates, &texts()).notify, Vec::new());
}

#[test]
fn a_new_stage_and_a_reminder_call_whom_that_stage_notifies() {
    assert_eq!(called(Story::asked().after(60).then(Event::Reminded)), ben());
    assert_eq!(called(Story::half_decided()), Vec::new());
    assert_eq!(called(Story::more_asked()), ben());
    let started_over = Event::Recounted { dropped: vec!["ben".parse().unwrap()], stage: 0, policy: "prod-admin".parse().unwrap() };
    assert_eq!(called(Story::half_decided().then(started_over)), ben());
}

#[test]
fn an_escalation_calls_its_rung_and_passing_on_calls_that_one_person() {
    assert_eq!(called(Story::asked().after(600).then(Event::Escalated { rung: 1 })), [Who::Group("oncall".parse().unwrap())]);
    let passed = Event::PassedOn { by: "ben".parse().unwrap(), to: "dora".parse().unwrap() };
    assert_eq!(called(Story::asked().then(passed)), [Who::Person("dora".parse().unwrap())]);
}

#[test]
fn votes_and_what_follows_call_nobody() {
    assert_eq!(called(Story::asked().after(60).approved("ben", 0, None)), Vec::new());
    assert_eq!(called(Story::active()), Vec::new());
    assert_eq!(called(Story::returned()), Vec::new());
}

#[test]
fn access_that_outlives_its_end_calls_the_owner() {
    let stuck = Story::stuck();
    assert_eq!(called(stuck), [Who::Person("finn".parse().unwrap())]);
}
