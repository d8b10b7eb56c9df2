//! The server (the guild): whether the bot is in it, its roles and channels, and what the bot may do in each of them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    super::super::discord::{link, rights::Bits},
    Asks, Report,
    app::Bot,
    asks::Fault,
    shown, unanswered,
};
use crate::config::DiscordConfig;

/// A role of the server.
pub(super) struct Role {
    pub(super) name: String,
    rights: Bits,
    pub(super) is_mentionable: bool,
    /// Discord made it for a bot, and nobody else can have it.
    pub(super) is_a_bots: bool,
}

/// The server, with what the bot is in it.
pub(super) struct Server {
    pub(super) id: String,
    /// Shown to people; never compared.
    pub(super) name: String,
    pub(super) bot: String,
    bot_id: String,
    bot_roles: Vec<String>,
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) channels: BTreeMap<String, Value>,
}

impl Server {
    pub(super) fn role(&self, id: &str) -> Option<&Role> {
        self.roles.get(id)
    }

    /// What the bot may do where no channel says otherwise.
    pub(super) fn rights(&self) -> Bits {
        self.rights_with(&self.bot_roles)
    }

    /// What the bot may do in one of its channels.
    pub(super) fn rights_in(&self, channel: &Value) -> Bits {
        self.rights_there(channel, &self.bot_roles, Some(&self.bot_id))
    }

    /// Does whoever has this role and no other see the channel?
    pub(super) fn sees(&self, role: &str, channel: &Value) -> bool {
        self.rights_there(channel, &[role.to_owned()], None).has(Bits::VIEW_CHANNEL)
    }

    /// What everybody has, and what these roles add.
    fn rights_with(&self, roles: &[String]) -> Bits {
        let of = |id: &String| self.roles.get(id).map_or(Bits::default(), |role| role.rights);
        let rights = roles.iter().fold(of(&self.id), |rights, role| rights | of(role));
        if rights.has(Bits::ADMINISTRATOR) { Bits(u64::MAX) } else { rights }
    }

    /// As Discord reckons: first what is said of everyone there, then of the roles, then of the member.
    fn rights_there(&self, channel: &Value, roles: &[String], member: Option<&String>) -> Bits {
        let rights = self.rights_with(roles);
        if rights.has(Bits::ADMINISTRATOR) {
            return rights;
        }
        let rules = channel["permission_overwrites"].as_array().map_or(&[][..], Vec::as_slice);
        let is_about = |rule: &Value, id: &String| rule["id"] == **id;
        let everyone = changed(rights, rules.iter().filter(|rule| is_about(rule, &self.id)));
        let of_roles = |rule: &&Value| !is_about(rule, &self.id) && roles.iter().any(|role| is_about(rule, role));
        let by_role = changed(everyone, rules.iter().filter(of_roles));
        changed(by_role, rules.iter().filter(|rule| member.is_some_and(|member| is_about(rule, member))))
    }
}

/// What all of these rules together take away, and then what they give.
fn changed<'r>(rights: Bits, rules: impl Iterator<Item = &'r Value>) -> Bits {
    let (allowed, denied) = rules
        .fold((Bits::default(), Bits::default()), |(allowed, denied), rule| (allowed | bits(&rule["allow"]), denied | bits(&rule["deny"])));
    Bits((rights.0 & !denied.0) | allowed.0)
}

fn bits(value: &Value) -> Bits {
    Bits(value.as_str().and_then(|text| text.parse().ok()).unwrap_or_default())
}

/// Reads it; None when the bot is not in it, or Discord does not say.
pub(super) async fn read(asks: &Asks, discord: &DiscordConfig, bot: &Bot, report: &mut Report) -> Option<Server> {
    let id = &discord.guild;
    let guild = match asks.ask(&format!("/guilds/{id}")).await {
        Ok(answer) => answer.body,
        Err(fault) => {
            outside(&fault, discord, report);
            return None;
        }
    };
    let name = shown(guild["name"].as_str().unwrap_or_default());
    let (member, channels) =
        (asks.ask(&format!("/guilds/{id}/members/{}", bot.id)).await, asks.ask(&format!("/guilds/{id}/channels")).await);
    let (member, channels) = match (member, channels) {
        (Ok(member), Ok(channels)) => (member.body, channels.body),
        (Err(fault), _) | (_, Err(fault)) => {
            unanswered(report, &format!("the server {name} ({id})"), &fault);
            return None;
        }
    };
    let server = Server {
        id: id.clone(),
        bot: bot.name.clone(),
        bot_id: bot.id.clone(),
        bot_roles: listed(&member["roles"]).filter_map(|role| Some(role.as_str()?.to_owned())).collect(),
        roles: listed(&guild["roles"]).filter_map(role).collect(),
        channels: listed(&channels).filter_map(|channel| Some((channel["id"].as_str()?.to_owned(), channel.clone()))).collect(),
        name,
    };
    report.fine(format!("server: the bot is in {} ({id})", server.name));
    if server.rights().has(Bits::ADMINISTRATOR) {
        report.note(format!("the bot may do everything in {}: take Administrator from its roles (Server Settings, Roles)", server.name));
    }
    Some(server)
}

fn outside(fault: &Fault, discord: &DiscordConfig, report: &mut Report) {
    match fault.code() {
        // Unknown guild, no access.
        10004 | 50001 => report.broken(
            format!("the bot is not in the server {}", discord.guild),
            format!("open {} as the application's owner, with Manage Server there", link(discord)),
        ),
        _ => unanswered(report, &format!("the server {}", discord.guild), fault),
    }
}

fn listed(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn role(role: &Value) -> Option<(String, Role)> {
    let found = Role {
        name: shown(role["name"].as_str().unwrap_or_default()),
        rights: bits(&role["permissions"]),
        is_mentionable: role["mentionable"] == true,
        is_a_bots: role["tags"]["bot_id"].is_string(),
    };
    Some((role["id"].as_str()?.to_owned(), found))
}
