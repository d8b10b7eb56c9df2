//! bot.toml: `[discord]`, its two ways in, where it may send, the form of Discord's ids, and whether the rest of the file fits it.

use std::{fs, path::Path};

use ed25519_dalek::VerifyingKey;
use hallpass::{
    config::{Config, DiscordConfig, DiscordDoor, load, load_kept, parse},
    domain::policy::Platform,
    secret::Secret,
};

const EXAMPLE: &str = include_str!("../../bot.toml.example");

/// A public key that is nobody's.
const KEY: &str = "fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f618";
/// The public key of RFC 8032's first test.
const EVERYBODYS: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const GUILD: &str = "300000000000000001";
const CHANNEL: &str = "discord:400000000000000001";

/// A file with this `[discord]` and this channel; `{T}` stands for a secret that is there.
fn file(discord: &str, channel: &str, more: &str) -> String {
    let text = format!(
        "administrators = ['ben']\n[discord]\n{discord}\n[store]\nurl = 'sqlite:a.db'\n[alarm]\nchannels = ['console:#ops']\n\
         [people.ana]\nname = 'Ana'\ndiscord = '600000000000000001'\n[people.ben]\nname = 'Ben'\ndiscord = '600000000000000002'\n\
         [providers.p]\nkind = 'pretend'\n\
         [policies.p]\ncap = '1h'\ndefault = '1h'\nmay_ask = ['ana']\nstages = [{{ approvers = ['ben'] }}]\n\
         [resources.r]\nprovider = 'p'\nchannels = ['{channel}']\npolicy = 'p'\nroles = [{{ name = 'use' }}]\n{more}"
    );
    text.replace("{T}", "{ env = 'PATH' }")
}

/// The keys that every bot has, and these; on one line, so that what follows is on the fourth.
fn with(more: &str) -> String {
    format!("bot_token = {{T}}\napplication_id = '200000000000000001'\nguild = '{GUILD}'\n{more}")
}

fn http(more: &str) -> String {
    with(&format!("public_key = '{KEY}'\nlisten = '127.0.0.1:8081'\n{more}"))
}

fn loaded(discord: &str) -> DiscordConfig {
    let config = parse(&file(discord, CHANNEL, ""), "bot.toml").unwrap();
    assert_eq!(config.warnings, Vec::<String>::new());
    config.discord.unwrap()
}

/// What is refused, without the file's name.
fn refused(discord: &str) -> String {
    refused_in(&file(discord, CHANNEL, ""))
}

fn refused_in(text: &str) -> String {
    let said = parse(text, "bot.toml").map(drop).unwrap_err().to_string();
    said.lines().map(|line| line.trim_start_matches("bot.toml:")).collect::<Vec<_>>().join("\n")
}

fn warned(discord: &str, channel: &str, more: &str) -> String {
    parse(&file(discord, channel, more), "bot.toml").unwrap().warnings.join("\n")
}

#[test]
fn the_gateway_is_the_way_in_unless_the_file_says_otherwise() {
    let expected = DiscordConfig {
        bot_token: Secret::Env("PATH".into()),
        application_id: "200000000000000001".into(),
        guild: GUILD.into(),
        door: DiscordDoor::Gateway,
        api_url: "https://discord.com".into(),
        gateway_url: None,
    };
    assert_eq!(loaded(&with("")), expected);
}

#[test]
fn every_key_is_read() {
    let read = loaded(&http("api_url = 'http://127.0.0.1:9/'"));
    let DiscordDoor::Http { public_key, listen } = read.door else { panic!() };
    assert_eq!((public_key[0], public_key[31], listen.port()), (0xfd, 0x18, 8081));
    assert_eq!(read.api_url, "http://127.0.0.1:9");
    let read = loaded(&with("api_url = 'http://localhost:9'\ngateway_url = 'ws://[::1]:10/'"));
    assert_eq!((read.api_url.as_str(), read.gateway_url.as_deref()), ("http://localhost:9", Some("ws://[::1]:10")));
    let upper = loaded(&http("").replace(KEY, &KEY.to_uppercase()));
    assert!(matches!(upper.door, DiscordDoor::Http { public_key, .. } if public_key[0] == 0xfd));
}

#[test]
fn what_is_missing_is_said_with_where_it_is_found() {
    let all = [
        refused(""),
        refused(&with(&format!("public_key = '{KEY}'"))),
        refused(&with("listen = '127.0.0.1:8081'")),
        refused(&http("").replace("127.0.0.1:8081", "localhost")),
        refused(&with("zebra = 1\ngatewayurl = 2")),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    2:2: application_id is missing: it is the id of an application, 17 to 20 digits: at discord.com/developers/applications, your application, General Information, Application ID
    2:2: bot_token is missing: write bot_token = { env = "DISCORD_BOT_TOKEN" }
    2:2: guild is missing: it is the id of a server, 17 to 20 digits: in Discord switch on Developer Mode (User Settings, Advanced), then right-click the server, Copy Server ID
    2:2: listen is missing: write listen = "127.0.0.1:8080", or leave out both for the gateway
    2:2: public_key is missing: write public_key = ".." (at discord.com/developers/applications, your application, General Information), or leave out both for the gateway
    7:10: "localhost" is not an address and a port: write listen = "127.0.0.1:8080"
    6:1: unknown key "zebra"; known here: bot_token, application_id, guild, public_key, listen, api_url, gateway_url
    7:1: unknown key "gatewayurl"; did you mean "gateway_url"?
    "#);
}

#[test]
fn an_id_of_the_wrong_form_is_refused_with_where_the_right_one_is_found() {
    let channel = |channel: &str| refused_in(&file(&with(""), channel, ""));
    let more = |more: &str| refused_in(&file(&with(""), CHANNEL, more));
    let all = [
        channel("discord:#ops"),
        channel("discord:1234567890123456"),
        channel("discord:123456789012345678901"),
        channel("discord:99999999999999999999"),
        channel("discord:012345678901234567"),
        more("[groups.g]\ndiscord = '@sre'"),
        more("[people.cleo]\nname = 'Cleo'\ndiscord = 'cleo#1234'"),
        more("[people.cleo]\nname = 'Cleo'\ndiscord = '<@600000000000000003>'"),
    ];
    insta::assert_snapshot!(all.join("\n"), @r##"
    26:13: "#ops" is not the id of a channel, 17 to 20 digits: in Discord switch on Developer Mode (User Settings, Advanced), then right-click the channel, Copy Channel ID
    26:13: "1234567890123456" is not the id of a channel, 17 to 20 digits: in Discord switch on Developer Mode (User Settings, Advanced), then right-click the channel, Copy Channel ID
    26:13: "123456789012345678901" is not the id of a channel, 17 to 20 digits: in Discord switch on Developer Mode (User Settings, Advanced), then right-click the channel, Copy Channel ID
    26:13: "99999999999999999999" is not the id of a channel, 17 to 20 digits: in Discord switch on Developer Mode (User Settings, Advanced), then right-click the channel, Copy Channel ID
    26:13: "012345678901234567" is not the id of a channel, 17 to 20 digits: in Discord switch on Developer Mode (User Settings, Advanced), then right-click the channel, Copy Channel ID
    30:11: "@sre" is not the id of a role, 17 to 20 digits: in Discord switch on Developer Mode (User Settings, Advanced), then Server Settings, Roles, right-click the role, Copy Role ID
    31:11: "cleo#1234" is not the id of a person, 17 to 20 digits: in Discord switch on Developer Mode (User Settings, Advanced), then right-click the person, Copy User ID
    31:11: "<@600000000000000003>" is not the id of a person, 17 to 20 digits: in Discord switch on Developer Mode (User Settings, Advanced), then right-click the person, Copy User ID
    "##);
}

#[test]
fn what_stands_where_an_id_or_a_key_belongs_is_never_quoted() {
    let token = "MTk4NjIyNDgzNDcxOTI1MjQ4.hunter2";
    let all = [
        refused(&with("").replace("200000000000000001", token)),
        refused(&with("").replace(GUILD, token)),
        refused(&with("").replace("{T}", &format!("'{token}'"))),
        refused(&http("").replace(KEY, token)),
        refused(&http("").replace(KEY, &KEY.replace('d', "g"))),
    ]
    .join("\n");
    assert!(!all.contains("hunter2"), "{all}");
    insta::assert_snapshot!(all, @r#"
    4:18: application_id is the id of an application, 17 to 20 digits: at discord.com/developers/applications, your application, General Information, Application ID
    5:9: guild is the id of a server, 17 to 20 digits: in Discord switch on Developer Mode (User Settings, Advanced), then right-click the server, Copy Server ID
    3:13: a secret never stands in the file: write bot_token = { env = "NAME" } or { file = "PATH" }
    6:14: public_key is 64 hexadecimal digits: copy it at discord.com/developers/applications, your application, General Information
    6:14: public_key is 64 hexadecimal digits: copy it at discord.com/developers/applications, your application, General Information
    "#);
}

#[test]
fn a_public_key_that_is_no_point_or_would_take_any_signature_is_refused() {
    let point = |first: u8| VerifyingKey::from_bytes(&std::array::from_fn(|n| if n == 0 { first } else { 0 }));
    assert!(point(2).is_err() && point(1).unwrap().is_weak(), "one of each kind");
    let with_key = |key: &str| refused(&http("").replace(KEY, key));
    let all = [with_key(&format!("02{}", "0".repeat(62))), with_key(&format!("01{}", "0".repeat(62))), with_key(&"0".repeat(64))];
    insta::assert_snapshot!(all.join("\n"), @r"
    6:14: public_key is no Ed25519 key: copy it again at discord.com/developers/applications, your application, General Information
    6:14: public_key is no Ed25519 key: copy it again at discord.com/developers/applications, your application, General Information
    6:14: public_key is no Ed25519 key: copy it again at discord.com/developers/applications, your application, General Information
    ");
}

#[test]
fn a_key_that_anybody_can_sign_with_is_refused() {
    let all = [EVERYBODYS.to_owned(), EVERYBODYS.to_uppercase()].map(|key| refused(&http("").replace(KEY, &key)));
    insta::assert_snapshot!(all.join("\n"), @r"
    6:14: public_key is an example's, with which anybody can sign: copy your application's at discord.com/developers/applications, your application, General Information
    6:14: public_key is an example's, with which anybody can sign: copy your application's at discord.com/developers/applications, your application, General Information
    ");
}

#[test]
fn nothing_is_sent_in_clear_over_a_network() {
    let api = |url: &str| refused(&with(&format!("api_url = '{url}'")));
    let gateway = |url: &str| refused(&with(&format!("gateway_url = '{url}'")));
    let all = [
        api("http://discord.com"),
        api("http://127.0.0.1.example.org"),
        api("http://10.0.0.1"),
        api("ftp://127.0.0.1"),
        api("discord.com"),
        api("https://me:hunter2@discord.com"),
        api("https://discord.com?token=hunter2"),
        api("https://discord.com/api/v10"),
        gateway("ws://gateway.discord.gg"),
        gateway("https://gateway.discord.gg"),
        gateway("wss://gateway.discord.gg/?v=10"),
        gateway("wss://me:hunter2@gateway.discord.gg"),
    ];
    assert!(!all.concat().contains("hunter2"), "{all:?}");
    insta::assert_snapshot!(all.join("\n"), @r#"
    6:11: api_url would send tokens in clear over a network: write https (http only to a loopback address)
    6:11: api_url would send tokens in clear over a network: write https (http only to a loopback address)
    6:11: api_url would send tokens in clear over a network: write https (http only to a loopback address)
    6:11: api_url must begin with https://, or with http:// on a loopback address
    6:11: api_url is not a URL: write "https://discord.com", or leave it out
    6:11: api_url is a scheme and a host, and nothing else: write "https://discord.com"
    6:11: api_url is a scheme and a host, and nothing else: write "https://discord.com"
    6:11: api_url is a scheme and a host, and nothing else: write "https://discord.com"
    6:15: gateway_url would send tokens in clear over a network: write wss (ws only to a loopback address)
    6:15: gateway_url must begin with wss://, or with ws:// on a loopback address
    6:15: gateway_url is a scheme and a host, and nothing else: write "wss://gateway.discord.gg"
    6:15: gateway_url is a scheme and a host, and nothing else: write "wss://gateway.discord.gg"
    "#);
}

#[test]
fn a_local_api_has_no_real_gateway_and_the_other_way_round() {
    let both = |api: &str, gateway: &str| with(&format!("api_url = '{api}'\ngateway_url = '{gateway}'"));
    let all = [
        refused(&both("http://127.0.0.1:9", "wss://gateway.discord.gg")),
        refused(&both("https://discord.com", "ws://127.0.0.1:9")),
        refused(&with("gateway_url = 'ws://127.0.0.1:9'")),
        refused(&http("api_url = 'http://127.0.0.1:9'\ngateway_url = 'ws://127.0.0.1:10'")),
    ];
    insta::assert_snapshot!(all.join("\n"), @r"
    7:15: gateway_url and api_url are both on this machine or both are not: the token goes to each of them
    7:15: gateway_url and api_url are both on this machine or both are not: the token goes to each of them
    6:15: gateway_url and api_url are both on this machine or both are not: the token goes to each of them
    9:15: gateway_url belongs to the gateway: leave it out, or public_key and listen
    ");
    loaded(&both("http://127.0.0.1:9", "ws://localhost:10"));
    loaded(&both("https://discord.com", "wss://gateway.discord.gg"));
}

#[test]
fn the_server_s_own_id_is_not_taken_as_a_role() {
    let said = refused_in(&file(&with(""), CHANNEL, &format!("[groups.g]\nmembers = ['ben']\ndiscord = '{GUILD}'")));
    insta::assert_snapshot!(said, @"31:11: this is the server's own id, and as a role it is @everyone: write the id of a role that is given to people");
}

#[test]
fn two_chats_do_not_listen_at_one_address() {
    let slack = "[slack]\nbot_token = {T}\nsigning_secret = {T}\nlisten = '127.0.0.1:8081'\n";
    let text = file(&http(""), CHANNEL, &slack.replace("{T}", "{ env = 'PATH' }"));
    insta::assert_snapshot!(refused_in(&text), @"7:10: slack.listen has this address: each chat needs a port of its own");
    let other = parse(&text.replacen("127.0.0.1:8081", "127.0.0.1:8082", 1), "bot.toml").unwrap();
    assert!(other.slack.is_some() && other.discord.is_some());
}

#[test]
fn people_do_not_come_from_discord() {
    insta::assert_snapshot!(refused_in(&file(&with(""), CHANNEL, "[people]\nfrom = 'discord'")), @r#"30:8: discord lists its members only to bots with a privileged right, which this one does without: leave people.from out; an account there is joined to a person by /jit link, or written as discord = ".." under [people.NAME]"#);
}

#[test]
fn what_is_on_discord_without_a_section_and_the_other_way_round_is_warned_of() {
    let text = file(&with(""), CHANNEL, "");
    let (from, to) = (text.find("[discord]").unwrap(), text.find("[store]").unwrap());
    let without = format!("{}{}", &text[..from], &text[to..]);
    let config = parse(&without, "bot.toml").unwrap();
    assert!(config.discord.is_none());
    insta::assert_snapshot!(config.warnings.join("\n"), @"bot.toml:8:11: 600000000000000001 is not reached (nor are 2 more): there is no [discord]");
    insta::assert_snapshot!(warned(&with(""), "console:#a", ""), @r#"bot.toml:2:2: the bot would be on Discord and post nothing there: write channels = ["discord:123456789012345678"] in a resource or in [alarm]"#);
    insta::assert_snapshot!(warned(&http("").replace("127.0.0.1", "0.0.0.0"), CHANNEL, ""), @"bot.toml:7:10: what people write would pass this network in clear: let only something that speaks TLS reach this address");
    let alarm = file(&with(""), "console:#a", "").replace("'console:#ops'", &format!("'{CHANNEL}'"));
    assert_eq!(parse(&alarm, "bot.toml").unwrap().warnings, Vec::<String>::new(), "alarms are posted there");
}

#[test]
fn channels_roles_and_accounts_of_discord_are_read() {
    let more = "[groups.g]\nmembers = ['ben']\ndiscord = '500000000000000001'";
    let catalogue = parse(&file(&with(""), CHANNEL, more), "bot.toml").unwrap().catalogue;
    assert_eq!(catalogue.groups.values().next().unwrap().chats[&Platform::Discord], "500000000000000001");
    assert_eq!(catalogue.person_at(Platform::Discord, "600000000000000001").unwrap().id.as_str(), "ana");
    let channel = &catalogue.resources.values().next().unwrap().channels[0];
    assert_eq!((channel.platform, channel.id.as_str()), (Platform::Discord, "400000000000000001"));
}

#[test]
fn a_role_that_is_called_directly_and_names_nobody_is_warned_of() {
    let group = |members: &str, slack: &str| format!("[groups.g]\n{members}{slack}discord = '500000000000000001'");
    let warned = |more: &str| {
        let text = file(&with(""), CHANNEL, more).replacen("approvers = ['ben']", "approvers = ['ben', '@g'], direct = ['@g']", 1);
        assert!(text.contains("direct"), "{text}");
        parse(&text, "bot.toml").unwrap().warnings.into_iter().filter(|warning| warning.contains("direct")).collect::<Vec<_>>().join("\n")
    };
    let said = warned(&group("", ""));
    assert!(
        said.ends_with("direct reaches nobody of @g: who has a role, Discord does not list; write its people as members under [groups.g]"),
        "{said}"
    );
    assert_eq!(warned(&group("members = ['ben']\n", "")), "");
    assert_eq!(warned(&group("", "slack = 'S0123'\n")), "", "Slack lists them");
}

#[test]
fn a_kept_file_from_before_ids_had_a_form_still_loads_and_what_is_in_the_section_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.toml.last-good");
    let text = file(&with(""), "discord:7", "[groups.g]\ndiscord = '9'");
    fs::write(&path, &text).unwrap();
    load_kept(&path).expect("what it gave must end");
    assert!(load(&path).is_err());
    fs::write(&path, text.replace(GUILD, "7")).unwrap();
    assert!(load_kept(&path).is_err());
}

/// The example's `[discord]`, switched on, without these keys.
fn example(without: &[&str]) -> Config {
    let mut inside = false;
    let on = |line: &str| {
        inside = (inside || line.starts_with("# [discord]")) && !line.is_empty();
        let key = line.trim_start_matches("# ").split(' ').next().unwrap_or_default().to_owned();
        let is_setting = line.starts_with("# [discord]") || line.contains(" = ");
        if inside && is_setting && !without.contains(&key.as_str()) { line.trim_start_matches("# ").to_owned() } else { line.to_owned() }
    };
    let text: Vec<String> = EXAMPLE.lines().map(on).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.toml");
    fs::write(&path, text.join("\n").replace("console:#", "discord:4000000000000000").replace("64 hexadecimal digits", KEY)).unwrap();
    load_kept(Path::new(&path)).unwrap()
}

#[test]
fn the_example_has_every_key_with_its_default() {
    let gateway = example(&["public_key", "listen"]).discord.unwrap();
    assert_eq!((gateway.door, gateway.bot_token), (DiscordDoor::Gateway, Secret::Env("DISCORD_BOT_TOKEN".into())));
    assert_eq!(gateway.api_url, loaded(&with("")).api_url);
    let http = example(&["gateway_url"]).discord.unwrap();
    assert!(matches!(http.door, DiscordDoor::Http { listen, .. } if listen.ip().is_loopback()));
    let unknown = refused(&with("zebra = 1"));
    let (_, known) = unknown.split_once("known here: ").unwrap();
    for key in known.split(", ") {
        assert!(EXAMPLE.contains(&format!("\n# {key} = ")), "{key} is not in the example");
    }
}
