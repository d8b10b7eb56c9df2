//! Which private lines a person who turned them down gets all the same. Pure; who did is the bot's to know.

use super::{event::Event, ids::PersonId, request::Request};

/// Is this told to `to` whatever they turned down? What somebody asks in their name, what only they can answer, and how to
/// reach what they hold; nothing else.
pub fn is_always_told(event: &Event, to: &PersonId, request: &Request) -> bool {
    let holder = *to == request.subject;
    match event {
        Event::Asked { .. } | Event::Offered { .. } => true,
        Event::Working { .. } => holder,
        Event::Extended { how_to_connect, .. } => holder && how_to_connect.is_some(),
        _ => false,
    }
}
