//! Joining an account of another platform to a person: one-time codes, how often one may try, and a catalogue with the
//! joined accounts in it. Pure: chance and time are arguments.

use std::collections::{BTreeMap, HashSet, btree_map::Entry};

use sha2::{Digest, Sha256};

use super::{
    ids::PersonId,
    policy::{Catalogue, Platform},
    refusal::Refusal,
    time::{Instant, Span},
};

/// A code is good for this long, and once.
pub const CODE_LASTS: Span = Span::from_minutes(10);
/// Codes that a person may make in an hour.
const CODES: u32 = 5;
const CODES_IN: Span = Span::from_minutes(60);
/// Wrong codes that an account may type before it is locked out; counted from the first.
const WRONG: u32 = 5;
const LOCKED_FOR: Span = Span::from_minutes(15);

/// Letters that are not taken for one another: no I, L, O, U.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 10;

/// A one-time code: ten letters, fifty bits. Never logged, never stored; shown once to its person.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// `random` comes from the caller: chance is an argument.
    pub fn new(mut random: u64) -> Self {
        let mut letters = String::with_capacity(LENGTH);
        for _ in 0..LENGTH {
            letters.push(char::from(LETTERS[usize::try_from(random & 31).unwrap_or_default()]));
            random >>= 5;
        }
        Self(letters)
    }

    /// As typed: any case, with or without its hyphen, O for 0, I and L for 1. None: no code at all.
    pub fn typed(text: &str) -> Option<Self> {
        let letters =
            text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '–' | '—' | '`')).map(|c| match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            });
        let letters: String = letters.take(LENGTH + 1).collect();
        let ours = letters.len() == LENGTH && letters.bytes().all(|b| LETTERS.contains(&b));
        ours.then_some(Self(letters))
    }

    /// As it is shown: `7K3QD-2M8TX`.
    pub fn shown(&self) -> String {
        format!("{}-{}", &self.0[..LENGTH / 2], &self.0[LENGTH / 2..])
    }

    /// What is stored of it.
    pub fn hash(&self, salt: &str) -> String {
        format!("{:x}", Sha256::new().chain_update(salt.as_bytes()).chain_update(self.0.as_bytes()).finalize())
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(..)")
    }
}

/// A person's newest code, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    pub person: PersonId,
    pub salt: String,
    pub hash: String,
    pub expires_at: Instant,
    pub used: bool,
    /// Codes made since then.
    pub made: Counted,
    /// Of the row, for optimistic locking; zero before it is stored.
    pub n: u64,
}

impl Offered {
    pub fn is(&self, code: &Code, now: Instant) -> bool {
        !self.used && now < self.expires_at && self.hash == code.hash(&self.salt)
    }
}

/// Something counted since a moment; also an account's wrong codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub count: u32,
    pub since: Instant,
}

impl Counted {
    /// One more; from the beginning when that was longer ago than `within`.
    fn again(before: Option<Self>, within: Span, now: Instant) -> Self {
        match before {
            Some(before) if now < before.since + within => Self { count: before.count + 1, ..before },
            _ => Self { count: 1, since: now },
        }
    }
}

/// May another code be made? The count with it.
pub fn another_code(before: Option<Counted>, now: Instant) -> Result<Counted, Refusal> {
    let made = Counted::again(before, CODES_IN, now);
    if made.count > CODES { Err(Refusal::LinkTooMany { at: made.since + CODES_IN }) } else { Ok(made) }
}

/// May this account type a code now? While it is locked out not even the right one counts.
pub fn another_try(before: Option<Counted>, now: Instant) -> Result<(), Refusal> {
    match before {
        Some(wrong) if wrong.count >= WRONG && now < wrong.since + LOCKED_FOR => Err(Refusal::LinkLocked { at: wrong.since + LOCKED_FOR }),
        _ => Ok(()),
    }
}

/// One more wrong code.
pub fn wrong(before: Option<Counted>, now: Instant) -> Counted {
    let counted = Counted::again(before, LOCKED_FOR, now);
    // The lock lasts from the try that closed it.
    if counted.count == WRONG { Counted { since: now, ..counted } } else { counted }
}

/// An account that was joined to a person with a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub platform: Platform,
    /// The platform's id of the user.
    pub account: String,
    pub person: PersonId,
    pub at: Instant,
}

/// The catalogue with the joined accounts in it. What bot.toml says wins: an account that it gives to somebody, or a
/// platform on which it names the person, takes no other.
#[must_use]
pub fn joined(mut catalogue: Catalogue, links: &[Link]) -> Catalogue {
    if links.is_empty() {
        return catalogue;
    }
    let accounts = Platform::ALL.map(|platform| catalogue.accounts_on(platform).map(|(account, _)| account.to_owned()).collect());
    let mut taken: BTreeMap<Platform, HashSet<String>> = Platform::ALL.into_iter().zip(accounts).collect();
    for link in links {
        let taken = taken.entry(link.platform).or_default();
        if taken.contains(&link.account) {
            continue;
        }
        if let Some(person) = catalogue.people.get_mut(&link.person)
            && let Entry::Vacant(free) = person.identities.entry(link.platform)
        {
            free.insert(link.account.clone());
            taken.insert(link.account.clone());
        }
    }
    catalogue
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_micros(1_795_521_600_000_000);

    #[test]
    fn a_code_is_read_however_it_is_typed_and_nothing_else_is_one() {
        let code = Code::new(0x1234_5678_9ABC_DEF0);
        let shown = code.shown();
        for typed in [shown.clone(), shown.to_lowercase(), shown.replace('-', ""), format!(" `{shown}` "), shown.replace('0', "o")] {
            assert_eq!(Code::typed(&typed), Some(code.clone()), "{typed}");
        }
        for typed in ["", "7K3QD", &format!("{shown}0"), "UUUUU-UUUUU", "٠٠٠٠٠-٠٠٠٠٠"] {
            assert_eq!(Code::typed(typed), None, "{typed}");
        }
        assert!(!format!("{code:?}").contains(&code.0), "a code is not for logs");
    }

    #[test]
    fn five_codes_an_hour() {
        let mut made = None;
        for _ in 0..5 {
            made = Some(another_code(made, NOW).unwrap());
        }
        assert_eq!(another_code(made, NOW), Err(Refusal::LinkTooMany { at: NOW + CODES_IN }));
        assert_eq!(another_code(made, NOW + CODES_IN).map(|made| made.count), Ok(1));
    }

    #[test]
    fn five_wrong_codes_lock_an_account_out_for_a_while() {
        let mut tries = None;
        for minute in 0..5 {
            assert_eq!(another_try(tries, NOW + Span::from_minutes(minute)), Ok(()));
            tries = Some(wrong(tries, NOW + Span::from_minutes(minute)));
        }
        let locked = NOW + Span::from_minutes(4) + LOCKED_FOR;
        assert_eq!(another_try(tries, locked - Span::from_seconds(1)), Err(Refusal::LinkLocked { at: locked }));
        assert_eq!(another_try(tries, locked), Ok(()));
    }
}
