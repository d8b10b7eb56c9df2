//! The tamper-evident half of the ledger: entries sealed into an RFC 6962 tree with signed checkpoints, and their check.
//! Writes nothing but seals and checkpoints; entries are the store's, in the deciding transaction.

pub mod checkpoint;
pub mod key;
pub mod seal;
pub mod tree;
pub mod verify;
