//! People who come from a chat: its full members join the people of bot.toml, or are found among them by their address.
//! Pure; the chat asks who there is, `roster` keeps it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{
    ids::PersonId,
    policy::{Catalogue, Person, Platform},
    roster::{Known, Roster},
};

/// Longest name and address that a chat may bring, in characters.
const NAME_MAX: usize = 255;
const EMAIL_MAX: usize = 254;

/// A full member of a chat's workspace. Guests, bots and deactivated members are for the chat to leave out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The platform's own id; names are never compared.
    pub user: String,
    /// Shown to people.
    pub name: String,
    /// Only an address that the platform has confirmed to be theirs: it may decide who somebody is.
    pub email: Option<String>,
    pub time_zone: Option<chrono_tz::Tz>,
}

/// What a chat says of an account now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Not a full member, or not any more.
    Gone,
    /// A full member who may neither ask nor decide for now, and keeps what they hold.
    Barred(Bar),
    /// A full member.
    There,
}

/// What keeps a full member from acting for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bar {
    /// They are timed out.
    TimedOut,
    /// They have not agreed to the server's rules yet.
    RulesUnread,
}

impl Member {
    /// As it may be kept: no control characters, nothing endless. None: an id that is none.
    #[must_use]
    pub fn cleaned(self) -> Option<Self> {
        let is_plain = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
        if !is_plain(&self.user) || self.user.len() > super::limits::ID {
            return None;
        }
        let name = self.name.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect();
        let email = self.email.filter(|email| is_plain(email) && email.chars().count() <= EMAIL_MAX);
        Some(Self { name, email, ..self })
    }
}

/// Which chats' members count, and as whom.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// The chat whose full members are people.
    pub people_from: Option<Platform>,
    /// The chat whose full members are found among the people of bot.toml by their confirmed address.
    pub match_email: Option<Platform>,
}

impl Rules {
    /// The chats whose members must be known.
    pub fn platforms(self) -> BTreeSet<Platform> {
        self.people_from.into_iter().chain(self.match_email).collect()
    }

    pub fn counts(self, platform: Platform) -> bool {
        self.people_from == Some(platform) || self.match_email == Some(platform)
    }
}

/// What addresses brought about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matches {
    /// Accounts that count as somebody's.
    pub found: BTreeMap<(Platform, String), PersonId>,
    /// People whose address is not theirs alone, and who are matched with nobody for that.
    pub ambiguous: BTreeSet<PersonId>,
}

impl Catalogue {
    /// This catalogue with these members of `platform` as people, under the platform's id in small letters; who has left is
    /// not active. Whoever has that id already stays as they are; so does everybody who only has the same name.
    #[must_use]
    pub fn with_members<'k>(mut self, platform: Platform, members: impl IntoIterator<Item = &'k Known>) -> Self {
        let taken: HashSet<String> = self.accounts_on(platform).map(|(account, _)| account.to_owned()).collect();
        for Known { member, left_at, .. } in members {
            let Ok(id) = member.user.to_lowercase().parse::<PersonId>() else { continue };
            if taken.contains(&member.user) || self.people.contains_key(&id) {
                continue;
            }
            let person = Person {
                id: id.clone(),
                name: member.name.clone(),
                email: member.email.clone(),
                time_zone: member.time_zone,
                active: left_at.is_none(),
                identities: [(platform, member.user.clone())].into(),
                logins: BTreeMap::new(),
            };
            self.people.insert(id, person);
        }
        self
    }

    /// This catalogue with the accounts of `platform` whose confirmed address is exactly one person's, if that person has
    /// none there yet and nobody else has the address. Small and capital letters are the same. Somebody who left keeps the
    /// account as long as no member has the address: else nothing would say that they are gone.
    #[must_use]
    pub fn with_emails<'k>(mut self, platform: Platform, members: impl IntoIterator<Item = &'k Known>) -> (Self, Matches) {
        let mut people: HashMap<String, Vec<PersonId>> = HashMap::new();
        for person in self.people.values() {
            if let Some(email) = &person.email {
                people.entry(email.to_ascii_lowercase()).or_default().push(person.id.clone());
            }
        }
        let taken: HashSet<String> = self.accounts_on(platform).map(|(account, _)| account.to_owned()).collect();
        let mut theirs: BTreeMap<String, (Vec<&str>, Vec<&str>)> = BTreeMap::new();
        for Known { member, left_at, .. } in members {
            let Some(email) = member.email.as_ref().map(|email| email.to_ascii_lowercase()) else { continue };
            if people.contains_key(&email) {
                let (here, gone) = theirs.entry(email).or_default();
                if left_at.is_none() { here.push(&member.user) } else { gone.push(&member.user) }
            }
        }
        let mut matches = Matches::default();
        for (email, (here, gone)) in theirs {
            let accounts = if here.is_empty() { gone } else { here };
            let named = &people[&email];
            let open = |id: &&PersonId| self.people.get(*id).is_some_and(|person| !person.identities.contains_key(&platform));
            match (&named[..], &accounts[..]) {
                ([person], [account]) => {
                    if !taken.contains(*account)
                        && open(&person)
                        && let Some(found) = self.people.get_mut(person)
                    {
                        found.identities.insert(platform, (*account).to_owned());
                        matches.found.insert((platform, (*account).to_owned()), person.clone());
                    }
                }
                _ => matches.ambiguous.extend(named.iter().filter(open).cloned()),
            }
        }
        (self, matches)
    }

    /// This catalogue with what the chats say of accounts that somebody has: whoever has one that left its workspace is not
    /// active, and who has no time zone of their own has the account's.
    #[must_use]
    pub fn as_known(mut self, roster: &Roster) -> Self {
        for person in self.people.values_mut() {
            let accounts = person.identities.iter();
            for known in accounts.filter_map(|(platform, account)| roster.get(platform)?.get(account)) {
                person.active &= known.left_at.is_none();
                person.time_zone = person.time_zone.or(known.member.time_zone);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Instant;

    const SLACK: Platform = Platform::Slack;

    fn known(user: &str, name: &str) -> Known {
        Known::new(Member { user: user.into(), name: name.into(), email: None, time_zone: None })
    }

    fn addressed(user: &str, email: &str) -> Known {
        Known::new(Member { email: Some(email.into()), ..known(user, user).member })
    }

    fn gone(known: Known) -> Known {
        Known { left_at: Some(Instant::from_micros(7)), ..known }
    }

    fn listed(people: &[(&str, &str)]) -> Catalogue {
        let person = |id: &str, email: &str| Person {
            id: id.parse().unwrap(),
            name: id.into(),
            email: Some(email.into()),
            time_zone: None,
            active: true,
            identities: BTreeMap::from([(Platform::Console, id.to_owned())]),
            logins: BTreeMap::new(),
        };
        Catalogue { people: people.iter().map(|(id, email)| (id.parse().unwrap(), person(id, email))).collect(), ..Catalogue::default() }
    }

    #[test]
    fn a_member_becomes_a_person_and_who_is_listed_stays() {
        let first = Catalogue::default().with_members(SLACK, &[known("U1", "Ana Reyes")]);
        let listed = first.person_at(SLACK, "U1").unwrap();
        assert_eq!((listed.id.as_str(), listed.active), ("u1", true));
        let again = first.with_members(SLACK, &[known("U1", "Somebody else"), known("U2", "Ben"), known("not an id", "Eve")]);
        assert_eq!(again.person_at(SLACK, "U1").unwrap().name, "Ana Reyes");
        assert_eq!(again.people.len(), 2);
        assert!(again.person_at(Platform::Discord, "U2").is_none(), "an id counts on its own platform only");
    }

    #[test]
    fn a_member_never_takes_the_place_of_somebody_else() {
        let first = Catalogue::default().with_members(SLACK, &[known("U1", "Ana Reyes"), known("u1", "Mallory")]);
        assert_eq!(first.people.values().map(|person| person.name.as_str()).collect::<Vec<_>>(), ["Ana Reyes"]);
        let other = first.with_members(Platform::Discord, &[known("u1", "Mallory")]);
        assert!(other.person_at(Platform::Discord, "u1").is_none());
        assert_eq!(other.people.len(), 1);
    }

    #[test]
    fn who_left_keeps_the_name_and_is_not_active() {
        let catalogue = Catalogue::default().with_members(SLACK, &[gone(known("U1", "Ana Reyes"))]);
        let person = catalogue.person_at(SLACK, "U1").unwrap();
        assert_eq!((person.name.as_str(), person.active), ("Ana Reyes", false));
    }

    #[test]
    fn a_confirmed_address_in_any_case_is_its_one_person() {
        let (catalogue, matches) =
            listed(&[("ana", "Ana@Example.org")]).with_emails(SLACK, &[addressed("U1", "ana@EXAMPLE.org"), known("U2", "ana")]);
        assert_eq!(catalogue.person_at(SLACK, "U1").unwrap().id.as_str(), "ana");
        assert!(catalogue.person_at(SLACK, "U2").is_none(), "a name is nothing");
        assert_eq!(matches.found[&(SLACK, "U1".to_owned())].as_str(), "ana");
        assert!(matches.ambiguous.is_empty());
    }

    #[test]
    fn an_address_of_several_is_nobodys() {
        let twice = [addressed("U1", "ana@example.org"), addressed("U2", "ANA@example.org")];
        let (catalogue, matches) = listed(&[("ana", "ana@example.org")]).with_emails(SLACK, &twice);
        assert!(catalogue.person_at(SLACK, "U1").is_none() && catalogue.person_at(SLACK, "U2").is_none());
        assert_eq!(matches.ambiguous.iter().map(PersonId::as_str).collect::<Vec<_>>(), ["ana"]);
        let both = listed(&[("ana", "team@example.org"), ("ben", "team@example.org")]);
        let (catalogue, matches) = both.with_emails(SLACK, &[addressed("U1", "team@example.org")]);
        assert!(catalogue.person_at(SLACK, "U1").is_none() && matches.found.is_empty());
        assert_eq!(matches.ambiguous.len(), 2);
    }

    #[test]
    fn what_is_configured_wins_over_an_address() {
        let mut catalogue = listed(&[("ana", "ana@example.org"), ("ben", "ben@example.org")]);
        catalogue.people.get_mut(&"ana".parse().unwrap()).unwrap().identities.insert(SLACK, "U1".into());
        let (catalogue, matches) = catalogue.with_emails(SLACK, &[addressed("U1", "ben@example.org"), addressed("U2", "ana@example.org")]);
        assert_eq!(catalogue.person_at(SLACK, "U1").unwrap().id.as_str(), "ana", "the account is taken");
        assert!(catalogue.person_at(SLACK, "U2").is_none(), "the person has one");
        assert_eq!(matches, Matches::default(), "and nothing is unclear");
    }

    #[test]
    fn who_left_keeps_the_account_until_a_member_has_the_address() {
        let left = gone(addressed("U1", "ana@example.org"));
        let roster = |all: &[&Known]| Roster::from([(SLACK, all.iter().map(|k| (k.member.user.clone(), (*k).clone())).collect())]);
        let catalogue = listed(&[("ana", "ana@example.org")]);
        let (gone, _) = catalogue.clone().with_emails(SLACK, [&left]);
        assert!(!gone.as_known(&roster(&[&left])).person_at(SLACK, "U1").unwrap().active, "what says that she is gone is kept");
        let back = addressed("U2", "ana@example.org");
        let (back_again, _) = catalogue.with_emails(SLACK, [&left, &back]);
        assert!(back_again.as_known(&roster(&[&left, &back])).person_at(SLACK, "U2").unwrap().active);
    }

    #[test]
    fn who_has_no_time_zone_has_the_one_of_their_account() {
        let zone = |name: &str| Some(name.parse::<chrono_tz::Tz>().unwrap());
        let mut abroad = addressed("U1", "ana@example.org");
        abroad.member.time_zone = zone("Asia/Tokyo");
        let roster = Roster::from([(SLACK, [("U1".to_owned(), abroad.clone())].into())]);
        let mut catalogue = listed(&[("ana", "ana@example.org")]);
        let of_ana = |catalogue: &Catalogue| {
            let (whole, _) = catalogue.clone().with_emails(SLACK, [&abroad]);
            whole.as_known(&roster).person_at(SLACK, "U1").unwrap().time_zone
        };
        assert_eq!(of_ana(&catalogue), zone("Asia/Tokyo"));
        catalogue.people.values_mut().for_each(|person| person.time_zone = zone("Europe/Berlin"));
        assert_eq!(of_ana(&catalogue), zone("Europe/Berlin"), "bot.toml wins");
    }

    #[test]
    fn what_a_chat_brings_is_clean_or_not_taken() {
        let member = |user: &str, name: &str, email: &str| {
            Member { user: user.into(), name: name.into(), email: Some(email.into()), time_zone: None }.cleaned()
        };
        let clean = member("U1", "A\u{0}n\na", "a\u{0}@b").unwrap();
        assert_eq!((clean.name.as_str(), clean.email), ("Ana", None));
        assert_eq!(member("", "Ana", "a@b"), None);
        assert_eq!(member("U\n1", "Ana", "a@b"), None);
        assert_eq!(member("U1", &"x".repeat(300), "a@b").unwrap().name.len(), NAME_MAX);
    }
}
