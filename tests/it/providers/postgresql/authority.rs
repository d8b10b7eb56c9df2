//! TLS with certificates of real authorities: only the right one for the right name is spoken to.

use std::{fs, path::Path, process::Command, sync::Arc};

use hallpass::{clock::SystemClock, provider::build::build};

use super::{Cluster, Server, Version};

fn openssl(folder: &Path, arguments: &[&str]) {
    let done = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// `NAME.crt` and `NAME.key`: an authority.
fn authority(folder: &Path, name: &str) {
    let (key, certificate, subject) = (format!("{name}.key"), format!("{name}.crt"), format!("/CN={name}"));
    let new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", &subject, "-keyout", &key, "-out", &certificate];
    openssl(folder, &new);
}

/// A server's certificate for this name, by that authority.
fn certificate(folder: &Path, by: &str, alternative: &str) {
    openssl(folder, &["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=server", "-keyout", "server.key", "-out", "server.csr"]);
    fs::write(folder.join("names"), format!("subjectAltName={alternative}")).unwrap();
    let (authority, key) = (format!("{by}.crt"), format!("{by}.key"));
    let sign = ["x509", "-req", "-in", "server.csr", "-CA", &authority, "-CAkey", &key, "-CAcreateserial", "-days", "2"];
    openssl(folder, &[&sign[..], &["-extfile", "names", "-out", "server.crt"]].concat());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn only_a_server_with_the_right_name_from_the_right_authority_is_spoken_to() {
    let folder = tempfile::tempdir().unwrap();
    authority(folder.path(), "trusted");
    authority(folder.path(), "another");
    // The other one's programs, as PyPI has them, speak no TLS.
    let server = Server::start(Version::V15, &[]);
    let cluster = Cluster::of(&server).await;
    let cases = [
        ("DNS:localhost", "trusted", None),
        ("DNS:db.example.org", "trusted", Some("its certificate is not trusted")),
        ("DNS:localhost", "another", Some("its certificate is not trusted")),
    ];
    for (name, trusted, refused) in cases {
        certificate(folder.path(), "trusted", name);
        server.speaks_tls(&folder.path().join("server.crt"), &folder.path().join("server.key"));
        let ca_file = folder.path().join(format!("{trusted}.crt"));
        let settings = cluster.settings(None).replace("127.0.0.1", "localhost");
        let settings = settings.replace("tls = \"off\"", &format!("ca_file = \"{}\"", ca_file.display()));
        let provider = build("postgresql", &settings.parse().unwrap(), Arc::new(SystemClock)).await.unwrap();
        match (provider.health().await, refused) {
            (Ok(said), None) => assert!(said.starts_with("PostgreSQL"), "{said}"),
            (Err(fault), Some(words)) => assert!(fault.message.contains(words), "{fault:?}"),
            (other, _) => panic!("{name} by trusted, {trusted} trusted: {other:?}"),
        }
    }
}
