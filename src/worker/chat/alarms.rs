//! Brings an alarm's posts and program in line, and the cards that say who was told.

use super::{Handled, Seen, Trouble};
use crate::{
    bot::Told,
    domain::{policy::Platform, request::RequestId},
    faults,
    store::{Commit, TaskKind, TaskWant},
    worker::{Deps, alarms},
};

/// Tells ops channels and program how the alarm stands.
pub(super) async fn bring_in_line(deps: &Deps, id: &str) -> Result<Handled, Trouble> {
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
    told.map(|()| Handled::Done).map_err(Trouble::from)
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
