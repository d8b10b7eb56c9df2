//! The bots of a random life, what is done to them, and the evidence for the checker.

use std::{future::Future, pin::pin, sync::Arc, task::Poll};

use hallpass::{
    bot::{Body, Incoming},
    clock::ManualClock,
    domain::{
        entitlement::Ownership,
        policy::{Catalogue, Platform},
        request::State,
        time::Span,
    },
    provider::{
        FaultKind,
        pretend::{Pretend, Temper},
    },
    store::{Filter, Store},
};

use super::Deed;
use crate::{
    checker::{Change, Evidence, Object, check},
    world::{World, catalogue as usual},
};

const PEOPLE: [&str; 6] = ["ana", "ben", "dora", "cleo", "eve", "finn"];

pub(super) const ASKS: [&str; 5] = [
    "/jit request prod-db write 1h Unblock the stuck import",
    "/jit request prod-db write 30m Look at the slow query",
    "/jit request prod-db admin 1h Move the tables",
    "/jit request prod-db write 1h --at 18:00 nightly job",
    "/jit request bastion login 15m look at the disk",
];

/// Button and the words that go with it.
pub(super) const ACTIONS: [(&str, Option<&str>); 14] = [
    ("approve", None),
    ("approve", Some("only the import")),
    ("deny", Some("use the replica")),
    ("takeback", None),
    ("less", Some("read 30m only looking")),
    ("accept", None),
    ("decline", None),
    ("looking", None),
    ("pass", Some("@dora")),
    ("cancel", None),
    ("return", None),
    ("extend:30m", None),
    ("extend:1h", None),
    ("revoke", Some("enough")),
];

/// The usual one, in which access may go on for a moment while more time is being decided.
fn catalogue() -> Catalogue {
    let mut catalogue = usual();
    catalogue.policies.values_mut().for_each(|policy| policy.grace = Span::from_minutes(5));
    catalogue
}

pub(super) struct House {
    bots: Vec<World>,
    url: String,
    clock: Arc<ManualClock>,
    pretend: Arc<Pretend>,
    changes: Vec<Change>,
    policy: Catalogue,
    commands: u32,
    shared: bool,
}

impl House {
    pub(super) async fn new(url: &str, bots: usize, shared: bool) -> Self {
        let first = World::on(url, if shared { Ownership::Shared } else { Ownership::Ours }).await;
        let (clock, pretend) = (first.clock.clone(), first.pretend.clone());
        let mut bots_ = vec![first];
        while bots_.len() < bots {
            let store = Store::open(url).await.unwrap();
            let another = bots_[0].replica(store).await;
            bots_.push(another);
        }
        let mut house = Self { bots: bots_, url: url.into(), clock, pretend, changes: Vec::new(), policy: usual(), commands: 0, shared };
        house.reload(catalogue()).await;
        house
    }

    pub(super) async fn act(&mut self, bot: usize, deed: Deed) {
        let bot = bot % self.bots.len();
        self.clock.advance(Span::from_seconds(1));
        match deed {
            Deed::Ask { person, what } => self.say(bot, PEOPLE[person], Body::Line { text: ASKS[what].into() }).await,
            Deed::Press { person, action, request } => self.press(bot, PEOPLE[person], action, request).await,
            Deed::Work => self.bots[bot].workers.drain().await.map(|_| ()).unwrap(),
            Deed::Pass { seconds } => self.clock.advance(Span::from_seconds(seconds)),
            Deed::Temper { which } => self.pretend.set_temper(temper(which)),
            Deed::Restart => self.restart(bot).await,
            Deed::Crash { after } => {
                cut(Box::pin(self.bots[bot].workers.drain()), after).await;
                self.restart(bot).await;
            }
            Deed::Reload { which } => self.reload(policy(which)).await,
            Deed::ByHand { on } => self.by_hand(on).await,
            Deed::Leave { person, gone } => {
                self.bots[bot].console.set_profile(PEOPLE[person], PEOPLE[person], !gone);
                self.bots[bot].bot.leavers().await.map(|_| ()).unwrap();
            }
        }
        self.note();
    }

    async fn say(&mut self, bot: usize, user: &str, body: Body) {
        self.commands += 1;
        let interaction = format!("random-{}", self.commands);
        let incoming = Incoming { platform: Platform::Console, user: user.into(), interaction, body };
        drop(self.bots[bot].bot.take(&incoming).await.unwrap());
    }

    async fn press(&mut self, bot: usize, user: &str, action: usize, request: usize) {
        let filter = Filter { limit: 4, ..Filter::default() };
        let newest = self.bots[bot].store.requests(&filter).await.unwrap();
        let Some(request) = newest.get(request).map(|r| r.id.to_string()) else { return };
        let (action, words) = ACTIONS[action];
        self.say(bot, user, Body::Press { action: action.into(), request, words: words.map(Into::into) }).await;
    }

    /// The bot stops and another takes its place; the profiles that were set stay.
    async fn restart(&mut self, bot: usize) {
        let outside = self.bots.remove(bot).without_store().await;
        let store = Store::open(&self.url).await.unwrap();
        let world = outside.with_store(store).await;
        world.bot.reload(self.policy.clone(), (*world.bot.providers()).clone()).await.unwrap();
        world.bot.handle_left().await.map(|_| ()).unwrap();
        self.bots.insert(bot, world);
    }

    async fn reload(&mut self, policy: Catalogue) {
        for world in &self.bots {
            world.bot.reload(policy.clone(), (*world.bot.providers()).clone()).await.unwrap();
        }
        self.policy = policy;
    }

    /// Only where it is the same bit, and cannot be mistaken for the bot's own work: while nothing of it is asked for.
    async fn by_hand(&mut self, on: bool) {
        let open = self.bots[0].store.requests(&Filter { open: Some(true), limit: 1, ..Filter::default() }).await.unwrap();
        if self.shared && open.is_empty() && self.pretend.held().is_empty() == on {
            self.pretend.set("write", "ana", on);
        }
    }

    /// The provider's own record, with the time: it only moves between deeds.
    fn note(&mut self) {
        let at = hallpass::clock::Clock::now(&*self.clock);
        for made in self.pretend.take_made() {
            let target = serde_json::json!({ "name": made.target }).to_string();
            let object = Object { provider: "pretended".into(), target, principal: made.principal, grant: String::new() };
            self.changes.push(Change { at, object, on: made.on, by_hand: made.by_hand });
        }
    }

    /// Nothing goes wrong any more, and time passes until every story is over.
    pub(super) async fn finish(&mut self) {
        self.pretend.set_temper(Temper::default());
        self.reload(catalogue()).await;
        for _ in 0..60 {
            for seconds in [61, 61, 1_500] {
                self.clock.advance(Span::from_seconds(seconds));
                for world in &self.bots {
                    world.workers.drain().await.unwrap();
                }
                self.note();
            }
            let open = self.bots[0].store.requests(&Filter { open: Some(true), limit: 1, ..Filter::default() }).await.unwrap();
            if open.is_empty() {
                break;
            }
        }
    }

    pub(super) async fn judge(&self, over: bool) -> Result<(), String> {
        let now = hallpass::clock::Clock::now(&*self.clock);
        // The least that any of the policies asked for: none of them asks fewer people than the first.
        let policies = catalogue().policies;
        let evidence = Evidence { policies, changes: self.changes.clone(), now: Some(now), ..Evidence::of(&self.bots[0].store).await };
        let mut findings = check(&evidence);
        // The alarm is the tick's, and these bots tick only when they are let work.
        findings.retain(|finding| !finding.starts_with("R3"));
        if over {
            findings.extend(self.left_over(&evidence));
        }
        if findings.is_empty() { Ok(()) } else { Err(format!("\n{}", findings.join("\n"))) }
    }

    fn left_over(&self, evidence: &Evidence) -> Vec<String> {
        let open = evidence.requests.iter().filter(|r| !matches!(r.state, State::Closed { .. }));
        let open = open.map(|r| format!("{} is still {}", r.id, r.state.name()));
        let by_hand = |target: &str, who: &str| {
            let target = serde_json::json!({ "name": target }).to_string();
            let of = |c: &&Change| c.object.principal == who && c.object.target == target;
            self.changes.iter().rfind(of).is_some_and(|change| change.by_hand)
        };
        let held = self.pretend.held();
        let left = held.iter().filter(|(target, who)| !by_hand(target, who)).map(|(target, who)| format!("{who} still has {target}"));
        open.chain(left).collect()
    }
}

fn temper(which: usize) -> Temper {
    match which {
        0 => Temper { fails: Some((FaultKind::Transient, "connection refused".into())), ..Temper::default() },
        1 => Temper { cut_after_effect: true, ..Temper::default() },
        2 => Temper { cut_before_effect: true, ..Temper::default() },
        3 => Temper { fails: Some((FaultKind::Denied, "permission denied".into())), ..Temper::default() },
        _ => Temper::default(),
    }
}

/// Each asks for no fewer people than the first.
fn policy(which: usize) -> Catalogue {
    let mut changed = catalogue();
    match which {
        0 => changed.policies.values_mut().for_each(|policy| policy.cap = Span::from_minutes(40)),
        1 => changed.groups.values_mut().for_each(|group| group.members.retain(|m| m.as_str() != "ben")),
        2 => drop(changed.resources.get_mut(&"bastion".parse().unwrap()).map(|r| r.roles.clear())),
        3 => changed.frozen = true,
        _ => {}
    }
    changed
}

/// Polls it so often, then drops it where it is.
async fn cut<T>(work: impl Future<Output = T>, polls: u32) {
    let (mut work, mut polled) = (pin!(work), 0);
    std::future::poll_fn(|context| {
        polled += 1;
        if polled > polls { Poll::Ready(()) } else { work.as_mut().poll(context).map(drop) }
    })
    .await;
}
