//! A proxy on loopback before a real PostgreSQL, with a script of what goes wrong: connections that are refused, messages
//! that are cut before they arrive, answers that are cut after the statement took effect, are slow, or never come.
//! Knows of the protocol only where a message ends and who speaks next. Statements are counted over all connections.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Notify,
    task::{JoinHandle, JoinSet},
};

/// What happens to one statement, or to one step of logging in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It never reaches the server: both connections are closed instead.
    CutBefore,
    /// The server has done it and answered; the answer is swallowed and both connections are closed.
    CutAfter,
    /// The server has done it and answered; nobody hears of it, and the connection stays open.
    Silent,
    /// The answer comes this much later.
    Slow(Duration),
    /// It is held back until `let_go`, and then delivered even if whoever sent it has gone away.
    Hold,
}

/// Which one.
enum When {
    /// So many pass by before.
    After(usize),
    /// The first one that has these words in it.
    Saying(String),
}

#[derive(Default)]
struct Script {
    rule: Option<(When, Fault)>,
    passed: Vec<String>,
}

#[derive(Default)]
struct Shared {
    script: Mutex<Script>,
    refusing: AtomicBool,
    held: Notify,
    let_go: Notify,
    /// What is let go is lost on the way instead.
    losing: AtomicBool,
    answered: Notify,
}

impl Shared {
    fn fault(&self, turn: &str) -> Option<Fault> {
        let mut script = self.script.lock().unwrap();
        script.passed.push(turn.to_owned());
        let hit = match &mut script.rule {
            Some((When::After(0), _)) => true,
            Some((When::After(left), _)) => {
                *left -= 1;
                false
            }
            Some((When::Saying(words), _)) => turn.contains(words.as_str()),
            None => false,
        };
        if hit { script.rule.take().map(|(_, fault)| fault) } else { None }
    }
}

/// A running proxy; it ends, with its connections, when it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    running: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Proxy {
    /// Listens on a free port before this server, and passes everything on until it is told otherwise.
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (address, shared) = (listener.local_addr().unwrap(), Arc::new(Shared::default()));
        let running = tokio::spawn(accept(listener, server, shared.clone()));
        Self { address, shared, running }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The n-th statement or step of logging in from now on, from one, goes wrong.
    pub(crate) fn at(&self, nth: usize, fault: Fault) {
        self.set(When::After(nth - 1), fault);
    }

    /// The next one with these words in it goes wrong.
    pub(crate) fn saying(&self, words: &str, fault: Fault) {
        self.set(When::Saying(words.to_owned()), fault);
    }

    fn set(&self, when: When, fault: Fault) {
        *self.shared.script.lock().unwrap() = Script { rule: Some((when, fault)), passed: Vec::new() };
    }

    /// Nothing goes wrong any more. What passed since the script was written, in order, and whether its fault came.
    pub(crate) fn mend(&self) -> (Vec<String>, bool) {
        let script = std::mem::take(&mut *self.shared.script.lock().unwrap());
        (script.passed, script.rule.is_none())
    }

    /// New connections are closed at once, or not any more.
    pub(crate) fn refuse(&self, refusing: bool) {
        self.shared.refusing.store(refusing, Ordering::Relaxed);
    }

    /// Resolves once something is held back.
    pub(crate) async fn holds(&self) {
        self.shared.held.notified().await;
    }

    /// Closes both connections instead of delivering what is held back.
    pub(crate) fn lose(&self) {
        self.shared.losing.store(true, Ordering::Relaxed);
        self.shared.let_go.notify_one();
    }

    /// Delivers what is held back; resolves when the server has answered it.
    pub(crate) async fn let_go(&self) {
        self.shared.let_go.notify_one();
        self.shared.answered.notified().await;
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, shared: Arc<Shared>) {
    let mut carried = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        if shared.refusing.load(Ordering::Relaxed) {
            continue;
        }
        carried.spawn(carry(client, server, shared.clone()));
    }
}

/// One connection, until one side ends it or the script does.
async fn carry(client: TcpStream, server: SocketAddr, shared: Arc<Shared>) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((client, to_client), (server, to_server)) = (client.into_split(), server.into_split());
    let (client, server) = (Reader::new(client), Reader::new(server));
    let mut pair = Pair { client, to_client, server, to_server, shared, fresh: true, logging_in: true, statements: Statements::default() };
    while pair.step().await? {}
    Ok(())
}

/// Whole messages of one side.
struct Reader {
    half: OwnedReadHalf,
    buffer: Vec<u8>,
}

impl Reader {
    const fn new(half: OwnedReadHalf) -> Self {
        Self { half, buffer: Vec::new() }
    }

    /// The next message; None: that side has closed. The first one of a client has no type before its length.
    /// May be dropped half-way: what was read is kept.
    async fn message(&mut self, typed: bool) -> io::Result<Option<Vec<u8>>> {
        let head = usize::from(typed);
        loop {
            if let Some(length) = self.buffer.get(head..head + 4) {
                let length = u32::from_be_bytes(length.try_into().unwrap_or_default());
                let whole = head + usize::try_from(length).unwrap_or(usize::MAX);
                if self.buffer.len() >= whole {
                    return Ok(Some(self.buffer.drain(..whole).collect()));
                }
            }
            if self.half.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Resolves when that side has closed.
    async fn closed(&mut self) {
        let mut rest = Vec::new();
        self.half.read_to_end(&mut rest).await.ok();
    }
}

/// What a connection's prepared statements say.
#[derive(Default)]
struct Statements(std::collections::BTreeMap<String, String>);

impl Statements {
    /// What one message of a client says, in words; empty where it only belongs to another.
    fn read(&mut self, message: &[u8]) -> String {
        let mut texts =
            message.get(5..).unwrap_or_default().split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned());
        let mut next = || texts.next().unwrap_or_default();
        match message.first() {
            Some(b'Q') => next(),
            Some(b'P') => {
                let (name, text) = (next(), next());
                self.0.insert(name, text.clone());
                format!("prepare: {text}")
            }
            Some(b'B') => {
                let (_portal, name) = (next(), next());
                self.0.get(&name).cloned().unwrap_or(name)
            }
            _ => String::new(),
        }
    }
}

struct Pair {
    client: Reader,
    to_client: OwnedWriteHalf,
    server: Reader,
    to_server: OwnedWriteHalf,
    shared: Arc<Shared>,
    /// Nothing was said yet.
    fresh: bool,
    logging_in: bool,
    statements: Statements,
}

impl Pair {
    /// One thing that the client says, with its answer, or something that the server says by itself. False: it is over.
    async fn step(&mut self) -> io::Result<bool> {
        let (mut said, mut words) = (Vec::new(), String::new());
        loop {
            let fresh = self.fresh;
            tokio::select! {
                message = self.client.message(!fresh) => {
                    let Some(message) = message? else { return Ok(false) };
                    self.fresh = false;
                    if fresh && is_cancel(&message) {
                        self.to_server.write_all(&message).await?;
                        self.server.closed().await;
                        return Ok(false);
                    }
                    let more = if fresh { "log in".to_owned() } else { self.statements.read(&message) };
                    words.push_str(&more);
                    said.extend_from_slice(&message);
                    match message[0] {
                        // A login, a step of it, a query, the end of a batch: now the server speaks.
                        _ if fresh => break,
                        b'p' | b'Q' | b'S' => break,
                        b'X' => {
                            self.to_server.write_all(&said).await?;
                            return Ok(false);
                        }
                        _ => {}
                    }
                }
                message = self.server.message(true) => {
                    let Some(message) = message? else { return Ok(false) };
                    self.to_client.write_all(&message).await?;
                }
            }
        }
        if words.is_empty() {
            words = if self.logging_in { "password".into() } else { "close".into() };
        }
        let fault = self.shared.fault(&words);
        self.turn(&said, fault).await
    }

    async fn turn(&mut self, said: &[u8], fault: Option<Fault>) -> io::Result<bool> {
        match fault {
            None => {
                self.to_server.write_all(said).await?;
                self.answer(true).await.map(|answer| answer.is_some())
            }
            Some(Fault::CutBefore) => Ok(false),
            Some(Fault::CutAfter) => {
                self.to_server.write_all(said).await?;
                self.answer(false).await?;
                Ok(false)
            }
            Some(Fault::Silent) => {
                self.to_server.write_all(said).await?;
                self.answer(false).await?;
                self.client.closed().await;
                Ok(false)
            }
            Some(Fault::Slow(by)) => {
                self.to_server.write_all(said).await?;
                let answer = self.answer(false).await?;
                tokio::time::sleep(by).await;
                self.to_client.write_all(answer.as_deref().unwrap_or_default()).await?;
                Ok(answer.is_some())
            }
            Some(Fault::Hold) => {
                self.shared.held.notify_one();
                self.shared.let_go.notified().await;
                if self.shared.losing.swap(false, Ordering::Relaxed) {
                    return Ok(false);
                }
                self.to_server.write_all(said).await?;
                let answer = self.answer(false).await;
                self.shared.answered.notify_one();
                let answer = answer?;
                self.to_client.write_all(answer.as_deref().unwrap_or_default()).await?;
                Ok(answer.is_some())
            }
        }
    }

    /// What the server says until it is the client's turn again; None: it closed instead.
    async fn answer(&mut self, pass_on: bool) -> io::Result<Option<Vec<u8>>> {
        let mut whole = Vec::new();
        loop {
            let Some(message) = self.server.message(true).await? else { return Ok(None) };
            whole.extend_from_slice(&message);
            if pass_on {
                self.to_client.write_all(&message).await?;
            }
            match message[0] {
                b'Z' => {
                    self.logging_in = false;
                    return Ok(Some(whole));
                }
                b'R' if !matches!(message.get(5..9), Some([0, 0, 0, 0 | 12])) => {
                    return Ok(Some(whole));
                }
                _ => {}
            }
        }
    }
}

/// Another connection's statement is to be stopped.
fn is_cancel(message: &[u8]) -> bool {
    message.get(4..8) == Some(&80_877_102_u32.to_be_bytes()[..])
}
