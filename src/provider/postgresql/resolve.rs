//! What a role comes to for a person: is it there, may the bot give it, and what should approvers know about it. Reads only.

use std::collections::BTreeMap;

use super::{
    super::{Fault, FaultKind, Resolved},
    LOGIN, connect,
    link::{Deadline, Link},
    member,
    quote::{Ident, Literal, shown},
    rows::Row,
    settings::{Form, Target},
    sql,
};
use crate::domain::policy::Person;

/// Roles that reach further than tables, and what to say of each.
const FAR: [(&str, &str); 7] = [
    ("pg_execute_server_program", "runs programs on the server's machine"),
    ("pg_write_server_files", "writes files on the server's machine"),
    ("pg_read_server_files", "reads files on the server's machine"),
    ("pg_write_all_data", "writes every table"),
    ("pg_read_all_data", "reads every table"),
    ("pg_signal_backend", "ends other people's sessions"),
    ("pg_create_subscription", "lets the server connect to others"),
];

/// A role as somebody is about to get it.
#[expect(clippy::struct_excessive_bools, reason = "attributes of a role, as the server has them")]
struct About {
    superuser: bool,
    creates_roles: bool,
    bypasses: bool,
    logs_in: bool,
    /// The bot may give it.
    may: bool,
    bot: String,
    far: Vec<String>,
}

/// What an order's target is, whoever asks: without what only says how to connect.
pub(super) fn target_of(target: &Target) -> serde_json::Value {
    serde_json::to_value(Target { database: None, ..target.clone() }).unwrap_or_default()
}

pub(super) async fn resolve(link: &Link, who: &Person, target: &Target, deadline: Deadline) -> Result<Resolved, Fault> {
    let (session, answer) = link.ask(deadline, |version| question(target, version)).await?;
    let version = session.version;
    drop(session);
    let about = About::of(answer.row(0)?, answer.rows(1)?)?;
    if !about.may {
        return Err(Fault::new(FaultKind::Denied, "the bot's own login may not give this role: it lacks the ADMIN OPTION on it"));
    }
    if about.bot == target.role {
        return Err(Fault::new(FaultKind::Invalid, "the role is the bot's own login"));
    }
    if about.logs_in {
        return Err(sql::comes_back());
    }
    if let Some(heir) = &target.reassign_to
        && answer.row(2)?.get(0)?.is_none()
    {
        let why = format!("the database server has no role {} that could be handed what a login leaves behind", shown(heir));
        return Err(Fault::new(FaultKind::NoSuchTarget, why));
    }
    let (principal, preview, by_hand) = match target.form {
        Form::Login => {
            let most = target.connections.unwrap_or(1);
            let preview = format!("a login of its own with the role {}, {most} sessions at most", shown(&target.role));
            (who.id.to_string(), preview, by_hand(who, target, &about.bot, version))
        }
        Form::Membership => {
            let login = who.logins.get(LOGIN).filter(|login| !login.is_empty());
            let login =
                login.ok_or_else(|| Fault::new(FaultKind::NoSuchPrincipal, "the person's login at the database server is not known"))?;
            if login.len() > super::settings::NAME_MAX || login.contains('\0') {
                return Err(Fault::new(FaultKind::NoSuchPrincipal, "the person's login is no name that the database server could have"));
            }
            let (_, standing) = member::Standing::at(link, login, &target.role, deadline).await?;
            standing.must_fit(login)?;
            (login.clone(), member::preview(login, target), member::by_hand(login, target, &about.bot, version))
        }
    };
    let inputs = target.database.iter().map(|database| (connect::DATABASE.to_owned(), database.clone()));
    Ok(Resolved {
        target: target_of(target),
        principal,
        inputs: inputs.collect::<BTreeMap<_, _>>(),
        preview: preview + &about.warning() + &outliving(link, target, deadline).await,
        by_hand,
    })
}

/// For `psql`, since the grant that names the login is not there yet: every login of this person that has this role.
fn by_hand(who: &Person, target: &Target, bot: &str, version: u32) -> String {
    let (role, person) = (Literal(&target.role), who.id.to_string());
    let by = if version >= 16 { format!(" GRANTED BY {}", Ident(bot)) } else { String::new() };
    let by = Literal(&by).to_string();
    format!(
        "in psql: SELECT format('ALTER ROLE %I NOLOGIN PASSWORD NULL', rolname), format('REVOKE %I FROM %I%s CASCADE', {role}, rolname, {by}), \
         format('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %L', rolname) FROM pg_roles \
         WHERE split_part(split_part(shobj_description(oid, 'pg_authid'), E'\\n', 1), ' person=', 2) = {} \
         AND pg_has_role(oid, {role}, 'MEMBER') \\gexec",
        Literal(&person)
    )
}

/// Begins with a full stop, or is empty: what somebody does as the role stays when they have it no more. As far as one look into the
/// database tells that people connect to.
async fn outliving(link: &Link, target: &Target, deadline: Deadline) -> String {
    const WORDS: [&str; 3] = ["owns things, and may change them and give them on", "may give on privileges of its own", "may make things"];
    let database = target.database.as_deref().unwrap_or(&link.settings().database);
    let asked = link.ask_in(database, deadline, |_| outliving_question(&target.role)).await;
    let Ok((_, answer)) = asked else { return String::new() };
    let Ok(row) = answer.row(0) else { return String::new() };
    let all: Vec<&str> =
        WORDS.into_iter().enumerate().filter(|(column, _)| row.flag(*column) == Ok(true)).map(|(_, words)| words).collect();
    if all.is_empty() { String::new() } else { format!(". What is done as the role itself stays after the end: it {}", all.join(", ")) }
}

fn outliving_question(role: &str) -> String {
    let has = format!("(SELECT r.oid FROM pg_catalog.pg_roles r WHERE pg_catalog.pg_has_role({}, r.oid, 'MEMBER'))", sql::oid_of(role));
    let options =
        [("pg_class", "relacl"), ("pg_namespace", "nspacl"), ("pg_proc", "proacl"), ("pg_attribute", "attacl")].map(|(class, acl)| {
            format!(
                "EXISTS (SELECT 1 FROM pg_catalog.{class} t, pg_catalog.aclexplode(t.{acl}) g WHERE g.grantee IN {has} AND g.is_grantable)"
            )
        });
    format!(
        "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_shdepend s WHERE s.refobjid IN {has} AND s.deptype = 'o' \
         AND s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass), {}, \
         EXISTS (SELECT 1 FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' AND pg_catalog.has_schema_privilege({role}, n.oid, 'CREATE')) \
         OR EXISTS (SELECT 1 FROM pg_catalog.pg_database d WHERE d.datallowconn AND pg_catalog.has_database_privilege({role}, d.oid, 'CREATE'))",
        options.join(" OR "),
        role = sql::oid_of(role)
    )
}

impl About {
    fn of(row: &Row, far: &[Row]) -> Result<Self, Fault> {
        if row.get(0)?.is_none() {
            return Err(Fault::new(FaultKind::NoSuchTarget, "the database server has no such role"));
        }
        Ok(Self {
            superuser: row.flag(0)?,
            creates_roles: row.flag(1)?,
            bypasses: row.flag(2)?,
            may: row.flag(3)?,
            bot: row.name(4)?,
            logs_in: row.flag(5)?,
            far: far.iter().map(|row| row.name(0)).collect::<Result<_, _>>()?,
        })
    }

    /// Begins with a full stop, or is empty.
    fn warning(&self) -> String {
        let mut all: Vec<&str> = Vec::new();
        all.extend(self.superuser.then_some("is a superuser: everything on the server"));
        all.extend(self.creates_roles.then_some("makes and changes roles"));
        all.extend(self.bypasses.then_some("passes by row security"));
        all.extend(FAR.iter().filter(|(name, _)| self.far.iter().any(|far| far == name)).map(|(_, does)| *does));
        if all.is_empty() { String::new() } else { format!(". Dangerous: this role {}", all.join(", ")) }
    }
}

fn question(target: &Target, version: u32) -> String {
    let far: Vec<String> = FAR.iter().map(|(name, _)| (*name).to_owned()).collect();
    // From 16 on only the bot's own option makes a membership ours; up to 15 whoever makes roles may give any but a superuser's.
    let may = if version >= 16 {
        "EXISTS (SELECT 1 FROM pg_catalog.pg_auth_members m WHERE m.roleid = r.oid AND m.member = b.oid AND m.admin_option)"
    } else {
        "(b.rolsuper OR (b.rolcreaterole AND NOT r.rolsuper) OR pg_catalog.pg_has_role(b.oid, r.oid, 'MEMBER WITH ADMIN OPTION'))"
    };
    format!(
        "SELECT r.rolsuper, r.rolcreaterole, r.rolbypassrls, {may}, {}, r.rolcanlogin FROM pg_catalog.pg_roles b \
         LEFT JOIN pg_catalog.pg_roles r ON r.rolname = {} WHERE b.rolname = current_user; \
         SELECT {} FROM pg_catalog.pg_roles f WHERE f.rolname::pg_catalog.text = ANY ({}) \
         AND pg_catalog.pg_has_role({}, f.oid, 'MEMBER'); \
         SELECT {}",
        sql::name("b.rolname"),
        Literal(&target.role),
        sql::name("f.rolname"),
        super::quote::Texts(&far),
        sql::oid_of(&target.role),
        sql::oid_of(target.reassign_to.as_deref().unwrap_or(&target.role)),
    )
}
