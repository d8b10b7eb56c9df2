//! Accounts in Slack, each looked up once, several at a time and not without end: a large workspace must not keep the
//! doctor for an hour.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, stream};
use secrecy::SecretString;
use serde_json::Value;

use super::{
    Report,
    app::Bot,
    asks::{Asks, Fault},
    shown,
};

/// So many accounts are looked at in all, and so many at a time.
const MOST: usize = 500;
const AT_ONCE: usize = 8;

/// What counts of somebody's account.
#[derive(Debug, Clone)]
pub(super) struct User {
    /// Shown to people; never compared.
    pub(super) name: String,
    pub(super) team: Option<String>,
    /// None: a full member who is active. Otherwise why they can neither ask nor decide.
    pub(super) unfit: Option<Unfit>,
    /// Of another organisation.
    pub(super) is_outside: bool,
    /// Where Slack has confirmed it and may say it.
    pub(super) email: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    Deactivated,
    Guest,
    Bot,
}

/// What was found out so far.
pub(super) struct Users<'a> {
    asks: &'a Asks,
    token: &'a SecretString,
    team: &'a str,
    enterprise: Option<&'a str>,
    seen: BTreeMap<String, Result<User, Fault>>,
    left_out: BTreeSet<String>,
}

impl<'a> Users<'a> {
    pub(super) fn new(asks: &'a Asks, token: &'a SecretString, bot: &'a Bot) -> Self {
        Self { asks, token, team: &bot.team, enterprise: bot.enterprise.as_deref(), seen: BTreeMap::new(), left_out: BTreeSet::new() }
    }

    /// Looks at these, as far as there is room.
    pub(super) async fn look(&mut self, ids: impl IntoIterator<Item = String>) {
        let new: BTreeSet<String> = ids.into_iter().filter(|id| !self.seen.contains_key(id)).collect();
        let room = MOST.saturating_sub(self.seen.len());
        self.left_out.extend(new.iter().skip(room).cloned());
        let (asks, token, team, enterprise) = (self.asks, self.token, self.team, self.enterprise);
        let asked = new.into_iter().take(room).map(|id| async move {
            let answer = asks.ask(token, "users.info", &[("user", &id)]).await;
            let user = answer.map(|answer| user(&answer.body["user"], team, enterprise));
            (id, user)
        });
        let found: Vec<_> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
        self.seen.extend(found);
    }

    /// None: there was no room to look at them.
    pub(super) fn get(&self, id: &str) -> Option<&Result<User, Fault>> {
        self.seen.get(id)
    }

    /// The one whose account can be seen.
    pub(super) fn known(&self, id: &str) -> Option<&User> {
        self.seen.get(id)?.as_ref().ok()
    }

    /// The workspace that the bot is in.
    pub(super) const fn team(&self) -> &str {
        self.team
    }

    pub(super) fn tell_of_the_rest(&self, report: &mut Report) {
        if !self.left_out.is_empty() {
            report.note(format!("{MOST} accounts were looked at, and {} were not", self.left_out.len()));
        }
    }
}

fn user(user: &Value, team: &str, enterprise: Option<&str>) -> User {
    let is = |key: &str| user[key] == true;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let of = text(&user["team_id"]);
    let is_in_the_organisation = enterprise.is_some() && user["enterprise_user"]["enterprise_id"].as_str() == enterprise;
    let unfit = if is("deleted") {
        Some(Unfit::Deactivated)
    } else if is("is_restricted") || is("is_ultra_restricted") {
        Some(Unfit::Guest)
    } else if is("is_bot") || user["id"] == "USLACKBOT" {
        Some(Unfit::Bot)
    } else {
        None
    };
    User {
        name: shown(
            &text(&user["real_name"]).or_else(|| text(&user["profile"]["real_name"])).or_else(|| text(&user["name"])).unwrap_or_default(),
        ),
        is_outside: is("is_stranger") || (of.as_deref().is_some_and(|of| of != team) && !is_in_the_organisation),
        team: of,
        unfit,
        email: text(&user["profile"]["email"]).filter(|_| user["is_email_confirmed"] == true),
    }
}
