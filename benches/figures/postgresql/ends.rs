//! Many logins, each with a session, that end within one second under the real bot with its store, workers and sealer:
//! until the server refuses them all and every session has ended, and until every role is dropped.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use hallpass::{
    clock::{Clock as _, SystemClock},
    domain::{
        entitlement::Ownership,
        time::{Instant as Moment, Span},
    },
    provider::Provider,
    store::Store,
};
use tokio::task::JoinSet;
use tokio_postgres::{Client, Config};

use super::server::{Server, connected, granted, refused};
use crate::{
    fill::{self, Held, Plan},
    house::House,
    place::Kind,
    table::{self, Rounds},
};

const LOGINS: u32 = 1_000;
/// How long the bot has run when the first one ends.
const BEFORE: Span = Span::from_seconds(10);
/// Made at the same time, before anything is measured.
const LANES: usize = 4;
const GIVE_UP: Duration = Duration::from_mins(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Of so many logins one is really tried again at the end.
const SAMPLE: usize = 20;

/// One that works, with its open session.
struct Login {
    n: u32,
    held: Held,
    config: Config,
    session: Client,
}

pub(super) async fn run(server: &Server) -> anyhow::Result<()> {
    let logins = std::env::var("HALLPASS_BENCH_LOGINS").map_or(Ok(LOGINS), |text| text.parse()).context("HALLPASS_BENCH_LOGINS")?;
    let provider = server.provider(server.port()).await?;
    let start = Instant::now();
    let made = made(server, &provider, logins).await?;
    println!("(PostgreSQL {}: made {logins} logins, each with a session, in {:.1} s)", server.version, start.elapsed().as_secs_f64());
    let place = Kind::Sqlite.fresh().await?;
    let ends_at = SystemClock.now() + BEFORE;
    let store = Store::open(&place.url).await?;
    let orders: Arc<[Held]> = made.iter().map(|login| login.held.clone()).collect();
    fill::held(&store, Plan { count: logins, ends_at, soon: logins, looked_at: SystemClock.now() }, orders).await?;
    drop(store);
    let house = House::giving(&place, provider, Server::target(), 16).await?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(house.workers.clone().run(async move { drop(stopped.await) }));
    let (locked, dropped) = watched(server, ends_at).await?;
    for login in made.iter().step_by(SAMPLE) {
        refused(&login.config).await?;
    }
    let alive = made.iter().filter(|login| !login.session.is_closed()).count();
    if alive > 0 {
        bail!("{alive} sessions live on");
    }
    drop(stop);
    running.await?;
    house.close().await;
    let name = format!("PostgreSQL {}: {logins} ends in one second", server.version);
    table::line(&format!("{name}, all refused and cut"), "s", &one(locked), None, "10 s");
    table::line(&format!("{name}, all dropped"), "s", &one(dropped), None, "60 s");
    Ok(())
}

fn one(value: f64) -> Rounds {
    let mut rounds = Rounds::default();
    rounds.push(value);
    rounds
}

/// Makes them through the adapter, under the ids that the store will have for them.
async fn made(server: &Server, provider: &Arc<dyn Provider>, logins: u32) -> anyhow::Result<Vec<Login>> {
    let until = SystemClock.now() + Span::from_minutes(60);
    let (mut running, mut made) = (JoinSet::new(), Vec::new());
    for n in 0..logins {
        if running.len() >= LANES
            && let Some(login) = running.join_next().await
        {
            made.push(login??);
        }
        let (provider, server) = (provider.clone(), server.clone());
        running.spawn(async move {
            let order = server.order(provider.as_ref(), fill::grant_id(n).as_str(), fill::person(n)?).await?;
            let handle = granted(provider.as_ref(), &order, until).await?;
            let config = server.handed(provider.as_ref(), &order, handle.as_ref()).await?;
            let session = connected(&config).await?;
            Ok::<_, anyhow::Error>(Login { n, held: Held { order, ownership: Ownership::PerGrant, handle }, config, session })
        });
    }
    while let Some(login) = running.join_next().await {
        made.push(login??);
    }
    made.sort_by_key(|login| login.n);
    Ok(made)
}

/// Seconds after the first end until every login is locked out, and until every role is gone, as the server itself says.
async fn watched(server: &Server, ends_at: Moment) -> anyhow::Result<(f64, f64)> {
    let admin = server.admin("postgres").await?;
    let ask = "SELECT count(*) FILTER (WHERE rolcanlogin), count(*), (SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'hp\\_%') \
               FROM pg_roles WHERE rolname LIKE 'hp\\_%'";
    let (begun, mut locked) = (Instant::now(), None);
    loop {
        let row = admin.query_one(ask, &[]).await?;
        let late = SystemClock.now().micros() - ends_at.micros();
        let seconds = Duration::from_micros(u64::try_from(late).unwrap_or(0)).as_secs_f64();
        let (open, roles, sessions): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        if open == 0 && sessions == 0 && locked.is_none() {
            locked = Some(seconds);
        }
        if let Some(locked) = locked.filter(|_| roles == 0) {
            return Ok((locked, seconds));
        }
        if begun.elapsed() > GIVE_UP {
            bail!("{open} of {roles} roles can still log in, {sessions} sessions are open");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
