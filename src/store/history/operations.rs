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

/// Entries, and how many more there are.
type Counted = (Vec<Entry>, u64);

impl Store {
    /// What the bot's own stream says within `[from, to)`, by the types of its operations, each in order and at most `limit`.
    /// What is of another type, such as people's looks, which are many, is not read.
    /// # Errors
    /// The store does not answer.
    pub async fn operations(&self, (from, to): (Instant, Instant), types: [&str; 8], limit: usize) -> Result<[Counted; 8], StoreError> {
        let (mut next, end) = (self.first_at("bot", from).await?, self.first_at("bot", to).await?);
        let sql = "SELECT id, stream, n, at, bytes FROM entries WHERE stream = $1 AND n >= $2 AND n < $3 \
                   AND (bytes LIKE $5 OR bytes LIKE $6 OR bytes LIKE $7 OR bytes LIKE $8 \
                   OR bytes LIKE $9 OR bytes LIKE $10 OR bytes LIKE $11 OR bytes LIKE $12) ORDER BY n LIMIT $4";
        // A quote in what people wrote is escaped there, so this stands for nothing but the type.
        let types = types.map(|name| format!("\"type\":\"{name}\""));
        let mut found: [Counted; 8] = Default::default();
        while next < end {
            let mut values = vec![Text("bot".into()), number(next), number(end), Int(PAGE)];
            values.extend(types.iter().map(|name| Text(format!("%{name}%"))));
            let rows = self.read(sql, &values).await?;
            for row in &rows {
                let entry = entry(row, 0)?;
                next = entry.n + 1;
                let text = String::from_utf8_lossy(&entry.bytes);
                let Some(of_type) = types.iter().position(|name| text.contains(name.as_str())) else { continue };
                let (entries, more) = &mut found[of_type];
                if entries.len() < limit { entries.push(entry) } else { *more += 1 }
            }
            if rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                break;
            }
        }
        Ok(found)
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
