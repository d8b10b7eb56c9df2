//! Brings one card in line. It is rewritten only when what it would show differs from what was last shown, and nothing
//! but an event makes it due, except while an alarm is open: then time itself is news.

use sha2::{Digest, Sha256};

use super::{
    Handled, Seen, Trouble, Turn,
    place::{Place, To, account, anew, is_rewritten, save},
};
use crate::{
    chat::{ChatFault, Message, Once, Sending},
    domain::{
        event::AlarmKind,
        request::{Request, State},
        time::{Instant, Span},
    },
    faults,
    store::{Commit, Post, PostWrite, TaskKind, TaskWant},
};

/// A card of access that outlives its end is looked at this often at first, and ever less often as it drags on.
const STUCK_FIRST: Span = Span::from_minutes(1);
const STUCK_LAST: Span = Span::from_minutes(60);

/// Posts the card, or rewrites it: in a channel, or privately to somebody who is asked directly.
pub(super) async fn bring_in_line(turn: &Turn<'_>) -> Result<Handled, Trouble> {
    let deps = turn.deps;
    let Some(place) = Place::of(deps, &turn.task.key) else { return Ok(Handled::Done) };
    let to = match place.person() {
        Some(person) => account(deps, &person, place.platform).map(To::User),
        None => Some(To::Channel(place.channel())),
    };
    let Some(to) = to else { return Ok(Handled::Done) };
    let mut post = place.post(deps).await?;
    let what = if post.posted.is_some() { Sending::Update } else { Sending::Post };
    // Before it is looked at: what changes meanwhile is shown with the rest.
    if let Some(wait) = to.wait(place.chat, what) {
        return Ok(Handled::Wait(what, wait));
    }
    let Some(seen) = Seen::load(deps, &place.request).await? else { return Ok(Handled::Done) };
    let message = deps.shows.card(place.platform, &seen.scene());
    let digest = digest(&message);
    let (next, is_first) = (next_look(&seen.request, seen.now), post.posted.is_none() && place.person().is_none());
    if post.posted.is_some() && post.shown.as_deref() == Some(digest.as_str()) {
        return Ok(next);
    }
    if !is_rewritten(place.chat, post.posted.as_ref(), &message).await? {
        match send(turn, &place, &to, (&message, seen.request.opened_at), &mut post).await {
            // Nobody else may hear that they are asked: somebody has to see to that, as long as it is open.
            Err(Trouble::Chat(ChatFault::Closed { why })) if seen.request.round().is_some() => {
                return Err(ChatFault::Permanent { why }.into());
            }
            sent => sent?,
        }
    }
    faults::point("card.posted");
    (post.shown, post.sending) = (Some(digest), None);
    // What happened while no card stood is told under it now.
    let tasks = if is_first { vec![thread_of(turn)] } else { Vec::new() };
    deps.store.commit(Commit { posts: vec![PostWrite::Card(post)], tasks, ..Commit::default() }).await?;
    turn.took().await?;
    Ok(next)
}

fn thread_of(turn: &Turn<'_>) -> TaskWant {
    let task = turn.task;
    TaskWant { kind: TaskKind::Thread, key: task.key.clone(), queue: task.queue.clone(), due_at: turn.deps.bot.now() }
}

/// Posts it for the first time, or again because it is gone.
async fn send(turn: &Turn<'_>, place: &Place<'_>, to: &To, what: (&Message, Instant), post: &mut Post) -> Result<(), Trouble> {
    let (message, since) = what;
    let card = format!("{}/{}/{}/card", place.request, place.platform.name(), place.name);
    let nonce = anew(&card, post.posted.as_ref());
    let may_stand = !place.chat.recognises() && post.sending.replace(nonce.clone()).as_ref() == Some(&nonce);
    if !place.chat.recognises() && !may_stand {
        save(turn.deps, PostWrite::Card(post.clone())).await?;
        faults::point("card.noted");
    }
    post.posted = Some(to.show(place.chat, message, Once { nonce: &nonce, may_stand, since }).await?);
    Ok(())
}

/// Tries, the last answer and how long it is past its end go on while access outlives its end.
fn next_look(request: &Request, now: Instant) -> Handled {
    match &request.state {
        State::Revoking { since, .. } if request.alarms.contains(&AlarmKind::StillOpen) => {
            let quarter = Span::from_seconds(now.since(*since).seconds() / 4);
            Handled::Again(quarter.clamp(STUCK_FIRST, STUCK_LAST))
        }
        _ => Handled::Done,
    }
}

fn digest(message: &Message) -> String {
    let rest = serde_json::to_vec(&(&message.buttons, &message.notify)).unwrap_or_default();
    format!("{:x}", Sha256::new().chain_update(message.body.as_bytes()).chain_update([0]).chain_update(rest).finalize())
}
