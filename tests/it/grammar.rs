//! One grammar for every chat: what people type, and what they are told when it is wrong.

use hallpass::domain::{
    command::Length,
    parse::{Context, Parsed, parse},
    policy::Platform,
    refusal::Refusal,
    time::Span,
};

use crate::world::{START, catalogue};

fn read(line: &str) -> Result<Parsed, Refusal> {
    let catalogue = catalogue();
    parse(line, &Context { now: START, time_zone: chrono_tz::UTC, catalogue: &catalogue, platform: Platform::Console })
}

fn asked(line: &str) -> (Option<i64>, String, Option<String>, Option<String>) {
    match read(line) {
        Ok(Parsed::Request { length, reason, ticket, subject, .. }) => {
            let minutes = length.map(|length| match length {
                Length::For(span) => span.seconds() / 60,
                Length::Until(end) => end.since(START).seconds() / 60,
            });
            (minutes, reason, ticket, subject.map(|s| s.to_string()))
        }
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn an_ask_is_read_as_people_type_it() {
    let all = [
        ("/jit request prod-db write 1h fix it", (Some(60), "fix it", None, None)),
        ("request prod-db write 1 h 30 min look at it", (Some(90), "look at it", None, None)),
        ("/jit request prod-db write 90m \"fix \"it\" now\" --ticket OPS-1", (Some(90), "fix \"it\" now", Some("OPS-1"), None)),
        (
            "/jit request prod-db write 1h “fix: *it*, <@U1>” —ticket OPS-1 –for @cleo",
            (Some(60), "fix: *it*, <@U1>", Some("OPS-1"), Some("cleo")),
        ),
        ("/jit request prod-db write until 15:30 fix it", (Some(90), "fix it", None, None)),
        ("/jit request bastion look around", (None, "look around", None, None)),
        ("/jit request prod-db write --ticket=OPS-2 2d 5 times a day", (Some(2880), "5 times a day", Some("OPS-2"), None)),
        ("/jit request prod-db write 1h --at 2026-11-25 18:00 nightly", (Some(60), "nightly", None, None)),
    ];
    for (line, (minutes, reason, ticket, subject)) in all {
        assert_eq!(asked(line), (minutes, reason.into(), ticket.map(Into::into), subject.map(Into::into)), "{line}");
    }
}

#[test]
fn a_wrong_word_is_pointed_at_with_the_nearest_right_one() {
    let near = |line: &str| format!("{:?}", read(line).unwrap_err());
    assert!(near("/jit reqest prod-db").contains("\"request\""));
    assert!(near("/jit request prod-bd write 1h x").contains("prod-db"));
    assert!(near("/jit request prod-db wirte 1h x").contains("write"));
    assert!(near("/jit request prod-db write 1h x --for @cloe").contains("cleo"));
    assert!(near("/jit request prod-db write 0m x").contains("zero"));
    assert!(near("/jit show R-000001").contains("NoSuchRequest"));
}

#[test]
fn hostile_lines_get_a_clear_no_and_never_a_panic() {
    for line in ["\0", "/jit request \u{7}prod-db", &"x".repeat(1 << 20), "/jit request prod-db write ١h x", "/jit extend", "/jit offer"] {
        assert!(read(line).is_err(), "{}", &line[..line.len().min(40)]);
    }
    assert_eq!(read(""), Ok(Parsed::Form));
    assert_eq!(read("/jit extend R-000000 30m"), Ok(Parsed::Extend("R-000000".parse().unwrap(), Some(Span::from_minutes(30)), None)));
}

proptest::proptest! {
    #[test]
    fn reading_never_panics(line in "(/jit )?(request|extend|offer|revoke|explain|who)? ?.{0,80}") {
        drop(read(&line));
    }
}
