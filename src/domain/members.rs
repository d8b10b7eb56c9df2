//! People who come from a chat: its full members join the people of bot.toml. Pure; the chat asks who there is.

use super::{
    ids::PersonId,
    policy::{Catalogue, Person, Platform},
};

/// A full member of a chat's workspace. Guests, bots and deactivated members are for the chat to leave out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The platform's own id; names are never compared.
    pub user: String,
    /// Shown to people.
    pub name: String,
    pub email: Option<String>,
    pub time_zone: Option<chrono_tz::Tz>,
}

impl Catalogue {
    /// This catalogue with these members of `platform` as people, under the platform's id in small letters. Whoever is
    /// linked to that id in bot.toml stays as they are there; so does everybody who only has the same name.
    #[must_use]
    pub fn with_members(&self, platform: Platform, members: &[Member]) -> Self {
        let mut catalogue = self.clone();
        for member in members {
            let Ok(id) = member.user.to_lowercase().parse::<PersonId>() else { continue };
            if self.person_at(platform, &member.user).is_some() || self.people.contains_key(&id) {
                continue;
            }
            let person = Person {
                id: id.clone(),
                name: member.name.clone(),
                email: member.email.clone(),
                time_zone: member.time_zone,
                active: true,
                identities: [(platform, member.user.clone())].into(),
                logins: std::collections::BTreeMap::new(),
            };
            catalogue.people.insert(id, person);
        }
        catalogue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(user: &str, name: &str) -> Member {
        Member { user: user.into(), name: name.into(), email: None, time_zone: None }
    }

    #[test]
    fn a_member_becomes_a_person_and_who_is_listed_stays() {
        let first = Catalogue::default().with_members(Platform::Slack, &[member("U1", "Ana Reyes")]);
        let listed = first.person_at(Platform::Slack, "U1").unwrap();
        assert_eq!((listed.id.as_str(), listed.active), ("u1", true));
        let again = first.with_members(Platform::Slack, &[member("U1", "Somebody else"), member("U2", "Ben"), member("not an id", "Eve")]);
        assert_eq!(again.person_at(Platform::Slack, "U1").unwrap().name, "Ana Reyes");
        assert_eq!(again.people.len(), 2);
        assert!(again.person_at(Platform::Discord, "U2").is_none(), "an id counts on its own platform only");
    }

    #[test]
    fn a_member_never_takes_the_place_of_somebody_else() {
        let first = Catalogue::default().with_members(Platform::Slack, &[member("U1", "Ana Reyes")]);
        let other = first.with_members(Platform::Discord, &[member("u1", "Mallory")]);
        assert!(other.person_at(Platform::Discord, "u1").is_none());
        assert_eq!(other.people.len(), 1);
    }
}
