//! A store with a million events, and what is asked of its past: the digest of a day, and who held what at an instant. Once
//! spread over a year and a hundred resources, once with most of it on one day, at one resource, and held for long. Beside
//! each stands a bare SELECT that reads as many rows on the same database.

mod lives;
mod past;

use std::time::{Duration, Instant as Stopwatch};

use anyhow::{Context as _, ensure};
use hallpass::{
    domain::{
        digest::{Thresholds, Window},
        ids::ResourceId,
        time::{Instant, Span},
    },
    store::Store,
};

use self::past::Past;
use crate::{
    house::House,
    place::Kind,
    table::{self, Peer, Rounds},
};

/// Instants that are asked about in a round.
const QUESTIONS: usize = 200;

/// How the events lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Over a year, a hundred resources, for hours.
    Spread,
    /// A hundred thousand requests on the last day, everything at one resource, for hours to weeks.
    Heaped,
}

impl Shape {
    const fn name(self) -> &'static str {
        match self {
            Self::Spread => "over a year",
            Self::Heaped => "100,000 asks in a day, one resource",
        }
    }
}

pub(crate) async fn run(kind: &Kind, rounds: u32) -> anyhow::Result<()> {
    for shape in [Shape::Spread, Shape::Heaped] {
        figure(kind, shape, rounds).await?;
    }
    Ok(())
}

async fn figure(kind: &Kind, shape: Shape, rounds: u32) -> anyhow::Result<()> {
    let place = kind.fresh().await?;
    drop(Store::open(&place.url).await?);
    let start = Stopwatch::now();
    let past = Past::written(&place.url, shape).await?;
    let written = start.elapsed().as_secs_f64();
    // The history of what is there is read in at the first open, as after an upgrade.
    let start = Stopwatch::now();
    let house = House::on(&place, Some(past.now), 16).await?;
    while house.bot.store().held_at(&past.resource, past.now).await.is_err() {
        ensure!(start.elapsed() < Duration::from_mins(10), "the history is not read in");
    }
    let read_in = start.elapsed().as_secs_f64();
    println!(
        "({}, {}: {} events of {} requests written in {written:.0} s, their history read in within {read_in:.0} s)",
        kind.name(),
        shape.name(),
        past.events,
        past.requests
    );
    past.settle(&place.url).await?;
    digests(kind, shape, rounds, &house, &past, &place.url).await?;
    questions(kind, shape, rounds, &house, &past, &place.url).await?;
    house.close().await;
    Ok(())
}

async fn digests(kind: &Kind, shape: Shape, rounds: u32, house: &House, past: &Past, url: &str) -> anyhow::Result<()> {
    let window = Window { from: past.day.from, to: past.day.to, days: 1 };
    let (mut ours, mut peer, mut ratio) = (Rounds::default(), Rounds::default(), Rounds::default());
    let mut asked = 0;
    for _ in 0..rounds {
        let before = past.bare_day(url).await?;
        let start = Stopwatch::now();
        let digest = house.bot.digest(window, &Thresholds::default()).await?;
        let took = start.elapsed().as_secs_f64();
        let beside = f64::midpoint(before, past.bare_day(url).await?);
        ensure!(digest.day.asked == past.asked, "the day has {} asks, and {} were written", digest.day.asked, past.asked);
        asked = digest.day.asked;
        ours.push(took);
        peer.push(beside);
        ratio.push(took / beside);
    }
    let name = format!("{}: digest of a day, {}", kind.name(), shape.name());
    let beside = Peer { name: &format!("SELECT of its {asked} rows"), rounds: &peer, ratio: &ratio };
    table::line(&name, "s", &ours, Some(&beside), "2 s");
    Ok(())
}

async fn questions(kind: &Kind, shape: Shape, rounds: u32, house: &House, past: &Past, url: &str) -> anyhow::Result<()> {
    let (mut median, mut slowest, mut peer, mut ratio) = (Rounds::default(), Rounds::default(), Rounds::default(), Rounds::default());
    let (mut rows, mut most) = (0, 0);
    for round in 0..rounds {
        let mut took = Vec::with_capacity(QUESTIONS);
        for n in 0..QUESTIONS {
            let at = past.instant(n + QUESTIONS * usize::try_from(round)?);
            let start = Stopwatch::now();
            let then = house.bot.store().held_at(&past.resource, at).await?;
            took.push(start.elapsed().as_secs_f64() * 1e3);
            rows += then.grants.len();
            most = most.max(then.grants.len());
        }
        took.sort_by(f64::total_cmp);
        let middle = took.get(QUESTIONS / 2).copied().context("nothing was asked")?;
        let beside = past.bare_rows(url, rows / (QUESTIONS * usize::try_from(round + 1)?)).await? * 1e3;
        median.push(middle);
        slowest.push(took.last().copied().context("nothing was asked")?);
        peer.push(beside);
        ratio.push(middle / beside);
    }
    let each = rows / (QUESTIONS * usize::try_from(rounds)?);
    let name = format!("{}: who --at, {}", kind.name(), shape.name());
    let beside = Peer { name: &format!("SELECT of {each} rows"), rounds: &peer, ratio: &ratio };
    table::line(&format!("{name}, median"), "ms", &median, Some(&beside), "50 ms");
    table::line(&format!("{name}, slowest (most rows: {most})"), "ms", &slowest, None, "50 ms");
    Ok(())
}

/// A day.
#[derive(Debug, Clone, Copy)]
struct Day {
    from: Instant,
    to: Instant,
}

const DAY: Span = Span::from_seconds(86_400);

fn one(name: &str) -> anyhow::Result<ResourceId> {
    Ok(name.parse()?)
}
