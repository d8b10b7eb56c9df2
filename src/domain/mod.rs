//! The rules of Hallpass as pure functions over plain values: who may, how long, what follows.
//! Nothing here knows async, the clock, randomness, a database, a chat or a provider.

pub mod asking;
pub mod choices;
pub mod command;
pub mod copies;
pub mod decide;
pub mod digest;
pub mod drift;
pub mod due;
pub mod entitlement;
pub mod event;
pub mod evidence;
pub mod explain;
pub mod facts;
pub mod ids;
pub mod intent;
pub mod lifecycle;
pub mod limits;
pub mod linking;
pub mod members;
pub mod news;
pub mod parse;
pub mod plan;
pub mod policy;
pub mod pressed;
pub mod quiet;
pub mod refusal;
pub mod request;
pub mod request_id;
pub mod roster;
pub mod rounds;
pub mod spans;
pub mod time;
pub mod words;
