//! The second line: with no bot running at all, a generated login ends by itself, on the server's own clock.

use hallpass::{
    clock::{Clock as _, SystemClock},
    domain::time::Span,
    provider::Seen,
};

use super::{
    access::{granted, handed, ordered, writes},
    client::{Session, until},
    cluster::{Cluster, Form},
    server::BOTH,
};

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn with_the_bot_stopped_a_login_is_refused_after_its_end() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let provider = cluster.provider(None).await;
        let mut fixture = cluster.fixture(Form::Login);
        fixture.until = SystemClock.now() + Span::from_seconds(6);
        let order = ordered(provider.as_ref(), &fixture, "short").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let (said, whole) = (done.native_expiry.unwrap(), fixture.until.micros() / 1_000_000);
        assert!((whole..=whole + 1).contains(&(said.micros() / 1_000_000)), "{said}");
        let config = handed(&cluster, provider.as_ref(), &order, &done).await;
        let session = Session::open(&config).await.unwrap();
        // Stopped: nothing of it is left that could end anything.
        drop(provider);
        until("its end refuses it", async || !writes(&config).await.unwrap()).await;
        assert!(SystemClock.now() >= fixture.until, "not before it");
        assert!(session.is_open().await, "PostgreSQL looks at it at a login only: what is open is for the bot to cut");
        let provider = cluster.provider(None).await;
        assert!(matches!(provider.observe(&order, None).await, Ok(Seen::Present { .. })), "what is there is not said to be gone");
        provider.revoke(&order, None, provider.describe().deadline.std()).await.unwrap();
        assert!(!session.is_open().await);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn more_time_moves_the_end_at_the_server_and_never_back() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "longer").await;
        granted(provider.as_ref(), &order, fixture.until).await;
        let ends = async || {
            let sql = "SELECT extract(epoch FROM rolvaliduntil)::bigint FROM pg_roles WHERE rolname = ";
            cluster.admin().await.asks(&format!("{sql}'{}'", cluster.generated().await[0])).await.parse::<i64>().unwrap()
        };
        let whole = |until: hallpass::domain::time::Instant| until.micros() / 1_000_000;
        let first = ends().await;
        assert!((whole(fixture.until)..=whole(fixture.until) + 1).contains(&first));
        let left = provider.describe().deadline.std();
        provider.extend(&order, None, fixture.later, left).await.unwrap();
        let later = ends().await;
        assert!((whole(fixture.later)..=whole(fixture.later) + 1).contains(&later));
        provider.extend(&order, None, fixture.until, left).await.unwrap();
        assert_eq!(ends().await, later);
        provider.revoke(&order, None, left).await.unwrap();
    }
}
