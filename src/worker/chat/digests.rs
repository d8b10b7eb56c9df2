//! Posts a digest at one place: its first message, and the rest of a long one in the thread under it. How far it came is written
//! down after each message, in lines, so that it goes on from there whatever names are changed meanwhile. Must not word it.

use super::{Handled, Trouble, Turn, place::To};
use crate::{
    chat::{Chat, ChatFault, Message, Once, Sending},
    domain::{
        digest::Made,
        policy::{Channel, Platform},
    },
    faults,
    store::{Commit, DigestPost, DigestWrite},
    worker::{Deps, Digested},
};

/// A task's key: `<number>/<platform>/<channel>`.
pub(super) async fn post(turn: &Turn<'_>) -> Result<Handled, Trouble> {
    let (deps, key) = (turn.deps, &turn.task.key);
    let mut pieces = key.splitn(3, '/');
    let (n, platform, place) = (pieces.next().and_then(|n| n.parse().ok()), pieces.next().and_then(Platform::named), pieces.next());
    let (Some(n), Some(platform), Some(place)) = (n, platform, place) else { return Ok(Handled::Done) };
    let Some(chat) = deps.chats.get(&platform) else { return Ok(Handled::Done) };
    let Some(made) = deps.store.digest(n).await? else { return Ok(Handled::Done) };
    let mut post = deps.store.digest_post(n, platform, place).await?;
    if let Some(wait) = to(&post).wait(chat.as_ref(), Sending::Post) {
        return Ok(Handled::Wait(Sending::Post, wait));
    }
    let links = deps.bot.digest_links(platform, &made).await?;
    let digested = Digested { made: &made, links: &links };
    for (message, lines) in deps.shows.digest(platform, &digested, (post.lines, post.messages)) {
        if let Some(wait) = to(&post).wait(chat.as_ref(), Sending::Post) {
            return Ok(Handled::Wait(Sending::Post, wait));
        }
        match send(turn, chat.as_ref(), &message, &made, &mut post).await {
            // Whoever took it away does not want the rest of it; `/jit digest` still tells it.
            Err(Trouble::Chat(ChatFault::Gone)) if post.posted.is_some() => post.lines = usize::MAX,
            sent => {
                sent?;
                post.lines = lines;
            }
        }
        faults::point("digest.posted");
        post.messages += 1;
        post.sending = None;
        save(deps, &post).await?;
        turn.took().await?;
        if post.lines == usize::MAX {
            break;
        }
    }
    Ok(Handled::Done)
}

fn to(post: &DigestPost) -> To {
    match &post.posted {
        Some(first) => To::Under(first.clone()),
        None => To::Channel(Channel { platform: post.platform, id: post.place.clone() }),
    }
}

async fn send(turn: &Turn<'_>, chat: &dyn Chat, message: &Message, made: &Made, post: &mut DigestPost) -> Result<(), Trouble> {
    let nonce = format!("digest-{}/{}/{}/{}", post.digest, post.platform.name(), post.place, post.messages);
    let may_stand = !chat.recognises() && post.sending.replace(nonce.clone()).as_ref() == Some(&nonce);
    if !chat.recognises() && !may_stand {
        save(turn.deps, post).await?;
        faults::point("digest.noted");
    }
    let once = Once { nonce: &nonce, may_stand, since: made.digest.made_at };
    let posted = to(post).send(chat, message, once).await?;
    post.posted.get_or_insert(posted);
    Ok(())
}

async fn save(deps: &Deps, post: &DigestPost) -> Result<(), Trouble> {
    let digests = vec![DigestWrite::Told(post.clone())];
    Ok(deps.store.commit(Commit { digests, ..Commit::default() }).await?)
}
