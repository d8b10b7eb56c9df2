//! Places to die at and mistakes to make on purpose: what the crash matrix stops the program at, and what the checker
//! must find. Without the feature `faults` everything here is empty and compiles to nothing; `run` refuses a build that
//! has it, unless a test says that it is one. Must not change what the program does otherwise.

#[cfg(feature = "faults")]
mod armed;

#[cfg(feature = "faults")]
pub use armed::{Gate, clock, held, is_planted, plant, point, step};

#[cfg(not(feature = "faults"))]
use crate::domain::event::Verb;

/// A place between two steps that must survive a crash. `HALLPASS_CRASH=name` or `name:nth` dies there by SIGKILL.
#[cfg(not(feature = "faults"))]
#[inline]
pub const fn point(_name: &str) {}

/// The same, for one verb: `grant.intended`.
#[cfg(not(feature = "faults"))]
#[inline]
pub const fn step(_verb: Verb, _name: &str) {}

/// Whether this mistake is to be made.
#[cfg(not(feature = "faults"))]
#[inline]
pub const fn is_planted(_name: &str) -> bool {
    false
}

/// Where a test may hold whoever comes by.
#[cfg(not(feature = "faults"))]
#[inline]
#[expect(clippy::unused_async, reason = "the armed one waits")]
pub async fn held(_name: &str) {}

/// The clock to run on, and how many times faster than the machine's it is. Tests may have a faster one.
#[cfg(not(feature = "faults"))]
pub fn clock() -> (std::sync::Arc<dyn crate::clock::Clock>, u32) {
    (std::sync::Arc::new(crate::clock::SystemClock), 1)
}

/// A build with this feature dies and errs on demand: it must never run for real.
pub fn refuse_release() -> Result<(), &'static str> {
    let is_test = std::env::var_os("HALLPASS_THIS_IS_A_TEST").is_some_and(|value| value == "yes");
    if cfg!(feature = "faults") && !is_test {
        return Err("this build has crash points in it (feature `faults`): it is for tests only, build one without");
    }
    Ok(())
}
