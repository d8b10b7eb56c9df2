//! `hallpass adapter test`: runs the conformance suite on one adapter, by itself and under the real core, and shows each
//! rule on a line. Decides nothing about the adapter beyond what the suite found.

mod core;
mod fixture;
mod program;
mod rig;
mod spoiled;

use std::{fmt, path::PathBuf, sync::Arc};

use anyhow::bail;
use clap::{Args, Subcommand};

use self::{core::Under, fixture::Chosen, program::Try};
use super::say;
use crate::provider::{
    Provider,
    conformance::{self, Access, Check, Fixture, Verdict},
    exec,
};

/// Adapters.
#[derive(Debug, Subcommand)]
pub(super) enum Adapter {
    /// Check an adapter against the real system behind it. Changes that system, and takes back what it gave.
    Test(Test),
}

/// Which adapter, and on whom to try it.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// A provider of bot.toml by its name, or a program by its path.
    adapter: String,
    /// The file that names the provider.
    #[arg(long, default_value = "bot.toml")]
    config: PathBuf,
    /// Somebody who exists in the system and holds nothing there.
    #[arg(long)]
    person: Option<String>,
    /// Somebody else of that kind.
    #[arg(long)]
    other: Option<String>,
    /// What to give them; the provider's first resource if it is not given.
    #[arg(long)]
    resource: Option<String>,
    /// Its role; the first one if it is not given.
    #[arg(long)]
    role: Option<String>,
    /// A login that the system does not have.
    #[arg(long)]
    unknown_login: Option<String>,
    /// A target that the system does not have, such as '{ group = "nowhere" }'.
    #[arg(long)]
    unknown_target: Option<String>,
    /// All of that, and a program's settings, in a TOML or JSON file: docs/adapters.md.
    #[arg(long)]
    fixture: Option<PathBuf>,
    /// A program that tries whether the person really gets in: exit code 0 if so, 1 if they are refused.
    #[arg(long = "try")]
    tries: Option<PathBuf>,
}

/// Runs the subcommand.
/// # Errors
/// The adapter could not be started, or breaks a rule.
pub(super) async fn adapter(adapter: Adapter) -> anyhow::Result<()> {
    let Adapter::Test(flags) = adapter;
    let Chosen { provider, exec, fixture } = fixture::choose(&flags).await?;
    let (person, other) = (&fixture.person.id, &fixture.other.id);
    say(format_args!("This changes the system behind {}, for {person} and {other}, and takes back what it gave.", flags.adapter))?;
    let tries = flags.tries.map(Try);
    let report = test(&provider, exec.as_ref(), &fixture, tries.as_ref().map(|tries| tries as &dyn Access)).await;
    say(&report)?;
    if !report.is_passed() {
        bail!("{} breaks rules of docs/adapters.md", flags.adapter);
    }
    Ok(())
}

/// What the suite found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The adapter's own name and version.
    pub adapter: String,
    pub checks: Vec<Check>,
}

impl Report {
    /// No rule is broken; what was skipped does not count.
    pub fn is_passed(&self) -> bool {
        self.count(|verdict| matches!(verdict, Verdict::Failed(_))) == 0
    }

    fn count(&self, which: impl Fn(&Verdict) -> bool) -> usize {
        self.checks.iter().filter(|check| which(&check.verdict)).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.adapter)?;
        for check in &self.checks {
            writeln!(f, "  {check}")?;
        }
        let passed = self.count(|verdict| *verdict == Verdict::Passed);
        let failed = self.count(|verdict| matches!(verdict, Verdict::Failed(_)));
        write!(f, "{passed} passed, {failed} failed, {} skipped", self.checks.len() - passed - failed)
    }
}

/// Runs every check, first on the adapter alone, then under the real core. Changes the real system behind it, for the
/// fixture's people, and takes it back. `exec`: the settings of an adapter outside, whose program is then spoiled too.
pub async fn test(provider: &Arc<dyn Provider>, exec: Option<&exec::Settings>, fixture: &Fixture, access: Option<&dyn Access>) -> Report {
    let about = provider.describe();
    let adapter = format!("{} {}", about.name, about.version).trim_end().to_owned();
    let mut checks = conformance::run(provider.as_ref(), fixture, access).await;
    checks.extend(core::run(&Under { provider, fixture, access, exec }).await);
    Report { adapter, checks }
}
