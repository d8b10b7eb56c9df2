//! What is measured alike of every chat's door: signed presses on kept connections, what the process weighs, and how long whoever
//! pressed waits for the private answer. Must not know whose door it is.

pub(crate) mod load;
pub(crate) mod server;

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use self::{
    load::{Connection, Measured, Next, Way, closed_loop},
    server::Server,
};
use crate::table::{self, Peer, Rounds};

/// Connections that share them.
const LANES: usize = 10;

/// What is measured of each door.
#[derive(Default)]
pub(crate) struct Door {
    pub(crate) rate: Rounds,
    pub(crate) p50: Rounds,
    pub(crate) p99: Rounds,
    pub(crate) memory: Rounds,
}

/// What only ours does.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) handled: Rounds,
    pub(crate) p50: Rounds,
    pub(crate) p99: Rounds,
}

impl Door {
    pub(crate) fn push(&mut self, measured: &Measured, memory: f64) {
        self.rate.push(measured.per_second);
        self.p50.push(measured.p50_ms);
        self.p99.push(measured.p99_ms);
        self.memory.push(memory);
    }

    /// One line per figure; `goals`: of rate, p50, p99 and memory.
    pub(crate) fn print(&self, name: &str, beside: Option<(&str, &Self)>, goals: [&str; 4]) {
        let figures = [
            ("", "/s", &self.rate, beside.map(|(_, door)| &door.rate)),
            (", p50", "ms", &self.p50, beside.map(|(_, door)| &door.p50)),
            (", p99", "ms", &self.p99, beside.map(|(_, door)| &door.p99)),
            (", memory", "MiB", &self.memory, beside.map(|(_, door)| &door.memory)),
        ];
        for ((what, unit, rounds, other), goal) in figures.into_iter().zip(goals) {
            let ratio = other.map(|other| rounds.over(other)).unwrap_or_default();
            let peer = beside.zip(other).map(|((name, _), rounds)| Peer { name, rounds, ratio: &ratio });
            table::line(&format!("{name}{what}"), unit, rounds, peer.as_ref(), if peer.is_some() { goal } else { "" });
        }
    }
}

pub(crate) async fn measure(server: &Server, way: Way, next: std::sync::Arc<Next>, door: &mut Door) -> anyhow::Result<()> {
    let measured = closed_loop(server.door, way, next).await?;
    door.push(&measured, server.memory()?);
    Ok(())
}

/// Sends each of these, with so much time between two, and says when.
pub(crate) async fn one_by_one(server: &Server, way: Way, all: Vec<(u64, String)>, every: Duration) -> anyhow::Result<Vec<(u64, Instant)>> {
    let start = Instant::now();
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..LANES {
        let mine: Vec<_> = all.iter().enumerate().skip(lane).step_by(LANES).map(|(n, press)| (n, press.clone())).collect();
        let door = server.door;
        lanes.spawn(async move {
            let (mut connection, mut pressed) = (Connection::open(door).await?, Vec::new());
            for (n, (press, body)) in mine {
                tokio::time::sleep_until((start + every * u32::try_from(n)?).into()).await;
                pressed.push((press, Instant::now()));
                connection.send(way, body).await?;
            }
            anyhow::Ok(pressed)
        });
    }
    let mut pressed = Vec::new();
    while let Some(lane) = lanes.join_next().await {
        pressed.extend(lane??);
    }
    Ok(pressed)
}

/// How long each waited who was answered.
pub(crate) fn waited(pressed: &[(u64, Instant)], came: &HashMap<u64, Instant>) -> Vec<Duration> {
    pressed.iter().filter_map(|(press, at)| came.get(press).map(|answer| answer.duration_since(*at))).collect()
}
