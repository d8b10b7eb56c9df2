//! Digests over a change of the clocks, and over a bot that is gone right after one.

use chrono_tz::Europe::Berlin;
use hallpass::{
    domain::{
        digest::{Rules, Schedule, Window},
        policy::Catalogue,
        time::{Instant, Span},
    },
    store::Store,
};

use super::{
    PLACE, company,
    made::{NINE, SETTLED, days},
};
use crate::{
    store_suite::{database, file},
    world::World,
};

fn at(text: &str) -> Instant {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&chrono::Utc).into()
}

fn berlin() -> Catalogue {
    let rules = company().digests.unwrap();
    let schedule = Schedule { zone: Berlin, ..rules.schedule };
    Catalogue { digests: Some(Rules { schedule, ..rules }), time_zone: Berlin, ..company() }
}

async fn over_a_weekend_on_which_the_clocks_change_each_morning_has_one_digest_at_nine(url: &str, friday: &str, mornings: [&str; 4]) {
    let world = World::on_at(url, at(friday)).await;
    world.bot.reload(berlin(), (*world.bot.providers()).clone()).await.unwrap();
    world.live(at(mornings[3]) + SETTLED).await;
    let windows = world.windows().await;
    let ends: Vec<Instant> = windows.iter().map(|window| window.to).collect();
    assert_eq!(ends, mornings.map(at), "nine in the morning there");
    let meets = |pair: &[Window]| pair[0].to == pair[1].from && pair[1].days == 1;
    assert!(windows.windows(2).all(meets), "{windows:?}");
    let told = world.console.channel(PLACE);
    assert_eq!(told.matches("Access digest · ").count(), 4, "{told}");
    assert_eq!(told.matches("Covers").count(), 1, "of the first morning; a day of 23 hours is a day, and one of 25: {told}");
}

const AUTUMN: (&str, [&str; 4]) =
    ("2026-10-23T06:30:00Z", ["2026-10-23T07:00:00Z", "2026-10-24T07:00:00Z", "2026-10-25T08:00:00Z", "2026-10-26T08:00:00Z"]);
const SPRING: (&str, [&str; 4]) =
    ("2026-03-27T07:30:00Z", ["2026-03-27T08:00:00Z", "2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z", "2026-03-30T07:00:00Z"]);

#[tokio::test]
async fn over_a_weekend_on_which_the_clocks_change_each_morning_has_one_digest_at_nine_on_sqlite() {
    for (friday, mornings) in [AUTUMN, SPRING] {
        let folder = tempfile::tempdir().unwrap();
        over_a_weekend_on_which_the_clocks_change_each_morning_has_one_digest_at_nine(&file(&folder), friday, mornings).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn over_a_weekend_on_which_the_clocks_change_each_morning_has_one_digest_at_nine_on_postgres() {
    over_a_weekend_on_which_the_clocks_change_each_morning_has_one_digest_at_nine(&database().await, AUTUMN.0, AUTUMN.1).await;
}

#[tokio::test]
async fn a_bot_that_is_gone_right_after_its_digest_was_down_from_then_on_and_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::by(&file(&folder), company()).await;
    // Its last sign of life was before the end of the window, and the next one would come after the digest.
    world.live(NINE - Span::from_seconds(20)).await;
    world.advance(Span::from_seconds(51)).await;
    assert_eq!(world.windows().await.len(), 1);
    let outside = world.without_store().await;
    outside.pass(Span::from_minutes(180));
    let world = outside.by(Store::open(&file(&folder)).await.unwrap(), company()).await;
    world.live(NINE + days(1) + SETTLED).await;
    let told = world.console.channel(PLACE);
    assert!(told.contains("the bot was down from yesterday 09:00 to yesterday 12:00"), "{told}");
}
