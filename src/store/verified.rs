//! How far the running check of the ledger has come, and how the ledger stands: the row that remembers it, and what a digest
//! shows. What it means, and whether it is to be believed, is the ledger's business.

use super::{
    CommitError, Store, StoreError,
    api::corrupt,
    db::{
        Row,
        Value::{Bool, Int, Text},
    },
    jobs::{Job, Reply, hex},
    ledger::{hash, number, unsigned},
    tx::Tx,
};
use crate::domain::{
    digest::{LedgerNow, Verified},
    time::Instant,
};

/// The ledger up to some place, as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Entries that were read and fit.
    pub size: u64,
    /// The roots of the full subtrees at this size, largest first: what the tree goes on from.
    pub frontier: Vec<[u8; 32]>,
    /// Size and root, signed with the ledger's key.
    pub note: String,
    /// The first of them was read then.
    pub since: Instant,
    pub at: Instant,
    /// Something behind them does not fit.
    pub wrong: bool,
}

/// Replaces the row, if it is still about so many entries (None: if there is none).
#[derive(Debug, Clone)]
pub struct CheckedWrite {
    pub checked: Checked,
    pub expected: Option<u64>,
}

/// Tells what the running check of the ledger remembered from what somebody else wrote in its place.
pub trait Audits: Send + Sync {
    /// Whether it is signed with the ledger's key.
    fn is_ours(&self, row: &Checked) -> bool;
}

impl Store {
    /// How far the running check has come.
    /// # Errors
    /// The store does not answer, or holds what is none.
    pub async fn checked(&self) -> Result<Option<Checked>, StoreError> {
        let rows = self.read("SELECT size, frontier, note, since, at, wrong FROM verified WHERE id = 1", &[]).await?;
        rows.first().map(checked).transpose()
    }

    /// Remembers how far it has come. Stale: another process has come further.
    /// # Errors
    /// The store does not take it.
    pub async fn put_checked(&self, write: CheckedWrite) -> Result<(), CommitError> {
        self.write(Job::Checked(write)).await.map(|_| ())
    }

    /// How the ledger stands now. What was remembered counts only if `audits` says that it is ours: whoever can write the
    /// row could write anything.
    /// # Errors
    /// The store does not answer.
    pub async fn ledger_now(&self, now: Instant, audits: Option<&dyn Audits>) -> Result<LedgerNow, StoreError> {
        // Before the entries are counted: those are never fewer than what was read or signed before.
        let checked = self.checked().await?;
        let signed = self.last_checkpoint().await?.map(|last| (last.size, last.root_text()));
        let sql = "SELECT COALESCE((SELECT MAX(leaf) FROM seals), -1) + 1, (SELECT COUNT(*) FROM unsealed)";
        let rows = self.read(sql, &[]).await?;
        let row = rows.first().ok_or_else(|| corrupt("no row"))?;
        let (entries, waiting) = (unsigned(row, 0)?, unsigned(row, 1)?);
        let verified = match checked {
            Some(Checked { size, at, wrong: true, .. }) => Verified::No { size: size.min(entries), at },
            Some(row) if audits.is_some_and(|audits| audits.is_ours(&row)) => {
                Verified::Yes { size: row.size, at: row.at, since: row.since }
            }
            _ => Verified::NotYet,
        };
        Ok(LedgerNow { entries, waiting, signed, verified }.without_a_tail(now))
    }
}

fn checked(row: &Row) -> Result<Checked, StoreError> {
    let frontier = row.text(1)?.split_whitespace().map(hash).collect::<Result<_, _>>()?;
    let (since, at) = (Instant::from_micros(row.int(3)?), Instant::from_micros(row.int(4)?));
    Ok(Checked { size: unsigned(row, 0)?, frontier, note: row.text(2)?, since, at, wrong: row.bool(5)? })
}

pub(super) async fn put(tx: &mut Tx<'_>, CheckedWrite { checked, expected }: &CheckedWrite) -> Result<Reply, CommitError> {
    let frontier: Vec<String> = checked.frontier.iter().map(|root| hex(root)).collect();
    let mut values = vec![
        number(checked.size),
        Text(frontier.join(" ")),
        Text(checked.note.clone()),
        Int(checked.since.micros()),
        Int(checked.at.micros()),
        Bool(checked.wrong),
    ];
    let sql = if let Some(expected) = expected {
        values.push(number(*expected));
        "UPDATE verified SET size = $1, frontier = $2, note = $3, since = $4, at = $5, wrong = $6 WHERE id = 1 AND size = $7"
    } else {
        "INSERT INTO verified (id, size, frontier, note, since, at, wrong) VALUES (1, $1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"
    };
    if tx.exec(sql, &values).await? == 1 { Ok(Reply::Done) } else { Err(CommitError::Stale) }
}
