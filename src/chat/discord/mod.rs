//! Discord: what the bot says there and hears there. Sends, answers questions about people, translates; never decides.

mod api;
mod asked;
mod choices;
mod commands;
mod components;
mod door;
mod embeds;
mod form;
mod gateway;
mod http;
mod kept;
mod limits;
mod markdown;
mod options;
mod ours;
mod pace;
mod payload;
mod people;
mod places;
mod reply;
mod sending;
mod standing;
mod text;
mod threads;
mod trouble;
mod unsent;
mod words;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use secrecy::SecretString;
use serde_json::Value;
use serenity::http::{LightMethod, Route};
use tokio::sync::watch;

pub use api::PATIENCE;
pub use commands::{all as commands, are_current, has_ours};
pub use door::Door;
pub use gateway::{Ended, Gateway, Unopened};
pub use http::{Http, serve, serve_until};

pub(in crate::chat) use self::{people::MemberNow, trouble::Trouble};
pub(super) use embeds::FOLDER;

use self::{
    api::{Api, Call, id},
    asked::Questions,
    people::Saw,
    threads::Names,
};
use super::ChatFault;
use crate::{clock::Clock, domain::time::Instant};

/// How the bot is known to Discord.
pub struct Settings {
    pub bot_token: SecretString,
    /// The application's id, as configured.
    pub application: String,
    /// The one guild whose people may act.
    pub guild: String,
    /// Scheme and host, such as `https://discord.com`.
    pub api_url: String,
    /// Where the gateway is; None: Discord is asked.
    pub gateway_url: Option<String>,
    /// Longest that one call may take; `PATIENCE`, outside of tests.
    pub patience: Duration,
}

/// The bot's application in one guild.
pub struct Discord {
    api: Api,
    settings: Settings,
    clock: Arc<dyn Clock>,
    home: RwLock<Option<Home>>,
    /// The channel of each person's direct messages, as Discord named it.
    directs: RwLock<HashMap<String, String>>,
    /// What interactions said of who pressed.
    saw: Mutex<Saw>,
    members: Questions<Option<MemberNow>>,
    /// How many have each role; all are asked at once.
    counts: Questions<Value>,
    /// Threads that are still to be made.
    unmade: Mutex<Names>,
}

/// Who the bot is, as Discord says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Home {
    /// The account that its messages are from. Of old applications it is not the application's id.
    bot_user: String,
}

impl Discord {
    /// Connects to nothing yet.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let api = Api::new(&settings, clock.clone());
        Self {
            api,
            settings,
            clock,
            home: RwLock::default(),
            directs: RwLock::default(),
            saw: Mutex::default(),
            members: Questions::default(),
            counts: Questions::default(),
            unmade: Mutex::default(),
        }
    }

    /// Whether Discord knows the bot as the application that is configured, and has it in the guild that is.
    /// # Errors
    /// Discord does not answer, or the token is not (or no longer) what it should be, or the bot was not invited.
    pub async fn is_at_home(&self) -> Result<(), ChatFault> {
        self.home().await?;
        let guild = &self.settings.guild;
        let route = Route::Guild { guild_id: id(guild, "guild")? };
        match self.api.call(Call::new(LightMethod::Get, route)).await {
            Ok(_) => Ok(()),
            Err(trouble) if trouble.is_one_of(&[10004, 50001]) => {
                let why = format!("the bot is not in guild {guild}: invite it with the link of `hallpass discord invite`");
                Err(ChatFault::Permanent { why })
            }
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Whether Discord refused the bot's token last. Nothing is called with it then.
    pub fn refused(&self) -> watch::Receiver<bool> {
        self.api.refused()
    }

    /// Shows Discord the token that it refused once more; for once in a while.
    /// # Errors
    /// It is still refused, or Discord does not answer.
    pub async fn try_token(&self) -> Result<(), ChatFault> {
        Ok(self.api.try_token(Call::new(LightMethod::Get, Route::Oauth2ApplicationCurrent)).await.map(drop)?)
    }

    /// Who the bot is: asked once, since it cannot change under a token.
    async fn home(&self) -> Result<Home, ChatFault> {
        if let Some(home) = self.home.read().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(home);
        }
        let me = self.api.call(Call::new(LightMethod::Get, Route::Oauth2ApplicationCurrent)).await?;
        let application = me["id"].as_str().unwrap_or_default();
        let wanted = &self.settings.application;
        if application != wanted {
            let why = format!("the token is of application {application}, and discord.application_id says {wanted}");
            return Err(ChatFault::Permanent { why });
        }
        let home = Home { bot_user: me["bot"]["id"].as_str().unwrap_or(application).to_owned() };
        *self.home.write().unwrap_or_else(PoisonError::into_inner) = Some(home.clone());
        Ok(home)
    }

    fn now(&self) -> i64 {
        self.clock.monotonic()
    }

    /// The time outside, which Discord's own is compared with: as the machine's clock has it now, also when that was set back.
    fn outside(&self) -> Instant {
        self.clock.real(self.clock.now())
    }
}
