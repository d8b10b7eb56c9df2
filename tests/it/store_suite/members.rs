//! Who is a member, who left, and as whom an account was recorded to count.

use std::collections::BTreeMap;

use hallpass::{
    domain::{
        members::Member,
        policy::Platform::{self, Slack},
        roster::Known,
        time::Span,
    },
    store::{Commit, CommitError, MemberWrite, Store},
};

use crate::world::START;

fn member(user: &str, name: &str) -> Member {
    let (email, time_zone) = (Some(format!("{user}@example.org")), Some(chrono_tz::Europe::Berlin));
    Member { user: user.into(), name: name.into(), email, time_zone }
}

fn is(user: &str, name: &str) -> MemberWrite {
    MemberWrite::Is { platform: Slack, member: member(user, name), at: START }
}

fn left(user: &str) -> MemberWrite {
    MemberWrite::Left { platform: Slack, account: user.into(), at: START + Span::from_seconds(1) }
}

fn matched(user: &str, before: Option<&str>, now: Option<&str>) -> MemberWrite {
    let person = |name: Option<&str>| name.map(|name| name.parse().unwrap());
    MemberWrite::Matched { platform: Slack, account: user.into(), before: person(before), now: person(now) }
}

async fn write(store: &Store, members: Vec<MemberWrite>) -> Result<(), CommitError> {
    store.commit(Commit { members, ..Commit::default() }).await
}

async fn all(store: &Store) -> BTreeMap<String, Known> {
    store.members([Slack]).await.unwrap().remove(&Slack).unwrap()
}

pub(super) async fn members_are_kept_with_who_left_and_as_whom_they_count(url: &str) {
    let store = Store::open(url).await.unwrap();
    assert!(all(&store).await.is_empty());
    // More than one statement takes.
    let many: Vec<MemberWrite> = (0..200).map(|n| is(&format!("U{n}"), "Somebody")).collect();
    write(&store, many).await.unwrap();
    write(&store, vec![is("U1", "Ana"), left("U2"), matched("U3", None, Some("ana"))]).await.unwrap();
    let now = all(&store).await;
    assert_eq!(now.len(), 200);
    assert_eq!(now["U1"], Known::new(member("U1", "Ana")));
    assert_eq!(now["U2"], Known { left_at: Some(START + Span::from_seconds(1)), ..Known::new(member("U2", "Somebody")) });
    assert_eq!(now["U3"].matched.as_ref().map(hallpass::domain::ids::PersonId::as_str), Some("ana"));
    assert!(store.members([Platform::Discord]).await.unwrap()[&Platform::Discord].is_empty());

    for stale in [left("U2"), left("U999"), matched("U3", None, Some("ben")), matched("U4", Some("ana"), None)] {
        assert_eq!(write(&store, vec![is("U5", "Renamed"), stale]).await, Err(CommitError::Stale));
    }
    assert_eq!(all(&store).await["U5"].member.name, "Somebody", "a stale commit changes nothing");
    write(&store, vec![is("U2", "Back"), matched("U3", Some("ana"), None)]).await.unwrap();
    let now = all(&store).await;
    assert_eq!((now["U2"].left_at, now["U3"].matched.as_ref()), (None, None));
}
