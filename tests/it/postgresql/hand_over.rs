//! Hand-over: a password is made when it is fetched, reaches nobody's log, and is the only one that works.

use std::time::Duration;

use hallpass::provider::FaultKind;
use secrecy::ExposeSecret as _;

use super::{
    access::{granted, ordered, read, writes},
    client::{Session, gets_in},
    cluster::{Cluster, Form},
    server::{BOTH, Server},
};

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn no_password_reaches_the_servers_log_or_its_views_and_only_the_newest_works() {
    for version in BOTH {
        let loud = ["log_statement=all", "log_min_duration_statement=0", "log_connections=on", "log_error_verbosity=verbose"];
        let server = Server::start(version, &loud);
        let cluster = Cluster::of(&server).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "shown").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let login = cluster.generated().await.remove(0);
        assert!(!gets_in(&cluster.login(&login, "")).await, "before the first one is fetched nobody gets in");
        let mut shown = Vec::new();
        for _ in 0..3 {
            let secret = provider.credential(&order, done.handle.as_ref()).await.unwrap();
            let config = read(&cluster, &secret);
            assert_eq!(config.get_user(), Some(login.as_str()));
            let password = String::from_utf8(config.get_password().unwrap().to_vec()).unwrap();
            assert!(password.len() >= 20, "it cannot be guessed");
            assert!(secret.expose_secret().contains(&password));
            assert!(writes(&config).await.unwrap());
            shown.push((config, password));
        }
        for (config, _) in &shown[..2] {
            assert!(!gets_in(config).await, "one from before still works");
        }
        let admin = cluster.admin().await;
        let kept = admin.asks(&format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{login}'")).await;
        assert!(kept.starts_with("SCRAM-SHA-256$"), "{kept}");
        let left = provider.describe().deadline.std();
        provider.revoke(&order, done.handle.as_ref(), left).await.unwrap();
        assert!(!gets_in(&shown[2].0).await);
        let late = provider.credential(&order, done.handle.as_ref()).await.unwrap_err();
        assert!(late.kind.is_permanent() || late.kind == FaultKind::Conflict, "{late:?}");
        let log = server.log();
        assert!(log.contains(&login) && log.contains("SCRAM-SHA-256$"), "the log holds every statement");
        for (_, password) in &shown {
            assert!(!log.contains(password.as_str()), "a password is in the server's log");
        }
    }
}

/// A password that was made just before the end must not open the door again after it.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_credential_that_is_fetched_while_it_ends_leaves_no_way_in() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let left = Duration::from_secs(30);
        for round in 0..5 {
            let order = ordered(provider.as_ref(), &fixture, &format!("race{round}")).await;
            let done = granted(provider.as_ref(), &order, fixture.until).await;
            let (fetched, ended) =
                tokio::join!(provider.credential(&order, done.handle.as_ref()), provider.revoke(&order, done.handle.as_ref(), left));
            if ended.is_err() {
                provider.revoke(&order, done.handle.as_ref(), left).await.unwrap();
            }
            if let Ok(secret) = fetched {
                assert!(!gets_in(&read(&cluster, &secret)).await);
            }
            assert_eq!(cluster.generated().await, [""; 0]);
        }
    }
}

/// A person's own login is theirs: nobody sets its password.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_membership_hands_nothing_over_and_leaves_the_password_alone() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Membership));
        let order = ordered(provider.as_ref(), &fixture, "own").await;
        assert!(!provider.describe_for(&order.target).hands_over());
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        assert!(provider.credential(&order, done.handle.as_ref()).await.is_err());
        let own = Session::open(&cluster.own("ana")).await.unwrap();
        assert!(own.is_open().await);
        provider.revoke(&order, done.handle.as_ref(), provider.describe().deadline.std()).await.unwrap();
        assert!(gets_in(&cluster.own("ana")).await, "she has her login, as before");
    }
}
