//! What people read, all of it, as snapshots: a state, event, refusal, answer or topic without one does not compile or fails.

mod answers;
mod conversations;
pub(crate) mod lines;
mod overrides;
pub(crate) mod poison;
pub(crate) mod refusals;
pub(crate) mod sample;
pub(crate) mod states;
mod whom;

/// Samples by variant; a new variant of the enum does not compile until it has some.
macro_rules! every {
    ($enum:ident: $($variant:ident => [$($sample:expr),* $(,)?]),+ $(,)?) => {{
        fn _known(value: &$enum) {
            match value { $($enum::$variant { .. } => {})+ }
        }
        vec![$((stringify!($variant), vec![$($sample),*])),+]
    }};
}
use every;

/// One section of a snapshot.
pub(crate) fn section(name: &str, text: &str) -> String {
    format!("## {name}\n{text}\n\n")
}
