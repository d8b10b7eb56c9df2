//! What can go wrong on the way to Discord, by switch.

use std::time::Duration;

use super::{Discord, state::State};

/// Whose limit a refusal by rate speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The bot's own, of one bucket.
    Bucket,
    /// One that others use up as well; it is not held against the bot.
    Shared,
    /// The bot's own, over all.
    Global,
}

/// How a call fails.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Refused with one of Discord's codes (10008, 50013, ..), its status and its message.
    Code(u32),
    /// A bare HTTP status with a page of text.
    Status(u16),
    Limited {
        after: Duration,
        scope: Scope,
    },
    /// No answer, ever.
    Hang,
    /// It took effect, and the connection closed before the answer.
    CutAfterEffect,
    /// The connection closed before anything was done.
    CutBefore,
}

pub(super) struct Planned {
    operation: String,
    fault: Fault,
    times: usize,
}

impl State {
    /// The fault that this call meets, if one is planned.
    pub(super) fn fault(&mut self, operation: &str) -> Option<Fault> {
        let planned = self.planned.iter_mut().find(|p| p.times > 0 && (p.operation == operation || p.operation == "*"))?;
        planned.times -= 1;
        Some(planned.fault.clone())
    }
}

impl Discord {
    /// The next `times` calls of an operation (as Discord's API description names it: `create_message`; `*`: of any) fail so.
    pub(crate) fn fail(&self, operation: &str, fault: Fault, times: usize) -> &Self {
        assert!(operation == "*" || super::api::is_operation(operation), "there is no operation {operation}");
        self.state().planned.push(Planned { operation: operation.to_owned(), fault, times });
        self
    }

    /// What was planned by `fail` is forgotten.
    pub(crate) fn heal(&self) -> &Self {
        self.state().planned.clear();
        self
    }

    /// While down, every call meets a closed connection, and so does the gateway.
    pub(crate) fn down(&self, down: bool) -> &Self {
        self.state().down = down;
        if down {
            self.drop_connections();
        }
        self
    }
}
