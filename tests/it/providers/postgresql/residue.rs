//! What a login leaves behind when its grant ends: access is cut whatever that is; what remains is said, every time, until
//! somebody has dealt with it.

use super::{BOTH, Cluster, Form, Session, granted, handed, is_absent, login_of, ordered, revoked};

/// A grant with a session in the orders.
struct Scene {
    cluster: Cluster,
    provider: std::sync::Arc<dyn hallpass::provider::Provider>,
    order: hallpass::domain::entitlement::Order,
    done: hallpass::provider::Done,
    session: Session,
}

impl Scene {
    async fn new(admin: &str) -> Self {
        let cluster = Cluster::on(admin).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "left").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let session = Session::open(&handed(&cluster, provider.as_ref(), &order, &done).await).await.unwrap();
        Self { cluster, provider, order, done, session }
    }

    fn login(&self) -> String {
        login_of(&self.done)
    }

    async fn ends(&self) -> Vec<String> {
        let residue = revoked(self.provider.as_ref(), &self.order, self.done.handle.as_ref()).await.unwrap().residue;
        assert!(is_absent(self.provider.as_ref(), &self.order, self.done.handle.as_ref()).await, "cut, whatever remains: {residue:?}");
        residue
    }

    async fn is_dropped(&self) -> bool {
        self.cluster.generated().await.is_empty()
    }

    async fn admin(&self) -> Session {
        self.cluster.admin_in(&self.cluster.orders()).await
    }
}

fn one(residue: &[String], words: &[&str]) {
    let lines: Vec<_> = residue.iter().filter(|line| words.iter().all(|word| line.contains(word))).collect();
    assert_eq!(lines.len(), 1, "{words:?} in {residue:?}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn what_it_made_in_every_database_is_handed_over_and_the_login_goes() {
    for version in BOTH {
        let scene = Scene::new(&version.shared()).await;
        let mut elsewhere = handed(&scene.cluster, scene.provider.as_ref(), &scene.order, &scene.done).await;
        let reports = Session::open(elsewhere.dbname(scene.cluster.reports())).await.unwrap();
        for at in [&scene.session, &reports] {
            at.does("CREATE TABLE shop.made (id int); CREATE FUNCTION shop.plain() RETURNS int LANGUAGE sql AS 'SELECT 1'").await.unwrap();
            at.does("CREATE TYPE shop.kind AS ENUM ('a'); CREATE SEQUENCE shop.numbers; CREATE VIEW shop.seen AS SELECT 1 AS one")
                .await
                .unwrap();
            at.does("CREATE TEMP TABLE passing (id int); SELECT lo_create(0)").await.unwrap();
            at.does("ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO PUBLIC").await.unwrap();
        }
        assert_eq!(scene.ends().await, [""; 0]);
        assert!(scene.is_dropped().await);
        for database in [scene.cluster.orders(), scene.cluster.reports()] {
            let admin = scene.cluster.admin_in(&database).await;
            let owners = "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relname IN ('made', 'numbers', 'seen')";
            assert_eq!(admin.reads(owners).await.unwrap(), [scene.cluster.owner()]);
            assert_eq!(admin.asks("SELECT count(*) FROM pg_default_acl").await, "0");
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_function_with_its_owners_rights_is_said_until_it_is_gone() {
    for version in BOTH {
        let scene = Scene::new(&version.shared()).await;
        let back_door = "CREATE FUNCTION shop.\"back door\"(a int) RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'";
        scene.session.does(back_door).await.unwrap();
        let first = scene.ends().await;
        one(&first, &["function shop.\"back door\"(integer)", &scene.cluster.orders(), "SECURITY DEFINER"]);
        one(&first, &["REASSIGN OWNED BY", &scene.login()]);
        assert_eq!(first.len(), 2, "{first:?}");
        assert_eq!(scene.ends().await, first, "and again");
        let bare = revoked(scene.provider.as_ref(), &scene.order, None).await.unwrap();
        assert_eq!(bare.residue, first, "also without a handle");
        let shell = scene.admin().await;
        let can = shell.asks(&format!("SELECT rolcanlogin FROM pg_roles WHERE rolname = '{}'", scene.login())).await;
        assert_eq!(can, "f", "the login that stays for it can do nothing");
        shell.does("ALTER FUNCTION shop.\"back door\"(int) SECURITY INVOKER").await.unwrap();
        assert_eq!(scene.ends().await, [""; 0]);
        assert!(scene.is_dropped().await);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn what_it_gave_on_is_said_until_it_is_taken_back() {
    for version in BOTH {
        let scene = Scene::new(&version.shared()).await;
        let ben = scene.cluster.named("ben");
        scene
            .session
            .does(&format!("CREATE TABLE shop.copy AS SELECT * FROM shop.items; GRANT SELECT ON shop.copy TO {ben}"))
            .await
            .unwrap();
        scene.session.does("CREATE TABLE shop.narrow (id int); GRANT SELECT (id) ON shop.narrow TO PUBLIC").await.unwrap();
        scene.session.does("CREATE TABLE shop.kept (id int)").await.unwrap();
        let first = scene.ends().await;
        one(&first, &["shop.copy", "given on"]);
        one(&first, &["shop.narrow", "given on"]);
        one(&first, &["REASSIGN OWNED BY", &scene.login()]);
        assert_eq!(first.len(), 3, "{first:?}");
        let admin = scene.admin().await;
        admin.does(&format!("REVOKE ALL ON shop.copy FROM {ben}")).await.unwrap();
        let second = scene.ends().await;
        one(&second, &["shop.narrow"]);
        assert_eq!(second.len(), 2, "{second:?}");
        admin.does("DROP TABLE shop.narrow").await.unwrap();
        assert_eq!(scene.ends().await, [""; 0]);
        assert!(scene.is_dropped().await);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_trigger_that_it_hung_on_somebody_elses_table_is_said() {
    for version in BOTH {
        let scene = Scene::new(&version.shared()).await;
        scene.admin().await.does(&format!("GRANT TRIGGER ON shop.items TO {}", scene.cluster.role())).await.unwrap();
        let lurks = "CREATE FUNCTION shop.lurks() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
                     CREATE TRIGGER lurks BEFORE INSERT ON shop.items FOR EACH ROW EXECUTE FUNCTION shop.lurks()";
        scene.session.does(lurks).await.unwrap();
        let first = scene.ends().await;
        one(&first, &["trigger lurks", "shop.items"]);
        assert_eq!(scene.ends().await, first);
        scene.admin().await.does("DROP TRIGGER lurks ON shop.items").await.unwrap();
        assert_eq!(scene.ends().await, [""; 0]);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn privileges_that_others_gave_it_are_said_and_are_no_access() {
    for version in BOTH {
        let scene = Scene::new(&version.shared()).await;
        let admin = scene.admin().await;
        let login = scene.login();
        admin
            .does(&format!("CREATE SCHEMA theirs; GRANT USAGE ON SCHEMA theirs TO {login}; GRANT SELECT ON pg_authid TO {login}"))
            .await
            .unwrap();
        let first = scene.ends().await;
        one(&first, &["schema theirs", "given to it by somebody else"]);
        one(&first, &["pg_authid", "given to it by somebody else"]);
        admin.does(&format!("DROP SCHEMA theirs; REVOKE ALL ON pg_authid FROM {login}")).await.unwrap();
        assert_eq!(scene.ends().await, [""; 0]);
        assert!(scene.is_dropped().await);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_database_that_lets_nobody_in_is_said_and_tidied_up_later() {
    for version in BOTH {
        let scene = Scene::new(&version.shared()).await;
        let mut elsewhere = handed(&scene.cluster, scene.provider.as_ref(), &scene.order, &scene.done).await;
        let reports = scene.cluster.reports();
        Session::open(elsewhere.dbname(&reports)).await.unwrap().does("CREATE TABLE shop.made (id int)").await.unwrap();
        let admin = scene.cluster.admin().await;
        admin.does(&format!("ALTER DATABASE {reports} ALLOW_CONNECTIONS false")).await.unwrap();
        let first = scene.ends().await;
        one(&first, &["database", &reports, "does not let the bot in"]);
        admin.does(&format!("ALTER DATABASE {reports} ALLOW_CONNECTIONS true")).await.unwrap();
        assert_eq!(scene.ends().await, [""; 0]);
        assert!(scene.is_dropped().await);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_lock_of_somebody_else_holds_up_the_tidying_and_never_the_cut() {
    for version in BOTH {
        let scene = Scene::new(&version.shared()).await;
        scene.session.does("CREATE TABLE shop.made (id int)").await.unwrap();
        let admin = scene.admin().await;
        admin.does("BEGIN; LOCK TABLE shop.made").await.unwrap();
        let first = scene.ends().await;
        one(&first, &["could not be tidied up", "55P03"]);
        one(&first, &["shop.made", "still its own"]);
        admin.does("COMMIT").await.unwrap();
        assert_eq!(scene.ends().await, [""; 0]);
        assert!(scene.is_dropped().await);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn without_the_right_to_hand_over_the_cut_is_made_and_what_remains_is_said() {
    for version in BOTH {
        let scene = Scene::new(&version.shared()).await;
        scene.session.does("CREATE TABLE shop.made (id int)").await.unwrap();
        let admin = scene.cluster.admin().await;
        let (bot, owner) = (scene.cluster.bot(), scene.cluster.owner());
        admin.does(&format!("ALTER ROLE {owner} SUPERUSER; REVOKE {owner} FROM {bot}")).await.unwrap();
        let first = scene.ends().await;
        one(&first, &["could not be tidied up"]);
        one(&first, &["shop.made", "still its own"]);
        admin.does(&format!("ALTER ROLE {owner} NOSUPERUSER; GRANT {owner} TO {bot} WITH ADMIN OPTION")).await.unwrap();
        assert_eq!(scene.ends().await, [""; 0]);
        assert!(scene.is_dropped().await);
    }
}
