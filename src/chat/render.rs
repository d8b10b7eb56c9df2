//! Turns views into what a platform sends, by templates that are compiled in and can be overridden by a folder.
//! Text from people enters only through the platform's escape function; a template can never be made of it.

use std::{collections::BTreeMap, path::Path, sync::Mutex};

use handlebars::Handlebars;
use serde::Serialize;
use serde_json::Value;

use super::{
    Button, Message, answers,
    replies::ReplyView,
    view::{CardView, Reader, action},
    words::one_line,
};
use crate::domain::{explain::Outlook, refusal::Refusal};

/// The templates of one platform, ours and the overrides.
#[derive(Debug)]
pub struct Templates {
    ours: Handlebars<'static>,
    /// Ours with the override's sections in their place.
    theirs: Option<Handlebars<'static>>,
    troubles: Mutex<Vec<String>>,
}

/// Why templates were refused at load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("{file}: {{{{{{ and {{{{& would let people's text through unescaped; write {{{{name}}}}")]
    Raw { file: String },
    #[error("{file}: section {section}: {why}")]
    Syntax { file: String, section: String, why: String },
    #[error("{file}: the section {section} is missing; every action and message needs its words")]
    Missing { file: String, section: String },
    #[error("{file}: {why}")]
    Unreadable { file: String, why: String },
}

/// File name and text of each file of the console's folder.
const CONSOLE: [(&str, &str); 5] = [
    ("card.hbs", include_str!("../../templates/console/card.hbs")),
    ("reply.hbs", include_str!("../../templates/console/reply.hbs")),
    ("direct.hbs", include_str!("../../templates/console/direct.hbs")),
    ("refusal.hbs", include_str!("../../templates/console/refusal.hbs")),
    ("answer.hbs", include_str!("../../templates/console/answer.hbs")),
];

impl Templates {
    /// The console's templates. `folder` holds one folder per platform; a file there replaces ours of the same name.
    /// # Errors
    /// The first thing wrong with an override; nothing of it is used then.
    pub fn load(folder: Option<&Path>) -> Result<Self, TemplateError> {
        let ours = registry(&CONSOLE.map(|(file, text)| (file.to_owned(), text.to_owned())))?;
        let theirs = match folder.map(|f| f.join("console")) {
            Some(folder) if folder.is_dir() => Some(overridden(&folder)?),
            _ => None,
        };
        Ok(Self { ours, theirs, troubles: Mutex::default() })
    }

    /// What went wrong with overrides since the last call; ours was used instead.
    pub fn take_troubles(&self) -> Vec<String> {
        std::mem::take(&mut *self.troubles.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub fn card(&self, view: &CardView) -> Message {
        Message { body: self.render("card", view), buttons: self.labelled(&view.buttons) }
    }

    pub fn reply(&self, view: &ReplyView) -> Message {
        Message { body: self.render(&format!("reply/{}", view.name), &view.data), buttons: self.labelled(&view.buttons) }
    }

    pub fn direct(&self, view: &ReplyView) -> Message {
        Message { body: self.render(&format!("direct/{}", view.name), &view.data), buttons: self.labelled(&view.buttons) }
    }

    /// A "no", in the presser's words and zone.
    pub fn refusal(&self, refusal: &Refusal, reader: &Reader<'_>) -> String {
        let (name, data) = answers::refusal(refusal, reader);
        self.render(&format!("refusal/{name}"), &data)
    }

    /// An answer of the bot, by its name; requests within `data` become lines.
    pub fn answer(&self, name: &str, data: &Value, reader: &Reader<'_>) -> String {
        self.render(&format!("answer/{name}"), &answers::dressed(data, reader))
    }

    /// How an ask would go, before it is sent.
    pub fn before(&self, outlook: &Outlook, reader: &Reader<'_>) -> String {
        self.render("answer/explain", &answers::before(outlook, reader))
    }

    /// Is there a section of this name? `refusal/frozen`, `answer/mine`.
    pub fn has(&self, section: &str) -> bool {
        self.ours.has_template(section)
    }

    fn labelled(&self, buttons: &[Button]) -> Vec<Button> {
        let label = |b: &Button| self.render(&format!("button/{}", b.action), &Value::Null);
        buttons.iter().map(|b| Button { label: label(b), ..b.clone() }).collect()
    }

    fn render(&self, section: &str, data: &impl Serialize) -> String {
        if let Some(theirs) = &self.theirs {
            match theirs.render(section, data) {
                Ok(text) => return text.trim_end().to_owned(),
                Err(error) => self.trouble(format!("override of {section}: {error}")),
            }
        }
        match self.ours.render(section, data) {
            Ok(text) => text.trim_end().to_owned(),
            Err(error) => {
                self.trouble(format!("{section}: {error}"));
                "Something happened here that could not be shown. /jit mine shows how your requests stand.".to_owned()
            }
        }
    }

    fn trouble(&self, what: String) {
        tracing::error!(template.trouble = %what, "a template did not render");
        self.troubles.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(what);
    }

    /// Renders every section with worst-case samples, and says what does not work. Nothing is sent.
    pub fn check(&self) -> Vec<String> {
        let registry = self.theirs.as_ref().unwrap_or(&self.ours);
        let samples = super::samples::all();
        let mut wrong: Vec<_> = samples
            .iter()
            .filter_map(|(section, data)| registry.render(section, data).err().map(|error| format!("{section}: {error}")))
            .collect();
        wrong.extend(
            registry.get_templates().keys().filter(|name| !samples.contains_key(*name)).map(|name| format!("{name}: nothing uses it")),
        );
        wrong.sort();
        wrong
    }
}

fn registry(files: &[(String, String)]) -> Result<Handlebars<'static>, TemplateError> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(one_line);
    for (file, text) in files {
        if text.contains("{{{") || raw_ampersand(text) {
            return Err(TemplateError::Raw { file: file.clone() });
        }
        for (section, body) in sections(text) {
            registry.register_template_string(&section, body).map_err(|error| TemplateError::Syntax {
                file: file.clone(),
                section: section.clone(),
                why: error.to_string(),
            })?;
        }
    }
    Ok(registry)
}

/// `{{&`, `{{ &`, `{{~&`: the other spellings of unescaped.
fn raw_ampersand(text: &str) -> bool {
    text.split("{{").skip(1).any(|rest| rest.trim_start_matches(|c: char| c == '~' || c.is_whitespace()).starts_with(['&', '{']))
}

/// A file's sections by name, in any order. What stands before the first name belongs to none.
fn sections(text: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some(name) = line.trim().strip_prefix("{{!-- == ").and_then(|rest| rest.strip_suffix(" == --}}")) {
            all.extend(open.replace((name.trim().to_owned(), String::new())));
        } else if let Some((_, body)) = &mut open {
            body.push_str(line);
            body.push('\n');
        }
    }
    all.extend(open);
    all
}

fn overridden(folder: &Path) -> Result<Handlebars<'static>, TemplateError> {
    let mut files = Vec::new();
    for (file, ours) in CONSOLE {
        let path = folder.join(file);
        if !path.exists() {
            files.push((file.to_owned(), ours.to_owned()));
            continue;
        }
        let shown = path.display().to_string();
        let text =
            std::fs::read_to_string(&path).map_err(|error| TemplateError::Unreadable { file: shown.clone(), why: error.to_string() })?;
        let theirs = sections(&text);
        if let Some(section) = sections(ours).into_keys().find(|name| !theirs.contains_key(name)) {
            return Err(TemplateError::Missing { file: shown, section });
        }
        files.push((shown, text));
    }
    let registry = registry(&files)?;
    for action in action::ALL {
        let section = format!("button/{action}");
        if registry.render(&section, &Value::Null).map_or(true, |label| label.trim().is_empty()) {
            return Err(TemplateError::Missing { file: folder.display().to_string(), section });
        }
    }
    Ok(registry)
}
