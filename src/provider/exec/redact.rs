//! Keeps the values of an adapter's variables out of everything that it says (R11). Knows texts, not what they mean.

use serde_json::Value;

const INSTEAD: &str = "[redacted]";
/// Shorter values would black out words that are no secret.
const LEAST: usize = 4;
/// As long must one line of a longer secret be to count by itself, as of a private key.
const LEAST_LINE: usize = 16;

/// What must not appear in a log or a message, longest first: one may hold another.
#[derive(Debug, Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    pub(super) fn new(values: impl IntoIterator<Item = String>) -> Self {
        let mut all = Vec::new();
        for value in values.into_iter().filter(|value| value.len() >= LEAST) {
            all.extend(value.lines().filter(|line| line.len() >= LEAST_LINE).map(str::to_owned));
            all.push(value);
        }
        all.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        all.dedup();
        Self(all)
    }

    pub(super) fn out_of(&self, text: &str) -> String {
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

    /// Out of a whole reply, before anything else looks at it or cuts it. A credential is for its holder only, and a
    /// handle for the adapter only.
    pub(super) fn out_of_reply(&self, mut reply: Value) -> Value {
        let Value::Object(fields) = &mut reply else { return reply };
        let shown = fields.iter_mut().filter(|(name, _)| !["credential", "handle"].contains(&name.as_str()));
        shown.for_each(|(_, value)| self.out_of_all(value));
        reply
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
    fn every_text_of_a_reply_is_cleaned_but_for_what_is_shown_to_nobody() {
        let secrets = Secrets::new(["hunter22".to_owned()]);
        let said =
            json!({ "credential": "hunter22", "handle": ["hunter22"], "message": "a hunter22", "any": [{ "hunter22": ["hunter22"] }] });
        let clean = json!({ "credential": "hunter22", "handle": ["hunter22"], "message": "a [redacted]", "any": [{ "[redacted]": ["[redacted]"] }] });
        assert_eq!(secrets.out_of_reply(said), clean);
    }
}
