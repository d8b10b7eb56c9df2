//! Questions about the past: who had it at a second, what somebody did, how it went; by everybody, in every chat.

mod again;
mod answers;
mod chats;
mod databases;
mod found;
mod rights;

use hallpass::{
    bot::{Answer, Body},
    domain::{
        ids::PersonId,
        policy::{Catalogue, Person, Platform, Who},
        time::Span,
    },
};

use crate::world::{World, catalogue};

fn person(id: &str) -> Who {
    Who::Person(id.parse().unwrap())
}

/// Somebody else at the console.
fn someone(id: &str, name: &str, active: bool) -> (PersonId, Person) {
    let mut person = catalogue().people[&"finn".parse::<PersonId>().unwrap()].clone();
    (person.id, person.name, person.active) = (id.parse().unwrap(), name.into(), active);
    person.identities = [(Platform::Console, id.to_owned())].into();
    (person.id.clone(), person)
}

/// ana may ask for prod-db, also for others; ben and dora lead, cleo and dora are security and approve admin and bastion;
/// finn owns both; eve administers, gina audits; hal may ask for bastion alone; ida is nobody's; gus left.
fn closed(catalogue: &mut Catalogue) {
    let who = [("gina", "Gina Holt", true), ("hal", "Hal Finch", true), ("ida", "Ida Voss", true), ("gus", "Gus Lane", false)];
    catalogue.people.extend(who.map(|(id, name, active)| someone(id, name, active)));
    catalogue.auditors = vec![person("gina")];
    for policy in catalogue.policies.values_mut() {
        let is_hosts = policy.name.as_str() == "hosts";
        policy.may_ask = vec![person(if is_hosts { "hal" } else { "ana" })];
        policy.on_behalf_of = if is_hosts { Vec::new() } else { vec![person("ana")] };
    }
}

const EVERYBODY: [(&str, &str); 10] = [
    ("ana", "asker"),
    ("ben", "approver"),
    ("cleo", "second approver"),
    ("dora", "approver of both"),
    ("finn", "owner"),
    ("eve", "administrator"),
    ("gina", "auditor"),
    ("hal", "asker of another"),
    ("ida", "outsider"),
    ("gus", "left"),
];

impl World {
    /// What is recorded of looks and of refused ones, in order.
    async fn looked(&self) -> Vec<String> {
        let entries = self.store.entries("bot", 0, 10_000).await.unwrap();
        let said = entries.iter().map(|entry| serde_json::from_slice::<serde_json::Value>(&entry.bytes).unwrap()["event"].clone());
        let told = said.filter_map(|event| match event["type"].as_str() {
            Some("looked") => Some(format!("looked: {}", event["what"].as_str().unwrap())),
            Some("refused") => Some(format!("refused: {} {}", event["act"].as_str().unwrap(), event["why"].as_str().unwrap())),
            _ => None,
        });
        told.collect()
    }

    /// The name of the answer, or of the refusal.
    async fn named(&self, user: &str, line: &str) -> String {
        match self.from(Platform::Console, user, Body::Line { text: line.into() }).await {
            Answer::Said { name, .. } => name.to_uppercase(),
            Answer::Refused(refusal) => refusal.name(),
            Answer::Handed(_) => panic!("{line}: a credential"),
        }
    }

    async fn waits(&self, seconds: i64) {
        self.advance(Span::from_seconds(seconds)).await;
    }
}
