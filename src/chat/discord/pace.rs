//! How fast Discord may be called: what it says of its buckets in headers, its limit of all calls together, the pauses that it
//! asks for, and a brake well before the number of refused calls at which it shuts an address out. Says how long to wait; must
//! not wait itself. Answers to interactions are outside of it: Discord counts them elsewhere, and people wait for them.

mod buckets;
mod refusals;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::{
    buckets::Buckets,
    refusals::{Invalid, Refused},
};

const SECOND: i64 = 1_000_000;
/// Calls in one second, of all kinds; Discord takes fifty.
const ALL: usize = 45;
/// Where Discord asks for a pause without saying how long, and where something before it (not Discord itself) refuses.
const PAUSE: i64 = 60 * SECOND;

/// What one call is counted under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Method and path without ids, such as `POST /channels/{}/messages`.
    kind: String,
    /// The channel, guild or application that it is about; empty: none.
    top: String,
}

impl Key {
    /// `path` is what follows the version, such as `/channels/1/messages`.
    pub(super) fn new(method: &str, path: &str) -> Self {
        let is_id = |piece: &&str| !piece.is_empty() && piece.bytes().all(|b| b.is_ascii_digit());
        let pieces: Vec<&str> = path.split('/').map(|piece| if is_id(&piece) { "{}" } else { piece }).collect();
        let top = path.split('/').find(is_id).unwrap_or_default();
        Self { kind: format!("{method} {}", pieces.join("/")), top: top.to_owned() }
    }

    pub(super) fn top(&self) -> &str {
        &self.top
    }
}

/// What an answer says of limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Heard {
    pub status: u16,
    /// Discord's own code; 0: none, so that perhaps not Discord itself answered.
    pub code: u32,
    pub bucket: Option<String>,
    pub limit: Option<u32>,
    pub remaining: Option<u32>,
    pub reset_after: Option<Duration>,
    pub retry_after: Option<Duration>,
    /// The limit of all calls together was met.
    pub global: bool,
    /// A limit that others share was met, which is nobody's fault.
    pub shared: bool,
}

/// What was called lately. Times are the clock's monotonic microseconds.
#[derive(Default)]
pub(super) struct Pace(Mutex<State>);

#[derive(Default)]
struct State {
    buckets: Buckets,
    /// By channel, or another place.
    refused: HashMap<String, Refused>,
    invalid: Invalid,
    /// When calls were made, within the last second.
    lately: VecDeque<i64>,
    /// Nothing at all before then.
    not_before: i64,
}

impl State {
    /// In microseconds; none at or below 0.
    fn wait(&mut self, key: &Key, place: &str, now: i64) -> i64 {
        while self.lately.front().is_some_and(|at| now - at >= SECOND) {
            self.lately.pop_front();
        }
        let crowded = self.lately.len().checked_sub(ALL).and_then(|n| self.lately.get(n)).map_or(0, |at| at + SECOND - now);
        let refused = self.refused.get(place).map_or(0, |refused| refused.until - now);
        [self.not_before - now, crowded, refused, self.invalid.wait(now), self.buckets.wait(key, now)].into_iter().max().unwrap_or(0)
    }
}

impl Pace {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much longer until such a call may be made; None: now. Asking uses nothing up.
    pub(super) fn wait(&self, key: &Key, place: &str, now: i64) -> Option<Duration> {
        span(self.state().wait(key, place, now))
    }

    /// Could such a call be made now and leave others of its kind enough? For what can wait.
    pub(super) fn is_roomy(&self, key: &Key, place: &str, now: i64) -> bool {
        let mut state = self.state();
        state.wait(key, place, now) <= 0 && state.buckets.is_roomy(key, now)
    }

    /// Counts a call that is about to be made.
    /// # Errors
    /// It may not be made before so long.
    pub(super) fn take(&self, key: &Key, place: &str, now: i64) -> Result<Flight<'_>, Duration> {
        let mut state = self.state();
        if let Some(wait) = span(state.wait(key, place, now)) {
            return Err(wait);
        }
        state.lately.push_back(now);
        Ok(Flight { pace: self, number: state.buckets.leave(key, now) })
    }

    /// Discord answered a call that was taken.
    pub(super) fn heard(&self, key: &Key, place: &str, heard: &Heard, now: i64) {
        let mut state = self.state();
        state.buckets.heard(key, heard, now);
        match heard.status {
            429 => {
                let until = now + heard.retry_after.map_or(PAUSE, micros);
                // What has no code of Discord's is said by what stands before it, of this address.
                if heard.global || (heard.code == 0 && heard.retry_after.is_none()) {
                    state.not_before = state.not_before.max(until);
                    tracing::warn!("Discord asks for a pause of all calls");
                } else if heard.code != OLD_EDITS {
                    state.buckets.pause(key, until);
                    tracing::info!(kind = %key.kind, shared = heard.shared, "Discord asks for a pause");
                }
            }
            403 if heard.code == 0 => state.not_before = state.not_before.max(now + PAUSE),
            403 if !place.is_empty() => state.refused.entry(place.to_owned()).or_default().again(now),
            200..300 => drop(state.refused.remove(place)),
            _ => {}
        }
        if state.refused.len() > PLACES {
            state.refused.retain(|_, refused| refused.until > now);
        }
        drop(state);
        self.count(heard, now);
    }

    /// Counts an answer of any call, answers to interactions too, if it is one of those that get an address shut out.
    pub(super) fn count(&self, heard: &Heard, now: i64) {
        if matches!(heard.status, 401 | 403) || (heard.status == 429 && !heard.shared) {
            self.state().invalid.count(now);
        }
    }
}

/// `Maximum number of edits to messages older than 1 hour reached`: no other message has to wait for that.
pub(super) const OLD_EDITS: u32 = 30046;
/// Places that are remembered as refusing before those whose pause is over are forgotten.
const PLACES: usize = 4_096;

/// A call that is on its way; dropped when it is answered, or given up.
pub(super) struct Flight<'p> {
    pace: &'p Pace,
    number: u64,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.pace.state().buckets.land(self.number);
    }
}

fn span(micros: i64) -> Option<Duration> {
    u64::try_from(micros).ok().filter(|micros| *micros > 0).map(Duration::from_micros)
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(channel: &str) -> Key {
        Key::new("POST", &format!("/channels/{channel}/messages"))
    }

    fn limits(remaining: u32, reset_after: u64) -> Heard {
        Heard {
            status: 200,
            bucket: Some("b1".to_owned()),
            limit: Some(5),
            remaining: Some(remaining),
            reset_after: Some(Duration::from_secs(reset_after)),
            ..Heard::default()
        }
    }

    fn refusal(status: u16, code: u32) -> Heard {
        Heard { status, code, ..Heard::default() }
    }

    fn pause(seconds: u64) -> Heard {
        Heard { retry_after: Some(Duration::from_secs(seconds)), ..refusal(429, 0) }
    }

    /// One call and its answer.
    fn call(pace: &Pace, key: &Key, heard: &Heard, now: i64) {
        let flight = pace.take(key, &key.top, now).unwrap();
        pace.heard(key, &key.top, heard, now);
        drop(flight);
    }

    #[test]
    fn ids_are_no_part_of_a_calls_kind_and_the_first_is_what_it_is_about() {
        let key = Key::new("PATCH", "/channels/12/messages/34");
        assert_eq!((key.kind.as_str(), key.top.as_str()), ("PATCH /channels/{}/messages/{}", "12"));
        assert_eq!(Key::new("POST", "/users/@me/channels").top, "");
    }

    #[test]
    fn a_bucket_that_is_used_up_waits_until_it_is_full_again_and_keeps_no_other_channel_waiting() {
        let pace = Pace::default();
        call(&pace, &post("1"), &limits(1, 5), 0);
        assert_eq!(pace.wait(&post("1"), "1", 0), None);
        call(&pace, &post("1"), &limits(0, 4), SECOND);
        assert_eq!(pace.wait(&post("1"), "1", SECOND), Some(Duration::from_secs(4)));
        assert_eq!(pace.take(&post("1"), "1", 2 * SECOND).err(), Some(Duration::from_secs(3)));
        assert_eq!(pace.wait(&post("2"), "2", SECOND), None, "another channel has its own");
        assert_eq!(pace.wait(&post("1"), "1", 5 * SECOND), None);
    }

    #[test]
    fn kinds_of_one_bucket_share_what_remains() {
        let pace = Pace::default();
        let edit = Key::new("PATCH", "/channels/1/messages/9");
        call(&pace, &edit, &limits(3, 5), 0);
        call(&pace, &post("1"), &limits(0, 5), 0);
        assert_eq!(pace.wait(&edit, "1", 0), Some(Duration::from_secs(5)));
    }

    #[test]
    fn what_is_on_its_way_counts_until_it_is_answered_or_given_up() {
        let pace = Pace::default();
        call(&pace, &post("1"), &limits(2, 5), 0);
        let (one, two) = (pace.take(&post("1"), "1", 0).unwrap(), pace.take(&post("1"), "1", 0).unwrap());
        assert!(pace.take(&post("1"), "1", 0).is_err());
        drop(one);
        assert!(pace.take(&post("1"), "1", 0).is_ok());
        drop(two);
    }

    #[test]
    fn of_a_kind_that_discord_has_not_spoken_of_a_few_go_out_and_are_counted_where_it_says_they_belong() {
        let pace = Pace::default();
        let mut flights: Vec<_> = (0..20).map_while(|_| pace.take(&post("1"), "1", 0).ok()).collect();
        assert_eq!(flights.len(), 5);
        pace.heard(&post("1"), "1", &limits(4, 5), 0);
        drop(flights.pop());
        assert!(pace.take(&post("1"), "1", 0).is_err(), "the four that are on their way will use it up");
        drop(flights);
        assert!(pace.take(&post("1"), "1", 0).is_ok(), "and were counted there when they came back");
    }

    #[test]
    fn what_leaves_a_bucket_that_others_stay_in_leaves_nothing_behind() {
        let (pace, edit) = (Pace::default(), Key::new("PATCH", "/channels/1/messages/9"));
        call(&pace, &edit, &limits(5, 1), 0);
        call(&pace, &post("1"), &limits(5, 1), 0);
        let flights: Vec<_> = (0..4).map(|_| pace.take(&post("1"), "1", 0).unwrap()).collect();
        pace.heard(&post("1"), "1", &Heard { bucket: Some("b2".to_owned()), ..limits(1, 1) }, 0);
        drop(flights);
        let free: Vec<_> = (0..9).map_while(|_| pace.take(&edit, "1", 10 * SECOND).ok()).collect();
        assert_eq!(free.len(), 5, "its calls are not counted there for ever");
        assert!(pace.take(&post("1"), "1", 10 * SECOND).is_ok(), "nor in the new one");
    }

    #[test]
    fn what_can_wait_leaves_half_of_a_bucket_to_what_cannot() {
        let pace = Pace::default();
        call(&pace, &post("1"), &limits(5, 5), 0);
        let mut flights = Vec::new();
        while pace.is_roomy(&post("1"), "1", 0) {
            flights.push(pace.take(&post("1"), "1", 0).unwrap());
        }
        assert_eq!(flights.len(), 3);
        assert_eq!((0..9).map_while(|_| pace.take(&post("1"), "1", 0).ok().map(std::mem::forget)).count(), 2);
    }

    #[test]
    fn an_answer_that_comes_late_gives_nothing_back() {
        let pace = Pace::default();
        call(&pace, &post("1"), &limits(0, 5), 0);
        pace.heard(&post("1"), "1", &limits(4, 5), 0);
        assert!(pace.wait(&post("1"), "1", 0).is_some());
    }

    #[test]
    fn both_kinds_of_pauses_are_kept() {
        let pace = Pace::default();
        call(&pace, &post("1"), &pause(7), 0);
        assert_eq!(pace.wait(&post("1"), "1", 3 * SECOND), Some(Duration::from_secs(4)));
        assert_eq!(pace.wait(&post("2"), "2", 3 * SECOND), None);
        call(&pace, &post("2"), &Heard { global: true, ..pause(7) }, 3 * SECOND);
        for channel in ["1", "2", "3"] {
            assert_eq!(pace.wait(&post(channel), channel, 4 * SECOND), Some(Duration::from_secs(6)), "{channel}");
        }
        assert_eq!(pace.wait(&post("2"), "2", 10 * SECOND), None);
    }

    #[test]
    fn edits_of_old_messages_keep_no_other_message_waiting() {
        let pace = Pace::default();
        let edit = Key::new("PATCH", "/channels/1/messages/9");
        call(&pace, &edit, &Heard { code: OLD_EDITS, ..pause(600) }, 0);
        assert_eq!(pace.wait(&edit, "1", 0), None);
    }

    #[test]
    fn all_calls_together_stay_under_fifty_in_any_second() {
        let pace = Pace::default();
        let made: Vec<i64> = (0..3000).map(|n| n * 1000).filter(|at| pace.take(&post(&at.to_string()), "", *at).is_ok()).collect();
        assert!(made.iter().all(|from| made.iter().filter(|at| (0..SECOND).contains(&(*at - from))).count() <= 50));
        assert!(made.len() >= 3 * ALL, "{}", made.len());
    }

    #[test]
    fn a_channel_that_refuses_is_tried_ever_more_rarely_until_it_takes_something() {
        let pace = Pace::default();
        let mut now = 0;
        for seconds in [30, 60, 120, 240, 480, 480] {
            call(&pace, &post("1"), &refusal(403, 50013), now);
            assert_eq!(pace.wait(&post("1"), "1", now), Some(Duration::from_secs(seconds)));
            assert_eq!(pace.wait(&post("2"), "2", now), None);
            now += i64::try_from(seconds).unwrap() * SECOND;
        }
        call(&pace, &post("1"), &limits(4, 1), now);
        call(&pace, &post("1"), &refusal(403, 50013), now);
        assert_eq!(pace.wait(&post("1"), "1", now), Some(Duration::from_secs(30)));
    }

    #[test]
    fn refused_calls_are_braked_long_before_discord_shuts_the_address_out() {
        let pace = Pace::default();
        let mut counted = 0;
        while pace.wait(&post("2"), "2", SECOND).is_none() && counted < 10_000 {
            pace.count(&refusal(403, 50013), SECOND);
            counted += 1;
        }
        assert!(counted <= 5_000, "{counted}");
        let wait = pace.wait(&post("2"), "2", SECOND).unwrap();
        assert!(wait > Duration::from_mins(9) && wait <= Duration::from_secs(620), "{wait:?}");
        assert_eq!(pace.wait(&post("2"), "2", SECOND + 620 * SECOND), None);
    }

    #[test]
    fn pauses_of_limits_that_others_share_are_nobodys_fault() {
        let pace = Pace::default();
        for _ in 0..10_000 {
            pace.count(&Heard { shared: true, ..pause(1) }, 0);
            pace.count(&refusal(404, 10008), 0);
        }
        assert_eq!(pace.wait(&post("1"), "1", 0), None);
    }
}
