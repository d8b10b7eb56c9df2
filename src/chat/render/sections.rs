//! Template files: named sections in a file, and what makes a file unfit to be used.

use std::collections::{BTreeMap, BTreeSet};

use handlebars::{Context, Handlebars, Helper, HelperDef, RenderContext, RenderError, RenderErrorReason, ScopedJson, handlebars_helper};
use serde_json::{Value, json};

use crate::chat::{marks, typing::Typing};

/// Why templates were refused at load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("{file}: {{{{{{ and {{{{& would let people's text through unescaped; write {{{{name}}}}")]
    Raw { file: String },
    #[error("{file}: section {section}: {why}")]
    Syntax { file: String, section: String, why: String },
    #[error("{file}: the section {section} stands there twice; only one of them could be shown")]
    Repeated { file: String, section: String },
    #[error("{file}: the section {section} is missing; every action and message needs its words")]
    Missing { file: String, section: String },
    #[error("{file}: in {section} the button {action} is missing; without it people could not act")]
    Action { file: String, section: String, action: String },
    #[error("{file}: {why}")]
    Unreadable { file: String, why: String },
}

handlebars_helper!(cut: |text: str, most: u64| shortened(text, usize::try_from(most).unwrap_or(usize::MAX)));

/// `{{cut text 300}}`: no more characters than that, with a mark where it was cut.
fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", marks::without_torn(&text[..end])),
        None => text.to_owned(),
    }
}

/// `{{jit "extend" "id" id "length" "30m"}}`: a command as it is typed here, its pieces by the options that they belong to.
struct Jit(Typing);

/// `{{option "ticket" "OPS-1"}}`: one piece of a command.
struct Piece(Typing);

/// `{{#if (takes "options")}}`: how commands are typed here, `options` or `line`.
struct Takes(Typing);

/// The texts that a helper was given; numbers as they are written, what is not there as nothing.
fn texts(helper: &Helper<'_>) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    helper.params().iter().map(|param| text(param.value())).collect()
}

fn said<'rc>(value: Value) -> ScopedJson<'rc> {
    ScopedJson::Derived(value)
}

impl HelperDef for Jit {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let texts = texts(helper);
        let Some((name, pieces)) = texts.split_first().filter(|(_, pieces)| pieces.len().is_multiple_of(2)) else {
            return Err(RenderErrorReason::Other("jit takes a command, and pairs of an option and its text".to_owned()).into());
        };
        let pieces: Vec<_> = pieces.chunks(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
        Ok(said(json!(self.0.command(name, &pieces))))
    }
}

impl HelperDef for Piece {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let texts = texts(helper);
        let text = |n: usize| texts.get(n).map(String::as_str).unwrap_or_default();
        Ok(said(json!(self.0.piece(text(0), text(1)))))
    }
}

impl HelperDef for Takes {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let here = if self.0 == Typing::Options { "options" } else { "line" };
        Ok(said(json!(texts(helper).first().is_some_and(|asked| asked == here))))
    }
}

/// The registry of these files, each its name and text; `typing`: how commands are typed where they are read.
pub(super) fn registry(
    files: &[(String, String)],
    escape: fn(&str) -> String,
    typing: Typing,
) -> Result<Handlebars<'static>, TemplateError> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(escape);
    registry.register_helper("cut", Box::new(cut));
    registry.register_helper("jit", Box::new(Jit(typing)));
    registry.register_helper("option", Box::new(Piece(typing)));
    registry.register_helper("takes", Box::new(Takes(typing)));
    for (file, text) in files {
        if text.contains("{{{") || raw_ampersand(text) {
            return Err(TemplateError::Raw { file: file.clone() });
        }
        if let Some(section) = repeated(text) {
            return Err(TemplateError::Repeated { file: file.clone(), section });
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
pub(super) fn sections(text: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some(name) = name(line) {
            all.extend(open.replace((name.to_owned(), String::new())));
        } else if let Some((_, body)) = &mut open {
            body.push_str(line);
            body.push('\n');
        }
    }
    all.extend(open);
    all
}

/// The name of the section that this line begins.
fn name(line: &str) -> Option<&str> {
    Some(line.trim().strip_prefix("{{!-- == ")?.strip_suffix(" == --}}")?.trim())
}

/// The first name that stands in a file for the second time.
fn repeated(text: &str) -> Option<String> {
    let mut seen = BTreeSet::new();
    text.lines().filter_map(name).find(|name| !seen.insert(*name)).map(str::to_owned)
}
