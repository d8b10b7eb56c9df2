//! Brings one card in line. It is rewritten only when what it would show differs from what was last shown, and nothing
//! but an event makes it due, except while an alarm is open: then time itself is news.

use sha2::{Digest, Sha256};

use super::{Handled, Seen, Trouble, bring, parts, post_of, save};
use crate::{
    chat::Message,
    domain::{
        event::AlarmKind,
        policy::Channel,
        request::{Request, State},
        time::{Instant, Span},
    },
    faults,
    worker::Deps,
};

/// A card of access that outlives its end is looked at this often at first, and ever less often as it drags on.
const STUCK_FIRST: Span = Span::from_minutes(1);
const STUCK_LAST: Span = Span::from_minutes(60);

/// Posts the card, or rewrites it.
pub(super) async fn bring_in_line(deps: &Deps, key: &str) -> Result<Handled, Trouble> {
    let Some((id, platform, place, chat)) = parts(deps, key) else { return Ok(Handled::Done) };
    let Some(seen) = Seen::load(deps, &id).await? else { return Ok(Handled::Done) };
    let message = deps.shows.card(platform, &seen.scene());
    let digest = digest(&message);
    let next = next_look(&seen.request, seen.now);
    let mut post = post_of(deps, &id, platform, place).await?;
    if post.posted.is_some() && post.shown.as_deref() == Some(digest.as_str()) {
        return Ok(next);
    }
    let channel = Channel { platform, id: place.to_owned() };
    let nonce = format!("{id}/{}/{place}/card", platform.name());
    post.posted = Some(bring(chat, post.posted.as_ref(), &channel, &message, &nonce).await?);
    faults::point("card.posted");
    post.shown = Some(digest);
    // The thread may have moved on meanwhile: only the card's part is written over what is stored now.
    post.cursor = post_of(deps, &id, platform, place).await?.cursor;
    save(deps, &post).await?;
    Ok(next)
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
