//! `hallpass doctor` on the systems that access is given in: the real program, against real servers and receivers.

mod page;
mod rights;
mod words;

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use tokio::process::Command;
use tokio_postgres::Config;

use crate::postgresql::{
    client::Session,
    server::{Server, Version},
};

/// The bot's own password at every server here.
const PASSWORD: &str = "a long random one";

/// A file with one provider, and the doctor who reads it.
struct House {
    folder: tempfile::TempDir,
    /// Of the provider, after its name.
    settings: String,
    /// Of roles, as bot.toml has them.
    targets: Vec<String>,
}

/// What must be mended: the line that says so, and those that mend it.
type Findings = Vec<(String, Vec<String>)>;

impl House {
    fn new(settings: &str, targets: &[&str]) -> Self {
        let house = Self {
            folder: tempfile::tempdir().unwrap(),
            settings: settings.to_owned(),
            targets: targets.iter().map(ToString::to_string).collect(),
        };
        house.secret("password", PASSWORD);
        house
    }

    /// For a server of the test's own, on which the bot is as it should be.
    fn at_server(server: &Server, targets: &[&str]) -> Self {
        Self::new(&settings(&format!("postgres://hallpass@{}/postgres", server.address())), targets)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn secret(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn text(&self) -> String {
        let roles: Vec<String> =
            self.targets.iter().enumerate().map(|(number, target)| format!("{{ name = 'r{number}', target = {target} }}")).collect();
        format!(
            "administrators = ['ben']\n[store]\nurl = 'sqlite:a.db'\n[alarm]\nchannels = ['console:#ops']\n\
             [people.ana]\nname = 'Ana'\nconsole = 'ana'\n[people.ben]\nname = 'Ben'\nconsole = 'ben'\n[policies.p]\ncap = '1h'\n\
             default = '1h'\nmay_ask = ['ana']\nstages = [{{ approvers = ['ben'] }}]\n[resources.thing]\nprovider = 'orders'\n\
             channels = ['console:#a']\npolicy = 'p'\nroles = [{}]\n[providers.orders]\n{}\n",
            roles.join(", "),
            self.settings
        )
    }

    /// All that it says of the provider, and whether all is well.
    async fn doctor(&self) -> (bool, String) {
        fs::write(self.at("bot.toml"), self.text()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
        command.args(["doctor", "--config", "bot.toml"]).current_dir(self.folder.path()).env("HALLPASS_LOG", "error").kill_on_drop(true);
        let ran = command.output().await.unwrap();
        let said = String::from_utf8(ran.stdout).unwrap();
        let logged = String::from_utf8(ran.stderr).unwrap();
        assert!(!said.contains(PASSWORD) && !logged.contains(PASSWORD), "the password is told:\n{said}\n{logged}");
        assert_eq!(ran.status.code(), Some(i32::from(said.contains("MEND"))), "{said}\n{logged}");
        let begin = said.find("ok    ledger key").map_or(0, |at| at + said[at..].find('\n').unwrap() + 1);
        let end = said.find("note  there is neither").unwrap_or(said.len());
        (ran.status.success(), said[begin..end].replace(&self.folder.path().display().to_string(), "HERE"))
    }

    async fn findings(&self) -> Findings {
        let mut findings = Findings::new();
        for line in self.doctor().await.1.lines() {
            match (line.strip_prefix("MEND  "), line.strip_prefix("      ")) {
                (Some(what), _) => findings.push((what.to_owned(), Vec::new())),
                (None, Some(how)) => findings.last_mut().unwrap().1.push(how.to_owned()),
                _ => {}
            }
        }
        findings
    }
}

fn settings(url: &str) -> String {
    format!("kind = 'postgresql'\nurl = '{url}'\npassword = {{ file = 'password' }}\ntls = 'off'")
}

async fn admin(server: &Server, database: &str) -> Session {
    let mut config: Config = server.url().parse().unwrap();
    Session::open(config.dbname(database)).await.unwrap()
}

/// A shop with its owner, as a team has it before the bot comes.
async fn shop(server: &Server) {
    let there = admin(server, "postgres").await;
    there.does("CREATE ROLE orders_owner NOLOGIN").await.unwrap();
    there.does("CREATE DATABASE orders OWNER orders_owner").await.unwrap();
    let inside = admin(server, "orders").await;
    inside.does("CREATE SCHEMA shop AUTHORIZATION orders_owner; SET ROLE orders_owner; CREATE TABLE shop.items (id int)").await.unwrap();
}

const fn is_new(version: Version) -> bool {
    matches!(version, Version::V18)
}
