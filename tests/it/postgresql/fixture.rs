//! The fixture itself: what it makes works, and is gone afterwards; the proxy does what its script says.

use std::{panic::AssertUnwindSafe, time::Duration};

use tokio_postgres::Config;

use super::{
    client::{Session, gets_in, until},
    cluster::Cluster,
    server::{BOTH, Server, Version},
};
use crate::fakes::proxy::{Fault, Proxy};

/// How many roles and databases have this in their names.
async fn count(version: Version, suffix: &str) -> String {
    let admin = Session::open(&version.shared().parse().unwrap()).await.unwrap();
    let sql = format!(
        "SELECT (SELECT count(*) FROM pg_roles WHERE rolname LIKE '%{suffix}%') + (SELECT count(*) FROM pg_database WHERE datname LIKE \
         '%{suffix}%')"
    );
    admin.asks(&sql).await
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn what_a_test_makes_on_a_shared_server_is_gone_after_it_also_after_a_panic() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let suffix = cluster.suffix.clone();
        assert_eq!(count(version, &suffix).await, "8");
        assert!(gets_in(&cluster.own("ana")).await);
        let zoe = Session::open(&cluster.own("zoe")).await.unwrap();
        zoe.does("INSERT INTO shop.items VALUES (2)").await.unwrap();
        let ana = Session::open(&cluster.own("ana")).await.unwrap();
        assert!(ana.does("INSERT INTO shop.items VALUES (3)").await.is_err(), "she holds nothing");
        let failed = std::panic::catch_unwind(AssertUnwindSafe(move || {
            let _dropped_on_the_way = cluster;
            panic!("as a failing test does");
        }));
        assert!(failed.is_err());
        assert_eq!(count(version, &suffix).await, "0", "with two sessions open");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_server_of_a_tests_own_comes_back_with_what_it_had() {
    for version in BOTH {
        let server = Server::start(version, &["log_statement=all"]);
        let cluster = Cluster::of(&server).await;
        assert!(cluster.admin().await.asks("SHOW server_version").await.starts_with(version.name()));
        let before = cluster.snapshot().await;
        server.stop();
        server.begin();
        assert_eq!(cluster.snapshot().await, before);
        assert!(server.log().contains("SHOW server_version"));
    }
}

/// A way in through the proxy.
fn through(proxy: &Proxy, cluster: &Cluster) -> Config {
    let own = cluster.own("zoe");
    let mut config = Config::new();
    config.host("127.0.0.1").port(proxy.port()).user(own.get_user().unwrap()).password(own.get_password().unwrap());
    config.dbname(own.get_dbname().unwrap());
    config
}

const INSERT: &str = "INSERT INTO shop.items VALUES (7)";

async fn sevens(cluster: &Cluster) -> String {
    cluster.admin_in(&cluster.orders()).await.asks("SELECT count(*) FROM shop.items WHERE id = 7").await
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn the_proxy_cuts_before_and_after_the_effect_and_holds_back() {
    let version = Version::V18;
    let cluster = Cluster::on(&version.shared()).await;
    let admin: Config = version.shared().parse().unwrap();
    let proxy = Proxy::before(([127, 0, 0, 1], admin.get_ports()[0]).into()).await;
    let config = through(&proxy, &cluster);

    let mut session = Session::open(&config).await.unwrap();
    proxy.saying("INSERT", Fault::CutBefore);
    assert!(session.does(INSERT).await.is_err());
    assert!(session.was_ended().await);
    assert_eq!((proxy.mend(), sevens(&cluster).await), ((vec![INSERT.to_owned()], true), "0".into()));

    let session = Session::open(&config).await.unwrap();
    proxy.at(2, Fault::CutAfter);
    session.does("SELECT 1").await.unwrap();
    assert!(session.does(INSERT).await.is_err());
    assert_eq!((proxy.mend().1, sevens(&cluster).await), (true, "1".into()));

    let session = Session::open(&config).await.unwrap();
    proxy.at(1, Fault::Silent);
    assert!(tokio::time::timeout(Duration::from_millis(300), session.does(INSERT)).await.is_err());
    assert_eq!((proxy.mend().1, sevens(&cluster).await), (true, "2".into()));

    let session = Session::open(&config).await.unwrap();
    proxy.at(1, Fault::Hold);
    let late = async {
        proxy.holds().await;
        let before = sevens(&cluster).await;
        proxy.let_go().await;
        before
    };
    let (done, before) = tokio::join!(session.does(INSERT), late);
    done.unwrap();
    assert_eq!((before.as_str(), sevens(&cluster).await.as_str()), ("2", "3"));

    let lost = Session::open(&config).await.unwrap();
    proxy.at(1, Fault::Hold);
    let on_the_way = async {
        proxy.holds().await;
        proxy.lose();
    };
    let (done, ()) = tokio::join!(lost.does(INSERT), on_the_way);
    assert!(done.is_err());
    assert_eq!(sevens(&cluster).await, "3");

    proxy.at(1, Fault::Slow(Duration::from_millis(1)));
    session.does(INSERT).await.unwrap();
    assert!(proxy.mend().1);
    proxy.refuse(true);
    assert!(Session::open(&config).await.is_err());
    assert!(session.is_open().await, "those that are open live on");
    proxy.refuse(false);

    // Each step of a login is one that can go wrong; the statements of a connection are known by their text.
    proxy.at(usize::MAX, Fault::CutBefore);
    let session = Session::open(&config).await.unwrap();
    session.does("SELECT 1").await.unwrap();
    assert_eq!(proxy.mend(), (["log in", "password", "password", "SELECT 1"].map(String::from).into(), false));
    let (admin, pid) = (cluster.admin().await, session.asks("SELECT pg_backend_pid()").await);
    drop(session);
    until("the server hears that a client has gone", async || {
        admin.asks(&format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}")).await == "0"
    })
    .await;
}
