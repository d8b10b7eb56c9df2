//! Names that are meant ill, in what is asked for and in the database itself: each stays a name, and nothing else happens.

use hallpass::{
    domain::entitlement::Order,
    provider::{Provider, Seen},
};

use super::{BOTH, Cluster, Form, Session, granted, holders, is_absent, login_of, ordered, revoked};

/// With a place for what makes each this test's own.
const NAMES: [&str; 9] = [
    "a\"; DROP ROLE {}; --",
    "o'brien'; SELECT pg_sleep(60); -- {}",
    "back\\slash\\' {}",
    "two\nlines\r\n{}",
    "$$ $x$ {} $x$",
    "ÄÖÜ Ünïcödé {} \u{202e}",
    "UPPER Case {}",
    "--{}",
    "/* {} */ public",
];

fn named(cluster: &Cluster, name: &str) -> String {
    name.replace("{}", &cluster.suffix)
}

fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn given_and_gone(provider: &dyn Provider, order: &Order, cluster: &Cluster) {
    let done = granted(provider, order, cluster.fixture(Form::Login).until).await;
    assert!(matches!(provider.observe(order, done.handle.as_ref()).await.unwrap(), Seen::Present { .. }));
    assert!(provider.holders(&order.target).await.unwrap().iter().any(|holder| holder.ours));
    let residue = revoked(provider, order, done.handle.as_ref()).await.unwrap().residue;
    assert_eq!(residue, [""; 0]);
    assert!(is_absent(provider, order, done.handle.as_ref()).await);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn roles_and_logins_with_hostile_names_are_given_like_any_other() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, admin, bot) = (cluster.provider(None).await, cluster.admin().await, cluster.bot());
        for (number, name) in NAMES.iter().enumerate() {
            let (role, login) = (named(&cluster, name), named(&cluster, &format!("l{name}")));
            let (role_quoted, login_quoted) = (ident(&role), ident(&login));
            admin.does(&format!("CREATE ROLE {role_quoted}; CREATE ROLE {login_quoted} LOGIN")).await.unwrap();
            admin.does(&format!("GRANT {role_quoted} TO {bot} WITH ADMIN OPTION")).await.unwrap();
            let before = super::lines(&cluster).await;
            for form in [Form::Login, Form::Membership] {
                let mut fixture = cluster.fixture(form);
                fixture.role.target["role"] = role.clone().into();
                fixture.person.logins.insert("postgresql".into(), login.clone());
                let order = ordered(provider.as_ref(), &fixture, &format!("{number} '\"\\{form:?}")).await;
                given_and_gone(provider.as_ref(), &order, &cluster).await;
            }
            assert_eq!(super::lines(&cluster).await, before, "{name}");
            admin.does(&format!("DROP OWNED BY {role_quoted}; DROP ROLE {role_quoted}; DROP ROLE {login_quoted}")).await.unwrap();
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn what_is_called_ill_inside_a_database_is_handed_over_and_named_as_it_is() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, admin, fixture) = (cluster.provider(None).await, cluster.admin().await, cluster.fixture(Form::Login));
        let database = named(&cluster, NAMES[0]);
        admin.does(&format!("CREATE DATABASE {}", ident(&database))).await.unwrap();
        let inside = cluster.admin_in(&database).await;
        let role = cluster.role();
        inside.does(&format!("CREATE SCHEMA shop; GRANT USAGE, CREATE ON SCHEMA shop TO {role}, {}", cluster.owner())).await.unwrap();
        let before = super::lines(&cluster).await;
        let order = ordered(provider.as_ref(), &fixture, "inside").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let mut config = super::handed(&cluster, provider.as_ref(), &order, &done).await;
        let session = Session::open(config.dbname(&database)).await.unwrap();
        for name in NAMES {
            let name = ident(&named(&cluster, name));
            session.does(&format!("CREATE TABLE shop.{name} (id int)")).await.unwrap();
            session.does(&format!("CREATE FUNCTION shop.{name}() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'")).await.unwrap();
        }
        let residue = revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue;
        assert_eq!(residue.len(), NAMES.len() + 1, "{residue:#?}");
        assert!(residue.iter().all(|line| !line.contains(['\n', '\r', '\u{202e}'])), "{residue:#?}");
        inside.does("DROP SCHEMA shop CASCADE").await.unwrap();
        assert_eq!(revoked(provider.as_ref(), &order, None).await.unwrap().residue, [""; 0]);
        assert_eq!(super::lines(&cluster).await, before);
        drop((inside, session));
        admin.does(&format!("DROP DATABASE {} WITH (FORCE)", ident(&database))).await.unwrap();
    }
}

/// Whoever may make functions in `public` could answer in the server's place, and have it run as the bot.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn functions_and_operators_of_others_are_never_taken_for_the_servers_own() {
    for version in BOTH {
        let server = super::Server::start(version, &[]);
        let cluster = Cluster::on(&server.url()).await;
        for database in ["postgres".to_owned(), cluster.orders(), cluster.reports()] {
            let at = cluster.admin_in(&database).await;
            let spring = "CREATE TABLE public.sprung (what text); GRANT ALL ON public.sprung TO PUBLIC; \
                CREATE FUNCTION public.spring(what text) RETURNS bool LANGUAGE plpgsql SECURITY DEFINER AS \
                $$ BEGIN INSERT INTO public.sprung VALUES (what); RETURN false; END $$; \
                CREATE FUNCTION public.pg_terminate_backend(p integer) RETURNS bool LANGUAGE sql AS $$ SELECT public.spring('terminate') $$; \
                CREATE FUNCTION public.pg_has_role(a oid, b oid, c text) RETURNS bool LANGUAGE sql AS $$ SELECT public.spring('role') $$; \
                CREATE FUNCTION public.eq(a name, b unknown) RETURNS bool LANGUAGE sql AS $$ SELECT public.spring('eq') $$";
            at.does(&spring.replace("b unknown", "b text")).await.unwrap();
            at.does("CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.eq)").await.unwrap();
            at.does("CREATE FUNCTION public.lt(a numeric, b bigint) RETURNS bool LANGUAGE sql AS $$ SELECT public.spring('lt') $$")
                .await
                .unwrap();
            at.does("CREATE OPERATOR public.< (LEFTARG = numeric, RIGHTARG = bigint, FUNCTION = public.lt)").await.unwrap();
            at.does(&format!("ALTER DATABASE {database} SET search_path = public, pg_catalog")).await.unwrap();
        }
        let provider = cluster.provider(None).await;
        for form in [Form::Login, Form::Membership] {
            let fixture = cluster.fixture(form);
            let order = ordered(provider.as_ref(), &fixture, "sprung").await;
            let done = granted(provider.as_ref(), &order, fixture.until).await;
            if form == Form::Login {
                let session = Session::open(&super::handed(&cluster, provider.as_ref(), &order, &done).await).await.unwrap();
                session.does("CREATE TABLE shop.made (id int)").await.unwrap();
            }
            provider.sightings(std::slice::from_ref(&order)).await.unwrap();
            holders(provider.as_ref(), &order.target).await;
            revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap();
            assert!(is_absent(provider.as_ref(), &order, done.handle.as_ref()).await);
        }
        provider.rights(&[cluster.target(Form::Login)]).await.unwrap();
        for database in ["postgres".to_owned(), cluster.orders(), cluster.reports()] {
            let sprung = cluster.admin_in(&database).await.reads("SELECT what FROM public.sprung").await.unwrap();
            assert_eq!(sprung, [""; 0]);
        }
    }
}

/// Logins are named after grants: one that is too long to be spelt is not cut, or two would share a login.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn grants_that_differ_only_after_the_63rd_byte_have_logins_of_their_own() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let long = format!("{}{}", cluster.suffix, "x".repeat(80));
        let mut orders = Vec::new();
        for end in ["a", "b"] {
            let order = ordered(provider.as_ref(), &fixture, "long").await;
            orders.push(Order { grant: format!("{long}{end}"), ..order });
        }
        let one = granted(provider.as_ref(), &orders[0], fixture.until).await;
        let two = granted(provider.as_ref(), &orders[1], fixture.until).await;
        assert_ne!(login_of(&one), login_of(&two));
        revoked(provider.as_ref(), &orders[0], None).await.unwrap();
        assert!(is_absent(provider.as_ref(), &orders[0], one.handle.as_ref()).await);
        assert!(!is_absent(provider.as_ref(), &orders[1], two.handle.as_ref()).await);
        revoked(provider.as_ref(), &orders[1], None).await.unwrap();
    }
}
