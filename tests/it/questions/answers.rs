//! What is read at the console: who had it at a second, to the second, and what is not sure; how it went in numbers.

use std::fmt::Write as _;

use hallpass::{
    domain::{
        entitlement::Ownership,
        policy::Catalogue,
        time::{Instant, Span},
    },
    provider::{FaultKind, pretend::Temper},
};

use super::closed;
use crate::world::{START, World};

const ASK: &str = "/jit request prod-db write 1h Unblock the stuck import";

fn berlin(catalogue: &mut Catalogue) {
    catalogue.people.get_mut(&"gina".parse().unwrap()).unwrap().time_zone = Some(chrono_tz::Europe::Berlin);
}

async fn open() -> World {
    let world = World::with(Ownership::PerGrant).await;
    world.rules(closed).await;
    world
}

#[tokio::test]
async fn who_had_it_is_said_to_the_second_with_until_when_by_whom_and_how_it_ended() {
    let world = open().await;
    let id = world.granted("ana", ASK, "ben").await;
    world.waits(600).await;
    world.done("ana", &format!("/jit return {id}")).await;
    world.waits(600).await;
    let at = |time: &'static str| {
        let world = &world;
        async move { world.say("ben", &format!("/jit who prod-db --at {time}")).await }
    };
    let said = at("14:05:30").await;
    assert_eq!(
        said,
        format!(
            "One person on prod-db at 14:05:30:\n  Ana Reyes had write: 14:00:01 to 14:10:01 (10 min), returned early by Ana Reyes · \
             approved by Ben Okafor · {id}\nThis is what was given through here. What somebody had by another way, or lost by one between \
             two looks at the target, is not in it.\nTimes are in UTC."
        )
    );
    for (time, has) in [("14:00:00", false), ("14:00:01", true), ("14:10:00", true), ("14:10:01", false), ("14:10:02", false)] {
        assert_eq!(at(time).await.contains(&id), has, "{time}");
    }
    assert!(at("13:59:59").await.contains("My records begin 14:00:00: of what was before, nothing is known."));
    assert!(at("yesterday 14:00").await.starts_with("Nobody had access to prod-db through here at yesterday 14:00:00."));
}

#[tokio::test]
async fn what_is_not_sure_says_between_which_looks() {
    let world = open().await;
    let id = world.ask("ana", ASK).await;
    world.pretend.set_temper(Temper { fails: Some((FaultKind::Transient, "no such host".into())), ..Temper::default() });
    world.done("ben", &format!("/jit approve {id}")).await;
    world.waits(20).await;
    let now = world.say("ben", "/jit who prod-db --at now").await;
    assert!(now.contains("Ana Reyes may have had write: decided 14:00:01, not seen to work yet · approved by Ben Okafor"), "{now}");
    world.pretend.set_temper(Temper::default());
    world.waits(60).await;
    let then = world.say("ben", "/jit who prod-db --at 14:00:05").await;
    assert!(then.starts_with("One grant that may have worked on prod-db at 14:00:05:"), "{then}");
    assert!(then.contains("may have had write: decided 14:00:01, seen to work from 14:0"), "{then}");
    assert!(then.contains("; nobody looked between"), "{then}");
    world.pretend.set_temper(Temper { fails: Some((FaultKind::Transient, "no such host".into())), ..Temper::default() });
    world.waits(7_200).await;
    let ending = world.say("ben", "/jit who prod-db --at now").await;
    assert!(ending.contains("may still have had write: its end began ") && ending.contains(", not read back as gone yet"), "{ending}");
    world.pretend.set_temper(Temper::default());
    world.waits(600).await;
    let sure = world.say("ben", "/jit who prod-db --at 14:30").await;
    assert!(sure.contains("· perhaps from 14:00:01 to ") && sure.contains(": nobody looked in between"), "{sure}");
}

#[tokio::test]
async fn times_are_the_readers_own_and_what_the_clocks_showed_twice_is_asked_back() {
    let (_folder, url) = fresh();
    let world = World::on_at(&url, at("2026-10-24T22:00:00Z")).await;
    world.rules(|catalogue| (closed(catalogue), berlin(catalogue)).0).await;
    let id = world.granted("ana", "/jit request prod-db write 4h Unblock the stuck import", "ben").await;
    world.waits(4 * 3_600).await;
    world.waits(3_600).await;
    let say = |line: &'static str| {
        let world = &world;
        async move { world.say("gina", line).await }
    };
    let twice = say("/jit who prod-db --at \"2026-10-25 02:30\"").await;
    assert!(twice.contains("write 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00"), "{twice}");
    let second = say("/jit who prod-db --at 2026-10-25T02:30:00+01:00").await;
    assert!(
        second.contains(&id) && second.contains("had write: 00:00:01 to 03:00:01 (4 h)") && second.contains("Times are in Europe/Berlin."),
        "{second}"
    );
    assert!(say("/jit who prod-db --at \"2026-10-25 03:00:02\"").await.starts_with("Nobody had access"));
    let ahead = say("/jit who prod-db --at \"2026-10-25 23:00\"").await;
    assert!(ahead.starts_with("\"2026-10-25 23:00\" is no time that I can look at: that lies ahead"), "{ahead}");
}

#[tokio::test]
async fn a_page_says_how_the_next_one_is_asked_for_and_it_is_the_next() {
    let world = open().await;
    world
        .rules(|catalogue| {
            closed(catalogue);
            for policy in catalogue.policies.values_mut() {
                policy.at_once_up_to = Some(Span::from_minutes(240));
            }
            for n in 0..25 {
                let (id, person) = super::someone(&format!("p{n:02}"), &format!("Person {n:02}"), true);
                catalogue.people.insert(id.clone(), person);
                catalogue.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().may_ask.push(super::person(id.as_str()));
            }
        })
        .await;
    for n in 0..25 {
        world.waits(1).await;
        world.done(&format!("p{n:02}"), ASK).await;
    }
    world.waits(5).await;
    let mut line = "/jit who prod-db --at 14:00:29".to_owned();
    let mut seen = Vec::new();
    for page in 1..=3 {
        let said = world.say("ben", &line).await;
        assert!(said.starts_with(&format!("25 grants on prod-db at 14:00:29 · page {page} of 3:")), "{said}");
        assert!(said.contains("approved at once"), "{said}");
        seen.extend(said.lines().filter_map(|line| line.trim().strip_prefix("Person ")).map(|row| row[..2].parse::<usize>().unwrap()));
        let next = said.lines().find_map(|line| line.strip_prefix("The next page: ")).map(str::to_owned);
        assert_eq!(next.is_some(), page < 3, "{said}");
        line = next.unwrap_or_default();
    }
    assert_eq!(seen, (0..25).collect::<Vec<_>>(), "each once, the earliest first");
    assert!(world.say("ben", "/jit who prod-db --at 14:00:29 --page 9").await.contains("page 3 of 3"), "the last one there is");
}

#[tokio::test]
async fn numbers_say_how_it_went() {
    let world = open().await;
    let empty = world.say("gina", "/jit stats --since 1h").await;
    assert_eq!(empty, "Nothing happened since 13:00:00.\nTimes are in UTC.");
    for (wait, answer) in [(20, "approve"), (40, "approve"), (600, "approve"), (60, "deny")] {
        let id = world.ask("ana", ASK).await;
        world.waits(wait).await;
        world.done("ben", &format!("/jit {answer} {id} because it is so")).await;
        world.waits(60).await;
        if answer == "approve" {
            world.done("ana", &format!("/jit return {id}")).await;
        }
    }
    world.ask("ana", ASK).await;
    world.waits(5 * 3_600).await;
    world.done("hal", "/jit request bastion 20m look around").await;
    let mut page = String::new();
    for (who, line) in [
        ("gina", "/jit stats"),
        ("ben", "/jit stats prod-db"),
        ("ben", "/jit stats"),
        ("hal", "/jit stats"),
        ("gina", "/jit stats --since 10m"),
    ] {
        writeln!(page, "## {who}: {line}\n{}\n", world.say(who, line).await).unwrap();
    }
    insta::assert_snapshot!("numbers", page);
}

#[tokio::test]
async fn of_whoever_sees_hundreds_of_resources_none_is_left_out() {
    let world = open().await;
    world
        .rules(|catalogue| {
            closed(catalogue);
            let prod = catalogue.resources[&"prod-db".parse().unwrap()].clone();
            for n in 0..230 {
                let mut another = prod.clone();
                another.id = format!("extra-{n:03}").parse().unwrap();
                catalogue.resources.insert(another.id.clone(), another);
            }
        })
        .await;
    for n in 217..230 {
        let id = world.ask("ana", &format!("/jit request extra-{n} write 1h Unblock the stuck import")).await;
        world.done("ana", &format!("/jit cancel {id}")).await;
    }
    let said = world.say("finn", "/jit stats").await;
    assert!(said.contains("extra-217: 1 asked") && said.contains("extra-226: 1 asked"), "{said}");
    assert!(said.contains("And 3 more resources.") && said.contains("14:00 (13)"), "{said}");
}

#[tokio::test]
async fn a_moment_to_the_second_means_all_of_that_second() {
    let (_folder, url) = fresh();
    let start = Instant::from_micros(at("2026-11-20T14:00:00Z").micros() + 400_000);
    let world = World::on_at(&url, start).await;
    world.rules(closed).await;
    let id = world.granted("ana", ASK, "ben").await;
    world.waits(600).await;
    world.done("ana", &format!("/jit return {id}")).await;
    world.waits(60).await;
    for (time, has) in [
        ("14:00:00", false),
        ("14:00:01.3", false),
        ("14:00:01.5", true),
        ("14:00:01", true),
        ("14:05:00", true),
        ("14:10:01", true),
        ("14:10:01.399999", true),
        ("14:10:01.400001", false),
        ("14:10:02", false),
    ] {
        let said = world.say("ben", &format!("/jit who prod-db --at {time}")).await;
        assert_eq!(said.contains(&id), has, "{time}: {said}");
    }
}

fn fresh() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("hallpass.db").display());
    (folder, url)
}

fn at(text: &str) -> Instant {
    let at = chrono::DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&chrono::Utc);
    assert!(Instant::from(at) < START);
    at.into()
}
