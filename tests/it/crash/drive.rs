//! Drives the real program through its door: starts it, speaks to it, notices its death, starts it again. What was not
//! acknowledged is sent again under the same name, as a chat does; what was acknowledged never is.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    os::unix::process::ExitStatusExt as _,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use hallpass::domain::{request::Request, time::Instant};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::house::{House, PACE};
use crate::checker::Said;

/// Longest wait for anything: a call without an answer is given up after nine seconds, and the machine is busy.
const PATIENCE: Duration = Duration::from_mins(5);
/// Between two looks at what the bot stores.
const LOOK_EVERY: Duration = Duration::from_millis(60);
const KILLED: i32 = 9;

/// Where and when the program is to die, and what is planted in it.
#[derive(Default, Clone)]
pub(super) struct Armed {
    /// A crash point, with `:nth`.
    pub(super) crash: Option<String>,
    /// The start (from one) that is armed with it.
    pub(super) start: usize,
    pub(super) fault: Option<&'static str>,
    /// The chat does not recognise a repeated message by itself, at any start.
    pub(super) forgetful: bool,
}

/// What it shows of its store.
#[derive(Debug, serde::Deserialize)]
struct Seen {
    /// Newest first.
    requests: Vec<Request>,
    /// Something is to be done soon.
    busy: bool,
    policy: String,
}

/// A bot that is running.
struct Bot {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// What a case went through so far.
pub(super) struct Drive<'a> {
    pub(super) house: &'a House,
    armed: Armed,
    bot: Option<Bot>,
    starts: usize,
    pub(super) down: Vec<(Instant, Instant)>,
    pub(super) said: Vec<Said>,
    acknowledged: BTreeMap<String, String>,
    commands: usize,
}

impl<'a> Drive<'a> {
    pub(super) async fn start(house: &'a House, armed: Armed) -> Result<Self, String> {
        let (down, said, acknowledged) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut drive = Self { house, armed, bot: None, starts: 0, down, said, acknowledged, commands: 0 };
        drive.listening().await?;
        Ok(drive)
    }

    /// Starts it, as often as it dies over that, until it listens.
    async fn listening(&mut self) -> Result<(), String> {
        loop {
            let died = self.bot.is_none().then(|| self.house.now());
            self.spawn();
            if let (Some(from), true) = (died, self.starts > 1) {
                self.down.push((from, self.house.now()));
            }
            match self.read().await? {
                Some(line) if line["listening"] == true => {
                    // Up since it listens: its clock is fast, and a busy machine is slow to start a program.
                    if let Some(last) = self.down.last_mut() {
                        last.1 = self.house.now();
                    }
                    return Ok(());
                }
                Some(line) => return Err(format!("it said {line} before it listened")),
                None => {}
            }
        }
    }

    fn spawn(&mut self) {
        self.starts += 1;
        let log = OpenOptions::new().create(true).append(true).open(self.house.path("stderr")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
        command.arg("run").arg("--config").arg(self.house.path("bot.toml")).arg("--console").arg(self.house.path("chat.jsonl"));
        command.env("HALLPASS_THIS_IS_A_TEST", "yes").env("HALLPASS_PACE", PACE.to_string());
        command.env("HALLPASS_EPOCH", self.house.epoch.micros().to_string()).current_dir(self.house.path("."));
        if self.armed.forgetful {
            command.env("HALLPASS_FORGETFUL_CHAT", "yes");
        }
        if self.armed.start == self.starts {
            command.envs(self.armed.crash.as_ref().map(|crash| ("HALLPASS_CRASH", crash)));
            command.envs(self.armed.fault.map(|fault| ("HALLPASS_FAULT", fault)));
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        self.bot = Some(Bot { child, input, output: BufReader::new(output).lines() });
    }

    /// Its next line; None: it died by SIGKILL, and is not started again yet.
    async fn read(&mut self) -> Result<Option<Value>, String> {
        let bot = self.bot.as_mut().unwrap();
        while let Ok(Some(line)) = timeout(PATIENCE, bot.output.next_line()).await.map_err(|_| "it says nothing any more".to_owned())? {
            // A line that death cut short is the last one, and was never said.
            if let Ok(said) = serde_json::from_str(&line) {
                return Ok(Some(said));
            }
        }
        let status = self.ended().await?;
        if status.signal() == Some(KILLED) { Ok(None) } else { Err(format!("it ended by itself: {status}")) }
    }

    async fn ended(&mut self) -> Result<ExitStatus, String> {
        let Some(mut bot) = self.bot.take() else { return Err("it is not running".into()) };
        drop(bot.input);
        timeout(PATIENCE, bot.child.wait()).await.map_err(|_| "it does not end".to_owned())?.map_err(|error| error.to_string())
    }

    async fn send(&mut self, line: &Value) {
        // If it is dead by now, reading will say so.
        let bot = self.bot.as_mut().unwrap();
        bot.input.write_all(format!("{line}\n").as_bytes()).await.ok();
        bot.input.flush().await.ok();
    }

    /// Does what somebody does who is told "not recorded, press again", or that something does not answer just now.
    async fn command(&mut self, line: Value) -> Result<(), String> {
        let by = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.once(line.clone()).await? {
                Some(said) if !said["error"].is_null() || said["refused"]["refusal"] == "provider_unreachable" => {}
                Some(said) if !said["refused"].is_null() => return Err(format!("{line}: {said}")),
                _ => return Ok(()),
            }
            if tokio::time::Instant::now() > by {
                return Err(format!("{line}: it is never recorded"));
            }
        }
    }

    /// Sends a command until it is acknowledged; its answer, unless the bot died in between.
    async fn once(&mut self, mut line: Value) -> Result<Option<Value>, String> {
        self.commands += 1;
        let name = format!("c{}", self.commands);
        line["interaction"] = name.clone().into();
        self.send(&line).await;
        loop {
            match self.read().await? {
                None => {
                    self.listening().await?;
                    if self.acknowledged.contains_key(&name) {
                        return Ok(None);
                    }
                    self.send(&line).await;
                }
                Some(said) if said["interaction"] == name.as_str() => {
                    if let Some(how) = said["acknowledged"].as_str() {
                        self.acknowledged.insert(name.clone(), how.to_owned());
                        if how == "before" {
                            return Ok(None);
                        }
                    } else {
                        self.note(&said["data"]);
                        return Ok(Some(said));
                    }
                }
                Some(_) => {}
            }
        }
    }

    fn note(&mut self, data: &Value) {
        if let (Some(id), Some(n)) = (data["id"].as_str(), data["request"]["n"].as_u64()) {
            self.said.push(Said { at: self.house.now(), request: id.parse().unwrap(), n });
        }
    }

    pub(super) async fn types(&mut self, user: &str, text: &str) -> Result<(), String> {
        self.command(json!({ "user": user, "line": text })).await
    }

    pub(super) async fn presses(&mut self, user: &str, button: &str, words: Option<&str>) -> Result<(), String> {
        let request = self.request().await?.id;
        self.command(json!({ "user": user, "press": button, "request": request, "words": words })).await
    }

    /// What the bot stores.
    async fn seen(&mut self) -> Result<Seen, String> {
        let ask = json!({ "show": "all" });
        self.send(&ask).await;
        loop {
            match self.read().await? {
                None => {
                    self.listening().await?;
                    self.send(&ask).await;
                }
                // A store that is slow just now is asked again.
                Some(line) if !line["seen"]["error"].is_null() => self.send(&ask).await,
                Some(mut line) if !line["show"].is_null() => {
                    return serde_json::from_value(line["seen"].take()).map_err(|error| format!("{line}: {error}"));
                }
                Some(_) => {}
            }
        }
    }

    /// The newest request; what was received before a death is asked a moment after the start.
    pub(super) async fn request(&mut self) -> Result<Request, String> {
        self.until("something asked", |_| true).await
    }

    /// Waits until the newest request is so.
    pub(super) async fn until(&mut self, what: &str, is_so: impl Fn(&Request) -> bool) -> Result<Request, String> {
        self.waits(what, |seen| seen.requests.first().is_some_and(&is_so)).await?.requests.into_iter().next().ok_or_else(|| what.into())
    }

    /// Waits until the provider has switched it on, whatever the bot knows of that.
    pub(super) async fn given(&mut self) -> Result<(), String> {
        let house = self.house;
        self.waits("switched on", |_| house.was_given()).await.map(|_| ())
    }

    /// Waits until the digest was sent, whatever the bot knows of that.
    pub(super) async fn digested(&mut self) -> Result<(), String> {
        let house = self.house;
        self.waits("the digest", |_| house.was_digested()).await.map(|_| ())
    }

    /// Waits until it is closed and nothing is left to do.
    pub(super) async fn quiet(&mut self) -> Result<(), String> {
        self.waits("closed, and nothing left to do", |seen| !seen.busy && seen.requests.iter().all(|r| !r.is_open())).await.map(|_| ())
    }

    async fn waits(&mut self, what: &str, is_so: impl Fn(&Seen) -> bool) -> Result<Seen, String> {
        let by = tokio::time::Instant::now() + PATIENCE;
        loop {
            let seen = self.seen().await?;
            if is_so(&seen) {
                return Ok(seen);
            }
            if tokio::time::Instant::now() > by {
                return Err(format!("never came: {what}; it is {seen:?}"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Reads bot.toml again, which has changed.
    pub(super) async fn hangs_up(&mut self) -> Result<(), String> {
        let before = self.seen().await?.policy;
        self.signal(rustix::process::Signal::HUP);
        self.waits("another policy", |seen| seen.policy != before).await.map(|_| ())
    }

    fn signal(&self, signal: rustix::process::Signal) {
        if let Some(id) = self.process() {
            // It may have died in this moment.
            rustix::process::kill_process(id, signal).ok();
        }
    }

    /// Kills it from outside, and starts it again when the bot's clock shows `then`.
    pub(super) async fn away_until(&mut self, then: Instant) -> Result<(), String> {
        self.signal(rustix::process::Signal::KILL);
        while self.read().await?.is_some() {}
        let from = self.house.now();
        while self.house.now() < then {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        self.listening().await?;
        // Down since it was killed, not since it was started again.
        if let Some(last) = self.down.last_mut() {
            last.0 = last.0.min(from);
        }
        Ok(())
    }

    /// Stops it as an operator would.
    pub(super) async fn stop(&mut self) -> Result<(), String> {
        self.signal(rustix::process::Signal::TERM);
        let status = self.ended().await?;
        if status.success() { Ok(()) } else { Err(format!("stopped, it ended with {status}")) }
    }

    /// Its process, as long as it lives.
    pub(super) fn process(&self) -> Option<rustix::process::Pid> {
        self.bot.as_ref().and_then(|bot| bot.child.id()).and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?))
    }

    /// How often it died.
    pub(super) fn deaths(&self) -> usize {
        self.down.len()
    }
}
