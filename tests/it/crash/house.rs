//! Where one case of the matrix happens: a folder with bot.toml, the provider's program, state and record, the chat's file.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use hallpass::{
    clock::{Clock as _, SystemClock},
    config,
    domain::time::{Instant, Span},
    store::Store,
};
use serde_json::{Value, json};

use crate::checker::{Change, Evidence, Look, Object, Said};

/// How many times faster than the machine's the bot's clock runs: the shortest length, a minute, takes six seconds.
pub(super) const PACE: i64 = 10;
/// Two seconds of the machine: what starting programs and writing to disk may take on a busy one.
const SLACK: Span = Span::from_seconds(2 * PACE);

const PROGRAM: &str = include_str!("provider.py");

pub(super) struct House {
    folder: tempfile::TempDir,
    pub(super) store: String,
    pub(super) ownership: &'static str,
    pub(super) epoch: Instant,
    before: bool,
}

impl House {
    /// `store`: None for SQLite in the folder. `before`: the access is there already, given by somebody else.
    pub(super) fn build(store: Option<String>, ownership: &'static str, before: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let store = store.unwrap_or_else(|| format!("sqlite:{}", folder.path().join("hallpass.db").display()));
        let house = Self { folder, store, ownership, epoch: SystemClock.now(), before };
        fs::write(house.program(), PROGRAM).unwrap();
        fs::set_permissions(house.program(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(house.path("bot.toml"), house.bot_toml()).unwrap();
        if before {
            fs::write(house.path("state.json"), json!([json!([TARGET, "ana", ""]).to_string()]).to_string()).unwrap();
        }
        house
    }

    /// Gives access in a PostgreSQL instead: the provider's settings, the role's target, and what Ana is called there.
    pub(super) fn gives_postgresql(&self, settings: &str, target: &str, login: &str) {
        let text = fs::read_to_string(self.path("bot.toml")).unwrap();
        let (before, rest) = text.split_once("kind = \"exec\"\n").unwrap();
        let after = rest.split_once("[policies.short]").unwrap().1;
        let text = format!("{before}kind = \"postgresql\"\n{settings}\n[policies.short]{after}")
            .replace("target = { name = \"open\" }", &format!("target = {target}"))
            .replace("console = \"ana\"\n", &format!("console = \"ana\"\nlogins = {{ postgresql = \"{login}\" }}\n"));
        fs::write(self.path("bot.toml"), text).unwrap();
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self) -> PathBuf {
        self.path("provider.py")
    }

    fn bot_toml(&self) -> String {
        let at = |name: &str| self.path(name).display().to_string();
        let (folder, ownership) = (self.folder.path().display(), self.ownership);
        let (store, key, program) = (self.store_table(), at("ledger-key"), at("provider.py"));
        format!(
            r##"
administrators = ["eve"]
[store]
{store}
[ledger]
key_file = "{key}"
[alarm]
channels = ["console:#ops"]
[people.ana]
name = "Ana Reyes"
console = "ana"
[people.ben]
name = "Ben Okafor"
console = "ben"
[people.dora]
name = "Dora Lind"
console = "dora"
[people.eve]
name = "Eve Stone"
console = "eve"
[groups.leads]
members = ["ben", "dora"]
[providers.gate]
kind = "exec"
program = "{program}"
arguments = ["{folder}", "{ownership}"]
[policies.short]
cap = "60m"
default = "2m"
extend_to = "30m"
grant_within = "40m"
may_ask = ["everyone"]
stages = [{{ approvers = ["@leads"] }}]
[resources.gate]
title = "the gate"
provider = "gate"
channels = ["console:#approvers"]
policy = "short"
roles = [{{ name = "open", title = "open it", target = {{ name = "open" }} }}]
"##
        )
    }

    /// A password never stands in the file.
    fn store_table(&self) -> String {
        let password = self.store.split_once("://").and_then(|(_, rest)| rest.split_once('@')?.0.split_once(':'));
        let Some((_, password)) = password else { return format!("url = \"{}\"", self.store) };
        fs::write(self.path("password"), password).unwrap();
        fs::set_permissions(self.path("password"), fs::Permissions::from_mode(0o600)).unwrap();
        let (url, file) = (self.store.replacen(&format!(":{password}@"), "@", 1), self.path("password"));
        format!("url = \"{url}\"\npassword = {{ file = \"{}\" }}", file.display())
    }

    /// What the provider does at calls of this kind from now on; `well`: what it should.
    pub(super) fn temper(&self, op: &str, how: &str) {
        let text = if how == "well" { json!({}) } else { json!({ op: how }) };
        let beside = self.path("temper.new");
        fs::write(&beside, text.to_string()).unwrap();
        fs::rename(beside, self.path("temper.json")).unwrap();
    }

    /// The bot's time now.
    pub(super) fn now(&self) -> Instant {
        self.bot_time(SystemClock.now())
    }

    fn bot_time(&self, real: Instant) -> Instant {
        let passed = real.micros() - self.epoch.micros();
        Instant::from_micros(self.epoch.micros() + passed * PACE)
    }

    /// Everything that can be known, once the bot has stopped.
    pub(super) async fn evidence(&self, down: Vec<(Instant, Instant)>, mut said: Vec<Said>) -> Evidence {
        let store = Store::open(&self.store).await.unwrap();
        said.extend(lines(&self.path("chat.jsonl")).iter().filter_map(told));
        let mut evidence = Evidence {
            policies: config::load(&self.path("bot.toml")).unwrap().catalogue.policies,
            before: BTreeSet::new(),
            said,
            down,
            now: Some(self.now()),
            settled: true,
            slack: SLACK,
            looks: Some(Vec::new()),
            ..Evidence::of(&store).await
        };
        for line in lines(&self.path("record.jsonl")) {
            self.add(&mut evidence, &line);
        }
        if self.before {
            evidence.before.insert(Object {
                provider: "gate".into(),
                target: TARGET.into(),
                principal: "ana".into(),
                grant: String::new(),
            });
        }
        evidence
    }

    fn add(&self, evidence: &mut Evidence, line: &Value) {
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        let object = Object { provider: "gate".into(), target: text("target"), principal: text("principal"), grant: text("grant") };
        let at = self.bot_time(Instant::from_micros(line["at"].as_i64().unwrap()));
        match line["what"].as_str().unwrap() {
            what @ ("on" | "off") => evidence.changes.push(Change { at, object, on: what == "on", by_hand: false }),
            "back" => evidence.changes.push(Change { at, object, on: true, by_hand: true }),
            what => evidence.looks.as_mut().unwrap().push(Look { at, object, present: what == "present" }),
        }
    }

    /// What was on last is on again, as from a backup.
    pub(super) fn put_back(&self) {
        let mut record = lines(&self.path("record.jsonl"));
        let mut last = record.drain(..).rfind(|line| line["what"] == "on").unwrap();
        let key = json!([last["target"], last["principal"], last["grant"]]).to_string();
        (last["what"], last["at"]) = ("back".into(), SystemClock.now().micros().into());
        let mut file = fs::OpenOptions::new().append(true).open(self.path("record.jsonl")).unwrap();
        std::io::Write::write_all(&mut file, format!("{last}\n").as_bytes()).unwrap();
        let beside = self.path("state.new");
        fs::write(&beside, json!([key]).to_string()).unwrap();
        fs::rename(beside, self.path("state.json")).unwrap();
    }

    /// The provider has switched something on.
    pub(super) fn was_given(&self) -> bool {
        lines(&self.path("record.jsonl")).iter().any(|line| line["what"] == "on")
    }

    /// A digest is to be made in six minutes of the bot's time: the program is up by then, also on a busy machine.
    pub(super) fn expects_a_morning(&self) {
        let at = (self.epoch + Span::from_minutes(7)).utc().format("%H:%M").to_string();
        let section = format!("[digest]\nchannels = [\"console:#security\"]\nat = \"{at}\"\n");
        fs::write(self.path("bot.toml"), format!("{}{section}", self.bot_toml())).unwrap();
    }

    /// The chat has got it.
    pub(super) fn was_digested(&self) -> bool {
        lines(&self.path("chat.jsonl")).iter().any(|line| line["nonce"].as_str().unwrap().starts_with("digest-1/"))
    }

    /// Messages that the chat got twice, by their nonce.
    pub(super) fn doubled(&self) -> Vec<String> {
        let (mut seen, mut doubled) = (BTreeSet::new(), Vec::new());
        for line in lines(&self.path("chat.jsonl")) {
            let nonce = line["nonce"].as_str().unwrap().to_owned();
            if !nonce.is_empty() && !seen.insert(nonce.clone()) {
                doubled.push(format!("sent twice: {nonce}"));
            }
        }
        doubled
    }

    /// What the ledger's own audit finds wrong, after the sealer's next round: a stop may come between a seal and its
    /// signature. Lateness is for the checker, which knows when the bot was down.
    pub(super) async fn audit(&self) -> Vec<String> {
        let store = Store::open(&self.store).await.unwrap();
        let open = || hallpass::ledger::key::Key::open(&self.path("ledger-key"), || [0; 32]).unwrap();
        let (key, origin) = (open(), config::load(&self.path("bot.toml")).unwrap().ledger_origin);
        hallpass::ledger::seal::Sealer::new(store.clone(), open(), origin.clone()).seal_once(self.now()).await.unwrap();
        let mark = key.mark().read().unwrap();
        let report = hallpass::ledger::verify::verify(&store, &origin, &key.signing.verifying_key(), mark).await.unwrap();
        report.findings.into_iter().filter(|finding| !finding.contains("the first word of its being late")).collect()
    }

    /// The end of what the bot logged, for a case that failed.
    pub(super) fn log(&self) -> String {
        let log = fs::read_to_string(self.path("stderr")).unwrap_or_default();
        log.lines().rev().take(12).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

/// The role's target as the provider and the ledger write it.
const TARGET: &str = r#"{"name":"open"}"#;

/// Whole lines; what a crash cut was never said.
fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A reply's or direct message's nonce is `request/platform/number`.
fn told(line: &Value) -> Option<Said> {
    let mut parts = line["nonce"].as_str()?.split('/');
    let (request, _, n) = (parts.next()?, parts.next()?, parts.next()?.parse::<u64>().ok()?);
    Some(Said { at: serde_json::from_value(line["at"].clone()).ok()?, request: request.parse().ok()?, n: n + 1 })
}
