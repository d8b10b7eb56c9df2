//! Roles that are in other roles: whoever is given one holds the others by it, and that is no difference.

use hallpass::{
    domain::{
        drift::DriftKind::{self, NotOurs, OursAfterEnd},
        entitlement::Ownership,
        time::{Instant, Span},
    },
    provider::pretend::Pretend,
};

use crate::{
    ledger::on_both,
    outage::{entries, granted, is_sound},
    world::World,
};

on_both![what_is_held_through_another_role_is_judged_there];

/// Of an hour of access, after `looks`.
const REST: Span = Span::from_seconds(47 * 60 + 20);

/// `write` is in `read`, and that is told.
async fn world(url: &str, ownership: Ownership) -> World {
    let world = World::with_provider(url, Pretend::new(ownership).telling()).await;
    world.pretend.nest("write", "read");
    looks(&world).await;
    assert_eq!(told(&world).await, [what(NotOurs, "write", "read")], "who is in a role is told, also if it is a role");
    world
}

async fn looks(world: &World) {
    for _ in 0..2 {
        world.advance(Span::from_minutes(6)).await;
        world.advance(Span::from_seconds(20)).await;
    }
}

fn what(kind: DriftKind, principal: &str, role: &str) -> String {
    format!("{}: {principal} has {role}", kind.name())
}

/// Everything that was ever told, and how often.
async fn told(world: &World) -> Vec<String> {
    let rows = world.store.drift(Instant::from_micros(0)).await.unwrap();
    let found = entries(world).await.iter().filter(|(_, value)| value["event"]["type"] == "drift_found").count();
    assert_eq!(found, rows.len(), "each once");
    rows.iter().map(|row| what(row.kind, &row.principal, row.roles[0].as_str())).collect()
}

async fn what_is_held_through_another_role_is_judged_there(url: &str) {
    let world = world(url, Ownership::PerGrant).await;
    granted(&world).await;
    let object = world.pretend.held().into_iter().next().unwrap().1;
    looks(&world).await;
    assert_eq!(told(&world).await.len(), 1, "a grant of the inner role");
    world.advance(REST).await;
    looks(&world).await;
    assert_eq!(told(&world).await.len(), 1, "and its end");
    // Such as from a backup.
    world.pretend.set("write", &object, true);
    looks(&world).await;
    assert!(!world.holds("ana", "write"), "taken away again");
    assert_eq!(told(&world).await[1..], [what(OursAfterEnd, "ana", "write")]);
    world.pretend.set("write", "gus x1", true);
    looks(&world).await;
    assert_eq!(told(&world).await[2..], [what(NotOurs, "gus", "write")], "a stranger too is told once, and where they were let in");
    world.pretend.set("read", "gus x1", true);
    looks(&world).await;
    assert_eq!(told(&world).await[3..], [what(NotOurs, "gus", "read")], "by itself it is another way in");
    is_sound(&world).await;
}

#[tokio::test]
async fn a_membership_of_the_inner_role_is_no_difference_at_the_outer_one() {
    for ownership in [Ownership::Shared, Ownership::Ours] {
        let folder = tempfile::tempdir().unwrap();
        let world = world(&crate::store_suite::file(&folder), ownership).await;
        granted(&world).await;
        looks(&world).await;
        world.advance(REST).await;
        looks(&world).await;
        assert_eq!(told(&world).await.len(), 1, "{ownership:?}");
        is_sound(&world).await;
    }
}

#[tokio::test]
async fn the_inner_role_does_not_stand_for_a_live_grant_of_the_outer_one() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(&crate::store_suite::file(&folder), Ownership::Shared).await;
    granted(&world).await;
    world.clock.advance(Span::from_seconds(1));
    world.say("ana", "/jit request prod-db read 60m Look at the stuck import").await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    assert!(world.holds("ana", "read"));
    world.pretend.set("read", "ana", false);
    looks(&world).await;
    assert_eq!(told(&world).await[1..], [what(DriftKind::OursAndGone, "ana", "read")]);
}
