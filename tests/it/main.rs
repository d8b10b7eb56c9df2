//! The integration tests: one binary, one file per capability. Tests own the clock and never sleep.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cards;
mod checker;
mod config;
mod config_judged;
mod console_commands;
mod grammar;
mod life;
mod outage;
mod providers;
mod store_suite;
mod tidy;
mod world;
