//! Tells what happened, from the cursor on: in the thread under a card, or to one person privately.
//! Each event has a nonce of its own, so that one told twice after a crash is the same message. A thread in which nothing more
//! is expected is put away.

use super::{
    Handled, Seen, Trouble, Turn,
    place::{Place, To, account, save},
};
use crate::{
    chat::{ChatFault, Message, Once, Posted, Sending},
    domain::{
        event::Event,
        ids::PersonId,
        request::{Request, RequestId},
        time::{Instant, Span},
        words,
    },
    faults,
    store::{Commit, Entry, Post, PostWrite, StoreError, TaskKind, TaskWant},
    worker::{Deps, Telling},
};

/// Entries read at once.
const ENTRIES: u32 = 500;
/// Until a thread that could not be put away is tried again, at least: it harms nobody meanwhile.
const PUT_AWAY_AGAIN: Span = Span::from_minutes(1);

/// Tells every event after the cursor, each with the request as it was just then: what is told late, or again after a
/// crash, is told in the same words. When it must wait for its turn, it goes on later from where it is.
pub(super) async fn bring_up_to_date(turn: &Turn<'_>) -> Result<Handled, Trouble> {
    let deps = turn.deps;
    let Some(place) = Place::of(deps, &turn.task.key) else { return Ok(Handled::Done) };
    let person = place.person();
    let mut post = place.post(deps).await?;
    let to = match (&person, &post.posted) {
        // Without an account, what happens is not told later either.
        (Some(person), _) => account(deps, person, place.platform).map(To::User),
        (None, Some(card)) => Some(To::Under(card.clone())),
        // Whoever posts the card has it told then.
        (None, None) => return Ok(Handled::Done),
    };
    let wait = || to.as_ref().and_then(|to| to.wait(place.chat, Sending::Post));
    if let Some(wait) = wait() {
        return Ok(Handled::Wait(Sending::Post, wait));
    }
    let story = story(deps, &place.request).await?;
    let Some(mut seen) = Seen::load(deps, &place.request).await? else { return Ok(Handled::Done) };
    let mut saved = post.cursor;
    let is_over = story.last().is_some_and(|(.., then)| then.as_ref().is_some_and(is_over));
    let new: Vec<Step> = story.into_iter().filter(|(n, ..)| *n >= saved).collect();
    // The document no longer names the words of what is over, such as why more time was denied.
    let told: Vec<_> = new.iter().map(|(_, _, event, then)| (event, then)).collect();
    seen.texts.extend(deps.store.texts(&words::of(&told)).await?);
    for (n, at, event, then) in new {
        if let (Some(event), Some(then), Some(to)) = (event, then, &to) {
            seen.request = then;
            let telling = Telling { scene: seen.scene(), event: &event, n, at };
            if let Some(message) = words_of(deps, &place, person.as_ref(), &telling).await? {
                if let Some(wait) = wait() {
                    return Ok(Handled::Wait(Sending::Post, wait));
                }
                tell(turn, &place, to, &message, &mut post, (n, at)).await?;
                saved = post.cursor;
            }
        }
        post.cursor = n + 1;
    }
    if post.cursor > saved {
        save(deps, PostWrite::Told(post)).await?;
    }
    match &to {
        Some(To::Under(card)) if is_over => Ok(put_away(&place, card).await),
        _ => Ok(Handled::Done),
    }
}

/// Nothing more is expected of it: no end is open, and no alarm.
fn is_over(request: &Request) -> bool {
    !request.is_open() && request.alarms.is_empty()
}

/// At the end of each run that found everything told: one that a crash cut short is done again, and what is told late is
/// followed by another. A thread that stays open is nothing to alarm anybody about, and keeps nothing from being told.
async fn put_away(place: &Place<'_>, card: &Posted) -> Handled {
    match place.chat.put_away(card).await {
        Ok(()) | Err(ChatFault::Gone) => Handled::Done,
        Err(ChatFault::Transient { why, retry_after }) => {
            tracing::debug!(request.id = %place.request, %why, "a thread is put away later");
            Handled::Again(retry_after.map_or(PUT_AWAY_AGAIN, |asked| asked.max(PUT_AWAY_AGAIN)))
        }
        Err(ChatFault::Permanent { why } | ChatFault::Closed { why }) => {
            tracing::warn!(request.id = %place.request, %why, "the thread of a closed request cannot be put away, and stays open");
            Handled::Done
        }
    }
}

/// Number, moment, event and the request after it. None: this version does not know the event, or cannot apply it.
type Step = (u64, Instant, Option<Event>, Option<Request>);

/// The whole stream, folded step by step.
async fn story(deps: &Deps, id: &RequestId) -> Result<Vec<Step>, Trouble> {
    let (stream, mut story, mut request) = (format!("request/{id}"), Vec::<Step>::new(), None);
    loop {
        let from = story.last().map_or(0, |(n, ..)| n + 1);
        let entries = deps.store.entries(&stream, from, ENTRIES).await?;
        if entries.is_empty() {
            return Ok(story);
        }
        for entry in &entries {
            let event = event_of(entry);
            request = match (request.take(), &event) {
                (None, Some(Event::Asked { ask })) => Some(Request::open(id.clone(), ask.clone(), entry.at)),
                (Some(request), Some(event)) => Request::apply(request, event, entry.at).ok(),
                (request, _) => request,
            };
            story.push((entry.n, entry.at, event, request.clone()));
        }
    }
}

/// None: that is not told here, or was turned down.
async fn words_of(deps: &Deps, place: &Place<'_>, person: Option<&PersonId>, telling: &Telling<'_>) -> Result<Option<Message>, StoreError> {
    let Some(person) = person else { return Ok(deps.shows.reply(place.platform, telling)) };
    let Some(message) = deps.shows.direct(place.platform, person, telling) else { return Ok(None) };
    Ok(deps.bot.tells(person, telling.event, telling.scene.request).await?.then_some(message))
}

/// Tells the event of this number and moment, and writes down that it is told.
async fn tell(
    turn: &Turn<'_>,
    place: &Place<'_>,
    to: &To,
    message: &Message,
    post: &mut Post,
    (n, since): (u64, Instant),
) -> Result<(), Trouble> {
    // With the place: the same event is told in every channel and to everybody concerned.
    let nonce = format!("{}/{}/{}/{n}", place.request, place.platform.name(), place.name);
    let may_stand = !place.chat.recognises() && post.telling.replace(nonce.clone()).as_ref() == Some(&nonce);
    if !place.chat.recognises() && !may_stand {
        save(turn.deps, PostWrite::Told(post.clone())).await?;
        faults::point("reply.noted");
    }
    let sent = to.send(place.chat, message, Once { nonce: &nonce, may_stand, since }).await;
    if sent == Err(ChatFault::Gone) {
        card_is_gone(turn, place, post).await?;
    }
    match sent {
        // `/jit show` says it whenever they ask; told later, it would only be old.
        Err(ChatFault::Closed { why }) => tracing::info!(task = %turn.task.key, %why, "what happened is not told privately"),
        sent => drop(sent?),
    }
    faults::point(if matches!(to, To::User(_)) { "direct.posted" } else { "reply.posted" });
    (post.cursor, post.telling) = (n + 1, None);
    save(turn.deps, PostWrite::Told(post.clone())).await?;
    Ok(turn.took().await?)
}

/// The card is posted anew, and what was not told yet is told under that one.
async fn card_is_gone(turn: &Turn<'_>, place: &Place<'_>, post: &Post) -> Result<(), Trouble> {
    let newest = place.post(turn.deps).await?;
    if newest.posted != post.posted {
        return Ok(());
    }
    let task = turn.task;
    let card = TaskWant { kind: TaskKind::Card, key: task.key.clone(), queue: task.queue.clone(), due_at: turn.deps.bot.now() };
    let unseen = PostWrite::Card(Post { shown: None, ..newest });
    turn.deps.store.commit(Commit { posts: vec![unseen], tasks: vec![card], ..Commit::default() }).await?;
    Ok(())
}

/// The event inside an entry's bytes; None for what this version does not know.
fn event_of(entry: &Entry) -> Option<Event> {
    let mut value: serde_json::Value = serde_json::from_slice(&entry.bytes).ok()?;
    let event = match value.get_mut("event") {
        Some(inner) => inner.take(),
        None => value,
    };
    serde_json::from_value(event).ok()
}
