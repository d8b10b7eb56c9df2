//! `Show my credential`: made at the press, shown once to whoever the access is for, and kept nowhere.

use std::{
    io,
    sync::{Arc, Mutex},
};

use hallpass::{
    bot::{Answer, Body, Incoming},
    cli::log::subscriber,
    domain::{
        entitlement::Ownership,
        event::{Effect, Verb},
        policy::Platform,
        refusal::Refusal,
        request::{Ending, State},
        time::Span,
    },
    provider::{
        FaultKind,
        pretend::{Pretend, Temper},
    },
    store::Store,
};
use secrecy::ExposeSecret as _;

use super::ASK;
use crate::{store_suite::file, world::World};

async fn house(folder: &tempfile::TempDir) -> World {
    World::with_provider(&file(folder), Pretend::with_credentials(Ownership::PerGrant)).await
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

impl World {
    async fn fetches(&self, user: &str, id: &str) -> Result<String, Refusal> {
        match self.from(Platform::Console, user, Body::Line { text: format!("/jit credential {id}") }).await {
            Answer::Handed(handed) => Ok(handed.secret.expose_secret().to_owned()),
            Answer::Refused(refusal) => Err(refusal),
            Answer::Said { name, .. } => panic!("{name}"),
        }
    }

    /// What the ledger has of credentials: the entitlement's intents and outcomes, in order.
    async fn fetched(&self, id: &str) -> Vec<String> {
        let key = match self.state(id).await.state {
            State::Active { grant, .. } | State::Revoking { grant, .. } => grant.entitlement,
            state => panic!("{state:?}"),
        };
        let entries = self.store.entries(&format!("entitlement/{}", key.0), 0, 1_000).await.unwrap();
        let effects = entries.iter().map(|entry| {
            let mut value: serde_json::Value = serde_json::from_slice(&entry.bytes).unwrap();
            serde_json::from_value::<Effect>(value["event"].take()).unwrap()
        });
        effects
            .filter_map(|effect| match effect {
                Effect::Intent { verb: Verb::Credential, .. } => Some("intent".to_owned()),
                Effect::Outcome { verb: Verb::Credential, outcome, .. } => Some(format!("{outcome:?}")),
                _ => None,
            })
            .collect()
    }
}

#[tokio::test]
async fn its_holder_reads_it_once_and_the_next_one_ends_it() {
    let folder = folder();
    let world = house(&folder).await;
    let id = world.granted("ana", ASK, "ben").await;
    assert!(world.console.directs("ana").contains("Show my credential]"), "{}", world.console.directs("ana"));
    let said = world.press("ana", "credential", &id, None).await;
    insta::assert_snapshot!(said.replace(&id, "R-ID"), @r"
    Your credential for write on prod-db, until 15:00 · R-ID
    pretended-secret-1
    How to connect:
    nothing to connect to: write is pretended
    It is shown this once and kept nowhere; one that you had before no longer works. Another: /jit credential R-ID
    ");
    assert!(world.pretend.lets_in("pretended-secret-1"));
    let thread = world.console.thread(&world.card());
    assert!(thread.contains("Ana Reyes fetched a credential at 14:00"), "{thread}");
    assert_eq!(world.fetches("ana", &id).await.unwrap(), "pretended-secret-2");
    assert!(!world.pretend.lets_in("pretended-secret-1") && world.pretend.lets_in("pretended-secret-2"));
    assert_eq!(world.fetched(&id).await, ["intent", "Ok", "intent", "Ok"]);
    world.done("ana", &format!("/jit return {id}")).await;
    assert!(!world.pretend.lets_in("pretended-secret-2"));
    assert!(matches!(world.ending(&id).await, Ending::Returned { .. }));
}

#[tokio::test]
async fn nobody_else_gets_it_whatever_their_right() {
    let folder = folder();
    let world = house(&folder).await;
    let id = world.granted("ana", "/jit request prod-db write 1h help her out --for @cleo", "ben").await;
    // The requester, an approver, the owner, an administrator, somebody.
    for other in ["ana", "ben", "finn", "eve", "dora"] {
        assert_eq!(world.fetches(other, &id).await, Err(Refusal::NotSubject), "{other}");
    }
    assert!(!world.console.directs("ana").contains("credential"), "it is not offered to whoever asked for somebody else");
    assert!(world.console.directs("cleo").contains("Show my credential"));
    assert_eq!(world.fetched(&id).await, Vec::<String>::new(), "the target was never asked");
    assert!(world.fetches("cleo", &id).await.is_ok());
    let refused = world.store.entries("bot", 0, 1_000).await.unwrap();
    let refused = refused.iter().filter(|entry| String::from_utf8_lossy(&entry.bytes).contains("not_subject")).count();
    assert_eq!(refused, 5, "a right that was refused is recorded");
}

#[tokio::test]
async fn there_is_one_only_while_the_access_works() {
    let folder = folder();
    let world = house(&folder).await;
    let id = world.ask("ana", ASK).await;
    assert!(matches!(world.fetches("ana", &id).await, Err(Refusal::NotOpen { .. })), "not before it is decided");
    world.done("ben", &format!("/jit approve {id}")).await;
    world.advance(Span::from_seconds(3_590)).await;
    assert_eq!(world.fetches("ana", &id).await, Err(Refusal::NoTimeLeft), "an end never waits for a credential");
    world.advance(Span::from_seconds(10)).await;
    assert!(matches!(world.fetches("ana", &id).await, Err(Refusal::NotOpen { .. })));
    assert!(!world.holds("ana", "write"));
    assert!(matches!(world.fetches("ana", "R-ZZZZZZ").await, Err(Refusal::NoSuchRequest { .. })));
}

#[tokio::test]
async fn a_target_that_gives_none_out_offers_none() {
    let world = World::new().await;
    let id = world.granted("ana", ASK, "ben").await;
    assert!(!world.console.directs("ana").contains("credential"), "{}", world.console.directs("ana"));
    assert_eq!(world.fetches("ana", &id).await, Err(Refusal::NoCredential));
}

#[tokio::test]
async fn what_was_there_before_gets_no_credential() {
    let folder = folder();
    let world = World::with_provider(&file(&folder), Pretend::with_credentials(Ownership::Shared)).await;
    world.pretend.set("write", "ana", true);
    let id = world.granted("ana", ASK, "ben").await;
    assert_eq!(world.fetches("ana", &id).await, Err(Refusal::NoCredential));
    assert!(!world.console.directs("ana").contains("Show my credential"));
}

#[tokio::test]
async fn a_target_that_refuses_is_said_to_and_the_one_before_still_works() {
    let folder = folder();
    let world = house(&folder).await;
    let id = world.granted("ana", ASK, "ben").await;
    let first = world.fetches("ana", &id).await.unwrap();
    world.pretend.set_temper(Temper { fails: Some((FaultKind::Transient, "too many logins".into())), ..Temper::default() });
    let said = world.say("ana", &format!("/jit credential {id}")).await;
    assert_eq!(said, "No credential came (too many logins). The one before still works, if you have one; fetch another in a moment.");
    assert!(world.pretend.lets_in(&first));
    world.pretend.set_temper(Temper::default());
    assert!(world.fetches("ana", &id).await.is_ok());
    assert_eq!(world.fetched(&id).await, ["intent", "Ok", "intent", "Failed", "intent", "Ok"]);
}

#[tokio::test]
async fn what_a_chat_could_not_show_whole_is_not_shown() {
    let folder = folder();
    let world = house(&folder).await;
    let id = world.granted("ana", ASK, "ben").await;
    for odd in ["", "zero\u{200b}width", "two\n\nlines", " edges "] {
        world.pretend.set_temper(Temper { credential: Some(odd.into()), ..Temper::default() });
        assert!(matches!(world.fetches("ana", &id).await, Err(Refusal::CredentialFailed { unknown: true, .. })), "{odd:?}");
    }
}

/// Nobody knows whether it was made: nothing else is done there until that is over, and then the end takes everything.
#[tokio::test]
async fn a_target_that_does_not_answer_is_given_up_and_the_end_comes_after_it() {
    let folder = folder();
    let pretend = Pretend::with_credentials(Ownership::PerGrant).answering_within(Span::from_seconds(1));
    let world = World::with_provider(&file(&folder), pretend).await;
    let id = world.granted("ana", ASK, "ben").await;
    world.pretend.set_temper(Temper { is_silent: true, ..Temper::default() });
    let refused = world.fetches("ana", &id).await;
    assert!(matches!(&refused, Err(Refusal::CredentialFailed { why, unknown: true }) if why == "no answer in time"), "{refused:?}");
    assert_eq!(world.fetched(&id).await, ["intent", "Unknown"]);
    assert!(matches!(world.fetches("ana", &id).await, Err(Refusal::CredentialFailed { unknown: false, .. })), "the one before is not over");
    world.pretend.set_temper(Temper::default());
    world.done("ana", &format!("/jit return {id}")).await;
    assert!(world.holds("ana", "write"), "no call crosses another that nobody answered");
    world.advance(Span::from_seconds(8)).await;
    world.advance(Span::from_seconds(8)).await;
    assert!(!world.holds("ana", "write"));
    assert!(matches!(world.ending(&id).await, Ending::Returned { .. }));
    assert!(world.store.open_alarms().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_same_press_delivered_twice_fetches_once_and_one_that_nobody_waits_for_fetches_nothing() {
    let folder = folder();
    let world = house(&folder).await;
    let id = world.granted("ana", ASK, "ben").await;
    let body = Body::Press { action: "credential".into(), request: id.clone(), words: None };
    let press = |interaction: &str| Incoming {
        platform: Platform::Console,
        user: "ana".into(),
        interaction: interaction.into(),
        body: body.clone(),
    };
    assert!(matches!(world.bot.take(&press("one")).await.unwrap(), Some(Answer::Handed(_))));
    assert_eq!(world.bot.take(&press("one")).await.unwrap(), None);
    assert_eq!(world.fetched(&id).await, ["intent", "Ok"]);
    // Received by a bot that was killed then: whoever pressed reads no answer.
    world.bot.receive(&press("two")).await.unwrap();
    assert_eq!(world.bot.handle_left().await.unwrap(), 1);
    assert_eq!(world.fetched(&id).await, ["intent", "Ok"]);
    assert!(world.pretend.lets_in("pretended-secret-1"), "the one before was not ended for nothing");
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const SECRET: &str = "c0rrect-horse-battery";

#[tokio::test]
async fn it_stands_in_no_row_no_entry_no_message_and_no_log() {
    let folder = folder();
    let (page, world) = (Page::default(), house(&folder).await);
    let writer = page.clone();
    let logging = tracing::subscriber::set_default(subscriber(tracing_subscriber::EnvFilter::new("trace"), move || writer.clone(), false));
    tracing::info!("an evening's log begins");
    let id = world.granted("ana", ASK, "ben").await;
    world.pretend.set_temper(Temper { credential: Some(SECRET.into()), ..Temper::default() });
    let said = world.press("ana", "credential", &id, None).await;
    assert!(said.contains(SECRET));
    let answer = world.from(Platform::Console, "ana", Body::Line { text: format!("/jit credential {id}") }).await;
    assert!(matches!(answer, Answer::Handed(_)) && !format!("{answer:?}").contains(SECRET), "{answer:?}");
    world.pretend.set_temper(Temper::default());
    let home = world.bot.home(Platform::Console, "ana").await.unwrap().unwrap();
    assert!(home.hands_over.contains(&id.parse().unwrap()) && !format!("{home:?}").contains(SECRET));
    world.done("ana", &format!("/jit return {id}")).await;
    for place in ["#db-approvers", "#ops", "@ana", "@ben"] {
        assert!(!world.console.channel(place).contains(SECRET), "{place}");
    }
    drop(logging);
    let logged = String::from_utf8_lossy(&page.0.lock().unwrap()).into_owned();
    assert!(logged.contains("an evening's log begins"), "{logged}");
    assert!(!logged.contains(SECRET), "{logged}");
    let outside = world.without_store().await;
    // Every file of the store, with whatever it has not thrown away yet: inbox, ledger, words, documents, tasks.
    let mut read = 0;
    for stored in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(stored.unwrap().path()).unwrap();
        read += bytes.len();
        assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
    }
    assert!(read > 100_000, "{read}");
    let world = outside.with_store(Store::open(&file(&folder)).await.unwrap()).await;
    let shown = world.store.entries(&format!("request/{id}"), 0, 100).await.unwrap();
    let shown: Vec<_> = shown.iter().filter(|entry| String::from_utf8_lossy(&entry.bytes).contains("credential_shown")).collect();
    assert_eq!(shown.len(), 2);
    let entry: serde_json::Value = serde_json::from_slice(&shown[0].bytes).unwrap();
    assert_eq!((entry["actor"]["person"].as_str(), entry["actor"]["door"]["platform"].as_str()), (Some("ana"), Some("console")));
}
