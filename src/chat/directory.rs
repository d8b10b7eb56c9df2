//! Who is in a chat's group, who has left it and who its members are: the bot's `Facts`, answered by the chats themselves.
//! What they said within the last minute is kept for what is only shown; what decides is asked anew each time.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use super::{Chat, ChatFault, Posted};
use crate::{
    bot::{Facts, Fresh},
    clock::Clock,
    domain::{
        ids::PersonId,
        members::{Member, Presence},
        policy::{Catalogue, Platform},
        time::Span,
    },
};

/// An answer is of use this long for what is only shown.
const LATELY: Span = Span::from_minutes(1);
/// Groups that are asked for showing in that time: Slack answers some twenty such questions a minute, and those that decide come
/// first.
const FOR_SHOWING: usize = 8;
/// Until it is looked again whether a chat has room.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Answers of one kind that are kept at most; those that are over go when there would be more.
const KEPT: usize = 10_000;

/// Asks the chats that are connected.
pub struct Directory {
    chats: BTreeMap<Platform, Arc<dyn Chat>>,
    clock: Arc<dyn Clock>,
    groups: Kept<Arc<BTreeSet<String>>>,
    /// By group and account, where groups name no members.
    memberships: Kept<bool>,
    counts: Kept<usize>,
    profiles: Kept<Presence>,
    /// When groups were asked for showing only, in microseconds of the steady clock.
    shown: Mutex<VecDeque<i64>>,
}

impl Directory {
    /// `clock` says when an answer is too old; only its steady side is looked at.
    pub fn new(chats: BTreeMap<Platform, Arc<dyn Chat>>, clock: Arc<dyn Clock>) -> Self {
        Self {
            chats,
            clock,
            groups: Kept::default(),
            memberships: Kept::default(),
            counts: Kept::default(),
            profiles: Kept::default(),
            shown: Mutex::default(),
        }
    }

    fn chat(&self, platform: Platform) -> Result<&Arc<dyn Chat>, String> {
        self.chats.get(&platform).ok_or_else(|| format!("{} is not connected", platform.name()))
    }

    async fn users(&self, platform: Platform, group: &str, fresh: Fresh) -> Result<Arc<BTreeSet<String>>, String> {
        let chat = self.chat(platform)?;
        if let Some(users) = self.groups.lately((platform, group), fresh, &*self.clock) {
            return Ok(users);
        }
        if fresh == Fresh::Lately && !self.may_ask_for_showing() {
            return Err("it was asked much just now, and who decides comes first".to_owned());
        }
        let users = Arc::new(chat.members(group).await.map_err(said)?.into_iter().collect::<BTreeSet<_>>());
        self.groups.keep((platform, group), users.clone(), &*self.clock);
        Ok(users)
    }

    fn may_ask_for_showing(&self) -> bool {
        let now = self.clock.monotonic();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|at| !is_over(*at, now));
        let may = shown.len() < FOR_SHOWING;
        if may {
            shown.push_back(now);
        }
        may
    }
}

#[async_trait]
impl Facts for Directory {
    fn lists_members(&self, platform: Platform) -> bool {
        self.chats.get(&platform).is_none_or(|chat| chat.lists_members())
    }

    async fn members(&self, platform: Platform, group: &str, catalogue: &Catalogue, fresh: Fresh) -> Result<BTreeSet<PersonId>, String> {
        let users = self.users(platform, group, fresh).await?;
        Ok(catalogue.people_at(platform, &users))
    }

    async fn is_member(&self, platform: Platform, group: &str, user: &str, fresh: Fresh) -> Result<bool, String> {
        let chat = self.chat(platform)?;
        // No platform's id has a space in it.
        let key = format!("{group} {user}");
        if let Some(is_in) = self.memberships.lately((platform, &key), fresh, &*self.clock) {
            return Ok(is_in);
        }
        room(&**chat, user, fresh).await;
        let is_in = chat.is_member(group, user).await.map_err(said)?;
        self.memberships.keep((platform, &key), is_in, &*self.clock);
        Ok(is_in)
    }

    async fn member_count(&self, platform: Platform, group: &str, fresh: Fresh) -> Result<usize, String> {
        let chat = self.chat(platform)?;
        if let Some(count) = self.counts.lately((platform, group), fresh, &*self.clock) {
            return Ok(count);
        }
        let count = usize::try_from(chat.member_count(group).await.map_err(said)?).unwrap_or(usize::MAX);
        self.counts.keep((platform, group), count, &*self.clock);
        Ok(count)
    }

    async fn presence(&self, platform: Platform, user: &str, fresh: Fresh) -> Result<Option<Presence>, String> {
        let Some(chat) = self.chats.get(&platform) else { return Ok(None) };
        if let Some(presence) = self.profiles.lately((platform, user), fresh, &*self.clock) {
            return Ok(Some(presence));
        }
        room(&**chat, user, fresh).await;
        let presence = chat.profile(user).await.map_err(said)?.presence;
        self.profiles.keep((platform, user), presence, &*self.clock);
        Ok(Some(presence))
    }

    async fn roster(&self, platform: Platform) -> Result<Vec<Member>, String> {
        self.chat(platform)?.roster().await.map_err(said)
    }

    async fn member(&self, platform: Platform, user: &str) -> Result<Option<Member>, String> {
        self.chat(platform)?.member(user).await.map_err(said)
    }

    async fn link(&self, platform: Platform, at: &Posted) -> Option<String> {
        self.chats.get(&platform)?.link(at).await
    }
}

/// Waits until the chat has room for a question about this account, if the question can wait; whoever asks gives up in time.
async fn room(chat: &dyn Chat, user: &str, fresh: Fresh) {
    while fresh.can_wait() && !chat.has_room(user) {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where an error is mapped")]
fn said(fault: ChatFault) -> String {
    fault.to_string()
}

/// What chats said, and when, in microseconds of the steady clock.
type Answers<T> = BTreeMap<(Platform, String), (i64, T)>;

struct Kept<T>(Mutex<Answers<T>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Kept<T> {
    fn lately(&self, (platform, id): (Platform, &str), fresh: Fresh, clock: &dyn Clock) -> Option<T> {
        if fresh != Fresh::Lately {
            return None;
        }
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(&(platform, id.to_owned())).filter(|(at, _)| !is_over(*at, clock.monotonic())).map(|(_, answer)| answer.clone())
    }

    fn keep(&self, (platform, id): (Platform, &str), answer: T, clock: &dyn Clock) {
        let now = clock.monotonic();
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= KEPT {
            answers.retain(|_, (at, _)| !is_over(*at, now));
        }
        if answers.len() < KEPT {
            answers.insert((platform, id.to_owned()), (now, answer));
        }
    }
}

fn is_over(at: i64, now: i64) -> bool {
    now - at >= LATELY.seconds() * 1_000_000
}
