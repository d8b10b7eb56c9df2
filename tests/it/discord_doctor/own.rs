//! What the file itself says, before Discord is asked.

use super::{GUILD, House, SRE};

#[tokio::test]
async fn the_role_of_everybody_is_refused_with_the_file() {
    let mut house = House::new().await;
    house.change(SRE, GUILD);
    insta::assert_snapshot!(house.findings().await, @"");
    assert_eq!(house.discord.requests().len(), 0, "such a file is not gone by");
}

#[tokio::test]
async fn without_the_token_nothing_is_asked() {
    let mut house = House::new().await;
    house.change("{ file = 'bot' }", "{ env = 'HALLPASS_TEST_NOT_SET' }");
    insta::assert_snapshot!(house.findings().await, @"");
    insta::assert_snapshot!(house.said("note").await, @"");
    assert_eq!(house.discord.requests().len(), 0);
}

#[tokio::test]
async fn a_token_that_is_written_as_it_is_sent_is_said_to_be() {
    let house = House::new().await;
    house.secret("bot", &format!("Bot {}", house.discord.bot_token()));
    insta::assert_snapshot!(house.findings().await, @"");
    house.secret("bot", "two\nlines");
    insta::assert_snapshot!(house.findings().await, @"");
}
