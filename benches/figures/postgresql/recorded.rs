//! What the adapter says to the server, written down on the way, and said again by a bare client for other logins.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_postgres::Client;

use super::server::Server;

/// One message: the database, and the statements.
type Message = (String, String);

/// Passes everything on to the server, and keeps each query.
pub(super) struct Recorder {
    pub(super) port: u16,
    kept: Arc<Mutex<Vec<Message>>>,
    running: JoinHandle<()>,
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Recorder {
    pub(super) async fn before(port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (own, kept) = (listener.local_addr()?.port(), Arc::<Mutex<Vec<Message>>>::default());
        let into = kept.clone();
        let running = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { break };
                tokio::spawn(carry(client, server, into.clone()));
            }
        });
        Ok(Self { port: own, kept, running })
    }

    /// What was said since the last time.
    pub(super) fn taken(&self) -> Vec<Message> {
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn carry(client: TcpStream, server: TcpStream, kept: Arc<Mutex<Vec<Message>>>) -> std::io::Result<()> {
    let ((mut client, mut to_client), (mut server, mut to_server)) = (client.into_split(), server.into_split());
    let back = tokio::spawn(async move { tokio::io::copy(&mut server, &mut to_client).await });
    let (mut buffer, mut database) = (Vec::new(), None);
    while client.read_buf(&mut buffer).await? > 0 {
        while let Some(message) = whole(&mut buffer, database.is_some()) {
            to_server.write_all(&message).await?;
            match &database {
                None => database = Some(named(&message)),
                Some(database) if message.first() == Some(&b'Q') => {
                    let text = String::from_utf8_lossy(&message[5..message.len() - 1]).into_owned();
                    kept.lock().unwrap_or_else(PoisonError::into_inner).push((database.clone(), text));
                }
                Some(_) => {}
            }
        }
    }
    back.abort();
    Ok(())
}

/// The next whole message; the first one of a connection has no type before its length.
fn whole(buffer: &mut Vec<u8>, typed: bool) -> Option<Vec<u8>> {
    let head = usize::from(typed);
    let length = u32::from_be_bytes(buffer.get(head..head + 4)?.try_into().ok()?);
    let end = head + usize::try_from(length).ok()?;
    (buffer.len() >= end).then(|| buffer.drain(..end).collect())
}

/// The database that a first message asks for: after its length and version, names and values in turn.
fn named(message: &[u8]) -> String {
    let mut words = message.get(8..).unwrap_or_default().split(|byte| *byte == 0);
    let found = words.position(|word| word == b"database").and_then(|_| words.next());
    String::from_utf8_lossy(found.unwrap_or_default()).into_owned()
}

/// Says the same on connections that it keeps, one for each database.
pub(super) struct Bare {
    clients: BTreeMap<String, Client>,
}

impl Bare {
    pub(super) async fn at(server: &Server, all: &[&[Message]]) -> anyhow::Result<Self> {
        let mut clients = BTreeMap::new();
        for (database, _) in all.iter().copied().flatten() {
            if !clients.contains_key(database) {
                clients.insert(database.clone(), server.bot(database).await?);
            }
        }
        Ok(Self { clients })
    }

    /// Once more, with other words in place of these.
    pub(super) async fn says(&self, messages: &[Message], instead: &[(&str, &str)]) -> anyhow::Result<()> {
        for (database, text) in messages {
            let text = instead.iter().fold(forever(text), |text, (from, to)| text.replace(from, to));
            let client = self.clients.get(database).context("a database without a connection")?;
            client.simple_query(&text).await.with_context(|| text.clone())?;
        }
        Ok(())
    }
}

/// Deadlines by the server's clock, which stand in what was recorded, moved away.
fn forever(text: &str) -> String {
    const BEFORE: &str = "* 1000000 < ";
    let mut parts = text.split(BEFORE);
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        whole.push_str(BEFORE);
        whole.push_str("9000000000000000");
        whole.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    whole
}
