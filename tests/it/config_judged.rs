//! bot.toml: secrets as references, paths, people from a chat, and what is allowed and yet hardly meant.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use hallpass::{
    config::{Config, load, load_kept, parse},
    domain::policy::Platform,
    secret::Secret,
};
use secrecy::ExposeSecret as _;

const FIRST: &str = "administrators = ['ben']\n[store]\nurl = 'sqlite:a.db'\n[alarm]\nchannels = ['console:#ops']\n\
                     [people.ana]\nname = 'Ana'\nconsole = 'ana'\n[people.ben]\nname = 'Ben'\nconsole = 'ben'\n\
                     [people.cleo]\nname = 'Cleo'\nconsole = 'cleo'\n[providers.p]\nkind = 'pretend'\n";

/// A small file with this policy, of one role of one resource, and whatever else.
fn file(policy: &str, more: &str) -> String {
    format!(
        "{FIRST}[policies.p]\ncap = '1h'\ndefault = '1h'\n{policy}\n[resources.r]\nprovider = 'p'\nchannels = ['console:#a']\n\
         policy = 'p'\nroles = [{{ name = 'use' }}]\n{more}"
    )
}

fn refused(text: &str) -> String {
    parse(text, "bot.toml").map(drop).unwrap_err().to_string()
}

fn warned(text: &str) -> String {
    parse(text, "bot.toml").unwrap().warnings.join("\n")
}

const FINE: &str = "may_ask = ['everyone']\nstages = [{ approvers = ['ben', 'cleo'] }]";

fn with_store(store: &str) -> String {
    file(FINE, "").replace("url = 'sqlite:a.db'", store)
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_secret_that_stands_in_the_file_is_refused_and_never_quoted() {
    let exec = |settings: &str| file(FINE, &format!("[providers.x]\nkind = 'exec'\nprogram = '/bin/true'\n{settings}"));
    let all = [
        refused(&with_store("url = 'postgres://bot@db/hallpass'\npassword = 'hunter2'")),
        refused(&with_store("url = 'postgres://bot:hunter2@db/hallpass'")),
        refused(&with_store("url = 'postgres://bot@db/hallpass?password=hunter2'")),
        refused(&with_store("url = 'postgres://bot@db/hallpass'\npassword = { env = 'A', file = 'hunter2' }")),
        refused(&file(FINE, "[ledger]\nkey = 'hunter2'")),
        refused(&exec("environment = { TOKEN = 'hunter2' }")),
        refused(&exec("environment = 'hunter2'")),
        refused(&exec("environment = { TOKEN = { value = 'hunter2' } }")),
        refused(&exec("config = 'hunter2'")),
        refused(&exec("token = 'hunter2'")),
    ];
    let all = all.join("\n");
    assert!(!all.contains("hunter2"), "{all}");
    insta::assert_snapshot!(all, @r#"
    bot.toml:4:12: a secret never stands in the file: write password = { env = "NAME" } or { file = "PATH" }
    bot.toml:3:7: a secret never stands in the file: take the password out of the URL and write password = { env = "NAME" } or { file = "PATH" } beside it
    bot.toml:3:7: a secret never stands in the file: take the password out of the URL and write password = { env = "NAME" } or { file = "PATH" } beside it
    bot.toml:4:12: a secret is written password = { env = "NAME" } or { file = "PATH" }
    bot.toml:28:7: a secret never stands in the file: write key = { env = "NAME" } or { file = "PATH" }
    bot.toml:30:25: a secret never stands in the file: write { env = "NAME" } or { file = "PATH" }
    bot.toml:30:15: a secret never stands in the file: write { NAME = { env = "NAME" } or { file = "PATH" } }
    bot.toml:30:25: a secret is written { env = "NAME" } or { file = "PATH" }
    bot.toml:30:10: expected a table
    bot.toml:30:1: unknown key "token"; known here: program, arguments, environment, config
    "#);
}

#[test]
fn a_secret_that_is_not_there_is_refused_at_its_reference_and_a_kept_file_loads_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.toml");
    let text = with_store("url = 'postgres://bot@db/hallpass'\npassword = { env = 'HALLPASS_TEST_NOT_SET' }");
    write(&path, &text);
    let said = load(&path).map(drop).unwrap_err().to_string().replace(&folder.path().display().to_string(), "");
    insta::assert_snapshot!(said, @"/bot.toml:4:12: the environment variable HALLPASS_TEST_NOT_SET is not set");
    let kept = load_kept(&path).unwrap();
    assert!(kept.store.open_with().err().unwrap().contains("HALLPASS_TEST_NOT_SET"));
}

#[test]
fn a_password_joins_the_url_only_where_the_store_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.toml");
    write(&folder.path().join("password"), "s3cret/@:%\n");
    write(&path, &with_store("url = 'postgres://bot@db:5433/hallpass'\npassword = { file = 'password' }"));
    let config = load(&path).unwrap();
    assert_eq!(config.store.url, "postgres://bot@db:5433/hallpass");
    let url = config.store.open_with().unwrap();
    assert_eq!(url.expose_secret(), "postgres://bot:s3cret%2F%40%3A%25@db:5433/hallpass");
    assert!(!format!("{config:?}").contains("s3cret"));
    fs::set_permissions(folder.path().join("password"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(load(&path).map(drop).unwrap_err().to_string().contains("chmod 600"));
}

#[test]
fn the_ledger_s_key_may_be_given_and_then_needs_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.toml");
    write(&folder.path().join("key"), "not a key, but nobody looks yet");
    write(&path, &file(FINE, "[ledger]\nkey = { file = 'key' }"));
    let config = load(&path).unwrap();
    assert_eq!(config.ledger_key.given, Some(Secret::File(folder.path().join("key"))));
    write(&path, &file(FINE, "[ledger]\nkey = { file = 'key' }\nkey_file = 'other'"));
    assert!(load(&path).map(drop).unwrap_err().to_string().contains("leave one out"));
}

#[test]
fn relative_paths_begin_at_the_file_s_folder() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("words")).unwrap();
    fs::write(at("adapter"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(at("adapter"), fs::Permissions::from_mode(0o755)).unwrap();
    write(&at("token"), "t0ken");
    let more = "[templates]\nfolder = 'words'\n[ledger]\nkey_file = 'key'\n[providers.s]\nkind = 'ssh'\nca_key_file = 'ca'\n\
                revocation_list = 'krl'\n[providers.x]\nkind = 'exec'\nprogram = 'adapter'\nenvironment = { TOKEN = { file = 'token' } }";
    let text = file(FINE, more).replace("[alarm]", "[alarm]\nheartbeat = 'alive'\nrun = ['./tell', 'us']");
    write(&at("bot.toml"), &text);
    let config = load(&at("bot.toml")).unwrap();
    assert_eq!(config.store.url, format!("sqlite:{}", at("a.db").display()));
    assert_eq!((config.templates, config.heartbeat), (Some(at("words")), Some(at("alive"))));
    assert_eq!(config.ledger_key.file, at("key"));
    assert_eq!(Path::new(&config.alarm_run[0]), at("tell"));
    assert_eq!(config.alarm_run[1], "us");
    let setting = |provider: &str, key: &str| {
        let provider = config.providers.iter().find(|p| p.name.as_str() == provider).unwrap();
        provider.settings[key].clone()
    };
    for (provider, key, name) in [("s", "ca_key_file", "ca"), ("s", "revocation_list", "krl"), ("x", "program", "adapter")] {
        assert_eq!(setting(provider, key).as_str().map(Path::new), Some(at(name).as_path()));
    }
    assert_eq!(setting("x", "environment")["TOKEN"]["file"].as_str().map(Path::new), Some(at("token").as_path()));
}

#[test]
fn what_the_file_refers_to_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.toml");
    write(&path, &file(FINE, "[templates]\nfolder = 'words'\n[providers.x]\nkind = 'exec'\nprogram = 'adapter'"));
    let said = load(&path).map(drop).unwrap_err().to_string().replace(&folder.path().display().to_string(), "");
    insta::assert_snapshot!(said, @r#"
    /bot.toml:28:10: /words is not a folder
    /bot.toml:31:11: /adapter: No such file or directory (os error 2)
    "#);
    load_kept(&path).unwrap();
}

#[test]
fn a_number_in_a_target_that_readers_disagree_about_is_refused_at_its_place() {
    let target = |target: &str| {
        let text = file(FINE, "[providers.x]\nkind = 'exec'\nprogram = '/bin/true'\n").replace("provider = 'p'", "provider = 'x'");
        text.replace("roles = [{ name = 'use' }]", &format!("roles = [{{ name = 'use', target = {{ {target} }} }}]"))
    };
    let all = [
        "ratio = 0.5",
        "ratio = 1.0",
        "ratio = nan",
        "role_id = 1234567890123456789",
        "role_id = -9007199254740992",
        "role_id = 0x20000000000000",
        "role_id = 99999999999999999999",
        "ids = [1, [9007199254740992]]",
        "deep = { er = [{ x = 1e3 }] }",
        "since = 2026-11-20",
    ];
    let all = all.map(|text| refused(&target(text)));
    insta::assert_snapshot!(all.join("\n"), @r"
    bot.toml:26:45: ratio must be a whole number: write it without a point, or in quotes
    bot.toml:26:45: ratio must be a whole number: write it without a point, or in quotes
    bot.toml:26:45: ratio must be a whole number: write it without a point, or in quotes
    bot.toml:26:47: role_id is a number beyond 2^53, which not every program reads alike: write it in quotes
    bot.toml:26:47: role_id is a number beyond 2^53, which not every program reads alike: write it in quotes
    bot.toml:26:47: role_id is a number beyond 2^53, which not every program reads alike: write it in quotes
    bot.toml:26:47: role_id is a number beyond 2^53, which not every program reads alike: write it in quotes
    bot.toml:26:48: ids is a number beyond 2^53, which not every program reads alike: write it in quotes
    bot.toml:26:58: x must be a whole number: write it without a point, or in quotes
    bot.toml:26:45: since is a date: write it in quotes
    ");
    let fine = "role_id = 9007199254740991, hex = 0x1fffffffffffff, least = -9007199254740991, name = '99999999999999999999', ids = [0, 1]";
    let config = parse(&target(fine), "bot.toml").unwrap();
    let role = &config.catalogue.resources.values().next().unwrap().roles[0];
    assert_eq!(role.target["role_id"], 9_007_199_254_740_991_i64);
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("kept"), &target("ratio = 0.5"));
    load_kept(&folder.path().join("kept")).expect("an older one loaded it, and what it gave must end");
}

#[test]
fn people_from_a_chat_that_is_not_there_are_refused_honestly() {
    let all = ["from = 'slack'", "match_email = 'slack'", "from = 'discord'", "from = 'console'", "from = { name = 'From' }"]
        .map(|from| refused(&file(FINE, &format!("[people]\n{from}"))));
    insta::assert_snapshot!(all.join("\n"), @r#"
    bot.toml:28:8: there is no [slack], so nobody can come from there: write [slack], or leave people.from out
    bot.toml:28:15: there is no [slack], so nobody can come from there: write [slack], or leave people.match_email out
    bot.toml:28:8: discord lists its members only to bots with a privileged right, which this one does without: leave people.from out; an account there is joined to a person by /jit link, or written as discord = ".." under [people.NAME]
    bot.toml:28:8: "console" is not a chat whose members could become people: write from = "slack"
    bot.toml:28:1: people.from is the chat whose members become people: write from = "slack". A person cannot have this name
    "#);
}

#[test]
fn a_group_may_be_on_several_chats_at_once() {
    let config: Config =
        parse(&file(FINE, "[groups.g]\nslack = 'S1'\ndiscord = '500000000000000001'\nmembers = ['ana']"), "bot.toml").unwrap();
    let group = config.catalogue.groups.values().next().unwrap();
    assert_eq!(group.chats.keys().copied().collect::<Vec<_>>(), [Platform::Slack, Platform::Discord]);
    assert_eq!(group.members.len(), 1);
}

#[test]
fn a_stage_that_only_its_ladder_saves_is_a_warning_and_one_that_never_can_a_refusal() {
    let ladder = |needed: usize, to: &str| {
        file(
            &format!(
                "may_ask = ['everyone']\nstages = [{{ approvers = ['ben'], needed = {needed}, ladder = [{{ after = '10m', to = ['{to}'] }}] }}]"
            ),
            "",
        )
    };
    insta::assert_snapshot!(warned(&ladder(2, "cleo")), @"bot.toml:21:11: only its ladder brings enough people for this stage, after 10 min at the earliest");
    insta::assert_snapshot!(refused(&ladder(3, "cleo")), @"bot.toml:21:11: 3 needed here, and 2 there, even with the whole ladder: name more people, or ask for fewer");
}

#[test]
fn who_is_needed_to_approve_and_may_ask_is_warned_of_by_name() {
    insta::assert_snapshot!(warned(&file("may_ask = ['everyone']\nstages = [{ approvers = ['ben', 'cleo'], needed = 2 }]", "")), @"bot.toml:21:11: what ben, cleo ask could never be approved: nobody decides their own, and the others are too few");
    insta::assert_snapshot!(
        warned(&file("may_ask = ['ben']\nat_once_up_to = '15m'\nstages = [{ approvers = ['ben'] }]", "")),
        @"bot.toml:22:11: what ben asks for more than 15 min could never be approved: nobody decides their own, and the others are too few"
    );
}

#[test]
fn what_is_allowed_and_hardly_meant_is_warned_of_at_its_place() {
    let text = file(
        "stages = [{ approvers = ['@chat', 'dora', 'ben', 'cleo'], remind_every = '5h', ladder = [{ after = '4h', to = ['ana'] }] }]\nwarn = '1h'",
        "owner = 'dora'\n[people.dora]\nname = 'Dora'\nactive = false\n[people.finn]\nname = 'Finn'\n[groups.chat]\nslack = 'S1'\n\
         [groups.spare]\nmembers = ['ana']\n[providers.spare]\nkind = 'pretend'\n[policies.spare]\ncap = '1h'\ndefault = '1h'\n\
         at_once_up_to = '1h'\nmay_ask = ['ana']",
    );
    let text = text.replace("administrators = ['ben']\n", "").replace("channels = ['console:#ops']\n", "");
    insta::assert_snapshot!(warned(&text), @r#"
    bot.toml:1:1: nobody could settle what cannot be read back: write administrators = [".."]
    bot.toml:3:2: alarms would stand in the log only: write channels = [..] or run = [..]
    bot.toml:15:11: nobody may ask by p: write may_ask = ["everyone"], or name people and groups
    bot.toml:18:11: dora is not active and does not count here
    bot.toml:18:74: the ask closes unanswered before the first reminder: patience is not longer
    bot.toml:18:100: nobody climbs here: the ask closes unanswered before, since patience is not longer
    bot.toml:19:8: warn is as long as the default: the warning comes halfway instead
    bot.toml:20:12: its owner dora is nobody who is active
    bot.toml:20:12: nobody may ask for r
    bot.toml:29:9: no chat knows finn: they can neither ask nor decide until they have console, slack or discord
    bot.toml:31:9: only slack knows who is in chat: whether that is enough people is seen when somebody asks
    bot.toml:32:9: S1 is not reached: there is no [slack]
    bot.toml:33:9: nothing names the group spare
    bot.toml:35:12: no resource uses the provider spare
    bot.toml:37:11: no role uses the policy spare
    "#);
    assert_eq!(warned(&file(FINE, "")), "", "and nothing is said of a file that is fine");
}

#[test]
fn a_card_goes_directly_to_those_who_may_decide_it_and_a_chat_may_know_that_they_may() {
    let stage = |stage: &str, more: &str| file(&format!("may_ask = ['ana']\nstages = [{{ {stage} }}]"), more);
    let group = "[groups.g]\nmembers = ['ben']\n[groups.chat]\nslack = 'S1'\n[people.dora]\nname = 'Dora'\nactive = false\n";
    for direct in ["['ben']", "['@g']", "['cleo', '@g']", "['@chat']", "[]"] {
        let fine = stage(&format!("approvers = ['@g', '@chat'], direct = {direct}, ladder = [{{ after = '10m', to = ['cleo'] }}]"), group);
        let config = parse(&fine, "bot.toml").unwrap();
        assert!(!config.warnings.join("\n").contains("card"), "{direct}: {:?}", config.warnings);
        let policy = config.catalogue.policies.values().next().unwrap();
        assert_eq!(policy.sends_directly(), direct != "[]", "{direct}");
    }
    let all = [
        warned(&stage("approvers = ['@g', '@chat'], direct = ['cleo']", group)),
        warned(&stage("approvers = ['@g'], direct = ['dora']", group)),
        refused(&stage("approvers = ['@g'], direct = ['ben', 'cleo']", group)),
        refused(&stage("approvers = ['ben'], direct = ['@chat']", group)),
    ];
    let about: Vec<&str> =
        all.iter().flat_map(|said| said.lines()).filter(|line| line.contains("card") || line.contains("direct")).collect();
    insta::assert_snapshot!(about.join("\n"), @r"
    bot.toml:21:51: only a chat knows whether cleo may decide here, and so gets the card
    bot.toml:21:42: dora is not active and gets no card
    bot.toml:21:42: direct names cleo, who may not decide here: name some of the approvers or of the ladder
    bot.toml:21:43: direct names @chat, who may not decide here: name some of the approvers or of the ladder
    ");
}
