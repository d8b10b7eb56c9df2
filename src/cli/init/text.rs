//! The text of a first bot.toml: every key with a comment that says what it is.

use super::{Kind, Plan, Somebody};

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list(people: &[Somebody]) -> String {
    people.iter().map(|somebody| quoted(somebody.id.as_str())).collect::<Vec<_>>().join(", ")
}

/// The file's text.
pub(super) fn written(plan: &Plan) -> String {
    let first = &plan.approvers[0].id;
    let (channel, store) = (quoted(&plan.channel), quoted(&plan.store));
    let head = format!(
        "\
# Written by hallpass init. bot.toml.example has every key; hallpass check says who could approve what.
# Relative paths begin at this file's folder. A secret never stands here: where one belongs, write {{ env = \"NAME\" }} or
# {{ file = \"PATH\" }}.

# May settle what cannot be read back, and revoke; never a way around an approval.
administrators = [\"{first}\"]

[store]
# Everything the bot knows: a file of SQLite, or postgres://user@host/database.
url = {store}

[alarm]
# Where alarms are posted: access that could not be shown to be gone, and the like.
channels = [{channel}]
# Touched while nothing overdue is unreported: let something outside watch its age.
heartbeat = \"hallpass.alive\"
"
    );
    let mut people = plan.approvers.clone();
    people.extend(plan.askers.iter().filter(|asker| !plan.approvers.iter().any(|a| a.id == asker.id)).cloned());
    [head, people.iter().map(person).collect(), provider(plan), policy(plan), resource(plan)].concat()
}

fn person(somebody: &Somebody) -> String {
    let (id, name) = (&somebody.id, quoted(&somebody.name));
    format!(
        "
[people.{id}]
# Shown on cards; never compared.
name = {name}
# Their id on each chat: console here; slack = \"U0123\" and discord = \"123456789012345678\" beside it or instead.
console = \"{id}\"
"
    )
}

fn provider(plan: &Plan) -> String {
    let rest = match plan.kind {
        Kind::Ssh => "\
# An SSH certificate authority: signs people's own keys until the grant's end.
kind = \"ssh\"
# The authority's private key, made on the first start, mode 0600.
ca_key_file = \"hallpass.ca\"
# What sshd's RevokedKeys reads: certificates that ended early.
revocation_list = \"hallpass.krl\"
"
        .to_owned(),
        Kind::Exec => format!(
            "\
# An adapter of your own, in any language: docs/adapters.md.
kind = \"exec\"
# It and its folders must belong to root or the bot, and be writable by nobody else.
program = {}
",
            quoted(&plan.program.display().to_string())
        ),
        Kind::Pretend => "\
# Grants nothing real; says what it would do.
kind = \"pretend\"
"
        .to_owned(),
    };
    format!("\n[providers.{}]\n{rest}", plan.resource)
}

fn policy(plan: &Plan) -> String {
    let askers = if plan.askers.is_empty() { "\"everyone\"".to_owned() } else { list(&plan.askers) };
    format!(
        "
[policies.{}]
# Longest that one grant may last, extensions included.
cap = \"4h\"
# Taken when no duration is asked.
default = \"30m\"
# An ask that nobody answers closes after this long.
patience = \"4h\"
# A reason has at least so many characters.
reason_min_chars = 4
# People, @groups, or everyone.
may_ask = [{askers}]
# One stage after the other; in each so many different people must approve. Nobody decides what they ask for.
stages = [{{ approvers = [{}], needed = 1 }}]
",
        plan.resource,
        list(&plan.approvers)
    )
}

fn resource(plan: &Plan) -> String {
    let Plan { resource, role, .. } = plan;
    let target = match plan.kind {
        Kind::Ssh => format!("{{ principals = [\"{resource}:{role}\"], login = \"{role}\" }}"),
        Kind::Exec | Kind::Pretend => format!("{{ name = \"{role}\" }}"),
    };
    format!(
        "
[resources.{resource}]
# The real system, by its name above.
provider = \"{resource}\"
# Where its cards go: console:#name, slack:C0123, discord:123456789012345678.
channels = [{}]
# The rules for all of its roles that name none of their own.
policy = \"{resource}\"
# The least one first. target is what the provider is told.
roles = [{{ name = \"{role}\", target = {target} }}]
",
        quoted(&plan.channel)
    )
}
