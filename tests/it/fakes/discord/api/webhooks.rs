//! What follows the first answer to an interaction, with its token and for fifteen minutes.

use serde_json::{Value, json};

use super::{Answer, Call, Refusal, held};
use crate::fakes::discord::{
    APP_ID,
    check::{
        Wrongs,
        message::{self, EPHEMERAL, LOADING, Use},
    },
    records::Original,
    state::State,
};

/// How long a token is good.
const LIFE_MICROS: i64 = 900_000_000;

/// Which interaction's token it is.
///
/// # Errors
/// 10015 for one that is none, or whose interaction was not answered yet; 50027 when it ran out.
fn known(state: &State, call: &Call) -> Result<usize, Refusal> {
    let of_token = state.interactions.iter().position(|i| i.text("token") == call.id(1)).filter(|_| call.id(0) == APP_ID);
    let at = of_token.ok_or(Refusal::from(10015))?;
    let interaction = &state.interactions[at];
    if state.now_micros - interaction.at_micros > LIFE_MICROS {
        return Err(50027.into());
    }
    if interaction.answer.is_none() {
        return Err(10015.into());
    }
    Ok(at)
}

/// Its own answer as it stands.
fn standing(state: &State, at: usize) -> Result<Value, Refusal> {
    match &state.interactions[at].original {
        Original::Message(id) => state.find_message(&json!(id)).ok_or_else(|| 10008.into()),
        Original::None => Err(10008.into()),
    }
}

pub(super) fn original(state: &mut State, call: &Call) -> Answer {
    let at = known(state, call)?;
    Ok((200, standing(state, at)?))
}

/// The first one after "thinking" stands in its place, seen by whom that was seen.
pub(super) fn follow_up(state: &mut State, call: &Call) -> Answer {
    let at = known(state, call)?;
    let mut wrongs = Wrongs::default();
    message::check(&mut wrongs, &call.body, Use::Answer, None);
    held(&wrongs)?;
    let interaction = state.interactions[at].clone();
    // Nothing new is put into a thread that was locked meanwhile, not even for one person.
    if state.is_locked(interaction.text("channel_id")) && !interaction.deferred {
        return Err(50083.into());
    }
    let mut message = state.drafted(interaction.text("channel_id"), &call.body, Use::Answer);
    if message::is_empty(&message) {
        return Err(50006.into());
    }
    if !interaction.deferred {
        return Ok((200, state.put_there(&interaction, message)));
    }
    let thinking = standing(state, at)?;
    let seen_by_one = thinking["flags"].as_u64().unwrap_or_default() & EPHEMERAL;
    for name in ["id", "webhook_id", "interaction_metadata", "type"] {
        message[name] = thinking[name].clone();
    }
    message["flags"] = json!((message["flags"].as_u64().unwrap_or_default() & !EPHEMERAL) | seen_by_one);
    state.interactions[at].deferred = false;
    Ok((200, state.put_back(message)))
}

pub(super) fn edit_original(state: &mut State, call: &Call) -> Answer {
    let at = known(state, call)?;
    let before = standing(state, at)?;
    let mut after = state.changed(&before, &call.body, Use::Change)?;
    after["flags"] = json!(after["flags"].as_u64().unwrap_or_default() & !LOADING);
    state.interactions[at].deferred = false;
    Ok((200, state.put_back(after)))
}
