//! Joining an account of Discord to a person with a code from another chat: once, told to both, and never a way to decide for oneself.

use hallpass::{
    bot::{Answer, Body, Incoming},
    domain::policy::{Catalogue, Platform},
};

use super::{ANA, BEN, BOTH, House, LEADS, Way, guild, rules};

/// Accounts that stand in no bot.toml.
const NEW: &str = "100000000000000011";
const OTHER: &str = "100000000000000012";

/// Who is known at the console only.
fn only_at_the_console(person: &str) -> Catalogue {
    let mut rules = rules();
    let known = rules.people.get_mut(&person.parse().unwrap()).unwrap();
    known.identities = [(Platform::Console, person.to_owned())].into();
    rules
}

impl House {
    /// A code as somebody is shown it at another door.
    async fn code(&self, platform: Platform, user: &str) -> String {
        let line = Incoming {
            platform,
            user: user.into(),
            interaction: format!("link of {user} {}", self.all_events().await.len()),
            body: Body::Line { text: "/jit link".into() },
        };
        let Some(Answer::Said { name: "link", data }) = self.bot.take(&line).await.unwrap() else { panic!("no code") };
        data["code"].as_str().unwrap().to_owned()
    }

    async fn links(&self, account: &str, code: &str) -> String {
        self.say(account, "link", &[("code", code)]).await
    }
}

#[tokio::test]
async fn a_code_from_another_door_joins_an_account_of_discord_once() {
    for way in BOTH {
        let discord = guild().await;
        discord.person(NEW, "A. Reyes").person(OTHER, "Mallory");
        let house = House::with(way, discord, only_at_the_console("ana")).await;
        let unknown = house.asks_for(NEW, ["prod-db", "write", "1h", "Unblock the import"]).await;
        assert!(unknown.contains("bring the code here: /jit link code:CODE"), "{unknown}");
        let code = house.code(Platform::Console, "ana").await;
        let told = house.links(NEW, &code).await;
        assert!(told.starts_with("This account is Ana Reyes now"), "{told}");
        assert!(house.asks_for(NEW, ["prod-db", "write", "1h", "Unblock the import"]).await.starts_with("Asked. Ana Reyes asks for write"));
        let again = house.links(OTHER, &code).await;
        assert!(!again.contains("Ana Reyes") && !again.is_empty(), "{way:?}: a code counts once: {again}");
        assert!(house.asks_for(OTHER, ["prod-db", "read", "1h", "Look at it"]).await.contains("I don't know who you are here yet"));
        assert!(!house.ledger().await.contains(&code), "a code is in no ledger");
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn nobody_approves_their_own_ask_by_an_account_that_was_joined_to_them() {
    for way in BOTH {
        let discord = guild().await;
        // The second account of Ben's has the role that decides, and so has he.
        discord.person(NEW, "Ben at home").role(LEADS, "db-leads", &[BEN, NEW]);
        let house = House::with(way, discord, only_at_the_console("ben")).await;
        let code = house.code(Platform::Console, "ben").await;
        assert!(house.links(NEW, &code).await.starts_with("This account is Ben Okafor now"));
        // He asks at the console, and presses in Discord.
        let line = Incoming {
            platform: Platform::Console,
            user: "ben".into(),
            interaction: "ask".into(),
            body: Body::Line { text: "/jit request prod-db write 1h Unblock the import".into() },
        };
        assert!(matches!(house.bot.take(&line).await.unwrap(), Some(Answer::Said { name: "asked", .. })));
        house.settle().await;
        let said = house.press(NEW, "approve").await;
        assert!(said.contains("You asked for this yourself"), "{way:?}: {said}");
        assert!(!house.holds("ben", "write") && house.times("approved").await == 0);
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn an_account_is_one_persons_and_a_second_code_moves_it_to_nobody_else() {
    let discord = guild().await;
    discord.person(NEW, "A. Reyes");
    let mut rules = only_at_the_console("ana");
    let cleo = rules.people.get_mut(&"cleo".parse().unwrap()).unwrap();
    cleo.identities = [(Platform::Console, "cleo".to_owned())].into();
    let house = House::with(Way::Http, discord, rules).await;
    let code = house.code(Platform::Console, "ana").await;
    assert!(house.links(NEW, &code).await.starts_with("This account is Ana Reyes now"));
    let of_cleo = house.code(Platform::Console, "cleo").await;
    let said = house.links(NEW, &of_cleo).await;
    assert!(!said.contains("is Cleo Marsh now"), "{said}");
    assert!(house.asks_for(NEW, ["prod-db", "write", "1h", "Unblock the import"]).await.contains("Ana Reyes asks for write"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_code_that_is_none_is_refused_and_guessing_is_locked() {
    let discord = guild().await;
    discord.person(NEW, "Mallory");
    let house = House::with(Way::Http, discord, rules()).await;
    let first = house.links(NEW, "7K3QD-2M8TX").await;
    for _ in 0..5 {
        house.links(NEW, "7K3QD-2M8TX").await;
    }
    let locked = house.links(NEW, "7K3QD-2M8TX").await;
    assert_ne!(first, locked, "after a few it is refused whatever is typed");
    let code = house.code(Platform::Discord, ANA).await;
    assert_eq!(house.links(NEW, &code).await, locked, "the right one too");
    house.assert_nothing_refused();
}
