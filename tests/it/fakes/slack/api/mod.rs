//! The Web API: which methods there are, how each takes its arguments, which scope it needs, and what a refusal says.

mod chat;
mod conversations;
mod history;
mod pages;
mod users;
mod views;

use std::fmt;

use serde_json::{Map, Value, json};

pub(super) use chat::check_draft;
pub(super) use history::is_top;

use super::{
    APP_ID, APP_TOKEN, BOT_ID, BOT_TOKEN, BOT_USER, Slack, TEAM,
    fields::Fields,
    server::{Manner, Sent},
    state::State,
};

pub(super) type Answer = Result<Map<String, Value>, Refusal>;

/// `ok: false`, with Slack's error and whatever else stands beside it.
#[derive(Debug)]
pub(super) struct Refusal {
    error: String,
    beside: Map<String, Value>,
}

impl Refusal {
    pub(super) fn new(error: &str) -> Self {
        Self { error: error.to_owned(), beside: Map::new() }
    }

    /// `invalid_arguments`, saying which.
    pub(super) fn arguments(messages: Vec<String>) -> Self {
        Self::new("invalid_arguments").saying(Value::from(messages))
    }

    /// `invalid_blocks`, saying which.
    pub(super) fn blocks(messages: Vec<String>) -> Self {
        let messages = Value::from(messages);
        Self::new("invalid_blocks").with("errors", messages.clone()).saying(messages)
    }

    fn saying(self, messages: Value) -> Self {
        self.with("response_metadata", Value::Object(Map::from_iter([("messages".to_owned(), messages)])))
    }

    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.beside.insert(name.to_owned(), value);
        self
    }

    pub(super) fn into_answer(self) -> Map<String, Value> {
        let mut answer = self.beside;
        answer.insert("ok".to_owned(), json!(false));
        answer.insert("error".to_owned(), json!(self.error));
        answer
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)?;
        if self.beside.is_empty() { Ok(()) } else { write!(f, " {}", Value::Object(self.beside.clone())) }
    }
}

/// The object that `json!` made.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => unreachable!("not an object: {other}"),
    }
}

struct Method {
    name: &'static str,
    /// Whether it takes a JSON body; all take a query or a form.
    json: bool,
    /// Empty: none, or it depends on the conversation.
    scope: &'static str,
    run: fn(&mut State, &Fields) -> Answer,
}

const fn method(name: &'static str, json: bool, scope: &'static str, run: fn(&mut State, &Fields) -> Answer) -> Method {
    Method { name, json, scope, run }
}

const METHODS: [Method; 24] = [
    method("auth.test", true, "", auth_test),
    method("bots.info", false, "users:read", bots_info),
    method("chat.delete", true, "chat:write", chat::delete),
    method("chat.getPermalink", false, "", chat::permalink),
    method("chat.postEphemeral", true, "chat:write", chat::post_ephemeral),
    method("chat.postMessage", true, "chat:write", chat::post),
    method("chat.update", true, "chat:write", chat::update),
    method("conversations.history", false, "", history::history),
    method("conversations.info", false, "", conversations::info),
    method("conversations.list", false, "", conversations::list),
    method("conversations.members", false, "", conversations::members),
    method("conversations.open", true, "im:write", conversations::open),
    method("conversations.replies", false, "", history::replies),
    method("team.info", false, "team:read", team_info),
    method("usergroups.list", false, "usergroups:read", users::groups),
    method("usergroups.users.list", false, "usergroups:read", users::group_members),
    method("users.info", false, "users:read", users::info),
    method("users.list", false, "users:read", users::list),
    method("users.lookupByEmail", false, "users:read.email", users::by_email),
    method("views.open", true, "", views::open),
    method("views.publish", true, "", views::publish),
    method("views.push", true, "", views::push),
    method("views.update", true, "", views::update),
    method(SOCKETS, true, "connections:write", connections_open),
];

/// What must name the workspace when the app is installed for an organisation.
const NAMES_TEAM: [&str; 4] = ["conversations.list", "usergroups.list", "usergroups.users.list", "users.list"];

/// The one method that takes the app's token.
const SOCKETS: &str = "apps.connections.open";

/// For the header that names them.
pub(super) fn scopes_of(name: &str) -> Option<&'static str> {
    METHODS.iter().find(|m| m.name == name).map(|m| m.scope).filter(|s| !s.is_empty())
}

/// Does what the call says, or refuses it as Slack would, in Slack's order: method, token, scope, arguments.
pub(super) fn perform(slack: &Slack, name: &str, sent: &Sent) -> Answer {
    let mut state = slack.state();
    let method = METHODS.iter().find(|m| m.name == name);
    let method = method.ok_or_else(|| Refusal::new("unknown_method").with("req_method", json!(name)))?;
    if let Some(error) = sent.unreadable {
        return Err(error.into());
    }
    authorize(&state, method, sent)?;
    if sent.manner == Manner::Json && !method.json {
        let why = format!("[ERROR] {name} takes no JSON body: send a query or a form");
        return Err(Refusal::arguments(vec![why]));
    }
    (method.run)(&mut state, &sent.fields)
}

fn authorize(state: &State, method: &Method, sent: &Sent) -> Result<(), Refusal> {
    let right = if method.name == SOCKETS { APP_TOKEN } else { BOT_TOKEN };
    match sent.token.as_deref() {
        None => return Err("not_authed".into()),
        Some(token) if token == right => {}
        Some(BOT_TOKEN | APP_TOKEN) => return Err("not_allowed_token_type".into()),
        Some(_) => return Err("invalid_auth".into()),
    }
    if state.enterprise.is_some() && NAMES_TEAM.contains(&method.name) && sent.fields.text("team_id") != Some(TEAM) {
        return Err("missing_argument".into());
    }
    // The app's token has its own scope, always.
    if method.scope.is_empty() || method.name == SOCKETS { Ok(()) } else { state.need_scope(method.scope) }
}

fn connections_open(state: &mut State, _: &Fields) -> Answer {
    let url = state.open_connection()?;
    Ok(object(json!({"url": url})))
}

#[expect(clippy::unnecessary_wraps, reason = "all methods have one shape")]
fn auth_test(state: &mut State, _: &Fields) -> Answer {
    let mut answer = json!({
        "url": "https://home.slack.com/", "team": "Home", "user": "hallpass", "team_id": TEAM,
        "user_id": BOT_USER, "bot_id": BOT_ID, "is_enterprise_install": state.enterprise.is_some(),
    });
    if let Some(enterprise) = &state.enterprise {
        answer["enterprise_id"] = json!(enterprise);
    }
    Ok(object(answer))
}

fn bots_info(_: &mut State, fields: &Fields) -> Answer {
    if fields.need("bot")? != BOT_ID {
        return Err("bot_not_found".into());
    }
    Ok(object(json!({"bot": {"id": BOT_ID, "deleted": false, "name": "Hallpass", "updated": 0, "app_id": APP_ID, "user_id": BOT_USER}})))
}

#[expect(clippy::unnecessary_wraps, reason = "all methods have one shape")]
fn team_info(state: &mut State, _: &Fields) -> Answer {
    let mut team = json!({"id": TEAM, "name": "Home", "domain": "home", "email_domain": "home.example"});
    if let Some(enterprise) = &state.enterprise {
        team["enterprise_id"] = json!(enterprise);
    }
    Ok(object(json!({"team": team})))
}
