//! What the ledger keeps of a call to a provider: the intent before it, each change of the answer, and the outcome (R2).

use super::{Effect, Instant, Job, NewEntry, Order, Outcome, Verb, entry};

impl Job<'_> {
    pub(super) fn answered(&mut self, verb: Verb, answer: String) -> Vec<NewEntry> {
        if self.leased.row.last_answer.as_deref() == Some(answer.as_str()) {
            return Vec::new();
        }
        self.leased.row.last_answer = Some(answer.clone());
        vec![self.entry(&Effect::Answer { verb, answer })]
    }

    pub(super) fn outcome(&self, verb: Verb, outcome: Outcome, tries: u32, detail: String) -> NewEntry {
        self.entry(&Effect::Outcome { verb, outcome, tries, detail })
    }

    pub(super) fn intent(&self, verb: Verb, deadline: Instant) -> NewEntry {
        let row = &self.leased.row;
        let Order { provider, target, principal, .. } = &row.order;
        self.entry(&Effect::Intent {
            verb,
            deadline,
            had_before: row.had_before,
            grants: self.claims.iter().map(|c| c.grant.to_string()).collect(),
            provider: provider.to_string(),
            target: target.to_string(),
            principal: principal.clone(),
        })
    }

    pub(super) fn entry(&self, effect: &Effect) -> NewEntry {
        entry(self.deps, &self.leased.row.key, effect)
    }
}
