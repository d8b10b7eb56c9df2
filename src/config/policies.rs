//! `[policies]`: the rules for asking, deciding and holding, one table each. Whether their chains can be climbed is for
//! `chains`.

use std::collections::BTreeMap;

use super::{
    node::Table,
    notes::{At, TEXT_MAX, short},
    people::{Names, id},
};
use crate::domain::{
    ids::PolicyName,
    policy::{Policy, ReasonRule, Rung, Stage, TicketRule},
    spans::words,
    time::Span,
};

/// Longest grace that a policy may approve.
const GRACE_MAX: Span = Span::from_minutes(10);
const GRANT_WITHIN: Span = Span::from_minutes(15);
const PATIENCE: Span = Span::from_minutes(240);
/// Most people that a stage may need, and longest reason that may be asked for.
const NEEDED_MAX: usize = 20;
const REASON_MAX: usize = 500;

/// A policy and where its parts stand, for those who judge it later.
pub(super) struct Placed {
    pub(super) policy: Policy,
    pub(super) at: usize,
    /// One for each stage.
    pub(super) stages: Vec<usize>,
    /// Where `direct` stands in each stage.
    pub(super) direct: Vec<usize>,
    /// Where `may_ask` stands.
    pub(super) may_ask: usize,
}

pub(super) fn policies(file: &Table<'_>, names: &Names) -> BTreeMap<PolicyName, Placed> {
    let placed = file.named("policies").into_iter().filter_map(|(name, table)| policy(&name, &table, names));
    placed.map(|placed| (placed.policy.name.clone(), placed)).collect()
}

fn policy(key: &At<String>, table: &Table<'_>, names: &Names) -> Option<Placed> {
    let log = &table.reading.log;
    let name = id::<PolicyName>(log, key, "a policy");
    let lengths = lengths(table);
    let patience = lengths.patience;
    let tables = table.tables("stages");
    let stages: Vec<Stage> = tables.iter().map(|one| stage(one, names, patience)).collect();
    let (places, direct) = tables.iter().map(|one| (one.at, one.place("direct"))).unzip();
    if stages.is_empty() && lengths.cap.is_some() && lengths.at_once_up_to != lengths.cap {
        log.refuse(
            table.place("stages"),
            "nobody would approve: write stages = [{ approvers = [\"..\"] }], or at_once_up_to equal to the cap",
        );
    }
    let reason = table.count("reason_min_chars", 0, REASON_MAX).map_or(0, |least| least.value);
    let may_ask = names.whos(log, &table.texts("may_ask"));
    let on_behalf_of = names.whos(log, &table.texts("on_behalf_of"));
    let ticket = ticket(table);
    let policy = Policy {
        name: name?,
        cap: lengths.cap?,
        default: lengths.default?,
        extend_to: lengths.extend_to,
        grace: lengths.grace,
        grant_within: lengths.grant_within,
        patience,
        warn: lengths.warn,
        reason: ReasonRule { min_chars: reason },
        ticket,
        may_ask,
        on_behalf_of,
        at_once_up_to: lengths.at_once_up_to,
        stages,
    };
    Some(Placed { policy, at: key.at, stages: places, direct, may_ask: table.place("may_ask") })
}

/// Every length of a policy.
struct Lengths {
    cap: Option<Span>,
    default: Option<Span>,
    extend_to: Option<Span>,
    at_once_up_to: Option<Span>,
    grace: Span,
    grant_within: Span,
    patience: Span,
    warn: Option<Span>,
}

fn lengths(table: &Table<'_>) -> Lengths {
    let (cap, default) = (table.need_length("cap", "\"4h\""), table.need_length("default", "\"30m\""));
    let [extend_to, at_once_up_to] = ["extend_to", "at_once_up_to"].map(|key| table.length(key, false));
    for (key, value) in [("default", &default), ("extend_to", &extend_to), ("at_once_up_to", &at_once_up_to)] {
        if let (Some(value), Some(cap)) = (value, &cap)
            && value.value > cap.value
        {
            table.refuse(value.at, format!("{key} is longer than the cap: write at most {}", words(cap.value)));
        }
    }
    let grace = table.length("grace", true);
    if let Some(grace) = grace.as_ref().filter(|grace| grace.value > GRACE_MAX) {
        table.refuse(grace.at, "grace is at most \"10m\"");
    }
    let warn = table.length("warn", false);
    if let (Some(warn), Some(default)) = (&warn, &default)
        && warn.value >= default.value
    {
        table.warn(warn.at, "warn is as long as the default: the warning comes halfway instead");
    }
    let plain = |length: Option<At<Span>>| length.map(|length| length.value);
    Lengths {
        cap: plain(cap),
        default: plain(default),
        extend_to: plain(extend_to),
        at_once_up_to: plain(at_once_up_to),
        grace: plain(grace).unwrap_or(Span::ZERO),
        grant_within: plain(table.length("grant_within", false)).unwrap_or(GRANT_WITHIN),
        patience: plain(table.length("patience", false)).unwrap_or(PATIENCE),
        warn: plain(warn),
    }
}

fn ticket(table: &Table<'_>) -> Option<TicketRule> {
    let ticket = table.table("ticket")?;
    let link = ticket.text("link", TEXT_MAX);
    if let Some(link) = &link {
        if !link.value.contains("{ticket}") {
            ticket.refuse(link.at, "link needs {ticket} where the ticket's name goes: \"https://tickets.example.org/{ticket}\"");
        }
        if !link.value.starts_with("https://") && !link.value.starts_with("http://") {
            ticket.refuse(link.at, "link is a web address: it begins with https://");
        }
    }
    let projects = ticket.texts("projects");
    for project in &projects {
        if !project.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            ticket.refuse(project.at, format!("\"{}\" is not a project: letters, digits and _, as OPS in OPS-4512", short(&project.value)));
        }
    }
    let projects = projects.into_iter().map(|project| project.value).collect();
    Some(TicketRule { required: ticket.flag("required", false), projects, link: link.map(|link| link.value) })
}

fn stage(table: &Table<'_>, names: &Names, patience: Span) -> Stage {
    let log = &table.reading.log;
    let listed = table.texts("approvers");
    if listed.is_empty() {
        log.refuse(table.place("approvers"), "a stage has approvers: write approvers = [\"@group\", \"person\"]");
    }
    let approvers = names.deciders(log, &listed);
    let needed = table.count("needed", 1, NEEDED_MAX).map_or(1, |needed| needed.value);
    let remind_every = table.length("remind_every", false);
    if let Some(every) = remind_every.as_ref().filter(|every| every.value >= patience) {
        log.warn(every.at, "the ask closes unanswered before the first reminder: patience is not longer");
    }
    let told = table.raw().contains_key("notify").then(|| names.whos(log, &table.texts("notify")));
    if told.is_none() {
        table.get("notify");
    }
    let notify = told.unwrap_or_else(|| approvers.clone());
    let direct = names.deciders(log, &table.texts("direct"));
    let (remind_every, ladder) = (remind_every.map(|every| every.value), ladder(table, names, patience));
    Stage { approvers, needed, notify, direct, remind_every, ladder }
}

fn ladder(table: &Table<'_>, names: &Names, patience: Span) -> Vec<Rung> {
    let log = &table.reading.log;
    let mut ladder: Vec<Rung> = Vec::new();
    for rung in table.tables("ladder") {
        let listed = rung.texts("to");
        if listed.is_empty() {
            log.refuse(rung.place("to"), "a rung adds somebody: write to = [\"@group\", \"person\"]");
        }
        let to = names.deciders(log, &listed);
        let Some(after) = rung.need_length("after", "\"10m\"") else { continue };
        if ladder.last().is_some_and(|before| after.value <= before.after) {
            log.refuse(after.at, "a ladder's rungs come later and later: write a longer time than the rung before");
        }
        if after.value >= patience {
            log.warn(after.at, "nobody climbs here: the ask closes unanswered before, since patience is not longer");
        }
        ladder.push(Rung { after: after.value, to });
    }
    ladder
}
