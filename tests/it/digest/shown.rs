//! Every line of a digest on each platform, as it is sent and as it is read; and what no message can hold.

use std::collections::{BTreeMap, BTreeSet};

use hallpass::{
    domain::{
        digest::{Digest, Exception, Kind, LedgerNow, Made, Verified},
        policy::{Catalogue, Platform},
        request::RequestId,
        time::Span,
    },
    worker::{Digested, Shows as _},
};
use serde_json::Value;

use super::sample::{self, enormous, made, ordinary, poisoned, quiet};
use crate::{
    cards::section,
    discord_cards,
    fakes::slack::{blocks::check_message, reading},
    world::{self, World},
};

/// As each platform would take them: what is sent, what is read, and how many lines are told after it.
pub(super) async fn shown(platform: Platform, made: &Made, told: (usize, usize)) -> Vec<(Value, String, usize)> {
    let world = World::new().await;
    shown_by(&world, platform, made, told)
}

fn shown_by(world: &World, platform: Platform, made: &Made, told: (usize, usize)) -> Vec<(Value, String, usize)> {
    let url = |id: &RequestId| match platform {
        Platform::Console => None,
        Platform::Slack => Some((id.clone(), format!("https://acme.slack.com/archives/C0CARDS/p{}", id.as_str().len()))),
        Platform::Discord => {
            let (guild, channel, card) = ("200000000000000001", "500000000000000001", "1400000000000000001");
            Some((id.clone(), format!("https://discord.com/channels/{guild}/{channel}/{card}")))
        }
    };
    let links: BTreeMap<RequestId, String> = made.requests().filter_map(url).collect();
    let pages = world.voice().digest(platform, &Digested { made, links: &links }, told);
    assert_eq!(world.voice().templates.take_troubles(), Vec::<String>::new());
    pages.into_iter().map(|(message, lines)| read(platform, &message.body, lines)).collect()
}

fn read(platform: Platform, body: &str, lines: usize) -> (Value, String, usize) {
    match platform {
        Platform::Console => (Value::Null, body.to_owned(), lines),
        Platform::Slack => {
            let sent: Value = serde_json::from_str(body).unwrap();
            check_message(&sent).unwrap_or_else(|problems| panic!("{problems:?}: {sent:#}"));
            let text = reading::text_of(&sent);
            (sent, text, lines)
        }
        Platform::Discord => {
            let sent: Value = serde_json::from_str(body).unwrap();
            assert_eq!(discord_cards::wrongs(&sent), Vec::<String>::new(), "{sent:#}");
            let text = discord_cards::text_of(&sent);
            (sent, text, lines)
        }
    }
}

fn broken() -> Digest {
    let ledger = LedgerNow { verified: Verified::No { size: 48_100, at: sample::TO }, ..sample::ledger() };
    Digest { ledger, ..quiet() }
}

fn away() -> Made {
    let Made { digest, .. } = made(1, ordinary());
    Made { digest: Digest { window: enormous().digest.window, ..digest }, ..enormous() }
}

fn grown() -> Digest {
    Digest { ledger: LedgerNow { entries: 48_250, ..sample::ledger() }, ..quiet() }
}

/// Computed for somebody who asked for a day that had none.
fn late() -> Made {
    Made { n: None, ..made(1, Digest { made_at: sample::TO + Span::from_seconds(86_400), ..quiet() }) }
}

/// Nothing happened in three days, through which a bot ran.
fn weekend() -> Made {
    made(1, Digest { window: enormous().digest.window, ..quiet() })
}

#[tokio::test]
async fn a_quiet_day_an_ordinary_one_and_one_after_a_gap() {
    let partly = LedgerNow { verified: Verified::NotYet, signed: None, ..sample::ledger() };
    let days = [
        ("quiet", made(1, quiet())),
        ("quiet, and the ledger is new", made(1, Digest { ledger: partly, ..quiet() })),
        ("quiet, and the ledger does not fit", made(1, broken())),
        ("quiet, and the ledger grew meanwhile", made(1, grown())),
        ("quiet, of a weekend", weekend()),
        ("quiet, and made again a day later", late()),
        ("only numbers", made(1, Digest { day: sample::day(), ..quiet() })),
        ("ordinary", made(1, ordinary())),
        ("after a gap", away()),
    ];
    for platform in Platform::ALL {
        let (mut sent, mut read) = (String::new(), String::new());
        for (name, day) in &days {
            for (body, text, _) in shown(platform, day, (0, 0)).await {
                sent.push_str(&section(name, &format!("{body:#}")));
                read.push_str(&section(name, &text));
            }
        }
        insta::assert_snapshot!(format!("digest read on {}", platform.name()), read);
        if platform != Platform::Console {
            insta::assert_snapshot!(format!("digest sent to {}", platform.name()), sent);
        }
    }
}

#[tokio::test]
async fn a_quiet_day_is_one_line_and_the_first_line_says_how_many_need_a_human() {
    for platform in Platform::ALL {
        let pages = shown(platform, &made(1, quiet()), (0, 0)).await;
        assert_eq!((pages.len(), pages[0].1.lines().count()), (1, 1), "{}", pages[0].1);
        let pages = shown(platform, &weekend(), (0, 0)).await;
        assert_eq!((pages.len(), pages[0].1.lines().count()), (1, 1), "of a weekend too: {}", pages[0].1);
        assert!(pages[0].1.contains("Nothing happened in 3 days, nothing is open."), "{}", pages[0].1);
        let pages = shown(platform, &made(1, ordinary()), (0, 0)).await;
        let first = pages[0].1.lines().next().unwrap();
        assert!(first.contains("Access digest · Tuesday 24 Nov 2026 · Needs a human: 6"), "{first}");
    }
}

#[tokio::test]
async fn ten_thousand_lines_are_twenty_valid_messages_at_most_and_say_what_they_leave_out() {
    for platform in Platform::ALL {
        let pages = shown(platform, &enormous(), (0, 0)).await;
        let whole = pages.iter().map(|(_, text, _)| text.as_str()).collect::<Vec<_>>().join("\n");
        assert!((2..=20).contains(&pages.len()), "{} {}", platform.name(), pages.len());
        let left = |kind: &str| -> usize {
            let line = whole.lines().find_map(|line| line.strip_suffix(kind)).unwrap_or_else(|| panic!("{kind}: {whole:.300}"));
            line.rsplit(' ').next().unwrap().replace(',', "").parse().unwrap()
        };
        let shown = whole.lines().filter(|line| line.contains("STILL OPEN:")).count();
        assert_eq!(shown + left(" more: still open past their end"), 5_000, "{}", platform.name());
        let unanswered = whole.lines().filter(|line| line.contains("Unanswered: ")).count();
        assert_eq!(unanswered + left(" more: unanswered"), 6_234, "with those that the digest itself only counts: {}", platform.name());
        assert!(shown > 200 && unanswered > 30, "{} {shown} {unanswered}", platform.name());
        assert_eq!(whole.matches("More than messages hold. One person's: ").count(), 1);
        for end in ["17 asked · 14 granted", "Ana Reyes and Ben Okafor approved each other 4 times", "Ledger 48,213 entries · root"] {
            assert!(whole.contains(end), "{} {end}", platform.name());
        }
        assert!(whole.lines().nth(1).unwrap().contains("(3 days): the bot was down from"), "{whole:.600}");
        insta::assert_snapshot!(format!("enormous digest read on {}", platform.name()), ends(&pages));
    }
}

/// The beginning and the end of what is read.
fn ends(pages: &[(Value, String, usize)]) -> String {
    let page = |n: usize| {
        let lines: Vec<&str> = pages[n].1.lines().collect();
        let some = if lines.len() > 8 { [&lines[..4], &["..."], &lines[lines.len() - 4..]].concat() } else { lines };
        section(&format!("message {} of {}", n + 1, pages.len()), &some.join("\n"))
    };
    [0, 1, pages.len() - 1].map(page).concat()
}

#[tokio::test]
async fn thousands_of_holders_that_nobody_granted_hide_nothing_else() {
    let drift = ordinary().exceptions.into_iter().find(|exception| exception.kind() == Kind::Drift).unwrap();
    for platform in Platform::ALL {
        let mut digest = ordinary();
        digest.exceptions.extend(std::iter::repeat_n(drift.clone(), 1_500));
        digest.exceptions.sort_by_key(Exception::kind);
        let pages = shown(platform, &made(1, digest), (0, 0)).await;
        let whole = pages.iter().map(|(_, text, _)| text.as_str()).collect::<Vec<_>>().join("\n");
        let needed = [
            "STILL OPEN: Finn Ward",
            "Settled: Eve Stone",
            "Unanswered: Ana Reyes",
            "The store took no writes",
            "A bot.toml was refused",
            "The clock jumped",
            "bot.toml changed",
            "Recorded as Ana Reyes",
            "Finn Ward left",
            "more: holders of roles",
        ];
        for line in needed {
            assert!(whole.contains(line), "{} {line}", platform.name());
        }
        assert!(pages.len() <= 20, "{} {}", platform.name(), pages.len());
    }
}

#[tokio::test]
async fn it_goes_on_from_any_line_without_telling_one_twice() {
    for platform in [Platform::Slack, Platform::Discord] {
        let all = shown(platform, &enormous(), (0, 0)).await;
        let lines = |pages: &[(Value, String, usize)]| -> Vec<String> {
            pages.iter().flat_map(|(_, text, _)| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()).collect()
        };
        for (n, (_, _, told)) in all.iter().enumerate() {
            let rest = shown(platform, &enormous(), (*told, n + 1)).await;
            assert_eq!(lines(&rest), lines(&all[n + 1..]), "{} after {n}", platform.name());
        }
    }
}

/// Everything that people, or a target, could call themselves.
const HOSTILE: [&str; 4] = [
    "{{id}} {{{x}}} <!channel> *b* `c` [m](https://evil.example) <@&1> ||s|| \u{202e}rtl\u{200b}\u{1b}[31m\n@everyone \"q\" <@U0ANA> \\",
    "](https://evil.example) <t:1:R> <#500000000000000001> @here ```x``` https://evil.example",
    "\", \"blocks\": [], \"x\": \"",
    "\u{e000}\u{e001}\u{e002}\u{e004}\u{e005}",
];

#[tokio::test]
async fn text_from_people_does_nothing_and_calls_nobody() {
    for words in HOSTILE {
        let long = words.repeat(40);
        let mut rules: Catalogue = world::catalogue();
        rules.people.values_mut().for_each(|person| person.name = long.chars().take(255).collect());
        let folder = tempfile::tempdir().unwrap();
        let world = World::by(&crate::store_suite::file(&folder), rules).await;
        for platform in Platform::ALL {
            let day = made(1, poisoned(&long));
            for (sent, text, _) in shown_by(&world, platform, &day, (0, 0)) {
                assert!(!text.contains('\u{202e}') && !text.contains('\u{1b}') && !text.contains('\u{200b}'), "{text}");
                let live: BTreeSet<String> = match platform {
                    Platform::Console => BTreeSet::new(),
                    Platform::Slack => reading::live_markup(&sent).into_iter().collect(),
                    Platform::Discord => discord_cards::live_markup(&sent).into_iter().collect(),
                };
                assert!(
                    live.iter().all(|mark| !mark.contains("evil") && !mark.contains("everyone") && !mark.contains("U0ANA")),
                    "{live:?}"
                );
                if platform == Platform::Discord {
                    assert_eq!(sent["allowed_mentions"], serde_json::json!({ "parse": [], "replied_user": false }));
                }
            }
        }
    }
}

#[tokio::test]
async fn times_are_each_readers_own_where_the_platform_can_and_else_in_the_digests_zone() {
    let berlin = Made { zone: "Europe/Berlin".into(), ..away() };
    let text = |pages: Vec<(Value, String, usize)>| {
        pages.into_iter().map(|(sent, text, _)| format!("{sent}{text}")).collect::<Vec<_>>().join("\n")
    };
    let console = text(shown(Platform::Console, &berlin, (0, 0)).await);
    assert!(console.contains("Covers Sat 21 Nov 10:00 to 10:00 (3 days)"), "{console}");
    assert!(text(shown(Platform::Slack, &berlin, (0, 0)).await).contains("\"type\":\"date\""));
    let from = (sample::TO - Span::from_seconds(3 * 86_400)).seconds();
    assert!(text(shown(Platform::Discord, &berlin, (0, 0)).await).contains(&format!("<t:{from}:f>")));
}
