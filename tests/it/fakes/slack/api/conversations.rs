//! Conversations: which there are, who is in them, and whether the bot may look.

use serde_json::{Value, json};

use super::{Answer, Refusal, object, pages};
use crate::fakes::slack::{
    BOT_USER, TEAM,
    fields::Fields,
    state::{Channel, Sort, State},
};

const USUAL: usize = 100;
const MOST: usize = 1000;

/// The scope that a conversation of this sort needs; `verb` is `read` or `history`.
pub(super) fn scope(sort: Sort, verb: &str) -> String {
    let noun = match sort {
        Sort::Public => "channels",
        Sort::Private => "groups",
        Sort::Direct => "im",
    };
    format!("{noun}:{verb}")
}

impl State {
    /// The conversation, if the bot can see that it is there.
    ///
    /// # Errors
    /// `channel_not_found`: also for a private one that the bot is not in.
    pub(in crate::fakes::slack) fn visible(&self, id: &str) -> Result<&Channel, Refusal> {
        self.channels.get(id).filter(|c| c.sort == Sort::Public || c.bot_is_in).ok_or_else(|| Refusal::new("channel_not_found"))
    }

    fn channel_object(&self, id: &str, channel: &Channel, with_count: bool) -> Value {
        if channel.sort == Sort::Direct {
            let deleted = self.people.get(&channel.members[0]).is_some_and(|person| person.deleted);
            return json!({
                "id": id, "created": 1_700_000_000, "is_im": true, "is_user_deleted": deleted, "is_org_shared": false, "is_archived": false,
                "user": channel.members[0], "context_team_id": TEAM, "updated": 1_700_000_000_000_u64, "priority": 0,
            });
        }
        let private = channel.sort == Sort::Private;
        let shared = !channel.shared_with.is_empty();
        let mut teams = vec![TEAM.to_owned()];
        teams.extend(channel.shared_with.iter().cloned());
        let mut shown = json!({
            "id": id, "name": channel.name, "name_normalized": channel.name, "created": 1_700_000_000, "creator": BOT_USER,
            "is_channel": !private, "is_group": private, "is_im": false, "is_mpim": false, "is_private": private,
            "is_archived": channel.archived, "is_general": false, "unlinked": 0, "is_shared": shared, "is_ext_shared": shared,
            "is_org_shared": false, "is_pending_ext_shared": false, "pending_shared": [], "pending_connected_team_ids": [],
            "shared_team_ids": teams, "connected_team_ids": channel.shared_with, "internal_team_ids": [],
            "context_team_id": TEAM, "parent_conversation": null, "is_member": channel.bot_is_in,
            "topic": {"value": "", "creator": "", "last_set": 0}, "purpose": {"value": "", "creator": "", "last_set": 0},
            "previous_names": [], "updated": self.now_micros / 1000,
        });
        if with_count {
            shown["num_members"] = json!(channel.everybody().len());
        }
        shown
    }
}

pub(super) fn info(state: &mut State, fields: &Fields) -> Answer {
    let id = fields.need("channel")?;
    let channel = state.visible(id)?;
    state.need_scope(&scope(channel.sort, "read"))?;
    Ok(object(json!({"channel": state.channel_object(id, channel, fields.flag("include_num_members"))})))
}

pub(super) fn list(state: &mut State, fields: &Fields) -> Answer {
    let types = fields.list("types");
    let types = if types.is_empty() { vec!["public_channel".to_owned()] } else { types };
    let mut sorts = Vec::new();
    for kind in &types {
        let sort = match kind.as_str() {
            "public_channel" => Sort::Public,
            "private_channel" => Sort::Private,
            "im" => Sort::Direct,
            _ => return Err("invalid_types".into()),
        };
        state.need_scope(&scope(sort, "read"))?;
        sorts.push(sort);
    }
    let shown = state
        .channels
        .iter()
        .filter(|(id, c)| sorts.contains(&c.sort) && state.visible(id).is_ok() && !(c.archived && fields.flag("exclude_archived")));
    let shown = shown.map(|(id, c)| state.channel_object(id, c, true)).collect();
    pages::page(shown, "channels", fields, USUAL, MOST)
}

pub(super) fn members(state: &mut State, fields: &Fields) -> Answer {
    let channel = state.visible(fields.need("channel")?)?;
    state.need_scope(&scope(channel.sort, "read"))?;
    pages::page(channel.everybody().into_iter().map(Value::from).collect(), "members", fields, USUAL, MOST)
}

/// A direct conversation with one person: all that the scope `im:write` opens.
pub(super) fn open(state: &mut State, fields: &Fields) -> Answer {
    let users = fields.list("users");
    if let Some(id) = fields.text("channel") {
        state.visible(id)?;
        return Ok(object(json!({"channel": {"id": id}})));
    }
    let [user] = users.as_slice() else {
        return Err(if users.is_empty() {
            "users_list_not_supplied".into()
        } else {
            Refusal::new("missing_scope").with("needed", json!("mpim:write"))
        });
    };
    let person = state.people.get(user).ok_or("user_not_found")?;
    if person.deleted {
        return Err("user_disabled".into());
    }
    if user == BOT_USER {
        return Err("cannot_dm_bot".into());
    }
    let opened = state.channels.contains_key(&format!("D{}", &user[1..]));
    let id = state.direct_with(user);
    let mut answer = object(json!({"channel": {"id": id}}));
    if opened {
        answer.insert("no_op".to_owned(), json!(true));
        answer.insert("already_open".to_owned(), json!(true));
    }
    if fields.flag("return_im") {
        answer.insert("channel".to_owned(), state.channel_object(&id, &state.channels[&id], false));
    }
    Ok(answer)
}
