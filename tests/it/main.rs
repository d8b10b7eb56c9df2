//! The integration tests: one binary, one file per capability. Tests own the clock and never sleep.

mod cards;
mod life;
mod store_suite;
mod tidy;
mod world;
