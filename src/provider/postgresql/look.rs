//! What a server has of a grant: the bot's own role, the role that is given, the logins that are this grant's, and what they hold.
//! Reads only.

use super::{
    super::{Fault, FaultKind},
    link::{Deadline, Link, Session},
    names,
    quote::Literal,
    rows::{Answer, Row},
    settings::Target,
    sql,
};
use crate::domain::{
    entitlement::{Handle, Order},
    time::Instant,
};

/// The bot's own role.
#[derive(Debug, Clone)]
pub(super) struct Bot {
    pub(super) name: String,
    pub(super) superuser: bool,
    /// Changes are to be on other servers, too.
    pub(super) copied: bool,
}

impl Bot {
    /// From the answer to `sql::bot`.
    /// # Errors
    /// The server takes no changes.
    pub(super) fn of(row: &Row) -> Result<Self, Fault> {
        if row.flag(2)? {
            return Err(Fault::new(FaultKind::Transient, "the database server only follows another one just now"));
        }
        Ok(Self { name: row.name(0)?, superuser: row.flag(1)?, copied: row.flag(3)? })
    }
}

/// A role that may be this grant's login.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) oid: u32,
    pub(super) name: String,
    pub(super) gets_in: bool,
    /// None: it never ends.
    pub(super) until: Option<Instant>,
    pub(super) comment: String,
}

/// A role that one of them is a member of.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) member: u32,
    pub(super) role: String,
    pub(super) by: String,
}

/// A role that one of them gave on.
#[derive(Debug, Clone)]
pub(super) struct Onward {
    pub(super) by: u32,
    pub(super) role: String,
    pub(super) member: String,
}

/// Everything about a grant's login.
pub(super) struct Look {
    pub(super) bot: Bot,
    /// The role's number, if there is such a role.
    pub(super) role: Option<u32>,
    /// It can log in by itself.
    pub(super) role_logs_in: bool,
    /// The grant's own: by what the comment says, or by its name together with the number that was noted when it was made.
    pub(super) ours: Vec<Login>,
    /// A role of the login's name that does not say that it is this grant's; or nothing is ours, and another role has its number.
    pub(super) foreign: bool,
    pub(super) held: Vec<Held>,
    /// Open ones of these logins, or of the number that was noted if no role has it any more; none where nobody asked.
    pub(super) sessions: u32,
    /// What they gave on to others, by their own right.
    pub(super) onward: Vec<Onward>,
    /// The number that was noted, if no role has it any more.
    orphaned: Option<u32>,
    /// Transactions that they prepared, and that nobody has ended.
    pub(super) prepared: u32,
    /// The same of the role, in which somebody else may have prepared them as well.
    pub(super) prepared_as_role: u32,
}

impl Look {
    /// Through which connection, which can go on from there. Without sessions, of which the server makes a list of all at each question.
    pub(super) async fn at<'l>(
        link: &'l Link,
        order: &Order,
        target: &Target,
        handle: Option<&Handle>,
        deadline: Deadline,
    ) -> Result<(Session<'l>, Self), Fault> {
        Self::asked(link, order, target, noted(handle), "pg_catalog.unnest(ARRAY[]::pg_catalog.oid[]) a(usesysid)", deadline).await
    }

    /// With sessions.
    pub(super) async fn whole<'l>(
        link: &'l Link,
        order: &Order,
        target: &Target,
        handle: Option<&Handle>,
        deadline: Deadline,
    ) -> Result<(Session<'l>, Self), Fault> {
        Self::asked(link, order, target, noted(handle), "pg_catalog.pg_stat_activity a", deadline).await
    }

    async fn asked<'l>(
        link: &'l Link,
        order: &Order,
        target: &Target,
        noted: Option<u32>,
        sessions: &str,
        deadline: Deadline,
    ) -> Result<(Session<'l>, Self), Fault> {
        let (session, answer) = link.ask(deadline, |_| question(order, target, noted, sessions)).await?;
        let look = Self::of(&answer, order, noted)?;
        Ok((session, look))
    }

    fn of(answer: &Answer, order: &Order, noted: Option<u32>) -> Result<Self, Fault> {
        let bot = Bot::of(answer.row(0)?)?;
        let role = answer.row(1)?.get(0)?.map(|_| answer.row(1)?.number(0)).transpose()?;
        let logins: Vec<Login> = answer.rows(2)?.iter().map(login).collect::<Result<_, _>>()?;
        let orphaned = noted.filter(|noted| logins.iter().all(|login| login.oid != *noted));
        let own = names::login(&order.grant);
        // Numbers are given anew when a cluster is restored: one alone says nothing.
        let is_ours = |login: &Login| names::is_of(&login.comment, order) || (Some(login.oid) == noted && login.name == own);
        let (ours, others): (Vec<_>, Vec<_>) = logins.into_iter().partition(is_ours);
        let foreign = others.iter().any(|other| other.name == own || ours.is_empty());
        let is_of_ours = |oid: u32| ours.iter().any(|login| login.oid == oid);
        let held = |row: &Row| Ok(Held { member: row.number(0)?, role: row.name(1)?, by: row.name(2)? });
        let mut held = answer.rows(3)?.iter().map(held).collect::<Result<Vec<Held>, Fault>>()?;
        held.retain(|held| is_of_ours(held.member));
        let (mut sessions, mut onward) = (0_u32, Vec::new());
        for row in answer.rows(4)? {
            let whose: u32 = row.number(0)?;
            if is_of_ours(whose) || Some(whose) == orphaned {
                sessions = sessions.saturating_add(row.number(1)?);
            }
        }
        for row in answer.rows(5)? {
            if is_of_ours(row.number(0)?) {
                onward.push(Onward { by: row.number(0)?, role: row.name(1)?, member: row.name(2)? });
            }
        }
        let (prepared, prepared_as_role) = (answer.row(6)?.number(0)?, answer.row(6)?.number(1)?);
        let role_logs_in = answer.row(1)?.flag(1)?;
        Ok(Self { bot, role, role_logs_in, ours, foreign, held, sessions, onward, orphaned, prepared, prepared_as_role })
    }

    /// The numbers whose sessions are to end.
    pub(super) fn numbers(&self) -> Vec<u32> {
        self.ours.iter().map(|login| login.oid).chain(self.orphaned).collect()
    }

    /// Comes back when what was changed is everywhere that the server is configured to have it.
    pub(super) async fn is_copied(&self, session: &mut Session<'_>) -> Result<(), Fault> {
        if self.bot.copied { session.is_copied().await } else { Ok(()) }
    }

    /// Somebody else's role, or ours with another comment: nothing is done to it, and nobody may think that it is not there.
    pub(super) fn must_be_ours(&self) -> Result<(), Fault> {
        if !self.foreign {
            return Ok(());
        }
        let why = "a login with this grant's name is there, and its comment does not name the grant: it is not touched";
        Err(Fault::new(FaultKind::Unmanaged, why))
    }
}

/// The number of the login that a handle speaks of.
fn noted(handle: Option<&Handle>) -> Option<u32> {
    handle?.0.get("oid")?.as_u64()?.try_into().ok()
}

fn login(row: &Row) -> Result<Login, Fault> {
    let until = row.get(3)?.map(|_| row.number(3).map(Instant::from_micros)).transpose()?;
    let comment = row.get(4)?.map(|_| row.name(4)).transpose()?.unwrap_or_default();
    Ok(Login { oid: row.number(0)?, name: row.name(1)?, gets_in: row.flag(2)?, until, comment })
}

fn question(order: &Order, target: &Target, noted: Option<u32>, sessions: &str) -> String {
    let noted = noted.unwrap_or(0);
    let own = names::comment(order);
    let ours = format!(
        "SELECT r.oid, r.rolname, r.rolcanlogin, r.rolvaliduntil, d.description FROM pg_catalog.pg_roles r \
         LEFT JOIN pg_catalog.pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass \
         WHERE r.rolname = {} OR r.oid = {noted} OR pg_catalog.split_part(d.description, E'\\n', 1) = {}",
        Literal(&names::login(&order.grant)),
        Literal(&own),
    );
    format!(
        "{bot}; SELECT {role}, {logs_in}; \
         SELECT o.oid, {name}, o.rolcanlogin, {until}, {comment} FROM ({ours}) o; \
         SELECT m.member, {held}, coalesce({by}, '') FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.roleid \
         LEFT JOIN pg_catalog.pg_roles g ON g.oid = m.grantor WHERE m.member IN (SELECT o.oid FROM ({ours}) o); \
         SELECT a.usesysid, count(*) FROM {sessions} \
         WHERE a.usesysid = {noted} OR a.usesysid IN (SELECT o.oid FROM ({ours}) o) GROUP BY a.usesysid; \
         SELECT m.grantor, {held}, {member} FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.roleid \
         JOIN pg_catalog.pg_roles t ON t.oid = m.member WHERE m.grantor IN (SELECT o.oid FROM ({ours}) o); \
         SELECT count(*) FILTER (WHERE p.owner IN (SELECT o.rolname FROM ({ours}) o)), count(*) FILTER (WHERE p.owner = {named}) \
         FROM pg_catalog.pg_prepared_xacts p",
        bot = sql::bot(),
        role = sql::oid_of(&target.role),
        named = Literal(&target.role),
        logs_in = sql::logs_in(&target.role),
        name = sql::name("o.rolname"),
        until = sql::micros("o.rolvaliduntil"),
        comment = sql::words("o.description"),
        held = sql::name("r.rolname"),
        by = sql::name("g.rolname"),
        member = sql::name("t.rolname"),
    )
}
