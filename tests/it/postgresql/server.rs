//! PostgreSQL servers: the two that scripts/test starts for everybody, and ones of a test's own, which it may stop.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// Both versions that access is given in: 15 has one row for each membership, 18 one for each grantor.
pub(crate) const BOTH: [Version; 2] = [Version::V15, Version::V18];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V15,
    V18,
}

impl Version {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V15 => "15",
            Self::V18 => "18",
        }
    }

    fn told(self, what: &str) -> String {
        let name = format!("HALLPASS_TEST_PROVIDER_POSTGRES_{}{what}", self.name());
        std::env::var(&name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test"))
    }

    /// The server that everybody shares, as its administrator. Whoever uses it makes and drops names of their own.
    pub(crate) fn shared(self) -> String {
        self.told("")
    }

    fn programs(self) -> PathBuf {
        self.told("_BIN").into()
    }
}

/// A server of a test's own; stopped, with its folder, when it is dropped.
pub(crate) struct Server {
    pub(crate) version: Version,
    folder: tempfile::TempDir,
    port: u16,
    options: String,
}

impl Server {
    /// `options`: settings such as `log_statement=all`.
    pub(crate) fn start(version: Version, options: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("hallpass-provider").tempdir_in("/tmp").unwrap();
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let options = options.iter().flat_map(|option| [" -c ", *option]).collect();
        let server = Self { version, folder, port, options };
        if rustix::process::geteuid().is_root() {
            assert!(Command::new("chown").arg("postgres").arg(server.folder.path()).status().unwrap().success());
        }
        let password = server.folder.path().join("password");
        fs::write(&password, "throwaway").unwrap();
        server.run("initdb", &["-A", "scram-sha-256", "--pwfile", &password.display().to_string(), "-U", "postgres", "--no-sync"]);
        server.lets_its_administrator_in();
        server.begin();
        server
    }

    /// Without a password: tests ask much, and in an unoptimised build each login with one takes its time.
    fn lets_its_administrator_in(&self) {
        let file = self.folder.path().join("data/pg_hba.conf");
        let rules = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("host all postgres 127.0.0.1/32 trust\n{rules}")).unwrap();
    }

    /// As its administrator.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres:throwaway@{}/postgres", self.address())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Everything that it wrote to its log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Says who may connect from where, and waits until that holds.
    pub(crate) fn hba(&self, lines: &str) {
        fs::write(self.folder.path().join("data/pg_hba.conf"), lines).unwrap();
        self.stop();
        self.begin();
    }

    /// Speaks TLS from now on, with this certificate and its key.
    pub(crate) fn speaks_tls(&self, certificate: &Path, key: &Path) {
        for (from, name) in [(certificate, "server.crt"), (key, "server.key")] {
            let to = self.folder.path().join("data").join(name);
            fs::copy(from, &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
            if rustix::process::geteuid().is_root() {
                assert!(Command::new("chown").arg("postgres").arg(&to).status().unwrap().success());
            }
        }
        fs::write(self.folder.path().join("data/postgresql.auto.conf"), "ssl = on\n").unwrap();
        self.stop();
        self.begin();
    }

    /// Starts it, as it was configured first.
    pub(crate) fn begin(&self) {
        let folder = self.folder.path().display();
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off -c max_connections=200{}",
            self.port, self.options
        );
        self.run("pg_ctl", &["-w", "-l", &format!("{folder}/log"), "-o", &options, "start"]);
    }

    /// As if the machine had lost its power.
    pub(crate) fn stop(&self) {
        self.run("pg_ctl", &["-w", "-m", "immediate", "stop"]);
    }

    /// As somebody else than root, whom PostgreSQL refuses. Its libraries lie beside its programs.
    fn run(&self, program: &str, arguments: &[&str]) {
        let bin = self.version.programs();
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]).arg(bin.join(program));
            command
        } else {
            Command::new(bin.join(program))
        };
        let said = self.folder.path().join("said");
        let quiet = fs::File::create(&said).unwrap();
        command.arg("-D").arg(self.folder.path().join("data")).args(arguments).stdout(quiet.try_clone().unwrap()).stderr(quiet);
        let done = command.env("LD_LIBRARY_PATH", bin.join("../lib")).current_dir("/").status().unwrap();
        assert!(done.success(), "{program}: {}", fs::read_to_string(said).unwrap());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.folder.path().join("data/postmaster.pid").exists() {
            self.stop();
        }
    }
}
