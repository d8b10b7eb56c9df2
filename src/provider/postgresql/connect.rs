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
    let mut words = format!("host={} port={} dbname={} user={}", Value(&place.host), place.port, Value(database), Value(user));
    if settings.tls == Tls::VerifyFull {
        words.push_str(" sslmode=require");
    }
    format!("psql {}", Word(&words))
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
    let tls = if settings.tls == Tls::VerifyFull { "?sslmode=require" } else { "" };
    let url = format!("postgresql://{}:{password}@{host}:{}/{}{tls}", percent(user), place.port, percent(database));
    format!("{}\nPassword: {password}\nURL: {url}", line(settings, database, user)).into()
}
