//! Opening forms and filling them, and the home tab.

use serde_json::{Map, Value, json};

use super::{Answer, Refusal, object};
use crate::fakes::slack::{blocks, fields::Fields, modals::Form, state::State};

/// What a view may weigh as JSON, in bytes.
const VIEW: usize = 250_000;

/// How long a trigger can be exchanged.
const TRIGGER_MICROS: i64 = 3_000_000;

impl State {
    /// Burns the trigger.
    ///
    /// # Errors
    /// `invalid_trigger_id`, `exchanged_trigger_id`, `expired_trigger_id`.
    fn exchange(&mut self, id: &str) -> Result<(String, Option<String>), Refusal> {
        let now_micros = self.now_micros;
        let trigger = self.triggers.get_mut(id).ok_or("invalid_trigger_id")?;
        if trigger.used {
            return Err("exchanged_trigger_id".into());
        }
        if now_micros - trigger.at_micros > TRIGGER_MICROS {
            return Err("expired_trigger_id".into());
        }
        trigger.used = true;
        Ok((trigger.user.clone(), trigger.view_id.clone()))
    }
}

fn view(fields: &Fields, kind: &str) -> Result<Value, Refusal> {
    let view = fields.json("view")?.ok_or_else(|| Refusal::arguments(vec!["[ERROR] missing required field: view".to_owned()]))?;
    if view["type"] != kind {
        return Err(Refusal::arguments(vec![format!("[ERROR] the view's type must be {kind} [json-pointer:/view/type]")]));
    }
    if view.to_string().len() > VIEW {
        return Err("view_too_large".into());
    }
    blocks::check_view(&view).map_err(Refusal::arguments)?;
    Ok(view)
}

impl State {
    /// # Errors
    /// `duplicate_external_id`, when another open form has it.
    fn is_new(&self, view: &Value) -> Result<(), Refusal> {
        let id = view["external_id"].as_str().unwrap_or_default();
        let taken = !id.is_empty() && self.modals.values().flatten().any(|form| form.view["external_id"] == id);
        if taken { Err("duplicate_external_id".into()) } else { Ok(()) }
    }
}

fn shown(form: &Form) -> Map<String, Value> {
    object(json!({"view": form.shown()}))
}

pub(super) fn open(state: &mut State, fields: &Fields) -> Answer {
    let view = view(fields, "modal")?;
    state.is_new(&view)?;
    let (user, _) = state.exchange(fields.need("trigger_id")?)?;
    state.modals.remove(&user);
    Ok(shown(state.push_form(&user, view)?))
}

pub(super) fn push(state: &mut State, fields: &Fields) -> Answer {
    let view = view(fields, "modal")?;
    state.is_new(&view)?;
    let (user, from) = state.exchange(fields.need("trigger_id")?)?;
    let open = state.modals.get(&user).is_some_and(|stack| stack.iter().any(|form| from.as_deref() == Some(form.id())));
    if !open {
        return Err("not_found".into());
    }
    Ok(shown(state.push_form(&user, view)?))
}

pub(super) fn update(state: &mut State, fields: &Fields) -> Answer {
    let view = view(fields, "modal")?;
    let (id, external) = (fields.text("view_id"), fields.text("external_id"));
    if id.is_none() == external.is_none() {
        return Err(Refusal::arguments(vec!["[ERROR] exactly one of view_id and external_id is needed".to_owned()]));
    }
    let hash = fields.text("hash");
    let found = state
        .modals
        .values()
        .flatten()
        .find(|form| id.is_some_and(|id| form.id() == id) || external.is_some_and(|external| form.view["external_id"] == external));
    let id = found.ok_or("not_found")?.id().to_owned();
    if hash.is_some_and(|hash| found.is_some_and(|form| form.view["hash"] != hash)) {
        return Err("hash_conflict".into());
    }
    Ok(shown(state.replace_form(&id, view)?))
}

pub(super) fn publish(state: &mut State, fields: &Fields) -> Answer {
    let view = view(fields, "home")?;
    let user = fields.need("user_id")?.to_owned();
    let person = state.people.get(&user).ok_or_else(|| Refusal::arguments(vec!["[ERROR] no such user_id".to_owned()]))?;
    if person.deleted {
        return Err("not_enabled".into());
    }
    let hash = fields.text("hash");
    let current = state.homes.get(&user);
    if hash.is_some_and(|hash| current.is_none_or(|form| form.view["hash"] != hash)) {
        return Err("hash_conflict".into());
    }
    let id = current.map(|form| form.id().to_owned());
    let form = state.new_form(view, id, None);
    state.homes.insert(user.clone(), form);
    Ok(shown(&state.homes[&user]))
}
