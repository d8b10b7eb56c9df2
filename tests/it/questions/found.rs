//! What somebody asked for, held and decided: of people with two accounts, who left, and with names that are meant to break things.

use std::fmt::Write as _;

use hallpass::{
    bot::Body,
    domain::{
        ids::PersonId,
        policy::{Person, Platform},
    },
};

use super::closed;
use crate::world::World;

const ASK: &str = "/jit request prod-db write 1h Unblock the stuck import";

#[tokio::test]
async fn all_that_somebody_did_is_found_newest_first_with_how_it_went() {
    let world = World::new().await;
    world.rules(closed).await;
    let mut page = String::new();
    writeln!(page, "## nothing yet\n{}\n", world.say("gina", "/jit find @ana").await).unwrap();
    let returned = world.granted("ana", ASK, "ben").await;
    world.waits(600).await;
    world.done("ana", &format!("/jit return {returned}")).await;
    let denied = world.ask("ana", ASK).await;
    world.waits(60).await;
    world.done("dora", &format!("/jit deny {denied} use the replica")).await;
    let revoked = world.granted("ana", ASK, "dora").await;
    world.waits(60).await;
    world.done("ben", &format!("/jit revoke {revoked} enough for today")).await;
    let unanswered = world.ask("ana", ASK).await;
    world.waits(5 * 3_600).await;
    let other = world.ask("ana", "/jit request prod-db read 30m help her out --for @ida").await;
    world.done("ben", &format!("/jit approve {other}")).await;
    world.waits(60).await;
    let cancelled = world.ask("ana", "/jit request prod-db admin 1h Move the tables").await;
    world.done("ana", &format!("/jit cancel {cancelled}")).await;
    for (who, line) in [("gina", "/jit find @ana"), ("gina", "/jit find @ben --since 1d"), ("ana", "/jit find"), ("ben", "/jit find @dora")]
    {
        let said = world.say(who, line).await;
        let names = [&returned, &denied, &revoked, &unanswered, &other, &cancelled].into_iter().enumerate();
        let said = names.fold(said, |said, (n, id)| said.replace(id.as_str(), &format!("R-{n}")));
        writeln!(page, "## {who}: {line}\n{said}\n").unwrap();
    }
    insta::assert_snapshot!("found", page);
    let since = world.say("gina", "/jit find @ana --since 10m").await;
    assert!(since.contains(&other) && since.contains(&cancelled) && !since.contains(&returned), "{since}");
}

#[tokio::test]
async fn pages_hold_each_once_and_say_how_the_next_one_is_asked_for() {
    let world = World::new().await;
    world.rules(closed).await;
    let mut asked = Vec::new();
    for _ in 0..23 {
        let id = world.ask("ana", ASK).await;
        world.done("ana", &format!("/jit cancel {id}")).await;
        asked.insert(0, id);
    }
    let (mut line, mut seen) = ("/jit find @ana --since 1d".to_owned(), Vec::new());
    for page in 1..=3 {
        let said = world.say("ben", &line).await;
        seen.extend(said.lines().filter(|line| line.starts_with("  ")).map(|line| line.rsplit(" · ").next().unwrap().to_owned()));
        let next = said.lines().find_map(|line| line.strip_prefix("The next page: ")).map(str::to_owned);
        assert_eq!(next.is_some(), page < 3, "{said}");
        line = next.unwrap_or_default();
    }
    assert_eq!(seen, asked);
    assert!(world.say("ben", "/jit find @ana --page 7").await.starts_with("There is nothing on page 7."));
    for id in &seen {
        assert!(world.say("ben", &format!("/jit show {id}")).await.contains(id), "what is printed is accepted");
    }
}

#[tokio::test]
async fn somebody_with_two_accounts_is_one_person_by_either() {
    let world = World::new().await;
    let two = |catalogue: &mut hallpass::domain::policy::Catalogue| {
        closed(catalogue);
        let ana = catalogue.people.get_mut(&"ana".parse().unwrap()).unwrap();
        ana.identities.insert(Platform::Slack, "U0ANA".into());
        ana.identities.insert(Platform::Discord, "80351110224678912".into());
        let ben = catalogue.people.get_mut(&"ben".parse().unwrap()).unwrap();
        ben.identities.insert(Platform::Slack, "U0BEN".into());
        ben.identities.insert(Platform::Discord, "80351110224678913".into());
    };
    world.rules(two).await;
    let id = world.granted("ana", ASK, "ben").await;
    for (platform, account, mention) in [
        (Platform::Slack, "U0BEN", "<@U0ANA>"),
        (Platform::Discord, "80351110224678913", "<@80351110224678912>"),
        (Platform::Console, "ben", "@ana"),
    ] {
        let said = world.say_on(platform, account, &format!("/jit find {mention}")).await;
        assert!(said.contains(&id), "{platform:?}: {said}");
    }
    let own = world.say_on(Platform::Slack, "U0ANA", "/jit find").await;
    assert!(own.starts_with("Yours since") && own.contains(&id), "{own}");
}

#[tokio::test]
async fn what_a_joined_account_did_before_belongs_to_its_person() {
    let world = World::new().await;
    let member = |catalogue: &mut hallpass::domain::policy::Catalogue| {
        closed(catalogue);
        catalogue.members.people_from = Some(Platform::Slack);
        let mut person: Person = catalogue.people[&"ana".parse::<PersonId>().unwrap()].clone();
        (person.id, person.name) = ("u0new".parse().unwrap(), "Nina West".into());
        person.identities = [(Platform::Slack, "U0NEW".to_owned())].into();
        catalogue.people.insert(person.id.clone(), person);
        for policy in catalogue.policies.values_mut() {
            policy.may_ask.push(super::person("u0new"));
            policy.may_ask.push(super::person("nina"));
        }
    };
    world.rules(member).await;
    world.from(Platform::Slack, "U0NEW", Body::Line { text: ASK.into() }).await;
    let before = world.newest().await;
    world
        .rules(|catalogue| {
            member(catalogue);
            let mut person = catalogue.people.remove(&"u0new".parse::<PersonId>().unwrap()).unwrap();
            person.id = "nina".parse().unwrap();
            person.identities.insert(Platform::Console, "nina".into());
            catalogue.people.insert(person.id.clone(), person);
        })
        .await;
    let after = world.ask("nina", ASK).await;
    for (who, line) in [("nina", "/jit find"), ("ben", "/jit find @nina")] {
        let said = world.say(who, line).await;
        assert!(said.contains(&before) && said.contains(&after), "{said}");
    }
}

#[tokio::test]
async fn an_account_that_left_is_still_found_by_its_id_and_by_its_mention() {
    let world = World::new().await;
    world
        .rules(|catalogue| {
            closed(catalogue);
            let ana = catalogue.people.get_mut(&"ana".parse().unwrap()).unwrap();
            ana.identities.insert(Platform::Slack, "U0ANA".into());
        })
        .await;
    let id = world.granted("ana", ASK, "ben").await;
    world.waits(60).await;
    world.done("ben", &format!("/jit revoke {id} she leaves today")).await;
    world
        .rules(|catalogue| {
            closed(catalogue);
            catalogue.people.remove(&"ana".parse::<PersonId>().unwrap());
        })
        .await;
    world.waits(60).await;
    let said = world.say("gina", "/jit find @ana").await;
    assert!(said.contains(&id) && said.contains("ana had write on prod-db") && said.contains("revoked by Ben Okafor"), "{said}");
    let then = world.say("gina", "/jit who prod-db --at 14:00:30").await;
    assert!(then.contains("ana had write: 14:00:01 to "), "{then}");
}

#[tokio::test]
async fn hostile_names_stay_one_line_and_inert() {
    let world = World::new().await;
    let bad = "Ana\n\u{202e}@everyone <!channel> {{id}} {{{x}}} \u{1b}[31m*b* `c` [m](https://evil.example)";
    world
        .rules(|catalogue| {
            closed(catalogue);
            for id in ["ana", "ben"] {
                catalogue.people.get_mut(&id.parse().unwrap()).unwrap().name = bad.repeat(4);
            }
        })
        .await;
    let id = world.granted("ana", ASK, "ben").await;
    world.waits(60).await;
    for line in ["/jit find @ana", "/jit who prod-db --at 14:00:30", "/jit find @ben"] {
        let said = world.say("gina", line).await;
        let row = said.lines().find(|line| line.contains(&id)).unwrap_or_else(|| panic!("{said}"));
        assert!(row.starts_with("  ") && said.lines().count() <= 5, "{said}");
        assert!(!said.contains(['\u{202e}', '\u{1b}']), "{said:?}");
    }
    let typed = format!("/jit find {}", "@everyone\u{202e}<!channel>");
    assert!(world.say("gina", &typed).await.starts_with("There is nothing about"), "no id at all");
}
