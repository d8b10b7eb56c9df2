//! `hallpass init`: writes a first bot.toml, from flags and, on a terminal, from a few questions. What it writes passes
//! `hallpass check`; a file that is there already is never touched.

mod questions;
mod text;

use std::{
    fs::OpenOptions,
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use self::{questions::Questions, text::written};
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
    /// Who may ask: ID, or ID=Name, or everyone; ana if it is not given. Can be given several times.
    #[arg(long)]
    asker: Vec<String>,
    /// Where the cards go: console:#name, slack:C0123 or discord:123456789012345678.
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
    if let Some(chat) = ["slack", "discord"].into_iter().find(|chat| plan.channel.split_once(':').is_some_and(|(name, _)| name == *chat)) {
        println!("First: write [{chat}] and each person's account into it, as docs/{chat}.md says; hallpass doctor looks at both");
    }
    println!("Next: hallpass check --config {shown}, then hallpass run --config {shown}");
    Ok(())
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
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
    // Nobody decides what they ask for: the asker is somebody beside the only approver.
    let asker = if matches!(&approvers[..], [only] if only.id.as_str() == "ana") { "ben" } else { "ana" };
    let askers = questions.several(("asker", &flags.asker), "Who may ask? (ID or ID=Name, with commas, or everyone)", asker)?;
    let channel = questions.one(("channel", flags.channel.as_deref()), "Where do the cards go?", "console:#approvers")?;
    let store = questions.one(("store", flags.store.as_deref()), "Which store?", "sqlite:hallpass.db")?;
    Ok(Plan { resource, role, kind, program, approvers, askers, channel, store })
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
