//! Bounds: connections, time, and what comes of a server that cannot be spoken to.

use std::{sync::Arc, time::Duration};

use hallpass::{
    clock::SystemClock,
    domain::time::{Instant, Span},
    provider::{FaultKind, Provider, Seen, Step, build::build},
};

use super::{BOTH, Cluster, Form, Server, Session, Version, fetched, granted, is_absent, login_of, ordered, revoked, writes};

async fn built(settings: &str) -> Arc<dyn Provider> {
    build("postgresql", &settings.parse().unwrap(), Arc::new(SystemClock)).await.unwrap()
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn it_never_has_more_connections_than_it_may_also_over_several_databases() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let provider = built(&format!("{}\nconnections = 2", cluster.settings(None))).await;
        assert_eq!(provider.at_once(), Some(2));
        let fixture = cluster.fixture(Form::Login);
        let mut orders = Vec::new();
        for number in 0..8 {
            orders.push(ordered(provider.as_ref(), &fixture, &format!("many{number}")).await);
        }
        for order in &orders {
            let done = granted(provider.as_ref(), order, fixture.until).await;
            let mut config = fetched(&cluster, provider.as_ref(), order, done.handle.as_ref()).await.unwrap();
            for database in [cluster.orders(), cluster.reports()] {
                let made = format!("CREATE TABLE shop.{} (id int)", login_of(&done));
                Session::open(config.dbname(&database)).await.unwrap().does(&made).await.unwrap();
            }
        }
        let admin = cluster.admin().await;
        let counting = async {
            let mut most = 0;
            let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{}'", cluster.bot());
            loop {
                most = most.max(admin.asks(&sql).await.parse::<u32>().unwrap());
                // One that was closed for another's sake may still be on its way out.
                assert!(most <= 4, "{most} connections");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let revoking = futures_util::future::join_all(orders.iter().map(|order| revoked(provider.as_ref(), order, None)));
        tokio::select! {
            () = counting => {}
            all = revoking => assert!(all.iter().all(|done| done.as_ref().unwrap().residue.is_empty()), "{all:?}"),
        }
        assert!(cluster.generated().await.is_empty());
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_call_without_time_changes_nothing_and_says_so() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        for form in [Form::Login, Form::Membership] {
            let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(form));
            let order = ordered(provider.as_ref(), &fixture, "late").await;
            let before = super::lines(&cluster).await;
            for left in [0, 1, 50, 150] {
                let refused = provider.grant(&order, None, fixture.until, Duration::from_millis(left)).await.unwrap_err();
                assert_eq!(refused.kind, FaultKind::Transient, "{refused:?}");
            }
            assert_eq!(super::lines(&cluster).await, before);
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn its_own_end_is_rounded_up_to_a_second_and_never_moved_back() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "round").await;
        let left = provider.describe().deadline.std();
        let whole = Instant::from_micros(fixture.until.seconds() * 1_000_000);
        let until = Instant::from_micros(whole.micros() + 1);
        let done = granted(provider.as_ref(), &order, until).await;
        assert_eq!(done.native_expiry, Some(whole + Span::from_seconds(1)));
        let seen = provider.observe(&order, done.handle.as_ref()).await.unwrap();
        assert_eq!(seen, Seen::Present { native_expiry: done.native_expiry, detail: None });
        for earlier in [whole - Span::from_minutes(10), whole + Span::from_minutes(10)] {
            let Step::Done(moved) = provider.extend(&order, done.handle.as_ref(), earlier, left).await.unwrap() else { panic!("at once") };
            assert_eq!(moved.native_expiry, done.native_expiry.max(Some(earlier)));
        }
        let again = granted(provider.as_ref(), &order, until).await;
        assert_eq!(again.native_expiry, Some(whole + Span::from_minutes(10)), "granting again does not shorten it");
        revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap();
        assert_eq!(provider.extend(&order, done.handle.as_ref(), until, left).await.unwrap_err().kind, FaultKind::NoSuchPrincipal);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_server_that_makes_md5_of_passwords_is_given_no_password_either() {
    // 18 says in its log that such passwords are going away, and still takes the setting.
    for version in BOTH {
        let server = Server::start(version, &["password_encryption=md5", "log_statement=all"]);
        let cluster = Cluster::on(&server.url()).await;
        let bot = format!("SET password_encryption = 'scram-sha-256'; ALTER ROLE {} PASSWORD 'as-good-as-any'", cluster.bot());
        cluster.admin().await.does(&bot).await.unwrap();
        let (provider, fixture) = (built(&cluster.settings(None)).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "md5").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let config = fetched(&cluster, provider.as_ref(), &order, done.handle.as_ref()).await.unwrap();
        assert!(writes(&config).await.unwrap());
        let password = String::from_utf8(config.get_password().unwrap().to_vec()).unwrap();
        assert!(!server.log().contains(&password));
        revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn who_cannot_be_spoken_to_is_unknown_and_the_reason_is_said_without_names() {
    let cluster = Cluster::on(&Version::V18.shared()).await;
    let fixture = cluster.fixture(Form::Login);
    let order = ordered(cluster.provider(None).await.as_ref(), &fixture, "silent").await;
    let settings = cluster.settings(None);
    let wrong = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(wrong.path(), "not it").unwrap();
    let password = settings.lines().find(|line| line.starts_with("password")).unwrap();
    let other_password = format!("password = {{ file = \"{}\" }}", wrong.path().display());
    let cases = [
        (settings.replace(password, &other_password), FaultKind::Denied, "refuses the bot's own login"),
        (settings.replace("/postgres\"", "/nothing_there\""), FaultKind::Denied, "has no such database"),
        (cluster.settings(Some(1)), FaultKind::Transient, "cannot be reached"),
        (settings.replace("tls = \"off\"", "tls = \"verify-full\""), FaultKind::Transient, "cannot be reached"),
    ];
    for (settings, kind, words) in cases {
        let provider = built(&settings).await;
        let refused = provider.grant(&order, None, fixture.until, Duration::from_secs(20)).await.unwrap_err();
        assert!(refused.kind == kind && refused.message.contains(words), "{refused:?}");
        let looked = provider.observe(&order, None).await;
        assert!(matches!(looked, Ok(Seen::Unknown { .. }) | Err(_)), "{looked:?}");
        assert!(provider.health().await.is_err());
    }
    assert!(is_absent(cluster.provider(None).await.as_ref(), &order, None).await);
}

/// The cut is made and said to be incomplete; the next call goes on from there.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn without_the_right_to_end_sessions_access_is_cut_and_the_end_does_not_succeed() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, admin, bot) = (cluster.provider(None).await, cluster.admin().await, cluster.bot());
        for form in [Form::Login, Form::Membership] {
            let fixture = cluster.fixture(form);
            let order = ordered(provider.as_ref(), &fixture, "signal").await;
            let done = granted(provider.as_ref(), &order, fixture.until).await;
            let config = match form {
                Form::Login => fetched(&cluster, provider.as_ref(), &order, done.handle.as_ref()).await.unwrap(),
                Form::Membership => cluster.own("ana"),
            };
            let mut session = Session::open(&config).await.unwrap();
            session.does(&format!("SET ROLE {}", cluster.role())).await.unwrap();
            admin.does(&format!("REVOKE pg_signal_backend FROM {bot}")).await.unwrap();
            let refused = revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap_err();
            assert!(refused.kind == FaultKind::Denied && refused.message.contains("pg_signal_backend"), "{refused:?}");
            assert!(!writes(&config).await.unwrap(), "nobody gets in any more");
            admin.does(&format!("GRANT pg_signal_backend TO {bot}")).await.unwrap();
            revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap();
            assert!(session.was_ended().await);
            assert!(is_absent(provider.as_ref(), &order, done.handle.as_ref()).await);
        }
    }
}

/// It may end every session there is, and ends those that are meant.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_bot_that_is_a_superuser_ends_nobody_elses_sessions() {
    for version in BOTH {
        let server = Server::start(version, &[]);
        let cluster = Cluster::on(&server.url()).await;
        cluster.admin().await.does(&format!("ALTER ROLE {} SUPERUSER", cluster.bot())).await.unwrap();
        let provider = cluster.provider(None).await;
        let (ben, admin) = (Session::open(&cluster.own("ben")).await.unwrap(), cluster.admin().await);
        for form in [Form::Login, Form::Membership] {
            let fixture = cluster.fixture(form);
            let order = ordered(provider.as_ref(), &fixture, "mighty").await;
            let done = granted(provider.as_ref(), &order, fixture.until).await;
            let config = match form {
                Form::Login => fetched(&cluster, provider.as_ref(), &order, done.handle.as_ref()).await.unwrap(),
                Form::Membership => cluster.own("ana"),
            };
            let mut session = Session::open(&config).await.unwrap();
            assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().sessions_closed, Some(1));
            assert!(session.was_ended().await);
            assert!(is_absent(provider.as_ref(), &order, done.handle.as_ref()).await);
            assert!(ben.is_open().await && admin.is_open().await);
        }
    }
}
