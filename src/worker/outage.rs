//! Whether the store refuses writes, since when, and that people hear of it: once at its start, once a minute, once at its
//! end (R12). Decides nothing about access.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Deps, Stop, alarms};
use crate::{
    domain::time::{Instant, Span},
    store::Alarm,
};

/// A shorter outage that kept nothing from ending is written down, and no alarm.
const PATIENCE: Span = Span::from_seconds(15);
/// Between two lines of the log about the same outage.
const AGAIN: Span = Span::from_seconds(60);

/// The state, shared by all workers.
#[derive(Default)]
pub(super) struct Outage(Mutex<State>);

#[derive(Default)]
struct State {
    down: Option<Down>,
    /// Last start that was logged: a store that comes and goes says so once a minute.
    logged: Option<Instant>,
}

struct Down {
    since: Instant,
    logged: Instant,
    /// Its start was logged, so its end is too.
    said: bool,
    /// A worker failed since this was last asked.
    fresh: bool,
    ended: usize,
    stuck: usize,
    alarm: Option<Alarm>,
    telling: bool,
}

impl Outage {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_on(&self) -> bool {
        self.state().down.is_some()
    }

    /// A read or a write failed. `fresh`: on the way of ordinary work.
    pub(super) fn failed(&self, why: &str, now: Instant, fresh: bool) {
        let mut state = self.state();
        let again = state.logged.is_none_or(|at| now >= at + AGAIN || now < at);
        let down =
            state.down.get_or_insert(Down { since: now, logged: now, said: false, fresh, ended: 0, stuck: 0, alarm: None, telling: false });
        down.fresh |= fresh;
        let first = down.since == now && again;
        if first || now >= down.logged + AGAIN {
            (down.logged, down.said) = (now, true);
            tracing::error!(
                since = %down.since, ended = down.ended, overdue = down.stuck, %why,
                "the store refuses writes: nothing is granted, and what ends goes on ending"
            );
            state.logged = Some(now);
        }
    }

    /// Has ordinary work failed since this was last asked?
    pub(super) fn take_fresh(&self) -> bool {
        self.state().down.as_mut().is_some_and(|down| std::mem::take(&mut down.fresh))
    }

    /// How many were ended meanwhile, and how many could not be.
    pub(super) fn count(&self, ended: usize, stuck: usize) {
        if let Some(down) = &mut self.state().down {
            (down.ended, down.stuck) = (ended, stuck);
        }
    }

    /// Tells operators without the store, when it has lasted or concerns somebody's access; again when that changes.
    pub(super) async fn tell(&self, deps: &Deps) {
        let now = deps.bot.now();
        let mut told = {
            let mut state = self.state();
            let Some(down) = &mut state.down else { return };
            if down.telling || (now < down.since + PATIENCE && down.ended + down.stuck == 0) {
                return;
            }
            let what = what(down);
            let known = down.alarm.clone();
            if known.as_ref().is_some_and(|alarm| alarm.what == what) {
                return;
            }
            let told = known.map_or_else(String::new, |alarm| alarm.told);
            down.telling = true;
            Alarm { id: "store".into(), request: None, raised_at: down.since, cleared_at: None, what, told }
        };
        tracing::error!(alarm.id = "store", "{}", told.what);
        if let Some(why) = alarms::tell(deps, &mut told, None).await.trouble {
            tracing::error!(alarm.id = "store", %why, "the alarm could not be told");
        }
        if let Some(down) = &mut self.state().down {
            (down.alarm, down.telling) = (Some(told), false);
        }
    }

    /// Writes down that it is over; that this can be written is what shows it.
    pub(super) async fn over(&self, deps: &Deps) -> Result<(), Stop> {
        let Some((since, alarm)) = self.state().down.as_ref().map(|down| (down.since, down.alarm.clone())) else { return Ok(()) };
        deps.bot.store_was_down(since, alarm).await?;
        let down = self.state().down.take();
        if let Some(down) = down.filter(|down| down.said) {
            let for_s = deps.bot.now().since(since).seconds();
            tracing::warn!(%since, for_s, ended = down.ended, "the store takes writes again; what was done meanwhile is written");
        }
        Ok(())
    }
}

fn what(down: &Down) -> String {
    let since = down.since;
    let mut what = format!("the store refuses writes since {since}: nothing is granted, what ends goes on ending");
    if down.ended > 0 {
        what += "; access was ended that is not written down yet";
    }
    if down.stuck > 0 {
        what += "; some access is past its end and could not be taken away";
    }
    what
}
