//! What the bot's own login lacks or has too much of: each is found, the lines that are printed mend it, and looking changes
//! nothing.

use super::{House, admin, is_new, shop};
use crate::postgresql::{
    client::Session,
    server::{BOTH, Server, Version},
};

const LOGIN: &str = "{ role = 'orders_write', reassign_to = 'orders_owner', database = 'orders' }";
const MEMBERSHIP: &str = "{ role = 'orders_write', form = 'membership' }";
/// A name that must stay one.
const ODD: &str = r#"{ role = 'o"; DROP ROLE orders_write; -- ' }"#;

/// A server on which everything is as the page says.
async fn server(version: Version) -> (Server, Session) {
    let server = Server::start(version, &["log_statement=mod"]);
    shop(&server).await;
    let there = admin(&server, "postgres").await;
    let how = if is_new(version) { "WITH ADMIN TRUE, INHERIT FALSE, SET FALSE" } else { "WITH ADMIN OPTION" };
    let make = format!(
        "CREATE ROLE orders_write NOLOGIN; CREATE ROLE payroll NOLOGIN; CREATE ROLE hallpass LOGIN CREATEROLE PASSWORD '{}'; \
         GRANT orders_write, orders_owner TO hallpass {how}; GRANT pg_signal_backend, pg_read_all_stats TO hallpass",
        super::PASSWORD
    );
    there.does(&make).await.unwrap();
    there.does("CREATE DATABASE reports").await.unwrap();
    (server, there)
}

/// What breaks it, in which versions, for which roles, and what is found then.
struct Case {
    breaks: &'static str,
    versions: &'static [Version],
    targets: &'static [&'static str],
    found: &'static str,
}

const fn case(breaks: &'static str, found: &'static str) -> Case {
    Case { breaks, versions: &BOTH, targets: &[LOGIN], found }
}

const OLD: &[Version] = &[Version::V15];
const NEW: &[Version] = &[Version::V18];

const CASES: [Case; 18] = [
    case("ALTER ROLE hallpass NOCREATEROLE", "lacks: make logins (CREATEROLE)"),
    case("ALTER ROLE hallpass SUPERUSER", "may do more than it needs: be a superuser"),
    case("ALTER ROLE hallpass CREATEDB", "may do more than it needs: make databases"),
    case("ALTER ROLE hallpass REPLICATION", "may do more than it needs: replicate"),
    case("ALTER ROLE hallpass BYPASSRLS", "may do more than it needs: pass by row security"),
    case("REVOKE pg_signal_backend FROM hallpass", "lacks: pg_signal_backend"),
    case("REVOKE pg_read_all_stats FROM hallpass", "lacks: pg_read_all_stats"),
    case("GRANT payroll TO hallpass", "may do more than it needs: be payroll, or give it"),
    case("REVOKE CONNECT ON DATABASE reports FROM PUBLIC", "lacks: enter the database reports"),
    Case { versions: OLD, ..case("ALTER ROLE hallpass NOINHERIT", "lacks: have what its roles have (INHERIT)") },
    Case { versions: NEW, ..case("REVOKE orders_write FROM hallpass", "lacks: give orders_write") },
    Case { versions: NEW, ..case("REVOKE orders_owner FROM hallpass", "lacks: hand over to orders_owner") },
    Case { versions: NEW, ..case("GRANT orders_write TO hallpass WITH SET TRUE", "may do more than it needs: use orders_write itself") },
    Case {
        versions: NEW,
        ..case("GRANT orders_write TO hallpass WITH INHERIT TRUE", "may do more than it needs: use orders_write itself")
    },
    // It could give it, to itself as well.
    Case {
        versions: NEW,
        ..case("GRANT payroll TO hallpass WITH ADMIN TRUE, INHERIT FALSE, SET FALSE", "may do more than it needs: be payroll, or give it")
    },
    Case { targets: &[MEMBERSHIP], ..case("REVOKE orders_owner FROM hallpass", "may do more than it needs: make logins (CREATEROLE)") },
    Case {
        targets: &[MEMBERSHIP],
        ..case("ALTER ROLE hallpass NOCREATEROLE; REVOKE orders_owner, orders_write FROM hallpass", "lacks: give orders_write")
    },
    // It drops what the lines of the case before made, so that there is something to find.
    Case { targets: &[ODD], ..case(r#"DROP ROLE "o""; DROP ROLE orders_write; -- ""#, "lacks: give ") },
];

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn each_right_that_is_missing_or_too_much_is_found_and_the_printed_lines_mend_it_15() {
    each_is_found_and_mended(Version::V15).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn each_right_that_is_missing_or_too_much_is_found_and_the_printed_lines_mend_it_18() {
    each_is_found_and_mended(Version::V18).await;
}

async fn each_is_found_and_mended(version: Version) {
    let (server, there) = server(version).await;
    let mut house = House::at_server(&server, &[LOGIN]);
    for case in CASES.iter().filter(|case| case.versions.contains(&version)) {
        let mut said = Vec::new();
        // The one before left it as it should be for its own roles, which may be too much for these.
        if house.targets != case.targets {
            house.targets = case.targets.iter().map(ToString::to_string).collect();
            said = mended(&house, &there, case.breaks).await;
        }
        there.does(case.breaks).await.unwrap();
        said.extend(mended(&house, &there, case.breaks).await);
        assert!(said.iter().any(|what| what.contains(case.found)), "{}: {said:#?}", case.breaks);
    }
}

/// Runs what is printed until nothing is: a role must be there before it can be given. All that was found on the way.
async fn mended(house: &House, there: &Session, about: &str) -> Vec<String> {
    let mut said = Vec::new();
    for _ in 0..4 {
        let findings = house.findings().await;
        if findings.is_empty() {
            return said;
        }
        for (what, lines) in findings {
            for line in lines {
                there.does(&line).await.unwrap_or_else(|error| panic!("{about}: {line}: {error}"));
            }
            said.push(what);
        }
    }
    panic!("{about}: not mended: {said:#?}");
}

/// All that a server knows of roles and databases.
const KNOWN: &str = "SELECT line FROM (
    SELECT to_jsonb(a)::text || coalesce(shobj_description(a.oid, 'pg_authid'), '') AS line FROM pg_authid a
    UNION ALL SELECT to_jsonb(m)::text FROM pg_auth_members m
    UNION ALL SELECT to_jsonb(s)::text FROM pg_db_role_setting s
    UNION ALL SELECT to_jsonb(d)::text FROM pg_shdepend d
    UNION ALL SELECT datname || coalesce(datacl::text, '') FROM pg_database) lines ORDER BY line";

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn looking_changes_nothing() {
    for version in BOTH {
        let (server, there) = server(version).await;
        // Nothing but reading is possible then.
        there.does("ALTER ROLE hallpass SET default_transaction_read_only = on").await.unwrap();
        let (before, log) = (there.reads(KNOWN).await.unwrap(), server.log().len());
        let (fine, said) = House::at_server(&server, &[LOGIN]).doctor().await;
        assert!(fine, "{said}");
        assert_eq!(there.reads(KNOWN).await.unwrap(), before, "{}", version.name());
        let logged = server.log()[log..].to_owned();
        assert!(!logged.contains("statement:"), "{}: a statement that changes something: {logged}", version.name());
    }
}

/// What an administrator reads.
#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_finding_reads_as_what_it_is_and_why_with_the_lines_below_it() {
    let (server, there) = server(Version::V18).await;
    there.does("ALTER ROLE hallpass SUPERUSER; ALTER ROLE hallpass NOSUPERUSER CREATEDB; REVOKE orders_write FROM hallpass").await.unwrap();
    let (fine, said) = House::at_server(&server, &[LOGIN, ODD]).doctor().await;
    assert!(!fine);
    insta::assert_snapshot!(said, @r#"
    ok    provider orders: PostgreSQL 18
    MEND  provider orders: its own account may do more than it needs: make databases (it never makes one)
          ALTER ROLE "hallpass" NOCREATEDB;
    MEND  provider orders: its own account lacks: give o"; DROP ROLE orders_write; --  (the server has no such role)
          CREATE ROLE "o""; DROP ROLE orders_write; -- " NOLOGIN;
    MEND  provider orders: its own account lacks: give orders_write (a role is given by whoever has the ADMIN OPTION on it)
          GRANT "orders_write" TO "hallpass" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
    "#);
}
