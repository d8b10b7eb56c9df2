//! Requests to the interactions endpoint that Discord did not send, or not so.

use serde_json::Value;

use super::{Discord, SIGNING_SEED, deliver::signature};
use crate::fakes::http::post;

/// How far a timestamp is off that is too far, in seconds.
const FAR_SECONDS: i64 = 5 * 60 + 1;

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forgery {
    /// Signed with another key.
    WrongKey,
    /// Rightly signed, five minutes and a second ago.
    Stale,
    /// Rightly signed, more than five minutes ahead.
    FromTheFuture,
    /// The body was changed after it was signed.
    BodyChanged,
    /// The timestamp was changed after it was signed.
    TimestampChanged,
    /// The signature is of the body alone.
    BodyAlone,
    NoSignature,
    NoTimestamp,
    /// A signature that is no hexadecimal number.
    Garbage,
    /// Half of a signature.
    Short,
}

impl Forgery {
    pub(crate) const ALL: [Self; 10] = [
        Self::WrongKey,
        Self::Stale,
        Self::FromTheFuture,
        Self::BodyChanged,
        Self::TimestampChanged,
        Self::BodyAlone,
        Self::NoSignature,
        Self::NoTimestamp,
        Self::Garbage,
        Self::Short,
    ];
}

impl Discord {
    /// Sends a payload in a request with something wrong; the status and body that came. Over HTTP only.
    pub(crate) async fn forge(&self, forgery: Forgery, payload: &Value) -> (u16, Option<Value>) {
        let url = self.address().expect("only requests over HTTP are signed");
        let mut body = payload.to_string().into_bytes();
        let now = self.timestamp();
        let at = match forgery {
            Forgery::Stale => now - FAR_SECONDS,
            Forgery::FromTheFuture => now + FAR_SECONDS + 1,
            _ => now,
        };
        let seed = if forgery == Forgery::WrongKey { [8; 32] } else { SIGNING_SEED };
        let signed_with = if forgery == Forgery::BodyAlone { String::new() } else { at.to_string() };
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("x-signature-ed25519", signature(seed, &signed_with, &body)),
            ("x-signature-timestamp", at.to_string()),
        ];
        match forgery {
            Forgery::BodyChanged => body.push(b' '),
            Forgery::TimestampChanged => headers[2].1 = (at + 1).to_string(),
            Forgery::NoSignature => drop(headers.remove(1)),
            Forgery::NoTimestamp => drop(headers.remove(2)),
            Forgery::Garbage => "z".repeat(128).clone_into(&mut headers[1].1),
            Forgery::Short => headers[1].1.truncate(64),
            Forgery::WrongKey | Forgery::Stale | Forgery::FromTheFuture | Forgery::BodyAlone => {}
        }
        post(&url, &headers, body).await.unwrap_or((0, None))
    }
}
