//! The pure core: what deciding costs without a store. One thread.

use std::{
    collections::BTreeMap,
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use hallpass::domain::{
    command::{Act, Length},
    decide::{self, Context},
    entitlement::{Order, Ownership},
    facts::{Facts, Groups},
    request::{Ask, AskKind, GrantId, Preview, Request, RequestId},
    time::{Instant as Moment, Span},
};

use crate::{
    house::{catalogue, target},
    raw::per_second,
    table::{self, Rounds},
};

const FOR: Duration = Duration::from_secs(1);

pub(crate) fn run(rounds: u32) -> anyhow::Result<()> {
    let mut rate = Rounds::default();
    for _ in 0..rounds {
        rate.push(round()?);
    }
    table::line("pure core: approvals decided and folded", "/s", &rate, None, "");
    Ok(())
}

/// `decide::act` on a pending request by its approver, and the fold of the two events that follow.
fn round() -> anyhow::Result<f64> {
    let (catalogue, groups) = (catalogue(), Groups::default());
    let now = Moment::from_micros(1_795_528_800_000_000);
    let order = Order {
        provider: "bench".parse()?,
        target: target("r1", now),
        principal: "p1".into(),
        person: "p1".parse()?,
        inputs: BTreeMap::new(),
        grant: String::new(),
        by_hand: "switch it off".into(),
    };
    let ask = Ask {
        kind: AskKind::First,
        by: "p1".parse()?,
        subject: "p1".parse()?,
        resource: "r1".parse()?,
        role: "use".parse()?,
        length: Length::For(Span::from_minutes(60)),
        start: None,
        reason: None,
        ticket: None,
        about: None,
        direct: false,
        at: now,
        policy: "usual".parse()?,
        preview: Preview::default(),
    };
    let (request, boss) = (Request::open(RequestId::new(1), ask, now), "boss".parse()?);
    let (start, mut count) = (Instant::now(), 0_i64);
    while start.elapsed() < FOR {
        for _ in 0..100 {
            let facts = Facts { catalogue: &catalogue, groups: &groups };
            let context = Context { facts, now, grant: GrantId::new(9), order: Some((order.clone(), Ownership::Shared)), preview: None };
            let events = decide::act(black_box(&request), &boss, &Act::Approve { comment: None }, &context);
            let events = events.ok().context("the approval was refused")?;
            let after = events.iter().try_fold(request.clone(), |request, event| request.apply(event, now))?;
            black_box(after);
            count += 1;
        }
    }
    Ok(per_second(count, start.elapsed()))
}
