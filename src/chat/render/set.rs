//! One platform's templates: ours, the override if there is one, and which was used. An override never costs a message:
//! where it fails, ours is sent and the trouble is kept for an alarm.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use handlebars::Handlebars;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    TemplateError, samples,
    sections::{registry, sections},
};
use crate::{
    chat::{Button, Mention, Message, Style, marks::Marks, typing::Typing},
    domain::policy::{Platform, Who},
};

/// What a platform brings along to have its words: a folder's files, its escape, and where its buttons are.
#[derive(Debug)]
pub struct Folder {
    pub platform: Platform,
    /// Makes text from people inert in this platform's messages.
    pub escape: fn(&str) -> String,
    /// How its texts have their times, given this process's number.
    pub marks: fn(u64) -> Marks,
    /// How its people type commands.
    pub typing: Typing,
    /// What the lines of one message of a digest may take together, in characters at their worst.
    pub room: usize,
    /// The last touch to what a template made, such as taking out lines that came out empty; or why it cannot be sent.
    pub finish: fn(&str, Marks) -> Result<String, String>,
    /// File name and text of each file. What has no section here is said in the console's words, laid out by `lines`.
    pub files: &'static [(&'static str, &'static str)],
    /// The actions that somebody could press in this message.
    pub actions: fn(&Message) -> Vec<String>,
    /// A message of these words alone, for when not even ours could be made.
    pub sorry: fn(&str) -> String,
}

/// What a message has besides its words.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct Extra {
    buttons: Vec<Value>,
    mentions: Vec<Mention>,
    /// That it is told late, in words.
    late: Option<String>,
}

/// The templates of one platform.
#[derive(Debug)]
pub(super) struct Set {
    ours: Handlebars<'static>,
    /// Ours with the override's sections in their place.
    theirs: Option<Handlebars<'static>>,
    /// Whose words stand where this platform has no section of its own.
    words: Option<Arc<Set>>,
    marks: Marks,
    typing: Typing,
    folder: &'static Folder,
    troubles: Mutex<Vec<String>>,
}

impl Set {
    /// `number`: what marks are made with. `typing`: how commands are typed where it is read. `words`: None for the platform whose
    /// words are everybody's.
    pub(super) fn load(
        folder: &'static Folder,
        overrides: Option<&Path>,
        (number, typing): (u64, Typing),
        words: Option<Arc<Self>>,
    ) -> Result<Self, TemplateError> {
        let files: Vec<_> = folder.files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
        let ours = registry(&files, folder.escape, typing)?;
        let mut set = Self { ours, theirs: None, words, marks: (folder.marks)(number), typing, folder, troubles: Mutex::default() };
        if let Some(theirs) = overrides.map(|f| f.join(folder.platform.name())).filter(|theirs| theirs.is_dir()) {
            set.theirs = Some(overridden(folder, &theirs, &set)?);
        }
        Ok(set)
    }

    /// Whose sections stand where this platform has none.
    pub(super) fn words(&self) -> &Self {
        self.words.as_deref().unwrap_or(self)
    }

    pub(super) const fn room(&self) -> usize {
        self.folder.room
    }

    pub(super) const fn marks(&self) -> Marks {
        self.marks
    }

    pub(super) fn take_troubles(&self) -> Vec<String> {
        std::mem::take(&mut *self.troubles.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub(super) fn has(&self, section: &str) -> bool {
        self.has_own(section) || self.words.as_ref().is_some_and(|words| words.has(section))
    }

    fn has_own(&self, section: &str) -> bool {
        self.theirs.as_ref().unwrap_or(&self.ours).has_template(section)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.ours.get_templates().keys().cloned().collect()
    }

    pub(super) fn message(
        &self,
        section: &str,
        (data, late): (&impl Serialize, Option<&str>),
        buttons: &[Button],
        notify: &[Who],
        mentions: Vec<Mention>,
    ) -> Message {
        let words = self.words();
        let label = |b: &Button| words.render(&format!("button/{}", b.action), &Value::Null);
        let buttons: Vec<_> = buttons.iter().map(|b| Button { label: label(b), ..b.clone() }).collect();
        let late = late.map(|at| words.render("part/late", &json!({ "at": at })));
        let extra = Extra { buttons: buttons.iter().map(shown).collect(), mentions, late };
        Message { body: self.laid_out(section, data, &extra), buttons, notify: notify.to_vec() }
    }

    /// A page whose buttons lie somewhere in its data, still without their labels.
    pub(super) fn page(&self, section: &str, data: &Value) -> String {
        let words = self.words();
        let mut data = data.clone();
        label(&mut data, &|action| words.render(&format!("button/{action}"), &Value::Null));
        self.render(section, &data)
    }

    pub(super) fn render(&self, section: &str, data: &impl Serialize) -> String {
        self.laid_out(section, data, &Extra::default())
    }

    /// By this platform's own section; else the console's words in this platform's `lines`.
    fn laid_out(&self, section: &str, data: &impl Serialize, extra: &Extra) -> String {
        match &self.words {
            Some(words) if !self.has_own(section) => self.lines(&words.render(section, data), extra),
            Some(_) => self.own(section, &with(data, extra)),
            None => extra.late.iter().fold(self.own(section, data), |said, late| format!("{said}\n{late}")),
        }
    }

    /// Plain lines as a message of this platform.
    pub(super) fn lines(&self, text: &str, extra: &Extra) -> String {
        if self.words.is_none() {
            return text.to_owned();
        }
        self.own("lines", &in_lines(text, extra))
    }

    fn own(&self, section: &str, data: &impl Serialize) -> String {
        if let Some(theirs) = &self.theirs {
            match self.finished(theirs, section, data) {
                Ok(text) => return text,
                Err(error) => self.trouble(format!("override of {section}: {error}")),
            }
        }
        match self.finished(&self.ours, section, data) {
            Ok(text) => text,
            Err(error) => {
                self.trouble(format!("{section}: {error}"));
                let sorry = "Something happened here that could not be shown. /jit mine shows how your requests stand.";
                match section {
                    "lines" | "form/said" | "home" => (self.folder.sorry)(sorry),
                    form if form.starts_with("form/") && self.has_own("form/said") => {
                        self.own("form/said", &json!({ "title": "Not now", "lines": [sorry] }))
                    }
                    _ if self.words.is_none() => (self.folder.sorry)(sorry),
                    _ => self.lines(sorry, &Extra::default()),
                }
            }
        }
    }

    fn finished(&self, registry: &Handlebars<'static>, section: &str, data: &impl Serialize) -> Result<String, String> {
        let text = registry.render(section, data).map_err(|error| error.to_string())?;
        (self.folder.finish)(&text, self.marks)
    }

    fn trouble(&self, what: String) {
        tracing::error!(template.trouble = %what, "a template did not render");
        self.troubles.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(what);
    }

    /// Renders every section with worst-case samples, and says what does not work.
    pub(super) fn check(&self) -> Vec<String> {
        let registry = self.theirs.as_ref().unwrap_or(&self.ours);
        let (samples, extra) = (samples::all(), self.extras());
        let tried = |section: &str, data: &Value| match (&self.words, self.has_own(section)) {
            (Some(words), false) => {
                let text = words.finished(words.theirs.as_ref().unwrap_or(&words.ours), section, data)?;
                self.finished(registry, "lines", &in_lines(&text, &extra))
            }
            (Some(_), true) => self.finished(registry, section, &with(data, &extra)),
            (None, _) => self.finished(registry, section, data),
        };
        // Pages are for platforms that have some.
        let known = samples.iter().filter(|(section, _)| !samples::is_of_a_platform(section) || self.has_own(section));
        let mut wrong: Vec<_> =
            known.filter_map(|(section, data)| tried(section, data).err().map(|error| format!("{section}: {error}"))).collect();
        let free = |name: &str| name == "lines" || name.starts_with("help/") || name.starts_with("part/");
        let unused = registry.get_templates().keys().filter(|name| !free(name) && !samples.contains_key(*name));
        wrong.extend(unused.map(|name| format!("{name}: nothing uses it")));
        wrong.sort();
        wrong
    }

    fn extras(&self) -> Extra {
        let words = self.words();
        let label = |b: &Button| Button { label: words.render(&format!("button/{}", b.action), &Value::Null), ..b.clone() };
        let all = samples::with_buttons().remove("card").unwrap_or_default();
        let mentions = vec![Mention::User("80351110224678912".into()), Mention::Group("41771983423143937".into())];
        let late = Some(words.render("part/late", &json!({ "at": "Tue 24 Nov 15:04 UTC" })));
        Extra { buttons: all.iter().map(|b| shown(&label(b))).collect(), mentions, late }
    }
}

/// A button as templates see it.
fn shown(button: &Button) -> Value {
    let Button { action, label, value, style } = button;
    json!({ "action": action, "label": label, "value": value, "primary": *style == Style::Primary, "danger": *style == Style::Danger })
}

/// Every button in the data, as templates see it.
fn label(data: &mut Value, says: &dyn Fn(&str) -> String) {
    match data {
        Value::Object(map) => {
            if let Ok(button) = serde_json::from_value::<Button>(Value::Object(map.clone())) {
                let label = says(&button.action);
                *data = shown(&Button { label, ..button });
                return;
            }
            map.values_mut().for_each(|value| label(value, says));
        }
        Value::Array(all) => all.iter_mut().for_each(|value| label(value, says)),
        _ => {}
    }
}

/// The data, and what else the message has.
fn with(data: &impl Serialize, extra: &Extra) -> Value {
    let mut data = serde_json::to_value(data).unwrap_or_default();
    if data.is_null() {
        data = json!({});
    }
    if let Some(map) = data.as_object_mut() {
        map.insert("buttons".to_owned(), json!(extra.buttons));
        map.insert("mentions".to_owned(), json!(extra.mentions));
        map.insert("late".to_owned(), json!(extra.late));
    }
    data
}

/// The data of plain lines; the last of them says that they are told late.
fn in_lines(text: &str, extra: &Extra) -> Value {
    let lines: Vec<&str> = text.lines().chain(extra.late.as_deref()).collect();
    with(&json!({ "first": lines.first(), "lines": lines }), extra)
}

/// Ours with the files of an override in their place; refused where something that people need is missing from it.
fn overridden(ours: &'static Folder, folder: &Path, plain: &Set) -> Result<Handlebars<'static>, TemplateError> {
    let mut files = Vec::new();
    for (file, text) in ours.files {
        let path = folder.join(file);
        if !path.exists() {
            files.push(((*file).to_owned(), (*text).to_owned()));
            continue;
        }
        let shown = path.display().to_string();
        let unreadable = |error: std::io::Error| TemplateError::Unreadable { file: shown.clone(), why: error.to_string() };
        let new = std::fs::read_to_string(&path).map_err(unreadable)?;
        let theirs = sections(&new);
        if let Some(section) = sections(text).into_keys().find(|name| !theirs.contains_key(name)) {
            return Err(TemplateError::Missing { file: shown, section });
        }
        files.push((shown, new));
    }
    let registry = registry(&files, ours.escape, plain.typing)?;
    let (words, marks, typing) = (plain.words.clone(), plain.marks, plain.typing);
    let set = Set { ours: registry.clone(), theirs: None, words, marks, typing, folder: ours, troubles: Mutex::default() };
    for (section, buttons) in samples::with_buttons() {
        let data = samples::all().remove(&section).unwrap_or_default();
        // What does not render is ours to send and alarms; what renders must let people act.
        if !set.has_own(&section) || set.finished(&registry, &section, &with(&data, &set.extras())).is_err() {
            continue;
        }
        let offered = (ours.actions)(&set.message(&section, (&data, None), &buttons, &[], Vec::new()));
        if let Some(missing) = buttons.iter().find(|b| !offered.contains(&b.action)) {
            let (file, action) = (folder.display().to_string(), missing.action.clone());
            return Err(TemplateError::Action { file, section, action });
        }
    }
    Ok(registry)
}
