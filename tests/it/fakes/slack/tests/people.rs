//! People, groups and conversations, as the app may see them.

use serde_json::{Value, json};

use super::{super::Slack, error, get, post, workspace};

async fn user(slack: &Slack, id: &str) -> Value {
    get(slack, "users.info", &[("user", id)]).await.unwrap()["user"].clone()
}

#[tokio::test]
async fn guests_bots_leavers_and_strangers_are_told_apart() {
    let (slack, _) = workspace().await;
    slack.guest("U3", "Gus Guest").single_channel_guest("U4", "Sue Single").bot("U5").stranger("U6", "Otto Other", "T9");
    slack.person("U7", "Lea Left").deactivate("U7").zone("U1", "Asia/Tokyo");
    let ana = user(&slack, "U1").await;
    assert_eq!((ana["tz_offset"].as_i64(), ana["tz"].as_str(), ana["name"].as_str()), (Some(9 * 3600), Some("Asia/Tokyo"), Some("ana")));
    assert_eq!(
        (ana["is_restricted"].as_bool(), ana["deleted"].as_bool(), ana["is_bot"].as_bool()),
        (Some(false), Some(false), Some(false))
    );
    assert_eq!(user(&slack, "U3").await["is_restricted"], true);
    assert_eq!(user(&slack, "U4").await["is_ultra_restricted"], true);
    assert_eq!(user(&slack, "U5").await["is_bot"], true);
    let otto = user(&slack, "U6").await;
    assert_eq!((otto["team_id"].as_str(), otto["is_stranger"].as_bool()), (Some("T9"), Some(true)));
    slack.channel("C2", "shared", &["U1", "U6"]).share("C2", "T9");
    assert_eq!(user(&slack, "U6").await["is_stranger"], false);
    let lea = user(&slack, "U7").await;
    assert_eq!((lea["deleted"].as_bool(), lea.get("tz")), (Some(true), None));
    assert_eq!(error(get(&slack, "users.info", &[("user", "U99")]).await), "user_not_found");
    slack.rename("U1", "Ana Maria Reyes");
    assert_eq!(user(&slack, "U1").await["profile"]["real_name"], "Ana Maria Reyes");
}

#[tokio::test]
async fn addresses_are_seen_only_with_their_scope() {
    let (slack, _) = workspace().await;
    slack.email("U1", "Ana@home.example", true).email("U2", "ben@home.example", false);
    assert!(user(&slack, "U1").await["profile"].get("email").is_none());
    assert_eq!(error(get(&slack, "users.lookupByEmail", &[("email", "ana@home.example")]).await), "missing_scope");
    slack.grant_scopes(&["users:read", "users:read.email"]);
    assert_eq!(get(&slack, "users.lookupByEmail", &[("email", "ana@home.example")]).await.unwrap()["user"]["id"], "U1");
    assert_eq!(error(get(&slack, "users.lookupByEmail", &[("email", "x@home.example")]).await), "users_not_found");
    assert_eq!(user(&slack, "U2").await["is_email_confirmed"], false);
}

#[tokio::test]
async fn everybody_is_listed_in_pages() {
    let (slack, _) = workspace().await;
    let first = get(&slack, "users.list", &[("limit", "2")]).await.unwrap();
    let cursor = first["response_metadata"]["next_cursor"].as_str().unwrap();
    let second = get(&slack, "users.list", &[("limit", "2"), ("cursor", cursor)]).await.unwrap();
    let ids = |page: &Value| page["members"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!([ids(&first), ids(&second)].concat(), ["U0BOT", "U1", "U2"]);
    assert_eq!(second["response_metadata"]["next_cursor"], "");
}

#[tokio::test]
async fn groups_show_their_members_and_disabled_ones_are_hidden() {
    let (slack, _) = workspace().await;
    slack.group("S1", "db-leads", &["U2"]).group("S2", "old", &["U1"]).disable_group("S2");
    let groups = get(&slack, "usergroups.list", &[("include_users", "true")]).await.unwrap();
    assert_eq!(groups["usergroups"].as_array().unwrap().len(), 1);
    assert_eq!((&groups["usergroups"][0]["handle"], &groups["usergroups"][0]["users"]), (&json!("db-leads"), &json!(["U2"])));
    let all = get(&slack, "usergroups.list", &[("include_disabled", "true")]).await.unwrap();
    assert_ne!(all["usergroups"][1]["date_delete"], 0);
    assert!(all["usergroups"][0].get("users").is_none());
    let members = get(&slack, "usergroups.users.list", &[("usergroup", "S1")]).await.unwrap();
    assert_eq!(members["users"], json!(["U2"]));
    assert_eq!(error(get(&slack, "usergroups.users.list", &[("usergroup", "S2")]).await), "no_such_subteam");
    slack.group("S1", "db-leads", &["U1", "U2"]);
    assert_eq!(get(&slack, "usergroups.users.list", &[("usergroup", "S1")]).await.unwrap()["users"], json!(["U1", "U2"]));
}

#[tokio::test]
async fn conversations_are_seen_with_the_scope_of_their_sort_and_only_from_inside_when_private() {
    let (slack, _) = workspace().await;
    slack.private("C4", "secret", &["U1"]).private("C5", "hidden", &["U1"]).remove_bot("C5").share("C1", "T9");
    let info = get(&slack, "conversations.info", &[("channel", "C1"), ("include_num_members", "true")]).await.unwrap();
    assert_eq!((&info["channel"]["is_ext_shared"], &info["channel"]["num_members"]), (&json!(true), &json!(3)));
    assert_eq!(info["channel"]["connected_team_ids"], json!(["T9"]));
    assert_eq!(error(get(&slack, "conversations.info", &[("channel", "C5")]).await), "channel_not_found");
    let listed = get(&slack, "conversations.list", &[("types", "public_channel,private_channel")]).await.unwrap();
    let names: Vec<&str> = listed["channels"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["db-approvers", "secret"]);
    assert_eq!(error(get(&slack, "conversations.list", &[("types", "mail")]).await), "invalid_types");
    let members = get(&slack, "conversations.members", &[("channel", "C1"), ("limit", "2")]).await.unwrap();
    assert_eq!(members["members"], json!(["U1", "U2"]));
    assert_ne!(members["response_metadata"]["next_cursor"], "");
    slack.take_scope("groups:read");
    assert_eq!(error(get(&slack, "conversations.info", &[("channel", "C4")]).await), "missing_scope");
    let im = slack.im("U1");
    assert_eq!(error(get(&slack, "conversations.info", &[("channel", &im)]).await), "missing_scope");
}

#[tokio::test]
async fn an_organisation_wide_app_must_say_which_workspace_it_lists() {
    let (slack, _) = workspace().await;
    slack.org("E1").group("S1", "db-leads", &["U2"]);
    for (method, more) in [
        ("users.list", ("limit", "9")),
        ("usergroups.list", ("include_users", "true")),
        ("usergroups.users.list", ("usergroup", "S1")),
        ("conversations.list", ("limit", "9")),
    ] {
        assert_eq!(error(get(&slack, method, &[more]).await), "missing_argument", "{method}");
        assert!(get(&slack, method, &[more, ("team_id", slack.team())]).await.is_ok(), "{method}");
    }
    assert_eq!(user(&slack, "U1").await["enterprise_user"]["enterprise_id"], "E1");
}

#[tokio::test]
async fn a_direct_conversation_is_opened_once() {
    let (slack, _) = workspace().await;
    let opened = post(&slack, "conversations.open", json!({"users": "U1"})).await.unwrap();
    let again = post(&slack, "conversations.open", json!({"users": "U1", "return_im": true})).await.unwrap();
    assert_eq!(opened["channel"]["id"], again["channel"]["id"]);
    assert_eq!((again["already_open"].as_bool(), again["channel"]["is_im"].as_bool()), (Some(true), Some(true)));
    for (users, expected) in
        [("", "users_list_not_supplied"), ("U99", "user_not_found"), ("U1,U2", "missing_scope"), ("U0BOT", "cannot_dm_bot")]
    {
        assert_eq!(error(post(&slack, "conversations.open", json!({"users": users})).await), expected, "{users}");
    }
    let id = opened["channel"]["id"].as_str().unwrap();
    slack.deactivate("U1");
    assert_eq!(error(post(&slack, "chat.postMessage", json!({"channel": id, "text": "x"})).await), "is_archived");
    assert_eq!(post(&slack, "conversations.open", json!({"channel": id})).await.unwrap()["channel"]["id"], id);
}
