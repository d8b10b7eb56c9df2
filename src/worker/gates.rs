//! How many may wait for one provider at the same time, so that one that hangs takes nobody else's place.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Semaphore;

use crate::domain::ids::ProviderName;

/// A gate per provider, made when it is first needed.
#[derive(Default)]
pub(super) struct Gates(Mutex<BTreeMap<ProviderName, Arc<Semaphore>>>);

impl Gates {
    pub(super) fn of(&self, provider: &ProviderName, at_once: u32) -> Arc<Semaphore> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let most = usize::try_from(at_once.max(1)).unwrap_or(1);
        gates.entry(provider.clone()).or_insert_with(|| Arc::new(Semaphore::new(most))).clone()
    }
}
