//! What the bot's own role lacks and has too much of, and whether the SQL that is printed mends it.

use std::sync::Arc;

use hallpass::{
    clock::SystemClock,
    provider::{Provider, Right, RightState, build::build},
};
use serde_json::Value;

use super::{BOTH, Cluster, Form, Version, granted, handed, ordered, revoked, writes};

fn not_fine(all: &[Right]) -> Vec<(&str, RightState)> {
    all.iter().filter(|right| right.state != RightState::Fine).map(|right| (right.what.as_str(), right.state)).collect()
}

async fn mended(cluster: &Cluster, provider: &dyn Provider, targets: &[Value]) {
    let admin = cluster.admin().await;
    for line in provider.rights(targets).await.unwrap().iter().flat_map(|right| &right.mend) {
        admin.does(line).await.unwrap();
    }
    let all = provider.rights(targets).await.unwrap();
    assert_eq!(not_fine(&all), []);
    assert!(all.iter().all(|right| right.mend.is_empty() && !right.why.is_empty()));
}

/// A login that can do nothing yet, in the place of the bot's.
async fn bare(cluster: &Cluster) -> (Arc<dyn Provider>, String) {
    let name = cluster.named("bare");
    cluster.admin().await.does(&format!("CREATE ROLE {name} LOGIN PASSWORD 'as-good-as-any'")).await.unwrap();
    let settings = cluster.settings(None).replace(&cluster.bot(), &name);
    (build("postgresql", &settings.parse().unwrap(), Arc::new(SystemClock)).await.unwrap(), name)
}

async fn dropped(cluster: &Cluster, name: &str) {
    cluster.admin().await.does(&format!("DROP OWNED BY {name}; DROP ROLE {name}")).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn what_it_prints_is_all_that_a_bare_login_needs() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, name) = bare(&cluster).await;
        let targets = [cluster.target(Form::Login), cluster.target(Form::Membership)];
        let lacks = provider.rights(&targets).await.unwrap();
        let lacks: Vec<&str> =
            not_fine(&lacks).into_iter().filter(|(_, state)| *state == RightState::Lacks).map(|(what, _)| what).collect();
        let (give, hand) = (format!("give {}", cluster.role()), format!("hand over to {}", cluster.owner()));
        for what in ["make logins (CREATEROLE)", &give, &hand, "pg_signal_backend", "pg_read_all_stats"] {
            assert!(lacks.contains(&what), "{what} in {lacks:?}");
        }
        mended(&cluster, provider.as_ref(), &targets).await;
        for form in [Form::Login, Form::Membership] {
            let fixture = cluster.fixture(form);
            let order = ordered(provider.as_ref(), &fixture, "mended").await;
            let done = granted(provider.as_ref(), &order, fixture.until).await;
            if form == Form::Login {
                let config = handed(&cluster, provider.as_ref(), &order, &done).await;
                let session = super::Session::open(&config).await.unwrap();
                session.does("CREATE TABLE shop.made (id int)").await.unwrap();
            } else {
                assert!(writes(&cluster.own("ana")).await.unwrap());
            }
            assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);
        }
        assert_eq!(not_fine(&provider.rights(&targets).await.unwrap()), [], "and its own logins are not held against it");
        dropped(&cluster, &name).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn what_it_has_too_much_of_is_said_and_mended() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, name) = bare(&cluster).await;
        let targets = [cluster.target(Form::Login)];
        mended(&cluster, provider.as_ref(), &targets).await;
        let (admin, role, team) = (cluster.admin().await, cluster.role(), cluster.named("team"));
        admin.does(&format!("ALTER ROLE {name} CREATEDB REPLICATION BYPASSRLS; CREATE ROLE {team}; GRANT {team} TO {name}")).await.unwrap();
        if version == Version::V18 {
            admin.does(&format!("GRANT {role} TO {name} WITH INHERIT TRUE, SET TRUE")).await.unwrap();
        }
        let all = provider.rights(&targets).await.unwrap();
        let (be, uses) = (format!("be {team}, or give it"), format!("use {role} itself"));
        let mut expected = vec!["make databases", "replicate", "pass by row security", &be];
        expected.extend((version == Version::V18).then_some(uses.as_str()));
        let found: Vec<&str> =
            not_fine(&all).into_iter().filter(|(_, state)| *state == RightState::TooMuch).map(|(what, _)| what).collect();
        assert!(expected.iter().all(|what| found.contains(what)), "{found:?}");
        mended(&cluster, provider.as_ref(), &targets).await;

        admin.does(&format!("ALTER ROLE {name} SUPERUSER")).await.unwrap();
        let all = provider.rights(&targets).await.unwrap();
        assert!(not_fine(&all).contains(&("be a superuser", RightState::TooMuch)), "{all:?}");
        mended(&cluster, provider.as_ref(), &targets).await;
        admin.does(&format!("DROP ROLE {team}")).await.unwrap();
        dropped(&cluster, &name).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn its_health_is_one_line_with_what_is_lacking() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let health = cluster.provider(None).await.health().await.unwrap();
        assert!(health.starts_with(&format!("PostgreSQL {}", version.name())), "{health}");
        let (provider, name) = bare(&cluster).await;
        let health = provider.health().await.unwrap();
        assert!(health.contains("lacks: pg_signal_backend, pg_read_all_stats") && !health.contains('\n'), "{health}");
        dropped(&cluster, &name).await;
    }
}
