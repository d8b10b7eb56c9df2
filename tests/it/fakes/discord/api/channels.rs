//! Channels, threads and direct conversations.

use serde_json::Value;

use super::{Answer, Call, Refusal, held};
use crate::fakes::discord::{
    BOT,
    check::Wrongs,
    permissions::{CREATE_PUBLIC_THREADS, MANAGE_THREADS, SEND_MESSAGES, SEND_MESSAGES_IN_THREADS, VIEW_CHANNEL},
    records::{Channel, Sort, Thread},
    state::State,
};

const NAME: usize = 100;
const AUTO_ARCHIVE: [i64; 4] = [60, 1440, 4320, 10080];
const AN_HOUR_SLOW: i64 = 21_600;

impl State {
    /// A channel that the bot can see.
    ///
    /// # Errors
    /// 10003 when there is none; 50001 when the bot may not see it.
    pub(super) fn visible(&self, id: &str) -> Result<&Channel, Refusal> {
        let channel = self.channels.get(id).ok_or(Refusal::from(10003))?;
        let Some(guild) = &channel.guild else { return Ok(channel) };
        if !self.bot_is_in(guild) || self.may(id, BOT) & VIEW_CHANNEL == 0 {
            return Err(50001.into());
        }
        Ok(channel)
    }

    /// The same, where the bot may write.
    ///
    /// # Errors
    /// 50013, 50083 in an archived thread that is locked (by switch: in any), 160005 in a locked one, 50007 and 50278 to people who cannot be written to.
    pub(super) fn writable(&self, id: &str) -> Result<&Channel, Refusal> {
        let channel = self.visible(id)?;
        match &channel.sort {
            Sort::Direct(user) => {
                if !self.guilds.values().any(|g| g.members.contains_key(BOT) && g.members.contains_key(user)) {
                    return Err(50278.into());
                }
                if !self.known(user).takes_directs {
                    return Err(50007.into());
                }
            }
            Sort::Text if self.may(id, BOT) & SEND_MESSAGES == 0 => return Err(50013.into()),
            Sort::Thread(thread) if thread.archived && (thread.locked || self.archived_refuse) => return Err(50083.into()),
            Sort::Thread(thread) if thread.locked && self.may(id, BOT) & MANAGE_THREADS == 0 => return Err(160_005.into()),
            Sort::Thread(_) if self.may(id, BOT) & SEND_MESSAGES_IN_THREADS == 0 => return Err(50013.into()),
            Sort::Voice => return Err(50024.into()),
            Sort::Text | Sort::Thread(_) => {}
        }
        Ok(channel)
    }
}

impl State {
    /// Whoever writes into an archived thread brings it back.
    ///
    /// # Errors
    /// 160006 when too many are open already.
    pub(super) fn bring_back(&mut self, id: &str) -> Result<(), Refusal> {
        if !self.channels.get(id).and_then(Channel::thread).is_some_and(|thread| thread.archived) {
            return Ok(());
        }
        self.has_room_for_a_thread()?;
        let now_micros = self.now_micros;
        if let Some(Sort::Thread(thread)) = self.channels.get_mut(id).map(|channel| &mut channel.sort) {
            (thread.archived, thread.turned_micros) = (false, now_micros);
        }
        Ok(())
    }

    fn has_room_for_a_thread(&self) -> Result<(), Refusal> {
        let open = self.channels.values().filter_map(Channel::thread).filter(|thread| !thread.archived).count();
        if open < self.most_threads { Ok(()) } else { Err(160_006.into()) }
    }

    /// Is nothing written there any more by whoever does not manage threads?
    pub(in crate::fakes::discord) fn is_locked(&self, id: &str) -> bool {
        self.channels.get(id).and_then(Channel::thread).is_some_and(|thread| thread.locked)
    }
}

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let id = state.visible(call.id(0))?.id.clone();
    Ok((200, state.channel_json(&id)))
}

pub(super) fn create_dm(state: &mut State, call: &Call) -> Answer {
    let mut wrongs = Wrongs::default();
    let user = wrongs.object("", &call.body, &["recipient_id"]).and_then(|body| wrongs.id("recipient_id", body.get("recipient_id")));
    if user.is_none() {
        wrongs.required("recipient_id");
    }
    held(&wrongs)?;
    let user = user.unwrap();
    if !state.people.contains_key(user) || user == BOT {
        return Err(if user == BOT { 50007.into() } else { 10013.into() });
    }
    let id = state.direct_with(user);
    Ok((200, state.channel_json(&id)))
}

pub(super) fn typing(state: &mut State, call: &Call) -> Answer {
    state.writable(call.id(0))?;
    Ok((204, Value::Null))
}

fn check_archiving(wrongs: &mut Wrongs, value: Option<&Value>) -> Option<i64> {
    let minutes = wrongs.number("auto_archive_duration", value, 1, AUTO_ARCHIVE[3])?;
    if !AUTO_ARCHIVE.contains(&minutes) {
        wrongs.add("auto_archive_duration", "BASE_TYPE_CHOICES", "Value must be one of (60, 1440, 4320, 10080).");
    }
    Some(minutes)
}

pub(super) fn create_thread(state: &mut State, call: &Call) -> Answer {
    let (id, message) = (call.id(0), call.id(1));
    let channel = state.visible(id)?;
    if !matches!(channel.sort, Sort::Text) {
        return Err(50024.into());
    }
    if state.may(id, BOT) & CREATE_PUBLIC_THREADS == 0 {
        return Err(50013.into());
    }
    if channel.message(message).is_none() {
        return Err(10008.into());
    }
    if state.channels.contains_key(message) {
        return Err(160_004.into());
    }
    let mut wrongs = Wrongs::default();
    let (mut name, mut minutes) = ("", None);
    if let Some(body) = wrongs.object("", &call.body, &["name", "auto_archive_duration", "rate_limit_per_user"]) {
        name = wrongs.words("name", body.get("name"), NAME);
        minutes = check_archiving(&mut wrongs, body.get("auto_archive_duration"));
        wrongs.number("rate_limit_per_user", body.get("rate_limit_per_user"), 0, AN_HOUR_SLOW);
    }
    held(&wrongs)?;
    state.has_room_for_a_thread()?;
    state.begin_thread(id, message, name, BOT, minutes.unwrap_or(4320).unsigned_abs());
    Ok((201, state.channel_json(message)))
}

impl State {
    /// A thread under a message, with what Discord writes into it first.
    pub(in crate::fakes::discord) fn begin_thread(&mut self, channel: &str, message: &str, name: &str, owner: &str, minutes: u64) {
        let guild = self.place(channel).guild.clone();
        let thread = Thread {
            parent: channel.to_owned(),
            owner: owner.to_owned(),
            archived: false,
            locked: false,
            auto_archive: minutes,
            turned_micros: self.now_micros,
        };
        let mut starter = self.blank(message, owner);
        (starter["id"], starter["type"]) = (message.into(), 21.into());
        starter["message_reference"] = serde_json::json!({"type": 0, "message_id": message, "channel_id": channel, "guild_id": guild});
        let channel = Channel {
            id: message.to_owned(),
            guild,
            name: name.to_owned(),
            sort: Sort::Thread(thread),
            rules: Vec::new(),
            messages: vec![starter],
        };
        self.channels.insert(message.to_owned(), channel);
    }
}

/// Of threads only: this fake's channels are changed by its tests.
pub(super) fn update(state: &mut State, call: &Call) -> Answer {
    let id = call.id(0);
    let now_micros = state.now_micros;
    let Some(thread) = state.visible(id)?.thread() else { return Err(50013.into()) };
    let may = state.may(id, BOT);
    let (archived, locked, owner) = (thread.archived, thread.locked, thread.owner.clone());
    let mut wrongs = Wrongs::default();
    let keys = ["name", "archived", "locked", "auto_archive_duration", "rate_limit_per_user", "invitable", "flags"];
    let body = wrongs.object("", &call.body, &keys);
    let says = |name: &str| body.and_then(|b| b.get(name)).filter(|v| !v.is_null());
    for name in ["archived", "locked"] {
        wrongs.boolean(name, says(name));
    }
    let name = wrongs.text("name", says("name"), 1, NAME);
    let minutes = check_archiving(&mut wrongs, says("auto_archive_duration"));
    held(&wrongs)?;
    let wants = |name: &str| says(name).and_then(Value::as_bool);
    let manages = may & MANAGE_THREADS != 0;
    let touches_more = wants("locked").is_some() || name.is_some() || minutes.is_some();
    if archived && wants("archived") != Some(false) && (touches_more || wants("archived").is_none()) {
        return Err(50083.into());
    }
    let brings_back = archived && wants("archived") == Some(false);
    let allowed = manages
        || (wants("locked").is_none_or(|lock| lock == locked)
            && if brings_back { !locked && may & SEND_MESSAGES_IN_THREADS != 0 } else { owner == BOT });
    if !allowed {
        return Err(50013.into());
    }
    if brings_back {
        state.has_room_for_a_thread()?;
    }
    let channel = state.channels.get_mut(id).unwrap();
    if let Some(name) = name {
        name.clone_into(&mut channel.name);
    }
    let Sort::Thread(thread) = &mut channel.sort else { unreachable!("looked at above") };
    if wants("archived").is_some_and(|to| to != thread.archived) {
        thread.turned_micros = now_micros;
    }
    thread.archived = wants("archived").unwrap_or(thread.archived);
    thread.locked = wants("locked").unwrap_or(thread.locked);
    thread.auto_archive = minutes.map_or(thread.auto_archive, i64::unsigned_abs);
    Ok((200, state.channel_json(id)))
}
