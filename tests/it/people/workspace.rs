//! A workspace of Slack, or a guild of Discord, in memory, as far as its people go: members, guests, groups, a list that can be
//! wrong, and how often it was asked for what. A guild names no members of its groups.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use hallpass::{
    chat::{Chat, ChatFault, Message, Once, Posted, Profile},
    domain::{
        members::{Bar, Member, Presence},
        policy::{Channel, Platform},
    },
};
use tokio::sync::Barrier;

pub(super) struct Workspace {
    platform: Platform,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    members: BTreeMap<String, Member>,
    groups: BTreeMap<String, Vec<String>>,
    /// What the list says instead.
    list: Option<Vec<Member>>,
    is_down: bool,
    /// It does not say whether this one is in a group, or who is in this group.
    silent_about: Option<String>,
    /// So many must be asking at the same moment before anybody is answered.
    together: Option<Arc<Barrier>>,
    asked: BTreeMap<String, u32>,
    /// Whoever may not act for now.
    barred: BTreeMap<String, Bar>,
}

impl Workspace {
    pub(super) fn of(members: &[(&str, &str)]) -> Arc<Self> {
        Self::at(Platform::Slack, members)
    }

    pub(super) fn guild_of(members: &[(&str, &str)]) -> Arc<Self> {
        Self::at(Platform::Discord, members)
    }

    fn at(platform: Platform, members: &[(&str, &str)]) -> Arc<Self> {
        let workspace = Self { platform, inner: Mutex::default() };
        for (user, name) in members {
            workspace.joins(user, name, None);
        }
        Arc::new(workspace)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub(super) fn joins(&self, user: &str, name: &str, email: Option<&str>) {
        let member = Member { user: user.into(), name: name.into(), email: email.map(Into::into), time_zone: None };
        self.inner().members.insert(user.into(), member);
    }

    /// Deactivated, or a guest from now on: what the bot sees of either is the same.
    pub(super) fn leaves(&self, user: &str) {
        self.inner().members.remove(user);
    }

    /// Kept from acting for a while, or not any more.
    pub(super) fn bar(&self, user: &str, bar: Option<Bar>) {
        let mut inner = self.inner();
        inner.barred.remove(user);
        inner.barred.extend(bar.map(|bar| (user.to_owned(), bar)));
    }

    pub(super) fn group(&self, group: &str, users: &[&str]) {
        self.inner().groups.insert(group.into(), users.iter().map(|user| (*user).to_owned()).collect());
    }

    pub(super) fn is_down(&self, is_down: bool) {
        self.inner().is_down = is_down;
    }

    /// Of this one it does not say in which groups they are, or who is in it; None: it says it of everybody.
    pub(super) fn is_silent_about(&self, user: Option<&str>) {
        self.inner().silent_about = user.map(str::to_owned);
    }

    /// The list has these members only, whatever is so.
    pub(super) fn lists(&self, users: &[&str]) {
        let mut inner = self.inner();
        inner.list = Some(users.iter().map(|user| inner.members[*user].clone()).collect());
    }

    pub(super) fn lists_all(&self) {
        self.inner().list = None;
    }

    pub(super) fn answers_only_together(&self, many: usize) {
        self.inner().together = Some(Arc::new(Barrier::new(many)));
    }

    /// How often it was asked this so far.
    pub(super) fn asked(&self, what: &str) -> u32 {
        self.inner().asked.get(what).copied().unwrap_or_default()
    }

    async fn hears(&self, what: String) -> Result<(), ChatFault> {
        let together = {
            let mut inner = self.inner();
            *inner.asked.entry(what).or_default() += 1;
            if inner.is_down {
                return Err(ChatFault::Transient { why: format!("{} is down", self.platform.name()), retry_after: None });
            }
            inner.together.clone()
        };
        if let Some(together) = together {
            together.wait().await;
        }
        Ok(())
    }
}

#[async_trait]
impl Chat for Workspace {
    fn platform(&self) -> Platform {
        self.platform
    }

    async fn post(&self, channel: &Channel, _: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        Ok(Posted { channel: channel.id.clone(), message: once.nonce.to_owned() })
    }

    async fn update(&self, _: &Posted, _: &Message) -> Result<(), ChatFault> {
        Ok(())
    }

    async fn reply(&self, under: &Posted, _: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        Ok(Posted { channel: under.channel.clone(), message: once.nonce.to_owned() })
    }

    async fn direct(&self, user: &str, _: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        Ok(Posted { channel: user.to_owned(), message: once.nonce.to_owned() })
    }

    fn lists_members(&self) -> bool {
        self.platform != Platform::Discord
    }

    async fn members(&self, group: &str) -> Result<Vec<String>, ChatFault> {
        assert!(self.lists_members(), "nobody may ask a guild for the members of {group}");
        self.hears(format!("group {group}")).await?;
        self.inner().groups.get(group).cloned().ok_or_else(|| ChatFault::Permanent { why: format!("there is no group {group}") })
    }

    async fn is_member(&self, group: &str, user: &str) -> Result<bool, ChatFault> {
        self.hears(format!("{user} in {group}")).await?;
        let inner = self.inner();
        if inner.silent_about.as_deref().is_some_and(|one| one == user || one == group) {
            return Err(ChatFault::Transient { why: "no answer about this one".into(), retry_after: None });
        }
        Ok(inner.groups.get(group).is_some_and(|users| users.iter().any(|member| member == user)))
    }

    async fn member_count(&self, group: &str) -> Result<u64, ChatFault> {
        self.hears(format!("count {group}")).await?;
        Ok(self.inner().groups.get(group).map_or(0, |users| users.len() as u64))
    }

    async fn profile(&self, user: &str) -> Result<Profile, ChatFault> {
        self.hears(format!("profile {user}")).await?;
        let inner = self.inner();
        let there = inner.barred.get(user).map_or(Presence::There, |bar| Presence::Barred(*bar));
        Ok(Profile { presence: if inner.members.contains_key(user) { there } else { Presence::Gone }, name: user.to_owned() })
    }

    async fn roster(&self) -> Result<Vec<Member>, ChatFault> {
        self.hears("list".into()).await?;
        let inner = self.inner();
        Ok(inner.list.clone().unwrap_or_else(|| inner.members.values().cloned().collect()))
    }

    async fn member(&self, user: &str) -> Result<Option<Member>, ChatFault> {
        self.hears(format!("member {user}")).await?;
        Ok(self.inner().members.get(user).cloned())
    }
}
