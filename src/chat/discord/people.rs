//! Who Discord's people are: members of the guild, with their roles; bots, guests, people who left, are timed out or have not
//! accepted the guild's rules yet. Reads; from ids only. A member is read leniently, and whoever it does not show to be a full
//! member is none.

use std::{collections::HashMap, sync::PoisonError};

use serde_json::Value;
use serenity::http::{LightMethod, Route};

use super::{
    Discord, Trouble,
    api::{Call, id},
};
use crate::{
    chat::{ChatFault, Profile},
    domain::members::{Bar, Presence},
};

/// As long as what an interaction said of its presser is good, in microseconds: as long as Discord waits for its answer.
const SAID: i64 = 3_000_000;
/// How far an interaction's own time may be from ours, in milliseconds. Older ones are brought again when a connection is resumed
/// or a request repeated, and what they say of their presser is not so any more.
const FRESH: u64 = 5_000;
/// When Discord's time begins, in milliseconds since 1970.
const EPOCH: i64 = 1_420_070_400_000;
/// `IS_GUEST` among a member's flags: was let into one voice channel, and no more.
const GUEST: u64 = 1 << 4;

/// A member of the guild as Discord has them, as far as rights depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::chat) struct MemberNow {
    /// Ids of their roles; everybody's role, whose id is the guild's, is not among them.
    pub roles: Vec<String>,
    /// As it is shown in the guild. People change it as they like: it names them and proves nothing.
    pub name: String,
    pub bot: bool,
    /// In seconds since 1970; None: they are not.
    pub timed_out_until: Option<i64>,
    /// Has not agreed to the guild's rules yet.
    pub pending: bool,
    /// Was let into one voice channel, and no more.
    pub guest: bool,
}

impl MemberNow {
    /// From Discord's object of a member, with its user inside. None: it is none.
    pub(in crate::chat) fn read(member: &Value) -> Option<Self> {
        let user = &member["user"];
        let name = [&member["nick"], &user["global_name"], &user["username"], &user["id"]];
        let timed_out_until = match &member["communication_disabled_until"] {
            Value::Null => None,
            // What cannot be read is no end.
            until => Some(until.as_str().and_then(seconds).unwrap_or(i64::MAX)),
        };
        Some(Self {
            roles: member["roles"].as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            name: name.into_iter().filter_map(Value::as_str).find(|name| !name.trim().is_empty())?.to_owned(),
            bot: is_set(&user["bot"]) || is_set(&user["system"]),
            timed_out_until,
            pending: is_set(&member["pending"]),
            guest: member["flags"].as_u64().unwrap_or_default() & GUEST != 0,
        })
    }

    /// At this second. What passes by itself, or with a click of theirs, takes away nothing.
    fn presence(&self, now: i64) -> Presence {
        if self.bot || self.guest {
            Presence::Gone
        } else if self.timed_out_until.is_some_and(|until| until > now) {
            Presence::Barred(Bar::TimedOut)
        } else if self.pending {
            Presence::Barred(Bar::RulesUnread)
        } else {
            Presence::There
        }
    }
}

/// Anything but a plain no is a yes.
fn is_set(flag: &Value) -> bool {
    !matches!(flag, Value::Null | Value::Bool(false))
}

fn seconds(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp())
}

/// By user, what an interaction said of them.
pub(super) type Saw = HashMap<String, Said>;

/// What an interaction said of who made it.
pub(super) struct Said {
    /// When it came, in monotonic microseconds.
    at: i64,
    interaction: u64,
    member: MemberNow,
}

impl Discord {
    /// An interaction said this of who made it: the right is judged by what Discord said at the press. One that is not of just
    /// now, or older than another that came, says nothing.
    pub(super) fn saw(&self, user: &str, interaction: &str, member: MemberNow) {
        let (now, outside) = (self.now(), self.outside().micros() / 1_000);
        let Ok(interaction) = interaction.parse::<u64>() else { return };
        if made_at(interaction).abs_diff(outside) > FRESH {
            return;
        }
        let mut saw = self.saw.lock().unwrap_or_else(PoisonError::into_inner);
        saw.retain(|_, said| is_good(said.at, now));
        if saw.get(user).is_none_or(|said| said.interaction <= interaction) {
            saw.insert(user.to_owned(), Said { at: now, interaction, member });
        }
    }

    fn seen(&self, user: &str) -> Option<MemberNow> {
        let saw = self.saw.lock().unwrap_or_else(PoisonError::into_inner);
        saw.get(user).filter(|said| is_good(said.at, self.now())).map(|said| said.member.clone())
    }

    /// Can it be said at once who they are, or asked without keeping what decides waiting?
    pub(super) fn has_room_for(&self, user: &str) -> bool {
        let guild = &self.settings.guild;
        self.seen(user).is_some()
            || self.members.is_known(user, self.now())
            || self.api.is_roomy("GET", &format!("/guilds/{guild}/members/0"), guild)
    }

    /// One member of the guild, as an interaction of theirs just said or as Discord answers now; None: they are none.
    pub(super) async fn member(&self, user: &str) -> Result<Option<MemberNow>, Trouble> {
        if let Some(member) = self.seen(user) {
            return Ok(Some(member));
        }
        // Whoever bot.toml names by something else is nobody there.
        let Ok(user_id) = id(user, "user") else { return Ok(None) };
        let route = Route::GuildMember { guild_id: id(&self.settings.guild, "guild")?, user_id };
        self.members.ask(user, || self.now(), self.asked_member(user, route)).await
    }

    async fn asked_member(&self, user: &str, route: Route<'static>) -> Result<Option<MemberNow>, Trouble> {
        match self.ask_in_turn(|| Call::new(LightMethod::Get, route)).await {
            Ok(member) if member["user"]["id"] == *user => {
                MemberNow::read(&member).map(Some).ok_or_else(|| Trouble::Unanswered("a member without roles or a name".to_owned()))
            }
            Ok(_) => Err(Trouble::Unanswered("another member than the one that was asked for".to_owned())),
            Err(trouble) if trouble.is_one_of(&[10007, 10013]) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    pub(super) async fn profile_of(&self, user: &str) -> Result<Profile, ChatFault> {
        let now = self.outside().seconds();
        Ok(match self.member(user).await? {
            Some(member) => Profile { presence: member.presence(now), name: member.name },
            None => Profile { presence: Presence::Gone, name: user.to_owned() },
        })
    }

    pub(super) async fn has_role(&self, role: &str, user: &str) -> Result<bool, ChatFault> {
        let member = self.member(user).await?;
        Ok(member.is_some_and(|member| role == self.settings.guild || member.roles.iter().any(|has| has == role)))
    }

    /// How many have the role: Discord counts them, though it names them to nobody without a privileged intent.
    pub(super) async fn count_of(&self, role: &str) -> Result<u64, ChatFault> {
        let route = Route::GuildRoleMemberCounts { guild_id: id(&self.settings.guild, "guild")? };
        // A refusal of this keeps nobody from being asked about people; and without a count more is possible, so that nobody waits
        // for one.
        let asked = self.api.call(Call::new(LightMethod::Get, route).at("counts"));
        let counts = self.counts.ask("", || self.now(), asked).await?;
        match counts.get(role) {
            Some(count) => count.as_u64().ok_or_else(|| Trouble::Unanswered("a count that is no number".to_owned()).into()),
            None if role == self.settings.guild => {
                Err(ChatFault::Permanent { why: "the role of everybody in the guild is not counted: name another in bot.toml".to_owned() })
            }
            // A role that nobody has may be left out, and so is one that is not there: nobody has it either.
            None if counts.is_object() => Ok(0),
            None => Err(Trouble::Unanswered("no counts of roles".to_owned()).into()),
        }
    }
}

/// When an id was made, in milliseconds since 1970: it begins with that.
const fn made_at(id: u64) -> i64 {
    (id >> 22).cast_signed() + EPOCH
}

/// At a clock that only goes forward.
const fn is_good(at: i64, now: i64) -> bool {
    now - at < SAID
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use serde_json::json;

    use super::*;
    use crate::{
        chat::discord::Settings,
        clock::ManualClock,
        domain::time::{Instant, Span},
    };

    const NOW: i64 = 1_790_000_000;

    fn member(more: &Value) -> MemberNow {
        let mut member = json!({ "user": { "id": "7", "username": "ana", "global_name": "Ana Reyes" }, "nick": null, "roles": ["11", "12"],
            "pending": false, "flags": 0, "communication_disabled_until": null });
        member.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        MemberNow::read(&member).unwrap()
    }

    #[test]
    fn who_is_there_who_may_not_act_for_now_and_who_is_none() {
        let (timed_out, unread) = (Presence::Barred(Bar::TimedOut), Presence::Barred(Bar::RulesUnread));
        for (more, presence) in [
            (json!({}), Presence::There),
            (json!({ "communication_disabled_until": "2026-01-01T00:00:00.000000+00:00" }), Presence::There),
            (json!({ "communication_disabled_until": "2030-01-01T00:00:00.000000+00:00" }), timed_out),
            (json!({ "communication_disabled_until": "some day" }), timed_out),
            (json!({ "pending": true }), unread),
            (json!({ "pending": "perhaps" }), unread),
            (json!({ "flags": 1 << 4 }), Presence::Gone),
            (json!({ "user": { "id": "7", "username": "ana", "bot": true } }), Presence::Gone),
            (json!({ "user": { "id": "7", "username": "ana", "system": true }, "pending": true }), Presence::Gone),
        ] {
            assert_eq!(member(&more).presence(NOW), presence, "{more}");
        }
    }

    #[test]
    fn a_member_is_named_as_the_guild_sees_them_and_nothing_is_made_up() {
        assert_eq!(member(&json!({})).name, "Ana Reyes");
        assert_eq!(member(&json!({ "nick": "ana (on call)" })).name, "ana (on call)");
        assert_eq!(member(&json!({})).roles, ["11", "12"]);
        assert_eq!(MemberNow::read(&json!({ "user": { "id": "7", "username": "ana" } })), None, "without roles");
        assert_eq!(MemberNow::read(&json!({ "roles": [] })), None, "without a user");
    }

    /// Nothing is there to be asked.
    fn alone() -> (Discord, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Instant::from_micros(NOW * 1_000_000)));
        let settings = Settings {
            bot_token: "nobody's".into(),
            application: "1".to_owned(),
            guild: "2".to_owned(),
            api_url: "http://127.0.0.1:1".to_owned(),
            gateway_url: None,
            patience: Duration::from_secs(5),
        };
        (Discord::new(settings, clock.clone()), clock)
    }

    #[tokio::test]
    async fn what_a_press_said_is_good_for_three_seconds_and_for_its_presser_only() {
        let (discord, clock) = alone();
        discord.saw("7", &made(NOW * 1000), member(&json!({})));
        clock.advance(Span::from_seconds(2));
        assert_eq!(discord.has_role("11", "7").await, Ok(true));
        assert_eq!(discord.has_role("13", "7").await, Ok(false));
        assert!(discord.profile_of("7").await.unwrap().presence == Presence::There);
        assert!(discord.profile_of("8").await.is_err(), "of somebody else it said nothing");
        clock.jump(Instant::from_micros(0));
        assert_eq!(discord.has_role("11", "7").await, Ok(true), "a clock that somebody sets makes nothing older or younger");
        clock.advance(Span::from_seconds(1));
        assert!(matches!(discord.has_role("11", "7").await, Err(ChatFault::Transient { .. })), "Discord is asked, which is not there");
    }

    /// The id of an interaction that was made at this millisecond.
    fn made(millis: i64) -> String {
        ((millis - EPOCH) << 22).to_string()
    }

    #[tokio::test]
    async fn what_is_old_from_another_time_or_older_than_what_came_says_nothing() {
        for off in [-5_001, 5_001, -86_400_000] {
            let (discord, _) = alone();
            discord.saw("7", &made(NOW * 1000 + off), member(&json!({})));
            assert!(discord.has_role("11", "7").await.is_err(), "{off}: Discord is asked");
        }
        let (discord, _) = alone();
        discord.saw("7", &made(NOW * 1000 + 5_000), member(&json!({ "roles": [] })));
        discord.saw("7", &made(NOW * 1000 - 5_000), member(&json!({})));
        assert_eq!(discord.has_role("11", "7").await, Ok(false), "the role was taken away since");
        discord.saw("7", &made(NOW * 1000 + 5_000), member(&json!({})));
        assert_eq!(discord.has_role("11", "7").await, Ok(true), "the same again, or a later one");
    }

    #[tokio::test]
    async fn an_id_that_is_none_of_discords_is_nobodys() {
        let (discord, _) = alone();
        assert_eq!(discord.profile_of("U0ANA").await, Ok(Profile { presence: Presence::Gone, name: "U0ANA".to_owned() }));
        assert_eq!(discord.has_role("11", "1/../2").await, Ok(false));
    }
}
