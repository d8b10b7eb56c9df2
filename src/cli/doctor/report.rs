//! What the doctor found: what is right, what is only worth knowing, and what must be mended, with the line that mends it.

use std::process::ExitCode;

use super::super::say;

enum Finding {
    Fine(String),
    Note(String),
    Broken { what: String, how: String },
}

/// In the order in which it was found; each thing once.
#[derive(Default)]
pub(super) struct Report {
    found: Vec<Finding>,
    told: usize,
}

impl Report {
    pub(super) fn fine(&mut self, what: impl Into<String>) {
        self.found.push(Finding::Fine(what.into()));
    }

    /// Nothing has to be done about it.
    pub(super) fn note(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.found.iter().any(|other| matches!(other, Finding::Note(other) if *other == what)) {
            self.found.push(Finding::Note(what));
        }
    }

    /// `how` is one line that mends it.
    pub(super) fn broken(&mut self, what: impl Into<String>, how: impl Into<String>) {
        let (what, how) = (what.into(), how.into());
        if !self.found.iter().any(|other| matches!(other, Finding::Broken { what: other, .. } if *other == what)) {
            self.found.push(Finding::Broken { what, how });
        }
    }

    /// How many things must be mended so far.
    pub(super) fn wrong(&self) -> usize {
        self.found.iter().filter(|finding| matches!(finding, Finding::Broken { .. })).count()
    }

    /// Prints what is new.
    pub(super) fn tell(&mut self) -> anyhow::Result<()> {
        for finding in &self.found[self.told..] {
            match finding {
                Finding::Fine(what) => say(format_args!("ok    {what}"))?,
                Finding::Note(what) => say(format_args!("note  {what}"))?,
                Finding::Broken { what, how } => say(format_args!("MEND  {what}\n      {how}"))?,
            }
        }
        self.told = self.found.len();
        Ok(())
    }

    /// Prints the rest and what it comes to.
    pub(super) fn end(mut self) -> anyhow::Result<ExitCode> {
        self.tell()?;
        match self.wrong() {
            0 => say("\nNothing has to be mended.")?,
            1 => say("\n1 thing has to be mended.")?,
            many => say(format_args!("\n{many} things have to be mended."))?,
        }
        Ok(if self.wrong() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
