//! `hallpass check`: reads bot.toml, renders every template with worst-case samples, and says who could approve what.
//! Connects to nothing and changes nothing.

use std::{fmt::Write as _, path::Path};

use anyhow::{Context as _, anyhow};

use super::say;
use crate::{
    chat::render::Templates,
    config::{self, Config},
    domain::{
        policy::{Catalogue, Group, Policy, Resource, Role, Stage, Who},
        spans::words,
    },
};

/// Columns of the narrowest terminal that must do.
const WIDTH: usize = 80;

/// Checks the file and its templates, and prints what they come to.
/// # Errors
/// Everything that is wrong, one line each.
pub(super) fn check(path: &Path) -> anyhow::Result<()> {
    let config = config::load(path)?;
    templates(&config)?;
    say(format_args!("{}{}: nothing is wrong with it ({})", report(&config), path.display(), config.catalogue.digest))
}

/// The templates of this file: ours, and what replaces them, each rendered with worst-case samples.
/// # Errors
/// Everything that is wrong with them.
pub(super) fn templates(config: &Config) -> anyhow::Result<Templates> {
    let templates = Templates::load(config.templates.as_deref()).context("templates")?;
    let wrong = templates.check();
    if wrong.is_empty() { Ok(templates) } else { Err(anyhow!("templates:\n{}", wrong.join("\n"))) }
}

/// The same for a start or a reload: ours alone are not tried, for tests have done that, and nothing that is due may wait for it.
/// # Errors
/// Everything that is wrong with what replaces them.
pub(super) fn templates_in_use(config: &Config) -> anyhow::Result<Templates> {
    if config.templates.is_some() { templates(config) } else { Templates::load(None).context("our own templates") }
}

/// The same; or ours alone, when what replaces them is broken: that must not keep the bot from ending what it gave.
pub(super) fn templates_or_ours(config: &Config) -> anyhow::Result<Templates> {
    templates_in_use(config).or_else(|why| {
        tracing::error!("{why:#}; ours are used");
        Templates::load(None).context("our own templates")
    })
}

/// Who could approve what, and the warnings.
fn report(config: &Config) -> String {
    let catalogue = &config.catalogue;
    let mut out = String::new();
    for resource in catalogue.resources.values() {
        let _infallible = writeln!(out, "{}: {}", resource.id, resource.title);
        for role in &resource.roles {
            if let Some(policy) = catalogue.policies.get(&role.policy) {
                about(&mut out, catalogue, resource, role, policy);
            }
        }
        out.push('\n');
    }
    for group in catalogue.groups.values() {
        out.push_str(&wrapped(&format!("@{}: ", group.id), 4, &members(catalogue, group)));
    }
    if !catalogue.groups.is_empty() {
        out.push('\n');
    }
    out.push_str(&wrapped("administrators: ", 4, &names(catalogue, &catalogue.administrators)));
    out.push_str(&wrapped("auditors: ", 4, &names(catalogue, &catalogue.auditors)));
    out.push('\n');
    for warning in &config.warnings {
        out.push_str(&wrapped("warning: ", 4, &warning.split(' ').map(str::to_owned).collect::<Words>()));
    }
    if !config.warnings.is_empty() {
        out.push('\n');
    }
    out
}

fn about(out: &mut String, catalogue: &Catalogue, resource: &Resource, role: &Role, policy: &Policy) {
    let at_once = policy.at_once_up_to.map_or_else(String::new, |most| format!(", at once up to {}", words(most)));
    let facts = format!("policy {}, at most {}{at_once}, by {}", policy.name, words(policy.cap), resource.provider);
    out.push_str(&wrapped(&format!("  {}: ", role.name), 6, &facts.split(' ').map(str::to_owned).collect::<Words>()));
    out.push_str(&wrapped("    may ask: ", 8, &names(catalogue, &policy.may_ask)));
    for (number, stage) in policy.stages.iter().enumerate() {
        steps(out, catalogue, number + 1, stage);
    }
    if policy.stages.is_empty() {
        out.push_str("    nobody is asked\n");
    }
}

fn steps(out: &mut String, catalogue: &Catalogue, number: usize, stage: &Stage) {
    out.push_str(&wrapped(&format!("    {number}. {} of ", stage.needed), 8, &names(catalogue, &stage.approvers)));
    for rung in &stage.ladder {
        out.push_str(&wrapped(&format!("       after {} also ", words(rung.after)), 10, &names(catalogue, &rung.to)));
    }
}

/// What a line is made of: nothing inside a part is broken.
type Words = Vec<String>;

fn names(catalogue: &Catalogue, whos: &[Who]) -> Words {
    let name = |who: &Who| match who {
        Who::Everyone => "everyone".to_owned(),
        Who::Group(id) => format!("@{id}"),
        Who::Person(id) => catalogue.people.get(id).map_or_else(|| id.to_string(), |person| format!("{} ({id})", person.name)),
    };
    listed(whos.iter().map(name).collect())
}

fn members(catalogue: &Catalogue, group: &Group) -> Words {
    let people: Vec<Who> = group.members.iter().cloned().map(Who::Person).collect();
    let chats = group.chats.iter().map(|(platform, id)| format!("whoever is in {} on {}", id, platform.name()));
    let mut all: Words = if people.is_empty() { Vec::new() } else { names(catalogue, &people) };
    if let Some(last) = all.last_mut().filter(|_| !group.chats.is_empty()) {
        last.push(',');
    }
    all.extend(listed(chats.collect()));
    all.retain(|part| part != NOBODY);
    all
}

const NOBODY: &str = "nobody";

fn listed(mut names: Vec<String>) -> Words {
    let last = names.len().saturating_sub(1);
    names.iter_mut().take(last).for_each(|name| name.push(','));
    if names.is_empty() { vec![NOBODY.to_owned()] } else { names }
}

/// `first`, then as many words as fit into a line; those that follow are indented.
fn wrapped(first: &str, indent: usize, words: &Words) -> String {
    let (mut out, mut width) = (String::from(first.trim_end()), first.trim_end().chars().count());
    for word in words {
        let length = word.chars().count();
        if width + 1 + length > WIDTH && width > indent {
            let _infallible = write!(out, "\n{}", " ".repeat(indent));
            width = indent;
        } else {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += length;
    }
    out.push('\n');
    out
}
