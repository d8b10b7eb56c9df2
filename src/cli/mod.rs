//! The command line: one file per subcommand.

pub mod adapter;
mod check;
pub mod demo;
pub mod discord;
mod doctor;
#[cfg(feature = "faults")]
mod door;
mod explain;
mod init;
pub mod ledger;
pub mod log;
pub mod run;
pub mod slack;

use std::{
    ffi::OsString,
    fmt::Display,
    io::{ErrorKind, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};

use crate::provider::exec;

/// Just-in-time access: asked for, approved, short, and verified gone.
#[derive(Debug, Parser)]
#[command(name = "hallpass", version, about)]
pub struct Command {
    #[command(subcommand)]
    verb: Verb,
}

impl Command {
    /// What is logged unless `HALLPASS_LOG` says otherwise. In the demo the screen belongs to the chat.
    pub const fn log_filter(&self) -> &'static str {
        match self.verb {
            Verb::Demo { .. } => "warn",
            _ => "warn,hallpass=info",
        }
    }
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
    /// Write a first bot.toml, from flags and a few questions.
    Init(init::Init),
    /// Run the bot.
    Run {
        #[arg(long, default_value = "bot.toml")]
        config: PathBuf,
        /// For tests: the terminal as the chat, one JSON object a line; what it was sent is kept in this file.
        #[cfg(feature = "faults")]
        #[arg(long, hide = true)]
        console: Option<PathBuf>,
    },
    /// Check bot.toml and the templates; say who could approve what.
    Check {
        #[arg(long, default_value = "bot.toml")]
        config: PathBuf,
    },
    /// Look at everything that the bot needs (file, store, ledger key, Slack, Discord) and say what mends what is wrong.
    Doctor {
        #[arg(long, default_value = "bot.toml")]
        config: PathBuf,
    },
    /// Say which rule applies to an ask, who would be asked, the ladder and the cap.
    Explain {
        #[arg(long, default_value = "bot.toml")]
        config: PathBuf,
        person: String,
        resource: String,
        role: String,
        duration: Option<String>,
    },
    /// For the bot itself: runs an adapter's program, and ends it when the bot is gone.
    #[command(name = exec::VERB, hide = true)]
    Keep {
        /// Milliseconds until it is forced to end.
        most: u64,
        program: PathBuf,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Adapters: check one against the real system behind it.
    #[command(subcommand)]
    Adapter(adapter::Adapter),
    /// Slack: the app manifest for this bot.toml.
    #[command(subcommand)]
    Slack(slack::Slack),
    /// Discord: the link that brings the bot into the server of this bot.toml.
    #[command(subcommand)]
    Discord(discord::Discord),
    /// Look into the ledger.
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Check that nothing in the ledger was changed.
    #[command(subcommand)]
    Audit(ledger::Audit),
}

/// Runs a subcommand.
pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command.verb {
        Verb::Keep { most, program, arguments } => return exec::keep(Duration::from_millis(most), &program, &arguments).await,
        Verb::Doctor { config } => return doctor::doctor(&config).await,
        Verb::Demo { store, play } => demo::run(store, play).await,
        Verb::Init(flags) => init::init(&flags),
        #[cfg(not(feature = "faults"))]
        Verb::Run { config } => Box::pin(run::run(&config, run::Chats::new())).await,
        #[cfg(feature = "faults")]
        Verb::Run { config, console } => Box::pin(run::run(&config, door::chats(console.as_deref())?)).await,
        Verb::Check { config } => check::check(&config),
        Verb::Explain { config, person, resource, role, duration } => {
            explain::explain(&config, &person, &resource, &role, duration.as_deref())
        }
        Verb::Adapter(adapter) => adapter::adapter(adapter).await,
        Verb::Slack(what) => slack::slack(&what),
        Verb::Discord(what) => discord::discord(&what),
        Verb::Ledger(ledger) => ledger::look(ledger).await,
        Verb::Audit(audit) => ledger::audit(audit).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a text and ends its line. A reader that has gone away, such as `head`, wanted no more: that is no error.
fn say(text: impl Display) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    until_the_reader_leaves(writeln!(out, "{text}").and_then(|()| out.flush()).map_err(Into::into))
}

fn until_the_reader_leaves(done: anyhow::Result<()>) -> anyhow::Result<()> {
    done.or_else(|error| match error.downcast_ref::<std::io::Error>() {
        Some(cause) if cause.kind() == ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    })
}
