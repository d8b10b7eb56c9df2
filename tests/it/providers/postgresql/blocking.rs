//! Whoever is in the way of an end: the holder with a transaction of their own, an administrator with one, a membership that the bot may
//! not take away. Every other step is done.

use std::time::Duration;

use hallpass::provider::{FaultKind, Step};

use super::{
    BOTH, Cluster, Form, Server, Session, Version, gets_in, granted, handed, is_absent, login_of, ordered, revoked, until, writes,
};

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_holder_does_not_put_off_the_end_by_a_transaction_of_their_own() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "block").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let config = handed(&cluster, provider.as_ref(), &order, &done).await;
        let mut session = Session::open(&config).await.unwrap();
        session.does("BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'x'").await.unwrap();
        assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);
        assert!(session.was_ended().await && !gets_in(&config).await);
        assert!(cluster.generated().await.is_empty());
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_person_does_not_put_off_the_end_of_a_membership_by_a_transaction_of_their_own() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Membership));
        let order = ordered(provider.as_ref(), &fixture, "block").await;
        granted(provider.as_ref(), &order, fixture.until).await;
        let mut session = Session::open(&cluster.own("ana")).await.unwrap();
        session.does("BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'x'; DROP OWNED BY CURRENT_USER").await.unwrap();
        revoked(provider.as_ref(), &order, None).await.unwrap();
        assert!(session.was_ended().await && is_absent(provider.as_ref(), &order, None).await);
        assert!(!writes(&cluster.own("ana")).await.unwrap());
    }
}

/// The role that is given cannot be taken away just now; the login is out all the same, and the end has not succeeded.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn an_administrators_open_transaction_holds_up_one_step_and_not_the_others() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture, admin) = (cluster.provider(None).await, cluster.fixture(Form::Login), cluster.admin().await);
        let order = ordered(provider.as_ref(), &fixture, "held").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let login = login_of(&done);
        let config = handed(&cluster, provider.as_ref(), &order, &done).await;
        let mut session = Session::open(&config).await.unwrap();
        admin.does(&format!("BEGIN; REVOKE {} FROM {login}", cluster.role())).await.unwrap();
        if version == Version::V18 {
            admin.does(&format!("REVOKE {} FROM {login} GRANTED BY {}", cluster.role(), cluster.bot())).await.unwrap();
        }
        let refused = revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap_err();
        assert_eq!(refused.kind, FaultKind::Conflict, "{refused:?}");
        assert!(session.was_ended().await && !gets_in(&config).await, "it is out, whatever is in the way");
        assert!(!is_absent(provider.as_ref(), &order, done.handle.as_ref()).await, "and nobody says that it is over");
        admin.does("ROLLBACK").await.unwrap();
        assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);

        let order = ordered(provider.as_ref(), &fixture, "row").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let login = login_of(&done);
        let config = handed(&cluster, provider.as_ref(), &order, &done).await;
        admin.does(&format!("BEGIN; ALTER ROLE {login} CONNECTION LIMIT 9")).await.unwrap();
        let refused = revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap_err();
        assert_eq!(refused.kind, FaultKind::Conflict, "{refused:?}");
        assert!(!writes(&config).await.unwrap(), "it may still come in, and has no role");
        admin.does("ROLLBACK").await.unwrap();
        revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap();
        assert!(cluster.generated().await.is_empty());
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_membership_that_the_bot_may_not_take_holds_up_nothing_else() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture, admin) = (cluster.provider(None).await, cluster.fixture(Form::Login), cluster.admin().await);
        let order = ordered(provider.as_ref(), &fixture, "mighty").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let (login, mighty) = (login_of(&done), cluster.named("mighty"));
        admin.does(&format!("CREATE ROLE {mighty} SUPERUSER NOLOGIN; GRANT {mighty} TO {login}")).await.unwrap();
        let config = handed(&cluster, provider.as_ref(), &order, &done).await;
        let mut session = Session::open(&config).await.unwrap();
        let ended = revoked(provider.as_ref(), &order, done.handle.as_ref()).await;
        assert!(session.was_ended().await && !gets_in(&config).await, "{ended:?}");
        assert_eq!(ended.unwrap().residue, [""; 0], "it went with the login");
        assert!(cluster.generated().await.is_empty());
        admin.does(&format!("DROP ROLE {mighty}")).await.unwrap();
    }
}

/// It outlives every session, and only its own or a superuser ends it.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_transaction_that_the_holder_prepared_is_named_and_the_role_is_gone() {
    for version in BOTH {
        let server = Server::start(version, &["max_prepared_transactions=5"]);
        let cluster = Cluster::on(&server.url()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "prepared").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let config = handed(&cluster, provider.as_ref(), &order, &done).await;
        let mut session = Session::open(&config).await.unwrap();
        session.does("BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'x'; PREPARE TRANSACTION 'for ever'").await.unwrap();
        let refused = revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap_err();
        assert!(refused.message.contains("ROLLBACK PREPARED"), "{refused:?}");
        assert!(session.was_ended().await && !writes(&config).await.unwrap());
        cluster.admin_in(&cluster.orders()).await.does("ROLLBACK PREPARED 'for ever'").await.unwrap();
        assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);
        assert!(cluster.generated().await.is_empty());
    }
}

/// Tidying up takes none of the time in which the last sessions are ended.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn databases_in_which_everything_is_locked_leave_time_for_the_last_look() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture, admin) = (cluster.provider(None).await, cluster.fixture(Form::Login), cluster.admin().await);
        let order = ordered(provider.as_ref(), &fixture, "slow").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let mut config = handed(&cluster, provider.as_ref(), &order, &done).await;
        let more = [cluster.named("more"), cluster.named("most"), cluster.named("last")];
        for name in &more {
            admin.does(&format!("CREATE DATABASE {name} TEMPLATE {}", cluster.reports())).await.unwrap();
        }
        let mut locked = Vec::new();
        for name in more.iter().chain(&[cluster.orders(), cluster.reports()]) {
            Session::open(config.dbname(name)).await.unwrap().does("CREATE TABLE shop.made (id int)").await.unwrap();
            let at = cluster.admin_in(name).await;
            at.does("BEGIN; LOCK TABLE shop.made").await.unwrap();
            locked.push(at);
        }
        let step = provider.revoke(&order, done.handle.as_ref(), Duration::from_secs(9)).await.unwrap();
        let Step::Done(ended) = step else { panic!("at once") };
        let said = |words: &str| ended.residue.iter().any(|line| line.contains(words));
        assert!(said("could not be tidied up: something else is being done to it") && said("no time yet"), "{:?}", ended.residue);
        assert!(is_absent(provider.as_ref(), &order, done.handle.as_ref()).await);
        drop(locked);
        for name in &more {
            admin.does(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        }
        assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);
    }
}

/// By another hand, and nobody told the sessions.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn sessions_in_a_role_end_also_if_the_membership_was_taken_away_by_hand() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture, admin) = (cluster.provider(None).await, cluster.fixture(Form::Membership), cluster.admin().await);
        let order = ordered(provider.as_ref(), &fixture, "hand").await;
        granted(provider.as_ref(), &order, fixture.until).await;
        let mut session = Session::open(&cluster.own("ana")).await.unwrap();
        session.does(&format!("SET ROLE {}", cluster.role())).await.unwrap();
        let by = if version == Version::V18 { format!(" GRANTED BY {}", cluster.bot()) } else { String::new() };
        admin.does(&format!("REVOKE {} FROM {}{by}", cluster.role(), cluster.named("ana"))).await.unwrap();
        assert_eq!(revoked(provider.as_ref(), &order, None).await.unwrap().sessions_closed, Some(1));
        assert!(session.was_ended().await);
    }
}

/// Whoever may be the person is in the role too.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn who_was_let_in_through_a_persons_login_is_out_of_the_role_with_it() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture, admin) = (cluster.provider(None).await, cluster.fixture(Form::Membership), cluster.admin().await);
        let order = ordered(provider.as_ref(), &fixture, "through").await;
        admin
            .does(&format!("GRANT {ana} TO {}, {}", cluster.named("ben"), cluster.named("zoe"), ana = cluster.named("ana")))
            .await
            .unwrap();
        granted(provider.as_ref(), &order, fixture.until).await;
        let mut ben = Session::open(&cluster.own("ben")).await.unwrap();
        ben.does(&format!("SET ROLE {}", cluster.role())).await.unwrap();
        let zoe = Session::open(&cluster.own("zoe")).await.unwrap();
        assert_eq!(revoked(provider.as_ref(), &order, None).await.unwrap().sessions_closed, Some(1));
        assert!(ben.was_ended().await, "he was in the role only through her");
        assert!(zoe.is_open().await, "she has the role by herself");
    }
}

/// While a commit waits for the standby, nobody would see what it did: the way in would be open for as long.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_standby_that_is_away_holds_up_the_word_that_it_is_over_and_not_the_end() {
    for version in BOTH {
        let server = Server::start(version, &[]);
        let cluster = Cluster::of(&server).await;
        for form in [Form::Login, Form::Membership] {
            let (provider, fixture, admin) = (cluster.provider(None).await, cluster.fixture(form), cluster.admin().await);
            let reload = async |names: &str| {
                admin.does(&format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'")).await.unwrap();
                admin.does("SELECT pg_reload_conf()").await.unwrap();
                until("the setting", async || admin.asks("SHOW synchronous_standby_names").await == names).await;
            };
            reload("nobody").await;
            let order = ordered(provider.as_ref(), &fixture, "copied").await;
            let done = granted(provider.as_ref(), &order, fixture.until).await;
            reload("").await;
            let config = match form {
                Form::Login => handed(&cluster, provider.as_ref(), &order, &done).await,
                Form::Membership => cluster.own("ana"),
            };
            let mut session = Session::open(&config).await.unwrap();
            assert!(writes(&config).await.unwrap());
            reload("nobody").await;
            let refused = provider.revoke(&order, done.handle.as_ref(), Duration::from_secs(7)).await.unwrap_err();
            assert!(refused.message.contains("copies do not have that yet"), "{refused:?}");
            assert!(session.was_ended().await);
            // Nothing waits there for the standby in our name.
            let waiting = format!("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND usename = '{}'", cluster.bot());
            until("nobody waits", async || admin.asks(&waiting).await == "0").await;
            reload("").await;
            assert!(!writes(&config).await.unwrap(), "{form:?}");
            assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);
            assert!(is_absent(provider.as_ref(), &order, done.handle.as_ref()).await);
        }
    }
}

/// In the role it is the role's, and nobody sees who prepared it.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_transaction_that_the_holder_prepared_in_the_role_is_said() {
    for version in BOTH {
        let server = Server::start(version, &["max_prepared_transactions=5"]);
        let cluster = Cluster::on(&server.url()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "inside").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let session = Session::open(&handed(&cluster, provider.as_ref(), &order, &done).await).await.unwrap();
        let prepared = format!("BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'x'; SET ROLE {}; PREPARE TRANSACTION 'for ever'", cluster.role());
        session.does(&prepared).await.unwrap();
        let refused = revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap_err();
        assert!(refused.message.contains("by it or by others in its role, prepared 1 transactions"), "{refused:?}");
        cluster.admin_in(&cluster.orders()).await.does("ROLLBACK PREPARED 'for ever'").await.unwrap();
        assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);
    }
}

/// What a database says about sessions does not make the bot somebody else.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn settings_of_a_database_or_of_its_login_do_not_change_who_the_bot_is() {
    for version in BOTH {
        let server = Server::start(version, &[]);
        let cluster = Cluster::on(&server.url()).await;
        let (admin, bot) = (cluster.admin().await, cluster.bot());
        admin.does(&format!("GRANT {} TO {bot}", cluster.named("ben"))).await.unwrap();
        for database in ["postgres".to_owned(), cluster.orders()] {
            admin
                .does(&format!(
                    "ALTER DATABASE {database} SET role = {}; ALTER ROLE {bot} IN DATABASE {database} SET role = {}",
                    cluster.named("ben"),
                    cluster.named("ben")
                ))
                .await
                .unwrap();
            admin.does(&format!("ALTER DATABASE {database} SET default_transaction_read_only = on")).await.unwrap();
        }
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "self").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);
        assert!(cluster.generated().await.is_empty());
    }
}
