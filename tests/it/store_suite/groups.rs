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
