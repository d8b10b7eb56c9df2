//! Connections to one server, and the only two ways to speak to it: a message that reads, and one that changes something.
//! Each is one message, so all of it or nothing takes effect; one that changes something takes none after its deadline,
//! whoever held it back.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream::poll_fn};
use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout},
};
use tokio_postgres::{Client, Config, Connection, NoTls, SimpleQueryMessage, config::SslMode, error::SqlState};

use super::{
    super::{Fault, FaultKind},
    fault,
    message::{AS_CONFIGURED, HERE, guarded},
    rows::{Answer, Row},
    settings::{Settings, Tls},
};

/// Before it whoever has a login gives it on to others.
const OLDEST: u32 = 15;
/// Until a connection is there, with its login.
const CONNECT: Duration = Duration::from_secs(5);
/// A connection that nobody used for so long is not trusted to be there still.
const IDLE_MAX: Duration = Duration::from_mins(2);
/// So much before its deadline a message that changes something stops, for the commit's own time.
const MARGIN: Duration = Duration::from_millis(100);
/// A message is not sent with less.
const LEAST: Duration = Duration::from_millis(200);
/// For telling a server that nobody waits any more.
const CANCEL: Duration = Duration::from_secs(5);
/// The first answer on a connection that was used before: when it does not come, the connection may be dead.
const FIRST: Duration = Duration::from_secs(2);

/// What a database or a role says about sessions must not make the bot somebody else, or have it call somebody else's functions.
const OURS: &str = "-c role=none -c search_path=pg_catalog -c default_transaction_read_only=off -c default_transaction_deferrable=off \
                    -c row_security=on -c statement_timeout=0 -c lock_timeout=0";

/// When a call is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn after(left: Duration) -> Self {
        Self(Instant::now() + left)
    }

    /// The same call, which must leave so much of its time for what comes last.
    pub(super) fn sparing(self, spared: Duration) -> Self {
        let now = Instant::now();
        Self(self.0.checked_sub(spared).unwrap_or(now).max(now))
    }

    pub(super) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// A server, and how many connections it may be asked for.
pub(super) struct Link {
    settings: Settings,
    tls: Option<postgres_native_tls::MakeTlsConnector>,
    turns: Semaphore,
    idle: Mutex<Vec<Idle>>,
    /// As it said when it was last connected to; 0: never yet.
    version: AtomicU32,
}

struct Idle {
    database: String,
    client: Client,
    version: u32,
    since: Instant,
}

impl Link {
    /// Connects to nothing yet.
    /// # Errors
    /// The file with the authority's certificate cannot be used.
    pub(super) fn new(settings: Settings) -> Result<Self, String> {
        let tls = match settings.tls {
            Tls::Off => None,
            Tls::VerifyFull => Some(connector(&settings)?),
        };
        let turns = Semaphore::new(usize::try_from(settings.connections).unwrap_or(1));
        Ok(Self { settings, tls, turns, idle: Mutex::default(), version: AtomicU32::new(0) })
    }

    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The server's major version, if it was ever asked.
    pub(super) fn version(&self) -> Option<u32> {
        Some(self.version.load(Ordering::Relaxed)).filter(|version| *version > 0)
    }

    /// A connection to the database that is connected to first, and its answer to a first question.
    pub(super) async fn ask(&self, deadline: Deadline, question: impl Fn(u32) -> String) -> Result<(Session<'_>, Answer), Fault> {
        self.ask_in(&self.settings.database, deadline, question).await
    }

    /// The same in this database. The question is put by the server's major version. One that was used before and is dead is replaced.
    pub(super) async fn ask_in(
        &self,
        database: &str,
        deadline: Deadline,
        question: impl Fn(u32) -> String,
    ) -> Result<(Session<'_>, Answer), Fault> {
        let mut session = self.session(database, deadline).await?;
        if session.used_before {
            let most = deadline.left().min(FIRST);
            if let Ok(Ok(answer)) = timeout(most, session.read(&question(session.version))).await {
                return Ok((session, answer));
            }
            session.sound = false;
            drop(session);
            self.idle().clear();
            session = self.session(database, deadline).await?;
        }
        let answer = session.read(&question(session.version)).await?;
        Ok((session, answer))
    }

    async fn session(&self, database: &str, deadline: Deadline) -> Result<Session<'_>, Fault> {
        let late = || Fault::new(FaultKind::Transient, "the database server's connections are all in use");
        let turn = timeout(deadline.left(), self.turns.acquire()).await.ok().and_then(Result::ok).ok_or_else(late)?;
        let (client, version, used_before) = if let Some(idle) = self.take_idle(database) {
            (idle.client, idle.version, true)
        } else {
            self.make_room();
            let (client, version) = self.connect(database, deadline).await?;
            (client, version, false)
        };
        let database = database.to_owned();
        Ok(Session { link: self, client: Some(client), database, version, used_before, sound: true, deadline, clock: None, _turn: turn })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_idle(&self, database: &str) -> Option<Idle> {
        let mut idle = self.idle();
        idle.retain(|idle| idle.since.elapsed() < IDLE_MAX && !idle.client.is_closed());
        let newest = idle.iter().rposition(|idle| idle.database == database)?;
        Some(idle.remove(newest))
    }

    /// Idle ones count among the connections: the oldest go.
    fn make_room(&self) {
        let all = usize::try_from(self.settings.connections).unwrap_or(1);
        let in_use = all.saturating_sub(self.turns.available_permits());
        let mut idle = self.idle();
        let over = (idle.len() + in_use).saturating_sub(all).min(idle.len());
        idle.drain(..over);
    }

    async fn connect(&self, database: &str, deadline: Deadline) -> Result<(Client, u32), Fault> {
        let most = deadline.left().min(CONNECT);
        let silent = |_| Fault::new(FaultKind::Transient, "the database server gave no connection in time");
        let config = self.config(database)?;
        let (client, version) = match &self.tls {
            None => timeout(most, plainly(&config)).await.map_err(silent)?,
            Some(tls) => timeout(most, encrypted(&config, tls.clone())).await.map_err(silent)?,
        }
        .map_err(|error| fault::connecting(&error))?;
        if (1..OLDEST).contains(&version) {
            return Err(Fault::new(
                FaultKind::Invalid,
                format!("the database server is PostgreSQL {version}: it must be {OLDEST} or newer"),
            ));
        }
        self.version.store(version, Ordering::Relaxed);
        Ok((client, version))
    }

    /// Does somebody get in as the bot with another password than its own? None: the bot has none, or nobody could tell.
    pub(super) async fn lets_anybody_in(&self, deadline: Deadline) -> Option<bool> {
        self.settings.password.as_ref()?;
        let mut config = self.config(&self.settings.database).ok()?;
        config.password("no password of anybody");
        let most = deadline.left().min(CONNECT);
        let tried = match &self.tls {
            None => timeout(most, plainly(&config)).await.ok()?,
            Some(tls) => timeout(most, encrypted(&config, tls.clone())).await.ok()?,
        };
        match tried {
            Ok(_) => Some(true),
            Err(error) => (error.code() == Some(&SqlState::INVALID_PASSWORD)).then_some(false),
        }
    }

    fn config(&self, database: &str) -> Result<Config, Fault> {
        let mut config = Config::new();
        let Settings { place, user, .. } = &self.settings;
        config.host(place.host.as_str()).port(place.port).user(user.as_str()).dbname(database).application_name("hallpass");
        config.connect_timeout(CONNECT).keepalives_idle(Duration::from_secs(30)).keepalives_interval(Duration::from_secs(10));
        config.keepalives_retries(3).tcp_user_timeout(Duration::from_secs(30));
        config.options(OURS);
        config.ssl_mode(if self.tls.is_some() { SslMode::Require } else { SslMode::Disable });
        if let Some(password) = &self.settings.password {
            let password = password.read().map_err(|why| Fault::new(FaultKind::Transient, why))?;
            config.password(password.expose_secret());
        }
        Ok(config)
    }
}

fn connector(settings: &Settings) -> Result<postgres_native_tls::MakeTlsConnector, String> {
    let mut builder = native_tls::TlsConnector::builder();
    if let Some(file) = &settings.ca_file {
        let shown = file.display();
        let text = std::fs::read(file).map_err(|error| format!("{shown}: {error}"))?;
        let authority = native_tls::Certificate::from_pem(&text).map_err(|_| format!("{shown} is not a certificate in PEM"))?;
        builder.disable_built_in_roots(true).add_root_certificate(authority);
    }
    let connector = builder.build().map_err(|error| format!("TLS: {error}"))?;
    Ok(postgres_native_tls::MakeTlsConnector::new(connector))
}

type Connected = Result<(Client, u32), tokio_postgres::Error>;

async fn plainly(config: &Config) -> Connected {
    let (client, connection) = config.connect(NoTls).await?;
    Ok((client, attended(connection)))
}

async fn encrypted(config: &Config, tls: postgres_native_tls::MakeTlsConnector) -> Connected {
    let (client, connection) = config.connect(tls).await?;
    Ok((client, attended(connection)))
}

/// Speaks for as long as there is a client. What the server remarks on the way quotes names, and is not kept.
fn attended<S, T>(mut connection: Connection<S, T>) -> u32
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let said = connection.parameter("server_version").unwrap_or_default();
    let version = said.split(|c: char| !c.is_ascii_digit()).next().and_then(|major| major.parse().ok()).unwrap_or(0);
    let mut remarks = poll_fn(move |context| connection.poll_message(context));
    tokio::spawn(async move { while let Some(Ok(_)) = remarks.next().await {} });
    version
}

/// A connection in use. One whose last message was not answered is never used again.
pub(super) struct Session<'l> {
    link: &'l Link,
    client: Option<Client>,
    database: String,
    /// The server's major version.
    pub(super) version: u32,
    used_before: bool,
    sound: bool,
    deadline: Deadline,
    /// The server's clock in microseconds, and when its answer was here.
    clock: Option<(i64, Instant)>,
    _turn: SemaphorePermit<'l>,
}

impl Session<'_> {
    pub(super) const fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Statements that read, each with its rows. The server's clock is read along.
    pub(super) async fn read(&mut self, statements: &str) -> Result<Answer, Fault> {
        let left = self.in_time()?;
        let message = format!(
            "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY; SET LOCAL search_path = ''; \
             SET LOCAL statement_timeout = {}; {statements}; \
             SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::pg_catalog.int8",
            left.as_millis()
        );
        let silent = || Fault::new(FaultKind::Transient, "the database server did not answer in time");
        let mut answer = self.send(&message, left, silent, fault::reading).await?;
        let clock = answer.pop().and_then(|rows| rows.into_iter().next()).ok_or_else(silent)?;
        self.clock = Some((clock.number(0)?, Instant::now()));
        Ok(Answer(answer))
    }

    /// Changes that give something.
    pub(super) async fn give(&mut self, statements: &[String]) -> Result<Answer, Fault> {
        let patience = self.deadline.left();
        self.change(statements, patience).await
    }

    /// Statements that change something, all or none of them, none after the deadline by the server's own clock. Waits for
    /// locks no longer than `patience`. They are on this server's disk when the answer comes, and wait for no other server: while a
    /// commit waits for one, it is there for good and nobody sees it, neither what was given nor what was taken away.
    pub(super) async fn change(&mut self, statements: &[String], patience: Duration) -> Result<Answer, Fault> {
        self.changed(statements, patience, HERE).await
    }

    /// Changes nothing, and comes back when everything that was committed here before is on the other servers that this one waits for.
    pub(super) async fn is_copied(&mut self) -> Result<(), Fault> {
        let cancel = self.client.as_ref().map(Client::cancel_token);
        let patience = self.deadline.left();
        // Only what wrote something waits, and then for all that was written before it.
        let written = "SELECT pg_catalog.pg_logical_emit_message(true, 'hallpass', '')".to_owned();
        let copied = self.changed(&[written], patience, AS_CONFIGURED).await;
        if copied.as_ref().is_err_and(|fault| fault.kind == FaultKind::Ambiguous)
            && let Some(cancel) = cancel
        {
            // It would wait there for as long as the other server is away, and so would each that is tried after it.
            let tls = self.link.tls.clone();
            tokio::spawn(timeout(CANCEL, async move {
                match tls {
                    None => cancel.cancel_query(NoTls).await,
                    Some(tls) => cancel.cancel_query(tls).await,
                }
            }));
        }
        copied.map(drop).map_err(|fault| Fault {
            message: format!("the access is taken away, and the database server's own copies do not have that yet: {}", fault.message),
            ..fault
        })
    }

    async fn changed(&mut self, statements: &[String], patience: Duration, commit: &str) -> Result<Answer, Fault> {
        let left = self.in_time()?;
        let unread = || Fault::new(FaultKind::Transient, "the database server's clock was not read");
        let (clock, read_at) = self.clock.ok_or_else(unread)?;
        let until_end = self.deadline.0.saturating_duration_since(read_at).saturating_sub(MARGIN);
        let limit = clock.saturating_add(i64::try_from(until_end.as_micros()).unwrap_or(0));
        let message = guarded(statements, commit, self.version, limit, left, patience.min(left));
        let silent = || Fault::new(FaultKind::Ambiguous, "the database server did not answer in time");
        let mut answer = self.send(&message, left, silent, fault::changing).await?;
        // The guards' own rows.
        answer.pop();
        answer.drain(..2.min(answer.len()));
        Ok(Answer(answer))
    }

    fn in_time(&self) -> Result<Duration, Fault> {
        let left = self.deadline.left();
        if left < LEAST { Err(Fault::new(FaultKind::Transient, "no time was left: the database server was not asked")) } else { Ok(left) }
    }

    async fn send(
        &mut self,
        message: &str,
        most: Duration,
        silent: impl FnOnce() -> Fault,
        fault: impl FnOnce(&tokio_postgres::Error) -> Fault,
    ) -> Result<Vec<Vec<Row>>, Fault> {
        let Some(client) = self.client.as_ref().filter(|client| self.sound && !client.is_closed()) else {
            return Err(Fault::new(FaultKind::Transient, "the connection to the database server was lost before anything was sent"));
        };
        self.sound = false;
        let answered = timeout(most, client.simple_query(message)).await.map_err(|_| silent())?;
        let messages = match answered {
            Ok(messages) => messages,
            Err(error) => {
                self.sound = error.as_db_error().is_some_and(|said| !fault::is_fatal(said));
                return Err(fault(&error));
            }
        };
        self.sound = true;
        let mut answer: Vec<Vec<Row>> = Vec::new();
        for message in messages {
            match (message, answer.last_mut()) {
                (SimpleQueryMessage::RowDescription(_), _) => answer.push(Vec::new()),
                (SimpleQueryMessage::Row(row), Some(rows)) => rows.push(Row::of(&row)?),
                _ => {}
            }
        }
        Ok(answer)
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let Some(client) = self.client.take().filter(|client| self.sound && !client.is_closed()) else { return };
        let idle = Idle { database: std::mem::take(&mut self.database), client, version: self.version, since: Instant::now() };
        self.link.idle().push(idle);
    }
}
