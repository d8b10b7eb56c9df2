//! `allowed_mentions`: must be there and must not let the content decide who is pinged. (Discord itself would let it; a product of this
//! kind must never rely on that, so this fake refuses it.) And whom a content pings.

use serde_json::{Value, json};

use super::{Wrongs, join};

/// People, or roles, that may be named.
const MOST: usize = 100;

pub(super) fn check(wrongs: &mut Wrongs, place: &str, value: Option<&Value>) {
    let Some(value) = value.filter(|v| !v.is_null()) else {
        return wrongs.add(place, "MENTIONS_LEFT_TO_DEFAULT", "Without it, everything in the content may ping");
    };
    let Some(object) = wrongs.object(place, value, &["parse", "users", "roles", "replied_user"]) else { return };
    match object.get("parse") {
        Some(Value::Array(parse)) if parse.is_empty() => {}
        other => wrongs.add(&join(place, "parse"), "MENTIONS_PARSED", format!("The content would decide who is pinged: {other:?}")),
    }
    for name in ["users", "roles"] {
        let place = join(place, name);
        let ids = wrongs.list(&place, object.get(name), 0, MOST);
        for (n, id) in ids.iter().enumerate() {
            wrongs.id(&join(&place, n), Some(id));
            if ids[..n].contains(id) {
                wrongs.add(&place, "SET_TYPE_ALREADY_CONTAINS_VALUE", "The set already contains this value");
            }
        }
    }
    wrongs.boolean(&join(place, "replied_user"), object.get("replied_user"));
}

/// Whom a content names: ids of people, ids of roles, and whether everybody.
pub(in crate::fakes::discord) struct Named {
    pub(in crate::fakes::discord) users: Vec<String>,
    pub(in crate::fakes::discord) roles: Vec<String>,
    pub(in crate::fakes::discord) everybody: bool,
}

/// Whom the content names and `allowed_mentions` lets be pinged. Backslashes do not matter here: Discord looks for mentions in the
/// raw content.
pub(in crate::fakes::discord) fn pinged(content: &str, allowed: Option<&Value>) -> Named {
    let absent = json!({"parse": ["users", "roles", "everyone"]});
    let allowed = allowed.filter(|a| !a.is_null()).unwrap_or(&absent);
    let parses = |what: &str| allowed["parse"].as_array().is_some_and(|p| p.iter().any(|p| p == what));
    let lists = |name: &str, id: &str| allowed[name].as_array().is_some_and(|ids| ids.iter().any(|i| i == id));
    let mut named = Named { users: Vec::new(), roles: Vec::new(), everybody: false };
    for inside in content.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(inside, _)| inside) {
        let Some(whom) = inside.strip_prefix('@') else { continue };
        let (id, list, parsed, into) = match whom.strip_prefix('&') {
            Some(role) => (role, "roles", parses("roles"), &mut named.roles),
            None => (whom.strip_prefix('!').unwrap_or(whom), "users", parses("users"), &mut named.users),
        };
        if id.parse::<u64>().is_ok() && (parsed || lists(list, id)) && !into.iter().any(|i| i == id) {
            into.push(id.to_owned());
        }
    }
    named.everybody = parses("everyone") && ["@everyone", "@here"].iter().any(|word| content.contains(word));
    named
}
