//! What stands around statements that change something, in the one message that they are sent in.

use std::time::Duration;

/// A commit is on this server's disk, and no other one is waited for.
pub(super) const HERE: &str = "SELECT pg_catalog.set_config('synchronous_commit', 'local', true)";
/// The same at least, and on others if the server is configured to wait for them.
pub(super) const AS_CONFIGURED: &str =
    "SELECT pg_catalog.set_config('synchronous_commit', 'local', true) WHERE pg_catalog.current_setting('synchronous_commit') = 'off'";

/// One message: settings that end with it, the clock asked before and after, and nothing weaker than a commit that is on disk.
pub(super) fn guarded(statements: &[String], commit: &str, version: u32, limit: i64, left: Duration, patience: Duration) -> String {
    let in_time = format!("SELECT 1/(CASE WHEN extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000 < {limit} THEN 1 ELSE 0 END)");
    let whole = if version >= 17 { format!("SET LOCAL transaction_timeout = {}; ", left.as_millis()) } else { String::new() };
    format!(
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE; SET LOCAL search_path = ''; \
         SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; {whole}\
         {commit}; {in_time}; {}; {in_time}",
        left.as_millis(),
        patience.as_millis().max(1),
        statements.join("; "),
    )
}
