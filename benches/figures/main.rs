//! The figures of `scripts/bench`: what Hallpass does, beside what this machine can do at best, measured in the same run.
//! Not tests: a figure never fails a build. `scripts/bench` says how to read them.

mod core;
mod digest;
mod discord;
mod doors;
mod ends;
mod events;
mod fill;
mod house;
mod place;
mod postgresql;
mod process;
mod raw;
mod slack;
mod table;

use anyhow::{Context as _, bail};

/// Each figure's name, for the command line.
const ALL: [&str; 9] = ["core", "events", "ends", "overdue", "digest", "process", "slack", "discord", "postgresql"];

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("no runtime")?;
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [child, url, provider_width] = arguments.as_slice()
        && child == "--overdue-child"
    {
        return runtime.block_on(ends::overdue_child(url, provider_width.parse()?));
    }
    if let Some(unknown) = arguments.iter().find(|name| !ALL.contains(&name.as_str())) {
        bail!("there is no figure {unknown}: choose from {}", ALL.join(", "));
    }
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|a| a == name);
    let rounds = std::env::var("HALLPASS_BENCH_ROUNDS").map_or(Ok(3), |text| text.parse()).context("HALLPASS_BENCH_ROUNDS")?;
    table::heading();
    if wanted("core") {
        core::run(rounds)?;
    }
    for kind in place::Kind::at_hand() {
        if wanted("events") {
            runtime.block_on(events::run(&kind, rounds))?;
        }
        if wanted("ends") {
            runtime.block_on(ends::run(&kind, rounds))?;
        }
        if wanted("overdue") {
            runtime.block_on(ends::overdue(&kind, rounds))?;
        }
        if wanted("digest") {
            runtime.block_on(digest::run(&kind, rounds))?;
        }
    }
    if wanted("process") {
        runtime.block_on(process::run(rounds))?;
    }
    if wanted("slack") {
        runtime.block_on(slack::run(rounds))?;
    }
    if wanted("discord") {
        runtime.block_on(discord::run(rounds))?;
    }
    if wanted("postgresql") {
        runtime.block_on(postgresql::run())?;
    }
    Ok(())
}
