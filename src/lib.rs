//! Hallpass: a self-hosted chat-ops bot for just-in-time access.
//! The crate is a library only so that the tests can reach its parts; the binary is the product.

pub mod bot;
pub mod chat;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod faults;
pub mod ledger;
pub mod provider;
pub mod secret;
pub mod store;
pub mod worker;
