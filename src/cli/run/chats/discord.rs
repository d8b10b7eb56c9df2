//! Discord: connected as configured, its commands registered, and heard through the gateway or over HTTP. Must not decide.

use std::{sync::Arc, time::Duration};

use super::{AGAIN, Alarms, Chats, Link, Open, Stop, added};
use crate::{
    bot::Bot,
    chat::{
        ChatFault,
        discord::{self, Discord, Door, Ended, Gateway, Http, Settings, Unopened},
        show::Voice,
    },
    clock::Clock,
    config::{Config, DiscordConfig, DiscordDoor},
    domain::policy::Platform,
};

pub(super) const ALARMS: Alarms = Alarms { chat: "Discord", home: "discord", deaf: "discord/deaf" };

/// Until a token that Discord refused is tried again: it shuts out whoever tries too often.
const TOKEN_AGAIN: Duration = Duration::from_mins(10);
/// Longest pause before a gateway is opened anew.
const LONGEST: Duration = Duration::from_mins(10);
/// A gateway that was open for so long was no failure.
const LIVED: Duration = Duration::from_mins(30);

const TOKEN: &str = "Discord's gateway does not accept the bot's token (4004): make a new one in the developer portal, put it where discord.bot_token is read from, and start the bot again";
const INTENTS: &str = "Discord's gateway refuses the bot its events (4013 or 4014), although it asks for none: look at the application's page in the developer portal, and start the bot again";
const RESTLESS: &str = "Discord's gateway ends each session soon after it was begun: is the same bot running elsewhere, too?";
const SPENT: &str = "Discord lets a bot begin only so many sessions a day and takes its token away after the last; too few are left, so the gateway is opened again once Discord gives new ones: is the same bot running elsewhere, too?";

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
        let bot = bot.clone();
        Open::new(|stop| self.heard(door, bot, stop), async move { answered.idle().await })
    }

    async fn heard(self, door: Arc<Door>, bot: Arc<Bot>, stop: Stop) {
        // Whoever can press must be heard, whether or not there are commands to type.
        let commands = ALARMS.until_at_home(&bot, || at_home(&self.discord));
        let hears = async {
            match &self.way {
                DiscordDoor::Http { public_key, listen } => match Http::new(door, *public_key) {
                    Ok(http) => {
                        let serve = |listener| discord::serve_until(http.clone(), listener, stop.clone().told());
                        ALARMS.over_http(&bot, *listen, &stop, serve).await;
                    }
                    Err(why) => ALARMS.raise(ALARMS.deaf, &format!("nobody is heard: discord.public_key is none ({why})"), &bot).await,
                },
                DiscordDoor::Gateway => {
                    stop.cuts(over_gateway(&door, &self.discord, &bot)).await;
                }
            }
        };
        tokio::join!(stop.cuts(commands), hears, stop.cuts(tokens(&self.discord, &bot)));
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

/// The gateway, until it ends for good. While nobody is heard for a minute, that is an alarm, and it is opened anew, after pauses:
/// Discord counts how often.
async fn over_gateway(door: &Arc<Door>, discord: &Discord, bot: &Bot) {
    let mut pauses = Pauses::default();
    loop {
        let (why, pause) = match Gateway::open(door.clone()).await {
            Ok(gateway) => {
                let why = tokio::select! {
                    why = gateway.ended() => match why {
                        Ended::Token => return ALARMS.raise(ALARMS.deaf, &format!("nobody is heard: {TOKEN}"), bot).await,
                        Ended::Intents => return ALARMS.raise(ALARMS.deaf, &format!("nobody is heard: {INTENTS}"), bot).await,
                        Ended::Restless => RESTLESS.to_owned(),
                    },
                    () = ALARMS.until_deaf(gateway.live(), bot) => {
                        format!("for the gateway is not open: {}", Gateway::why_deaf(discord).await)
                    }
                };
                (why, pauses.after(gateway.lived()))
            }
            // It costs nothing to ask again.
            Err(Unopened::Spent { renewed_in }) => (SPENT.to_owned(), renewed_in.clamp(AGAIN, LONGEST)),
            Err(Unopened::Why(why)) => (why, AGAIN),
        };
        ALARMS.raise(ALARMS.deaf, &format!("nobody is heard: {why}"), bot).await;
        tokio::time::sleep(pause).await;
    }
}

/// How long it is left alone before it is opened anew: longer each time, unless the last one lived.
#[derive(Default)]
struct Pauses(Duration);

impl Pauses {
    fn after(&mut self, lived: Duration) -> Duration {
        self.0 = if lived >= LIVED { AGAIN } else { (self.0 * 2).clamp(AGAIN, LONGEST) };
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_that_does_not_live_is_opened_less_and_less_often() {
        let mut pauses = Pauses::default();
        let waits: Vec<u64> = (0..9).map(|_| pauses.after(Duration::from_mins(1)).as_secs()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 600, 600, 600]);
        assert_eq!([LIVED, Duration::ZERO].map(|lived| pauses.after(lived).as_secs()), [10, 20]);
    }
}
