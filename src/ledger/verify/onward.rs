//! The running check: reads what was sealed since it looked last, holds each entry against its seal and the tree against what
//! was signed, and remembers how far it came. That the older entries were only added to follows from the tree: it goes on
//! from the remembered roots and must come to the signed one. They are not read again: that is what a whole audit is for.

use ed25519_dalek::SigningKey;

use super::BATCH;
use crate::{
    domain::time::Instant,
    ledger::{
        checkpoint::{self, Head},
        tree::{Frontier, leaf},
    },
    store::{Audits, Checked, CheckedWrite, CommitError, Snapshot, Store, StoreError, StoredCheckpoint, StoredLeaf, entry},
};

/// Entries read in one step, and what is missing to the next signed head.
const STEP: u64 = 5_000;

/// The check of this process.
#[derive(Debug)]
pub struct Onward {
    store: Store,
    key: SigningKey,
    origin: String,
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Everything that is signed was read, and fits.
    UpToDate,
    /// There is more to read.
    On,
    /// Something does not fit: what, for operators. `hallpass audit verify` says all of it.
    Wrong(String),
}

/// How far a walk came: to the last signed head that fits, and what is behind it.
struct Walk {
    tree: Frontier,
    wrong: Option<String>,
    is_over: bool,
}

impl Onward {
    pub const fn new(store: Store, key: SigningKey, origin: String) -> Self {
        Self { store, key, origin }
    }

    /// One step: at most some thousand entries. Another process may do the same beside it: whoever is faster is followed.
    /// # Errors
    /// The store does not answer, or does not take what was found.
    pub async fn step(&self, now: Instant) -> Result<Step, String> {
        let shown = |error: StoreError| error.to_string();
        let row = self.store.checked().await.map_err(shown)?;
        let expected = row.as_ref().map(|row| row.size);
        let known = row.as_ref().and_then(|row| Some((self.believed(row)?, row)));
        let (tree, since) = known.map_or_else(|| (Frontier::default(), now), |(tree, row)| (tree, row.since));
        let was = known_state(row.as_ref(), &tree);
        let mut snapshot = self.store.snapshot().await.map_err(shown)?;
        let walk = self.walk(&mut snapshot, tree).await.map_err(shown)?;
        drop(snapshot);
        if was != Some((walk.tree.size(), walk.wrong.is_some())) {
            let checked = self.remembered(&walk, since, now);
            match self.store.put_checked(CheckedWrite { checked, expected }).await {
                Ok(()) => {}
                Err(CommitError::Stale | CommitError::Fenced) => return Ok(Step::On),
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(match walk.wrong {
            Some(why) => Step::Wrong(why),
            None if walk.is_over => Step::UpToDate,
            None => Step::On,
        })
    }

    /// The tree that a row remembers, if we signed it: whoever can write the row cannot make it say more than was read.
    fn believed(&self, row: &Checked) -> Option<Frontier> {
        let tree = Frontier::resumed(row.size, row.frontier.clone())?;
        let head = checkpoint::open(&row.note, &self.name(row.since), &self.key.verifying_key()).ok()?;
        (head.size == tree.size() && head.root == tree.root()).then_some(tree)
    }

    fn remembered(&self, walk: &Walk, since: Instant, at: Instant) -> Checked {
        let (size, root) = (walk.tree.size(), walk.tree.root());
        let note = Head { origin: self.name(since), size, root }.sign(&self.key);
        Checked { size, frontier: walk.tree.roots().to_vec(), note, since, at, wrong: walk.wrong.is_some() }
    }

    /// Never the ledger's own name: this is no checkpoint. Since when entries were read is signed with it.
    fn name(&self, since: Instant) -> String {
        format!("{}/verified/{}", self.origin, since.micros())
    }

    async fn walk(&self, snapshot: &mut Snapshot, tree: Frontier) -> Result<Walk, StoreError> {
        let (begun, mut walk) = (tree.size(), Walk { tree, wrong: None, is_over: false });
        walk.wrong = self.still_there(snapshot, &walk.tree).await?;
        while walk.wrong.is_none() && walk.tree.size() < begun + STEP {
            let heads = snapshot.checkpoints(walk.tree.size(), 1).await?;
            let Some((size, head)) = heads.into_iter().next() else {
                walk.is_over = true;
                break;
            };
            match self.up_to(snapshot, walk.tree.clone(), size, head).await? {
                Ok(tree) => walk.tree = tree,
                Err(why) => walk.wrong = Some(why),
            }
        }
        Ok(walk)
    }

    /// What was read before is not cut off, and a head that was signed at its size is the same.
    async fn still_there(&self, snapshot: &mut Snapshot, tree: &Frontier) -> Result<Option<String>, StoreError> {
        let Some(before) = tree.size().checked_sub(1) else { return Ok(None) };
        let Some((size, head)) = snapshot.checkpoints(before, 1).await?.into_iter().next() else {
            return Ok(Some(format!("{} entries were read, and nothing so large is signed any more", tree.size())));
        };
        let signed = (size == tree.size()).then(|| self.opened(size, head.as_ref()));
        Ok(match signed {
            Some(Err(why)) => Some(why),
            Some(Ok(head)) if head.root != tree.root() => Some(format!("the first {size} entries were signed as others than were read")),
            _ => None,
        })
    }

    fn opened(&self, size: u64, stored: Option<&StoredCheckpoint>) -> Result<Head, String> {
        let stored = stored.ok_or_else(|| format!("checkpoint {size} cannot be read"))?;
        let head = checkpoint::open(&stored.note, &self.origin, &self.key.verifying_key());
        let head = head.map_err(|error| format!("checkpoint {size}: {error}"))?;
        if head.size == size && head.root == stored.root {
            Ok(head)
        } else {
            Err(format!("checkpoint {size}: its note says something else"))
        }
    }

    /// The tree at this signed head, or what does not fit on the way there.
    async fn up_to(
        &self,
        snapshot: &mut Snapshot,
        mut tree: Frontier,
        size: u64,
        head: Option<StoredCheckpoint>,
    ) -> Result<Result<Frontier, String>, StoreError> {
        let head = match self.opened(size, head.as_ref()) {
            Ok(head) => head,
            Err(why) => return Ok(Err(why)),
        };
        while tree.size() < size {
            let batch = snapshot.leaves(tree.size(), BATCH).await?;
            if batch.is_empty() {
                return Ok(Err(format!("{size} entries were signed, and {} are sealed", tree.size())));
            }
            let wanted = usize::try_from(size - tree.size()).unwrap_or(usize::MAX);
            for found in batch.into_iter().take(wanted) {
                match sealed(&found, tree.size()) {
                    Ok(hash) => tree.push(hash),
                    Err(why) => return Ok(Err(format!("leaf {}: {why}", tree.size()))),
                }
            }
        }
        Ok(if tree.root() == head.root { Ok(tree) } else { Err(format!("checkpoint {size}: the root is another one")) })
    }
}

impl Audits for Onward {
    fn is_ours(&self, row: &Checked) -> bool {
        self.believed(row).is_some()
    }
}

/// What the row says, if it says it about this tree.
fn known_state(row: Option<&Checked>, tree: &Frontier) -> Option<(u64, bool)> {
    row.filter(|row| row.size == tree.size()).map(|row| (row.size, row.wrong))
}

/// The hash of the entry that stands here, which is what was sealed.
fn sealed(found: &StoredLeaf, index: u64) -> Result<crate::ledger::tree::Hash, String> {
    if found.index != index {
        return Err("its seal is missing".into());
    }
    let stored = found.entry.as_ref().ok_or("its entry is missing")?;
    let hash = leaf(&stored.bytes);
    if found.hash != Some(hash) {
        return Err(format!("{} number {} is not what was sealed", stored.stream, stored.n));
    }
    entry::decode(stored).map(|_| hash)
}
