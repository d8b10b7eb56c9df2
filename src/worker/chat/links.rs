//! Tells a person, where they were known before, that an account was joined to them or parted from them.

use super::{
    Handled, Platform, Trouble, Turn,
    place::{To, account},
};
use crate::{
    chat::{Once, Sending},
    domain::{ids::PersonId, time::Span},
};

/// An account is not joined, parted and joined again within this.
const LATELY: Span = Span::from_minutes(10);

/// A task's key: `<where it is told>/<person>/<platform>/<account>`. Told as it stands when it is told.
pub(super) async fn tell(turn: &Turn<'_>) -> Result<Handled, Trouble> {
    let (deps, task) = (turn.deps, turn.task);
    let pieces: Vec<&str> = task.key.splitn(4, '/').collect();
    let [to, person, platform, joined] = pieces[..] else { return Ok(Handled::Done) };
    let (Some(to), Ok(person), Some(platform)) = (Platform::named(to), person.parse::<PersonId>(), Platform::named(platform)) else {
        return Ok(Handled::Done);
    };
    let Some((chat, user)) = deps.chats.get(&to).zip(account(deps, &person, to)) else { return Ok(Handled::Done) };
    let user = To::User(user);
    if let Some(wait) = user.wait(chat.as_ref(), Sending::Post) {
        return Ok(Handled::Wait(Sending::Post, wait));
    }
    let is_joined = deps.store.link_at(platform, joined).await?.is_some_and(|link| link.person == person);
    let message = deps.shows.link(to, &person, (platform, joined), is_joined);
    // So few that nothing is written down before.
    let since = deps.bot.now() - LATELY;
    let (nonce, may_stand) = (format!("link/{}/{}", task.key, task.wanted), !chat.recognises());
    user.send(chat.as_ref(), &message, Once { nonce: &nonce, may_stand, since }).await?;
    turn.took().await?;
    Ok(Handled::Done)
}
