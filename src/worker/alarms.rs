//! Tells an alarm where operators look: posts that are edited rather than repeated, and the program that gets it as JSON.
//! Must not decide what an alarm is.

mod program;

use super::{
    Deps, Scene,
    chat::place::{To, anew, is_rewritten},
};
use crate::{
    bot::Told,
    chat::{ChatFault, Once, Posted},
    domain::policy::Channel,
    store::Alarm,
};

/// What came of telling an alarm.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Something of it did not work and is worth another try; what may work soon stands for what must be mended first.
    pub trouble: Option<ChatFault>,
    /// Channels, as `platform/channel`, that took it, or that refuse whatever is sent there, and why.
    pub places: Vec<(String, Option<String>)>,
}

impl Outcome {
    fn failed(&mut self, fault: ChatFault) {
        if !matches!(self.trouble, Some(ChatFault::Transient { .. })) {
            self.trouble = Some(fault);
        }
    }
}

/// Brings posts and program in line with the alarm, side by side, and notes in it what reached whom.
pub(super) async fn tell(deps: &Deps, alarm: &mut Alarm, scene: Option<&Scene<'_>>) -> Outcome {
    let mut told = Told::read(&alarm.told);
    let state = state_of(alarm);
    let runs = !deps.alarm_run.is_empty() && told.ran.as_deref() != Some(state.as_str());
    let posts = super::side::together(deps.ops.iter().map(|channel| post(deps, alarm, scene, channel, &told)));
    let (posted, ran) = tokio::join!(posts, async { if runs { Some(program::run(&deps.alarm_run, alarm).await) } else { None } });
    let mut outcome = Outcome::default();
    let mut reached = false;
    match ran {
        Some(Ok(())) => (told.ran, reached) = (Some(state), true),
        Some(Err(why)) => {
            tracing::error!(alarm.id = %alarm.id, %why, "the alarm's program failed");
            outcome.failed(ChatFault::Transient { why: "the alarm's program failed".into(), retry_after: None });
        }
        None => {}
    }
    for (channel, posted) in deps.ops.iter().zip(posted) {
        let place = Told::place(channel);
        match posted {
            Some(Ok(posted)) => {
                outcome.places.push((place.clone(), None));
                told.posts.insert(place, posted);
                reached = true;
            }
            Some(Err(fault)) => {
                if let ChatFault::Permanent { why } = &fault {
                    outcome.places.push((place, Some(why.clone())));
                }
                outcome.failed(fault);
            }
            None => {}
        }
    }
    if reached {
        told.reached = Some(raised(alarm));
    }
    alarm.told = serde_json::to_string(&told).unwrap_or_default();
    outcome
}

/// None: its platform is not connected.
async fn post(deps: &Deps, alarm: &Alarm, scene: Option<&Scene<'_>>, channel: &Channel, told: &Told) -> Option<Result<Posted, ChatFault>> {
    let chat = deps.chats.get(&channel.platform)?.as_ref();
    let message = deps.shows.alarm(channel.platform, alarm, scene, deps.bot.now());
    let place = Told::place(channel);
    let at = told.posts.get(&place);
    Some(match is_rewritten(chat, at, &message).await {
        Ok(true) => Ok(at?.clone()),
        Ok(false) => {
            // So few that nothing is written down before.
            let (nonce, may_stand) = (format!("alarm/{}/{place}/{}", alarm.id, alarm.raised_at.micros()), !chat.recognises());
            let nonce = anew(&nonce, at);
            To::Channel(channel.clone()).show(chat, &message, Once { nonce: &nonce, may_stand, since: alarm.raised_at }).await
        }
        Err(fault) => Err(fault),
    })
}

/// Has it reached a channel of operators or their program since it was raised?
pub(super) fn has_reached(alarm: &Alarm) -> bool {
    Told::read(&alarm.told).reached == Some(raised(alarm))
}

fn raised(alarm: &Alarm) -> String {
    alarm.raised_at.to_string()
}

/// An alarm that says something else is told again.
fn state_of(alarm: &Alarm) -> String {
    format!("{}/{}/{}", alarm.raised_at, alarm.cleared_at.map_or_else(String::new, |at| at.to_string()), alarm.what)
}
