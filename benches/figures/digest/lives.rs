//! Requests with a whole life behind them, as a bot would have written them.

use std::collections::BTreeMap;

use hallpass::domain::{
    command::Length,
    entitlement::{EntitlementKey, Order, Ownership},
    event::{Event, Used},
    request::{Ask, AskKind, Ending, Grant, GrantId, Preview, Remains, Request, RequestId, Vote, Work},
    time::{Instant, Span},
    words::Words,
};

/// Who may approve.
const APPROVERS: u32 = 20;
/// Events of a request that was granted and is over.
pub(super) const EVENTS: u64 = 6;

/// What one life is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    pub n: u32,
    pub resource: u32,
    pub opened_at: Instant,
    pub held: Span,
}

/// One in fifty is denied, one in fifty not answered, the others come to their end.
pub(super) fn lived(life: Life) -> anyhow::Result<Request> {
    let Life { n, opened_at: at, .. } = life;
    let ask = ask(life)?;
    let decided = at + Span::from_seconds(20 + i64::from(n % 600));
    let approver = format!("a{}", n % APPROVERS).parse()?;
    let reason = Words::new("not now", u128::from(n)).id;
    let events: Vec<(Event, Instant)> = match n / 100 % 50 {
        0 => vec![(Event::Denied { person: approver, reason }, decided)],
        1 => vec![(Event::Unanswered, at + Span::from_minutes(240))],
        _ => given(life, &ask, decided)?,
    };
    let opened = Request::open(RequestId::new(u64::from(n)), ask, at);
    Ok(events.iter().try_fold(opened, |request, (event, at)| request.apply(event, *at))?)
}

fn ask(Life { n, resource, opened_at, held }: Life) -> anyhow::Result<Ask> {
    let person: hallpass::domain::ids::PersonId = format!("p{}", n % 1_000).parse()?;
    let order = Order {
        provider: "bench".parse()?,
        target: serde_json::json!({ "name": format!("r{resource}/{n}") }),
        principal: person.to_string(),
        person: person.clone(),
        inputs: BTreeMap::new(),
        grant: String::new(),
        by_hand: "switch it off".into(),
    };
    Ok(Ask {
        kind: AskKind::First,
        by: person.clone(),
        subject: person,
        resource: format!("r{resource}").parse()?,
        role: "use".parse()?,
        length: Length::For(held),
        start: None,
        reason: Some(Words::new("look at the stuck import of last night", u128::from(n)).id),
        ticket: None,
        about: None,
        direct: false,
        at: opened_at,
        policy: "usual".parse()?,
        preview: Preview { gets: "switches use on".into(), by_hand: "switch it off".into(), order: Some((order, Ownership::Shared)) },
    })
}

fn given(life: Life, ask: &Ask, decided: Instant) -> anyhow::Result<Vec<(Event, Instant)>> {
    let Life { n, held, .. } = life;
    let person: hallpass::domain::ids::PersonId = format!("a{}", n % APPROVERS).parse()?;
    let id = GrantId::new(u128::from(n) << 64);
    let (order, ownership) = ask.preview.order.clone().unwrap_or_else(|| unreachable!("the ask above has one"));
    let grant = Grant {
        entitlement: EntitlementKey::of(&order, ownership, &id),
        id,
        resource: ask.resource.clone(),
        role: ask.role.clone(),
        policy: ask.policy.clone(),
        duration: held,
        end: None,
        ceiling: held,
        cap: held,
        grace: Span::ZERO,
        warning: Span::from_minutes(6),
        decided_at: decided,
        give_up_at: decided + Span::from_minutes(15),
        latest: decided + held + Span::from_minutes(15),
        votes: vec![Vote { person: person.clone(), stage: 0, rung: 0, at: decided, comment: None }],
    };
    let since = decided + Span::from_seconds(1);
    let until = since + held;
    let work = Work {
        since,
        until,
        native_expiry: None,
        had_before: false,
        how_to_connect: None,
        warned: false,
        grace_used: false,
        graced_from: None,
        found_absent: false,
        extended: Vec::new(),
        unmet: Vec::new(),
    };
    let used = (n % 3 > 0).then(|| Used { sessions: n % 3 - 1, first: None, last: None, from: Vec::new(), sampled_every: None });
    let gone = Event::Gone { remains: Remains::Nothing, sessions_closed: Some(0), residue: Vec::new(), used, unwritten: None };
    Ok(vec![
        (Event::Approved { person, stage: 0, rung: 0, comment: None }, decided),
        (Event::Granting { grant }, decided),
        (Event::Working { work }, since),
        (Event::Revoking { cause: Ending::Expired }, until),
        (gone, until + Span::from_seconds(2)),
    ])
}
