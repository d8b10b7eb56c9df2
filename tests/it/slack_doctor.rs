//! `hallpass doctor` as a person runs it, the real program against a fake Slack: each thing that can be wrong is found, with
//! the line that mends it, and what is right is said to be right.

mod app;
mod own;
mod places;
mod who;

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use tokio::process::Command;

use crate::fakes::slack::Slack;

/// A workspace in which everything is as the file expects, and the file.
struct House {
    slack: Slack,
    folder: tempfile::TempDir,
    /// bot.toml, to be changed before the doctor comes.
    text: String,
    log: &'static str,
}

impl House {
    async fn new() -> Self {
        let slack = Slack::start().await;
        slack.person("U0ANA", "Ana Reyes").person("U0BEN", "Ben Okafor").person("U0CLEO", "Cleo Marsh");
        slack.channel("C0OPS", "ops", &["U0BEN"]).private("C0DBA", "dba", &["U0ANA", "U0BEN"]).group("S0SRE", "sre", &["U0BEN", "U0CLEO"]);
        let text = format!(
            "administrators = ['ben']\n\
             [slack]\nbot_token = {{ file = 'bot' }}\napp_token = {{ file = 'app' }}\napi_url = '{}'\n\
             [store]\nurl = 'sqlite:a.db'\n[alarm]\nchannels = ['slack:C0OPS']\n\
             [people.ana]\nname = 'Ana'\nslack = 'U0ANA'\n[people.ben]\nname = 'Ben'\nslack = 'U0BEN'\n\
             [groups.sre]\nslack = 'S0SRE'\nmembers = ['ben']\n[providers.p]\nkind = 'pretend'\n\
             [policies.p]\ncap = '1h'\ndefault = '1h'\nmay_ask = ['ana']\nstages = [{{ approvers = ['ben', '@sre'] }}]\n\
             [resources.prod-db]\nprovider = 'p'\nchannels = ['slack:C0DBA']\npolicy = 'p'\nroles = [{{ name = 'read' }}]\n",
            slack.api_url()
        );
        let house = Self { folder: tempfile::tempdir().unwrap(), text, slack, log: "warn" };
        house.secret("bot", house.slack.bot_token());
        house.secret("app", house.slack.app_token());
        house.secret("signing", house.slack.signing_secret());
        house
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn secret(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn change(&mut self, from: &str, to: &str) -> &mut Self {
        assert!(self.text.contains(from), "{from}");
        self.text = self.text.replacen(from, to, 1);
        self
    }

    fn add(&mut self, more: &str) -> &mut Self {
        self.text.push_str(more);
        self
    }

    /// Everything that the doctor says, without what differs from run to run; and whether all is well.
    async fn doctor(&self) -> (bool, String) {
        fs::write(self.at("bot.toml"), &self.text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
        command.args(["doctor", "--config", "bot.toml"]).current_dir(self.folder.path()).env("HALLPASS_LOG", self.log).kill_on_drop(true);
        let ran = command.output().await.unwrap();
        let (said, logged) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
        for secret in [self.slack.bot_token(), self.slack.app_token(), self.slack.signing_secret(), "?ticket="] {
            assert!(!said.contains(secret) && !logged.contains(secret), "{secret} is told:\n{said}\n{logged}");
        }
        let said = said.replace(&self.slack.api_url(), "API").replace(&self.folder.path().display().to_string(), "HERE");
        assert_eq!(ran.status.code(), Some(i32::from(said.contains("MEND"))), "{said}\n{logged}");
        (ran.status.success(), said)
    }

    /// What must be mended, each with the line that mends it.
    async fn findings(&self) -> String {
        let (_, said) = self.doctor().await;
        let lines: Vec<&str> = said.lines().collect();
        let found = lines.windows(2).filter(|pair| pair[0].starts_with("MEND"));
        found.map(|pair| format!("{}\n{}", &pair[0][6..], pair[1])).collect::<Vec<_>>().join("\n")
    }

    /// The lines of one kind.
    async fn said(&self, kind: &str) -> String {
        let (_, said) = self.doctor().await;
        said.lines().filter_map(|line| line.strip_prefix(kind)).map(str::trim_start).collect::<Vec<_>>().join("\n")
    }
}

#[tokio::test]
async fn what_is_right_is_said_and_the_exit_code_is_0() {
    let (fine, said) = House::new().await.doctor().await;
    let digest = said.find("sha256:").map(|at| said[at..at + 71].to_owned()).unwrap();
    insta::assert_snapshot!(said.replace(&digest, "DIGEST"), @r"
    ok    bot.toml: nothing is wrong with it (DIGEST)
    ok    store: HERE/a.db is made at the first start
    ok    ledger key: HERE/hallpass.ledger-key is made at the first start
    ok    provider p: it starts; it has no way to say how it is
    ok    bot token: @hallpass in Home (T0HOME)
    ok    scopes: all 9 that are needed
    ok    app: A0HALLPASS
    ok    installed in: T0HOME
    ok    app token: it opens connections (Socket Mode)
    ok    people: 2 with an account in Slack can act
    ok    group sre: @sre (S0SRE): active members: 2; people of this file: 1
    ok    #dba (C0DBA, for prod-db): the bot is in it; no guests, no other organisation
    ok    #ops (C0OPS, for alarms): the bot is in it; no guests, no other organisation

    Nothing has to be mended.
    ");
    assert!(fine);
}

/// `doctor` itself looks for tokens and tickets in all that is printed and logged.
#[tokio::test]
async fn neither_a_token_nor_a_socket_s_ticket_is_logged_whatever_is_asked_to_be() {
    let house = House { log: "trace,slack_morphism=trace,hyper=trace,hyper_util=trace", ..House::new().await };
    let (fine, said) = house.doctor().await;
    assert!(fine && said.contains("app token: it opens connections"), "{said}");
}

#[tokio::test]
async fn without_a_chat_the_rest_is_looked_at() {
    let mut house = House::new().await;
    let (from, to) = (house.text.find("[slack]").unwrap(), house.text.find("[store]").unwrap());
    house.text.replace_range(from..to, "");
    assert_eq!(house.said("note").await.lines().last(), Some("there is neither [slack] nor [discord]: no chat was looked at"));
    assert_eq!(house.findings().await, "");
}
