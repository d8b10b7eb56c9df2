//! Pieces of SQL that several questions are made of. Everything from outside passes through `quote`.

use super::{
    super::{Fault, FaultKind},
    quote::{Ident, Literal},
};

/// A name, in hexadecimal: the database's encoding does not matter, and neither does what the name holds.
pub(super) fn name(column: &str) -> String {
    format!("pg_catalog.encode(pg_catalog.namesend({column}), 'hex')")
}

/// The same for a text.
pub(super) fn words(column: &str) -> String {
    format!("pg_catalog.encode(pg_catalog.textsend({column}), 'hex')")
}

/// Microseconds since 1970; null for never and always.
pub(super) fn micros(column: &str) -> String {
    format!("CASE WHEN pg_catalog.isfinite({column}) THEN (extract(epoch FROM {column}) * 1000000)::pg_catalog.int8::pg_catalog.text END")
}

/// The bot's own role, whether the server only follows another one, and whether it waits for others that follow it.
pub(super) fn bot() -> String {
    format!(
        "SELECT {}, b.rolsuper, pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('synchronous_standby_names') <> '' FROM pg_catalog.pg_roles b WHERE b.rolname = current_user",
        name("b.rolname")
    )
}

/// The number of a role, by its name.
pub(super) fn oid_of(role: &str) -> String {
    format!("(SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = {})", Literal(role))
}

/// Whether a role, by its name, can log in.
pub(super) fn logs_in(role: &str) -> String {
    format!("EXISTS (SELECT 1 FROM pg_catalog.pg_roles r WHERE r.rolname = {} AND r.rolcanlogin)", Literal(role))
}

/// Why a role that can log in is not given.
pub(super) fn comes_back() -> Fault {
    let why = "the role can log in by itself: whoever has it can set its password, and come back by that; make it NOLOGIN";
    Fault::new(FaultKind::Invalid, why)
}

/// Gives a role. From 16 on it says by whom, so that it is ours whatever else the bot may do.
pub(super) fn give(role: &str, to: &str, bot: &str, version: u32) -> String {
    let (role, to) = (Ident(role), Ident(to));
    if version >= 16 {
        format!("GRANT {role} TO {to} WITH INHERIT TRUE, SET TRUE GRANTED BY {}", Ident(bot))
    } else {
        format!("GRANT {role} TO {to}")
    }
}

/// Takes a role away with everything that was given on by it. From 16 on only what `by` gave.
pub(super) fn take(role: &str, from: &str, by: &str, version: u32) -> String {
    let (role, from) = (Ident(role), Ident(from));
    let by = if version >= 16 { format!(" GRANTED BY {}", Ident(by)) } else { String::new() };
    format!("REVOKE {role} FROM {from}{by} CASCADE")
}

/// Why sessions that were to be ended stay open, if that is for want of a right.
pub(super) fn kept_open(fault: Fault) -> Fault {
    let why = "the access is taken away, and sessions are still open: the bot's own login may not end them, it lacks pg_signal_backend";
    if fault.kind == FaultKind::Denied { Fault::new(FaultKind::Denied, why) } else { fault }
}

/// Sessions of whoever is let into a role by this member of it alone.
pub(super) fn let_in(role: &str, member: &str) -> String {
    format!(
        "a.usename <> current_user AND pg_catalog.pg_has_role(a.usesysid, {}, 'MEMBER') \
         AND NOT coalesce(pg_catalog.pg_has_role(a.usesysid, {}, 'MEMBER'), true)",
        oid_of(member),
        oid_of(role)
    )
}

/// Ends the sessions that are meant by this condition on `a`, and answers the number of each that was told to end, and whose it is.
/// Which ones are meant is settled before any is told: a server is free to weigh the parts of a condition in any order.
pub(super) fn terminate(sessions: &str) -> String {
    format!(
        "WITH meant AS MATERIALIZED (SELECT a.pid, a.usesysid FROM pg_catalog.pg_stat_activity a WHERE ({sessions}) AND a.pid <> pg_catalog.pg_backend_pid()), \
         told AS MATERIALIZED (SELECT m.pid, m.usesysid, pg_catalog.pg_terminate_backend(m.pid) AS was_there FROM meant m) \
         SELECT t.pid, t.usesysid FROM told t WHERE t.was_there"
    )
}
