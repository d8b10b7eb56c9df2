//! Messages and modals as templates make them, brought within Discord's limits.

use proptest::prelude::*;

use super::*;
use crate::chat::{
    discord::markdown::tests::{hostile, read},
    words::one_line,
};

fn sent(template: &str) -> Result<Value, String> {
    finish(template, Marks::Counting(7)).map(|text| serde_json::from_str(&text).unwrap())
}

fn length(value: &Value) -> usize {
    value.as_str().unwrap_or_default().encode_utf16().count()
}

fn embed(parts: &str) -> String {
    format!(r#"{{"content": "x", "embeds": [{{{parts}}}]}}"#)
}

proptest! {
    #[test]
    fn whatever_is_put_in_is_within_the_limits_and_inert(texts in prop::collection::vec(hostile(), 8), times in 1..40_usize) {
        let values: Vec<String> = texts.iter().map(|text| seal(&text.repeat(times))).collect();
        let fields = values.iter().map(|value| format!(r#"{{"name": "N", "value": "{value}"}},"#)).collect::<Vec<_>>().concat();
        let template = format!(
            r#"{{"thread": {{"name": "R {0}"}}, "content": "**{0}**", "embeds": [{{"title": "{1}", "description": "{2}\n{3}", "fields": [{fields}], "footer": {{"text": "{4}"}}}}], "components": []}}"#,
            values[0], values[1], values[2], values[3], values[4],
        );
        let sent = sent(&template).unwrap();
        let mut all = 0;
        for embed in list(&sent["embeds"]) {
            let fields = list(&embed["fields"]);
            prop_assert!(length(&embed["title"]) <= 256 && length(&embed["description"]) <= 4096 && fields.iter().all(|f| length(&f["value"]) <= 1024));
            all += length(&embed["title"]) + length(&embed["description"]) + length(&embed["footer"]["text"]);
            all += fields.iter().map(|field| 1 + length(&field["value"])).sum::<usize>();
            for text in [&embed["title"], &embed["description"]].into_iter().chain(fields.iter().map(|field| &field["value"])) {
                prop_assert_eq!(read(text.as_str().unwrap_or_default()).live, Vec::<String>::new());
            }
        }
        prop_assert!(all <= 6000, "{}", all);
        prop_assert!(length(&sent["content"]) <= 2000 && length(&sent["thread"]["name"]) <= 100);
        let live = read(sent["content"].as_str().unwrap()).live;
        prop_assert_eq!(live.len(), usize::from(!one_line(&texts[0].repeat(times)).is_empty()), "{:?}", live);
    }
}

#[test]
fn people_cannot_leave_their_place_in_the_json() {
    let text = "\"}], \"allowed_mentions\": {\"parse\": [\"everyone\"]}, \\";
    let sent = sent(&format!(r#"{{"content": "{}"}}"#, seal(text))).unwrap();
    assert_eq!(read(sent["content"].as_str().unwrap()).shown, text);
    assert_eq!(sent["allowed_mentions"], json!({ "parse": [], "replied_user": false }));
}

#[test]
fn only_whom_mentions_names_is_called() {
    let ids = [r#"{"user": "2"}"#, r#"{"group": "3"}"#, r#"{"user": "2"}"#, r#"{"user": "everyone"}"#].join(",");
    let sent =
        sent(&format!(r#"{{"content": "<@1> @everyone", "mentions": [{ids}], "allowed_mentions": {{"parse": ["users"]}}}}"#)).unwrap();
    assert_eq!(sent["allowed_mentions"], json!({ "parse": [], "replied_user": false, "users": ["2"], "roles": ["3"] }));
    assert!(sent.get("mentions").is_none());
}

#[test]
fn every_key_is_there_so_that_an_edit_leaves_nothing_standing() {
    let expected =
        json!({ "content": "x", "embeds": [], "components": [], "flags": 4, "allowed_mentions": { "parse": [], "replied_user": false } });
    assert_eq!(sent(r#"{"content": "x"}"#).unwrap(), expected);
    let empty = embed(&format!(r#""description": "{}", "fields": [{{"name": "Why", "value": ""}}]"#, seal("")));
    assert_eq!(sent(&empty).unwrap(), expected);
}

#[test]
fn buttons_stand_in_rows_of_five() {
    let buttons = (0..13)
        .map(|n| format!(r#"{{"type": 2, "style": 2, "label": "{}", "custom_id": "a {n}"}},"#, seal("y")))
        .collect::<Vec<_>>()
        .concat();
    let sent =
        sent(&format!(r#"{{"content": "x", "components": [{{"type": 1, "components": [{buttons}]}}, {{"type": 1, "components": []}}]}}"#))
            .unwrap();
    let rows: Vec<usize> = list(&sent["components"]).iter().map(|row| list(&row["components"]).len()).collect();
    assert_eq!(rows, [5, 5, 3]);
}

#[test]
fn what_nobody_may_cut_is_refused() {
    let button = |id: &str| format!(r#"{{"type": 2, "style": 2, "label": "x", "custom_id": "{id}"}}"#);
    let row = |buttons: &str| format!(r#"{{"content": "x", "components": [{{"type": 1, "components": [{buttons}]}}]}}"#);
    for (what, template) in [
        ("custom_id is 101", row(&button(&"x".repeat(101)))),
        ("custom_id is empty", row(&button(""))),
        ("two components", row(&format!("{0},{0}", button("a")))),
        ("2000", format!(r#"{{"content": "{}", "embeds": [{{"title": "x"}}]}}"#, "x".repeat(2001))),
        ("11 embeds", format!(r#"{{"embeds": [{}]}}"#, [r#"{"title": "x"}"#; 11].join(","))),
        ("a field without a name", embed(r#""fields": [{"name": "", "value": "x"}]"#)),
        ("says nothing", r#"{"content": ""}"#.to_owned()),
        ("no JSON object", embed(r#""fields": ["x"]"#)),
        ("takes none", format!(r#"{{"content": "x", "poll": {{"question": "{}"}}}}"#, seal("why?"))),
        ("outside of a row", r#"{"content": "x", "components": [{"type": 10, "content": "x"}]}"#.to_owned()),
    ] {
        let error = sent(&template).unwrap_err();
        assert!(error.contains(what), "{what}: {error}");
    }
}

#[test]
fn no_time_stands_where_discord_shows_none() {
    let at = crate::domain::time::Instant::from_micros(1_795_528_800_000_000);
    let time = seal(&Marks::Counting(7).time(at, crate::chat::marks::Shape::Minute, "14:00 UTC".into()));
    let sent = sent(&embed(&format!(r#""title": "{time}", "description": "{time}", "footer": {{"text": "{time}"}}"#))).unwrap();
    let embed = &sent["embeds"][0];
    assert_eq!((&embed["title"], &embed["footer"]["text"]), (&json!("14\\:00 UTC"), &json!("14:00 UTC")));
    assert_eq!(embed["description"], "<t:1795528800:f>");
}

fn form(inputs: &str) -> String {
    format!(r#"{{"title": "{}", "custom_id": "deny R-7K3QD2/0", "components": [{inputs}]}}"#, seal(&"t".repeat(60)))
}

#[test]
fn a_modal_is_within_its_limits() {
    let long = seal(&"*".repeat(5000));
    let input = format!(
        r#"{{"type": 1, "components": [{{"type": 4, "style": 2, "custom_id": "words", "label": "{long}", "placeholder": "{long}", "value": "{long}", "max_length": 1000}}]}},"#
    );
    let empty = r#"{"type": 1, "components": [{"type": 4, "style": 1, "label": "x", "custom_id": "length", "value": ""}]}"#;
    let sent = sent(&form(&(input + empty))).unwrap();
    assert_eq!((length(&sent["title"]), sent.get("allowed_mentions")), (45, None));
    let (first, second) = (&sent["components"][0]["components"][0], &sent["components"][1]["components"][0]);
    assert_eq!([length(&first["label"]), length(&first["placeholder"]), length(&first["value"])], [45, 100, 1000]);
    assert!(first["value"].as_str().unwrap().starts_with("***"), "no markdown there");
    assert!(second.get("value").is_none());
}

#[test]
fn a_modal_takes_nothing_of_which_the_values_would_be_lost() {
    let input = r#"{"type": 4, "style": 1, "label": "x", "custom_id": "words"}"#;
    let select = r#"{"type": 5, "custom_id": "person"}"#;
    for odd in [
        format!(r#"{{"type": 18, "label": "x", "component": {input}}}"#),
        format!(r#"{{"type": 18, "label": "x", "component": {select}}}"#),
        format!(r#"{{"type": 1, "components": [{select}]}}"#),
        format!(r#"{{"type": 1, "components": [{input}, {}]}}"#, input.replace("words", "more")),
        input.to_owned(),
        r#"{"type": 10, "content": "read this"}"#.to_owned(),
        r#"{"type": 1, "components": [{"type": 4, "style": 1, "label": "x"}]}"#.to_owned(),
    ] {
        let row = format!(r#"{{"type": 1, "components": [{}]}},"#, input.replace("words", "first"));
        assert!(sent(&form(&row)).is_ok());
        let error = sent(&form(&(row + &odd))).unwrap_err();
        assert!(error.contains("nothing else"), "{odd}: {error}");
    }
}

#[test]
fn a_modal_has_one_to_five_inputs() {
    let input = |n: usize| format!(r#"{{"type": 1, "components": [{{"type": 4, "style": 1, "label": "x", "custom_id": "i{n}"}}]}},"#);
    let inputs = |most: usize| (0..most).map(input).collect::<Vec<_>>().concat();
    assert!(sent(&form("")).unwrap_err().contains("1 to 5"));
    assert!(sent(&form(&inputs(5))).is_ok());
    assert!(sent(&form(&inputs(6))).unwrap_err().contains("6 inputs"));
}
