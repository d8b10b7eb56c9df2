//! What is offered while a command is typed in Discord: the best twenty-five, of what this person may ask for, within a hundred
//! characters, and nothing of it does anything.

use hallpass::domain::policy::{Catalogue, Who};

use super::{ANA, BEN, BOTH, House, TALK, Way, guild, rules};
use crate::fakes::discord::reading::live_markup;

/// `prod-db` and so many like it.
fn many(count: usize) -> Catalogue {
    let mut rules = rules();
    let like = rules.resources[&"prod-db".parse().unwrap()].clone();
    for n in 0..count {
        let mut resource = like.clone();
        resource.id = format!("host-{n:02}").parse().unwrap();
        resource.title = format!("Host number {n:02}");
        rules.resources.insert(resource.id.clone(), resource);
    }
    rules
}

#[tokio::test]
async fn what_somebody_may_not_ask_for_is_not_offered_to_them_and_refused_when_they_type_it() {
    for way in BOTH {
        let mut closed = rules();
        closed.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().may_ask = vec![Who::Person("ben".parse().unwrap())];
        closed.policies.get_mut(&"prod-admin".parse().unwrap()).unwrap().may_ask = vec![Who::Person("ben".parse().unwrap())];
        let house = House::with(way, guild().await, closed).await;
        assert_eq!(house.offers(ANA, "request", &[("resource", "")], "resource").await, ["bastion"]);
        assert_eq!(house.offers(ANA, "request", &[("resource", "prod")], "resource").await, Vec::<String>::new());
        assert_eq!(house.offers(ANA, "request", &[("resource", "prod-db"), ("role", "")], "role").await, Vec::<String>::new());
        assert_eq!(house.offers(BEN, "request", &[("resource", "")], "resource").await, ["bastion", "prod-db"]);
        let said = house.ask().await;
        assert!(!said.starts_with("Asked.") && house.count().await == 0, "{way:?}: {said}");
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn of_more_than_twenty_five_the_best_are_offered() {
    for way in BOTH {
        let house = House::with(way, guild().await, many(60)).await;
        let all = house.offers(ANA, "request", &[("resource", "")], "resource").await;
        assert_eq!(all.len(), 25, "{all:?}");
        for (letters, first) in [("prod", "prod-db"), ("host-59", "host-59"), ("number 41", "host-41"), ("orders", "prod-db")] {
            let found = house.offers(ANA, "request", &[("resource", letters)], "resource").await;
            assert_eq!(found.first().map(String::as_str), Some(first), "{way:?} {letters}: {found:?}");
        }
        assert_eq!(house.offers(ANA, "request", &[("resource", "host")], "resource").await.len(), 25);
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn titles_beyond_a_hundred_characters_are_cut_and_hostile_ones_do_nothing() {
    let mut rules = rules();
    let hostile = format!("@everyone <@{BEN}> **b** [click](https://evil.example) \u{202e}gnp\u{200b} `c` {}", "é😀".repeat(100));
    for resource in rules.resources.values_mut() {
        resource.title.clone_from(&hostile);
        resource.roles.iter_mut().for_each(|role| role.title.clone_from(&hostile));
    }
    rules.people.get_mut(&"ana".parse().unwrap()).unwrap().name.clone_from(&hostile);
    let house = House::with(Way::Http, guild().await, rules).await;
    house.ask().await;
    for (user, path, options, focused) in [
        (ANA, "request", vec![("resource", "")], "resource"),
        (ANA, "request", vec![("resource", "prod-db"), ("role", "")], "role"),
        (BEN, "approve", vec![("id", "")], "id"),
    ] {
        let reply = house.discord.complete(user, TALK, path, &options, focused).await;
        assert_eq!((reply.is_ok(), reply.kind()), (true, Some(8)), "{reply:?}");
        assert!(!reply.choices().is_empty(), "{path}");
        for (shown, _) in reply.choices() {
            // Discord shows choices as they are: only directions and what nobody sees could deceive.
            assert!(shown.chars().count() <= 100 && !shown.contains(['\u{202e}', '\u{200b}', '\n']), "{shown}");
        }
    }
    assert!(house.discord.ephemerals(ANA).iter().all(|said| live_markup(said).iter().all(|live| live.starts_with("time"))));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn what_nobody_offered_is_judged_like_anything_typed() {
    for way in BOTH {
        let house = House::new(way).await;
        for (resource, role, length) in [
            ("nothing-such", "write", "1h"),
            ("prod-db", "emperor", "1h"),
            ("prod-db", "write", "forever"),
            ("x".repeat(300).as_str(), "@everyone", "-1h"),
        ] {
            let said = house.asks_for(ANA, [resource, role, length, "Unblock the import"]).await;
            assert!(!said.is_empty() && !said.starts_with("Asked."), "{way:?} {resource} {role} {length}: {said}");
        }
        assert_eq!(house.count().await, 0);
        house.assert_nothing_refused();
    }
}
