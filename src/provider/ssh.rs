//! An SSH certificate authority: signs the person's own public key until the grant's end, and revokes early ends by a
//! key revocation list. Certificates are not secret. Knows no host; nothing but two local files is touched.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use ssh_key::{
    LineEnding, PrivateKey, PublicKey,
    certificate::{Builder, CertType},
    rand_core::OsRng,
};

use super::{
    Delivery, Description, Done, Fault, FaultKind, Input, NativeExpiry, Provider, Resolved, Seen, Sessions, Settling, Step, Verbs,
    revoked::Revoked,
};
use crate::{
    clock::Clock,
    domain::{
        entitlement::{Handle, Order, Ownership},
        policy::{Person, Role},
        time::{Instant, Span},
    },
};

/// Key of `Person::logins` that holds the person's public key.
pub const PUBLIC_KEY: &str = "ssh_public_key";

/// Where the authority's files are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// OpenSSH private key, readable by the bot only. Made on the first start.
    pub ca_key_file: PathBuf,
    /// What sshd's `RevokedKeys` reads.
    pub revocation_list: PathBuf,
    /// Shown in the line that says how to connect.
    pub host: Option<String>,
}

/// What a role of this provider is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    principals: Vec<String>,
    /// User name for the line that says how to connect.
    login: Option<String>,
    /// Critical options, such as `force-command` and `source-address`.
    #[serde(default)]
    options: BTreeMap<String, String>,
    /// Such as `permit-pty`, which is the default.
    #[serde(default = "permit_pty")]
    extensions: Vec<String>,
}

/// Whether this says what a role is.
pub(super) fn check_target<'de, D: serde::Deserializer<'de>>(target: D) -> Result<(), D::Error> {
    let target = Target::deserialize(target)?;
    if target.principals.is_empty() { Err(serde::de::Error::custom("principals is empty: name at least one")) } else { Ok(()) }
}

fn permit_pty() -> Vec<String> {
    vec!["permit-pty".into()]
}

/// The authority.
pub struct Ssh {
    description: Description,
    settings: Settings,
    key: PrivateKey,
    list: Arc<Revoked>,
    clock: Arc<dyn Clock>,
    /// The clock when it was last believed, and how far it had gone on. None since the start.
    believed: Mutex<Option<(Instant, i64)>>,
}

impl Ssh {
    /// Reads the key, or makes it. An unreadable list is an error now rather than at the first revoke.
    pub fn open(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, String> {
        if settings.ca_key_file.exists() && !settings.revocation_list.exists() {
            let (list, key) = (settings.revocation_list.display(), settings.ca_key_file.display());
            return Err(format!(
                "{list} is missing, though the authority {key} is there: beginning it anew would let revoked certificates in again. \
                 Bring it back; only if nothing was ever revoked, begin an empty one: ssh-keygen -k -f {list}"
            ));
        }
        let key = read_key(&settings.ca_key_file)?;
        let authority = key.public_key().to_bytes().map_err(|error| error.to_string())?;
        let now = clock.real(clock.now()).seconds();
        let list = Revoked::open(settings.revocation_list.clone(), authority, now)?;
        Ok(Self { description: description(), settings, key, list: Arc::new(list), clock, believed: Mutex::default() })
    }

    /// The authority's public key, for sshd's `TrustedUserCAKeys`.
    pub fn authority(&self) -> String {
        self.key.public_key().to_openssh().unwrap_or_default()
    }

    /// Would sshd refuse a certificate with this serial by the list as it is now?
    pub fn is_revoked(&self, serial: u64) -> Result<bool, Fault> {
        self.revoked().map(|(serials, _)| serials.contains(&serial))
    }

    fn revoked(&self) -> Result<(BTreeSet<u64>, u64), Fault> {
        self.list.read().map_err(|why| Fault::new(FaultKind::Transient, why))
    }

    /// The core grants only while it believes the clock (R17), and never until a moment that is over. That alone says that
    /// the clock may be trusted to take something off the list; a start, or a revoke, does not.
    fn believe(&self, until: Instant) {
        let now = self.clock.now().min(self.clock.ours(until));
        *self.believed.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, self.clock.monotonic()));
    }

    /// The real time in seconds, and whether it is believed: then it is no later than a clock that had gone on evenly
    /// since it last was, so that one that jumped ahead takes nothing off the list.
    fn time(&self) -> (i64, bool) {
        let now = self.clock.now();
        let believed = *self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        let even = believed.map(|(at, steady)| at.micros().saturating_add(self.clock.monotonic().saturating_sub(steady)));
        let now = even.map_or(now, |even| now.min(Instant::from_micros(even)));
        (self.clock.real(now).seconds(), believed.is_some())
    }

    /// Valid to the real moment `until`, or as long as a certificate that was given before, which cannot be shortened.
    fn sign(&self, order: &Order, handle: Option<&Handle>, until: Instant) -> Result<Done, Fault> {
        let invalid = |error: &dyn std::fmt::Display| Fault::new(FaultKind::Invalid, error.to_string());
        let target: Target = serde_json::from_value(order.target.clone()).map_err(|e| invalid(&e))?;
        let public = order.inputs.get(PUBLIC_KEY).ok_or_else(|| invalid(&"the person's public key is missing"))?;
        let public = PublicKey::from_openssh(public).map_err(|e| invalid(&e))?;
        let seconds = |at: Instant| u64::try_from(at.seconds()).unwrap_or(0);
        let begin = seconds(self.clock.real(self.clock.now())).saturating_sub(60);
        // sshd refuses from this second on, so what is begun of one is given whole.
        let whole = until.micros().saturating_add(999_999).div_euclid(1_000_000);
        let end = u64::try_from(whole.max(valid_before(handle).unwrap_or(0))).unwrap_or(0);
        let mut builder = Builder::new_with_random_nonce(&mut OsRng, public.key_data().clone(), begin, end).map_err(|e| invalid(&e))?;
        let mut fill = || -> ssh_key::Result<()> {
            builder.serial(serial(&order.grant))?;
            builder.key_id(format!("hallpass:{}:{}", order.grant, order.person))?;
            builder.cert_type(CertType::User)?;
            for principal in &target.principals {
                builder.valid_principal(principal)?;
            }
            for (name, value) in &target.options {
                builder.critical_option(name, value)?;
            }
            for name in &target.extensions {
                builder.extension(name, "")?;
            }
            Ok(())
        };
        fill().map_err(|e| invalid(&e))?;
        let certificate = builder.sign(&self.key).map_err(|e| invalid(&e))?;
        let text = certificate.to_openssh().map_err(|e| invalid(&e))?;
        let login = target.login.as_deref().unwrap_or("USER");
        let host = self.settings.host.as_deref().unwrap_or("HOST");
        let how = format!(
            "Save this line as ~/.ssh/hallpass-cert.pub, then: ssh -o CertificateFile=~/.ssh/hallpass-cert.pub {login}@{host}\n{text}"
        );
        Ok(Done {
            handle: Some(Handle(json!({ "certificate": text, "valid_before": end }))),
            how_to_connect: Some(how),
            native_expiry: Some(until.max(Instant::from_micros(i64::try_from(end).unwrap_or(i64::MAX).saturating_mul(1_000_000)))),
            ..Done::default()
        })
    }
}

/// The end of the certificate that a handle speaks of, in seconds since 1970.
fn valid_before(handle: Option<&Handle>) -> Option<i64> {
    handle?.0.get("valid_before")?.as_i64()
}

/// A grant's certificate serial: 63 bits, so that no tool takes it for a negative number.
fn serial(grant: &str) -> u64 {
    let hash = Sha256::digest(grant.as_bytes());
    hash.iter().take(8).fold(0, |sum: u64, byte| (sum << 8) | u64::from(*byte)) >> 1
}

fn description() -> Description {
    Description {
        name: "ssh".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        ownership: Ownership::PerGrant,
        native: Some(NativeExpiry { grain: Span::from_seconds(1), extendable: true }),
        sessions: Sessions::LiveOn { at_most: None },
        delivery: Delivery::Public,
        evidence: false,
        settling: Settling { reads: 1, apart: Span::ZERO },
        inputs: vec![Input { key: PUBLIC_KEY.into(), how: "give your public key once".into() }],
        deadline: Span::from_seconds(10),
        verbs: Verbs { extend: true, health: true, ..Verbs::default() },
    }
}

fn read_key(path: &Path) -> Result<PrivateKey, String> {
    let shown = path.display();
    if !path.exists() {
        let key = PrivateKey::random(&mut OsRng, ssh_key::Algorithm::Ed25519).map_err(|e| e.to_string())?;
        let text = key.to_openssh(LineEnding::LF).map_err(|e| e.to_string())?;
        let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path);
        let mut file = made.map_err(|error| format!("{shown}: {error}"))?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| format!("{shown}: {error}"))?;
        tracing::info!(file = %shown, "made a new SSH certificate authority");
        return Ok(key);
    }
    let mode = std::fs::metadata(path).map_err(|error| format!("{shown}: {error}"))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!("{shown} can be read by others: chmod 600 it"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    PrivateKey::from_openssh(text).map_err(|_| format!("{shown} is not an OpenSSH private key without passphrase"))
}

#[async_trait]
impl Provider for Ssh {
    fn describe(&self) -> &Description {
        &self.description
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        let target: Target =
            serde_json::from_value(what.target.clone()).map_err(|e| Fault::new(FaultKind::Invalid, format!("the role's target: {e}")))?;
        if target.principals.is_empty() {
            return Err(Fault::new(FaultKind::Invalid, "the role has no principals: a certificate without any would fit every user"));
        }
        if target.principals.iter().any(String::is_empty) {
            return Err(Fault::new(FaultKind::Invalid, "a principal of the role is empty"));
        }
        let public = who.logins.get(PUBLIC_KEY).and_then(|key| PublicKey::from_openssh(key).ok());
        let Some(public) = public else {
            return Err(Fault::new(FaultKind::NoSuchPrincipal, "no SSH public key is known: record it first, with the command key"));
        };
        let text = public.to_openssh().map_err(|e| Fault::new(FaultKind::Invalid, e.to_string()))?;
        Ok(Resolved {
            preview: format!("an SSH certificate for {}, on their own key", target.principals.join(", ")),
            by_hand: format!("add the certificate's serial to {} (ssh-keygen -k -u)", self.settings.revocation_list.display()),
            target: serde_json::to_value(&target).unwrap_or_default(),
            principal: public.fingerprint(ssh_key::HashAlg::Sha256).to_string(),
            inputs: BTreeMap::from([(PUBLIC_KEY.to_owned(), text)]),
        })
    }

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Fault> {
        let (revoked, _) = match self.revoked() {
            Ok(list) => list,
            Err(fault) => return Ok(Seen::Unknown { why: fault.message }),
        };
        // Without a handle the answer of a signing call was lost: nobody has that certificate, but only the list proves it.
        let end = valid_before(handle);
        let now = self.clock.real(self.clock.now()).seconds();
        Ok(match end {
            Some(end) if end > now && !revoked.contains(&serial(&order.grant)) => {
                Seen::Present { native_expiry: None, detail: Some(format!("serial {}", serial(&order.grant))) }
            }
            _ => Seen::Absent,
        })
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, _left: Duration) -> Result<Step, Fault> {
        self.believe(until);
        self.sign(order, handle, until).map(Step::Done)
    }

    async fn extend(&self, order: &Order, handle: Option<&Handle>, until: Instant, _left: Duration) -> Result<Step, Fault> {
        self.sign(order, handle, until).map(Step::Done)
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, left: Duration) -> Result<Step, Fault> {
        let (now, believed) = self.time();
        let added = self.list.add(serial(&order.grant), valid_before(handle), now, believed, left).await;
        added.map_err(|why| Fault::new(FaultKind::Transient, why))?;
        Ok(Step::Done(Done::default()))
    }

    async fn health(&self) -> Result<String, Fault> {
        let (revoked, version) = self.revoked()?;
        Ok(format!("authority {}, {} serials revoked, list version {version}", self.authority(), revoked.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn a_lost_revocation_list_is_never_begun_anew_beside_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let open = || {
            let settings = Settings { ca_key_file: at("ca"), revocation_list: at("krl"), host: None };
            Ssh::open(settings, Arc::new(ManualClock::new(Instant::from_micros(0)))).map(|_| ())
        };
        assert_eq!(open(), Ok(()));
        assert_eq!(open(), Ok(()));
        std::fs::remove_file(at("krl")).unwrap();
        assert!(open().unwrap_err().contains("is missing"));
        assert!(!at("krl").exists());
    }

    const NOON: Instant = Instant::from_micros(1_795_521_600_000_000);
    const LEFT: Duration = Duration::from_secs(10);

    fn order(grant: &str, public: &str) -> Order {
        Order {
            provider: "hosts".parse().unwrap(),
            target: json!({ "principals": ["bastion"] }),
            principal: "key".into(),
            person: "ana".parse().unwrap(),
            inputs: BTreeMap::from([(PUBLIC_KEY.to_owned(), public.to_owned())]),
            grant: grant.into(),
            by_hand: String::new(),
        }
    }

    /// An early end stays an early end, whatever clock the next start comes up with (R17).
    #[tokio::test]
    async fn only_a_clock_that_grants_are_made_by_takes_a_serial_off_the_list() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(NOON));
        let open = || {
            let settings = Settings { ca_key_file: folder.path().join("ca"), revocation_list: folder.path().join("krl"), host: None };
            Ssh::open(settings, clock.clone()).unwrap()
        };
        let public = PrivateKey::random(&mut OsRng, ssh_key::Algorithm::Ed25519).unwrap().public_key().to_openssh().unwrap();
        let (hour, days) = (Span::from_minutes(60), Span::from_minutes(60 * 24 * 3));
        let first = order("G-1", &public);
        let ssh = open();
        let Step::Done(done) = ssh.grant(&first, None, NOON + hour, LEFT).await.unwrap() else { panic!("no waiting") };
        ssh.revoke(&first, done.handle.as_ref(), LEFT).await.unwrap();

        // Far ahead at the next start: nobody has believed it yet.
        clock.jump(NOON + days);
        let ssh = open();
        ssh.revoke(&order("G-2", &public), None, LEFT).await.unwrap();
        assert!(ssh.is_revoked(serial("G-1")).unwrap());
        // Right again and believed, then far ahead once more: it did not go on evenly.
        clock.jump(NOON);
        ssh.grant(&order("G-3", &public), None, NOON + hour, LEFT).await.unwrap();
        clock.jump(NOON + days);
        ssh.revoke(&order("G-3", &public), None, LEFT).await.unwrap();
        assert!(ssh.is_revoked(serial("G-1")).unwrap());
        // A grant by it: that is the time.
        ssh.grant(&order("G-4", &public), None, NOON + days + hour, LEFT).await.unwrap();
        ssh.revoke(&order("G-4", &public), None, LEFT).await.unwrap();
        assert!(!ssh.is_revoked(serial("G-1")).unwrap());
        assert!(ssh.is_revoked(serial("G-2")).unwrap(), "nobody knows its end");
    }
}
