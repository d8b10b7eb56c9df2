//! Counts and medians over a span, made by the databases: a day of a hundred thousand requests is a few numbers.

use std::collections::BTreeMap;

use super::rows::name;
use crate::{
    domain::{
        digest::{Approvals, Day, OpenNow, Stats, Tallies, Tally, Unused, What, median},
        ids::{PersonId, ResourceId},
        request::RequestId,
        time::{Instant, Span},
    },
    store::{
        Store, StoreError,
        api::corrupt,
        db::{
            Row,
            Value::{self, Int, Text, TextOr},
        },
        ledger::unsigned,
    },
};

/// `$1` and `$2`: from when to just before when. `$3`: a resource, or NULL.
const TALLIES: &str = "SELECT resource, 'asked', COUNT(*) FROM requests WHERE opened_at >= $1 AND opened_at < $2 \
                       AND ($3 IS NULL OR resource = $3) GROUP BY resource \
                       UNION ALL SELECT resource, CASE WHEN less THEN 'granted_less' ELSE 'granted' END, COUNT(*) FROM history \
                       WHERE held_from >= $1 AND held_from < $2 AND ($3 IS NULL OR resource = $3) GROUP BY resource, less \
                       UNION ALL SELECT resource, ending, COUNT(*) FROM history WHERE closed_at >= $1 AND closed_at < $2 \
                       AND ($3 IS NULL OR resource = $3) GROUP BY resource, ending";

/// Which grants a median of lengths is about: those that were given by the bot, and ended.
macro_rules! ended {
    () => {
        " FROM history WHERE closed_at >= $1 AND closed_at < $2 AND ($3 IS NULL OR resource = $3) AND held_from IS NOT NULL AND NOT had_before"
    };
}

macro_rules! decided {
    () => {
        " FROM acts WHERE at >= $1 AND at < $2 AND ($3 IS NULL OR resource = $3) AND decided IS NOT NULL"
    };
}

/// A span of time and perhaps a resource, as values.
fn span((from, to): (Instant, Instant), resource: Option<&ResourceId>) -> [Value; 3] {
    [Int(from.micros()), Int(to.micros()), TextOr(resource.map(ToString::to_string))]
}

impl Store {
    /// Everything that is counted of `[from, to)`: of one resource, or of all.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn tallies(&self, from: Instant, to: Instant, resource: Option<&ResourceId>) -> Result<Tallies, StoreError> {
        self.whole_history().await?;
        let values = span((from, to), resource);
        let mut counts = Vec::new();
        for row in self.read(TALLIES, &values).await? {
            tally(&row, &mut counts)?;
        }
        let sql = (concat!("SELECT COUNT(*)", decided!()), concat!("SELECT decided", decided!(), " ORDER BY decided LIMIT $4 OFFSET $5"));
        let (decided, median_decision) = self.median(sql, &values).await?;
        Ok(Tallies { counts, decided, median_decision })
    }

    /// Counts and medians over `[since, until)`; of one resource, or of all together.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn stats(&self, resource: Option<&ResourceId>, since: Instant, until: Instant) -> Result<Stats, StoreError> {
        let tallies = self.tallies(since, until, resource).await?;
        let unused = self.unused(since, until, resource).await?;
        let longest = self.longest(since, until, resource).await?;
        let day = Day::new(&tallies, longest, unused, self.open_now(resource).await?);
        let held = concat!("SELECT (ended_at - held_from) / 1000000", ended!(), " ORDER BY ended_at - held_from LIMIT $4 OFFSET $5");
        let (_, median_held) = self.median((concat!("SELECT COUNT(*)", ended!()), held), &span((since, until), resource)).await?;
        Ok(Stats { since, until, resource: resource.cloned(), day, median_held })
    }

    /// Resources at which something happened in `[from, to)` or is open, and how often each was asked for then.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn busy(&self, (from, to): (Instant, Instant)) -> Result<BTreeMap<ResourceId, u64>, StoreError> {
        self.whole_history().await?;
        let sql = "SELECT resource, CAST(SUM(asked) AS BIGINT) FROM (\
                   SELECT resource, COUNT(*) AS asked FROM requests WHERE opened_at >= $1 AND opened_at < $2 GROUP BY resource \
                   UNION ALL SELECT resource, 0 FROM history WHERE held_from >= $1 AND held_from < $2 GROUP BY resource \
                   UNION ALL SELECT resource, 0 FROM history WHERE closed_at >= $1 AND closed_at < $2 GROUP BY resource \
                   UNION ALL SELECT resource, 0 FROM requests WHERE open GROUP BY resource) AS busy GROUP BY resource";
        let rows = self.read(sql, &[Int(from.micros()), Int(to.micros())]).await?;
        rows.iter().map(|row| Ok((name(&row.text(0)?)?, u64::try_from(row.int(1)?).unwrap_or(0)))).collect()
    }

    /// How many there are, and what lies in their middle.
    async fn median(&self, (count, middle): (&'static str, &'static str), values: &[Value; 3]) -> Result<(u64, Option<Span>), StoreError> {
        let rows = self.read(count, values).await?;
        let count = rows.first().map(|row| row.int(0)).transpose()?.unwrap_or(0);
        let mut values = values.to_vec();
        values.extend([Int(2 - count % 2), Int((count - 1).max(0) / 2)]);
        let rows = if count > 0 { self.read(middle, &values).await? } else { Vec::new() };
        let middle: Vec<i64> = rows.iter().map(|row| row.int(0)).collect::<Result<_, _>>()?;
        Ok((u64::try_from(count).unwrap_or(0), median(&middle)))
    }

    /// What is open now: of one resource, or of all.
    /// # Errors
    /// The store does not answer.
    pub async fn open_now(&self, resource: Option<&ResourceId>) -> Result<OpenNow, StoreError> {
        let all = "SELECT (SELECT COUNT(*) FROM history WHERE closed_at IS NULL AND begun_at IS NOT NULL), \
                   (SELECT COUNT(*) FROM requests WHERE open)";
        let of_one = "SELECT (SELECT COUNT(*) FROM history WHERE closed_at IS NULL AND begun_at IS NOT NULL AND resource = $1), \
                      (SELECT COUNT(*) FROM requests WHERE open AND resource = $1)";
        let rows = match resource {
            None => self.read(all, &[]).await?,
            Some(resource) => self.read(of_one, &[Text(resource.to_string())]).await?,
        };
        let row = rows.first().ok_or_else(|| corrupt("no row"))?;
        let (held, open) = (unsigned(row, 0)?, unsigned(row, 1)?);
        Ok(OpenNow { held, waiting: open.saturating_sub(held) })
    }

    /// How the grants that ended in `[from, to)` were used; without the list.
    pub(super) async fn used(&self, from: Instant, to: Instant, resource: Option<&ResourceId>) -> Result<Unused, StoreError> {
        let sql = concat!(
            "SELECT COUNT(CASE WHEN sessions = 0 THEN 1 END), COUNT(CASE WHEN sessions = 0 AND sampled THEN 1 END), \
             COUNT(CASE WHEN sessions > 0 THEN 1 END), COUNT(CASE WHEN sessions IS NULL THEN 1 END)",
            ended!()
        );
        let rows = self.read(sql, &span((from, to), resource)).await?;
        let row = rows.first().ok_or_else(|| corrupt("no row"))?;
        let (never, sampled) = (unsigned(row, 0)?, unsigned(row, 1)?);
        Ok(Unused { grants: Vec::new(), never, sampled, used: unsigned(row, 2)?, unknown: unsigned(row, 3)? })
    }

    /// Who approved whose access how often in `[from, to)`, and how often sooner than `fast`; and the same of all `[since, to)`,
    /// which begins no later.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn approvals(
        &self,
        since: Instant,
        (from, to): (Instant, Instant),
        fast: Span,
    ) -> Result<(Vec<Approvals>, Vec<Approvals>), StoreError> {
        self.whole_history().await?;
        let sql = "SELECT person, subject, COUNT(CASE WHEN at >= $2 THEN 1 END), COUNT(CASE WHEN at >= $2 AND took < $4 THEN 1 END), \
                   COUNT(*), COUNT(CASE WHEN took < $4 THEN 1 END) FROM acts WHERE at >= $1 AND at < $3 AND kind = 'approved' \
                   GROUP BY person, subject";
        let values = [Int(since.min(from).micros()), Int(from.micros()), Int(to.micros()), Int(fast.seconds())];
        let (mut within, mut all) = (Vec::new(), Vec::new());
        for row in self.read(sql, &values).await? {
            let (by, subject): (PersonId, PersonId) = (name(&row.text(0)?)?, name(&row.text(1)?)?);
            let approvals = |count, fast| Approvals { by: by.clone(), subject: subject.clone(), count, fast };
            within.push(approvals(unsigned(&row, 2)?, unsigned(&row, 3)?));
            all.push(approvals(unsigned(&row, 4)?, unsigned(&row, 5)?));
        }
        within.retain(|approvals| approvals.count > 0);
        Ok((within, all))
    }

    /// Requests that this person approved in `[from, to)`, newest first: of this subject, and sooner than `fast`, where given.
    /// # Errors
    /// The store does not answer.
    pub async fn approved(
        &self,
        by: &PersonId,
        subject: Option<&PersonId>,
        (from, to): (Instant, Instant),
        fast: Option<Span>,
        limit: usize,
    ) -> Result<Vec<RequestId>, StoreError> {
        let sql = "SELECT request FROM acts WHERE person = $1 AND at >= $2 AND at < $3 AND kind = 'approved' \
                   AND ($4 IS NULL OR subject = $4) AND (took < $5 OR $5 < 0) ORDER BY at DESC, request LIMIT $6";
        let fast = fast.map_or(-1, Span::seconds);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let subject = TextOr(subject.map(ToString::to_string));
        let values = [Text(by.to_string()), Int(from.micros()), Int(to.micros()), subject, Int(fast), Int(limit)];
        let rows = self.read(sql, &values).await?;
        rows.iter().map(|row| name(&row.text(0)?)).collect()
    }
}

/// A grant of less is granted, too.
fn tally(row: &Row, counts: &mut Vec<Tally>) -> Result<(), StoreError> {
    let resource: ResourceId = name(&row.text(0)?)?;
    let (name, count) = (row.text(1)?, unsigned(row, 2)?);
    let mut add = |what| counts.push(Tally { resource: resource.clone(), what, count });
    match name.as_str() {
        "asked" => add(What::Asked),
        "granted" => add(What::Granted),
        "granted_less" => {
            add(What::Granted);
            add(What::GrantedLess);
        }
        ending => add(What::ending(ending).ok_or_else(|| corrupt("an ending"))?),
    }
    Ok(())
}
