//! Worst-case data for the lines of a digest, and for a message full of them.

use serde_json::{Value, json};

use super::hostile;

/// Lines of a message that leaves no room.
const ROWS: usize = 12;

pub(super) fn all() -> Vec<(String, Value)> {
    let t = hostile();
    let given = |mut rest: Value| {
        for key in ["who", "asked_by", "role", "resource"] {
            rest[key] = json!(t);
        }
        rest
    };
    let link = json!({ "id": "R-7K3QD2", "url": format!("https://discord.com/channels/{}", "1".repeat(60)) });
    let row = |sign: &str| json!({ "words": t, "sign": sign, "links": [link, { "id": "R-7K3QD2", "url": null }], "more": 4 });
    let rows: Vec<Value> = ["alarm", "warn", "note"].into_iter().cycle().take(ROWS).map(row).collect();
    let mut all = vec![
        ("digest", json!({ "first_line": t, "thread": t, "needs_human": true, "rows": rows })),
        ("digest/first", json!({ "day": t, "days": 3, "human": t, "ledger": null })),
        ("digest/quiet", json!({ "day": t, "days": 3, "human": null, "ledger": t })),
        ("digest/continued", json!({ "day": t, "part": 2 })),
        ("digest/thread", json!({ "day": t })),
        ("digest/covers", json!({ "from": t, "to": t, "days": 3, "away": [{ "from": t, "to": t }, { "from": t, "to": t }], "more": 2 })),
        ("digest/as_of", json!({ "at": t })),
        ("digest/more", json!({ "count": t })),
        ("digest/elsewhere", Value::Null),
        ("digest/still_open", given(json!({ "end": t, "past": t }))),
        ("digest/residue", given(json!({ "since": t, "things": 2, "one": false }))),
        ("digest/grant_stuck", given(json!({ "since": t }))),
        ("digest/alarm", json!({ "alarm": t, "since": t })),
        ("digest/over", given(json!({ "alarm": t, "since": t, "at": t, "lasted": t }))),
        ("digest/settled", given(json!({ "by": t, "at": t }))),
        ("digest/unanswered", given(json!({ "asked": t, "waited": t, "more": t }))),
        ("digest/grant_failed", given(json!({ "at": t }))),
        ("digest/store_down", json!({ "since": t, "lasted": t })),
        ("digest/policy_refused", json!({ "at": t, "at_start": true, "until": t })),
        ("digest/clock_jumped", json!({ "from": t, "to": t })),
        ("digest/clock_confirmed", json!({ "at": t, "by": t })),
        ("digest/policy_changed", policy(&t)),
        ("digest/identity_linked", json!({ "who": t, "what": t, "by": t, "at": t })),
        ("digest/identity_unlinked", json!({ "who": t, "what": t, "by": t, "at": t })),
        ("digest/left", json!({ "who": t, "at": t, "lost": 3 })),
        ("digest/longest", given(json!({ "length": t }))),
        ("digest/unused", json!({ "never": t, "of": t, "sampled": t, "unknown": t, "named": [given(json!({})), given(json!({}))] })),
        ("digest/fast", json!({ "who": t, "count": t, "of": t, "under": t })),
        ("digest/most", json!({ "who": t, "count": t, "of": t, "percent": 80 })),
        ("digest/pair", json!({ "names": t, "count": t, "days": 30, "one": t, "there": t, "other": t, "back": t })),
    ];
    all.extend(numbers(&t));
    let said =
        |how: &str| json!({ "provider": t, "principal": t, "how": how, "resources": t, "roles": t, "since": t, "gone": t, "unwatched": t });
    all.push(("digest/drift", said("not_ours")));
    all.push(("digest/more_of", json!({ "kind": "still_open", "count": t })));
    let ledger = json!({ "entries": t, "root": t, "signed": t, "verified": "no", "upto": t, "at": t });
    all.push(("digest/ledger", ledger));
    all.into_iter().map(|(name, data)| (name.to_owned(), data)).collect()
}

fn numbers(t: &str) -> [(&'static str, Value); 3] {
    let row = json!({ "resource": t, "asked": t, "granted": t, "denied": t, "unanswered": t });
    [
        (
            "digest/counts",
            json!({ "asked": t, "granted": t, "less": t, "denied": t, "unanswered": t, "cancelled": t, "failed": t, "median": t }),
        ),
        (
            "digest/ended",
            json!({ "ended": t, "expired": t, "returned": t, "revoked": t, "left": t, "settled": t, "held": t, "waiting": t }),
        ),
        ("digest/resources", json!({ "rows": [row, row], "more": t })),
    ]
}

fn policy(t: &str) -> Value {
    let changes = json!([
        { "what": t, "how": "added" },
        { "what": t, "how": "removed" },
        { "what": t, "how": "changed", "key": t, "before": t, "after": t },
        { "what": t, "how": "changed", "key": t, "before": null, "after": null },
    ]);
    json!({ "at": t, "digest": t, "by": t, "changes": changes, "more": 7 })
}
