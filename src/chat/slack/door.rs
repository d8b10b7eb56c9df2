//! From what somebody did in Slack to a command of the bot's, and back. What starts work is durable before it is acknowledged;
//! rights are the bot's to judge, at the press. Must not decide anything.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    Slack,
    api::Trouble,
    payload::{From, Heard, View, What},
};
use crate::{
    bot::{Answer, Body, Bot, Incoming, NotRecorded},
    chat::{Chat as _, ChatFault, Message, Once, show::Voice, view::action},
    domain::{policy::Platform, refusal::Refusal},
    store::Received,
};

/// A form is decided before it is acknowledged, and Slack waits three seconds.
const DECIDED_WITHIN: Duration = Duration::from_millis(2_500);
/// What fits some letters is of use only while they are being typed, and a socket waits for it.
const SUGGESTED_WITHIN: Duration = Duration::from_secs(1);
/// Times that a page is tried to be filled: until then it says "One moment…".
const TRIES: usize = 2;
pub(super) const SLACK: Platform = Platform::Slack;

/// What travels with the acknowledgement.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ack {
    Empty,
    With(Value),
    /// It is for another app: nobody's here.
    Forbidden,
    /// Nothing was recorded, and whoever sent it may send it again.
    Unavailable,
}

/// Everything that comes from Slack comes through here, by whichever way.
pub struct Door {
    pub(super) bot: Arc<Bot>,
    pub(super) voice: Arc<Voice>,
    pub(super) slack: Arc<Slack>,
    /// How much goes on after its acknowledgement.
    open: watch::Sender<usize>,
}

impl Door {
    pub fn new(bot: Arc<Bot>, voice: Arc<Voice>, slack: Arc<Slack>) -> Arc<Self> {
        Arc::new(Self { bot, voice, slack, open: watch::Sender::new(0) })
    }

    /// Resolves when everything that was acknowledged has been handled and answered.
    pub async fn idle(&self) {
        // It fails only without a sender, and that is ours.
        let mut open = self.open.subscribe();
        drop(open.wait_for(|open| *open == 0).await);
    }

    /// Takes one thing that somebody did; returns when it may be acknowledged.
    pub(super) async fn hear(self: &Arc<Self>, heard: Heard) -> Ack {
        let user = match self.account(&heard.from).await {
            Ok(Some(user)) => user,
            Ok(None) => return Ack::Forbidden,
            Err(error) => {
                tracing::error!(%error, "Slack does not say where the bot is at home; what it sends cannot be told from another app's");
                return Ack::Unavailable;
            }
        };
        let from = Presser { user, trigger: heard.trigger, response_url: heard.response_url, thread: heard.thread };
        match heard.what {
            What::Command { text } if matches!(text.trim(), "" | "request") => {
                self.clone().beside(move |door| async move { door.open_form(&from, None).await });
                Ack::Empty
            }
            What::Command { text } => self.command(from, heard.id, &text).await,
            What::Action { action, value, view } => self.action(from, heard.id, (action, value), view).await,
            What::Submission { view } => self.submission(from, heard.id, view).await,
            What::Suggestion { query } => {
                let found = tokio::time::timeout(SUGGESTED_WITHIN, self.suggestions(&from.user, &query)).await;
                Ack::With(json!({ "options": found.unwrap_or_default() }))
            }
            What::Shortcut { message } => {
                self.clone().beside(move |door| async move { door.open_form(&from, message).await });
                Ack::Empty
            }
            What::HomeOpened => {
                self.clone().beside(move |door| async move { door.publish_home(&from.user, &[]).await });
                Ack::Empty
            }
        }
    }

    /// Whose account it is: a user's id at home; others keep their team's, as whom bot.toml may know them. None: it was sent to
    /// another app.
    async fn account(&self, from: &From) -> Result<Option<String>, ChatFault> {
        let home = self.slack.home().await?;
        if home.app.is_some() && from.app.is_some() && home.app != from.app {
            tracing::error!("a payload for another app was refused");
            return Ok(None);
        }
        let nowhere = from.team.is_none() && from.enterprise.is_none();
        let ours = home.is(from.team.as_deref(), from.enterprise.as_deref()) || (nowhere && home.org_wide);
        let team = from.team.as_deref().unwrap_or("elsewhere");
        Ok(Some(if ours { from.user.clone() } else { format!("{team}/{}", from.user) }))
    }

    /// Goes on after the acknowledgement.
    fn beside<F, W>(self: Arc<Self>, work: W)
    where
        W: FnOnce(Arc<Self>) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        self.open.send_modify(|open| *open += 1);
        let (leaving, work) = (Leaving(self.clone()), work(self));
        tokio::spawn(async move {
            work.await;
            drop(leaving);
        });
    }

    async fn command(self: &Arc<Self>, from: Presser, id: String, text: &str) -> Ack {
        let incoming = incoming(&from, id, Body::Line { text: format!("/jit {text}") });
        match self.bot.receive(&incoming).await {
            Err(_) => Ack::With(self.private(&from.user, &NotRecorded::answer()).await),
            Ok(Received::Duplicate) => Ack::Empty,
            Ok(Received::New) => {
                self.clone().beside(move |door| async move {
                    let answer = door.handled(&incoming).await;
                    door.answer(&from, &answer).await;
                });
                Ack::Empty
            }
        }
    }

    async fn action(self: &Arc<Self>, from: Presser, id: String, (name, value): (String, String), view: Option<View>) -> Ack {
        let kind = view.as_ref().map(|view| view.kind.clone()).unwrap_or_default();
        if kind == "modal" {
            self.clone().beside(move |door| async move { door.refresh(&from, view.unwrap_or_default()).await });
            return Ack::Empty;
        }
        if name == "form" {
            self.clone().beside(move |door| async move { door.open_form(&from, None).await });
            return Ack::Empty;
        }
        if [action::DENY, action::REVOKE, action::LESS, action::PASS].contains(&name.as_str()) {
            let at_home = kind == "home";
            self.clone().beside(move |door| async move { door.open_words(&from, id, (&name, &value), at_home).await });
            return Ack::Empty;
        }
        let incoming = incoming(&from, id, Body::Press { action: name, request: value, words: None });
        let received = self.bot.receive(&incoming).await;
        if matches!(received, Ok(Received::Duplicate)) {
            return Ack::Empty;
        }
        self.clone().beside(move |door| async move {
            let answer = match received {
                Ok(_) => door.handled(&incoming).await,
                Err(_) => NotRecorded::answer(),
            };
            if kind == "home" {
                // A page stays: what is shown once goes out as a message of its own.
                if matches!(answer, Answer::Handed(_)) {
                    door.answer(&from, &answer).await;
                }
                let lines = door.voice.answer_lines(SLACK, &answer).await.unwrap_or_default();
                door.publish_home(&from.user, &lines).await;
            } else {
                door.answer(&from, &answer).await;
            }
        });
        Ack::Empty
    }

    /// Decided before it is acknowledged: what is wrong is shown on its field, and nothing that was typed is lost.
    async fn submission(self: &Arc<Self>, from: Presser, id: String, view: View) -> Ack {
        let Some(body) = super::form::submitted(&view) else { return Ack::Empty };
        let incoming = incoming(&from, id, body);
        let mut deciding = tokio::spawn({
            let (door, incoming) = (self.clone(), incoming.clone());
            async move {
                match door.bot.receive(&incoming).await {
                    Err(_) => Some(NotRecorded::answer()),
                    Ok(Received::Duplicate) => None,
                    Ok(Received::New) => Some(door.handled(&incoming).await),
                }
            }
        });
        let Ok(decided) = tokio::time::timeout(DECIDED_WITHIN, &mut deciding).await else {
            // Slack would say that something went wrong; how it went is told when it is known.
            self.clone().beside(move |door| async move {
                if let Ok(Some(answer)) = deciding.await {
                    door.answer(&from, &answer).await;
                }
            });
            let lines = ["This takes longer than Slack waits. I go on with it; the answer comes as a direct message."];
            return update(&self.voice.page(SLACK, "form/said", &json!({ "title": "On its way", "lines": lines })));
        };
        match decided {
            Ok(None) => clear(),
            Ok(Some(Answer::Refused(refusal))) => errors(&view, &refusal, &self.words(&refusal)),
            Ok(Some(answer)) => {
                if super::words::is_from_home(&view) {
                    self.clone().beside(move |door| async move { door.publish_home(&from.user, &[]).await });
                }
                let lines = self.voice.answer_lines(SLACK, &answer).await.unwrap_or_default();
                update(&self.voice.page(SLACK, "form/said", &json!({ "title": title(&answer), "lines": lines })))
            }
            Err(error) => {
                tracing::error!(%error, "deciding a form died: it is in the inbox, and a start handles it");
                let answer = Answer::Said { name: "later", data: json!({}) };
                let lines = self.voice.answer_lines(SLACK, &answer).await.unwrap_or_default();
                update(&self.voice.page(SLACK, "form/said", &json!({ "title": title(&answer), "lines": lines })))
            }
        }
    }

    /// What the bot makes of a durable command.
    pub(super) async fn handled(&self, incoming: &Incoming) -> Answer {
        self.bot.handle(incoming).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a command was received and could not be handled yet");
            Answer::Said { name: "later", data: json!({}) }
        })
    }

    /// Slack did not open a page, so that nobody could fill it: how to do the same without one.
    pub(super) async fn unopened(&self, to: &Presser, line: &str, error: &Trouble) {
        tracing::warn!(%error, "a page could not be opened");
        self.answer(to, &Answer::Said { name: "unopened", data: json!({ "line": line }) }).await;
    }

    pub(super) fn words(&self, refusal: &Refusal) -> String {
        self.voice.refusal_words(SLACK, None, refusal)
    }

    /// For one person alone, as a message.
    async fn private(&self, user: &str, answer: &Answer) -> Value {
        self.privately(user, answer).await.into_iter().next().unwrap_or_else(|| for_one("…"))
    }

    /// For one person alone, in their zone, as all its messages.
    async fn privately(&self, user: &str, answer: &Answer) -> Vec<Value> {
        let catalogue = self.bot.catalogue();
        let person = catalogue.person_at(SLACK, user).map(|person| &person.id);
        self.voice.answers(SLACK, person, answer).await.unwrap_or_else(|_| vec![String::new()]).iter().map(|body| for_one(body)).collect()
    }

    /// Tells the presser what came of it: where they pressed, else as a direct message.
    pub(super) async fn answer(&self, to: &Presser, answer: &Answer) {
        for body in self.privately(&to.user, answer).await {
            self.say(to, body).await;
        }
    }

    async fn say(&self, to: &Presser, mut body: Value) {
        if let Some(url) = &to.response_url {
            if (self.slack.settings.may_answer_at)(url) {
                if let Some(thread) = &to.thread {
                    body["thread_ts"] = json!(thread);
                }
                match self.slack.api.respond(url, &body).await {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(%error, "an answer could not be sent where it was asked for"),
                }
            } else {
                tracing::error!("an answer goes out as a direct message: its place is none of slack.response_hosts");
            }
        }
        if to.user.contains('/') {
            // Of another organisation: the same id may be somebody else's here.
            return;
        }
        let body = json!({ "text": body["text"], "blocks": body["blocks"] }).to_string();
        let message = Message { body, buttons: Vec::new(), notify: Vec::new() };
        let once = Once { nonce: "answer", may_stand: false, since: self.bot.now() };
        if let Err(error) = self.slack.direct(&to.user, &message, once).await {
            tracing::warn!(%error, "an answer could not be sent");
        }
    }
}

/// What a template made, as a message that one person alone sees.
fn for_one(body: &str) -> Value {
    let mut body: Value = serde_json::from_str(body).unwrap_or_else(|_| json!({ "text": "…" }));
    body["response_type"] = json!("ephemeral");
    body["replace_original"] = json!(false);
    body
}

/// Counts down also when the work dies.
struct Leaving(Arc<Door>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

/// Who pressed, and how to reach them.
pub(super) struct Presser {
    pub user: String,
    pub trigger: Option<String>,
    pub response_url: Option<String>,
    /// The thread that they pressed in.
    pub thread: Option<String>,
}

pub(super) fn incoming(from: &Presser, interaction: String, body: Body) -> Incoming {
    Incoming { platform: SLACK, user: from.user.clone(), interaction, body }
}

/// The form's answer: what is wrong, on its field; what is about no field, on what is asked for, or on the first.
fn errors(view: &View, refusal: &Refusal, words: &str) -> Ack {
    let named = |name: &str| view.values.keys().find(|block| block.split('/').next() == Some(name));
    let wanted = refusal.field().map(super::form::block_of).unwrap_or_default();
    let block = wanted.iter().chain(&["resource", "words", "person"]).find_map(|name| named(name));
    let Some(block) = block.or_else(|| view.values.keys().next()) else { return clear() };
    Ack::With(json!({ "response_action": "errors", "errors": { block: words } }))
}

/// Over what came of a form.
fn title(answer: &Answer) -> &'static str {
    match answer {
        Answer::Said { name: "asked", .. } => "Asked",
        Answer::Said { name: "later", .. } => "Not yet",
        Answer::Said { .. } | Answer::Handed(_) => "Done",
        Answer::Refused(_) => "Not possible",
    }
}

fn clear() -> Ack {
    Ack::With(json!({ "response_action": "clear" }))
}

fn update(view: &Value) -> Ack {
    Ack::With(json!({ "response_action": "update", "view": view }))
}

impl Slack {
    /// The link to a message; None: Slack gives none, as of channels that the bot is not in.
    pub(super) async fn permalink(&self, channel: &str, ts: &str) -> Option<String> {
        let answer = self.api.get("chat.getPermalink", &[("channel", channel.to_owned()), ("message_ts", ts.to_owned())]).await;
        match answer {
            Ok(answer) => answer["permalink"].as_str().map(str::to_owned),
            Err(error) => {
                tracing::warn!(%error, "a message's link could not be had: the ask goes without it");
                None
            }
        }
    }

    /// Opens a view in front of whoever did it, and says its id.
    pub(super) async fn open_view(&self, from: &Presser, view: &Value) -> Result<String, Trouble> {
        let answer = self.api.post("views.open", &json!({ "trigger_id": from.trigger, "view": view })).await?;
        Ok(answer["view"]["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Fills a page. `hash`: of the view that it was made for; one that changed meanwhile is filled by whoever changed it.
    pub(super) async fn update_view(&self, id: &str, hash: Option<&str>, view: &Value) {
        let mut body = json!({ "view_id": id, "view": view });
        if let Some(hash) = hash.filter(|hash| !hash.is_empty()) {
            body["hash"] = json!(hash);
        }
        for _ in 0..TRIES {
            match self.api.post("views.update", &body).await {
                Ok(_) => return,
                Err(error) if error.is("hash_conflict") || error.is("not_found") => return,
                Err(error) => tracing::warn!(%error, "a page could not be filled"),
            }
        }
    }
}
