//! Registered commands: read, and replaced all at once.

use serde_json::{Value, json};

use super::{Answer, Call, Refusal, held};
use crate::fakes::discord::{
    APP_ID,
    check::{Wrongs, commands},
    state::State,
};

/// # Errors
/// 20012 for another application, 50001 for a guild that the bot is not in.
fn known(state: &State, call: &Call) -> Result<Option<String>, Refusal> {
    if call.id(0) != APP_ID {
        return Err(20012.into());
    }
    match call.ids.get(1) {
        Some(guild) if !state.bot_is_in(guild) => Err(50001.into()),
        guild => Ok(guild.cloned()),
    }
}

fn there<'s>(state: &'s mut State, guild: Option<&String>) -> &'s mut Vec<Value> {
    match guild {
        Some(guild) => &mut state.guilds.get_mut(guild).unwrap().commands,
        None => &mut state.commands,
    }
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let guild = known(state, call)?;
    Ok((200, there(state, guild.as_ref()).clone().into()))
}

/// Commands whose name and kind were there keep their id, as Discord has it.
pub(super) fn set(state: &mut State, call: &Call) -> Answer {
    let guild = known(state, call)?;
    let mut wrongs = Wrongs::default();
    commands::check_all(&mut wrongs, &call.body);
    held(&wrongs)?;
    state.register(guild.as_ref(), &call.body);
    Ok((200, there(state, guild.as_ref()).clone().into()))
}

impl State {
    /// Replaces what is registered by what was checked.
    pub(in crate::fakes::discord) fn register(&mut self, guild: Option<&String>, commands: &Value) {
        let before = there(self, guild).clone();
        let mut after = Vec::new();
        for command in commands.as_array().into_iter().flatten() {
            let kind = commands::kind_of(command);
            let same = |old: &&Value| old["name"] == command["name"] && old["type"] == kind;
            let (id, version) = (before.iter().find(same).map(|old| old["id"].clone()), self.snowflake());
            let mut stored = json!({
                "id": id.unwrap_or_else(|| json!(version)), "application_id": APP_ID, "version": version, "type": kind,
                "name": command["name"], "description": command["description"].as_str().unwrap_or_default(),
                "default_member_permissions": command["default_member_permissions"], "options": command["options"],
                "contexts": command["contexts"], "integration_types": command["integration_types"].as_array().map_or(json!([0]), |t| json!(t)),
                "name_localizations": command["name_localizations"], "nsfw": command["nsfw"].as_bool().unwrap_or_default(),
                "description_localizations": command["description_localizations"], "dm_permission": true,
            });
            if let Some(guild) = guild {
                stored["guild_id"] = json!(guild);
            }
            if stored["options"].is_null() {
                stored.as_object_mut().unwrap().remove("options");
            }
            after.push(stored);
        }
        *there(self, guild) = after;
    }
}
