//! What people read: the templates render, and every refusal has its words.

use hallpass::{chat::render::Templates, domain::time::Span};

use crate::world::World;

#[test]
fn every_template_renders_its_worst_case() {
    assert_eq!(Templates::load(None).unwrap().check(), Vec::<String>::new());
}

#[tokio::test]
async fn the_whole_story_is_told_under_the_card() {
    let world = World::new().await;
    world.say("ana", "/jit request prod-db write 1h Unblock the stuck import --ticket OPS-4512").await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, Some("only the import table")).await;
    world.advance(Span::from_minutes(41)).await;
    world.press("ana", "return", &id, None).await;
    let told = world.console.channel("#db-approvers").replace(&id, "R-......");
    println!("{told}\n--- to ana\n{}", world.console.directs("ana").replace(&id, "R-......"));
    assert!(told.contains("Unblock the stuck import"));
    assert!(told.contains("only the import table"));
    assert!(told.contains("OPS-4512"));
}

#[tokio::test]
async fn words_of_people_are_shown_as_they_are() {
    let world = World::new().await;
    let reason = "a: *b* <@U1> {{reason}} {{{x}}} <!channel> \u{202e}gnp";
    world.say("ana", &format!("/jit request prod-db write 1h {reason}")).await;
    let told = world.console.channel("#db-approvers");
    assert!(told.contains("a: *b* <@U1> {{reason}} {{{x}}} <!channel>"), "{told}");
    assert!(!told.contains('\u{202e}'));
}
