//! A bare client: what a person, or an administrator, does at the server without the bot.

use std::time::Duration;

use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, config::SslMode, error::SqlState};

/// Longest wait for the server to do something by itself, such as to end a session.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open session.
pub(crate) struct Session {
    client: Client,
    connection: JoinHandle<()>,
}

impl Session {
    /// Logs in.
    pub(crate) async fn open(config: &Config) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = config.clone().ssl_mode(SslMode::Disable).connect(NoTls).await?;
        // How it ended is asked by what is done next.
        let connection = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { client, connection })
    }

    /// Runs statements.
    pub(crate) async fn does(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(sql).await
    }

    /// The first column of every row, as text.
    pub(crate) async fn reads(&self, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
        let rows = self.client.simple_query(sql).await?;
        let first = |row| match row {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("NULL").to_owned()),
            _ => None,
        };
        Ok(rows.into_iter().filter_map(first).collect())
    }

    /// The first column of the only row.
    pub(crate) async fn asks(&self, sql: &str) -> String {
        self.reads(sql).await.unwrap().into_iter().next().unwrap()
    }

    /// Still answers?
    pub(crate) async fn is_open(&self) -> bool {
        self.does("SELECT 1").await.is_ok()
    }

    /// The server has ended it, or does so within a moment.
    pub(crate) async fn was_ended(&mut self) -> bool {
        timeout(PATIENCE, &mut self.connection).await.is_ok()
    }
}

/// Whether these words and this password get somebody in.
/// # Panics
/// When the server cannot be asked, or refuses for another reason.
pub(crate) async fn gets_in(config: &Config) -> bool {
    match Session::open(config).await {
        Ok(session) => session.is_open().await,
        Err(error) => {
            let refused = [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION];
            assert!(error.code().is_some_and(|code| refused.contains(code)), "{error:?}");
            false
        }
    }
}

/// Repeats a question until it is so, for what the server does by itself.
/// # Panics
/// When it does not become so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let looked = timeout(PATIENCE, async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(looked.await.is_ok(), "{what}: it did not become so");
}
