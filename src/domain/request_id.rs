//! Ids of requests and grants: printed for people, typed by people.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::ids::IdError;

/// `R-` and six characters; the last one catches every single wrong character and every swap of neighbours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(String);

impl RequestId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `random` comes from the caller: chance is an argument. An id that is taken makes the commit stale, and another is tried.
    pub fn new(mut random: u64) -> Self {
        let mut digits = [0u8; DATA];
        for digit in &mut digits {
            *digit = (random & 31) as u8;
            random >>= 5;
        }
        let text = digits.iter().chain([&check(&digits)]).map(|digit| char::from(ALPHABET[usize::from(*digit)])).collect::<String>();
        Self(format!("R-{text}"))
    }
}

/// Crockford's letters: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters before the check.
const DATA: usize = 5;

/// What may stand around an id that was typed or copied. No `@`: a person is never taken for a request.
const AROUND: &[char] = &[
    '`', '\'', '"', '“', '”', '‘', '’', '„', '«', '»', '(', ')', '[', ']', '{', '}', '<', '>', '*', '_', '~', '.', ',', ';', ':', '!', '?',
    '#',
];
const DASHES: &[char] = &['-', '‐', '‑', '–', '—', '−'];

/// Times alpha in GF(32) with x^5 + x^2 + 1.
const fn times_alpha(x: u8) -> u8 {
    let shifted = x << 1;
    if shifted & 32 == 0 { shifted } else { (shifted ^ 0b10_0101) & 31 }
}

/// The digit that makes the weighted sum of all six zero. Weights are powers of alpha, so no single wrong digit and no
/// swap of two different digits keeps it zero.
fn check(digits: &[u8]) -> u8 {
    // Horner: ((d0 a + d1) a + ...) a + check = 0, and minus is plus in this field.
    digits.iter().fold(0, |sum, digit| times_alpha(sum ^ digit))
}

impl FromStr for RequestId {
    type Err = IdError;
    /// Takes lower case, O for 0, I and L for 1, an id without its `R-` or its hyphen, a dash that a phone put in its place,
    /// and what a sentence or a chat's markup leaves around it.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let text = text.trim().trim_matches(AROUND);
        if text.is_empty() {
            return Err(IdError::Empty);
        }
        let upper = text.to_ascii_uppercase();
        let bare = match upper.strip_prefix('R') {
            Some(rest) if rest.starts_with(DASHES) => rest.trim_start_matches(DASHES),
            // Data may begin with R as well: only the length tells.
            Some(rest) if rest.chars().count() > DATA => rest,
            _ => &upper,
        };
        let mut digits = Vec::with_capacity(DATA + 1);
        for letter in bare.chars() {
            let letter = match letter {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let place = ALPHABET.iter().position(|known| char::from(*known) == letter).ok_or(IdError::Checksum)?;
            digits.push(u8::try_from(place).map_err(|_| IdError::Checksum)?);
        }
        if digits.len() != DATA + 1 || check(&digits[..DATA]) != digits[DATA] {
            return Err(IdError::Checksum);
        }
        Ok(Self(format!("R-{}", digits.iter().map(|digit| char::from(ALPHABET[usize::from(*digit)])).collect::<String>())))
    }
}

impl TryFrom<String> for RequestId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a grant at providers for ever: 26 characters of a-z and 0-9, from 128 bits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GrantId(String);

impl GrantId {
    /// `random` comes from the caller: chance is an argument.
    pub fn new(mut random: u128) -> Self {
        const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let mut text = [b'0'; 26];
        for place in text.iter_mut().rev() {
            *place = LETTERS[usize::try_from(random & 31).unwrap_or(0)];
            random >>= 5;
        }
        Self(String::from_utf8_lossy(&text).into_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As read back from the store.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> impl Iterator<Item = RequestId> {
        (0..200u64).map(|i| RequestId::new(i.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    #[test]
    fn every_printed_id_is_accepted_however_it_is_typed() {
        for id in ids() {
            let bare = id.as_str().trim_start_matches("R-").to_ascii_lowercase().replace('0', "o").replace('1', "l");
            assert_eq!(bare.parse(), Ok(id.clone()));
            assert_eq!(format!(" `{id}` ").parse(), Ok(id.clone()));
            for typed in [id.as_str().replace('-', ""), id.as_str().replace('-', "–"), format!("({id})."), format!("*{id}*,")] {
                assert_eq!(typed.parse(), Ok(id.clone()), "{typed}");
                assert_eq!(typed.to_lowercase().parse(), Ok(id.clone()), "{typed}");
            }
        }
    }

    #[test]
    fn what_is_no_id_is_refused_and_a_person_is_never_taken_for_one() {
        let id = ids().next().unwrap();
        let bare = id.as_str().trim_start_matches("R-");
        for text in ["", "R-", "R", "R-R-000000", "R--", "٠٠٠٠٠٠", "R-00000", "R-0000000", &format!("@{bare}"), &format!("RR{bare}")]
        {
            assert!(text.parse::<RequestId>().is_err(), "{text}");
        }
    }

    #[test]
    fn one_wrong_character_is_always_caught() {
        for id in ids() {
            for place in 2..8 {
                for letter in ALPHABET {
                    let mut text = id.as_str().as_bytes().to_vec();
                    if text[place] != *letter {
                        text[place] = *letter;
                        assert_eq!(String::from_utf8_lossy(&text).parse::<RequestId>(), Err(IdError::Checksum), "{id}");
                    }
                }
            }
        }
    }

    #[test]
    fn swapped_neighbours_are_always_caught() {
        for id in ids() {
            for place in 2..7 {
                let mut text = id.as_str().as_bytes().to_vec();
                if text[place] != text[place + 1] {
                    text.swap(place, place + 1);
                    assert_eq!(String::from_utf8_lossy(&text).parse::<RequestId>(), Err(IdError::Checksum), "{id}");
                }
            }
        }
    }
}
