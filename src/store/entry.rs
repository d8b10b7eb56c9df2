//! The form of a ledger entry: canonical JSON (RFC 8785), at most 64 KiB, whole numbers below 2^53, a known version.
//! One place for writing and for reading, so that nothing is appended that the audit would refuse.

use serde_json::{Value, json};

use super::{Entry, NewEntry};
use crate::domain::{command::Actor, time::Instant};

/// Longest entry, in bytes.
pub const ENTRY_MAX: usize = 64 * 1024;
/// Version of the form that is written. Older ones are read, newer ones refused.
pub const ENTRY_VERSION: u32 = 1;
/// Whole numbers stay below this, so that every JSON reader reads them alike.
const NUMBER_LIMIT: u64 = 1 << 53;

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub at: Instant,
    pub actor: Actor,
    /// Digest of the policy in force.
    pub policy: String,
    /// The event's JSON.
    pub event: Value,
}

/// The bytes of an entry that is number `n` of its stream, or why there can be none.
pub(super) fn encode(entry: &NewEntry, n: i64, at: Instant) -> Result<String, String> {
    let value = json!({
        "v": ENTRY_VERSION,
        "stream": entry.stream,
        "n": n,
        "at": at,
        "actor": entry.actor,
        "policy": entry.policy,
        "event": entry.event,
    });
    numbers(&value)?;
    let bytes = serde_json_canonicalizer::to_string(&value).map_err(|error| error.to_string())?;
    if bytes.len() > ENTRY_MAX { Err(too_long(bytes.len())) } else { Ok(bytes) }
}

/// What a stored entry says, once its bytes are shown to be canonical and to fit its row.
pub fn decode(entry: &Entry) -> Result<Said, String> {
    if entry.bytes.len() > ENTRY_MAX {
        return Err(too_long(entry.bytes.len()));
    }
    let value: Value = serde_json::from_slice(&entry.bytes).map_err(|error| format!("not JSON: {error}"))?;
    match value["v"].as_u64() {
        Some(v) if (1..=u64::from(ENTRY_VERSION)).contains(&v) => {}
        _ => return Err(format!("version {} is not known", value["v"])),
    }
    numbers(&value)?;
    // Duplicate keys disappear in parsing, so bytes that had any differ here.
    if serde_json_canonicalizer::to_vec(&value).ok().as_deref() != Some(entry.bytes.as_slice()) {
        return Err("its bytes are not canonical".into());
    }
    if value["stream"] != entry.stream.as_str() || value["n"] != entry.n {
        return Err(format!("it says it is {} number {}", value["stream"].as_str().unwrap_or("?"), value["n"]));
    }
    let at: Instant = serde_json::from_value(value["at"].clone()).map_err(|_| "its time cannot be read".to_owned())?;
    if at != entry.at {
        return Err(format!("it says {at}, its row {}", entry.at));
    }
    let actor = serde_json::from_value(value["actor"].clone()).map_err(|_| "its actor cannot be read".to_owned())?;
    let policy = value["policy"].as_str().ok_or("its policy cannot be read")?.to_owned();
    Ok(Said { at, actor, policy, event: value["event"].clone() })
}

fn too_long(bytes: usize) -> String {
    format!("{bytes} bytes are more than the {ENTRY_MAX} of an entry")
}

/// Whole and small enough, all of them.
fn numbers(value: &Value) -> Result<(), String> {
    match value {
        Value::Number(number) => match number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs)) {
            Some(whole) if whole < NUMBER_LIMIT => Ok(()),
            _ => Err(format!("the number {number} is not whole or not below 2^53")),
        },
        Value::Array(items) => items.iter().try_for_each(numbers),
        Value::Object(fields) => fields.values().try_for_each(numbers),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Instant = Instant::from_micros(1_795_528_800_000_000);

    fn new(event: Value) -> NewEntry {
        NewEntry { stream: "bot".into(), at: AT, actor: Actor::BOT, policy: "sha256:test".into(), event }
    }

    fn stored(bytes: String) -> Entry {
        Entry { id: 1, stream: "bot".into(), n: 3, at: AT, bytes: bytes.into_bytes() }
    }

    #[test]
    fn what_was_encoded_decodes() {
        let event = json!({ "type": "tested", "é": "\u{2028}", "most": NUMBER_LIMIT - 1, "least": -((1_i64 << 53) - 1) });
        let bytes = encode(&new(event.clone()), 3, AT).unwrap();
        let said = Said { at: AT, actor: Actor::BOT, policy: "sha256:test".into(), event };
        assert_eq!(decode(&stored(bytes)), Ok(said));
    }

    #[test]
    fn numbers_that_readers_disagree_about_are_refused() {
        for number in [json!(NUMBER_LIMIT), json!(-(1_i64 << 53)), json!(u64::MAX), json!(0.5), json!(1.0)] {
            let refused = encode(&new(json!({ "list": [{ "deep": number }] })), 3, AT);
            assert!(refused.clone().is_err_and(|why| why.contains("2^53")), "{refused:?}");
        }
        let bytes = encode(&new(json!({ "count": 7 })), 3, AT).unwrap();
        let found = decode(&stored(bytes.replace("\"count\":7", "\"count\":9007199254740992")));
        assert_eq!(found, Err("the number 9007199254740992 is not whole or not below 2^53".into()));
    }

    #[test]
    fn sixty_four_kibibytes_are_the_most() {
        let empty = encode(&new(json!({ "text": "" })), 3, AT).unwrap().len();
        let fits = encode(&new(json!({ "text": "x".repeat(ENTRY_MAX - empty) })), 3, AT).unwrap();
        assert_eq!(fits.len(), ENTRY_MAX);
        assert!(decode(&stored(fits.clone())).is_ok());
        assert!(encode(&new(json!({ "text": "x".repeat(ENTRY_MAX - empty + 1) })), 3, AT).is_err());
        let longer = decode(&stored(fits.replace("xx\"", "xxx\"")));
        assert_eq!(longer, Err("65537 bytes are more than the 65536 of an entry".into()));
    }

    #[test]
    fn other_versions_and_other_spellings_are_refused() {
        let bytes = encode(&new(json!({ "type": "stopped" })), 3, AT).unwrap();
        let found = |from: &str, to: &str| decode(&stored(bytes.replace(from, to))).unwrap_err();
        assert_eq!(found("\"v\":1", "\"v\":2"), "version 2 is not known");
        assert_eq!(found("\"v\":1", "\"v\":0"), "version 0 is not known");
        assert_eq!(found("\"v\":1", "\"v\":1,\"v\":1"), "its bytes are not canonical");
        assert_eq!(found("\"n\":3", "\"n\": 3"), "its bytes are not canonical");
        assert_eq!(found("\"n\":3", "\"n\":4"), "it says it is bot number 4");
        assert_eq!(found("14:00:00", "14:00:01"), "it says 2026-11-24T14:00:01.000000Z, its row 2026-11-24T14:00:00.000000Z");
        assert!(found("{", "[").starts_with("not JSON"));
    }
}
