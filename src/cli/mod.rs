//! The command line: one file per subcommand.

pub mod demo;
pub mod ledger;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Just-in-time access: asked for, approved, short, and verified gone.
#[derive(Debug, Parser)]
#[command(name = "hallpass", version, about)]
pub struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// A chat in the terminal with a few people, two channels and a small catalogue; what it grants is real.
    Demo {
        /// Keep everything in this SQLite file (default: a temporary folder).
        #[arg(long)]
        store: Option<PathBuf>,
        /// Play a scenario by itself, and fail if any step did not come out as it should.
        #[arg(long)]
        play: bool,
    },
    /// Look into the ledger.
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Check that nothing in the ledger was changed.
    #[command(subcommand)]
    Audit(ledger::Audit),
}

/// Runs a subcommand.
pub async fn run(command: Command) -> anyhow::Result<()> {
    match command.verb {
        Verb::Demo { store, play } => demo::run(store, play).await,
        Verb::Ledger(ledger) => ledger::look(ledger).await,
        Verb::Audit(audit) => ledger::audit(audit).await,
    }
}
