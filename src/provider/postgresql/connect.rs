//! How somebody connects: the line for `psql`, and what is shown together with a password.

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    quote::{Value, Word, percent},
    settings::{Settings, Tls},
};
use crate::domain::entitlement::Order;

/// Key of an order's inputs with the database that people are told to connect to.
pub(super) const DATABASE: &str = "database";

/// Which database the line names.
pub(super) fn database<'a>(settings: &'a Settings, order: &'a Order) -> &'a str {
    order.inputs.get(DATABASE).map_or(settings.database.as_str(), String::as_str)
}

/// `psql "host=.. port=.. dbname=.. user=.."`: it asks for the password, which stands in no list of processes.
pub(super) fn line(settings: &Settings, database: &str, user: &str) -> String {
    let place = &settings.shown;
    let mut words = vec![format!("host={} port={} dbname={} user={}", Value(&place.host), place.port, Value(database), Value(user))];
    words.extend(secured(settings).iter().map(|(key, value)| format!("{key}={value}")));
    format!("psql {}", Word(&words.join(" ")))
}

/// That nobody on the way gets the password. At the server itself it never leaves the person's machine then, and what answers must
/// have been told what it is checked by, whatever certificate it shows. What stands before a server cannot do that: its name is
/// checked instead, against the authorities that the person's own libpq knows.
fn secured(settings: &Settings) -> &'static [(&'static str, &'static str)] {
    match settings.tls {
        Tls::Off => &[],
        Tls::VerifyFull if settings.place == settings.shown => &[("sslmode", "require"), ("channel_binding", "require")],
        Tls::VerifyFull => &[("sslmode", "verify-full")],
    }
}

/// What is shown once: the password, the line for `psql`, and the same in one URL.
pub(super) fn credential(settings: &Settings, database: &str, user: &str, password: &SecretString) -> SecretString {
    let place = &settings.shown;
    let password = password.expose_secret();
    let host = match place.host.as_str() {
        folder if folder.starts_with('/') => percent(folder),
        address if address.contains(':') => format!("[{address}]"),
        name => name.to_owned(),
    };
    let secured: Vec<String> = secured(settings).iter().map(|(key, value)| format!("{key}={value}")).collect();
    let secured = if secured.is_empty() { String::new() } else { format!("?{}", secured.join("&")) };
    let url = format!("postgresql://{}:{password}@{host}:{}/{}{secured}", percent(user), place.port, percent(database));
    format!("{}\nPassword: {password}\nURL: {url}", line(settings, database, user)).into()
}
