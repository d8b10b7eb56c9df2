//! The chats of bot.toml: connected before anything is shown, heard once what was overdue is being ended. One that cannot be
//! connected is an alarm, and keeps nothing else from going on. Must not decide.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::net::TcpListener;

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

/// The alarm about Slack as a whole. One channel that refuses has its own.
const ALARM: &str = "slack";
/// Until a way in that failed is tried again.
const AGAIN: Duration = Duration::from_secs(10);
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
            trouble(&bot, why).await;
        }
        let Some((slack, way)) = self.slack else {
            if self.why_not.is_none() {
                noted("the end of an alarm", bot.clear(ALARM).await);
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
                        Err(why) => trouble(&bot, &format!("the signing secret cannot be read: {why}")).await,
                    },
                    SlackDoor::Socket { app_token, connections } => match app_token.read() {
                        Ok(token) => over_sockets(door, &token, connections, &bot).await,
                        Err(why) => trouble(&bot, &format!("the app's token cannot be read: {why}")).await,
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
        may_answer_at: Box::new(move |url| allowed.may_answer_at(url)),
    };
    Slack::new(settings, clock.clone())
}

/// Until Slack has said where the bot is at home. What only a human can mend is an alarm.
async fn at_home(slack: &Slack, bot: &Bot) {
    loop {
        match slack.is_at_home().await {
            Ok(()) => return noted("the end of an alarm", bot.clear(ALARM).await),
            Err(ChatFault::Permanent { why }) => trouble(bot, &why).await,
            Err(fault) => tracing::warn!("Slack does not answer yet: {fault}"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn over_http(http: &Arc<Http>, listen: SocketAddr, bot: &Bot) {
    loop {
        match TcpListener::bind(listen).await {
            Ok(listener) => {
                tracing::info!(%listen, "Slack's requests are heard");
                noted("the end of an alarm", bot.clear(ALARM).await);
                if let Err(error) = slack::serve(http.clone(), listener).await {
                    tracing::error!(%error, "Slack's requests are not heard any more");
                }
            }
            Err(error) => trouble(bot, &format!("nobody is heard: {listen} cannot be listened on ({error})")).await,
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn over_sockets(door: Arc<Door>, token: &secrecy::SecretString, connections: u32, bot: &Bot) {
    match Socket::open(door, token, connections).await {
        Ok(socket) => match socket.stopped().await {
            Stopped::LinkDisabled => {
                trouble(bot, "nobody is heard: Socket Mode is turned off for the app; turn it on and start the bot again").await;
            }
        },
        Err(why) => trouble(bot, &format!("nobody is heard: {why}")).await,
    }
}

async fn trouble(bot: &Bot, why: &str) {
    tracing::error!(%why, "Slack");
    noted("an alarm", bot.raise(ALARM, format!("Slack: {why}"), None).await);
}
