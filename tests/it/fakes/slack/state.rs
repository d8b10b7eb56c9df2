//! What stands in the workspace: people, groups, conversations with their messages, open forms, and what the app did.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{
    BOT_USER, TEAM,
    api::Refusal,
    deliver::{Sent, Stamp, Transport},
    faults::{Limits, Planned},
    hooks::Hook,
    modals::Form,
    sockets::Sockets,
};

/// What the manifest asks for when e-mail matching is off.
const DEFAULT_SCOPES: [&str; 9] = [
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "groups:history",
    "groups:read",
    "im:write",
    "usergroups:read",
    "users:read",
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Full,
    Guest,
    SingleChannelGuest,
    Bot,
}

#[derive(Clone)]
pub(super) struct Person {
    pub(super) id: String,
    /// The handle, as in `@ana`.
    pub(super) name: String,
    pub(super) real_name: String,
    /// Address, and whether Slack confirmed it.
    pub(super) email: Option<(String, bool)>,
    pub(super) zone: String,
    pub(super) standing: Standing,
    pub(super) deleted: bool,
    pub(super) team: String,
    /// Their workspace is another one of the same organisation.
    pub(super) of_organisation: bool,
}

pub(super) struct Group {
    pub(super) handle: String,
    pub(super) members: Vec<String>,
    pub(super) disabled: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Public,
    Private,
    Direct,
}

pub(super) struct Channel {
    pub(super) name: String,
    pub(super) sort: Sort,
    /// Without the bot.
    pub(super) members: Vec<String>,
    pub(super) bot_is_in: bool,
    pub(super) archived: bool,
    /// Other workspaces that it is shared with.
    pub(super) shared_with: Vec<String>,
    /// Replies too, oldest first.
    pub(super) messages: Vec<Value>,
}

impl Channel {
    pub(super) fn new(name: &str, sort: Sort, members: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            sort,
            members: members.iter().map(|&m| m.to_owned()).collect(),
            bot_is_in: true,
            archived: false,
            shared_with: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// Everybody in it, the bot as well.
    pub(super) fn everybody(&self) -> Vec<String> {
        let bot = self.bot_is_in.then(|| BOT_USER.to_owned());
        self.members.iter().cloned().chain(bot).collect()
    }

    pub(super) fn message(&self, ts: &str) -> Option<&Value> {
        self.messages.iter().find(|m| m["ts"] == ts)
    }

    pub(super) fn message_mut(&mut self, ts: &str) -> Option<&mut Value> {
        self.messages.iter_mut().find(|m| m["ts"] == ts)
    }
}

/// A message that one person sees, until they reload.
#[derive(Clone)]
pub(super) struct Ephemeral {
    pub(super) user: String,
    pub(super) message: Value,
}

pub(super) struct Trigger {
    pub(super) user: String,
    pub(super) at_micros: i64,
    pub(super) used: bool,
    /// The form that it comes from.
    pub(super) view_id: Option<String>,
}

pub(super) struct State {
    /// Where this Slack listens: `http://127.0.0.1:N`.
    pub(super) origin: String,
    pub(super) now_micros: i64,
    serial: u32,
    pub(super) enterprise: Option<String>,
    pub(super) scopes: BTreeSet<String>,
    pub(super) people: BTreeMap<String, Person>,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) channels: BTreeMap<String, Channel>,
    pub(super) ephemerals: Vec<Ephemeral>,
    pub(super) homes: BTreeMap<String, Form>,
    pub(super) modals: BTreeMap<String, Vec<Form>>,
    pub(super) triggers: BTreeMap<String, Trigger>,
    pub(super) hooks: BTreeMap<String, Hook>,
    pub(super) calls: Vec<(String, Value)>,
    pub(super) refusals: Vec<String>,
    pub(super) planned: Vec<Planned>,
    pub(super) down: bool,
    pub(super) limits: Option<Limits>,
    pub(super) transport: Transport,
    pub(super) stamp: Stamp,
    pub(super) last: Option<Sent>,
    pub(super) sockets: Sockets,
}

impl State {
    pub(super) fn new(origin: String, now_seconds: i64) -> Self {
        let mut state = Self {
            origin,
            now_micros: now_seconds * 1_000_000,
            serial: 0,
            enterprise: None,
            scopes: DEFAULT_SCOPES.map(str::to_owned).into(),
            people: BTreeMap::new(),
            groups: BTreeMap::new(),
            channels: BTreeMap::new(),
            ephemerals: Vec::new(),
            homes: BTreeMap::new(),
            modals: BTreeMap::new(),
            triggers: BTreeMap::new(),
            hooks: BTreeMap::new(),
            calls: Vec::new(),
            refusals: Vec::new(),
            planned: Vec::new(),
            down: false,
            limits: None,
            transport: Transport::None,
            stamp: Stamp::Machine,
            last: None,
            sockets: Sockets::default(),
        };
        state.add_person(BOT_USER, "Hallpass", Standing::Bot, TEAM);
        state
    }

    pub(super) fn now_seconds(&self) -> i64 {
        self.now_micros.div_euclid(1_000_000)
    }

    /// Never the same twice, and in order.
    pub(super) fn next(&mut self) -> u32 {
        self.serial += 1;
        self.serial
    }

    /// A `ts`: the time, and a counter in place of the microseconds.
    pub(super) fn stamp_ts(&mut self) -> String {
        let serial = self.next();
        format!("{}.{serial:06}", self.now_seconds())
    }

    pub(super) fn refuse(&mut self, why: String) {
        self.refusals.push(why);
    }

    pub(super) fn add_person(&mut self, id: &str, real_name: &str, standing: Standing, team: &str) {
        let first = real_name.split(' ').next().unwrap_or_default().to_lowercase();
        let taken = first.is_empty() || self.people.values().any(|p| p.name == first);
        self.people.insert(
            id.to_owned(),
            Person {
                id: id.to_owned(),
                name: if taken { id.to_lowercase() } else { first },
                real_name: real_name.to_owned(),
                email: None,
                zone: "Etc/UTC".to_owned(),
                standing,
                deleted: false,
                team: team.to_owned(),
                of_organisation: false,
            },
        );
    }

    pub(super) fn known(&self, user: &str) -> &Person {
        self.people.get(user).unwrap_or_else(|| panic!("there is no {user} in this workspace"))
    }

    /// The direct conversation of the bot with somebody, opened if need be.
    pub(super) fn direct_with(&mut self, user: &str) -> String {
        let id = format!("D{}", &user[1..]);
        self.channels.entry(id.clone()).or_insert_with(|| Channel::new("directmessage", Sort::Direct, &[user]));
        id
    }

    pub(super) fn new_trigger(&mut self, user: &str, view_id: Option<&str>) -> String {
        let id = format!("{}.{}.trigger", self.next(), self.now_seconds());
        let trigger = Trigger { user: user.to_owned(), at_micros: self.now_micros, used: false, view_id: view_id.map(str::to_owned) };
        self.triggers.insert(id.clone(), trigger);
        id
    }

    /// `team` and `enterprise` of a payload: one of them is null.
    pub(super) fn place(&self) -> (Value, Value) {
        match &self.enterprise {
            Some(id) => (Value::Null, json!({"id": id, "name": "Home Org"})),
            None => (json!({"id": TEAM, "domain": "home"}), Value::Null),
        }
    }

    /// Gives every block and element that has none an id, as Slack does.
    pub(super) fn name_blocks(&mut self, blocks: &mut Value) {
        for block in blocks.as_array_mut().into_iter().flatten() {
            let serial = self.next();
            let Some(block) = block.as_object_mut() else { continue };
            block.entry("block_id").or_insert_with(|| json!(format!("b{serial}")));
            for (index, element) in elements_of_mut(block).into_iter().enumerate() {
                if let Some(element) = element.as_object_mut() {
                    element.entry("action_id").or_insert_with(|| json!(format!("a{serial}.{index}")));
                }
            }
        }
    }

    /// # Errors
    /// `missing_scope`, with what is needed and what is there.
    pub(super) fn need_scope(&self, scope: &str) -> Result<(), Refusal> {
        if self.scopes.contains(scope) {
            return Ok(());
        }
        let provided = self.scopes.iter().cloned().collect::<Vec<_>>().join(",");
        Err(Refusal::new("missing_scope").with("needed", json!(scope)).with("provided", json!(provided)))
    }
}

/// The interactive elements of a block.
fn elements_of_mut(block: &mut Map<String, Value>) -> Vec<&mut Value> {
    let kind = block.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    match kind.as_str() {
        "actions" => block.get_mut("elements").and_then(Value::as_array_mut).into_iter().flatten().collect(),
        "section" => block.get_mut("accessory").into_iter().filter(|e| e["type"] != "image").collect(),
        "input" => block.get_mut("element").into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The interactive elements of a list of blocks, each with the id of its block.
pub(super) fn elements(blocks: &Value) -> Vec<(&Value, &Value)> {
    let mut found = Vec::new();
    for block in blocks.as_array().into_iter().flatten() {
        match block["type"].as_str().unwrap_or_default() {
            "actions" => found.extend(block["elements"].as_array().into_iter().flatten().map(|e| (block, e))),
            "section" => found.extend(block.get("accessory").filter(|e| e["type"] != "image").map(|e| (block, e))),
            "input" => found.extend(block.get("element").map(|e| (block, e))),
            _ => {}
        }
    }
    found
}
