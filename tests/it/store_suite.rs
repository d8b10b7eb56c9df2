//! What the store promises, one test for both databases. The PostgreSQL half runs under scripts/test.

mod groups;
mod held;
mod members;
mod posts;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU64, Ordering},
};

use hallpass::{
    domain::{
        command::{Actor, Length},
        entitlement::{Claim, Entitlement, EntitlementKey, Order, Ownership},
        policy::Platform,
        request::{Ask, AskKind, GrantId, Preview, Request, RequestId, Round, State},
        time::{Instant, Span},
        words::Words,
    },
    store::{
        ClaimWrite, Commit, CommitError, EntitlementWrite, Fence, InboxId, InboxRow, Leased, NewEntry, Received, RequestWrite, Seal, Store,
        StoreError, StoredCheckpoint, Task, TaskEnd, TaskKind, TaskWant,
    },
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::task::JoinSet;

use self::{
    groups::{a_lost_lease_does_not_harm_its_neighbours, many_rows_ride_in_one_commit},
    held::what_is_held_is_found_on_every_page_and_each_once,
    members::members_are_kept_with_who_left_and_as_whom_they_count,
    posts::{
        a_card_and_what_is_told_under_it_are_written_apart, a_lost_task_lease_ends_nothing,
        a_task_that_waits_for_its_turn_keeps_its_tries_and_is_not_hurried,
    },
};
use crate::world::{START, World};

/// Each test over a fresh SQLite file and over a fresh PostgreSQL database.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                super::$name(&super::file(&folder)).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            #[ignore = "needs PostgreSQL: scripts/test"]
            async fn $name() {
                super::$name(&super::database().await).await;
            })+
        }
    };
}

on_both![
    a_stale_request_is_refused_whole,
    fifty_updates_at_once_lose_nothing,
    a_stale_commit_does_not_harm_its_neighbours,
    many_rows_ride_in_one_commit,
    a_lost_lease_does_not_harm_its_neighbours,
    a_task_raised_during_its_lease_stays_due,
    a_task_that_waits_for_its_turn_keeps_its_tries_and_is_not_hurried,
    a_card_and_what_is_told_under_it_are_written_apart,
    a_lost_task_lease_ends_nothing,
    one_task_of_a_queue_at_a_time,
    a_stale_lease_holder_writes_nothing,
    a_dropped_entitlement_fences_its_last_holder,
    raised_while_leased_stays_due,
    dropped_only_without_claims_and_unchanged,
    urgent_entitlements_come_first,
    ledger_numbers_have_no_gaps,
    an_entry_is_sealed_once,
    checkpoints_follow_one_another,
    an_entry_that_the_audit_would_refuse_is_not_written,
    a_command_is_received_once,
    words_are_found_by_their_id,
    the_earliest_due_time_of_anything,
    opened_again_it_has_everything,
    what_a_dead_process_had_leased_is_free_at_once,
    what_is_held_is_found_on_every_page_and_each_once,
    members_are_kept_with_who_left_and_as_whom_they_count,
];

pub(crate) fn file(folder: &tempfile::TempDir) -> String {
    format!("sqlite:{}", folder.path().join("hallpass.db").display())
}

/// A fresh database on the server that scripts/test started.
pub(crate) async fn database() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let server = std::env::var("HALLPASS_TEST_POSTGRES").unwrap();
    let name = format!("suite_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut conn = PgConnection::connect(&server).await.unwrap();
    for statement in ["DROP DATABASE IF EXISTS", "CREATE DATABASE"] {
        sqlx::query(AssertSqlSafe(format!("{statement} {name}"))).execute(&mut conn).await.unwrap();
    }
    conn.close().await.unwrap();
    format!("{}/{name}", server.rsplit_once('/').unwrap().0)
}

fn at(seconds: i64) -> Instant {
    START + Span::from_seconds(seconds)
}

fn request(number: u64) -> Request {
    let ask = Ask {
        kind: AskKind::First,
        by: "ana".parse().unwrap(),
        subject: "ana".parse().unwrap(),
        resource: "prod-db".parse().unwrap(),
        role: "write".parse().unwrap(),
        length: Length::For(Span::from_minutes(60)),
        start: None,
        reason: None,
        ticket: None,
        about: None,
        direct: false,
        at: START,
        policy: "prod-data".parse().unwrap(),
        preview: Preview::default(),
    };
    let round = Round {
        ask: 0,
        opened_at: START,
        stage: 0,
        stage_since: START,
        rung: 0,
        votes: Vec::new(),
        passed_to: Vec::new(),
        looking: None,
        paused: Span::ZERO,
        reminded_at: None,
        offer: None,
    };
    Request {
        v: 1,
        id: RequestId::new(number),
        requester: "ana".parse().unwrap(),
        subject: "ana".parse().unwrap(),
        asks: vec![ask],
        state: State::Pending { round },
        opened_at: START,
        last_at: START,
        n: 1,
        alarms: Vec::new(),
    }
}

fn writes(request: &Request, expected: Option<u64>) -> Commit {
    let write = RequestWrite { request: request.clone(), expected, wake_at: None };
    Commit { requests: vec![write], ..Commit::default() }
}

fn entry(stream: &str, what: u64) -> NewEntry {
    let event = serde_json::json!({ "type": "tested", "what": what, "a": "é\u{2028}" });
    NewEntry { stream: stream.into(), at: at(0), actor: Actor::BOT, policy: "sha256:test".into(), event }
}

fn entitlement(name: &str) -> Entitlement {
    let order = Order {
        provider: "pretended".parse().unwrap(),
        target: serde_json::json!({ "name": name }),
        principal: "ana".into(),
        person: "ana".parse().unwrap(),
        inputs: BTreeMap::new(),
        grant: "G-1".into(),
        by_hand: "take it away".into(),
    };
    Entitlement::new(EntitlementKey(name.into()), Ownership::Shared, order)
}

fn entitles(write: EntitlementWrite, fence: Option<&Leased>) -> Commit {
    let fence = fence.map(|leased| Fence { key: leased.row.key.clone(), fence: leased.fence });
    Commit { entitlements: vec![write], fence, ..Commit::default() }
}

fn want(name: &str, due_at: Instant, urgent: bool) -> Commit {
    entitles(EntitlementWrite::Want { row: entitlement(name), due_at, urgent }, None)
}

fn save(leased: &Leased, due_at: Option<Instant>) -> Commit {
    let write = EntitlementWrite::Save { row: leased.row.clone(), due_at, urgent: false, seen_gen: leased.generation, release: true };
    entitles(write, Some(leased))
}

fn dropping(leased: &Leased) -> Commit {
    entitles(EntitlementWrite::Drop { key: leased.row.key.clone(), seen_gen: leased.generation, past: None }, Some(leased))
}

async fn lease(store: &Store, now: Instant, limit: u32) -> Vec<Leased> {
    store.lease_entitlements(&"pretended".parse().unwrap(), now, now + Span::from_seconds(30), limit).await.unwrap()
}

fn task(key: &str, queue: &str, due_at: Instant) -> Commit {
    let want = TaskWant { kind: TaskKind::Card, key: key.into(), queue: queue.into(), due_at };
    Commit { tasks: vec![want], ..Commit::default() }
}

async fn tasks(store: &Store, now: Instant) -> Vec<Task> {
    store.lease_tasks(now, now + Span::from_seconds(30), &[], 10).await.unwrap()
}

fn keys(tasks: &[Task]) -> BTreeSet<String> {
    tasks.iter().map(|task| task.key.clone()).collect()
}

async fn a_stale_request_is_refused_whole(url: &str) {
    let store = Store::open(url).await.unwrap();
    let mut request = request(1);
    store.commit(writes(&request, None)).await.unwrap();
    let mut again = writes(&request, None);
    again.entries.push(entry("bot", 0));
    assert_eq!(store.commit(again).await, Err(CommitError::Stale));
    request.n = 2;
    store.commit(writes(&request, Some(1))).await.unwrap();
    request.n = 3;
    let mut late = writes(&request, Some(1));
    late.entries.push(entry("bot", 1));
    late.tasks = task("late", "q", at(0)).tasks;
    late.words.push(Words::new("late", 1));
    let words = late.words[0].id.clone();
    assert_eq!(store.commit(late).await, Err(CommitError::Stale));
    assert_eq!(store.request(&request.id).await.unwrap().unwrap().n, 2);
    assert!(store.all_entries(0, 10).await.unwrap().is_empty());
    assert!(tasks(&store, at(1)).await.is_empty());
    assert!(store.texts(&[words]).await.unwrap().is_empty());
}

async fn fifty_updates_at_once_lose_nothing(url: &str) {
    let store = Store::open(url).await.unwrap();
    let id = request(1).id;
    store.commit(writes(&request(1), None)).await.unwrap();
    let mut all = JoinSet::new();
    for number in 0..50 {
        let (store, id) = (store.clone(), id.clone());
        all.spawn(async move {
            loop {
                let mut request = store.request(&id).await.unwrap().unwrap();
                let seen = request.n;
                request.n += 1;
                let mut commit = writes(&request, Some(seen));
                commit.entries.push(entry("updates", number));
                match store.commit(commit).await {
                    Ok(()) => break,
                    Err(error) => assert_eq!(error, CommitError::Stale),
                }
            }
        });
    }
    all.join_all().await;
    assert_eq!(store.request(&id).await.unwrap().unwrap().n, 51);
    assert_eq!(store.entries("updates", 0, 100).await.unwrap().len(), 50);
}

async fn a_stale_commit_does_not_harm_its_neighbours(url: &str) {
    let store = Store::open(url).await.unwrap();
    store.commit(writes(&request(7), None)).await.unwrap();
    let mut all = JoinSet::new();
    for number in 0..20 {
        let store = store.clone();
        all.spawn(async move { (number, store.commit(writes(&request(number), None)).await) });
    }
    for (number, result) in all.join_all().await {
        assert_eq!(result, if number == 7 { Err(CommitError::Stale) } else { Ok(()) }, "{number}");
        assert!(store.request(&request(number).id).await.unwrap().is_some());
    }
}

/// More rows than one statement takes, several raises of one entitlement, and one version that is not the stored one.
async fn a_task_raised_during_its_lease_stays_due(url: &str) {
    let store = Store::open(url).await.unwrap();
    store.commit(task("a", "q", at(1))).await.unwrap();
    assert!(tasks(&store, at(0)).await.is_empty());
    let first = tasks(&store, at(1)).await.remove(0);
    assert!(tasks(&store, at(1)).await.is_empty());
    store.commit(task("a", "q", at(1))).await.unwrap();
    assert!(tasks(&store, at(1)).await.is_empty());
    store.finish_task(&first, TaskEnd::Done).await.unwrap();
    let second = tasks(&store, at(1)).await.remove(0);
    assert!(second.wanted > first.wanted && second.fence > first.fence);
    let later = TaskEnd::Again { due_at: at(10), failed: true };
    store.finish_task(&second, later).await.unwrap();
    assert!(tasks(&store, at(9)).await.is_empty());
    let third = tasks(&store, at(10)).await.remove(0);
    assert_eq!((second.tries, third.tries), (0, 1));
    store.finish_task(&third, TaskEnd::Done).await.unwrap();
    assert!(tasks(&store, at(10_000)).await.is_empty());
    assert_eq!(store.next_due().await.unwrap(), None);
}

async fn one_task_of_a_queue_at_a_time(url: &str) {
    let store = Store::open(url).await.unwrap();
    for (key, queue, due) in [("a1", "a", 1), ("a0", "a", 0), ("b0", "b", 0), ("b1", "b", 0), ("c0", "c", 0)] {
        store.commit(task(key, queue, at(due))).await.unwrap();
    }
    let skipped = store.lease_tasks(at(2), at(30), &["c".into()], 10).await.unwrap();
    assert_eq!(keys(&skipped), ["a0", "b0"].map(String::from).into());
    let rest = tasks(&store, at(2)).await;
    assert_eq!(keys(&rest), ["c0"].map(String::from).into());
    for task in &skipped {
        store.finish_task(task, TaskEnd::Done).await.unwrap();
    }
    assert_eq!(keys(&tasks(&store, at(2)).await), ["a1", "b1"].map(String::from).into());
}

/// What a killed process leaves: leases that run on. The one that lives keeps its own.
async fn what_a_dead_process_had_leased_is_free_at_once(url: &str) {
    let store = Store::open(url).await.unwrap();
    store.commit(want("e", at(0), false)).await.unwrap();
    store.commit(task("a", "q", at(0))).await.unwrap();
    let (lost, left) = (lease(&store, at(0), 10).await.remove(0), tasks(&store, at(0)).await.remove(0));
    if url.starts_with("postgres") {
        let other = Store::open(url).await.unwrap();
        assert_eq!(other.release_dead().await.unwrap(), 0, "the first one lives");
        assert!(lease(&other, at(1), 10).await.is_empty() && tasks(&other, at(1)).await.is_empty());
    }
    drop(store);
    let next = Store::open(url).await.unwrap();
    let mut held = lease(&next, at(1), 10).await;
    while held.is_empty() && url.starts_with("postgres") {
        // The server notices the end of a session in its own time.
        next.release_dead().await.unwrap();
        held = lease(&next, at(1), 10).await;
    }
    assert!(held.remove(0).fence > lost.fence);
    assert_eq!(tasks(&next, at(1)).await.len(), 1);
    assert_eq!(next.commit(save(&lost, None)).await, Err(CommitError::Fenced));
    assert_eq!(next.finish_task(&left, TaskEnd::Done).await, Err(CommitError::Fenced));
}

async fn a_stale_lease_holder_writes_nothing(url: &str) {
    let store = Store::open(url).await.unwrap();
    store.commit(want("e", at(0), false)).await.unwrap();
    let lost = lease(&store, at(0), 10).await.remove(0);
    let held = lease(&store, at(30), 10).await.remove(0);
    assert!(held.fence > lost.fence);
    let raise = EntitlementWrite::Raise { key: lost.row.key.clone(), due_at: at(0), urgent: true };
    let unknown = EntitlementWrite::Drop { key: EntitlementKey("no such".into()), seen_gen: 1, past: None };
    for mut commit in [save(&lost, None), dropping(&lost), entitles(raise, Some(&lost)), entitles(unknown, Some(&lost))] {
        let shown = format!("{:?}", commit.entitlements);
        let request = request(1);
        commit.requests = writes(&request, None).requests;
        commit.entries.push(entry("bot", 0));
        commit.tasks = task("t", "q", at(0)).tasks;
        commit.claims.push(ClaimWrite::Put(claim("e", 1)));
        commit.now = Some(at(5));
        assert_eq!(store.commit(commit).await, Err(CommitError::Fenced), "{shown}");
        assert!(store.request(&request.id).await.unwrap().is_none());
        assert!(store.all_entries(0, 10).await.unwrap().is_empty());
        assert!(tasks(&store, at(30)).await.is_empty());
        assert!(store.claims(&[EntitlementKey("e".into())]).await.unwrap().is_empty());
        assert_eq!(store.highest_now().await.unwrap(), None);
        assert!(store.entitlement(&lost.row.key).await.unwrap().is_some());
        assert!(lease(&store, at(31), 10).await.is_empty());
    }
    store.commit(save(&held, None)).await.unwrap();
    assert!(lease(&store, at(100), 10).await.is_empty());
}

async fn a_dropped_entitlement_fences_its_last_holder(url: &str) {
    let store = Store::open(url).await.unwrap();
    store.commit(want("e", at(0), false)).await.unwrap();
    let lost = lease(&store, at(0), 10).await.remove(0);
    let held = lease(&store, at(30), 10).await.remove(0);
    store.commit(dropping(&held)).await.unwrap();
    assert!(store.entitlement(&held.row.key).await.unwrap().is_none());
    for mut commit in [save(&lost, None), dropping(&lost)] {
        commit.entries.push(entry("bot", 0));
        assert_eq!(store.commit(commit).await, Err(CommitError::Fenced));
        assert!(store.all_entries(0, 10).await.unwrap().is_empty());
    }
}

fn claim(name: &str, number: u128) -> Claim {
    Claim {
        entitlement: EntitlementKey(name.into()),
        request: request(1).id,
        grant: GrantId::new(number),
        wanted: true,
        until: Some(at(60)),
        extend_to: None,
        latest: at(90),
        give_up_at: at(30),
        duration: Span::from_minutes(1),
    }
}

async fn raised_while_leased_stays_due(url: &str) {
    let store = Store::open(url).await.unwrap();
    store.commit(want("e", at(0), false)).await.unwrap();
    let leased = lease(&store, at(0), 10).await.remove(0);
    let raise = EntitlementWrite::Raise { key: leased.row.key.clone(), due_at: at(1), urgent: true };
    store.commit(entitles(raise, None)).await.unwrap();
    assert!(lease(&store, at(2), 10).await.is_empty());
    store.commit(save(&leased, None)).await.unwrap();
    assert_eq!(store.due_providers(at(2)).await.unwrap().len(), 1);
    let again = lease(&store, at(2), 10).await.remove(0);
    assert!(again.generation > leased.generation);
    store.commit(save(&again, Some(at(50)))).await.unwrap();
    assert!(lease(&store, at(49), 10).await.is_empty());
    assert_eq!(store.next_due().await.unwrap(), Some(at(50)));
}

async fn dropped_only_without_claims_and_unchanged(url: &str) {
    let store = Store::open(url).await.unwrap();
    let mut first = want("e", at(0), false);
    first.claims.push(ClaimWrite::Put(claim("e", 1)));
    store.commit(first).await.unwrap();
    let claimed = lease(&store, at(0), 10).await.remove(0);
    store.commit(dropping(&claimed)).await.unwrap();
    assert!(store.entitlement(&claimed.row.key).await.unwrap().is_some());
    let released = lease(&store, at(0), 10).await.remove(0);
    let remove = ClaimWrite::Remove { entitlement: released.row.key.clone(), grant: GrantId::new(1) };
    store.commit(Commit { claims: vec![remove], ..Commit::default() }).await.unwrap();
    store.commit(want("e", at(0), false)).await.unwrap();
    store.commit(dropping(&released)).await.unwrap();
    assert!(store.entitlement(&released.row.key).await.unwrap().is_some());
    let last = lease(&store, at(0), 10).await.remove(0);
    store.commit(dropping(&last)).await.unwrap();
    assert!(store.entitlement(&last.row.key).await.unwrap().is_none());
    assert_eq!(store.next_due().await.unwrap(), None);
}

async fn urgent_entitlements_come_first(url: &str) {
    let store = Store::open(url).await.unwrap();
    for (name, due, urgent) in [("soon", 1, false), ("end-late", 3, true), ("late", 2, false), ("end", 2, true)] {
        store.commit(want(name, at(due), urgent)).await.unwrap();
    }
    let mut order = Vec::new();
    for limit in [1, 2, 10] {
        order.extend(lease(&store, at(5), limit).await.into_iter().map(|leased| leased.row.key.0));
    }
    assert_eq!(order, ["end", "end-late", "soon", "late"]);
}

async fn ledger_numbers_have_no_gaps(url: &str) {
    let store = Store::open(url).await.unwrap();
    let mut all = JoinSet::new();
    for number in 0..60 {
        let store = store.clone();
        all.spawn(async move {
            let stream = format!("stream/{}", number % 3);
            let mut commit = Commit { entries: vec![entry(&stream, number), entry(&stream, number)], ..Commit::default() };
            if number % 5 == 0 {
                commit.fence = Some(Fence { key: EntitlementKey("none".into()), fence: 1 });
            }
            store.commit(commit).await
        });
    }
    let refused = all.join_all().await.into_iter().filter(|result| *result == Err(CommitError::Fenced)).count();
    assert_eq!(refused, 12);
    for stream in ["stream/0", "stream/1", "stream/2"] {
        let entries = store.entries(stream, 0, 1000).await.unwrap();
        assert_eq!(entries.iter().map(|entry| entry.n).collect::<Vec<_>>(), (0..32).collect::<Vec<_>>());
        for entry in entries {
            let value: serde_json::Value = serde_json::from_slice(&entry.bytes).unwrap();
            assert_eq!(serde_json_canonicalizer::to_vec(&value).unwrap(), entry.bytes);
            assert_eq!((value["stream"].as_str(), value["n"].as_u64()), (Some(stream), Some(entry.n)));
        }
    }
    let ids: BTreeSet<i64> = store.all_entries(0, 1000).await.unwrap().iter().map(|entry| entry.id).collect();
    assert_eq!(ids.len(), 96);
}

async fn an_entry_is_sealed_once(url: &str) {
    let store = Store::open(url).await.unwrap();
    store.commit(Commit { entries: vec![entry("bot", 0), entry("bot", 1)], ..Commit::default() }).await.unwrap();
    let open = store.unsealed(10).await.unwrap();
    assert_eq!(open.iter().map(|entry| entry.n).collect::<Vec<_>>(), [0, 1]);
    let seal = |index: u64, entry: i64| Seal { index, entry, leaf: [7; 32] };
    store.seal(vec![seal(0, open[0].id)]).await.unwrap();
    for wrong in [vec![seal(0, open[1].id)], vec![seal(1, open[1].id), seal(0, open[0].id)], vec![seal(2, open[1].id)]] {
        assert_eq!(store.seal(wrong).await, Err(CommitError::Stale));
    }
    assert_eq!(store.unsealed(10).await.unwrap(), open[1..]);
    assert_eq!(store.sealed().await.unwrap(), (1, 0));
    store.seal(vec![seal(1, open[1].id)]).await.unwrap();
    assert!(store.unsealed(10).await.unwrap().is_empty());
    assert_eq!(store.seals(0, 10).await.unwrap(), [seal(0, open[0].id), seal(1, open[1].id)]);
}

async fn checkpoints_follow_one_another(url: &str) {
    let store = Store::open(url).await.unwrap();
    let head = |size: u64, previous: u64| StoredCheckpoint { size, root: [9; 32], note: "a note\n".into(), at: at(0), previous };
    assert_eq!(store.last_checkpoint().await.unwrap(), None);
    store.sign(head(3, 0)).await.unwrap();
    for wrong in [head(3, 3), head(2, 0), head(5, 0), head(0, 3), head(2, 3)] {
        assert_eq!(store.sign(wrong).await, Err(CommitError::Stale));
    }
    store.sign(head(7, 3)).await.unwrap();
    assert_eq!(store.last_checkpoint().await.unwrap(), Some(head(7, 3)));
    assert_eq!(store.checkpoints().await.unwrap(), [head(3, 0), head(7, 3)]);
    assert_eq!(head(7, 3).root_text(), "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=");
}

async fn an_entry_that_the_audit_would_refuse_is_not_written(url: &str) {
    let store = Store::open(url).await.unwrap();
    let event = |value: serde_json::Value| NewEntry { event: value, ..entry("bot", 0) };
    let long = event(serde_json::json!({ "type": "tested", "text": "x".repeat(64 * 1024) }));
    let large = event(serde_json::json!({ "type": "tested", "number": 1_u64 << 53 }));
    for wrong in [long, large] {
        let mut commit = task("t", "q", at(0));
        commit.entries = vec![entry("bot", 1), wrong];
        let neighbour = Commit { entries: vec![entry("neighbour", 1)], ..Commit::default() };
        let (refused, kept) = tokio::join!(store.commit(commit), store.commit(neighbour));
        assert!(matches!(refused, Err(CommitError::Refused(_))), "{refused:?}");
        assert_eq!(kept, Ok(()));
        assert!(store.entries("bot", 0, 10).await.unwrap().is_empty());
        assert!(tasks(&store, at(1)).await.is_empty());
    }
    assert_eq!(store.entries("neighbour", 0, 10).await.unwrap().len(), 2);
}

fn received(interaction: &str) -> InboxRow {
    InboxRow { id: InboxId { platform: Platform::Console, interaction: interaction.into() }, at: at(0), body: "{}".into() }
}

async fn a_command_is_received_once(url: &str) {
    let store = Store::open(url).await.unwrap();
    let mut all = JoinSet::new();
    for _ in 0..10 {
        let store = store.clone();
        all.spawn(async move { store.receive(received("i")).await.unwrap() });
    }
    let new = all.join_all().await.into_iter().filter(|answer| *answer == Received::New).count();
    assert_eq!(new, 1);
    assert_eq!(store.inbox_open(10).await.unwrap(), [received("i")]);
    let done = Commit { inbox_done: Some(received("i").id), ..Commit::default() };
    store.commit(done.clone()).await.unwrap();
    assert_eq!(store.commit(done).await, Err(CommitError::Stale));
    assert!(store.inbox_open(10).await.unwrap().is_empty());
    assert_eq!(store.receive(received("i")).await.unwrap(), Received::Duplicate);
    assert!(store.inbox_open(10).await.unwrap().is_empty());
    assert_eq!(store.inbox_row(&received("i").id).await.unwrap(), Some(received("i")), "what is handled can still be read");
    assert_eq!(store.inbox_row(&received("j").id).await.unwrap(), None);
}

async fn words_are_found_by_their_id(url: &str) {
    let store = Store::open(url).await.unwrap();
    let words = [Words::new("it's \"mine\"; -- \u{1F511}", 1), Words::new("", 2)];
    for _ in 0..2 {
        store.commit(Commit { words: words.to_vec(), ..Commit::default() }).await.unwrap();
    }
    let unknown = Words::new("never said", 3).id;
    let texts = store.texts(&[words[0].id.clone(), unknown, words[1].id.clone()]).await.unwrap();
    assert_eq!(texts, words.map(|words| (words.id, words.text)).into());
}

async fn the_earliest_due_time_of_anything(url: &str) {
    let store = Store::open(url).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), None);
    store.commit(task("t", "q", at(30))).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(30)));
    store.commit(want("e", at(20), false)).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(20)));
    let mut commit = writes(&request(1), None);
    commit.requests[0].wake_at = Some(at(10));
    store.commit(commit).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(10)));
    assert!(store.due_requests(at(9), 10).await.unwrap().is_empty());
    assert_eq!(store.due_requests(at(10), 10).await.unwrap(), [request(1).id]);
}

async fn opened_again_it_has_everything(url: &str) {
    let store = Store::open(url).await.unwrap();
    let words = Words::new("kept", 1);
    let mut commit = writes(&request(1), None);
    commit.entitlements = want("e", at(0), false).entitlements;
    commit.claims.push(ClaimWrite::Put(claim("e", 1)));
    commit.tasks = task("t", "q", at(0)).tasks;
    commit.words.push(words.clone());
    commit.entries = vec![entry("bot", 0)];
    commit.now = Some(at(5));
    store.commit(commit).await.unwrap();
    store.receive(received("i")).await.unwrap();
    let entries = store.all_entries(0, 10).await.unwrap();
    drop(store);
    let store = Store::open(url).await.unwrap();
    assert_eq!(store.request(&request(1).id).await.unwrap(), Some(request(1)));
    assert_eq!(store.claims(&[EntitlementKey("e".into())]).await.unwrap(), [claim("e", 1)]);
    assert_eq!(lease(&store, at(0), 10).await.remove(0).row, entitlement("e"));
    assert_eq!(tasks(&store, at(0)).await.len(), 1);
    assert_eq!(store.texts(std::slice::from_ref(&words.id)).await.unwrap(), [(words.id, words.text)].into());
    assert_eq!(store.inbox_open(10).await.unwrap(), [received("i")]);
    assert_eq!(store.highest_now().await.unwrap(), Some(at(5)));
    assert_eq!(store.all_entries(0, 10).await.unwrap(), entries);
    store.commit(Commit { entries: vec![entry("bot", 1)], ..Commit::default() }).await.unwrap();
    let all = store.entries("bot", 0, 10).await.unwrap();
    assert_eq!(all.iter().map(|entry| entry.n).collect::<Vec<_>>(), [0, 1]);
    assert!(all[1].id > all[0].id);
}

#[tokio::test]
async fn a_second_process_is_locked_out() {
    let folder = tempfile::tempdir().unwrap();
    let url = file(&folder);
    let store = Store::open(&url).await.unwrap();
    assert!(matches!(Store::open(&url).await, Err(StoreError::Locked(_))));
    drop(store);
    Store::open(&url).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn two_replicas_lease_disjoint_rows() {
    let url = database().await;
    let stores = [Store::open(&url).await.unwrap(), Store::open(&url).await.unwrap()];
    for number in 0..40 {
        stores[0].commit(want(&format!("e{number}"), at(0), number % 2 == 0)).await.unwrap();
        stores[1].commit(task(&format!("t{number}"), &format!("q{number}"), at(0))).await.unwrap();
    }
    let mut entitled = Vec::new();
    let mut tasked = Vec::new();
    for _ in 0..20 {
        let (a, b) = tokio::join!(lease(&stores[0], at(1), 5), lease(&stores[1], at(1), 5));
        assert!(a.len() <= 5 && b.len() <= 5);
        entitled.extend(a.into_iter().chain(b).map(|leased| leased.row.key.0));
        let (a, b) = tokio::join!(tasks(&stores[0], at(1)), tasks(&stores[1], at(1)));
        assert!(a.len() <= 10 && b.len() <= 10);
        tasked.extend(a.into_iter().chain(b).map(|task| task.key));
    }
    for all in [entitled, tasked] {
        assert_eq!(all.len(), 40, "{all:?}");
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 40, "{all:?}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn two_replicas_approve_at_once_and_it_counts_once() {
    let url = database().await;
    let one = World::on(&url, Ownership::Shared).await;
    let two = one.replica(Store::open(&url).await.unwrap()).await;
    for _ in 0..20 {
        one.say("ana", "/jit request prod-db write 1h Unblock the stuck import").await;
        let id = one.newest().await;
        tokio::join!(one.press("ben", "approve", &id, None), two.press("ben", "approve", &id, None));
        assert!(one.holds("ana", "write"));
        assert!(matches!(one.state(&id).await.state, State::Active { .. }), "{:?}", one.state(&id).await);
        let entries = one.store.entries(&format!("request/{id}"), 0, 1000).await.unwrap();
        let count = |kind: &str| {
            let is = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap()["event"]["type"] == kind;
            entries.iter().filter(|entry| is(&entry.bytes)).count()
        };
        assert_eq!((count("approved"), count("granting"), count("working")), (1, 1, 1));
        one.press("ana", "return", &id, None).await;
        assert!(!one.holds("ana", "write"));
        one.advance(Span::from_minutes(1)).await;
    }
}
