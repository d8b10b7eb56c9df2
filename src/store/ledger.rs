//! The ledger's tables as the bot and the sealer see them: entries in order, what is not sealed yet, places in the tree,
//! checkpoints. What only the audit reads is in `audit`.

use super::{
    CommitError, Entry, Seal, Store, StoreError, StoredCheckpoint,
    api::corrupt,
    db::{
        Row,
        Value::{Int, Text},
    },
    jobs::Job,
};
use crate::domain::time::Instant;

impl Store {
    /// Entries of one stream from number `from` on.
    pub async fn entries(&self, stream: &str, from: u64, limit: u32) -> Result<Vec<Entry>, StoreError> {
        let sql = "SELECT id, stream, n, at, bytes FROM entries WHERE stream = $1 AND n >= $2 ORDER BY n LIMIT $3";
        let rows = self.read(sql, &[Text(stream.to_owned()), number(from), Int(i64::from(limit))]).await?;
        rows.iter().map(|row| entry(row, 0)).collect()
    }

    /// Entries of all streams by id, `id > after`.
    pub async fn all_entries(&self, after: i64, limit: u32) -> Result<Vec<Entry>, StoreError> {
        let sql = "SELECT id, stream, n, at, bytes FROM entries WHERE id > $1 ORDER BY id LIMIT $2";
        self.read(sql, &[Int(after), Int(i64::from(limit))]).await?.iter().map(|row| entry(row, 0)).collect()
    }

    /// Entries without a seal, in the order in which they are to be sealed.
    pub async fn unsealed(&self, limit: u32) -> Result<Vec<Entry>, StoreError> {
        let sql = "SELECT e.id, e.stream, e.n, e.at, e.bytes FROM unsealed u JOIN entries e ON e.id = u.entry ORDER BY e.id LIMIT $1";
        self.read(sql, &[Int(i64::from(limit))]).await?.iter().map(|row| entry(row, 0)).collect()
    }

    /// Appends seals in one transaction. Stale: another process sealed first, or the place before them is empty.
    pub async fn seal(&self, seals: Vec<Seal>) -> Result<(), CommitError> {
        self.write(Job::Seal(seals)).await.map(|_| ())
    }

    /// Stores a checkpoint. Stale: one of this size, or one that follows the same one, is stored already.
    pub async fn sign(&self, checkpoint: StoredCheckpoint) -> Result<(), CommitError> {
        self.write(Job::Sign(checkpoint)).await.map(|_| ())
    }

    /// Places in the tree from leaf `from` on, without their entries.
    pub async fn seals(&self, from: u64, limit: u32) -> Result<Vec<Seal>, StoreError> {
        let sql = "SELECT leaf, entry, hash FROM seals WHERE leaf >= $1 ORDER BY leaf LIMIT $2";
        self.read(sql, &[number(from), Int(i64::from(limit))]).await?.iter().map(|row| seal(row, 0)).collect()
    }

    /// How many places are taken, and how many of them the newest checkpoint covers.
    pub async fn sealed(&self) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT COALESCE((SELECT MAX(leaf) FROM seals), -1) + 1, COALESCE((SELECT MAX(size) FROM checkpoints), 0)";
        let rows = self.read(sql, &[]).await?;
        let row = rows.first().ok_or_else(|| corrupt("no row"))?;
        Ok((unsigned(row, 0)?, unsigned(row, 1)?))
    }

    /// The newest signed head: what a closing summary shows. One row by primary key.
    pub async fn last_checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        let rows = self.read("SELECT size, root, note, at, previous FROM checkpoints ORDER BY size DESC LIMIT 1", &[]).await?;
        rows.first().map(checkpoint).transpose()
    }

    /// All of them, smallest first.
    pub async fn checkpoints(&self) -> Result<Vec<StoredCheckpoint>, StoreError> {
        self.read("SELECT size, root, note, at, previous FROM checkpoints ORDER BY size", &[]).await?.iter().map(checkpoint).collect()
    }
}

pub(super) fn number(n: u64) -> super::db::Value {
    Int(i64::try_from(n).unwrap_or(i64::MAX))
}

pub(super) fn unsigned(row: &Row, index: usize) -> Result<u64, StoreError> {
    u64::try_from(row.int(index)?).map_err(|_| corrupt("a negative number"))
}

/// Columns id, stream, n, at, bytes.
pub(super) fn entry(row: &Row, from: usize) -> Result<Entry, StoreError> {
    Ok(Entry {
        id: row.int(from)?,
        stream: row.text(from + 1)?,
        n: unsigned(row, from + 2)?,
        at: Instant::from_micros(row.int(from + 3)?),
        bytes: row.text(from + 4)?.into_bytes(),
    })
}

/// Columns leaf, entry, hash.
pub(super) fn seal(row: &Row, from: usize) -> Result<Seal, StoreError> {
    Ok(Seal { index: unsigned(row, from)?, entry: row.int(from + 1)?, leaf: hash(&row.text(from + 2)?)? })
}

/// Columns size, root, note, at, previous.
pub(super) fn checkpoint(row: &Row) -> Result<StoredCheckpoint, StoreError> {
    Ok(StoredCheckpoint {
        size: unsigned(row, 0)?,
        root: hash(&row.text(1)?)?,
        note: row.text(2)?,
        at: Instant::from_micros(row.int(3)?),
        previous: unsigned(row, 4)?,
    })
}

/// 64 hexadecimal digits.
pub(super) fn hash(text: &str) -> Result<[u8; 32], StoreError> {
    let bytes: Option<Vec<u8>> =
        (0..text.len()).step_by(2).map(|i| text.get(i..i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())).collect();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| corrupt("a hash"))
}
