//! Random life: people, time, faults, restarts and reloads in any order, over the real bot, store and workers; on SQLite, and
//! as two bots on one PostgreSQL. After each step and at the end the checker looks at everything that is known.

mod house;

use proptest::prelude::*;

use house::House;

/// What happens next. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Deed {
    Ask {
        person: usize,
        what: usize,
    },
    Press {
        person: usize,
        action: usize,
        request: usize,
    },
    Work,
    Pass {
        seconds: i64,
    },
    Temper {
        which: usize,
    },
    Restart,
    /// The workers are cut at this await, and the bot starts anew.
    Crash {
        after: u32,
    },
    Reload {
        which: usize,
    },
    ByHand {
        on: bool,
    },
    Leave {
        person: usize,
        gone: bool,
    },
}

/// Printed one deed a line.
#[derive(Clone)]
struct Story(Vec<(usize, Deed)>);

impl std::fmt::Debug for Story {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|(bot, deed)| write!(f, "\n  at bot {bot}: {deed:?}"))
    }
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        5 => (0usize..3, 0usize..house::ASKS.len()).prop_map(|(person, what)| Deed::Ask { person, what }),
        14 => (0usize..6, 0usize..house::ACTIONS.len(), 0usize..4)
            .prop_map(|(person, action, request)| Deed::Press { person, action, request }),
        // Often the press that goes on: an approver approves what is newest.
        8 => (1usize..4).prop_map(|person| Deed::Press { person, action: 0, request: 0 }),
        14 => Just(Deed::Work),
        5 => (1i64..90).prop_map(|seconds| Deed::Pass { seconds }),
        3 => (300i64..8_000).prop_map(|seconds| Deed::Pass { seconds }),
        4 => (0usize..5).prop_map(|which| Deed::Temper { which }),
        2 => Just(Deed::Restart),
        4 => (1u32..60).prop_map(|after| Deed::Crash { after }),
        3 => (0usize..5).prop_map(|which| Deed::Reload { which }),
        1 => any::<bool>().prop_map(|on| Deed::ByHand { on }),
        1 => (0usize..3, any::<bool>()).prop_map(|(person, gone)| Deed::Leave { person, gone }),
    ]
}

fn story() -> impl Strategy<Value = Story> {
    proptest::collection::vec((0usize..2, deed()), 1..60).prop_map(Story)
}

async fn live(mut house: House, story: Story) -> Result<(), String> {
    for (number, (bot, deed)) in story.0.into_iter().enumerate() {
        let said = format!("{deed:?}");
        Box::pin(house.act(bot, deed)).await;
        house.judge(false).await.map_err(|why| format!("after deed {} ({said}): {why}", number + 1))?;
    }
    house.finish().await;
    house.judge(true).await.map_err(|why| format!("at the end: {why}"))
}

/// `PROPTEST_CASES` asks for more.
fn cases(few: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(few);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() }
}

fn run(future: impl Future<Output = Result<(), String>>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn a_random_life_on_sqlite_keeps_every_rule(story in story(), shared in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("hallpass.db").display());
        run(async { Box::pin(live(House::new(&url, 1, shared).await, story)).await })?;
    }
}

proptest! {
    #![proptest_config(cases(3))]

    #[test]
    #[ignore = "needs PostgreSQL: scripts/test"]
    fn a_random_life_of_two_bots_on_one_postgresql_keeps_every_rule(story in story(), shared in any::<bool>()) {
        run(async {
            let url = crate::store_suite::database().await;
            Box::pin(live(House::new(&url, 2, shared).await, story)).await
        })?;
    }
}
