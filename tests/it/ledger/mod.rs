//! The ledger: sealing across stops and replicas, what the audit finds after every kind of change, and the command line.

mod cli;
mod meaning;
mod onward;
pub(crate) mod raw;
mod sealing;
mod tamper;

use std::path::PathBuf;

use hallpass::{
    domain::time::Span,
    ledger::{key::Key, seal::Sealer, verify::Report},
    provider::{FaultKind, pretend::Temper},
};

use crate::world::World;

pub(crate) const ORIGIN: &str = "example.com/ledger";
const ASK: &str = "/jit request prod-db write 1h Unblock the stuck import";

/// The ledger of two requests in three checkpoints: one asked, granted, ended late with an alarm; one denied.
struct Story {
    world: World,
    /// The request that was granted, and the one that was denied.
    ids: [String; 2],
    keys: tempfile::TempDir,
    url: String,
}

impl Story {
    async fn told(url: &str) -> Self {
        let world = World::on(url, hallpass::domain::entitlement::Ownership::Shared).await;
        let keys = tempfile::tempdir().unwrap();
        let mut story = Self { world, ids: [String::new(), String::new()], keys, url: url.into() };
        let world = &story.world;
        world.say("ana", ASK).await;
        story.ids[0] = world.newest().await;
        world.press("ben", "approve", &story.ids[0], Some("only the import")).await;
        story.seal().await;
        let world = &story.world;
        world.pretend.set_temper(Temper { fails: Some((FaultKind::Transient, "connection refused".into())), ..Temper::default() });
        world.advance(Span::from_minutes(60)).await;
        world.advance(Span::from_seconds(29)).await;
        story.seal().await;
        let world = &story.world;
        world.pretend.set_temper(Temper::default());
        world.advance(Span::from_minutes(1)).await;
        world.advance(Span::from_minutes(1)).await;
        world.say("finn", ASK).await;
        story.ids[1] = world.newest().await;
        world.press("ben", "deny", &story.ids[1], Some("use the read replica")).await;
        story.seal().await;
        assert!(!story.world.state(&story.ids[0]).await.is_open());
        story
    }

    fn key_file(&self) -> PathBuf {
        self.keys.path().join("key")
    }

    fn key(&self) -> Key {
        Key::open(&self.key_file(), || [3; 32]).unwrap()
    }

    fn sealer(&self) -> Sealer {
        Sealer::new(self.world.store.clone(), self.key(), ORIGIN.into())
    }

    /// As a process would that was just started.
    async fn seal(&self) -> usize {
        self.sealer().seal_once(self.world.now()).await.unwrap()
    }

    async fn report(&self) -> Report {
        let key = self.key();
        let mark = key.mark().read().unwrap();
        hallpass::ledger::verify::verify(&self.world.store, ORIGIN, &key.signing.verifying_key(), mark).await.unwrap()
    }

    /// As an auditor sees it who has the verifier key alone.
    async fn report_without_mark(&self) -> Report {
        let key = self.key().signing.verifying_key();
        hallpass::ledger::verify::verify(&self.world.store, ORIGIN, &key, None).await.unwrap()
    }

    /// Ids that chance made, by what they are.
    fn plain(&self, text: &str) -> String {
        let text = text.replace(&self.ids[0], "R-ANA").replace(&self.ids[1], "R-FINN");
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find("w:") {
            out.push_str(&rest[..at]);
            out.push_str("w:WORDS");
            rest = rest[at + 2..].trim_start_matches(|c: char| c.is_ascii_hexdigit());
        }
        out + rest
    }
}

/// Each test over a fresh SQLite file and over a fresh PostgreSQL database.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                super::$name(&crate::store_suite::file(&folder)).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            #[ignore = "needs PostgreSQL: scripts/test"]
            async fn $name() {
                super::$name(&crate::store_suite::database().await).await;
            })+
        }
    };
}
pub(crate) use on_both;
