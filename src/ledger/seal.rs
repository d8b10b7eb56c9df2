//! Seals entries into the tree, behind the commit that wrote them, and signs the tree in a second step.
//!
//! First the places are committed, so that the database alone says which entry is which leaf. Only a tree whose places
//! are committed is signed, and only after its size and root were made durable beside the key. A stop between any two of
//! these steps leaves places without a signature, which the next round signs; two sealers over one database see one tree.

use std::collections::VecDeque;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use super::{
    checkpoint::{self, Head},
    key::{Key, Mark},
    tree::{Frontier, Hash, leaf},
};
use crate::{
    domain::time::Instant,
    faults,
    store::{CommitError, Seal, Store, StoreError, StoredCheckpoint},
};

/// Entries sealed in one transaction at most.
const BATCH: u32 = 2_000;
/// Places read at a time.
const PAGE: u32 = 10_000;

/// The sealer of this process.
pub struct Sealer {
    store: Store,
    key: Key,
    origin: String,
    tree: Tree,
}

/// Heads that are remembered.
const HEADS: usize = 64;

/// The tree as far as this process has followed it.
#[derive(Default)]
struct Tree {
    frontier: Frontier,
    last: Option<Hash>,
    /// The newest heads that this tree passed through, where somebody may have signed.
    heads: VecDeque<Mark>,
}

impl Sealer {
    pub fn new(store: Store, key: Key, origin: String) -> Self {
        Self { store, key, origin, tree: Tree::default() }
    }

    /// Seals what is there, at most one batch, and signs what is sealed. Returns how many entries were sealed.
    pub async fn seal_once(&mut self, now: Instant) -> Result<usize, String> {
        let entries = self.store.unsealed(BATCH).await.map_err(shown)?;
        let (sealed, covered) = self.store.sealed().await.map_err(shown)?;
        let is_followed = sealed == self.tree.frontier.size() && sealed == covered;
        if entries.is_empty() && is_followed {
            return Ok(0);
        }
        self.follow().await?;
        let count = self.place(&entries).await?;
        self.sign(now).await?;
        Ok(count)
    }

    /// The newest root, for people.
    pub fn root(&self) -> Option<(u64, String)> {
        let frontier = &self.tree.frontier;
        (frontier.size() > 0).then(|| (frontier.size(), BASE64.encode(frontier.root())))
    }

    /// Reads the places that others took, or that are left from before a stop. The tree must go on from where this
    /// process saw it and pass through what was signed: else the database was rolled back or changed.
    async fn follow(&mut self) -> Result<(), String> {
        let signed = self.signed().await?;
        let is_behind = |mark: &Mark| mark.size < self.tree.frontier.size() && !self.tree.heads.contains(mark);
        if signed.iter().any(is_behind) {
            // Signed at a size that this process ran past: looked at once more, from the beginning.
            self.tree = Tree::default();
        }
        self.tree.pass(&signed)?;
        loop {
            let from = self.tree.frontier.size();
            let mut seals = self.store.seals(from.saturating_sub(1), PAGE).await.map_err(shown)?.into_iter();
            if let Some(last) = self.tree.last
                && seals.next().is_none_or(|seal| seal.index + 1 != from || seal.leaf != last)
            {
                return Err(rolled_back(from, "were sealed, and the last of them is not there any more"));
            }
            for seal in seals {
                if seal.index != self.tree.frontier.size() {
                    return Err(format!("the seal of leaf {} is missing: run `hallpass audit verify`", self.tree.frontier.size()));
                }
                self.tree.push(seal.leaf);
                self.tree.pass(&signed)?;
            }
            if self.tree.frontier.size() == from {
                break;
            }
        }
        self.tree.remember();
        match signed.iter().find(|mark| mark.size > self.tree.frontier.size()) {
            Some(mark) => Err(rolled_back(mark.size, &format!("were signed, and {} are sealed here", self.tree.frontier.size()))),
            None => Ok(()),
        }
    }

    /// What must not be contradicted: the mark beside the key, and the newest checkpoint, which must be of this key.
    async fn signed(&self) -> Result<Vec<Mark>, String> {
        let mut signed: Vec<Mark> = self.key.mark().read()?.into_iter().collect();
        if let Some(last) = self.store.last_checkpoint().await.map_err(shown)? {
            let head = checkpoint::open(&last.note, &self.origin, &self.key.signing.verifying_key());
            let head =
                head.map_err(|why| format!("checkpoint {}: {why}: bring back the key that signed this ledger, and its origin", last.size))?;
            signed.push(Mark::from(&head));
        }
        Ok(signed)
    }

    /// Gives the entries their places. Another process may be faster: then there is nothing to do but to follow it.
    async fn place(&mut self, entries: &[crate::store::Entry]) -> Result<usize, String> {
        if entries.is_empty() {
            return Ok(0);
        }
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf(&entry.bytes)).collect();
        let places = (self.tree.frontier.size()..).zip(entries).zip(&leaves);
        let seals = places.map(|((index, entry), leaf)| Seal { index, entry: entry.id, leaf: *leaf }).collect();
        faults::point("seal.placing");
        match self.store.seal(seals).await {
            Ok(()) => {
                faults::point("seal.placed");
                for leaf in leaves {
                    self.tree.push(leaf);
                }
                self.tree.remember();
                Ok(entries.len())
            }
            Err(CommitError::Stale | CommitError::Fenced) => Ok(0),
            // Committed or not: the next round reads what is there.
            Err(CommitError::Unavailable(why) | CommitError::Refused(why)) => Err(why),
        }
    }

    /// Signs the tree as it is committed: the mark first, durable, then the signature, then the checkpoint.
    async fn sign(&mut self, now: Instant) -> Result<(), String> {
        let Some(_alone) = self.key.mark().lock()? else { return Ok(()) };
        let head = Head { origin: self.origin.clone(), size: self.tree.frontier.size(), root: self.tree.frontier.root() };
        let mark = Mark::from(&head);
        let previous = self.store.last_checkpoint().await.map_err(shown)?.map_or(0, |last| last.size);
        let is_known = |before: &Mark| self.tree.heads.contains(before);
        if head.size <= previous || !self.key.mark().read()?.as_ref().is_none_or(is_known) {
            // Somebody signed meanwhile: the next round follows them first.
            return Ok(());
        }
        self.key.mark().write(&mark)?;
        faults::point("seal.marked");
        let note = head.sign(&self.key.signing);
        match self.store.sign(StoredCheckpoint { size: head.size, root: head.root, note, at: now, previous }).await {
            // Stale: another process stored one that follows the same checkpoint; the next round follows that one.
            Ok(()) | Err(CommitError::Stale | CommitError::Fenced) => {
                faults::point("seal.signed");
                Ok(())
            }
            Err(CommitError::Unavailable(why) | CommitError::Refused(why)) => Err(why),
        }
    }
}

impl Tree {
    fn push(&mut self, leaf: Hash) {
        self.frontier.push(leaf);
        self.last = Some(leaf);
    }

    /// Notes the signed heads of this size; one with another root is a contradiction.
    fn pass(&mut self, signed: &[Mark]) -> Result<(), String> {
        let size = self.frontier.size();
        for mark in signed.iter().filter(|mark| mark.size == size) {
            if mark.root != self.frontier.root() {
                return Err(format!("the first {} entries are not those that were signed: run `hallpass audit verify`", mark.size));
            }
            self.remember();
        }
        Ok(())
    }

    fn remember(&mut self) {
        let head = Mark { size: self.frontier.size(), root: self.frontier.root() };
        if self.heads.back() != Some(&head) {
            self.heads.push_back(head);
        }
        if self.heads.len() > HEADS {
            self.heads.pop_front();
        }
    }
}

fn rolled_back(size: u64, what: &str) -> String {
    format!("{size} entries {what}: the database was rolled back or cut; run `hallpass audit verify`")
}

#[expect(clippy::needless_pass_by_value, reason = "given to map_err")]
fn shown(error: StoreError) -> String {
    error.to_string()
}
