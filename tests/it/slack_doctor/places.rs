//! Channels: whether the bot can post there, and who else reads.

use super::House;

#[tokio::test]
async fn a_channel_without_the_bot_is_found_with_the_line_that_invites_it() {
    let house = House::new().await;
    house.slack.remove_bot("C0OPS");
    insta::assert_snapshot!(house.findings().await, @r"
    the bot is not in #ops (C0OPS, for alarms)
          write /invite @hallpass in #ops
    ");
}

#[tokio::test]
async fn a_private_channel_without_the_bot_looks_like_none() {
    let house = House::new().await;
    house.slack.remove_bot("C0DBA");
    insta::assert_snapshot!(house.findings().await, @r"
    C0DBA (for prod-db) is not there, or is private and the bot is not in it
          write /invite @hallpass in it; if it is another one: its name at the top, About, the id stands at the end
    ");
}

#[tokio::test]
async fn an_archived_channel_is_found() {
    let house = House::new().await;
    house.slack.archive("C0OPS");
    insta::assert_snapshot!(house.findings().await, @r"
    #ops (C0OPS, for alarms) is archived
          unarchive #ops in Slack, or write another channel
    ");
}

#[tokio::test]
async fn guests_and_strangers_who_read_along_are_found_unless_they_may() {
    let mut house = House::new().await;
    for guest in ["U0G1", "U0G2", "U0G3"] {
        house.slack.guest(guest, "Guest \u{202e}One");
    }
    house.slack.single_channel_guest("U0G4", "Four").stranger("U0EVE", "Eve", "T0THEIRS");
    house.slack.channel("C0OPS", "ops", &["U0BEN", "U0G1", "U0G2", "U0G3", "U0G4", "U0EVE"]);
    insta::assert_snapshot!(house.findings().await, @r#"
    #ops (C0OPS, for alarms) has guests or people of other organisations: Guest One (U0G1), Guest One (U0G2), Guest One (U0G3) and 2 more
          use a channel of your own people, or write shared_channels = ["C0OPS"] under [slack] if they may read who asks for what
    "#);
    house.change("[slack]\n", "[slack]\nshared_channels = ['C0OPS']\n");
    assert_eq!(house.findings().await, "");
    assert!(house.said("ok").await.contains("#ops (C0OPS, for alarms): the bot is in it; it may be shared"));
}

#[tokio::test]
async fn a_channel_that_is_shared_with_another_organisation_is_found_unless_it_may_be() {
    let mut house = House::new().await;
    house.slack.share("C0DBA", "T0THEIRS");
    insta::assert_snapshot!(house.findings().await, @r#"
    #dba (C0DBA, for prod-db) is shared with another organisation, T0THEIRS
          use a channel of your own people, or write shared_channels = ["C0DBA"] under [slack] if they may read who asks for what
    "#);
    house.change("[slack]\n", "[slack]\nshared_channels = ['C0DBA']\n");
    assert_eq!(house.findings().await, "");
}

#[tokio::test]
async fn of_a_large_channel_the_first_people_are_looked_at_and_that_is_said() {
    let house = House::new().await;
    let many: Vec<String> = (0..201).map(|number| format!("U0M{number}")).collect();
    for id in &many {
        house.slack.person(id, "Member");
    }
    house.slack.channel("C0OPS", "ops", &many.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(house.said("note").await, "#ops (C0OPS, for alarms) is large: its first 200 people were looked at");
}

#[tokio::test]
async fn more_accounts_than_can_be_looked_at_are_counted() {
    let mut house = House::new().await;
    for channel in 0..3 {
        let many: Vec<String> = (0..190).map(|number| format!("U0M{channel}X{number}")).collect();
        for id in &many {
            house.slack.person(id, "Member");
        }
        house.slack.channel(&format!("C0BIG{channel}"), "big", &many.iter().map(String::as_str).collect::<Vec<_>>());
    }
    house.change("'slack:C0DBA'", "'slack:C0BIG0', 'slack:C0BIG1', 'slack:C0BIG2'");
    insta::assert_snapshot!(house.said("note").await, @"500 accounts were looked at, and 74 were not");
}
