//! What the file itself says, before Discord is asked.

use super::{GUILD, House, SRE};

#[tokio::test]
async fn the_role_of_everybody_is_refused_with_the_file() {
    let mut house = House::new().await;
    house.change(SRE, GUILD);
    insta::assert_snapshot!(house.findings().await, @r"
    bot.toml:18:11: this is the server's own id, and as a role it is @everyone: write the id of a role that is given to people
          mend this line; a secret is set where the bot runs and where this is run
    ");
    assert_eq!(house.discord.requests().len(), 0, "such a file is not gone by");
}

#[tokio::test]
async fn without_the_token_nothing_is_asked() {
    let mut house = House::new().await;
    house.change("{ file = 'bot' }", "{ env = 'HALLPASS_TEST_NOT_SET' }");
    insta::assert_snapshot!(house.findings().await, @r"
    bot.toml:3:13: the environment variable HALLPASS_TEST_NOT_SET is not set
          mend this line; a secret is set where the bot runs and where this is run
    ");
    insta::assert_snapshot!(house.said("note").await, @"without discord.bot_token nothing of Discord was looked at: the environment variable HALLPASS_TEST_NOT_SET is not set");
    assert_eq!(house.discord.requests().len(), 0);
}

#[tokio::test]
async fn a_token_that_is_written_as_it_is_sent_is_said_to_be() {
    let house = House::new().await;
    house.secret("bot", &format!("Bot {}", house.discord.bot_token()));
    insta::assert_snapshot!(house.findings().await, @r#"
    discord.bot_token begins with "Bot "
          write the token alone: the bot writes "Bot " before it
    "#);
    house.secret("bot", "two\nlines");
    insta::assert_snapshot!(house.findings().await, @r"
    Discord cannot be asked: the token has characters that no token has
          see that discord.bot_token holds the token alone, on one line
    ");
}
