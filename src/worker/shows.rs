//! What the workers want shown, and the trait that makes it: the chat module's renderer implements it.

use std::collections::BTreeMap;

use crate::{
    bot::Around,
    chat::Message,
    domain::{
        digest::Made,
        event::Event,
        ids::PersonId,
        policy::Platform,
        request::{Request, RequestId},
        time::Instant,
        words::Texts,
    },
    store::Alarm,
};

/// A request with everything that showing it needs, read at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub request: &'a Request,
    pub texts: &'a Texts,
    pub around: &'a Around,
    pub now: Instant,
}

/// One event, for the thread or for one person.
#[derive(Debug)]
pub struct Telling<'a> {
    pub scene: Scene<'a>,
    pub event: &'a Event,
    /// Number in the request's stream.
    pub n: u64,
    pub at: Instant,
}

/// A digest, and where each request that it tells of is shown: web addresses.
#[derive(Debug, Clone, Copy)]
pub struct Digested<'a> {
    pub made: &'a Made,
    pub links: &'a BTreeMap<RequestId, String>,
}

/// Makes the messages.
pub trait Shows: Send + Sync {
    /// The card as it is now.
    fn card(&self, platform: Platform, scene: &Scene<'_>) -> Message;

    /// The reply that tells this event; None: it is not told in threads.
    fn reply(&self, platform: Platform, telling: &Telling<'_>) -> Option<Message>;

    /// What this person is told directly; None: nothing.
    fn direct(&self, platform: Platform, to: &PersonId, telling: &Telling<'_>) -> Option<Message>;

    /// What a person is told when an account was joined to them, or parted from them.
    fn link(&self, platform: Platform, to: &PersonId, account: (Platform, &str), joined: bool) -> Message;

    /// The messages of a digest after so many of its lines and messages, each with how many lines stand there after it.
    fn digest(&self, platform: Platform, digested: &Digested<'_>, told: (usize, usize)) -> Vec<(Message, usize)>;

    /// The alarm's post, for operators; `about` is its request.
    fn alarm(&self, platform: Platform, alarm: &Alarm, about: Option<&Scene<'_>>, now: Instant) -> Message;
}
