//! The audit: recomputes everything from the stored bytes and says exactly where anything was changed.

use std::{collections::BTreeMap, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ed25519_dalek::VerifyingKey;

use super::{
    checkpoint,
    tree::{Frontier, Hash, leaf},
};
use crate::{
    domain::time::Instant,
    store::{Entry, Seal, Store, StoreError, StoredCheckpoint},
};

/// Longest entry.
const ENTRY_MAX: usize = 64 * 1024;

/// What the audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub entries: usize,
    pub sealed: u64,
    pub root: Hash,
    pub findings: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} entries, {} sealed, root {}", self.entries, self.sealed, BASE64.encode(self.root))?;
        for finding in &self.findings {
            writeln!(f, "  CHANGED  {finding}")?;
        }
        write!(f, "{}", if self.findings.is_empty() { "verified: nothing was changed" } else { "NOT VERIFIED" })
    }
}

/// Reads the whole ledger of a store and checks it.
///
/// `signed` is the size and root (base64) that lie beside the key: what was signed last, whatever the store says.
pub async fn verify(store: &Store, origin: &str, key: &VerifyingKey, signed: Option<(u64, String)>) -> Result<Report, StoreError> {
    let mut entries = Vec::new();
    loop {
        let more = store.all_entries(entries.last().map_or(0, |e: &Entry| e.id), 10_000).await?;
        if more.is_empty() {
            break;
        }
        entries.extend(more);
    }
    let mut seals: Vec<Seal> = Vec::new();
    loop {
        let more = store.sealed(seals.last().map_or(0, |s| s.index + 1), 10_000).await?;
        if more.is_empty() {
            break;
        }
        seals.extend(more.into_iter().map(|(seal, _)| seal));
    }
    let mut report = check(&entries, &seals, &store.checkpoints().await?, store.unsealed(u32::MAX).await?.len(), origin, key);
    if let Some((size, root)) = signed {
        let mut frontier = Frontier::default();
        let leaves = usize::try_from(size).unwrap_or(usize::MAX);
        seals.iter().take(leaves).for_each(|seal| frontier.push(seal.leaf));
        if frontier.size() < size {
            report.findings.push(format!("{size} entries were signed, and {} are there: the tail was cut", frontier.size()));
        } else if BASE64.encode(frontier.root()) != root {
            report.findings.push(format!("the first {size} entries are not those that were signed"));
        }
    }
    Ok(report)
}

/// The audit itself, over plain values.
pub fn check(
    entries: &[Entry],
    seals: &[Seal],
    checkpoints: &[StoredCheckpoint],
    unsealed: usize,
    origin: &str,
    key: &VerifyingKey,
) -> Report {
    let mut findings = Vec::new();
    let by_id: BTreeMap<i64, &Entry> = entries.iter().map(|entry| (entry.id, entry)).collect();
    streams(entries, &mut findings);
    let mut frontier = Frontier::default();
    let mut roots = BTreeMap::from([(0, frontier.root())]);
    for (index, seal) in (0u64..).zip(seals) {
        if seal.index != index {
            findings.push(format!("leaf {index}: missing, {} comes next", seal.index));
        }
        match by_id.get(&seal.entry) {
            None => findings.push(format!("leaf {index}: its entry {} is gone", seal.entry)),
            Some(entry) if leaf(&entry.bytes) != seal.leaf => {
                findings.push(format!("leaf {index}: {} number {} is not what was sealed", entry.stream, entry.n));
            }
            Some(_) => {}
        }
        frontier.push(seal.leaf);
        roots.insert(frontier.size(), frontier.root());
    }
    if seals.len() + unsealed != entries.len() {
        findings.push(format!("{} entries, but {} are sealed and {unsealed} wait for it", entries.len(), seals.len()));
    }
    heads(checkpoints, &roots, origin, key, &mut findings);
    if checkpoints.last().is_none_or(|last| last.size < frontier.size()) && frontier.size() > 0 {
        findings.push(format!("leaf {}: no checkpoint covers it", frontier.size() - 1));
    }
    Report { entries: entries.len(), sealed: frontier.size(), root: frontier.root(), findings }
}

fn heads(checkpoints: &[StoredCheckpoint], roots: &BTreeMap<u64, Hash>, origin: &str, key: &VerifyingKey, findings: &mut Vec<String>) {
    for stored in checkpoints {
        let size = stored.size;
        match checkpoint::open(&stored.note, origin, key) {
            Err(error) => findings.push(format!("checkpoint {size}: {error}")),
            Ok(head) if head.size != size || head.root != stored.root => {
                findings.push(format!("checkpoint {size}: its note says something else"));
            }
            Ok(_) => {}
        }
        match roots.get(&size) {
            None => findings.push(format!("checkpoint {size}: the ledger is shorter now, its tail was cut")),
            Some(root) if *root != stored.root => findings.push(format!("checkpoint {size}: the root is another one now")),
            Some(_) => {}
        }
    }
}

/// Each entry by itself, and each stream in order.
fn streams(entries: &[Entry], findings: &mut Vec<String>) {
    let mut by_stream: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        by_stream.entry(&entry.stream).or_default().push(entry);
    }
    for (stream, mut entries) in by_stream {
        entries.sort_by_key(|entry| entry.n);
        let mut last = Instant::from_micros(i64::MIN);
        for (n, entry) in (0u64..).zip(entries) {
            if entry.n != n {
                findings.push(format!("{stream} number {n}: missing"));
                break;
            }
            match parse(entry) {
                Err(why) => findings.push(format!("{stream} number {n}: {why}")),
                Ok(at) if at < last => findings.push(format!("{stream} number {n}: earlier than the one before it")),
                Ok(at) => last = at,
            }
        }
    }
}

/// Canonical bytes that say what their columns say.
fn parse(entry: &Entry) -> Result<Instant, String> {
    if entry.bytes.len() > ENTRY_MAX {
        return Err("longer than 64 KiB".into());
    }
    let value: serde_json::Value = serde_json::from_slice(&entry.bytes).map_err(|error| format!("not JSON: {error}"))?;
    // Duplicate keys disappear in parsing, so bytes that had any differ here.
    if serde_json_canonicalizer::to_vec(&value).ok().as_deref() != Some(entry.bytes.as_slice()) {
        return Err("its bytes are not canonical".into());
    }
    if value["v"] != 1 {
        return Err(format!("version {} is not known", value["v"]));
    }
    if value["stream"] != entry.stream.as_str() || value["n"] != entry.n {
        return Err("it says it is another entry".into());
    }
    let at: Instant = serde_json::from_value(value["at"].clone()).map_err(|_| "its time cannot be read".to_owned())?;
    if at == entry.at { Ok(at) } else { Err("its time differs from its row's".into()) }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use serde_json::json;

    use super::*;
    use crate::ledger::checkpoint::Head;

    const ORIGIN: &str = "example.com/ledger";

    struct Ledger {
        entries: Vec<Entry>,
        seals: Vec<Seal>,
        checkpoints: Vec<StoredCheckpoint>,
        key: SigningKey,
    }

    fn ledger() -> Ledger {
        let key = SigningKey::from_bytes(&[5; 32]);
        let (mut entries, mut seals, mut frontier) = (Vec::new(), Vec::new(), Frontier::default());
        for n in 0..4u64 {
            let at = Instant::from_micros(1_795_528_800_000_000 + i64::try_from(n).unwrap());
            let value = json!({ "v": 1, "stream": "bot", "n": n, "at": at, "event": { "type": "stopped" } });
            let bytes = serde_json_canonicalizer::to_vec(&value).unwrap();
            let id = i64::try_from(n).unwrap() + 1;
            seals.push(Seal { index: n, entry: id, leaf: leaf(&bytes) });
            frontier.push(leaf(&bytes));
            entries.push(Entry { id, stream: "bot".into(), n, at, bytes });
        }
        let head = Head { origin: ORIGIN.into(), size: 4, root: frontier.root() };
        let at = entries[3].at;
        let checkpoints = vec![StoredCheckpoint { size: 4, root: head.root, note: head.sign(&key), at }];
        Ledger { entries, seals, checkpoints, key }
    }

    fn findings(change: impl FnOnce(&mut Ledger)) -> String {
        let mut l = ledger();
        change(&mut l);
        check(&l.entries, &l.seals, &l.checkpoints, 0, ORIGIN, &l.key.verifying_key()).findings.join("\n")
    }

    #[test]
    fn an_untouched_ledger_verifies() {
        assert_eq!(findings(|_| {}), "");
    }

    #[test]
    fn every_kind_of_change_is_found_at_its_place() {
        let edited = findings(|l| {
            let text = String::from_utf8(l.entries[2].bytes.clone()).unwrap().replace("stopped", "started");
            l.entries[2].bytes = text.into_bytes();
        });
        assert!(edited.contains("leaf 2: bot number 2 is not what was sealed"), "{edited}");
        let resealed = findings(|l| {
            l.entries[2].bytes = l.entries[1].bytes.clone();
            l.seals[2].leaf = leaf(&l.entries[2].bytes);
        });
        assert!(resealed.contains("checkpoint 4: the root is another one now"), "{resealed}");
        assert!(resealed.contains("bot number 2: it says it is another entry"), "{resealed}");
        let dropped = findings(|l| drop(l.entries.remove(1)));
        assert!(dropped.contains("leaf 1: its entry 2 is gone") && dropped.contains("bot number 1: missing"), "{dropped}");
        let cut = findings(|l| {
            l.entries.truncate(3);
            l.seals.truncate(3);
        });
        assert!(cut.contains("checkpoint 4: the ledger is shorter now"), "{cut}");
        let forged = findings(|l| l.checkpoints[0].note = l.checkpoints[0].note.replace("\n4\n", "\n5\n"));
        assert!(forged.contains("checkpoint 4: its signature does not fit"), "{forged}");
        let doubled = findings(|l| l.entries[0].bytes = br#"{"v":1,"v":1}"#.to_vec());
        assert!(doubled.contains("bot number 0: its bytes are not canonical"), "{doubled}");
    }
}
