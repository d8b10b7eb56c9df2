//! The chats of bot.toml: connected before anything is shown, heard once what was overdue is being ended. One that cannot be
//! connected is an alarm, and keeps nothing else from going on. Must not decide.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use secrecy::SecretString;
use tokio::{net::TcpListener, sync::watch};

use super::{Chats, watch::noted};
use crate::{
    bot::Bot,
    chat::{
        Chat, ChatFault,
        show::Voice,
        slack::{self, Door, Http, Settings, Slack, Socket, Stopped},
    },
    clock::Clock,
    config::{Config, SlackConfig, SlackDoor},
    domain::policy::Platform,
};

/// The alarms about Slack as a whole: it does not know the bot, and nobody is heard. One channel that refuses has its own.
const ALARM: &str = "slack";
const DEAF: &str = "slack/deaf";
/// Until a way in that failed is tried again.
const AGAIN: Duration = Duration::from_secs(10);
/// Until that is an alarm which may pass by itself.
const PASSES: Duration = Duration::from_mins(1);
/// What was acknowledged has this long to be answered when the bot stops.
const ANSWERING: Duration = Duration::from_secs(5);

/// Slack as configured; or why it is not there.
pub(super) struct Connected {
    slack: Option<(Arc<Slack>, SlackDoor)>,
    why_not: Option<String>,
}

impl Connected {
    /// Adds the chats of the file to those that are there.
    pub(super) fn new(config: &Config, clock: &Arc<dyn Clock>, chats: &mut Chats) -> Self {
        let Some(settings) = &config.slack else { return Self { slack: None, why_not: None } };
        match connect(settings, clock) {
            Ok(slack) => {
                let slack = Arc::new(slack);
                chats.insert(Platform::Slack, slack.clone() as Arc<dyn Chat>);
                Self { slack: Some((slack, settings.door.clone())), why_not: None }
            }
            Err(why) => Self { slack: None, why_not: Some(why) },
        }
    }

    /// Hears until it is dropped.
    pub(super) async fn hear(self, bot: Arc<Bot>, voice: Arc<Voice>) -> Option<Hearing> {
        if let Some(why) = &self.why_not {
            trouble(&bot, ALARM, why).await;
        }
        let Some((slack, way)) = self.slack else {
            for alarm in [ALARM, DEAF].into_iter().filter(|_| self.why_not.is_none()) {
                noted("the end of an alarm", bot.clear(alarm).await);
            }
            return None;
        };
        let door = Door::new(bot.clone(), voice, slack.clone());
        let task = tokio::spawn({
            let door = door.clone();
            async move {
                at_home(&slack, &bot).await;
                match way {
                    SlackDoor::Http { signing_secret, listen } => match signing_secret.read() {
                        Ok(secret) => over_http(&Http::new(door, &secret), listen, &bot).await,
                        Err(why) => trouble(&bot, DEAF, &format!("the signing secret cannot be read: {why}")).await,
                    },
                    SlackDoor::Socket { app_token, connections } => match app_token.read() {
                        Ok(token) => over_sockets(&door, &slack, (&token, connections), &bot).await,
                        Err(why) => trouble(&bot, DEAF, &format!("the app's token cannot be read: {why}")).await,
                    },
                }
            }
        });
        Some(Hearing { door, task })
    }
}

/// The way in, while it is open.
pub(super) struct Hearing {
    door: Arc<Door>,
    task: tokio::task::JoinHandle<()>,
}

impl Hearing {
    /// Hears nothing more, and answers what was acknowledged.
    pub(super) async fn end(self) {
        self.task.abort();
        if tokio::time::timeout(ANSWERING, self.door.idle()).await.is_err() {
            tracing::warn!("not everybody was answered before the stop: what they did is in the inbox");
        }
    }
}

fn connect(config: &SlackConfig, clock: &Arc<dyn Clock>) -> Result<Slack, String> {
    let bot_token = config.bot_token.read().map_err(|why| format!("the bot's token cannot be read: {why}"))?;
    let allowed = config.clone();
    let settings = Settings {
        bot_token,
        app_id: config.app_id.clone(),
        workspace: config.workspace.clone(),
        tenants: config.tenants.clone(),
        api_url: config.api_url.clone(),
        patience: slack::PATIENCE,
        may_answer_at: Box::new(move |url| allowed.may_answer_at(url)),
    };
    Ok(Slack::new(settings, clock.clone()))
}

/// Until Slack has said where the bot is at home. What only a human can mend is an alarm.
async fn at_home(slack: &Slack, bot: &Bot) {
    let mut waited = Duration::ZERO;
    loop {
        match slack.is_at_home().await {
            Ok(()) => return noted("the end of an alarm", bot.clear(ALARM).await),
            Err(ChatFault::Permanent { why }) => trouble(bot, ALARM, &why).await,
            Err(fault) if waited >= PASSES => trouble(bot, ALARM, &format!("it does not answer: {fault}")).await,
            Err(fault) => tracing::warn!("Slack does not answer yet: {fault}"),
        }
        tokio::time::sleep(AGAIN).await;
        waited += AGAIN;
    }
}

async fn over_http(http: &Arc<Http>, listen: SocketAddr, bot: &Bot) {
    loop {
        match TcpListener::bind(listen).await {
            Ok(listener) => {
                tracing::info!(%listen, "Slack's requests are heard");
                noted("the end of an alarm", bot.clear(DEAF).await);
                if let Err(error) = slack::serve(http.clone(), listener).await {
                    tracing::error!(%error, "Slack's requests are not heard any more");
                }
            }
            Err(error) => trouble(bot, DEAF, &format!("nobody is heard: {listen} cannot be listened on ({error})")).await,
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Sockets, for as long as Slack has them turned on. While none is open for a minute, that is an alarm, and all are opened anew.
async fn over_sockets(door: &Arc<Door>, slack: &Slack, (token, connections): (&SecretString, u32), bot: &Bot) {
    loop {
        match Socket::open(door.clone(), token, connections).await {
            Ok(socket) => tokio::select! {
                why = socket.stopped() => {
                    let Stopped::LinkDisabled = why;
                    return trouble(bot, DEAF, "nobody is heard: Socket Mode is turned off for the app; turn it on and start the bot again").await;
                }
                () = until_deaf(socket.live(), bot) => {
                    let why = Socket::why_deaf(slack, token).await;
                    trouble(bot, DEAF, &format!("nobody is heard, for no socket is open: {why}")).await;
                }
            },
            Err(why) => {
                trouble(bot, DEAF, &format!("nobody is heard: {why}")).await;
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Returns when no socket has been open for a while; an open one ends the alarm.
async fn until_deaf(mut live: watch::Receiver<usize>, bot: &Bot) {
    loop {
        // Whatever ends it, the next look says how it is.
        let heard = tokio::time::timeout(PASSES, live.wait_for(|sockets| *sockets > 0)).await.is_ok_and(|open| open.is_ok());
        if !heard {
            return;
        }
        noted("the end of an alarm", bot.clear(DEAF).await);
        if live.wait_for(|sockets| *sockets == 0).await.is_err() {
            return;
        }
    }
}

async fn trouble(bot: &Bot, alarm: &str, why: &str) {
    tracing::error!(%why, "Slack");
    noted("an alarm", bot.raise(alarm, format!("Slack: {why}"), None).await);
}
