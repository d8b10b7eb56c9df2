//! Brings an alarm's posts and program in line, and the cards that say who was told.

use super::{Handled, Seen, Trouble, Turn};
use crate::{
    bot::Told,
    domain::{policy::Platform, request::RequestId},
    faults,
    store::{Commit, TaskKind, TaskWant},
    worker::{Deps, alarms},
};

/// Tells ops channels and program how the alarm stands. A channel of operators that refuses is an alarm itself, which the
/// others and the program get; in the channel itself it is tried like any other.
pub(super) async fn bring_in_line(turn: &Turn<'_>) -> Result<Handled, Trouble> {
    let (deps, id) = (turn.deps, &turn.task.key);
    let Some(mut alarm) = deps.store.alarm(id).await? else { return Ok(Handled::Done) };
    let before = Told::read(&alarm.told).to();
    let about = match &alarm.request {
        Some(request) => Seen::load(deps, request).await?,
        None => None,
    };
    let scene = about.as_ref().map(Seen::scene);
    let told = alarms::tell(deps, &mut alarm, scene.as_ref()).await;
    // The card says who was told.
    let same = Told::read(&alarm.told).to() == before;
    let tasks = if same { Vec::new() } else { cards_of(deps, alarm.request.as_ref()).await? };
    faults::point("alarm.told");
    // It may have been cleared meanwhile: only what was told is written.
    deps.store.commit(Commit { alarms_told: vec![(alarm.id, alarm.told)], tasks, ..Commit::default() }).await?;
    for (place, refused) in told.places {
        match refused {
            Some(why) => drop(turn.places.refused(deps, &place, turn.task, &why).await?),
            None => turn.places.took(deps, &place, turn.task).await?,
        }
    }
    told.trouble.map_or(Ok(Handled::Done), |fault| Err(fault.into()))
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
    Ok(posts.iter().filter(|p| p.posted.is_some()).map(|p| card(p.platform, &p.place)).collect())
}
