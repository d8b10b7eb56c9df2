//! Slack over HTTP, beside Bolt doing a bare acknowledgement: how many signed presses a second are acknowledged on 16 kept
//! connections, how long one waits, and what the process weighs. Ours is `hallpass run` as it is shipped, on SQLite, and has each
//! press durably committed before it acknowledges; what follows (asking Slack who presses, deciding, the ledger, the private
//! answer) goes on beside it on the same processors, as it does in life. So do the load and the loopback Slack, which are this
//! process.

mod load;
mod presses;
mod servers;
mod workspace;

use std::time::{Duration, Instant};

use self::{
    load::{Connection, INTERACTIVE, Measured, closed_loop, percentile},
    presses::{Kind, Presses, ask},
    servers::Server,
    workspace::Workspace,
};
use crate::{
    place,
    raw::{self, per_second},
    table::{self, Peer, Rounds},
};

/// Between two presses of the moderate rate: twenty a second.
const EVERY: Duration = Duration::from_millis(50);
/// Connections that share them.
const LANES: usize = 10;

/// What is measured of each door.
#[derive(Default)]
struct Door {
    rate: Rounds,
    p50: Rounds,
    p99: Rounds,
    memory: Rounds,
}

/// What only ours does.
#[derive(Default)]
struct Answers {
    handled: Rounds,
    p50: Rounds,
    p99: Rounds,
}

impl Door {
    fn push(&mut self, measured: &Measured, memory: f64) {
        self.rate.push(measured.per_second);
        self.p50.push(measured.p50_ms);
        self.p99.push(measured.p99_ms);
        self.memory.push(memory);
    }

    /// One line per figure; `goals`: of rate, p50, p99 and memory.
    fn print(&self, name: &str, beside: Option<(&str, &Self)>, goals: [&str; 4]) {
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

pub(crate) async fn run(rounds: u32) -> anyhow::Result<()> {
    let (mut ours, mut bare, mut javascript, mut python) = (Door::default(), Door::default(), Door::default(), Door::default());
    let (mut disk, mut answers) = (Rounds::default(), Answers::default());
    for _ in 0..rounds {
        let before = raw::commits(&place::Kind::Sqlite, 1).await?;
        let workspace = Workspace::open().await?;
        let cards = committed(&workspace, &mut ours, &mut answers).await?;
        disk.push(f64::midpoint(before, raw::commits(&place::Kind::Sqlite, 1).await?));
        let folder = place::Kind::Sqlite.fresh().await?;
        measure(&Server::hallpass(folder.folder.path(), &workspace)?, &cards.of(Kind::Unknown), &mut bare).await?;
        if let Some(server) = Server::bolt_for_javascript(&workspace)? {
            measure(&server, &cards.of(Kind::Outsiders), &mut javascript).await?;
        }
        if let Some(server) = Server::bolt_for_python(&workspace)? {
            measure(&server, &cards.of(Kind::Outsiders), &mut python).await?;
        }
    }
    let peer = (javascript.rate.median() > 0.0).then_some(("Bolt for JavaScript", &javascript));
    if peer.is_none() || python.rate.median().is_nan() {
        println!("(Bolt is not measured: HALLPASS_BENCH_NODE_MODULES and HALLPASS_BENCH_PYTHON say where it is, scripts/bench fetches it)");
    }
    let name = "Slack press committed, then acknowledged";
    ours.print(name, peer, ["at least 1, better 2", "", "under 1", "under 0.25"]);
    let ratio = ours.rate.over(&disk);
    table::line(name, "/s", &ours.rate, Some(&Peer { name: "raw commits, 1 connection", rounds: &disk, ratio: &ratio }), "");
    bare.print("Slack press let go without a commit", peer, [""; 4]);
    if python.rate.median() > 0.0 {
        python.print("Bolt for Python, bare acknowledgement", peer, [""; 4]);
    }
    table::line("the same presses decided and answered as well", "/s", &answers.handled, None, "");
    table::line("approvals, 20/s: press to private answer, p50", "ms", &answers.p50, None, "");
    table::line("approvals, 20/s: press to private answer, p99", "ms", &answers.p99, None, "under 500");
    Ok(())
}

async fn measure(server: &Server, presses: &Presses, door: &mut Door) -> anyhow::Result<()> {
    let measured = closed_loop(server.door, presses.next()).await?;
    door.push(&measured, server.memory()?);
    Ok(())
}

/// The real thing; returns the cards that it posted, which the other doors are pressed with.
async fn committed(workspace: &Workspace, door: &mut Door, answers: &mut Answers) -> anyhow::Result<Presses> {
    let place = place::Kind::Sqlite.fresh().await?;
    let server = Server::hallpass(place.folder.path(), workspace)?;
    let cards = ask(server.door, workspace).await?;
    let (presses, start) = (cards.of(Kind::Outsiders), Instant::now());
    measure(&server, &presses, door).await?;
    let came = workspace.answers(presses.count()).await?;
    let last = came.values().max().map_or(Duration::ZERO, |last| last.duration_since(start));
    answers.handled.push(per_second(i64::try_from(came.len())?, last));
    let mut took = approvals(&server, &cards.of(Kind::Approvals), workspace).await?;
    answers.p50.push(percentile(&mut took, 50));
    answers.p99.push(percentile(&mut took, 99));
    Ok(cards)
}

/// Every request is approved, one each twentieth of a second: how long until each approver was told.
async fn approvals(server: &Server, presses: &Presses, workspace: &Workspace) -> anyhow::Result<Vec<Duration>> {
    let start = Instant::now();
    let mut lanes = tokio::task::JoinSet::new();
    let all: Vec<(u64, String)> = presses.each();
    let count = all.len();
    for lane in 0..LANES {
        let mine: Vec<_> = all.iter().enumerate().skip(lane).step_by(LANES).map(|(n, press)| (n, press.clone())).collect();
        let door = server.door;
        lanes.spawn(async move {
            let (mut connection, mut pressed) = (Connection::open(door).await?, Vec::new());
            for (n, (press, body)) in mine {
                tokio::time::sleep_until((start + EVERY * u32::try_from(n)?).into()).await;
                pressed.push((press, Instant::now()));
                connection.send(INTERACTIVE, body).await?;
            }
            anyhow::Ok(pressed)
        });
    }
    let mut pressed = Vec::new();
    while let Some(lane) = lanes.join_next().await {
        pressed.extend(lane??);
    }
    let came = workspace.answers(count).await?;
    Ok(pressed.into_iter().filter_map(|(press, at)| came.get(&press).map(|answer| answer.duration_since(at))).collect())
}
