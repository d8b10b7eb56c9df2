//! The adapter `postgresql` against PostgreSQL 15 and 18: the conformance suite, the suite's promises while the network
//! fails at each message, native expiry without the bot, hand-over, and sessions at the end.

pub(crate) mod access;
pub(crate) mod client;
pub(crate) mod cluster;
mod conformance;
mod expiry;
mod fixture;
mod hand_over;
mod network;
pub(crate) mod server;
mod sessions;
