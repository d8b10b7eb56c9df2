//! What a holder gave on to others while they could.

use super::{BOTH, Cluster, Form, Session, granted, handed, is_absent, login_of, ordered, revoked};

/// Who is let in by the login is out with it, also if they are in the role just now. Since PostgreSQL 15 it takes an administrator
/// to let them in.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn who_was_let_in_through_a_login_is_out_with_it() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "onward").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let admin = cluster.admin().await;
        admin.does(&format!("GRANT {} TO {}, {}", login_of(&done), cluster.named("ben"), cluster.named("zoe"))).await.unwrap();
        let mut ben = Session::open(&cluster.own("ben")).await.unwrap();
        ben.does(&format!("SET ROLE {}", cluster.role())).await.unwrap();
        let zoe = Session::open(&cluster.own("zoe")).await.unwrap();
        assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);
        assert!(ben.was_ended().await, "he was in the role only through it");
        assert!(zoe.is_open().await, "she has the role by herself");
        let again = Session::open(&cluster.own("ben")).await.unwrap();
        assert!(again.does(&format!("SET ROLE {}", cluster.role())).await.is_err());
        assert!(cluster.generated().await.is_empty());
    }
}

/// A role that somebody else gave to the grant's login goes with the login, and so does what was given on by that.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn what_others_gave_to_the_login_and_what_it_gave_on_by_that_is_gone_too() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "more").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let (admin, team) = (cluster.admin().await, cluster.named("team"));
        admin.does(&format!("CREATE ROLE {team} NOLOGIN; GRANT {team} TO {} WITH ADMIN OPTION", login_of(&done))).await.unwrap();
        let session = Session::open(&handed(&cluster, provider.as_ref(), &order, &done).await).await.unwrap();
        session.does(&format!("GRANT {team} TO {}", cluster.named("ben"))).await.unwrap();
        let residue = revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue;
        assert!(is_absent(provider.as_ref(), &order, done.handle.as_ref()).await, "{residue:?}");
        assert_eq!(residue, [""; 0]);
        let members =
            admin.reads(&format!("SELECT member::regrole::text FROM pg_auth_members WHERE roleid = '{team}'::regrole")).await.unwrap();
        assert_eq!(members, [""; 0]);
        assert!(cluster.generated().await.is_empty());
        admin.does(&format!("DROP ROLE {team}")).await.unwrap();
    }
}

/// Whoever is in a role by what the login gave on is out of it, with the session that is in it.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_session_in_a_role_that_the_login_gave_on_ends_with_it() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "inside").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let (admin, team) = (cluster.admin().await, cluster.named("team"));
        admin
            .does(&format!(
                "CREATE ROLE {team} NOLOGIN; GRANT {team} TO {} WITH ADMIN OPTION; GRANT {team} TO {}",
                login_of(&done),
                cluster.named("zoe")
            ))
            .await
            .unwrap();
        let session = Session::open(&handed(&cluster, provider.as_ref(), &order, &done).await).await.unwrap();
        session.does(&format!("GRANT {team} TO {}", cluster.named("ben"))).await.unwrap();
        let (mut ben, zoe) = (Session::open(&cluster.own("ben")).await.unwrap(), Session::open(&cluster.own("zoe")).await.unwrap());
        for session in [&ben, &zoe] {
            session.does(&format!("SET ROLE {team}")).await.unwrap();
        }
        assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);
        assert!(ben.was_ended().await, "he was in it only through the login");
        assert!(zoe.is_open().await, "she has it by somebody else");
        admin.does(&format!("DROP ROLE {team}")).await.unwrap();
    }
}

/// Access to tables that was given on by a grant option ends with what it was given by.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_grant_option_that_the_login_used_takes_what_it_gave_with_it() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "option").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let admin = cluster.admin_in(&cluster.orders()).await;
        let login = login_of(&done);
        admin.does(&format!("SET ROLE {}; GRANT SELECT ON shop.items TO {login} WITH GRANT OPTION", cluster.owner())).await.unwrap();
        let session = Session::open(&handed(&cluster, provider.as_ref(), &order, &done).await).await.unwrap();
        session.does(&format!("GRANT SELECT ON shop.items TO {}", cluster.named("ben"))).await.unwrap();
        let residue = revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue;
        let acl = admin.asks("SELECT relacl::text FROM pg_class WHERE relname = 'items'").await;
        if residue.is_empty() {
            assert!(!acl.contains(&login) && !acl.contains(&cluster.named("ben")), "{acl}");
        } else {
            // The owner gave it, and the owner alone can take it back: it is said.
            assert!(residue.iter().all(|line| line.contains("shop.items")), "{residue:?}");
        }
        admin.does(&format!("REVOKE ALL ON shop.items FROM {login} CASCADE")).await.ok();
        assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);
        let acl = admin.asks("SELECT relacl::text FROM pg_class WHERE relname = 'items'").await;
        assert!(!acl.contains(&cluster.named("ben")), "{acl}");
    }
}
