//! A digest that was made is posted once at each place: over crashes, lost answers, a chat that is away for hours, a message that
//! somebody deletes, and two processes at the same time.

use hallpass::{
    chat::words::thousands,
    domain::{
        digest::{Before, Made},
        policy::Platform,
        time::Span,
    },
    store::{Commit, CommitError, DigestWrite, Store},
};

use super::{
    PLACE, company, put,
    sample::{enormous, made, ordinary},
};
use crate::{
    store_suite::{database, file},
    world::World,
};

const SOON: Span = Span::from_seconds(3);
const FIRST: &str = "Access digest · Tuesday 24 Nov 2026";

fn count(text: &str, what: &str) -> usize {
    text.matches(what).count()
}

/// The bot dies, and another one starts over the same store and chat.
async fn restarted(world: World, url: &str) -> World {
    let world = world.without_store().await.by(Store::open(url).await.unwrap(), company()).await;
    world.advance(SOON).await;
    world
}

async fn world(url: &str) -> World {
    World::by(url, company()).await
}

async fn began(world: &World) {
    let digests = vec![DigestWrite::Began { at: super::sample::TO - Span::from_seconds(86_400) }];
    world.store.commit(Commit { digests, ..Commit::default() }).await.unwrap();
}

#[tokio::test]
async fn what_was_sent_without_an_answer_stands_once_after_every_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(&file(&folder)).await;
    world.console.set_forgetful(true);
    world.console.set_lossy(true);
    began(&world).await;
    put(&world.store, &enormous(), Platform::Console, PLACE).await;
    world.advance(SOON).await;
    assert_eq!(count(&world.console.channel(PLACE), FIRST), 1, "it arrived, and nobody knows");
    for _ in 0..3 {
        world = restarted(world, &file(&folder)).await;
        assert_eq!(world.console.cards(PLACE).len(), 1);
    }
    world.console.set_lossy(false);
    world = restarted(world, &file(&folder)).await;
    // What was tried in vain waits a little longer each time.
    world.advance(Span::from_minutes(2)).await;
    let told = world.console.channel(PLACE);
    let pages = super::shown::shown(Platform::Console, &enormous(), (0, 0)).await.len();
    assert!(pages > 3 && pages <= 20, "{pages}");
    for n in 2..=pages {
        assert_eq!(count(&told, &format!("{FIRST} · continued ({n})")), 1, "message {n} of {pages}");
    }
    let post = world.store.digest_post(1, Platform::Console, PLACE).await.unwrap();
    assert_eq!((post.messages, post.sending), (pages, None));
    world = restarted(world, &file(&folder)).await;
    assert_eq!(world.console.channel(PLACE), told);
}

#[tokio::test]
async fn a_chat_that_is_away_for_hours_gets_it_when_it_is_back_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(&file(&folder)).await;
    world.console.set_down(true);
    began(&world).await;
    put(&world.store, &made(1, ordinary()), Platform::Console, PLACE).await;
    for _ in 0..30 {
        world.advance(Span::from_minutes(10)).await;
    }
    assert_eq!(count(&world.console.channel(PLACE), FIRST), 0);
    world.console.set_down(false);
    for _ in 0..3 {
        world.advance(Span::from_minutes(10)).await;
    }
    assert_eq!(count(&world.console.channel(PLACE), FIRST), 1);
}

#[tokio::test]
async fn a_channel_that_refuses_is_an_alarm_and_gets_it_when_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(&file(&folder)).await;
    world.console.set_refused(PLACE, Some("channel_not_found"));
    began(&world).await;
    put(&world.store, &made(1, ordinary()), Platform::Console, PLACE).await;
    world.advance(SOON).await;
    let alarm = world.store.open_alarms().await.unwrap().into_iter().find(|alarm| alarm.id == format!("chat/console/{PLACE}"));
    assert!(alarm.is_some_and(|alarm| alarm.what.contains("channel_not_found")));
    world.console.set_refused(PLACE, None);
    world.advance(Span::from_minutes(11)).await;
    assert_eq!(count(&world.console.channel(PLACE), FIRST), 1);
    assert_eq!(world.store.open_alarms().await.unwrap().len(), 0);
}

#[tokio::test]
async fn the_rest_of_one_that_somebody_deleted_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(&file(&folder)).await;
    let clock = world.clock.clone();
    world.console.set_pace(Span::from_seconds(10), Box::new(move || hallpass::clock::Clock::now(&*clock)));
    began(&world).await;
    put(&world.store, &enormous(), Platform::Console, PLACE).await;
    world.advance(SOON).await;
    let first = world.console.cards(PLACE).pop().unwrap();
    world.console.delete(&first);
    for _ in 0..5 {
        world.advance(Span::from_seconds(10)).await;
    }
    assert_eq!(world.console.channel(PLACE), "");
    assert_eq!(world.store.next_due().await.unwrap(), None, "nothing of it is left to be done");
}

#[tokio::test]
async fn names_that_change_between_two_messages_cost_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(&file(&folder)).await;
    let clock = world.clock.clone();
    world.console.set_pace(Span::from_seconds(10), Box::new(move || hallpass::clock::Clock::now(&*clock)));
    began(&world).await;
    put(&world.store, &enormous(), Platform::Console, PLACE).await;
    world.advance(SOON).await;
    let mut rules = company();
    rules.people.get_mut(&"finn".parse().unwrap()).unwrap().name = "Finn Ward of the other office".into();
    world.bot.reload(rules, (*world.bot.providers()).clone()).await.unwrap();
    for n in 0..25 {
        world.advance(Span::from_seconds(10)).await;
        // Once more when it tells of another kind already.
        if n == 11 {
            assert!(world.console.channel(PLACE).contains("more: still open"));
            let mut rules = company();
            for (id, person) in &mut rules.people {
                person.name = format!("{id} who bears a much longer name by now");
            }
            world.bot.reload(rules, (*world.bot.providers()).clone()).await.unwrap();
        }
    }
    let told = world.console.channel(PLACE);
    let ids = |text: &str| text.lines().filter_map(|line| Some(line.split('→').nth(1)?.trim().to_owned())).collect::<Vec<_>>();
    let whole: Vec<String> =
        super::shown::shown(Platform::Console, &enormous(), (0, 0)).await.iter().flat_map(|page| ids(&page.1)).collect();
    assert_eq!(ids(&told), whole, "each line of each kind once");
    let shown: Vec<&str> = told.lines().filter_map(|line| line.split("STILL OPEN: ").nth(1)?.split('→').nth(1)).collect();
    let all: Vec<String> = enormous().digest.exceptions.iter().take(shown.len()).map(|e| format!(" {}", e.requests()[0])).collect();
    let first = shown.iter().zip(&all).position(|(shown, all)| shown != all);
    assert!(shown.len() > 400 && first.is_none(), "each line once and in its order: {first:?} of {}\n{told}", shown.len());
    let rest = format!("And {} more: still open", thousands(5_000 - u64::try_from(shown.len()).unwrap()));
    assert!(told.contains(&rest), "{rest}");
    assert!(told.contains("Finn Ward has") && told.contains("Finn Ward of the other office has"));
}

/// Only one of those that make the same digest makes it, with its tasks.
async fn the_second_to_make_a_digest_is_stale_and_writes_nothing(url: &str) {
    let world = world(url).await;
    began(&world).await;
    began(&world).await;
    let (first, second) = (made(1, ordinary()), Made { zone: "Europe/Berlin".into(), ..made(1, ordinary()) });
    put(&world.store, &first, Platform::Console, PLACE).await;
    let again = Commit { digests: vec![DigestWrite::Made(Box::new(second))], ..Commit::default() };
    assert_eq!(world.store.commit(again).await, Err(CommitError::Stale));
    assert_eq!(world.store.digest(1).await.unwrap(), Some(first.clone()));
    let (to, day) = (first.digest.window.to, Span::from_seconds(86_400));
    assert_eq!(world.store.last_digest().await.unwrap(), Some((1, Before::Digest { to })));
    assert_eq!(world.store.digests_ending(to, to + day).await.unwrap(), [first]);
    assert_eq!(world.store.digests_ending(to - day, to).await.unwrap(), []);
    assert_eq!(world.store.digest(2).await.unwrap(), None);
}

async fn two_processes_post_it_once(url: &str) {
    let world = world(url).await;
    let other = world.next(Store::open(url).await.unwrap(), company()).await;
    world.console.set_forgetful(true);
    began(&world).await;
    put(&world.store, &enormous(), Platform::Console, PLACE).await;
    for _ in 0..10 {
        world.clock.advance(SOON);
        let (one, two) = tokio::join!(world.workers.drain(), other.workers.drain());
        one.unwrap();
        two.unwrap();
    }
    let told = world.console.channel(PLACE);
    let pages = super::shown::shown(Platform::Console, &enormous(), (0, 0)).await.len();
    assert_eq!(count(&told, FIRST), pages);
    assert_eq!(world.console.cards(PLACE).len(), 1);
}

#[tokio::test]
async fn the_second_to_make_a_digest_is_stale_and_writes_nothing_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    the_second_to_make_a_digest_is_stale_and_writes_nothing(&file(&folder)).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn the_second_to_make_a_digest_is_stale_and_writes_nothing_on_postgres() {
    the_second_to_make_a_digest_is_stale_and_writes_nothing(&database().await).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn two_processes_post_it_once_on_postgres() {
    Box::pin(two_processes_post_it_once(&database().await)).await;
}
