//! A ledger whose tree and signatures are right, forged by somebody who has the key: what its entries mean gives it away.

use std::fmt::Write as _;

use hallpass::ledger::{
    checkpoint::Head,
    tree::{Frontier, leaf},
};

use super::{ORIGIN, Story, on_both, raw::Raw};

on_both![what_entries_mean_together_is_checked];

/// Seals and signs everything anew, as it is.
async fn forged(story: &Story, raw: &mut Raw) {
    let key = story.key();
    let (mut frontier, mut sql) = (Frontier::default(), String::new());
    let bytes = raw.pairs("SELECT s.leaf, e.bytes FROM seals s JOIN entries e ON e.id = s.entry ORDER BY s.leaf").await;
    let sizes: Vec<u64> = story.world.store.checkpoints().await.unwrap().iter().map(|stored| stored.size).collect();
    let hex = |hash: [u8; 32]| super::raw::hex(&hash);
    for (place, bytes) in bytes {
        let hash = leaf(bytes.as_bytes());
        frontier.push(hash);
        write!(sql, "UPDATE seals SET hash = '{}' WHERE leaf = {place};", hex(hash)).unwrap();
        if sizes.contains(&frontier.size()) {
            let head = Head { origin: ORIGIN.into(), size: frontier.size(), root: frontier.root() };
            let (note, root) = (head.sign(&key.signing), hex(head.root));
            write!(sql, "UPDATE checkpoints SET note = '{note}', root = '{root}' WHERE size = {};", head.size).unwrap();
        }
    }
    raw.run(&sql).await;
}

async fn what_entries_mean_together_is_checked(url: &str) {
    let story = Story::told(url).await;
    let mut raw = Raw::open(url).await;
    raw.keep("whole").await;
    let edit = |kind: &str, from: &str, to: &str| {
        format!(
            "UPDATE entries SET bytes = replace(bytes, '{from}', '{to}') WHERE bytes LIKE '%\"type\":\"{kind}\"%' AND bytes LIKE '%{from}%'"
        )
    };
    let cases = [
        ("nothing", "SELECT 1".into()),
        ("a vote by the requester", edit("approved", "ben", "ana")),
        ("a vote that somebody else entered", edit("approved", "\"person\":\"ben\",\"rung\"", "\"person\":\"dora\",\"rung\"")),
        ("a grant by a vote that was not cast", edit("granting", "\"person\":\"ben\"", "\"person\":\"dora\"")),
        ("an intent that is none", edit("intent", "\"verb\":\"grant\"", "\"verb\":\"extend\"")),
        ("an end that was late without an alarm", edit("alarm_raised", "still_open", "residue")),
        ("gone without a reading", edit("answer", "\"answer\":\"absent\"", "\"answer\":\"present\"")),
        ("access that lasts too long", edit("working", "\"until\":\"2026-11-24T15", "\"until\":\"2026-11-24T19")),
        (
            "an event that cannot happen",
            edit("alarm_raised", "\"alarm\":\"still_open\",\"type\":\"alarm_raised\"", "\"type\":\"unanswered\""),
        ),
        ("an event of an unknown kind", edit("denied", "\"type\":\"denied\"", "\"type\":\"forgotten\"")),
    ];
    let mut text = String::new();
    for (name, sql) in cases {
        raw.run(&sql).await;
        forged(&story, &mut raw).await;
        writeln!(text, "{name}").unwrap();
        for finding in story.report_without_mark().await.findings {
            writeln!(text, "    {}", story.plain(&finding)).unwrap();
        }
        raw.put_back("whole").await;
    }
    insta::allow_duplicates! {
        insta::assert_snapshot!(text, @r#"
nothing
a vote by the requester
    request/R-ANA number 1: ana approved their own access
a vote that somebody else entered
    request/R-ANA number 1: a vote of dora that somebody else entered
a grant by a vote that was not cast
    request/R-ANA number 2: granted by a vote of dora that was not cast
an intent that is none
    entitlement/2de9176fe3017c963e97dc89185cfd5f2c935aa2eaceb4843baeae9ab8a4aa43 number 2: an outcome of grant without its intent
an end that was late without an alarm
    request/R-ANA number 7: its end was due at 2026-11-24T15:00:00.000000Z, and the first word of its being late is of 2026-11-24T15:01:29.000000Z
gone without a reading
    request/R-ANA number 7: said to be gone, when the newest reading (number 7 of entitlement/2de9176fe3017c963e97dc89185cfd5f2c935aa2eaceb4843baeae9ab8a4aa43) was not so
access that lasts too long
    request/R-ANA number 3: it lasts until 2026-11-24T19:00:00.000000Z, longer than was approved
an event that cannot happen
    request/R-ANA number 5: unanswered cannot happen while revoking
an event of an unknown kind
    request/R-FINN number 1: its event cannot be read: unknown variant `forgotten`, expected one of `asked`, `reminded`, `escalated`, `looking`, `passed_on`, `approved`, `taken_back`, `stage_opened`, `offered`, `offer_declined`, `offer_accepted`, `recounted`, `denied`, `cancelled`, `unanswered`, `left`, `scheduled`, `reopened`, `granting`, `shortened`, `working`, `grant_failed`, `warned`, `extension_asked`, `extension_closed`, `extension_approved`, `extended`, `grace_began`, `found_absent`, `revoking`, `gone`, `leftover`, `settled`, `credential_shown`, `alarm_raised`, `alarm_cleared`, `refused`
"#);
    }
}
