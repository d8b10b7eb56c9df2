//! What every adapter must do, checked against a real system: the same checks for ours and for everybody's.
//! Changes that system, for the people and the role it is given, and takes back what it gave. Knows no adapter.

mod checks;

#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

use async_trait::async_trait;

use super::{Description, Done, Fault, FaultKind, Provider, Resolved, Seen, Step};
use crate::domain::{
    entitlement::{Handle, Order},
    ids::ProviderName,
    policy::{Person, Role},
    time::Instant,
};

/// Most polls of one operation, and longest pause between two.
const POLLS: u32 = 60;
const PAUSE: Duration = Duration::from_secs(10);

/// On whom and what to try.
#[derive(Debug, Clone)]
pub struct Fixture {
    pub provider: ProviderName,
    /// Both exist in the system and hold nothing there.
    pub person: Person,
    pub other: Person,
    pub role: Role,
    /// Somebody and something that the system does not have, where it can tell.
    pub unknown_person: Option<Person>,
    pub unknown_role: Option<Role>,
    /// Native end of what is given, and a later one for `extend`: real moments, some minutes ahead.
    pub until: Instant,
    pub later: Instant,
    /// Makes this run's grant ids different from those of every other: small letters and digits.
    pub run: String,
}

/// Tries whether the person really gets in. The best proof there is; without it the adapter's word is taken.
#[async_trait]
pub trait Access: Send + Sync {
    /// With what `grant` brought. An error means that it could not be tried.
    async fn can(&self, order: &Order, brought: &Done) -> Result<bool, String>;
}

/// How one check came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed(String),
    /// The adapter does not claim to do this, or the fixture does not allow to try it.
    Skipped(&'static str),
}

/// One rule, and whether it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub rule: &'static str,
    pub verdict: Verdict,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Passed => write!(f, "pass  {}", self.rule),
            Verdict::Failed(why) => write!(f, "FAIL  {}: {why}", self.rule),
            Verdict::Skipped(why) => write!(f, "skip  {}: {why}", self.rule),
        }
    }
}

/// Runs every check, in order; each cleans up behind itself.
pub async fn run(provider: &dyn Provider, fixture: &Fixture, access: Option<&dyn Access>) -> Vec<Check> {
    let bench = Bench::new(provider, fixture, access);
    vec![
        check("its description is sound", bench.description()),
        check("resolving changes nothing and answers the same twice", bench.resolving().await),
        check("a person who is not there is named as such", bench.unknown_person().await),
        check("a target that is not there is named as such", bench.unknown_target().await),
        check("granted is there, and gone after revoke", bench.round_trip().await),
        check("granting twice is as granting once", bench.repeated().await),
        check("revoking works without a handle", bench.without_handle().await),
        check("revoking what was never granted succeeds", bench.never_granted().await),
        check("two people do not disturb each other", bench.two_people().await),
        check("two grants of one person do not cut each other", bench.overlapping().await),
        check("what was granted again after a lost answer is gone after one revoke", bench.lost_answer().await),
        check("extending moves the native end", bench.extended().await),
        check("a credential is made when fetched", bench.credential().await),
        check("holders are listed", bench.holders().await),
        check("open sessions are told for each order", bench.sightings().await),
        check("hostile names are data", bench.hostile().await),
        check("health answers", bench.health().await),
    ]
}

/// How a check came out.
pub(crate) type Outcome = Result<(), Stop>;

/// Why a check does not go on.
pub(crate) enum Stop {
    Failed(String),
    Skipped(&'static str),
}

/// One rule's line.
pub(crate) fn check(rule: &'static str, outcome: Outcome) -> Check {
    let verdict = match outcome {
        Ok(()) => Verdict::Passed,
        Err(Stop::Failed(why)) => Verdict::Failed(why),
        Err(Stop::Skipped(why)) => Verdict::Skipped(why),
    };
    Check { rule, verdict }
}

fn failed(why: impl Into<String>) -> Stop {
    Stop::Failed(why.into())
}

fn must(holds: bool, otherwise: &str) -> Outcome {
    if holds { Ok(()) } else { Err(failed(otherwise)) }
}

/// What the checks are made of: the verbs as the core would call them, within the deadline and until settled.
pub(crate) struct Bench<'a> {
    provider: &'a dyn Provider,
    fixture: &'a Fixture,
    access: Option<&'a dyn Access>,
}

impl<'a> Bench<'a> {
    pub(crate) const fn new(provider: &'a dyn Provider, fixture: &'a Fixture, access: Option<&'a dyn Access>) -> Self {
        Self { provider, fixture, access }
    }

    async fn resolve(&self, person: &Person) -> Result<Resolved, Stop> {
        self.timed("resolve", self.provider.resolve(person, &self.fixture.role)).await?.map_err(|fault| said("resolve", &fault))
    }

    /// An order for this person, as the core would fix it.
    pub(crate) async fn order(&self, person: &Person, name: &str) -> Result<Order, Stop> {
        Ok(self.order_of(person, self.resolve(person).await?, name))
    }

    fn order_of(&self, person: &Person, resolved: Resolved, name: &str) -> Order {
        Order {
            provider: self.fixture.provider.clone(),
            target: resolved.target,
            principal: resolved.principal,
            person: person.id.clone(),
            inputs: resolved.inputs,
            grant: format!("test-{}-{name}", self.fixture.run),
            by_hand: resolved.by_hand,
        }
    }

    pub(crate) async fn grant(&self, order: &Order, handle: Option<&Handle>) -> Result<Done, Stop> {
        let step = self.timed("grant", self.provider.grant(order, handle, self.fixture.until, self.whole())).await?;
        self.finish("grant", order, step).await
    }

    pub(crate) async fn revoke(&self, order: &Order, handle: Option<&Handle>) -> Result<Done, Stop> {
        let step = self.timed("revoke", self.provider.revoke(order, handle, self.whole())).await?;
        self.finish("revoke", order, step).await
    }

    async fn finish(&self, verb: &str, order: &Order, mut step: Result<Step, Fault>) -> Result<Done, Stop> {
        for _ in 0..POLLS {
            match step.map_err(|fault| said(verb, &fault))? {
                Step::Done(done) => return Ok(done),
                Step::Wait { op, again_in, .. } => {
                    tokio::time::sleep(again_in.std().min(PAUSE)).await;
                    step = self.timed("poll", self.provider.poll(order, &op)).await?;
                }
            }
        }
        Err(failed(format!("{verb} is still not done after {POLLS} polls")))
    }

    /// What enough reads agree on.
    pub(crate) async fn sees(&self, order: &Order, handle: Option<&Handle>, present: bool) -> Outcome {
        let settling = &self.provider.describe_for(&order.target).settling;
        let mut agreeing = 0;
        for read in 0..POLLS {
            if read > 0 {
                tokio::time::sleep(settling.apart.std().min(PAUSE)).await;
            }
            match self.look(order, handle).await? {
                Seen::Present { .. } if present => agreeing += 1,
                Seen::Absent if !present => agreeing += 1,
                Seen::Pending { .. } => agreeing = 0,
                other if settling.reads <= 1 => return Err(failed(wrong(present, &other))),
                _ => agreeing = 0,
            }
            if agreeing >= settling.reads.max(1) {
                return Ok(());
            }
        }
        Err(failed(format!("{POLLS} reads do not settle on {}", word(present))))
    }

    async fn look(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Stop> {
        self.timed("observe", self.provider.observe(order, handle)).await?.map_err(|fault| said("observe", &fault))
    }

    /// The person tries; nothing is said where nobody can try.
    pub(crate) async fn can(&self, order: &Order, brought: &Done, wanted: bool) -> Outcome {
        let Some(access) = self.access else { return Ok(()) };
        match access.can(order, brought).await {
            Ok(can) if can == wanted => Ok(()),
            Ok(true) => Err(failed("the person still gets in")),
            Ok(false) => Err(failed("the person does not get in")),
            Err(why) => Err(failed(format!("whether the person gets in could not be tried: {why}"))),
        }
    }

    /// What the adapter says of the role that is tried.
    pub(crate) fn about(&self) -> &Description {
        self.provider.describe_for(&self.fixture.role.target)
    }

    /// How long a call may take.
    fn whole(&self) -> Duration {
        self.about().deadline.std()
    }

    async fn timed<T>(&self, verb: &str, call: impl Future<Output = T>) -> Result<T, Stop> {
        let late = |_| failed(format!("{verb} gave no answer within {} s", self.whole().as_secs()));
        tokio::time::timeout(self.whole(), call).await.map_err(late)
    }
}

const fn word(present: bool) -> &'static str {
    if present { "present" } else { "absent" }
}

fn wrong(present: bool, seen: &Seen) -> String {
    let wanted = word(present);
    match seen {
        Seen::Present { .. } => format!("it should be {wanted}, and is seen as present"),
        Seen::Absent => format!("it should be {wanted}, and is seen as absent"),
        Seen::Pending { why } => format!("it should be {wanted}, and is still pending: {why}"),
        Seen::Unknown { why } => format!("it should be {wanted}, and could not be seen: {why}"),
    }
}

fn said(verb: &str, fault: &Fault) -> Stop {
    failed(format!("{verb} says {:?}: {}", fault.kind, fault.message))
}

/// A fault that names the person or the target as the reason.
const fn names_the_reason(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::NoSuchPrincipal | FaultKind::NoSuchTarget | FaultKind::Invalid | FaultKind::Unmanaged)
}
