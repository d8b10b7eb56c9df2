//! What an entitlement's stream means: every outcome has its intent, committed before it (R1, R2).

use std::collections::BTreeSet;

use crate::domain::event::{Effect, Outcome, Verb};

/// The intents that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct Effects(BTreeSet<Verb>);

impl Effects {
    pub(super) fn step(&mut self, event: serde_json::Value) -> Result<(), String> {
        let effect: Effect = serde_json::from_value(event).map_err(|error| format!("its event cannot be read: {error}"))?;
        match effect {
            Effect::Intent { verb, .. } => {
                if verb == Verb::Grant {
                    self.0.remove(&Verb::Revoke);
                }
                self.0.insert(verb);
            }
            // A reading changes nothing and needs no intent; a revoke may succeed again under the intent of the first.
            Effect::Outcome { verb: Verb::Observe, .. } | Effect::Answer { .. } | Effect::Unwritten { .. } => {}
            Effect::Outcome { verb, outcome, .. } => {
                if !self.0.contains(&verb) {
                    return Err(format!("an outcome of {} without its intent", name(verb)));
                }
                if verb != Verb::Revoke && outcome != Outcome::Unknown {
                    self.0.remove(&verb);
                }
            }
        }
        Ok(())
    }
}

const fn name(verb: Verb) -> &'static str {
    match verb {
        Verb::Observe => "observe",
        Verb::Grant => "grant",
        Verb::Extend => "extend",
        Verb::Revoke => "revoke",
        Verb::Credential => "credential",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn intent(verb: &str) -> serde_json::Value {
        json!({
            "type": "intent", "verb": verb, "deadline": "2026-11-24T14:00:00.000000Z", "had_before": null, "grants": [],
            "provider": "hosts", "target": "{}", "principal": "ana",
        })
    }

    fn outcome(verb: &str, outcome: &str) -> serde_json::Value {
        json!({ "type": "outcome", "verb": verb, "outcome": outcome, "tries": 1, "detail": "" })
    }

    fn judged(events: Vec<serde_json::Value>) -> Result<(), String> {
        let mut effects = Effects::default();
        events.into_iter().try_for_each(|event| effects.step(event))
    }

    #[test]
    fn every_outcome_has_its_intent() {
        let whole = vec![
            outcome("observe", "failed"),
            intent("grant"),
            intent("grant"),
            outcome("grant", "ok"),
            intent("revoke"),
            outcome("revoke", "ok"),
            outcome("revoke", "ok"),
        ];
        assert_eq!(judged(whole), Ok(()));
        let refused = |events| judged(events).unwrap_err();
        assert_eq!(refused(vec![outcome("grant", "ok")]), "an outcome of grant without its intent");
        assert_eq!(
            refused(vec![intent("grant"), outcome("grant", "ok"), outcome("grant", "ok")]),
            "an outcome of grant without its intent"
        );
        let again = vec![intent("revoke"), outcome("revoke", "ok"), intent("grant"), outcome("revoke", "ok")];
        assert_eq!(refused(again), "an outcome of revoke without its intent");
        assert!(refused(vec![json!({ "type": "surprise" })]).starts_with("its event cannot be read"));
    }
}
