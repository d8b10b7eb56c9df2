//! Names of operations, for the header `webhook-id`. One that was not answered for good keeps its name when it is asked
//! again, so that whoever keeps answers by it does nothing twice; everything else has a name of its own, so that nothing is
//! taken for a repeat that is none.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::domain::time::{Instant, Span};

/// Operations that change something and may come again as they were. A credential is a new one each time.
const REPEATED: [&str; 3] = ["extend", "grant", "revoke"];
/// A name is not used again after this; receivers keep answers as long.
const KEPT: Span = Span::from_minutes(24 * 60);

#[derive(Default)]
pub(super) struct Ids(Mutex<State>);

#[derive(Default)]
struct State {
    /// By the access that they are about: what was asked last and is not answered for good.
    open: BTreeMap<String, Open>,
    count: u64,
}

struct Open {
    /// What was asked.
    asked: String,
    id: String,
    since: Instant,
}

impl Ids {
    /// The name of this operation.
    pub(super) fn of(&self, op: &str, request: &Value, now: Instant) -> String {
        let mut state = self.state();
        let asked = asked(op, request);
        state.count += 1;
        let fresh = format!("hp_{}", &digest(&json!([asked, now, state.count]))[..32]);
        if !REPEATED.contains(&op) {
            return fresh;
        }
        state.open.retain(|_, open| now < open.since + KEPT);
        let open = state.open.entry(about(request)).or_insert_with(|| Open { asked: asked.clone(), id: fresh.clone(), since: now });
        if open.asked != asked {
            *open = Open { asked, id: fresh, since: now };
        }
        open.id.clone()
    }

    /// It was answered for good.
    pub(super) fn settled(&self, op: &str, request: &Value) {
        let (mut state, about) = (self.state(), about(request));
        if state.open.get(&about).is_some_and(|open| open.asked == asked(op, request)) {
            state.open.remove(&about);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn about(request: &Value) -> String {
    digest(&json!([request["grant"], request["principal"], request["target"]]))
}

/// All of it but the time that it has.
fn asked(op: &str, request: &Value) -> String {
    let mut request = request.clone();
    if let Some(fields) = request.as_object_mut() {
        fields.remove("deadline_s");
    }
    digest(&json!([op, request]))
}

fn digest(value: &Value) -> String {
    format!("{:x}", Sha256::digest(value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_micros(1_800_000_000_000_000);

    fn request(grant: &str, until: &str, deadline_s: u64) -> Value {
        json!({ "grant": grant, "principal": "ana", "target": {}, "until": until, "deadline_s": deadline_s })
    }

    #[test]
    fn what_was_not_answered_for_good_keeps_its_name_when_it_is_asked_again() {
        let ids = Ids::default();
        let first = ids.of("grant", &request("G-1", "2027-01-15", 30), NOW);
        assert_eq!(ids.of("grant", &request("G-1", "2027-01-15", 12), NOW + Span::from_seconds(9)), first);
        assert_ne!(ids.of("grant", &request("G-2", "2027-01-15", 30), NOW), first, "another grant");
        assert_eq!(ids.of("grant", &request("G-1", "2027-01-15", 30), NOW), first, "what else was asked makes no difference");
        assert!(first.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{first}");
    }

    #[test]
    fn nothing_is_taken_for_a_repeat_that_is_none() {
        let ids = Ids::default();
        let grant = request("G-1", "2027-01-15", 30);
        let mut seen = vec![ids.of("grant", &grant, NOW)];
        ids.settled("grant", &grant);
        seen.push(ids.of("grant", &grant, NOW));
        seen.push(ids.of("grant", &request("G-1", "2027-01-16", 30), NOW));
        seen.push(ids.of("revoke", &grant, NOW));
        // A change in between: taking away is not what was asked before it.
        seen.push(ids.of("grant", &grant, NOW));
        seen.push(ids.of("revoke", &grant, NOW));
        seen.push(ids.of("revoke", &grant, NOW + KEPT));
        for op in ["credential", "observe", "describe", "poll"] {
            seen.push(ids.of(op, &grant, NOW));
            seen.push(ids.of(op, &grant, NOW));
        }
        let different: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!(different.len(), seen.len(), "{seen:?}");
    }

    #[test]
    fn an_answer_to_what_was_asked_before_settles_nothing_that_came_after() {
        let ids = Ids::default();
        let grant = request("G-1", "2027-01-15", 30);
        ids.of("grant", &grant, NOW);
        let revoke = ids.of("revoke", &grant, NOW);
        ids.settled("grant", &grant);
        assert_eq!(ids.of("revoke", &grant, NOW), revoke);
    }
}
