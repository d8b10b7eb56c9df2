//! `hallpass discord invite`: the link with the least rights, before there is any token.

use std::{collections::BTreeMap, fs, process::Command};

use url::Url;

const DISCORD: &str = "[discord]\nbot_token = { env = 'HALLPASS_TEST_NOT_SET' }\napplication_id = '200000000000000001'\n\
                       guild = '300000000000000001'\n";

fn file(discord: &str) -> String {
    format!(
        "administrators = ['ben']\n{discord}[store]\nurl = 'sqlite:a.db'\n\
         [alarm]\nchannels = ['discord:400000000000000001']\n[people.ana]\nname = 'Ana'\ndiscord = '600000000000000001'\n\
         [people.ben]\nname = 'Ben'\ndiscord = '600000000000000002'\n[providers.p]\nkind = 'pretend'\n\
         [policies.p]\ncap = '1h'\ndefault = '1h'\nmay_ask = ['ana']\nstages = [{{ approvers = ['ben'] }}]\n\
         [resources.r]\nprovider = 'p'\nchannels = ['discord:400000000000000001']\npolicy = 'p'\nroles = [{{ name = 'use' }}]\n"
    )
}

/// Whether it went well, and what it said.
fn ran(text: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bot.toml"), text).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_hallpass")).args(["discord", "invite"]).current_dir(folder.path()).output().unwrap();
    let said = if run.status.success() { run.stdout } else { run.stderr };
    (run.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn the_link_asks_for_the_least_and_each_right_has_its_reason() {
    let (fine, said) = ran(&file(DISCORD));
    assert!(fine, "{said}");
    insta::assert_snapshot!(said, @r"
    Open this in a browser, as the application's owner or one of its team, with the right Manage Server in 300000000000000001
    (while Public Bot is on, anybody with that right can):

    https://discord.com/oauth2/authorize?client_id=200000000000000001&scope=bot+applications.commands&permissions=326417599488&guild_id=300000000000000001&disable_guild_select=true

    What it asks for, and what each is for:
      View Channels             sees the channels that it posts in
      Send Messages             posts cards and alarms
      Embed Links               shows cards, which are embeds
      Read Message History      finds its own cards again, to open their threads
      Create Public Threads     opens the thread under each card
      Send Messages in Threads  tells there what happens
      Manage Threads            locks a thread when its request is over, and opens it again for what comes later
      /jit                      its commands (applications.commands)

    Manage Threads may be left out: then threads are archived and stay unlocked.

    In a channel that not everybody sees, give these rights to the bot's own role as well: Edit Channel, Permissions.
    Next: hallpass doctor --config bot.toml
    ");
}

#[test]
fn the_link_is_for_this_application_and_this_server_and_no_other() {
    let (_, said) = ran(&file(DISCORD));
    let link = Url::parse(said.lines().find(|line| line.starts_with("https://")).unwrap()).unwrap();
    assert_eq!((link.scheme(), link.host_str(), link.path()), ("https", Some("discord.com"), "/oauth2/authorize"));
    let keys: BTreeMap<_, _> = link.query_pairs().into_owned().collect();
    let key = |key: &str| keys[key].as_str();
    assert_eq!((key("client_id"), key("guild_id"), key("disable_guild_select")), ("200000000000000001", "300000000000000001", "true"));
    assert_eq!(key("scope"), "bot applications.commands");
    let bits: u64 = key("permissions").parse().unwrap();
    // View, send, embed, history; threads: create public ones, write in them, manage them.
    let named = [10, 11, 14, 16, 34, 35, 38].map(|bit: u32| 1_u64 << bit).iter().sum::<u64>();
    assert_eq!(bits, named);
    assert_eq!(bits.count_ones() as usize, said.lines().filter(|line| line.starts_with("  ")).count() - 1, "a line for each, and /jit's");
}

#[test]
fn a_file_without_discord_says_what_to_write() {
    let (fine, said) = ran(&file(""));
    assert!(!fine);
    insta::assert_snapshot!(said, @"hallpass: bot.toml has no [discord]: write [discord] with bot_token, application_id and guild (bot.toml.example has every key); the token may still be missing");
    let (fine, said) = ran(&file(&DISCORD.replace("200000000000000001", "hallpass")));
    assert!(!fine && said.contains("application_id is the id of an application"), "{said}");
}
