//! Accounts joined to people with one-time codes: the rows and their guards. What they mean is `domain::linking`'s.

use super::{
    CommitError, Store, StoreError,
    api::{corrupt, platform},
    apply::must_change,
    db::{
        Row,
        Value::{Bool, Int, Text},
    },
    tx::Tx,
};
use crate::domain::{
    ids::PersonId,
    linking::{Counted, Link, Offered},
    policy::Platform,
    time::Instant,
};

/// A change of the joined accounts. Each finds exactly the row that it expects, or the commit is stale.
#[derive(Debug, Clone)]
pub enum LinkWrite {
    /// A person's new code replaces the one before; `n` is the stored one's, zero when there is none.
    Code(Offered),
    /// A code is used up.
    Used {
        person: PersonId,
        hash: String,
        now: Instant,
    },
    /// Wrong codes typed by an account; `n` as for a code.
    Tries {
        platform: Platform,
        account: String,
        wrong: Counted,
        n: u64,
    },
    Join(Link),
    /// An account is parted from its person; the row stays.
    Part {
        platform: Platform,
        account: String,
        person: PersonId,
        at: Instant,
    },
}

impl LinkWrite {
    /// What no two commands of one transaction may share.
    pub(super) fn aggregate(&self) -> String {
        match self {
            Self::Code(Offered { person, .. }) | Self::Used { person, .. } => format!("link {person}"),
            Self::Tries { platform, account, .. } | Self::Part { platform, account, .. } => format!("link {} {account}", platform.name()),
            Self::Join(link) => format!("link {} {}", link.platform.name(), link.account),
        }
    }
}

impl Store {
    /// All accounts that are joined now.
    pub async fn links(&self) -> Result<Vec<Link>, StoreError> {
        let sql = "SELECT platform, account, person, at FROM links WHERE ended_at IS NULL ORDER BY platform, account";
        self.read(sql, &[]).await?.iter().map(link).collect()
    }

    /// The joined account of this id, if it is one.
    pub async fn link_at(&self, platform: Platform, account: &str) -> Result<Option<Link>, StoreError> {
        let sql = "SELECT platform, account, person, at FROM links WHERE platform = $1 AND account = $2 AND ended_at IS NULL";
        self.read(sql, &[Text(platform.name().into()), Text(account.to_owned())]).await?.first().map(link).transpose()
    }

    /// Codes that would still be taken.
    pub async fn live_codes(&self, now: Instant) -> Result<Vec<Offered>, StoreError> {
        let sql = "SELECT person, salt, hash, expires_at, used, made, made_since, n FROM link_codes WHERE expires_at > $1 AND NOT used";
        self.read(sql, &[Int(now.micros())]).await?.iter().map(offered).collect()
    }

    /// A person's newest code, used or not.
    pub async fn code_of(&self, person: &PersonId) -> Result<Option<Offered>, StoreError> {
        let sql = "SELECT person, salt, hash, expires_at, used, made, made_since, n FROM link_codes WHERE person = $1";
        self.read(sql, &[Text(person.to_string())]).await?.first().map(offered).transpose()
    }

    /// An account's wrong codes, and the row's `n`.
    pub async fn link_tries(&self, platform: Platform, account: &str) -> Result<Option<(Counted, u64)>, StoreError> {
        let sql = "SELECT wrong, wrong_since, n FROM link_tries WHERE platform = $1 AND account = $2";
        let rows = self.read(sql, &[Text(platform.name().into()), Text(account.to_owned())]).await?;
        rows.first().map(|row| Ok((counted(row, 0)?, unsigned(row, 2)?))).transpose()
    }
}

pub(super) async fn apply(tx: &mut Tx<'_>, write: &LinkWrite) -> Result<(), CommitError> {
    let rows = match write {
        LinkWrite::Code(code) => {
            let sql = "INSERT INTO link_codes (person, salt, hash, expires_at, used, made, made_since, n) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, 1) ON CONFLICT (person) DO UPDATE SET salt = excluded.salt, \
                       hash = excluded.hash, expires_at = excluded.expires_at, used = excluded.used, made = excluded.made, \
                       made_since = excluded.made_since, n = link_codes.n + 1 WHERE link_codes.n = $8";
            let values = [
                Text(code.person.to_string()),
                Text(code.salt.clone()),
                Text(code.hash.clone()),
                Int(code.expires_at.micros()),
                Bool(code.used),
                Int(i64::from(code.made.count)),
                Int(code.made.since.micros()),
                Int(signed(code.n)),
            ];
            tx.exec(sql, &values).await?
        }
        LinkWrite::Used { person, hash, now } => {
            let sql = "UPDATE link_codes SET used = TRUE, n = n + 1 WHERE person = $1 AND hash = $2 AND NOT used AND expires_at > $3";
            tx.exec(sql, &[Text(person.to_string()), Text(hash.clone()), Int(now.micros())]).await?
        }
        LinkWrite::Tries { platform, account, wrong, n } => {
            let sql = "INSERT INTO link_tries (platform, account, wrong, wrong_since, n) VALUES ($1, $2, $3, $4, 1) \
                       ON CONFLICT (platform, account) DO UPDATE SET wrong = excluded.wrong, wrong_since = excluded.wrong_since, \
                       n = link_tries.n + 1 WHERE link_tries.n = $5";
            let (count, since) = (Int(i64::from(wrong.count)), Int(wrong.since.micros()));
            tx.exec(sql, &[Text(platform.name().into()), Text(account.clone()), count, since, Int(signed(*n))]).await?
        }
        LinkWrite::Join(link) => {
            let sql = "INSERT INTO links (platform, account, person, at, ended_at) VALUES ($1, $2, $3, $4, NULL) \
                       ON CONFLICT (platform, account) DO UPDATE SET person = excluded.person, at = excluded.at, ended_at = NULL \
                       WHERE links.ended_at IS NOT NULL";
            let (platform, person) = (Text(link.platform.name().into()), Text(link.person.to_string()));
            tx.exec(sql, &[platform, Text(link.account.clone()), person, Int(link.at.micros())]).await?
        }
        LinkWrite::Part { platform, account, person, at } => {
            let sql = "UPDATE links SET ended_at = $1 WHERE platform = $2 AND account = $3 AND person = $4 AND ended_at IS NULL";
            let (platform, person) = (Text(platform.name().into()), Text(person.to_string()));
            tx.exec(sql, &[Int(at.micros()), platform, Text(account.clone()), person]).await?
        }
    };
    must_change(rows)
}

fn link(row: &Row) -> Result<Link, StoreError> {
    Ok(Link {
        platform: platform(&row.text(0)?)?,
        account: row.text(1)?,
        person: row.text(2)?.parse().map_err(|_| corrupt("a person's id"))?,
        at: Instant::from_micros(row.int(3)?),
    })
}

fn offered(row: &Row) -> Result<Offered, StoreError> {
    Ok(Offered {
        person: row.text(0)?.parse().map_err(|_| corrupt("a person's id"))?,
        salt: row.text(1)?,
        hash: row.text(2)?,
        expires_at: Instant::from_micros(row.int(3)?),
        used: row.bool(4)?,
        made: counted(row, 5)?,
        n: unsigned(row, 7)?,
    })
}

fn counted(row: &Row, from: usize) -> Result<Counted, StoreError> {
    let count = u32::try_from(row.int(from)?).map_err(|_| corrupt("a count"))?;
    Ok(Counted { count, since: Instant::from_micros(row.int(from + 1)?) })
}

fn unsigned(row: &Row, at: usize) -> Result<u64, StoreError> {
    u64::try_from(row.int(at)?).map_err(|_| corrupt("a row's version"))
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
