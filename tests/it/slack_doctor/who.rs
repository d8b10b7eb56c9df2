//! People and user groups.

use super::House;

const SCOPES_WITH_ADDRESSES: [&str; 10] = [
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
];

#[tokio::test]
async fn a_person_who_cannot_act_in_slack_is_found() {
    let mut house = House::new().await;
    house.slack.person("U0DORA", "Dora").guest("U0FINN", "Finn").bot("U0ROBOT").deactivate("U0DORA");
    house.add("[people.dora]\nname = 'Dora'\nslack = 'U0DORA'\n[people.finn]\nname = 'Finn'\nslack = 'U0FINN'\n");
    house.add("[people.robot]\nname = 'Robot'\nslack = 'U0ROBOT'\n[people.gone]\nname = 'Gone'\nslack = 'U0GONE'\n");
    insta::assert_snapshot!(house.findings().await, @r"
    dora (U0DORA) is deactivated in Slack
          write active = false under [people.dora]: what they hold ends
    finn (U0FINN) is a guest in Slack, who can neither ask nor decide
          make them a full member, or take slack out of their table
    gone: there is no account U0GONE in Slack
          open their profile in Slack, the three dots, Copy member ID; write it under [people.gone]
    robot (U0ROBOT) is a bot in Slack, which can neither ask nor decide
          write the id of a person
    ");
}

#[tokio::test]
async fn who_is_not_active_in_the_file_is_not_looked_at() {
    let mut house = House::new().await;
    house.add("[people.gone]\nname = 'Gone'\nslack = 'U0GONE'\nactive = false\n");
    assert_eq!(house.findings().await, "");
}

#[tokio::test]
async fn somebody_of_another_organisation_is_written_with_their_team() {
    let mut house = House::new().await;
    house.slack.stranger("U0EVE", "Eve Stone", "T0THEIRS");
    house.add("[people.eve]\nname = 'Eve'\nslack = 'U0EVE'\n");
    insta::assert_snapshot!(house.findings().await, @r#"
    eve (U0EVE) is of another organisation, T0THEIRS
          write slack = "T0THEIRS/U0EVE" under [people.eve], and T0THEIRS in slack.tenants
    "#);
    house.change("'U0EVE'", "'T0WRONG/U0EVE'").change("[slack]\n", "[slack]\ntenants = ['T0THEIRS', 'T0WRONG']\n");
    insta::assert_snapshot!(house.findings().await, @r#"
    eve (T0WRONG/U0EVE) is of T0THEIRS
          write slack = "T0THEIRS/U0EVE" under [people.eve]
    "#);
    house.change("T0WRONG/U0EVE", "T0THEIRS/U0EVE");
    assert_eq!(house.findings().await, "");
}

#[tokio::test]
async fn a_group_that_cannot_decide_is_found() {
    let mut house = House::new().await;
    house.change("'S0SRE'", "'S0GONE'");
    let mut all = vec![house.findings().await];
    house.change("'S0GONE'", "'S0SRE'");
    house.slack.group("S0SRE", "sre", &[]);
    all.push(house.findings().await);
    house.slack.person("U0DORA", "Dora").deactivate("U0DORA").group("S0SRE", "sre", &["U0DORA"]);
    all.push(house.findings().await);
    house.slack.group("S0SRE", "sre", &["U0CLEO"]);
    all.push(house.findings().await);
    house.slack.disable_group("S0SRE");
    all.push(house.findings().await);
    insta::assert_snapshot!(all.join("\n"), @r#"
    group sre: there is no user group S0GONE
          open it in Slack under Directories, User groups; the three dots have Copy group ID
    group sre: @sre (S0SRE) has no active member
          add people to it in Slack under Directories, User groups
    group sre: @sre (S0SRE) has no active member
          add people to it in Slack under Directories, User groups
    group sre: @sre (S0SRE): none of its members is a person of this file
          write [people.NAME] with slack = "U0123" for each who is to decide, or [people] with from = "slack"
    group sre: @sre (S0SRE) is disabled
          enable it in Slack under Directories, User groups, or name another one
    "#);
}

#[tokio::test]
async fn members_of_a_group_are_people_of_the_file_by_their_confirmed_address_too() {
    let mut house = House::new().await;
    house.slack.group("S0SRE", "sre", &["U0CLEO"]).email("U0CLEO", "Cleo@example.org", true);
    house.slack.grant_scopes(&SCOPES_WITH_ADDRESSES);
    house.change("[people.ana]", "[people]\nmatch_email = 'slack'\n[people.cleo]\nname = 'Cleo'\nemail = 'cleo@example.org'\n[people.ana]");
    assert_eq!(house.findings().await, "");
    assert!(house.said("ok").await.contains("group sre: @sre (S0SRE): active members: 1; people of this file: 1"));
    house.slack.email("U0CLEO", "cleo@example.org", false);
    assert!(
        house.findings().await.contains("none of its members is a person of this file"),
        "an address that nobody confirmed is nobody's"
    );
}
