//! Tells an alarm where operators look: posts that are edited rather than repeated, and the program that gets it as JSON.
//! Must not decide what an alarm is.

use super::{Deps, Scene};
use crate::{bot::Told, chat::ChatFault, store::Alarm};

/// Longest that the alarm's program may take.
const PROGRAM: std::time::Duration = std::time::Duration::from_secs(30);

/// Brings posts and program in line with the alarm, and notes in it what reached whom. A fault: something of it did not
/// work and is worth another try.
pub(super) async fn tell(deps: &Deps, alarm: &mut Alarm, scene: Option<&Scene<'_>>) -> Result<(), ChatFault> {
    let mut told = Told::read(&alarm.told);
    let state = state_of(alarm);
    let mut trouble = None;
    let mut reached = false;
    if !deps.alarm_run.is_empty() && told.ran.as_deref() != Some(state.as_str()) {
        match run_program(deps, alarm).await {
            Ok(()) => (told.ran, reached) = (Some(state.clone()), true),
            Err(why) => {
                tracing::error!(alarm.id = %alarm.id, %why, "the alarm's program failed");
                trouble = Some(ChatFault::Transient { why: "the alarm's program failed".into(), retry_after: None });
            }
        }
    }
    for channel in &deps.ops {
        let Some(chat) = deps.chats.get(&channel.platform) else { continue };
        let message = deps.shows.alarm(channel.platform, alarm, scene, deps.bot.now());
        let place = Told::place(channel);
        let nonce = format!("alarm/{}/{place}/{}", alarm.id, alarm.raised_at.micros());
        match super::chat::bring(chat.as_ref(), told.posts.get(&place), channel, &message, &nonce).await {
            Ok(posted) => {
                told.posts.insert(place, posted);
                reached = true;
            }
            Err(fault) => trouble = Some(fault),
        }
    }
    if reached {
        told.reached = Some(raised(alarm));
    }
    alarm.told = serde_json::to_string(&told).unwrap_or_default();
    trouble.map_or(Ok(()), Err)
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

/// Runs `alarm.run` with the alarm as one JSON object on standard input; thirty seconds at most.
async fn run_program(deps: &Deps, alarm: &Alarm) -> Result<(), String> {
    use tokio::io::AsyncWriteExt;
    let Some((program, arguments)) = deps.alarm_run.split_first() else { return Ok(()) };
    let body = serde_json::json!({
        "id": alarm.id,
        "request": alarm.request,
        "raised_at": alarm.raised_at,
        "cleared_at": alarm.cleared_at,
        "what": alarm.what,
    });
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).kill_on_drop(true);
    let work = async {
        let mut child = command.spawn().map_err(|e| e.to_string())?;
        if let Some(mut input) = child.stdin.take() {
            // A program that does not read its input has been told all the same.
            drop(input.write_all(body.to_string().as_bytes()).await);
        }
        let status = child.wait().await.map_err(|e| e.to_string())?;
        if status.success() { Ok(()) } else { Err(status.to_string()) }
    };
    tokio::time::timeout(PROGRAM, work).await.map_err(|_| "it took too long".to_owned())?
}
