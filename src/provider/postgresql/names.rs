//! What a grant's own login is called, and how it says whose it is.

use sha2::{Digest, Sha256};

use super::settings::NAME_MAX;
use crate::domain::entitlement::Order;

const PREFIX: &str = "hp_";
/// A grant id that is longer is not spelt out: names of both kinds differ in length, so none can be another's.
const SPELT_MAX: usize = 40;
/// The comment of a login begins with this.
const OWN: &str = "hallpass grant=";
const PERSON: &str = " person=";

/// The login of this grant. Never cut: what cannot be spelt is hashed.
pub(super) fn login(grant: &str) -> String {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if (1..=SPELT_MAX).contains(&grant.len()) && grant.bytes().all(plain) {
        return format!("{PREFIX}{grant}");
    }
    let hash = format!("{:x}", Sha256::digest(grant.as_bytes()));
    format!("{PREFIX}{}", &hash[..NAME_MAX - PREFIX.len()])
}

/// What the login's comment says first.
pub(super) fn comment(order: &Order) -> String {
    format!("{OWN}{}{PERSON}{}", word(&order.grant), order.person)
}

/// A grant id that is one of ours is a word already.
fn word(grant: &str) -> String {
    super::quote::percent(grant)
}

/// Does this comment name the order's grant?
pub(super) fn is_of(comment: &str, order: &Order) -> bool {
    spelt(comment).is_some_and(|named| named == word(&order.grant))
}

/// The grant that a comment names, if it is one of ours.
pub(super) fn grant(comment: &str) -> Option<String> {
    let mut parts = spelt(comment)?.split('%');
    let mut grant = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        grant.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        grant.extend(part.get(2..)?.bytes());
    }
    String::from_utf8(grant).ok()
}

fn spelt(comment: &str) -> Option<&str> {
    let rest = comment.strip_prefix(OWN)?;
    rest.split([' ', '\n']).next().filter(|grant| !grant.is_empty())
}
