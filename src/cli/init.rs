//! `hallpass init`: writes a first bot.toml, from flags and, on a terminal, from a few questions. What it writes passes
//! `hallpass check`; a file that is there already is never touched.

use std::{
    fs::OpenOptions,
    io::{BufRead, IsTerminal as _, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};

use crate::{
    config,
    domain::ids::{PersonId, ResourceId, RoleName},
};

/// What a first bot.toml is made of.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The file to write; it must not be there yet.
    #[arg(long, default_value = "bot.toml")]
    output: PathBuf,
    /// Ask nothing: take the flags, and defaults for what they leave open.
    #[arg(long)]
    yes: bool,
    /// What people may ask for, such as bastion.
    #[arg(long)]
    resource: Option<String>,
    /// The kind of access to it, such as login.
    #[arg(long)]
    role: Option<String>,
    /// The real system behind it.
    #[arg(long, value_enum)]
    provider: Option<Kind>,
    /// The adapter's program, for --provider exec.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Who approves: ID, or ID=Name. Can be given several times.
    #[arg(long)]
    approver: Vec<String>,
    /// Who may ask: ID, or ID=Name; everybody if it is not given. Can be given several times.
    #[arg(long)]
    asker: Vec<String>,
    /// Where the cards go: console:#name, slack:C0123 or discord:123.
    #[arg(long)]
    channel: Option<String>,
    /// sqlite:FILE or postgres://user@host/database.
    #[arg(long)]
    store: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Ssh,
    Exec,
    Pretend,
}

impl FromStr for Kind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        <Self as ValueEnum>::from_str(text, true).map_err(|_| "ssh, exec or pretend".to_owned())
    }
}

/// Somebody of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Somebody {
    id: PersonId,
    name: String,
}

/// `ana` or `ana=Ana Reyes`.
impl FromStr for Somebody {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (id, name) = text.split_once('=').unwrap_or((text, text));
        let id: PersonId = id.trim().parse().map_err(|why| format!("an id such as ana, or ana=Ana Reyes: {why}"))?;
        Ok(Self { name: if name.trim().is_empty() { id.to_string() } else { name.trim().to_owned() }, id })
    }
}

/// Everything that is needed to write the file.
#[derive(Debug)]
struct Plan {
    resource: ResourceId,
    role: RoleName,
    kind: Kind,
    program: PathBuf,
    approvers: Vec<Somebody>,
    askers: Vec<Somebody>,
    channel: String,
    store: String,
}

/// Writes the file.
/// # Errors
/// The file is there, an answer is wrong, or there is no terminal to ask on and `--yes` is missing.
pub(super) fn init(flags: &Init) -> anyhow::Result<()> {
    let shown = flags.output.display();
    if flags.output.exists() {
        bail!("{shown} is there already and stays as it is: choose another --output");
    }
    let plan = if flags.yes {
        plan(flags, &mut Questions::None)?
    } else if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        plan(flags, &mut Questions::Asked { from: &mut std::io::stdin().lock(), to: &mut std::io::stdout() })?
    } else {
        bail!("there is no terminal to ask on: give --yes, and by flags what shall differ from the defaults (hallpass init --help)");
    };
    let text = written(&plan);
    let config = config::parse(&text, &shown.to_string())?;
    write_new(&flags.output, &text).with_context(|| format!("{shown} cannot be written"))?;
    println!("{shown} is written. Every key in it is explained there; bot.toml.example has them all.");
    for warning in &config.warnings {
        println!("warning: {warning}");
    }
    println!("Next: hallpass check --config {shown}, then hallpass run --config {shown}");
    Ok(())
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A flag's name, and what it was given.
type Flag<'a> = (&'a str, Option<&'a str>);

/// Where answers come from that no flag gave.
enum Questions<'a> {
    None,
    Asked { from: &'a mut dyn BufRead, to: &'a mut dyn Write },
}

impl Questions<'_> {
    /// The flag if it is there, else the answer, else the default. A wrong answer is asked again, a wrong flag is an error.
    fn one<T: FromStr<Err: ToString>>(&mut self, (name, flag): Flag<'_>, question: &str, otherwise: &str) -> anyhow::Result<T> {
        if let Some(flag) = flag {
            return flag.parse().map_err(|why: T::Err| anyhow!("--{name} {flag}: {}", why.to_string()));
        }
        let Self::Asked { from, to } = self else {
            return otherwise.parse().map_err(|why: T::Err| anyhow!("--{name} {otherwise}: {}", why.to_string()));
        };
        loop {
            write!(to, "{question} [{otherwise}] ")?;
            to.flush()?;
            let mut line = String::new();
            if from.read_line(&mut line)? == 0 {
                bail!("the answers ended; nothing was written");
            }
            let answer = if line.trim().is_empty() { otherwise } else { line.trim() };
            match answer.parse() {
                Ok(answer) => return Ok(answer),
                Err(why) => writeln!(to, "  {}", why.to_string())?,
            }
        }
    }

    fn several(&mut self, (name, flags): (&str, &[String]), question: &str, otherwise: &str) -> anyhow::Result<Vec<Somebody>> {
        let flag = (!flags.is_empty()).then(|| flags.join(","));
        Ok(self.one::<Several>((name, flag.as_deref()), question, otherwise)?.0)
    }
}

/// People, with commas between them; `everyone` is nobody in particular.
struct Several(Vec<Somebody>);

impl FromStr for Several {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "everyone" {
            return Ok(Self(Vec::new()));
        }
        let mut all: Vec<Somebody> = Vec::new();
        for one in text.split(',') {
            let one: Somebody = one.trim().parse()?;
            if !all.iter().any(|other| other.id == one.id) {
                all.push(one);
            }
        }
        Ok(Self(all))
    }
}

fn plan(flags: &Init, questions: &mut Questions<'_>) -> anyhow::Result<Plan> {
    let resource = questions.one(("resource", flags.resource.as_deref()), "What may be asked for?", "bastion")?;
    let role = questions.one(("role", flags.role.as_deref()), "Which kind of access to it?", "login")?;
    let kind = match flags.provider {
        Some(kind) => kind,
        None => questions.one(("provider", None), "By which provider: ssh, exec or pretend?", "ssh")?,
    };
    let given = flags.program.as_ref().map(|program| program.display().to_string());
    let program = match kind {
        Kind::Exec => questions.one(("program", given.as_deref()), "Which program is its adapter?", "/opt/hallpass/adapter")?,
        Kind::Ssh | Kind::Pretend => PathBuf::new(),
    };
    let approvers = questions.several(("approver", &flags.approver), "Who approves? (ID or ID=Name, with commas)", "ben")?;
    if approvers.is_empty() {
        bail!("somebody must approve: name at least one person");
    }
    let askers = questions.several(("asker", &flags.asker), "Who may ask?", "everyone")?;
    let channel = questions.one(("channel", flags.channel.as_deref()), "Where do the cards go?", "console:#approvers")?;
    let store = questions.one(("store", flags.store.as_deref()), "Which store?", "sqlite:hallpass.db")?;
    Ok(Plan { resource, role, kind, program, approvers, askers, channel, store })
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list(people: &[Somebody]) -> String {
    people.iter().map(|somebody| quoted(somebody.id.as_str())).collect::<Vec<_>>().join(", ")
}

/// The file's text.
fn written(plan: &Plan) -> String {
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
# Their id on each chat: console here; slack = \"U0123\" and discord = \"123\" beside it or instead.
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
# Where its cards go: console:#name, slack:C0123, discord:123.
channels = [{}]
# The rules for all of its roles that name none of their own.
policy = \"{resource}\"
# The least one first. target is what the provider is told.
roles = [{{ name = \"{role}\", target = {target} }}]
",
        quoted(&plan.channel)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags() -> Init {
        Init {
            output: "bot.toml".into(),
            yes: false,
            resource: None,
            role: None,
            provider: None,
            program: None,
            approver: Vec::new(),
            asker: Vec::new(),
            channel: None,
            store: None,
        }
    }

    fn asked(answers: &str) -> (anyhow::Result<Plan>, String) {
        let mut to = Vec::new();
        let plan = plan(&flags(), &mut Questions::Asked { from: &mut answers.as_bytes(), to: &mut to });
        (plan, String::from_utf8(to).unwrap())
    }

    #[test]
    fn a_wrong_answer_is_asked_again_and_an_empty_one_takes_the_default() {
        let (plan, said) = asked("Prod DB\nprod-db\n\ncarrier pigeon\npretend\ncleo=Cleo Marsh, dora\n\n\n\n");
        let plan = plan.unwrap();
        assert_eq!((plan.resource.as_str(), plan.role.as_str(), plan.kind), ("prod-db", "login", Kind::Pretend));
        assert_eq!(plan.approvers.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["Cleo Marsh", "dora"]);
        assert_eq!(said.matches("What may be asked for?").count(), 2);
        assert!(said.contains("ssh, exec or pretend\n"));
        config::parse(&written(&plan), "bot.toml").unwrap();
    }

    #[test]
    fn answers_that_end_write_nothing() {
        assert!(asked("prod-db\n").0.unwrap_err().to_string().contains("nothing was written"));
    }

    #[test]
    fn every_key_that_is_written_is_explained_on_the_line_before() {
        for kind in [Kind::Ssh, Kind::Exec, Kind::Pretend] {
            let plan = plan(&Init { provider: Some(kind), ..flags() }, &mut Questions::None).unwrap();
            let text = written(&plan);
            let lines: Vec<&str> = text.lines().collect();
            for pair in lines.windows(2).filter(|pair| pair[1].contains(" = ") && !pair[1].starts_with('#')) {
                assert!(pair[0].starts_with("# "), "{} is not explained", pair[1]);
            }
        }
    }
}
