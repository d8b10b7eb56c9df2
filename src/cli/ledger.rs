//! `hallpass ledger` and `hallpass audit`: reads the ledger, changes nothing. Opens the store like everybody else, so a
//! SQLite file must not be in use.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Subcommand;

use crate::{
    ledger::{checkpoint::verifier_key, key::Key, verify::verify},
    store::Store,
};

#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// One line per entry, oldest first.
    List {
        /// `sqlite:FILE` or `postgres://..`
        #[arg(long)]
        store: String,
        /// Only entries by or about this person.
        #[arg(long)]
        person: Option<String>,
        /// Only entries that name this resource.
        #[arg(long)]
        resource: Option<String>,
        /// Only entries at or after this RFC 3339 instant.
        #[arg(long)]
        since: Option<chrono::DateTime<chrono::Utc>>,
    },
    /// All entries of one stream, such as `request/R-7K3QD2`, in full.
    Show {
        #[arg(long)]
        store: String,
        stream: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Recomputes bytes, streams, order, root and signatures; says exactly where anything was changed.
    Verify {
        #[arg(long)]
        store: String,
        /// The ledger's key file.
        #[arg(long)]
        key: PathBuf,
        /// The ledger's name in its checkpoints.
        #[arg(long, default_value = "hallpass.local/ledger")]
        origin: String,
    },
}

/// `hallpass ledger`.
pub async fn look(what: Ledger) -> anyhow::Result<()> {
    match what {
        Ledger::Show { store, stream } => {
            let stream = if stream.contains('/') || stream == "bot" { stream } else { format!("request/{stream}") };
            for entry in Store::open(&store).await?.entries(&stream, 0, u32::MAX).await? {
                println!("{}", String::from_utf8_lossy(&entry.bytes));
            }
        }
        Ledger::List { store, person, resource, since } => {
            let store = Store::open(&store).await?;
            let mut after = 0;
            loop {
                let entries = store.all_entries(after, 1_000).await?;
                let Some(last) = entries.last() else { break };
                after = last.id;
                for entry in entries.iter().filter(|e| since.is_none_or(|since| e.at >= since.into())) {
                    let value: serde_json::Value = serde_json::from_slice(&entry.bytes).context("an entry cannot be read")?;
                    if [&person, &resource].into_iter().flatten().all(|name| names(&value, name)) {
                        let by = value["actor"]["person"].as_str().unwrap_or("the bot");
                        let what = value["event"]["type"].as_str().unwrap_or("?");
                        println!("{}  {:<28} {:>3}  {what:<20} {by}", entry.at, entry.stream, entry.n);
                    }
                }
            }
        }
    }
    Ok(())
}

/// Is this name a whole value anywhere in the entry?
fn names(value: &serde_json::Value, name: &str) -> bool {
    match value {
        serde_json::Value::String(text) => text == name,
        serde_json::Value::Array(items) => items.iter().any(|item| names(item, name)),
        serde_json::Value::Object(fields) => fields.values().any(|item| names(item, name)),
        _ => false,
    }
}

/// `hallpass audit`.
pub async fn audit(what: Audit) -> anyhow::Result<()> {
    let Audit::Verify { store, key, origin } = what;
    if !key.exists() {
        return Err(anyhow!("{} does not exist", key.display()));
    }
    let key = Key::open(&key, || [0; 32]).map_err(|why| anyhow!(why))?;
    let signed = key.last().map_err(|why| anyhow!(why))?;
    let key = key.signing.verifying_key();
    let store = Store::open(&store).await?;
    let report = verify(&store, &origin, &key, signed).await?;
    println!("{report}\nverifier key {}", verifier_key(&origin, &key));
    if report.findings.is_empty() { Ok(()) } else { Err(anyhow!("the ledger was changed")) }
}
