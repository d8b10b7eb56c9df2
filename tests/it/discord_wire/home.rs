//! Whether the token is of the application that is configured, in the guild that is.

use hallpass::chat::discord::{Discord as Client, Settings};

use super::{Line, settings, why};

#[tokio::test]
async fn the_bot_is_at_home_with_its_own_token_in_its_own_guild() {
    let line = Line::new().await;
    assert_eq!(line.chat.is_at_home().await, Ok(()));
    assert_eq!(line.discord.refusals(), Vec::<String>::new());
}

#[tokio::test]
async fn the_token_of_another_application_is_none() {
    let line = Line::new().await;
    let settings = Settings { application: "900000000000000009".to_owned(), ..settings(&line.discord) };
    let why = why(Client::new(settings, line.clock.clone()).is_at_home().await);
    assert!(why.contains("900000000000000001") && why.contains("discord.application_id says 900000000000000009"), "{why}");
}

#[tokio::test]
async fn a_guild_without_the_bot_is_said_to_need_an_invitation() {
    let line = Line::new().await;
    line.discord.kick_bot();
    let why = why(line.chat.is_at_home().await);
    assert!(why.contains("hallpass discord invite"), "{why}");
}
