//! Embeds, components, forms and commands, each at its limit and one beyond.

use serde_json::json;

use super::{
    super::check::{
        Wrongs, commands,
        message::{self, Use},
        modal,
    },
    *,
};

/// What is wrong with a message's body: `place CODE`.
fn of_message(body: Value) -> Vec<String> {
    let mut wrongs = Wrongs::default();
    message::check(&mut wrongs, &quiet(body), Use::Create, None);
    named(&wrongs)
}

fn of_modal(modal: Value) -> Vec<String> {
    let mut wrongs = Wrongs::default();
    modal::check(&mut wrongs, "", Some(&modal));
    named(&wrongs)
}

fn of_commands(all: Value) -> Vec<String> {
    let mut wrongs = Wrongs::default();
    commands::check_all(&mut wrongs, &all);
    named(&wrongs)
}

fn named(wrongs: &Wrongs) -> Vec<String> {
    let mut found = Vec::new();
    leaves(&wrongs.tree(), "", &mut found);
    found
}

fn n(length: usize) -> String {
    "x".repeat(length)
}

#[test]
fn embeds_have_limits_each_and_over_all() {
    let embed = |e: Value| of_message(json!({"embeds": [e]}));
    let fields = |count: usize| json!({"fields": vec![json!({"name": "n", "value": "v", "inline": true}); count]});
    for fits in [
        json!({"title": n(256)}),
        json!({"description": n(4_096), "color": 0xff_ffff, "timestamp": "2026-11-24T14:00:00Z", "url": "https://example.com"}),
        json!({"title": "x", "footer": {"text": n(2_048)}, "author": {"name": n(256)}}),
        json!({"fields": [{"name": n(256), "value": n(1_024)}]}),
        fields(25),
        json!({"thumbnail": {"url": "https://example.com/a.png"}}),
    ] {
        assert_eq!(embed(fits.clone()), Vec::<String>::new(), "{fits}");
    }
    for (beyond, expected) in [
        (json!({"title": n(257)}), "embeds.0.title BASE_TYPE_MAX_LENGTH"),
        (json!({"description": n(4_097)}), "embeds.0.description BASE_TYPE_MAX_LENGTH"),
        (json!({"title": "x", "footer": {"text": n(2_049)}}), "embeds.0.footer.text BASE_TYPE_MAX_LENGTH"),
        (json!({"title": "x", "author": {"name": n(257)}}), "embeds.0.author.name BASE_TYPE_MAX_LENGTH"),
        (json!({"fields": [{"name": n(257), "value": "v"}]}), "embeds.0.fields.0.name BASE_TYPE_MAX_LENGTH"),
        (json!({"fields": [{"name": "n", "value": n(1_025)}]}), "embeds.0.fields.0.value BASE_TYPE_MAX_LENGTH"),
        (json!({"fields": [{"name": "n", "value": ""}]}), "embeds.0.fields.0.value BASE_TYPE_REQUIRED"),
        (fields(26), "embeds.0.fields BASE_TYPE_BAD_LENGTH"),
        (json!({"title": "x", "color": 0x100_0000}), "embeds.0.color NUMBER_TYPE_MAX"),
        (json!({"title": "x", "color": -1}), "embeds.0.color NUMBER_TYPE_MIN"),
        (json!({"title": "x", "color": "red"}), "embeds.0.color NUMBER_TYPE_COERCE"),
        (json!({"title": "x", "url": "javascript:x"}), "embeds.0.url URL_TYPE_INVALID_SCHEME"),
        (json!({"title": "x", "timestamp": "yesterday"}), "embeds.0.timestamp DATE_TIME_TYPE_PARSE"),
        (json!({"thumbnail": {"url": "a.png"}}), "embeds.0.thumbnail.url URL_TYPE_INVALID_SCHEME"),
        (json!({"image": {"proxy_url": "https://example.com"}}), "embeds.0.image.proxy_url UNKNOWN_KEY"),
        (json!({}), "embeds.0.description BASE_TYPE_REQUIRED"),
    ] {
        assert_eq!(embed(beyond.clone()), [expected], "{beyond}");
    }
    let two = |second: usize| of_message(json!({"embeds": [{"description": n(4_000)}, {"title": n(200), "footer": {"text": n(second)}}]}));
    assert!(two(1_800).is_empty());
    assert_eq!(two(1_801), ["embeds MAX_EMBED_SIZE_EXCEEDED"]);
    assert_eq!(of_message(json!({"embeds": vec![json!({"title": "x"}); 11]})), ["embeds BASE_TYPE_BAD_LENGTH"]);
}

fn button(id: &str) -> Value {
    json!({"type": 2, "style": 1, "label": "Go", "custom_id": id})
}

fn row(items: Vec<Value>) -> Value {
    json!({"type": 1, "components": items})
}

#[test]
fn a_message_has_five_rows_of_five_buttons_or_one_select() {
    let rows = |rows: Vec<Value>| of_message(json!({"content": "x", "components": rows}));
    let full = |row_number: usize| row((0..5).map(|n| button(&format!("{row_number}/{n}"))).collect());
    assert!(rows((0..5).map(full).collect()).is_empty());
    assert_eq!(rows((0..6).map(full).collect()), ["components BASE_TYPE_BAD_LENGTH"]);
    assert_eq!(rows(vec![row((0..6).map(|n| button(&n.to_string())).collect())]), ["components.0.components BASE_TYPE_BAD_LENGTH"]);
    assert_eq!(rows(vec![row(vec![])]), ["components.0.components BASE_TYPE_BAD_LENGTH"]);
    assert_eq!(rows(vec![button("x")]), ["components.0.type UNION_TYPE_CHOICES"]);
    let one = |b: Value| rows(vec![row(vec![b])]);
    for (wrong_button, expected) in [
        (button(&n(101)), "components.0.components.0.custom_id BASE_TYPE_MAX_LENGTH"),
        (button(""), "components.0.components.0.custom_id BASE_TYPE_MIN_LENGTH"),
        (json!({"type": 2, "style": 1, "label": "x"}), "components.0.components.0.custom_id BASE_TYPE_REQUIRED"),
        (json!({"type": 2, "style": 1, "label": n(81), "custom_id": "x"}), "components.0.components.0.label BASE_TYPE_MAX_LENGTH"),
        (json!({"type": 2, "style": 1, "custom_id": "x"}), "components.0.components.0 BUTTON_COMPONENT_NO_LABEL_OR_EMOJI"),
        (json!({"type": 2, "style": 9, "label": "x", "custom_id": "x"}), "components.0.components.0.style NUMBER_TYPE_MAX"),
        (json!({"type": 2, "style": 5, "label": "x"}), "components.0.components.0.url BUTTON_COMPONENT_URL_REQUIRED"),
    ] {
        assert_eq!(one(wrong_button.clone()), [expected], "{wrong_button}");
    }
    assert!(one(json!({"type": 2, "style": 5, "label": "x", "url": "https://example.com"})).is_empty());
    let twice = rows(vec![row(vec![button("same")]), row(vec![button("same")])]);
    assert_eq!(twice, ["components.1.components.0.custom_id COMPONENT_CUSTOM_ID_DUPLICATED"]);
    let select = |count: usize| {
        let options: Vec<Value> = (0..count).map(|n| json!({"label": "o", "value": n.to_string()})).collect();
        json!({"type": 3, "custom_id": "s", "options": options})
    };
    assert!(one(select(25)).is_empty());
    assert_eq!(one(select(26)), ["components.0.components.0.options BASE_TYPE_BAD_LENGTH"]);
    let beside = rows(vec![row(vec![select(1), button("x")])]);
    assert_eq!(beside, ["components.0.components.0 COMPONENT_LAYOUT_WIDTH_EXCEEDED"]);
}

#[test]
fn the_newer_layout_has_forty_parts_and_neither_content_nor_embeds() {
    let text = |words: &str| json!({"type": 10, "content": words});
    let newer = |parts: Vec<Value>, more: Value| {
        let mut body = json!({"flags": 32768, "components": parts});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        of_message(body)
    };
    assert!(newer(vec![json!({"type": 17, "components": [text("x"), row(vec![button("x")])]})], json!({})).is_empty());
    assert!(newer(vec![text("x"); 40], json!({})).is_empty());
    let many = json!({"type": 17, "components": vec![text("x"); 40]});
    assert_eq!(newer(vec![many], json!({})), ["components COMPONENT_MAX_TOTAL_COMPONENTS"]);
    assert_eq!(newer(vec![text(&n(2_001)), text(&n(2_000))], json!({})), ["components COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED"]);
    for more in [json!({"content": "x"}), json!({"embeds": [{"title": "x"}]})] {
        let found = newer(vec![text("x")], more);
        assert!(found.len() == 1 && found[0].ends_with("MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"), "{found:?}");
    }
    let picture = json!({"url": "https://example.com/a.png"});
    let section = |accessory: Value| json!({"type": 9, "components": [text("x")], "accessory": accessory});
    let gallery = |count: usize| json!({"type": 12, "items": vec![json!({"media": picture, "description": "d"}); count]});
    for fits in [
        section(json!({"type": 11, "media": picture, "description": "d"})),
        section(button("x")),
        gallery(10),
        json!({"type": 13, "file": {"url": "attachment://a.txt"}}),
        json!({"type": 17, "components": [gallery(1), {"type": 14, "divider": true, "spacing": 2}]}),
    ] {
        assert_eq!(newer(vec![fits.clone()], json!({})), Vec::<String>::new(), "{fits}");
    }
    for (odd, expected) in [
        (section(json!({"type": 11})), "components.0.accessory.media.url BASE_TYPE_REQUIRED"),
        (section(text("x")), "components.0.accessory.type UNION_TYPE_CHOICES"),
        (gallery(11), "components.0.items BASE_TYPE_BAD_LENGTH"),
        (json!({"type": 12}), "components.0.items BASE_TYPE_REQUIRED"),
        (json!({"type": 13}), "components.0.file.url BASE_TYPE_REQUIRED"),
        (json!({"type": 14, "spacing": 3}), "components.0.spacing NUMBER_TYPE_MAX"),
    ] {
        assert!(newer(vec![odd.clone()], json!({})).contains(&expected.to_owned()), "{odd}");
    }
    assert_eq!(
        of_message(json!({"content": "x", "components": [text("x")]})),
        ["components.0.type UNION_TYPE_CHOICES"],
        "without the flag"
    );
}

#[test]
fn a_form_has_a_title_and_one_to_five_inputs() {
    let input = |id: &str, more: Value| {
        let mut input = json!({"type": 4, "custom_id": id, "style": 1, "label": "L"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row(vec![input])
    };
    let modal = |parts: Vec<Value>| json!({"custom_id": "m", "title": n(45), "components": parts});
    let five: Vec<Value> = (0..5).map(|n| input(&n.to_string(), json!({}))).collect();
    assert!(of_modal(modal(five.clone())).is_empty());
    let six = [five, vec![input("6", json!({}))]].concat();
    assert_eq!(of_modal(modal(six)), ["components BASE_TYPE_BAD_LENGTH"]);
    assert_eq!(of_modal(modal(vec![])), ["components BASE_TYPE_BAD_LENGTH"]);
    assert_eq!(of_modal(json!({"custom_id": "m", "title": n(46), "components": [input("x", json!({}))]})), ["title BASE_TYPE_MAX_LENGTH"]);
    for (more, expected) in [
        (json!({"label": n(46)}), "label BASE_TYPE_MAX_LENGTH"),
        (json!({"label": null}), "label BASE_TYPE_REQUIRED"),
        (json!({"placeholder": n(101)}), "placeholder BASE_TYPE_MAX_LENGTH"),
        (json!({"value": n(4_001)}), "value BASE_TYPE_MAX_LENGTH"),
        (json!({"value": "123", "max_length": 2}), "value BASE_TYPE_BAD_LENGTH"),
        (json!({"min_length": 3, "max_length": 2}), "min_length NUMBER_TYPE_MAX"),
        (json!({"style": 3}), "style NUMBER_TYPE_MAX"),
        (json!({"options": []}), "options UNKNOWN_KEY"),
    ] {
        let found = of_modal(modal(vec![input("x", more)]));
        assert!(found.contains(&format!("components.0.components.0.{expected}")), "{expected}: {found:?}");
    }
    let twice = of_modal(modal(vec![input("x", json!({})), input("x", json!({}))]));
    assert_eq!(twice, ["components.1.components.0.custom_id COMPONENT_CUSTOM_ID_DUPLICATED"]);
    assert_eq!(of_modal(modal(vec![row(vec![button("x")])])), ["components.0.components.0.type UNION_TYPE_CHOICES"]);
    let labelled = json!({"type": 18, "label": "L", "description": "d", "component": {"type": 3, "custom_id": "s", "options": [{"label": "o", "value": "o"}]}});
    assert!(of_modal(modal(vec![labelled])).is_empty());
}

#[test]
fn commands_are_named_in_small_letters_with_required_options_first() {
    let command = |more: Value| {
        let mut command = json!({"name": "jit", "description": "d"});
        command.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        of_commands(json!([command]))
    };
    let option = |name: &str, required: bool| json!({"type": 3, "name": name, "description": "d", "required": required});
    assert!(command(json!({"options": [option("a", true), option("b", false)]})).is_empty());
    for (more, expected) in [
        (json!({"name": "Jit"}), "0.name APPLICATION_COMMAND_INVALID_NAME"),
        (json!({"name": "two words"}), "0.name APPLICATION_COMMAND_INVALID_NAME"),
        (json!({"name": n(33)}), "0.name BASE_TYPE_MAX_LENGTH"),
        (json!({"description": n(101)}), "0.description BASE_TYPE_MAX_LENGTH"),
        (json!({"description": ""}), "0.description BASE_TYPE_REQUIRED"),
        (json!({"options": [option("a", false), option("b", true)]}), "0.options.1 APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"),
        (json!({"options": [option("a", false), option("a", false)]}), "0.options.1.name APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS"),
        (json!({"options": [{"type": 12, "name": "a", "description": "d"}]}), "0.options.0.type NUMBER_TYPE_MAX"),
        (json!({"help": "x"}), "0.help UNKNOWN_KEY"),
    ] {
        assert_eq!(command(more.clone()), [expected], "{more}");
    }
    let many: Vec<Value> = (0..26).map(|n| option(&format!("o{n}"), false)).collect();
    assert_eq!(command(json!({"options": many})), ["0.options BASE_TYPE_BAD_LENGTH"]);
    let both = json!([{"type": 1, "name": "s", "description": "d"}, option("a", false)]);
    assert_eq!(command(json!({"options": both}))[0], "0.options APPLICATION_COMMAND_OPTIONS_TYPE_INVALID");
    let offered = json!([{"type": 3, "name": "a", "description": "d", "autocomplete": true, "choices": [{"name": "n", "value": "v"}]}]);
    assert_eq!(command(json!({"options": offered})), ["0.options.0.autocomplete APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID"]);
    let large: Vec<Value> = (0..25)
        .map(|s| {
            let options: Vec<Value> = (0..4).map(|o| json!({"type": 3, "name": format!("o{o}"), "description": n(100)})).collect();
            json!({"type": 1, "name": format!("s{s}"), "description": "d", "options": options})
        })
        .collect();
    assert_eq!(command(json!({"options": large})), ["0 APPLICATION_COMMAND_TOO_LARGE"]);
    assert_eq!(
        of_commands(json!([{"type": 3, "name": "About", "description": "x"}])),
        ["0.description APPLICATION_COMMAND_CONTEXT_MENU_FIELD"]
    );
    assert_eq!(
        of_commands(json!([{"type": 3, "name": "A b"}, {"type": 3, "name": "A b"}])),
        ["1.name APPLICATION_COMMANDS_DUPLICATE_NAME"]
    );
}
