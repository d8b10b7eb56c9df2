//! What a holder made so that it works for them after the end: while it is the powerless login's it does nothing, and nobody arms it
//! by handing it over.

use super::{BOTH, Cluster, Form, Session, granted, handed, is_absent, login_of, ordered, revoked};

/// What only the owner may read, read through what the holder left.
async fn reads(cluster: &Cluster, sql: &str) -> Result<Vec<String>, String> {
    let ben = Session::open(&cluster.own("ben")).await.unwrap();
    ben.reads(sql).await.map_err(|error| error.code().map_or_else(|| format!("{error:?}"), |code| code.code().to_owned()))
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_back_door_that_the_holder_left_gives_nobody_the_owners_rights() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let (owner, ben) = (cluster.owner(), cluster.named("ben"));
        let admin = cluster.admin_in(&cluster.orders()).await;
        let secret = format!(
            "SET ROLE {owner}; CREATE TABLE shop.secret AS SELECT 7 AS id; GRANT SELECT ON shop.secret TO {}; GRANT USAGE ON SCHEMA shop TO {ben}; RESET ROLE",
            cluster.role()
        );
        admin.does(&secret).await.unwrap();
        let order = ordered(provider.as_ref(), &fixture, "door").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let session = Session::open(&handed(&cluster, provider.as_ref(), &order, &done).await).await.unwrap();
        let doors = format!(
            "CREATE FUNCTION shop.door() RETURNS SETOF int SECURITY DEFINER LANGUAGE sql AS 'SELECT id FROM shop.secret'; \
             CREATE VIEW shop.pane AS SELECT id FROM shop.secret; GRANT SELECT ON shop.pane TO {ben}; CREATE TABLE shop.kept (id int)"
        );
        session.does(&doors).await.unwrap();
        for door in ["SELECT * FROM shop.door()", "SELECT * FROM shop.pane"] {
            assert_eq!(reads(&cluster, door).await.unwrap(), ["7"], "as long as the holder may");
        }
        for _ in 0..2 {
            let residue = revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue;
            assert!(is_absent(provider.as_ref(), &order, done.handle.as_ref()).await, "{residue:?}");
            assert!(residue.iter().any(|line| line.contains("shop.door()")) && residue.iter().any(|line| line.contains("shop.pane")));
            for door in ["SELECT * FROM shop.door()", "SELECT * FROM shop.pane"] {
                assert_eq!(reads(&cluster, door).await.unwrap_err(), "42501", "{door}");
            }
        }
        // Somebody has looked, and does what the line says.
        admin.does("DROP FUNCTION shop.door(); DROP VIEW shop.pane").await.unwrap();
        assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);
        assert_eq!(admin.asks("SELECT relowner::regrole FROM pg_class WHERE relname = 'kept'").await, owner);
        assert!(cluster.generated().await.is_empty());
    }
}

/// The server itself runs the functions of an index with the rights of whoever has the table.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_table_that_runs_the_holders_functions_is_not_handed_over() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let admin = cluster.admin_in(&cluster.orders()).await;
        let traps = [
            ("CREATE INDEX trap ON shop.made (shop.does(id))", "index shop.trap"),
            ("ALTER TABLE shop.made ADD CONSTRAINT trap CHECK (shop.does(id) > 0)", "trap on shop.made"),
            ("ALTER TABLE shop.made ALTER id SET DEFAULT shop.does(1)", "default value"),
            ("CREATE RULE trap AS ON INSERT TO shop.made DO ALSO SELECT 1", "rule trap on shop.made"),
        ];
        for (number, (trap, words)) in traps.into_iter().enumerate() {
            let order = ordered(provider.as_ref(), &fixture, &format!("trap{number}")).await;
            let done = granted(provider.as_ref(), &order, fixture.until).await;
            let session = Session::open(&handed(&cluster, provider.as_ref(), &order, &done).await).await.unwrap();
            let does = "CREATE FUNCTION shop.does(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'; CREATE TABLE shop.made (id int)";
            session.does(&format!("{does}; {trap}")).await.unwrap();
            let residue = revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue;
            assert!(residue.iter().any(|line| line.contains(words)), "{words}: {residue:?}");
            let login = login_of(&done);
            assert_eq!(admin.asks("SELECT relowner::regrole FROM pg_class WHERE relname = 'made'").await, login, "{trap}");
            // By hand, with the line that was printed.
            let line = residue.iter().find_map(|line| line.split_once("in that database: ")).unwrap().1;
            admin.does(line).await.unwrap();
            assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);
            admin.does("DROP TABLE shop.made; DROP FUNCTION shop.does").await.unwrap();
        }
    }
}

/// What others may change by the next day works with the rights of whoever has the table then.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_table_that_runs_what_somebody_else_can_change_is_not_handed_over() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let admin = cluster.admin_in(&cluster.orders()).await;
        let (ben, role, owner) = (cluster.named("ben"), cluster.role(), cluster.owner());
        let theirs = "CREATE FUNCTION shop.does(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'; \
                      CREATE OPERATOR shop.@@@ (FUNCTION = shop.does, RIGHTARG = int); CREATE DOMAIN shop.small AS int CHECK (VALUE < 9)";
        admin
            .does(&format!(
                "GRANT USAGE, CREATE ON SCHEMA shop TO {ben}; SET ROLE {ben}; {theirs}; GRANT USAGE ON DOMAIN shop.small TO {role}; RESET ROLE; \
                 SET ROLE {owner}; CREATE FUNCTION shop.own(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'; RESET ROLE"
            ))
            .await
            .unwrap();
        let traps = [
            ("CREATE TABLE shop.made (id int); CREATE INDEX trap ON shop.made (shop.does(id))", true),
            ("CREATE TABLE shop.made (id int, CHECK ((OPERATOR(shop.@@@) id) > 0))", true),
            ("CREATE TABLE shop.made (id shop.small)", true),
            ("CREATE TABLE shop.made (id int); CREATE INDEX trap ON shop.made (shop.own(id))", false),
            ("CREATE TABLE shop.made (id int DEFAULT abs(-1)); CREATE INDEX trap ON shop.made ((id + 1))", false),
        ];
        for (number, (made, is_trap)) in traps.into_iter().enumerate() {
            let order = ordered(provider.as_ref(), &fixture, &format!("others{number}")).await;
            let done = granted(provider.as_ref(), &order, fixture.until).await;
            let session = Session::open(&handed(&cluster, provider.as_ref(), &order, &done).await).await.unwrap();
            session.does(made).await.unwrap();
            let residue = revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue;
            let said = residue.iter().any(|line| line.contains("can be changed by somebody who has not the new owner's rights"));
            assert_eq!((said, residue.is_empty()), (is_trap, !is_trap), "{made}: {residue:?}");
            let holder = if is_trap { login_of(&done) } else { owner.clone() };
            assert_eq!(admin.asks("SELECT relowner::regrole FROM pg_class WHERE relname = 'made'").await, holder, "{made}");
            admin.does("DROP TABLE shop.made").await.unwrap();
            assert_eq!(revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue, [""; 0]);
        }
    }
}

/// More than are named: none of them is overlooked.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_trap_among_more_things_than_are_named_is_not_handed_over_either() {
    for version in BOTH {
        let cluster = Cluster::on(&version.shared()).await;
        let (provider, fixture) = (cluster.provider(None).await, cluster.fixture(Form::Login));
        let order = ordered(provider.as_ref(), &fixture, "many").await;
        let done = granted(provider.as_ref(), &order, fixture.until).await;
        let session = Session::open(&handed(&cluster, provider.as_ref(), &order, &done).await).await.unwrap();
        let many = "DO $$ BEGIN FOR n IN 1..1100 LOOP EXECUTE format('CREATE FUNCTION shop.many%s() RETURNS int SECURITY DEFINER \
                    LANGUAGE sql AS %L', n, 'SELECT 1'); END LOOP; END $$";
        session.does(many).await.unwrap();
        let residue = revoked(provider.as_ref(), &order, done.handle.as_ref()).await.unwrap().residue;
        assert!(residue.len() < 30 && residue.last().unwrap().contains("more"), "{residue:?}");
        let admin = cluster.admin_in(&cluster.orders()).await;
        let owners = "SELECT DISTINCT proowner::regrole::text FROM pg_proc WHERE proname LIKE 'many%'";
        assert_eq!(admin.reads(owners).await.unwrap(), [login_of(&done)]);
    }
}
