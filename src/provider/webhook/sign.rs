//! Signatures as the Standard Webhooks specification has them: `v1`, HMAC-SHA256 over id, timestamp and body.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::Sha256;

const PREFIX: &str = "whsec_";
/// As the specification has it, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// What is signed with, newest first.
pub(super) struct Keys(Vec<SecretSlice<u8>>);

/// A key as it is written: `whsec_` and base64.
/// # Errors
/// What is wrong with it, never what it is.
pub(super) fn key(text: &str) -> Result<SecretSlice<u8>, &'static str> {
    const HOW: &str = "is no signing secret: it is whsec_ and the base64 of 24 to 64 random bytes";
    let text = text.trim().strip_prefix(PREFIX).ok_or(HOW)?;
    let bytes = STANDARD.decode(text).map_err(|_| HOW)?;
    if LENGTHS.contains(&bytes.len()) { Ok(bytes.into()) } else { Err(HOW) }
}

impl Keys {
    pub(super) const fn new(keys: Vec<SecretSlice<u8>>) -> Self {
        Self(keys)
    }

    /// One signature for each key, as they stand in the header.
    pub(super) fn signatures(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut all = String::new();
        for key in &self.0 {
            // A key of any length is taken.
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose_secret()) else { continue };
            mac.update(format!("{id}.{timestamp}.").as_bytes());
            mac.update(body);
            let space = if all.is_empty() { "" } else { " " };
            write!(all, "{space}v1,{}", STANDARD.encode(mac.finalize().into_bytes())).ok();
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the specification's own libraries are tested with.
    const PUBLISHED: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn the_published_example_is_signed_as_published() {
        let keys = Keys::new(vec![key(PUBLISHED).unwrap()]);
        let signed = keys.signatures("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn during_a_rotation_each_key_signs() {
        let other = format!("whsec_{}", STANDARD.encode([7; 32]));
        let both = Keys::new(vec![key(&other).unwrap(), key(PUBLISHED).unwrap()]).signatures("a", 1, b"{}");
        let alone = Keys::new(vec![key(PUBLISHED).unwrap()]).signatures("a", 1, b"{}");
        assert_eq!(both.split(' ').count(), 2);
        assert_eq!(both.split(' ').nth(1), Some(alone.as_str()));
    }

    #[test]
    fn what_is_no_signing_secret_is_refused_and_not_told() {
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        for text in ["hunter22", "whsec_", "whsec_hunter22!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &short, &long] {
            let why = key(text).unwrap_err();
            assert!(why.contains("24 to 64") && !why.contains("hunter22"), "{text}");
        }
    }
}
