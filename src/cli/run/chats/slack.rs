//! Slack: connected as configured, and heard through sockets or over HTTP. Must not decide.

use std::sync::Arc;

use secrecy::SecretString;

use super::{AGAIN, Alarms, Chats, Link, Open, Stop, added};
use crate::{
    bot::Bot,
    chat::{
        show::Voice,
        slack::{self, Door, Http, Settings, Slack, Socket, Stopped},
    },
    clock::Clock,
    config::{Config, SlackConfig, SlackDoor},
    domain::policy::Platform,
};

pub(super) const ALARMS: Alarms = Alarms { chat: "Slack", home: "slack", deaf: "slack/deaf" };

pub(super) struct Connected {
    slack: Arc<Slack>,
    way: SlackDoor,
}

pub(super) fn connect(config: &Config, clock: &Arc<dyn Clock>, chats: &mut Chats) -> Link<Connected> {
    let Some(config) = &config.slack else { return Link::None };
    match settings(config) {
        Ok(settings) => {
            let slack = added(chats, Platform::Slack, Slack::new(settings, clock.clone()));
            Link::There(Connected { slack, way: config.door.clone() })
        }
        Err(why) => Link::WhyNot(why),
    }
}

fn settings(config: &SlackConfig) -> Result<Settings, String> {
    let bot_token = config.bot_token.read().map_err(|why| format!("the bot's token cannot be read: {why}"))?;
    let allowed = config.clone();
    Ok(Settings {
        bot_token,
        app_id: config.app_id.clone(),
        workspace: config.workspace.clone(),
        tenants: config.tenants.clone(),
        api_url: config.api_url.clone(),
        patience: slack::PATIENCE,
        may_answer_at: Box::new(move |url| allowed.may_answer_at(url)),
    })
}

impl Connected {
    pub(super) fn hear(self, bot: &Arc<Bot>, voice: &Arc<Voice>) -> Open {
        let door = Door::new(bot.clone(), voice.clone(), self.slack.clone());
        let answered = door.clone();
        let bot = bot.clone();
        Open::new(|stop| self.heard(door, bot, stop), async move { answered.idle().await })
    }

    async fn heard(self, door: Arc<Door>, bot: Arc<Bot>, stop: Stop) {
        if stop.cuts(ALARMS.until_at_home(&bot, || self.slack.is_at_home())).await {
            return;
        }
        let why = match self.way {
            SlackDoor::Http { signing_secret, listen } => match signing_secret.read() {
                Ok(secret) => {
                    let http = Http::new(door, &secret);
                    let serve = |listener| slack::serve_until(http.clone(), listener, stop.clone().told());
                    return ALARMS.over_http(&bot, listen, &stop, serve).await;
                }
                Err(why) => format!("the signing secret cannot be read: {why}"),
            },
            SlackDoor::Socket { app_token, connections } => match app_token.read() {
                Ok(token) => {
                    stop.cuts(over_sockets(&door, &self.slack, (&token, connections), &bot)).await;
                    return;
                }
                Err(why) => format!("the app's token cannot be read: {why}"),
            },
        };
        ALARMS.raise(ALARMS.deaf, &why, &bot).await;
    }
}

/// Sockets, for as long as Slack has them turned on. While none is open for a minute, that is an alarm, and all are opened anew.
async fn over_sockets(door: &Arc<Door>, slack: &Slack, (token, connections): (&SecretString, u32), bot: &Bot) {
    loop {
        match Socket::open(door.clone(), token, connections).await {
            Ok(socket) => tokio::select! {
                why = socket.stopped() => {
                    let Stopped::LinkDisabled = why;
                    let why = "nobody is heard: Socket Mode is turned off for the app; turn it on and start the bot again";
                    return ALARMS.raise(ALARMS.deaf, why, bot).await;
                }
                () = ALARMS.until_deaf(socket.live(), bot) => {
                    let why = Socket::why_deaf(slack, token).await;
                    ALARMS.raise(ALARMS.deaf, &format!("nobody is heard, for no socket is open: {why}"), bot).await;
                }
            },
            Err(why) => {
                ALARMS.raise(ALARMS.deaf, &format!("nobody is heard: {why}"), bot).await;
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}
