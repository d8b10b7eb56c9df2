//! The audit: recomputes everything from the stored bytes of one moment of a store, in batches, and says exactly where
//! anything was changed. Changes nothing.

mod effects;
mod findings;
mod life;
mod older;
pub mod onward;
mod places;
mod streams;

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};

use self::findings::Findings;
use super::{key::Mark, tree::Hash};
use crate::store::{Snapshot, Store, StoreError};

/// Rows read at a time: what bounds the audit's memory, with entries of at most 64 KiB.
const BATCH: u32 = 500;

/// What the audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub entries: u64,
    pub sealed: u64,
    /// Entries that were written and not sealed yet.
    pub waiting: u64,
    pub root: Hash,
    /// Size of the newest checkpoint.
    pub signed: u64,
    /// One line each, most important place first.
    pub findings: Vec<String>,
    /// The only finding is that the newest places are not signed yet: a running bot signs them within a second.
    pub is_only_unsigned: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entries, sealed, waiting, signed, .. } = self;
        writeln!(f, "{entries} entries: {sealed} sealed, {waiting} waiting for their seal; {signed} signed")?;
        writeln!(f, "root {}", BASE64.encode(self.root))?;
        for finding in &self.findings {
            writeln!(f, "  CHANGED  {finding}")?;
        }
        write!(f, "{}", if self.findings.is_empty() { "verified: nothing was changed" } else { "NOT VERIFIED" })
    }
}

/// Who signs, under which name, and what the mark beside the key says, where there is one. Read the mark before the
/// snapshot is taken.
#[derive(Debug, Clone)]
pub struct Trust<'a> {
    pub origin: &'a str,
    pub key: &'a VerifyingKey,
    pub mark: Option<Mark>,
}

/// Checks the whole ledger of a store as it is now.
pub async fn verify(store: &Store, origin: &str, key: &VerifyingKey, mark: Option<Mark>) -> Result<Report, StoreError> {
    audit(&mut store.snapshot().await?, &Trust { origin, key, mark }).await
}

/// Checks the whole ledger of one moment.
pub async fn audit(snapshot: &mut Snapshot, trust: &Trust<'_>) -> Result<Report, StoreError> {
    let counts = snapshot.counts().await?;
    let mut findings = Findings::default();
    let places = places::check(snapshot, trust, &mut findings).await?;
    if counts.sealed != places.read {
        findings.say(format!("{} seals have no place in the tree", counts.sealed.saturating_sub(places.read)));
    }
    streams::check(snapshot, &mut findings).await?;
    unplaced(snapshot, &mut findings).await?;
    words(snapshot, &mut findings).await?;
    let is_only_unsigned = places.unsigned.is_some() && findings.is_empty();
    if let Some(unsigned) = places.unsigned {
        findings.say(unsigned);
    }
    Ok(Report {
        entries: counts.entries,
        sealed: counts.sealed,
        waiting: counts.waiting,
        root: places.root,
        signed: places.signed,
        findings: findings.lines(),
        is_only_unsigned,
    })
}

/// Every entry has a place or waits for one, and nothing else waits.
async fn unplaced(snapshot: &mut Snapshot, findings: &mut Findings) -> Result<(), StoreError> {
    for (stream, n, id) in snapshot.unplaced(BATCH).await? {
        findings.say(format!("{stream} number {n} (entry {id}): neither sealed nor waiting for it"));
    }
    for id in snapshot.waiting_in_vain(BATCH).await? {
        findings.say(format!("entry {id}: waits for its seal, and is gone or sealed"));
    }
    Ok(())
}

/// Words that are there are those whose salted hash the ledger holds. Erased ones are absent, and that is right.
async fn words(snapshot: &mut Snapshot, findings: &mut Findings) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let batch = snapshot.words(&after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(()) };
        after.clone_from(&last.id);
        for words in &batch {
            let hash = Sha256::new().chain_update(words.salt.as_bytes()).chain_update(words.body.as_bytes()).finalize();
            if words.id != format!("w:{hash:x}") {
                let place = snapshot.naming(&words.id).await?;
                let place = place.map_or_else(|| "no entry names them".into(), |(stream, n)| format!("{stream} number {n}"));
                findings.say(format!("the words {}… ({place}): not those that were said", words.id.get(..10).unwrap_or(&words.id)));
            }
        }
    }
}
