//! Where cards stand and how far threads were told: the rows, each in two halves that are written apart. What is to be
//! shown, and whether it stands already, is for the workers to say.

use std::collections::BTreeMap;

use super::{
    Post, PostWrite, Posted, Store, StoreError, TaskKind, TaskWant,
    api::{corrupt, platform},
    apply::exec,
    db::Value::{Int, Text, TextOr},
    tx::Tx,
};
use crate::domain::{policy::Platform, request::RequestId, time::Instant};

impl Store {
    /// What was tried without success and waits to be tried again, so many at most; wanted again at `due_at`.
    pub async fn tried_tasks(&self, due_at: Instant, limit: u32) -> Result<Vec<TaskWant>, StoreError> {
        let sql = "SELECT kind, id, queue FROM tasks WHERE tries > 0 ORDER BY due_at LIMIT $1";
        let rows = self.read(sql, &[Int(i64::from(limit))]).await?;
        let mut tasks = Vec::new();
        for row in &rows {
            // A kind of a newer version is left to it.
            if let Some(kind) = TaskKind::named(&row.text(0)?) {
                tasks.push(TaskWant { kind, key: row.text(1)?, queue: row.text(2)?, due_at });
            }
        }
        Ok(tasks)
    }

    /// Where the cards of these requests stand in this platform's channels: one of each.
    pub async fn cards_of<'i>(
        &self,
        on: Platform,
        ids: impl Iterator<Item = &'i RequestId> + Send,
    ) -> Result<BTreeMap<RequestId, Posted>, StoreError> {
        let sql = "SELECT request, platform, place, channel, message FROM posts WHERE request IN (VALUES {rows})";
        let mut cards = BTreeMap::new();
        for row in self.read_by(sql, ids.map(ToString::to_string)).await? {
            let posted = row.text_or(3)?.zip(row.text_or(4)?).map(|(channel, message)| Posted { channel, message });
            if let Some(posted) =
                posted.filter(|_| row.text(1).is_ok_and(|name| name == on.name()) && !row.text(2).is_ok_and(|place| place.starts_with('@')))
            {
                cards.insert(row.text(0)?.parse().map_err(|_| corrupt("a request's id"))?, posted);
            }
        }
        Ok(cards)
    }

    /// Everywhere that a request is shown or told.
    pub async fn posts(&self, request: &RequestId) -> Result<Vec<Post>, StoreError> {
        let sql = "SELECT platform, place, channel, message, shown, told, sending, telling FROM posts WHERE request = $1 ORDER BY platform, place";
        let rows = self.read(sql, &[Text(request.to_string())]).await?;
        rows.iter()
            .map(|row| {
                let posted = row.text_or(2)?.zip(row.text_or(3)?);
                Ok(Post {
                    request: request.clone(),
                    platform: platform(&row.text(0)?)?,
                    place: row.text(1)?,
                    posted: posted.map(|(channel, message)| Posted { channel, message }),
                    shown: row.text_or(4)?,
                    cursor: u64::try_from(row.int(5)?).unwrap_or(0),
                    sending: row.text_or(6)?,
                    telling: row.text_or(7)?,
                })
            })
            .collect()
    }
}

/// All cards are one statement, and all that was told another.
pub(super) fn apply(tx: &mut Tx<'_>, written: &[&PostWrite]) {
    let (mut cards, mut told) = (BTreeMap::new(), BTreeMap::new());
    let key = |post: &Post| [Text(post.request.to_string()), Text(post.platform.name().into()), Text(post.place.clone())];
    for write in written {
        let (PostWrite::Card(post) | PostWrite::Told(post)) = write;
        let at = (&post.request, post.platform.name(), &post.place);
        match write {
            PostWrite::Card(post) => drop(cards.insert(at, post)),
            PostWrite::Told(post) => {
                let furthest = told.entry(at).or_insert(post);
                if post.cursor >= furthest.cursor {
                    *furthest = post;
                }
            }
        }
    }
    let rows = cards.into_values().map(|post| {
        let [request, platform, place] = key(post);
        let (channel, message) = post.posted.clone().map(|p| (p.channel, p.message)).unzip();
        let (shown, sending) = (TextOr(post.shown.clone()), TextOr(post.sending.clone()));
        [request, platform, place, TextOr(channel), TextOr(message), shown, sending, Int(0)]
    });
    let sql = "INSERT INTO posts (request, platform, place, channel, message, shown, sending, told) VALUES {rows} \
               ON CONFLICT (request, platform, place) DO UPDATE SET channel = excluded.channel, message = excluded.message, \
               shown = excluded.shown, sending = excluded.sending";
    exec(tx, sql, rows.collect(), None);
    let rows = told.into_values().map(|post| {
        let [request, platform, place] = key(post);
        [request, platform, place, Int(i64::try_from(post.cursor).unwrap_or(i64::MAX)), TextOr(post.telling.clone())]
    });
    let sql = "INSERT INTO posts (request, platform, place, told, telling) VALUES {rows} \
               ON CONFLICT (request, platform, place) DO UPDATE SET told = excluded.told, telling = excluded.telling \
               WHERE excluded.told >= posts.told";
    exec(tx, sql, rows.collect(), None);
}
