//! bot.toml: the example is true, and what is wrong is refused at its place.

use hallpass::config::parse;

const EXAMPLE: &str = include_str!("../../bot.toml.example");

fn refused(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    parse(&EXAMPLE.replacen(from, to, 1), "bot.toml").map(|_| ()).unwrap_err().to_string()
}

#[test]
fn the_example_loads() {
    let config = parse(EXAMPLE, "bot.toml.example").unwrap();
    assert_eq!(config.catalogue.resources.len(), 1);
    assert!(config.catalogue.digest.starts_with("sha256:"));
}

#[test]
fn an_unknown_key_is_refused_at_its_line() {
    insta::assert_snapshot!(
        refused("grant_within", "grant_witin"),
        @"bot.toml:48:1: unknown field `grant_witin`, expected one of `cap`, `default`, `extend_to`, `grace`, `grant_within`, `patience`, `warn`, `reason_min_chars`, `ticket`, `may_ask`, `on_behalf_of`, `at_once_up_to`, `stages`"
    );
}

#[test]
fn impossible_policies_are_refused() {
    let all = [
        refused("default = \"30m\"", "default = \"5h\""),
        refused("grace = \"0\"", "grace = \"11m\""),
        refused("needed = 1", "needed = 3"),
        refused("needed = 1", "needed = 0"),
        refused("[\"@host-leads\"]", "[\"@host-lead\"]"),
        refused("[\"@host-leads\"]", "[\"everyone\"]"),
        refused("remind_every = \"30m\"", "remind_every = \"0\""),
        refused("owner = \"eve\"", "owner = \"everyone\""),
        refused("{ticket}", "ticket"),
        refused("provider = \"hosts\"", "provider = \"host\""),
        refused("console:#host-approvers", "#host-approvers"),
        refused("console = \"ben\"", "console = \"ana\""),
        refused("time_zone = \"UTC\"", "time_zone = \"Mars\""),
        refused("cap = \"4h\"", "cap = \"4 hours and a bit\""),
    ];
    insta::assert_snapshot!(all.join("\n"), @r##"
    bot.toml:43:1: default is longer than the cap
    bot.toml:43:1: grace is at most 10m
    bot.toml:43:1: there are too few different people for all its stages together
    bot.toml:43:1: a stage has approvers, and needs at least one of them
    bot.toml:43:1: "@host-lead" is neither a person nor a group; did you mean "host-leads"?
    bot.toml:43:1: "everyone" may ask, never decide: name people or groups
    bot.toml:43:1: remind_every cannot be zero
    bot.toml:58:1: "everyone" may ask, never decide: name people or groups
    bot.toml:43:1: ticket.link needs {ticket} where the ticket's name goes
    bot.toml:58:1: there is no provider "host"
    bot.toml:58:1: "#host-approvers" is not a channel: write console:#name, slack:C0123 or discord:123
    bot.toml:58:1: a resource has at least one channel and one role
    bot.toml:26:1: console id "ana" belongs to ana already: one person, one id
    bot.toml:2:1: "Mars" is not a time zone such as Europe/Berlin
    bot.toml:44:7: "4 hours and a bit" is not a length such as 30m or 1h30m: a number is missing before "and a bit"
    "##);
}

#[test]
fn the_first_bot_toml_of_the_readme_loads() {
    let readme = include_str!("../../README.md");
    let first = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(first.lines().count() < 25);
    parse(first, "bot.toml").unwrap();
}

#[tokio::test]
async fn a_file_that_would_lose_what_is_held_is_refused() {
    use hallpass::cli::run::still_reaches;
    let file = |kind: &str, role: &str, store: &str| {
        let text = format!(
            "[store]\nurl = '{store}'\n[people.ben]\nname = 'Ben'\n[providers.{kind}]\nkind = 'ssh'\nca_key_file = 'ca'\n\
             revocation_list = 'krl'\n[policies.p]\ncap = '4h'\ndefault = '1h'\nstages = [{{ approvers = ['ben'] }}]\n\
             [resources.prod-db]\nprovider = '{kind}'\nchannels = ['console:#a']\npolicy = 'p'\nroles = [{{ name = '{role}' }}]"
        );
        parse(&text, "bot.toml").unwrap()
    };
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
    let mut moved = before.clone();
    moved.providers[0].settings.insert("revocation_list".into(), "elsewhere".into());
    assert!(refused(moved).await.contains("before changing the provider's settings"));
}
