//! What a team has on a server, under names that no other test uses: two databases, a role that is given, people with
//! logins, somebody who held the role before, and the bot with the least rights that docs/providers/postgresql.md grants.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, sync::Arc};

use hallpass::{
    clock::{Clock as _, SystemClock},
    domain::{
        policy::{Person, Role},
        time::Span,
    },
    provider::{Provider, build::build, conformance::Fixture},
};
use serde_json::{Value, json};
use tokio_postgres::Config;

use super::{client::Session, server::Server};

/// What everybody's password is here.
const PASSWORD: &str = "as-good-as-any";

/// How access is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Login,
    Membership,
}

/// Dropped, also after a panic, with everything that the adapter left behind in it.
pub(crate) struct Cluster {
    /// Differs from that of every other test: small letters and digits.
    pub(crate) suffix: String,
    admin: Config,
    folder: tempfile::TempDir,
    /// The server stays when this has gone.
    shared: bool,
}

impl Cluster {
    /// On a server of the test's own, which takes everything with it.
    pub(crate) async fn of(server: &Server) -> Self {
        let mut cluster = Self::made(&server.url()).await;
        cluster.shared = false;
        cluster
    }

    /// On the server that this administrator logs in to.
    pub(crate) async fn on(admin: &str) -> Self {
        Self::made(admin).await
    }

    async fn made(admin: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        fs::write(&password, PASSWORD).unwrap();
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
        // Whoever named the folder saw to it that nobody else has the name.
        let name = folder.path().file_name().unwrap().to_string_lossy().to_lowercase();
        let suffix = format!("t{}", name.chars().filter(char::is_ascii_alphanumeric).collect::<String>());
        let cluster = Self { suffix, admin: admin.parse().unwrap(), folder, shared: true };
        cluster.admin().await.does(&cluster.script()).await.unwrap();
        let (orders, reports, owner) = (cluster.orders(), cluster.reports(), cluster.owner());
        for database in [&orders, &reports] {
            cluster.admin().await.does(&format!("CREATE DATABASE {database} OWNER {owner}")).await.unwrap();
            let (at, role) = (cluster.admin_in(database).await, cluster.role());
            let tables = "CREATE TABLE items (id int); INSERT INTO items VALUES (1)";
            at.does(&format!(
                "CREATE SCHEMA shop AUTHORIZATION {owner}; GRANT USAGE, CREATE ON SCHEMA shop TO {role}; SET ROLE {owner}; \
                 SET search_path = shop; {tables}; GRANT SELECT, INSERT ON items TO {role}"
            ))
            .await
            .unwrap();
        }
        cluster
    }

    /// The people, the roles, and the bot's rights.
    fn script(&self) -> String {
        let (role, owner, bot) = (self.role(), self.owner(), self.bot());
        let people = ["ana", "ben", "zoe"].map(|name| format!("CREATE ROLE {} LOGIN PASSWORD '{PASSWORD}';", self.named(name))).concat();
        format!(
            "CREATE ROLE {owner} NOLOGIN; CREATE ROLE {role} NOLOGIN; {people} GRANT {role} TO {zoe};
             CREATE ROLE {bot} LOGIN CREATEROLE PASSWORD '{PASSWORD}';
             GRANT {role}, {owner} TO {bot} WITH ADMIN OPTION; GRANT pg_signal_backend, pg_read_all_stats TO {bot}",
            zoe = self.named("zoe")
        )
    }

    pub(crate) fn named(&self, name: &str) -> String {
        format!("{name}_{}", self.suffix)
    }

    /// What is given.
    pub(crate) fn role(&self) -> String {
        self.named("orders_write")
    }

    pub(crate) fn owner(&self) -> String {
        self.named("orders_owner")
    }

    pub(crate) fn bot(&self) -> String {
        self.named("hallpass")
    }

    /// The database that people connect to.
    pub(crate) fn orders(&self) -> String {
        self.named("orders")
    }

    /// Another one, in which the role has the same rights.
    pub(crate) fn reports(&self) -> String {
        self.named("reports")
    }

    pub(crate) async fn admin(&self) -> Session {
        Session::open(&self.admin).await.unwrap()
    }

    pub(crate) async fn admin_in(&self, database: &str) -> Session {
        Session::open(self.admin.clone().dbname(database)).await.unwrap()
    }

    /// Somebody's own way in, to the orders.
    pub(crate) fn login(&self, user: &str, password: &str) -> Config {
        let mut config = self.admin.clone();
        config.user(user).password(password).dbname(self.orders());
        config
    }

    /// A person's own login.
    pub(crate) fn own(&self, name: &str) -> Config {
        self.login(&self.named(name), PASSWORD)
    }

    /// The adapter's settings, for a bot that reaches the server by this port of this machine.
    pub(crate) fn settings(&self, port: Option<u16>) -> String {
        let port = port.or_else(|| self.admin.get_ports().first().copied()).unwrap();
        let file = self.folder.path().join("password");
        format!(
            "url = \"postgres://{}@127.0.0.1:{port}/postgres\"\npassword = {{ file = \"{}\" }}\ntls = \"off\"",
            self.bot(),
            file.display()
        )
    }

    /// The adapter, reaching the server directly or by this port.
    pub(crate) async fn provider(&self, port: Option<u16>) -> Arc<dyn Provider> {
        build("postgresql", &self.settings(port).parse().unwrap(), Arc::new(SystemClock)).await.unwrap()
    }

    /// What a role of bot.toml says.
    pub(crate) fn target(&self, form: Form) -> Value {
        match form {
            Form::Login => json!({ "role": self.role(), "reassign_to": self.owner(), "database": self.orders() }),
            Form::Membership => json!({ "role": self.role(), "form": "membership", "database": self.orders() }),
        }
    }

    /// What the server says of this test's own roles, memberships and databases, also while other tests are at work.
    pub(crate) async fn named_lines(&self) -> Vec<String> {
        let sql = format!("SELECT line FROM ({NAMED}) named WHERE line LIKE '%{}%' ORDER BY line", self.suffix);
        self.admin().await.reads(&sql).await.unwrap()
    }

    pub(crate) fn person(&self, name: &str) -> Person {
        Person {
            id: name.parse().unwrap(),
            name: name.to_owned(),
            email: None,
            time_zone: None,
            active: true,
            identities: BTreeMap::new(),
            logins: BTreeMap::from([("postgresql".to_owned(), self.named(name))]),
        }
    }

    /// On whom and what the suite tries.
    pub(crate) fn fixture(&self, form: Form) -> Fixture {
        let until = SystemClock.now() + Span::from_minutes(5);
        let role = |target| Role { name: "write".parse().unwrap(), title: "Write".into(), policy: "usual".parse().unwrap(), target };
        let nobody = Person { logins: BTreeMap::from([("postgresql".to_owned(), self.named("nobody"))]), ..self.person("nobody") };
        let mut nowhere = self.target(form);
        nowhere["role"] = self.named("nothing").into();
        Fixture {
            provider: "orders".parse().unwrap(),
            person: self.person("ana"),
            other: self.person("ben"),
            role: role(self.target(form)),
            unknown_person: (form == Form::Membership).then_some(nobody),
            unknown_role: Some(role(nowhere)),
            until,
            later: until + Span::from_minutes(5),
            run: self.suffix.clone(),
        }
    }

    /// Everything that a server knows of roles, and what these databases hold, line by line: the same before and after,
    /// or something was left behind, or touched.
    pub(crate) async fn snapshot(&self) -> Vec<String> {
        let mut lines = self.admin().await.reads(ROLES).await.unwrap();
        for database in [self.orders(), self.reports()] {
            let inside = self.admin_in(&database).await.reads(INSIDE).await.unwrap();
            lines.extend(inside.into_iter().map(|line| format!("{database}: {line}")));
        }
        lines
    }

    /// Logins that exist now because of a grant of this test: by what their comments say, or by what they hold.
    pub(crate) async fn generated(&self) -> Vec<String> {
        let sql = format!(
            "SELECT r.rolname FROM pg_roles r WHERE r.rolname LIKE 'hp\\_%' AND (shobj_description(r.oid, 'pg_authid') LIKE '%{suffix}%' OR \
             EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid AND m.roleid = '{role}'::regrole)) ORDER BY 1",
            suffix = self.suffix,
            role = self.role()
        );
        self.admin().await.reads(&sql).await.unwrap()
    }

    /// Drops it all; what is not there any more is no fault.
    async fn drop_all(&self) -> Result<(), tokio_postgres::Error> {
        let mut roles = self.generated().await;
        roles.extend(["hallpass", "ana", "ben", "zoe", "orders_write", "orders_owner"].map(|name| self.named(name)));
        let admin = Session::open(&self.admin).await?;
        for database in [self.orders(), self.reports()] {
            admin.does(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await?;
        }
        for role in roles {
            // What it may still have lies in the databases that are common to all.
            admin
                .does(&format!("DO $$ BEGIN EXECUTE 'DROP OWNED BY \"{role}\" CASCADE'; EXCEPTION WHEN undefined_object THEN END $$"))
                .await?;
            admin.does(&format!("DROP ROLE IF EXISTS \"{role}\"")).await?;
        }
        Ok(())
    }
}

impl Drop for Cluster {
    /// In a thread of its own, since a test's runtime may be ending.
    fn drop(&mut self) {
        if !self.shared {
            return;
        }
        let dropped = std::thread::scope(|scope| {
            let all = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(self.drop_all())
            });
            all.join()
        });
        // A server of the test's own may be down by now, and takes everything with it.
        if !std::thread::panicking() && !matches!(dropped, Ok(Ok(()))) {
            eprintln!("{} is not wholly dropped: {dropped:?}", self.suffix);
        }
    }
}

const ROLES: &str = "
SELECT line FROM (
    SELECT 'role ' || (to_jsonb(a) - 'oid')::text || ' ' || coalesce(shobj_description(a.oid, 'pg_authid'), '') AS line FROM pg_authid a
    UNION ALL SELECT 'member ' || (to_jsonb(m) - 'oid')::text FROM pg_auth_members m
    UNION ALL SELECT 'setting ' || to_jsonb(s)::text FROM pg_db_role_setting s
    UNION ALL SELECT 'depends ' || to_jsonb(d)::text FROM pg_shdepend d
    UNION ALL SELECT 'database ' || datname || ' ' || datdba::regrole || ' ' || coalesce(datacl::text, '') FROM pg_database
) lines ORDER BY line";

const NAMED: &str = "
    SELECT 'role ' || (to_jsonb(a) - 'oid')::text || coalesce(shobj_description(a.oid, 'pg_authid'), '') AS line FROM pg_authid a
    UNION ALL SELECT concat_ws(' ', 'member', roleid::regrole, member::regrole, grantor::regrole, admin_option) FROM pg_auth_members
    UNION ALL SELECT concat_ws(' ', 'database', datname, datdba::regrole, datacl) FROM pg_database";

const INSIDE: &str = "
SELECT line FROM (
    SELECT 'relation ' || oid::regclass || ' ' || relowner::regrole || ' ' || coalesce(relacl::text, '') AS line FROM pg_class WHERE oid >= 16384
    UNION ALL SELECT 'schema ' || nspname || ' ' || nspowner::regrole || ' ' || coalesce(nspacl::text, '') FROM pg_namespace
        WHERE nspname !~ '^pg_(toast_)?temp_'
    UNION ALL SELECT 'function ' || proname || ' ' || proowner::regrole || ' ' || coalesce(proacl::text, '') FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT 'default ' || to_jsonb(d)::text FROM pg_default_acl d
) lines ORDER BY line";
