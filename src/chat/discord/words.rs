//! What stands behind buttons that need more than a press: modals for the words of Deny…, Revoke… and Approve less…, and for
//! Pass on… a list of people to choose from. Whoever may not press is told so before they do anything; what is sent is judged
//! again. Must not decide.

use serde_json::{Value, json};

use super::{
    door::{DISCORD, Door},
    payload::{Values, is_id},
    reply::{self, Reply},
};
use crate::{
    bot::Body,
    chat::{typing::Typing, view::action, words::one_line},
    domain::request::{AskKind, Request},
};

/// Buttons that ask for words first.
const WORDED: [&str; 3] = [action::DENY, action::REVOKE, action::LESS];

/// Does something open first, as long as nobody is chosen?
pub(super) fn asks_for_more(name: &str, chosen: Option<&str>) -> bool {
    WORDED.contains(&name) || (name == action::PASS && chosen.is_none())
}

/// A press that asks for nothing more.
pub(super) fn whole(name: String, chosen: Option<&str>, value: String) -> Body {
    let action = match chosen {
        Some(person) if name == action::PASS => format!("{name}:<@{person}>"),
        _ => name,
    };
    Body::Press { action, request: value, words: None }
}

impl Door {
    /// What asks for more at once; or why this person cannot do it.
    pub(super) async fn open_words(&self, reply: &Reply, name: &str, value: &str) {
        let Ok(Ok(request)) = self.bot.could(DISCORD, &reply.user, name, value).await else {
            // The press itself, which is refused, recorded and answered like any other.
            let body = Body::Press { action: name.to_owned(), request: value.to_owned(), words: None };
            return self.durable(reply, reply::untouched(), body).await;
        };
        let page = self.words_page((name, value), &request);
        self.open(reply, &page, &typed(name, value)).await;
    }

    fn words_page(&self, (name, value): (&str, &str), request: &Request) -> Value {
        let catalogue = self.bot.catalogue();
        let ask = request.main_ask();
        let roles = catalogue.resources.get(&ask.resource).map(|resource| resource.roles.as_slice()).unwrap_or_default();
        let is_more_time = request.asks.len() > 1 && request.ask().kind == AskKind::Extension;
        let lower = roles.iter().take_while(|role| role.name != ask.role && !is_more_time);
        let lower: Vec<&str> = lower.map(|role| role.name.as_str()).collect();
        let section = match name {
            action::DENY => "form/deny",
            action::REVOKE => "form/revoke",
            action::LESS => "form/less",
            _ => "form/pass",
        };
        let line = one_line(&self.voice.templates.marks(DISCORD).plain(&self.voice.headline(DISCORD, request)));
        let data = json!({
            "custom_id": format!("{name} {value}"), "title": cut(&line, 45), "line": cut(&line, 100), "lower": cut(&lower.join(", "), 100),
        });
        self.voice.page(DISCORD, section, &data)
    }
}

/// The same act as a command to type.
pub(super) fn typed(name: &str, value: &str) -> String {
    let id = value.split('/').next().unwrap_or_default();
    let (name, option, text) = match name {
        action::LESS => ("offer", "length", "30m"),
        action::PASS => (name, "person", "@person"),
        name => (name, "why", "…"),
    };
    Typing::Options.command(name, &[("id", id), (option, text)])
}

/// The press that such a modal stands for; None: it is none of these.
pub(super) fn press(name: &str, value: &str, values: &Values) -> Option<Body> {
    if !WORDED.contains(&name) {
        return None;
    }
    let field = |field: &str| values.get(field).map(|text| text.trim()).unwrap_or_default();
    let action = match name {
        action::LESS => format!("{name}:{}", [field("role"), field("length")].join(" ").trim()),
        name => name.to_owned(),
    };
    let words = Some(field("words").to_owned()).filter(|words| !words.is_empty() || matches!(name, action::DENY | action::REVOKE));
    Some(Body::Press { action, request: value.to_owned(), words })
}

/// A bare id is meant as that account.
pub(super) fn person(typed: &str) -> String {
    if is_id(typed) { format!("<@{typed}>") } else { typed.to_owned() }
}

/// For a place that takes so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(fields: &[(&str, &str)]) -> Values {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn pressed(name: &str, fields: &[(&str, &str)]) -> (String, Option<String>) {
        match press(name, "R-7K3QD2/0", &values(fields)) {
            Some(Body::Press { action, request, words }) if request == "R-7K3QD2/0" => (action, words),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_typed_is_the_press_with_its_words() {
        assert_eq!(pressed("deny", &[("words", " use the replica ")]), ("deny".into(), Some("use the replica".into())));
        assert_eq!(pressed("deny", &[]), ("deny".into(), Some(String::new())), "no words are refused as that");
        assert_eq!(pressed("less", &[("role", "read"), ("length", "30m")]), ("less:read 30m".into(), None));
        assert_eq!(pressed("less", &[("length", "30m"), ("words", "read it")]), ("less:30m".into(), Some("read it".into())));
        for other in ["approve", "pass"] {
            assert_eq!(press(other, "R-7K3QD2/0", &values(&[("person", "@dora")])), None);
        }
    }

    #[test]
    fn whom_it_is_passed_to_is_chosen_and_nothing_else_is() {
        let (value, chosen) = ("R-7K3QD2/0".to_owned(), Some("80351110224678912"));
        assert!(asks_for_more("pass", None) && !asks_for_more("pass", chosen) && asks_for_more("deny", chosen));
        for (name, action) in [("pass", "pass:<@80351110224678912>"), ("approve", "approve")] {
            let press = Body::Press { action: action.to_owned(), request: value.clone(), words: None };
            assert_eq!(whole(name.to_owned(), chosen, value.clone()), press);
        }
    }

    #[test]
    fn a_bare_id_is_an_account() {
        for (typed, meant) in [("@dora", "@dora"), ("80351110224678912", "<@80351110224678912>"), ("<@!80>", "<@!80>"), ("", "")] {
            assert_eq!(person(typed), meant);
        }
    }

    #[test]
    fn a_line_is_cut_where_it_must_be_and_says_so() {
        assert_eq!((cut("ä".repeat(45).as_str(), 45), cut("ä".repeat(46).as_str(), 45)), ("ä".repeat(45), format!("{}…", "ä".repeat(44))));
    }
}
