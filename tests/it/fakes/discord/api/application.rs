//! The application itself, and where its gateway is.

use serde_json::json;

use super::{Answer, Call};
use crate::fakes::discord::{BOT, state::State};

#[expect(clippy::unnecessary_wraps, reason = "all calls have one shape")]
pub(super) fn gateway(state: &mut State, _: &Call) -> Answer {
    Ok((200, json!({"url": state.gateway_url()})))
}

#[expect(clippy::unnecessary_wraps, reason = "all calls have one shape")]
pub(super) fn bot_gateway(state: &mut State, _: &Call) -> Answer {
    Ok((200, json!({"url": state.gateway_url(), "shards": 1, "session_start_limit": state.sessions.starts.json()})))
}

#[expect(clippy::unnecessary_wraps, reason = "all calls have one shape")]
pub(super) fn me(state: &mut State, _: &Call) -> Answer {
    Ok((200, state.app_json()))
}

#[expect(clippy::unnecessary_wraps, reason = "all calls have one shape")]
pub(super) fn my_user(state: &mut State, _: &Call) -> Answer {
    let mut user = state.known(BOT).json();
    let mine = json!({"mfa_enabled": false, "locale": "en-US", "premium_type": 0, "email": null, "verified": true});
    user.as_object_mut().unwrap().extend(mine.as_object().unwrap().clone());
    Ok((200, user))
}
