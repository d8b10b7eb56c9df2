//! The guild, its channels, roles and members, as a bot without privileged intents can read them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Call, Refusal};
use crate::fakes::discord::{
    BOT,
    permissions::VIEW_CHANNEL,
    records::{Guild, Role, Sort},
    state::State,
};

/// # Errors
/// 10004 when the bot is not in it.
fn known<'s>(state: &'s State, call: &Call) -> Result<&'s Guild, Refusal> {
    state.guilds.get(call.id(0)).filter(|guild| state.bot_is_in(&guild.id)).ok_or_else(|| 10004.into())
}

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let guild = known(state, call)?;
    let mut json = json!({
        "id": guild.id, "name": guild.name, "icon": null, "description": null, "home_header": null, "splash": null,
        "discovery_splash": null, "features": [], "banner": null, "owner_id": guild.owner, "application_id": null, "region": "deprecated",
        "afk_channel_id": null, "afk_timeout": 300, "system_channel_id": null, "system_channel_flags": 0, "widget_enabled": false,
        "widget_channel_id": null, "verification_level": 0, "roles": roles_of(guild), "default_message_notifications": 0, "mfa_level": 0,
        "explicit_content_filter": 0, "max_presences": null, "max_members": 500_000, "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25, "vanity_url_code": null, "premium_tier": 0, "premium_subscription_count": 0,
        "preferred_locale": "en-US", "rules_channel_id": null, "safety_alerts_channel_id": null, "public_updates_channel_id": null,
        "premium_progress_bar_enabled": false, "nsfw": false, "nsfw_level": 0, "emojis": [], "stickers": [], "incidents_data": null,
    });
    if call.query.get("with_counts").is_some_and(|v| v == "true") {
        json["approximate_member_count"] = json!(guild.members.len());
        json["approximate_presence_count"] = json!(1);
    }
    Ok((200, json))
}

pub(super) fn channels(state: &mut State, call: &Call) -> Answer {
    let guild = known(state, call)?.id.clone();
    let shown = |id: &&String| {
        let channel = &state.channels[*id];
        channel.guild.as_ref() == Some(&guild) && matches!(channel.sort, Sort::Text | Sort::Voice) && state.may(id, BOT) & VIEW_CHANNEL != 0
    };
    let ids: Vec<&String> = state.channels.keys().filter(shown).collect();
    Ok((200, ids.into_iter().map(|id| state.channel_json(id)).collect()))
}

/// Gives 10007 for somebody who left, 10013 for an id that is nobody's.
pub(super) fn member(state: &mut State, call: &Call) -> Answer {
    let guild = known(state, call)?;
    let user = call.id(1);
    let person = state.people.get(user).ok_or(Refusal::from(10013))?;
    let member = guild.members.get(user).ok_or(Refusal::from(10007))?;
    let mut json = State::member_json(member);
    json["user"] = person.json();
    Ok((200, json))
}

fn roles_of(guild: &Guild) -> Value {
    guild.roles.values().map(Role::json).collect()
}

pub(super) fn roles(state: &mut State, call: &Call) -> Answer {
    Ok((200, roles_of(known(state, call)?)))
}

/// How many members each role has; that of everybody is not told.
pub(super) fn counts(state: &mut State, call: &Call) -> Answer {
    let guild = known(state, call)?;
    let has = |role: &String| guild.members.values().filter(|m| m.roles.contains(role)).count();
    let counts: BTreeMap<&String, usize> = guild.roles.keys().filter(|r| **r != guild.id).map(|role| (role, has(role))).collect();
    Ok((200, json!(counts)))
}
