//! Whether the bot can post in each channel that the file names, and who else reads there.

use secrecy::SecretString;
use serde_json::Value;

use super::{super::places::used, Asks, Fault, Report, Users, app::Bot, shown, unanswered, users::Unfit};
use crate::{
    config::{Config, SlackConfig},
    domain::policy::Platform,
};

/// So many people of a channel are looked at.
const MEMBERS: &str = "200";
/// So many guests are named.
const NAMED: usize = 3;

pub(super) async fn look(
    asks: &Asks,
    token: &SecretString,
    (config, slack): (&Config, &SlackConfig),
    bot: &Bot,
    users: &mut Users<'_>,
    report: &mut Report,
) {
    for (id, uses) in used(config, Platform::Slack) {
        let place = Place { id: &id, uses: uses.join(", "), may_be_shared: slack.shared_channels.contains(&id) };
        match asks.ask(token, "conversations.info", &[("channel", &id)]).await {
            Ok(answer) => one(asks, token, &place, &answer.body["channel"], bot, users, report).await,
            Err(Fault::Refused { error, .. }) if error == "channel_not_found" => report.broken(
                format!("{id} (for {}) is not there, or is private and the bot is not in it", place.uses),
                format!("write /invite @{} in it; if it is another one: its name at the top, About, the id stands at the end", bot.name),
            ),
            Err(fault) => unanswered(report, &format!("the channel {id}"), &fault),
        }
    }
}

/// A channel as the file has it.
struct Place<'a> {
    id: &'a str,
    uses: String,
    may_be_shared: bool,
}

async fn one(asks: &Asks, token: &SecretString, place: &Place<'_>, channel: &Value, bot: &Bot, users: &mut Users<'_>, report: &mut Report) {
    let name = format!("#{}", shown(channel["name"].as_str().unwrap_or_default()));
    let shown_as = format!("{name} ({}, for {})", place.id, place.uses);
    let before = report.wrong();
    if channel["is_archived"] == true {
        return report.broken(format!("{shown_as} is archived"), format!("unarchive {name} in Slack, or write another channel"));
    }
    if channel["is_member"] != true {
        report.broken(format!("the bot is not in {shown_as}"), format!("write /invite @{} in {name}", bot.name));
    }
    organisations(place, &shown_as, channel, report);
    let read = guests(asks, token, place, &shown_as, users, report).await;
    if report.wrong() == before && read {
        let who = if place.may_be_shared { "it may be shared" } else { "no guests, no other organisation" };
        report.fine(format!("{shown_as}: the bot is in it; {who}"));
    }
}

fn how_to_share(id: &str) -> String {
    format!("use a channel of your own people, or write shared_channels = [\"{id}\"] under [slack] if they may read who asks for what")
}

fn organisations(place: &Place<'_>, shown_as: &str, channel: &Value, report: &mut Report) {
    let teams =
        channel["connected_team_ids"].as_array().into_iter().flatten().filter_map(|team| team.as_str().map(shown)).collect::<Vec<_>>();
    let is_shared = channel["is_ext_shared"] == true || channel["is_pending_ext_shared"] == true || !teams.is_empty();
    if is_shared && !place.may_be_shared {
        let with = if teams.is_empty() { String::new() } else { format!(", {}", teams.join(", ")) };
        report.broken(format!("{shown_as} is shared with another organisation{with}"), how_to_share(place.id));
    }
}

/// Says who of the first members is a guest; false when nobody could be looked at.
async fn guests(asks: &Asks, token: &SecretString, place: &Place<'_>, shown_as: &str, users: &mut Users<'_>, report: &mut Report) -> bool {
    if place.may_be_shared {
        return true;
    }
    let answer = match asks.ask(token, "conversations.members", &[("channel", place.id), ("limit", MEMBERS)]).await {
        Ok(answer) => answer.body,
        Err(fault) => {
            unanswered(report, &format!("who is in {shown_as}"), &fault);
            return false;
        }
    };
    let members: Vec<String> = answer["members"].as_array().into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    if answer["response_metadata"]["next_cursor"].as_str().is_some_and(|more| !more.is_empty()) {
        report.note(format!("{shown_as} is large: its first {MEMBERS} people were looked at"));
    }
    users.look(members.iter().cloned()).await;
    let strange =
        |id: &&String| users.known(id).is_some_and(|user| user.unfit == Some(Unfit::Guest) || (user.is_outside && user.unfit.is_none()));
    let strangers: Vec<&String> = members.iter().filter(strange).collect();
    if !strangers.is_empty() {
        let named: Vec<String> = strangers.iter().take(NAMED).filter_map(|id| Some(format!("{} ({id})", users.known(id)?.name))).collect();
        let more = strangers.len() - named.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        report
            .broken(format!("{shown_as} has guests or people of other organisations: {}{more}", named.join(", ")), how_to_share(place.id));
    }
    let read = members.iter().any(|id| users.known(id).is_some());
    if !read {
        report.note(format!("who is in {shown_as} could not be looked at"));
    }
    read
}
