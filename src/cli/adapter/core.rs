//! Rules that need the core: what the bot makes of an adapter across overlapping grants, lost answers and its own death.
//! Each is a small story, told to a real bot and a real store.

use std::{sync::Arc, time::Duration};

use super::{
    program::{self, Break},
    rig::{Held, House, Rig},
    spoiled::{Spoil, Spoiled},
};
use crate::{
    domain::{entitlement::Ownership, request::RequestId, time::Span},
    provider::{
        Provider,
        conformance::{Access, Bench, Check, Fixture, Outcome, Stop, check},
        exec,
    },
};

/// What is tried, and how.
pub(super) struct Under<'a> {
    pub(super) provider: &'a Arc<dyn Provider>,
    pub(super) fixture: &'a Fixture,
    pub(super) access: Option<&'a dyn Access>,
    /// Of an adapter outside, so that its program can be spoiled too.
    pub(super) exec: Option<&'a exec::Settings>,
}

/// Every rule that needs the core.
pub(super) async fn run(under: &Under<'_>) -> Vec<Check> {
    let mut checks = vec![
        check("standing access survives a grant and its end", under.standing().await),
        check("two grants overlap, and both end", under.overlap().await),
        check("killed after the call took effect, overlapped and ended: nothing is left", under.killed().await),
        check("cut answers leave nothing behind", under.lost(&[Spoil::CutBefore, Spoil::CutAfter]).await),
        check("slow answers leave nothing behind", under.lost(&[Spoil::Slow]).await),
        check("garbage answers leave nothing behind", under.lost(&[Spoil::Garbage]).await),
    ];
    for (rule, how) in [
        ("garbage on standard output is not taken for an answer", Break::Garbage),
        ("an exit code that means nothing is not taken for an answer", Break::Code),
        ("an answer that is too long is not taken for one", Break::Long),
        ("at the deadline the program's whole group is killed", Break::Hang),
        ("what the program leaves behind is killed when it ends", Break::Leave),
    ] {
        checks.push(check(rule, under.broken(how).await));
    }
    checks
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

impl Under<'_> {
    fn bench(&self) -> Bench<'_> {
        Bench::new(self.provider.as_ref(), self.fixture, self.access)
    }

    /// Something that was there before the bot came is there when it has gone.
    async fn standing(&self) -> Outcome {
        if self.bench().about().ownership == Ownership::Ours {
            return Err(Stop::Skipped("its one object is the bot's own: nothing of others can be in it"));
        }
        let bench = self.bench();
        let order = bench.order(&self.fixture.person, "standing").await?;
        let before = bench.grant(&order, None).await?;
        let story = async {
            bench.sees(&order, before.handle.as_ref(), true).await?;
            let rig = Rig::new(self.provider.clone(), self.fixture)?;
            let house = rig.open().await?;
            let id = rig.ask(&house).await?;
            rig.until_active(&house, &id).await?;
            rig.give_back(&house, &id).await?;
            rig.until_closed(&house, &id).await?;
            bench.sees(&order, before.handle.as_ref(), true).await?;
            bench.can(&order, &before, true).await
        };
        let told = story.await;
        bench.revoke(&order, before.handle.as_ref()).await?;
        told?;
        bench.sees(&order, before.handle.as_ref(), false).await
    }

    async fn overlap(&self) -> Outcome {
        let rig = Rig::new(self.provider.clone(), self.fixture)?;
        let house = rig.open().await?;
        let first = rig.ask(&house).await?;
        let one = rig.until_active(&house, &first).await?;
        self.both_end(&rig, &house, (&first, &one)).await
    }

    /// A second grant beside the first; the first ends and does not cut it, the second ends and nothing is left.
    async fn both_end(&self, rig: &Rig<'_>, house: &House, (first, one): (&RequestId, &Held)) -> Outcome {
        let second = rig.ask(house).await?;
        let two = rig.until_active(house, &second).await?;
        rig.give_back(house, first).await?;
        rig.until_closed(house, first).await?;
        self.is_there(&two, true).await?;
        rig.give_back(house, &second).await?;
        rig.until_closed(house, &second).await?;
        self.is_there(one, false).await?;
        self.is_there(&two, false).await
    }

    async fn killed(&self) -> Outcome {
        let spoiled = Arc::new(Spoiled::new(self.provider.clone(), &self.fixture.role.target, self.provider.describe().deadline));
        let rig = Rig::new(spoiled.clone(), self.fixture)?;
        let house = rig.open().await?;
        spoiled.spoil_next(Spoil::Vanish);
        let first = rig.ask(&house).await?;
        tokio::select! {
            worked = rig.work(&house) => {
                worked?;
                return Err(Stop::Failed("the bot did not die where it should have".into()));
            }
            () = spoiled.vanished.notified() => {}
        }
        drop(house);
        let house = rig.open().await?;
        // Its lease outlasts two deadlines and half a minute.
        rig.clock.skip(self.provider.describe().deadline + self.provider.describe().deadline);
        rig.clock.skip(Span::from_seconds(40));
        let one = rig.until_active(&house, &first).await?;
        self.both_end(&rig, &house, (&first, &one)).await
    }

    /// The answer to the grant is lost, and the one to the revoke too.
    async fn lost(&self, ways: &[Spoil]) -> Outcome {
        let deadline = self.deadline().await?;
        for way in ways {
            let spoiled = Arc::new(Spoiled::new(self.provider.clone(), &self.fixture.role.target, deadline));
            let rig = Rig::new(spoiled.clone(), self.fixture)?;
            let house = rig.open().await?;
            spoiled.spoil_next(*way);
            let id = rig.ask(&house).await?;
            let held = rig.until_active(&house, &id).await?;
            self.is_there(&held, true).await?;
            if !spoiled.is_spent() {
                return Err(Stop::Failed("the answer to the grant was not lost".into()));
            }
            spoiled.spoil_next(*way);
            rig.give_back(&house, &id).await?;
            rig.until_closed(&house, &id).await?;
            if !spoiled.is_spent() {
                return Err(Stop::Failed("the answer to the revoke was not lost".into()));
            }
            self.is_there(&held, false).await?;
        }
        Ok(())
    }

    /// The program itself answers as it should not, to a grant and to a revoke.
    async fn broken(&self, how: Break) -> Outcome {
        let Some(settings) = self.exec else { return Err(Stop::Skipped("it is no program")) };
        let broken = program::Broken::new(settings, self.deadline().await?)?;
        let provider: Arc<dyn Provider> = Arc::new(broken.start().await?);
        let rig = Rig::new(provider, self.fixture)?;
        let house = rig.open().await?;
        broken.break_next(how)?;
        let id = rig.ask(&house).await?;
        let held = rig.until_active(&house, &id).await?;
        broken.was_broken().await?;
        broken.break_next(how)?;
        rig.give_back(&house, &id).await?;
        rig.until_closed(&house, &id).await?;
        broken.was_broken().await?;
        self.is_there(&held, false).await
    }

    /// As the adapter itself has it, without anything between.
    async fn is_there(&self, held: &Held, present: bool) -> Outcome {
        let bench = self.bench();
        bench.sees(&held.order, held.done.handle.as_ref(), present).await?;
        bench.can(&held.order, &held.done, present).await
    }

    /// Long enough for this adapter, short enough to wait for: five times a look, a second at least.
    async fn deadline(&self) -> Result<Span, Stop> {
        let bench = self.bench();
        let order = bench.order(&self.fixture.person, "timed").await?;
        let begun = tokio::time::Instant::now();
        bench.sees(&order, None, false).await?;
        let look: Duration = begun.elapsed();
        let seconds = i64::try_from(look.as_secs() * 5 + 1).unwrap_or(i64::MAX);
        Ok(Span::from_seconds(seconds).min(self.provider.describe().deadline))
    }
}
