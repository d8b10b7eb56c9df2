//! The adapter `webhook` against the example receiver of docs/, a process of its own that speaks TLS on loopback with a
//! throw-away authority.

mod config;
mod connecting;
mod lost;
mod suite;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use hallpass::{
    clock::SystemClock,
    domain::{entitlement::Order, time::Instant},
    provider::{Provider, conformance::Fixture, webhook::Webhook},
};
use serde_json::{Value, json};

use crate::providers::{fixture, person, role};

/// As the specification writes them.
const SECRET: &str = "whsec_aGFsbHBhc3MncyByZWNlaXZlciBpbiB0ZXN0cw==";
const OLDER: &str = "whsec_d2hhdCB0aGUgcmVjZWl2ZXIgaGFkIGJlZm9yZSBpdA==";
/// More than any call here takes.
const LEFT: Duration = Duration::from_mins(1);
const UNTIL: Instant = Instant::from_micros(1_900_000_000_000_000);

/// A folder with everything that both sides need.
struct House {
    folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let house = Self { folder: tempfile::tempdir().unwrap() };
        house.authority("");
        house.secret("secret", SECRET);
        house.secret("token", "Bearer t0ken-of-the-bot");
        let state = json!({ "doors": ["front"], "people": ["ana", "ben"], "keys": {} });
        fs::write(house.at("state"), state.to_string()).unwrap();
        house
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn secret(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// An authority, and a certificate of it for a receiver here: `ca.pem`, `cert.pem`, `key.pem`, each with this before it.
    fn authority(&self, before: &str) {
        let name = |name: &str| format!("{before}{name}");
        let (ca, ca_key, cert, key, ask) = (name("ca.pem"), name("ca.key"), name("cert.pem"), name("key.pem"), name("csr"));
        let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=throw-away"];
        let names = "subjectAltName=IP:127.0.0.1,IP:127.0.0.2,DNS:hooks.example.org";
        openssl(self.folder.path(), &[&["req", "-x509", "-keyout", &ca_key, "-out", &ca][..], &new_key].concat());
        openssl(self.folder.path(), &[&["req", "-keyout", &key, "-out", &ask, "-addext", names][..], &new_key].concat());
        let sign =
            ["x509", "-req", "-in", &ask, "-CA", &ca, "-CAkey", &ca_key, "-CAcreateserial", "-days", "2", "-copy_extensions", "copy"];
        openssl(self.folder.path(), &[&sign[..], &["-out", &cert]].concat());
    }

    /// Starts the receiver and waits until it listens.
    fn receiver(&self, port: u16) -> Receiver {
        self.receiver_with(port, "127.0.0.1", SECRET)
    }

    fn receiver_with(&self, port: u16, address: &str, secrets: &str) -> Receiver {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new("python3");
        command.arg("-B").arg(root.join("tests/it/webhook/faulty.py")).args(["--address", address, "--port", &port.to_string()]);
        command.arg("--state").arg(self.at("state")).arg("--certificate").arg(self.at("cert.pem")).arg("--key").arg(self.at("key.pem"));
        command.env("RECEIVER_SECRET", secrets).env("RECEIVER_FOLDER", root.join("docs/examples/webhook"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().rsplit(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("it does not listen: {line}"));
        Receiver { child, port }
    }

    /// Settings for a receiver at this place of this machine.
    fn settings(&self, place: &str) -> String {
        let at = |name: &str| self.at(name).display().to_string();
        format!(
            "url = 'https://{place}/hallpass'\nsecret = {{ file = '{}' }}\nca_file = '{}'\nallow = ['127.0.0.1']\n\
             headers = {{ Authorization = {{ file = '{}' }} }}\nconfig = {{ site = 'main' }}\n",
            at("secret"),
            at("ca.pem"),
            at("token"),
        )
    }

    async fn provider(&self, receiver: &Receiver) -> Arc<dyn Provider> {
        made(&self.settings(&format!("127.0.0.1:{}", receiver.port))).await
    }

    fn spoil_next(&self, how: &str) {
        fs::write(self.at("state.fault"), how).unwrap();
    }

    /// It came to what was to be spoiled.
    fn was_spoiled(&self) -> bool {
        !self.at("state.fault").exists()
    }

    fn keys(&self) -> Vec<String> {
        let state: Value = serde_json::from_slice(&fs::read(self.at("state")).unwrap()).unwrap();
        state["keys"].as_object().unwrap().keys().cloned().collect()
    }

    /// Every message so far.
    fn heard(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.at("state.heard")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The names of the messages with this operation.
    fn ids(&self, op: &str) -> Vec<String> {
        let op = format!("\"op\":\"{op}\"");
        let of_it = self.heard().into_iter().filter(|heard| heard["body"].as_str().unwrap().contains(&op));
        of_it.map(|heard| heard["headers"]["webhook-id"].as_str().unwrap().to_owned()).collect()
    }
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let ran = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

struct Receiver {
    child: Child,
    port: u16,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

async fn made(settings: &str) -> Arc<dyn Provider> {
    Arc::new(Webhook::start(toml::from_str(settings).unwrap(), Arc::new(SystemClock)).await.unwrap())
}

fn front() -> Fixture {
    let mut fixture = fixture("doors", ["ana", "ben"], json!({ "door": "front" }));
    fixture.unknown_person = Some(person("eve", ("doors", "eve")));
    fixture.unknown_role = Some(role(json!({ "door": "back" })));
    fixture
}

/// What the core would fix for this grant.
fn order(grant: &str) -> Order {
    Order {
        provider: "doors".parse().unwrap(),
        target: json!({ "door": "front" }),
        principal: "ana".into(),
        person: "ana".parse().unwrap(),
        inputs: std::collections::BTreeMap::new(),
        grant: grant.to_owned(),
        by_hand: String::new(),
    }
}
