//! Tidying up after a login that is cut off: in every database that holds something of it, what it owns is handed over and what
//! it was given is dropped; then the login itself goes. Never fails: what could not be done is said, and tried again next time.
//!
//! What it made may be a trap: a function, a trigger, a view that somebody else was given. While that belongs to a login that can do
//! nothing it does nothing; with the heir's rights it would give these away. So nothing is handed over in a database that holds any
//! such thing. The login stays, powerless, until somebody has looked.

use std::{collections::BTreeSet, time::Duration};

use super::{
    super::Fault,
    link::{Deadline, Link, Session},
    look::{Login, Look},
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

/// A database that holds something of the login.
struct Place {
    oid: u32,
    name: String,
    /// It lets the bot in.
    open: bool,
}

/// Where something of the login is.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, as the server has them")]
struct Where {
    places: Vec<Place>,
    /// Something that belongs to no database is its own.
    owns_shared: bool,
    /// It was given something that belongs to no database.
    shared: bool,
    /// It is a member of something.
    member: bool,
    /// It gave a membership on.
    onward: bool,
    /// Transactions that it prepared.
    prepared: u32,
}

impl Where {
    /// Nothing that keeps it: what it is a member of goes with it.
    const fn is_nothing(&self) -> bool {
        self.places.is_empty() && !self.shared && !self.onward && self.prepared == 0
    }
}

struct Tidy<'a> {
    link: &'a Link,
    look: &'a Look,
    login: &'a Login,
    /// Gets what it owns.
    heir: &'a str,
    deadline: Deadline,
    /// Databases in which nothing is handed over.
    withheld: BTreeSet<u32>,
    /// Somewhere what it was given was dropped, and with it what belongs to no database.
    dropped: bool,
    lines: Vec<String>,
}

/// Does what can be done now; says what remains, one line each.
pub(super) async fn after(link: &Link, look: &Look, login: &Login, target: &Target, deadline: Deadline) -> Vec<String> {
    let heir = target.reassign_to.as_deref().unwrap_or(&target.role);
    let mut tidy = Tidy { link, look, login, heir, deadline, withheld: BTreeSet::new(), dropped: false, lines: Vec::new() };
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

impl<'a> Tidy<'a> {
    fn say(&mut self, what: impl AsRef<str>) {
        self.lines.push(format!("{}: {}", self.login.name, what.as_ref()));
    }

    async fn all(&mut self) -> Result<(), Fault> {
        let (session, there) = self.places().await?;
        if there.is_nothing() {
            return self.drop_login(session).await;
        }
        drop(session);
        if there.owns_shared {
            self.say("something that belongs to no database, such as a whole database, a tablespace or a subscription, is its own; until that is somebody else's nothing is handed over");
            self.withheld.extend(there.places.iter().map(|place| place.oid));
        } else {
            for place in &there.places {
                self.hand_over(place).await;
            }
            let first = &self.link.settings().database;
            if (there.shared || there.onward) && !self.dropped && there.places.iter().all(|place| place.name != *first) {
                self.hand_over(&Place { oid: 0, name: first.clone(), open: true }).await;
            }
        }
        if self.deadline.left() < LEAST {
            self.say("there was no time yet to look at what is left of it");
            return Ok(());
        }
        // A connection less for what is looked at in other databases.
        let after = self.places().await?.1;
        for place in &after.places {
            self.still_there(place).await;
        }
        if after.onward {
            self.say("memberships that it gave on are still there");
        }
        if after.prepared > 0 {
            self.say(format!("transactions that it prepared and nobody has ended: {}", after.prepared));
        }
        // What it is a member of goes with it, unless it stays.
        if after.member && !self.lines.is_empty() {
            self.say("memberships that others gave it are still there");
        }
        if self.lines.is_empty() {
            let (session, _) = self.link.ask(self.deadline, |_| sql::bot()).await?;
            return self.drop_login(session).await;
        }
        Ok(())
    }

    async fn drop_login(&mut self, mut session: Session<'a>) -> Result<(), Fault> {
        let statements = [format!("DROP ROLE {}", Ident(&self.login.name)), sql::terminate(&format!("a.usesysid = {}", self.login.oid))];
        if let Err(fault) = session.change(&statements, PATIENCE).await {
            self.say(format!("it could not be dropped: {}", fault.message));
        }
        Ok(())
    }

    /// The databases that hold something of it, by the list that the server keeps for all of them.
    async fn places(&self) -> Result<(Session<'a>, Where), Fault> {
        let question = format!(
            "SELECT d.dbid, {}, coalesce(b.datallowconn AND pg_catalog.has_database_privilege(b.oid, 'CONNECT'), false), d.owns \
             FROM (SELECT s.dbid, pg_catalog.bool_or(s.deptype = 'o') AS owns FROM pg_catalog.pg_shdepend s WHERE s.refobjid = {} \
             AND s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass \
             AND s.classid <> 'pg_catalog.pg_auth_members'::pg_catalog.regclass GROUP BY s.dbid) d \
             LEFT JOIN pg_catalog.pg_database b ON b.oid = d.dbid ORDER BY d.dbid; \
             SELECT (SELECT count(*) FROM pg_catalog.pg_prepared_xacts p WHERE p.owner = {}), \
             EXISTS (SELECT 1 FROM pg_catalog.pg_auth_members m WHERE m.member = {oid}), \
             EXISTS (SELECT 1 FROM pg_catalog.pg_auth_members m WHERE m.grantor = {oid})",
            sql::name("b.datname"),
            self.login.oid,
            Literal(&self.login.name),
            oid = self.login.oid
        );
        let (session, answer) = self.link.ask(self.deadline, |_| question.clone()).await?;
        let other = answer.row(1)?;
        let (prepared, member, onward) = (other.number(0)?, other.flag(1)?, other.flag(2)?);
        let mut there = Where { places: Vec::new(), owns_shared: false, shared: false, member, onward, prepared };
        for row in answer.rows(0)? {
            match row.number(0)? {
                0 => (there.shared, there.owns_shared) = (true, row.flag(3)?),
                oid => there.places.push(Place { oid, name: row.name(1)?, open: row.flag(2)? }),
            }
        }
        Ok((session, there))
    }

    /// In one database: everything handed over, what it was given dropped; or said why not.
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
        let question = |version| format!("{}; {}", remains::of_owner(oid, heir), may(heir, version));
        let (mut session, answer) = self.link.ask_in(&place.name, self.deadline, question).await?;
        let traps = Remains::read(answer.rows(0)?)?;
        if !traps.is_empty() {
            self.withhold(place, &traps);
            return Ok(());
        }
        let lend_heir = !answer.row(1)?.flag(0)?;
        let statements = self.statements(&session, lend_heir);
        session.change(&statements, PATIENCE).await?;
        self.dropped = true;
        Ok(())
    }

    /// Says what keeps it, and how it is settled by whoever has looked at that.
    fn withhold(&mut self, place: &Place, traps: &[Remains]) {
        let (login, heir, name) = (Ident(&self.login.name), Ident(self.heir), shown(&place.name));
        self.withheld.insert(place.oid);
        self.say(format!(
            "in the database {name} nothing is handed over, since this would work with the new owner's rights; whoever has looked at it, in that \
             database: REASSIGN OWNED BY {login} TO {heir}; DROP OWNED BY {login};"
        ));
        for trap in traps {
            self.say(trap.line(&place.name));
        }
    }

    /// What it takes needs both roles: the bot lends them to itself for this one transaction, which nobody else sees. What came since
    /// the look undoes all of it.
    fn statements(&self, session: &Session<'_>, lend_heir: bool) -> Vec<String> {
        let (bot, version, name) = (&self.look.bot.name, session.version, &self.login.name);
        let mut lent: Vec<&str> = Vec::new();
        if !self.look.bot.superuser {
            lent.push(name);
            lent.extend(lend_heir.then_some(self.heir));
        }
        let login = Ident(name);
        let mut statements: Vec<String> = lent.iter().map(|role| sql::give(role, bot, bot, version)).collect();
        statements.push(format!("REASSIGN OWNED BY {login} TO {}", Ident(self.heir)));
        statements.push(remains::none_handed_over(self.heir));
        statements.push(format!("DROP OWNED BY {login}"));
        // Whom the login let into a role is out of it with this.
        let onward = self.look.onward.iter().filter(|onward| onward.by == self.login.oid);
        statements.extend(onward.map(|onward| sql::terminate(&sql::let_in(&onward.role, &onward.member))));
        statements.extend(lent.iter().map(|role| sql::take(role, bot, bot, version)));
        statements
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
        let withheld = self.withheld.contains(&place.oid);
        let asked = self.link.ask_in(&place.name, self.deadline, |_| remains::depending(self.login.oid)).await;
        match asked.and_then(|(_, answer)| Remains::read(answer.rows(0)?)) {
            Ok(found) => found.iter().filter(|one| !withheld || one.is_held()).for_each(|one| self.say(one.line(&place.name))),
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
