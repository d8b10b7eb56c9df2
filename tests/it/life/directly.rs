//! Cards that policy sends to people directly: to whom, when, and that each copy follows the request.

use hallpass::domain::{
    ids::PersonId,
    policy::{Catalogue, Group, Stage, Who},
    time::Span,
};

use super::ASK;
use crate::world::World;

fn whos(names: &[&str]) -> Vec<Who> {
    let who = |name: &&str| match name.strip_prefix('@') {
        Some(group) => Who::Group(group.parse().unwrap()),
        None => Who::Person(name.parse().unwrap()),
    };
    names.iter().map(who).collect()
}

fn stages<'c>(catalogue: &'c mut Catalogue, policy: &str) -> &'c mut Vec<Stage> {
    &mut catalogue.policies.get_mut(&policy.parse().unwrap()).unwrap().stages
}

impl World {
    /// The first stage of `prod-data` sends its card to these people.
    async fn sends_to(&self, names: &[&str]) {
        self.rules(|catalogue| stages(catalogue, "prod-data")[0].direct = whos(names)).await;
    }

    /// The cards that stand in somebody's direct messages, with their buttons.
    fn copies(&self, who: &str) -> String {
        let cards = self.console.cards(&format!("@{who}")).into_iter().map(|at| self.console.thread(&at));
        cards.filter(|card| card.contains("Gets ") || card.contains("asked for") || card.contains("Ended: ")).collect::<Vec<_>>().join("\n")
    }
}

#[tokio::test]
async fn whom_policy_names_gets_the_card_and_it_follows_to_the_end() {
    let world = World::new().await;
    world.sends_to(&["@db-leads"]).await;
    let id = world.ask("ana", ASK).await;
    for person in ["ben", "dora"] {
        let (copy, card) = (world.copies(person), world.console.thread(&world.card()));
        assert!(
            copy.starts_with("Ana Reyes asks for write on prod-db") && copy.contains("Approve]") && copy.contains(&id),
            "{person}: {copy}"
        );
        assert_eq!(copy.lines().next(), card.lines().next());
    }
    let (_, button) = world.console.buttons("dora").into_iter().find(|(_, b)| b.action == "approve" && b.value.starts_with(&id)).unwrap();
    world.press("dora", "approve", &button.value, None).await;
    for person in ["ben", "dora"] {
        let copy = world.copies(person);
        assert!(copy.starts_with("Ana Reyes has write on prod-db") && !copy.contains("Approve]"), "{person}: {copy}");
    }
    world.done("ana", &format!("/jit return {id}")).await;
    assert!(world.copies("ben").starts_with("Ended: Ana Reyes had write"), "{}", world.copies("ben"));
    for other in ["cleo", "eve", "finn"] {
        assert_eq!(world.console.directs(other), "", "{other}");
    }
}

#[tokio::test]
async fn neither_requester_nor_subject_nor_who_may_not_decide_gets_a_card_of_it() {
    let world = World::new().await;
    world
        .rules(|catalogue| {
            let members = catalogue.people.keys().cloned().collect();
            let all = Group { id: "all".parse().unwrap(), members, chats: [].into() };
            catalogue.groups.insert(all.id.clone(), all);
            stages(catalogue, "prod-data")[0].direct = whos(&["@all"]);
        })
        .await;
    world.ask("ana", "/jit request prod-db write 1h help him --for @ben").await;
    assert_eq!((world.copies("ana"), world.copies("ben")), (String::new(), String::new()));
    assert!(world.copies("dora").contains("Approve]"));
    for other in ["cleo", "eve", "finn"] {
        assert_eq!(world.copies(other), "", "{other} is in the group that is named and may not decide it");
    }
}

#[tokio::test]
async fn a_rungs_people_get_it_when_it_opens_and_a_stages_when_it_is_theirs() {
    let world = World::new().await;
    world.sends_to(&["dora", "eve"]).await;
    let id = world.ask("ana", ASK).await;
    assert_eq!((world.copies("eve").as_str(), world.copies("ben").as_str()), ("", ""));
    world.advance(Span::from_minutes(10)).await;
    assert!(world.copies("eve").contains("Approve]"), "{}", world.copies("eve"));
    world.done("ben", &format!("/jit deny {id} use the read replica")).await;
    for person in ["dora", "eve"] {
        assert!(world.copies(person).starts_with("Denied by Ben Okafor"), "{}", world.copies(person));
    }
    world.rules(|catalogue| stages(catalogue, "prod-admin")[1].direct = whos(&["@security"])).await;
    let before = world.copies("dora");
    let id = world.ask("ana", "/jit request prod-db admin 1h Move the tables").await;
    assert_eq!((world.copies("cleo"), world.copies("dora")), (String::new(), before));
    world.done("ben", &format!("/jit approve {id}")).await;
    assert!(world.copies("cleo").contains("1 of 2 approvals") && world.copies("cleo").contains("Approve]"), "{}", world.copies("cleo"));
}

#[tokio::test]
async fn an_ask_for_more_time_is_called_for_as_the_first_one_was() {
    let world = World::new().await;
    world.policy("prod-data", |policy| policy.extend_to = None).await;
    let id = world.granted("ana", ASK, "ben").await;
    world
        .rules(|catalogue| {
            let policy = catalogue.policies.get_mut(&"prod-data".parse().unwrap()).unwrap();
            (policy.extend_to, policy.stages[0].direct) = (None, whos(&["dora"]));
        })
        .await;
    assert_eq!(world.copies("dora"), "");
    world.done("ana", &format!("/jit extend {id} 1h one more batch")).await;
    let copy = world.copies("dora");
    assert!(copy.contains("More   Ana Reyes asks for 1 h more") && copy.contains("Approve]"), "{copy}");
}

#[tokio::test]
async fn a_copy_follows_when_the_policy_no_longer_sends_any_and_when_it_was_still_being_sent() {
    let world = World::new().await;
    world.sends_to(&["ben"]).await;
    let kept = world.ask("ana", ASK).await;
    world.rules(|_| {}).await;
    world.done("dora", &format!("/jit deny {kept} use the read replica")).await;
    assert!(world.copies("ben").starts_with("Denied by Dora Lind"), "{}", world.copies("ben"));
    world.sends_to(&["ben"]).await;
    world.console.set_mute(true);
    let id = world.ask("finn", ASK).await;
    let rows = world.store.posts(&id.parse().unwrap()).await.unwrap();
    assert!(rows.iter().any(|row| row.place == "@ben" && row.posted.is_none()), "it is known before it is sent: {rows:?}");
    world.done("finn", &format!("/jit cancel {id}")).await;
    world.console.set_mute(false);
    world.advance(Span::from_minutes(10)).await;
    let copies = world.copies("ben");
    assert!(copies.contains("Cancelled by Finn Ward") && !copies.contains("Approve]"), "{copies}");
}

#[tokio::test]
async fn more_than_twenty_people_get_no_card() {
    let world = World::new().await;
    for (people, sent) in [(20, true), (21, false)] {
        world
            .rules(|catalogue| {
                let one = catalogue.people[&"ben".parse().unwrap()].clone();
                let members: Vec<PersonId> = (0..people).map(|n| format!("lead-{n}").parse().unwrap()).collect();
                for id in &members {
                    let identities = one.identities.keys().map(|platform| (*platform, id.to_string())).collect();
                    catalogue.people.insert(id.clone(), hallpass::domain::policy::Person { id: id.clone(), identities, ..one.clone() });
                }
                catalogue.groups.get_mut(&"db-leads".parse().unwrap()).unwrap().members = members;
                stages(catalogue, "prod-data")[0].direct = whos(&["@db-leads"]);
            })
            .await;
        let before = world.copies("lead-0");
        world.ask("ana", &format!("/jit request prod-db write 1h --at \"2026-11-25 {people}:00\" nightly job")).await;
        assert_eq!(world.copies("lead-0") != before, sent, "{people}");
    }
}
