//! How an ask would go, in words: which rule, who would be asked, when it escalates. Asks nobody, changes nothing.

use std::fmt::Write as _;

use super::{
    decide::name_of,
    ids::{PersonId, ResourceId, RoleName},
    policy::{Catalogue, Who},
    rounds,
    spans::words,
    time::Span,
};

/// The explanation, one line per fact.
pub fn explain(catalogue: &Catalogue, person: &PersonId, resource: &ResourceId, role: &RoleName, length: Option<Span>) -> String {
    let Some((_, _, policy)) = catalogue.role(resource, role) else {
        return format!("{role} is not a role of {resource}");
    };
    let length = length.unwrap_or(policy.default);
    let mut out = format!("{person} asks for {role} on {resource} for {}: rule {}\n", words(length), policy.name);
    let facts = super::facts::Facts { catalogue, groups: &super::facts::Groups::default() };
    let may = match facts.includes(&policy.may_ask, person) {
        Ok(true) => "may ask",
        Ok(false) => "may not ask",
        Err(_) => "may ask if a chat group has them",
    };
    let fits = if length <= policy.cap { "within" } else { "over" };
    let _infallible = writeln!(out, "{person} {may}; {} is {fits} the cap of {}", words(length), words(policy.cap));
    let stages = rounds::chain(policy, length);
    if stages.is_empty() {
        out.push_str("approved at once: nobody is asked\n");
    }
    let list = |whos: &[Who]| whos.iter().map(name_of).collect::<Vec<_>>().join(", ");
    for (index, stage) in stages.iter().enumerate() {
        let _infallible = writeln!(out, "stage {}: {} of {}", index + 1, stage.needed, list(&stage.approvers));
        for rung in &stage.ladder {
            let _infallible = writeln!(out, "  after {}: also {}", words(rung.after), list(&rung.to));
        }
    }
    if let Some(most) = policy.at_once_up_to {
        let _infallible = writeln!(out, "up to {} would be approved at once", words(most));
    }
    let _infallible = write!(out, "unanswered after {}", words(policy.patience));
    out
}
