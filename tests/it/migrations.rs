//! Migrations meet real rows: each is applied, in order, over rows that the schema before it wrote, on both databases, and
//! then everything is read. The rows are those of `life`, exported when that schema was the newest.
//!
//! A migration that adds a table, or a column that old rows cannot have, needs `tests/fixtures/rows/NUMBER.sql` with rows of
//! its own: run this file's tests with HALLPASS_EXPORT=FOLDER and take what is new from there.

mod life;

use std::{borrow::Cow, collections::BTreeSet, path::Path};

use hallpass::{
    domain::{
        entitlement::EntitlementKey,
        policy::Platform,
        request::{Request, State},
        time::Instant,
    },
    ledger::{
        key::Key,
        verify::{
            onward::{Onward, Step},
            verify,
        },
    },
    store::{Filter, Store},
};
use sqlx::migrate::Migrator;

use self::life::{Life, ORIGIN, SEED};
use crate::{
    ledger::{on_both, raw::Raw},
    store_suite::file,
};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

on_both![each_migration_is_applied_over_rows_of_its_time, what_a_life_leaves_is_exported_and_read_back];

fn fixture(version: i64) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/rows/{version:04}.sql"));
    path.exists().then(|| std::fs::read_to_string(path).unwrap())
}

/// The tables as this version left them.
async fn migrate(raw: &mut Raw, version: i64) {
    let migrations = MIGRATIONS.migrations.iter().filter(|migration| migration.version <= version).cloned().collect();
    let migrator = Migrator { migrations: Cow::Owned(migrations), ..Migrator::DEFAULT };
    match raw {
        Raw::Sqlite(conn) => migrator.run_direct(None, conn, false).await.unwrap(),
        Raw::Postgres(conn) => migrator.run_direct(None, conn, false).await.unwrap(),
    }
}

async fn each_migration_is_applied_over_rows_of_its_time(url: &str) {
    let mut raw = Raw::open(url).await;
    assert!(fixture(1).is_some(), "there must be rows of the first schema");
    for migration in MIGRATIONS.iter() {
        migrate(&mut raw, migration.version).await;
        if let Some(rows) = fixture(migration.version) {
            raw.run(&rows).await;
        }
    }
    for table in raw.tables().await {
        let count = raw.pairs(&format!("SELECT COUNT(*), '' FROM {table}")).await[0].0;
        assert!(count > 0, "no rows of any time were in {table}: add some to tests/fixtures/rows");
    }
    drop(raw);
    everything_is_read(url).await;
}

async fn what_a_life_leaves_is_exported_and_read_back(url: &str) {
    let folder = tempfile::tempdir().unwrap();
    let lived = Life::lived(&file(&folder)).await;
    let newest = MIGRATIONS.iter().last().unwrap().version;
    let rows = Raw::open(&file(&folder)).await.export().await;
    if let Ok(to) = std::env::var("HALLPASS_EXPORT") {
        std::fs::write(Path::new(&to).join(format!("{newest:04}.sql")), &rows).unwrap();
        lived.write_documents(Path::new(&to));
    }
    let mut raw = Raw::open(url).await;
    if url != file(&folder) {
        migrate(&mut raw, newest).await;
        // A fresh schema says of itself that there is nothing older in it.
        raw.run("DELETE FROM marks").await;
        raw.run(&rows).await;
    }
    drop(raw);
    everything_is_read(url).await;
}

/// Everything that a store reads is read, and means something.
async fn everything_is_read(url: &str) {
    let mut raw = Raw::open(url).await;
    let count = |rows: Vec<(i64, String)>| usize::try_from(rows[0].0).unwrap();
    let requests = count(raw.pairs("SELECT COUNT(*), '' FROM requests").await);
    let entitlements: Vec<String> = raw.pairs("SELECT fence, id FROM entitlements").await.into_iter().map(|(_, id)| id).collect();
    let claimed: BTreeSet<String> = raw.pairs("SELECT latest, entitlement FROM claims").await.into_iter().map(|(_, id)| id).collect();
    let people = raw.pairs("SELECT at, person FROM inputs").await;
    let ids: Vec<String> = raw.pairs("SELECT CAST(0 AS BIGINT), id FROM words").await.into_iter().map(|(_, id)| id).collect();
    let checkpoints = count(raw.pairs("SELECT COUNT(*), '' FROM checkpoints").await);
    let opened = count(raw.pairs("SELECT COUNT(*), '' FROM inbox WHERE open").await);
    let alarms = raw.pairs("SELECT raised_at, id FROM alarms").await;
    let joined = count(raw.pairs("SELECT COUNT(*), '' FROM links WHERE ended_at IS NULL").await);
    let codes = raw.pairs("SELECT n, person FROM link_codes").await;
    let members = raw.pairs("SELECT since, name FROM members WHERE platform = 'slack' ORDER BY account").await;
    let tries = raw.pairs("SELECT n, platform || ' ' || account FROM link_tries").await;
    let drift = raw.pairs("SELECT first_seen, id FROM drift").await;
    let looks = raw.pairs("SELECT n, name FROM looks").await;
    let samples = raw.pairs("SELECT longest, entitlement FROM samples").await;
    drop(raw);

    let store = Store::open(url).await.unwrap();
    let all = store.requests(&Filter { limit: u32::MAX, ..Filter::default() }).await.unwrap();
    assert_eq!(all.len(), requests);
    let mut posts = 0;
    for request in &all {
        assert_eq!(store.request(&request.id).await.unwrap().as_ref(), Some(request));
        posts += store.posts(&request.id).await.unwrap().len();
        let texts = store.texts(&hallpass::domain::words::of(request)).await.unwrap();
        assert!(!texts.is_empty(), "{}: every ask has a reason", request.id);
    }
    assert!(posts > requests);
    for id in &entitlements {
        let key = EntitlementKey(id.clone());
        assert_eq!(store.entitlement(&key).await.unwrap().map(|row| row.key), Some(key.clone()));
        assert_eq!(!store.claims(&[key]).await.unwrap().is_empty(), claimed.contains(id));
    }
    for (_, person) in people {
        assert!(!store.inputs(&person.parse().unwrap()).await.unwrap().is_empty());
    }
    let texts = store.texts(&ids.iter().cloned().map(hallpass::domain::words::WordId::from_stored).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(texts.len(), ids.len());
    for (_, id) in &alarms {
        assert!(store.alarm(id).await.unwrap().is_some());
    }
    assert!(!store.open_alarms().await.unwrap().is_empty());
    let links = store.links().await.unwrap();
    assert_eq!(links.len(), joined);
    for link in links {
        assert_eq!(store.link_at(link.platform, &link.account).await.unwrap().map(|found| found.person), Some(link.person));
    }
    for (_, person) in codes {
        assert!(store.code_of(&person.parse().unwrap()).await.unwrap().is_some());
    }
    let roster = store.members([Platform::Slack]).await.unwrap().remove(&Platform::Slack).unwrap();
    let names: Vec<String> = roster.into_values().map(|known| known.member.name).collect();
    assert_eq!(names, members.into_iter().map(|(_, name)| name).collect::<Vec<_>>());
    for (n, account) in tries {
        let (platform, account) = account.split_once(' ').unwrap();
        let found = store.link_tries(Platform::named(platform).unwrap(), account).await.unwrap();
        assert_eq!(found.map(|(_, n)| n), u64::try_from(n).ok());
    }
    let early = Instant::from_micros(0);
    assert_eq!(store.drift(early).await.unwrap().len(), drift.len());
    let open = store.drifting().await.unwrap();
    assert_eq!(open.is_empty(), drift.is_empty());
    for provider in open {
        assert!(!store.tracked(&provider).await.unwrap().is_empty());
    }
    for (n, name) in looks {
        assert_eq!(store.look(&name).await.unwrap().map(|look| look.n), Some(n));
    }
    for (_, entitlement) in samples {
        assert!(store.sampled(&EntitlementKey(entitlement), early).await.unwrap().is_some_and(|seen| !seen.sessions.is_empty()));
    }
    history_is_whole(&store, &all).await;
    let inbox = store.inbox_open(10).await.unwrap();
    assert_eq!(inbox.len(), opened);
    for row in &inbox {
        let incoming = hallpass::bot::Incoming::from_stored(&row.body).unwrap();
        assert_eq!((incoming.platform, incoming.interaction), (Platform::Console, row.id.interaction.clone()));
    }
    assert!(store.highest_now().await.unwrap().is_some());
    let late = Instant::from_micros(i64::MAX);
    assert!(!store.lease_entitlements(&"pretended".parse().unwrap(), late, late, 100).await.unwrap().is_empty());
    let folder = tempfile::tempdir().unwrap();
    let key = Key::open(&folder.path().join("key"), || SEED).unwrap().signing.verifying_key();
    let signing = Key::open(&folder.path().join("key"), || SEED).unwrap().signing;
    let onward = Onward::new(store.clone(), signing, ORIGIN.into());
    assert_eq!(onward.step(late).await.unwrap(), Step::UpToDate, "whatever was remembered of it");
    let report = verify(&store, ORIGIN, &key, None).await.unwrap();
    assert!(report.findings.is_empty(), "{report}");
    assert_eq!(store.checkpoints().await.unwrap().len(), checkpoints);
    assert!(report.sealed > 50 && report.waiting > 0 && checkpoints > 1, "{report}");
}

/// Whatever was ever given is found in the middle of its time, and everything that closed is counted once.
async fn history_is_whole(store: &Store, all: &[Request]) {
    let (mut given, mut closed) = (0, 0);
    for request in all {
        let State::Closed { held, .. } = &request.state else { continue };
        closed += 1;
        let Some(held) = held.as_ref().filter(|held| held.gone_at.is_none_or(|gone| gone > held.grant.decided_at)) else { continue };
        let then = store.held_at(&held.grant.resource, held.grant.decided_at).await.unwrap();
        assert!(then.grants.iter().any(|grant| grant.request == request.id), "{}", request.id);
        given += 1;
    }
    let (from, to) = (Instant::from_micros(0), Instant::from_micros(i64::MAX));
    let stats = store.stats(None, from, to).await.unwrap();
    assert_eq!((stats.day.asked, stats.day.closed()), (u64::try_from(all.len()).unwrap(), closed));
    assert!(given > 3 && stats.day.decided > 3 && stats.median_held.is_some());
}
