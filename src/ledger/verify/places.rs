//! The tree: every place in order, each entry against its seal, each checkpoint against the root at its size. Two roots
//! are kept, of the seals and of the entries' bytes, so that it can be said which of the two was changed.

use std::collections::VecDeque;

use super::{BATCH, Trust, findings::Findings, findings::range};
use crate::{
    ledger::{
        checkpoint,
        tree::{Frontier, Hash, leaf},
    },
    store::{Snapshot, StoreError, StoredCheckpoint, StoredLeaf},
};

/// What the walk over the tree came to.
pub(super) struct Places {
    /// Seals that have a place.
    pub read: u64,
    pub root: Hash,
    pub signed: u64,
    /// The newest places, if no checkpoint covers them.
    pub unsigned: Option<String>,
}

/// A place whose entry is not what was sealed there.
struct Odd {
    leaf: u64,
    entry: String,
    sealed: Option<Hash>,
    found: Hash,
}

/// Places looked at together between two checkpoints at most.
const ODD: usize = 1_000;

struct Walk<'a> {
    trust: &'a Trust<'a>,
    findings: &'a mut Findings,
    seals: Frontier,
    bytes: Frontier,
    odd: Vec<Odd>,
    read: u64,
    /// Once a root cannot fit any more, that is said once.
    is_lost: bool,
    /// The checkpoint before.
    signed: u64,
}

/// Walks over all places and checkpoints.
pub(super) async fn check(snapshot: &mut Snapshot, trust: &Trust<'_>, findings: &mut Findings) -> Result<Places, StoreError> {
    let (seals, bytes) = (Frontier::default(), Frontier::default());
    let mut walk = Walk { trust, findings, seals, bytes, odd: Vec::new(), read: 0, is_lost: false, signed: 0 };
    let mut heads = Heads::default();
    loop {
        let batch = snapshot.leaves(walk.seals.size(), BATCH).await?;
        if batch.is_empty() {
            break;
        }
        for leaf in batch {
            walk.step(leaf);
            while let Some(head) = heads.next_up_to(snapshot, walk.seals.size()).await? {
                walk.checkpoint(&head);
            }
            walk.mark();
        }
    }
    while let Some((size, _)) = heads.next_up_to(snapshot, u64::MAX).await? {
        walk.findings
            .say(format!("checkpoint {size}: {} leaves are here: the tail was cut, or the database rolled back", walk.seals.size()));
        walk.signed = size;
    }
    Ok(walk.end())
}

/// The checkpoints in order, a page at a time.
#[derive(Default)]
struct Heads {
    page: VecDeque<(u64, Option<StoredCheckpoint>)>,
    last: u64,
    is_over: bool,
}

impl Heads {
    /// The next one, if it is not larger than this.
    async fn next_up_to(&mut self, snapshot: &mut Snapshot, size: u64) -> Result<Option<(u64, Option<StoredCheckpoint>)>, StoreError> {
        if self.page.is_empty() && !self.is_over {
            self.page = snapshot.checkpoints(self.last, BATCH).await?.into();
            self.is_over = self.page.is_empty();
        }
        let next = self.page.pop_front_if(|(next, _)| *next <= size);
        self.last = next.as_ref().map_or(self.last, |(size, _)| *size);
        Ok(next)
    }
}

impl Walk<'_> {
    fn step(&mut self, leaf_here: StoredLeaf) {
        let StoredLeaf { index, id, hash, entry } = leaf_here;
        self.read += 1;
        let expected = self.seals.size();
        if index > expected {
            self.findings.say(format!("{}: the seal is missing", range("leaf", expected, index - 1)));
            self.is_lost = true;
            // Stands in for what is not there, so that the numbers go on.
            (expected..index).for_each(|_| self.push([0; 32], [0; 32]));
        }
        let found = entry.as_ref().map(|entry| leaf(&entry.bytes));
        match (&entry, found) {
            (Some(entry), _) if hash.is_none() => {
                self.findings.say(format!("leaf {index}: the seal of {} number {} is no hash", entry.stream, entry.n));
            }
            (Some(entry), Some(found)) if Some(found) != hash => {
                if self.odd.len() == ODD {
                    self.tell_odd("and its seal do not fit each other");
                }
                self.odd.push(Odd { leaf: index, entry: format!("{} number {}", entry.stream, entry.n), sealed: hash, found });
            }
            (None, _) => self.findings.lost_leaf(index, id),
            _ => {}
        }
        let (sealed, found) = (hash.or(found).unwrap_or_default(), found.or(hash).unwrap_or_default());
        self.push(sealed, found);
    }

    fn push(&mut self, sealed: Hash, found: Hash) {
        self.seals.push(sealed);
        self.bytes.push(found);
    }

    fn checkpoint(&mut self, (size, stored): &(u64, Option<StoredCheckpoint>)) {
        let before = std::mem::replace(&mut self.signed, *size);
        let Some(stored) = stored else {
            self.findings.say(format!("checkpoint {size}: it cannot be read"));
            return;
        };
        if stored.previous > before {
            self.findings.say(format!("checkpoint {}: missing, and checkpoint {size} followed it", stored.previous));
        } else if stored.previous < before {
            self.findings.say(format!("checkpoint {before}: checkpoint {size} did not follow it, but {}", stored.previous));
        }
        let root = match checkpoint::open(&stored.note, self.trust.origin, self.trust.key) {
            Err(error) => {
                self.findings.say(format!("checkpoint {size}: {error}"));
                stored.root
            }
            Ok(head) => {
                if head.size != *size || head.root != stored.root {
                    self.findings.say(format!("checkpoint {size}: its note says something else"));
                }
                if head.size == *size { head.root } else { stored.root }
            }
        };
        if self.is_lost {
            self.tell_odd("and its seal do not fit each other");
        } else if self.seals.root() == root {
            self.tell_odd("is not what was sealed");
            self.bytes = self.seals.clone();
        } else if self.bytes.root() == root {
            self.tell_odd("is what was signed, but its seal was changed");
            self.seals = self.bytes.clone();
        } else {
            self.tell_odd("and its seal do not fit each other");
            self.findings.say(format!("checkpoint {size}: the root is another one now"));
            self.is_lost = true;
        }
    }

    fn tell_odd(&mut self, what: &str) {
        let odd = std::mem::take(&mut self.odd);
        for Odd { leaf, entry, found, .. } in &odd {
            let elsewhere = odd.iter().find(|other| other.leaf != *leaf && other.sealed == Some(*found));
            self.findings.say(match elsewhere {
                Some(other) => format!("leaf {leaf}: {entry} stands there, with the bytes that were sealed as leaf {}", other.leaf),
                None => format!("leaf {leaf}: {entry} {what}"),
            });
        }
    }

    fn mark(&mut self) {
        let Some(mark) = &self.trust.mark else { return };
        let fits = mark.root == self.seals.root() || mark.root == self.bytes.root();
        if mark.size == self.seals.size() && !fits && !self.is_lost {
            self.findings.say(format!("the first {} entries are not those that were signed, says the mark beside the key", mark.size));
            self.is_lost = true;
        }
    }

    fn end(mut self) -> Places {
        self.tell_odd("and its seal do not fit each other");
        let size = self.seals.size();
        if let Some(mark) = &self.trust.mark
            && mark.size > size
        {
            let signed = mark.size;
            self.findings.say(format!(
                "{signed} entries were signed, says the mark beside the key, and {size} are sealed here: the tail was cut, or the \
                 database rolled back"
            ));
        }
        let unsigned = (self.signed < size).then(|| {
            let what = range("leaf", self.signed, size - 1);
            format!("{what}: not covered by a checkpoint: one is missing, or the bot stopped before it signed (its next start does)")
        });
        Places { read: self.read, root: self.seals.root(), signed: self.signed, unsigned }
    }
}
