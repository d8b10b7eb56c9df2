//! What a login left in one database: what would give access away if it belonged to somebody else, and what is still its own.
//! Questions, and how the answers are said.

use super::{super::Fault, quote::shown, rows::Row, sql};

/// Most things that are named of one database; one of them is enough for nothing to be handed over.
const MOST: usize = 1000;

/// Why something is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// A function that runs with its owner's rights.
    Definer,
    /// Somebody else was given it.
    Given,
    /// A trigger, an index, a constraint or the like that runs a function of the login's.
    Uses,
    /// The same of a function of somebody else's, on a table of the login's.
    Others,
    /// A rule on a table of the login's.
    Rule,
    /// Still its own.
    Owned,
    /// Somebody else's, and given to it by them.
    Held,
    /// Otherwise in the way.
    Bound,
}

/// One thing.
#[derive(Debug, Clone)]
pub(super) struct Remains {
    why: Why,
    /// Such as `function`, and `public.f(integer)`.
    kind: String,
    identity: String,
}

impl Remains {
    pub(super) fn read(rows: &[Row]) -> Result<Vec<Self>, Fault> {
        rows.iter().map(Self::of).collect()
    }

    fn of(row: &Row) -> Result<Self, Fault> {
        let why = match row.text(0)? {
            "definer" => Why::Definer,
            "given" => Why::Given,
            "uses" => Why::Uses,
            "others" => Why::Others,
            "rule" => Why::Rule,
            "o" => Why::Owned,
            "a" | "i" => Why::Held,
            _ => Why::Bound,
        };
        Ok(Self { why, kind: row.name(1)?, identity: row.name(2)? })
    }

    pub(super) fn is_held(&self) -> bool {
        self.why == Why::Held
    }

    /// For a person who is to look at it.
    pub(super) fn line(&self, database: &str) -> String {
        let what = format!("{} {} in the database {}", shown(&self.kind), shown(&self.identity), shown(database));
        match self.why {
            Why::Definer => format!("{what} was made by it, and runs with its owner's rights (SECURITY DEFINER)"),
            Why::Given => format!("{what} was made by it, and was given on to others"),
            Why::Uses => format!("{what} runs a function that it made"),
            Why::Others => {
                format!("{what} runs on what it made, and what that does can be changed by somebody who has not the new owner's rights")
            }
            Why::Rule => format!("{what} was made by it, and does what it says whenever that table is used"),
            Why::Owned => format!("{what} is still its own"),
            Why::Held => format!("privileges on {what} were given to it by somebody else, who alone can take them away"),
            Why::Bound => format!("{what} still names it"),
        }
    }
}

/// Everything that this role owns and that may give access away once it is the heir's.
pub(super) fn of_owner(owner: u32, heir: &str) -> String {
    let traps = traps(|column| format!("{column} = {owner}"), heir);
    named(&format!("SELECT f.why, f.class, f.object, f.part FROM ({traps}) f"))
}

/// Fails if anything that this transaction has changed is of that kind.
pub(super) fn none_handed_over(heir: &str) -> String {
    let traps = traps(|_| "t.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid".to_owned(), heir);
    // A word is no number. With the object's number behind it nobody finds that out before there is one.
    format!("SELECT pg_catalog.count((f.why || f.object::pg_catalog.text)::pg_catalog.int4) FROM ({traps}) f")
}

/// `whose` makes the condition from the column with the owner's number.
fn traps(whose: impl Fn(&str) -> String, heir: &str) -> String {
    let class = |class: &str| format!("'pg_catalog.{class}'::pg_catalog.regclass::pg_catalog.oid");
    // An owner's own entry is no gift, and neither is what everybody may do with a new function or type anyway.
    let given = |of: &str, owner: &str, acl: &str, open: bool| {
        let everybody = if open { " AND g.grantee <> 0" } else { "" };
        format!(
            "SELECT 'given', {}, t.oid, 0 FROM pg_catalog.{of} t WHERE {} \
             AND EXISTS (SELECT 1 FROM pg_catalog.aclexplode({acl}) g WHERE g.grantee <> {owner}{everybody})",
            class(of),
            whose(owner)
        )
    };
    let (function, table) = (whose("t.proowner"), whose("t.relowner"));
    // Who may change what the code says, and has not what the heir has.
    let strange = |owner: &str| {
        format!(
            "EXISTS (SELECT 1 FROM pg_catalog.pg_roles w WHERE w.oid = {owner} AND NOT w.rolsuper \
             AND NOT coalesce(pg_catalog.pg_has_role(w.oid, {}, 'MEMBER'), false))",
            sql::oid_of(heir)
        )
    };
    let (proc, relation, rewrite, operator) = (class("pg_proc"), class("pg_class"), class("pg_rewrite"), class("pg_operator"));
    let parts = [
        format!("SELECT 'definer'::pg_catalog.text, {proc}, t.oid, 0 FROM pg_catalog.pg_proc t WHERE {function} AND t.prosecdef"),
        // What runs it by itself. What a function's body says is run only by whoever calls that.
        format!(
            "SELECT 'uses', d.classid, d.objid, d.objsubid FROM pg_catalog.pg_proc t JOIN pg_catalog.pg_depend d \
             ON d.refclassid = {proc} AND d.refobjid = t.oid WHERE {function} AND d.classid <> {proc}"
        ),
        // The same of somebody else's functions: by themselves, or behind an operator or a domain.
        format!(
            "SELECT 'others', d.classid, d.objid, d.objsubid FROM pg_catalog.pg_class t \
             JOIN pg_catalog.pg_depend o ON o.refclassid = {relation} AND o.refobjid = t.oid \
             JOIN pg_catalog.pg_depend d ON d.classid = o.classid AND d.objid = o.objid \
             JOIN pg_catalog.pg_proc p ON (d.refclassid = {proc} AND d.refobjid = p.oid) OR (d.refclassid = {operator} \
             AND p.oid = (SELECT x.oprcode FROM pg_catalog.pg_operator x WHERE x.oid = d.refobjid)) \
             WHERE {table} AND {}",
            strange("p.proowner")
        ),
        format!(
            "SELECT 'others', {relation}, t.oid, c.attnum::pg_catalog.int4 FROM pg_catalog.pg_class t \
             JOIN pg_catalog.pg_attribute c ON c.attrelid = t.oid JOIN pg_catalog.pg_type y ON y.oid = c.atttypid \
             WHERE {table} AND y.typtype = 'd' AND {}",
            strange("y.typowner")
        ),
        format!(
            "SELECT 'rule', {rewrite}, r.oid, 0 FROM pg_catalog.pg_class t JOIN pg_catalog.pg_rewrite r ON r.ev_class = t.oid \
             WHERE {table} AND r.rulename <> '_RETURN'"
        ),
        given("pg_proc", "t.proowner", "t.proacl", true),
        given("pg_class", "t.relowner", "t.relacl", false),
        given("pg_namespace", "t.nspowner", "t.nspacl", false),
        given("pg_type", "t.typowner", "t.typacl", true),
        given("pg_largeobject_metadata", "t.lomowner", "t.lomacl", false),
        given("pg_foreign_server", "t.srvowner", "t.srvacl", false),
        format!(
            "SELECT 'given', {relation}, t.oid, 0 FROM pg_catalog.pg_class t WHERE {table} AND EXISTS (SELECT 1 FROM pg_catalog.pg_attribute c, \
             pg_catalog.aclexplode(c.attacl) g WHERE c.attrelid = t.oid AND g.grantee <> t.relowner)"
        ),
    ];
    format!("SELECT u.why, u.class, u.object, u.part FROM ({}) u(why, class, object, part)", parts.join(" UNION "))
}

/// Everything in this database that the server will not let the role be dropped for.
pub(super) fn depending(role: u32) -> String {
    named(&format!(
        "SELECT s.deptype::pg_catalog.text AS why, s.classid AS class, s.objid AS object, s.objsubid AS part FROM pg_catalog.pg_shdepend s \
         WHERE s.refobjid = {role} AND s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass \
         AND s.dbid = (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database())"
    ))
}

/// With what people call it.
fn named(things: &str) -> String {
    format!(
        "SELECT q.why, {}, {} FROM (SELECT DISTINCT * FROM ({things}) n) q, \
         LATERAL pg_catalog.pg_identify_object(q.class, q.object, q.part) i ORDER BY q.class, q.object, q.why LIMIT {MOST}",
        sql::words("i.type"),
        sql::words("i.identity"),
    )
}
