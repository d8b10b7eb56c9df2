//! Adapters against what they are for: the examples of docs/, OpenSSH's own tools, a real sshd.

mod flawed;
mod postgresql;
mod sshd;

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, sync::Arc, time::Duration};

use hallpass::{
    cli::adapter,
    clock::{Clock, FastClock, SystemClock},
    domain::{
        entitlement::Order,
        policy::{Person, Role},
        time::Span,
    },
    provider::{
        Done, Provider, Step,
        build::build,
        conformance::Fixture,
        exec::{Settings, kept_by},
        ssh::PUBLIC_KEY,
    },
};
use serde_json::{Value, json};

/// More than any call here takes.
const LEFT: Duration = Duration::from_mins(1);

pub(crate) fn person(id: &str, login: (&str, &str)) -> Person {
    Person {
        id: id.parse().unwrap(),
        name: id.to_owned(),
        email: None,
        time_zone: None,
        active: true,
        identities: BTreeMap::new(),
        logins: BTreeMap::from([(login.0.to_owned(), login.1.to_owned())]),
    }
}

pub(crate) fn role(target: Value) -> Role {
    Role { name: "write".parse().unwrap(), title: "Write".into(), policy: "usual".parse().unwrap(), target }
}

pub(crate) fn fixture(key: &str, logins: [&str; 2], target: Value) -> Fixture {
    let until = SystemClock.now() + Span::from_minutes(5);
    Fixture {
        provider: "real".parse().unwrap(),
        person: person("ana", (key, logins[0])),
        other: person("ben", (key, logins[1])),
        role: role(target),
        unknown_person: None,
        unknown_role: None,
        until,
        later: until + Span::from_minutes(5),
        run: "1".into(),
    }
}

async fn made(kind: &str, settings: &str) -> Arc<dyn Provider> {
    build(kind, &settings.parse().unwrap(), Arc::new(SystemClock)).await.unwrap()
}

/// An example from docs/, copied to where nobody else can change it.
fn example(name: &str, folder: &Path) -> String {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/adapters").join(name);
    let to = folder.join(name);
    fs::copy(from, &to).unwrap();
    fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
    to.display().to_string()
}

async fn passes(provider: &Arc<dyn Provider>, exec: Option<&str>, fixture: &Fixture) -> String {
    let exec: Option<Settings> = exec.map(|settings| settings.parse::<toml::Table>().unwrap().try_into().unwrap());
    let report = adapter::test(provider, exec.as_ref(), fixture, None).await;
    assert!(report.is_passed(), "{report}");
    report.to_string()
}

#[tokio::test]
async fn the_shell_example_passes_the_suite_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let doors = folder.path().join("doors");
    fs::create_dir(&doors).unwrap();
    kept_by(env!("CARGO_BIN_EXE_hallpass"));
    let settings = format!("program = '{}'\nconfig = {{ folder = '{}' }}", example("folder.sh", folder.path()), doors.display());
    let provider = made("exec", &settings).await;
    let mut fixture = fixture("door", ["ana", "ben"], json!({ "name": "front" }));
    fixture.unknown_person = Some(person("eve", ("other", "eve")));
    fixture.unknown_role = Some(role(json!({ "name": "../front" })));
    insta::assert_snapshot!(passes(&provider, Some(&settings), &fixture).await, @r#"
    folder 1
      pass  its description is sound
      pass  resolving changes nothing and answers the same twice
      pass  a person who is not there is named as such
      pass  a target that is not there is named as such
      pass  granted is there, and gone after revoke
      pass  granting twice is as granting once
      pass  revoking works without a handle
      pass  revoking what was never granted succeeds
      pass  two people do not disturb each other
      pass  two grants of one person do not cut each other
      pass  what was granted again after a lost answer is gone after one revoke
      skip  extending moves the native end: it does not extend
      skip  a credential is made when fetched: it has no credentials
      skip  holders are listed: it does not list holders
      skip  open sessions are told for each order: it does not see sessions
      pass  hostile names are data
      pass  health answers
      pass  standing access survives a grant and its end
      pass  two grants overlap, and both end
      pass  killed after the call took effect, overlapped and ended: nothing is left
      pass  cut answers leave nothing behind
      pass  slow answers leave nothing behind
      pass  garbage answers leave nothing behind
      pass  garbage on standard output is not taken for an answer
      pass  an exit code that means nothing is not taken for an answer
      pass  an answer that is too long is not taken for one
      pass  at the deadline the program's whole group is killed
      pass  what the program leaves behind is killed when it ends
    24 passed, 0 failed, 4 skipped
    "#);
    assert_eq!(fs::read_dir(doors).unwrap().count(), 0);
}

#[tokio::test]
async fn the_python_example_passes_the_suite_and_keeps_who_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let groups = folder.path().join("groups.json");
    let before = json!({ "groups": { "admins": ["zoe"] }, "users": ["ana", "ben", "zoe"] });
    fs::write(&groups, before.to_string()).unwrap();
    let settings = format!("program = '{}'\nconfig = {{ file = '{}' }}", example("members.py", folder.path()), groups.display());
    let provider = made("exec", &settings).await;
    let mut fixture = fixture("groups", ["ana", "ben"], json!({ "group": "admins" }));
    fixture.unknown_person = Some(person("eve", ("groups", "eve")));
    fixture.unknown_role = Some(role(json!({ "group": "wizards" })));
    passes(&provider, None, &fixture).await;
    assert_eq!(serde_json::from_slice::<Value>(&fs::read(&groups).unwrap()).unwrap(), before);

    fs::write(&groups, "{ half").unwrap();
    let order = sshd::order(provider.as_ref(), &fixture, "G-1").await;
    assert!(order.is_err(), "a file that cannot be read is not an empty one");
}

/// The authority's files and the settings that name them.
fn authority(folder: &Path) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    format!("ca_key_file = '{}'\nrevocation_list = '{}'\nhost = 'bastion'", at("ca"), at("krl"))
}

/// A key pair as its holder makes it; the public half.
fn key(folder: &Path, name: &str) -> String {
    let file = folder.join(name);
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&file).status().unwrap();
    assert!(made.success());
    fs::read_to_string(folder.join(format!("{name}.pub"))).unwrap()
}

fn certificate(done: &Done) -> String {
    done.handle.as_ref().unwrap().0["certificate"].as_str().unwrap().to_owned()
}

async fn granted(provider: &dyn Provider, order: &Order, fixture: &Fixture) -> Done {
    match provider.grant(order, None, fixture.until, LEFT).await.unwrap() {
        Step::Done(done) => done,
        Step::Wait { .. } => panic!("a certificate needs no waiting"),
    }
}

fn keygen(arguments: &[&str], file: &Path) -> (bool, String) {
    let ran = Command::new("ssh-keygen").args(arguments).arg(file).env("TZ", "UTC").output().unwrap();
    (ran.status.success(), String::from_utf8_lossy(&ran.stdout).into_owned())
}

#[tokio::test]
async fn openssh_reads_the_certificate_and_the_revocation_list() {
    let folder = tempfile::tempdir().unwrap();
    let provider = made("ssh", &authority(folder.path())).await;
    let keys = [key(folder.path(), "ana"), key(folder.path(), "ben")];
    let target = json!({ "principals": ["bastion"], "login": "deploy", "options": { "source-address": "127.0.0.1" } });
    let fixture = fixture(PUBLIC_KEY, [&keys[0], &keys[1]], target);
    let krl = folder.path().join("krl").display().to_string();
    let mut files = Vec::new();
    for grant in ["G-1", "G-2", "G-3"] {
        let order = sshd::order(provider.as_ref(), &fixture, grant).await.unwrap();
        let done = granted(provider.as_ref(), &order, &fixture).await;
        let file = folder.path().join(format!("{grant}-cert.pub"));
        fs::write(&file, certificate(&done)).unwrap();
        assert!(done.how_to_connect.unwrap().contains("deploy@bastion"));
        files.push((file, order));
    }
    let (read, shown) = keygen(&["-L", "-f"], &files[0].0);
    assert!(read);
    for part in ["user certificate", "hallpass:G-1", "bastion", "source-address 127.0.0.1", "permit-pty"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    for (_, order) in &files[..2] {
        provider.revoke(order, None, LEFT).await.unwrap();
        provider.revoke(order, None, LEFT).await.unwrap();
    }
    // Made anew, as after a restart, it goes on with the same list.
    let provider = made("ssh", &authority(folder.path())).await;
    provider.revoke(&files[0].1, None, LEFT).await.unwrap();
    let accepted: Vec<bool> = files.iter().map(|(file, _)| keygen(&["-Q", "-f", &krl], file).0).collect();
    assert_eq!(accepted, [false, false, true]);
}

#[tokio::test]
async fn the_authority_passes_the_suite() {
    let folder = tempfile::tempdir().unwrap();
    let provider = made("ssh", &authority(folder.path())).await;
    let keys = [key(folder.path(), "ana"), key(folder.path(), "ben")];
    let mut fixture = fixture(PUBLIC_KEY, [&keys[0], &keys[1]], json!({ "principals": ["bastion"] }));
    fixture.unknown_person = Some(person("eve", ("other", "eve")));
    fixture.unknown_role = Some(role(json!({ "principals": [] })));
    passes(&provider, None, &fixture).await;
}

#[tokio::test]
async fn a_revocation_list_that_cannot_be_read_is_never_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let provider = made("ssh", &authority(folder.path())).await;
    let keys = [key(folder.path(), "ana"), key(folder.path(), "ben")];
    let fixture = fixture(PUBLIC_KEY, [&keys[0], &keys[1]], json!({ "principals": ["bastion"] }));
    let order = sshd::order(provider.as_ref(), &fixture, "G-1").await.unwrap();
    let done = granted(provider.as_ref(), &order, &fixture).await;
    let list = folder.path().join("krl");
    fs::write(&list, "half").unwrap();
    assert!(provider.revoke(&order, done.handle.as_ref(), LEFT).await.is_err());
    let seen = provider.observe(&order, done.handle.as_ref()).await.unwrap();
    assert!(matches!(seen, hallpass::provider::Seen::Unknown { .. }), "{seen:?}");
    assert!(build("ssh", &authority(folder.path()).parse().unwrap(), Arc::new(SystemClock)).await.is_err());
    assert_eq!(fs::read_to_string(list).unwrap(), "half");
}

#[tokio::test]
async fn a_certificate_that_was_given_is_never_counted_shorter() {
    let folder = tempfile::tempdir().unwrap();
    let provider = made("ssh", &authority(folder.path())).await;
    let keys = [key(folder.path(), "ana"), key(folder.path(), "ben")];
    let fixture = fixture(PUBLIC_KEY, [&keys[0], &keys[1]], json!({ "principals": ["bastion"] }));
    let order = sshd::order(provider.as_ref(), &fixture, "G-1").await.unwrap();
    let done = granted(provider.as_ref(), &order, &fixture).await;
    let earlier = fixture.until - Span::from_minutes(2);
    let Step::Done(again) = provider.extend(&order, done.handle.as_ref(), earlier, LEFT).await.unwrap() else { panic!("no waiting") };
    assert!(again.native_expiry >= Some(fixture.until));
}

/// The worker says when in real moments; the authority must not translate them once more.
#[tokio::test]
async fn a_certificate_ends_at_the_real_moment_that_it_was_told_on_a_fast_clock_too() {
    let folder = tempfile::tempdir().unwrap();
    let provider = build("ssh", &authority(folder.path()).parse().unwrap(), Arc::new(FastClock::new(60))).await.unwrap();
    let keys = [key(folder.path(), "ana"), key(folder.path(), "ben")];
    let fixture = fixture(PUBLIC_KEY, [&keys[0], &keys[1]], json!({ "principals": ["bastion"] }));
    let order = sshd::order(provider.as_ref(), &fixture, "G-1").await.unwrap();
    let done = granted(provider.as_ref(), &order, &fixture).await;
    let end = done.handle.unwrap().0["valid_before"].as_i64().unwrap();
    assert!((0..=1).contains(&(end - fixture.until.seconds())), "{end}");
}
