//! Seals entries into the tree, behind the commit that wrote them. Two sealers cannot both win: the loser starts again.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use super::{
    checkpoint::Head,
    key::Key,
    tree::{Frontier, leaf},
};
use crate::{
    domain::time::Instant,
    faults,
    store::{CommitError, Seal, Store, StoredCheckpoint},
};

/// Entries sealed in one transaction at most.
const BATCH: u32 = 2_000;

/// The sealer of this process.
pub struct Sealer {
    store: Store,
    key: Key,
    origin: String,
    frontier: Option<Frontier>,
}

impl Sealer {
    pub const fn new(store: Store, key: Key, origin: String) -> Self {
        Self { store, key, origin, frontier: None }
    }

    /// Seals what is there, at most one batch. Returns how many entries that were.
    pub async fn seal_once(&mut self, now: Instant) -> Result<usize, String> {
        let entries = self.store.unsealed(BATCH).await.map_err(|error| error.to_string())?;
        if entries.is_empty() {
            return Ok(0);
        }
        let mut frontier = match self.frontier.take() {
            Some(frontier) => frontier,
            None => restore(&self.store, self.key.last()?).await?,
        };
        let mut seals = Vec::with_capacity(entries.len());
        for entry in &entries {
            let hash = leaf(&entry.bytes);
            seals.push(Seal { index: frontier.size(), entry: entry.id, leaf: hash });
            frontier.push(hash);
        }
        let head = Head { origin: self.origin.clone(), size: frontier.size(), root: frontier.root() };
        self.key.check(&head)?;
        let note = head.sign(&self.key.signing);
        let stored = StoredCheckpoint { size: head.size, root: head.root, note, at: now };
        faults::point("seal.signed");
        match self.store.seal(seals, stored).await {
            Ok(()) => {
                faults::point("seal.committed");
                self.key.remember(&head)?;
                faults::point("seal.remembered");
                self.frontier = Some(frontier);
                Ok(entries.len())
            }
            Err(CommitError::Stale | CommitError::Fenced) => Ok(0),
            Err(CommitError::Unavailable(why)) => Err(why),
        }
    }

    /// The newest root, for people.
    pub fn root(&self) -> Option<(u64, String)> {
        self.frontier.as_ref().map(|frontier| (frontier.size(), BASE64.encode(frontier.root())))
    }
}

/// The tree as it was sealed, recomputed from the entries themselves; it must pass through what was signed last.
async fn restore(store: &Store, signed: Option<(u64, String)>) -> Result<Frontier, String> {
    let mut frontier = Frontier::default();
    loop {
        let sealed = store.sealed(frontier.size(), 10_000).await.map_err(|error| error.to_string())?;
        if sealed.is_empty() {
            return match signed {
                Some((size, _)) if size > frontier.size() => {
                    Err(format!("the ledger has {} sealed entries, and {size} were signed: run `hallpass audit verify`", frontier.size()))
                }
                _ => Ok(frontier),
            };
        }
        for (seal, entry) in sealed {
            if seal.index != frontier.size() || leaf(&entry.bytes) != seal.leaf {
                return Err(format!("leaf {} is missing or was changed: run `hallpass audit verify`", frontier.size()));
            }
            frontier.push(seal.leaf);
            if signed.as_ref().is_some_and(|(size, root)| *size == frontier.size() && *root != BASE64.encode(frontier.root())) {
                return Err(format!("the first {} entries are not those that were signed: run `hallpass audit verify`", frontier.size()));
            }
        }
    }
}
