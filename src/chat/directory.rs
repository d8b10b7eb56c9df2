//! Who is in a chat's group, and who has left it: the bot's `Facts`, answered by the chats themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;

use super::Chat;
use crate::{
    bot::Facts,
    domain::{
        ids::PersonId,
        policy::{Catalogue, Person, Platform},
    },
};

/// Asks the chats that are configured.
#[derive(Default)]
pub struct Directory {
    pub chats: BTreeMap<Platform, Arc<dyn Chat>>,
}

#[async_trait]
impl Facts for Directory {
    async fn members(&self, platform: Platform, group: &str, catalogue: &Catalogue) -> Result<BTreeSet<PersonId>, String> {
        let chat = self.chats.get(&platform).ok_or_else(|| format!("{} is not connected", platform.name()))?;
        let users = chat.members(group).await.map_err(|fault| fault.to_string())?;
        Ok(users.iter().filter_map(|user| catalogue.person_at(platform, user)).map(|p| p.id.clone()).collect())
    }

    async fn is_active(&self, person: &Person) -> Result<bool, String> {
        for (platform, user) in &person.identities {
            if let Some(chat) = self.chats.get(platform)
                && !chat.profile(user).await.map_err(|fault| fault.to_string())?.active
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
