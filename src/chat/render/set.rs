//! One platform's templates: ours, the override if there is one, and which was used. An override never costs a message:
//! where it fails, ours is sent and the trouble is kept for an alarm.

use std::{path::Path, sync::Mutex};

use handlebars::Handlebars;
use serde::Serialize;
use serde_json::Value;

use super::{
    TemplateError, samples,
    sections::{registry, sections},
};
use crate::{
    chat::{Button, Message},
    domain::policy::{Platform, Who},
};

/// What a platform brings along to have its words: a folder's files, its escape, and where its buttons are.
#[derive(Debug)]
pub struct Folder {
    pub platform: Platform,
    /// Makes text from people inert in this platform's messages.
    pub escape: fn(&str) -> String,
    /// The last touch to what a template made, such as taking out lines that came out empty.
    pub finish: fn(&str) -> String,
    /// File name and text of each file.
    pub files: &'static [(&'static str, &'static str)],
    /// The actions that somebody could press in this message.
    pub actions: fn(&Message) -> Vec<String>,
}

/// The templates of one platform.
#[derive(Debug)]
pub(super) struct Set {
    ours: Handlebars<'static>,
    /// Ours with the override's sections in their place.
    theirs: Option<Handlebars<'static>>,
    finish: fn(&str) -> String,
    troubles: Mutex<Vec<String>>,
}

impl Set {
    pub(super) fn load(folder: &Folder, overrides: Option<&Path>) -> Result<Self, TemplateError> {
        let files: Vec<_> = folder.files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
        let ours = registry(&files, folder.escape)?;
        let theirs = match overrides.map(|f| f.join(folder.platform.name())) {
            Some(theirs) if theirs.is_dir() => Some(overridden(folder, &theirs)?),
            _ => None,
        };
        Ok(Self { ours, theirs, finish: folder.finish, troubles: Mutex::default() })
    }

    pub(super) fn take_troubles(&self) -> Vec<String> {
        std::mem::take(&mut *self.troubles.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub(super) fn has(&self, section: &str) -> bool {
        self.ours.has_template(section)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.ours.get_templates().keys().cloned().collect()
    }

    pub(super) fn message(&self, section: &str, data: &impl Serialize, buttons: &[Button], notify: &[Who]) -> Message {
        let label = |b: &Button| self.render(&format!("button/{}", b.action), &Value::Null);
        Message {
            body: self.render(section, data),
            buttons: buttons.iter().map(|b| Button { label: label(b), ..b.clone() }).collect(),
            notify: notify.to_vec(),
        }
    }

    pub(super) fn render(&self, section: &str, data: &impl Serialize) -> String {
        if let Some(theirs) = &self.theirs {
            match theirs.render(section, data) {
                Ok(text) => return (self.finish)(&text),
                Err(error) => self.trouble(format!("override of {section}: {error}")),
            }
        }
        match self.ours.render(section, data) {
            Ok(text) => (self.finish)(&text),
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

    /// Renders every section with worst-case samples, and says what does not work.
    pub(super) fn check(&self) -> Vec<String> {
        let registry = self.theirs.as_ref().unwrap_or(&self.ours);
        let samples = samples::all();
        let mut wrong: Vec<_> = samples
            .iter()
            .filter_map(|(section, data)| registry.render(section, data).err().map(|error| format!("{section}: {error}")))
            .collect();
        let free = |name: &str| name.starts_with("help/") || name.starts_with("part/");
        let unused = registry.get_templates().keys().filter(|name| !free(name) && !samples.contains_key(*name));
        wrong.extend(unused.map(|name| format!("{name}: nothing uses it")));
        wrong.sort();
        wrong
    }
}

/// Ours with the files of an override in their place; refused where something that people need is missing from it.
fn overridden(ours: &Folder, folder: &Path) -> Result<Handlebars<'static>, TemplateError> {
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
    let registry = registry(&files, ours.escape)?;
    let set = Set { ours: registry.clone(), theirs: None, finish: ours.finish, troubles: Mutex::default() };
    for (section, buttons) in samples::with_buttons() {
        let data = samples::all().remove(&section).unwrap_or_default();
        // What does not render is ours to send and alarms; what renders must let people act.
        if registry.render(&section, &data).is_err() {
            continue;
        }
        let offered = (ours.actions)(&set.message(&section, &data, &buttons, &[]));
        if let Some(missing) = buttons.iter().find(|b| !offered.contains(&b.action)) {
            let (file, action) = (folder.display().to_string(), missing.action.clone());
            return Err(TemplateError::Action { file, section, action });
        }
    }
    Ok(registry)
}
