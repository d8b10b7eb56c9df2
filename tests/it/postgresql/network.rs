//! The network fails at each message of each verb, one after the other, as a bot may meet it: afterwards the core's next
//! calls mend it, nothing is left behind, and nothing that was there before is touched.

use std::{sync::Arc, time::Duration};

use hallpass::{
    domain::{
        entitlement::{Handle, Order},
        time::Span,
    },
    provider::{
        Done, Fault as Said, FaultKind, Provider, Seen, Step,
        conformance::{Access as _, Fixture},
    },
};
use tokio::time::timeout;

use super::{
    access::{Tries, fetched, ordered, writes},
    client::{Session, until},
    cluster::{Cluster, Form},
    conformance::differences,
    server::{Server, Version},
};
use crate::fakes::proxy::{Fault, Proxy};

/// Until the deadline of a call that is answered, and of one that is not.
const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(1_500);
/// Calls until one works again: a connection that died unnoticed may cost one.
const TRIES: usize = 3;
/// More messages than any verb has.
const MESSAGES: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Grant,
    Extend,
    Credential,
    Revoke,
}

/// One server, everything on it, and the way to it.
struct Trial {
    cluster: Cluster,
    proxy: Proxy,
    form: Form,
    fixture: Fixture,
    server: Server,
}

/// What one case looks at.
struct Held {
    provider: Arc<dyn Provider>,
    order: Order,
    handle: Option<Handle>,
    before: Vec<String>,
}

impl Trial {
    async fn new(version: Version, form: Form) -> Self {
        let server = Server::start(version, &[]);
        let cluster = Cluster::of(&server).await;
        let proxy = Proxy::before(server.address()).await;
        let mut fixture = cluster.fixture(form);
        // Later than any test ends.
        (fixture.until, fixture.later) = (fixture.until + Span::from_minutes(120), fixture.later + Span::from_minutes(180));
        Self { cluster, proxy, form, fixture, server }
    }

    /// An adapter with no connection yet, as after a start.
    async fn provider(&self) -> Arc<dyn Provider> {
        self.cluster.provider(Some(self.proxy.port())).await
    }

    async fn held(&self, name: &str) -> Held {
        let before = self.cluster.snapshot().await;
        let order = ordered(self.provider().await.as_ref(), &self.fixture, name).await;
        // Logging in is part of what can fail.
        let provider = self.provider().await;
        Held { provider, order, handle: None, before }
    }

    /// One call, given up at its deadline as the core does.
    async fn call(&self, verb: Verb, held: &Held, left: Duration) -> Result<Done, Said> {
        let (provider, order, handle) = (&held.provider, &held.order, held.handle.as_ref());
        let call = async {
            let step = match verb {
                Verb::Grant => provider.grant(order, handle, self.fixture.until, left).await?,
                Verb::Extend => provider.extend(order, handle, self.fixture.later, left).await?,
                Verb::Revoke => provider.revoke(order, handle, left).await?,
                Verb::Credential => provider.credential(order, handle).await.map(|_| Step::Done(Done::default()))?,
            };
            match step {
                Step::Done(done) => Ok(done),
                Step::Wait { op, .. } => self.polled(held, &op).await,
            }
        };
        timeout(left, call).await.unwrap_or_else(|_| Err(Said::new(FaultKind::Ambiguous, "no answer in time")))
    }

    async fn polled(&self, held: &Held, op: &str) -> Result<Done, Said> {
        loop {
            if let Step::Done(done) = held.provider.poll(&held.order, op).await? {
                return Ok(done);
            }
        }
    }

    /// The network is well again: it works, after a try or two.
    async fn works(&self, verb: Verb, held: &Held) -> Result<Done, String> {
        let mut last = String::new();
        for _ in 0..TRIES {
            match self.call(verb, held, LONG).await {
                Ok(done) => return Ok(done),
                Err(fault) => last = format!("{verb:?} still says {:?}: {}", fault.kind, fault.message),
            }
        }
        Err(last)
    }

    async fn sees(&self, held: &Held) -> Result<bool, String> {
        let mut last = String::new();
        for _ in 0..TRIES {
            match held.provider.observe(&held.order, held.handle.as_ref()).await {
                Ok(Seen::Present { .. }) => return Ok(true),
                Ok(Seen::Absent) => return Ok(false),
                other => last = format!("it still cannot look: {other:?}"),
            }
        }
        Err(last)
    }

    /// The call meets the fault; what it said, and what is wrong by then. None: the fault did not come any more.
    async fn meets(&self, verb: Verb, fault: Fault, nth: usize) -> Option<Result<(), String>> {
        let mut held = self.held(&format!("{verb:?}{nth}{}", fault_name(fault)).to_lowercase()).await;
        if verb != Verb::Grant {
            match self.works(Verb::Grant, &held).await {
                Ok(done) => held.handle = done.handle,
                Err(why) => return Some(Err(why)),
            }
            held.provider = self.provider().await;
        }
        let busy = if verb == Verb::Revoke { Some(self.busy(&held).await) } else { None };
        self.proxy.at(nth, fault);
        let left = if matches!(fault, Fault::Silent | Fault::Hold) { SHORT } else { LONG };
        let said = self.call(verb, &held, left).await;
        let (passed, came) = self.proxy.mend();
        let late = if came && fault == Fault::Hold { self.late(verb).await } else { Ok(()) };
        let story = async {
            late?;
            if !came {
                said.as_ref().map_err(|fault| format!("undisturbed it says {fault:?}"))?;
            }
            self.mends(verb, &mut held, said).await?;
            self.ends(&held, busy).await
        };
        let told = story.await.map_err(|why| format!("{verb:?}, {fault:?} at {nth} ({:?}): {why}", passed.last()));
        if came || told.is_err() { Some(told) } else { None }
    }

    /// A message that arrives after the call's deadline, and after whoever sent it has gone, changes nothing any more.
    async fn late(&self, verb: Verb) -> Result<(), String> {
        let before = self.cluster.snapshot().await;
        self.proxy.let_go().await;
        // A cut is never too late, and a password is nothing without its login, which ends as if there were none.
        if matches!(verb, Verb::Revoke | Verb::Credential) { Ok(()) } else { differences(&before, &self.cluster.snapshot().await) }
    }

    /// What the core does next works, whatever the call came to.
    async fn mends(&self, verb: Verb, held: &mut Held, said: Result<Done, Said>) -> Result<(), String> {
        match &said {
            Err(fault) if fault.kind.is_permanent() => return Err(format!("a network that fails is no reason for good: {fault:?}")),
            Err(fault) if fault.kind != FaultKind::Ambiguous && verb == Verb::Grant => {
                differences(&held.before, &self.cluster.snapshot().await)
                    .map_err(|why| format!("{:?}, and not nothing: {why}", fault.kind))?;
            }
            Ok(done) if done.handle.is_some() => held.handle.clone_from(&done.handle),
            _ => {}
        }
        let present = self.sees(held).await?;
        match verb {
            Verb::Grant if said.is_ok() && !present => return Err("granted, and not there".into()),
            Verb::Extend | Verb::Credential if !present => return Err("it is not there any more".into()),
            Verb::Revoke => return Ok(()),
            _ => {}
        }
        let done = self.works(verb, held).await?;
        if done.handle.is_some() {
            held.handle = done.handle;
        }
        if !self.sees(held).await? {
            return Err("it is not there".into());
        }
        if verb == Verb::Extend {
            return Ok(());
        }
        let tries = Tries::new(&self.cluster, held.provider.clone(), self.form);
        if tries.can(&held.order, &Done { handle: held.handle.clone(), ..Done::default() }).await? {
            Ok(())
        } else {
            Err("she does not get in".into())
        }
    }

    /// The person at work: a session, in the role, that has made a table in each database.
    async fn busy(&self, held: &Held) -> Session {
        let config = match self.form {
            Form::Login => fetched(&self.cluster, held.provider.as_ref(), &held.order, held.handle.as_ref()).await.unwrap(),
            Form::Membership => self.cluster.own("ana"),
        };
        assert!(writes(&config).await.unwrap());
        for database in [self.cluster.reports(), self.cluster.orders()] {
            let session = Session::open(config.clone().dbname(&database)).await.unwrap();
            session.does("CREATE TABLE shop.made (id int)").await.unwrap();
            if database == self.cluster.orders() {
                session.does(&format!("SET ROLE {}", self.cluster.role())).await.unwrap();
                return session;
            }
        }
        unreachable!("the orders are the last")
    }

    /// It is taken away, however often that must be tried; then all is as it was.
    async fn ends(&self, held: &Held, busy: Option<Session>) -> Result<(), String> {
        self.works(Verb::Revoke, held).await?;
        if self.sees(held).await? {
            return Err("it is still there".into());
        }
        if let Some(mut session) = busy {
            if !session.was_ended().await {
                return Err("the session lives on".into());
            }
            for database in [self.cluster.orders(), self.cluster.reports()] {
                let admin = self.cluster.admin_in(&database).await;
                let owner = admin.asks("SELECT relowner::regrole FROM pg_class WHERE relname = 'made'").await;
                if self.form == Form::Login && owner != self.cluster.owner() {
                    return Err(format!("what she made in {database} belongs to {owner}"));
                }
                admin.does("DROP TABLE shop.made").await.unwrap();
            }
        }
        let tries = Tries::new(&self.cluster, held.provider.clone(), self.form);
        if tries.can(&held.order, &Done::default()).await? {
            return Err("she still gets in".into());
        }
        differences(&held.before, &self.cluster.snapshot().await)
    }
}

const fn fault_name(fault: Fault) -> &'static str {
    match fault {
        Fault::CutBefore => "before",
        Fault::CutAfter => "after",
        Fault::Silent => "silent",
        Fault::Slow(_) => "slow",
        Fault::Hold => "hold",
    }
}

/// Every fault at every message of every verb that this form has.
async fn survives(version: Version, form: Form, faults: &[Fault]) {
    let trial = Trial::new(version, form).await;
    let zoe = Session::open(&trial.cluster.own("zoe")).await.unwrap();
    zoe.does(&format!("SET ROLE {}", trial.cluster.role())).await.unwrap();
    let verbs = match form {
        Form::Login => &[Verb::Grant, Verb::Extend, Verb::Credential, Verb::Revoke][..],
        Form::Membership => &[Verb::Grant, Verb::Revoke][..],
    };
    let (mut failed, mut met) = (Vec::new(), 0);
    for (verb, fault) in verbs.iter().flat_map(|verb| faults.iter().map(move |fault| (*verb, *fault))) {
        for nth in 1.. {
            assert!(nth < MESSAGES, "{verb:?} has no end");
            let Some(told) = trial.meets(verb, fault, nth).await else {
                // More than a login: else the fault never came to the verb itself.
                assert!(nth > 4, "{verb:?} has only {nth} messages");
                break;
            };
            failed.extend(told.err());
            met += 1;
        }
    }
    println!("{met} faults met");
    assert!(failed.is_empty(), "{} of {met}:\n{}", failed.len(), failed.join("\n"));
    assert!(zoe.is_open().await, "who held the role before was disturbed");
}

const CUTS: [Fault; 2] = [Fault::CutBefore, Fault::CutAfter];
const SLOW: [Fault; 1] = [Fault::Slow(Duration::from_millis(5))];

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn cut_at_each_message_a_generated_login_on_15_is_given_or_gone() {
    survives(Version::V15, Form::Login, &CUTS).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn cut_at_each_message_a_generated_login_on_18_is_given_or_gone() {
    survives(Version::V18, Form::Login, &CUTS).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn cut_at_each_message_a_membership_on_15_is_given_or_gone() {
    survives(Version::V15, Form::Membership, &CUTS).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn cut_at_each_message_a_membership_on_18_is_given_or_gone() {
    survives(Version::V18, Form::Membership, &CUTS).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn unanswered_at_each_message_a_generated_login_is_given_or_gone() {
    survives(Version::V18, Form::Login, &[Fault::Silent]).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn unanswered_at_each_message_a_membership_is_given_or_gone() {
    survives(Version::V15, Form::Membership, &[Fault::Silent]).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn slow_at_each_message_everything_works() {
    survives(Version::V15, Form::Login, &SLOW).await;
    survives(Version::V18, Form::Membership, &SLOW).await;
}

/// What is under way at the deadline must not take effect behind the core's back.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn nothing_is_given_after_the_deadline_whichever_message_is_held_back() {
    survives(Version::V18, Form::Login, &[Fault::Hold]).await;
    survives(Version::V15, Form::Membership, &[Fault::Hold]).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn refused_connections_change_nothing_and_are_worth_another_try() {
    for (version, form) in [(Version::V15, Form::Membership), (Version::V18, Form::Login)] {
        let trial = Trial::new(version, form).await;
        let mut held = trial.held("refused").await;
        for verb in [Verb::Grant, Verb::Revoke] {
            held.provider = trial.provider().await;
            trial.proxy.refuse(true);
            let there = trial.cluster.snapshot().await;
            let fault = trial.call(verb, &held, LONG).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Transient, "{fault:?}");
            let looked = held.provider.observe(&held.order, held.handle.as_ref()).await;
            assert!(!matches!(looked, Ok(Seen::Absent | Seen::Present { .. })), "it cannot know: {looked:?}");
            trial.proxy.refuse(false);
            assert_eq!(trial.cluster.snapshot().await, there);
            held.handle = trial.works(verb, &held).await.unwrap().handle.or(held.handle);
        }
        trial.ends(&held, None).await.unwrap();
    }
}

/// The server's machine loses its power and comes back: connections of before are not trusted, what was given is there.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_server_that_was_restarted_is_spoken_to_again() {
    let server = Server::start(Version::V15, &[]);
    let cluster = Cluster::of(&server).await;
    let proxy = Proxy::before(server.address()).await;
    let fixture = cluster.fixture(Form::Login);
    let trial = Trial { cluster, proxy, form: Form::Login, fixture, server };
    let mut held = trial.held("restarted").await;
    held.handle = trial.works(Verb::Grant, &held).await.unwrap().handle;
    trial.server.stop();
    let down = held.provider.observe(&held.order, held.handle.as_ref()).await;
    assert!(!matches!(down, Ok(Seen::Absent | Seen::Present { .. })), "it cannot know: {down:?}");
    trial.server.begin();
    until("it sees what was given", async || trial.sees(&held).await == Ok(true)).await;
    trial.ends(&held, None).await.unwrap();
}
