//! Who may look at what, as a table: every question by everybody; and that a "no" says nothing of what there is.

use std::{collections::BTreeSet, fmt::Write as _};

use hallpass::{
    bot::{Answer, Body},
    domain::{
        decide::{self, Sees},
        facts::{Asked, Facts, Groups, Silent},
        ids::{PersonId, ResourceId},
        policy::{Catalogue, Platform},
        refusal::Refusal,
    },
};

use super::{EVERYBODY, closed, person};
use crate::world::{World, catalogue};

const ASK: &str = "/jit request prod-db write 1h Unblock the stuck import";

/// Ana had write on prod-db for a minute, and hal has bastion.
async fn world() -> World {
    let world = World::new().await;
    world.rules(closed).await;
    let id = world.granted("ana", ASK, "ben").await;
    world.waits(60).await;
    world.done("ana", &format!("/jit return {id}")).await;
    world.waits(1).await;
    world.done("hal", "/jit request bastion 20m look around").await;
    world.waits(60).await;
    world
}

#[tokio::test]
async fn every_question_by_everybody() {
    let world = world().await;
    let mut table = String::new();
    for line in [
        "who prod-db",
        "who prod-db --at 14:00:30",
        "who bastion --at 14:01:30",
        "find @ana",
        "find @hal",
        "find @nobody",
        "find",
        "stats prod-db",
        "stats",
        "who gone-db --at 14:00:30",
    ] {
        let mut cells = Vec::new();
        for (who, what) in EVERYBODY {
            cells.push(format!("{what}: {}", world.named(who, &format!("/jit {line}")).await));
        }
        writeln!(table, "{line:<28}{}", cells.join(" | ")).unwrap();
    }
    insta::assert_snapshot!("every question by everybody", table);
}

#[tokio::test]
async fn only_askers_approvers_the_owner_auditors_and_administrators_see_others() {
    let world = world().await;
    for (who, what) in EVERYBODY {
        let may = !matches!(who, "hal" | "ida" | "gus");
        for line in ["/jit who prod-db", "/jit who prod-db --at 14:00:30", "/jit stats prod-db"] {
            let named = world.named(who, line).await;
            assert_eq!(named.chars().all(|c| c.is_uppercase() || c == '_'), may, "{what}: {line}: {named}");
        }
        let found = world.say(who, "/jit find @ana").await;
        assert_eq!(found.contains("Ana Reyes had write on prod-db"), may, "{what}: {found}");
    }
}

#[tokio::test]
async fn a_no_is_the_same_for_what_there_is_and_what_there_is_not() {
    let world = world().await;
    for who in ["hal", "ida"] {
        for line in ["/jit who NAME", "/jit who NAME --at 14:00:30", "/jit stats NAME"] {
            let [there, not] = [
                ("prod-db", world.say(who, &line.replace("NAME", "prod-db")).await),
                ("no-such", world.say(who, &line.replace("NAME", "no-such")).await),
            ]
            .map(|(name, said)| said.replace(name, "NAME"));
            assert_eq!(there, not, "{who}: {line}");
            assert!(there.starts_with("There is nothing about \"NAME\" that you may see."), "{there}");
        }
        // hal sees bastion, and nothing of anybody there; ida sees nothing.
        let [known, gone, unknown] =
            [world.say(who, "/jit find @cleo").await, world.say(who, "/jit find @gus").await, world.say(who, "/jit find @nobody").await];
        assert!(known == gone && gone == unknown, "{who}: {known} / {gone} / {unknown}");
        assert!(!known.contains("Cleo") && !known.contains("cleo"), "{known}");
    }
}

#[tokio::test]
async fn what_others_have_elsewhere_is_neither_shown_nor_counted() {
    let world = world().await;
    world
        .rules(|catalogue| {
            closed(catalogue);
            catalogue.policies.get_mut(&"hosts".parse().unwrap()).unwrap().may_ask.push(person("ana"));
        })
        .await;
    let before = world.say("hal", "/jit find @ana --since 2026-11-24").await;
    let id = world.granted("ana", ASK, "ben").await;
    let with = world.say("hal", "/jit find @ana --since 2026-11-24").await;
    assert_eq!(before, with, "one more that he may not see");
    world.waits(1).await;
    world.done("ana", "/jit request bastion 20m look around").await;
    let bastion = world.newest().await;
    let found = world.say("hal", "/jit find @ana").await;
    assert!(found.contains(&bastion) && !found.contains(&id) && !found.contains("prod-db"), "{found}");
    assert!(found.contains("Shown is what is on resources that you may ask for or approve, or that are yours."), "{found}");
}

#[tokio::test]
async fn everybody_finds_themselves_and_sees_of_who_what_is_theirs() {
    let world = world().await;
    world.done("ana", "/jit request prod-db write 1h help her out --for @ida").await;
    let id = world.newest().await;
    world.done("ben", &format!("/jit approve {id}")).await;
    world.waits(60).await;
    for line in ["/jit find", "/jit find @ida", "/jit who prod-db", "/jit who prod-db --at now"] {
        let said = world.say("ida", line).await;
        assert!(said.contains(&id), "{line}: {said}");
    }
    let said = world.say("ida", "/jit who prod-db --at now").await;
    assert!(said.contains("Only what is yours is shown.") && said.contains("Ida Voss (asked by Ana Reyes) has write"), "{said}");
    assert_eq!(world.named("ida", "/jit who prod-db --at 14:00:30").await, "nothing_to_see", "Ana's is not hers");
}

#[tokio::test]
async fn each_look_at_others_is_recorded_before_it_is_answered_and_by_ids_alone() {
    let world = world().await;
    let before = world.looked().await.len();
    for (who, line) in [
        ("ben", "/jit who prod-db"),
        ("ben", "/jit who prod-db --at 14:00:30"),
        ("gina", "/jit find @ana --since 1h"),
        ("ben", "/jit find @whatever.i.type"),
        ("gina", "/jit stats --since 2026-11-24"),
        ("ben", "/jit stats prod-db --since 1h"),
        ("ida", "/jit who prod-db"),
        ("ida", "/jit find @ana"),
        ("gina", "/jit find @whatever.i.type"),
        ("gina", "/jit who no-such --at 14:00:30"),
        ("ana", "/jit find"),
        ("ana", "/jit find @ana"),
    ] {
        world.say(who, line).await;
    }
    assert_eq!(
        world.looked().await[before..],
        [
            "looked: who prod-db",
            "looked: who prod-db at 2026-11-24T14:00:30.000000Z",
            "looked: find ana since 2026-11-24T13:02:02.000000Z",
            "looked: find (unknown) since 2026-10-25T14:02:02.000000Z",
            "looked: stats all since 2026-11-24T00:00:00.000000Z",
            "looked: stats prod-db since 2026-11-24T13:02:02.000000Z",
            "refused: who nothing_to_see",
            "refused: find nothing_to_see",
        ]
    );
}

#[tokio::test]
async fn a_look_that_cannot_be_recorded_is_not_answered() {
    let world = world().await;
    let body = Body::Line { text: "/jit who prod-db --at 14:00:30".into() };
    let incoming = hallpass::bot::Incoming { platform: Platform::Console, user: "ben".into(), interaction: "look-1".into(), body };
    world.bot.receive(&incoming).await.unwrap();
    world.store.close().await;
    assert!(world.bot.handle(&incoming).await.is_err());
}

#[tokio::test]
async fn whoever_sees_everything_is_told_of_a_wrong_name() {
    let world = world().await;
    let no = |line: &'static str| {
        let world = &world;
        async move { world.no("gina", line).await }
    };
    let near = |refusal: Refusal| match refusal {
        Refusal::NoSuchResource { near, .. } => near.iter().map(ToString::to_string).collect::<Vec<_>>(),
        Refusal::NoSuchPerson { near, .. } => near.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    };
    assert_eq!(near(no("/jit who prod-bd --at 14:00:30").await), ["prod-db"]);
    assert_eq!(near(no("/jit who prod-bd").await), ["prod-db"]);
    assert_eq!(near(no("/jit stats prod-bd").await), ["prod-db"]);
    assert_eq!(near(no("/jit find @cloe").await), ["cleo"]);
}

#[tokio::test]
async fn a_resource_that_is_no_longer_in_the_file_is_still_known_to_auditors_and_administrators() {
    let world = world().await;
    world
        .rules(|catalogue| {
            closed(catalogue);
            catalogue.resources.remove(&"prod-db".parse::<ResourceId>().unwrap());
        })
        .await;
    for who in ["eve", "gina"] {
        let said = world.say(who, "/jit who prod-db --at 14:00:30").await;
        assert!(said.contains("Ana Reyes had write") && said.contains("prod-db is no longer in bot.toml"), "{said}");
        assert!(world.say(who, "/jit stats prod-db").await.contains("1 asked · 1 granted"));
        assert!(world.say(who, "/jit find @ana").await.contains("Ana Reyes had write on prod-db"));
    }
    assert_eq!(world.named("ben", "/jit who prod-db --at 14:00:30").await, "nothing_to_see");
    assert!(world.say("ana", "/jit who prod-db --at 14:00:30").await.contains("Only what is yours is shown."));
}

// -- what a silent chat means, judged alone

fn groups(silent: bool, members: &[&str]) -> Groups {
    let members: BTreeSet<PersonId> = members.iter().map(|id| id.parse().unwrap()).collect();
    let unanswered = silent.then(|| Silent { platform: Platform::Slack, why: "slack is away".into() });
    let asked = Asked { members, unanswered, ..Asked::default() };
    Groups { asked: [("db-leads".parse().unwrap(), asked)].into(), ..Groups::default() }
}

fn asked_of_a_chat() -> Catalogue {
    let mut catalogue = catalogue();
    closed(&mut catalogue);
    let leads = catalogue.groups.get_mut(&"db-leads".parse().unwrap()).unwrap();
    (leads.members, leads.chats) = (Vec::new(), [(Platform::Slack, "S0LEADS".into())].into());
    catalogue
}

#[test]
fn a_silent_chat_is_a_no_with_that_reason_whatever_was_asked_for_and_never_for_whom_it_does_not_matter() {
    let catalogue = asked_of_a_chat();
    let silent = groups(true, &[]);
    let facts = Facts { catalogue: &catalogue, groups: &silent };
    let id = |name: &str| name.parse::<PersonId>().unwrap();
    let resource = |name: &str| name.parse::<ResourceId>().unwrap();
    assert!(matches!(decide::may_look(&resource("prod-db"), &id("ben"), &facts), Err(Refusal::CannotAskGroup { .. })));
    for name in ["prod-db", "bastion", "no-such"] {
        assert!(
            matches!(decide::nothing_to_see(name, &id("ben"), &facts), Refusal::CannotAskGroup { group, .. } if group == "db-leads"),
            "{name}"
        );
    }
    assert!(matches!(decide::sees(&id("ben"), &facts), Err(Refusal::CannotAskGroup { .. })), "nothing is left out in silence");
    for who in ["ana", "eve", "gina", "finn", "cleo"] {
        assert_eq!(decide::may_look(&resource("prod-db"), &id(who), &facts), Ok(()), "{who}");
    }
    assert_eq!(decide::sees(&id("gina"), &facts), Ok(Sees::All));
    let answered = groups(false, &["ben"]);
    let facts = Facts { catalogue: &catalogue, groups: &answered };
    assert_eq!(decide::sees(&id("ben"), &facts), Ok(Sees::These([resource("prod-db")].into())));
    assert_eq!(decide::nothing_to_see("no-such", &id("ida"), &facts), Refusal::NothingToSee { name: "no-such".into() });
}

#[test]
fn who_is_kept_from_acting_looks_at_nothing() {
    use hallpass::domain::members::Bar;
    let catalogue = asked_of_a_chat();
    let mut out = groups(false, &["ben"]);
    out.barred.insert("eve".parse().unwrap(), (Platform::Discord, Bar::TimedOut));
    out.inactive.insert("gina".parse().unwrap());
    out.unknown.insert("ana".parse().unwrap(), "slack is away".into());
    let facts = Facts { catalogue: &catalogue, groups: &out };
    for (who, why) in [("eve", "timed_out"), ("gina", "inactive"), ("ana", "cannot_ask_profile"), ("gus", "inactive")] {
        let who: PersonId = who.parse().unwrap();
        let all = [
            decide::may_look(&"prod-db".parse().unwrap(), &who, &facts).unwrap_err(),
            decide::sees(&who, &facts).unwrap_err(),
            decide::nothing_to_see("no-such", &who, &facts),
        ];
        assert!(all.iter().all(|refusal| refusal.name() == why), "{who}: {all:?}");
    }
}

#[tokio::test]
async fn an_answer_about_nobody_in_particular_names_nobody() {
    let world = world().await;
    let (Answer::Said { data, .. }, said) =
        (world.from(Platform::Console, "gina", Body::Line { text: "/jit stats".into() }).await, world.say("gina", "/jit stats").await)
    else {
        panic!("no answer")
    };
    for name in ["Ana Reyes", "Ben Okafor", "Hal Finch", "@"] {
        assert!(!said.contains(name), "{said}");
    }
    assert!(data["each"].as_array().unwrap().len() == 2, "{data}");
}
