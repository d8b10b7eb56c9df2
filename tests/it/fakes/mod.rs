//! Small servers with memory that stand for the outside, on loopback, spoken to by the product's real clients.
//! Each is as strict as the real one's documentation says; what it refuses stands in a log that tests read.

pub(crate) mod discord;
mod http;
pub(crate) mod proxy;
pub(crate) mod slack;
