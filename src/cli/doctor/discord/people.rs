//! Whether each person of the file whose account is in Discord is in the server and can act there.

use std::time::Duration;

use chrono::DateTime;
use serde_json::Value;

use super::{Asks, Report, server::Server, shown, unanswered};
use crate::{
    clock::{Clock as _, SystemClock},
    config::Config,
    domain::{
        policy::{Person, Platform},
        time::Instant,
    },
};

/// So long is waited in all for Discord to take more questions: a large server must not keep the doctor for an hour.
const PATIENCE: Duration = Duration::from_mins(1);

/// Among a member's flags.
const GUEST: u64 = 1 << 4;

pub(super) async fn look(asks: &Asks, config: &Config, server: &Server, report: &mut Report) {
    let active = config.catalogue.people.values().filter(|person| person.active);
    let people: Vec<(&Person, &str)> =
        active.filter_map(|person| Some((person, person.identities.get(&Platform::Discord)?.as_str()))).collect();
    let (before, mut waited, mut pause) = (report.wrong(), Duration::ZERO, Duration::ZERO);
    for (done, (person, account)) in people.iter().enumerate() {
        waited += pause;
        if waited > PATIENCE {
            return report
                .note(format!("{done} people were looked at, and {} were not: Discord takes no more so fast", people.len() - done));
        }
        tokio::time::sleep(pause).await;
        match asks.ask(&format!("/guilds/{}/members/{account}", server.id)).await {
            Ok(answer) => {
                pause = answer.pause.unwrap_or_default();
                one(&format!("{} ({account})", person.id), person, &answer.body, report);
            }
            // Unknown member, unknown user.
            Err(fault) if matches!(fault.code(), 10007 | 10013) => report.broken(
                format!("{} ({account}) is not in {}", person.id, server.name),
                format!(
                    "invite them; if the id is wrong: right-click them, Copy User ID, and write it under [people.{id}]; if they left: active = false",
                    id = person.id
                ),
            ),
            Err(fault) => return unanswered(report, "people", &fault),
        }
    }
    if report.wrong() == before && !people.is_empty() {
        report.fine(format!("people: {} with an account in Discord can act", people.len()));
    }
}

fn one(who: &str, person: &Person, member: &Value, report: &mut Report) {
    if member["user"]["bot"] == true {
        report.broken(
            format!("{who} is a bot in Discord, which can neither ask nor decide"),
            format!("write the id of a person under [people.{}]", person.id),
        );
    }
    if member["flags"].as_u64().unwrap_or_default() & GUEST != 0 {
        report.broken(
            format!("{who} is only a guest of a voice channel, who can neither ask nor decide"),
            "invite them into the server itself, or take discord out of their table",
        );
    }
    if member["pending"] == true {
        report.note(format!("{who} has not yet agreed to the server's rules, and can neither ask nor decide until then"));
    }
    let until = member["communication_disabled_until"].as_str();
    let is_in_force =
        |until: &str| DateTime::parse_from_rfc3339(until).is_ok_and(|until| Instant::from(until.to_utc()) > SystemClock.now());
    if let Some(until) = until.filter(|until| is_in_force(until)) {
        report.note(format!("{who} is timed out in Discord until {}, and can neither ask nor decide until then", shown(until)));
    }
}
