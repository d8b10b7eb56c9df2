//! A login of a grant's own: made, looked at, prolonged, given a password, cut off. Tidying up after it is `tidy`'s.

use std::time::Duration;

use rand::TryRngCore as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio::time::sleep;

use super::{
    super::{Done, Fault, FaultKind, Seen},
    connect,
    link::{Deadline, Link, Session},
    look::{Login, Look, noted},
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
/// Between two looks whether sessions have ended, and how often they are told to.
const APART: Duration = Duration::from_millis(20);
const LOOKS: u32 = 100;
const TOLD_AGAIN: u32 = 25;
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
    let patience = deadline.left();
    let oid: u32 = session.change(&statements, patience).await?.row(0)?.number(0)?;
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
    let (_, look) = Look::at(link, order, target, handle, deadline).await?;
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
    session.change(&[statement], deadline.left()).await?;
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
    session.change(&[statement], deadline.left()).await?;
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
    look.must_be_ours()?;
    let mut numbers: Vec<u32> = look.ours.iter().map(|login| login.oid).chain(noted(handle)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.is_empty() {
        return Ok(Done::default());
    }
    let statements: Vec<String> = look.ours.iter().flat_map(|login| cut(&look, login, session.version)).collect();
    if !statements.is_empty() {
        session.change(&statements, deadline.left()).await?;
    }
    let mut closed = end_sessions(&mut session, &numbers, look.role).await?;
    drop(session);
    let mut residue = Vec::new();
    for login in &look.ours {
        if deadline.left() < TIDY_LEAST {
            residue.push(format!("{}: there was no time yet to tidy up after it", login.name));
            continue;
        }
        residue.extend(tidy::after(link, &look.bot, login, target, deadline).await);
    }
    // Who was being let in while it was cut off is seen only now.
    let (mut session, _) = link.ask(deadline, |_| sql::bot()).await?;
    closed += end_sessions(&mut session, &numbers, None).await?;
    Ok(Done { sessions_closed: Some(closed), residue, ..Done::default() })
}

fn cut(look: &Look, login: &Login, version: u32) -> Vec<String> {
    let off = format!("ALTER ROLE {} NOLOGIN PASSWORD NULL CONNECTION LIMIT 0 VALID UNTIL '1970-01-01 00:00:00+00'", Ident(&login.name));
    // From 16 on, what somebody else gave it can be taken only by them, or together with the login.
    let may = |by: &str| version < 16 || look.bot.superuser || by == look.bot.name;
    let held = look.held.iter().filter(|held| held.member == login.oid && may(&held.by));
    let taken = held.map(|held| sql::take(&held.role, &login.name, &held.by, version));
    // From 16 on what it gave on goes with what it had, and up to 15 that stays.
    let onward = look.onward.iter().filter(|_| version < 16).map(|(role, member)| sql::take(role, member, &login.name, version));
    std::iter::once(off).chain(taken).chain(onward).collect()
}

/// Those of the logins, and of whoever held the role only through them. Until none is left; says how many were ended.
async fn end_sessions(session: &mut Session<'_>, logins: &[u32], role: Option<u32>) -> Result<u32, Fault> {
    let list = logins.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let mut whose = format!("a.usesysid IN ({list})");
    if let Some(role) = role {
        // Somebody whom the login let in on its own account, and who is in the role now.
        whose = format!(
            "({whose} OR a.usesysid IN (SELECT r.oid FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_roles x ON x.oid IN ({list}) \
             WHERE NOT r.rolsuper AND r.oid <> x.oid AND r.rolname <> current_user AND pg_catalog.pg_has_role(r.oid, x.oid, 'MEMBER') \
             AND NOT pg_catalog.pg_has_role(r.oid, {role}, 'MEMBER')))"
        );
    }
    let count = format!("SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.usesysid IN ({list})");
    let mut told = std::collections::BTreeSet::new();
    for look in 0..LOOKS {
        if look % TOLD_AGAIN == 0 {
            let answer = session.change(&[sql::terminate(&whose)], session.deadline().left()).await.map_err(sql::kept_open)?;
            for row in answer.rows(0)? {
                told.insert(row.number::<i32>(0)?);
            }
        }
        let open: u32 = session.read(&count).await?.row(0)?.number(0)?;
        if open == 0 {
            return Ok(u32::try_from(told.len()).unwrap_or(u32::MAX));
        }
        sleep(APART).await;
    }
    Err(Fault::new(FaultKind::Transient, "the login is cut off, and sessions of it have not ended yet"))
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
