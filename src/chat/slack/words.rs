//! The pages behind buttons that need words: Deny…, Revoke…, Approve less…, Pass on…. Whoever may not press is told so before they
//! write anything; what is sent is judged again. Must not decide.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    door::{Door, Presser, SLACK, incoming},
    payload::View,
};
use crate::{
    bot::{Body, NotRecorded},
    chat::{typing::Typing, view::action},
    domain::request::Request,
    store::Received,
};

impl Door {
    /// A page at once; in it the fields, or why this person cannot do it.
    pub(super) async fn open_words(self: Arc<Self>, from: &Presser, id: String, (name, value): (&str, &str), at_home: bool) {
        let loading = self.voice.page(SLACK, "form/loading", &json!({}));
        let opened = self.slack.open_view(from, &loading).await;
        let view = if let Ok(Ok(request)) = self.bot.could(SLACK, &from.user, name, value).await {
            if let Err(error) = &opened {
                return self.unopened(from, &typed(name, request.id.as_str()), error).await;
            }
            self.words_page((name, value), &request, at_home)
        } else {
            // The press itself, which is refused, recorded and answered like any other.
            let answer = self.pressed(from, id, name, value).await;
            if opened.is_err() {
                return self.answer(from, &answer).await;
            }
            self.said("Not possible", &self.voice.answer_lines(SLACK, &answer).await.unwrap_or_default())
        };
        if let Ok(id) = opened {
            self.slack.update_view(&id, None, &view).await;
        }
    }

    async fn pressed(&self, from: &Presser, id: String, name: &str, value: &str) -> crate::bot::Answer {
        let incoming = incoming(from, id, Body::Press { action: name.to_owned(), request: value.to_owned(), words: None });
        match self.bot.receive(&incoming).await {
            Ok(Received::New | Received::Duplicate) => self.handled(&incoming).await,
            Err(_) => NotRecorded::answer(),
        }
    }

    fn words_page(&self, (name, value): (&str, &str), request: &Request, at_home: bool) -> Value {
        let catalogue = self.bot.catalogue();
        let ask = request.main_ask();
        let roles = catalogue.resources.get(&ask.resource).map(|resource| resource.roles.as_slice()).unwrap_or_default();
        let lower = roles.iter().take_while(|role| role.name != ask.role);
        let lower: Vec<Value> = if request.asks.len() > 1 && request.ask().kind == crate::domain::request::AskKind::Extension {
            Vec::new()
        } else {
            lower.map(|role| json!({ "id": role.name, "text": role.title })).collect()
        };
        let section = match name {
            action::DENY => "form/deny",
            action::REVOKE => "form/revoke",
            action::LESS => "form/less",
            _ => "form/pass",
        };
        let data = json!({
            "metadata": json!({ "action": name, "value": value, "home": at_home }).to_string(),
            "line": self.voice.headline(SLACK, request), "roles": lower,
        });
        self.voice.page(SLACK, section, &data)
    }
}

/// Whether the page was opened from the home page, which then shows what came of it.
pub(super) fn is_from_home(view: &View) -> bool {
    serde_json::from_str::<Value>(&view.metadata).is_ok_and(|metadata| metadata["home"] == true)
}

/// The same act as a line to type.
fn typed(name: &str, id: &str) -> String {
    let (name, option, text) = match name {
        action::LESS => ("offer", "length", "30m"),
        action::PASS => (name, "person", "@person"),
        name => (name, "why", "why"),
    };
    Typing::Line.command(name, &[("id", id), (option, text)])
}

/// The press that a page of words stands for.
pub(super) fn press(view: &View) -> Option<Body> {
    let metadata: Value = serde_json::from_str(&view.metadata).ok()?;
    let (name, request) = (metadata["action"].as_str()?, metadata["value"].as_str()?.to_owned());
    let field = |block: &str| view.values.get(block).map(|text| text.trim()).unwrap_or_default();
    let words = field("words").to_owned();
    let action = match name {
        action::LESS => format!("{name}:{}", [field("role"), field("length")].join(" ").trim()),
        action::PASS => format!("{name}:<@{}>", field("person")),
        name => name.to_owned(),
    };
    let words = Some(words).filter(|words| !words.is_empty() || matches!(name, action::DENY | action::REVOKE));
    Some(Body::Press { action, request, words })
}
