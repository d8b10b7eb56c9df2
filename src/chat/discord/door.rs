//! From what somebody did in Discord to a command of the bot's, and back. What starts work is durable before it is acknowledged, and
//! acknowledged in time whatever else happens; rights are the bot's to judge, at the press. Must not decide anything.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};

use super::{
    Discord, form,
    kept::Kept,
    options,
    ours::{Button, button},
    payload::{Heard, Place, Typed, Values, What},
    reply::{self, Late, Reply},
    unsent::Unsent,
    words,
};
use crate::{
    bot::{Answer, Body, Bot, Incoming, NotRecorded},
    chat::show::Voice,
    domain::{parse::Context, policy::Platform, refusal::Refusal, request::RequestId},
    store::Received,
};

/// Longest that a first answer waits for its own; Discord waits three seconds, and it has a way to go.
const FIRST_WITHIN: Duration = Duration::from_secs(2);
/// What fits some letters is of use only while they are being typed.
const SUGGESTED_WITHIN: Duration = Duration::from_secs(1);
pub(super) const DISCORD: Platform = Platform::Discord;

/// The first answer. Whoever has sent it lets go of it, and what comes after it follows.
pub(super) struct Ack {
    pub body: Value,
    _out: watch::Sender<()>,
}

/// Everything that comes from Discord comes through here, by whichever way.
pub struct Door {
    pub(super) bot: Arc<Bot>,
    pub(super) voice: Arc<Voice>,
    pub(super) discord: Arc<Discord>,
    pub(super) unsent: Unsent,
    /// How much is being handled and answered.
    open: watch::Sender<usize>,
}

impl Door {
    pub fn new(bot: Arc<Bot>, voice: Arc<Voice>, discord: Arc<Discord>) -> Arc<Self> {
        Arc::new(Self { bot, voice, discord, unsent: Unsent::default(), open: watch::Sender::new(0) })
    }

    /// Resolves when everything that was heard has been handled and answered.
    pub async fn idle(&self) {
        // It fails only without a sender, and that is ours.
        let mut open = self.open.subscribe();
        drop(open.wait_for(|open| *open == 0).await);
    }

    /// Counts as being handled until it is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> Entered {
        self.open.send_modify(|open| *open += 1);
        Entered(self.clone())
    }

    /// Goes on whatever becomes of whoever waits for it.
    pub(super) fn beside<F, W>(self: &Arc<Self>, work: W)
    where
        W: FnOnce(Arc<Self>) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        let (entered, work) = (self.enter(), work(self.clone()));
        tokio::spawn(async move {
            work.await;
            drop(entered);
        });
    }

    /// Takes one thing that somebody did; returns with its first answer, in time. None: it was sent to another application.
    pub(super) async fn hear(self: &Arc<Self>, heard: Heard) -> Option<Ack> {
        let settings = &self.discord.settings;
        if heard.application != settings.application {
            tracing::error!("an interaction of another application was refused");
            return None;
        }
        let (out, is_out) = watch::channel(());
        if heard.guild.as_ref().is_some_and(|guild| *guild != settings.guild) {
            tracing::warn!(interaction = %heard.id, "an interaction from another guild was refused");
            let body = match heard.what {
                What::Typing { .. } => reply::choices(&[]),
                _ => self.said(&Answer::Said { name: "elsewhere", data: json!({}) }).await,
            };
            return Some(Ack { body, _out: out });
        }
        if let Some(member) = heard.member.filter(|_| heard.guild.is_some()) {
            self.discord.saw(&heard.user, &heard.id, member);
        }
        let (late, within) = (late(&heard.what), if matches!(heard.what, What::Typing { .. }) { SUGGESTED_WITHIN } else { FIRST_WITHIN });
        let (first, answer) = oneshot::channel();
        let reply = Reply::new((heard.id, heard.token, heard.user), late.clone(), first, is_out);
        let (what, in_guild) = (heard.what, heard.guild.is_some());
        self.beside(move |door| async move { door.work(what, in_guild, &reply).await });
        let body = match tokio::time::timeout(within, answer).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) | Err(_) => self.too_late(&late).await,
        };
        Some(Ack { body, _out: out })
    }

    async fn work(&self, what: What, in_guild: bool, reply: &Reply) {
        match what {
            What::Typing { typed, option } => {
                let found = self.choices(&reply.user, &typed, &option).await;
                reply.first(reply::choices(&found));
            }
            What::Command(typed) if is_ask(&typed) => match options::ask(&typed) {
                Ok(filled) => self.asked(reply, &filled).await,
                Err(refusal) => self.tell(reply, &Answer::Refused(refusal)).await,
            },
            What::Command(typed) => match self.command(&reply.user, &typed) {
                Ok(body) => self.durable(reply, reply::deferred(), body).await,
                Err(refusal) => self.tell(reply, &Answer::Refused(refusal)).await,
            },
            What::About { channel, message } => {
                let filled = Kept::about(channel, message).filled(&self.discord.settings.guild);
                self.open_form(reply, &filled).await;
            }
            What::Press { custom_id, chosen, at } => self.pressed(reply, (&custom_id, chosen.as_deref()), &at, in_guild).await,
            What::Submission { custom_id, values, at } => self.sent_modal(reply, &custom_id, &values, (at.as_ref(), in_guild)).await,
        }
    }

    fn command(&self, user: &str, typed: &Typed) -> Result<Body, Refusal> {
        let catalogue = self.bot.catalogue();
        let context = Context { now: self.bot.now(), time_zone: self.zone(user), catalogue: &catalogue, platform: DISCORD };
        options::body(typed, &context)
    }

    /// Whose times are read and shown: this account's own, or the house's.
    pub(super) fn zone(&self, user: &str) -> chrono_tz::Tz {
        let catalogue = self.bot.catalogue();
        catalogue.person_at(DISCORD, user).and_then(|person| person.time_zone).unwrap_or(catalogue.time_zone)
    }

    async fn pressed(&self, reply: &Reply, (custom_id, chosen): (&str, Option<&str>), at: &Place, in_guild: bool) {
        match button(custom_id) {
            Some(Button::Refill(interaction)) => {
                if self.may_stand(reply, at, in_guild, None).await {
                    self.open_again(reply, &interaction).await;
                }
            }
            Some(Button::Act { action, value, request }) => {
                if !self.may_stand(reply, at, in_guild, Some(&request)).await {
                    return;
                }
                if words::asks_for_more(&action, chosen) {
                    return self.open_words(reply, &action, &value).await;
                }
                self.durable(reply, reply::untouched(), words::whole(action, chosen, value)).await;
            }
            None => self.tell(reply, &odd(reply)).await,
        }
    }

    async fn sent_modal(&self, reply: &Reply, custom_id: &str, values: &Values, (at, in_guild): (Option<&Place>, bool)) {
        if let Some(kept) = Kept::read(custom_id) {
            let filled = form::filled(&kept, values, &self.discord.settings.guild);
            return self.durable(reply, reply::deferred(), Body::Form(filled)).await;
        }
        let Some(Button::Act { action, value, request }) = button(custom_id) else { return self.tell(reply, &odd(reply)).await };
        let Some((body, at)) = words::press(&action, &value, values).zip(at) else { return self.tell(reply, &odd(reply)).await };
        if self.may_stand(reply, at, in_guild, Some(&request)).await {
            self.durable(reply, reply::deferred(), body).await;
        }
    }

    /// Whether a press counts where it was made; whoever made another one is told so.
    async fn may_stand(&self, reply: &Reply, at: &Place, in_guild: bool, request: Option<&RequestId>) -> bool {
        let answer = match self.stands(at, in_guild, request).await {
            Ok(true) => return true,
            Ok(false) => {
                tracing::warn!(interaction = %reply.interaction, "a press was refused: such a button does not stand there");
                Answer::Said { name: "not_its_place", data: json!({ "id": request }) }
            }
            Err(error) => {
                tracing::error!(%error, "where a request is shown cannot be read");
                NotRecorded::answer()
            }
        };
        self.tell(reply, &answer).await;
        false
    }

    /// Written down, acknowledged with `first`, handled, answered.
    pub(super) async fn durable(&self, reply: &Reply, first: Value, body: Body) {
        let is_form = matches!(body, Body::Form(_));
        let incoming = Incoming { platform: DISCORD, user: reply.user.clone(), interaction: reply.interaction.clone(), body };
        let received = self.bot.receive(&incoming).await;
        reply.first(first);
        let answer = match received {
            Ok(Received::Duplicate) => return,
            Ok(Received::New) => self.handled(&incoming).await,
            Err(_) => {
                self.unsent.keep(incoming);
                NotRecorded::answer()
            }
        };
        let (mut body, rest) = self.privately(&reply.user, &answer).await;
        if let Answer::Refused(refusal) = &answer
            && is_form
            && may_be_mended(refusal)
        {
            let page = json!({ "custom_id": format!("{} {}", super::ours::REFILL, reply.interaction) });
            let rows = self.voice.page(DISCORD, "form/refill", &page)["components"].clone();
            let there = body["components"].as_array().into_iter().flatten();
            body["components"] = there.chain(rows.as_array().into_iter().flatten()).cloned().collect();
        }
        if let Answer::Handed(handed) = &answer {
            // Shown once, to one person: never in messages that stay.
            let unseen = Answer::Said { name: "credential_unseen", data: json!({ "id": handed.request.id }) };
            return self.finish(reply, &body, &self.private(&reply.user, &unseen).await).await;
        }
        self.finish(reply, &body, &body).await;
        self.follow(reply, &rest).await;
    }

    /// What the bot makes of a durable command.
    async fn handled(&self, incoming: &Incoming) -> Answer {
        self.bot.handle(incoming).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a command was received and could not be handled yet");
            Answer::Said { name: "later", data: json!({}) }
        })
    }
}

/// Counts down also when the work dies.
pub(super) struct Entered(Arc<Door>);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

fn is_ask(typed: &Typed) -> bool {
    typed.subcommand == "request"
}

/// What goes out if its own first answer is not there in time.
fn late(what: &What) -> Late {
    match what {
        What::Typing { .. } => Late::NoChoices,
        What::Command(typed) if is_ask(typed) && !typed.options.contains_key("resource") => Late::Line(form::typed()),
        What::Command(_) | What::Submission { .. } => Late::Deferred,
        What::About { .. } => Late::Line(form::typed()),
        What::Press { custom_id, chosen, .. } => match button(custom_id) {
            Some(Button::Refill(_)) => Late::Line(form::typed()),
            Some(Button::Act { action, value, .. }) if words::asks_for_more(&action, chosen.as_deref()) => {
                Late::Line(words::typed(&action, &value))
            }
            _ => Late::Untouched,
        },
    }
}

/// A button or a modal that the bot does not make.
fn odd(reply: &Reply) -> Answer {
    tracing::warn!(interaction = %reply.interaction, "a button that this bot does not make was refused");
    Answer::Said { name: "not_mine", data: json!({}) }
}

/// Could the same form, changed, be accepted?
const fn may_be_mended(refusal: &Refusal) -> bool {
    !matches!(refusal, Refusal::NotLinked | Refusal::Inactive | Refusal::RulesUnread { .. } | Refusal::Unwritable)
}
