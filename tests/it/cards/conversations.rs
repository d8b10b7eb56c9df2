//! Cards and threads as they come about in a whole bot.

use hallpass::{
    chat::console::Kind,
    domain::{policy::Who, time::Span},
    ledger::{key::Key, seal::Sealer},
    provider::{FaultKind, pretend::Temper},
};

use crate::world::World;

const ASK: &str = "/jit request prod-db write 1h Unblock the stuck import --ticket OPS-4512";

#[tokio::test]
async fn the_whole_story_is_told_under_the_card() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, Some("only the import table")).await;
    world.advance(Span::from_minutes(54)).await;
    world.press("ana", "extend:30m", &id, None).await;
    world.advance(Span::from_minutes(10)).await;
    world.press("ana", "return", &id, None).await;
    let told = world.console.channel("#db-approvers").replace(&id, "R-......");
    insta::assert_snapshot!("told in the channel", unnumbered(&told));
    insta::assert_snapshot!("told to Ana", unnumbered(&world.console.directs("ana").replace(&id, "R-......")));
}

/// Without the numbers to press buttons by: which message came first is the workers' own affair.
fn unnumbered(told: &str) -> String {
    let button = |text: &str| text.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
    told.split('[').map(button).collect::<Vec<_>>().join("[").replace("[ ", "[")
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

#[tokio::test]
async fn a_card_knows_what_its_subject_had_before_and_holds_now() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    assert!(world.console.channel("#db-approvers").contains("!  First time on this resource"));
    let first = world.newest().await;
    world.press("ben", "approve", &first, None).await;
    world.advance(Span::from_minutes(35)).await;
    world.press("ana", "return", &first, None).await;
    world.advance(Span::from_minutes(60 * 24 * 12)).await;
    world.say("ana", "/jit request prod-db read 1h count them").await;
    let second = world.newest().await;
    world.press("ben", "approve", &second, None).await;
    world.advance(Span::from_minutes(1)).await;
    world.say("ana", ASK).await;
    let card = world.console.thread(&world.card());
    assert!(card.contains("Now    holds read until 15:35 here · last had it 12 days ago, 35 min"), "{card}");
    assert!(!card.contains("First time"), "{card}");
}

#[tokio::test]
async fn a_stuck_end_shows_its_tries_and_who_was_told_and_is_rewritten_ever_less_often() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    let refused = Some((FaultKind::Transient, "connection refused".to_owned()));
    world.pretend.set_temper(Temper { fails: refused, ..Temper::default() });
    world.advance(Span::from_minutes(60)).await;
    world.advance(Span::from_seconds(29)).await;
    let told = world.console.thread(&world.card());
    assert!(told.starts_with("STILL OPEN: Ana Reyes still has write on prod-db, 29 s past its end"), "{told}");
    assert!(told.contains("· last answer: connection refused"), "{told}");
    assert!(told.contains("Told: #ops. Take it away by hand: nothing to do: it is pretended"), "{told}");
    assert!(world.console.channel("#ops").contains("If the target is gone for good: /jit settle"));
    let mut screen = world.console.subscribe();
    for _ in 0..240 {
        world.advance(Span::from_seconds(15)).await;
    }
    let mut changed = 0;
    while let Ok(output) = screen.try_recv() {
        changed += usize::from(output.kind == Kind::Changed && output.place == "#db-approvers");
    }
    assert!((5..=20).contains(&changed), "rewritten {changed} times in an hour");
    assert!(world.console.thread(&world.card()).contains("past its end"));
}

#[tokio::test]
async fn a_card_is_not_rewritten_while_nothing_happens() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    let mut screen = world.console.subscribe();
    for _ in 0..20 {
        world.advance(Span::from_seconds(20)).await;
    }
    assert!(screen.try_recv().is_err(), "while it waits");
    world.press("ben", "approve", &id, None).await;
    while screen.try_recv().is_ok() {}
    for _ in 0..100 {
        world.advance(Span::from_seconds(30)).await;
    }
    assert!(screen.try_recv().is_err(), "while it is held");
}

#[tokio::test]
async fn the_summary_names_the_ledgers_newest_root() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    let folder = tempfile::tempdir().unwrap();
    let key = Key::open(&folder.path().join("key"), || [3; 32]).unwrap();
    let mut sealer = Sealer::new(world.store.clone(), key, "example.com/ledger".into());
    sealer.seal_once(world.now()).await.unwrap();
    let (entries, root) = sealer.root().unwrap();
    world.advance(Span::from_minutes(60)).await;
    let told = world.console.thread(&world.card());
    assert!(told.contains(&format!("    Ledger {entries} · {root}")), "{told}");
}

#[tokio::test]
async fn try_again_asks_the_same_for_whoever_asked_and_for_nobody_else() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.pretend.set_temper(Temper { fails: Some((FaultKind::Denied, "permission denied".into())), ..Temper::default() });
    assert!(world.press("ana", "again", &id, None).await.contains("is still being decided"), "not before it is over");
    world.press("ben", "approve", &id, None).await;
    world.pretend.set_temper(Temper::default());
    world.advance(Span::from_minutes(1)).await;
    let card = world.console.thread(&world.card());
    assert!(card.starts_with("Could not grant write on prod-db to Ana Reyes: permission denied\nNothing was granted"), "{card}");
    assert!(card.contains("Try again]"), "{card}");
    for other in ["ben", "finn"] {
        world.press(other, "again", &id, None).await;
        assert_eq!(world.newest().await, id);
    }
    let said = world.press("ana", "again", &id, None).await;
    assert!(said.starts_with("Asked. Ana Reyes asks for write on prod-db"), "{said}");
    let again = world.newest().await;
    assert_ne!(again, id);
    let (first, second) = (world.state(&id).await, world.state(&again).await);
    let (first, second) = (first.main_ask(), second.main_ask());
    assert_eq!((&first.role, first.length, &first.ticket, &first.by), (&second.role, second.length, &second.ticket, &second.by));
    assert!(world.console.thread(&world.card()).contains("Why    \"Unblock the stuck import\"   OPS-4512"));
    assert!(world.press("ana", "again", &id, None).await.starts_with("You have this open already"), "a second press asks nothing");
}

#[tokio::test]
async fn try_again_drops_an_end_that_is_over() {
    let world = World::new().await;
    world.say("ana", "/jit request prod-db write until 17:30 Unblock the stuck import").await;
    let id = world.newest().await;
    world.advance(Span::from_minutes(300)).await;
    assert!(world.say("ana", &format!("/jit show {id}")).await.starts_with("Nobody answered"));
    let said = world.press("ana", "again", &id, None).await;
    assert!(said.starts_with("Asked. Ana Reyes asks for write on prod-db (Orders database) for 1 h"), "{said}");
}

#[tokio::test]
async fn more_time_is_offered_only_where_it_can_be_had() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    let offered = format!("Done earlier? /jit return {id} · more time: /jit extend {id} 30m");
    assert!(world.console.directs("ana").contains(&offered), "{}", world.console.directs("ana"));
    world.advance(Span::from_minutes(1)).await;
    world.say("cleo", "/jit request prod-db write until 17:00 Unblock the stuck import").await;
    let fixed = world.newest().await;
    world.press("ben", "approve", &fixed, None).await;
    let told = world.console.directs("cleo");
    assert!(
        told.contains(&format!("Done earlier? /jit return {fixed}\n")) && !told.contains("more time"),
        "an end that was asked for stays: {told}"
    );
}

#[tokio::test]
async fn what_was_told_late_is_told_as_it_was() {
    let world = World::new().await;
    world.say("ana", "/jit request prod-db admin 1h Move the tables").await;
    let id = world.newest().await;
    world.console.set_mute(true);
    world.press("ben", "approve", &id, None).await;
    world.press("cleo", "approve", &id, Some("go")).await;
    world.press("ana", "extend:2h", &id, None).await;
    world.press("dora", "deny", &id, Some("one hour is enough")).await;
    world.press("ana", "return", &id, None).await;
    world.console.set_mute(false);
    world.advance(Span::from_minutes(2)).await;
    let told = world.console.thread(&world.card());
    assert!(told.contains("✓ Ben Okafor approved 14:00:00 · 1 of 2 approvals"), "{told}");
    assert!(told.contains("Ana Reyes has admin on prod-db since 14:00:00"), "{told}");
    assert!(told.contains("No more time: denied by Dora Lind: \"one hour is enough\""), "{told}");
    assert!(told.contains("Ended: Ana Reyes had admin on prod-db"), "{told}");
    assert_eq!(told.matches("(told late: it happened at 14:00)").count(), 7, "{told}");
    assert!(world.console.directs("ana").contains("No more time for admin on prod-db: \"one hour is enough\""));
}

#[tokio::test]
async fn a_resource_with_two_channels_has_a_card_and_a_thread_in_both() {
    let world = World::new().await;
    let mut catalogue = crate::world::catalogue();
    let resource = catalogue.resources.get_mut(&"prod-db".parse().unwrap()).unwrap();
    let platform = hallpass::domain::policy::Platform::Console;
    resource.channels.push(hallpass::domain::policy::Channel { platform, id: "#dba".into() });
    catalogue.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages[0].notify = vec![Who::Person("ben".parse().unwrap())];
    world.bot.reload(catalogue, (*world.bot.providers()).clone()).await.unwrap();
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    for channel in ["#dba", "#db-approvers"] {
        let told = world.console.channel(channel);
        assert!(told.contains("Ana Reyes has write on prod-db until"), "{channel}: {told}");
        assert!(told.contains("    ✓ Ben Okafor approved"), "{channel}: {told}");
        assert!(told.contains("    Ana Reyes has write on prod-db since"), "{channel}: {told}");
    }
    assert!(world.console.directs("ana").contains("You have write on prod-db until"));
}
