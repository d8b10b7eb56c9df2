//! The chats of bot.toml: connected before anything is shown, heard once what was overdue is being ended. One that cannot be
//! connected is an alarm, and keeps nothing else from going on. Must not decide.

mod discord;
mod slack;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{AbortHandle, JoinHandle},
};

use super::{Chats, watch::noted};
use crate::{
    bot::Bot,
    chat::{Chat, ChatFault, show::Voice},
    clock::Clock,
    config::Config,
    domain::policy::Platform,
};

/// Until a way in that failed is tried again.
const AGAIN: Duration = Duration::from_secs(10);
/// Until that is an alarm which may pass by itself.
const PASSES: Duration = Duration::from_mins(1);
/// What was acknowledged has this long to be answered when the bot stops.
const ANSWERING: Duration = Duration::from_secs(5);

/// The alarms about a chat as a whole: it does not know the bot, and nobody is heard. One channel that refuses has its own.
#[derive(Clone, Copy)]
struct Alarms {
    /// What people call it.
    chat: &'static str,
    home: &'static str,
    deaf: &'static str,
}

/// A chat as configured; or why it is not there.
enum Link<C> {
    /// bot.toml does not name it.
    None,
    There(C),
    WhyNot(String),
}

impl<C> Link<C> {
    /// None: it is not to be heard; alarms about it are raised or over.
    async fn there(self, alarms: Alarms, bot: &Bot) -> Option<C> {
        match self {
            Self::There(chat) => return Some(chat),
            Self::WhyNot(why) => alarms.raise(alarms.home, &why, bot).await,
            Self::None => {
                alarms.clear(alarms.home, bot).await;
                alarms.clear(alarms.deaf, bot).await;
            }
        }
        None
    }
}

/// All chats of the file.
pub(super) struct Connected {
    slack: Link<slack::Connected>,
    discord: Link<discord::Connected>,
}

impl Connected {
    /// Adds the chats of the file to those that are there.
    pub(super) fn new(config: &Config, clock: &Arc<dyn Clock>, chats: &mut Chats) -> Self {
        Self { slack: slack::connect(config, clock, chats), discord: discord::connect(config, clock, chats) }
    }

    /// Hears until it is dropped.
    pub(super) async fn hear(self, bot: &Arc<Bot>, voice: &Arc<Voice>) -> Hearing {
        let slack = self.slack.there(slack::ALARMS, bot).await.map(|slack| slack.hear(bot, voice));
        let discord = self.discord.there(discord::ALARMS, bot).await.map(|discord| discord.hear(bot, voice));
        Hearing(slack.into_iter().chain(discord).collect())
    }
}

/// The ways in, while they are open.
pub(super) struct Hearing(Vec<Open>);

/// One way in.
struct Open {
    task: JoinHandle<()>,
    /// Whoever drops it tells the task to end.
    stop: watch::Sender<()>,
    /// Resolves when everything that was heard is answered.
    idle: future::BoxFuture<'static, ()>,
}

impl Open {
    /// A task that ends once it is told to: takes nothing more, and answers what it has taken.
    fn new<F>(task: impl FnOnce(Stop) -> F, idle: impl Future<Output = ()> + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, told) = watch::channel(());
        Self { task: tokio::spawn(task(Stop(told))), stop, idle: idle.boxed() }
    }

    async fn ended(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a way in ended otherwise than it was told to");
        }
        self.idle.await;
    }
}

/// Tells a way in to end.
#[derive(Clone)]
struct Stop(watch::Receiver<()>);

impl Stop {
    /// Resolves when it is time.
    async fn told(mut self) {
        // It fails as soon as the other end is dropped, which is what is waited for.
        drop(self.0.changed().await);
    }

    /// Whether the work came to its end, or was cut short by this.
    async fn cuts(&self, work: impl Future<Output = ()>) -> bool {
        tokio::select! {
            () = work => false,
            () = self.clone().told() => true,
        }
    }
}

impl Hearing {
    /// Hears nothing more, and answers what was acknowledged.
    pub(super) async fn end(self) {
        let tasks: Vec<_> = self.0.iter().map(|open| open.task.abort_handle()).collect();
        let ended = future::join_all(self.0.into_iter().map(Open::ended));
        if tokio::time::timeout(ANSWERING, ended).await.is_err() {
            tracing::warn!("not everybody was answered before the stop: what they did is in the inbox");
            tasks.iter().for_each(AbortHandle::abort);
        }
    }
}

impl Alarms {
    async fn raise(self, alarm: &str, why: &str, bot: &Bot) {
        tracing::error!(%why, "{}", self.chat);
        noted("an alarm", bot.raise(alarm, format!("{}: {why}", self.chat), None).await);
    }

    async fn clear(self, alarm: &str, bot: &Bot) {
        noted("the end of an alarm", bot.clear(alarm).await);
    }

    /// Until this comes to be. What only a human can mend is an alarm.
    async fn until_at_home<F: Future<Output = Result<(), ChatFault>>>(self, bot: &Bot, at_home: impl Fn() -> F) {
        let mut waited = Duration::ZERO;
        loop {
            match at_home().await {
                Ok(()) => return self.clear(self.home, bot).await,
                Err(ChatFault::Permanent { why }) => self.raise(self.home, &why, bot).await,
                Err(fault) if waited >= PASSES => self.raise(self.home, &format!("it does not answer: {fault}"), bot).await,
                Err(fault) => tracing::warn!("{} does not answer yet: {fault}", self.chat),
            }
            tokio::time::sleep(AGAIN).await;
            waited += AGAIN;
        }
    }

    /// Listens, and listens again when that fails; until it is told to end, which `serve` is told too.
    async fn over_http<F: Future<Output = std::io::Result<()>>>(
        self,
        bot: &Bot,
        listen: SocketAddr,
        stop: &Stop,
        serve: impl Fn(TcpListener) -> F,
    ) {
        loop {
            match TcpListener::bind(listen).await {
                Ok(listener) => {
                    tracing::info!(%listen, "{}'s requests are heard", self.chat);
                    self.clear(self.deaf, bot).await;
                    match serve(listener).await {
                        Ok(()) => return,
                        Err(error) => tracing::error!(%error, "{}'s requests are not heard any more", self.chat),
                    }
                }
                Err(error) => {
                    let why = format!("nobody is heard: {listen} cannot be listened on ({error})");
                    self.raise(self.deaf, &why, bot).await;
                }
            }
            if stop.cuts(tokio::time::sleep(AGAIN)).await {
                return;
            }
        }
    }

    /// Returns when no connection has been open for a while; an open one ends the alarm.
    async fn until_deaf(self, mut live: watch::Receiver<usize>, bot: &Bot) {
        loop {
            // Whatever ends it, the next look says how it is.
            let heard = tokio::time::timeout(PASSES, live.wait_for(|open| *open > 0)).await.is_ok_and(|open| open.is_ok());
            if !heard {
                return;
            }
            self.clear(self.deaf, bot).await;
            if live.wait_for(|open| *open == 0).await.is_err() {
                return;
            }
        }
    }
}

fn added<C: Chat + 'static>(chats: &mut Chats, platform: Platform, chat: C) -> Arc<C> {
    let chat = Arc::new(chat);
    chats.insert(platform, chat.clone() as Arc<dyn Chat>);
    chat
}
