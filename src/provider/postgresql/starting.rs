//! Sessions that are just beginning while access is taken away. The server shows whose a session is only when it has begun, and whoever
//! logs in may say how long that takes (`post_auth_delay`), with a role that was checked before. What shows them earlier is the lock
//! that each of them has on its database until it has begun.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    super::{Fault, FaultKind},
    link::Session,
    quote::Literal,
    sql,
};

/// How long one may take that nobody delays.
const USUAL: Duration = Duration::from_secs(2);
/// How long one that was told to end may take to do it.
const LAST: Duration = Duration::from_secs(2);
const APART: Duration = Duration::from_millis(5);

/// Whose they are nobody can say yet. Those of the server's own work are among them, for a moment.
const BEGINNING: &str = "SELECT DISTINCT l.pid FROM pg_catalog.pg_locks l WHERE l.locktype = 'object' \
                         AND l.classid = 'pg_catalog.pg_database'::pg_catalog.regclass AND l.pid <> pg_catalog.pg_backend_pid() AND l.pid IS NOT NULL";
/// What else has such a lock is known: it makes, changes or drops a database.
const KNOWN: &str = "SELECT a.pid FROM pg_catalog.pg_stat_activity a WHERE a.usesysid IS NOT NULL";

/// Comes back when every session that was beginning has begun or ended; says whether there were any. One that takes longer than any
/// would by itself is ended, whosever it is: only a superuser's, which is nobody's to whom something was given, is left alone.
/// # Errors
/// One of them would not end.
pub(super) async fn settled(session: &mut Session<'_>) -> Result<bool, Fault> {
    let mut waited_for = beginning(session, None).await?;
    if waited_for.is_empty() {
        return Ok(false);
    }
    let usual = Instant::now() + USUAL;
    while Instant::now() < usual && !waited_for.is_empty() {
        sleep(APART).await;
        waited_for = beginning(session, Some(&waited_for)).await?;
    }
    for pid in waited_for.clone() {
        let end = format!("SELECT pg_catalog.pg_terminate_backend({pid})");
        match session.change(&[end], session.deadline().left()).await {
            Err(fault) if fault.kind == FaultKind::Denied && ends_others(session).await? => _ = waited_for.remove(&pid),
            ended => drop(ended.map_err(sql::kept_open)?),
        }
    }
    let last = Instant::now() + LAST;
    while !waited_for.is_empty() {
        if Instant::now() > last {
            return Err(Fault::new(FaultKind::Transient, "a session that was just beginning has not ended yet"));
        }
        sleep(APART).await;
        waited_for = beginning(session, Some(&waited_for)).await?;
    }
    Ok(true)
}

/// Of these, or all.
async fn beginning(session: &mut Session<'_>, of: Option<&BTreeSet<i32>>) -> Result<BTreeSet<i32>, Fault> {
    let numbers = |answer: &super::rows::Answer| answer.rows(0)?.iter().map(|row| row.number(0)).collect::<Result<BTreeSet<i32>, Fault>>();
    let mut found = numbers(&session.read(BEGINNING).await?)?;
    found.retain(|pid| of.is_none_or(|of| of.contains(pid)));
    if !found.is_empty() {
        // The list of all sessions is long, and most of the time nobody has to look at it.
        let known = numbers(&session.read(KNOWN).await?)?;
        found.retain(|pid| !known.contains(pid));
    }
    Ok(found)
}

/// The bot may end the sessions of everybody but superusers.
async fn ends_others(session: &mut Session<'_>) -> Result<bool, Fault> {
    let question = format!("SELECT pg_catalog.pg_has_role(current_user, {}, 'USAGE')", Literal("pg_signal_backend"));
    session.read(&question).await?.row(0)?.flag(0)
}
