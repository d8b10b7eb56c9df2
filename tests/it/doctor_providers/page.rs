//! docs/providers/postgresql.md: every statement on it runs, on both versions, and comes to what the page says.

use std::{fs, path::Path};

use super::{House, admin, is_new, shop};
use crate::postgresql::server::{BOTH, Server};

/// The statements of the page, each block with the word that says where it belongs.
fn blocks() -> Vec<(String, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/providers/postgresql.md");
    let text = fs::read_to_string(page).unwrap();
    let blocks = text.split("```sql").skip(1).map(|rest| {
        let (word, rest) = rest.split_once('\n').unwrap();
        (word.trim().to_owned(), rest.split("```").next().unwrap().to_owned())
    });
    blocks.collect()
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn every_statement_of_the_page_runs_and_the_doctor_finds_its_set_up_right() {
    let block = |word: &str| blocks().into_iter().find(|(of, _)| of == word).unwrap_or_else(|| panic!("no block {word}")).1;
    let known = ["orders", "16", "15", "membership", "residue", "by-hand", "dead"];
    assert_eq!(blocks().iter().map(|(word, _)| word.as_str()).collect::<Vec<_>>(), known, "each block is run below");
    for version in BOTH {
        let server = Server::start(version, &[]);
        shop(&server).await;
        let (there, inside) = (admin(&server, "postgres").await, admin(&server, "orders").await);
        inside.does(&block("orders")).await.unwrap();
        there.does(&block(if is_new(version) { "16" } else { "15" })).await.unwrap();
        let login = "{ role = 'orders_write', reassign_to = 'orders_owner', database = 'orders' }";
        let mut house = House::at_server(&server, &[login]);
        let (fine, said) = house.doctor().await;
        assert!(fine, "{}: {said}", version.name());
        if is_new(version) {
            insta::assert_snapshot!(said, @r"
            ok    provider orders: PostgreSQL 18
            ok    provider orders: its own account may do just what it needs: make logins (CREATEROLE), hand over to orders_owner, give orders_write, pg_signal_backend, pg_read_all_stats, log in with its own password alone
            ");
        }

        there.does(&block("membership")).await.unwrap();
        house.targets = vec!["{ role = 'orders_write', form = 'membership' }".into()];
        let (fine, said) = house.doctor().await;
        assert!(fine, "{}: {said}", version.name());

        let left = "CREATE FUNCTION shop.total() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; \
                    CREATE TABLE shop.notes (id int); GRANT SELECT ON shop.notes TO PUBLIC";
        inside.does(left).await.unwrap();
        inside.does(&block("residue")).await.unwrap();
        there.does("CREATE ROLE hp_g_7k3q LOGIN PASSWORD 'x'; COMMENT ON ROLE hp_g_7k3q IS 'hallpass grant=g'").await.unwrap();
        for statement in block("dead").lines() {
            there.does(statement).await.unwrap();
        }
        let first = block("dead").lines().next().unwrap().to_owned();
        assert_eq!(there.reads(&first).await.unwrap(), ["hp_g_7k3q"]);
        there.does(&block("by-hand")).await.unwrap();
        assert_eq!(there.reads(&first).await.unwrap(), Vec::<String>::new());
    }
}
