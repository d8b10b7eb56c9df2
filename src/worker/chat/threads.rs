//! Tells what happened, from the cursor on: in the thread under a card, or to one person privately.
//! Each event has a nonce of its own, so that one told twice after a crash is the same message.

use super::{Handled, Seen, Trouble, parts, post_of, save};
use crate::{
    chat::Chat,
    domain::{event::Event, ids::PersonId, time::Span},
    store::{Entry, Post},
    worker::{Deps, Telling},
};

const ENTRIES: u32 = 100;
/// Until a card that does not stand yet, or the rest of a long story, is looked for.
const SOON: Span = Span::from_seconds(1);

/// Tells every event after the cursor.
pub(super) async fn bring_up_to_date(deps: &Deps, key: &str) -> Result<Handled, Trouble> {
    let Some((id, platform, place, chat)) = parts(deps, key) else { return Ok(Handled::Done) };
    let Some(seen) = Seen::load(deps, &id).await? else { return Ok(Handled::Done) };
    let person: Option<PersonId> = place.strip_prefix('@').and_then(|p| p.parse().ok());
    let mut post = post_of(deps, &id, platform, place).await?;
    if person.is_none() && post.posted.is_none() {
        return Ok(Handled::Again(SOON));
    }
    let entries = deps.store.entries(&format!("request/{id}"), post.cursor, ENTRIES).await?;
    let more = entries.len() >= usize::try_from(ENTRIES).unwrap_or(usize::MAX);
    for entry in entries {
        let n = entry.n;
        if let Some(event) = event_of(&entry) {
            let telling = Telling { scene: seen.scene(), event: &event, n, at: entry.at };
            tell(deps, chat, &post, person.as_ref(), &telling).await?;
        }
        post.cursor = n + 1;
        let newest = post_of(deps, &id, platform, place).await?;
        (post.posted, post.shown) = (newest.posted.or(post.posted), newest.shown.or(post.shown));
        save(deps, &post).await?;
    }
    Ok(if more { Handled::Again(SOON) } else { Handled::Done })
}

async fn tell(deps: &Deps, chat: &dyn Chat, post: &Post, person: Option<&PersonId>, telling: &Telling<'_>) -> Result<(), Trouble> {
    let nonce = format!("{}/{}/{}", post.request, post.platform.name(), telling.n);
    if let Some(person) = person {
        let Some(message) = deps.shows.direct(post.platform, person, telling) else { return Ok(()) };
        let catalogue = deps.bot.catalogue();
        let user = catalogue.people.get(person).and_then(|p| p.identities.get(&post.platform)).cloned();
        if let Some(user) = user {
            chat.direct(&user, &message, &nonce).await?;
        }
        return Ok(());
    }
    let Some(message) = deps.shows.reply(post.platform, telling) else { return Ok(()) };
    let Some(under) = &post.posted else { return Ok(()) };
    chat.reply(under, &message, &nonce).await?;
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
