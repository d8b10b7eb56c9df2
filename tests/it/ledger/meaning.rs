//! A ledger whose tree and signatures are right, forged by somebody who has the key: what its entries mean gives it away.

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
    let hex = |hash: [u8; 32]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for (place, bytes) in bytes {
        let hash = leaf(bytes.as_bytes());
        frontier.push(hash);
        sql += &format!("UPDATE seals SET hash = '{}' WHERE leaf = {place};", hex(hash));
        if sizes.contains(&frontier.size()) {
            let head = Head { origin: ORIGIN.into(), size: frontier.size(), root: frontier.root() };
            let (note, root) = (head.sign(&key.signing), hex(head.root));
            sql += &format!("UPDATE checkpoints SET note = '{note}', root = '{root}' WHERE size = {};", head.size);
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
        text += &format!("{name}\n");
        for finding in story.report_without_mark().await.findings {
            text += &format!("    {}\n", story.plain(&finding));
        }
        raw.put_back("whole").await;
    }
    insta::assert_snapshot!(text, @"");
}
