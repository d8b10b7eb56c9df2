//! The crash matrix: the real binary, killed at every point between two steps, the provider in another process, on SQLite
//! and PostgreSQL. After each death it is started again, driven to the end, and the checker holds the rules over what the
//! store, the ledger, the chat and the provider's own record say. Only with the feature `faults`.

mod drive;
mod house;
mod matrix;
mod planted;
mod postgresql;
mod stories;
