//! What the worker learnt at a provider, for the requests concerned. Comes back into `decide` like any command.

use super::{event::Used, request::Remains, time::Instant};

/// One request's share of a provider's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The access works since this moment.
    Working { since: Instant, native_expiry: Option<Instant>, had_before: bool, how_to_connect: Option<String> },
    /// It could not be given, now or ever; what may be there is undone and read back.
    GrantFailed { why: String, permanent: bool },
    /// The target's own expiry moved far enough for `extend_to`.
    Extended { native_expiry: Option<Instant>, how_to_connect: Option<String> },
    /// Active, and yet not there: somebody took it away by hand.
    FoundAbsent,
    /// Read back, late enough, often enough.
    /// `unwritten`: it was read as gone before, while the store refused writes.
    Gone { remains: Remains, sessions_closed: Option<u32>, residue: Vec<String>, used: Option<Used>, unwritten: Option<Instant> },
    /// What an end left was looked at again, and the access is not there: what remains now.
    Leftover { residue: Vec<String> },
    /// It was said to be gone, and is there again: taken away once more.
    Back,
}
