//! Who people are in Slack: guests, bots, strangers and closed accounts are nobody who may do anything; members, addresses, codes
//! and organisations as configured.

use hallpass::{
    bot::{Answer, Body, Incoming},
    domain::{
        members::Rules,
        policy::{Catalogue, Platform, Who},
        time::Span,
    },
};

use super::{CARDS, House, TALK, Way, attacks::ASK, rules, workspace};
use crate::fakes::slack::{Slack, reading::text_of};

/// Accounts that are no full members of this workspace, each joined to somebody who could approve.
const NOBODIES: [&str; 5] = ["U9GUEST", "U9SINGLE", "U9BOT", "U9GONE", "U9STRANGER"];

fn strangers(slack: &Slack) {
    slack.guest("U9GUEST", "Gil Guest").single_channel_guest("U9SINGLE", "Sid Single").bot("U9BOT");
    slack.person("U9GONE", "Gus Gone").deactivate("U9GONE");
    slack.stranger("U9STRANGER", "Sven Strange", "T9OTHER");
}

/// Dora, who may approve and is in every group, by this account.
fn dora_as(account: &str) -> Catalogue {
    let mut rules = rules();
    let dora = rules.people.get_mut(&"dora".parse().unwrap()).unwrap();
    dora.identities = [(Platform::Slack, account.to_owned())].into();
    rules
}

impl House {
    /// A private "no" to each button, to a typed line, and to the form; and nothing changed.
    async fn can_do_nothing(&self, account: &str, why: &str) {
        // Slack says of a command which workspace it was typed in, not whose member typed it.
        let typed = if account == "U9STRANGER" { "I don't know who you are here yet" } else { why };
        let card = self.card();
        for action in ["approve", "looking"] {
            let told = self.press(account, action).await;
            assert!(told.contains(why), "{account} {action}: {told}");
        }
        for action in ["deny", "less", "pass"] {
            self.press(account, action).await;
            let page = self.page(account);
            assert!(page.contains(why) && !page.contains("Cancel"), "{account} {action}: {page}");
            drop(self.slack.close(account).await);
        }
        let told = self.say(account, "request prod-db read 1h Look at the orders").await;
        assert!(told.contains(typed), "{account} types: {told}");
        self.opens(account).await;
        assert!(self.page(account).contains(typed), "{account} /jit: {}", self.page(account));
        assert_eq!(text_of(&self.card()), text_of(&card), "{account}");
        assert_eq!(self.slack.messages(CARDS).len(), 1, "{account}");
        assert!(!self.holds("ana", "write"), "{account}");
    }

    async fn recorded(&self) -> String {
        let entries = self.store.entries("bot", 0, 1000).await.unwrap();
        entries.iter().map(|entry| String::from_utf8_lossy(&entry.bytes).into_owned() + "\n").collect()
    }
}

#[tokio::test]
async fn guests_bots_closed_accounts_and_strangers_can_do_nothing_though_they_stand_in_bot_toml() {
    for account in NOBODIES {
        let slack = workspace().await;
        strangers(&slack);
        // A stranger is known with their team, so that no id of another workspace is taken for one of ours.
        let known = if account == "U9STRANGER" { "T9OTHER/U9STRANGER" } else { account };
        slack.group("S0LEADS", "db-leads", &["U0BEN", account]);
        let house = House::with(Way::Http, slack, dora_as(known)).await;
        house.say("U0ANA", ASK).await;
        house.can_do_nothing(account, "This account is not a full member here").await;
        let recorded = house.recorded().await;
        assert!(recorded.contains("inactive") && recorded.contains("dora"), "{account}: {recorded}");
    }
}

#[tokio::test]
async fn whoever_nobody_knows_can_do_nothing_and_it_is_recorded() {
    let slack = workspace().await;
    strangers(&slack);
    let house = House::with(Way::Sockets, slack, rules()).await;
    house.say("U0ANA", ASK).await;
    for account in NOBODIES {
        house.can_do_nothing(account, "I don't know who you are here yet").await;
    }
    let recorded = house.recorded().await;
    for account in ["U9GUEST", "T9OTHER/U9STRANGER"] {
        assert!(recorded.contains(account), "{account}: {recorded}");
    }
}

#[tokio::test]
async fn people_of_a_tenant_that_is_named_may() {
    let slack = workspace().await;
    slack.stranger("U9STRANGER", "Sven Strange", "T9OTHER").channel(CARDS, "approvals", &["U0ANA", "U0BEN", "U9STRANGER"]);
    let mut rules = dora_as("T9OTHER/U9STRANGER");
    // A group of Slack's holds nobody of another workspace.
    let stages = &mut rules.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages;
    stages[0].approvers.push(Who::Person("dora".parse().unwrap()));
    let house = House::in_tenants(Way::Http, slack, rules, &["T9OTHER"]).await;
    house.say("U0ANA", ASK).await;
    let told = house.press("U9STRANGER", "approve").await;
    assert!(told.contains("Your approval counts"), "{told}");
    assert!(house.holds("ana", "write"));
}

#[tokio::test]
async fn in_an_organisation_people_of_every_workspace_of_it_ask_and_decide() {
    for way in [Way::Http, Way::Sockets] {
        let slack = workspace().await;
        slack.org("E0HOME").sibling("U0FAR", "Fay Far", "T0BRANCH");
        slack.group("S0LEADS", "db-leads", &["U0BEN", "U0FAR"]);
        let house = House::with(way, slack, dora_as("U0FAR")).await;
        house.say("U0ANA", ASK).await;
        let told = house.press("U0FAR", "approve").await;
        assert!(told.contains("Your approval counts"), "{told}");
        assert!(house.holds("ana", "write"));
        house.opens("U0FAR").await;
        assert!(house.page("U0FAR").contains("What do you need?"), "{}", house.page("U0FAR"));
        house.assert_nothing_refused();
    }
}

fn members(people_from: bool, match_email: bool) -> Catalogue {
    let from = |on: bool| on.then_some(Platform::Slack);
    let mut rules = rules();
    rules.members = Rules { people_from: from(people_from), match_email: from(match_email) };
    rules
}

#[tokio::test]
async fn every_full_member_is_a_person_where_people_come_from_slack_however_many_pages_they_fill() {
    let slack = workspace().await;
    for n in 0..1_100 {
        slack.person(&format!("U1{n:05}"), &format!("Member {n}"));
    }
    strangers(&slack);
    let house = House::with(Way::Http, slack, members(true, false)).await;
    house.bot.read_roster().await.unwrap();
    assert!(house.slack.calls_of("users.list").len() >= 3, "pages of 500");
    for account in ["U100000", "U101099"] {
        let told = house.say(account, "request prod-db read 1h Look at the orders").await;
        assert!(told.starts_with("Asked. Member "), "{account}: {told}");
        house.advance(Span::from_seconds(2)).await;
    }
    house.slack.person("U200000", "Nora New");
    assert!(house.say("U200000", "request prod-db read 1h Look at the orders").await.starts_with("Asked. Nora New"), "who came just now");
    for account in NOBODIES {
        let told = house.say(account, "request prod-db read 1h Look at the orders").await;
        assert!(told.contains("I don't know who you are here yet"), "{account}: {told}");
    }
    house.assert_nothing_refused();
}

#[tokio::test]
async fn an_address_that_slack_confirmed_says_who_somebody_is_and_no_other_does() {
    let slack = workspace().await;
    slack.person("U3MAIL", "A. Reyes").email("U3MAIL", "ana@example.org", true);
    slack.person("U3FALSE", "Ana Reyes").email("U3FALSE", "ben@example.org", false);
    slack.grant_scopes(&[
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "groups:history",
        "groups:read",
        "im:write",
        "usergroups:read",
        "users:read",
        "users:read.email",
    ]);
    let mut rules = members(false, true);
    for (person, address) in [("ana", "Ana@Example.org"), ("ben", "ben@example.org")] {
        let person = rules.people.get_mut(&person.parse().unwrap()).unwrap();
        person.email = Some(address.to_owned());
        person.identities.clear();
    }
    let house = House::with(Way::Http, slack, rules).await;
    house.bot.read_roster().await.unwrap();
    assert!(house.say("U3MAIL", ASK).await.starts_with("Asked. Ana Reyes asks for write"));
    assert!(house.press("U3FALSE", "approve").await.contains("I don't know who you are here yet"));
    assert!(!house.holds("ana", "write"));
}

#[tokio::test]
async fn a_code_from_another_door_joins_an_account_of_slack() {
    let house = House::with(Way::Http, workspace().await, {
        let mut rules = rules();
        let ana = rules.people.get_mut(&"ana".parse().unwrap()).unwrap();
        ana.identities = [(Platform::Console, "ana".to_owned())].into();
        rules
    })
    .await;
    assert!(house.say("U0ANA", ASK).await.contains("bring the code here: /jit link CODE"));
    let line = Incoming {
        platform: Platform::Console,
        user: "ana".into(),
        interaction: "link".into(),
        body: Body::Line { text: "/jit link".into() },
    };
    let Some(Answer::Said { name: "link", data }) = house.bot.take(&line).await.unwrap() else { panic!("no code") };
    let told = house.say("U0ANA", &format!("link {}", data["code"].as_str().unwrap())).await;
    assert!(told.starts_with("This account is Ana Reyes now"), "{told}");
    assert!(house.say("U0ANA", ASK).await.starts_with("Asked. Ana Reyes asks for write"));
    assert!(house.slack.ephemerals("U0ANA").iter().all(|said| said["channel"] == TALK || said["channel"].is_null()));
}
