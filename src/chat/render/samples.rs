//! Worst-case data for every section of the templates: long, hostile, everything present. For `check`, never sent.

mod digest;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::chat::{
    Button, Style,
    view::action::{self, ACCEPT, AGAIN, ALL, CANCEL, CREDENTIAL, DECLINE, EXTEND_30, EXTEND_60, RETURN},
};

/// Section and the fields that its data has.
const FIELDS: &str = "
reply/reminded names|reply/escalated names|reply/looking who until|reply/passed_on who to|reply/approved who at comment progress
reply/taken_back who|reply/stage_opened names|reply/offered who less comment|reply/offer_declined who|reply/offer_accepted who what length
reply/recounted dropped policy|reply/denied who at reason|reply/cancelled who reason|reply/unanswered after next got
reply/scheduled start start_in|reply/reopened dropped|reply/left who|reply/shortened length|reply/working subject what since until until_in had_before how_to_connect
reply/grant_failed why permanent|reply/warned what until until_in|reply/extension_asked who more until reason names
reply/extension_closed how who reason until|reply/extended until until_in|reply/grace_began until|reply/found_absent
reply/credential_shown who at|reply/undone gone why remains residue|reply/ended first_line how sessions_closed gone remains residue asked approved used settled entries root
reply/still_open first_line alarm id|reply/residue residue id|reply/leftover residue|reply/settled who reason|reply/alarm_cleared at
direct/asked_for_you what id requester subject length reason|direct/denied what id requester subject who reason
direct/cancelled what id requester subject who reason|direct/unanswered what id requester subject after next got
direct/offered what id requester subject who less comment|direct/scheduled what id requester subject start start_in
direct/working what id requester subject since until until_in had_before how_to_connect sessions_view more
direct/working_other what id requester subject since until until_in had_before how_to_connect sessions_view more
direct/grant_failed what id requester subject why permanent|direct/warned what until until_in
direct/extended what id requester subject until until_in how_to_connect|direct/no_more_time what id requester subject until reason
direct/ended what id requester subject time how early remains gone|direct/left what id requester subject who
direct/reopened what id requester subject|direct/grace_began what id requester subject until
direct/found_absent what id requester subject|direct/undone what id requester subject gone residue
alarm/still_open what since id line alarm residue over|alarm/grant_failed what since id line alarm residue over
alarm/residue what since id line alarm residue over|alarm/clock what since id line alarm residue over
alarm/drift what since id line alarm residue over|alarm/policy what since id line alarm residue over|alarm/other what since id line alarm residue over
alarm/store what since id line alarm residue over|alarm/chat what since id line alarm residue over|alarm/worker what since id line alarm residue over
alarm/over what since id line alarm residue over
refusal/not_linked|refusal/inactive|refusal/timed_out platform|refusal/rules_unread platform|refusal/cannot_ask_group group platform why|refusal/cannot_ask_profile why|refusal/not_administrator
refusal/not_auditor|refusal/not_digest_reader|refusal/grammar expected found near|refusal/no_such_resource name near|refusal/no_such_role resource name near roles
refusal/no_such_person name near|refusal/no_such_request text|refusal/bad_duration text why|refusal/bad_time text why
refusal/bad_past text why|refusal/nothing_to_see name|refusal/bad_text what why|refusal/not_recorded|refusal/unwritable|refusal/frozen|refusal/missing pieces line|refusal/not_requester|refusal/ends_later until|refusal/end_fixed end|refusal/link_code
refusal/link_locked at_clock|refusal/link_too_many at_clock|refusal/linked_already|refusal/platform_taken platform
refusal/not_joined person platform|direct/linked platform account|direct/unlinked platform account|refusal/may_not_ask resource role others|refusal/may_not_ask_for subject
refusal/subject_inactive subject|refusal/over_cap asked cap|refusal/end_in_past end|refusal/end_before_start end start|refusal/start_in_past start
refusal/start_too_far start latest|refusal/reason_missing min_chars|refusal/ticket_missing projects|refusal/ticket_wrong ticket projects
refusal/already_open request subject yours|refusal/nobody_can_approve resource role|refusal/input_missing input how|refusal/provider_refuses why
refusal/provider_unreachable why|refusal/own_request|refusal/not_approver waiting_for later|refusal/already_voted request stage|refusal/no_vote
refusal/not_less|refusal/only_less_time request|refusal/no_offer|refusal/ask_replaced request more|refusal/extended_already request until|refusal/offer_replaced request person|refusal/cannot_pass_to to|refusal/already_looking person|refusal/reason_needed|refusal/not_holder|refusal/not_subject|refusal/no_credential|refusal/credential_failed why unknown
refusal/may_not_revoke|refusal/own_settle|refusal/nothing_to_extend|refusal/extension_open|refusal/over_ceiling most|refusal/no_time_left
refusal/already_decided by at_clock how standing|refusal/not_open how at_clock standing
answer/asked id request_line|answer/acted id request_line act events said called_off more_asked more_approved more_given|answer/done_before|answer/later|answer/unopened line|answer/elsewhere|answer/not_its_place id|answer/not_mine|answer/form_gone|answer/credential_unseen id|answer/show view how_to_connect opened opened_ago
answer/mine open closed|answer/inbox waiting_rows|answer/who resource rows only_own|answer/explain person resource role rule length cap within may_not nobody others stages at_once extend_to patience usual|answer/resources resource_rows
answer/credential id what until secret how_to_connect|answer/credential_sent|answer/form resources|answer/link code in_options minutes accounts|answer/linked person platform|answer/unlinked person platform
past/then resource at count one perhaps page pages|past/had who asked_by role sure from to time how until decided gone had_before approved edges
past/gone resource|past/begins begins|past/only_own|past/unasked group platform|past/unseen|past/zone zone|past/more_then resource at page|past/found who own since some page
past/did at line how who did|past/only_seen|past/cut|past/more_found person own since page|past/rates resource all since nothing
past/counted asked granted less denied unanswered cancelled failed held_now waiting|past/decided decided median slow|past/held median_held
past/unused known never percent unknown_count|past/busiest hours zone|past/of_resource resource asked granted denied unanswered median slow known never
past/more_resources count|past/more_rates resource since
answer/quiet quiet asked|answer/clock clock from to_time confirmed|answer/key_kept fingerprint|answer/revoked_all person ended kept|answer/help topic";

/// Long, and everything that a template, a terminal or a chat might take for its own.
pub(super) fn hostile() -> String {
    "{{id}} {{{x}}} <!channel> *b* `c` [m](https://evil.example) <@&1> ||s|| \u{202e}rtl\u{200b}\u{1b}[31m\n@everyone \"q\" ".repeat(20)
}

/// Sections that only platforms with pages of their own have.
pub(super) fn is_of_a_platform(section: &str) -> bool {
    section.starts_with("form/") || section == "home"
}

/// Data by section.
pub(super) fn all() -> BTreeMap<String, Value> {
    let mut all: BTreeMap<_, _> = FIELDS
        .split(['|', '\n'])
        .filter_map(|entry| {
            let mut words = entry.split_whitespace();
            Some((words.next()?.to_owned(), Value::Object(words.map(field).collect())))
        })
        .collect();
    all.insert("card".to_owned(), card());
    all.insert("past".to_owned(), past());
    all.extend(pages());
    all.extend(digest::all());
    let buttons = action::ALL.iter().chain(&[action::CREDENTIAL, action::QUIET_ON, action::QUIET_OFF]);
    all.extend(buttons.map(|action| (format!("button/{action}"), Value::Null)));
    all
}

fn field(name: &str) -> (String, Value) {
    let (text, key) = (hostile(), name);
    let line = json!({ "id": "R-7K3QD2", "line": text, "waiting": text, "more": text, "reason": text });
    match name {
        "pieces" => (key.to_owned(), json!([{ "piece": "role", "choices": [text, text] }, { "piece": "ticket", "choices": [text] }])),
        "stages" => (
            key.to_owned(),
            json!([{ "names": text, "needed": 1, "several": false, "people": text, "night": text, "ladder": text }, { "names": text, "needed": 2, "several": true, "people": "", "night": "", "ladder": "" }]),
        ),
        "secret" => (key.to_owned(), json!(vec!["x".repeat(70); 50])),
        "residue" | "how_to_connect" | "accounts" | "kept" | "ended" | "resources" | "events" => (key.to_owned(), json!([text, text])),
        "permanent" | "unknown" | "had_before" | "early" | "settled" | "within" | "may_not" | "nobody" | "yours" | "confirmed"
        | "quiet" | "only_own" => (key.to_owned(), json!(true)),
        "alarm" => (key.to_owned(), alarm()),
        "view" => (key.to_owned(), card()),
        "said" => (key.to_owned(), json!(false)),
        "sessions_view" => ("sessions".to_owned(), sessions()),
        "unknown_count" => ("unknown".to_owned(), json!(text)),
        "at_clock" => ("at".to_owned(), json!({ "clock": text, "ago": text })),
        "request_line" => ("request".to_owned(), line),
        "open" | "closed" => (key.to_owned(), json!([line])),
        "waiting_rows" => ("waiting".to_owned(), json!([line])),
        "rows" => (key.to_owned(), json!([{ "id": text, "request": line }])),
        "resource_rows" => ("rows".to_owned(), json!([{ "id": text, "title": text, "roles": [text, text], "description": text }])),
        _ => (key.to_owned(), json!(text)),
    }
}

/// The pages of platforms that have some.
fn pages() -> [(String, Value); 9] {
    let t = hostile();
    let picks = json!([{ "id": "prod-db", "text": t }, { "id": "bastion", "text": t }]);
    let ask = json!({
        "metadata": "{}", "about": format!("https://acme.example.org/archives/C1/p{}", "1".repeat(100)), "notice": t, "resource": "prod-db",
        "roles": picks, "ready": true, "role": "write", "lengths": picks, "length": { "id": "1h", "text": t }, "reason_needed": 10,
        "ticket_required": true, "ticket": t, "on_behalf": true, "before": [t, t],
        "custom_id": "request", "asks_start": false, "asks_person": false, "resource_hint": t, "roles_hint": t, "length_hint": t,
        "reason_least": 10, "reason_most": 1_000, "ticket_hint": t, "ticket_needed": true,
    });
    let words = json!({ "metadata": "{}", "line": t, "roles": picks, "custom_id": "deny R-7K3QD2/0", "title": t, "lower": t });
    let button = |action: &str| json!({ "action": action, "label": "", "value": "R-7K3QD2/0", "style": "plain" });
    let row = json!({
        "id": "R-7K3QD2", "state": "active", "line": t, "what": t, "until": t, "who": t, "subject": t, "reason": t, "ticket": t,
        "about": format!("https://acme.example.org/archives/C1/p{}", "1".repeat(100)),
        "more": t, "waiting": t, "progress": t, "offer": t, "buttons": [button(RETURN), button(EXTEND_30), button(EXTEND_60), button(CREDENTIAL)],
    });
    let mut silent = row.clone();
    silent["buttons"] = json!([]);
    let rows = |n: usize| json!({ "rows": vec![row.clone(); n], "more": 7 });
    let page = json!({
        "name": t, "unasked": t, "mine": rows(10), "asked": rows(10), "waiting": rows(10), "closed": rows(5), "held": json!({ "rows": vec![silent; 15], "more": 7 }), "quiet": false,
        "turn": button(action::QUIET_ON),
    });
    [
        ("form/loading", json!({})),
        ("form/said", json!({ "title": t, "lines": [t, t] })),
        ("form/request", ask),
        ("form/deny", words.clone()),
        ("form/revoke", words.clone()),
        ("form/less", words.clone()),
        ("form/pass", words),
        ("form/refill", json!({ "custom_id": "refill 1100000000000000001" })),
        ("home", json!({ "notice": [t], "page": page })),
    ]
    .map(|(name, data)| (name.to_owned(), data))
}

/// A full page, each line at its longest.
fn past() -> Value {
    let t = hostile();
    let linked = json!({ "words": t, "id": "R-7K3QD2", "url": format!("https://acme.example.org/archives/C1/p{}", "1".repeat(100)) });
    let rows = [linked, json!({ "words": t, "id": "R-7K3QD2", "url": null }), json!({ "words": t, "id": null, "url": null })];
    json!({ "first": t, "rows": rows.iter().cycle().take(20).collect::<Vec<_>>(), "notes": [t, t, t, t] })
}

fn sessions() -> Value {
    json!({ "cut": false, "next_request": false, "live_on": false, "at_most": hostile() })
}

fn alarm() -> Value {
    let text = hostile();
    json!({ "since": text, "tries": "7 tries", "last_answer": text, "told": text, "by_hand": text })
}

fn card() -> Value {
    let t = hostile();
    json!({
        "id": "R-7K3QD2", "state": "pending", "tone": "waiting", "first_line": t, "unusual": [t], "progress": t,
        "asked": { "requester": t, "account": "80351110224678912", "subject": t, "for_other": true, "resource": t, "title": t, "role": t, "length": t, "start": t,
            "reason": t, "ticket": t, "ticket_link": format!("https://tickets.example.org/{}", "x".repeat(200)), "about": format!("https://{}", "x".repeat(492)), "gets": t, "rule": t, "past": t },
        "votes": [{ "who": t, "at": t, "comment": t, "shown": true }],
        "waiting": { "names": t, "needed": 1, "of": 2, "then": t, "ladder": t, "also_asked": t, "passed_to": t, "looking": t },
        "offer": { "who": t, "less": t, "comment": t }, "extension": t,
        "held": { "approved": t, "since": t, "ends_first": t, "time": t, "sessions_closed": 2, "gone": t, "remains": t, "residue": [t], "used": t },
        "outcome": [t], "alarm": alarm(), "sessions": sessions(), "buttons": [],
    })
}

/// The buttons that may stand on each kind of message, by its section.
pub(super) fn with_buttons() -> BTreeMap<String, Vec<Button>> {
    let button =
        |action: &&str| Button { action: (*action).to_owned(), label: String::new(), value: "R-7K3QD2".to_owned(), style: Style::Plain };
    let these: [(&str, &[&str]); 10] = [
        ("card", &ALL),
        ("reply/warned", &[RETURN, EXTEND_30, EXTEND_60]),
        ("reply/undone", &[AGAIN]),
        ("direct/warned", &[RETURN, EXTEND_30, EXTEND_60]),
        ("direct/working", &[CREDENTIAL, RETURN]),
        ("direct/working_other", &[RETURN]),
        ("direct/offered", &[ACCEPT, DECLINE]),
        ("direct/asked_for_you", &[CANCEL]),
        ("direct/scheduled", &[CANCEL]),
        ("direct/unanswered", &[AGAIN]),
    ];
    these.into_iter().map(|(section, actions)| (section.to_owned(), actions.iter().map(button).collect())).collect()
}
