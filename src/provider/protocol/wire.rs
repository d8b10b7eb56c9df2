//! The words of the protocol `hallpass-adapter/1`: what a reply may say, and what it comes to.
//! Whatever is not clearly an answer is `Ambiguous`: something may have been changed. See docs/adapters.md.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{TALK_MAX, redact::Secrets};
use crate::{
    domain::{
        entitlement::{Handle, Ownership},
        event::Used,
        time::{Instant, Span},
    },
    provider::{
        Delivery, Description, Done, Fault, FaultKind, Holder, Input, NativeExpiry, Seen, Sessions, Settling, Sighting, Step, Verbs,
    },
};

/// Versions that this bot speaks, newest first.
pub(in super::super) const PROTOCOLS: [&str; 1] = ["hallpass-adapter/1"];
/// Largest handle, in bytes of JSON.
const HANDLE_MAX: usize = 8 * 1024;
/// Largest target, inputs and principal together, in bytes.
const ORDER_MAX: usize = 16 * 1024;
/// Longest line of an adapter that is shown, and longest text for the holder, in characters.
const LINE_MAX: usize = 300;
const TEXT_MAX: usize = 8 * 1024;
const RESIDUE_MAX: usize = 20;
/// Addresses from which something was used, and the longest of them, in characters.
const FROM_MAX: usize = 20;
const ADDRESS_MAX: usize = 64;
/// Longest name of a session, in characters.
const SESSION_MAX: usize = 128;
/// Longest token of an operation, in bytes.
const TOKEN_MAX: usize = 1024;

/// Where something is, as the adapter says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Active,
    Absent,
    Pending,
    Unknown,
}

/// Any reply; fields that are not known are ignored.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Reply {
    protocol: Option<String>,
    pub(super) status: Option<Status>,
    error: Option<Refusal>,
    pub(super) message: Option<String>,
    handle: Option<Value>,
    native_expiry: Option<Instant>,
    how_to_connect: Option<String>,
    sessions_closed: Option<u32>,
    residue: Vec<String>,
    op_token: Option<String>,
    retry_after_s: Option<i64>,
    pub(super) credential: Option<String>,
    pub(super) holders: Option<Vec<WireHolder>>,
    used: Option<Used>,
    sightings: Option<Vec<Vec<WireSighting>>>,
    pub(super) target: Option<Value>,
    pub(super) principal: Option<String>,
    pub(super) inputs: Option<BTreeMap<String, String>>,
    pub(super) preview: Option<String>,
    pub(super) by_hand: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    code: FaultKind,
    message: Option<String>,
    retry_after_s: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct WireHolder {
    principal: String,
    grant: Option<String>,
    #[serde(default)]
    ours: bool,
    through: Option<serde_json::Value>,
}

impl From<WireHolder> for Holder {
    fn from(holder: WireHolder) -> Self {
        Self { principal: holder.principal, grant: holder.grant, ours: holder.ours, through: holder.through }
    }
}

#[derive(Deserialize)]
struct WireSighting {
    session: String,
    since: Instant,
    from: Option<String>,
    about: Option<String>,
}

/// What `describe` answers.
#[derive(Deserialize)]
pub(super) struct Described {
    protocols: Vec<String>,
    name: String,
    #[serde(default)]
    version: String,
    ownership: Ownership,
    #[serde(default)]
    native_expiry: Option<WireNative>,
    sessions: WireSessions,
    #[serde(default = "no_delivery")]
    delivery: Delivery,
    #[serde(default)]
    settling: Option<WireSettling>,
    #[serde(default)]
    inputs: Vec<Input>,
    #[serde(default = "half_a_minute")]
    deadline_s: i64,
    ops: Vec<String>,
    /// Key of `Person::logins` that names the person there; the person's id without it.
    #[serde(default)]
    pub(super) principal: Option<String>,
    #[serde(default)]
    pub(super) by_hand: Option<String>,
}

#[derive(Deserialize)]
struct WireNative {
    grain_s: i64,
    #[serde(default)]
    extendable: bool,
}

#[derive(Deserialize)]
struct WireSettling {
    reads: u32,
    apart_s: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireSessions {
    Cut,
    NextRequest,
    LiveOn,
    LiveOnAtMost { seconds: i64 },
}

const fn no_delivery() -> Delivery {
    Delivery::None
}

const fn half_a_minute() -> i64 {
    30
}

fn ambiguous(why: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Ambiguous, why)
}

/// What came back from an adapter, and how that ended.
#[derive(Debug)]
pub struct Answer {
    /// One byte more than the most, when there was more.
    pub(in super::super) bytes: Vec<u8>,
    pub(in super::super) fits: Fits,
    /// In words: "exit code 3".
    pub(in super::super) ended: String,
    /// What it comes to when nothing of the protocol is in it that fits.
    pub(in super::super) otherwise: FaultKind,
    /// The pause that was asked for beside the reply.
    pub(in super::super) retry_after: Option<Span>,
}

/// What such an end goes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Fits {
    Answer,
    Error,
    Nothing,
}

/// A reply with a status, or a fault: what the end and the bytes come to.
pub(in super::super) fn read(answer: &Answer, protocol: &str, secrets: &Secrets) -> Result<Reply, Fault> {
    let Answer { bytes, fits, ended, otherwise, retry_after } = answer;
    if bytes.len() > TALK_MAX {
        return Err(ambiguous("the adapter answered more than 1 MiB"));
    }
    let odd = |why: &str| Fault { retry_after: *retry_after, ..Fault::new(*otherwise, format!("the adapter ended with {ended}{why}")) };
    let parsed = serde_json::from_slice::<Value>(bytes).ok().filter(Value::is_object);
    let parsed = parsed.and_then(|value| serde_json::from_value::<Reply>(secrets.out_of_reply(value)).ok());
    let Some(reply) = parsed else { return Err(odd(" and no answer that can be read")) };
    if reply.protocol.as_deref().is_some_and(|spoken| spoken != protocol) {
        return Err(ambiguous("the adapter answered in another version of the protocol"));
    }
    match (fits, reply.error) {
        (Fits::Answer, None) => Ok(Reply { error: None, ..reply }),
        (Fits::Error, Some(refusal)) => Err(Fault {
            kind: refusal.code,
            message: line(refusal.message.as_deref().unwrap_or("the adapter gave no reason")),
            retry_after: refusal.retry_after_s.map(Span::from_seconds).or(*retry_after),
        }),
        _ => Err(odd(", which does not fit its answer")),
    }
}

/// One line without control characters, of bounded length.
pub(in super::super) fn line(text: &str) -> String {
    short(text, LINE_MAX)
}

fn short(text: &str, most: usize) -> String {
    text.split(char::is_whitespace)
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|c| shows(*c))
        .take(most)
        .collect()
}

fn text(words: &str) -> String {
    words.chars().filter(|c| *c == '\n' || shows(*c)).take(TEXT_MAX).collect()
}

/// Neither moves the cursor nor turns the direction of writing.
fn shows(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

impl Reply {
    /// For `observe`.
    pub(super) fn seen(self) -> Seen {
        let why = || self.message.as_deref().map_or_else(|| "the adapter gave no reason".to_owned(), line);
        match self.status {
            Some(Status::Active) => Seen::Present { native_expiry: self.native_expiry, detail: self.message.as_deref().map(line) },
            Some(Status::Absent) => Seen::Absent,
            Some(Status::Pending) => Seen::Pending { why: why() },
            Some(Status::Unknown) => Seen::Unknown { why: why() },
            None => Seen::Unknown { why: "the adapter gave no status".into() },
        }
    }

    /// For `resolve`: what becomes part of the order, and stands in the ledger with it.
    pub(super) fn resolved(self) -> Result<Self, Fault> {
        let target = self.target.as_ref().map_or(0, |target| target.to_string().len());
        let inputs = self.inputs.iter().flatten().map(|(key, text)| key.len() + text.len()).sum::<usize>();
        if target + inputs + self.principal.as_ref().map_or(0, String::len) > ORDER_MAX {
            return Err(Fault::new(FaultKind::Invalid, "what the adapter resolved is larger than 16 KiB"));
        }
        Ok(self)
    }

    /// For `uses`: cleaned, and of bounded length.
    pub(super) fn used(self) -> Option<Used> {
        let used = self.used?;
        let mut from: Vec<String> = used.from.iter().take(FROM_MAX).map(|address| short(address, ADDRESS_MAX)).collect();
        let more = used.from.len().saturating_sub(FROM_MAX);
        from.extend(Some(format!("and {more} more")).filter(|_| more > 0));
        Some(Used { from, ..used })
    }

    /// For `sightings`: cleaned, and of bounded length.
    pub(super) fn sighted(self) -> Option<Vec<Vec<Sighting>>> {
        let clean = |text: Option<String>| text.map(|text| short(&text, ADDRESS_MAX));
        let one = |seen: WireSighting| Sighting {
            session: short(&seen.session, SESSION_MAX),
            since: seen.since,
            from: clean(seen.from),
            about: clean(seen.about),
        };
        Some(self.sightings?.into_iter().map(|sessions| sessions.into_iter().map(one).collect()).collect())
    }

    /// For what changes something; `wanted` are the statuses that mean success.
    pub(super) fn step(self, wanted: &[Status]) -> Result<Step, Fault> {
        let handle = self.handle.filter(|handle| !handle.is_null());
        if handle.as_ref().is_some_and(|handle| handle.to_string().len() > HANDLE_MAX) {
            return Err(ambiguous("the adapter's handle is larger than 8 KiB"));
        }
        let handle = handle.map(Handle);
        match self.status {
            Some(Status::Pending) => {
                let op = self.op_token.ok_or_else(|| ambiguous("the adapter is still working, and gave no op_token to ask with"))?;
                if op.len() > TOKEN_MAX {
                    return Err(ambiguous("the adapter's op_token is larger than 1 KiB"));
                }
                Ok(Step::Wait { op, handle, again_in: Span::from_seconds(self.retry_after_s.unwrap_or(5).clamp(1, 3600)) })
            }
            Some(status) if wanted.contains(&status) => Ok(Step::Done(Done {
                handle,
                how_to_connect: self.how_to_connect.as_deref().map(text),
                native_expiry: self.native_expiry,
                sessions_closed: self.sessions_closed,
                residue: self.residue.iter().take(RESIDUE_MAX).map(|residue| line(residue)).collect(),
            })),
            _ => Err(ambiguous(self.message.as_deref().map_or_else(|| "the adapter does not say that it worked".to_owned(), line))),
        }
    }
}

impl Described {
    /// The newest version that both speak.
    pub(super) fn protocol(&self) -> Result<&'static str, Fault> {
        let common = PROTOCOLS.into_iter().find(|ours| self.protocols.iter().any(|theirs| theirs == ours));
        common.ok_or_else(|| {
            let theirs = line(&self.protocols.join(", "));
            Fault::new(FaultKind::Unsupported, format!("the adapter speaks {theirs}; this bot speaks {}", PROTOCOLS.join(", ")))
        })
    }

    pub(super) fn has(&self, op: &str) -> bool {
        self.ops.iter().any(|known| known == op)
    }

    /// How long one run may take.
    pub(super) fn limit(&self) -> Span {
        Span::from_seconds(self.deadline_s.clamp(1, 600))
    }

    /// `after`: what a call takes beside the run's own time, so that nothing of it is left then.
    pub(super) fn description(&self, after: Span) -> Result<Description, Fault> {
        let invalid = |why: &str| Err(Fault::new(FaultKind::Invalid, format!("the adapter's description: {why}")));
        if !["observe", "grant", "revoke"].iter().all(|op| self.has(op)) {
            return invalid("\"ops\" must name observe, grant and revoke");
        }
        if self.delivery == Delivery::Secret && !self.has("credential") {
            return invalid("it delivers secrets without the op credential");
        }
        if self.native_expiry.as_ref().is_some_and(|native| native.extendable) && !self.has("extend") {
            return invalid("its expiry is extendable without the op extend");
        }
        let settling = self.settling.as_ref();
        Ok(Description {
            name: line(&self.name),
            version: line(&self.version),
            ownership: self.ownership,
            native: self
                .native_expiry
                .as_ref()
                .map(|native| NativeExpiry { grain: Span::from_seconds(native.grain_s.max(1)), extendable: native.extendable }),
            sessions: match self.sessions {
                WireSessions::Cut => Sessions::Cut,
                WireSessions::NextRequest => Sessions::NextRequest,
                WireSessions::LiveOn => Sessions::LiveOn { at_most: None },
                WireSessions::LiveOnAtMost { seconds } => Sessions::LiveOn { at_most: Some(Span::from_seconds(seconds)) },
            },
            delivery: self.delivery,
            evidence: self.has("uses"),
            settling: Settling {
                reads: settling.map_or(1, |s| s.reads.clamp(1, 20)),
                apart: settling.map_or(Span::ZERO, |s| Span::from_seconds(s.apart_s.min(300))),
            },
            inputs: self.inputs.iter().map(|input| Input { key: input.key.clone(), how: line(&input.how) }).collect(),
            deadline: self.limit() + after,
            verbs: Verbs {
                poll: self.has("poll"),
                extend: self.has("extend"),
                credential: self.has("credential"),
                holders: self.has("list"),
                uses: self.has("uses"),
                sightings: self.has("sightings"),
                health: self.has("health"),
            },
        })
    }
}
