//! What the bot's own role at a server should be able to do and is not, or is and should not; with the SQL that mends it.
//! Reads only.

use std::collections::BTreeSet;

use super::{
    super::{Fault, Right, RightState},
    link::{Deadline, Link},
    quote::{Ident, Literal, Texts, shown},
    rows::{Answer, Row},
    settings::{Form, Target},
    sql,
};

/// Roles of the server's own that the bot needs for what it does, and why.
const NEEDED: [(&str, &str); 2] = [
    ("pg_signal_backend", "without it sessions that are open when access ends stay open"),
    ("pg_read_all_stats", "without it nobody can say when and from where access was used"),
];

/// What a server says of the bot's own role.
#[expect(clippy::struct_excessive_bools, reason = "attributes of a role, as the server has them")]
struct Bot {
    name: String,
    superuser: bool,
    creates_roles: bool,
    creates_databases: bool,
    replicates: bool,
    bypasses: bool,
    inherits: bool,
}

/// A role that is given, or handed what a login leaves behind, and how the bot stands to it.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, one per column of the answer")]
struct Given {
    name: String,
    is_there: bool,
    admin: bool,
    /// The bot itself has what the role has.
    uses: bool,
    logs_in: bool,
}

/// Everything, in the order in which it is to be mended.
pub(super) async fn rights(link: &Link, targets: &[Target], deadline: Deadline) -> Result<Vec<Right>, Fault> {
    let roles: BTreeSet<String> =
        targets.iter().flat_map(|target| std::iter::once(&target.role).chain(&target.reassign_to)).cloned().collect();
    let roles: Vec<String> = roles.into_iter().collect();
    let (session, answer) = link.ask(deadline, |version| question(&roles, version)).await?;
    let version = session.version;
    drop(session);
    let bot = Bot::of(answer.row(0)?)?;
    let mut all = attributes(&bot, targets, version);
    for (number, role) in roles.iter().enumerate() {
        let given = Given::of(role, answer.row(3 + number)?)?;
        all.extend(to_give(&bot, &given, targets, version));
    }
    all.extend(needed(&bot, &answer)?);
    all.extend(others(&bot, &roles, answer.rows(1)?)?);
    all.extend(databases(&bot, answer.rows(2)?)?);
    Ok(all)
}

fn question(roles: &[String], version: u32) -> String {
    // From 16 on a membership that neither inherits nor can be switched to is none of the role's privileges.
    let uses = |role: &str| {
        let mut uses = format!("pg_catalog.pg_has_role(current_user, {role}, 'USAGE')");
        if version >= 16 {
            uses = format!("({uses} OR pg_catalog.pg_has_role(current_user, {role}, 'SET'))");
        }
        uses
    };
    let admin = if version >= 16 {
        "EXISTS (SELECT 1 FROM pg_catalog.pg_auth_members m WHERE m.roleid = r.oid AND m.member = b.oid AND m.admin_option)"
    } else {
        "pg_catalog.pg_has_role(b.oid, r.oid, 'MEMBER WITH ADMIN OPTION')"
    };
    let needed: Vec<String> = NEEDED.iter().map(|(name, _)| (*name).to_owned()).collect();
    let own = "coalesce(pg_catalog.shobj_description(r.oid, 'pg_authid'), '') NOT LIKE 'hallpass grant=%'";
    let mut all = vec![
        format!(
            "SELECT {}, b.rolsuper, b.rolcreaterole, b.rolcreatedb, b.rolreplication, b.rolbypassrls, b.rolinherit, {} \
             FROM pg_catalog.pg_roles b WHERE b.rolname = current_user",
            sql::name("b.rolname"),
            NEEDED.map(|(name, _)| format!("pg_catalog.pg_has_role(b.oid, {}, 'USAGE')", Literal(name))).join(", ")
        ),
        format!(
            "SELECT {} FROM pg_catalog.pg_roles r WHERE r.rolname <> current_user AND ({} OR pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER WITH ADMIN OPTION')) AND r.rolname::pg_catalog.text <> ALL ({}) \
             AND r.rolname::pg_catalog.text <> ALL ({}) AND {own} ORDER BY r.rolname",
            sql::name("r.rolname"),
            uses("r.oid"),
            Texts(roles),
            Texts(&needed),
        ),
        format!(
            "SELECT {} FROM pg_catalog.pg_database d WHERE d.datallowconn AND NOT pg_catalog.has_database_privilege(d.oid, 'CONNECT') \
             ORDER BY d.datname",
            sql::name("d.datname")
        ),
    ];
    all.extend(roles.iter().map(|role| {
        format!(
            "SELECT r.oid IS NOT NULL, coalesce({admin}, false), coalesce({}, false), coalesce(r.rolcanlogin, false) FROM pg_catalog.pg_roles b \
             LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {} WHERE b.rolname = current_user",
            uses("r.oid"),
            Literal(role)
        )
    }));
    all.join("; ")
}

impl Bot {
    fn of(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            name: row.name(0)?,
            superuser: row.flag(1)?,
            creates_roles: row.flag(2)?,
            creates_databases: row.flag(3)?,
            replicates: row.flag(4)?,
            bypasses: row.flag(5)?,
            inherits: row.flag(6)?,
        })
    }
}

impl Given {
    fn of(name: &str, row: &Row) -> Result<Self, Fault> {
        Ok(Self { name: name.to_owned(), is_there: row.flag(0)?, admin: row.flag(1)?, uses: row.flag(2)?, logs_in: row.flag(3)? })
    }
}

fn right(what: impl Into<String>, state: RightState, why: impl Into<String>, mend: Vec<String>) -> Right {
    let mend = if state == RightState::Fine { Vec::new() } else { mend };
    Right { what: what.into(), state, why: why.into(), mend }
}

/// Whether the server asks for the bot's password at all.
pub(super) fn password(lets_anybody_in: bool, user: &str) -> Right {
    if !lets_anybody_in {
        return right("log in with its own password alone", RightState::Fine, "the server asks for it", Vec::new());
    }
    let mend = vec![
        format!("in pg_hba.conf, before the line with trust:  host all {} ADDRESS scram-sha-256", Ident(user)),
        "SELECT pg_reload_conf();".into(),
    ];
    right("log in with any password", RightState::TooMuch, "pg_hba.conf trusts whoever comes from this machine to be the bot", mend)
}

/// What every role has or has not by itself.
fn attributes(bot: &Bot, targets: &[Target], version: u32) -> Vec<Right> {
    let alter = |how: &str| vec![format!("ALTER ROLE {} {how};", Ident(&bot.name))];
    let mut all = Vec::new();
    let makes_logins = targets.iter().any(|target| target.form == Form::Login);
    let (state, how) = match (bot.creates_roles || bot.superuser, makes_logins) {
        (true, true) | (false, false) => (RightState::Fine, ""),
        (false, true) => (RightState::Lacks, "CREATEROLE"),
        (true, false) => (RightState::TooMuch, "NOCREATEROLE"),
    };
    if !bot.superuser {
        let why = if makes_logins && version < 16 {
            "it makes a login for each grant; up to PostgreSQL 15 whoever may do that may give itself every role but a superuser's"
        } else if makes_logins {
            "it makes a login for each grant"
        } else {
            "no role here is given by a login of its own"
        };
        all.push(right("make logins (CREATEROLE)", state, why, alter(how)));
    }
    let too_much = [
        (bot.superuser, "be a superuser", "it needs no more than what is listed here", "NOSUPERUSER"),
        (bot.creates_databases, "make databases", "it never makes one", "NOCREATEDB"),
        (bot.replicates, "replicate", "it could read everything that is written", "NOREPLICATION"),
        (bot.bypasses, "pass by row security", "it reads no tables", "NOBYPASSRLS"),
    ];
    all.extend(too_much.into_iter().filter(|(has, ..)| *has).map(|(_, what, why, how)| right(what, RightState::TooMuch, why, alter(how))));
    if version < 16 && !bot.inherits {
        let why = "up to PostgreSQL 15 it hands over what a login leaves behind only with what its roles have";
        all.push(right("have what its roles have (INHERIT)", RightState::Lacks, why, alter("INHERIT")));
    }
    all
}

/// One role that it gives, or hands things over to.
fn to_give(bot: &Bot, given: &Given, targets: &[Target], version: u32) -> Vec<Right> {
    let (name, login) = (Ident(&given.name), Ident(&bot.name));
    let is_given = targets.iter().any(|target| target.role == given.name);
    let what = if is_given { format!("give {}", shown(&given.name)) } else { format!("hand over to {}", shown(&given.name)) };
    if !given.is_there {
        let why = "the server has no such role";
        return vec![right(what, RightState::Lacks, why, vec![format!("CREATE ROLE {name} NOLOGIN;")])];
    }
    let by_creating = version < 16 && bot.creates_roles;
    let by_birth = bot.superuser && (version < 16 || !is_given);
    let may = given.admin || by_creating || by_birth || (!is_given && given.uses);
    let admin = if version >= 16 { "WITH ADMIN TRUE, INHERIT FALSE, SET FALSE" } else { "WITH ADMIN OPTION" };
    let state = if may { RightState::Fine } else { RightState::Lacks };
    let mut all = vec![right(
        what,
        state,
        "a role is given by whoever has the ADMIN OPTION on it",
        vec![format!("GRANT {name} TO {login} {admin};")],
    )];
    if version >= 16 && is_given && given.uses && !bot.superuser {
        let why = "the bot gives the role, and does not use it";
        let mend = vec![format!("GRANT {name} TO {login} WITH INHERIT FALSE, SET FALSE;")];
        all.push(right(format!("use {} itself", shown(&given.name)), RightState::TooMuch, why, mend));
    }
    if is_given && given.logs_in {
        let why = "whoever has it can set its password, and come back by that: it is not given before it is mended";
        let mend = vec![format!("ALTER ROLE {name} NOLOGIN PASSWORD NULL;")];
        all.push(right(format!("give {}, which can log in by itself", shown(&given.name)), RightState::TooMuch, why, mend));
    }
    all
}

fn needed(bot: &Bot, answer: &Answer) -> Result<Vec<Right>, Fault> {
    let row = answer.row(0)?;
    let one = |(number, (name, why)): (usize, &(&str, &str))| {
        let state = if row.flag(7 + number)? { RightState::Fine } else { RightState::Lacks };
        Ok(right(*name, state, *why, vec![format!("GRANT {name} TO {};", Ident(&bot.name))]))
    };
    NEEDED.iter().enumerate().map(one).collect()
}

/// Roles that it has and nothing here asks for.
fn others(bot: &Bot, roles: &[String], rows: &[Row]) -> Result<Vec<Right>, Fault> {
    if bot.superuser || roles.is_empty() {
        return Ok(Vec::new());
    }
    let one = |row: &Row| {
        let name = row.name(0)?;
        let mend = vec![format!("REVOKE {} FROM {};", Ident(&name), Ident(&bot.name))];
        Ok(right(format!("be {}, or give it", shown(&name)), RightState::TooMuch, "nothing that is configured needs this role", mend))
    };
    rows.iter().map(one).collect()
}

/// What a login left in a database that the bot cannot enter stays there.
fn databases(bot: &Bot, rows: &[Row]) -> Result<Vec<Right>, Fault> {
    let one = |row: &Row| {
        let name = row.name(0)?;
        let mend = vec![format!("GRANT CONNECT ON DATABASE {} TO {};", Ident(&name), Ident(&bot.name))];
        let why = "it tidies up after logins in every database";
        Ok(right(format!("enter the database {}", shown(&name)), RightState::Lacks, why, mend))
    };
    rows.iter().map(one).collect()
}
