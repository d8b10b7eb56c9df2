//! What a login left in one database: what can give access away although it belongs to somebody else now, and what is still its
//! own. Questions, and how the answers are said.

use super::{super::Fault, names::Left, quote::shown, rows::Row, sql};

/// Most things that are looked at in one database.
const MOST: usize = 1000;

/// Why something is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// A function that runs with its owner's rights.
    Definer,
    /// Somebody else was given it.
    Given,
    /// A trigger on somebody else's table that runs a function of the login's.
    Trigger,
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
    pub(super) class: u32,
    pub(super) object: u32,
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
            "trigger" => Why::Trigger,
            "o" => Why::Owned,
            "a" | "i" => Why::Held,
            _ => Why::Bound,
        };
        Ok(Self { why, class: row.number(1)?, object: row.number(2)?, kind: row.name(3)?, identity: row.name(4)? })
    }

    /// For a person who is to look at it.
    pub(super) fn line(&self, database: &str) -> String {
        let what = format!("{} {} in the database {}", shown(&self.kind), shown(&self.identity), shown(database));
        match self.why {
            Why::Definer => {
                format!("{what} was made by it, belongs to somebody else now, and runs with its owner's rights (SECURITY DEFINER)")
            }
            Why::Given => format!("{what} was made by it, belongs to somebody else now, and was given on to others"),
            Why::Trigger => format!("{what} runs a function that it made"),
            Why::Owned => format!("{what} is still its own"),
            Why::Held => format!("privileges on {what} were given to it by somebody else, who alone can take them away"),
            Why::Bound => format!("{what} still names it"),
        }
    }
}

/// Everything that this role owns and that may give access away once it is somebody else's.
pub(super) fn of_owner(owner: u32) -> String {
    question(|_, _, column| format!("{column} = {owner}"))
}

/// The same of these things, whoever owns them now.
pub(super) fn of_list(list: &[Left]) -> String {
    question(|class, oid, _| {
        let list: Vec<String> = list.iter().map(|left| format!("({},{})", left.class, left.object)).collect();
        format!("('pg_catalog.{class}'::pg_catalog.regclass::pg_catalog.oid, {oid}) IN ({})", list.join(","))
    })
}

/// `whose` makes the condition from a catalogue, its column with the object's number and the one with its owner's.
fn question(whose: impl Fn(&str, &str, &str) -> String) -> String {
    // An owner's own entry is no gift, and neither is what everybody may do with a new function or type anyway.
    let given = |class: &str, oid: &str, owner: &str, acl: &str, open: bool| {
        let everybody = if open { " AND g.grantee <> 0" } else { "" };
        format!(
            "SELECT 'given', '{class}', {oid} FROM pg_catalog.{class} t WHERE {} \
             AND EXISTS (SELECT 1 FROM pg_catalog.aclexplode({acl}) g WHERE g.grantee <> {owner}{everybody})",
            whose(class, oid, owner)
        )
    };
    let parts = [
        format!(
            "SELECT 'definer', 'pg_proc', t.oid FROM pg_catalog.pg_proc t WHERE {} AND t.prosecdef",
            whose("pg_proc", "t.oid", "t.proowner")
        ),
        given("pg_proc", "t.oid", "t.proowner", "t.proacl", true),
        given("pg_class", "t.oid", "t.relowner", "t.relacl", false),
        given("pg_namespace", "t.oid", "t.nspowner", "t.nspacl", false),
        given("pg_type", "t.oid", "t.typowner", "t.typacl", true),
        given("pg_largeobject_metadata", "t.oid", "t.lomowner", "t.lomacl", false),
        format!(
            "SELECT 'given', 'pg_class', t.oid FROM pg_catalog.pg_class t WHERE {} AND EXISTS (SELECT 1 FROM pg_catalog.pg_attribute c, \
             pg_catalog.aclexplode(c.attacl) g WHERE c.attrelid = t.oid AND g.grantee <> t.relowner)",
            whose("pg_class", "t.oid", "t.relowner")
        ),
        format!(
            "SELECT 'trigger', 'pg_trigger', t.oid FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid \
             JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND {}",
            whose("pg_trigger", "t.oid", "c.relowner <> p.proowner AND p.proowner")
        ),
    ];
    named(&format!(
        "SELECT f.why, ('pg_catalog.' || f.class)::pg_catalog.regclass::pg_catalog.oid AS class, f.object, 0 AS part \
         FROM ({}) f(why, class, object)",
        parts.join(" UNION ")
    ))
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
        "SELECT DISTINCT q.why, q.class, q.object, {}, {} FROM ({things}) q, \
         LATERAL pg_catalog.pg_identify_object(q.class, q.object, q.part) i ORDER BY q.class, q.object, q.why LIMIT {MOST}",
        sql::words("i.type"),
        sql::words("i.identity"),
    )
}
