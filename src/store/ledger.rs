//! The ledger's tables as `ledger` sees them: entries in order, what is not sealed yet, seals and checkpoints.

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
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        let rows = self.read(sql, &[Text(stream.to_owned()), Int(from), Int(i64::from(limit))]).await?;
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

    /// Appends seals and their checkpoint in one transaction. Stale: another process sealed first.
    pub async fn seal(&self, seals: Vec<Seal>, checkpoint: StoredCheckpoint) -> Result<(), CommitError> {
        self.write(Job::Seal { seals, checkpoint }).await.map(|_| ())
    }

    /// Seals with their entries' bytes, from leaf `from` on.
    pub async fn sealed(&self, from: u64, limit: u32) -> Result<Vec<(Seal, Entry)>, StoreError> {
        let sql = "SELECT s.leaf, s.hash, e.id, e.stream, e.n, e.at, e.bytes FROM seals s JOIN entries e ON e.id = s.entry \
                   WHERE s.leaf >= $1 ORDER BY s.leaf LIMIT $2";
        let rows = self.read(sql, &[Int(i64::try_from(from).unwrap_or(i64::MAX)), Int(i64::from(limit))]).await?;
        rows.iter()
            .map(|row| {
                let entry = entry(row, 2)?;
                let index = u64::try_from(row.int(0)?).map_err(|_| corrupt("a leaf's index"))?;
                Ok((Seal { index, entry: entry.id, leaf: hash(&row.text(1)?)? }, entry))
            })
            .collect()
    }

    pub async fn last_checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        let rows = self.read("SELECT size, root, note, at FROM checkpoints ORDER BY size DESC LIMIT 1", &[]).await?;
        rows.first().map(checkpoint).transpose()
    }

    /// All of them, smallest first.
    pub async fn checkpoints(&self) -> Result<Vec<StoredCheckpoint>, StoreError> {
        self.read("SELECT size, root, note, at FROM checkpoints ORDER BY size", &[]).await?.iter().map(checkpoint).collect()
    }
}

fn entry(row: &Row, from: usize) -> Result<Entry, StoreError> {
    Ok(Entry {
        id: row.int(from)?,
        stream: row.text(from + 1)?,
        n: u64::try_from(row.int(from + 2)?).map_err(|_| corrupt("an entry's number"))?,
        at: Instant::from_micros(row.int(from + 3)?),
        bytes: row.text(from + 4)?.into_bytes(),
    })
}

fn checkpoint(row: &Row) -> Result<StoredCheckpoint, StoreError> {
    Ok(StoredCheckpoint {
        size: u64::try_from(row.int(0)?).map_err(|_| corrupt("a checkpoint's size"))?,
        root: hash(&row.text(1)?)?,
        note: row.text(2)?,
        at: Instant::from_micros(row.int(3)?),
    })
}

fn hash(text: &str) -> Result<[u8; 32], StoreError> {
    let bytes: Option<Vec<u8>> =
        (0..text.len()).step_by(2).map(|i| text.get(i..i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())).collect();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| corrupt("a hash"))
}
