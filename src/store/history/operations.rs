//! The bot's own stream within a span. Instants within a stream never go back, so a span is found by its numbers, however
//! long the stream is.

use crate::{
    domain::time::Instant,
    store::{
        Entry, Store, StoreError,
        db::Value::{Int, Text},
        ledger::{entry, number, unsigned},
    },
};

/// Entries read at a time.
const PAGE: i64 = 1_000;

impl Store {
    /// What the bot's own stream says within `[from, to)`, in order, at most `limit`: of people's looks and refusals, which are
    /// many and no exception, nothing. And how many more there are.
    /// # Errors
    /// The store does not answer.
    pub async fn operations(&self, from: Instant, to: Instant, limit: usize) -> Result<(Vec<Entry>, u64), StoreError> {
        let (mut next, end) = (self.first_at("bot", from).await?, self.first_at("bot", to).await?);
        let sql = "SELECT id, stream, n, at, bytes FROM entries WHERE stream = $1 AND n >= $2 AND n < $3 \
                   AND bytes NOT LIKE '%\"type\":\"looked\"%' AND bytes NOT LIKE '%\"type\":\"refused\"%' \
                   AND bytes NOT LIKE '%\"type\":\"not_asked\"%' ORDER BY n LIMIT $4";
        let (mut found, mut more) = (Vec::new(), 0);
        while next < end {
            let rows = self.read(sql, &[Text("bot".into()), number(next), number(end), Int(PAGE)]).await?;
            for row in &rows {
                let entry = entry(row, 0)?;
                next = entry.n + 1;
                if found.len() < limit { found.push(entry) } else { more += 1 }
            }
            if rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                break;
            }
        }
        Ok((found, more))
    }

    /// The number of a stream's first entry at or after an instant; its length if there is none.
    async fn first_at(&self, stream: &str, at: Instant) -> Result<u64, StoreError> {
        let rows = self.read("SELECT n FROM streams WHERE stream = $1", &[Text(stream.to_owned())]).await?;
        let (mut low, mut high) = (0, rows.first().map_or(Ok(0), |row| unsigned(row, 0))?);
        let sql = "SELECT at FROM entries WHERE stream = $1 AND n >= $2 ORDER BY n LIMIT 1";
        while low < high {
            let middle = u64::midpoint(low, high);
            let rows = self.read(sql, &[Text(stream.to_owned()), number(middle)]).await?;
            let before = rows.first().map(|row| row.int(0)).transpose()?.is_some_and(|found| found < at.micros());
            if before { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }
}
