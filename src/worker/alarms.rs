//! Tells an alarm where operators look: posts that are edited rather than repeated, and the program that gets it as JSON.
//! Must not decide what an alarm is.

mod program;

use super::{Deps, Scene};
use crate::{
    bot::Told,
    chat::{ChatFault, Posted},
    domain::policy::Channel,
    store::Alarm,
};

/// Brings posts and program in line with the alarm, side by side, and notes in it what reached whom. A fault: something of
/// it did not work and is worth another try.
pub(super) async fn tell(deps: &Deps, alarm: &mut Alarm, scene: Option<&Scene<'_>>) -> Result<(), ChatFault> {
    let mut told = Told::read(&alarm.told);
    let state = state_of(alarm);
    let runs = !deps.alarm_run.is_empty() && told.ran.as_deref() != Some(state.as_str());
    let posts = super::side::together(deps.ops.iter().map(|channel| post(deps, alarm, scene, channel, &told)));
    let (posted, ran) = tokio::join!(posts, async { if runs { Some(program::run(&deps.alarm_run, alarm).await) } else { None } });
    let mut trouble = None;
    let mut reached = false;
    match ran {
        Some(Ok(())) => (told.ran, reached) = (Some(state), true),
        Some(Err(why)) => {
            tracing::error!(alarm.id = %alarm.id, %why, "the alarm's program failed");
            trouble = Some(ChatFault::Transient { why: "the alarm's program failed".into(), retry_after: None });
        }
        None => {}
    }
    for (channel, posted) in deps.ops.iter().zip(posted) {
        match posted {
            Some(Ok(posted)) => {
                told.posts.insert(Told::place(channel), posted);
                reached = true;
            }
            Some(Err(fault)) => trouble = Some(fault),
            None => {}
        }
    }
    if reached {
        told.reached = Some(raised(alarm));
    }
    alarm.told = serde_json::to_string(&told).unwrap_or_default();
    trouble.map_or(Ok(()), Err)
}

/// None: its platform is not connected.
async fn post(deps: &Deps, alarm: &Alarm, scene: Option<&Scene<'_>>, channel: &Channel, told: &Told) -> Option<Result<Posted, ChatFault>> {
    let chat = deps.chats.get(&channel.platform)?;
    let message = deps.shows.alarm(channel.platform, alarm, scene, deps.bot.now());
    let place = Told::place(channel);
    let nonce = format!("alarm/{}/{place}/{}", alarm.id, alarm.raised_at.micros());
    Some(super::chat::bring(chat.as_ref(), told.posts.get(&place), channel, &message, &nonce).await)
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
