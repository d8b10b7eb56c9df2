//! Whether each person of the file whose account is in Slack can act there.

use super::{
    Fault, Report, Users, shown, unanswered,
    users::{Unfit, User},
};
use crate::{
    config::Config,
    domain::policy::{Person, Platform},
};

pub(super) async fn look(config: &Config, users: &mut Users<'_>, report: &mut Report) {
    let active = config.catalogue.people.values().filter(|person| person.active);
    let people: Vec<(&Person, &str)> =
        active.filter_map(|person| Some((person, person.identities.get(&Platform::Slack)?.as_str()))).collect();
    users.look(people.iter().map(|(_, account)| id_of(account).to_owned())).await;
    let before = report.wrong();
    for (person, account) in &people {
        match users.get(id_of(account)) {
            Some(Ok(user)) => account_of(person, account, user, users.team(), report),
            Some(Err(Fault::Refused { error, .. }))
                if matches!(error.as_str(), "user_not_found" | "users_not_found" | "user_not_visible") =>
            {
                report.broken(
                    format!("{}: there is no account {account} in Slack", person.id),
                    format!("open their profile in Slack, the three dots, Copy member ID; write it under [people.{}]", person.id),
                );
            }
            Some(Err(fault)) => unanswered(report, "people", fault),
            None => {}
        }
    }
    if report.wrong() == before && !people.is_empty() {
        report.fine(format!("people: {} with an account in Slack can act", people.len()));
    }
}

/// `U0123`, also of `T0123/U0123`.
pub(super) fn id_of(account: &str) -> &str {
    account.split_once('/').map_or(account, |(_, user)| user)
}

fn account_of(person: &Person, account: &str, user: &User, own: &str, report: &mut Report) {
    let who = format!("{} ({account})", person.id);
    match user.unfit {
        Some(Unfit::Deactivated) => {
            report.broken(
                format!("{who} is deactivated in Slack"),
                format!("write active = false under [people.{}]: what they hold ends", person.id),
            );
        }
        Some(Unfit::Guest) => report.broken(
            format!("{who} is a guest in Slack, who can neither ask nor decide"),
            "make them a full member, or take slack out of their table",
        ),
        Some(Unfit::Bot) => report.broken(format!("{who} is a bot in Slack, which can neither ask nor decide"), "write the id of a person"),
        None => organisation(person, account, user, own, report),
    }
}

/// Somebody of another organisation is written with their team, and nobody else is.
fn organisation(person: &Person, account: &str, user: &User, own: &str, report: &mut Report) {
    let found = shown(user.team.as_deref().unwrap_or(own));
    match account.split_once('/') {
        Some((team, _)) if team != found => report.broken(
            format!("{} ({account}) is of {found}", person.id),
            format!("write slack = \"{}\" under [people.{}]", written(user, &found, id_of(account)), person.id),
        ),
        None if user.is_outside => report.broken(
            format!("{} ({account}) is of another organisation, {found}", person.id),
            format!("write slack = \"{found}/{account}\" under [people.{}], and {found} in slack.tenants", person.id),
        ),
        _ => {}
    }
}

fn written(user: &User, team: &str, id: &str) -> String {
    if user.is_outside { format!("{team}/{id}") } else { id.to_owned() }
}
