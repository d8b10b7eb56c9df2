//! To whom and what may be given: refused at once, in words that name nothing that people wrote.

use hallpass::provider::FaultKind;
use serde_json::Value;

use super::{BOTH, Cluster, Form, holders, ordered};

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn superusers_the_bot_itself_and_roles_that_cannot_log_in_are_given_nothing() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Membership));
        let (all, group) = (cluster.named("almighty"), cluster.named("group"));
        let admin = cluster.admin().await;
        admin.does(&format!("CREATE ROLE {all} LOGIN SUPERUSER; CREATE ROLE {group} NOLOGIN")).await.unwrap();
        let cases = [
            (all.clone(), FaultKind::Invalid, "superuser"),
            (cluster.bot(), FaultKind::Invalid, "bot's own"),
            (group.clone(), FaultKind::Invalid, "cannot log in"),
            (cluster.named("nobody"), FaultKind::NoSuchPrincipal, "no login"),
            ("a".repeat(64), FaultKind::NoSuchPrincipal, "no name"),
            (String::new(), FaultKind::NoSuchPrincipal, "not known"),
        ];
        let order = ordered(provider.as_ref(), &fixture, "refused").await;
        for (login, kind, words) in cases {
            let mut person = fixture.person.clone();
            person.logins.insert("postgresql".into(), login.clone());
            let refused = provider.resolve(&person, &fixture.role).await.unwrap_err();
            assert!(refused.kind == kind && refused.message.contains(words), "{login}: {refused:?}");
            assert!(login.is_empty() || !refused.message.contains(&login));
            // It may have become so since.
            let order = hallpass::domain::entitlement::Order { principal: login.clone(), ..order.clone() };
            let left = provider.describe().deadline.std();
            if login.len() < 64 && !login.is_empty() {
                assert_eq!(provider.grant(&order, None, fixture.until, left).await.unwrap_err().kind, kind);
            }
        }
        admin.does(&format!("DROP ROLE {all}, {group}")).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_role_that_the_bot_may_not_give_is_refused_before_anybody_approves_it() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, bot, role) = (cluster.provider(None).await, cluster.bot(), cluster.role());
        let admin = cluster.admin().await;
        admin.does(&format!("REVOKE ADMIN OPTION FOR {role} FROM {bot}; ALTER ROLE {bot} NOCREATEROLE")).await.unwrap();
        for form in [Form::Login, Form::Membership] {
            let fixture = cluster.fixture(form);
            let refused = provider.resolve(&fixture.person, &fixture.role).await.unwrap_err();
            assert_eq!(refused.kind, FaultKind::Denied, "{refused:?}");
        }
        let mut fixture = cluster.fixture(Form::Login);
        fixture.role.target["reassign_to"] = cluster.named("nowhere").into();
        admin.does(&format!("GRANT {role} TO {bot} WITH ADMIN OPTION; ALTER ROLE {bot} CREATEROLE")).await.unwrap();
        assert_eq!(provider.resolve(&fixture.person, &fixture.role).await.unwrap_err().kind, FaultKind::NoSuchTarget);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn approvers_read_what_a_role_reaches_beyond_tables() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let provider = cluster.provider(None).await;
        for form in [Form::Login, Form::Membership] {
            let fixture = cluster.fixture(form);
            let preview = provider.resolve(&fixture.person, &fixture.role).await.unwrap().preview;
            assert!(preview.contains(&cluster.role()) && !preview.contains("Dangerous"), "{preview}");
        }
        let role = cluster.role();
        let admin = cluster.admin().await;
        admin
            .does(&format!("ALTER ROLE {role} CREATEROLE BYPASSRLS; GRANT pg_execute_server_program, pg_read_all_data TO {role}"))
            .await
            .unwrap();
        let fixture = cluster.fixture(Form::Login);
        let preview = provider.resolve(&fixture.person, &fixture.role).await.unwrap().preview;
        for words in ["Dangerous", "makes and changes roles", "passes by row security", "runs programs", "reads every table"] {
            assert!(preview.contains(words), "{words}: {preview}");
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn everybody_in_a_role_is_listed_also_who_is_in_it_through_another_role() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, role) = (cluster.provider(None).await, cluster.role());
        let (team, zoe, ben, ana) = (cluster.named("team"), cluster.named("zoe"), cluster.named("ben"), cluster.named("ana"));
        let admin = cluster.admin().await;
        admin.does(&format!("CREATE ROLE {team} NOLOGIN; GRANT {role} TO {team}; GRANT {team} TO {ben}")).await.unwrap();
        let (by_login, by_member) = (cluster.fixture(Form::Login), cluster.fixture(Form::Membership));
        let login = ordered(provider.as_ref(), &by_login, "listed").await;
        let done = super::granted(provider.as_ref(), &login, by_login.until).await;
        let member = ordered(provider.as_ref(), &by_member, "listed").await;
        super::granted(provider.as_ref(), &member, by_member.until).await;
        let mut listed: Vec<_> =
            holders(provider.as_ref(), &login.target).await.into_iter().map(|h| (h.principal, h.grant, h.ours, named(h.through))).collect();
        listed.sort();
        let mut expected = vec![
            (ana, None, true, None),
            (ben, None, false, Some(team.clone())),
            (super::login_of(&done), Some(login.grant.clone()), true, None),
            (team.clone(), None, false, None),
            (zoe, None, false, None),
        ];
        expected.sort();
        assert_eq!(listed, expected);
        assert_eq!(provider.target_of(&by_login.role), Some(login.target.clone()));
        assert_eq!(provider.target_of(&by_member.role), Some(member.target.clone()));
        super::revoked(provider.as_ref(), &login, done.handle.as_ref()).await.unwrap();
        super::revoked(provider.as_ref(), &member, None).await.unwrap();
        assert_eq!(holders(provider.as_ref(), &login.target).await.iter().filter(|holder| holder.ours).count(), 0);
        admin.does(&format!("DROP ROLE {team}")).await.unwrap();
    }
}

/// The role that is said in `through`.
fn named(through: Option<Value>) -> Option<String> {
    through.map(|target| target["role"].as_str().unwrap().to_owned())
}

/// Whoever has it could set its password, and come back by that.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_role_that_can_log_in_by_itself_is_not_given() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, role, admin) = (cluster.provider(None).await, cluster.role(), cluster.admin().await);
        let mut asked = Vec::new();
        for form in [Form::Login, Form::Membership] {
            asked.push(ordered(provider.as_ref(), &cluster.fixture(form), "before").await);
        }
        admin.does(&format!("ALTER ROLE {role} LOGIN")).await.unwrap();
        for (form, order) in [Form::Login, Form::Membership].into_iter().zip(&asked) {
            let fixture = cluster.fixture(form);
            // Somebody asked when it was fine still.
            let refused = provider.grant(order, None, fixture.until, provider.describe().deadline.std()).await.unwrap_err();
            assert!(refused.kind == FaultKind::Invalid && refused.message.contains("can log in by itself"), "{refused:?}");
            let refused = provider.resolve(&fixture.person, &fixture.role).await.unwrap_err();
            assert!(refused.kind == FaultKind::Invalid && refused.message.contains("can log in by itself"), "{refused:?}");
        }
        let found = provider.rights(&[cluster.target(Form::Login)]).await.unwrap();
        let found = found.iter().find(|right| right.what.contains("can log in by itself")).unwrap();
        assert_eq!(found.state, hallpass::provider::RightState::TooMuch);
        for statement in &found.mend {
            admin.does(statement).await.unwrap();
        }
        let fixture = cluster.fixture(Form::Login);
        provider.resolve(&fixture.person, &fixture.role).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn who_was_given_a_role_is_listed_at_a_role_that_it_is_in_with_that_role() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, write, read) = (cluster.provider(None).await, cluster.role(), cluster.named("orders_read"));
        let admin = cluster.admin().await;
        admin.does(&format!("CREATE ROLE {read} NOLOGIN; GRANT {read} TO {write}")).await.unwrap();
        let (by_login, by_member) = (cluster.fixture(Form::Login), cluster.fixture(Form::Membership));
        let login = ordered(provider.as_ref(), &by_login, "inner").await;
        let done = super::granted(provider.as_ref(), &login, by_login.until).await;
        let member = ordered(provider.as_ref(), &by_member, "inner").await;
        super::granted(provider.as_ref(), &member, by_member.until).await;
        for (form, order) in [(Form::Login, &login), (Form::Membership, &member)] {
            let mut outer = cluster.target(form);
            outer["role"] = read.clone().into();
            let all = holders(provider.as_ref(), &outer).await;
            let own: Vec<_> = all.iter().filter(|holder| holder.through.is_none()).map(|holder| holder.principal.as_str()).collect();
            assert_eq!(own, [write.as_str()]);
            let inner = provider.held_part(&order.target);
            for who in [super::login_of(&done), cluster.named("ana"), cluster.named("zoe")] {
                let found = all.iter().find(|holder| holder.principal == who).unwrap_or_else(|| panic!("{who}"));
                assert_eq!(found.through.as_ref().map(|other| provider.held_part(other)), Some(inner.clone()));
            }
        }
        super::revoked(provider.as_ref(), &login, done.handle.as_ref()).await.unwrap();
        super::revoked(provider.as_ref(), &member, None).await.unwrap();
        admin.does(&format!("DROP ROLE {read}")).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn approvers_read_what_stays_of_what_is_done_as_the_role_itself() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, role, fixture) = (cluster.provider(None).await, cluster.role(), cluster.fixture(Form::Login));
        let admin = cluster.admin_in(&cluster.orders()).await;
        let preview = async || provider.resolve(&fixture.person, &fixture.role).await.unwrap().preview;
        admin.does(&format!("REVOKE CREATE ON SCHEMA shop FROM {role}")).await.unwrap();
        assert!(!preview().await.contains("stays after the end"));
        for where_to in ["SCHEMA shop TO PUBLIC".to_owned(), format!("DATABASE {} TO {role}", cluster.reports())] {
            admin.does(&format!("GRANT CREATE ON {where_to}")).await.unwrap();
            assert!(preview().await.contains("may make things"), "{where_to}");
            admin.does(&format!("REVOKE CREATE ON {}", where_to.replace(" TO ", " FROM "))).await.unwrap();
        }
        let makes = [
            (format!("GRANT CREATE ON SCHEMA shop TO {role}"), "may make things"),
            (format!("GRANT SELECT ON shop.items TO {role} WITH GRANT OPTION"), "may give on"),
            (format!("CREATE TABLE shop.theirs (id int); ALTER TABLE shop.theirs OWNER TO {role}"), "owns things"),
        ];
        for (statement, words) in makes {
            admin.does(&statement).await.unwrap();
            let preview = preview().await;
            assert!(preview.contains("stays after the end") && preview.contains(words), "{words}: {preview}");
        }
    }
}
