//! What an auditor reads of one moment of a store: batches by key, never everything at once, and what does not fit together.

use super::{
    Entry, Snapshot, StoreError, StoredCheckpoint,
    db::{
        Row,
        Value::{Int, Text},
    },
    ledger::{checkpoint, entry, hash, number, unsigned},
};
use crate::domain::{
    time::Instant,
    words::{Texts, WordId},
};

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub entries: u64,
    pub sealed: u64,
    /// Entries that wait for their seal.
    pub waiting: u64,
    pub checkpoints: u64,
}

/// A place in the tree as it is stored, whatever was done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLeaf {
    pub index: u64,
    /// Id of the entry that was sealed here.
    pub id: i64,
    /// None: what stands there is no hash.
    pub hash: Option<[u8; 32]>,
    /// None: the entry is not there.
    pub entry: Option<Entry>,
}

/// Words as stored: what their id should be the salted hash of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWords {
    pub id: String,
    pub salt: String,
    pub body: String,
}

impl Snapshot {
    pub async fn counts(&mut self) -> Result<Counts, StoreError> {
        let sql = "SELECT (SELECT COUNT(*) FROM entries), (SELECT COUNT(*) FROM seals), (SELECT COUNT(*) FROM unsealed), \
                   (SELECT COUNT(*) FROM checkpoints)";
        let rows = self.rows(sql, &[]).await?;
        let row = rows.first().ok_or_else(|| super::api::corrupt("no row"))?;
        Ok(Counts { entries: unsigned(row, 0)?, sealed: unsigned(row, 1)?, waiting: unsigned(row, 2)?, checkpoints: unsigned(row, 3)? })
    }

    /// Places in the tree from `from` on, with their entries.
    pub async fn leaves(&mut self, from: u64, limit: u32) -> Result<Vec<StoredLeaf>, StoreError> {
        let sql = "SELECT s.leaf, s.entry, s.hash, e.id, e.stream, e.n, e.at, e.bytes FROM seals s LEFT JOIN entries e ON e.id = s.entry \
                   WHERE s.leaf >= $1 ORDER BY s.leaf LIMIT $2";
        let rows = self.rows(sql, &[number(from), Int(i64::from(limit))]).await?;
        let leaf = |row| {
            let entry = Row::int_or(row, 3)?.map(|_| entry(row, 3)).transpose()?;
            Ok(StoredLeaf { index: unsigned(row, 0)?, id: row.int(1)?, hash: hash(&row.text(2)?).ok(), entry })
        };
        rows.iter().map(leaf).collect()
    }

    /// Entries stream by stream, each in its order, behind `(stream, n)`; begin with `("", 0)`.
    pub async fn in_streams(&mut self, stream: &str, n: u64, limit: u32) -> Result<Vec<Entry>, StoreError> {
        let sql = "SELECT id, stream, n, at, bytes FROM entries WHERE (stream, n) > ($1, $2) ORDER BY stream, n LIMIT $3";
        let rows = self.rows(sql, &[Text(stream.to_owned()), number(n), Int(i64::from(limit))]).await?;
        rows.iter().map(|row| entry(row, 0)).collect()
    }

    /// Entries of one stream from number `from` on.
    pub async fn of_stream(&mut self, stream: &str, from: u64, limit: u32) -> Result<Vec<Entry>, StoreError> {
        let sql = "SELECT id, stream, n, at, bytes FROM entries WHERE stream = $1 AND n >= $2 ORDER BY n LIMIT $3";
        let rows = self.rows(sql, &[Text(stream.to_owned()), number(from), Int(i64::from(limit))]).await?;
        rows.iter().map(|row| entry(row, 0)).collect()
    }

    /// Entries of one stream up to a moment, newest first.
    pub async fn up_to(&mut self, stream: &str, at: Instant, limit: u32) -> Result<Vec<Entry>, StoreError> {
        let sql = "SELECT id, stream, n, at, bytes FROM entries WHERE stream = $1 AND at <= $2 ORDER BY n DESC LIMIT $3";
        let rows = self.rows(sql, &[Text(stream.to_owned()), Int(at.micros()), Int(i64::from(limit))]).await?;
        rows.iter().map(|row| entry(row, 0)).collect()
    }

    /// When the newest entry of all was written.
    pub async fn newest(&mut self) -> Result<Option<Instant>, StoreError> {
        let rows = self.rows("SELECT at FROM entries ORDER BY id DESC LIMIT 1", &[]).await?;
        Ok(rows.first().map(|row| row.int(0)).transpose()?.map(Instant::from_micros))
    }

    /// Entries of all streams in the order in which they were written, `id > after`, within `[since, until)`.
    pub async fn written(&mut self, after: i64, since: Instant, until: Instant, limit: u32) -> Result<Vec<Entry>, StoreError> {
        let sql = "SELECT id, stream, n, at, bytes FROM entries WHERE id > $1 AND at >= $2 AND at < $3 ORDER BY id LIMIT $4";
        let values = [Int(after), Int(since.micros()), Int(until.micros()), Int(i64::from(limit))];
        self.rows(sql, &values).await?.iter().map(|row| entry(row, 0)).collect()
    }

    /// Checkpoints larger than `size`, smallest first; their size alone where the rest cannot be read.
    pub async fn checkpoints(&mut self, size: u64, limit: u32) -> Result<Vec<(u64, Option<StoredCheckpoint>)>, StoreError> {
        let sql = "SELECT size, root, note, at, previous FROM checkpoints WHERE size > $1 ORDER BY size LIMIT $2";
        let rows = self.rows(sql, &[number(size), Int(i64::from(limit))]).await?;
        rows.iter().map(|row| Ok((unsigned(row, 0)?, checkpoint(row).ok()))).collect()
    }

    /// Entries that are neither sealed nor wait for it: stream, number and id.
    pub async fn unplaced(&mut self, limit: u32) -> Result<Vec<(String, u64, i64)>, StoreError> {
        let sql = "SELECT e.stream, e.n, e.id FROM entries e WHERE NOT EXISTS (SELECT 1 FROM seals s WHERE s.entry = e.id) \
                   AND NOT EXISTS (SELECT 1 FROM unsealed u WHERE u.entry = e.id) ORDER BY e.id LIMIT $1";
        let rows = self.rows(sql, &[Int(i64::from(limit))]).await?;
        rows.iter().map(|row| Ok((row.text(0)?, unsigned(row, 1)?, row.int(2)?))).collect()
    }

    /// Ids that wait for a seal though the entry is gone, or sealed already.
    pub async fn waiting_in_vain(&mut self, limit: u32) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT u.entry FROM unsealed u WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.id = u.entry) \
                   OR EXISTS (SELECT 1 FROM seals s WHERE s.entry = u.entry) ORDER BY u.entry LIMIT $1";
        Ok(self.rows(sql, &[Int(i64::from(limit))]).await?.iter().map(|row| row.int(0)).collect::<Result<_, _>>()?)
    }

    /// Streams whose counter says that there are more entries behind the newest: stream, newest number + 1, counter.
    pub async fn cut_streams(&mut self, limit: u32) -> Result<Vec<(String, u64, u64)>, StoreError> {
        let sql = "SELECT stream, there, n FROM (SELECT s.stream AS stream, s.n AS n, \
                   COALESCE((SELECT MAX(e.n) + 1 FROM entries e WHERE e.stream = s.stream), 0) AS there FROM streams s) AS counted \
                   WHERE there < n ORDER BY stream LIMIT $1";
        let rows = self.rows(sql, &[Int(i64::from(limit))]).await?;
        rows.iter().map(|row| Ok((row.text(0)?, unsigned(row, 1)?, unsigned(row, 2)?))).collect()
    }

    /// How many entries a stream's counter says it has.
    pub async fn counted(&mut self, stream: &str) -> Result<u64, StoreError> {
        let rows = self.rows("SELECT n FROM streams WHERE stream = $1", &[Text(stream.to_owned())]).await?;
        rows.first().map_or(Ok(0), |row| unsigned(row, 0))
    }

    /// Request documents whose stream has no beginning.
    pub async fn requests_without_stream(&mut self, limit: u32) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT r.id FROM requests r WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.stream = 'request/' || r.id AND e.n = 0) \
                   AND NOT EXISTS (SELECT 1 FROM streams s WHERE s.stream = 'request/' || r.id) ORDER BY r.id LIMIT $1";
        Ok(self.rows(sql, &[Int(i64::from(limit))]).await?.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?)
    }

    /// A request's document as it is stored.
    pub async fn document(&mut self, id: &str) -> Result<Option<String>, StoreError> {
        let rows = self.rows("SELECT document FROM requests WHERE id = $1", &[Text(id.to_owned())]).await?;
        Ok(rows.first().map(|row| row.text(0)).transpose()?)
    }

    /// Requester, subject and resource of a request.
    pub async fn request_row(&mut self, id: &str) -> Result<Option<(String, String, String)>, StoreError> {
        let rows = self.rows("SELECT requester, subject, resource FROM requests WHERE id = $1", &[Text(id.to_owned())]).await?;
        rows.first().map(|row| Ok((row.text(0)?, row.text(1)?, row.text(2)?))).transpose()
    }

    /// Streams whose name begins so; a few of them.
    pub async fn streams_like(&mut self, beginning: &str) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT stream FROM streams WHERE substr(stream, 1, CAST($2 AS INTEGER)) = $1 ORDER BY stream LIMIT 3";
        let length = i64::try_from(beginning.chars().count()).unwrap_or(i64::MAX);
        let rows = self.rows(sql, &[Text(beginning.to_owned()), Int(length)]).await?;
        Ok(rows.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?)
    }

    /// Words by id, `id > after`.
    pub async fn words(&mut self, after: &str, limit: u32) -> Result<Vec<StoredWords>, StoreError> {
        let sql = "SELECT id, salt, body FROM words WHERE id > $1 ORDER BY id LIMIT $2";
        let rows = self.rows(sql, &[Text(after.to_owned()), Int(i64::from(limit))]).await?;
        rows.iter().map(|row| Ok(StoredWords { id: row.text(0)?, salt: row.text(1)?, body: row.text(2)? })).collect()
    }

    /// The texts of these ids; erased ones are absent.
    pub async fn texts(&mut self, ids: &[WordId]) -> Result<Texts, StoreError> {
        let mut texts = Texts::new();
        for id in ids {
            let rows = self.rows("SELECT body FROM words WHERE id = $1", &[Text(id.as_str().into())]).await?;
            if let Some(row) = rows.first() {
                texts.insert(id.clone(), row.text(0)?);
            }
        }
        Ok(texts)
    }

    /// The first entry that names these words. Reads everything: for what was found to be wrong.
    pub async fn naming(&mut self, words: &str) -> Result<Option<(String, u64)>, StoreError> {
        let sql = "SELECT stream, n FROM entries WHERE bytes LIKE '%\"' || $1 || '\"%' ORDER BY id LIMIT 1";
        let rows = self.rows(sql, &[Text(words.to_owned())]).await?;
        rows.first().map(|row| Ok((row.text(0)?, unsigned(row, 1)?))).transpose()
    }
}
