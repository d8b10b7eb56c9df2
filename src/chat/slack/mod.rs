//! Slack: what the bot says there and hears there. Sends, answers questions about people, translates; never decides.

mod api;
mod blocks;
mod door;
mod form;
mod home;
mod http;
mod limits;
mod pace;
mod payload;
mod people;
mod sending;
mod socket;
mod words;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use secrecy::SecretString;

pub use api::PATIENCE;
pub use door::Door;
pub use http::{Http, serve, serve_until};
pub use socket::{Socket, Stopped};

use self::{
    api::{Api, Way},
    pace::Pace,
};
use super::{ChatFault, marks::Marks, render::Folder, sealed::seal, typing::Typing};
use crate::{clock::Clock, domain::policy::Platform};

/// Slack's layouts; words that are the same everywhere are the console's.
pub(super) const FOLDER: Folder = Folder {
    platform: Platform::Slack,
    escape: seal,
    marks: Marks::Made,
    typing: Typing::Line,
    // Well below what all text of one message may be, and as much as is read in one piece.
    room: 6_000,
    finish: blocks::finish,
    files: &[
        ("card.hbs", include_str!("../../../templates/slack/card.hbs")),
        ("digest.hbs", include_str!("../../../templates/slack/digest.hbs")),
        ("direct.hbs", include_str!("../../../templates/slack/direct.hbs")),
        ("form.hbs", include_str!("../../../templates/slack/form.hbs")),
        ("home.hbs", include_str!("../../../templates/slack/home.hbs")),
        ("lines.hbs", include_str!("../../../templates/slack/lines.hbs")),
        ("past.hbs", include_str!("../../../templates/slack/past.hbs")),
    ],
    actions: blocks::actions,
    sorry: blocks::sorry,
};

/// How the bot is known to Slack.
pub struct Settings {
    /// `xoxb-..`.
    pub bot_token: SecretString,
    /// As configured; None: learnt at the first call.
    pub app_id: Option<String>,
    /// `T0123` or `E0123`, as configured.
    pub workspace: Option<String>,
    /// Other organisations' team ids whose people may act.
    pub tenants: Vec<String>,
    pub api_url: String,
    /// Longest that one call may take; `PATIENCE`, outside of tests.
    pub patience: Duration,
    /// May an answer be sent to this URL?
    pub may_answer_at: Box<dyn Fn(&str) -> bool + Send + Sync>,
}

/// The bot's app in one workspace or organisation.
pub struct Slack {
    api: Api,
    settings: Settings,
    pace: Pace,
    clock: Arc<dyn Clock>,
    home: RwLock<Option<Home>>,
    /// The channel of each person's direct messages, as Slack named it.
    directs: RwLock<std::collections::HashMap<String, String>>,
}

/// Where the app is installed, as Slack says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Home {
    pub team: String,
    pub enterprise: Option<String>,
    /// Installed for the whole organisation.
    pub org_wide: bool,
    /// Of the app; None: Slack does not say.
    pub app: Option<String>,
    pub bot_user: String,
    /// Where the workspace is on the web, such as `https://acme.slack.com/`.
    pub url: Option<String>,
}

impl Home {
    /// What methods about one workspace want to be told by a token of a whole organisation.
    fn team_id(&self) -> Option<(&'static str, String)> {
        self.org_wide.then(|| ("team_id", self.team.clone()))
    }

    /// Is this the workspace, or one of the organisation's?
    pub(super) fn is(&self, team: Option<&str>, enterprise: Option<&str>) -> bool {
        // In an organisation the user's team may be the organisation itself.
        let same = self.enterprise.is_some() && [enterprise, team].contains(&self.enterprise.as_deref());
        team == Some(self.team.as_str()) || same
    }
}

impl Slack {
    /// Connects to nothing yet.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let api = Api::new(Way::new(&settings.api_url), &settings.bot_token, settings.patience);
        Self { api, settings, pace: Pace::default(), clock, home: RwLock::default(), directs: RwLock::default() }
    }

    /// Whether Slack knows the bot, in the workspace that is configured.
    /// # Errors
    /// Slack does not answer, or the token is not (or no longer) what it should be.
    pub async fn is_at_home(&self) -> Result<(), ChatFault> {
        self.home().await.map(drop)
    }

    /// Where the bot is at home: asked once, since it cannot change under a token.
    pub(super) async fn home(&self) -> Result<Home, ChatFault> {
        if let Some(home) = self.home.read().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(home);
        }
        let me = self.api.post("auth.test", &serde_json::json!({})).await?;
        let text = |key: &str| me[key].as_str().map(str::to_owned);
        let app = match &self.settings.app_id {
            Some(app) => Some(app.clone()),
            None => self.app_of(text("bot_id")).await?,
        };
        let org_wide = me["is_enterprise_install"].as_bool().unwrap_or_default();
        // A token of a whole organisation is at home in the workspace that bot.toml names.
        let named = self.settings.workspace.clone().filter(|named| org_wide && named.starts_with('T'));
        let home = Home {
            team: named.or_else(|| text("team_id")).unwrap_or_default(),
            enterprise: text("enterprise_id"),
            org_wide,
            app,
            bot_user: text("user_id").unwrap_or_default(),
            url: text("url"),
        };
        self.check(&home)?;
        *self.home.write().unwrap_or_else(PoisonError::into_inner) = Some(home.clone());
        Ok(home)
    }

    async fn app_of(&self, bot: Option<String>) -> Result<Option<String>, ChatFault> {
        let Some(bot) = bot else { return Ok(None) };
        let answer = self.api.get("bots.info", &[("bot", bot)]).await?;
        Ok(answer["bot"]["app_id"].as_str().map(str::to_owned))
    }

    /// A token of another workspace than the configured one would ask the wrong people.
    fn check(&self, home: &Home) -> Result<(), ChatFault> {
        let Some(wanted) = &self.settings.workspace else { return Ok(()) };
        if *wanted == home.team || home.enterprise.as_ref() == Some(wanted) {
            return Ok(());
        }
        let why = format!("the token is of workspace {}, and slack.workspace says {wanted}", home.team);
        Err(ChatFault::Permanent { why })
    }

    fn now(&self) -> i64 {
        self.clock.monotonic()
    }
}
