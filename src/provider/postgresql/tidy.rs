//! Tidying up after a login that is cut off: in every database that holds something of it, what it owns is handed over and what
//! it was given is dropped; then the login itself goes. Never fails: what could not be done is said, and tried again next time.
//!
//! What was handed over and can still give access away is remembered in the login's own comment, in the same transaction. The
//! login, which can do nothing any more, stays until somebody has dealt with that.

use std::{collections::BTreeMap, time::Duration};

use super::{
    super::Fault,
    link::{Deadline, Link, Session},
    look::{Bot, Login},
    names::{self, Left},
    quote::{Ident, Literal, shown},
    remains::{self, Remains},
    settings::Target,
    sql,
};

/// For a lock that somebody else has.
const PATIENCE: Duration = Duration::from_secs(2);
/// No database is begun with less.
const LEAST: Duration = Duration::from_millis(300);
/// Lines that are said of one login; the rest is counted.
const LINES_MAX: usize = 18;
/// Things that are remembered of one login.
const LEFT_MAX: usize = 400;

/// A database that holds something of the login.
struct Place {
    oid: u32,
    name: String,
    /// It lets the bot in.
    open: bool,
}

/// Where something of the login is; whether anything is that belongs to no database, or a membership that it gave on; and
/// transactions that it prepared.
struct Where {
    places: Vec<Place>,
    shared: bool,
    gave: bool,
    prepared: u32,
}

struct Tidy<'a> {
    link: &'a Link,
    bot: &'a Bot,
    login: &'a Login,
    /// Gets what it owns.
    heir: &'a str,
    deadline: Deadline,
    /// What was handed over, and is not known to have been dealt with.
    left: Vec<Left>,
    /// What the comment says of that.
    noted: Vec<Left>,
    lines: Vec<String>,
}

/// Does what can be done now; says what remains, one line each.
pub(super) async fn after(link: &Link, bot: &Bot, login: &Login, target: &Target, deadline: Deadline) -> Vec<String> {
    let heir = target.reassign_to.as_deref().unwrap_or(&target.role);
    let noted = names::left(&login.comment);
    let mut tidy = Tidy { link, bot, login, heir, deadline, left: noted.clone(), noted, lines: Vec::new() };
    if let Err(fault) = tidy.all().await {
        tidy.say(format!("it could not be tidied up to the end: {}", fault.message));
    }
    let more = tidy.lines.len().saturating_sub(LINES_MAX);
    tidy.lines.truncate(LINES_MAX);
    if more > 0 {
        tidy.say(format!("and {more} more"));
    }
    tidy.lines
}

impl Tidy<'_> {
    fn say(&mut self, what: impl AsRef<str>) {
        self.lines.push(format!("{}: {}", self.login.name, what.as_ref()));
    }

    async fn all(&mut self) -> Result<(), Fault> {
        let there = self.places().await?;
        if (there.shared || there.gave) && !there.places.iter().any(|place| place.open) {
            let first = self.link.settings().database.clone();
            self.hand_over(&Place { oid: 0, name: first, open: true }).await;
        }
        for place in &there.places {
            self.hand_over(place).await;
        }
        self.look_after().await?;
        let after = self.places().await?;
        for place in &after.places {
            self.still_there(place).await;
        }
        if after.shared && after.places.is_empty() {
            self.say("something that belongs to no database, such as a whole database or a tablespace, is still its own");
        }
        if after.prepared > 0 {
            self.say(format!("transactions that it prepared and nobody has ended: {}", after.prepared));
        }
        self.finish().await
    }

    /// Dropped, if nothing remains; else its comment says what does.
    async fn finish(&mut self) -> Result<(), Fault> {
        let (mut session, _) = self.link.ask(self.deadline, |_| sql::bot()).await?;
        let login = Ident(&self.login.name);
        if self.left.is_empty() && self.lines.is_empty() {
            if let Err(fault) = session.change(&[format!("DROP ROLE {login}")], PATIENCE).await {
                self.say(format!("it cannot log in, and could not be dropped: {}", fault.message));
            }
        } else if self.left != self.noted {
            session.change(&[comment(self.login, &self.left)], PATIENCE).await?;
        }
        Ok(())
    }

    /// The databases that hold something of it, by the list that the server keeps for all of them.
    async fn places(&self) -> Result<Where, Fault> {
        let question = format!(
            "SELECT d.dbid, {}, coalesce(b.datallowconn AND pg_catalog.has_database_privilege(b.oid, 'CONNECT'), false) \
             FROM (SELECT DISTINCT s.dbid FROM pg_catalog.pg_shdepend s WHERE s.refobjid = {} \
             AND s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass \
             AND s.classid <> 'pg_catalog.pg_auth_members'::pg_catalog.regclass) d \
             LEFT JOIN pg_catalog.pg_database b ON b.oid = d.dbid ORDER BY d.dbid; \
             SELECT (SELECT count(*) FROM pg_catalog.pg_prepared_xacts p WHERE p.owner = {}), \
             EXISTS (SELECT 1 FROM pg_catalog.pg_auth_members m WHERE m.grantor = {})",
            sql::name("b.datname"),
            self.login.oid,
            Literal(&self.login.name),
            self.login.oid
        );
        let (_, answer) = self.link.ask(self.deadline, |_| question.clone()).await?;
        let other = answer.row(1)?;
        let mut there = Where { places: Vec::new(), shared: false, gave: other.flag(1)?, prepared: other.number(0)? };
        for row in answer.rows(0)? {
            match row.number(0)? {
                0 => there.shared = true,
                oid => there.places.push(Place { oid, name: row.name(1)?, open: row.flag(2)? }),
            }
        }
        Ok(there)
    }

    /// In one database: what may give access away is noted, everything handed over, what it was given dropped.
    async fn hand_over(&mut self, place: &Place) {
        if !place.open || self.deadline.left() < LEAST {
            return;
        }
        if let Err(fault) = self.hand_over_in(place).await {
            self.say(format!("in the database {} it could not be tidied up: {}", shown(&place.name), fault.message));
        }
    }

    async fn hand_over_in(&mut self, place: &Place) -> Result<(), Fault> {
        let (oid, heir) = (self.login.oid, self.heir);
        let question = |version| format!("{}; {}", remains::of_owner(oid), may(heir, version));
        let (mut session, answer) = self.link.ask_in(&place.name, self.deadline, question).await?;
        let mut left = self.left.clone();
        for found in Remains::read(answer.rows(0)?)? {
            let one = Left { database: place.oid, class: found.class, object: found.object };
            if !left.contains(&one) && left.len() < LEFT_MAX {
                left.push(one);
            }
        }
        let lend_heir = !answer.row(1)?.flag(0)?;
        let statements = self.statements(&session, lend_heir, &left);
        session.change(&statements, PATIENCE).await?;
        (self.left, self.noted) = (left.clone(), left);
        Ok(())
    }

    /// What it takes needs both roles: the bot lends them to itself for this one transaction, which nobody else sees.
    fn statements(&self, session: &Session<'_>, lend_heir: bool, left: &[Left]) -> Vec<String> {
        let (bot, version, name) = (&self.bot.name, session.version, &self.login.name);
        let mut lent: Vec<&str> = Vec::new();
        if !self.bot.superuser {
            lent.push(name);
            lent.extend(lend_heir.then_some(self.heir));
        }
        let login = Ident(name);
        let mut statements: Vec<String> = lent.iter().map(|role| sql::give(role, bot, bot, version)).collect();
        if *left != self.noted {
            statements.push(comment(self.login, left));
        }
        statements.push(format!("REASSIGN OWNED BY {login} TO {}", Ident(self.heir)));
        statements.push(format!("DROP OWNED BY {login}"));
        statements.extend(lent.iter().map(|role| sql::take(role, bot, bot, version)));
        statements
    }

    /// What was handed over, now or by an earlier call: is it still there, and can it still give access away?
    async fn look_after(&mut self) -> Result<(), Fault> {
        let mut by_database: BTreeMap<u32, Vec<Left>> = BTreeMap::new();
        for left in &self.left {
            by_database.entry(left.database).or_default().push(*left);
        }
        if by_database.is_empty() {
            return Ok(());
        }
        let names = self.databases().await?;
        for (database, all) in by_database {
            // A database that was dropped took everything with it.
            let Some(name) = names.get(&database) else {
                self.left.retain(|left| left.database != database);
                continue;
            };
            let asked = self.link.ask_in(name, self.deadline, |_| remains::of_list(&all)).await;
            match asked.and_then(|(_, answer)| Remains::read(answer.rows(0)?)) {
                Ok(found) => {
                    let is_found = |left: &Left| found.iter().any(|one| (one.class, one.object) == (left.class, left.object));
                    self.left.retain(|left| left.database != database || is_found(left));
                    for one in found {
                        self.say(one.line(name));
                    }
                }
                Err(fault) => {
                    let name = shown(name);
                    self.say(format!("{} things in the database {name} could not be looked at: {}", all.len(), fault.message));
                }
            }
        }
        Ok(())
    }

    async fn databases(&self) -> Result<BTreeMap<u32, String>, Fault> {
        let question = format!("SELECT b.oid, {} FROM pg_catalog.pg_database b", sql::name("b.datname"));
        let (_, answer) = self.link.ask(self.deadline, |_| question.clone()).await?;
        answer.rows(0)?.iter().map(|row| Ok((row.number(0)?, row.name(1)?))).collect()
    }

    /// What this database holds of it in spite of everything.
    async fn still_there(&mut self, place: &Place) {
        let name = shown(&place.name);
        if !place.open {
            return self.say(format!("the database {name} holds something of it, and does not let the bot in"));
        }
        if self.deadline.left() < LEAST {
            return self.say(format!("the database {name} holds something of it, and there was no time yet to tidy it up"));
        }
        let asked = self.link.ask_in(&place.name, self.deadline, |_| remains::depending(self.login.oid)).await;
        match asked.and_then(|(_, answer)| Remains::read(answer.rows(0)?)) {
            Ok(found) => found.iter().for_each(|one| self.say(one.line(&place.name))),
            Err(fault) => self.say(format!("the database {name} holds something of it: {}", fault.message)),
        }
    }
}

/// Whether the bot hands something over to this role without lending it to itself. Up to 15 whoever is a member of it already must
/// not: there is only one membership, and giving it back would end that one.
fn may(heir: &str, version: u32) -> String {
    let has = |how: &str| format!("pg_catalog.pg_has_role(r.oid, '{how}')");
    let has = if version >= 16 { format!("{} AND {}", has("USAGE"), has("SET")) } else { has("MEMBER") };
    format!("SELECT coalesce((SELECT {has} FROM pg_catalog.pg_roles r WHERE r.rolname = {}), false)", Literal(heir))
}

fn comment(login: &Login, left: &[Left]) -> String {
    format!("COMMENT ON ROLE {} IS {}", Ident(&login.name), Literal(&names::with_left(&login.comment, left)))
}
