//! What is held at providers, read a page of claims at a time.

use super::*;

pub(super) async fn what_is_held_is_found_on_every_page_and_each_once(url: &str) {
    let store = Store::open(url).await.unwrap();
    assert!(store.held().await.unwrap().is_empty());
    // Two whole pages and a claim, so that a page ends with the last of an entitlement and within one; the odd ones stand at
    // the ends of what is read.
    let mut commit = Commit::default();
    for number in 0..2_001_u64 {
        let mut request = request(number);
        let name = match number {
            0 => "a-first",
            2_000 => "z-last",
            number => ["e-one", "e-two"][usize::from(number > 999)],
        };
        if number == 0 {
            request.asks[0].role = "read".parse().unwrap();
        }
        if number == 2_000 {
            request.asks[0].resource = "gate".parse().unwrap();
        }
        let held = Claim { request: request.id.clone(), ..claim(name, u128::from(number)) };
        commit.claims.push(ClaimWrite::Put(held));
        commit.requests.extend(writes(&request, None).requests);
    }
    for name in ["a-first", "e-one", "e-two", "z-last", "held by nobody"] {
        commit.entitlements.extend(want(name, at(0), false).entitlements);
    }
    store.commit(commit).await.unwrap();
    let held = store.held().await.unwrap();
    let shown: Vec<String> = held.keys().map(|held| format!("{} {} {}", held.provider, held.resource, held.role)).collect();
    let provider = &entitlement("any").order.provider;
    assert_eq!(shown, [format!("{provider} gate write"), format!("{provider} prod-db read"), format!("{provider} prod-db write")]);
    let holders: Vec<&RequestId> = held.values().collect();
    assert_eq!((holders[0], holders[1]), (&request(2_000).id, &request(0).id));
    assert!((1..2_000).any(|number| *holders[2] == request(number).id));
}
