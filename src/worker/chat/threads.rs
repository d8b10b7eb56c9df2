//! Tells what happened, from the cursor on: in the thread under a card, or to one person privately.
//! Each event has a nonce of its own, so that one told twice after a crash is the same message.

use super::{Handled, Seen, Trouble, parts, post_of, save};
use crate::{
    chat::Chat,
    domain::{
        event::Event,
        ids::PersonId,
        request::{Request, RequestId},
        time::{Instant, Span},
        words,
    },
    faults,
    store::{Entry, Post},
    worker::{Deps, Telling},
};

/// Entries read at once.
const ENTRIES: u32 = 500;
/// Until a card that does not stand yet is looked for.
const SOON: Span = Span::from_seconds(1);

/// Tells every event after the cursor, each with the request as it was just then: what is told late, or again after a
/// crash, is told in the same words.
pub(super) async fn bring_up_to_date(deps: &Deps, key: &str) -> Result<Handled, Trouble> {
    let Some((id, platform, place, chat)) = parts(deps, key) else { return Ok(Handled::Done) };
    let person: Option<PersonId> = place.strip_prefix('@').and_then(|p| p.parse().ok());
    let mut post = post_of(deps, &id, platform, place).await?;
    if person.is_none() && post.posted.is_none() {
        return Ok(Handled::Again(SOON));
    }
    let story = story(deps, &id).await?;
    let Some(mut seen) = Seen::load(deps, &id).await? else { return Ok(Handled::Done) };
    let cursor = post.cursor;
    let new: Vec<Step> = story.into_iter().filter(|(n, ..)| *n >= cursor).collect();
    // The document no longer names the words of what is over, such as why more time was denied.
    let told: Vec<_> = new.iter().map(|(_, _, event, then)| (event, then)).collect();
    seen.texts.extend(deps.store.texts(&words::of(&told)).await?);
    for (n, at, event, then) in new {
        if let (Some(event), Some(then)) = (event, then) {
            seen.request = then;
            tell(deps, chat, &post, person.as_ref(), &Telling { scene: seen.scene(), event: &event, n, at }).await?;
        }
        post.cursor = n + 1;
        let newest = post_of(deps, &id, platform, place).await?;
        (post.posted, post.shown) = (newest.posted.or(post.posted), newest.shown.or(post.shown));
        save(deps, &post).await?;
    }
    Ok(Handled::Done)
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

async fn tell(deps: &Deps, chat: &dyn Chat, post: &Post, person: Option<&PersonId>, telling: &Telling<'_>) -> Result<(), Trouble> {
    // With the place: the same event is told in every channel and to everybody concerned.
    let nonce = format!("{}/{}/{}/{}", post.request, post.platform.name(), post.place, telling.n);
    if let Some(person) = person {
        let Some(message) = deps.shows.direct(post.platform, person, telling) else { return Ok(()) };
        if !deps.bot.tells(person, telling.event, telling.scene.request).await? {
            return Ok(());
        }
        let catalogue = deps.bot.catalogue();
        let user = catalogue.people.get(person).and_then(|p| p.identities.get(&post.platform)).cloned();
        if let Some(user) = user {
            chat.direct(&user, &message, super::new(&nonce)).await?;
            faults::point("direct.posted");
        }
        return Ok(());
    }
    let Some(message) = deps.shows.reply(post.platform, telling) else { return Ok(()) };
    let Some(under) = &post.posted else { return Ok(()) };
    chat.reply(under, &message, super::new(&nonce)).await?;
    faults::point("reply.posted");
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
