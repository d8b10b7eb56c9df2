//! Tokens, scopes, the app, its workspace and its door.

use super::House;
use crate::fakes::slack::Fault;

#[tokio::test]
async fn a_swapped_pair_of_tokens_is_said_and_used_as_it_should_stand() {
    let mut house = House::new().await;
    house.change("'bot'", "'x'").change("'app'", "'bot'").change("'x'", "'app'");
    insta::assert_snapshot!(house.findings().await, @r"
    slack.bot_token and slack.app_token stand in each other's place
          write each where the other stands
    ");
    assert!(house.said("ok").await.contains("#ops (C0OPS, for alarms): the bot is in it"), "the rest is looked at");
}

#[tokio::test]
async fn a_token_of_another_kind_is_named_by_its_kind() {
    let house = House::new().await;
    let mut all = Vec::new();
    for (bot, app) in [("xoxp-1-user", "xapp-1-A0HALLPASS-fake-app-token"), ("xoxe.xoxb-1-rotated", "xoxb-x"), ("hunter2", "hunter3")] {
        house.secret("bot", bot);
        house.secret("app", app);
        all.push(house.findings().await);
    }
    let all = all.join("\n");
    assert!(!all.contains("hunter"), "{all}");
    insta::assert_snapshot!(all, @r"
    slack.bot_token is a user's token (xoxp-), and not a bot's token (xoxb-)
          take the Bot User OAuth Token, xoxb-.., under OAuth & Permissions
    slack.bot_token is a token that expires (xoxe): the bot does not renew tokens
          make the app anew from hallpass slack manifest: token rotation cannot be switched off once it is on
    slack.app_token is a bot's token (xoxb-), and not an app-level token (xapp-)
          make an app-level token, xapp-.., with connections:write under Basic Information, App-Level Tokens
    slack.bot_token is no token of Slack's, and not a bot's token (xoxb-)
          take the Bot User OAuth Token, xoxb-.., under OAuth & Permissions
    slack.app_token is no token of Slack's, and not an app-level token (xapp-)
          make an app-level token, xapp-.., with connections:write under Basic Information, App-Level Tokens
    ");
}

#[tokio::test]
async fn a_bot_token_that_slack_does_not_take_says_why() {
    let house = House::new().await;
    let mut all = Vec::new();
    for error in ["invalid_auth", "account_inactive", "token_revoked", "token_expired", "fatal_error"] {
        house.slack.fail("auth.test", Fault::Error(error), 1);
        all.push(house.findings().await);
    }
    house.secret("bot", "xoxb-of-nobody");
    all.push(house.findings().await);
    insta::assert_snapshot!(all.join("\n"), @r"
    Slack does not know the bot token
          copy it again: Bot User OAuth Token under OAuth & Permissions
    the bot token was revoked, or the app was taken out of the workspace
          install the app again, then copy the Bot User OAuth Token under OAuth & Permissions
    the bot token was revoked, or the app was taken out of the workspace
          install the app again, then copy the Bot User OAuth Token under OAuth & Permissions
    the bot token has expired: the bot does not renew tokens
          make the app anew from hallpass slack manifest: token rotation cannot be switched off once it is on
    the bot token could not be looked at: Slack says fatal_error
          see docs.slack.dev for this error, then run this again
    Slack does not know the bot token
          copy it again: Bot User OAuth Token under OAuth & Permissions
    ");
}

#[tokio::test]
async fn a_slack_that_cannot_be_reached_is_one_finding_a_token() {
    let house = House::new().await;
    house.slack.fail("auth.test", Fault::Status(502), 1);
    insta::assert_snapshot!(house.findings().await, @r"
    the bot token could not be looked at: API does not answer: HTTP status 502 Bad Gateway
          see that this machine reaches slack.api_url, then run this again
    ");
    house.slack.fail("auth.test", Fault::CutBefore, 1);
    let cut = house.findings().await;
    assert!(cut.starts_with("the bot token could not be looked at: API does not answer: "), "{cut}");
}

#[tokio::test]
async fn each_missing_scope_is_a_finding_with_what_it_is_for() {
    let mut house = House::new().await;
    house.slack.take_scope("channels:history").take_scope("im:write");
    house.change("[people.ana]", "[people]\nmatch_email = 'slack'\n[people.ana]");
    insta::assert_snapshot!(house.findings().await, @r"
    the scope channels:history is missing: finds its own posts in public channels again
          add the scope channels:history under OAuth & Permissions, then reinstall the app
    the scope im:write is missing: writes to people directly
          add the scope im:write under OAuth & Permissions, then reinstall the app
    the scope users:read.email is missing: finds people by their address (people.match_email)
          add the scope users:read.email under OAuth & Permissions, then reinstall the app
    ");
}

#[tokio::test]
async fn a_scope_without_which_something_cannot_be_looked_at_is_one_finding() {
    let house = House::new().await;
    house.slack.take_scope("usergroups:read").take_scope("users:read").take_scope("groups:read");
    insta::assert_snapshot!(house.findings().await, @r"
    the scope groups:read is missing: sees whether a private channel has guests or is archived
          add the scope groups:read under OAuth & Permissions, then reinstall the app
    the scope users:read is missing: sees who is active, a guest or of another organisation, and their time zone
          add the scope users:read under OAuth & Permissions, then reinstall the app
    the scope usergroups:read is missing: asks who is in a user group
          add the scope usergroups:read under OAuth & Permissions, then reinstall the app
    ");
    insta::assert_snapshot!(house.said("note").await, @r"
    which app the bot token is of could not be looked at without the scope users:read
    people could not be looked at without the scope users:read
    user groups could not be looked at without the scope usergroups:read
    the channel C0DBA could not be looked at without the scope groups:read
    who is in #ops (C0OPS, for alarms) could not be looked at
    ");
}

#[tokio::test]
async fn more_scopes_than_needed_are_worth_knowing() {
    let mut house = House::new().await;
    house.change("[groups.sre]\nslack = 'S0SRE'\nmembers = ['ben']\n", "").change(", '@sre'", "");
    assert_eq!(house.said("note").await, "the bot token may do more than it needs: usergroups:read");
}

#[tokio::test]
async fn another_app_or_workspace_than_the_file_says_is_found() {
    let mut house = House::new().await;
    house.change("[slack]\n", "[slack]\napp_id = 'A0OTHER'\nworkspace = 'T0OTHER'\n");
    insta::assert_snapshot!(house.findings().await, @r#"
    the bot token is of the app A0HALLPASS, and slack.app_id is A0OTHER
          write app_id = "A0HALLPASS", or take that app's token
    the app is installed in T0HOME, and slack.workspace is T0OTHER
          write workspace = "T0HOME", or take the token of the app that is installed in T0OTHER
    "#);
    let (app, team) = (house.slack.app_id(), house.slack.team());
    house.change("A0OTHER", app).change("T0OTHER", team);
    assert_eq!(house.findings().await, "");
}

#[tokio::test]
async fn an_org_wide_install_is_known_by_its_organisation() {
    let mut house = House::new().await;
    house.slack.org("E0HOME");
    house.change("[slack]\n", "[slack]\nworkspace = 'E0HOME'\n");
    assert_eq!(house.findings().await, "");
    assert!(house.said("ok").await.contains("installed in: E0HOME, the whole organisation"));
    house.change("E0HOME", "T0HOME");
    insta::assert_snapshot!(house.findings().await, @r#"
    the app is installed in E0HOME, and slack.workspace is T0HOME
          write workspace = "E0HOME", or take the token of the app that is installed in T0HOME
    "#);
}

#[tokio::test]
async fn an_app_token_that_opens_no_connection_says_why() {
    let house = House::new().await;
    let mut all = Vec::new();
    for error in ["missing_scope", "invalid_auth", "token_revoked", "socket_mode_not_enabled"] {
        house.slack.fail("apps.connections.open", Fault::Error(error), 1);
        all.push(house.findings().await);
    }
    house.secret("app", "xapp-1-A0OTHER-of-another-app");
    all.push(house.findings().await);
    insta::assert_snapshot!(all.join("\n"), @r"
    the app token has no scope connections:write
          make an app-level token with connections:write under Basic Information, App-Level Tokens, and use that one
    Slack does not know the app token
          copy it again: app-level token under Basic Information, App-Level Tokens
    the app token was revoked, or the app was taken out of the workspace
          install the app again, then copy the app-level token under Basic Information, App-Level Tokens
    the app token opens no connection: Slack says socket_mode_not_enabled
          switch on Socket Mode under Settings, Socket Mode
    the app token is of the app A0OTHER, and the bot token of A0HALLPASS
          take both tokens from the same app
    Slack does not know the app token
          copy it again: app-level token under Basic Information, App-Level Tokens
    ");
    house.secret("app", house.slack.app_token());
    house.slack.fail("apps.connections.open", Fault::Error("too_many_websockets"), 1);
    assert_eq!(house.said("note").await, "app token: all ten connections that an app may have are open now");
}

#[tokio::test]
async fn for_http_requests_the_signing_secret_is_no_token() {
    let mut house = House::new().await;
    house.change("app_token = { file = 'app' }", "signing_secret = { file = 'signing' }\nlisten = '127.0.0.1:8080'");
    assert_eq!(house.findings().await, "");
    insta::assert_snapshot!(house.said("note").await, @"HTTP requests come in at 127.0.0.1:8080: whether Slack reaches it is seen only from outside");
    house.secret("signing", house.slack.bot_token());
    insta::assert_snapshot!(house.findings().await, @r"
    slack.signing_secret is a bot's token (xoxb-)
          take the Signing Secret under Basic Information, App Credentials
    ");
}

#[tokio::test]
async fn a_limit_of_rate_is_waited_for_and_not_for_ever() {
    let house = House::new().await;
    house.slack.fail("users.info", Fault::RateLimited { after_seconds: 0 }, 2);
    assert_eq!(house.findings().await, "");
    house.slack.fail("usergroups.list", Fault::RateLimited { after_seconds: 0 }, 3);
    insta::assert_snapshot!(house.findings().await, @r"
    user groups could not be looked at: Slack says ratelimited
          see docs.slack.dev for this error, then run this again
    ");
}
