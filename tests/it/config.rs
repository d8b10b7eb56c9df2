//! bot.toml: the example is true, and what is wrong is refused at its place.

use hallpass::{
    cli::run::still_reaches,
    config::{Config, parse},
    domain::{digest::Rules, entitlement::Ownership, time::Span},
    provider::{
        FaultKind,
        pretend::{Pretend, Temper},
    },
};

const EXAMPLE: &str = include_str!("../../bot.toml.example");

#[test]
fn the_example_loads() {
    let config = parse(EXAMPLE, "bot.toml.example").unwrap();
    assert_eq!(config.catalogue.resources.len(), 1);
    assert!(config.catalogue.digest.starts_with("sha256:"));
    assert_eq!(config.warnings, Vec::<String>::new());
}

/// One value of the example changed. `‸` stands before what the refusal must point at; what it says there is returned.
fn refused_at(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    let marked = EXAMPLE.replacen(from, to, 1);
    let before = &marked[..marked.find('‸').unwrap()];
    let at = format!("bot.toml:{}:{}: ", before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap().chars().count() + 1);
    let said = parse(&marked.replace('‸', ""), "bot.toml").map(|_| ()).unwrap_err().to_string();
    let line = said.lines().find_map(|line| line.strip_prefix(&at));
    line.unwrap_or_else(|| panic!("nothing at {at}in\n{said}")).to_owned()
}

#[test]
fn an_unknown_key_is_refused_at_its_place_with_the_nearest_one() {
    let all = [
        refused_at("grant_within", "‸grant_witin"),
        refused_at("[alarm]", "[‸alrm]\n[alarm]"),
        refused_at("needed = 1", "‸neded = 1"),
        refused_at("ca_key_file", "‸ca_key_fiel"),
        refused_at("login = \"ops\"", "‸logn = \"ops\""),
        refused_at("url = \"sqlite:hallpass.db\"", "url = \"sqlite:a\"\n‸zebra = 1"),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    unknown key "grant_witin"; did you mean "grant_within"?
    unknown key "alrm"; did you mean "alarm"?
    unknown key "neded"; did you mean "needed"?
    unknown key "ca_key_fiel"; did you mean "ca_key_file"?
    unknown key "logn"; did you mean "login"?
    unknown key "zebra"; known here: password, url
    "#);
}

#[test]
fn impossible_policies_are_refused_at_the_very_value() {
    let all = [
        refused_at("default = \"30m\"", "default = ‸\"5h\""),
        refused_at("grace = \"0\"", "grace = ‸\"11m\""),
        refused_at("needed = 1", "needed = ‸0"),
        refused_at("stages = [{", "stages = [‸{ approvers = [\"ben\"], needed = 2 }, {"),
        refused_at(
            "{ approvers = [\"@host-leads\"]",
            "‸{ approvers = [\"ben\"] }, { approvers = [\"ben\"] }, { approvers = [\"@host-leads\"]",
        ),
        refused_at("[\"@host-leads\"]", "[‸\"@host-lead\"]"),
        refused_at("[\"@host-leads\"]", "[\"ana\", ‸\"everyone\"]"),
        refused_at("[\"@host-leads\"]", "[\"ben\", ‸\"@ben\"]"),
        refused_at("[\"@host-leads\"]", "[\"@host-leads\"], direct = ‸[\"ana\"]"),
        refused_at("[\"@host-leads\"]", "[\"@host-leads\"], direct = [‸\"everyone\"]"),
        refused_at("remind_every = \"30m\"", "remind_every = ‸\"0\""),
        refused_at(
            "ladder = [{ after = \"10m\", to = [\"eve\"] }",
            "ladder = [{ after = \"10m\", to = [\"eve\"] }, { after = ‸\"5m\", to = [\"ana\"] }",
        ),
        refused_at("owner = \"eve\"", "owner = ‸\"everyone\""),
        refused_at("link = \"https://tickets.example.org/{ticket}\"", "link = ‸\"https://tickets.example.org/ticket\""),
        refused_at("may_ask = [\"everyone\"]", "may_ask = [‸\"bne\"]"),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    default is longer than the cap: write at most 4 h
    grace is at most "10m"
    needed must be a number from 1 to 20
    2 needed here, and 1 there, even with the whole ladder: name more people, or ask for fewer
    there are too few different people for all stages together: each person counts once
    "@host-lead" is neither a person nor a group; did you mean "host-leads"?
    "everyone" may ask, never decide: name people or groups
    "@ben" stands here twice: once is enough
    direct names ana, who may not decide here: name some of the approvers or of the ladder
    "everyone" may ask, never decide: name people or groups
    remind_every cannot be zero: write a length such as "30m", or leave it out
    a ladder's rungs come later and later: write a longer time than the rung before
    "everyone" may ask, never decide: name people or groups
    link needs {ticket} where the ticket's name goes: "https://tickets.example.org/{ticket}"
    "bne" is neither a person nor a group; did you mean "ben"?
    "#);
}

#[test]
fn what_is_no_name_title_place_or_length_is_refused_with_what_to_write_instead() {
    let all = [
        refused_at("provider = \"hosts\"", "provider = ‸\"host\""),
        refused_at("policy = \"hosts\"\n", "policy = ‸\"hots\"\n"),
        refused_at("[\"console:#host-approvers\"]", "[‸\"#host-approvers\"]"),
        refused_at("[\"console:#host-approvers\"]", "‸[]"),
        refused_at("console = \"ben\"", "console = ‸\"ana\""),
        refused_at("time_zone = \"UTC\"", "time_zone = ‸\"Europe/Berln\""),
        refused_at("cap = \"4h\"", "cap = ‸\"4 hours and a bit\""),
        refused_at("cap = \"4h\"", "cap = ‸4"),
        refused_at("[policies.hosts]\ncap = \"4h\"", "[policies.‸hosts]\n"),
        refused_at("name = \"Ben Okafor\"", "name = ‸\" \""),
        refused_at("name = \"Ben Okafor\"", "name = ‸\"Ben \\u202e Okafor\""),
        refused_at("name = \"Ben Okafor\"", &format!("name = ‸\"{}\"", "x".repeat(121))),
        refused_at("[people.ben]", "[people.‸Ben]"),
        refused_at("[groups.host-leads]", "[groups.‸ben]\nmembers = [\"ana\"]\n[groups.host-leads]"),
        refused_at("members = [\"ben\", \"eve\"]", "members = [\"ben\", \"eve\", ‸\"eve\"]"),
        refused_at("kind = \"ssh\"", "kind = ‸\"shs\""),
        refused_at("principals = [\"bastion:login\"]", "principals = ‸7"),
        refused_at("roles = [{ name = \"login\"", "roles = [{ name = \"login\" }, { name = ‸\"login\""),
    ];
    insta::assert_snapshot!(all.join("\n"), @r##"
    there is no provider "host"; did you mean "hosts"?
    there is no policy "hots"; did you mean "hosts"?
    "#host-approvers" is not a channel: write console:#name, slack:C0123 or discord:123456789012345678
    its cards need a place: write channels = ["console:#name"], slack:C0123 or discord:123456789012345678
    console id "ana" belongs to ana already: one person, one id
    "Europe/Berln" is not a time zone such as Europe/Berlin; did you mean "Europe/Berlin"?
    "4 hours and a bit" is not a length such as 30m or 1h30m: a number is missing before "and a bit"
    cap must be a length in quotes, such as "30m" or "1h30m"
    cap is missing: write cap = "4h"
    name: it is empty: leave the key out, or write something
    name: it has the invisible character U+202E: take it out
    name: it is longer than 120 characters
    "Ben" cannot be the name of a person: only a-z, 0-9, '.', '_' and '-' are allowed, starting with a letter or digit
    "ben" is taken: people and groups share their names, and everyone is everybody
    "eve" stands here twice: once is enough
    "shs" is not a kind of provider: ssh, exec, webhook, postgresql, pretend; did you mean "ssh"?
    expected a list
    role "login" is there twice: each has a name of its own
    "##);
}

#[test]
fn all_problems_of_a_file_are_told_at_once_in_its_order() {
    let text = "colour = 1\n[store]\nurl = 'sqlite:a'\n[people.ana]\nage = 3\n[policies.p]\ncap = '1h'\ndefault = '2h'\n\
                [resources.r]\nprovider = 'x'\nchannels = []\nroles = []\n";
    let said = parse(text, "/etc/hallpass/bot.toml").unwrap_err().to_string();
    insta::assert_snapshot!(said, @r#"
    /etc/hallpass/bot.toml:1:1: unknown key "colour"; known here: store, slack, discord, people, groups, policies, resources, providers, administrators, auditors, time_zone, ledger, alarm, digest, templates
    /etc/hallpass/bot.toml:4:9: name is missing: write name = "Ana Reyes"
    /etc/hallpass/bot.toml:5:1: unknown key "age"; known here: console, slack, discord, name, email, time_zone, active, logins
    /etc/hallpass/bot.toml:6:11: nobody would approve: write stages = [{ approvers = [".."] }], or at_once_up_to equal to the cap
    /etc/hallpass/bot.toml:8:11: default is longer than the cap: write at most 1 h
    /etc/hallpass/bot.toml:10:12: there is no provider "x"
    /etc/hallpass/bot.toml:11:12: its cards need a place: write channels = ["console:#name"], slack:C0123 or discord:123456789012345678
    /etc/hallpass/bot.toml:12:9: a resource has at least one role: write roles = [{ name = ".." }]
    "#);
}

#[test]
fn what_is_wrong_with_the_digest_is_refused_at_its_place() {
    let all = [
        refused_at("at = \"09:00\"", "at = ‸\"9 o'clock\""),
        refused_at("at = \"09:00\"", "at = ‸\"24:00\""),
        refused_at("# time_zone = \"Europe/Berlin\"", "time_zone = ‸\"Europe/Berln\""),
        refused_at("weekdays_only = false", "weekdays_only = ‸\"yes\""),
        refused_at("may_read = []", "may_read = [‸\"gus\"]"),
        refused_at("may_read = []", "may_read = [‸\"everyone\"]"),
        refused_at("most_percent = 70", "most_percent = ‸101"),
        refused_at("fast = \"3s\"", "fast = ‸3"),
        refused_at("fast = \"3s\"", "fast = ‸\"3m\""),
        refused_at("pair_days = 30", "‸pair_day = 30"),
        refused_at("[digest]\nchannels = [\"console:#ops\"]", "[digest]\nchannels = [‸\"#ops\"]"),
        refused_at("[digest]", "[digest]\n‸channel = 1"),
    ];
    insta::assert_snapshot!(all.join("\n"), @r##"
    "9 o'clock" is not a time of the day such as "09:00" or "17:30"
    "24:00" is not a time of the day such as "09:00" or "17:30"
    "Europe/Berln" is not a time zone such as Europe/Berlin; did you mean "Europe/Berlin"?
    weekdays_only must be true or false
    "gus" is neither a person nor a group
    the digest tells what everybody did: name the people or groups who may read it
    most_percent must be a number from 1 to 100
    fast must be a text in quotes
    fast is a number of seconds in quotes up to "3600s", such as "3s"
    unknown key "pair_day"; did you mean "pair_days"?
    "#ops" is not a channel: write console:#name, slack:C0123 or discord:123456789012345678
    unknown key "channel"; did you mean "channels"?
    "##);
}

#[test]
fn the_digest_of_the_example_is_the_default_one_and_has_the_files_zone() {
    let (given, rules) = (parse(EXAMPLE, "bot.toml").unwrap().catalogue.digests.unwrap(), Rules::default());
    assert_eq!(given, Rules { channels: given.channels.clone(), ..rules });
    let there = EXAMPLE.replacen("time_zone = \"UTC\"", "time_zone = \"Europe/Berlin\"", 1);
    assert_eq!(parse(&there, "bot.toml").unwrap().catalogue.digests.unwrap().schedule.zone, chrono_tz::Europe::Berlin);
    let none = EXAMPLE.replacen("channels = [\"console:#ops\"]             # where the digest", "# where the digest", 1);
    let warned = parse(&none, "bot.toml").unwrap().warnings.join("\n");
    assert!(warned.contains("no digest would be posted, only read with /jit digest"), "{warned}");
}

#[test]
fn a_file_that_is_no_toml_is_refused_at_each_place() {
    insta::assert_snapshot!(parse("[store\nurl = \n", "bot.toml").unwrap_err().to_string(), @"bot.toml:1:7: unclosed table, expected `]`");
}

#[test]
fn the_first_bot_toml_of_the_readme_loads_without_a_warning() {
    let readme = include_str!("../../README.md");
    let first = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(first.lines().count() < 25);
    assert_eq!(parse(first, "bot.toml").unwrap().warnings, Vec::<String>::new());
}

fn file(kind: &str, role: &str, store: &str) -> Config {
    let text = format!(
        "[store]\nurl = '{store}'\n[people.ben]\nname = 'Ben'\n[providers.{kind}]\nkind = 'ssh'\nca_key_file = 'ca'\n\
         revocation_list = 'krl'\n[policies.p]\ncap = '4h'\ndefault = '1h'\nstages = [{{ approvers = ['ben'] }}]\n\
         [resources.prod-db]\nprovider = '{kind}'\nchannels = ['console:#a']\npolicy = 'p'\nroles = [{{ name = '{role}' }}]"
    );
    parse(&text, "bot.toml").unwrap()
}

/// The same with other settings of its provider: it may be another system.
fn moved(before: &Config) -> Config {
    let mut moved = before.clone();
    moved.providers[0].settings.insert("revocation_list".into(), "elsewhere".into());
    moved
}

#[tokio::test]
async fn a_file_that_would_lose_what_is_held_is_refused() {
    let world = crate::world::World::new().await;
    world.say("ana", "/jit request prod-db write 1h Unblock the stuck import").await;
    let id = world.newest().await;
    let before = file("pretended", "write", "sqlite:a");
    let another = file("other", "write", "sqlite:a");
    still_reaches(&world.store, &before, &another).await.unwrap();
    world.press("ben", "approve", &id, None).await;
    still_reaches(&world.store, &before, &before).await.unwrap();
    let refused = async |after| still_reaches(&world.store, &before, &after).await.unwrap_err().to_string();
    assert!(refused(another).await.contains("before removing the provider"));
    assert!(refused(file("pretended", "read", "sqlite:a")).await.contains("is still held"));
    assert!(refused(file("pretended", "write", "sqlite:b")).await.contains("the store is another one"));
    assert!(refused(moved(&before)).await.contains("before changing the provider's settings"));
}

#[tokio::test]
async fn a_file_that_would_lose_what_an_end_left_is_refused_until_it_is_gone_or_settled() {
    let world = crate::world::World::new().await;
    let id = crate::outage::granted(&world).await;
    world.pretend.set_temper(Temper { leaves: vec!["table scratch".into()], ..Temper::default() });
    world.advance(Span::from_minutes(60)).await;
    assert!(!world.state(&id).await.is_open());
    let before = file("pretended", "write", "sqlite:a");
    let refused = async |after| still_reaches(&world.store, &before, &after).await.unwrap_err().to_string();
    assert_eq!(
        refused(file("other", "write", "sqlite:a")).await,
        format!("provider pretended still has to clean up after {id}: let it, or settle that, before removing the provider")
    );
    assert!(refused(moved(&before)).await.ends_with("before changing the provider's settings"));
    still_reaches(&world.store, &before, &file("pretended", "read", "sqlite:a")).await.unwrap();
    world.done("eve", &format!("/jit settle {id} kept for the audit")).await;
    still_reaches(&world.store, &before, &moved(&before)).await.unwrap();
    still_reaches(&world.store, &before, &file("other", "write", "sqlite:a")).await.unwrap();
}

/// Else the other system would be asked whether it is gone, and would say so.
#[tokio::test]
async fn a_file_that_would_lose_what_is_open_again_after_its_end_is_refused_until_somebody_settles_it() {
    let folder = tempfile::tempdir().unwrap();
    let pretend = Pretend::new(Ownership::PerGrant).telling();
    let world = crate::world::World::with_provider(&crate::store_suite::file(&folder), pretend).await;
    let id = crate::outage::granted(&world).await;
    let object = world.pretend.held().into_iter().next().unwrap().1;
    world.advance(Span::from_minutes(60)).await;
    world.pretend.set("write", &object, true);
    world.pretend.set_temper(Temper { fails: Some((FaultKind::Transient, "no such host".into())), ..Temper::default() });
    world.advance(Span::from_minutes(6)).await;
    world.advance(Span::from_seconds(20)).await;
    let before = file("pretended", "write", "sqlite:a");
    let refused = still_reaches(&world.store, &before, &moved(&before)).await.unwrap_err().to_string();
    assert!(refused.contains(&format!("still has to clean up after {id}")), "{refused}");
    world.done("eve", &format!("/jit settle {id} that server is no more")).await;
    world.advance(Span::from_minutes(2)).await;
    still_reaches(&world.store, &before, &moved(&before)).await.unwrap();
}
