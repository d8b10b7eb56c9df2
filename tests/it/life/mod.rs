//! Conversations at the console: the life of a request as people live it, one file per capability.

mod answers;
mod asking;
mod clock;
mod credentials;
mod deciding;
mod directly;
mod ending;
mod forms;
mod holding;
mod home;
mod intent;
mod leaving;
mod linking;
mod offers;
mod pressing;
mod providing;
mod quiet;
mod slow_commit;

use std::sync::atomic::{AtomicU64, Ordering};

use hallpass::{
    bot::{Answer, Body, Incoming},
    domain::{
        policy::{Catalogue, Platform, Policy},
        refusal::Refusal,
        request::{Ending, Request, Round, State, Work},
        time::Span,
    },
};

use crate::world::{World, catalogue};

pub(crate) const ASK: &str = "/jit request prod-db write 1h Unblock the stuck import";

impl World {
    /// Anything from any platform, as the bot answers it. Everything that follows from it is done.
    pub(crate) async fn from(&self, platform: Platform, user: &str, body: Body) -> Answer {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let interaction = format!("life-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let answer = self.bot.take(&Incoming { platform, user: user.into(), interaction, body }).await.unwrap().unwrap();
        self.workers.drain().await.unwrap();
        answer
    }

    /// A line that is refused.
    pub(crate) async fn no(&self, user: &str, line: &str) -> Refusal {
        match self.from(Platform::Console, user, Body::Line { text: line.into() }).await {
            Answer::Refused(refusal) => refusal,
            Answer::Said { name, .. } => panic!("{line}: {name}"),
            Answer::Handed(_) => panic!("{line}: a credential"),
        }
    }

    /// A line that is done.
    pub(crate) async fn done(&self, user: &str, line: &str) {
        match self.from(Platform::Console, user, Body::Line { text: line.into() }).await {
            Answer::Said { .. } | Answer::Handed(_) => {}
            Answer::Refused(refusal) => panic!("{line}: {refusal:?}"),
        }
    }

    /// An ask that is opened; its id. A second passes first, so that the newest request is this one.
    pub(crate) async fn ask(&self, user: &str, line: &str) -> String {
        self.advance(Span::from_seconds(1)).await;
        self.done(user, line).await;
        self.newest().await
    }

    /// An ask that somebody approves.
    pub(crate) async fn granted(&self, user: &str, line: &str, by: &str) -> String {
        let id = self.ask(user, line).await;
        self.done(by, &format!("/jit approve {id}")).await;
        id
    }

    /// The rules change while the bot runs.
    pub(crate) async fn rules(&self, change: impl FnOnce(&mut Catalogue)) {
        let mut catalogue = catalogue();
        change(&mut catalogue);
        self.bot.reload(catalogue, (*self.bot.providers()).clone()).await.unwrap();
    }

    pub(crate) async fn policy(&self, name: &str, change: impl FnOnce(&mut Policy)) {
        self.rules(|catalogue| change(catalogue.policies.get_mut(&name.parse().unwrap()).unwrap())).await;
    }

    pub(crate) async fn round(&self, id: &str) -> Round {
        let request = self.state(id).await;
        request.round().cloned().unwrap_or_else(|| panic!("{request:?}"))
    }

    pub(crate) async fn work(&self, id: &str) -> Work {
        match self.state(id).await.state {
            State::Active { work, .. } => work,
            state => panic!("{state:?}"),
        }
    }

    pub(crate) async fn ending(&self, id: &str) -> Ending {
        match self.state(id).await.state {
            State::Closed { ending, .. } => ending,
            state => panic!("{state:?}"),
        }
    }

    pub(crate) async fn all(&self) -> Vec<Request> {
        self.store.requests(&hallpass::store::Filter { limit: 100, ..Default::default() }).await.unwrap()
    }
}
