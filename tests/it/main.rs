//! The integration tests: one binary, one file per capability. Tests own the clock and never sleep.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alarm_program;
mod both;
mod cards;
mod checker;
mod config;
mod config_discord;
mod config_judged;
mod config_slack;
mod console_commands;
#[cfg(feature = "faults")]
mod crash;
mod demo;
mod digest;
mod discord;
mod discord_cards;
mod discord_doctor;
mod discord_door;
mod discord_invite;
mod discord_program;
mod discord_wire;
mod fakes;
mod grammar;
mod hanging;
mod hostile;
mod late;
mod leases;
mod ledger;
mod life;
mod lifecycle;
mod logging;
mod migrations;
mod outage;
mod own_alarms;
mod past;
mod people;
mod providers;
mod questions;
mod random;
mod reloading;
mod rights;
mod running;
mod sending;
mod sim;
mod slack;
mod slack_doctor;
mod slack_manifest;
mod slack_sdk;
mod store_suite;
mod tidy;
mod unwritable;
mod versions;
mod world;
