//! `hallpass demo`: the whole bot with the terminal as its chat. What it grants is real: SSH certificates on real time.

mod editor;
mod form;
mod house;
mod input;
mod play;
mod screen;
mod talk;
mod town;

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail};

use house::House;

use crate::clock::{Clock, FastClock, SystemClock};

/// Seconds that pass in a played scenario in each real one.
const PLAYED: i64 = 60;

/// Types as a person, or plays by itself. `store` is a SQLite file to keep; what belongs to it lies beside it.
pub async fn run(store: Option<PathBuf>, play: bool) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir().context("no temporary folder")?;
    if play && store.as_ref().is_some_and(|file| file.exists()) {
        bail!("demo --play begins anew, and faster than real time: name a store that does not exist yet");
    }
    let file = store.unwrap_or_else(|| temporary.path().join("hallpass.db"));
    let clock: Arc<dyn Clock> = if play { Arc::new(FastClock::new(PLAYED)) } else { Arc::new(SystemClock) };
    let pace = if play { u32::try_from(PLAYED).unwrap_or(1) } else { 1 };
    let house = House::open(&file, clock, pace).await?;
    let done = if play { play::play(&house).await } else { talk::talk(&house).await };
    house.close().await;
    done
}
