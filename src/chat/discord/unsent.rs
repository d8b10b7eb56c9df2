//! Forms that could not be written down, as they were sent: kept in memory so that whoever typed them can send them again. A few,
//! and only until the next start; nothing is done with them by themselves.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use crate::bot::{Body, Filled, Incoming};

/// Forms that are kept; the oldest goes first.
const MOST: usize = 200;

#[derive(Default)]
pub(super) struct Unsent(Mutex<VecDeque<Incoming>>);

impl Unsent {
    /// Keeps a form; what is none is let go.
    pub(super) fn keep(&self, incoming: Incoming) {
        if matches!(incoming.body, Body::Form(_)) {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() == MOST {
                all.pop_front();
            }
            all.push_back(incoming);
        }
    }

    /// The form that this account sent under this interaction.
    pub(super) fn of(&self, user: &str, interaction: &str) -> Option<Filled> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|sent| sent.user == user && sent.interaction == interaction).and_then(|sent| match &sent.body {
            Body::Form(filled) => Some(filled.clone()),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::Platform;

    fn sent(user: &str, interaction: usize, body: Body) -> Incoming {
        Incoming { platform: Platform::Discord, user: user.into(), interaction: interaction.to_string(), body }
    }

    #[test]
    fn a_form_is_kept_for_whoever_sent_it_and_the_oldest_goes_first() {
        let unsent = Unsent::default();
        for n in 0..=MOST {
            unsent.keep(sent("80", n, Body::Form(Filled { reason: n.to_string(), ..Filled::default() })));
        }
        assert_eq!(unsent.of("80", "1").map(|filled| filled.reason), Some("1".into()));
        assert_eq!((unsent.of("80", "0"), unsent.of("81", "1")), (None, None));
        unsent.keep(sent("80", 7_777, Body::Line { text: "/jit mine".into() }));
        assert_eq!(unsent.of("80", "7777"), None);
        assert!(unsent.of("80", "1").is_some(), "a line takes no form's place");
    }
}
