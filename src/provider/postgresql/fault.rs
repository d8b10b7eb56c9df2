//! What an error of the server or of the way to it means. What the server says in words stays here: it quotes names and values.

use std::io::{self, ErrorKind};

use tokio_postgres::{
    Error,
    error::{DbError, Severity, SqlState},
};

use super::super::{Fault, FaultKind};

/// SQLSTATE of the division by zero with which a message that came too late refuses itself (`link`).
pub(super) const TOO_LATE: SqlState = SqlState::DIVISION_BY_ZERO;

/// SQLSTATE of the word that is no number, with which a hand-over refuses itself (`remains`).
const TRAP: SqlState = SqlState::INVALID_TEXT_REPRESENTATION;

/// Why there is no connection. Nothing was sent.
pub(super) fn connecting(error: &Error) -> Fault {
    let Some(said) = error.as_db_error() else {
        return Fault::new(FaultKind::Transient, format!("the database server cannot be reached: {}", in_the_way(error)));
    };
    let (kind, why) = match said.code() {
        code if *code == SqlState::INVALID_PASSWORD => {
            (FaultKind::Denied, "the database server refuses the bot's own login: its password is wrong, or its time is over")
        }
        code if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => (
            FaultKind::Denied,
            "the database server does not let the bot's own login in from here: its pg_hba.conf does not, or there is no such login",
        ),
        code if *code == SqlState::INVALID_CATALOG_NAME => (FaultKind::Denied, "the database server has no such database"),
        code if *code == SqlState::INSUFFICIENT_PRIVILEGE => (FaultKind::Denied, "the bot's own login may not connect to that database"),
        code if is(code, &[SqlState::TOO_MANY_CONNECTIONS]) => (FaultKind::Transient, "the database server has no connection left"),
        _ => (FaultKind::Transient, "the database server takes no connection just now"),
    };
    Fault::new(kind, format!("{why} ({})", said.code().code()))
}

/// In words that name nobody.
fn in_the_way(error: &Error) -> String {
    let mut cause: &(dyn std::error::Error + 'static) = error;
    while let Some(behind) = cause.source().filter(|_| !cause.is::<io::Error>() && !cause.is::<native_tls::Error>()) {
        cause = behind;
    }
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        return on_the_way(error).to_owned();
    }
    let said = cause.to_string();
    match said.rsplit_once('(').and_then(|(before, reason)| Some((before, reason.strip_suffix(')')?))) {
        // The reason is one of OpenSSL's own.
        Some((before, reason)) if before.contains("certificate verify failed") => format!("its certificate is not trusted ({reason})"),
        _ if said.contains("does not support TLS") => "it does not speak TLS".to_owned(),
        _ => "TLS cannot be agreed on with it".to_owned(),
    }
}

fn on_the_way(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ConnectionRefused => "nobody listens at that address and port",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "there is no way to it from here",
        ErrorKind::TimedOut => "it does not answer",
        ErrorKind::NotFound => "there is no such socket",
        ErrorKind::PermissionDenied => "its socket is not for this user",
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => {
            "it ended the connection before it said anything"
        }
        _ if error.to_string().contains("lookup") => "its name has no address",
        _ => "the way to it is closed",
    }
}

/// What became of a message that may have changed something.
pub(super) fn changing(error: &Error) -> Fault {
    match error.as_db_error() {
        Some(said) if !is_fatal(said) => refused(said.code()),
        Some(said) => Fault::new(FaultKind::Ambiguous, format!("the database server ended the connection ({})", said.code().code())),
        None => Fault::new(FaultKind::Ambiguous, "the connection to the database server was cut"),
    }
}

/// Why a message that changes nothing has no answer.
pub(super) fn reading(error: &Error) -> Fault {
    match error.as_db_error() {
        Some(said) if !is_fatal(said) => refused(said.code()),
        _ => Fault::new(FaultKind::Transient, "the connection to the database server was cut"),
    }
}

/// The connection is over with it.
pub(super) fn is_fatal(said: &DbError) -> bool {
    said.parsed_severity() != Some(Severity::Error)
}

/// The server refused a message as a whole: nothing was changed.
fn refused(code: &SqlState) -> Fault {
    let (kind, why) = kind(code);
    Fault::new(kind, format!("{why} ({})", code.code()))
}

fn kind(code: &SqlState) -> (FaultKind, &'static str) {
    const BUSY: [SqlState; 6] = [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::OBJECT_IN_USE,
        SqlState::DUPLICATE_OBJECT,
        SqlState::UNIQUE_VIOLATION,
    ];
    const FULL: [SqlState; 5] = [
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::INSUFFICIENT_RESOURCES,
        SqlState::DISK_FULL,
        SqlState::OUT_OF_MEMORY,
        SqlState::CONFIGURATION_LIMIT_EXCEEDED,
    ];
    match code {
        code if *code == TOO_LATE => (FaultKind::Transient, "it reached the database server too late, and changed nothing"),
        code if *code == TRAP => {
            (FaultKind::Conflict, "something that would give access away was made in the meantime: nothing was handed over")
        }
        code if is(code, &BUSY) => (FaultKind::Conflict, "something else is being done to it at the database server just now"),
        // What the server has no better word for is, in what we send, a row of a catalogue that somebody else changed first.
        code if *code == SqlState::INTERNAL_ERROR => (FaultKind::Conflict, "the database server did not do it, and may at another try"),
        code if is(code, &FULL) => (FaultKind::Transient, "the database server has no room for it"),
        code if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            (FaultKind::Denied, "the bot's own login may not do that at the database server")
        }
        code if *code == SqlState::UNDEFINED_OBJECT => (FaultKind::NoSuchTarget, "the database server does not know the role"),
        code if *code == SqlState::INVALID_CATALOG_NAME => (FaultKind::NoSuchTarget, "the database server does not know the database"),
        code if *code == SqlState::READ_ONLY_SQL_TRANSACTION => (FaultKind::Transient, "the database server takes no changes just now"),
        code if *code == SqlState::QUERY_CANCELED => (FaultKind::Transient, "the database server was too slow, and changed nothing"),
        code if *code == SqlState::INVALID_GRANT_OPERATION => (FaultKind::Invalid, "the role cannot be given to that login"),
        code if code.code().starts_with("42") || code.code().starts_with("0A") => {
            (FaultKind::Invalid, "the database server does not take it")
        }
        _ => (FaultKind::Transient, "the database server did not do it"),
    }
}

fn is(code: &SqlState, any: &[SqlState]) -> bool {
    any.contains(code)
}
