//! The armed half: reads what a test wants from the environment (another process) or from this thread (the same one).

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

use crate::{
    clock::{Clock, FastClock, SystemClock},
    domain::{event::Verb, time::Instant},
};

/// Where to die, and how many times to pass by before.
struct Crash {
    name: String,
    left: AtomicU64,
}

fn crash() -> Option<&'static Crash> {
    static CRASH: OnceLock<Option<Crash>> = OnceLock::new();
    let read = || {
        let text = std::env::var("HALLPASS_CRASH").ok()?;
        let (name, nth) = text.split_once(':').unwrap_or((&text, "1"));
        Some(Crash { name: name.to_owned(), left: AtomicU64::new(nth.parse().ok()?) })
    };
    CRASH.get_or_init(read).as_ref()
}

/// Dies here if this is the place.
pub fn point(name: &str) {
    let Some(crash) = crash().filter(|crash| crash.name == name) else { return };
    if crash.left.fetch_sub(1, Ordering::SeqCst) == 1 {
        let killed = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        // The signal ends this thread before the call returns; anything else must not look like a crash.
        unreachable!("{name}: the process outlived its SIGKILL: {killed:?}");
    }
}

/// Dies here if this is the place, and this the verb.
pub fn step(verb: Verb, name: &str) {
    if crash().is_some() {
        point(&format!("{verb:?}.{name}").to_lowercase());
    }
}

thread_local! {
    static PLANTED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
    static GATES: RefCell<BTreeMap<String, Gate>> = const { RefCell::new(BTreeMap::new()) };
}

/// Makes this mistake from now on, in this thread: a test's runtime of one thread.
pub fn plant(name: &str) {
    PLANTED.with_borrow_mut(|planted| planted.insert(name.to_owned()));
}

/// Whether this mistake is to be made: in this thread, or everywhere by `HALLPASS_FAULT`.
pub fn is_planted(name: &str) -> bool {
    static EVERYWHERE: OnceLock<Option<String>> = OnceLock::new();
    let everywhere = EVERYWHERE.get_or_init(|| std::env::var("HALLPASS_FAULT").ok());
    everywhere.as_deref() == Some(name) || PLANTED.with_borrow(|planted| planted.contains(name))
}

/// Holds the first one who comes by until it is opened.
#[derive(Clone, Default)]
pub struct Gate {
    came: Arc<Notify>,
    opened: Arc<Notify>,
}

impl Gate {
    /// Puts a gate across this place, in this thread.
    pub fn across(name: &str) -> Self {
        let gate = Self::default();
        GATES.with_borrow_mut(|gates| gates.insert(name.to_owned(), gate.clone()));
        gate
    }

    /// Resolves once somebody stands before it.
    pub async fn came(&self) {
        self.came.notified().await;
    }

    /// Lets them through.
    pub fn open(&self) {
        self.opened.notify_one();
    }
}

/// Waits here if a test put a gate across.
pub async fn held(name: &str) {
    if let Some(gate) = GATES.with_borrow_mut(|gates| gates.remove(name)) {
        gate.came.notify_one();
        gate.opened.notified().await;
    }
}

/// `HALLPASS_PACE` is how many times faster, `HALLPASS_EPOCH` (microseconds since 1970) when both clocks showed the same.
/// The same two give the same time after a restart, and to whoever watches.
pub fn clock() -> (Arc<dyn Clock>, u32) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<i64>().ok());
    match (number("HALLPASS_PACE"), number("HALLPASS_EPOCH")) {
        (Some(pace), Some(epoch)) => {
            (Arc::new(FastClock::since(Instant::from_micros(epoch), pace)), u32::try_from(pace).unwrap_or(1).max(1))
        }
        _ => (Arc::new(SystemClock), 1),
    }
}
