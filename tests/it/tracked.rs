//! What the store promises of looks at providers: one turn at a time, what was told is kept, what is over is found again.

use hallpass::{
    domain::{
        drift::{DriftKind, DriftRow, Tracked},
        entitlement::{Entitlement, EntitlementKey, Order, Ownership},
        time::{Instant, Span},
    },
    store::{Commit, CommitError, DriftWrite, EntitlementWrite, Fence, LookWrite, Past, Store},
};

use crate::{ledger::on_both, world::START};

on_both![
    a_look_is_one_turn_at_a_time_and_what_comes_too_late_counts_for_nothing,
    what_was_told_is_kept_and_what_was_not_is_forgotten,
    an_entitlement_that_is_over_is_found_by_its_object_and_by_its_key,
];

fn take(n: Option<i64>) -> Commit {
    let look = LookWrite::Take { name: "drift/orders".into(), n, now: START, due_at: START + Span::from_minutes(10) };
    Commit { looks: vec![look], ..Commit::default() }
}

fn done(n: i64, read_at: Option<Instant>) -> Commit {
    let look = LookWrite::Done { name: "drift/orders".into(), n, due_at: START + Span::from_minutes(5), read_at };
    Commit { looks: vec![look], drift: vec![DriftWrite::Is(Box::new(tracked("gus", Some(START))))], ..Commit::default() }
}

fn tracked(principal: &str, found_at: Option<Instant>) -> Tracked {
    let row = DriftRow {
        provider: "orders".parse().unwrap(),
        target: "{}".into(),
        principal: principal.into(),
        grant: None,
        kind: DriftKind::NotOurs,
        first_seen: START,
        last_seen: START,
        found_at,
        gone_at: None,
        unwatched_at: None,
        resources: vec!["prod-db".parse().unwrap()],
        roles: vec!["write".parse().unwrap()],
        request: None,
    };
    Tracked { id: principal.into(), row, doubted: false, alarm: Some("drift/orders/1".into()) }
}

async fn a_look_is_one_turn_at_a_time_and_what_comes_too_late_counts_for_nothing(url: &str) {
    let store = Store::open(url).await.unwrap();
    assert_eq!(store.look("drift/orders").await.unwrap(), None);
    let (one, two) = tokio::join!(store.commit(take(None)), store.commit(take(None)));
    assert_eq!([one, two].iter().filter(|taken| **taken == Err(CommitError::Stale)).count(), 1, "two at once: one has it");
    let look = store.look("drift/orders").await.unwrap().unwrap();
    assert_eq!((look.n, look.due_at, look.read_at), (1, START + Span::from_minutes(10), START));
    assert_eq!(store.commit(take(Some(1))).await, Ok(()), "its time was over");
    assert_eq!(store.commit(done(1, Some(START))).await, Err(CommitError::Stale));
    assert!(store.drift(START).await.unwrap().is_empty(), "nothing of it was written");
    assert_eq!(store.commit(done(2, None)).await, Ok(()));
    let look = store.look("drift/orders").await.unwrap().unwrap();
    assert_eq!((look.n, look.due_at, look.read_at), (2, START + Span::from_minutes(5), START), "not all could be read");
    assert_eq!(store.drift(START).await.unwrap().len(), 1);
}

async fn what_was_told_is_kept_and_what_was_not_is_forgotten(url: &str) {
    let store = Store::open(url).await.unwrap();
    let provider = "orders".parse().unwrap();
    let (gus, mia) = (tracked("gus", Some(START)), tracked("mia", None));
    let drift = [&gus, &mia].map(|it| DriftWrite::Is(Box::new(it.clone()))).to_vec();
    store.commit(Commit { drift, ..Commit::default() }).await.unwrap();
    assert_eq!(store.tracked(&provider).await.unwrap(), [gus.clone(), mia.clone()]);
    assert_eq!(store.drift(START).await.unwrap(), std::slice::from_ref(&gus.row), "what was not told is nobody's news");
    let forget = ["gus", "mia"].map(|id| DriftWrite::Forget { id: id.into() }).to_vec();
    store.commit(Commit { drift: forget, ..Commit::default() }).await.unwrap();
    assert_eq!(store.tracked(&provider).await.unwrap(), std::slice::from_ref(&gus));
    let at = START + Span::from_minutes(60);
    let left = tracked("mia", Some(START));
    let left = Tracked { row: DriftRow { unwatched_at: Some(START), ..left.row }, ..left };
    store.commit(Commit { drift: vec![DriftWrite::Is(Box::new(left.clone()))], ..Commit::default() }).await.unwrap();
    assert_eq!(store.tracked(&provider).await.unwrap(), std::slice::from_ref(&gus), "what nobody looks at is not tracked");
    assert_eq!(store.drift(START).await.unwrap(), [gus.row.clone(), left.row], "and is kept");
    let gone = Tracked { row: DriftRow { gone_at: Some(at), ..gus.row.clone() }, ..gus };
    store.commit(Commit { drift: vec![DriftWrite::Is(Box::new(gone.clone()))], ..Commit::default() }).await.unwrap();
    assert!(store.tracked(&provider).await.unwrap().is_empty() && store.drifting().await.unwrap().is_empty());
    assert_eq!(store.drift(at).await.unwrap(), [gone.row]);
    assert!(store.drift(at + Span::from_seconds(1)).await.unwrap().is_empty());
}

fn entitlement() -> Entitlement {
    let order = Order {
        provider: "orders".parse().unwrap(),
        target: serde_json::json!({ "role": "write" }),
        principal: "ana".into(),
        person: "ana".parse().unwrap(),
        inputs: std::collections::BTreeMap::new(),
        grant: "g1".into(),
        by_hand: String::new(),
    };
    let key = EntitlementKey::for_all(&order.provider, &order.target, &order.principal);
    Entitlement::new(key, Ownership::Ours, order)
}

async fn an_entitlement_that_is_over_is_found_by_its_object_and_by_its_key(url: &str) {
    let store = Store::open(url).await.unwrap();
    let row = entitlement();
    let (provider, key) = (row.order.provider.clone(), row.key.clone());
    for seconds in [0, 100] {
        let now = START + Span::from_seconds(seconds);
        let want = EntitlementWrite::Want { row: row.clone(), due_at: now, urgent: false };
        store.commit(Commit { entitlements: vec![want], ..Commit::default() }).await.unwrap();
        let leased = store.lease_entitlements(&provider, now, now + Span::from_seconds(30), 1).await.unwrap().remove(0);
        assert_eq!(store.entitlements_of(&provider).await.unwrap(), [(row.clone(), Vec::new())]);
        let fence = Some(Fence { key: key.clone(), fence: leased.fence });
        let past = Some(Past { object: "g1".into(), at: now });
        // Changed meanwhile: it stays, and is not over.
        let early = EntitlementWrite::Drop { key: key.clone(), seen_gen: leased.generation + 1, past: past.clone() };
        store.commit(Commit { entitlements: vec![early], fence: fence.clone(), ..Commit::default() }).await.unwrap();
        assert_eq!(store.past_entitlements(&provider, &["g1".into()], &[]).await.unwrap().len(), usize::from(seconds > 0));
        let drop = EntitlementWrite::Drop { key: key.clone(), seen_gen: leased.generation, past };
        store.commit(Commit { entitlements: vec![drop], fence, ..Commit::default() }).await.unwrap();
        assert!(store.entitlement(&key).await.unwrap().is_none());
    }
    let found = |objects: &[&str], keys: &[EntitlementKey]| {
        let objects: Vec<String> = objects.iter().map(|object| (*object).to_owned()).collect();
        let (store, keys) = (store.clone(), keys.to_vec());
        async move { store.past_entitlements(&"orders".parse().unwrap(), &objects, &keys).await.unwrap() }
    };
    assert_eq!(found(&["g1"], &[]).await, std::slice::from_ref(&row));
    assert_eq!(found(&[], &[key]).await, std::slice::from_ref(&row));
    assert_eq!(store.past_targets(&provider, 1).await.unwrap(), [row.order.target]);
    assert_eq!(store.past_targets(&"others".parse().unwrap(), 1).await.unwrap(), [serde_json::Value::Null; 0]);
    assert!(found(&["g2"], &[EntitlementKey("k".into())]).await.is_empty());
    assert!(store.past_entitlements(&"others".parse().unwrap(), &["g1".into()], &[]).await.unwrap().is_empty());
}
