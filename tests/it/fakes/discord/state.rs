//! The memory of the fake: what is where, the clock, ids, and the JSON that is made of several records.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use super::{
    APP_ID, BOT, BOT_ROLE, GUILD,
    api::Refusal,
    deliver::{Sent, Stamp, Transport},
    faults::Planned,
    gateway::Sessions,
    limits::Limits,
    permissions,
    records::{Channel, Ephemeral, Form, Guild, Interaction, Member, Person, Role, Sort},
    server::Request,
};

/// The first second of Discord's ids, in milliseconds since 1970.
const EPOCH_MILLIS: i64 = 1_420_070_400_000;

pub(super) struct State {
    /// Where it listens: `127.0.0.1:N`.
    pub(super) host: String,
    pub(super) now_micros: i64,
    serial: u32,
    pub(super) people: BTreeMap<String, Person>,
    pub(super) guilds: BTreeMap<String, Guild>,
    /// Commands that stand in every guild and in direct conversations.
    pub(super) commands: Vec<Value>,
    /// The application's flags, which say among others which privileged intents are on.
    pub(super) flags: u64,
    pub(super) channels: BTreeMap<String, Channel>,
    pub(super) ephemerals: Vec<Ephemeral>,
    pub(super) forms: BTreeMap<String, Form>,
    pub(super) interactions: Vec<Interaction>,
    /// What a nonce made: when, where, which message.
    pub(super) nonces: BTreeMap<String, (i64, Value)>,
    pub(super) requests: Vec<Request>,
    pub(super) refusals: Vec<String>,
    /// Those of them that no application may ever meet.
    pub(super) unfit: Vec<String>,
    /// Threads that may be open at once.
    pub(super) most_threads: usize,
    /// An archived thread takes nothing, locked or not.
    pub(super) archived_refuse: bool,
    pub(super) planned: Vec<Planned>,
    pub(super) down: bool,
    pub(super) limits: Limits,
    pub(super) transport: Transport,
    pub(super) stamp: Stamp,
    pub(super) last: Option<Sent>,
    pub(super) sessions: Sessions,
}

impl State {
    pub(super) fn new(host: String, now_seconds: i64) -> Self {
        let mut state = Self {
            host,
            now_micros: now_seconds * 1_000_000,
            serial: 0,
            people: BTreeMap::new(),
            guilds: BTreeMap::new(),
            commands: Vec::new(),
            flags: 0,
            channels: BTreeMap::new(),
            ephemerals: Vec::new(),
            forms: BTreeMap::new(),
            interactions: Vec::new(),
            nonces: BTreeMap::new(),
            requests: Vec::new(),
            refusals: Vec::new(),
            unfit: Vec::new(),
            most_threads: 1_000,
            archived_refuse: false,
            planned: Vec::new(),
            down: false,
            limits: Limits::default(),
            transport: Transport::Gateway,
            stamp: Stamp::Machine,
            last: None,
            sessions: Sessions::default(),
        };
        state.add_person(BOT, "Hallpass", true);
        state.add_guild(GUILD, "Home");
        let usual = Role {
            id: BOT_ROLE.to_owned(),
            name: "Hallpass".to_owned(),
            permissions: permissions::USUAL,
            position: 50,
            managed: true,
            mentionable: false,
        };
        let home = state.guilds.get_mut(GUILD).unwrap();
        home.roles.insert(BOT_ROLE.to_owned(), usual);
        home.members.insert(BOT.to_owned(), Member { roles: vec![BOT_ROLE.to_owned()], ..Member::default() });
        state
    }

    pub(super) fn gateway_url(&self) -> String {
        format!("ws://{}", self.host)
    }

    pub(super) fn now_seconds(&self) -> i64 {
        self.now_micros.div_euclid(1_000_000)
    }

    /// A time as Discord writes it.
    pub(super) fn iso(micros: i64) -> String {
        DateTime::from_timestamp_micros(micros).unwrap().to_rfc3339_opts(SecondsFormat::Micros, false)
    }

    /// An id that is never the same twice, and in order.
    pub(super) fn snowflake(&mut self) -> String {
        self.serial += 1;
        let millis = self.now_micros.div_euclid(1_000) - EPOCH_MILLIS;
        ((millis << 22) | i64::from(self.serial & 0x3f_ffff)).to_string()
    }

    pub(super) fn refuse(&mut self, why: String) {
        self.refusals.push(why);
    }

    /// Notes a refusal of what was sent as nobody may send it.
    pub(super) fn note_unfit(&mut self, what: &str, refusal: &Refusal) {
        if refusal.is_of_the_sender() {
            self.unfit.push(format!("{what}: {refusal}"));
        }
    }

    pub(super) fn add_person(&mut self, id: &str, name: &str, bot: bool) {
        let username = name.to_lowercase().replace(' ', ".");
        let person = Person { id: id.to_owned(), username, global_name: (!bot).then(|| name.to_owned()), bot, takes_directs: true };
        self.people.insert(id.to_owned(), person);
    }

    pub(super) fn add_guild(&mut self, id: &str, name: &str) {
        let everybody = Role {
            id: id.to_owned(),
            name: "@everyone".to_owned(),
            permissions: permissions::EVERYBODYS,
            position: 0,
            managed: false,
            mentionable: false,
        };
        let guild = Guild {
            id: id.to_owned(),
            name: name.to_owned(),
            owner: "0".to_owned(),
            roles: BTreeMap::from([(id.to_owned(), everybody)]),
            members: BTreeMap::new(),
            commands: Vec::new(),
        };
        self.guilds.insert(id.to_owned(), guild);
    }

    pub(super) fn known(&self, user: &str) -> &Person {
        self.people.get(user).unwrap_or_else(|| panic!("there is no {user} on Discord"))
    }

    pub(super) fn place(&self, channel: &str) -> &Channel {
        self.channels.get(channel).unwrap_or_else(|| panic!("there is no channel {channel}"))
    }

    /// Is the bot a member of this guild?
    pub(super) fn bot_is_in(&self, guild: &str) -> bool {
        self.guilds.get(guild).is_some_and(|g| g.members.contains_key(BOT))
    }

    /// What somebody may do in a channel; its rules stand at a thread's parent.
    pub(super) fn may(&self, channel: &str, user: &str) -> u64 {
        let channel = self.place(channel);
        let Some(guild) = &channel.guild else { return permissions::USUAL };
        let ruled = channel.thread().map_or(channel, |thread| self.place(&thread.parent));
        permissions::within(&self.guilds[guild], ruled, user)
    }

    /// The direct conversation of the bot with somebody, opened if need be.
    pub(super) fn direct_with(&mut self, user: &str) -> String {
        let open = self.channels.values().find(|c| matches!(&c.sort, Sort::Direct(with) if with == user));
        if let Some(channel) = open {
            return channel.id.clone();
        }
        self.known(user);
        let id = self.snowflake();
        let (sort, name) = (Sort::Direct(user.to_owned()), String::new());
        self.channels.insert(id.clone(), Channel { id: id.clone(), guild: None, name, sort, rules: Vec::new(), messages: Vec::new() });
        id
    }

    /// The `member` object, without the user.
    pub(super) fn member_json(member: &Member) -> Value {
        json!({
            "nick": member.nick, "avatar": null, "banner": null, "roles": member.roles, "pending": member.pending,
            "joined_at": "2025-01-01T00:00:00.000000+00:00", "premium_since": null, "deaf": false, "mute": false, "flags": 0,
            "communication_disabled_until": member.timed_out_until.map(|at| Self::iso(at * 1_000_000)),
            "avatar_decoration_data": null, "collectibles": null, "unusual_dm_activity_until": null,
        })
    }

    /// The channel object.
    pub(super) fn channel_json(&self, id: &str) -> Value {
        let channel = self.place(id);
        let last = channel.messages.last().map(|m| m["id"].clone());
        let mut json = json!({"id": id, "last_message_id": last, "last_pin_timestamp": null, "flags": 0});
        let more = match &channel.sort {
            Sort::Direct(user) => json!({"type": 1, "recipients": [self.known(user).json()]}),
            Sort::Text | Sort::Voice => json!({
                "type": if matches!(channel.sort, Sort::Voice) { 2 } else { 0 }, "guild_id": channel.guild, "name": channel.name, "parent_id": null, "topic": null, "position": 1,
                "nsfw": false, "rate_limit_per_user": 0,
                "permission_overwrites": channel.rules.iter().map(super::records::Rule::json).collect::<Vec<_>>(),
            }),
            Sort::Thread(thread) => json!({
                "type": 11, "guild_id": channel.guild, "name": channel.name, "parent_id": thread.parent, "owner_id": thread.owner,
                "rate_limit_per_user": 0, "bitrate": 64000, "user_limit": 0, "rtc_region": null,
                "message_count": channel.messages.len(), "member_count": 1, "total_message_sent": channel.messages.len(),
                "thread_metadata": {
                    "archived": thread.archived, "locked": thread.locked, "auto_archive_duration": thread.auto_archive,
                    "archive_timestamp": Self::iso(thread.turned_micros), "create_timestamp": Self::iso(thread.turned_micros),
                },
            }),
        };
        json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json
    }

    /// A message as it is read now: with its thread, if it has one.
    pub(super) fn message_json(&self, channel: &str, id: &str) -> Option<Value> {
        let mut message = self.channels.get(channel)?.message(id)?.clone();
        if self.channels.get(id).is_some_and(|thread| thread.thread().is_some()) && channel != id {
            message["thread"] = self.channel_json(id);
            message["flags"] = json!(message["flags"].as_u64().unwrap_or_default() | 32);
        }
        Some(message)
    }

    /// Which channel a message stands in; not the ones that one person sees.
    pub(super) fn where_is(&self, message: &str) -> Option<String> {
        let holds = |c: &&Channel| c.message(message).is_some_and(|m| m["type"] != 21);
        self.channels.values().find(holds).map(|c| c.id.clone())
    }

    pub(super) fn app_json(&self) -> Value {
        let owner = self.known(BOT).json();
        json!({
            "id": APP_ID, "name": "Hallpass", "icon": null, "description": "", "type": null, "bot": owner, "bot_public": false,
            "bot_require_code_grant": false, "verify_key": super::deliver::verify_key(), "flags": self.flags,
            "flags_new": self.flags.to_string(), "redirect_uris": [], "interactions_endpoint_url": self.transport.url(), "role_connections_verification_url": null,
            "owner": owner, "approximate_guild_count": 1, "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0, "explicit_content_filter": 0, "team": null, "eligible_oauth2_scopes": [],
            "event_webhooks_url": null, "event_webhooks_status": 1, "summary": "", "install_params": null,
        })
    }
}
