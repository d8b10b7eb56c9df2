//! Many rows and many commits by the same statements: each stands for itself.

use super::*;

pub(super) async fn many_rows_ride_in_one_commit(url: &str) {
    let store = Store::open(url).await.unwrap();
    let mut commit = Commit::default();
    for number in 0..150 {
        commit.requests.extend(writes(&request(number), None).requests);
        commit.entries.extend([entry(&format!("request/{number}"), number), entry("bot", number)]);
        commit.entitlements.extend(want("shared", at(200 - i64::try_from(number).unwrap()), number == 70).entitlements);
        commit.claims.push(ClaimWrite::Put(claim("shared", u128::from(number))));
        commit.tasks.extend(task("same", "q", at(10)).tasks);
        commit.words.push(Words::new(format!("reason {number}"), u128::from(number)));
    }
    let words: Vec<_> = commit.words.iter().map(|words| words.id.clone()).collect();
    store.commit(commit).await.unwrap();
    let ids: Vec<RequestId> = (0..150).map(|number| request(number).id).collect();
    assert_eq!(store.requests_by_id(&ids).await.unwrap().len(), 150);
    assert_eq!(store.texts(&words).await.unwrap().len(), 150);
    assert_eq!(store.claims(&[EntitlementKey("shared".into())]).await.unwrap().len(), 150);
    let numbers = store.entries("bot", 0, 1000).await.unwrap().into_iter().map(|entry| entry.n).collect::<Vec<_>>();
    assert_eq!(numbers, (0..150).collect::<Vec<_>>());
    assert!(lease(&store, at(50), 1).await.is_empty(), "due at the earliest of all, not before");
    assert_eq!(lease(&store, at(51), 1).await[0].generation, 150);
    assert_eq!(tasks(&store, at(10)).await.len(), 1);

    let mut again = Commit::default();
    for number in 0..150 {
        let mut changed = request(number);
        changed.n = 2;
        again.requests.extend(writes(&changed, Some(if number == 99 { 5 } else { 1 })).requests);
    }
    assert_eq!(store.commit(again.clone()).await, Err(CommitError::Stale));
    assert!(store.requests_by_id(&ids).await.unwrap().iter().all(|request| request.n == 1), "refused whole");
    again.requests[99].expected = Some(1);
    store.commit(again).await.unwrap();
    assert!(store.requests_by_id(&ids).await.unwrap().iter().all(|request| request.n == 2));
}

pub(super) async fn a_lost_lease_does_not_harm_its_neighbours(url: &str) {
    let store = Store::open(url).await.unwrap();
    for number in 0..20 {
        store.commit(want(&format!("e{number}"), at(0), false)).await.unwrap();
    }
    let lost = lease(&store, at(0), 100).await;
    let mut held = lease(&store, at(30), 100).await;
    let index = held.iter().position(|leased| leased.row.key.0 == "e7").unwrap();
    held[index] = lost.into_iter().find(|leased| leased.row.key.0 == "e7").unwrap();
    let mut all = JoinSet::new();
    for leased in held {
        let store = store.clone();
        all.spawn(async move { (leased.row.key.0.clone(), store.commit(save(&leased, None)).await) });
    }
    for (key, result) in all.join_all().await {
        assert_eq!(result, if key == "e7" { Err(CommitError::Fenced) } else { Ok(()) }, "{key}");
    }
}

/// Two transactions that write the same two rows, each the other way round, wait for each other and never in a circle.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn crossing_writes_of_two_replicas_do_not_deadlock() {
    let url = database().await;
    let stores = [Store::open(&url).await.unwrap(), Store::open(&url).await.unwrap()];
    for name in ["x", "y"] {
        stores[0].commit(want(name, at(0), false)).await.unwrap();
    }
    let mut all = JoinSet::new();
    for (store, leased) in stores.into_iter().zip(lease_both(&url).await) {
        let other = EntitlementKey(if leased.row.key.0 == "x" { "y" } else { "x" }.into());
        all.spawn(async move {
            for _ in 0..200 {
                let mut commit = save(&leased, Some(at(5)));
                commit.entitlements.push(EntitlementWrite::Raise { key: other.clone(), due_at: at(5), urgent: false });
                assert_eq!(store.commit(commit).await, Ok(()));
            }
        });
    }
    all.join_all().await;
}

async fn lease_both(url: &str) -> Vec<Leased> {
    let both = lease(&Store::open(url).await.unwrap(), at(1), 2).await;
    assert_eq!(both.len(), 2);
    both
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn fifty_presses_at_once_over_two_replicas_count_once() {
    let url = database().await;
    let one = World::on(&url, Ownership::Shared).await;
    let two = one.replica(Store::open(&url).await.unwrap()).await;
    one.say("ana", "/jit request prod-db write 1h Unblock the stuck import").await;
    let id = one.newest().await;
    let presses = (0..50).map(|n| if n % 2 == 0 { &one } else { &two }.press("ben", "approve", &id, None));
    let answers = futures_util::future::join_all(presses).await;
    let entries = one.store.entries(&format!("request/{id}"), 0, 1000).await.unwrap();
    let count =
        |kind: &str| entries.iter().filter(|entry| String::from_utf8_lossy(&entry.bytes).contains(&format!("\"type\":\"{kind}\""))).count();
    assert_eq!((count("approved"), count("granting"), count("working")), (1, 1, 1), "{answers:?}");
    assert!(one.holds("ana", "write"));
    assert_eq!(one.store.inbox_open(100).await.unwrap().len(), 0, "every press was answered");
}
