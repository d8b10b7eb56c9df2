//! A PostgreSQL server: a login of its own for each grant, or a role for a person's own login.
//! Translates only. Every text that a server is sent is built in `quote`.

mod settings;

pub use self::settings::Settings;
pub(super) use self::settings::check_target;
