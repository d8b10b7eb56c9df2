//! A role for a person's own login. From 16 on the membership that the bot gave is an object of its own, beside what others gave;
//! up to 15 there is only one, whoever gave it, and what was there before is the core's to know.

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;
use tokio::time::sleep;

use super::{
    super::{Done, Fault, FaultKind, Seen},
    connect,
    link::{Deadline, Link, Session},
    look::Bot,
    quote::{Ident, Literal, Value},
    rows::Answer,
    settings::Target,
    sql, starting,
};
use crate::domain::entitlement::{Handle, Order};

/// Between two looks whether sessions have ended, and how often is looked.
const APART: Duration = Duration::from_millis(20);
const LOOKS: u32 = 100;
/// For a lock that somebody else has; and how often it is tried to take the role away.
const PATIENCE: Duration = Duration::from_secs(1);
const TRIES: u32 = 4;

/// The person's login.
pub(super) struct Person {
    pub(super) can_login: bool,
    pub(super) superuser: bool,
    /// Up to 15 it has what its roles have without asking for it only if this is so.
    pub(super) inherits: bool,
}

/// What there is between a login and a role.
pub(super) struct Standing {
    pub(super) bot: Bot,
    pub(super) has_role: bool,
    role_logs_in: bool,
    pub(super) person: Option<Person>,
    /// Who gave it, one each.
    pub(super) by: Vec<String>,
}

impl Standing {
    pub(super) async fn at<'l>(link: &'l Link, login: &str, role: &str, deadline: Deadline) -> Result<(Session<'l>, Self), Fault> {
        let (session, answer) = link.ask(deadline, |_| question(login, role)).await?;
        let standing = Self::of(&answer)?;
        Ok((session, standing))
    }

    fn of(answer: &Answer) -> Result<Self, Fault> {
        let person = |row: &super::rows::Row| Ok(Person { can_login: row.flag(0)?, superuser: row.flag(1)?, inherits: row.flag(2)? });
        let people: Result<Vec<Person>, Fault> = answer.rows(2)?.iter().map(person).collect();
        let by: Result<Vec<String>, Fault> = answer.rows(3)?.iter().map(|row| row.name(0)).collect();
        let (has_role, role_logs_in) = (answer.row(1)?.get(0)?.is_some(), answer.row(1)?.flag(1)?);
        Ok(Self { bot: Bot::of(answer.row(0)?)?, has_role, role_logs_in, person: people?.pop(), by: by? })
    }

    /// Both are there, and the login is one that may be given a role.
    pub(super) fn must_fit(&self, login: &str) -> Result<&Person, Fault> {
        if !self.has_role {
            return Err(Fault::new(FaultKind::NoSuchTarget, "the database server has no such role"));
        }
        if self.role_logs_in {
            return Err(sql::comes_back());
        }
        let Some(person) = &self.person else {
            return Err(Fault::new(FaultKind::NoSuchPrincipal, "the database server has no login of the person's name"));
        };
        let why = match person {
            _ if login == self.bot.name => "the person's login at the database server is the bot's own",
            Person { superuser: true, .. } => "the person's login is a superuser's: it has every role already",
            Person { can_login: false, .. } => "the person's login is a role that cannot log in",
            Person { .. } => return Ok(person),
        };
        Err(Fault::new(FaultKind::Invalid, why))
    }

    fn by_us(&self) -> bool {
        self.by.contains(&self.bot.name)
    }
}

fn question(login: &str, role: &str) -> String {
    format!(
        "{}; SELECT {}, {}; SELECT r.rolcanlogin, r.rolsuper, r.rolinherit FROM pg_catalog.pg_roles r WHERE r.rolname = {}; \
         SELECT {} FROM pg_catalog.pg_auth_members m LEFT JOIN pg_catalog.pg_roles g ON g.oid = m.grantor \
         WHERE m.roleid = {} AND m.member = {}",
        sql::bot(),
        sql::oid_of(role),
        sql::logs_in(role),
        Literal(login),
        sql::name("coalesce(g.rolname, '')"),
        sql::oid_of(role),
        sql::oid_of(login),
    )
}

pub(super) async fn grant(link: &Link, order: &Order, target: &Target, deadline: Deadline) -> Result<Done, Fault> {
    let (mut session, standing) = Standing::at(link, &order.principal, &target.role, deadline).await?;
    let person = standing.must_fit(&order.principal)?;
    let statement = sql::give(&target.role, &order.principal, &standing.bot.name, session.version);
    session.give(&[statement]).await?;
    let mut how = connect::line(link.settings(), connect::database(link.settings(), order), &order.principal);
    if session.version < 16 && !person.inherits {
        how = format!("{how}\nThen: SET ROLE {};", Ident(&target.role));
    }
    let handle = Some(Handle(json!({ "role": target.role, "login": order.principal })));
    Ok(Done { handle, how_to_connect: Some(how), ..Done::default() })
}

pub(super) async fn observe(link: &Link, order: &Order, target: &Target, deadline: Deadline) -> Result<Seen, Fault> {
    let (session, standing) = Standing::at(link, &order.principal, &target.role, deadline).await?;
    let others = standing.by.iter().any(|by| *by != standing.bot.name);
    let present = standing.by_us() || (session.version < 16 && others);
    let detail = others.then(|| "somebody else gave the login this role too".to_owned());
    Ok(if present { Seen::Present { native_expiry: None, detail } } else { Seen::Absent })
}

pub(super) async fn revoke(link: &Link, order: &Order, target: &Target, deadline: Deadline) -> Result<Done, Fault> {
    let (session, standing) = Standing::at(link, &order.principal, &target.role, deadline).await?;
    if session.version < 16 && !standing.by.is_empty() && !standing.by_us() {
        let why = "somebody else has given the login this role since: it is not ours to take away";
        return Err(Fault::new(FaultKind::Unmanaged, why));
    }
    let mut revoke = Revoke { session, bot: &standing.bot.name, login: &order.principal, role: &target.role };
    let closed =
        if revoke.session.version >= 16 { revoke.in_steps(standing.by_us()).await? } else { revoke.at_once(standing.by_us()).await? };
    if standing.bot.copied {
        revoke.session.is_copied().await?;
    }
    Ok(Done { sessions_closed: Some(closed), ..Done::default() })
}

struct Revoke<'a> {
    session: Session<'a>,
    bot: &'a str,
    login: &'a str,
    role: &'a str,
}

impl Revoke<'_> {
    /// First it gives nothing any more, and stays as the mark that sessions are still to be ended; then it goes. If it is gone already,
    /// by whose hand ever, sessions that use it may still be there.
    async fn in_steps(&mut self, by_us: bool) -> Result<u32, Fault> {
        let (role, login, bot) = (Ident(self.role), Ident(self.login), Ident(self.bot));
        let off = format!("GRANT {role} TO {login} WITH ADMIN FALSE, INHERIT FALSE, SET FALSE GRANTED BY {bot}");
        let mut told = BTreeSet::new();
        if by_us {
            self.persist(off, &mut told).await?;
        }
        let closed = self.out(told).await?;
        if by_us {
            self.change(vec![sql::take(self.role, self.login, self.bot, self.session.version)]).await?;
        }
        Ok(closed)
    }

    /// There is nothing that could stay as a mark, so sessions are ended together with the membership, and once more after it,
    /// for whoever came in between. Also if it is gone already: an earlier call may not have come to that.
    async fn at_once(&mut self, is_there: bool) -> Result<u32, Fault> {
        let mut told = BTreeSet::new();
        if is_there {
            let taken = sql::take(self.role, self.login, self.bot, self.session.version);
            self.persist(taken, &mut told).await?;
        }
        self.out(told).await
    }

    /// Ends sessions until none is left, also of those that were just beginning.
    async fn out(&mut self, mut told: BTreeSet<i32>) -> Result<u32, Fault> {
        self.end_sessions(&mut told).await?;
        if starting::settled(&mut self.session).await? {
            self.end_sessions(&mut told).await?;
        }
        Ok(u32::try_from(told.len()).unwrap_or(u32::MAX))
    }

    /// Takes the role away and ends sessions in one message. An open transaction of the login's own may be in the way: its sessions are
    /// ended then, and it is tried again.
    async fn persist(&mut self, taken: String, told: &mut BTreeSet<i32>) -> Result<(), Fault> {
        let mut tried = 1;
        loop {
            let refused = match self.session.change(&[taken.clone(), sql::terminate(&self.sessions())], PATIENCE).await {
                Ok(answer) => {
                    told.extend(pids(&answer)?);
                    return Ok(());
                }
                // Whoever may not end sessions takes the membership away all the same.
                Err(fault) if fault.kind == FaultKind::Denied => return self.change(vec![taken]).await.map(drop),
                Err(fault) => fault,
            };
            if tried == TRIES || refused.kind != FaultKind::Conflict {
                return Err(refused);
            }
            let working = format!("a.usesysid = {} AND a.xact_start IS NOT NULL", sql::oid_of(self.login));
            let answer = self.session.change(&[sql::terminate(&working)], PATIENCE).await;
            told.extend(answer.and_then(|answer| pids(&answer)).unwrap_or_default());
            tried += 1;
        }
    }

    async fn change(&mut self, statements: Vec<String>) -> Result<Answer, Fault> {
        let patience = self.session.deadline().left();
        self.session.change(&statements, patience).await
    }

    /// All sessions of the login, and of whoever is let in by it: nobody else sees which of them are in the role. None of those who
    /// have the role by other means.
    fn sessions(&self) -> String {
        let (login, role) = (sql::oid_of(self.login), sql::oid_of(self.role));
        let has = |how: &str| format!("pg_catalog.pg_has_role(a.usesysid, {role}, '{how}')");
        let otherwise = if self.session.version >= 16 { format!("{} OR {}", has("USAGE"), has("SET")) } else { has("MEMBER") };
        format!(
            "a.usename <> current_user AND (a.usesysid = {login} OR pg_catalog.pg_has_role(a.usesysid, {login}, 'MEMBER')) \
             AND NOT coalesce({otherwise}, false)"
        )
    }

    /// Sessions that begin later are without the role, and stay. `told` have been told to end already.
    async fn end_sessions(&mut self, told: &mut BTreeSet<i32>) -> Result<(), Fault> {
        let answer = self.change(vec![sql::terminate(&self.sessions())]).await.map_err(sql::kept_open)?;
        told.extend(pids(&answer)?);
        let list: Vec<String> = told.iter().map(i32::to_string).collect();
        let open = format!(
            "SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.pid = ANY ('{{{}}}') AND {}",
            list.join(","),
            self.sessions()
        );
        for _ in 0..LOOKS {
            if self.session.read(&open).await?.row(0)?.number::<u32>(0)? == 0 {
                return Ok(());
            }
            sleep(APART).await;
        }
        Err(Fault::new(FaultKind::Transient, "the role is taken away, and sessions of the login have not ended yet"))
    }
}

fn pids(answer: &Answer) -> Result<BTreeSet<i32>, Fault> {
    answer.rows(0)?.iter().map(|row| row.number(0)).collect()
}

/// How somebody takes it away without us.
pub(super) fn by_hand(login: &str, target: &Target, bot: &str, version: u32) -> String {
    let sessions = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {};", Literal(login));
    format!("{}; {sessions}", sql::take(&target.role, login, bot, version))
}

/// For approvers.
pub(super) fn preview(login: &str, target: &Target) -> String {
    format!("the role {} for their own login {}", Value(&target.role), Value(login))
}
