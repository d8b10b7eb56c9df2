//! What an HTTP answer is in terms of the protocol. Whatever is not clearly an answer, or clearly given before anything was
//! done, is unknown: a gateway may answer for a receiver that has done its work.

use reqwest::{
    Response, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER},
};

use crate::{
    domain::time::{Instant, Span},
    provider::{
        Fault, FaultKind,
        protocol::{Answer, Fits, TALK_MAX},
    },
};

/// Longest pause that is taken from an answer.
const PAUSE_MAX: i64 = 3_600;

/// Reads it, no further than one byte more than an answer may have.
/// # Errors
/// It was cut.
pub(super) async fn read(mut response: Response, now: Instant) -> Result<Answer, Fault> {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut answer = empty(status, retry_after(&headers, now));
    if let Some(odd) = unreadable(&headers) {
        answer.ended = format!("{}, {odd}", answer.ended);
        return Ok(answer);
    }
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(answer),
            Ok(Some(piece)) => answer.bytes.extend(piece.iter().take(TALK_MAX + 1 - answer.bytes.len())),
            Err(_) => return Err(Fault::new(FaultKind::Ambiguous, format!("{} and an answer that was cut", answer.ended))),
        }
        if answer.bytes.len() > TALK_MAX {
            return Ok(answer);
        }
    }
}

fn empty(status: StatusCode, retry_after: Option<Span>) -> Answer {
    let fits = match status.as_u16() {
        200..=299 => Fits::Answer,
        400..=599 => Fits::Error,
        _ => Fits::Nothing,
    };
    let otherwise = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => FaultKind::Denied,
        // Who counts requests does so before anything is done about them.
        StatusCode::TOO_MANY_REQUESTS => FaultKind::RateLimited,
        _ => FaultKind::Ambiguous,
    };
    let redirects = if status.is_redirection() { " (redirects are not followed: write the address that it names)" } else { "" };
    Answer { bytes: Vec::new(), fits, ended: format!("status {}{redirects}", status.as_u16()), otherwise, retry_after }
}

/// Why its body is not looked at.
fn unreadable(headers: &HeaderMap) -> Option<&'static str> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim().to_lowercase());
    if text(CONTENT_ENCODING).is_some_and(|encoding| !encoding.is_empty() && encoding != "identity") {
        return Some("compressed though that was not asked for");
    }
    let kind = text(CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json")) {
        None
    } else {
        Some("not of the type application/json")
    }
}

/// In seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Instant) -> Option<Span> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse().ok().or_else(|| {
        let at = chrono::DateTime::parse_from_rfc2822(text).ok()?;
        Some(at.timestamp() - now.seconds())
    })?;
    Some(Span::from_seconds(seconds.clamp(0, PAUSE_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::protocol::{PROTOCOLS, Secrets, read as said};

    const NOW: Instant = Instant::from_micros(1_445_412_400_000_000);

    fn kind(status: u16, body: &str) -> Option<FaultKind> {
        let answer = Answer { bytes: body.into(), ..empty(StatusCode::from_u16(status).unwrap(), None) };
        said(&answer, PROTOCOLS[0], &Secrets::default()).err().map(|fault| fault.kind)
    }

    #[test]
    fn only_a_good_status_with_an_object_is_an_answer_and_only_a_bad_one_with_an_error_is_that_error() {
        for status in [200, 201, 299] {
            assert_eq!(kind(status, r#"{"status":"active"}"#), None);
        }
        for (status, body, expected) in [
            (400, r#"{"error":{"code":"invalid"}}"#, FaultKind::Invalid),
            (403, r#"{"error":{"code":"no_such_target"}}"#, FaultKind::NoSuchTarget),
            (500, r#"{"error":{"code":"transient"}}"#, FaultKind::Transient),
            (503, r#"{"error":{"code":"rate_limited"}}"#, FaultKind::RateLimited),
            (401, "", FaultKind::Denied),
            (403, r#"{"message":"Forbidden"}"#, FaultKind::Denied),
            (429, "slow down", FaultKind::RateLimited),
        ] {
            assert_eq!(kind(status, body), Some(expected), "{status} {body}");
        }
        for (status, body) in [
            (200, ""),
            (204, ""),
            (200, "<html>welcome</html>"),
            (200, r#"{"error":{"code":"denied"}}"#),
            (200, r#"{"status":"act"#),
            (301, r#"{"status":"active"}"#),
            (303, r#"{"error":{"code":"transient"}}"#),
            (404, "no such page"),
            (500, "oops"),
            (500, r#"{"status":"absent"}"#),
            (502, "bad gateway"),
            (503, "try later"),
            (504, r#"{"error":{"code":"sulking"}}"#),
        ] {
            assert_eq!(kind(status, body), Some(FaultKind::Ambiguous), "{status} {body}");
        }
    }

    #[test]
    fn a_pause_is_read_in_seconds_and_as_a_date_and_bounded() {
        let read = |text: &str| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]), NOW);
        assert_eq!(read("30"), Some(Span::from_seconds(30)));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Span::from_seconds(1_445_412_480 - 1_445_412_400)));
        assert_eq!(read("999999"), Some(Span::from_seconds(3_600)));
        assert_eq!(read("-5"), Some(Span::ZERO));
        assert_eq!(read("soon"), None);
    }

    #[test]
    fn a_body_of_another_type_or_compressed_is_not_looked_at() {
        let headers =
            |pairs: &[(HeaderName, &str)]| pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect::<HeaderMap>();
        for kind in ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"] {
            assert_eq!(unreadable(&headers(&[(CONTENT_TYPE, kind)])), None, "{kind}");
        }
        for kind in ["text/html", "text/json", "application/jsonp", ""] {
            assert!(unreadable(&headers(&[(CONTENT_TYPE, kind)])).is_some(), "{kind}");
        }
        assert!(unreadable(&HeaderMap::new()).is_some());
        assert!(unreadable(&headers(&[(CONTENT_TYPE, "application/json"), (CONTENT_ENCODING, "gzip")])).is_some());
    }
}
