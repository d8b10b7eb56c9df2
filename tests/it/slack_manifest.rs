//! `hallpass slack manifest`: for exactly what a bot.toml uses, within Slack's limits, before there is any token.

use std::{fs, process::Command};

use yaml_rust2::{Yaml, YamlLoader};

/// A file with this `[slack]`, whose tokens are not there yet, and whatever else.
fn file(slack: &str, more: &str) -> String {
    format!(
        "administrators = ['ben']\n[slack]\nbot_token = {{ env = 'HALLPASS_TEST_NOT_SET' }}\n{slack}\n[store]\nurl = 'sqlite:a.db'\n\
         [alarm]\nchannels = ['slack:C01']\n[people.ana]\nname = 'Ana'\nslack = 'U01'\n[people.ben]\nname = 'Ben'\nslack = 'U02'\n\
         [providers.p]\nkind = 'pretend'\n[policies.p]\ncap = '1h'\ndefault = '1h'\nmay_ask = ['ana']\nstages = [{{ approvers = ['ben'] }}]\n\
         [resources.r]\nprovider = 'p'\nchannels = ['slack:C01']\npolicy = 'p'\nroles = [{{ name = 'use' }}]\n{more}"
    )
}

/// Whether it went well, and what it said.
fn ran(text: &str, arguments: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bot.toml"), text).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_hallpass")).args(["slack", "manifest"]).args(arguments).current_dir(folder.path()).output();
    let run = run.unwrap();
    let said = if run.status.success() { run.stdout } else { run.stderr };
    (run.status.success(), String::from_utf8(said).unwrap())
}

fn manifest(text: &str, arguments: &[&str]) -> String {
    let (fine, said) = ran(text, arguments);
    assert!(fine, "{said}");
    said
}

fn read(manifest: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(manifest).unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

const SOCKET: &str = "app_token = { env = 'HALLPASS_TEST_NOT_SET' }";
const HTTP: &str = "signing_secret = { env = 'HALLPASS_TEST_NOT_SET' }\nlisten = '127.0.0.1:8080'";
const MUCH: &str = "[people]\nmatch_email = 'slack'\n[groups.g]\nslack = 'S01'\nmembers = ['ben']\n";

#[test]
fn socket_mode_asks_for_the_least_and_names_no_address() {
    insta::assert_snapshot!(manifest(&file(SOCKET, ""), &[]), @r##"
    # Slack app manifest, printed by hallpass for this bot.toml. At https://api.slack.com/apps:
    # Create New App, From a manifest, choose the workspace, YAML. Of an app that is there: App Manifest.
    # What each scope is for:
    #   channels:history  finds its own posts in public channels again
    #   channels:read     sees whether a public channel has guests or is archived
    #   chat:write        posts cards and keeps them up to date
    #   commands          /jit and the shortcuts
    #   groups:history    finds its own posts in private channels again
    #   groups:read       sees whether a private channel has guests or is archived
    #   im:write          writes to people directly
    #   users:read        sees who is active, a guest or of another organisation, and their time zone
    _metadata:
      major_version: 1
      minor_version: 1
    display_information:
      background_color: "#1f3a5f"
      description: "Access for an hour instead of for ever: asked for here, approved here, verified gone."
      name: Hallpass
    features:
      app_home:
        home_tab_enabled: true
        messages_tab_enabled: true
        messages_tab_read_only_enabled: true
      bot_user:
        always_online: true
        display_name: hallpass
      shortcuts:
        - callback_id: hallpass_request
          description: "Opens the form in which you ask for access"
          name: "Request access"
          type: global
        - callback_id: hallpass_request_about
          description: "Asks for access, with a link to this message for whoever decides"
          name: "Request access for this"
          type: message
      slash_commands:
        - command: "/jit"
          description: "Ask for access, decide, give it back"
          should_escape: true
          usage_hint: "[request RESOURCE [ROLE] [30m] REASON | mine | inbox | help]"
    oauth_config:
      scopes:
        bot:
          - channels:history
          - channels:read
          - chat:write
          - commands
          - groups:history
          - groups:read
          - im:write
          - users:read
    settings:
      event_subscriptions:
        bot_events:
          - app_home_opened
      interactivity:
        is_enabled: true
      org_deploy_enabled: false
      socket_mode_enabled: true
      token_rotation_enabled: false
    "##);
}

#[test]
fn http_requests_groups_addresses_and_an_organisation_each_add_what_they_need() {
    let text = file(&format!("{HTTP}\nworkspace = 'E01'"), MUCH);
    insta::assert_snapshot!(manifest(&text, &["--url", "https://hallpass.example.org/bots/"]), @r##"
    # Slack app manifest, printed by hallpass for this bot.toml. At https://api.slack.com/apps:
    # Create New App, From a manifest, choose the workspace, YAML. Of an app that is there: App Manifest.
    # What each scope is for:
    #   channels:history  finds its own posts in public channels again
    #   channels:read     sees whether a public channel has guests or is archived
    #   chat:write        posts cards and keeps them up to date
    #   commands          /jit and the shortcuts
    #   groups:history    finds its own posts in private channels again
    #   groups:read       sees whether a private channel has guests or is archived
    #   im:write          writes to people directly
    #   users:read        sees who is active, a guest or of another organisation, and their time zone
    #   usergroups:read   asks who is in a user group
    #   users:read.email  finds people by their address (people.match_email)
    _metadata:
      major_version: 1
      minor_version: 1
    display_information:
      background_color: "#1f3a5f"
      description: "Access for an hour instead of for ever: asked for here, approved here, verified gone."
      name: Hallpass
    features:
      app_home:
        home_tab_enabled: true
        messages_tab_enabled: true
        messages_tab_read_only_enabled: true
      bot_user:
        always_online: true
        display_name: hallpass
      shortcuts:
        - callback_id: hallpass_request
          description: "Opens the form in which you ask for access"
          name: "Request access"
          type: global
        - callback_id: hallpass_request_about
          description: "Asks for access, with a link to this message for whoever decides"
          name: "Request access for this"
          type: message
      slash_commands:
        - command: "/jit"
          description: "Ask for access, decide, give it back"
          should_escape: true
          url: "https://hallpass.example.org/bots/slack/commands"
          usage_hint: "[request RESOURCE [ROLE] [30m] REASON | mine | inbox | help]"
    oauth_config:
      scopes:
        bot:
          - channels:history
          - channels:read
          - chat:write
          - commands
          - groups:history
          - groups:read
          - im:write
          - users:read
          - usergroups:read
          - users:read.email
    settings:
      event_subscriptions:
        bot_events:
          - app_home_opened
        request_url: "https://hallpass.example.org/bots/slack/events"
      interactivity:
        is_enabled: true
        message_menu_options_url: "https://hallpass.example.org/bots/slack/interactive"
        request_url: "https://hallpass.example.org/bots/slack/interactive"
      org_deploy_enabled: true
      socket_mode_enabled: false
      token_rotation_enabled: false
    "##);
}

#[test]
fn without_a_url_the_place_to_write_one_s_own_host_is_shown() {
    let said = manifest(&file(HTTP, ""), &[]);
    assert!(said.contains("# Write your own host for YOUR-HOST, or print this again with --url https://..\n"), "{said}");
    let read = read(&said);
    let commands = &read["features"]["slash_commands"][0]["url"];
    assert_eq!(commands.as_str(), Some("https://YOUR-HOST/slack/commands"));
    assert!(!said.contains("usergroups:read") && !said.contains("users:read.email"), "neither groups nor addresses are used: {said}");
}

#[test]
fn every_text_is_within_slack_s_limits() {
    for text in [file(SOCKET, ""), file(HTTP, MUCH)] {
        let read = read(&manifest(&text, &[]));
        let length = |value: &Yaml| value.as_str().unwrap().chars().count();
        assert!(length(&read["display_information"]["name"]) <= 35);
        assert!(length(&read["display_information"]["description"]) < 140, "140 is refused, whatever is documented");
        let features = &read["features"];
        assert!(length(&features["bot_user"]["display_name"]) <= 80);
        for shortcut in features["shortcuts"].as_vec().unwrap() {
            assert!(length(&shortcut["name"]) <= 24, "{shortcut:?}");
            assert!(length(&shortcut["description"]) <= 150 && length(&shortcut["callback_id"]) <= 255);
        }
        let command = &features["slash_commands"][0];
        assert!(length(&command["command"]) <= 32 && length(&command["description"]) <= 2000 && length(&command["usage_hint"]) <= 1000);
    }
}

#[test]
fn what_does_not_go_together_is_refused_with_what_to_do() {
    let refused = |text: &str, arguments: &[&str]| {
        let (fine, said) = ran(text, arguments);
        assert!(!fine, "{said}");
        said.trim_end().to_owned()
    };
    let all = [
        refused(&file(SOCKET, ""), &["--url", "https://hallpass.example.org"]),
        refused(&file(HTTP, ""), &["--url", "http://hallpass.example.org"]),
        refused(&file(HTTP, ""), &["--url", "hallpass.example.org"]),
        refused(&file(HTTP, ""), &["--url", "https://hallpass.example.org/?x=1"]),
        refused(&file("", ""), &[]),
        refused(
            &file(SOCKET, "")
                .replacen("[slack]", "[providers.slack]\nkind = 'pretend'\n#", 1)
                .replace("bot_token", "#")
                .replace("app_token", "#"),
            &[],
        ),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    hallpass: --url is for HTTP requests, and with app_token the bot dials out: leave --url out
    hallpass: --url is where Slack reaches the bot: https, a host and at most a path, such as https://hallpass.example.org
    hallpass: --url is where Slack reaches the bot: https, a host and at most a path, such as https://hallpass.example.org
    hallpass: --url is where Slack reaches the bot: https, a host and at most a path, such as https://hallpass.example.org
    hallpass: bot.toml:2:2: no way in: write app_token = { env = "SLACK_APP_TOKEN" } for Socket Mode, or signing_secret and listen for HTTP requests
    hallpass: bot.toml has no [slack]: write [slack] with bot_token and app_token (bot.toml.example has every key); the tokens may still be missing
    "#);
}
