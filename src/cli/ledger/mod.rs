//! `hallpass ledger` and `hallpass audit`: reads the ledger, changes nothing, and needs no stopped bot. Never makes a key.

mod line;
mod list;
mod source;

use std::time::Duration;

use anyhow::anyhow;
use clap::Subcommand;

pub use self::list::Filters;
use self::source::{Source, Trusted};
use super::{say, until_the_reader_leaves};
use crate::{
    domain::time::Instant,
    ledger::{
        checkpoint::verifier_key,
        verify::{self, Report, Trust},
    },
    store::Snapshot,
};

#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// One line per entry, oldest first: when, where, what, by whom, through which door.
    ///
    /// Beside a running bot: nothing is locked and nothing is changed.
    List {
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        filters: Filters,
        /// The stored entries themselves, one JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// All entries of one request, with the words that people gave; or of another stream.
    Show {
        #[command(flatten)]
        source: Source,
        /// A request such as R-7K3QD2 (also r-7k3qd2 or 7k3qd2), `bot`, or a stream as `list` prints it.
        id: String,
        /// The stored entries themselves, one JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// The verifier key that an auditor keeps: NAME+HEX+BASE64. It is not secret.
    Key {
        #[command(flatten)]
        source: Source,
    },
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Recomputes bytes, streams, order, root and signatures, and says exactly where anything was changed.
    ///
    /// Also: outcomes have their intents, votes are by others, ends are in time or alarmed, "gone" follows a reading,
    /// documents are what their entries say, and words are those that were said. With the key's file, or with the
    /// configuration, the mark beside the key shows whether the database was rolled back.
    Verify {
        #[command(flatten)]
        source: Source,
    },
}

/// `hallpass ledger`.
pub async fn look(what: Ledger) -> anyhow::Result<()> {
    match what {
        Ledger::List { source, filters, json } => {
            let mut snapshot = Snapshot::open(&source.store()?).await?;
            until_the_reader_leaves(list::list(&mut snapshot, &filters, json, &mut std::io::stdout().lock()).await)
        }
        Ledger::Show { source, id, json } => {
            let mut snapshot = Snapshot::open(&source.store()?).await?;
            until_the_reader_leaves(list::show(&mut snapshot, &id, json, &mut std::io::stdout().lock()).await)
        }
        Ledger::Key { source } => {
            let Trusted { origin, key, .. } = source.trusted()?;
            say(verifier_key(&origin, &key))
        }
    }
}

/// `hallpass audit`.
pub async fn audit(what: Audit) -> anyhow::Result<()> {
    let Audit::Verify { source } = what;
    let report = match once(&source).await? {
        // Between sealing and signing lies less than a second, unless the bot has stopped there.
        (report, _) if report.is_only_unsigned => {
            tokio::time::sleep(Duration::from_secs(2)).await;
            once(&source).await?
        }
        done => done,
    };
    let (report, trusted) = report;
    say(format!("{report}\nverifier key {}", verifier_key(&trusted.origin, &trusted.key)))?;
    say(match &trusted.mark {
        Ok(Some(mark)) => format!("the mark beside the key says that {} entries were signed", mark.size),
        Ok(None) => "no mark of the key was looked at: a database that was rolled back whole is not noticed".into(),
        Err(why) => format!("the mark beside the key was not looked at ({why}): a database that was rolled back whole is not noticed"),
    })?;
    if report.findings.is_empty() { Ok(()) } else { Err(anyhow!("the ledger was changed")) }
}

/// The mark is read before the database: what it says is there by then.
async fn once(source: &Source) -> anyhow::Result<(Report, Trusted)> {
    let trusted = source.trusted()?;
    let mut snapshot = Snapshot::open(&source.store()?).await?;
    let mark = trusted.mark.clone().ok().flatten();
    let report = verify::audit(&mut snapshot, &Trust { origin: &trusted.origin, key: &trusted.key, mark }).await?;
    Ok((report, trusted))
}

/// RFC 3339, or a day with or without its time, in UTC.
fn moment(text: &str) -> Result<Instant, String> {
    use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.with_timezone(&Utc).into());
    }
    let text = text.trim().trim_end_matches(['Z', 'z']).trim_end_matches(" UTC");
    let timed = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let at = timed.or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0));
    at.map(|at| at.and_utc().into()).ok_or_else(|| "write 2026-11-20T14:05:30Z, or 2026-11-20 14:05:30 for UTC".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_taken_as_people_write_it() {
        let at = |text: &str| moment(text).map(|at| at.to_string());
        let expected = Ok("2026-11-20T14:05:30.000000Z".to_owned());
        for text in
            ["2026-11-20T14:05:30Z", "2026-11-20 14:05:30", "2026-11-20 14:05:30Z", "2026-11-20T15:05:30+01:00", "2026-11-20 14:05:30 UTC"]
        {
            assert_eq!(at(text), expected, "{text}");
        }
        assert_eq!(at("2026-11-20 14:05"), Ok("2026-11-20T14:05:00.000000Z".to_owned()));
        assert_eq!(at("2026-11-20"), Ok("2026-11-20T00:00:00.000000Z".to_owned()));
        for text in ["", "yesterday", "2026-13-01", "14:05"] {
            assert!(at(text).is_err(), "{text}");
        }
    }
}
