//! One grammar for every chat: what people type, and what they are told when it is wrong.

mod past;

use hallpass::domain::{
    command::Length,
    parse::{Context, Draft, Parsed, Piece, RevokeTarget, parse},
    policy::{Catalogue, Platform},
    refusal::Refusal,
    request::RequestId,
    time::Span,
};

use crate::world::{START, catalogue};

fn read_in(line: &str, catalogue: &Catalogue, platform: Platform, zone: chrono_tz::Tz) -> Result<Parsed, Refusal> {
    parse(line, &Context { now: START, time_zone: zone, catalogue, platform })
}

fn read(line: &str) -> Result<Parsed, Refusal> {
    read_in(line, &catalogue(), Platform::Console, chrono_tz::UTC)
}

fn draft(line: &str) -> Draft {
    match read(line) {
        Ok(Parsed::Request(draft)) => draft,
        other => panic!("{line}: {other:?}"),
    }
}

fn asked(line: &str) -> (Option<i64>, String, Option<String>, Option<String>) {
    let Draft { length, reason, ticket, subject, .. } = draft(line);
    let minutes = length.map(|length| match length {
        Length::For(span) => span.seconds() / 60,
        Length::Until(end) => end.since(START).seconds() / 60,
    });
    (minutes, reason, ticket, subject.map(|s| s.to_string()))
}

#[test]
fn an_ask_is_read_as_people_type_it() {
    let all = [
        ("/jit request prod-db write 1h fix it", (Some(60), "fix it", None, None)),
        ("request prod-db write 1 h 30 min look at it", (Some(90), "look at it", None, None)),
        ("JIT Request Prod-DB Write 1H fix it", (Some(60), "fix it", None, None)),
        ("/jit request prod-db write 90m \"fix \"it\" now\" --ticket OPS-1", (Some(90), "fix \"it\" now", Some("OPS-1"), None)),
        (
            "/jit request prod-db write 1h “fix: *it*, <@U1>” —ticket OPS-1 –for @cleo",
            (Some(60), "fix: *it*, <@U1>", Some("OPS-1"), Some("cleo")),
        ),
        (
            "/jit request prod-db write 1h ‘don’t use --force here’ --ticket OPS-1",
            (Some(60), "don’t use --force here", Some("OPS-1"), None),
        ),
        ("/jit request prod-db write 1h \"this\" and \"that\"", (Some(60), "\"this\" and \"that\"", None, None)),
        ("/jit request prod-db write 1h it's Ana's \"import", (Some(60), "it's Ana's \"import", None, None)),
        ("/jit request prod-db write until 15:30 fix it", (Some(90), "fix it", None, None)),
        ("/jit request prod-db write until tomorrow 9:30 fix it", (Some(19 * 60 + 30), "fix it", None, None)),
        ("/jit request bastion look around", (None, "look around", None, None)),
        ("/jit request prod-db write --ticket=OPS-2 2d 5 times a day", (Some(2880), "5 times a day", Some("OPS-2"), None)),
        ("/jit request prod-db write 1h --at 2026-11-25 18:00 nightly", (Some(60), "nightly", None, None)),
        ("/jit request --for=@cleo prod-db write 1h help her", (Some(60), "help her", None, Some("cleo"))),
        (
            "/jit request prod-db write 1h the disk is full —and the import is stuck –ticket OPS-1",
            (Some(60), "the disk is full —and the import is stuck", Some("OPS-1"), None),
        ),
        ("/jit request prod-db write 1h --ticket \"OPS-1\" --for=“@cleo” help her", (Some(60), "help her", Some("OPS-1"), Some("cleo"))),
        ("/jit request prod-db write until \"tomorrow 9:30\" fix it", (Some(19 * 60 + 30), "fix it", None, None)),
    ];
    for (line, (minutes, reason, ticket, subject)) in all {
        assert_eq!(asked(line), (minutes, reason.into(), ticket.map(Into::into), subject.map(Into::into)), "{line}");
    }
}

#[test]
fn until_is_in_the_time_zone_of_the_person() {
    let Ok(Parsed::Request(draft)) =
        read_in("/jit request prod-db write until 18:00 x", &catalogue(), Platform::Console, chrono_tz::Europe::Berlin)
    else {
        panic!()
    };
    assert_eq!(draft.length, Some(Length::Until(START + Span::from_minutes(180))), "14:00 UTC is 15:00 in Berlin");
}

#[test]
fn a_start_may_stand_in_quotes() {
    let start = Some(START + Span::from_minutes(19 * 60 + 30));
    for line in ["--at \"tomorrow 09:30\"", "--at=\"tomorrow 09:30\"", "—at “tomorrow 9:30”", "--at tomorrow 9:30", "--at=tomorrow 9:30"]
    {
        let draft = draft(&format!("/jit request prod-db write 1h {line} nightly job"));
        assert_eq!((draft.start, draft.reason.as_str()), (start, "nightly job"), "{line}");
    }
}

#[test]
fn a_bare_end_is_its_next_occurrence_after_the_start_wherever_the_start_stands() {
    let end = |line: &str| {
        let Some(Length::Until(end)) = draft(&format!("/jit request prod-db write {line} nightly")).length else { panic!("{line}") };
        end.since(START).seconds() / 60
    };
    let night = (24 + 9) * 60 + 30;
    assert_eq!(end("until 23:30"), 9 * 60 + 30);
    assert_eq!(end("until 23:30 --at tomorrow 09:00"), night);
    assert_eq!(end("--at tomorrow 09:00 until 23:30"), night);
    assert_eq!(end("until today 23:30 --at 22:00"), 9 * 60 + 30, "a day is a day");
    assert_eq!(end("until 01:00 --at 22:00"), 11 * 60);
}

#[test]
fn an_explanation_takes_nothing_more_than_it_understands() {
    let no = |line: &str| format!("{:?}", read(line).unwrap_err());
    assert!(no("/jit explain prod-db write 1h please").contains("nothing after the length"));
    assert!(no("/jit explain bastion please").contains("a length such as 1h"));
}

#[test]
fn a_wrong_word_is_pointed_at_with_the_nearest_right_one() {
    let near = |line: &str| format!("{:?}", read(line).unwrap_err());
    assert!(near("/jit reqest prod-db").contains("\"request\""));
    assert!(near("/jit request prod-bd write 1h x").contains("prod-db"));
    assert!(near("/jit request prod-db wirte 1h x").contains("write"));
    assert!(near("/jit request prod-db write 1h x --for @cloe").contains("cleo"));
    assert!(near("/jit request prod-db write 1h x --tiket OPS-1").contains("ticket"));
    assert!(near("/jit request prod-db write 1h x --force").contains("put the reason in quotes"));
    assert!(near("/jit request prod-db write 0m x").contains("zero"));
    assert!(near("/jit request prod-db write –1h x").contains("never negative"));
    assert!(near("/jit request prod-db write 1.5h x").contains("1h30m"));
    assert!(near("/jit request prod-db write 1h x --ticket OPS-1 --ticket OPS-2").contains("once"));
    assert!(near("/jit clock confrim").contains("confirm"));
    assert!(near("/jit show R-000001").contains("NoSuchRequest"));
}

#[test]
fn people_are_named_by_ids_never_by_display_names() {
    let mut catalogue = catalogue();
    let ana = catalogue.people.get_mut(&"ana".parse().unwrap()).unwrap();
    ana.identities.insert(Platform::Slack, "U024BE7LH".into());
    let revoked = |word: &str, platform| match read_in(&format!("/jit revoke {word} over"), &catalogue, platform, chrono_tz::UTC) {
        Ok(Parsed::Revoke(RevokeTarget::Person(person), _)) => person.to_string(),
        other => format!("{other:?}"),
    };
    for word in ["@ana", "<@U024BE7LH>", "<@U024BE7LH|Cleo>", "@ana,"] {
        assert_eq!(revoked(word, Platform::Slack), "ana", "{word}");
    }
    for word in ["@Ana Reyes", "@Ana", "<@U0000>", "<@ana>"] {
        assert!(revoked(word, Platform::Slack).contains("NoSuchPerson"), "{word}");
    }
    assert!(revoked("<@U024BE7LH>", Platform::Discord).contains("NoSuchPerson"), "an id means something on its own platform only");
    let ana = catalogue.people.get_mut(&"ana".parse().unwrap()).unwrap();
    ana.identities.insert(Platform::Discord, "80351110224678912".into());
    let revoked = |word: &str| read_in(&format!("/jit revoke {word} over"), &catalogue, Platform::Discord, chrono_tz::UTC);
    for word in ["<@80351110224678912>", "<@!80351110224678912>", "<@80351110224678912>,"] {
        let Ok(Parsed::Revoke(RevokeTarget::Person(person), _)) = revoked(word) else { panic!("{word}") };
        assert_eq!(person.as_str(), "ana", "{word}");
    }
    for word in ["<@80351110224678913>", "<@&80351110224678912>", "80351110224678912"] {
        assert!(revoked(word).is_err(), "{word}");
    }
}

#[test]
fn whatever_piece_is_missing_is_named_and_the_typed_ones_are_kept() {
    use Piece::{Reason, Resource, Role};
    let missing = |line: &str| {
        let draft = draft(line);
        let pieces = draft.missing(&catalogue());
        (pieces.iter().map(|missing| missing.piece).collect::<Vec<_>>(), draft.line(&pieces, chrono_tz::UTC))
    };
    assert_eq!(missing("/jit request"), (vec![Resource, Role, Reason], "/jit request RESOURCE ROLE WHY".into()));
    assert_eq!(missing("/jit request prod-db"), (vec![Role, Reason], "/jit request prod-db ROLE WHY".into()));
    assert_eq!(missing("/jit request prod-db 1h30m \"fix it\""), (vec![Role], "/jit request prod-db ROLE 1h30m \"fix it\"".into()));
    assert_eq!(
        missing("/jit request prod-db write until 18:00 --ticket OPS-1 --at 16:00 --for @cleo"),
        (vec![Reason], "/jit request prod-db write until 2026-11-24 18:00 WHY --ticket OPS-1 --at 2026-11-24 16:00 --for @cleo".into()),
    );
    assert_eq!(missing("/jit request bastion look at the disk").0, Vec::<Piece>::new(), "one role needs no name");
}

#[test]
fn hostile_lines_get_a_clear_no_and_never_a_panic() {
    for line in ["\0", "/jit request \u{7}prod-db", &"x".repeat(1 << 20), "/jit request prod-db write ١h x", "/jit extend", "/jit offer"] {
        assert!(read(line).is_err(), "{}", &line[..line.len().min(40)]);
    }
    assert_eq!(read(""), Ok(Parsed::Form));
    let half = Some(Length::For(Span::from_minutes(30)));
    assert_eq!(read("/jit extend R-000000 30m"), Ok(Parsed::Extend("R-000000".parse().unwrap(), half, None)));
    assert_eq!(read("/jit extend r000000 +30m why not"), Ok(Parsed::Extend("R-000000".parse().unwrap(), half, Some("why not".into()))));
}

#[test]
fn every_command_of_the_reference_is_read() {
    let id = "R-000000";
    let all = [
        "",
        "request prod-db write 1h why",
        "mine",
        "show ID",
        "cancel ID",
        "return ID",
        "extend ID 30m",
        "revoke ID why",
        "revoke @ana why",
        "settle ID why",
        "who prod-db",
        "who prod-db --at 13:05",
        "find",
        "find @ana --since 7d",
        "stats",
        "stats prod-db --since 30d",
        "digest",
        "digest yesterday",
        "digest 2026-11-20",
        "explain prod-db write 1h",
        "explain @ana prod-db",
        "resources",
        "inbox",
        "link",
        "link 7K3QD-2M8TX",
        "unlink @ana discord",
        "clock",
        "clock confirm",
        "key ssh-ed25519 AAAA",
        "help",
        "help request",
        "approve ID",
        "deny ID why",
        "takeback ID",
        "offer ID 30m",
        "offer ID read only",
        "accept ID",
        "decline ID",
        "looking ID",
        "pass ID @ben",
    ];
    for line in all {
        let line = format!("/jit {}", line.replace("ID", id));
        assert!(read(&line).is_ok(), "{line}: {:?}", read(&line));
    }
}

proptest::proptest! {
    #[test]
    fn reading_never_panics(line in "(/jit )?(request|extend|offer|revoke|explain|who|find|stats|digest|show|link|unlink|pass|key)? ?.{0,80}") {
        drop(read(&line));
    }

    #[test]
    fn reading_never_panics_on_words_of_the_grammar(words in proptest::collection::vec(
        "request|who|find|stats|digest|prod-db|write|1h|until|18:00|--at|—for|--ticket|—since|--page=|ago|yesterday|@ana|<@|\"|“|'|tomorrow|2026-11-25|R-000000|extend|5|-|--|,", 0..12)
    ) {
        drop(read(&words.join(" ")));
    }

    #[test]
    fn the_line_that_is_handed_back_reads_as_what_was_typed(
        minutes in proptest::option::of(1i64..100_000), start in proptest::option::of(0i64..40_000),
        reason in "[a-zA-Z0-9 ,.:*<>@{}'—–-]{0,60}|[a-zA-Z0-9 ,.:*<>@{}\"“”—–-]{0,60}", ticket in proptest::option::of("OPS-[0-9]{1,5}"), other in proptest::bool::ANY,
    ) {
        let whole = Draft {
            resource: Some("prod-db".parse().unwrap()),
            role: Some("write".parse().unwrap()),
            length: minutes.map(|m| if m % 2 == 0 { Length::For(Span::from_minutes(m)) } else { Length::Until(START + Span::from_minutes(m)) }),
            start: start.map(|minutes| START + Span::from_minutes(minutes)),
            subject: other.then(|| "cleo".parse().unwrap()),
            reason: reason.trim().to_owned(),
            ticket,
        };
        let line = whole.line(&[], chrono_tz::UTC);
        proptest::prop_assert_eq!(read(&line), Ok(Parsed::Request(whole)), "{}", line);
    }

    #[test]
    fn every_printed_id_is_accepted_in_every_command(random in proptest::num::u64::ANY) {
        let id = RequestId::new(random);
        for typed in [id.to_string(), id.to_string().to_lowercase(), id.to_string().replace('-', ""), format!("{id}."), format!("`{id}`")] {
            proptest::prop_assert_eq!(read(&format!("/jit show {typed}")), Ok(Parsed::Show(id.clone())));
            proptest::prop_assert_eq!(
                read(&format!("/jit revoke {typed} over")), Ok(Parsed::Revoke(RevokeTarget::Request(id.clone()), "over".into()))
            );
        }
    }
}
