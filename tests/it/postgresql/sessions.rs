//! What is open at the end is cut: also a session that took the role's place, one in the middle of a statement, and one in
//! another database. Nobody else's is.

use super::{
    access::{WRITE, granted, handed, ordered, writes},
    client::{Session, until},
    cluster::{Cluster, Form},
    server::BOTH,
};

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn every_session_of_a_generated_login_ends_with_it() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let (order, beside) = (ordered(provider.as_ref(), &fixture, "cut").await, ordered(provider.as_ref(), &fixture, "beside").await);
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let other = granted(provider.as_ref(), &beside, fixture.until).await;
        let (config, others) =
            (handed(&cluster, provider.as_ref(), &order, &done).await, handed(&cluster, provider.as_ref(), &beside, &other).await);
        let (mut idle, mut elsewhere) =
            (Session::open(&config).await.unwrap(), Session::open(config.clone().dbname(cluster.reports())).await.unwrap());
        let mut as_role = Session::open(&config).await.unwrap();
        as_role.does(&format!("SET ROLE {}; BEGIN; {WRITE}", cluster.role())).await.unwrap();
        let busy = Session::open(&config).await.unwrap();
        let working = async {
            let ended = busy.does("SELECT pg_sleep(600)").await;
            assert!(ended.is_err(), "the statement was ended too");
        };
        let standing = Session::open(&cluster.own("zoe")).await.unwrap();
        standing.does(&format!("SET ROLE {}", cluster.role())).await.unwrap();
        let beside_session = Session::open(&others).await.unwrap();
        let ending = async {
            let admin = cluster.admin().await;
            until("the statement runs", async || {
                let sql = format!(
                    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND usename = '{}'",
                    config.get_user().unwrap()
                );
                admin.asks(&sql).await == "1"
            })
            .await;
            let left = provider.describe().deadline.std();
            let hallpass::provider::Step::Done(ended) = provider.revoke(&order, done.handle.as_ref(), left).await.unwrap() else {
                panic!("it is done at once")
            };
            assert_eq!(ended.sessions_closed, Some(4));
            assert_eq!(ended.residue, Vec::<String>::new());
        };
        tokio::join!(working, ending);
        for session in [&mut idle, &mut elsewhere, &mut as_role] {
            assert!(session.was_ended().await);
        }
        assert!(!writes(&config).await.unwrap());
        assert!(standing.does(WRITE).await.is_ok(), "who held the role before goes on");
        assert!(beside_session.does(WRITE).await.is_ok(), "and so does the grant beside it");
        provider.revoke(&beside, other.handle.as_ref(), provider.describe().deadline.std()).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_session_in_set_role_does_not_outlive_the_membership() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Membership));
        let order = ordered(provider.as_ref(), &fixture, "role").await;
        let mut before = Session::open(&cluster.own("ana")).await.unwrap();
        assert!(before.does(WRITE).await.is_err());
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        before.does(WRITE).await.unwrap();
        let mut as_role = Session::open(&cluster.own("ana")).await.unwrap();
        as_role.does(&format!("SET ROLE {}", cluster.role())).await.unwrap();
        let standing = Session::open(&cluster.own("zoe")).await.unwrap();
        standing.does(&format!("SET ROLE {}", cluster.role())).await.unwrap();
        let bystander = Session::open(&cluster.own("ben")).await.unwrap();
        provider.revoke(&order, done.handle.as_ref(), provider.describe().deadline.std()).await.unwrap();
        assert!(as_role.was_ended().await);
        assert!(before.was_ended().await);
        assert!(!writes(&cluster.own("ana")).await.unwrap(), "she gets in, and may not write");
        assert!(standing.does(WRITE).await.is_ok());
        assert!(bystander.is_open().await);
    }
}
