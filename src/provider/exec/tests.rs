//! The process and the words, with small programs that misbehave.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use super::{
    process::{Launch, Lost, Ran, check},
    *,
};
use crate::{
    domain::{
        entitlement::Order,
        policy::{Person, Role},
        time::Instant,
    },
    provider::{
        Provider, Seen, Verbs,
        protocol::{NAMED, PROTOCOLS, Reply, TALK_MAX, read},
    },
};
use serde_json::json;

const DESCRIPTION: &str = r#"{"protocols":["hallpass-adapter/1"],"name":"door","ownership":"per_grant","sessions":"cut","deadline_s":1,"ops":["observe","grant","revoke"]}"#;

/// A launch of `sh -c SCRIPT`.
fn sh(script: &str, grace: Duration) -> Launch {
    Launch {
        program: fs::canonicalize("/bin/sh").unwrap(),
        arguments: vec!["-c".into(), script.into()],
        environment: BTreeMap::from([("PATH".to_owned(), PATH.into())]),
        grace,
    }
}

async fn run(script: &str, limit: Duration) -> Result<Ran, Lost> {
    sh(script, Duration::from_secs(5)).run(b"{}\n".to_vec(), limit).await
}

fn said(code: i32, reply: &str) -> Result<Reply, Fault> {
    read(&answer(Ran { code: Some(code), reply: reply.into(), log: Vec::new() }), PROTOCOLS[0], &Secrets::default())
}

fn kind(code: i32, reply: &str) -> FaultKind {
    said(code, reply).err().unwrap().kind
}

/// An adapter that describes itself, and then does as `rest` says.
async fn adapter(rest: &str) -> Exec {
    let script = format!("read -r request; case $request in *'\"op\":\"describe\"'*) echo '{DESCRIPTION}'; exit 0;; esac; {rest}");
    let arguments = vec!["-c".into(), script];
    let program = fs::canonicalize("/bin/sh").unwrap();
    Exec::start(Settings { program, arguments, environment: Environment::default(), config: toml::Table::new() }).await.unwrap()
}

fn order() -> Order {
    Order {
        provider: "door".parse().unwrap(),
        target: json!({ "name": "front" }),
        principal: "ana".into(),
        person: "ana".parse().unwrap(),
        inputs: BTreeMap::new(),
        grant: "G-1".into(),
        by_hand: "lock the door".into(),
    }
}

const LEFT: Duration = Duration::from_mins(1);
const UNTIL: Instant = Instant::from_micros(1_800_000_000_000_000);

#[tokio::test]
async fn the_environment_is_cleared_and_the_request_is_read_to_its_end() {
    let ran = run("cat; env | sed 's/=.*//' | sort | tr '\\n' ' '; echo noise >&2", Duration::from_secs(10)).await.unwrap();
    let text = String::from_utf8(ran.reply).unwrap();
    let names: Vec<&str> =
        text.trim_start_matches("{}").split_whitespace().filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name)).collect();
    assert_eq!(names, ["PATH"]);
    assert_eq!((ran.code, ran.log.as_slice()), (Some(0), b"noise\n".as_slice()));
}

/// Gone, or dead and not yet reaped by whoever inherited it.
fn is_dead(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", pid.trim())).map_or(true, |stat| stat.contains(") Z ") || stat.contains(") X "))
}

async fn until_dead(pid: &str) {
    for _ in 0..10_000 {
        if is_dead(pid) {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("what the adapter started is still alive");
}

#[tokio::test]
async fn at_the_deadline_the_whole_group_ends_even_what_refuses_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("trap '' TERM; (trap '' TERM; exec tail -f /dev/null) & echo $! > '{}'; wait", file.display());
    let lost = sh(&script, Duration::from_millis(100)).run(Vec::new(), Duration::from_millis(500)).await.unwrap_err();
    assert_eq!(lost, Lost::NoAnswer("no answer within 0.5 s".into()));
    until_dead(&fs::read_to_string(file).unwrap()).await;
}

#[tokio::test]
async fn what_a_program_leaves_running_does_not_hold_up_its_answer() {
    let ran = run("echo '{}'; tail -f /dev/null &", Duration::from_secs(30)).await.unwrap();
    assert_eq!((ran.code, ran.reply.as_slice()), (Some(0), b"{}\n".as_slice()));
}

/// Also what closed the output, so that nothing is seen of it.
#[tokio::test]
async fn what_a_program_leaves_behind_ends_with_it() {
    for silent in ["", ">/dev/null 2>&1"] {
        let ran = run(&format!("tail -f /dev/null {silent} & echo $!"), Duration::from_secs(30)).await.unwrap();
        until_dead(&String::from_utf8(ran.reply).unwrap()).await;
    }
}

#[tokio::test]
async fn a_program_that_closed_its_output_still_has_its_grace() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tidy");
    let script = format!("trap 'echo done >{}; exit 0' TERM; exec >/dev/null 2>&1; tail -f /dev/null & wait", file.display());
    assert!(matches!(run(&script, Duration::from_millis(500)).await, Err(Lost::NoAnswer(_))));
    assert_eq!(fs::read_to_string(file).unwrap(), "done\n");
}

/// Whoever may change the link may not say what is run, nor what lies beside it.
#[tokio::test]
async fn a_link_is_looked_at_once_and_what_it_names_is_run_in_its_own_folder() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("real")).unwrap();
    fs::create_dir(at("open")).unwrap();
    fs::set_permissions(at("open"), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(at("real/adapter"), "#!/bin/sh\necho \"$0\"; pwd\n").unwrap();
    fs::set_permissions(at("real/adapter"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(at("real/adapter"), at("open/adapter")).unwrap();
    let launch = Launch { program: at("open/adapter"), arguments: Vec::new(), ..sh("", Duration::ZERO) };
    let ran = launch.run(Vec::new(), Duration::from_secs(30)).await.unwrap();
    let real = at("real").canonicalize().unwrap();
    assert_eq!(String::from_utf8(ran.reply).unwrap(), format!("{}\n{}\n", real.join("adapter").display(), real.display()));
}

#[tokio::test]
async fn logs_are_cut_and_endless_answers_are_not_kept() {
    let ran = run("yes | head -c 3000000 >&2; yes | head -c 3000000", Duration::from_secs(30)).await.unwrap();
    assert_eq!(ran.log.len(), 64 * 1024);
    assert_eq!(ran.reply.len(), TALK_MAX + 1);
    assert_eq!(read(&answer(ran), PROTOCOLS[0], &Secrets::default()).err().unwrap().kind, FaultKind::Ambiguous);
}

#[tokio::test]
async fn a_program_that_is_not_there_changed_nothing() {
    let launch = Launch { program: "/nowhere/adapter".into(), ..sh("", Duration::ZERO) };
    assert!(matches!(launch.run(Vec::new(), Duration::from_secs(1)).await, Err(Lost::NotStarted(_))));
}

#[test]
fn only_a_program_that_nobody_else_can_change_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("adapter");
    fs::write(&file, "#!/bin/sh\n").unwrap();
    let mode = |bits| fs::set_permissions(&file, fs::Permissions::from_mode(bits)).unwrap();
    for (bits, why) in [(0o644, "not a program"), (0o775, "written by others"), (0o757, "written by others")] {
        mode(bits);
        assert!(check(&file).unwrap_err().contains(why), "{bits:o}");
    }
    mode(0o755);
    assert_eq!(check(&file), Ok(file.canonicalize().unwrap()));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(check(&file).unwrap_err().contains("written by others"));
    assert!(check(Path::new("adapter")).unwrap_err().contains("absolute"));
}

#[test]
fn only_a_whole_answer_that_fits_its_exit_code_counts() {
    assert!(said(0, r#"{"status":"active","news":1}"#).is_ok());
    for (code, reply) in [
        (0, ""),
        (0, "Segmentation fault"),
        (0, r#"{"status":"act"#),
        (0, r#"{"status":"active"}{"status":"absent"}"#),
        (0, r#"["active"]"#),
        (0, r#"{"status":"granted"}"#),
        (0, r#"{"protocol":"hallpass-adapter/9","status":"active"}"#),
        (0, r#"{"error":{"code":"denied"}}"#),
        (1, r#"{"status":"active"}"#),
        (1, r#"{"error":{"code":"sulking"}}"#),
        (2, r#"{"status":"active"}"#),
        (127, ""),
    ] {
        assert_eq!(kind(code, reply), FaultKind::Ambiguous, "{code} {reply}");
    }
}

#[tokio::test]
async fn it_is_unknown_and_never_absent_when_an_adapter_could_not_look() {
    for rest in ["exit 0", "exit 3", "echo '{'", "echo '{\"status\":\"unknown\",\"message\":\"asleep\"}'", "kill -9 $$"] {
        let seen = adapter(rest).await.observe(&order(), None).await.unwrap();
        assert!(matches!(seen, Seen::Unknown { .. }), "{rest}: {seen:?}");
    }
    assert_eq!(adapter("echo '{\"status\":\"absent\"}'").await.observe(&order(), None).await, Ok(Seen::Absent));
}

#[tokio::test]
async fn a_change_without_an_answer_is_ambiguous() {
    for rest in ["exit 0", "tail -f /dev/null", "echo '{\"status\":\"active\"}'; exit 2"] {
        let exec = adapter(rest).await;
        assert_eq!(exec.grant(&order(), None, UNTIL, LEFT).await.unwrap_err().kind, FaultKind::Ambiguous, "{rest}");
    }
}

#[tokio::test]
async fn a_program_gets_no_more_time_than_is_left_of_its_call() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("said");
    let mut exec =
        adapter(&format!("trap '' TERM; echo \"$request\" >'{0}'; tail -f /dev/null & echo $! >>'{0}'; wait", file.display())).await;
    let left = (GRACE + SLACK).std() + Duration::from_millis(1_500);
    exec.known.get_mut().unwrap().limit = Duration::from_mins(1);
    exec.carrier.launch.grace = Duration::ZERO;
    let fault = exec.grant(&order(), None, UNTIL, left).await.unwrap_err();
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Ambiguous, "no answer within 1.5 s"));
    let said = fs::read_to_string(file).unwrap();
    let (request, pid) = said.trim().split_once('\n').unwrap();
    assert_eq!(serde_json::from_str::<Value>(request).unwrap()["deadline_s"], 2);
    until_dead(pid).await;
}

#[tokio::test]
async fn without_time_left_nothing_is_started_and_nothing_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ran");
    let exec = adapter(&format!("touch '{}'; echo '{{\"status\":\"active\"}}'", file.display())).await;
    let left = (GRACE + SLACK).std() + Duration::from_millis(100);
    assert_eq!(exec.grant(&order(), None, UNTIL, left).await.unwrap_err().kind, FaultKind::Transient);
    assert_eq!(exec.revoke(&order(), None, Duration::ZERO).await.unwrap_err().kind, FaultKind::Transient);
    assert!(!file.exists());
    assert!(exec.grant(&order(), None, UNTIL, LEFT).await.is_ok());
    assert!(file.exists());
}

#[tokio::test]
async fn a_verb_that_the_adapter_does_not_name_is_not_tried() {
    let exec = adapter("echo '{\"status\":\"active\"}'").await;
    assert_eq!(exec.describe().verbs, Verbs::default());
    assert_eq!(exec.extend(&order(), None, UNTIL, LEFT).await.unwrap_err().kind, FaultKind::Unsupported);
    assert_eq!(exec.health().await.unwrap_err().kind, FaultKind::Unsupported);
}

#[tokio::test]
async fn an_adapter_of_another_version_is_refused_at_the_start() {
    let script = format!("echo '{}'", DESCRIPTION.replace("adapter/1", "adapter/2"));
    let program = fs::canonicalize("/bin/sh").unwrap();
    let settings =
        Settings { program, arguments: vec!["-c".into(), script], environment: Environment::default(), config: toml::Table::new() };
    let fault = Exec::start(settings).await.err().unwrap();
    insta::assert_snapshot!(fault.message, @"the adapter speaks hallpass-adapter/2; this bot speaks hallpass-adapter/1");
}

/// An adapter with a secret that tells it in every field, at the edge of what is shown too.
#[tokio::test]
async fn no_field_of_an_answer_tells_a_secret_of_the_adapter() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "hunter22").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let tell = async |reply: &str| {
        let ops = r#"["observe","grant","revoke","resolve","uses","health","list"]"#;
        let about = DESCRIPTION
            .replace(r#"["observe","grant","revoke"]"#, ops)
            .replace(r#""name":"door""#, r#""name":"door","by_hand":"say $TOKEN""#);
        let script = format!(
            "read -r request; case $request in *describe*) cat <<.\n{about}\n.\nexit 0;; esac; cat <<.\n{reply}\n.\ncase '{reply}' in *error*) exit 1;; esac"
        );
        let environment = Environment([("TOKEN".to_owned(), crate::secret::Secret::File(secret.clone()))].into());
        let program = fs::canonicalize("/bin/sh").unwrap();
        Exec::start(Settings { program, arguments: vec!["-c".into(), script], environment, config: toml::Table::new() }).await.unwrap()
    };
    let who = Person {
        id: "ana".parse().unwrap(),
        name: "Ana".into(),
        email: None,
        time_zone: None,
        active: true,
        identities: BTreeMap::new(),
        logins: BTreeMap::new(),
    };
    let what = Role { name: "write".parse().unwrap(), title: "Write".into(), policy: "usual".parse().unwrap(), target: json!({}) };
    let mut heard = Vec::new();
    for reply in [
        r#"{"status":"active","message":"m $TOKEN","how_to_connect":"h $TOKEN","residue":["r $TOKEN"],"preview":"p $TOKEN","principal":"ana"}"#,
        r#"{"status":"unknown","message":"m $TOKEN","by_hand":"b $TOKEN","target":{"$TOKEN":"t $TOKEN"},"principal":"$TOKEN"}"#,
        r#"{"status":"active","used":{"sessions":1,"first":null,"last":null,"from":["f $TOKEN"]},"holders":[{"principal":"$TOKEN","grant":null}],"inputs":{"k":"$TOKEN"}}"#,
        &format!(r#"{{"error":{{"code":"denied","message":"{}$TOKEN"}}}}"#, "x".repeat(296)),
    ] {
        let exec = tell(reply).await;
        heard.push(format!("{:?}", exec.observe(&order(), None).await));
        heard.push(format!("{:?}", exec.grant(&order(), None, UNTIL, LEFT).await));
        heard.push(format!("{:?}", exec.resolve(&who, &what).await));
        heard.push(format!("{:?}", exec.uses(&order(), None, UNTIL).await));
        heard.push(format!("{:?}", exec.holders(&json!({})).await));
        heard.push(format!("{:?}", exec.health().await));
    }
    let heard = heard.join("\n");
    assert!(!heard.contains("hunt"), "{heard}");
    assert!(heard.matches("[redacted]").count() >= 9, "{heard}");
    assert_eq!(heard.matches(NAMED).count(), 2, "{heard}");
}
