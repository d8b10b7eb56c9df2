//! Answers to questions: what one sees of requests, and what of the looking is recorded.

use hallpass::domain::{policy::Who, refusal::Refusal, time::Span};

use super::ASK;
use crate::world::World;

/// What stands in the bot's own stream.
async fn recorded(world: &World) -> String {
    let entries = world.store.entries("bot", 0, 1000).await.unwrap();
    entries.iter().map(|entry| String::from_utf8_lossy(&entry.bytes).into_owned()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn who_never_says_nobody_when_somebody_has_it() {
    let world = World::new().await;
    assert_eq!(world.say("cleo", "/jit who prod-db").await, "Nobody has access to prod-db through here now.");
    let id = world.granted("ana", ASK, "ben").await;
    let own = world.granted("cleo", ASK, "ben").await;
    let both = world.say("cleo", "/jit who prod-db").await;
    assert!(both.contains(&id) && both.contains(&own), "{both}");
    // From now on others may ask for it and approve it.
    let nobody = || vec![Who::Person("eve".parse().unwrap())];
    world
        .rules(|catalogue| {
            for policy in catalogue.policies.values_mut() {
                (policy.may_ask, policy.on_behalf_of, policy.stages) = (nobody(), Vec::new(), policy.stages[..1].to_vec());
                policy.stages[0].approvers = vec![Who::Person("ben".parse().unwrap())];
                policy.stages[0].ladder.clear();
            }
        })
        .await;
    assert_eq!(
        world.say("cleo", "/jit who prod-db").await,
        format!(
            "On prod-db now:\n  Cleo Marsh has write on prod-db until 15:00 (in 1 h) · {own}\n\
             Only what is yours is shown. Of others, those see it who may ask for it or approve it, its owner, auditors and administrators."
        )
    );
    world.done("cleo", &format!("/jit return {own}")).await;
    assert!(matches!(world.no("cleo", "/jit who prod-db").await, Refusal::NothingToSee { .. }), "it does not say that nobody has it");
}

#[tokio::test]
async fn show_is_the_card_with_everything_on_it() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db write 1h Unblock the stuck import --ticket OPS-4512").await;
    world.done("ben", &format!("/jit approve {id} only the import table, please")).await;
    world.advance(Span::from_minutes(1)).await;
    world.done("ana", &format!("/jit extend {id} 2h one more batch")).await;
    let said = world.say("ben", &format!("/jit show {id}")).await;
    for shown in [
        "OPS-4512",
        "Gets ",
        "Rule   prod-data: 1 approval: @db-leads",
        "✓ Ben Okafor (db-leads) 14:00:01 \"only the import table, please\"",
        "More   Ana Reyes asks for 2 h more, until 17:00: \"one more batch\"",
        "Waiting for  @db-leads",
        "Asked 14:00:01 (1 min ago)",
    ] {
        assert!(said.contains(shown), "{shown}:\n{said}");
    }
    world.done("ana", &format!("/jit return {id}")).await;
    let said = world.say("ben", &format!("/jit show {id}")).await;
    assert!(said.contains("Gone, confirmed at 14:01:01"), "{said}");
}

#[tokio::test]
async fn how_to_connect_is_shown_to_whoever_the_access_is_for_and_to_nobody_else() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db write 1h help her --for @cleo").await;
    world.done("ben", &format!("/jit approve {id}")).await;
    let how = "nothing to connect to: write is pretended";
    assert!(world.say("cleo", &format!("/jit show {id}")).await.contains(how));
    for person in ["ana", "ben", "finn", "eve"] {
        let said = world.say(person, &format!("/jit show {id}")).await;
        assert!(said.contains("Cleo Marsh has write") && !said.contains(how), "{person}: {said}");
    }
}

#[tokio::test]
async fn a_refused_look_is_recorded_and_outwards_there_is_no_such_request() {
    let world = World::new().await;
    let id = world.granted("ana", ASK, "ben").await;
    assert_eq!(world.no("cleo", "/jit show R-000000").await, Refusal::NoSuchRequest { text: "R-000000".into() });
    assert!(!recorded(&world).await.contains("refused"), "what is not there is nobody's right");
    assert_eq!(world.no("cleo", &format!("/jit show {id}")).await, Refusal::NoSuchRequest { text: id.clone() });
    let entries = recorded(&world).await;
    assert!(entries.contains(&format!("show {id}")) && entries.contains("may_not_see") && entries.contains("\"cleo\""), "{entries}");
    assert_eq!(world.store.inbox_open(10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn mine_loses_no_open_request_behind_newer_ones_that_are_closed() {
    let world = World::new().await;
    let open = world.ask("ana", ASK).await;
    for _ in 0..60 {
        let id = world.ask("ana", "/jit request prod-db read 1h Look at the table").await;
        world.done("ana", &format!("/jit cancel {id}")).await;
    }
    let said = world.say("ana", "/jit mine").await;
    assert!(said.contains(&format!("Open:\n  Ana Reyes asks for write on prod-db (Orders database) for 1 h · {open}")), "{said}");
    assert_eq!(said.matches("Cancelled by").count(), 10, "{said}");
}

#[tokio::test]
async fn the_inbox_gives_an_extension_its_own_length_and_reason() {
    let world = World::new().await;
    let id = world.granted("ana", ASK, "ben").await;
    world.done("ana", &format!("/jit extend {id} 2h one more batch")).await;
    let said = world.say("dora", "/jit inbox").await;
    assert!(said.contains("Ana Reyes asks for 2 h more, until 17:00: \"one more batch\""), "{said}");
    assert!(!said.contains("Unblock"), "{said}");
}

#[tokio::test]
async fn an_explanation_names_what_it_is_about_how_many_are_needed_and_what_would_be_refused() {
    let world = World::new().await;
    insta::assert_snapshot!(world.say("ana", "/jit explain prod-db").await, @r"
    read on prod-db for 1 h, asked by Ana Reyes (other roles there: write and admin):
    This asks db-leads (Ben Okafor and Dora Lind), in 10 min also oncall.
    1 h is within the cap of 4 h. It may be extended to 2 h. Rule: prod-data.
    Unanswered, it closes after 4 h.
    ");
    world.policy("prod-data", |policy| policy.stages[0].needed = 2).await;
    insta::assert_snapshot!(world.say("ana", "/jit explain prod-db write 5h").await, @r"
    write on prod-db for 5 h, asked by Ana Reyes:
    This asks 2 of db-leads (Ben Okafor and Dora Lind), in 10 min also oncall.
    5 h is over the cap of 4 h: it would be refused. Ask for 4 h or less. Rule: prod-data.
    Unanswered, it closes after 4 h.
    ");
    world.policy("prod-data", |policy| (policy.stages[0].needed, policy.stages[0].ladder) = (2, Vec::new())).await;
    insta::assert_snapshot!(world.say("ana", "/jit explain @ben prod-db write 2h").await, @r"
    write on prod-db for 2 h, asked by Ben Okafor:
    Nobody is left who could approve it for Ben Okafor: it would be refused. Tell an operator: the rule needs another approver.
    2 h is within the cap of 4 h. Rule: prod-data.
    Unanswered, it closes after 4 h.
    ");
    assert!(matches!(world.no("ana", "/jit explain prod-db write until 2020-01-01 10:00").await, Refusal::EndInPast { .. }));
    assert!(matches!(world.no("ana", "/jit explain prod-db write 1h please").await, Refusal::Grammar { .. }));
}

#[tokio::test]
async fn whoever_acts_is_told_what_came_of_it_once_and_as_it_is() {
    let world = World::new().await;
    let id = world.granted("ana", ASK, "ben").await;
    world.done("ana", &format!("/jit extend {id} 2h one more batch")).await;
    world.say("ben", &format!("/jit looking {id}")).await;
    assert_eq!(world.say("ben", &format!("/jit looking {id}")).await, "You are looking already. You can still approve or deny.");
    assert_eq!(world.say("dora", &format!("/jit looking {id}")).await, "Ben Okafor is looking already. You can still approve or deny.");
    let said = world.say("ben", &format!("/jit approve {id}")).await;
    assert_eq!(said, format!("Your approval counts: more time is approved. Ana Reyes has write on prod-db until 17:00 (in 3 h) · {id}"));
    let later = world.granted("ana", "/jit request prod-db write 1h --at 20:00 nightly job", "ben").await;
    let said = world.say("finn", &format!("/jit revoke {later} the database moves tonight")).await;
    assert!(said.starts_with("Called off before it began: there was nothing to take away. Cancelled by Finn Ward"), "{said}");
}

#[tokio::test]
async fn an_approver_reads_which_role_somebody_had_before_and_never_that_they_had_none_when_they_hold_one() {
    let world = World::new().await;
    let read = world.granted("ana", "/jit request prod-db read 1h Look at the table", "ben").await;
    world.ask("ana", ASK).await;
    let card = world.console.thread(&world.card());
    assert!(card.contains("Now    holds read until 15:00 here\n"), "{card}");
    world.advance(Span::from_minutes(1)).await;
    world.done("ana", &format!("/jit return {read}")).await;
    world.ask("ana", "/jit request prod-db admin 1h Move the tables").await;
    let card = world.console.thread(&world.card());
    assert!(card.contains("Now    holds nothing here · last had read 1 s ago, 1 min\n"), "{card}");
}

#[tokio::test]
async fn a_grant_shorter_than_its_warning_is_warned_of_halfway() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request bastion login 1m look at the disk").await;
    assert!(!world.work(&id).await.warned, "not in the second in which it is there");
    world.advance(Span::from_seconds(29)).await;
    assert!(!world.work(&id).await.warned);
    world.advance(Span::from_seconds(1)).await;
    assert!(world.work(&id).await.warned);
    assert_eq!(world.console.directs("ana").matches("login on bastion ends at 14:01, in 30 s.").count(), 1);
}
