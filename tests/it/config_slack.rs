//! bot.toml: `[slack]`, its one way in, where it may send, the forms of Slack's ids, and whether the rest of the file fits it.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use hallpass::{
    config::{Config, SlackConfig, SlackDoor, load, load_kept, parse},
    domain::{members::Rules, policy::Platform},
    secret::Secret,
};

const EXAMPLE: &str = include_str!("../../bot.toml.example");

/// A file with this `[slack]` and this channel; `{T}` stands for a secret that is there.
fn file(slack: &str, channel: &str, more: &str) -> String {
    let text = format!(
        "administrators = ['ben']\n[slack]\n{slack}\n[store]\nurl = 'sqlite:a.db'\n[alarm]\nchannels = ['console:#ops']\n\
         [people.ana]\nname = 'Ana'\nslack = 'U01'\n[people.ben]\nname = 'Ben'\nslack = 'U02'\n[providers.p]\nkind = 'pretend'\n\
         [policies.p]\ncap = '1h'\ndefault = '1h'\nmay_ask = ['ana']\nstages = [{{ approvers = ['ben'] }}]\n\
         [resources.r]\nprovider = 'p'\nchannels = ['{channel}']\npolicy = 'p'\nroles = [{{ name = 'use' }}]\n{more}"
    );
    text.replace("{T}", "{ env = 'PATH' }")
}

fn loaded(slack: &str) -> SlackConfig {
    let config = parse(&file(slack, "slack:C01", ""), "bot.toml").unwrap();
    assert_eq!(config.warnings, Vec::<String>::new());
    config.slack.unwrap()
}

/// What is refused, without the name and place, which are looked at elsewhere.
fn refused(slack: &str) -> String {
    let said = parse(&file(slack, "slack:C01", ""), "bot.toml").map(drop).unwrap_err().to_string();
    said.lines().map(|line| line.trim_start_matches("bot.toml:")).collect::<Vec<_>>().join("\n")
}

fn warned(slack: &str, channel: &str, more: &str) -> String {
    parse(&file(slack, channel, more), "bot.toml").unwrap().warnings.join("\n")
}

const SOCKET: &str = "bot_token = {T}\napp_token = {T}";

#[test]
fn socket_mode_is_what_two_tokens_give_and_everything_else_has_a_strict_default() {
    let path = || Secret::Env("PATH".into());
    let expected = SlackConfig {
        bot_token: path(),
        door: SlackDoor::Socket { app_token: path(), connections: 4 },
        app_id: None,
        workspace: None,
        tenants: Vec::new(),
        shared_channels: Vec::new(),
        api_url: "https://slack.com/api".into(),
        response_hosts: vec!["hooks.slack.com".into()],
    };
    assert_eq!(loaded(SOCKET), expected);
}

#[test]
fn every_key_is_read() {
    let slack = "bot_token = {T}\nsigning_secret = {T}\nlisten = '127.0.0.1:8080'\napp_id = 'A01'\nworkspace = 'E01'\ntenants = ['T02', 'E03']\n\
                 shared_channels = ['C01']\napi_url = 'http://127.0.0.1:9/api/'\nresponse_hosts = ['Hooks.Slack.com', '127.0.0.1:8080', 'localhost']";
    let read = loaded(slack);
    assert!(matches!(&read.door, SlackDoor::Http { listen, .. } if listen.port() == 8080));
    assert_eq!((read.app_id.as_deref(), read.workspace.as_deref(), read.is_org_wide()), (Some("A01"), Some("E01"), true));
    assert_eq!((read.tenants, read.shared_channels), (vec!["T02".to_owned(), "E03".into()], vec!["C01".to_owned()]));
    assert_eq!(read.api_url, "http://127.0.0.1:9/api");
    assert_eq!(read.response_hosts, ["hooks.slack.com", "127.0.0.1:8080", "localhost"]);
}

#[test]
fn there_is_exactly_one_way_in() {
    let all = [
        refused("bot_token = {T}"),
        refused("app_token = {T}"),
        refused("bot_token = {T}\napp_token = {T}\nsigning_secret = {T}\nlisten = '127.0.0.1:8080'"),
        refused("bot_token = {T}\napp_token = {T}\nlisten = '127.0.0.1:8080'"),
        refused("bot_token = {T}\nsigning_secret = {T}"),
        refused("bot_token = {T}\nlisten = '127.0.0.1:8080'"),
        refused("bot_token = {T}\nsigning_secret = {T}\nlisten = 'localhost:8080'"),
        refused("bot_token = {T}\nsigning_secret = {T}\nlisten = '127.0.0.1:8080'\nconnections = 3"),
        refused("bot_token = {T}\napp_token = {T}\nconnections = 1"),
        refused("bot_token = {T}\napp_token = {T}\nconnections = 11"),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    2:2: no way in: write app_token = { env = "SLACK_APP_TOKEN" } for Socket Mode, or signing_secret and listen for HTTP requests
    2:2: bot_token is missing: write bot_token = { env = "SLACK_BOT_TOKEN" }
    5:18: two ways in, and one is enough: leave out signing_secret and listen for Socket Mode, or app_token for HTTP requests
    5:10: two ways in, and one is enough: leave out signing_secret and listen for Socket Mode, or app_token for HTTP requests
    2:2: listen is missing: write listen = "127.0.0.1:8080"
    2:2: signing_secret is missing: write signing_secret = { env = "SLACK_SIGNING_SECRET" }
    5:10: "localhost:8080" is not an address and a port: write listen = "127.0.0.1:8080"
    6:15: connections belong to Socket Mode: leave them out, or write app_token
    5:15: connections must be a number from 2 to 10
    5:15: connections must be a number from 2 to 10
    "#);
}

#[test]
fn a_token_in_the_file_is_refused_and_never_quoted() {
    let all = ["bot_token = 'xoxb-hunter2'\napp_token = {T}", "bot_token = {T}\napp_token = 'xapp-hunter2'"].map(refused).join("\n");
    assert!(!all.contains("hunter2"), "{all}");
    insta::assert_snapshot!(all, @r#"
    3:13: a secret never stands in the file: write bot_token = { env = "NAME" } or { file = "PATH" }
    4:13: a secret never stands in the file: write app_token = { env = "NAME" } or { file = "PATH" }
    "#);
}

#[test]
fn nothing_is_sent_in_clear_over_a_network() {
    let urls = [
        "http://slack.com/api",
        "http://127.0.0.1.example.org/api",
        "http://10.0.0.1/api",
        "ftp://127.0.0.1/api",
        "slack.com/api",
        "https://me:hunter2@slack.com/api",
        "https://slack.com/api?token=hunter2",
    ];
    let hosts = [
        "'https://hooks.slack.com'",
        "'hooks.slack.com:8443'",
        "'10.0.0.1:8080'",
        "'10.0.0.1'",
        "'slack'",
        "'hooks.slack.com/x'",
        "'a@hooks.slack.com'",
        "''",
    ];
    let all: Vec<String> = urls
        .iter()
        .map(|url| refused(&format!("{SOCKET}\napi_url = '{url}'")))
        .chain(hosts.iter().map(|host| refused(&format!("{SOCKET}\nresponse_hosts = [{host}]"))))
        .chain([refused(&format!("{SOCKET}\nresponse_hosts = []"))])
        .collect();
    assert!(!all.concat().contains("hunter2"), "{all:?}");
    insta::assert_snapshot!(all.join("\n"), @r#"
    5:11: api_url would send tokens in clear over a network: write https (http only to a loopback address)
    5:11: api_url would send tokens in clear over a network: write https (http only to a loopback address)
    5:11: api_url would send tokens in clear over a network: write https (http only to a loopback address)
    5:11: api_url must begin with https://, or with http:// on a loopback address
    5:11: api_url is not a URL: write "https://slack.com/api", or leave it out
    5:11: api_url is a scheme, a host and a path, and nothing else: write "https://slack.com/api"
    5:11: api_url is a scheme, a host and a path, and nothing else: write "https://slack.com/api"
    5:19: "https://hooks.slack.com" is not a host: write "hooks.slack.com", or "127.0.0.1:8080" for a server on this machine
    5:19: "hooks.slack.com:8443" has a port, which only a server on this machine may have: write the host alone
    5:19: "10.0.0.1:8080" has a port, which only a server on this machine may have: write the host alone
    5:19: "10.0.0.1" is not a host: write "hooks.slack.com", or "127.0.0.1:8080" for a server on this machine
    5:19: "slack" is not a host: write "hooks.slack.com", or "127.0.0.1:8080" for a server on this machine
    5:19: "hooks.slack.com/x" is not a host: write "hooks.slack.com", or "127.0.0.1:8080" for a server on this machine
    5:19: "a@hooks.slack.com" is not a host: write "hooks.slack.com", or "127.0.0.1:8080" for a server on this machine
    5:19: response_hosts: it is empty: leave the key out, or write something
    5:18: nobody could be answered: leave it out for ["hooks.slack.com"]
    "#);
    for fine in ["https://slack-gov.com/api", "http://localhost:9/api", "http://[::1]:9/api", "http://127.7.7.7/api"] {
        assert_eq!(loaded(&format!("{SOCKET}\napi_url = '{fine}'")).api_url, fine);
    }
}

#[test]
fn an_answer_goes_to_a_listed_host_by_tls_or_to_a_listed_port_of_this_machine() {
    let strict = loaded(SOCKET);
    assert!(strict.may_answer_at("https://hooks.slack.com/commands/T01/1/x"));
    assert!(strict.may_answer_at("https://hooks.slack.com:443/actions/T01/1/x"));
    for wrong in [
        "http://hooks.slack.com/commands/T01/1/x",
        "https://hooks.slack.com:8443/x",
        "https://hooks.slack.com.example.org/x",
        "https://hooks.slack.com@example.org/x",
        "https://me@hooks.slack.com/x",
        "https://example.org/hooks.slack.com",
        "https://127.0.0.1:8080/x",
        "hooks.slack.com/x",
        "",
    ] {
        assert!(!strict.may_answer_at(wrong), "{wrong}");
    }
    let local = loaded(&format!("{SOCKET}\nresponse_hosts = ['127.0.0.1:8080']"));
    assert!(local.may_answer_at("http://127.0.0.1:8080/x"));
    for wrong in ["http://127.0.0.1:8081/x", "http://127.0.0.1/x", "https://hooks.slack.com/x"] {
        assert!(!local.may_answer_at(wrong), "{wrong}");
    }
}

#[test]
fn an_id_of_the_wrong_form_is_refused_with_where_the_right_one_is_found() {
    let at = |channel: &str, more: &str| parse(&file(SOCKET, channel, more), "bot.toml").map(drop).unwrap_err().to_string();
    let all = [
        refused(&format!("{SOCKET}\napp_id = 'T01'")),
        refused(&format!("{SOCKET}\nworkspace = 'acme'")),
        refused(&format!("{SOCKET}\ntenants = ['C01']")),
        refused(&format!("{SOCKET}\nshared_channels = ['slack:C01']")),
        at("slack:#ops", ""),
        at("slack:c01", ""),
        at("slack:C01", "[groups.g]\nslack = '@sre'"),
        at("slack:C01", "[people.cleo]\nname = 'Cleo'\nslack = '@cleo'"),
        at("slack:C01", "[people.cleo]\nname = 'Cleo'\nslack = 'C01/U01'"),
        at("slack:C01", "[people.cleo]\nname = 'Cleo'\nslack = 'U01/T01'"),
    ];
    insta::assert_snapshot!(all.join("\n"), @r##"
    5:10: "T01" is not the id of an app, such as A0123: it stands at api.slack.com/apps under Basic Information
    5:13: "acme" is not the id of a workspace, such as T0123, or of an organisation, such as E0123: in a browser Slack's address is app.slack.com/client/T0123/..
    5:12: "C01" is not the id of a workspace, such as T0123, or of an organisation, such as E0123: in a browser Slack's address is app.slack.com/client/T0123/..
    5:20: "slack:C01" is not the id of a channel, such as C0123: in Slack click the channel's name at its top, the id stands at the end of About
    bot.toml:24:13: "#ops" is not the id of a channel, such as C0123: in Slack click the channel's name at its top, the id stands at the end of About
    bot.toml:24:13: "c01" is not the id of a channel, such as C0123: in Slack click the channel's name at its top, the id stands at the end of About
    bot.toml:28:9: "@sre" is not the id of a user group, such as S0123: in Slack open the group under Directories, User groups; the three dots have Copy group ID
    bot.toml:29:9: "@cleo" is not the id of a person, such as U0123: in Slack open their profile; the three dots have Copy member ID
    bot.toml:29:9: "C01/U01" is not the id of a person, such as U0123: in Slack open their profile; the three dots have Copy member ID
    bot.toml:29:9: "U01/T01" is not the id of a person, such as U0123: in Slack open their profile; the three dots have Copy member ID
    "##);
}

#[test]
fn a_kept_file_from_before_ids_had_a_form_still_loads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.toml.last-good");
    fs::write(&path, file(SOCKET, "slack:#ops", "[groups.g]\nslack = '@sre'")).unwrap();
    load_kept(&path).expect("what it gave must end");
    assert!(load(&path).is_err());
}

#[test]
fn a_secret_of_slack_that_is_not_there_is_refused_at_its_reference() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.toml");
    let token = folder.path().join("token");
    fs::write(&token, "xoxb-1\n").unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, file("bot_token = { file = 'token' }\napp_token = { env = 'HALLPASS_TEST_NOT_SET' }", "slack:C01", "")).unwrap();
    let said = load(&path).map(drop).unwrap_err().to_string().replace(&folder.path().display().to_string(), "");
    insta::assert_snapshot!(said, @"/bot.toml:4:13: the environment variable HALLPASS_TEST_NOT_SET is not set");
    let kept = load_kept(&path).unwrap().slack.unwrap();
    assert_eq!(kept.bot_token, Secret::File(token));
}

#[test]
fn what_is_on_slack_without_a_section_and_the_other_way_round_is_warned_of() {
    let without = |more: &str, channel: &str| {
        let text = file(SOCKET, channel, more).replacen("[slack]\nbot_token = { env = 'PATH' }\napp_token = { env = 'PATH' }\n", "", 1);
        assert!(!text.contains("[slack]"));
        parse(&text, "bot.toml").unwrap().warnings.join("\n")
    };
    insta::assert_snapshot!(without("", "slack:C01"), @"bot.toml:8:9: U01 is not reached (nor are 2 more): there is no [slack]");
    insta::assert_snapshot!(warned(SOCKET, "console:#a", ""), @r#"bot.toml:2:2: the bot would be on Slack and post nothing there: write channels = ["slack:C0123"] in a resource or in [alarm]"#);
    let many = format!("{SOCKET}\nworkspace = 'T01'\ntenants = ['T01', 'T02']\nshared_channels = ['C07']");
    let more = "[people.cleo]\nname = 'Cleo'\nslack = 'T02/U03'\n[people.dora]\nname = 'Dora'\nslack = 'T03/U04'\n";
    insta::assert_snapshot!(warned(&many, "slack:C01", more), @r"
    bot.toml:2:2: slack.shared_channels has C07, and nothing is posted there
    bot.toml:6:11: T01 is the bot's own workspace: tenants are other organisations
    bot.toml:35:9: T03 is none of slack.tenants: T03/U04 can neither ask nor decide until it stands there
    ");
    let open = "bot_token = {T}\nsigning_secret = {T}\nlisten = '0.0.0.0:8080'";
    insta::assert_snapshot!(warned(open, "slack:C01", ""), @"bot.toml:5:10: what people write would pass this network in clear: let only something that speaks TLS reach this address");
    let alarm = file(SOCKET, "console:#a", "").replace("'console:#ops'", "'slack:C09'");
    assert_eq!(parse(&alarm, "bot.toml").unwrap().warnings, Vec::<String>::new(), "alarms are posted there");
}

#[test]
fn matching_by_e_mail_names_the_chat_whose_addresses_count() {
    let with = |value: &str| parse(&file(SOCKET, "slack:C01", &format!("[people]\nmatch_email = {value}")), "bot.toml");
    assert_eq!(with("'slack'").unwrap().catalogue.members.match_email, Some(Platform::Slack));
    assert_eq!(parse(&file(SOCKET, "slack:C01", ""), "bot.toml").unwrap().catalogue.members.match_email, None);
    let said = [with("true"), with("'console'"), with("{ name = 'Match' }")].map(|said| said.map(drop).unwrap_err().to_string()).join("\n");
    insta::assert_snapshot!(said, @r#"
    bot.toml:28:15: people.match_email is the chat whose confirmed addresses count: write match_email = "slack". A person cannot have this name
    bot.toml:28:15: people.match_email is the chat whose confirmed addresses count: write match_email = "slack". A person cannot have this name
    bot.toml:28:15: people.match_email is the chat whose confirmed addresses count: write match_email = "slack". A person cannot have this name
    "#);
}

#[test]
fn members_of_the_workspace_are_people_where_the_file_says_so() {
    let with = |more: &str| parse(&file(SOCKET, "slack:C01", more), "bot.toml").unwrap();
    assert_eq!(with("").catalogue.members, Rules::default());
    assert_eq!(with("[people]\nfrom = 'slack'").catalogue.members, Rules { people_from: Some(Platform::Slack), match_email: None });
    let found = "[people]\nmatch_email = 'slack'\n[people.cleo]\nname = 'Cleo'";
    insta::assert_snapshot!(with(found).warnings.join("\n"), @r"
    bot.toml:28:15: nobody in [people] has an email, so nobody is found by it
    bot.toml:29:9: no chat knows cleo: they can neither ask nor decide until they have console, slack or discord
    ");
    let found = with(&format!("{found}\nemail = 'cleo@example.org'"));
    assert_eq!(found.warnings, Vec::<String>::new(), "she may be found by it");
}

#[test]
fn a_file_without_people_is_fine_where_the_workspace_has_them() {
    let text = "administrators = ['@leads']\n[slack]\nbot_token = { env = 'PATH' }\napp_token = { env = 'PATH' }\n\
        [store]\nurl = 'sqlite:a.db'\n[alarm]\nchannels = ['slack:C01']\n[people]\nfrom = 'slack'\n[groups.leads]\nslack = 'S01'\n\
        [providers.p]\nkind = 'pretend'\n[policies.p]\ncap = '1h'\ndefault = '1h'\nmay_ask = ['everyone']\n\
        stages = [{ approvers = ['@leads'] }]\n\
        [resources.r]\nprovider = 'p'\nchannels = ['slack:C01']\npolicy = 'p'\nroles = [{ name = 'use' }]\n";
    insta::assert_snapshot!(
        parse(text, "bot.toml").unwrap().warnings.join("\n"),
        @"bot.toml:11:9: only slack knows who is in leads: whether that is enough people is seen when somebody asks"
    );
}

/// The example's `[slack]`, switched on, without the lines of one way in.
fn example(without: [&str; 2]) -> Config {
    let mut inside = false;
    let on = |line: &str| {
        inside = (inside || line.starts_with("# [slack]")) && !line.is_empty();
        let key = line.trim_start_matches("# ").split(' ').next().unwrap_or_default().to_owned();
        let is_setting = line.starts_with("# [slack]") || line.contains(" = ");
        if inside && is_setting && !without.contains(&key.as_str()) { line.trim_start_matches("# ").to_owned() } else { line.to_owned() }
    };
    let text: Vec<String> = EXAMPLE.lines().map(on).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.toml");
    fs::write(&path, text.join("\n").replace("console:#", "slack:C0")).unwrap();
    load_kept(Path::new(&path)).unwrap()
}

#[test]
fn the_example_has_every_key_with_its_default() {
    let socket = example(["signing_secret", "listen"]).slack.unwrap();
    assert_eq!(socket.door, SlackDoor::Socket { app_token: Secret::Env("SLACK_APP_TOKEN".into()), connections: 4 });
    assert_eq!((socket.app_id.as_deref(), socket.workspace.as_deref()), (Some("A0123"), Some("T0123")));
    let defaults = loaded(SOCKET);
    assert_eq!((socket.api_url, socket.response_hosts), (defaults.api_url, defaults.response_hosts));
    assert_eq!((socket.tenants, socket.shared_channels), (defaults.tenants, defaults.shared_channels));
    let http = example(["app_token", "connections"]).slack.unwrap();
    assert!(matches!(http.door, SlackDoor::Http { listen, .. } if listen.ip().is_loopback()));
    let unknown = refused(&format!("{SOCKET}\nzebra = 1"));
    let (_, known) = unknown.split_once("known here: ").unwrap();
    for key in known.split(", ") {
        assert!(EXAMPLE.contains(&format!("\n# {key} = ")), "{key} is not in the example");
    }
}
