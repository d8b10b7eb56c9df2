//! When digests are made, and of which time: by the whole bot, over restarts, changes of bot.toml, jumps of the clock and a store that
//! takes no writes.

use hallpass::{
    domain::{
        digest::{Rules, Schedule, Window},
        policy::Catalogue,
        request::State,
        time::{Instant, Span},
    },
    store::Store,
};

use super::{PLACE, company};
use crate::{
    life::ASK,
    store_suite::{database, file},
    world::{START, World},
};

const HOUR: Span = Span::from_seconds(3_600);
/// Nine in the morning after the small company's first day.
pub(super) const NINE: Instant = Instant::from_micros(START.micros() + 19 * 3_600 * 1_000_000);
/// A digest waits so long for what is still being written.
pub(super) const SETTLED: Span = Span::from_seconds(31);

pub(super) fn days(n: i64) -> Span {
    Span::from_seconds(n * 86_400)
}

impl World {
    /// Time passes in steps in which a bot that runs does something.
    pub(super) async fn live(&self, until: Instant) {
        self.workers.drain().await.unwrap();
        while self.now() < until {
            self.advance(until.since(self.now()).min(HOUR)).await;
        }
    }

    pub(super) async fn windows(&self) -> Vec<Window> {
        let mut windows = Vec::new();
        for n in 1.. {
            match self.store.digest(n).await.unwrap() {
                Some(made) => windows.push(made.digest.window),
                None => return windows,
            }
        }
        windows
    }

    fn digests(&self) -> String {
        self.console.channel(PLACE)
    }
}

fn window(from: Instant, to: Instant, days: u32) -> Window {
    Window { from, to, days }
}

async fn each_morning_has_one_digest_and_their_windows_meet(url: &str) {
    let world = World::by(url, company()).await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    world.live(NINE).await;
    assert_eq!(world.windows().await, [], "what happened just before nine may still be on its way into the store");
    world.advance(SETTLED).await;
    assert_eq!(world.windows().await, [window(START, NINE, 1)]);
    world.live(NINE + days(2) + SETTLED).await;
    let (one, two) = (NINE + days(1), NINE + days(2));
    assert_eq!(world.windows().await, [window(START, NINE, 1), window(NINE, one, 1), window(one, two, 1)]);
    let told = world.digests();
    assert_eq!(told.matches("Access digest · ").count(), 3, "{told}");
    let first = told.lines().find(|line| line.contains("1 asked")).unwrap();
    assert!(first.contains("1 asked · 1 granted"), "{first}");
    assert!(told.contains("Access digest · Friday 27 Nov 2026 · Nothing happened, nothing is open. Ledger "), "{told}");
}

#[tokio::test]
async fn each_morning_has_one_digest_and_their_windows_meet_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    each_morning_has_one_digest_and_their_windows_meet(&file(&folder)).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn each_morning_has_one_digest_and_their_windows_meet_on_postgres() {
    each_morning_has_one_digest_and_their_windows_meet(&database().await).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn two_processes_that_come_at_the_same_moment_make_one_and_post_it_once() {
    let url = database().await;
    let world = World::by(&url, company()).await;
    let other = world.next(Store::open(&url).await.unwrap(), company()).await;
    world.console.set_forgetful(true);
    world.workers.drain().await.unwrap();
    for day in 0..3 {
        world.live(NINE + days(day)).await;
        world.clock.advance(SETTLED);
        let (one, two) = tokio::join!(world.workers.drain(), other.workers.drain());
        one.unwrap();
        two.unwrap();
    }
    assert_eq!(world.windows().await.len(), 3);
    assert_eq!(world.digests().matches("Access digest · ").count(), 3, "{}", world.digests());
}

#[tokio::test]
async fn mondays_digest_tells_of_the_weekend_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::by(&file(&folder), super::weekdays(company())).await;
    world.live(NINE + days(5) + SETTLED).await;
    let (friday, monday) = (NINE + days(2), NINE + days(5));
    assert_eq!(world.windows().await.last(), Some(&window(friday, monday, 3)));
    let told = world.digests();
    assert!(told.contains("Access digest · Monday 30 Nov 2026 · Nothing happened in 3 days, nothing is open."), "{told}");
}

#[tokio::test]
async fn after_days_without_a_bot_there_is_one_digest_of_all_of_them_that_says_since_when() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::by(&file(&folder), company()).await;
    world.live(NINE + SETTLED).await;
    world.live(NINE + HOUR + HOUR).await;
    let outside = world.without_store().await;
    outside.pass(days(3));
    let world = outside.by(Store::open(&file(&folder)).await.unwrap(), company()).await;
    world.live(NINE + days(3) + HOUR + HOUR + Span::from_minutes(5)).await;
    assert_eq!(world.windows().await.len(), 2);
    let told = world.digests();
    let covers = "Covers Wed 25 Nov 09:00 to 09:00 (3 days): the bot was down from Wed 25 Nov 11:00 to 11:00";
    assert!(told.contains("Access digest · Saturday 28 Nov 2026 · 3 days") && told.contains(covers), "{told}");
    world.live(NINE + days(4) + SETTLED).await;
    assert_eq!(world.digests().matches("the bot was down").count(), 1, "it is told once: {}", world.digests());
}

#[tokio::test]
async fn a_bot_that_ran_before_digests_were_asked_for_was_not_down() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::by(&file(&folder), company()).await;
    world.live(START + HOUR).await;
    let outside = world.without_store().await;
    outside.pass(Span::from_minutes(1));
    // For days they are posted nowhere, and then again.
    let nowhere = Catalogue { digests: None, ..company() };
    let world = outside.by(Store::open(&file(&folder)).await.unwrap(), nowhere).await;
    world.live(NINE + days(2)).await;
    let outside = world.without_store().await;
    outside.pass(Span::from_minutes(1));
    let world = outside.by(Store::open(&file(&folder)).await.unwrap(), company()).await;
    world.live(NINE + days(2) + HOUR).await;
    assert_eq!(world.store.absences(START, NINE + days(3)).await.unwrap(), []);
    let told = world.digests();
    assert!(told.contains("Access digest · Friday 27 Nov 2026") && !told.contains("was down"), "{told}");
}

#[tokio::test]
async fn a_restart_of_a_minute_and_a_digest_that_is_only_late_say_nothing_of_a_bot_that_was_down() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::by(&file(&folder), company()).await;
    world.live(NINE - HOUR).await;
    let outside = world.without_store().await;
    outside.pass(Span::from_minutes(2));
    let world = outside.by(Store::open(&file(&folder)).await.unwrap(), company()).await;
    world.workers.drain().await.unwrap();
    // It runs, and its chat does not.
    world.console.set_down(true);
    world.live(NINE + HOUR + HOUR).await;
    world.console.set_down(false);
    world.live(NINE + HOUR + HOUR + HOUR).await;
    let told = world.digests();
    assert!(told.contains("Access digest · Wednesday 25 Nov 2026") && !told.contains("was down"), "{told}");
}

#[tokio::test]
async fn another_time_in_bot_toml_leaves_no_hole_and_tells_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::by(&file(&folder), company()).await;
    world.live(NINE + SETTLED).await;
    let at = |schedule: Schedule| {
        let digests = company().digests.map(|digests| Rules { schedule, ..digests });
        Catalogue { digests, ..company() }
    };
    let nine = company().digests.unwrap().schedule;
    let evening = at(Schedule { at: "17:00:00".parse().unwrap(), ..nine });
    world.bot.reload(evening, (*world.bot.providers()).clone()).await.unwrap();
    let five = NINE + Span::from_minutes(8 * 60);
    world.live(five + SETTLED).await;
    let away = at(Schedule { zone: chrono_tz::America::New_York, ..nine });
    world.bot.reload(away, (*world.bot.providers()).clone()).await.unwrap();
    let there = NINE + days(1) + Span::from_minutes(5 * 60);
    world.live(there + SETTLED).await;
    assert_eq!(world.windows().await, [window(START, NINE, 1), window(NINE, five, 1), window(five, there, 1)]);
}

#[tokio::test]
async fn while_a_jump_of_the_clock_is_not_confirmed_none_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::by(&file(&folder), company()).await;
    world.workers.drain().await.unwrap();
    world.clock.jump(NINE + HOUR);
    world.workers.drain().await.unwrap();
    assert_eq!(world.windows().await, []);
    world.advance(Span::from_seconds(61)).await;
    world.advance(Span::from_seconds(61)).await;
    assert_eq!(world.windows().await.len(), 1);
}

#[tokio::test]
async fn ends_are_on_time_while_digests_are_made_and_posted() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::by(&file(&folder), company()).await;
    world.live(NINE - HOUR).await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    world.console.set_refused(PLACE, Some("channel_not_found"));
    world.advance(HOUR).await;
    assert!(matches!(world.state(&id).await.state, State::Closed { .. }) && !world.holds("ana", "write"));
    world.advance(SETTLED).await;
    assert_eq!(world.windows().await.len(), 1);
}
