//! Interactive elements, images, and options.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{OPTIONS, check::Check};

/// What an element stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    Section,
    Actions,
    Input,
}

/// Which hosts take an element, which fields it needs, and which it may have besides `action_id`.
type Rule = (&'static [Host], &'static [&'static str], &'static [&'static str]);

const ANYWHERE: &[Host] = &[Host::Section, Host::Actions, Host::Input];
const PRESSED: &[Host] = &[Host::Section, Host::Actions];

fn rule(kind: &str) -> Option<Rule> {
    use Host::{Actions, Input, Section};
    Some(match kind {
        "button" => (PRESSED, &["text"], &["url", "value", "style", "confirm", "accessibility_label"]),
        "overflow" => (PRESSED, &["options"], &["confirm"]),
        "image" => (&[Section], &["alt_text"], &["image_url", "slack_file"]),
        "static_select" => (ANYWHERE, &[], &["placeholder", "options", "option_groups", "initial_option", "confirm", "focus_on_load"]),
        "external_select" => (ANYWHERE, &[], &["placeholder", "initial_option", "min_query_length", "confirm", "focus_on_load"]),
        "users_select" => (ANYWHERE, &[], &["placeholder", "initial_user", "confirm", "focus_on_load"]),
        "conversations_select" => (
            ANYWHERE,
            &[],
            &[
                "placeholder",
                "initial_conversation",
                "default_to_current_conversation",
                "confirm",
                "response_url_enabled",
                "filter",
                "focus_on_load",
            ],
        ),
        "channels_select" => (ANYWHERE, &[], &["placeholder", "initial_channel", "confirm", "response_url_enabled", "focus_on_load"]),
        "multi_static_select" => (
            &[Section, Input],
            &[],
            &["placeholder", "options", "option_groups", "initial_options", "confirm", "max_selected_items", "focus_on_load"],
        ),
        "multi_external_select" => (
            &[Section, Input],
            &[],
            &["placeholder", "initial_options", "min_query_length", "confirm", "max_selected_items", "focus_on_load"],
        ),
        "multi_users_select" => {
            (&[Section, Input], &[], &["placeholder", "initial_users", "confirm", "max_selected_items", "focus_on_load"])
        }
        "checkboxes" => (ANYWHERE, &["options"], &["initial_options", "confirm", "focus_on_load"]),
        "radio_buttons" => (ANYWHERE, &["options"], &["initial_option", "confirm", "focus_on_load"]),
        "datepicker" => (ANYWHERE, &[], &["placeholder", "initial_date", "confirm", "focus_on_load"]),
        "timepicker" => (ANYWHERE, &[], &["placeholder", "initial_time", "confirm", "focus_on_load", "timezone"]),
        "datetimepicker" => (&[Actions, Input], &[], &["initial_date_time", "confirm", "focus_on_load"]),
        "plain_text_input" => (
            &[Input],
            &[],
            &["placeholder", "initial_value", "multiline", "min_length", "max_length", "dispatch_action_config", "focus_on_load"],
        ),
        "number_input" => (
            &[Input],
            &["is_decimal_allowed"],
            &["placeholder", "initial_value", "min_value", "max_value", "dispatch_action_config", "focus_on_load"],
        ),
        "email_text_input" | "url_text_input" => {
            (&[Input], &[], &["placeholder", "initial_value", "dispatch_action_config", "focus_on_load"])
        }
        "rich_text_input" => (&[Input], &["action_id"], &["placeholder", "initial_value", "dispatch_action_config", "focus_on_load"]),
        _ => return None,
    })
}

pub(super) fn element(check: &mut Check, value: &Value, host: Host, ids: &mut BTreeSet<String>) {
    let kind = value["type"].as_str().unwrap_or_default();
    let Some((_, required, optional)) = rule(kind).filter(|(hosts, ..)| hosts.contains(&host)) else {
        return check.problem(format!("unsupported type: {kind:?}"));
    };
    let optional: Vec<&str> = optional.iter().copied().chain((kind != "image").then_some("action_id")).collect();
    let Some(object) = check.object(value, required, &optional) else { return };
    if let Some(id) = object.get("action_id").and_then(Value::as_str)
        && !ids.insert(id.to_owned())
    {
        check.problem(format!("action_id already exists in this block: {id}"));
    }
    check.string(object, "action_id", 255);
    check.plain(object, "placeholder", 150);
    check.confirm(object);
    check.flags(object, &["focus_on_load", "multiline", "is_decimal_allowed", "default_to_current_conversation", "response_url_enabled"]);
    check.focused += usize::from(object.get("focus_on_load").is_some_and(|f| f == true));
    check.whole(object, "min_query_length", 0, 100);
    check.whole(object, "max_selected_items", 1, 100);
    details(check, kind, object);
}

fn details(check: &mut Check, kind: &str, object: &Map<String, Value>) {
    let mut values = BTreeSet::new();
    match kind {
        "button" => button(check, object),
        "image" => image(check, object, false),
        "overflow" => options(check, object, 1, 5, &mut values),
        "checkboxes" | "radio_buttons" => options(check, object, 1, 10, &mut values),
        "static_select" | "multi_static_select" => {
            if object.contains_key("options") == object.contains_key("option_groups") {
                check.problem("exactly one of options and option_groups is needed");
            }
            options(check, object, 1, OPTIONS, &mut values);
        }
        "plain_text_input" => {
            check.string_from(object, "initial_value", 0, 3000);
            check.whole(object, "min_length", 0, 3000);
            check.whole(object, "max_length", 1, 3000);
        }
        "datetimepicker" => check.whole(object, "initial_date_time", 1_000_000_000, 9_999_999_999),
        "datepicker" => shape(check, object, "initial_date", "0000-00-00"),
        "timepicker" => shape(check, object, "initial_time", "00:00"),
        _ => {}
    }
    initial(check, object, &values, kind.contains("external"));
}

fn button(check: &mut Check, object: &Map<String, Value>) {
    check.plain(object, "text", 75);
    check.link(object, "url");
    check.string_from(object, "value", 0, 2000);
    check.one_of(object, "style", &["primary", "danger"]);
    check.string(object, "accessibility_label", 75);
}

/// A string with digits where the pattern has `0`.
fn shape(check: &mut Check, object: &Map<String, Value>, name: &str, pattern: &str) {
    let fits = |text: &str| {
        text.len() == pattern.len() && text.chars().zip(pattern.chars()).all(|(c, p)| if p == '0' { c.is_ascii_digit() } else { c == p })
    };
    if object.get(name).is_some_and(|value| !value.as_str().is_some_and(fits)) {
        check.at(name, |check| check.problem(format!("must look like {pattern}")));
    }
}

pub(super) fn image(check: &mut Check, object: &Map<String, Value>, titled: bool) {
    if object.contains_key("image_url") == object.contains_key("slack_file") {
        check.problem("exactly one of image_url and slack_file is needed");
    }
    check.link(object, "image_url");
    check.string(object, "alt_text", 2000);
    if titled {
        check.plain(object, "title", 2000);
    }
}

/// `options` or `option_groups`; each option's value once. The values go to `values`.
pub(super) fn options(check: &mut Check, object: &Map<String, Value>, least: usize, most: usize, values: &mut BTreeSet<String>) {
    check.list(object, "options", (least, most), |check, item| option(check, item, Some(values)));
    check.list(object, "option_groups", (least, 100), |check, group| {
        let Some(group) = check.object(group, &["label", "options"], &[]) else { return };
        check.plain(group, "label", 75);
        check.list(group, "options", (1, 100), |check, item| option(check, item, Some(values)));
    });
}

fn option(check: &mut Check, value: &Value, values: Option<&mut BTreeSet<String>>) {
    let Some(object) = check.object(value, &["text", "value"], &["description", "url"]) else { return };
    check.either(object, "text", 75);
    check.string(object, "value", 150);
    check.either(object, "description", 75);
    check.link(object, "url");
    if let (Some(values), Some(value)) = (values, object.get("value").and_then(Value::as_str))
        && !values.insert(value.to_owned())
    {
        check.problem(format!("an option's value stands twice: {value}"));
    }
}

/// What is chosen at first must be one of the options, where they are known.
fn initial(check: &mut Check, object: &Map<String, Value>, values: &BTreeSet<String>, external: bool) {
    let known = |check: &mut Check, item: &Value| {
        option(check, item, None);
        if !external && !item["value"].as_str().is_some_and(|value| values.contains(value)) {
            check.problem("is not one of the options");
        }
    };
    if let Some(item) = object.get("initial_option") {
        check.at("initial_option", |check| known(check, item));
    }
    check.list(object, "initial_options", (1, 100), known);
}
