//! Requests that Slack did not send.

use serde_json::Value;

use super::{
    SIGNING_SECRET, Slack,
    deliver::{Ack, Kind, Raw, encode, signature},
};

/// Older than the five minutes that a signature is good for, in seconds.
const STALE_SECONDS: i64 = 5 * 60 + 1;

/// What is wrong with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Forgery {
    /// Signed with another secret.
    WrongSecret,
    /// Rightly signed, five minutes and a second ago.
    Stale,
    /// Rightly signed, five minutes and a second ahead.
    FromTheFuture,
    /// The body was changed after it was signed.
    BodyChanged,
    /// The timestamp was changed after it was signed.
    TimestampChanged,
    NoSignature,
    NoTimestamp,
    /// A signature that is no hexadecimal number.
    Garbage,
}

impl Forgery {
    pub(crate) const ALL: [Self; 8] = [
        Self::WrongSecret,
        Self::Stale,
        Self::FromTheFuture,
        Self::BodyChanged,
        Self::TimestampChanged,
        Self::NoSignature,
        Self::NoTimestamp,
        Self::Garbage,
    ];
}

impl Slack {
    /// Sends a payload in a request with something wrong. Over HTTP only: an envelope has no signature.
    pub(crate) async fn forge(&self, forgery: Forgery, kind: Kind, payload: &Value) -> Ack {
        let url = self.address(kind).expect("only requests over HTTP are signed");
        let (content_type, mut body) = encode(kind, payload);
        let now = self.timestamp();
        let at = match forgery {
            Forgery::Stale => now - STALE_SECONDS,
            Forgery::FromTheFuture => now + STALE_SECONDS + 1,
            _ => now,
        };
        let secret = if matches!(forgery, Forgery::WrongSecret) { "another-secret" } else { SIGNING_SECRET };
        let signed = signature(secret, &at.to_string(), &body);
        let mut headers =
            vec![("content-type", content_type.to_owned()), ("x-slack-signature", signed), ("x-slack-request-timestamp", at.to_string())];
        match forgery {
            Forgery::BodyChanged => body.push(b' '),
            Forgery::TimestampChanged => headers[2].1 = (at + 1).to_string(),
            Forgery::NoSignature => drop(headers.remove(1)),
            Forgery::NoTimestamp => drop(headers.remove(2)),
            Forgery::Garbage => "v0=not-a-signature".clone_into(&mut headers[1].1),
            Forgery::WrongSecret | Forgery::Stale | Forgery::FromTheFuture => {}
        }
        self.send(Raw::Http { url, headers, body }).await
    }
}
