//! Cutting off a grant's login. Whoever holds it may be in the way of any single step: by a transaction that locks its row, by what
//! somebody else gave it. So each step is tried whatever became of the others, and the first fault is said at the end.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::sleep;

use super::{
    super::{Fault, FaultKind},
    link::Session,
    look::{Login, Look},
    quote::Ident,
    sql,
};

/// For a lock that somebody else has, in each step.
const PATIENCE: Duration = Duration::from_millis(700);
/// How often its sessions are ended and it is kept out, until that holds.
const TRIES: u32 = 5;
/// Between two times that sessions are told to end, and how often that is done until none is there any more.
const APART: Duration = Duration::from_millis(20);
const LOOKS: u32 = 100;

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
        let mut cut = Self::default();
        for login in &look.ours {
            let kept_out = cut.keep_out(session, login).await;
            cut.note(kept_out, look);
            for statement in taken(look, login, session.version) {
                let done = session.change(&[statement], PATIENCE).await.map(drop);
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
        if look.prepared > 0 {
            fault.message =
                format!("{}; it has prepared {} transactions, which hold what they hold: ROLLBACK PREPARED", fault.message, look.prepared);
        }
        self.first.get_or_insert(fault);
    }

    /// Its sessions are told to end in the same message: a lock that one of them has is gone a moment later.
    async fn keep_out(&mut self, session: &mut Session<'_>, login: &Login) -> Result<(), Fault> {
        let off =
            format!("ALTER ROLE {} NOLOGIN PASSWORD NULL CONNECTION LIMIT 0 VALID UNTIL '1970-01-01 00:00:00+00'", Ident(&login.name));
        let end = sql::terminate(&format!("a.usesysid = {}", login.oid));
        let mut tried = 1;
        loop {
            let refused = match session.change(&[end.clone(), off.clone()], PATIENCE).await {
                Ok(answer) => return self.note_told(&answer),
                // Whoever may not end sessions keeps it out all the same.
                Err(fault) if fault.kind == FaultKind::Denied => match session.change(std::slice::from_ref(&off), PATIENCE).await {
                    Ok(_) => return Ok(()),
                    Err(fault) => fault,
                },
                Err(fault) => fault,
            };
            if tried == TRIES || !matches!(refused.kind, FaultKind::Conflict | FaultKind::Transient) {
                return Err(refused);
            }
            tried += 1;
        }
    }

    fn note_told(&mut self, answer: &super::rows::Answer) -> Result<(), Fault> {
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
        for _ in 0..LOOKS {
            let answer = session.change(&end, session.deadline().left()).await.map_err(sql::kept_open)?;
            self.note_told(&answer)?;
            let mut owners = answer.rows(0)?.iter().map(|row| row.number::<u32>(1));
            // Others are let in by what is theirs, and may come again.
            if !owners.any(|owner| owner.is_ok_and(|owner| logins.contains(&owner))) {
                return Ok(());
            }
            sleep(APART).await;
        }
        Err(Fault::new(FaultKind::Transient, "sessions of the login have not ended yet"))
    }
}

fn taken(look: &Look, login: &Login, version: u32) -> Vec<String> {
    // From 16 on, what somebody else gave it can be taken only by them, or together with the login.
    let may = |by: &str| version < 16 || look.bot.superuser || by == look.bot.name;
    let held = look.held.iter().filter(|held| held.member == login.oid && may(&held.by));
    let taken = held.map(|held| sql::take(&held.role, &login.name, &held.by, version));
    // From 16 on what it gave on goes with what it had, and up to 15 that stays.
    let onward = look.onward.iter().filter(|onward| version < 16 && onward.by == login.oid);
    taken.chain(onward.map(|onward| sql::take(&onward.role, &onward.member, &login.name, version))).collect()
}
