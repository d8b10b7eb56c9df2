//! What the figure stands on: a throw-away server, with a database, the role that is given, and a bot with the least rights.

use std::{os::unix::fs::PermissionsExt as _, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use hallpass::{
    clock::SystemClock,
    domain::{
        entitlement::{Handle, Order},
        ids::PersonId,
        policy::{Person, Role},
        time::Instant,
    },
    provider::{Provider, Step, build::build},
};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tokio_postgres::{Client, Config, NoTls, error::SqlState};

const PASSWORD: &str = "as-good-as-any";
pub(super) const LEFT: Duration = Duration::from_mins(1);

#[derive(Clone)]
pub(super) struct Server {
    pub(super) version: String,
    admin: Config,
    folder: Arc<TempDir>,
}

impl Server {
    /// Those that `scripts/bench` started.
    pub(super) async fn at_hand() -> anyhow::Result<Vec<Self>> {
        let mut servers = Vec::new();
        for version in ["15", "18"] {
            let name = format!("HALLPASS_BENCH_PROVIDER_POSTGRES_{version}");
            match std::env::var(&name) {
                Ok(url) => servers.push(Self::at(version, &url).await?),
                Err(_) => println!("(no PostgreSQL {version} to give access in: {name} is not set, scripts/bench sets it)"),
            }
        }
        Ok(servers)
    }

    async fn at(version: &str, url: &str) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let file = folder.path().join("password");
        std::fs::write(&file, PASSWORD)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
        let server = Self { version: version.to_owned(), admin: url.parse()?, folder: Arc::new(folder) };
        let admin = server.admin("postgres").await?;
        let (role, owner, bot, database) = (Self::role(), Self::named("owner"), Self::named("bot"), Self::database());
        admin
            .batch_execute(&format!(
                "CREATE ROLE {role} NOLOGIN; CREATE ROLE {owner} NOLOGIN; CREATE ROLE {bot} LOGIN CREATEROLE PASSWORD '{PASSWORD}';
                 GRANT {role}, {owner} TO {bot} WITH ADMIN OPTION; GRANT pg_signal_backend, pg_read_all_stats TO {bot}"
            ))
            .await?;
        admin.batch_execute(&format!("CREATE DATABASE {database} OWNER {owner}")).await?;
        Ok(server)
    }

    /// Of this run's own.
    fn named(name: &str) -> String {
        format!("bench_{name}_{}", std::process::id())
    }

    fn role() -> String {
        Self::named("role")
    }

    pub(super) fn database() -> String {
        Self::named("orders")
    }

    pub(super) fn port(&self) -> u16 {
        self.admin.get_ports().first().copied().unwrap_or(5432)
    }

    /// The administrator, in this database.
    pub(super) async fn admin(&self, database: &str) -> anyhow::Result<Client> {
        Ok(connected(self.admin.clone().dbname(database)).await?)
    }

    /// The bot's own login, as a bare client uses it.
    pub(super) async fn bot(&self, database: &str) -> anyhow::Result<Client> {
        Ok(connected(self.admin.clone().user(Self::named("bot")).password(PASSWORD).dbname(database)).await?)
    }

    /// The adapter, as bot.toml would make it, reaching the server by this port.
    pub(super) async fn provider(&self, port: u16) -> anyhow::Result<Arc<dyn Provider>> {
        let (bot, file) = (Self::named("bot"), self.folder.path().join("password"));
        let settings =
            format!("url = \"postgres://{bot}@127.0.0.1:{port}/postgres\"\npassword = {{ file = \"{}\" }}\ntls = \"off\"", file.display());
        build("postgresql", &settings.parse()?, Arc::new(SystemClock)).await.map_err(|why| anyhow!(why))
    }

    /// What a role of bot.toml would say.
    pub(super) fn target() -> serde_json::Value {
        serde_json::json!({ "role": Self::role(), "reassign_to": Self::named("owner"), "database": Self::database() })
    }

    /// This person's order under this name.
    pub(super) async fn order(&self, provider: &dyn Provider, grant: &str, person: PersonId) -> anyhow::Result<Order> {
        let person = Person {
            name: person.to_string(),
            id: person,
            email: None,
            time_zone: None,
            active: true,
            identities: [].into(),
            logins: [].into(),
        };
        let role = Role { name: "use".parse()?, title: "use".into(), policy: "usual".parse()?, target: Self::target() };
        let resolved = provider.resolve(&person, &role).await?;
        Ok(Order {
            provider: "bench".parse()?,
            target: resolved.target,
            principal: resolved.principal,
            person: person.id,
            inputs: resolved.inputs,
            grant: grant.to_owned(),
            by_hand: resolved.by_hand,
        })
    }

    /// What is shown of a credential, as a way in.
    pub(super) async fn handed(&self, provider: &dyn Provider, order: &Order, handle: Option<&Handle>) -> anyhow::Result<Config> {
        let shown = provider.credential(order, handle).await?;
        self.read(shown.expose_secret())
    }

    fn read(&self, shown: &str) -> anyhow::Result<Config> {
        let url = shown.lines().find_map(|line| line.strip_prefix("URL: ")).context("a credential without a URL")?;
        let shown: Config = url.parse()?;
        let mut config = self.admin.clone();
        config.user(shown.get_user().context("it names no login")?).password(shown.get_password().context("it has no password")?);
        config.dbname(Self::database());
        Ok(config)
    }
}

pub(super) async fn granted(provider: &dyn Provider, order: &Order, until: Instant) -> anyhow::Result<Option<Handle>> {
    match provider.grant(order, None, until, LEFT).await? {
        Step::Done(done) => Ok(done.handle),
        Step::Wait { .. } => bail!("a server answers when it is done"),
    }
}

pub(super) async fn connected(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// Gets in and is answered.
pub(super) async fn usable(config: &Config) -> anyhow::Result<()> {
    connected(config).await?.simple_query("SELECT 1").await.context("it got in and cannot ask")?;
    Ok(())
}

/// Is sent away at the door.
pub(super) async fn refused(config: &Config) -> anyhow::Result<()> {
    match connected(config).await {
        Ok(_) => bail!("it still gets in"),
        Err(error)
            if error
                .code()
                .is_some_and(|code| *code == SqlState::INVALID_PASSWORD || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION) =>
        {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
