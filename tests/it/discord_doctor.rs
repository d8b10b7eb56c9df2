//! `hallpass doctor` as a person runs it, the real program against a fake Discord: each thing that can be wrong is found, with
//! the line that mends it, and what is right is said to be right.

mod app;
mod own;
mod places;
mod who;

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc};

use hallpass::{
    chat::discord::{Discord as Bot, PATIENCE, Settings},
    clock::SystemClock,
};
use tokio::process::Command;

use crate::fakes::discord::{APP_ID, Discord, GUILD};

const ANA: &str = "600000000000000001";
const BEN: &str = "600000000000000002";
const OPS: &str = "400000000000000001";
const DBA: &str = "400000000000000002";
const SRE: &str = "500000000000000001";

/// A server in which everything is as the file expects, and the file.
struct House {
    discord: Discord,
    folder: tempfile::TempDir,
    /// bot.toml, to be changed before the doctor comes.
    text: String,
    log: &'static str,
}

impl House {
    async fn new() -> Self {
        let discord = Discord::start().await;
        discord.person(ANA, "Ana Reyes").person(BEN, "Ben Okafor").channel(OPS, "ops").channel(DBA, "dba").role(SRE, "sre", &[BEN]);
        let text = format!(
            "administrators = ['ben']\n\
             [discord]\nbot_token = {{ file = 'bot' }}\napplication_id = '{APP_ID}'\nguild = '{GUILD}'\napi_url = '{}'\n\
             [store]\nurl = 'sqlite:a.db'\n[alarm]\nchannels = ['discord:{OPS}']\n\
             [people.ana]\nname = 'Ana'\ndiscord = '{ANA}'\n[people.ben]\nname = 'Ben'\ndiscord = '{BEN}'\n\
             [groups.sre]\ndiscord = '{SRE}'\nmembers = ['ben']\n[providers.p]\nkind = 'pretend'\n\
             [policies.p]\ncap = '1h'\ndefault = '1h'\nmay_ask = ['ana']\nstages = [{{ approvers = ['ben', '@sre'] }}]\n\
             [resources.prod-db]\nprovider = 'p'\nchannels = ['discord:{DBA}']\npolicy = 'p'\nroles = [{{ name = 'read' }}]\n",
            discord.api_url()
        );
        let house = Self { folder: tempfile::tempdir().unwrap(), text, discord, log: "warn" };
        house.secret("bot", house.discord.bot_token());
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

    /// The way in is HTTP, with the application's own key.
    fn by_http(&mut self) -> &mut Self {
        let keys = format!("[discord]\npublic_key = '{}'\nlisten = '127.0.0.1:8081'\n", self.discord.public_key_hex());
        self.change("[discord]\n", &keys)
    }

    /// Registers commands, as the application: in a server, or in all of them.
    async fn registered(&self, guild: Option<&str>, commands: &serde_json::Value) {
        let place = guild.map_or(String::new(), |guild| format!("/guilds/{guild}"));
        let url = format!("{}/api/v10/applications/{APP_ID}{place}/commands", self.discord.api_url());
        // Discord hears only who says what it is.
        let client = reqwest::Client::builder().user_agent(serenity::constants::USER_AGENT).build().unwrap();
        let request = client.put(url).header("authorization", format!("Bot {}", self.discord.bot_token()));
        let answer = request.header("content-type", "application/json").body(commands.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{:?}", self.discord.refusals());
    }

    /// The bot itself, as it is connected at a start.
    fn bot(&self) -> Bot {
        let settings = Settings {
            bot_token: self.discord.bot_token().to_owned().into(),
            application: APP_ID.to_owned(),
            guild: GUILD.to_owned(),
            api_url: self.discord.api_url(),
            gateway_url: None,
            patience: PATIENCE,
        };
        Bot::new(settings, Arc::new(SystemClock))
    }

    /// Everything that the doctor says, without what differs from run to run; and whether all is well.
    async fn doctor(&self) -> (bool, String) {
        fs::write(self.at("bot.toml"), &self.text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
        command.args(["doctor", "--config", "bot.toml"]).current_dir(self.folder.path()).env("HALLPASS_LOG", self.log).kill_on_drop(true);
        let ran = command.output().await.unwrap();
        let (said, logged) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
        let token = self.discord.bot_token();
        assert!(!said.contains(token) && !logged.contains(token), "the token is told:\n{said}\n{logged}");
        let said = said.replace(&self.discord.api_url(), "API").replace(&self.folder.path().display().to_string(), "HERE");
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
    ok    Discord's bot token: @hallpass (900000000000000001)
    ok    application: Hallpass (900000000000000001)
    ok    intents: no privileged one is on, and none is needed
    ok    door: the gateway, and no Interactions Endpoint URL in its way
    ok    server: the bot is in Home (700000000000000001)
    ok    people: 2 with an account in Discord can act
    ok    group sre: @sre (500000000000000001): members: 1; it sees its cards and may be mentioned there
    ok    #ops (400000000000000001, for alarms): the bot may do there all that it needs
    ok    #dba (400000000000000002, for prod-db): the bot may do there all that it needs
    note  /jit is not registered yet: the bot does it when it starts

    Nothing has to be mended.
    ");
    assert!(fine);
}

/// `doctor` itself looks for the token in all that is printed and logged.
#[tokio::test]
async fn the_token_is_not_logged_whatever_is_asked_to_be() {
    let house = House { log: "trace,reqwest=trace,hyper=trace,hyper_util=trace,serenity=trace", ..House::new().await };
    let (fine, said) = house.doctor().await;
    assert!(fine && said.contains("bot token: @hallpass"), "{said}");
}

#[tokio::test]
async fn it_only_reads() {
    let house = House::new().await;
    house.doctor().await;
    let requests = house.discord.requests();
    assert!(!requests.is_empty() && requests.iter().all(|request| request.method == "GET"), "{requests:?}");
    assert_eq!(house.discord.refusals(), Vec::<String>::new());
}
