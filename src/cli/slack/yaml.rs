//! A JSON value as YAML that a person can read: blocks, two spaces, and quotes wherever a plain word could be taken for
//! something else.

use std::fmt::Write as _;

use serde_json::Value;

/// The document's text, with a line break at its end.
pub(super) fn written(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(_) | Value::Array(_) if !is_empty(value) => block(&mut out, value, 0),
        _ => out.push_str(&scalar(value)),
    }
    out.trim_start_matches('\n').trim_end().to_owned() + "\n"
}

/// The lines of a list or a table, each begun with its line break.
fn block(out: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                let _infallible = write!(out, "\n{indent}{}:", word(key));
                after(out, value, depth + 1);
            }
        }
        Value::Array(list) => {
            for value in list {
                let mut item = String::new();
                match value {
                    Value::Object(_) if !is_empty(value) => {
                        // Its first key stands behind the dash.
                        block(&mut item, value, depth + 1);
                        let _infallible = write!(out, "\n{indent}- {}", item.trim_start());
                    }
                    _ => {
                        after(&mut item, value, depth + 1);
                        let _infallible = write!(out, "\n{indent}-{item}");
                    }
                }
            }
        }
        _ => {}
    }
}

/// What stands behind a key or a dash.
fn after(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(_) | Value::Array(_) if !is_empty(value) => block(out, value, depth),
        _ => {
            out.push(' ');
            out.push_str(&scalar(value));
        }
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

fn scalar(value: &Value) -> String {
    // JSON is YAML: what is no plain word is written as JSON writes it.
    value.as_str().map_or_else(|| value.to_string(), word)
}

/// Plain where it can mean nothing else, in double quotes otherwise.
fn word(text: &str) -> String {
    const MEANT_OTHERWISE: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "null", "y"];
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(is_plain)
        && !text.ends_with(':')
        && !MEANT_OTHERWISE.contains(&text.to_ascii_lowercase().as_str())
        && text != "n"
        && text != "N";
    if plain { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};
    use yaml_rust2::{Yaml, YamlLoader};

    use super::*;

    fn plain(yaml: &Yaml) -> Value {
        match yaml {
            Yaml::String(text) => json!(text),
            Yaml::Integer(number) => json!(number),
            Yaml::Boolean(flag) => json!(flag),
            Yaml::Null => Value::Null,
            Yaml::Array(list) => list.iter().map(plain).collect(),
            Yaml::Hash(table) => {
                table.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), plain(value))).collect::<Map<_, _>>().into()
            }
            other => panic!("{other:?}"),
        }
    }

    fn read(text: &str) -> Value {
        let documents = YamlLoader::load_from_str(text).unwrap_or_else(|why| panic!("{why} in\n{text}"));
        assert_eq!(documents.len(), 1, "{text}");
        plain(&documents[0])
    }

    #[test]
    fn it_reads_as_a_person_would_write_it() {
        let value = json!({"a": {"b": true, "c": []}, "list": ["chat:write", "no", "a b", {"k": 1, "l": {"m": "x"}}, ["y", "z"], {}]});
        insta::assert_snapshot!(written(&value), @r#"
        a:
          b: true
          c: []
        list:
          - chat:write
          - "no"
          - "a b"
          - k: 1
            l:
              m: x
          -
            - "y"
            - z
          - {}
        "#);
        assert_eq!(read(&written(&value)), value);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let words = prop_oneof![
            Just("yes"),
            Just("Null"),
            Just("~"),
            Just("- x"),
            Just("a: b"),
            Just("x:"),
            Just("# c"),
            Just(" a"),
            Just("1e3"),
            Just(".5"),
            Just("0x1f"),
            Just("line\nbreak"),
            Just("\u{1f680} \u{202e}\"'\\"),
            Just("=")
        ];
        let text = prop_oneof![words.prop_map(str::to_owned), "[ -~]{0,12}", "\\PC{0,8}"];
        let leaf = prop_oneof![text.clone().prop_map(Value::from), any::<bool>().prop_map(Value::from), any::<i32>().prop_map(Value::from)];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            let table = prop::collection::btree_map(text.clone(), inner.clone(), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::from),
                table.prop_map(|table| table.into_iter().collect::<Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_yaml_reader_reads_back_what_was_written(value in any_value()) {
            prop_assert_eq!(read(&written(&value)), value);
        }
    }
}
