//! Discord over HTTP, beside a bare handler on Discord's own JavaScript package: how many signed presses a second are acknowledged on
//! 16 kept connections, how long one waits, and what the process weighs. Ours is `hallpass run` as it is shipped, on SQLite, and has
//! each press durably committed before it acknowledges; what follows (deciding, the ledger, the private answer) goes on beside it on
//! the same processors, as it does in life. So do the load and the loopback Discord, which are this process. Such a flood is more than
//! Discord lets the bot ask about (fifty calls a second), so many are told to press again: how many is a figure of its own.

mod guild;
mod presses;
mod servers;

use std::time::Duration;

use self::{
    guild::Guild,
    presses::{Kind, Presses, ask},
    servers::INTERACTIONS,
};
use crate::{
    doors::{Answers, Door, load::percentile, measure, one_by_one, waited},
    place, raw,
    table::{self, Peer, Rounds},
};

/// Between two approvals. Discord takes fifty calls a second of a bot, and each approval makes half a dozen.
const EVERY: Duration = Duration::from_millis(250);
const APPROVALS: usize = 100;

pub(crate) async fn run(rounds: u32) -> anyhow::Result<()> {
    let (mut ours, mut bare, mut javascript) = (Door::default(), Door::default(), Door::default());
    let (mut disk, mut answers) = (Rounds::default(), Answers::default());
    for _ in 0..rounds {
        let before = raw::commits(&place::Kind::Sqlite, 1).await?;
        let guild = Guild::open().await?;
        let cards = committed(&guild, &mut ours, &mut answers).await?;
        disk.push(f64::midpoint(before, raw::commits(&place::Kind::Sqlite, 1).await?));
        let folder = place::Kind::Sqlite.fresh().await?;
        measure(&servers::hallpass(folder.folder.path(), &guild)?, INTERACTIONS, cards.of(Kind::Foreign).next(), &mut bare).await?;
        if let Some(server) = servers::bare_javascript()? {
            measure(&server, INTERACTIONS, cards.of(Kind::Outsiders).next(), &mut javascript).await?;
        }
    }
    let peer = (javascript.rate.median() > 0.0).then_some(("bare handler in JavaScript", &javascript));
    if peer.is_none() {
        println!("(no bare handler is measured: HALLPASS_BENCH_NODE_MODULES says where discord-interactions is, scripts/bench fetches it)");
    }
    let name = "Discord press committed, then acknowledged";
    ours.print(name, peer, [""; 4]);
    let ratio = ours.rate.over(&disk);
    table::line(name, "/s", &ours.rate, Some(&Peer { name: "raw commits, 1 connection", rounds: &disk, ratio: &ratio }), "");
    bare.print("Discord press let go without a commit", peer, [""; 4]);
    table::line("of that flood, decided; the others: press again", "%", &answers.handled, None, "");
    table::line("approvals, 4/s: press to private answer, p50", "ms", &answers.p50, None, "");
    table::line("approvals, 4/s: press to private answer, p99", "ms", &answers.p99, None, "under 500");
    Ok(())
}

/// The real thing; returns the cards that it posted, which the other doors are pressed with.
async fn committed(guild: &Guild, door: &mut Door, answers: &mut Answers) -> anyhow::Result<Presses> {
    let place = place::Kind::Sqlite.fresh().await?;
    let server = servers::hallpass(place.folder.path(), guild)?;
    let cards = ask(server.door, guild).await?;
    measure(&server, INTERACTIONS, cards.of(Kind::Outsiders).next(), door).await?;
    let (came, put_off) = guild.drained().await;
    answers.handled.push(100.0 * (1.0 - f64::from(u32::try_from(put_off)?) / f64::from(u32::try_from(came)?)));
    let approvals = cards.of(Kind::Approvals).each().into_iter().take(APPROVALS).collect();
    let pressed = one_by_one(&server, INTERACTIONS, approvals, EVERY).await?;
    let mut took = waited(&pressed, &guild.answers(pressed.len()).await?);
    answers.p50.push(percentile(&mut took, 50));
    answers.p99.push(percentile(&mut took, 99));
    Ok(cards)
}
