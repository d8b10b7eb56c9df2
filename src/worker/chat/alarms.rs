//! Brings an alarm's posts in line, edited rather than repeated, and runs the alarm's program once for each state of it.

use super::{Handled, Seen, Trouble, bring};
use crate::{
    bot::Told,
    domain::{policy::Platform, request::RequestId},
    store::{Alarm, AlarmWrite, Commit, TaskKind, TaskWant},
    worker::Deps,
};

/// Longest that the program may run.
const PROGRAM: std::time::Duration = std::time::Duration::from_secs(30);

/// Tells ops channels and program how the alarm stands.
pub(super) async fn bring_in_line(deps: &Deps, id: &str) -> Result<Handled, Trouble> {
    let Some(mut alarm) = deps.store.alarm(id).await? else { return Ok(Handled::Done) };
    let mut told = Told::read(&alarm.told);
    let before = told.to();
    let state = format!("{}/{}", alarm.raised_at, alarm.cleared_at.map_or_else(String::new, |at| at.to_string()));
    if !deps.alarm_run.is_empty() && told.ran.as_deref() != Some(state.as_str()) {
        match run_program(deps, &alarm).await {
            Ok(()) => told.ran = Some(state),
            Err(why) => tracing::error!(alarm.id = %id, %why, "the alarm's program failed"),
        }
    }
    let about = match &alarm.request {
        Some(request) => Seen::load(deps, request).await?,
        None => None,
    };
    let mut trouble = None;
    for channel in &deps.ops {
        let Some(chat) = deps.chats.get(&channel.platform) else { continue };
        let scene = about.as_ref().map(Seen::scene);
        let message = deps.shows.alarm(channel.platform, &alarm, scene.as_ref(), deps.bot.now());
        let place = Told::place(channel);
        let nonce = format!("alarm/{id}/{place}/{}", alarm.raised_at.micros());
        match bring(chat.as_ref(), told.posts.get(&place), channel, &message, &nonce).await {
            Ok(posted) => drop(told.posts.insert(place, posted)),
            Err(fault) => trouble = Some(fault),
        }
    }
    // The card says who was told.
    let tasks = if told.to() == before { Vec::new() } else { cards_of(deps, alarm.request.as_ref()).await? };
    alarm.told = serde_json::to_string(&told).unwrap_or_default();
    deps.store.commit(Commit { alarms: vec![AlarmWrite(alarm)], tasks, ..Commit::default() }).await?;
    trouble.map_or(Ok(Handled::Done), |fault| Err(fault.into()))
}

/// The cards of a request that stand somewhere.
async fn cards_of(deps: &Deps, request: Option<&RequestId>) -> Result<Vec<TaskWant>, Trouble> {
    let Some(id) = request else { return Ok(Vec::new()) };
    let due_at = deps.bot.now();
    let card = |platform: Platform, place: &str| {
        let (key, queue) = (format!("{id}/{}/{place}", platform.name()), format!("{}/{place}", platform.name()));
        TaskWant { kind: TaskKind::Card, key, queue, due_at }
    };
    let posts = deps.store.posts(id).await?;
    Ok(posts.iter().filter(|p| !p.place.starts_with('@')).map(|p| card(p.platform, &p.place)).collect())
}

/// Runs `alarm.run` with the alarm as one JSON object on standard input.
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
