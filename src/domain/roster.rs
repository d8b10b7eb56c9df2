//! The members of the chats as they are kept: who came, who left, when a list is not to be believed, and the whole catalogue
//! that follows from them. Pure.

use std::collections::BTreeMap;

use super::{
    ids::PersonId,
    linking::{self, Link},
    members::{Matches, Member},
    policy::{Catalogue, Platform},
    time::Instant,
};

/// Somebody who is, or was, a full member of a chat's workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// As the chat last had them.
    pub member: Member,
    /// None: still there.
    pub left_at: Option<Instant>,
    /// As whom the account was recorded to count by its address.
    pub matched: Option<PersonId>,
}

impl Known {
    /// A member now, recorded as nobody else.
    pub const fn new(member: Member) -> Self {
        Self { member, left_at: None, matched: None }
    }
}

/// Everybody who is known, by platform and account.
pub type Roster = BTreeMap<Platform, BTreeMap<String, Known>>;

/// What is different about the members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Who came, came back, or is called otherwise; each account once.
    pub is: Vec<Member>,
    /// Accounts that are no members any more.
    pub left: Vec<String>,
}

/// Why a list of members is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Nobody is on it.
    Empty,
    /// More than half are gone at once.
    Halved { lost: usize, of: usize },
}

/// What a list of all members changes. `known` has to be from before the list was begun to be read: who came meanwhile is
/// on neither and has not left.
pub fn changes(known: &BTreeMap<String, Known>, listed: Vec<Member>) -> Result<Changes, Doubt> {
    let listed: BTreeMap<String, Member> = listed.into_iter().filter_map(Member::cleaned).map(|m| (m.user.clone(), m)).collect();
    if listed.is_empty() {
        return Err(Doubt::Empty);
    }
    let here = || known.values().filter(|known| known.left_at.is_none());
    let (of, left) = (here().count(), here().filter(|known| !listed.contains_key(&known.member.user)));
    let left: Vec<String> = left.map(|known| known.member.user.clone()).collect();
    if left.len() * 2 > of {
        return Err(Doubt::Halved { lost: left.len(), of });
    }
    let is_new = |member: &Member| known.get(&member.user).is_none_or(|known| known.left_at.is_some() || known.member != *member);
    Ok(Changes { is: listed.into_values().filter(is_new).collect(), left })
}

/// Everybody who counts: the people of bot.toml, the accounts that were joined to them, those that have their address, the
/// members of the chat, and the accounts that were joined to these. What comes first wins. Linear in all of them.
pub fn whole(configured: &Catalogue, links: &[Link], roster: &Roster) -> (Catalogue, Matches) {
    let rules = configured.members;
    let of = |platform: Platform| roster.get(&platform).into_iter().flat_map(BTreeMap::values);
    let whole = linking::joined(configured.clone(), links);
    let (whole, matches) = match rules.match_email {
        Some(platform) => whole.with_emails(platform, of(platform)),
        None => (whole, Matches::default()),
    };
    let whole = match rules.people_from {
        Some(platform) => linking::joined(whole.with_members(platform, of(platform)), links),
        None => whole,
    };
    let whole = if rules.platforms().is_empty() { whole } else { whole.as_known(roster) };
    (whole, matches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{members::Rules, policy::Person};

    const NOW: Instant = Instant::from_micros(1_795_521_600_000_000);
    const SLACK: Platform = Platform::Slack;

    fn member(n: usize) -> Member {
        Member { user: format!("U{n}"), name: format!("Member {n}"), email: Some(format!("m{n}@example.org")), time_zone: None }
    }

    fn roster(members: impl IntoIterator<Item = Member>) -> BTreeMap<String, Known> {
        members.into_iter().map(|member| (member.user.clone(), Known::new(member))).collect()
    }

    #[test]
    fn who_comes_leaves_returns_and_is_renamed_is_a_change_and_nothing_else_is() {
        let mut known = roster((1..=4).map(member));
        known.get_mut("U4").unwrap().left_at = Some(NOW);
        let renamed = Member { name: "Another name".into(), ..member(2) };
        let changes = changes(&known, vec![member(1), renamed.clone(), member(4), member(5), member(5)]).unwrap();
        assert_eq!(changes, Changes { is: vec![renamed, member(4), member(5)], left: vec!["U3".into()] });
    }

    #[test]
    fn an_empty_list_and_one_that_lost_more_than_half_are_not_believed() {
        let known = roster((1..=4).map(member));
        assert_eq!(changes(&known, Vec::new()), Err(Doubt::Empty));
        assert_eq!(changes(&BTreeMap::new(), Vec::new()), Err(Doubt::Empty));
        assert_eq!(changes(&known, vec![member(1), member(9)]), Err(Doubt::Halved { lost: 3, of: 4 }));
        assert_eq!(changes(&known, vec![member(1), member(2)]).unwrap().left.len(), 2, "half may be gone");
        let mut shrunk = known;
        shrunk.values_mut().skip(1).for_each(|known| known.left_at = Some(NOW));
        assert_eq!(changes(&shrunk, vec![member(1)]), Ok(Changes::default()), "who left before is not lost now");
    }

    fn person(id: &str) -> Person {
        Person {
            id: id.parse().unwrap(),
            name: id.into(),
            email: Some(format!("{id}@example.org")),
            time_zone: None,
            active: true,
            identities: BTreeMap::new(),
            logins: BTreeMap::new(),
        }
    }

    fn link(platform: Platform, account: &str, person: &str) -> Link {
        Link { platform, account: account.into(), person: person.parse().unwrap(), at: NOW }
    }

    #[test]
    fn bot_toml_wins_then_codes_then_addresses_then_the_list_itself() {
        let mut listed = person("m1");
        listed.identities.insert(SLACK, "U9".into());
        let people = [listed, person("m2"), person("m3")].map(|person| (person.id.clone(), person)).into();
        let members = Rules { people_from: Some(SLACK), match_email: Some(SLACK) };
        let configured = Catalogue { people, members, ..Catalogue::default() };
        let links =
            [link(SLACK, "U8", "m2"), link(SLACK, "U9", "m3"), link(Platform::Discord, "7", "u4"), link(Platform::Discord, "8", "m3")];
        let all = Roster::from([(SLACK, roster([1, 2, 3, 4, 8, 9].map(member)))]);
        let (whole, matches) = whole(&configured, &links, &all);
        let who = |platform, account: &str| whole.person_at(platform, account).map(|person| person.id.to_string());
        assert_eq!(who(SLACK, "U9").as_deref(), Some("m1"), "bot.toml");
        assert_eq!(who(SLACK, "U1").as_deref(), Some("u1"), "its address is of somebody who has an account");
        assert_eq!(who(SLACK, "U8").as_deref(), Some("m2"), "a code");
        assert_eq!(who(SLACK, "U2").as_deref(), Some("u2"));
        assert_eq!(who(SLACK, "U3").as_deref(), Some("m3"), "an address");
        assert_eq!(who(SLACK, "U4").as_deref(), Some("u4"), "a member");
        assert_eq!(who(Platform::Discord, "7").as_deref(), Some("u4"), "a code of a member");
        assert_eq!(who(Platform::Discord, "8").as_deref(), Some("m3"));
        assert_eq!(matches.found.len(), 1);
        assert_eq!(whole.people.len(), 6);
    }

    #[test]
    fn members_count_only_where_the_configuration_says_so() {
        let mut gone = roster([member(1)]);
        gone.get_mut("U1").unwrap().left_at = Some(NOW);
        let mut listed = person("ana");
        listed.identities.insert(SLACK, "U1".into());
        let configured = Catalogue { people: [(listed.id.clone(), listed)].into(), ..Catalogue::default() };
        let (whole, _) = whole(&configured, &[], &Roster::from([(SLACK, gone)]));
        assert_eq!(whole.people.len(), 1);
        assert!(whole.person_at(SLACK, "U1").unwrap().active, "an old list says nothing any more");
    }

    /// Quadratic, this would take minutes.
    #[test]
    fn fifty_thousand_members_with_as_many_codes_and_addresses_are_composed_in_one_go() {
        const MANY: usize = 50_000;
        let people = (0..MANY / 2).map(|n| person(&format!("m{n}"))).map(|person| (person.id.clone(), person)).collect();
        let members = Rules { people_from: Some(SLACK), match_email: Some(SLACK) };
        let configured = Catalogue { people, members, ..Catalogue::default() };
        let links: Vec<Link> = (MANY / 2..MANY).map(|n| link(Platform::Discord, &n.to_string(), &format!("u{n}"))).collect();
        let all = Roster::from([(SLACK, roster((0..MANY).map(member)))]);
        let (whole, matches) = whole(&configured, &links, &all);
        assert_eq!((whole.people.len(), matches.found.len()), (MANY, MANY / 2));
        assert_eq!(whole.person_at(SLACK, "U7").unwrap().id.as_str(), "m7");
        assert_eq!(whole.person_at(Platform::Discord, "49999").unwrap().id.as_str(), "u49999");
        let accounts: std::collections::BTreeSet<String> = (0..MANY).map(|n| format!("U{n}")).collect();
        assert_eq!(whole.people_at(SLACK, &accounts).len(), MANY, "a group of everybody");
        assert_eq!(changes(&all[&SLACK], (0..MANY).map(member).collect()), Ok(Changes::default()));
    }
}
