//! The REST API: which calls there are, as Discord's API description names them, who may make them, and what a refusal says.

mod application;
mod channels;
mod commands;
mod guilds;
pub(super) mod interactions;
mod messages;
mod webhooks;

use std::{collections::BTreeMap, fmt};

use axum::http::Method;
use serde_json::{Value, json};

use super::{BOT_TOKEN, Discord, check::Wrongs, state::State};

/// Status and body; null: no body.
pub(super) type Answer = Result<(u16, Value), Refusal>;

/// A refusal: its status, Discord's code and sentence, and which places of the body are wrong.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    code: u32,
    message: &'static str,
    errors: Option<Value>,
}

/// What each code says. All that this fake says, and those that a test may want.
const CODES: [(u32, u16, &str); 32] = [
    (0, 401, "401: Unauthorized"),
    (10002, 404, "Unknown Application"),
    (10003, 404, "Unknown Channel"),
    (10004, 404, "Unknown Guild"),
    (10007, 404, "Unknown Member"),
    (10008, 404, "Unknown Message"),
    (10011, 404, "Unknown Role"),
    (10013, 404, "Unknown User"),
    (10015, 404, "Unknown Webhook"),
    (10062, 404, "Unknown interaction"),
    (20012, 403, "You are not authorized to perform this action on this application"),
    (20028, 429, "The write action you are performing on the channel has hit the write rate limit"),
    (30034, 400, "Maximum number of daily application command creates has been reached (200)"),
    (30046, 429, "Maximum number of edits to messages older than 1 hour reached. Try again later"),
    (40001, 401, "Unauthorized. Provide a valid token and try again"),
    (40003, 429, "You are opening direct messages too fast"),
    (40060, 400, "Interaction has already been acknowledged."),
    (50001, 403, "Missing Access"),
    (50005, 403, "Cannot edit a message authored by another user"),
    (50006, 400, "Cannot send an empty message"),
    (50007, 403, "Cannot send messages to this user"),
    (50013, 403, "Missing Permissions"),
    (50024, 400, "Cannot execute action on this channel type"),
    (50027, 401, "Invalid Webhook Token"),
    (50035, 400, "Invalid Form Body"),
    (50083, 400, "Thread is archived"),
    (50109, 400, "The request body contains invalid JSON."),
    (50278, 403, "Cannot send messages to this user due to having no mutual guilds"),
    (160_004, 400, "A thread has already been created for this message"),
    (160_005, 403, "Thread is locked"),
    (160_006, 400, "Maximum number of active threads reached"),
    (200_000, 400, "Message was blocked by automatic moderation"),
];

impl From<u32> for Refusal {
    fn from(code: u32) -> Self {
        let known = CODES.iter().find(|(known, ..)| *known == code);
        let (_, status, message) = *known.unwrap_or_else(|| panic!("this fake does not know what {code} says"));
        Self { status, code, message, errors: None }
    }
}

impl Refusal {
    /// Is it of what was sent, and of nothing that can happen on the way? No application may ever meet it.
    pub(super) fn is_of_the_sender(&self) -> bool {
        matches!(self.code, 50006 | 50035 | 50109) || (self.code == 0 && matches!(self.status, 404 | 405))
    }

    /// There is no such address.
    fn nowhere(status: u16, message: &'static str) -> Self {
        Self { status, code: 0, message, errors: None }
    }

    pub(super) fn form(wrongs: &Wrongs) -> Self {
        Self { errors: Some(wrongs.tree()), ..Self::from(50035) }
    }

    pub(super) fn body(&self) -> Value {
        let mut body = json!({"message": self.message, "code": self.code});
        if let Some(errors) = &self.errors {
            body["errors"] = errors.clone();
        }
        body
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.status, self.code, self.message)?;
        self.errors.as_ref().map_or(Ok(()), |errors| write!(f, " {errors}"))
    }
}

/// Refuses when something is wrong.
pub(super) fn held(wrongs: &Wrongs) -> Result<(), Refusal> {
    if wrongs.is_empty() { Ok(()) } else { Err(Refusal::form(wrongs)) }
}

/// A call: the ids in its address, its query, its body.
pub(super) struct Call {
    pub(super) ids: Vec<String>,
    pub(super) query: BTreeMap<String, String>,
    /// Null: none.
    pub(super) body: Value,
}

impl Call {
    fn id(&self, n: usize) -> &str {
        &self.ids[n]
    }

    /// The second id, which is the token where there is one.
    pub(super) fn token(&self) -> &str {
        self.id(1)
    }
}

/// Who may make a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Right {
    Bot,
    /// Whoever has the interaction's token, which stands in the address.
    Token,
}

/// Whether a call has a body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    None,
    Json,
}

type Run = fn(&mut State, &Call) -> Answer;

pub(super) struct Operation {
    pub(super) name: &'static str,
    method: &'static str,
    path: &'static str,
    right: Right,
    body: Body,
    query: &'static [&'static str],
    run: Run,
}

const fn get(name: &'static str, path: &'static str, query: &'static [&'static str], run: Run) -> Operation {
    Operation { name, method: "GET", path, right: Right::Bot, body: Body::None, query, run }
}

const fn put(method: &'static str, name: &'static str, path: &'static str, run: Run) -> Operation {
    Operation { name, method, path, right: Right::Bot, body: Body::Json, query: &[], run }
}

const fn token(
    method: &'static str,
    name: &'static str,
    path: &'static str,
    body: Body,
    query: &'static [&'static str],
    run: Run,
) -> Operation {
    Operation { name, method, path, right: Right::Token, body, query, run }
}

const ORIGINAL: &str = "webhooks/{}/{}/messages/@original";
const MESSAGE: &str = "channels/{}/messages/{}";

static OPERATIONS: [Operation; 28] = [
    get("get_gateway", "gateway", &[], application::gateway),
    get("get_bot_gateway", "gateway/bot", &[], application::bot_gateway),
    get("get_my_application", "applications/@me", &[], application::me),
    get("get_my_oauth2_application", "oauth2/applications/@me", &[], application::me),
    get("get_my_user", "users/@me", &[], application::my_user),
    put("POST", "create_dm", "users/@me/channels", channels::create_dm),
    get("get_channel", "channels/{}", &[], channels::get),
    put("PATCH", "update_channel", "channels/{}", channels::update),
    put("POST", "create_message", "channels/{}/messages", messages::create),
    get("list_messages", "channels/{}/messages", &["around", "before", "after", "limit"], messages::list),
    get("get_message", MESSAGE, &[], messages::get),
    put("PATCH", "update_message", MESSAGE, messages::update),
    Operation { body: Body::None, ..put("DELETE", "delete_message", MESSAGE, messages::delete) },
    put("POST", "create_thread_from_message", "channels/{}/messages/{}/threads", channels::create_thread),
    Operation { body: Body::None, ..put("POST", "trigger_typing_indicator", "channels/{}/typing", channels::typing) },
    get("get_guild", "guilds/{}", &["with_counts"], guilds::get),
    get("list_guild_channels", "guilds/{}/channels", &[], guilds::channels),
    get("get_guild_member", "guilds/{}/members/{}", &[], guilds::member),
    get("list_guild_roles", "guilds/{}/roles", &[], guilds::roles),
    get("guild_role_member_counts", "guilds/{}/roles/member-counts", &[], guilds::counts),
    get("list_application_commands", "applications/{}/commands", &["with_localizations"], commands::list),
    put("PUT", "bulk_set_application_commands", "applications/{}/commands", commands::set),
    get("list_guild_application_commands", "applications/{}/guilds/{}/commands", &["with_localizations"], commands::list),
    put("PUT", "bulk_set_guild_application_commands", "applications/{}/guilds/{}/commands", commands::set),
    token("POST", "create_interaction_response", "interactions/{}/{}/callback", Body::Json, &["with_response"], interactions::respond),
    token("POST", "execute_webhook", "webhooks/{}/{}", Body::Json, &["wait", "with_components"], webhooks::follow_up),
    token("GET", "get_original_webhook_message", ORIGINAL, Body::None, &[], webhooks::original),
    token("PATCH", "update_original_webhook_message", ORIGINAL, Body::Json, &["with_components"], webhooks::edit_original),
];

/// Does the API description name it?
pub(super) fn is_operation(name: &str) -> bool {
    OPERATIONS.iter().any(|operation| operation.name == name)
}

/// The ids in an address, when it is of this form.
fn ids(form: &str, path: &str) -> Option<Vec<String>> {
    let (form, path): (Vec<&str>, Vec<&str>) = (form.split('/').collect(), path.split('/').collect());
    let mut ids = Vec::new();
    for (form, part) in form.iter().zip(&path) {
        match *form {
            "{}" if !part.is_empty() && !part.starts_with('@') => ids.push((*part).to_owned()),
            form if form == *part => {}
            _ => return None,
        }
    }
    (form.len() == path.len()).then_some(ids)
}

/// Which call an address below `/api/v10/` is, and the ids in it.
pub(super) fn find(method: &Method, path: &str) -> Result<(&'static Operation, Vec<String>), Refusal> {
    let mut there = false;
    for operation in &OPERATIONS {
        let Some(ids) = ids(operation.path, path) else { continue };
        there = true;
        if operation.method == method.as_str() {
            return Ok((operation, ids));
        }
    }
    Err(if there { Refusal::nowhere(405, "405: Method Not Allowed") } else { Refusal::nowhere(404, "404: Not Found") })
}

impl Operation {
    /// Outside of the limit over all, as everything about an interaction is.
    pub(super) fn is_about_an_interaction(&self) -> bool {
        self.right == Right::Token
    }

    /// Is it what comes after a first answer?
    pub(super) fn follows_an_answer(&self) -> bool {
        self.right == Right::Token && self.name != "create_interaction_response"
    }

    /// What its bucket is counted for: the first id of the address, or the interaction's token with it.
    pub(super) fn major(&self, ids: &[String]) -> String {
        let count = if self.right == Right::Token { 2 } else { 1 };
        ids.iter().take(count).map(String::as_str).collect::<Vec<_>>().join("/")
    }

    /// Does what the call says, or refuses it as Discord would. `authorization`: the header as it came.
    pub(super) fn perform(
        &self,
        discord: &Discord,
        authorization: Option<&str>,
        body: Option<Result<Value, ()>>,
        mut call: Call,
    ) -> Answer {
        let mut state = discord.state();
        let ours = authorization.and_then(|a| a.strip_prefix("Bot ")) == Some(BOT_TOKEN);
        if !(ours || (self.right == Right::Token && authorization.is_none())) {
            return Err(0.into());
        }
        if let Some(key) = call.query.keys().find(|key| !self.query.contains(&key.as_str())) {
            let mut wrongs = Wrongs::default();
            wrongs.add(key, "UNKNOWN_KEY", "There is no such parameter");
            return Err(Refusal::form(&wrongs));
        }
        call.body = match (self.body, body) {
            (Body::None, None) => Value::Null,
            (Body::Json, Some(Ok(body))) => body,
            _ => return Err(50109.into()),
        };
        (self.run)(&mut state, &call)
    }
}
