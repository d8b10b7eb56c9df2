//! Questions about the past as they are typed: moments, days and lengths in every spelling, and names that need not exist.

use hallpass::domain::{
    parse::{Day, Parsed},
    policy::Platform,
    time::Instant,
};

use super::{asked, read, read_in};
use crate::world::{START, catalogue};

/// Seconds from then to START.
fn back(moment: Option<Instant>) -> Option<i64> {
    moment.map(|moment| START.since(moment).seconds())
}

const DAY: i64 = 86_400;

#[test]
fn who_is_asked_of_now_or_of_a_moment_however_a_phone_wrote_it() {
    let who = |line: &str| match read(line) {
        Ok(Parsed::Who { resource, at, page }) => (resource.to_string(), back(at), page),
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(who("/jit who prod-db"), ("prod-db".into(), None, 1));
    let then = 4 * DAY - (5 * 60 + 30);
    for line in [
        "/jit who prod-db --at \"2026-11-20 14:05:30\"",
        "/jit who Prod-DB —at “2026-11-20 14:05:30”",
        "/jit who prod-db –at=„2026-11-20 14:05:30“",
        "/jit who prod-db −−at 2026-11-20 14:05:30",
        "/jit who prod-db -at 2026-11-20T14:05:30",
        "/jit who --at \"2026-11-20 14:05:30\" prod-db",
        "/jit who --at 2026-11-20 14:05:30 prod-db",
        "/jit who prod-db --AT 2026-11-20T15:05:30+01:00",
        "/jit who prod-db --at 2026-11-20 15:05:30 +01:00",
        "/jit who prod-db --at \"2026-11-20 15:05:30 Europe/Berlin\"",
        "/jit who prod-db --at 2026-11-20T14:05:30.000000Z",
    ] {
        assert_eq!(who(line), ("prod-db".into(), Some(then), 1), "{line}");
    }
    assert_eq!(who("/jit who prod-db --at 2 h ago --page 3"), ("prod-db".into(), Some(7_200), 3));
    assert_eq!(who("/jit who --page 2 --at yesterday 14:00 prod-db"), ("prod-db".into(), Some(DAY), 2));
    assert_eq!(who("/jit who gone-from-bot.toml --at 13:59"), ("gone-from-bot.toml".into(), Some(60), 1), "history may know it");
}

#[test]
fn a_moment_is_read_in_the_zone_of_whoever_asks() {
    let at = |zone| match read_in("/jit who prod-db --at \"2026-11-20 14:05:30\"", &catalogue(), Platform::Console, zone) {
        Ok(Parsed::Who { at: Some(at), .. }) => at.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(at(chrono_tz::UTC), "2026-11-20T14:05:30.000000Z");
    assert_eq!(at(chrono_tz::Europe::Berlin), "2026-11-20T13:05:30.000000Z");
    assert_eq!(at(chrono_tz::Asia::Kolkata), "2026-11-20T08:35:30.000000Z");
}

#[test]
fn people_are_found_by_id_or_mention_whether_they_are_known_or_not() {
    let mut catalogue = catalogue();
    let ana = catalogue.people.get_mut(&"ana".parse().unwrap()).unwrap();
    ana.identities.insert(Platform::Slack, "U024BE7LH".into());
    let find = |line: &str| match read_in(line, &catalogue, Platform::Slack, chrono_tz::UTC) {
        Ok(Parsed::Find { person, since, page }) => (person.map(|person| person.to_string()), back(since), page),
        other => panic!("{line}: {other:?}"),
    };
    let ana = || Some("ana".to_owned());
    assert_eq!(find("/jit find"), (None, None, 1));
    assert_eq!(find("/jit find --since 7d"), (None, Some(7 * DAY), 1));
    assert_eq!(find("/jit find @ana --since 7d"), (ana(), Some(7 * DAY), 1));
    assert_eq!(find("/jit find —since “7 days” <@U024BE7LH|Cleo> –page 2"), (ana(), Some(7 * DAY), 2));
    assert_eq!(find("/jit find --since 7d ana"), (ana(), Some(7 * DAY), 1));
    assert_eq!(find("/jit find ana --since=yesterday"), (ana(), Some(38 * 3_600), 1), "from its first moment");
    assert_eq!(find("/jit find ana --since 2026-11-24 13:00"), (ana(), Some(3_600), 1));
    assert_eq!(find("/jit find @nobody"), (Some("nobody".into()), None, 1));
    assert_eq!(find("/jit find <@U0LEFT>"), (Some("u0left".into()), None, 1), "as the members of a chat are called");
}

#[test]
fn stats_and_the_digest_are_asked_of_a_time() {
    let stats = |line: &str| match read(line) {
        Ok(Parsed::Stats { resource, since }) => (resource.map(|resource| resource.to_string()), back(since)),
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(stats("/jit stats"), (None, None));
    assert_eq!(stats("/jit stats prod-db —since 30d"), (Some("prod-db".into()), Some(30 * DAY)));
    assert_eq!(stats("/jit stats --since 30d prod-db"), (Some("prod-db".into()), Some(30 * DAY)));
    let on = |day: &str| Parsed::Digest(Some(Day::On(day.parse().unwrap())));
    for (line, read_as) in [
        ("/jit digest", Parsed::Digest(None)),
        ("/jit digest Yesterday", Parsed::Digest(Some(Day::Yesterday))),
        ("/jit digest “yesterday”", Parsed::Digest(Some(Day::Yesterday))),
        ("/jit digest 2026-11-20", on("2026-11-20")),
        ("/jit digest today", on("2026-11-24")),
    ] {
        assert_eq!(read(line), Ok(read_as), "{line}");
    }
}

#[test]
fn a_question_that_is_not_understood_is_answered_with_what_was_meant() {
    let no = |line: &str| format!("{:?}", read(line).unwrap_err());
    assert!(no("/jit who").contains("a resource"));
    assert!(no("/jit who prod-db at 14:05").contains("near: [\"--at\"]"));
    assert!(no("/jit who prod-db 14:05").contains("--at or --page, or nothing more"));
    assert!(no("/jit who prod-db --att 14:05").contains("near: [\"--at\"]"));
    assert!(no("/jit who prod-db --since 7d").contains("--at or --page"));
    assert!(no("/jit who prod-db --at").contains("a value after --at"));
    assert!(no("/jit who prod-db --at 13:05 --at 13:06").contains("once"));
    assert!(no("/jit who prod-db --at 18:00x").contains("BadPast"));
    assert!(no("/jit who prod-db --at \"2026-11-24 14:00:01\"").contains("lies ahead"));
    assert!(no("/jit who prod-db --at 2026-11-20").contains("the time of day is missing"));
    assert!(no("/jit who prod-db --page 0").contains("page"));
    assert!(no("/jit who “prod db”").contains("NothingToSee"));
    assert!(no("/jit find @ana 7d").contains("--since or --page, or nothing more"));
    assert!(no("/jit find @ana --sice 7d").contains("near: [\"--since\"]"));
    assert!(no("/jit find @ana --since -7d").contains("never negative"));
    assert!(no("/jit stats prod-db --page 2").contains("--since"));
    assert!(no("/jit digest monday").contains("BadPast"));
    assert!(no("/jit digest 2026-11-25").contains("lies ahead"));
    assert!(no("/jit digest yesterday morning").contains("nothing after the day"));
    let doubled = "/jit who prod-db --at \"2026-10-25 02:30\"";
    let refused = read_in(doubled, &catalogue(), Platform::Console, chrono_tz::Europe::Berlin);
    assert!(format!("{refused:?}").contains("2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00"), "{refused:?}");
}

#[test]
fn what_is_an_option_of_a_question_stays_a_word_in_a_reason() {
    let (_, reason, ..) = asked("/jit request prod-db write 1h it is broken –since yesterday —page 2 says so");
    assert_eq!(reason, "it is broken –since yesterday —page 2 says so");
}
