//! Who is there, and what the bot may do where.

use serde_json::json;

use super::{
    super::{BOT, BOT_ROLE, GUILD, permissions::*},
    *,
};

#[tokio::test]
async fn the_bot_writes_only_where_it_may() {
    let (discord, message) = guild().await;
    let path = format!("/channels/{CARDS}/messages");
    let say = |body: serde_json::Value| post(&discord, &path, quiet(body));
    discord.forbid(CARDS, EMBED_LINKS);
    assert_eq!(refused(say(json!({"embeds": [{"title": "x"}]})).await), (403, 50013));
    assert_eq!(say(json!({"content": "x"})).await.0, 200);
    discord.forbid(CARDS, CREATE_PUBLIC_THREADS | SEND_MESSAGES_IN_THREADS);
    let threads = format!("{path}/{message}/threads");
    assert_eq!(refused(post(&discord, &threads, json!({"name": "x"})).await), (403, 50013));
    discord.forbid(CARDS, SEND_MESSAGES_IN_THREADS);
    assert_eq!(post(&discord, &threads, json!({"name": "x"})).await.0, 201);
    assert_eq!(refused(post(&discord, &format!("/channels/{message}/messages"), quiet(json!({"content": "x"}))).await), (403, 50013));
    discord.forbid(CARDS, READ_MESSAGE_HISTORY);
    assert_eq!(get(&discord, &path).await, (200, json!([])));
    assert_eq!(refused(get(&discord, &format!("{path}/{message}")).await), (403, 50013));
    discord.forbid(CARDS, SEND_MESSAGES);
    assert_eq!(refused(say(json!({"content": "x"})).await), (403, 50013));
    discord.forbid(CARDS, VIEW_CHANNEL);
    for path in [path.clone(), format!("/channels/{CARDS}"), format!("{path}/{message}"), format!("/channels/{message}")] {
        assert_eq!(refused(get(&discord, &path).await), (403, 50001), "{path}");
    }
    assert_eq!(refused(get(&discord, "/channels/1").await), (404, 10003));
    discord.forbid(CARDS, 0);
    assert_eq!(say(json!({"content": "x"})).await.0, 200);
    discord.delete_channel(CARDS);
    assert_eq!(refused(say(json!({"content": "x"})).await), (404, 10003));
}

#[tokio::test]
async fn what_the_bot_may_is_reckoned_from_roles_and_the_channels_rules() {
    let (discord, _) = guild().await;
    let say = async || post(&discord, &format!("/channels/{CARDS}/messages"), quiet(json!({"content": "x"}))).await.0;
    discord.role_rule(CARDS, GUILD, 0, SEND_MESSAGES);
    assert_eq!(say().await, 403, "everybody's rule counts");
    discord.role_rule(CARDS, BOT_ROLE, SEND_MESSAGES, 0);
    assert_eq!(say().await, 200, "a role's rule counts more");
    discord.forbid(CARDS, SEND_MESSAGES);
    assert_eq!(say().await, 403, "its own rule counts most");
    discord.grant_bot(ADMINISTRATOR);
    assert_eq!(say().await, 200, "an administrator may everything");
    let channel = get(&discord, &format!("/channels/{CARDS}")).await.1;
    assert_eq!(channel["permission_overwrites"].as_array().unwrap().len(), 3);
    assert_eq!(channel["permission_overwrites"][2], json!({"id": BOT, "type": 1, "allow": "0", "deny": SEND_MESSAGES.to_string()}));
}

#[tokio::test]
async fn a_thread_is_archived_by_its_owner_and_locked_only_by_who_manages_threads() {
    let (discord, message) = guild().await;
    discord.forbid(CARDS, MANAGE_THREADS);
    post(&discord, &format!("/channels/{CARDS}/messages/{message}/threads"), json!({"name": "ours"})).await;
    let thread = format!("/channels/{message}");
    assert_eq!(refused(patch(&discord, &thread, json!({"archived": true, "locked": true})).await), (403, 50013));
    assert_eq!(patch(&discord, &thread, json!({"archived": true})).await.0, 200);
    assert_eq!(patch(&discord, &thread, json!({"archived": false})).await.0, 200);
    discord.archive(&message, true, true);
    assert_eq!(refused(patch(&discord, &thread, json!({"archived": false})).await), (403, 50013), "locked");
    let other = id(&write(&discord, CARDS, json!({"content": "second"})).await);
    discord.begin_thread(BEN, &other, "theirs");
    assert_eq!(refused(patch(&discord, &format!("/channels/{other}"), json!({"archived": true})).await), (403, 50013));
    discord.allow(CARDS, MANAGE_THREADS);
    assert_eq!(patch(&discord, &format!("/channels/{other}"), json!({"archived": true, "locked": true})).await.0, 200);
    assert_eq!(patch(&discord, &thread, json!({"archived": false, "locked": false})).await.0, 200);
}

#[tokio::test]
async fn people_are_written_to_while_they_take_it_and_share_a_guild() {
    let (discord, _) = guild().await;
    let open = |user: &str| json!({"recipient_id": user});
    let (status, direct) = post(&discord, "/users/@me/channels", open(ANA)).await;
    assert_eq!((status, &direct["recipients"][0]["id"]), (200, &json!(ANA)));
    let channel = id(&direct);
    assert_eq!(channel, discord.dm(ANA), "it is the same every time");
    write(&discord, &channel, json!({"content": "psst"})).await;
    assert_eq!(discord.directs(ANA)[0]["content"], "psst");
    let say = async || post(&discord, &format!("/channels/{channel}/messages"), quiet(json!({"content": "x"}))).await;
    discord.close_directs(ANA);
    assert_eq!(refused(say().await), (403, 50007));
    discord.leave(ANA);
    assert_eq!(refused(say().await), (403, 50278));
    assert_eq!(refused(post(&discord, "/users/@me/channels", open("1")).await), (404, 10013));
    assert_eq!(wrong(post(&discord, "/users/@me/channels", json!({})).await), ["recipient_id BASE_TYPE_REQUIRED"]);
}

#[tokio::test]
async fn members_roles_and_counts_are_read_without_a_privileged_intent() {
    let (discord, _) = guild().await;
    let leads = "600000000000000001";
    discord.role(leads, "db-leads", &[BEN]).nick(BEN, "Ben O").time_out(BEN, Some(1_795_532_400)).pending(BEN, true).position(leads, 9);
    let member = get(&discord, &format!("/guilds/{GUILD}/members/{BEN}")).await.1;
    assert_eq!((&member["nick"], &member["roles"], &member["pending"]), (&json!("Ben O"), &json!([leads]), &json!(true)));
    assert_eq!(member["communication_disabled_until"], "2026-11-24T15:00:00.000000+00:00");
    assert_eq!((&member["user"]["global_name"], member["user"].get("bot")), (&json!("Ben Okafor"), None));
    assert_eq!(get(&discord, &format!("/guilds/{GUILD}/roles/member-counts")).await.1, json!({leads: 1, BOT_ROLE: 1}));
    let roles = get(&discord, &format!("/guilds/{GUILD}/roles")).await.1;
    assert!(roles.as_array().unwrap().iter().any(|role| role["id"] == leads && role["position"] == 9), "{roles}");
    assert_eq!(get(&discord, &format!("/guilds/{GUILD}?with_counts=true")).await.1["approximate_member_count"], 3);
    assert_eq!(get(&discord, &format!("/guilds/{GUILD}/channels")).await.1[0]["id"], CARDS);
    discord.stranger("100000000000000009", "Elsewhere").leave(BEN).delete_role(leads).robot("100000000000000008", "Robot");
    for (user, expected) in [(BEN, (404, 10007)), ("100000000000000009", (404, 10007)), ("1", (404, 10013))] {
        assert_eq!(refused(get(&discord, &format!("/guilds/{GUILD}/members/{user}")).await), expected);
    }
    assert_eq!(get(&discord, &format!("/guilds/{GUILD}/members/100000000000000008")).await.1["user"]["bot"], true);
    assert_eq!(refused(get(&discord, "/guilds/1/roles").await), (404, 10004));
    discord.kick_bot();
    assert_eq!(refused(get(&discord, &format!("/guilds/{GUILD}")).await), (404, 10004));
    assert_eq!(refused(get(&discord, &format!("/channels/{CARDS}")).await), (403, 50001));
}
