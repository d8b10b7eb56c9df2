//! Slack over HTTP, beside Bolt doing a bare acknowledgement: how many signed presses a second are acknowledged on 16 kept
//! connections, how long one waits, and what the process weighs. Ours is `hallpass run` as it is shipped, on SQLite, and has each
//! press durably committed before it acknowledges; what follows (asking Slack who presses, deciding, the ledger, the private
//! answer) goes on beside it on the same processors, as it does in life. So do the load and the loopback Slack, which are this
//! process.

mod presses;
mod servers;
mod workspace;

use std::time::{Duration, Instant};

use self::{
    presses::{Kind, Presses, ask},
    servers::INTERACTIVE,
    workspace::Workspace,
};
use crate::{
    doors::{Answers, Door, load::percentile, measure, one_by_one, waited},
    place,
    raw::{self, per_second},
    table::{self, Peer, Rounds},
};

/// Between two approvals: twenty a second.
const EVERY: Duration = Duration::from_millis(50);

pub(crate) async fn run(rounds: u32) -> anyhow::Result<()> {
    let (mut ours, mut bare, mut javascript, mut python) = (Door::default(), Door::default(), Door::default(), Door::default());
    let (mut disk, mut answers) = (Rounds::default(), Answers::default());
    for _ in 0..rounds {
        let before = raw::commits(&place::Kind::Sqlite, 1).await?;
        let workspace = Workspace::open().await?;
        let cards = committed(&workspace, &mut ours, &mut answers).await?;
        disk.push(f64::midpoint(before, raw::commits(&place::Kind::Sqlite, 1).await?));
        let folder = place::Kind::Sqlite.fresh().await?;
        measure(&servers::hallpass(folder.folder.path(), &workspace)?, INTERACTIVE, cards.of(Kind::Unknown).next(), &mut bare).await?;
        if let Some(server) = servers::bolt_for_javascript(&workspace)? {
            measure(&server, INTERACTIVE, cards.of(Kind::Outsiders).next(), &mut javascript).await?;
        }
        if let Some(server) = servers::bolt_for_python(&workspace)? {
            measure(&server, INTERACTIVE, cards.of(Kind::Outsiders).next(), &mut python).await?;
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

/// The real thing; returns the cards that it posted, which the other doors are pressed with.
async fn committed(workspace: &Workspace, door: &mut Door, answers: &mut Answers) -> anyhow::Result<Presses> {
    let place = place::Kind::Sqlite.fresh().await?;
    let server = servers::hallpass(place.folder.path(), workspace)?;
    let cards = ask(server.door, workspace).await?;
    let (presses, start) = (cards.of(Kind::Outsiders), Instant::now());
    measure(&server, INTERACTIVE, presses.next(), door).await?;
    let came = workspace.answers(presses.count()).await?;
    let last = came.values().max().map_or(Duration::ZERO, |last| last.duration_since(start));
    answers.handled.push(per_second(i64::try_from(came.len())?, last));
    let pressed = one_by_one(&server, INTERACTIVE, cards.of(Kind::Approvals).each(), EVERY).await?;
    let mut took = waited(&pressed, &workspace.answers(pressed.len()).await?);
    answers.p50.push(percentile(&mut took, 50));
    answers.p99.push(percentile(&mut took, 99));
    Ok(cards)
}
