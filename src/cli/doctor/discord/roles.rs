//! Whether each role that the file names is there, somebody has it, it sees the channels in which it decides, and the bot may
//! mention it there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    super::super::discord::rights::Bits,
    Asks, Report,
    channels::name,
    server::{Role, Server},
    unanswered,
};
use crate::{
    config::Config,
    domain::{
        ids::GroupId,
        policy::{Group, Platform, Stage, Who},
    },
};

const COPY: &str = "in Discord, with Developer Mode on: Server Settings, Roles, right-click the role, Copy Role ID, and write that";

pub(super) async fn look(asks: &Asks, config: &Config, server: &Server, report: &mut Report) {
    let groups: Vec<(&Group, &str)> =
        config.catalogue.groups.values().filter_map(|group| Some((group, group.chats.get(&Platform::Discord)?.as_str()))).collect();
    if groups.is_empty() {
        return;
    }
    let counts = match asks.ask(&format!("/guilds/{}/roles/member-counts", server.id)).await {
        Ok(answer) => answer.body,
        Err(fault) => {
            unanswered(report, "how many people have each role", &fault);
            Value::Null
        }
    };
    let called = called(config);
    for (group, id) in groups {
        match server.role(id) {
            None => report.broken(format!("group {}: there is no role {id} in {}", group.id, server.name), COPY),
            Some(role) => one((group, id), role, &counts, called.get(&group.id), server, report),
        }
    }
}

fn one((group, id): (&Group, &str), role: &Role, counts: &Value, places: Option<&BTreeSet<&str>>, server: &Server, report: &mut Report) {
    let who = format!("group {}: @{} ({id})", group.id, role.name);
    if role.is_a_bots {
        return report.broken(format!("{who} is a bot's own role, which nobody else can have"), COPY);
    }
    let before = report.wrong();
    let members = counts.as_object().map(|counts| counts.get(id).and_then(Value::as_u64).unwrap_or_default());
    if members == Some(0) {
        report.broken(format!("{who} has no member"), "give the role to people: Server Settings, Roles, the role, Manage Members");
    }
    let places: Vec<&Value> = places.into_iter().flatten().filter_map(|place| server.channels.get(*place)).collect();
    unseen(&who, (id, role), &places, server, report);
    if let Some(place) = places.iter().find(|place| !may_be_mentioned(role, place, server)).map(|place| name(place)) {
        report.broken(
            format!("{who} is mentioned in {place}, and nobody would be told: not everybody may mention it, nor may the bot"),
            format!("Server Settings, Roles, @{}: switch on \"Allow anyone to @mention this role\"", role.name),
        );
    }
    if let Some(members) = members.filter(|_| report.wrong() == before) {
        let reached = if places.is_empty() { "" } else { "; it sees its cards and may be mentioned there" };
        report.fine(format!("{who}: members: {members}{reached}"));
    }
}

/// Discord tells nobody of a mention in a channel that they do not see.
fn unseen(who: &str, (id, role): (&str, &Role), places: &[&Value], server: &Server, report: &mut Report) {
    for place in places.iter().filter(|place| !server.sees(id, place)).map(|place| name(place)) {
        report.broken(
            format!("{who} does not see {place}, where it is called: whoever has no other role that does is told nothing and cannot press"),
            format!("in Discord: {place}, Edit Channel, Permissions, add @{}, and allow View Channel", role.name),
        );
    }
}

fn may_be_mentioned(role: &Role, channel: &Value, server: &Server) -> bool {
    role.is_mentionable || server.rights_in(channel).has(Bits::MENTION_EVERYONE)
}

/// Whom the rules call, and in which of Discord's channels.
fn called(config: &Config) -> BTreeMap<&GroupId, BTreeSet<&str>> {
    let mut called: BTreeMap<&GroupId, BTreeSet<&str>> = BTreeMap::new();
    let catalogue = &config.catalogue;
    for resource in catalogue.resources.values() {
        let channels: Vec<&str> =
            resource.channels.iter().filter(|channel| channel.platform == Platform::Discord).map(|channel| channel.id.as_str()).collect();
        let stages = resource.roles.iter().filter_map(|role| catalogue.policies.get(&role.policy)).flat_map(|policy| &policy.stages);
        for who in stages.flat_map(named) {
            if let Who::Group(group) = who {
                called.entry(group).or_default().extend(&channels);
            }
        }
    }
    called
}

fn named(stage: &Stage) -> impl Iterator<Item = &Who> {
    stage.approvers.iter().chain(&stage.notify).chain(stage.ladder.iter().flat_map(|rung| &rung.to))
}
