//! Ends in bulk: 10,000 grants that end within one second while 100,000 are live, and a start with 100,000 overdue.
//! Measured is when each revoke *begins*, as the provider sees it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hallpass::{
    clock::{Clock, SystemClock},
    domain::time::{Instant as Moment, Span},
    store::Store,
};

use crate::{
    fill::{self, LIVE, Plan},
    house::House,
    place::{Kind, Place},
    process::resident,
    table::{self, Rounds},
};

const SOON: u32 = 10_000;
/// How long the bot has run when the first one ends.
const BEFORE: Span = Span::from_seconds(5);
const GIVE_UP: Duration = Duration::from_mins(5);
/// Calls at the same time: as an adapter that answers at once would have it.
const WIDTH: u32 = 256;

pub(crate) async fn filled(kind: &Kind, plan: Plan) -> anyhow::Result<Place> {
    let place = kind.fresh().await?;
    let store = Store::open(&place.url).await?;
    fill::fill(&store, plan).await?;
    drop(store);
    Ok(place)
}

pub(crate) async fn run(kind: &Kind, rounds: u32) -> anyhow::Result<()> {
    let base = SystemClock.now();
    let ends_at = base + Span::from_minutes(60);
    let start = Instant::now();
    let full = filled(kind, Plan { count: LIVE, ends_at, soon: SOON, looked_at: ends_at }).await?;
    println!("({}: wrote {LIVE} live grants in {:.1} s)", kind.name(), start.elapsed().as_secs_f64());
    let (mut last, mut middle) = (Rounds::default(), Rounds::default());
    for _ in 0..rounds {
        let place = full.copy().await?;
        let (slowest, median) = round(&place, ends_at - BEFORE).await?;
        last.push(slowest);
        middle.push(median);
    }
    let goal = if matches!(kind, Kind::Sqlite) { "2 s (prototype 2.1 s)" } else { "5 s (prototype 24 s)" };
    let name = format!("{}: {SOON} of {LIVE} end in one second", kind.name());
    table::line(&format!("{name}, last revoke begins late by"), "s", &last, None, goal);
    table::line(&format!("{name}, the middle one"), "s", &middle, None, "");
    Ok(())
}

async fn round(place: &Place, start: Moment) -> anyhow::Result<(f64, f64)> {
    let house = House::on(place, Some(start), WIDTH).await?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(house.workers.clone().run(async move { drop(stopped.await) }));
    let began = Instant::now();
    while house.recorder.count() < usize::try_from(SOON)? {
        if began.elapsed() > GIVE_UP {
            bail!("only {} revokes began", house.recorder.count());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let lateness = house.recorder.lateness();
    drop(stop);
    running.await?;
    house.close().await;
    Ok(lateness)
}

pub(crate) async fn overdue(kind: &Kind, rounds: u32) -> anyhow::Result<()> {
    let ends_at = SystemClock.now() - Span::from_minutes(60);
    let full = filled(kind, Plan { count: LIVE, ends_at, soon: LIVE, looked_at: ends_at }).await?;
    let (mut seconds, mut memory) = (Rounds::default(), Rounds::default());
    for _ in 0..rounds {
        let place = full.copy().await?;
        // A process of its own, so that the memory is this start's alone.
        let output = tokio::process::Command::new(std::env::current_exe()?)
            .args(["--overdue-child", &place.url, &WIDTH.to_string()])
            .stderr(std::process::Stdio::inherit())
            .output()
            .await?;
        let text = String::from_utf8(output.stdout)?;
        let (took, peak) = text.trim().split_once(' ').context("the child said nothing")?;
        seconds.push(took.parse()?);
        memory.push(peak.parse()?);
    }
    let name = format!("{}: start with {LIVE} overdue", kind.name());
    table::line(&format!("{name}, last revoke begun after"), "s", &seconds, None, "");
    table::line(&format!("{name}, highest memory"), "MiB", &memory, None, "");
    Ok(())
}

/// Opens a store of which everything is overdue, ends it, and prints seconds and the highest resident memory in MiB.
pub(crate) async fn overdue_child(url: &str, width: u32) -> anyhow::Result<()> {
    let folder = tempfile::TempDir::new()?;
    let start = Instant::now();
    let house = House::at(url, folder.path(), None, width).await?;
    house.workers.end_overdue().await?;
    if house.recorder.count() < usize::try_from(LIVE)? {
        bail!("only {} revokes began", house.recorder.count());
    }
    let waited = house.recorder.last().context("no revoke")?;
    let took =
        start.elapsed().as_secs_f64() - Duration::from_micros((house.bot.now().micros() - waited.micros()).unsigned_abs()).as_secs_f64();
    println!("{took:.3} {:.1}", resident("self", "VmHWM")?);
    house.close().await;
    Ok(())
}
