//! `Show my credential` in Discord: told where it was pressed, to the presser alone, whole and as it is typed; and nowhere else.

use std::sync::Arc;

use hallpass::{
    clock::ManualClock,
    domain::{entitlement::Ownership, time::Span},
    provider::pretend::{Pretend, Temper},
    store::Store,
};
use serde_json::Value;

use super::{ANA, BEN, EVE, FINN, House, Way, guild, rules};
use crate::{store_suite::file, world::START};

/// Everything that Discord's own markup or a careless layout would change.
const SECRET: &str = "`*p<@1>_&amp;``x`{{y}} :bell: ||\\||";

async fn house(folder: &tempfile::TempDir, secret: &str) -> House {
    let store = Store::open(&file(folder)).await.unwrap();
    let (clock, pretend) = (Arc::new(ManualClock::new(START)), Arc::new(Pretend::with_credentials(Ownership::PerGrant)));
    let house = House::over(Way::Http, guild().await, rules(), store, clock, pretend).await;
    house.ask().await;
    house.press(BEN, "approve").await;
    house.pretend.set_temper(Temper { credential: Some(secret.into()), ..Temper::default() });
    house
}

impl House {
    /// Presses the button in the private message that offers it.
    async fn press_credential(&self, user: &str) {
        let with_button = |message: &Value| message["components"].to_string().contains("credential ");
        let message = self.discord.directs(user).into_iter().rfind(with_button).expect("a message with the button");
        self.press_on(user, message["id"].as_str().unwrap(), "credential").await;
    }

    /// What they read last of all that only they saw.
    fn last_seen(&self, user: &str) -> Value {
        self.discord.ephemerals(user).last().cloned().unwrap_or_default()
    }
}

/// The code in an answer, without its fence.
fn code(answer: &Value) -> &str {
    let text = answer["embeds"][0]["description"].as_str().unwrap_or_default();
    text.strip_prefix("```\n").and_then(|text| text.strip_suffix("\n```")).unwrap_or_else(|| panic!("no code: {answer:#}"))
}

#[tokio::test]
async fn its_holder_reads_it_as_it_is_typed_and_nobody_else_reads_anything_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder, SECRET).await;
    house.press_credential(ANA).await;
    let answer = house.last_seen(ANA);
    assert_eq!((code(&answer), &answer["flags"]), (SECRET, &Value::from(64)), "{answer:#}");
    assert!(!answer["content"].as_str().unwrap().contains("p<@1>"), "a notification does not show it: {answer:#}");
    assert!(house.thread().contains("Ana Reyes fetched a credential"), "{}", house.thread());
    let sent = house.discord.requests();
    let with_it: Vec<_> = sent.iter().filter(|sent| sent.body.to_string().contains("p<@1>")).collect();
    assert_eq!(with_it.len(), 1, "it is sent once: {with_it:#?}");
    assert!(with_it[0].path.contains("/webhooks/") && with_it[0].body["embeds"].is_array(), "{with_it:#?}");
    assert!(!house.directs(ANA).contains("p<@1>") && !house.thread().contains("p<@1>") && !house.reads().contains("p<@1>"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn the_longest_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let long: String = "_-.*".chars().cycle().take(3_400).collect();
    let house = house(&folder, &long).await;
    let id = house.newest().await.id.to_string();
    house.say(ANA, "credential", &[("id", &id)]).await;
    assert_eq!(code(&house.last_seen(ANA)), long);
    let key = format!("-----BEGIN KEY-----\n{}\n-----END KEY-----", vec!["x".repeat(69); 49].join("\n"));
    house.pretend.set_temper(Temper { credential: Some(key.clone()), ..Temper::default() });
    house.say(ANA, "credential", &[("id", &id)]).await;
    assert_eq!(code(&house.last_seen(ANA)), key);
    house.assert_nothing_refused();
}

#[tokio::test]
async fn what_would_end_its_own_code_is_refused_and_no_part_of_it_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder, "hunter2```evil").await;
    let id = house.newest().await.id.to_string();
    let said = house.say(ANA, "credential", &[("id", &id)]).await;
    assert!(said.contains("No credential came") && said.contains("three backticks in a row"), "{said}");
    let sent = house.discord.requests();
    assert!(sent.iter().all(|sent| !sent.body.to_string().contains("hunter2")));
}

#[tokio::test]
async fn others_who_press_or_type_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder, SECRET).await;
    let id = house.newest().await.id.to_string();
    for user in [BEN, EVE, FINN] {
        let said = house.say(user, "credential", &[("id", &id)]).await;
        assert!(said.contains("to nobody else"), "{user}: {said}");
    }
    house.advance(Span::from_minutes(61)).await;
    let said = house.say(ANA, "credential", &[("id", &id)]).await;
    assert!(said.contains("has ended"), "{said}");
    assert!(house.discord.requests().iter().all(|sent| !sent.body.to_string().contains("p<@1>")));
}
