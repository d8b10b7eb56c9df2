//! A button is about what it was shown for: what has been replaced since is not decided by it.

use hallpass::{
    chat::Button,
    domain::{request::State, time::Span},
};

use super::ASK;
use crate::world::World;

/// The buttons of this kind that the person sees, oldest message first.
fn seen(world: &World, who: &str, action: &str) -> Vec<Button> {
    let all = world.console.buttons(who).into_iter().map(|(_, button)| button);
    all.filter(|button| button.action == action).collect()
}

#[tokio::test]
async fn an_offer_is_accepted_by_its_own_button_and_one_that_was_replaced_is_not() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    world.done("ben", &format!("/jit offer {id} 10m")).await;
    world.advance(Span::from_seconds(20)).await;
    world.done("dora", &format!("/jit offer {id} 5m")).await;
    let private: Vec<Button> = seen(&world, "ana", "accept").into_iter().filter(|button| button.value.matches('/').count() == 2).collect();
    let mut values: Vec<&str> = private.iter().map(|button| button.value.as_str()).collect();
    values.sort_unstable();
    values.dedup();
    let [first, second] = values[..] else { panic!("{values:?}") };
    for action in ["accept", "decline"] {
        let said = world.press("ana", action, first, None).await;
        assert_eq!(
            said,
            format!("That offer was replaced by a newer one of Dora Lind. Nothing was recorded. Look at it on the card, or /jit show {id}")
        );
    }
    assert!(world.round(&id).await.offer.is_some(), "nothing was decided");
    world.press("ana", "accept", second, None).await;
    world.done("ben", &format!("/jit approve {id}")).await;
    let State::Active { grant, .. } = world.state(&id).await.state else { panic!() };
    assert_eq!(grant.duration, Span::from_minutes(5));
}

#[tokio::test]
async fn a_press_for_the_first_ask_does_not_decide_the_extension_that_was_asked_since() {
    let world = World::new().await;
    world.policy("prod-data", |policy| policy.extend_to = None).await;
    let id = world.ask("ana", ASK).await;
    let buttons: Vec<Button> = ["approve", "deny", "less", "looking", "pass"].map(|action| seen(&world, "ben", action).remove(0)).into();
    world.done("dora", &format!("/jit approve {id}")).await;
    assert!(world.press("ben", "approve", &buttons[0].value, None).await.starts_with("Dora Lind approved it"), "nothing else is open");
    world.done("ana", &format!("/jit extend {id} 1h one more batch")).await;
    for button in &buttons {
        let words = if button.action == "pass" { "@dora" } else { "30m" };
        let said = world.press("ben", &button.action, &button.value, Some(words)).await;
        assert!(said.starts_with("What this button was for was decided; now more time is asked for."), "{}: {said}", button.action);
    }
    assert_eq!(world.round(&id).await.votes, [], "no late press counted for it");
    world.press("ben", "approve", &seen(&world, "ben", "approve")[0].value, None).await;
    assert_eq!(world.work(&id).await.until, world.now() + Span::from_minutes(120));
}

#[tokio::test]
async fn a_press_for_what_was_asked_first_does_not_decide_what_an_accepted_offer_asks() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    let first = seen(&world, "dora", "approve").remove(0);
    world.done("ben", &format!("/jit offer {id} read")).await;
    world.done("ana", &format!("/jit accept {id}")).await;
    let said = world.press("dora", "approve", &first.value, None).await;
    assert!(said.starts_with("Something else is asked for now than what this button was for."), "{said}");
    assert!(!world.holds("ana", "read"));
}

#[tokio::test]
async fn a_button_of_an_older_version_is_about_whatever_is_open() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    world.done("ben", &format!("/jit offer {id} read")).await;
    world.press("ana", "accept", &id, None).await;
    world.press("dora", "approve", &id, None).await;
    assert!(world.holds("ana", "read"));
}

#[tokio::test]
async fn more_time_that_is_pressed_twice_is_given_once() {
    let world = World::new().await;
    let id = world.granted("ana", ASK, "ben").await;
    let end = world.work(&id).await.until;
    let button = seen(&world, "ana", "extend:30m").remove(0);
    world.press("ana", "extend:30m", &button.value, None).await;
    let said = world.press("ana", "extend:30m", &button.value, None).await;
    assert_eq!(said, format!("It was extended already, until 15:30. For even more time: /jit extend {id} 30m"));
    assert_eq!(world.work(&id).await.until, end + Span::from_minutes(30));
    let next = seen(&world, "ana", "extend:30m").into_iter().find(|next| next.value != button.value).unwrap();
    world.press("ana", "extend:30m", &next.value, None).await;
    assert_eq!(world.work(&id).await.until, end + Span::from_minutes(60), "its new button gives more");
}

#[tokio::test]
async fn what_is_chosen_is_offered_and_the_words_beside_it_are_the_comment() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    let comment = "2h is too long";
    for (action, less, said) in [
        ("less:read", (Some("read"), None), Some(comment)),
        ("less:read 30m", (Some("read"), Some(30)), Some(comment)),
        ("less:30m", (None, Some(30)), Some("read admin 5m")),
        ("less:20m", (None, Some(20)), None),
        ("less", (None, Some(10)), Some("10m try it with this first")),
    ] {
        world.press("ben", action, &id, said).await;
        let offer = world.round(&id).await.offer.unwrap();
        let offered =
            (offer.less.role.as_ref().map(hallpass::domain::ids::RoleName::as_str), offer.less.duration.map(|span| span.seconds() / 60));
        assert_eq!(offered, less, "{action}");
        let texts = world.store.texts(&offer.comment.clone().into_iter().collect::<Vec<_>>()).await.unwrap();
        let expected = if action == "less" { Some("try it with this first") } else { said };
        assert_eq!(offer.comment.and_then(|id| texts.get(&id).cloned()).as_deref(), expected, "{action}");
        world.advance(Span::from_seconds(1)).await;
    }
    for (action, words) in
        [("less:read please", None), ("less:please", Some("30m")), ("less", None), ("less", Some("please")), ("less:read 5h", None)]
    {
        let before = world.round(&id).await.offer;
        let said = world.press("ben", action, &id, words).await;
        assert!(
            said.starts_with("I did not understand") || said.starts_with("Something is missing") || said.starts_with("That is not less"),
            "{action}: {said}"
        );
        assert_eq!(world.round(&id).await.offer, before, "{action}");
    }
}

#[tokio::test]
async fn it_is_passed_to_whom_was_chosen_whatever_stands_beside_it() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    let said = world.press("ben", "pass:@dora", &id, Some("")).await;
    assert!(said.starts_with("Passed on."), "{said}");
    let said = world.press("ben", "pass:<@eve>", &id, Some("@dora")).await;
    assert!(said.starts_with("Eve Stone may not decide this"), "{said}");
    assert_eq!(world.round(&id).await.passed_to.iter().map(ToString::to_string).collect::<Vec<_>>(), ["dora"]);
    world.press("dora", "pass", &id, Some("@ben")).await;
    assert_eq!(world.round(&id).await.passed_to.len(), 2);
}
