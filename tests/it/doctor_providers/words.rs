//! What keeps the bot from its systems, in words that say what to look at.

use std::{net::TcpListener, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use super::{House, PASSWORD, admin, is_new, settings};
use crate::postgresql::server::{BOTH, Server, Version};

async fn said(house: &House) -> String {
    let (fine, said) = house.doctor().await;
    assert!(!fine, "{said}");
    said.lines().next().unwrap().to_owned()
}

const GIVEN: &str = "{ role = 'orders_write', form = 'membership' }";

async fn bot(server: &Server) {
    let admin_only = if is_new(server.version) { "WITH ADMIN TRUE, INHERIT FALSE, SET FALSE" } else { "WITH ADMIN OPTION" };
    let make = format!(
        "CREATE ROLE orders_write NOLOGIN; CREATE ROLE hallpass LOGIN PASSWORD '{PASSWORD}'; GRANT orders_write TO hallpass {admin_only}; \
         GRANT pg_signal_backend, pg_read_all_stats TO hallpass"
    );
    admin(server, "postgres").await.does(&make).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn what_is_in_the_way_to_a_server_is_said_plainly() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for version in BOTH {
        let server = Server::start(version, &[]);
        bot(&server).await;
        let at = |user: &str, place: &str, database: &str| settings(&format!("postgres://{user}@{place}/{database}"));
        let place = server.address().to_string();
        let mut all = Vec::new();
        let mut house = House::at_server(&server, &[GIVEN]);
        for settings in [
            at("hallpass", &closed.to_string(), "postgres"),
            at("nobody", &place, "postgres"),
            at("hallpass", &place, "nothing"),
            at("hallpass", &place, "postgres").replace("tls = 'off'", ""),
            at("hallpass", "?host=/nowhere", "postgres").replace("?host=/nowhere/postgres", "/postgres?host=/nowhere"),
        ] {
            house.settings = settings;
            all.push(said(&house).await);
        }
        house.settings = at("hallpass", &place, "postgres");
        house.secret("password", "another one");
        all.push(said(&house).await);
        house.secret("password", PASSWORD);
        admin(&server, "postgres").await.does("ALTER ROLE hallpass VALID UNTIL '2020-01-01'").await.unwrap();
        all.push(said(&house).await);
        admin(&server, "postgres").await.does("ALTER ROLE hallpass VALID UNTIL 'infinity' NOLOGIN").await.unwrap();
        all.push(said(&house).await);
        server.hba("host all hallpass 127.0.0.1/32 reject\nhost all all 127.0.0.1/32 scram-sha-256\n");
        all.push(said(&house).await);
        insta::allow_duplicates! {
            insta::assert_snapshot!(all.join("\n"), @r"
            MEND  provider orders: the database server cannot be reached: nobody listens at that address and port
            MEND  provider orders: the database server refuses the bot's own login: its password is wrong, or its time is over (28P01)
            MEND  provider orders: the database server has no such database (3D000)
            MEND  provider orders: the database server cannot be reached: it does not speak TLS
            MEND  provider orders: the database server cannot be reached: there is no such socket
            MEND  provider orders: the database server refuses the bot's own login: its password is wrong, or its time is over (28P01)
            MEND  provider orders: the database server refuses the bot's own login: its password is wrong, or its time is over (28P01)
            MEND  provider orders: the database server does not let the bot's own login in from here: its pg_hba.conf does not, or there is no such login (28000)
            MEND  provider orders: the database server does not let the bot's own login in from here: its pg_hba.conf does not, or there is no such login (28000)
            ");
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_server_that_asks_for_no_password_is_found() {
    for version in BOTH {
        let server = Server::start(version, &[]);
        bot(&server).await;
        let house = House::at_server(&server, &[GIVEN]);
        assert!(house.doctor().await.0);
        server.hba("host all hallpass 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
        let (_, said) = house.doctor().await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(said.lines().skip(1).collect::<Vec<_>>().join("\n"), @r#"
            MEND  provider orders: its own account may do more than it needs: log in with any password (pg_hba.conf trusts whoever comes from this machine to be the bot)
                  in pg_hba.conf, before the line with trust:  host all "hallpass" ADDRESS scram-sha-256
                  SELECT pg_reload_conf();
            "#);
        }
        server.hba("host all all 127.0.0.1/32 scram-sha-256\n");
        assert!(house.doctor().await.0);
    }
}

/// A certificate for 127.0.0.1 of a throw-away authority, and one for another name; readable by the server alone.
fn certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let ran = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
        assert!(ran.status.success(), "{arguments}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=throw-away";
    openssl(&format!("req -x509 -keyout ca.key -out ca.pem {new}"));
    for (name, of) in [("right", "IP:127.0.0.1"), ("wrong", "DNS:elsewhere.example.org")] {
        openssl(&format!("req -keyout {name}.key -out {name}.csr -addext subjectAltName={of} {new}"));
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy -out {name}.pem"
        ));
        std::fs::set_permissions(folder.join(format!("{name}.key")), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    if rustix::process::geteuid().is_root() {
        assert!(Command::new("chown").args(["-R", "postgres"]).arg(folder).status().unwrap().success());
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn what_is_wrong_with_a_server_s_certificate_is_said() {
    let folder = tempfile::Builder::new().prefix("hallpass-tls").tempdir_in("/tmp").unwrap();
    certificates(folder.path());
    let at = |name: &str| folder.path().join(name).display().to_string();
    let with = |name: &str| {
        let (cert, key) = (format!("ssl_cert_file={}", at(&format!("{name}.pem"))), format!("ssl_key_file={}", at(&format!("{name}.key"))));
        Server::start(Version::V15, &["ssl=on", &cert, &key])
    };
    let mut all = Vec::new();
    for (name, ca) in [("right", Some("ca.pem")), ("right", None), ("wrong", Some("ca.pem"))] {
        let server = with(name);
        bot(&server).await;
        let mut house = House::at_server(&server, &[GIVEN]);
        let ca = ca.map_or_else(String::new, |ca| format!("ca_file = '{}'", at(ca)));
        house.settings = house.settings.replace("tls = 'off'", &ca);
        let (_, said) = house.doctor().await;
        all.push(said.lines().next().unwrap().to_owned());
    }
    insta::assert_snapshot!(all.join("\n"), @r"
    ok    provider orders: PostgreSQL 15
    MEND  provider orders: the database server cannot be reached: its certificate is not trusted (unable to get local issuer certificate)
    MEND  provider orders: the database server cannot be reached: its certificate is not trusted (IP address mismatch)
    ");
}

/// Not only databases.
#[tokio::test]
async fn a_receiver_that_cannot_be_reached_and_an_adapter_s_program_that_is_not_well_are_found() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let house = House::new(
        &format!("kind = 'webhook'\nurl = 'http://{closed}/'\nallow = ['127.0.0.1']\nsecret = {{ file = 'secret' }}"),
        &["{ door = 'front' }"],
    );
    house.secret("secret", "whsec_aGFsbHBhc3MncyByZWNlaXZlciBpbiB0ZXN0cw==");
    let receiver = said(&house).await.replace(&closed.port().to_string(), "PORT");
    let program = House::new("kind = 'exec'\nprogram = '/bin/false'", &["{ door = 'front' }"]);
    let kept = House::new("kind = 'ssh'\nca_key_file = 'ca'\nrevocation_list = 'krl'", &["{ principals = ['a'] }"]);
    let authority = kept.doctor().await.1;
    assert!(!kept.at("ca").exists(), "the doctor makes nothing");
    insta::assert_snapshot!([receiver, said(&program).await, authority].join("\n"), @r"
    MEND  provider orders: 127.0.0.1:PORT cannot be connected to: Connection refused (os error 111)
    MEND  provider orders: the adapter does not answer describe with exit code 0: the adapter ended with exit code 1 and no answer that can be read
    ok    provider orders: HERE/ca is made at the first start
    ");
}
