//! Sessions that are just beginning when access ends. Whoever logs in may say how long that takes, and the server shows nobody whose
//! such a session is.

use tokio_postgres::Config;

use super::{BOTH, Cluster, Form, Server, Session, granted, handed, is_absent, ordered, revoked, until};

/// Sessions that have a lock on their database, which those have that are just beginning.
const BEGINNING: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND classid = 'pg_database'::regclass";

/// Logs in, in the role already, and is not there to be seen for ten minutes.
async fn delayed(cluster: &Cluster, config: &Config) -> tokio::task::JoinHandle<Result<Session, tokio_postgres::Error>> {
    let mut config = config.clone();
    config.options(format!("-c role={} -c post_auth_delay=600", cluster.role()));
    let session = tokio::spawn(async move { Session::open(&config).await });
    let admin = cluster.admin().await;
    until("it is beginning", async || admin.asks(BEGINNING).await == "1").await;
    session
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_session_that_began_before_the_end_is_not_there_after_it() {
    for version in BOTH {
        let server = Server::start(version, &[]);
        let cluster = Cluster::on(&server.url()).await;
        for form in [Form::Login, Form::Membership] {
            let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(form));
            let order = ordered(provider.as_ref(), &fixture, "delayed").await;
            let done = granted(provider.as_ref(), &order, fixture.until).await;
            let config = match form {
                Form::Login => handed(&cluster, provider.as_ref(), &order, &done).await,
                Form::Membership => cluster.own("ana"),
            };
            let session = delayed(&cluster, &config).await;
            assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);
            assert_eq!(cluster.admin().await.asks(BEGINNING).await, "0", "{form:?} on {}", version.name());
            match session.await.unwrap() {
                Err(error) => assert!(error.as_db_error().is_some(), "{error:?}"),
                Ok(mut session) => assert!(session.was_ended().await, "it was told to end while it began"),
            }
            assert!(is_absent(provider.as_ref(), &order, done.handle.as_ref()).await);
        }
    }
}

/// Nothing is given to a superuser, and nobody but a superuser ends what is theirs.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_superusers_session_that_is_just_beginning_holds_up_nothing() {
    for version in BOTH {
        let server = Server::start(version, &[]);
        let cluster = Cluster::on(&server.url()).await;
        let (provider, fixture, admin) = (cluster.provider(None).await, cluster.fixture(Form::Login), cluster.admin().await);
        let order = ordered(provider.as_ref(), &fixture, "beside").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let session = delayed(&cluster, &server.url().parse().unwrap()).await;
        assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);
        assert_eq!(admin.asks(BEGINNING).await, "1", "it is left alone");
        session.abort();
    }
}
