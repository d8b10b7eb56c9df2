//! A store that takes its time between a call's deadline and the call.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use hallpass::{
    clock::Clock as _,
    domain::{
        entitlement::{Handle, Order},
        policy::{Person, Role},
        request::State,
        time::{Instant, Span},
    },
    provider::{Description, Fault, Provider, Resolved, Seen, Step, pretend::Pretend},
};

use super::ASK;
use crate::world::{World, catalogue};

/// The pretended provider; notes how much time each changing call was given.
struct Timed(Arc<Pretend>, Mutex<Vec<(&'static str, Duration)>>);

#[async_trait]
impl Provider for Timed {
    fn describe(&self) -> &Description {
        self.0.describe()
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        self.0.resolve(who, what).await
    }

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Fault> {
        self.0.observe(order, handle).await
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault> {
        self.1.lock().unwrap().push(("grant", left));
        self.0.grant(order, handle, until, left).await
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, left: Duration) -> Result<Step, Fault> {
        self.1.lock().unwrap().push(("revoke", left));
        self.0.revoke(order, handle, left).await
    }
}

/// Does it while time goes on by itself, in small steps.
async fn while_time_passes<T>(world: &World, what: impl Future<Output = T>) -> T {
    let passing = async {
        loop {
            tokio::task::yield_now().await;
            let now = world.clock.now();
            world.clock.jump(Instant::from_micros(now.micros() + 10));
        }
    };
    tokio::select! {
        done = what => done,
        () = passing => unreachable!("time does not end"),
    }
}

#[tokio::test]
async fn a_call_is_given_what_its_commit_left_of_the_deadline() {
    let world = World::new().await;
    let timed = Arc::new(Timed(world.pretend.clone(), Mutex::default()));
    let provider: Arc<dyn Provider> = timed.clone();
    world.bot.reload(catalogue(), BTreeMap::from([("pretended".parse().unwrap(), provider)])).await.unwrap();
    world.say("ana", ASK).await;
    let id = world.newest().await;
    Box::pin(while_time_passes(&world, world.press("ben", "approve", &id, None))).await;
    assert!(matches!(world.state(&id).await.state, State::Active { .. }));
    world.clock.advance(Span::from_minutes(60));
    Box::pin(while_time_passes(&world, world.workers.drain())).await.unwrap();
    assert!(!world.holds("ana", "write"));
    let given = timed.1.lock().unwrap().clone();
    assert_eq!(given.iter().map(|(verb, _)| *verb).collect::<Vec<_>>(), ["grant", "revoke"]);
    let whole = timed.describe().deadline.std();
    assert!(given.iter().all(|(_, left)| *left < whole), "{given:?}");
}
