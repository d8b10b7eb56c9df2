//! Checkpoints: signed tree heads in the C2SP signed-note form, written and strictly read.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::tree::Hash;

/// What is signed: the log's name, its size and its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Such as `hallpass.example.com/ledger`; also the key's name.
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

/// Why a note is not a checkpoint of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("its text is not a checkpoint")]
    Grammar,
    #[error("it carries no signature of the key {0}")]
    Unsigned(String),
    #[error("its signature does not fit")]
    Forged,
}

impl Head {
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root))
    }

    /// The signed note.
    pub fn sign(&self, key: &SigningKey) -> String {
        let text = self.text();
        let mut signed = key_id(&self.origin, &key.verifying_key()).to_vec();
        signed.extend(key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n— {} {}\n", self.origin, BASE64.encode(signed))
    }
}

/// SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key), first four bytes.
fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let hash = Sha256::new().chain_update(name).chain_update([0x0A, 0x01]).chain_update(key.as_bytes()).finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

/// `name+hex(key id)+base64(0x01 ‖ public key)`: what an auditor keeps.
pub fn verifier_key(name: &str, key: &VerifyingKey) -> String {
    let id = u32::from_be_bytes(key_id(name, key));
    let mut bytes = vec![1];
    bytes.extend(key.as_bytes());
    format!("{name}+{id:08x}+{}", BASE64.encode(bytes))
}

/// The name and the key that a verifier key is for.
pub fn parse_verifier_key(text: &str) -> Result<(String, VerifyingKey), String> {
    let wrong = |what: &str| format!("{what}: a verifier key is NAME+HEX+BASE64, as `hallpass ledger key` prints it");
    let mut parts = text.trim().splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else { return Err(wrong("it has not three parts")) };
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(wrong("it has no name"));
    }
    let bytes = BASE64.decode(key).map_err(|_| wrong("its key is not base64"))?;
    let [1, key @ ..] = bytes.as_slice() else { return Err(wrong("its key is of another kind")) };
    let key: [u8; 32] = key.try_into().map_err(|_| wrong("its key is not 32 bytes long"))?;
    let key = VerifyingKey::from_bytes(&key).map_err(|_| wrong("its key is none"))?;
    if id != format!("{:08x}", u32::from_be_bytes(key_id(name, &key))) {
        return Err(wrong("its parts do not belong together"));
    }
    Ok((name.to_owned(), key))
}

/// Reads a note and checks our signature on it. Signatures of other keys are ignored.
pub fn open(note: &str, origin: &str, key: &VerifyingKey) -> Result<Head, NoteError> {
    let (text, signatures) = note.split_once("\n\n").ok_or(NoteError::Grammar)?;
    let text = format!("{text}\n");
    let lines: Vec<&str> = text.lines().collect();
    let [name, size, root] = lines.as_slice() else { return Err(NoteError::Grammar) };
    if *name != origin || (size.len() > 1 && size.starts_with('0')) || !size.chars().all(|c| c.is_ascii_digit()) {
        return Err(NoteError::Grammar);
    }
    let head = Head {
        origin: (*name).to_owned(),
        size: size.parse().map_err(|_| NoteError::Grammar)?,
        root: BASE64.decode(root).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(NoteError::Grammar)?,
    };
    let id = key_id(origin, key);
    for line in signatures.lines() {
        let mut parts = line.strip_prefix("— ").ok_or(NoteError::Grammar)?.split(' ');
        let (Some(name), Some(value), None) = (parts.next(), parts.next(), parts.next()) else { return Err(NoteError::Grammar) };
        let bytes = BASE64.decode(value).map_err(|_| NoteError::Grammar)?;
        if name != origin || !bytes.starts_with(&id) {
            continue;
        }
        let signature = Signature::from_slice(&bytes[4..]).map_err(|_| NoteError::Forged)?;
        return key.verify_strict(text.as_bytes(), &signature).map(|()| head).map_err(|_| NoteError::Forged);
    }
    Err(NoteError::Unsigned(origin.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> (SigningKey, String) {
        let key = SigningKey::from_bytes(&[7; 32]);
        let head = Head { origin: "example.com/ledger".into(), size: 3, root: [1; 32] };
        let note = head.sign(&key);
        (key, note)
    }

    #[test]
    fn a_signed_note_opens() {
        let (key, note) = signed();
        assert_eq!(open(&note, "example.com/ledger", &key.verifying_key()).map(|head| head.size), Ok(3));
    }

    #[test]
    fn a_verifier_key_reads_back_and_a_changed_one_does_not() {
        let key = SigningKey::from_bytes(&[7; 32]).verifying_key();
        let text = verifier_key("example.com/ledger", &key);
        assert_eq!(parse_verifier_key(&format!("{text}\n")), Ok(("example.com/ledger".to_owned(), key)));
        for wrong in ["", "x", "a+b", &text.replace("example", "other"), &text[..text.len() - 4], &text.replacen('+', " ", 1)] {
            assert!(parse_verifier_key(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_changed_note_does_not() {
        let (key, note) = signed();
        let forged = note.replace("\n3\n", "\n4\n");
        assert_eq!(open(&forged, "example.com/ledger", &key.verifying_key()), Err(NoteError::Forged));
        let other = SigningKey::from_bytes(&[8; 32]);
        assert_eq!(open(&note, "example.com/ledger", &other.verifying_key()), Err(NoteError::Unsigned("example.com/ledger".into())));
    }
}
