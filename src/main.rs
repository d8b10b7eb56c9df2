//! The binary: hands the command line to its subcommand. Knows no rule of its own.

use std::io::IsTerminal as _;

use clap::Parser;
use tracing_subscriber::util::SubscriberInitExt as _;

fn main() -> std::process::ExitCode {
    let command = hallpass::cli::Command::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("HALLPASS_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(command.log_filter()));
    hallpass::cli::log::subscriber(filter, std::io::stderr, std::io::stderr().is_terminal()).init();
    hallpass::provider::exec::kept_by(own_program());
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("hallpass: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    match runtime.block_on(hallpass::cli::run(command)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hallpass: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// This program as it runs, also after its file was replaced.
fn own_program() -> std::path::PathBuf {
    let running = std::path::PathBuf::from("/proc/self/exe");
    if running.exists() { running } else { std::env::current_exe().unwrap_or(running) }
}
