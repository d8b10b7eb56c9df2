//! Generated logins at a real PostgreSQL: how soon one can be used and how soon it is refused, beside a bare client that
//! says the same on connections that it keeps; and many that end at once under the real bot.

mod ends;
mod recorded;
mod server;

use std::time::Instant;

use hallpass::{
    clock::{Clock as _, SystemClock},
    domain::time::Span,
};

use self::{
    recorded::{Bare, Recorder},
    server::{LEFT, Server, granted, refused, usable},
};
use crate::{
    fill::person,
    table::{self, Peer, Rounds},
};

const TIMES: u32 = 200;
/// The recorded one; what is said again names others of the same length.
const FIRST: &str = "benchgrant0000000";

pub(crate) async fn run() -> anyhow::Result<()> {
    for server in Server::at_hand().await? {
        times(&server).await?;
        ends::run(&server).await?;
    }
    Ok(())
}

/// Milliseconds since then.
fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}

async fn times(server: &Server) -> anyhow::Result<()> {
    let until = SystemClock.now() + Span::from_minutes(60);
    let recorder = Recorder::before(server.port()).await?;
    let recording = server.provider(recorder.port).await?;
    let order = server.order(recording.as_ref(), FIRST, person(1)?).await?;
    recorder.taken();
    let handle = granted(recording.as_ref(), &order, until).await?;
    let giving = recorder.taken();
    let way_in = server.handed(recording.as_ref(), &order, handle.as_ref()).await?;
    let handing = recorder.taken();
    recording.revoke(&order, handle.as_ref(), LEFT).await?;
    let taking = recorder.taken();
    let login = way_in.get_user().unwrap_or_default().to_owned();
    let bare = Bare::at(server, &[&giving, &handing, &taking]).await?;
    let (mut given, mut ended) = (Pair::default(), Pair::default());
    let provider = server.provider(server.port()).await?;
    for n in 1..=TIMES {
        let grant = format!("benchgrant{:07}", n * 2);
        let order = server.order(provider.as_ref(), &grant, person(1)?).await?;
        let start = Instant::now();
        let handle = granted(provider.as_ref(), &order, until).await?;
        let config = server.handed(provider.as_ref(), &order, handle.as_ref()).await?;
        usable(&config).await?;
        given.ours.push(ms(start));
        let start = Instant::now();
        provider.revoke(&order, handle.as_ref(), LEFT).await?;
        refused(&config).await?;
        ended.ours.push(ms(start));

        let grant = format!("benchgrant{:07}", n * 2 + 1);
        let other = login.replace(FIRST, &grant);
        let (instead, mut config) = ([(FIRST, grant.as_str())], way_in.clone());
        config.user(other);
        let start = Instant::now();
        bare.says(&giving, &instead).await?;
        bare.says(&handing, &instead).await?;
        usable(&config).await?;
        given.bare.push(ms(start));
        let start = Instant::now();
        bare.says(&taking, &instead).await?;
        refused(&config).await?;
        ended.bare.push(ms(start));
    }
    given.show(&format!("PostgreSQL {}: grant to usable", server.version));
    ended.show(&format!("PostgreSQL {}: end to refused", server.version));
    Ok(())
}

/// One figure, and the bare client's in the same moments.
#[derive(Default)]
struct Pair {
    ours: Rounds,
    bare: Rounds,
}

impl Pair {
    fn show(&self, name: &str) {
        let ratio = self.ours.over(&self.bare);
        table::line(
            &format!("{name}, median of {TIMES}"),
            "ms",
            &self.ours,
            Some(&Peer { name: "bare client", rounds: &self.bare, ratio: &ratio }),
            "",
        );
        let (slow, bare) = (self.ours.at(0.99), self.bare.at(0.99));
        let ratio = slow.over(&bare);
        table::line(&format!("{name}, p99"), "ms", &slow, Some(&Peer { name: "bare client", rounds: &bare, ratio: &ratio }), "");
    }
}
