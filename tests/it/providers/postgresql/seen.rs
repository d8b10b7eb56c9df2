//! Sessions as they are seen while access is live.

use hallpass::{
    clock::{Clock as _, SystemClock},
    domain::time::Span,
    provider::{FaultKind, Sighting},
};

use super::{BOTH, Cluster, Form, Session, granted, handed, ordered, revoked, until};

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn sessions_are_seen_for_each_order_in_one_question() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, login, member) = (cluster.provider(None).await, cluster.fixture(Form::Login), cluster.fixture(Form::Membership));
        let mut orders = Vec::new();
        for name in ["one", "two"] {
            orders.push(ordered(provider.as_ref(), &login, name).await);
        }
        orders.push(ordered(provider.as_ref(), &member, "three").await);
        let one = granted(provider.as_ref(), &orders[0], login.until).await;
        granted(provider.as_ref(), &orders[1], login.until).await;
        granted(provider.as_ref(), &orders[2], member.until).await;
        assert_eq!(provider.sightings(&orders).await.unwrap(), [const { Vec::<Sighting>::new() }; 3]);
        let mut config = handed(&cluster, provider.as_ref(), &orders[0], &one).await;
        config.application_name("what \u{202e}she\nsays\u{1f600}");
        let before = SystemClock.now() - Span::from_seconds(5);
        let first = Session::open(&config).await.unwrap();
        let _second = Session::open(&config).await.unwrap();
        let _own = Session::open(&cluster.own("ana")).await.unwrap();
        let seen = provider.sightings(&orders).await.unwrap();
        assert_eq!(seen.iter().map(Vec::len).collect::<Vec<_>>(), [2, 0, 1]);
        for sighting in seen.iter().flatten() {
            assert_eq!(sighting.from.as_deref(), Some("127.0.0.1"));
            assert!(sighting.since > before && sighting.since < SystemClock.now() + Span::from_seconds(5));
        }
        assert_ne!(seen[0][0].session, seen[0][1].session);
        assert!(seen[0][0].about.as_ref().unwrap().chars().all(|c| c == ' ' || c == '\u{fffd}' || c.is_ascii_graphic()), "{seen:?}");
        assert_eq!(provider.sightings(&orders).await.unwrap(), seen, "the same sessions are called the same");
        drop(first);
        until("the first session is over", async || provider.sightings(&orders).await.unwrap()[0].len() == 1).await;
        for order in &orders {
            revoked(provider.as_ref(), order, None).await.unwrap();
        }
        assert_eq!(provider.sightings(&orders[..2]).await.unwrap(), [const { Vec::<Sighting>::new() }; 2]);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_bot_that_may_not_see_sessions_says_so_instead_of_seeing_none() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Membership));
        let order = ordered(provider.as_ref(), &fixture, "blind").await;
        cluster.admin().await.does(&format!("REVOKE pg_read_all_stats FROM {}", cluster.bot())).await.unwrap();
        let _own = Session::open(&cluster.own("ana")).await.unwrap();
        let refused = provider.sightings(&[order]).await.unwrap_err();
        assert!(refused.kind == FaultKind::Denied && refused.message.contains("pg_read_all_stats"), "{refused:?}");
    }
}
