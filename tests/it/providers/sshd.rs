//! A real sshd on a loopback port that trusts our authority; people log in with the ssh that everybody has.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use async_trait::async_trait;
use hallpass::{
    cli::adapter,
    domain::entitlement::Order,
    provider::{
        Done, Fault, Provider,
        conformance::{Access, Fixture},
        ssh::PUBLIC_KEY,
    },
};
use serde_json::json;

use super::{authority, certificate, fixture, key, made};

/// What the core would fix for this grant.
pub(super) async fn order(provider: &dyn Provider, fixture: &Fixture, grant: &str) -> Result<Order, Fault> {
    let resolved = provider.resolve(&fixture.person, &fixture.role).await?;
    Ok(Order {
        provider: fixture.provider.clone(),
        target: resolved.target,
        principal: resolved.principal,
        person: fixture.person.id.clone(),
        inputs: resolved.inputs,
        grant: grant.to_owned(),
        by_hand: resolved.by_hand,
    })
}

struct Sshd {
    folder: PathBuf,
    port: u16,
    user: String,
    child: Child,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Sshd {
    /// Trusts `ca.pub` and reads `krl` of the folder; lets the principal `bastion` in as the user who runs the test.
    fn start(folder: &Path) -> Self {
        let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap().trim().to_owned();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        key(folder, "host");
        fs::write(folder.join("principals"), "bastion\n").unwrap();
        let public = Command::new("ssh-keygen").arg("-y").arg("-f").arg(folder.join("ca")).output().unwrap();
        fs::write(folder.join("ca.pub"), public.stdout).unwrap();
        let at = |name: &str| folder.join(name).display().to_string();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nAuthorizedKeysFile none\n\
             TrustedUserCAKeys {}\nAuthorizedPrincipalsFile {}\nRevokedKeys {}\n",
            at("host"),
            at("ca.pub"),
            at("principals"),
            at("krl"),
        );
        fs::write(folder.join("sshd_config"), config).unwrap();
        // It separates its privileges in this folder, which only its service makes.
        if user == "root" {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let log = fs::File::create(folder.join("log")).unwrap();
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f"]).arg(folder.join("sshd_config")).stdin(Stdio::null()).stderr(log);
        let mut child = command.spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "sshd ended: {}", fs::read_to_string(folder.join("log")).unwrap());
            std::thread::yield_now();
        }
        Self { folder: folder.to_owned(), port, user, child }
    }
}

#[async_trait]
impl Access for Sshd {
    /// As whoever the order is for, with their own key.
    async fn can(&self, order: &Order, brought: &Done) -> Result<bool, String> {
        let file = self.folder.join(format!("{}-cert.pub", order.person));
        fs::write(&file, certificate(brought)).map_err(|error| error.to_string())?;
        let mut ssh = tokio::process::Command::new("ssh");
        ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]);
        ssh.args(["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", &format!("CertificateFile={}", file.display())]);
        ssh.arg("-i").arg(self.folder.join(order.person.as_str())).args(["-p", &self.port.to_string(), "-l", &self.user]);
        let ran = ssh.args(["127.0.0.1", "echo in"]).stdin(Stdio::null()).output().await.map_err(|error| error.to_string())?;
        let (said, complaint) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        match (ran.status.success(), complaint.contains("Permission denied")) {
            (true, _) if said.trim() == "in" => Ok(true),
            (false, true) => Ok(false),
            _ => Err(format!("{complaint}; sshd: {}", fs::read_to_string(self.folder.join("log")).unwrap_or_default())),
        }
    }
}

#[tokio::test]
#[ignore = "needs sshd: scripts/test"]
async fn a_real_sshd_lets_the_holder_in_and_refuses_them_after_the_revoke() {
    let folder = tempfile::tempdir().unwrap();
    let provider = made("ssh", &authority(folder.path())).await;
    let keys = [key(folder.path(), "ana"), key(folder.path(), "ben")];
    let fixture = fixture(PUBLIC_KEY, [&keys[0], &keys[1]], json!({ "principals": ["bastion"] }));
    let sshd = Sshd::start(folder.path());
    let report = adapter::test(&provider, None, &fixture, Some(&sshd)).await;
    assert!(report.is_passed(), "{report}");
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("ID hallpass:test-1-round"), "the log names the grant: {log}");
    assert!(log.contains("revoked"), "and says why it refused: {log}");
}

#[tokio::test]
#[ignore = "needs sshd: scripts/test"]
async fn a_real_sshd_refuses_a_certificate_after_its_end_without_us() {
    let folder = tempfile::tempdir().unwrap();
    let provider = made("ssh", &authority(folder.path())).await;
    let keys = [key(folder.path(), "ana"), key(folder.path(), "ben")];
    let mut fixture = fixture(PUBLIC_KEY, [&keys[0], &keys[1]], json!({ "principals": ["bastion"] }));
    // Its end is past, its beginning (a minute ago) is not later.
    fixture.until = fixture.until - hallpass::domain::time::Span::from_seconds(5 * 60 + 5);
    let sshd = Sshd::start(folder.path());
    let order = order(provider.as_ref(), &fixture, "G-1").await.unwrap();
    let done = super::granted(provider.as_ref(), &order, &fixture).await;
    assert_eq!(sshd.can(&order, &done).await, Ok(false));
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("expired"), "{log}");
}
