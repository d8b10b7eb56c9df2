//! Rules of the adapter that need no grant: names, settings, what is sent and what a fault is. Quoting is tried on real servers.

mod messages;
mod names;
mod quoting;
mod settings;
