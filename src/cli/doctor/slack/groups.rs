//! Whether each user group that the file names is there, enabled, and has active members who are people of the file.

use secrecy::SecretString;
use serde_json::Value;

use super::{Asks, Fault, Report, Users, app::Bot, people::id_of, shown, unanswered, users::User};
use crate::{
    config::Config,
    domain::policy::{Group, Person, Platform},
};

const COPY: &str = "open it in Slack under Directories, User groups; the three dots have Copy group ID";

/// Asks about groups: a token of a whole organisation must say of which workspace.
struct Groups<'a> {
    asks: &'a Asks,
    token: &'a SecretString,
    team: Option<(&'a str, &'a str)>,
}

impl Groups<'_> {
    async fn ask(&self, method: &str, field: (&str, &str)) -> Result<Value, Fault> {
        let fields: Vec<_> = std::iter::once(field).chain(self.team).collect();
        self.asks.ask(self.token, method, &fields).await.map(|answer| answer.body)
    }
}

pub(super) async fn look(asks: &Asks, token: &SecretString, config: &Config, bot: &Bot, users: &mut Users<'_>, report: &mut Report) {
    let groups: Vec<(&Group, &str)> =
        config.catalogue.groups.values().filter_map(|group| Some((group, group.chats.get(&Platform::Slack)?.as_str()))).collect();
    if groups.is_empty() {
        return;
    }
    let slack = Groups { asks, token, team: bot.team_id() };
    let listed = match slack.ask("usergroups.list", ("include_disabled", "true")).await {
        Ok(listed) => listed,
        Err(fault) => return unanswered(report, "user groups", &fault),
    };
    for (group, id) in groups {
        let found = listed["usergroups"].as_array().into_iter().flatten().find(|found| found["id"] == id);
        match found {
            None => report.broken(format!("group {}: there is no user group {id}", group.id), COPY),
            Some(found) => one(&slack, (config, group, id), found, users, report).await,
        }
    }
}

async fn one(slack: &Groups<'_>, (config, group, id): (&Config, &Group, &str), found: &Value, users: &mut Users<'_>, report: &mut Report) {
    let who = format!("group {}: @{} ({id})", group.id, shown(found["handle"].as_str().unwrap_or_default()));
    if found["date_delete"].as_u64().is_some_and(|at| at > 0) {
        return report.broken(format!("{who} is disabled"), "enable it in Slack under Directories, User groups, or name another one");
    }
    let members = match slack.ask("usergroups.users.list", ("usergroup", id)).await {
        Ok(members) => members,
        Err(fault) => return unanswered(report, &who, &fault),
    };
    let members: Vec<String> = members["users"].as_array().into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    users.look(members.iter().cloned()).await;
    let active = || members.iter().filter_map(|id| Some((id, users.known(id)?))).filter(|(_, user)| user.unfit.is_none());
    let known = active().filter(|(id, user)| is_a_person(config, id, user)).count();
    match (active().count(), known) {
        (0, _) if members.iter().all(|id| users.known(id).is_some()) => {
            report.broken(format!("{who} has no active member"), "add people to it in Slack under Directories, User groups");
        }
        (0, _) => report.note(format!("{who}: its members could not all be looked at")),
        (_, 0) => report.broken(
            format!("{who}: none of its members is a person of this file"),
            "write [people.NAME] with slack = \"U0123\" for each who is to decide, or [people] with from = \"slack\"",
        ),
        (all, known) => report.fine(format!("{who}: active members: {all}; people of this file: {known}")),
    }
}

/// By their account, by their address where that counts, or because every full member is one.
fn is_a_person(config: &Config, id: &str, user: &User) -> bool {
    let accounts = |person: &Person| person.identities.get(&Platform::Slack).is_some_and(|account| id_of(account) == id);
    let addressed = |person: &Person| match (&person.email, &user.email) {
        (Some(ours), Some(theirs)) => ours.eq_ignore_ascii_case(theirs),
        _ => false,
    };
    let by_address = config.catalogue.members.match_email == Some(Platform::Slack);
    let mut people = config.catalogue.people.values().filter(|person| person.active);
    (config.catalogue.members.people_from == Some(Platform::Slack) && !user.is_outside)
        || people.any(|person| accounts(person) || (by_address && addressed(person)))
}
