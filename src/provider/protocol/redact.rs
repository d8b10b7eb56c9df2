//! Keeps the values of an adapter's secrets out of everything that it says (R11). Knows texts, not what they mean.

use serde_json::Value;

const INSTEAD: &str = "[redacted]";
/// Shorter values would black out words that are no secret.
const LEAST: usize = 4;
/// As long must one line of a longer secret be to count by itself, as of a private key.
const LEAST_LINE: usize = 16;

/// Fields of a reply that mean something to the adapter or to the core, and are shown to nobody or are checked by themselves.
const MEANT: [&str; 8] = ["credential", "handle", "inputs", "op_token", "principal", "protocol", "status", "target"];

/// What must not appear in a log or a message, longest first: one may hold another.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Secrets(Vec<String>);

impl Secrets {
    pub(in super::super) fn new(values: impl IntoIterator<Item = String>) -> Self {
        let mut all = Vec::new();
        for value in values.into_iter().filter(|value| value.len() >= LEAST) {
            all.extend(value.lines().filter(|line| line.len() >= LEAST_LINE).map(str::to_owned));
            all.push(value);
        }
        all.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        all.dedup();
        Self(all)
    }

    pub(in super::super) fn out_of(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, INSTEAD))
    }

    /// Out of every text in it, names of fields too.
    fn out_of_all(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.out_of(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.out_of_all(value)),
            Value::Object(fields) => {
                for (name, mut value) in std::mem::take(fields) {
                    self.out_of_all(&mut value);
                    fields.insert(self.out_of(&name), value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Out of every text of a reply that people may see, before anything else looks at it or cuts it. What goes back to the
    /// adapter, and what names something, is left as it is: changed, it would mean something else.
    pub(super) fn out_of_reply(&self, mut reply: Value) -> Value {
        let Value::Object(fields) = &mut reply else { return reply };
        for (name, value) in fields.iter_mut().filter(|(name, _)| !MEANT.contains(&name.as_str())) {
            match value.get_mut("message") {
                Some(message) if name == "error" => self.out_of_all(message),
                _ => self.out_of_all(value),
            }
        }
        reply
    }

    /// Out of all that an adapter says of itself.
    pub(super) fn out_of_description(&self, mut said: Value) -> Value {
        self.out_of_all(&mut said);
        said
    }

    /// Does this name a value that was not in the question? Then it may not be kept, nor stand in the ledger.
    pub(super) fn are_told_by(&self, named: &Value, question: &Value) -> bool {
        let (named, question) = (named.to_string(), question.to_string());
        self.0.iter().any(|secret| {
            let quoted = Value::from(secret.as_str()).to_string();
            let quoted = quoted.trim_matches('"');
            named.contains(quoted) && !question.contains(quoted)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_longest_secret_goes_first_and_lines_of_a_long_one_count() {
        let key = "-----BEGIN KEY-----\nMC4CAQAwBQYDK2VwBCIEIG\nend";
        let secrets = Secrets::new(["hunter22".to_owned(), "hunter22-and-more".into(), "abc".into(), key.into()]);
        assert_eq!(secrets.out_of("hunter22-and-more hunter22 abc"), "[redacted] [redacted] abc");
        assert_eq!(secrets.out_of("at MC4CAQAwBQYDK2VwBCIEIG the end"), "at [redacted] the end");
    }

    #[test]
    fn texts_of_a_reply_are_cleaned_and_what_means_something_is_left() {
        let secrets = Secrets::new(["hunter22".to_owned(), "denied".into()]);
        let said = json!({
            "status": "hunter22", "credential": "hunter22", "handle": ["hunter22"], "op_token": "hunter22:7", "message": "a hunter22",
            "any": [{ "hunter22": ["hunter22"] }], "error": { "code": "denied", "message": "denied to hunter22" },
        });
        let clean = json!({
            "status": "hunter22", "credential": "hunter22", "handle": ["hunter22"], "op_token": "hunter22:7", "message": "a [redacted]",
            "any": [{ "[redacted]": ["[redacted]"] }], "error": { "code": "denied", "message": "[redacted] to [redacted]" },
        });
        assert_eq!(secrets.out_of_reply(said), clean);
    }

    #[test]
    fn a_name_that_was_in_the_question_is_no_secret() {
        let secrets = Secrets::new(["orders".to_owned()]);
        let named = json!({ "database": "orders", "role": "orders_write" });
        assert!(secrets.are_told_by(&named, &json!({ "role": "write" })));
        assert!(!secrets.are_told_by(&named, &json!({ "target": { "database": "orders" } })));
    }
}
