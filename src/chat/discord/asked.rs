//! Questions to Discord about its people, of which it answers few in a while: each is on its way once, whoever asks; its answer is
//! good for a moment; what is too much at once waits for its turn. Must not judge an answer.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;

use super::{Discord, Trouble, api::Call};

/// As long as an answer is good, in microseconds: as long as one decision asks.
const GOOD: i64 = 1_000_000;
/// Longest that a question waits for its turn. Whoever asks may give up sooner.
const TURN: Duration = Duration::from_secs(10);
/// Until it is looked again whether it is its turn: others may have been quicker, and the clock may run faster than the machine's.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Questions that are remembered before those whose answer is no longer good are forgotten.
const KEPT: usize = 1_000;

/// Questions of one kind, by what they are about.
pub(super) struct Questions<T>(Mutex<HashMap<String, Arc<Question<T>>>>);

struct Question<T> {
    /// How often it was answered.
    answered: AtomicU64,
    /// The last answer, and when it came. Locked by whoever asks.
    last: tokio::sync::Mutex<Option<(i64, Result<T, Trouble>)>>,
}

impl<T> Default for Questions<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Questions<T> {
    /// The answer of a moment ago, or of whoever is asking already; else it is asked. Whoever gives up is followed by the next.
    pub(super) async fn ask(
        &self,
        about: &str,
        now: impl Fn() -> i64,
        question: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        let known = self.about(about, now());
        let before = known.answered.load(Ordering::Relaxed);
        let mut last = known.last.lock().await;
        if let Some((at, answer)) = &*last {
            let came_meanwhile = known.answered.load(Ordering::Relaxed) != before;
            if came_meanwhile || (answer.is_ok() && is_good(*at, now())) {
                return answer.clone();
            }
        }
        let answer = question.await;
        known.answered.fetch_add(1, Ordering::Relaxed);
        *last = Some((now(), answer.clone()));
        answer
    }

    /// Did its answer come a moment ago?
    pub(super) fn is_known(&self, about: &str, now: i64) -> bool {
        let questions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        questions.get(about).is_some_and(|question| question.is_known(now))
    }

    fn about(&self, about: &str, now: i64) -> Arc<Question<T>> {
        let mut questions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if questions.len() >= KEPT {
            questions.retain(|_, question| Arc::strong_count(question) > 1 || question.is_known(now));
        }
        questions
            .entry(about.to_owned())
            .or_insert_with(|| Arc::new(Question { answered: AtomicU64::new(0), last: tokio::sync::Mutex::new(None) }))
            .clone()
    }
}

impl<T> Question<T> {
    fn is_known(&self, now: i64) -> bool {
        self.last.try_lock().is_ok_and(|last| matches!(&*last, Some((at, Ok(_))) if is_good(*at, now)))
    }
}

impl Discord {
    /// Asks when it is its turn.
    pub(super) async fn ask_in_turn(&self, call: impl Fn() -> Call<'static>) -> Result<Value, Trouble> {
        let until = tokio::time::Instant::now() + TURN;
        loop {
            match self.api.call(call()).await {
                Err(Trouble::Limited { after, .. }) if tokio::time::Instant::now() + after < until => {
                    tokio::time::sleep(after.min(LOOK_AGAIN)).await;
                }
                answer => return answer,
            }
        }
    }
}

/// At a clock that only goes forward.
const fn is_good(at: i64, now: i64) -> bool {
    now - at < GOOD
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    fn no() -> Trouble {
        Trouble::Unanswered("no".to_owned())
    }

    #[tokio::test]
    async fn a_question_is_on_its_way_once_and_its_answer_is_of_use_to_whoever_waits_for_it_and_for_a_moment() {
        for answer in [Ok(7), Err(no())] {
            let (questions, (say, said)) = (Questions::default(), oneshot::channel());
            let first = questions.ask("ana", || 0, async { said.await.unwrap() });
            let second = questions.ask("ana", || 0, async { panic!("it is asked already") });
            let spoken = answer.clone();
            let (first, second, ()) = tokio::join!(first, second, async { say.send(spoken).unwrap() });
            assert_eq!((&first, &second), (&answer, &answer));
            assert_eq!(questions.ask("ana", || GOOD - 1, async { Ok(8) }).await, answer.clone().or(Ok(8)), "a fault is nothing to keep");
            assert_eq!(questions.ask("ben", || 0, async { Ok(9) }).await, Ok(9), "of somebody else it says nothing");
            assert_eq!(questions.ask("ana", || 2 * GOOD, async { Ok(8) }).await, Ok(8));
        }
    }

    #[tokio::test]
    async fn whoever_waits_asks_when_the_one_before_gives_up() {
        let questions = Questions::default();
        let mut given_up = Box::pin(questions.ask("ana", || 0, std::future::pending()));
        assert!(futures_util::poll!(&mut given_up).is_pending());
        assert!(!questions.is_known("ana", 0));
        let next = questions.ask("ana", || 0, async { Ok(7) });
        let (next, ()) = tokio::join!(next, async { drop(given_up) });
        assert_eq!(next, Ok(7));
        assert!(questions.is_known("ana", GOOD - 1) && !questions.is_known("ana", GOOD));
    }
}
