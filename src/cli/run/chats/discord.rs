//! Discord: connected as configured, its commands registered, and heard through the gateway or over HTTP. Must not decide.

use std::{sync::Arc, time::Duration};

use super::{AGAIN, Alarms, Chats, Link, Open, added};
use crate::{
    bot::Bot,
    chat::{
        ChatFault,
        discord::{self, Discord, Door, Ended, Gateway, Http, Settings},
        show::Voice,
    },
    clock::Clock,
    config::{Config, DiscordConfig, DiscordDoor},
    domain::policy::Platform,
};

pub(super) const ALARMS: Alarms = Alarms { chat: "Discord", home: "discord", deaf: "discord/deaf" };

/// Until a token that Discord refused is tried again: it shuts out whoever tries too often.
const TOKEN_AGAIN: Duration = Duration::from_mins(10);

pub(super) struct Connected {
    discord: Arc<Discord>,
    way: DiscordDoor,
}

pub(super) fn connect(config: &Config, clock: &Arc<dyn Clock>, chats: &mut Chats) -> Link<Connected> {
    let Some(config) = &config.discord else { return Link::None };
    match settings(config) {
        Ok(settings) => {
            let discord = added(chats, Platform::Discord, Discord::new(settings, clock.clone()));
            Link::There(Connected { discord, way: config.door.clone() })
        }
        Err(why) => Link::WhyNot(why),
    }
}

fn settings(config: &DiscordConfig) -> Result<Settings, String> {
    let bot_token = config.bot_token.read().map_err(|why| format!("the bot's token cannot be read: {why}"))?;
    Ok(Settings {
        bot_token,
        application: config.application_id.clone(),
        guild: config.guild.clone(),
        api_url: config.api_url.clone(),
        gateway_url: config.gateway_url.clone(),
        patience: discord::PATIENCE,
    })
}

impl Connected {
    pub(super) fn hear(self, bot: &Arc<Bot>, voice: &Arc<Voice>) -> Open {
        let door = Door::new(bot.clone(), voice.clone(), self.discord.clone());
        let answered = door.clone();
        Open::new(self.heard(door, bot.clone()), async move { answered.idle().await })
    }

    async fn heard(self, door: Arc<Door>, bot: Arc<Bot>) {
        // Whoever can press must be heard, whether or not there are commands to type.
        let commands = ALARMS.until_at_home(&bot, || at_home(&self.discord));
        let hears = async {
            match &self.way {
                DiscordDoor::Http { public_key, listen } => match Http::new(door, *public_key) {
                    Ok(http) => ALARMS.over_http(&bot, *listen, |listener| discord::serve(http.clone(), listener)).await,
                    Err(why) => ALARMS.raise(ALARMS.deaf, &format!("nobody is heard: discord.public_key is none ({why})"), &bot).await,
                },
                DiscordDoor::Gateway => over_gateway(&door, &self.discord, &bot).await,
            }
        };
        tokio::join!(commands, hears, tokens(&self.discord, &bot));
    }
}

/// While Discord refuses the bot's token nothing is sent and nobody is known: that is an alarm at once, whichever way people are
/// heard, until a look now and then finds it accepted.
async fn tokens(discord: &Discord, bot: &Bot) {
    let mut refused = discord.refused();
    while refused.wait_for(|refused| *refused).await.is_ok() {
        while let Err(fault) = discord.try_token().await {
            ALARMS.raise(ALARMS.home, &fault.to_string(), bot).await;
            tokio::time::sleep(TOKEN_AGAIN).await;
        }
        ALARMS.clear(ALARMS.home, bot).await;
    }
}

/// In the guild, and with its commands there.
async fn at_home(discord: &Discord) -> Result<(), ChatFault> {
    discord.is_at_home().await?;
    discord.register().await.map(drop).map_err(|fault| match fault {
        ChatFault::Permanent { why } => ChatFault::Permanent {
            why: format!(
                "its commands cannot be registered in the guild: {why}; was the bot invited with the scope applications.commands?"
            ),
        },
        other => other,
    })
}

/// The gateway, until it ends for good. While nobody is heard for a minute, that is an alarm, and it is opened anew.
async fn over_gateway(door: &Arc<Door>, discord: &Discord, bot: &Bot) {
    loop {
        match Gateway::open(door.clone()).await {
            Ok(gateway) => tokio::select! {
                why = gateway.ended() => {
                    let why = match why {
                        Ended::Token => "Discord's gateway does not accept the bot's token (4004): make a new one in the developer portal, put it where discord.bot_token is read from, and start the bot again",
                        Ended::Intents => "Discord's gateway refuses the bot its events (4013 or 4014), although it asks for none: look at the application's page in the developer portal, and start the bot again",
                    };
                    return ALARMS.raise(ALARMS.deaf, &format!("nobody is heard: {why}"), bot).await;
                }
                () = ALARMS.until_deaf(gateway.live(), bot) => {
                    let why = Gateway::why_deaf(discord).await;
                    ALARMS.raise(ALARMS.deaf, &format!("nobody is heard, for the gateway is not open: {why}"), bot).await;
                }
            },
            Err(why) => {
                ALARMS.raise(ALARMS.deaf, &format!("nobody is heard: {why}"), bot).await;
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}
