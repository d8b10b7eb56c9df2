//! A login of a grant's own: made, looked at, prolonged, given a password, cut off. Tidying up after it is `tidy`'s.

use std::time::Duration;

use rand::TryRngCore as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{
    super::{Done, Fault, FaultKind, Seen},
    connect,
    cut::Cut,
    link::{Deadline, Link},
    look::{Login, Look},
    names,
    quote::{Ident, Literal},
    settings::{Settings, Target},
    sql, tidy,
};
use crate::domain::{
    entitlement::{Handle, Order},
    time::Instant,
};

/// Randomness of a password, in bytes: 192 bits.
const PASSWORD_BYTES: usize = 24;
/// Tidying up leaves so much of the time for the last look and the last sessions.
const LAST: Duration = Duration::from_secs(4);
/// Tidying up is left to the next call when so little is left of this one.
const TIDY_LEAST: Duration = Duration::from_millis(500);

/// Makes it, or finds the one that was made by an earlier call.
pub(super) async fn grant(
    link: &Link,
    order: &Order,
    target: &Target,
    handle: Option<&Handle>,
    until: Instant,
    deadline: Deadline,
) -> Result<Done, Fault> {
    let (mut session, look) = Look::at(link, order, target, handle, deadline).await?;
    look.must_be_ours()?;
    if look.role.is_none() {
        return Err(Fault::new(FaultKind::NoSuchTarget, "the database server has no such role"));
    }
    if look.role_logs_in {
        return Err(sql::comes_back());
    }
    let found = look.ours.first();
    let name = found.map_or_else(|| names::login(&order.grant), |login| login.name.clone());
    let until = whole(until).max(found.and_then(|login| login.until).unwrap_or(Instant::from_micros(0)));
    let most = target.connections.unwrap_or(1);
    let login = Ident(&name);
    let end = Literal(&moment(until)).to_string();
    let mut statements = match found {
        Some(_) => vec![format!("ALTER ROLE {login} LOGIN CONNECTION LIMIT {most} VALID UNTIL {end}")],
        None => vec![
            format!("CREATE ROLE {login} LOGIN CONNECTION LIMIT {most} PASSWORD NULL VALID UNTIL {end}"),
            format!("COMMENT ON ROLE {login} IS {}", Literal(&names::comment(order))),
        ],
    };
    statements.push(sql::give(&target.role, &name, &look.bot.name, session.version));
    statements.push(format!("SELECT {}", sql::oid_of(&name)));
    let oid: u32 = session.give(&statements).await?.row(0)?.number(0)?;
    Ok(Done {
        handle: Some(Handle(json!({ "login": name, "oid": oid }))),
        how_to_connect: Some(how_to_connect(link.settings(), order, &name)),
        native_expiry: Some(until),
        ..Done::default()
    })
}

fn how_to_connect(settings: &Settings, order: &Order, login: &str) -> String {
    let line = connect::line(settings, connect::database(settings, order), login);
    format!("{line}\nIt asks for the password, which is made when you fetch it.")
}

/// Present: it can log in, is a member of something, or has a session. A login that can do nothing any more and only waits until
/// what it owns is tidied up is absent.
pub(super) async fn observe(
    link: &Link,
    order: &Order,
    target: &Target,
    handle: Option<&Handle>,
    deadline: Deadline,
) -> Result<Seen, Fault> {
    let (_, look) = Look::whole(link, order, target, handle, deadline).await?;
    if look.foreign {
        let detail = Some("a login with this grant's name is there, and its comment does not name the grant".to_owned());
        return Ok(Seen::Present { native_expiry: None, detail });
    }
    let open = look.ours.iter().find(|login| login.gets_in);
    if open.is_none() && look.held.is_empty() && look.sessions == 0 {
        return Ok(Seen::Absent);
    }
    let holds = look.held.iter().any(|held| held.role == target.role);
    let detail = match (open, holds) {
        (None, _) => Some(format!("it cannot log in any more; memberships: {}, open sessions: {}", look.held.len(), look.sessions)),
        (Some(_), false) => Some("the login is not a member of the role".to_owned()),
        (Some(_), true) => None,
    };
    Ok(Seen::Present { native_expiry: open.and_then(|login| login.until), detail })
}

/// Moves its own end, never back.
pub(super) async fn extend(
    link: &Link,
    order: &Order,
    target: &Target,
    handle: Option<&Handle>,
    until: Instant,
    deadline: Deadline,
) -> Result<Done, Fault> {
    let (mut session, look) = Look::at(link, order, target, handle, deadline).await?;
    let login = usable(&look)?;
    let until = whole(until).max(login.until.unwrap_or(Instant::from_micros(0)));
    let statement = format!("ALTER ROLE {} VALID UNTIL {}", Ident(&login.name), Literal(&moment(until)));
    session.give(&[statement]).await?;
    Ok(Done { native_expiry: Some(until), ..Done::default() })
}

/// A password that nobody had before. The server is told what it is checked by, never the password.
pub(super) async fn credential(
    link: &Link,
    order: &Order,
    target: &Target,
    handle: Option<&Handle>,
    deadline: Deadline,
) -> Result<SecretString, Fault> {
    let (mut session, look) = Look::at(link, order, target, handle, deadline).await?;
    let login = usable(&look)?;
    let password = password()?;
    let verifier = postgres_protocol::password::scram_sha_256(password.expose_secret().as_bytes());
    let statement = format!("ALTER ROLE {} PASSWORD {}", Ident(&login.name), Literal(&verifier));
    session.give(&[statement]).await?;
    let settings = link.settings();
    Ok(connect::credential(settings, connect::database(settings, order), &login.name, &password))
}

fn usable(look: &Look) -> Result<&Login, Fault> {
    look.must_be_ours()?;
    let gone = || Fault::new(FaultKind::NoSuchPrincipal, "the grant's login is not there, or cannot log in any more");
    look.ours.iter().find(|login| login.gets_in).ok_or_else(gone)
}

/// Letters, digits, `-` and `_`, beginning with a letter.
fn password() -> Result<SecretString, Fault> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut bytes = [0; PASSWORD_BYTES];
    let none = |_| Fault::new(FaultKind::Transient, "the machine gives no randomness");
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(none)?;
    Ok(format!("p{}", URL_SAFE_NO_PAD.encode(bytes)).into())
}

/// Cut first: it cannot log in, is a member of nothing, and its sessions are ended; then what it leaves behind is tidied up as far
/// as that goes now. What remains of that is said, and is no access.
pub(super) async fn revoke(
    link: &Link,
    order: &Order,
    target: &Target,
    handle: Option<&Handle>,
    deadline: Deadline,
) -> Result<Done, Fault> {
    let (mut session, look) = Look::at(link, order, target, handle, deadline).await?;
    let numbers = look.numbers();
    if numbers.is_empty() {
        look.must_be_ours()?;
        look.is_copied(&mut session).await?;
        return Ok(Done::default());
    }
    let mut cut = Cut::off(&mut session, &look).await;
    if let Err(open) = cut.out(&mut session, &numbers, look.role).await {
        return Err(cut.fault().unwrap_or(open));
    }
    drop(session);
    let mut residue = Vec::new();
    for login in &look.ours {
        let left = deadline.sparing(LAST);
        if left.left() < TIDY_LEAST {
            residue.push(format!("{}: there was no time yet to tidy up after it", login.name));
            continue;
        }
        residue.extend(tidy::after(link, &look, login, target, left).await);
    }
    let closed = cut.closed();
    let fault = cut.fault();
    if fault.is_some() || look.bot.copied {
        let (mut session, after) = Look::at(link, order, target, handle, deadline).await?;
        // What went with the login is no fault any more.
        if let Some(fault) = fault.filter(|_| !after.ours.is_empty()) {
            return Err(fault);
        }
        look.is_copied(&mut session).await?;
    }
    look.must_be_ours().map(|()| Done { sessions_closed: Some(closed), residue, ..Done::default() })
}

/// The server judges by whole seconds; what is begun of one is given whole.
fn whole(at: Instant) -> Instant {
    Instant::from_micros(at.micros().saturating_add(999_999).div_euclid(1_000_000).saturating_mul(1_000_000))
}

/// As the server reads it whatever its settings are.
fn moment(at: Instant) -> String {
    use chrono::Datelike as _;
    let at = at.utc();
    if at.year() > 9999 { "9999-12-31 23:59:59+00".into() } else { at.format("%Y-%m-%d %H:%M:%S+00").to_string() }
}
