//! `hallpass adapter test`: runs the conformance suite on one adapter and shows each rule on a line.
//! Decides nothing about the adapter beyond what the suite found.

use std::fmt;

use crate::provider::{
    Provider,
    conformance::{self, Access, Check, Fixture, Verdict},
};

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

/// Runs every check. Changes the real system behind the adapter, for the fixture's people, and takes it back.
pub async fn test(provider: &dyn Provider, fixture: &Fixture, access: Option<&dyn Access>) -> Report {
    let about = provider.describe();
    let adapter = format!("{} {}", about.name, about.version).trim_end().to_owned();
    Report { adapter, checks: conformance::run(provider, fixture, access).await }
}
