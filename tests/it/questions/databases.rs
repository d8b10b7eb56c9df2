//! The numbers that only questions need, on both databases.

use hallpass::{
    domain::{ids::ResourceId, time::Span},
    store::Store,
};

use super::closed;
use crate::world::{START, World};

async fn numbers_of(url: &str) {
    let world = World::on(url, hallpass::domain::entitlement::Ownership::PerGrant).await;
    world.rules(closed).await;
    for seconds in [1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000] {
        let id = world.ask("ana", "/jit request prod-db write 1h Unblock the stuck import").await;
        world.waits(seconds).await;
        world.done("ben", &format!("/jit deny {id} not today")).await;
    }
    world.done("hal", "/jit request bastion 20m look around").await;
    let (prod, bastion): (ResourceId, ResourceId) = ("prod-db".parse().unwrap(), "bastion".parse().unwrap());
    let (store, all) = (&world.store, (START, START + Span::from_minutes(600)));
    for (percent, seconds) in [(50, 5), (90, 9), (91, 1_000), (100, 1_000), (1, 1)] {
        let within = store.decided_within(Some(&prod), all, percent).await.unwrap();
        assert_eq!(within.map(Span::seconds), Some(seconds), "{percent} %");
        assert_eq!(store.decided_within(None, all, percent).await.unwrap().map(Span::seconds), Some(seconds), "{percent} % of all");
    }
    assert_eq!(store.decided_within(Some(&bastion), all, 90).await.unwrap(), None, "nobody was asked");
    assert_eq!(store.decided_within(None, (all.1, all.1), 90).await.unwrap(), None);
    let quarters = store.asked_by_quarter(None, all).await.unwrap();
    let counts: Vec<(i64, u64)> = quarters.iter().map(|(at, count)| (at.since(START).seconds(), *count)).collect();
    assert_eq!(counts, [(0, 10), (900, 1)]);
    assert_eq!(store.asked_by_quarter(Some(&bastion), all).await.unwrap().len(), 1);
    let busy = store.busy(all).await.unwrap();
    assert_eq!(busy, [(bastion.clone(), 1), (prod.clone(), 10)].into());
    let open = store.busy((all.1, all.1)).await.unwrap();
    assert_eq!(open, [(bastion.clone(), 0)].into(), "what is open counts though nothing happened");
    let many: Vec<ResourceId> = (0..40).map(|n| format!("extra-{n}").parse().unwrap()).chain([prod.clone()]).collect();
    assert_eq!(store.asked_by_quarter_of(&many, all).await.unwrap(), [(START, 10)]);
    assert_eq!(store.asked_by_quarter_of(&[], all).await.unwrap(), []);
    assert_eq!(store.first_entry_at().await.unwrap(), Some(START));
    let said = world.say("gina", "/jit who prod-db --at 14:00:30").await;
    assert!(said.starts_with("Nobody had access to prod-db"), "{said}");
    let found = world.say("gina", "/jit find @ana").await;
    assert!(!found.contains("page") && found.matches("Denied by Ben Okafor").count() == 10, "{found}");
}

#[tokio::test]
async fn numbers_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    numbers_of(&format!("sqlite:{}", folder.path().join("hallpass.db").display())).await;
}

#[tokio::test]
async fn an_empty_store_begins_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite:{}", folder.path().join("hallpass.db").display())).await.unwrap();
    assert_eq!(store.first_entry_at().await.unwrap(), None);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn numbers_on_postgres() {
    let url = crate::store_suite::database().await;
    numbers_of(&url).await;
}
