//! Lifecycle events per second, through the door: each lane has its people ask, and the approver approve, through `Bot::take`
//! (inbox row, decision, commit, answer). Counted are the committed entries of the requests' own streams: an ask is one,
//! an approval two (approved, granting). The sealer runs beside it, the workers do not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use hallpass::bot::{Answer, Body, Bot, Incoming};
use hallpass::domain::policy::Platform;
use tokio::task::JoinSet;

use crate::{
    house::{House, PEOPLE, RESOURCES},
    place::Kind,
    raw,
    table::{self, Peer, Rounds},
};

const FOR: Duration = Duration::from_secs(4);
/// As many connections as the store's pool has.
const POOL: i64 = 16;

pub(crate) async fn run(kind: &Kind, rounds: u32) -> anyhow::Result<()> {
    for (lanes, goal) in [(1, "at least 0.4"), (256, "2.9, better 5")] {
        let (mut events, mut peer, mut ratio) = (Rounds::default(), Rounds::default(), Rounds::default());
        let (mut pool, mut pool_ratio) = (Rounds::default(), Rounds::default());
        for _ in 0..rounds {
            let before = raw::commits(kind, 1).await?;
            let rate = round(kind, lanes).await?;
            let beside = f64::midpoint(before, raw::commits(kind, 1).await?);
            events.push(rate);
            peer.push(beside);
            ratio.push(rate / beside);
            if matches!(kind, Kind::Postgres(_)) && lanes > 1 {
                let all = raw::commits(kind, POOL).await?;
                pool.push(all);
                pool_ratio.push(rate / all);
            }
        }
        let name = format!("{}: lifecycle events, {lanes} in flight", kind.name());
        let beside = Peer { name: "raw commits, 1 connection", rounds: &peer, ratio: &ratio };
        table::line(&name, "/s", &events, Some(&beside), goal);
        if matches!(kind, Kind::Postgres(_)) && lanes > 1 {
            let beside = Peer { name: "raw commits, 16 connections", rounds: &pool, ratio: &pool_ratio };
            table::line(&name, "/s", &events, Some(&beside), "");
        }
    }
    Ok(())
}

async fn round(kind: &Kind, lanes: u64) -> anyhow::Result<f64> {
    let place = kind.fresh().await?;
    let house = House::on(&place, None, 16).await?;
    let (next, events) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let start = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..lanes {
        let (bot, next, events) = (house.bot.clone(), next.clone(), events.clone());
        running.spawn(async move {
            while start.elapsed() < FOR {
                let n = next.fetch_add(1, Ordering::Relaxed);
                events.fetch_add(life(&bot, n).await?, Ordering::Relaxed);
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    while let Some(lane) = running.join_next().await {
        lane??;
    }
    let rate = raw::per_second(i64::try_from(events.load(Ordering::Relaxed))?, start.elapsed());
    house.close().await;
    Ok(rate)
}

/// Person and resource differ from life to life: nobody asks twice for what is open.
async fn life(bot: &Bot, n: u64) -> anyhow::Result<u64> {
    let (people, resources) = (u64::try_from(PEOPLE)?, u64::try_from(RESOURCES)?);
    let (person, resource) = (n % people, n / people % resources);
    let line = format!("/jit request r{resource} use 1h look at the stuck import of last night");
    let asked = take(bot, &format!("p{person}"), n * 2, Body::Line { text: line }).await?;
    let id = asked.get("id").and_then(|id| id.as_str()).context("an answer without an id")?.to_owned();
    let approve = Body::Press { action: "approve".into(), request: id, words: None };
    let acted = take(bot, "boss", n * 2 + 1, approve).await?;
    let more = acted.get("events").and_then(|e| e.as_array()).map_or(0, Vec::len);
    Ok(1 + u64::try_from(more)?)
}

async fn take(bot: &Bot, user: &str, interaction: u64, body: Body) -> anyhow::Result<serde_json::Value> {
    let incoming = Incoming { platform: Platform::Console, user: user.into(), interaction: interaction.to_string(), body };
    match bot.take(&incoming).await?.context("seen before")? {
        Answer::Said { data, .. } => Ok(data),
        Answer::Refused(refusal) => bail!("refused: {refusal:?}"),
        Answer::Handed(_) => bail!("nobody asked for a credential"),
    }
}
