//! Cutting off a grant's login. Whoever holds it may be in the way of any single step: by a transaction that locks its row, by what
//! somebody else gave it. So each step is tried whatever became of the others, and the first fault is said at the end.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    super::{Fault, FaultKind},
    link::Session,
    look::{Login, Look},
    quote::Ident,
    rows::Answer,
    sql, starting,
};

/// For a lock that somebody else has, in each step.
const PATIENCE: Duration = Duration::from_millis(700);
/// How often its sessions are ended and it is kept out, until that holds.
const TRIES: u32 = 5;
/// How long it is waited until no session is there any more.
const ENDING: Duration = Duration::from_secs(2);

/// Tells no session to end.
const NOBODY: &str = "SELECT a.pid, a.usesysid FROM pg_catalog.pg_stat_activity a WHERE false";

/// What became of it.
#[derive(Debug, Default)]
pub(super) struct Cut {
    /// Sessions that were told to end, by their numbers.
    told: BTreeSet<i32>,
    first: Option<Fault>,
}

impl Cut {
    /// It cannot log in, and is a member of nothing, as far as that goes now.
    pub(super) async fn off(session: &mut Session<'_>, look: &Look) -> Self {
        let (mut cut, version) = (Self::default(), session.version);
        for login in &look.ours {
            if cut.at_once(session, look, login).await.is_err() {
                let kept_out = cut.keep_out(session, login).await;
                cut.note(kept_out, look);
                for statement in taken(look, login, version) {
                    let done = session.change(&[statement], PATIENCE).await.map(drop);
                    cut.note(done, look);
                }
            }
            // From 16 on what it gave on goes with what it had, and up to 15 that stays.
            for onward in look.onward.iter().filter(|onward| version < 16 && onward.by == login.oid) {
                let taken = sql::take(&onward.role, &onward.member, &login.name, version);
                let end = sql::terminate(&sql::let_in(&onward.role, &onward.member));
                let done = with_sessions(session, [taken.clone(), end], taken).await.map(drop);
                cut.note(done, look);
            }
        }
        cut
    }

    /// How many sessions were ended.
    pub(super) fn closed(&self) -> u32 {
        u32::try_from(self.told.len()).unwrap_or(u32::MAX)
    }

    /// The first fault of all.
    pub(super) fn fault(self) -> Option<Fault> {
        self.first
    }

    fn note(&mut self, done: Result<(), Fault>, look: &Look) {
        let Err(mut fault) = done else { return };
        let whose = if look.prepared > 0 { "it has prepared" } else { "there are, by it or by others in its role, prepared" };
        let prepared = look.prepared + look.prepared_as_role;
        if prepared > 0 {
            let said = format!("; {whose} {prepared} transactions, which hold what they hold: ROLLBACK PREPARED");
            fault.message.push_str(&said);
        }
        self.first.get_or_insert(fault);
    }

    /// All of it in one message, as it goes when nobody is in the way.
    async fn at_once(&mut self, session: &mut Session<'_>, look: &Look, login: &Login) -> Result<(), Fault> {
        let statements = [vec![ended(login), off(login)], taken(look, login, session.version)].concat();
        let answer = session.change(&statements, PATIENCE).await?;
        self.note_told(&answer)
    }

    /// Its sessions are told to end in the same message: a lock that one of them has is gone a moment later.
    async fn keep_out(&mut self, session: &mut Session<'_>, login: &Login) -> Result<(), Fault> {
        let (off, end) = (off(login), ended(login));
        let mut tried = 1;
        loop {
            let refused = match with_sessions(session, [end.clone(), off.clone()], off.clone()).await {
                Ok(answer) => return self.note_told(&answer),
                Err(fault) => fault,
            };
            if tried == TRIES || !matches!(refused.kind, FaultKind::Conflict | FaultKind::Transient) {
                return Err(refused);
            }
            tried += 1;
        }
    }

    /// Until none is left, also of those that were just beginning.
    pub(super) async fn out(&mut self, session: &mut Session<'_>, logins: &[u32], role: Option<u32>) -> Result<(), Fault> {
        self.end_sessions(session, logins, role).await?;
        if starting::settled(session).await? { self.end_sessions(session, logins, role).await } else { Ok(()) }
    }

    fn note_told(&mut self, answer: &Answer) -> Result<(), Fault> {
        for row in answer.rows(0)? {
            self.told.insert(row.number(0)?);
        }
        Ok(())
    }

    /// Those of the logins, and of whoever held the role only through them. Until none is left.
    pub(super) async fn end_sessions(&mut self, session: &mut Session<'_>, logins: &[u32], role: Option<u32>) -> Result<(), Fault> {
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
        // One question tells them and says whether there were any: the server makes its list of all sessions anew each time.
        let end = [sql::terminate(&whose)];
        let (begun, mut apart) = (Instant::now(), Duration::from_millis(1));
        while begun.elapsed() < ENDING {
            let answer = session.change(&end, session.deadline().left()).await.map_err(sql::kept_open)?;
            self.note_told(&answer)?;
            let mut owners = answer.rows(0)?.iter().map(|row| row.number::<u32>(1));
            // Others are let in by what is theirs, and may come again.
            if !owners.any(|owner| owner.is_ok_and(|owner| logins.contains(&owner))) {
                return Ok(());
            }
            // Most are gone within a few milliseconds, and meanwhile this connection is nobody else's.
            sleep(apart).await;
            apart = (apart * 2).min(Duration::from_millis(20));
        }
        Err(Fault::new(FaultKind::Transient, "sessions of the login have not ended yet"))
    }
}

fn off(login: &Login) -> String {
    format!("ALTER ROLE {} NOLOGIN PASSWORD NULL CONNECTION LIMIT 0 VALID UNTIL '1970-01-01 00:00:00+00'", Ident(&login.name))
}

fn ended(login: &Login) -> String {
    sql::terminate(&format!("a.usesysid = {}", login.oid))
}

fn taken(look: &Look, login: &Login, version: u32) -> Vec<String> {
    // From 16 on, what somebody else gave it can be taken only by them, or together with the login.
    let may = |by: &str| version < 16 || look.bot.superuser || by == look.bot.name;
    let held = look.held.iter().filter(|held| held.member == login.oid && may(&held.by));
    held.map(|held| sql::take(&held.role, &login.name, &held.by, version)).collect()
}

/// A change with sessions that are told to end in the same message, by its first rows. Whoever may not end sessions makes the change
/// alone.
async fn with_sessions(session: &mut Session<'_>, both: [String; 2], change: String) -> Result<Answer, Fault> {
    match session.change(&both, PATIENCE).await {
        Err(fault) if fault.kind == FaultKind::Denied => session.change(&[NOBODY.to_owned(), change], PATIENCE).await,
        done => done,
    }
}
