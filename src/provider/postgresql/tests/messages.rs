//! What a message that changes something says before and after its statements.

use std::time::Duration;

use super::super::message::{AS_CONFIGURED, HERE, guarded};

fn message(commit: &str, version: u32) -> String {
    guarded(&["GRANT a TO b".to_owned()], commit, version, 5, Duration::from_secs(3), Duration::from_millis(700))
}

/// While a commit waits for a standby that is away, it is on disk already, and its locks are held.
#[test]
fn a_change_waits_for_no_other_server_and_the_question_whether_it_is_copied_does_as_configured() {
    let always = "SELECT pg_catalog.set_config('synchronous_commit', 'local', true);";
    assert!(message(HERE, 18).contains(always));
    let copied = message(AS_CONFIGURED, 18);
    assert!(!copied.contains(always));
    assert!(copied.contains("'local', true) WHERE pg_catalog.current_setting('synchronous_commit') = 'off';"), "at least its own disk");
}

#[test]
fn the_servers_own_clock_stands_before_and_after_every_change_and_locks_are_waited_for_no_longer_than_said() {
    for version in [15, 18] {
        let message = message(HERE, version);
        let (before, after) = message.split_once("; GRANT a TO b; ").unwrap();
        assert!(before.ends_with("< 5 THEN 1 ELSE 0 END)") && after.ends_with("< 5 THEN 1 ELSE 0 END)"), "{message}");
        assert!(before.contains("lock_timeout = 700") && before.contains("statement_timeout = 3000"));
        assert_eq!(before.contains("transaction_timeout = 3000"), version >= 17);
    }
}
