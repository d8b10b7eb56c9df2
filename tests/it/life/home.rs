//! One's own page: what it lists for whom, its buttons, and what of looking at it is recorded.

use std::fmt::Write as _;

use hallpass::{
    chat::{
        Button,
        home::{HomeView, Row, Section},
    },
    domain::{
        policy::{Platform, Who},
        time::Span,
    },
};

use super::ASK;
use crate::world::World;

impl World {
    async fn home(&self, user: &str) -> HomeView {
        self.voice().home(Platform::Console, user).await.unwrap().unwrap()
    }

    async fn no_home(&self, user: &str) -> String {
        self.voice().home(Platform::Console, user).await.unwrap().unwrap_err()
    }

    /// How often looking at everybody's access is in the ledger.
    async fn looks(&self) -> usize {
        let entries = self.store.entries("bot", 0, 1000).await.unwrap();
        let all: Vec<String> = entries.iter().map(|entry| String::from_utf8_lossy(&entry.bytes).into_owned()).collect();
        all.iter().filter(|entry| entry.contains("\"looked\"") && entry.contains("\"what\":\"home\"")).count()
    }
}

fn ids(section: &Section) -> Vec<&str> {
    section.rows.iter().map(|row| row.id.as_str()).collect()
}

fn actions(row: &Row) -> String {
    row.buttons.iter().map(|button| button.action.as_str()).collect::<Vec<_>>().join(" ")
}

/// Everything on a page, as text.
fn text(page: &HomeView) -> String {
    let sections = [("mine", &page.mine), ("asked", &page.asked), ("waiting", &page.waiting), ("closed", &page.closed)];
    let mut all = format!("{} {}\n", page.name, page.turn.action);
    for (name, section) in sections.into_iter().chain(page.held.iter().map(|held| ("held", held))) {
        let _ = writeln!(all, "{name} +{}", section.more);
        for row in &section.rows {
            let _ = writeln!(all, "  {} ({}) [{}]", row.line, row.what, actions(row));
            let more = [&row.until, &row.subject, &row.reason, &row.ticket, &row.more, &row.waiting, &row.progress, &row.offer];
            let _ = writeln!(all, "    {}: {}", row.who, more.into_iter().flatten().cloned().collect::<Vec<_>>().join(" | "));
        }
    }
    all
}

#[tokio::test]
async fn a_page_lists_what_one_holds_waits_for_decides_and_had() {
    let world = World::new().await;
    let old = world.granted("ben", "/jit request prod-db read 1h Look at the table", "dora").await;
    world.advance(Span::from_minutes(5)).await;
    world.done("ben", &format!("/jit return {old}")).await;
    world.granted("ben", "/jit request prod-db read 2h Look at it again", "dora").await;
    world.granted("ben", ASK, "dora").await;
    world.ask("ben", "/jit request bastion login 1h look at the disk").await;
    world.ask("ana", "/jit request prod-db admin 1h Move the tables --ticket OPS-7").await;
    let more = world.granted("ana", ASK, "dora").await;
    world.done("ana", &format!("/jit extend {more} 2h one more batch")).await;
    insta::assert_snapshot!(text(&world.home("ben").await), @r#"
    Ben Okafor quiet:on
    mine +0
      Ben Okafor has write on prod-db until 15:05 (in 1 h) (write on prod-db) [return extend:30m extend:1h]
        Ben Okafor: 15:05 | Unblock the stuck import
      Ben Okafor has read on prod-db until 16:05 (in 2 h) (read on prod-db) [return extend:30m extend:1h]
        Ben Okafor: 16:05 | Look at it again
    asked +0
      Ben Okafor asks for login on bastion (Bastion host) for 1 h (login on bastion) [cancel]
        Ben Okafor: look at the disk | @security | 0 of 1 approval
    waiting +0
      Ana Reyes asks for admin on prod-db (Orders database) for 1 h (admin on prod-db) [approve less deny looking pass]
        Ana Reyes: Move the tables | OPS-7 | @db-leads | 0 of 2 approvals
      Ana Reyes has write on prod-db until 15:05 (in 1 h) and asks for more time (write on prod-db) [approve less deny looking pass]
        Ana Reyes: 15:05 | Ana Reyes asks for 2 h more, until 17:05: "one more batch" · cap 4 h | @db-leads | 0 of 1 approval
    closed +0
      Ended: Ben Okafor had read on prod-db, 14:00:01 to 14:05:01 (5 min of 1 h) (read on prod-db) []
        Ben Okafor: Look at the table
    "#);
    let stranger = world.no_home("stranger").await;
    assert!(stranger.starts_with("I don't know who you are here yet."), "{stranger}");
    world.console.set_profile("ben", "ben", false);
    assert!(world.no_home("ben").await.starts_with("Your account is not active"));
    world.console.set_profile("ben", "ben", true);
    world.console.set_down(true);
    assert!(world.no_home("ben").await.starts_with("The chat did not answer"));
}

#[tokio::test]
async fn what_is_asked_in_ones_name_or_for_others_is_on_ones_page_and_nobody_elses() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db write 1h help her --for @cleo").await;
    for person in ["ana", "cleo"] {
        let page = world.home(person).await;
        assert_eq!((ids(&page.asked), actions(&page.asked.rows[0])), (vec![id.as_str()], "cancel".to_owned()), "{person}");
        assert_eq!(page.asked.rows[0].subject.as_deref(), Some("Cleo Marsh"));
    }
    let finn = world.home("finn").await;
    assert_eq!((finn.mine, finn.asked, finn.waiting, finn.held), (Section::default(), Section::default(), Section::default(), None));
    world.done("ben", &format!("/jit approve {id}")).await;
    let (ana, cleo) = (world.home("ana").await, world.home("cleo").await);
    assert_eq!((ids(&ana.mine).len(), ids(&ana.asked), ids(&cleo.mine)), (0, vec![id.as_str()], vec![id.as_str()]));
    assert_eq!(actions(&cleo.mine.rows[0]), "return extend:30m extend:1h");
    world.press("ana", "return", &ana.asked.rows[0].buttons[0].value, None).await;
    assert_eq!(ids(&world.home("cleo").await.closed), [id.as_str()]);
}

/// The buttons of the page that do not stand on any message that the person sees.
fn strange<'p>(world: &World, who: &str, row: &'p Row) -> Vec<&'p Button> {
    let seen: Vec<(String, String)> = world.console.buttons(who).into_iter().map(|(_, b)| (b.action, b.value)).collect();
    row.buttons.iter().filter(|b| !seen.contains(&(b.action.clone(), b.value.clone()))).collect()
}

#[tokio::test]
async fn the_buttons_of_a_page_are_those_of_the_cards_and_carry_what_they_are_about() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    assert!(strange(&world, "ben", &world.home("ben").await.waiting.rows[0]).is_empty());
    world.press("ben", "less", &world.home("ben").await.waiting.rows[0].buttons[1].value, Some("30m")).await;
    let page = world.home("ana").await;
    assert_eq!(
        (actions(&page.asked.rows[0]).as_str(), page.asked.rows[0].offer.as_deref()),
        ("accept decline cancel", Some("Ben Okafor offers 30 min"))
    );
    assert_eq!(strange(&world, "ana", &page.asked.rows[0]).iter().map(|b| b.action.as_str()).collect::<Vec<_>>(), ["cancel"]);
    let decider = world.home("dora").await;
    assert_eq!(actions(&decider.waiting.rows[0]), "approve less deny", "the offer is for whoever asked to answer");
    world.press("ana", "accept", &page.asked.rows[0].buttons[0].value, None).await;
    let said = world.press("dora", "approve", &decider.waiting.rows[0].buttons[0].value, None).await;
    assert!(said.starts_with("Something else is asked for now"), "{said}");
    world.press("dora", "approve", &world.home("dora").await.waiting.rows[0].buttons[0].value, None).await;
    let page = world.home("ana").await;
    assert!(strange(&world, "ana", &page.mine.rows[0]).is_empty());
    let button = page.mine.rows[0].buttons.iter().find(|button| button.action == "extend:30m").unwrap();
    world.press("ana", "extend:30m", &button.value, None).await;
    let end = world.work(&id).await.until;
    let said = world.press("ana", "extend:30m", &button.value, None).await;
    assert!(said.starts_with("It was extended already"), "{said}");
    assert_eq!(world.work(&id).await.until, end);
}

#[tokio::test]
async fn what_is_over_may_be_asked_again_by_whoever_asked() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db write 1h help her --for @cleo").await;
    world.advance(Span::from_minutes(240)).await;
    let (ana, cleo) = (world.home("ana").await, world.home("cleo").await);
    assert_eq!((ids(&ana.closed), ids(&cleo.closed)), (vec![id.as_str()], vec![id.as_str()]));
    assert_eq!((actions(&ana.closed.rows[0]), actions(&cleo.closed.rows[0])), ("again".to_owned(), String::new()));
}

#[tokio::test]
async fn who_holds_what_is_for_auditors_and_administrators_and_looking_is_recorded_once_in_ten_minutes() {
    let world = World::new().await;
    world.rules(|catalogue| catalogue.auditors = vec![Who::Group("security".parse().unwrap())]).await;
    let later = world.granted("ana", "/jit request prod-db read 2h Look at the table", "ben").await;
    let sooner = world.granted("finn", ASK, "ben").await;
    world.ask("ben", ASK).await;
    for person in ["ana", "ben", "finn"] {
        assert_eq!(world.home(person).await.held, None, "{person}");
    }
    assert_eq!(world.looks().await, 0, "what is one's own is not others' access");
    for (person, looks) in [("cleo", 1), ("cleo", 1), ("eve", 2), ("cleo", 2)] {
        let held = world.home(person).await.held.unwrap();
        assert_eq!((ids(&held), world.looks().await), (vec![sooner.as_str(), later.as_str()], looks), "{person}");
        assert!(held.rows.iter().all(|row| row.buttons.is_empty()));
    }
    world.advance(Span::from_seconds(599)).await;
    world.home("cleo").await;
    assert_eq!(world.looks().await, 2);
    world.advance(Span::from_seconds(1)).await;
    world.home("cleo").await;
    assert_eq!(world.looks().await, 3);
}

#[tokio::test]
async fn a_long_list_is_cut_and_says_how_many_there_are_besides() {
    let world = World::new().await;
    for hour in 1..=14 {
        world.ask("ana", &format!("/jit request prod-db read 30m --at \"2026-11-25 {hour:02}:00\" nightly job")).await;
    }
    let page = world.home("ana").await;
    assert_eq!((page.asked.rows.len(), page.asked.more), (10, 4));
    let decider = world.home("ben").await;
    assert_eq!((decider.waiting.rows.len(), decider.waiting.more), (10, 4));
    let all = world.all().await;
    assert_eq!(decider.waiting.rows[0].id, all.last().unwrap().id.to_string(), "who has waited longest");
    assert_eq!(page.asked.rows[0].id, all[0].id.to_string(), "the newest");
}
