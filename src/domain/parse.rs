//! (shape)
use super::{command::*, ids::*, policy::*, refusal::Refusal, request::RequestId, time::*};
pub struct Context<'a> {
    pub now: Instant,
    pub time_zone: chrono_tz::Tz,
    pub catalogue: &'a Catalogue,
    pub platform: Platform,
}
pub enum RevokeTarget {
    Request(RequestId),
    Person(PersonId),
}
pub enum Parsed {
    Form,
    Request {
        resource: ResourceId,
        role: Option<RoleName>,
        length: Option<Length>,
        start: Option<Instant>,
        subject: Option<PersonId>,
        reason: String,
        ticket: Option<String>,
    },
    Mine,
    Show(RequestId),
    Cancel(RequestId, Option<String>),
    Return(RequestId),
    Extend(RequestId, Option<Span>, Option<String>),
    Revoke(RevokeTarget, String),
    Settle(RequestId, String),
    Who(ResourceId, Option<Instant>),
    Explain {
        resource: ResourceId,
        role: Option<RoleName>,
        length: Option<Length>,
        person: Option<PersonId>,
    },
    Resources,
    Inbox,
    Link(Option<String>),
    Key(String),
    Help(Option<String>),
    Approve(RequestId, Option<String>),
    Deny(RequestId, String),
    TakeBack(RequestId),
    Offer(RequestId, Less, Option<String>),
    Accept(RequestId),
    Decline(RequestId),
    Looking(RequestId),
    PassOn(RequestId, PersonId),
}
pub fn parse(_: &str, _: &Context<'_>) -> Result<Parsed, Refusal> {
    unimplemented!()
}
pub fn less(_: &str, _: &Catalogue) -> Result<(Less, Option<String>), Refusal> {
    unimplemented!()
}
pub fn person(_: &str, _: &Catalogue, _: Platform) -> Result<PersonId, Refusal> {
    unimplemented!()
}
pub fn duration(_: &str) -> Result<Span, Refusal> {
    unimplemented!()
}
