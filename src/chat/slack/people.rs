//! Who Slack's people are: full members, guests, bots, people of other organisations. Reads; from ids only. Slack's object of a
//! user is read leniently, and whoever it does not show to be a full member is none.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::{Home, Slack, api::Trouble};
use crate::{
    chat::{ChatFault, Profile},
    domain::members::{Member, Presence},
};

/// People asked for in one page of the list.
const PAGE: &str = "500";
/// Pages that are read at most: 500,000 people.
const PAGES: usize = 1_000;
/// Pause where Slack asks for one without saying how long.
const PAUSE: Duration = Duration::from_secs(30);

/// A user as Slack has them, as far as rights depend on it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "Slack's own flags")]
pub(super) struct User {
    pub id: String,
    team_id: Option<String>,
    deleted: bool,
    is_bot: bool,
    is_workflow_bot: bool,
    is_restricted: bool,
    is_ultra_restricted: bool,
    is_stranger: bool,
    is_email_confirmed: bool,
    #[serde(rename = "is_invited_user")]
    is_invited: bool,
    tz: Option<String>,
    real_name: Option<String>,
    name: Option<String>,
    profile: Details,
    #[serde(rename = "enterprise_user")]
    enterprise: Option<Enterprise>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Details {
    real_name: Option<String>,
    email: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Enterprise {
    enterprise_id: Option<String>,
}

impl User {
    pub(super) fn read(value: &Value) -> Self {
        Self::deserialize(value).unwrap_or_default()
    }

    /// A member of this workspace or organisation, or of one that policy names; no guest, bot or account that was closed.
    fn is_full(&self, home: &Home, tenants: &[String]) -> bool {
        // USLACKBOT is no bot by its own flags.
        let person = !self.deleted && !self.is_bot && !self.is_workflow_bot && !self.is_invited && self.id != "USLACKBOT";
        let member = !self.is_restricted && !self.is_ultra_restricted;
        let organisation = self.enterprise.as_ref().and_then(|user| user.enterprise_id.as_ref());
        let tenant = self.team_id.iter().chain(organisation).any(|team| tenants.contains(team));
        person && member && (self.is_home(home) || tenant)
    }

    fn is_home(&self, home: &Home) -> bool {
        let enterprise = self.enterprise.as_ref().and_then(|user| user.enterprise_id.as_deref());
        !self.is_stranger && home.is(self.team_id.as_deref(), enterprise)
    }

    /// The directory's name: people cannot change it as they can the one that is displayed.
    fn directory_name(&self) -> String {
        let names = [self.profile.real_name.as_deref(), self.real_name.as_deref(), self.name.as_deref()];
        names.into_iter().flatten().find(|name| !name.trim().is_empty()).unwrap_or(&self.id).to_owned()
    }

    fn member(&self) -> Member {
        Member {
            user: self.id.clone(),
            name: self.directory_name(),
            email: self.profile.email.clone().filter(|_| self.is_email_confirmed),
            time_zone: self.tz.as_deref().and_then(|zone| zone.parse().ok()),
        }
    }
}

impl Slack {
    /// A user by id; another tenant's is named with their team.
    async fn user(&self, user: &str) -> Result<User, Trouble> {
        let id = user.split_once('/').map_or(user, |(_, id)| id);
        let answer = self.api.get("users.info", &[("user", id.to_owned())]).await?;
        Ok(User::read(&answer["user"]))
    }

    pub(super) async fn profile_of(&self, user: &str) -> Result<Profile, ChatFault> {
        let home = self.home().await?;
        match self.user(user).await {
            Ok(found) => {
                let is_full = found.is_full(&home, &self.settings.tenants);
                Ok(Profile { presence: if is_full { Presence::There } else { Presence::Gone }, name: found.directory_name() })
            }
            // An account that cannot be seen from here is nobody's who may do anything here.
            Err(trouble) if trouble.is("user_not_found") || trouble.is("user_not_visible") => {
                Ok(Profile { presence: Presence::Gone, name: user.to_owned() })
            }
            Err(trouble) => Err(trouble.into()),
        }
    }

    pub(super) async fn member_of(&self, user: &str) -> Result<Option<Member>, ChatFault> {
        let home = self.home().await?;
        match self.user(user).await {
            Ok(found) => Ok(Some(found).filter(|found| found.is_full(&home, &[])).map(|found| found.member())),
            Err(trouble) if trouble.is("user_not_found") || trouble.is("user_not_visible") => Ok(None),
            Err(trouble) => Err(trouble.into()),
        }
    }

    pub(super) async fn all_members(&self) -> Result<Vec<Member>, ChatFault> {
        let home = self.home().await?;
        let (mut members, mut cursor) = (Vec::new(), String::new());
        for _ in 0..PAGES {
            let mut params = vec![("limit", PAGE.to_owned()), ("cursor", cursor.clone())];
            params.retain(|(_, value)| !value.is_empty());
            params.extend(home.team_id());
            let page = self.page(&params).await?;
            let users = page["members"].as_array().into_iter().flatten().map(User::read);
            members.extend(users.filter(|user| user.is_full(&home, &[])).map(|user| user.member()));
            page["response_metadata"]["next_cursor"].as_str().unwrap_or_default().clone_into(&mut cursor);
            if cursor.is_empty() {
                return Ok(members);
            }
        }
        Err(ChatFault::Permanent { why: "the list of people does not end".to_owned() })
    }

    /// One page of the list, when Slack lets us: a long list takes more calls than it allows in a minute.
    async fn page(&self, params: &[(&str, String)]) -> Result<Value, Trouble> {
        loop {
            match self.api.get("users.list", params).await {
                Err(Trouble::Limited(after)) => tokio::time::sleep(after.unwrap_or(PAUSE)).await,
                answer => return answer,
            }
        }
    }

    pub(super) async fn members_of(&self, group: &str) -> Result<Vec<String>, ChatFault> {
        let home = self.home().await?;
        let params: Vec<_> = std::iter::once(("usergroup", group.to_owned())).chain(home.team_id()).collect();
        let answer = self.api.get("usergroups.users.list", &params).await?;
        let users = answer["users"].as_array().ok_or_else(|| Trouble::Unanswered("a group without its members".to_owned()))?;
        Ok(users.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn home() -> Home {
        Home { team: "T1".into(), enterprise: None, org_wide: false, app: Some("A1".into()), bot_user: "UB".into(), url: None }
    }

    fn full(more: &Value) -> bool {
        let mut user = json!({ "id": "U1", "team_id": "T1", "profile": { "real_name": "Ana Reyes" } });
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        User::read(&user).is_full(&home(), &["T9".to_owned()])
    }

    #[test]
    fn only_full_members_of_the_workspace_and_of_tenants_that_are_named_count() {
        assert!(full(&json!({})) && full(&json!({ "team_id": "T9" })));
        for flag in ["deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger", "is_workflow_bot", "is_invited_user"] {
            assert!(!full(&json!({ flag: true })), "{flag}");
        }
        for more in [json!({ "team_id": "T2" }), json!({ "team_id": null }), json!({ "id": "USLACKBOT" }), json!({ "deleted": "yes" })] {
            assert!(!full(&more), "{more}");
        }
    }

    #[test]
    fn in_an_organisation_every_workspace_of_it_is_home() {
        let home = Home { enterprise: Some("E1".into()), org_wide: true, ..home() };
        let user =
            |enterprise: &str| User::read(&json!({ "id": "U1", "team_id": "T7", "enterprise_user": { "enterprise_id": enterprise } }));
        assert!(user("E1").is_full(&home, &[]) && !user("E2").is_full(&home, &[]));
    }

    #[test]
    fn an_address_counts_only_when_it_is_confirmed_and_the_name_is_the_directorys() {
        let user = |confirmed| {
            User::read(&json!({ "id": "U1", "is_email_confirmed": confirmed, "tz": "Europe/Berlin",
                "profile": { "real_name": "Ana Reyes", "display_name": "the boss", "email": "ana@example.org" } }))
            .member()
        };
        assert_eq!((user(true).email.as_deref(), user(false).email), (Some("ana@example.org"), None));
        assert_eq!((user(true).name.as_str(), user(true).time_zone), ("Ana Reyes", Some(chrono_tz::Europe::Berlin)));
    }
}
