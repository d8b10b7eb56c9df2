//! Turning one's own direct messages down: what is no longer told, and what is told all the same.

use hallpass::{
    bot::{Answer, Body},
    domain::{policy::Platform, refusal::Refusal, time::Span},
};

use super::ASK;
use crate::world::World;

/// What this person was told privately of a grant that ends, of an ask that is denied and of one that nobody answers.
async fn told(world: &World, who: &str) -> String {
    let before = world.console.directs(who);
    world.granted(who, ASK, "ben").await;
    world.advance(Span::from_minutes(55)).await;
    world.advance(Span::from_minutes(5)).await;
    let denied = world.ask(who, ASK).await;
    world.done("ben", &format!("/jit deny {denied} use the read replica")).await;
    world.ask(who, ASK).await;
    world.advance(Span::from_minutes(240)).await;
    world.console.directs(who)[before.len()..].to_owned()
}

const NEWS: [&str; 4] = ["write on prod-db ends at", "Ended: write on prod-db", "Denied: write on prod-db", "Nobody answered in 4 h"];

#[tokio::test]
async fn how_requests_go_is_not_told_to_whoever_turned_it_down_and_how_to_connect_is() {
    let world = World::new().await;
    for quiet in [false, true, false] {
        world.done("ana", if quiet { "/jit quiet on" } else { "/jit quiet off" }).await;
        let told = told(&world, "ana").await;
        assert!(told.contains("You have write on prod-db until") && told.contains("nothing to connect to: write is pretended"), "{told}");
        for news in NEWS {
            assert_eq!(told.contains(news), !quiet, "{news}: {told}");
        }
    }
    world.done("ana", "/jit quiet on").await;
    let told = told(&world, "finn").await;
    assert!(NEWS.iter().all(|news| told.contains(news)), "it is one's own alone: {told}");
}

#[tokio::test]
async fn what_is_asked_in_ones_name_offered_or_joined_is_told_whatever_was_turned_down() {
    let world = World::new().await;
    for person in ["ana", "cleo"] {
        world.done(person, "/jit quiet on").await;
    }
    let id = world.ask("ana", "/jit request prod-db write 1h help her --for @cleo").await;
    assert!(world.console.directs("cleo").contains(&format!("/jit cancel {id}")), "{}", world.console.directs("cleo"));
    world.done("ben", &format!("/jit offer {id} 30m")).await;
    assert!(world.console.directs("ana").contains("Ben Okafor offers 30 min"), "{}", world.console.directs("ana"));
    world.done("ana", &format!("/jit decline {id}")).await;
    world.done("dora", &format!("/jit approve {id}")).await;
    assert!(world.console.directs("cleo").contains("nothing to connect to"), "{}", world.console.directs("cleo"));
    assert!(!world.console.directs("ana").contains("Cleo Marsh has write"), "that is only news: {}", world.console.directs("ana"));
    let Answer::Said { data, .. } = world.from(Platform::Console, "ana", Body::Line { text: "/jit link".into() }).await else { panic!() };
    let code = data["code"].as_str().unwrap();
    world.say_on(Platform::Discord, "1001", &format!("/jit link {code}")).await;
    assert!(world.console.directs("ana").contains("discord account 1001"), "{}", world.console.directs("ana"));
}

#[tokio::test]
async fn the_page_says_how_it_is_and_its_button_turns_it() {
    let world = World::new().await;
    let home = async || world.voice().home(Platform::Console, "ana").await.unwrap().unwrap();
    for (quiet, action) in [(false, "quiet:on"), (true, "quiet:off"), (false, "quiet:on")] {
        let page = home().await;
        assert_eq!((page.quiet, page.turn.action.as_str(), page.turn.value.as_str()), (quiet, action, ""));
        world.press("ana", &page.turn.action, &page.turn.value, None).await;
    }
    let refused = world.from(Platform::Console, "ana", Body::Press { action: "quiet:never".into(), request: String::new(), words: None });
    assert!(matches!(refused.await, Answer::Refused(Refusal::Grammar { .. })));
    assert!(home().await.quiet);
    assert!(matches!(world.no("ana", "/jit quiet please").await, Refusal::Grammar { .. }));
}
