//! Digests: each made once, in turn, whoever comes first; where each is posted and how far; and when no bot ran. What they tell,
//! and when they are due, is `domain::digest`'s.

use super::{
    CommitError, Posted, Store, StoreError,
    api::corrupt,
    apply::exec,
    db::{
        Row,
        Value::{Int, Text, TextOr},
    },
    document::{Versioned, parsed},
    tx::Tx,
};
use crate::domain::{
    digest::{Away, Before, DOCUMENT_VERSION, Made},
    policy::Platform,
    time::Instant,
};

/// A change of what is kept of digests.
#[derive(Debug, Clone)]
pub enum DigestWrite {
    /// They are asked for from this moment on, unless they were already.
    Began { at: Instant },
    /// The digest after those that there are; somebody else made it: stale.
    Made(Box<Made>),
    /// How far it was posted at a place.
    Told(DigestPost),
    /// A bot runs.
    Alive { at: Instant },
    /// No bot ran; known already: nothing.
    Away(Away),
}

/// How far a digest was posted at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestPost {
    pub digest: u64,
    pub platform: Platform,
    /// A channel's id.
    pub place: String,
    /// Its first message; the others stand under it.
    pub posted: Option<Posted>,
    /// So many of its lines stand there.
    pub lines: usize,
    /// In so many messages.
    pub messages: usize,
    /// Nonce of a message that may have been sent, on a chat that would not recognise it.
    pub sending: Option<String>,
}

impl Versioned for Made {
    const VERSION: u32 = DOCUMENT_VERSION;
    const WHAT: &'static str = "a digest";
}

impl Store {
    /// The number of the last digest and where it ended; None: digests were never asked for here.
    pub async fn last_digest(&self) -> Result<Option<(u64, Before)>, StoreError> {
        let rows = self.read("SELECT n, to_at FROM digests ORDER BY n DESC LIMIT 1", &[]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (n, to) = (number(row, 0)?, Instant::from_micros(row.int(1)?));
        if n > 0 {
            return Ok(Some((n, Before::Digest { to })));
        }
        let first = self.read("SELECT at FROM entries ORDER BY id LIMIT 1", &[]).await?;
        let started = first.first().map(|row| row.int(0)).transpose()?.map_or(to, Instant::from_micros);
        Ok(Some((n, Before::Nothing { began: to, started })))
    }

    /// The digest of this number.
    pub async fn digest(&self, n: u64) -> Result<Option<Made>, StoreError> {
        made(&self.read("SELECT document FROM digests WHERE n = $1 AND document IS NOT NULL", &[Int(signed(n))]).await?)
    }

    /// The digests that end from `from` on and before `before`, in order.
    pub async fn digests_ending(&self, from: Instant, before: Instant) -> Result<Vec<Made>, StoreError> {
        let sql = "SELECT document FROM digests WHERE to_at >= $1 AND to_at < $2 AND document IS NOT NULL ORDER BY to_at";
        let rows = self.read(sql, &[Int(from.micros()), Int(before.micros())]).await?;
        rows.iter().map(|row| parsed(&row.text(0)?)).collect()
    }

    /// How far a digest was posted at this place.
    pub async fn digest_post(&self, digest: u64, platform: Platform, place: &str) -> Result<DigestPost, StoreError> {
        let sql = "SELECT channel, message, lines, messages, sending FROM digest_posts WHERE digest = $1 AND platform = $2 AND place = $3";
        let rows = self.read(sql, &[Int(signed(digest)), Text(platform.name().into()), Text(place.to_owned())]).await?;
        let mut post = DigestPost { digest, platform, place: place.to_owned(), posted: None, lines: 0, messages: 0, sending: None };
        if let Some(row) = rows.first() {
            post.posted = row.text_or(0)?.zip(row.text_or(1)?).map(|(channel, message)| Posted { channel, message });
            (post.lines, post.messages) = (count(row, 2)?, count(row, 3)?);
            post.sending = row.text_or(4)?;
        }
        Ok(post)
    }

    /// When a bot was last known to run on this store.
    pub async fn last_alive(&self) -> Result<Option<Instant>, StoreError> {
        let rows = self.read("SELECT value FROM marks WHERE name = 'alive'", &[]).await?;
        Ok(rows.first().map(|row| row.int(0)).transpose()?.map(Instant::from_micros))
    }

    /// Times without a bot that began from `from` on and before `before`, in order.
    pub async fn absences(&self, from: Instant, before: Instant) -> Result<Vec<Away>, StoreError> {
        let sql = "SELECT from_at, to_at FROM absences WHERE from_at >= $1 AND from_at < $2 ORDER BY from_at";
        let rows = self.read(sql, &[Int(from.micros()), Int(before.micros())]).await?;
        let away = |row: &Row| Ok(Away { from: Instant::from_micros(row.int(0)?), to: Instant::from_micros(row.int(1)?) });
        rows.iter().map(away).collect()
    }
}

/// Waits in the transaction, like everything that asks nothing.
pub(super) fn apply(tx: &mut Tx<'_>, writes: &[&DigestWrite]) -> Result<(), CommitError> {
    let (mut began, mut made, mut told, mut alive, mut away) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for write in writes {
        match write {
            DigestWrite::Began { at } => began.push([Int(0), Int(at.micros()), Int(at.micros()), Int(at.micros())]),
            DigestWrite::Made(digest) => made.push(new_row(digest)?),
            DigestWrite::Told(post) => told.push(post_row(post)),
            DigestWrite::Alive { at } => alive.push([Text("alive".into()), Int(at.micros())]),
            DigestWrite::Away(time) => away.push([Int(time.from.micros()), Int(time.to.micros())]),
        }
    }
    exec(tx, "INSERT INTO digests (n, from_at, to_at, made_at) VALUES {rows} ON CONFLICT DO NOTHING", began, None);
    let sql = "INSERT INTO digests (n, from_at, to_at, made_at, document) VALUES {rows} ON CONFLICT DO NOTHING";
    exec(tx, sql, made, Some(CommitError::Stale));
    let sql = "INSERT INTO digest_posts (digest, platform, place, channel, message, lines, messages, sending) VALUES {rows} \
               ON CONFLICT (digest, platform, place) DO UPDATE SET channel = excluded.channel, message = excluded.message, \
               lines = excluded.lines, messages = excluded.messages, sending = excluded.sending \
               WHERE excluded.messages >= digest_posts.messages";
    exec(tx, sql, told, None);
    let sql = "INSERT INTO marks (name, value) VALUES {rows} \
               ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE excluded.value > marks.value";
    exec(tx, sql, alive, None);
    exec(tx, "INSERT INTO absences (from_at, to_at) VALUES {rows} ON CONFLICT DO NOTHING", away, None);
    Ok(())
}

fn new_row(made: &Made) -> Result<[super::db::Value; 5], CommitError> {
    let document = serde_json::to_string(made).map_err(|error| CommitError::Unavailable(error.to_string()))?;
    let window = &made.digest.window;
    let n = made.n.ok_or_else(|| CommitError::Unavailable("a digest that is not to be kept".into()))?;
    Ok([Int(signed(n)), Int(window.from.micros()), Int(window.to.micros()), Int(made.digest.made_at.micros()), Text(document)])
}

fn post_row(post: &DigestPost) -> [super::db::Value; 8] {
    let (channel, message) = post.posted.clone().map(|p| (p.channel, p.message)).unzip();
    let many = |n: usize| Int(i64::try_from(n).unwrap_or(i64::MAX));
    [
        Int(signed(post.digest)),
        Text(post.platform.name().into()),
        Text(post.place.clone()),
        TextOr(channel),
        TextOr(message),
        many(post.lines),
        many(post.messages),
        TextOr(post.sending.clone()),
    ]
}

fn made(rows: &[Row]) -> Result<Option<Made>, StoreError> {
    rows.first().map(|row| parsed(&row.text(0)?)).transpose()
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn number(row: &Row, at: usize) -> Result<u64, StoreError> {
    u64::try_from(row.int(at)?).map_err(|_| corrupt("a digest's number"))
}

fn count(row: &Row, at: usize) -> Result<usize, StoreError> {
    usize::try_from(row.int(at)?).map_err(|_| corrupt("how far a digest was posted"))
}
