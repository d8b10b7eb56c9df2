//! Tells a person, where they were known before, that an account was joined to them or parted from them.

use super::{Deps, Handled, Platform, Task, Trouble};
use crate::domain::ids::PersonId;

/// A task's key: `<where it is told>/<person>/<platform>/<account>`. Told as it stands when it is told.
pub(super) async fn tell(deps: &Deps, task: &Task) -> Result<Handled, Trouble> {
    let pieces: Vec<&str> = task.key.splitn(4, '/').collect();
    let [to, person, platform, account] = pieces[..] else { return Ok(Handled::Done) };
    let (Some(to), Ok(person), Some(platform)) = (Platform::named(to), person.parse::<PersonId>(), Platform::named(platform)) else {
        return Ok(Handled::Done);
    };
    let joined = deps.store.link_at(platform, account).await?.is_some_and(|link| link.person == person);
    let user = deps.bot.catalogue().people.get(&person).and_then(|p| p.identities.get(&to)).cloned();
    if let (Some(chat), Some(user)) = (deps.chats.get(&to), user) {
        let message = deps.shows.link(to, &person, (platform, account), joined);
        chat.direct(&user, &message, super::new(&format!("link/{}/{}", task.key, task.wanted))).await?;
    }
    Ok(Handled::Done)
}
