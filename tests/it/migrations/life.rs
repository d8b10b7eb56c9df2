//! A life in which everything happens that leaves rows: every ending, open requests in every state, an open command, an
//! alarm, entries that wait for their seal.

use std::{collections::BTreeMap, path::Path};

use hallpass::{
    bot::{Body, Incoming},
    domain::{
        entitlement::Ownership,
        policy::Platform,
        request::{Extension, Request, State},
        time::Span,
    },
    ledger::{
        key::Key,
        seal::Sealer,
        verify::onward::{Onward, Step},
    },
    provider::{FaultKind, pretend::Temper},
    store::Filter,
};

use crate::world::World;

pub(super) const ORIGIN: &str = "example.com/ledger";
pub(super) const SEED: [u8; 32] = [3; 32];
const ASK: &str = "/jit request prod-db write 1h Unblock the stuck import";

pub(super) struct Life {
    world: World,
    keys: tempfile::TempDir,
    /// Documents by their state, as they were seen.
    documents: BTreeMap<String, String>,
}

impl Life {
    pub(super) async fn lived(url: &str) -> Self {
        let world = World::on(url, Ownership::Shared).await;
        let mut life = Self { world, keys: tempfile::tempdir().unwrap(), documents: BTreeMap::new() };
        life.granted_extended_and_revoked_late().await;
        life.seal().await;
        life.never_granted().await;
        life.ended_otherwise().await;
        life.seal().await;
        life.still_open().await;
        life
    }

    async fn seal(&self) {
        let key = Key::open(&self.keys.path().join("key"), || SEED).unwrap();
        let check = Onward::new(self.world.store.clone(), key.signing.clone(), ORIGIN.into());
        Sealer::new(self.world.store.clone(), key, ORIGIN.into()).seal_once(self.world.now()).await.unwrap();
        assert_eq!(check.step(self.world.now()).await.unwrap(), Step::UpToDate);
    }

    fn temper(&self, kind: Option<FaultKind>) {
        let fails = kind.map(|kind| (kind, "connection refused".to_owned()));
        self.world.pretend.set_temper(Temper { fails, ..Temper::default() });
    }

    /// Asks as somebody; a moment later, so that the newest is the newest.
    async fn ask(&mut self, who: &str, line: &str) -> String {
        self.world.advance(Span::from_seconds(1)).await;
        self.world.say(who, line).await;
        self.look().await;
        self.world.newest().await
    }

    async fn press(&mut self, who: &str, action: &str, id: &str, words: Option<&str>) {
        self.world.press(who, action, id, words).await;
        self.look().await;
    }

    async fn advance(&mut self, by: Span) {
        self.world.advance(by).await;
        self.look().await;
    }

    /// A little time in which the bot looks at everything, as it does every second.
    async fn moments(&mut self) {
        for _ in 0..12 {
            self.advance(Span::from_seconds(5)).await;
        }
    }

    async fn look(&mut self) {
        let all = self.world.store.requests(&Filter { limit: u32::MAX, ..Filter::default() }).await.unwrap();
        for request in all {
            self.documents.insert(name(&request), serde_json::to_string_pretty(&request).unwrap() + "\n");
        }
    }

    async fn granted_extended_and_revoked_late(&mut self) {
        self.world.say("finn", "/jit key ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKcmk6rIE3+QvXKbMqJ7LUwYOdxjJ4Ur9yFLTJ1ezk6b finn").await;
        let id = self.ask("ana", "/jit request prod-db write 1h Unblock the stuck import --ticket OPS-12").await;
        self.press("ben", "looking", &id, None).await;
        self.temper(Some(FaultKind::Transient));
        self.press("ben", "approve", &id, Some("only: the *import* table <@U1>\n-- it's \\ \"quoted\" é")).await;
        self.temper(None);
        self.advance(Span::from_seconds(30)).await;
        self.press("ana", "extend:30m", &id, None).await;
        self.press("ana", "extend:1h", &id, None).await;
        self.press("ben", "deny", &id, Some("finish first")).await;
        self.press("ana", "extend:1h", &id, None).await;
        self.press("ben", "approve", &id, None).await;
        self.temper(Some(FaultKind::Transient));
        self.press("finn", "revoke", &id, Some("enough")).await;
        self.advance(Span::from_seconds(29)).await;
        self.temper(None);
        self.moments().await;
        self.moments().await;
    }

    async fn never_granted(&mut self) {
        let id = self.ask("dora", ASK).await;
        self.press("ben", "deny", &id, Some("use the read replica")).await;
        let id = self.ask("dora", ASK).await;
        self.press("dora", "cancel", &id, Some("not needed")).await;
        self.ask("cleo", ASK).await;
        self.advance(Span::from_minutes(10)).await;
        self.advance(Span::from_minutes(240)).await;
        self.temper(Some(FaultKind::Denied));
        let id = self.ask("dora", ASK).await;
        self.press("ben", "approve", &id, None).await;
        self.temper(None);
        self.moments().await;
        self.moments().await;
    }

    async fn ended_otherwise(&mut self) {
        let id = self.ask("finn", ASK).await;
        self.press("ben", "less", &id, Some("read 40m too much")).await;
        self.press("finn", "decline", &id, None).await;
        self.press("ben", "less", &id, Some("read 30m only looking")).await;
        self.press("finn", "accept", &id, None).await;
        self.press("ben", "approve", &id, None).await;
        self.press("finn", "return", &id, None).await;
        let id = self.ask("ana", "/jit request prod-db write 1h --at 19:30 nightly job").await;
        self.press("ben", "approve", &id, None).await;
        for _ in 0..5 {
            self.advance(Span::from_minutes(30)).await;
        }
        let id = self.ask("cleo", ASK).await;
        self.press("ben", "approve", &id, None).await;
        self.temper(Some(FaultKind::Transient));
        self.advance(Span::from_minutes(60)).await;
        self.advance(Span::from_seconds(29)).await;
        self.world.say("eve", &format!("/jit settle {id} the server was deleted")).await;
        self.look().await;
        self.temper(None);
        self.moments().await;
        let id = self.ask("cleo", "/jit request bastion login 15m look at the disk").await;
        assert!(self.world.state(&id).await.is_open());
        self.world.console.set_profile("cleo", "cleo", false);
        self.world.bot.leavers().await.unwrap();
        self.moments().await;
        self.world.console.set_profile("cleo", "cleo", true);
    }

    async fn still_open(&mut self) {
        let id = self.ask("ana", "/jit request prod-db admin 1h Move the tables").await;
        self.press("ben", "approve", &id, None).await;
        let id = self.ask("finn", ASK).await;
        self.press("ben", "approve", &id, None).await;
        self.press("finn", "extend:2h", &id, None).await;
        let id = self.ask("dora", "/jit request prod-db read 1h --at 23:30 nightly job").await;
        self.press("ben", "approve", &id, None).await;
        let id = self.ask("eve", "/jit request prod-db read 1h look").await;
        self.press("ben", "approve", &id, None).await;
        self.temper(Some(FaultKind::Transient));
        self.press("eve", "return", &id, None).await;
        self.advance(Span::from_seconds(29)).await;
        let body = Body::Press { action: "approve".into(), request: id, words: Some("too late".into()) };
        let incoming = Incoming { platform: Platform::Console, user: "ben".into(), interaction: "left-open".into(), body };
        self.world.bot.receive(&incoming).await.unwrap();
    }

    /// Every document that was seen, one file each.
    pub(super) fn write_documents(&self, folder: &Path) {
        for (name, text) in &self.documents {
            std::fs::write(folder.join(format!("{name}.json")), text).unwrap();
        }
    }
}

/// Names a document's state: `pending`, `active-asked`, `closed-expired`.
fn name(request: &Request) -> String {
    let how = |value: &hallpass::domain::request::Ending| serde_json::to_value(value).unwrap()["how"].as_str().unwrap().to_owned();
    match &request.state {
        State::Active { extension: Some(Extension::Asked { .. }), .. } => "active-asked".into(),
        State::Active { extension: Some(Extension::Moving { .. }), .. } => "active-moving".into(),
        State::Revoking { cause, .. } => format!("revoking-{}", how(cause)),
        State::Closed { ending, .. } => format!("closed-{}", how(ending)),
        other => other.name().to_owned(),
    }
}
