//! People and user groups.

use chrono::{DateTime, Offset as _};
use serde_json::{Value, json};

use super::{Answer, Refusal, object, pages};
use crate::fakes::slack::{
    APP_ID, BOT_ID, BOT_USER, TEAM,
    fields::Fields,
    state::{Group, Person, Standing, State},
};

/// People on one page of users.list, when the call does not say.
const USUAL: usize = 200;
const MOST: usize = 1000;

impl State {
    /// Whether the app shares a conversation with them.
    fn meets(&self, user: &str) -> bool {
        self.channels.values().any(|c| c.bot_is_in && c.members.iter().any(|m| m == user))
    }

    pub(in crate::fakes::slack) fn user_object(&self, person: &Person) -> Value {
        let mut profile = json!({
            "real_name": person.real_name, "real_name_normalized": person.real_name, "display_name": person.name,
            "display_name_normalized": person.name, "title": "", "phone": "", "team": person.team,
        });
        let mut user = json!({
            "id": person.id, "team_id": person.team, "name": person.name, "deleted": person.deleted,
            "is_bot": person.standing == Standing::Bot, "is_app_user": false, "updated": self.now_seconds(),
        });
        if person.id == BOT_USER {
            profile["bot_id"] = json!(BOT_ID);
            profile["api_app_id"] = json!(APP_ID);
        }
        if let Some((address, confirmed)) = person.email.as_ref().filter(|_| self.scopes.contains("users:read.email")) {
            profile["email"] = json!(address);
            user["is_email_confirmed"] = json!(confirmed);
        }
        user["profile"] = profile;
        if person.deleted {
            return user; // Slack says no more of them
        }
        let zone: chrono_tz::Tz = person.zone.parse().unwrap_or_else(|_| panic!("{} is no zone", person.zone));
        let now = DateTime::from_timestamp(self.now_seconds(), 0).unwrap().with_timezone(&zone);
        let more = json!({
            "real_name": person.real_name, "tz": person.zone, "tz_label": person.zone,
            "tz_offset": now.offset().fix().local_minus_utc(),
            "is_admin": false, "is_owner": false, "is_primary_owner": false,
            "is_restricted": matches!(person.standing, Standing::Guest | Standing::SingleChannelGuest),
            "is_ultra_restricted": person.standing == Standing::SingleChannelGuest,
        });
        user.as_object_mut().unwrap().extend(object(more));
        if person.team != TEAM && !person.of_organisation {
            user["is_stranger"] = json!(!self.meets(&person.id));
        } else if let Some(enterprise) = &self.enterprise {
            user["enterprise_user"] = json!({
                "id": person.id, "enterprise_id": enterprise, "enterprise_name": "Home Org",
                "is_admin": false, "is_owner": false, "teams": [person.team],
            });
        }
        user
    }
}

pub(super) fn info(state: &mut State, fields: &Fields) -> Answer {
    let person = state.people.get(fields.need("user")?).ok_or("user_not_found")?;
    Ok(object(json!({"user": state.user_object(person)})))
}

pub(super) fn list(state: &mut State, fields: &Fields) -> Answer {
    let people: Vec<Value> = state.people.values().map(|p| state.user_object(p)).collect();
    let mut answer = pages::page(people, "members", fields, USUAL, MOST)?;
    answer.insert("cache_ts".to_owned(), json!(state.now_seconds()));
    Ok(answer)
}

pub(super) fn by_email(state: &mut State, fields: &Fields) -> Answer {
    let wanted = fields.need("email")?;
    let person = state.people.values().find(|p| {
        !p.deleted && p.standing != Standing::Bot && p.email.as_ref().is_some_and(|(address, _)| address.eq_ignore_ascii_case(wanted))
    });
    let person = person.ok_or("users_not_found")?;
    Ok(object(json!({"user": state.user_object(person)})))
}

#[expect(clippy::unnecessary_wraps, reason = "all methods have one shape")]
pub(super) fn groups(state: &mut State, fields: &Fields) -> Answer {
    let with_users = fields.flag("include_users");
    let shown = state.groups.iter().filter(|(_, g)| !g.disabled || fields.flag("include_disabled"));
    let groups: Vec<Value> = shown.map(|(id, group)| group_object(id, group, with_users, fields.flag("include_count"))).collect();
    Ok(object(json!({"usergroups": groups})))
}

fn group_object(id: &str, group: &Group, with_users: bool, with_count: bool) -> Value {
    let mut shown = json!({
        "id": id, "team_id": TEAM, "is_usergroup": true, "is_subteam": true, "name": group.handle, "description": "",
        "handle": group.handle, "is_external": false, "date_create": 1_700_000_000, "date_update": 1_700_000_000,
        "date_delete": if group.disabled { 1_700_000_001 } else { 0 }, "auto_type": null, "auto_provision": false,
        "created_by": BOT_USER, "updated_by": BOT_USER, "deleted_by": null, "prefs": {"channels": [], "groups": []},
    });
    if with_users {
        shown["users"] = json!(group.members);
    }
    if with_count || with_users {
        shown["user_count"] = json!(group.members.len());
    }
    shown
}

pub(super) fn group_members(state: &mut State, fields: &Fields) -> Answer {
    let group = state.groups.get(fields.need("usergroup")?).filter(|g| !g.disabled || fields.flag("include_disabled"));
    let group = group.ok_or_else(|| Refusal::new("no_such_subteam"))?;
    Ok(object(json!({"users": group.members})))
}
