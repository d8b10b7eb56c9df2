//! The operator's commands as a shell sees them: what they print, where, and with which exit code.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

/// Exit code, standard output, standard error. There is no terminal to ask on.
fn hallpass(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    let ran = command.args(arguments).current_dir(folder).env_remove("HALLPASS_LOG").stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (ran.status.code().unwrap(), text(ran.stdout), text(ran.stderr))
}

#[test]
fn what_init_writes_passes_check_whatever_the_provider() {
    for (provider, more) in [("ssh", &[][..]), ("pretend", &["--asker", "ana=Ana Reyes"]), ("exec", &["--program", "/bin/true"])] {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments =
            vec!["init", "--yes", "--provider", provider, "--resource", "prod-db", "--approver", "ben", "--approver", "cleo"];
        arguments.extend(more);
        let (code, out, err) = hallpass(folder.path(), &arguments);
        assert_eq!(code, 0, "{provider}: {out}{err}");
        assert!(!out.contains("warning"), "{provider}: {out}");
        let (code, out, err) = hallpass(folder.path(), &["check"]);
        assert_eq!(code, 0, "{provider}: {out}{err}");
        assert!(out.contains("1. 1 of ben (ben), cleo (cleo)"), "{out}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{provider}: check makes no file");
    }
}

#[test]
fn a_first_file_is_one_that_somebody_can_use_and_one_that_nobody_can_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = hallpass(folder.path(), &["init", "--yes"]);
    assert_eq!((code, err.as_str(), out.contains("warning")), (0, "", false), "{out}");
    let (_, out, _) = hallpass(folder.path(), &["explain", "ana", "bastion", "login", "1h"]);
    assert!(out.contains("ana may ask;") && out.contains("\nstage 1: 1 of ben (ben)\n") && !out.contains("refused"), "{out}");
    let (_, out, _) = hallpass(folder.path(), &["init", "--yes", "--output", "other.toml", "--approver", "ana"]);
    assert!(!out.contains("warning"), "ben asks there: {out}");
    let (code, out, _) = hallpass(folder.path(), &["init", "--yes", "--output", "alone.toml", "--asker", "ben"]);
    assert_eq!(code, 0);
    assert!(out.contains("what ben asks could never be approved"), "{out}");
}

#[test]
fn a_first_file_for_a_chat_says_what_that_chat_still_needs() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = hallpass(folder.path(), &["init", "--yes", "--channel", "discord:123456789012345678"]);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!(out, @r"
    bot.toml is written. Every key in it is explained there; bot.toml.example has them all.
    warning: bot.toml:14:13: discord:123456789012345678 is not reached (nor are 1 more): there is no [discord]
    First: write [discord] and each person's account into it, as docs/discord.md says; hallpass doctor looks at both
    Next: hallpass check --config bot.toml, then hallpass run --config bot.toml
    ");
    let (_, out, _) = hallpass(folder.path(), &["init", "--yes", "--output", "other.toml", "--channel", "slack:C0123"]);
    assert!(out.contains("First: write [slack] and each person's account into it, as docs/slack.md says"), "{out}");
    let (_, out, _) = hallpass(folder.path(), &["init", "--yes", "--output", "third.toml"]);
    assert!(!out.contains("First:"), "{out}");
    let (code, _, err) = hallpass(folder.path(), &["init", "--yes", "--output", "fourth.toml", "--channel", "discord:#ops"]);
    assert!(code == 1 && err.contains("is not the id of a channel"), "{err}");
}

#[test]
fn init_never_touches_a_file_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bot.toml"), "mine").unwrap();
    let (code, _, err) = hallpass(folder.path(), &["init", "--yes"]);
    insta::assert_snapshot!(err, @"hallpass: bot.toml is there already and stays as it is: choose another --output");
    assert_eq!((code, fs::read_to_string(folder.path().join("bot.toml")).unwrap().as_str()), (1, "mine"));
}

#[test]
fn init_does_not_wait_for_answers_where_nobody_can_give_any() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = hallpass(folder.path(), &["init"]);
    assert_eq!((code, out.as_str()), (1, ""));
    insta::assert_snapshot!(err, @"hallpass: there is no terminal to ask on: give --yes, and by flags what shall differ from the defaults (hallpass init --help)");
    let (code, _, err) = hallpass(folder.path(), &["init", "--yes", "--approver", "Ben Okafor"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(err, @"hallpass: --approver Ben Okafor: an id such as ana, or ana=Ana Reyes: only a-z, 0-9, '.', '_' and '-' are allowed, starting with a letter or digit");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn check_says_who_could_approve_what_within_eighty_columns() {
    let folder = tempfile::tempdir().unwrap();
    let leads: Vec<String> = (0..9).map(|n| format!("[people.lead{n}]\nname = 'Lead Number {n}'\nconsole = 'lead{n}'\n")).collect();
    let members = (0..9).map(|n| format!("'lead{n}'")).collect::<Vec<_>>().join(", ");
    let example = include_str!("../../bot.toml.example");
    let text = format!("{example}\n{}[groups.many]\nmembers = [{members}]\nslack = 'S0123'\n", leads.concat());
    fs::write(folder.path().join("bot.toml"), text).unwrap();
    let (code, out, err) = hallpass(folder.path(), &["check"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let (table, last) = out.trim_end().rsplit_once('\n').unwrap();
    assert!(last.starts_with("bot.toml: nothing is wrong with it (sha256:"), "{last}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    insta::assert_snapshot!(table, @r"
    bastion: the bastion host
      login: policy hosts, at most 4 h, at once up to 15 min, by hosts
        may ask: everyone
        1. 1 of @host-leads
           after 10 min also Eve Stone (eve)

    @host-leads: Ben Okafor (ben), Eve Stone (eve)
    @many: Lead Number 0 (lead0), Lead Number 1 (lead1), Lead Number 2 (lead2),
        Lead Number 3 (lead3), Lead Number 4 (lead4), Lead Number 5 (lead5),
        Lead Number 6 (lead6), Lead Number 7 (lead7), Lead Number 8 (lead8),
        whoever is in S0123 on slack

    administrators: Eve Stone (eve)
    auditors: nobody

    warning: bot.toml:168:9: nothing names the group many
    warning: bot.toml:170:9: S0123 is not reached: there is no [slack]
    ");
}

#[test]
fn check_fails_and_tells_every_problem_and_every_template_that_does_not_render() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bot.toml"), "[store]\nurl = 'mysql:'\n[people.ana]\n").unwrap();
    let (code, out, err) = hallpass(folder.path(), &["check"]);
    assert_eq!((code, out.as_str()), (1, ""));
    insta::assert_snapshot!(err, @r#"
    hallpass: bot.toml:2:7: a store is "sqlite:FILE" or "postgres://user@host/database"
    bot.toml:3:9: name is missing: write name = "Ana Reyes"
    "#);
    let example = include_str!("../../bot.toml.example").replace("# folder = \"templates\"", "folder = \"words\"");
    fs::write(folder.path().join("bot.toml"), example).unwrap();
    fs::create_dir_all(folder.path().join("words/console")).unwrap();
    assert_eq!(hallpass(folder.path(), &["check"]).0, 0, "a folder without files replaces nothing");
    fs::write(folder.path().join("words/console/card.hbs"), "{{!-- == card == --}}\n{{nobody.knows.this}}\n").unwrap();
    let (code, _, err) = hallpass(folder.path(), &["check"]);
    assert_eq!(code, 1);
    assert!(err.contains("card"), "{err}");
}

#[test]
fn explain_answers_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bot.toml"), include_str!("../../bot.toml.example")).unwrap();
    let (code, out, err) = hallpass(folder.path(), &["explain", "@ana", "bastion", "login", "1h"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("hosts") && out.contains("host-leads"), "{out}");
    let (code, _, err) = hallpass(folder.path(), &["explain", "zoe", "bastion", "login"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(err, @"hallpass: zoe is nobody in bot.toml");
}

/// The shell example, its folder of doors, and a fixture beside them.
fn door(folder: &Path, more: &str) {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/adapters/folder.sh");
    fs::copy(example, folder.join("folder.sh")).unwrap();
    fs::set_permissions(folder.join("folder.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(folder.join("doors")).unwrap();
    let doors = folder.join("doors").display().to_string();
    let person = |id: &str| format!("id = '{id}'\nlogins = {{ door = '{id}' }}\n");
    let fixture = format!(
        "config = {{ folder = '{doors}' }}\n{more}\n[role]\ntarget = {{ name = 'front' }}\n[person]\n{}[other]\n{}",
        person("ana"),
        person("ben")
    );
    fs::write(folder.join("fixture.toml"), fixture).unwrap();
}

#[test]
fn adapter_test_tries_a_program_with_a_fixture_and_whether_people_really_get_in() {
    let folder = tempfile::tempdir().unwrap();
    door(folder.path(), "");
    let tries = "#!/bin/sh\ngrant=$(sed -n 's/.*\"grant\":\"\\([A-Za-z0-9._-]*\\)\".*/\\1/p')\n[ -e \"$(dirname \"$0\")/doors/$grant\" ]\n";
    fs::write(folder.path().join("try"), tries).unwrap();
    fs::set_permissions(folder.path().join("try"), fs::Permissions::from_mode(0o755)).unwrap();
    let (code, out, err) = hallpass(folder.path(), &["adapter", "test", "./folder.sh", "--fixture", "fixture.toml", "--try", "./try"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.starts_with("This changes the system behind ./folder.sh, for ana and ben, and takes back what it gave.\nfolder 1\n"),
        "{out}"
    );
    assert!(out.trim_end().ends_with("22 passed, 0 failed, 6 skipped"), "{out}");
    assert_eq!(fs::read_dir(folder.path().join("doors")).unwrap().count(), 0);
    let lies = "#!/bin/sh\nexit 1\n";
    fs::write(folder.path().join("try"), lies).unwrap();
    let (code, out, err) = hallpass(folder.path(), &["adapter", "test", "./folder.sh", "--fixture", "fixture.toml", "--try", "./try"]);
    assert_eq!(code, 1, "whoever does not get in was not granted");
    assert!(out.contains("FAIL  granted is there, and gone after revoke: the person does not get in"), "{out}");
    insta::assert_snapshot!(err, @"hallpass: ./folder.sh breaks rules of docs/adapters.md");
}

#[test]
fn adapter_test_tries_a_provider_of_the_file_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = hallpass(folder.path(), &["init", "--yes", "--provider", "pretend", "--approver", "ben", "--asker", "ana"]);
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = hallpass(folder.path(), &["adapter", "test", "bastion", "--person", "ana", "--other", "ben"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("  pass  standing access survives a grant and its end\n"), "{out}");
    let all = [
        &["adapter", "test", "bastion"][..],
        &["adapter", "test", "bastoin", "--person", "ana", "--other", "ben"],
        &["adapter", "test", "bastion", "--person", "ana", "--other", "ana"],
        &["adapter", "test", "bastion", "--person", "zoe", "--other", "ana"],
        &["adapter", "test", "./program"],
    ];
    let said = all.map(|arguments| {
        let (code, _, err) = hallpass(folder.path(), arguments);
        assert_eq!(code, 1);
        err
    });
    insta::assert_snapshot!(said.concat(), @r#"
    hallpass: whom shall it be tried on? Write --person ID: somebody who holds nothing in that system
    hallpass: bot.toml names no provider bastoin; it has bastion
    hallpass: ana cannot stand for two people
    hallpass: zoe is nobody in bot.toml
    hallpass: a program needs --fixture FILE, which says on whom and what to try it: docs/adapters.md
    "#);
}

#[test]
fn a_fixture_that_is_wrong_is_refused_at_its_line_and_quotes_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    door(folder.path(), "environment = { TOKEN = 'hunter2' }");
    let (code, _, err) = hallpass(folder.path(), &["adapter", "test", "./folder.sh", "--fixture", "fixture.toml"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(err, @r#"hallpass: fixture.toml:2: a secret never stands in the file: write { env = "NAME" } or { file = "PATH" }"#);
}

/// Runs the bot until its log holds this, then stops it as a service manager would; its exit code and the log.
fn run_until(folder: &Path, said: &str) -> (Option<i32>, String) {
    let log = folder.join("log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    let to = fs::File::create(&log).unwrap();
    let mut child = command.arg("run").current_dir(folder).env_remove("HALLPASS_LOG").stdin(Stdio::null()).stderr(to).spawn().unwrap();
    while !fs::read_to_string(&log).unwrap().contains(said) {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::yield_now();
    }
    if child.try_wait().unwrap().is_none() {
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    }
    (child.wait().unwrap().code(), fs::read_to_string(log).unwrap())
}

#[test]
fn templates_or_a_ledger_key_that_broke_do_not_keep_the_bot_from_ending_what_it_gave() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert_eq!(hallpass(folder.path(), &["init", "--yes", "--provider", "pretend", "--approver", "ben", "--asker", "ana"]).0, 0);
    let key = "[ledger]\nkey = { file = 'key' }\n[templates]\nfolder = 'words'\n";
    fs::write(at("bot.toml"), format!("{}{key}", fs::read_to_string(at("bot.toml")).unwrap())).unwrap();
    fs::create_dir_all(at("words/console")).unwrap();
    let write_key = |text: &str| {
        fs::write(at("key"), text).unwrap();
        fs::set_permissions(at("key"), fs::Permissions::from_mode(0o600)).unwrap();
    };
    write_key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let (code, log) = run_until(folder.path(), "hallpass runs");
    assert_eq!(code, Some(0), "{log}");
    fs::write(at("words/console/card.hbs"), "{{!-- == card == --}}\n{{nobody.knows.this}}\n").unwrap();
    let (code, log) = run_until(folder.path(), "hallpass runs");
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("ours are used") && log.contains("granting nothing"), "{log}");
    fs::remove_file(at("words/console/card.hbs")).unwrap();
    write_key("no key at all");
    let (code, log) = run_until(folder.path(), "hallpass runs");
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("the ledger is not sealed"), "{log}");
    assert!(!log.contains("no key at all"), "{log}");
}

#[test]
fn explain_names_people_and_notices_that_nobody_could_approve() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bot.toml"), include_str!("../../bot.toml.example")).unwrap();
    let (code, out, _) = hallpass(folder.path(), &["explain", "ana", "bastion", "login", "1h"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(out, @r"
    ana asks for login on bastion for 1 h: rule hosts
    ana may ask; 1 h is within the cap of 4 h
    stage 1: 1 of @host-leads (ben, eve)
      after 10 min: also eve
    up to 15 min would be approved at once
    unanswered after 4 h
    ");
    let file = folder.path().join("first.toml");
    let (code, _, err) = hallpass(folder.path(), &["init", "--yes", "--output", "first.toml", "--asker", "ben"]);
    assert_eq!(code, 0, "{err}");
    let (code, out, _) = hallpass(folder.path(), &["explain", "ben", "bastion", "login", "1h", "--config", file.to_str().unwrap()]);
    assert_eq!(code, 0);
    assert!(out.contains("\nit would be refused: nobody is left who could approve it for ben\n"), "{out}");
    assert!(out.contains("\nstage 1: 1 of ben (nobody else)\n"), "{out}");
    let (_, out, _) = hallpass(folder.path(), &["explain", "ana", "bastion", "login", "5h"]);
    assert!(out.contains("\nit would be refused: ask for ") && !out.contains("may be extended"), "{out}");
}

/// A ledger of a start and a stop, whose configuration names a program's secret that only the bot has.
fn ledger_of_a_bot(folder: &Path) {
    let at = |name: &str| folder.join(name);
    assert_eq!(hallpass(folder, &["init", "--yes", "--provider", "pretend", "--approver", "ben", "--asker", "ana"]).0, 0);
    fs::write(at("door"), "#!/bin/sh\necho '{\"protocols\":[\"hallpass-adapter/1\"],\"name\":\"door\",\"version\":\"1\",\"ownership\":\"per_grant\",\"sessions\":\"next_request\",\"deadline_s\":6,\"ops\":[\"observe\",\"grant\",\"revoke\"]}'\n").unwrap();
    fs::set_permissions(at("door"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(at("token"), "t0ken").unwrap();
    fs::set_permissions(at("token"), fs::Permissions::from_mode(0o600)).unwrap();
    let more = "[providers.door]\nkind = 'exec'\nprogram = 'door'\nenvironment = { TOKEN = { file = 'token' } }\n";
    fs::write(at("bot.toml"), format!("{}{more}", fs::read_to_string(at("bot.toml")).unwrap())).unwrap();
    let (code, log) = run_until(folder, "hallpass runs");
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn the_ledger_is_read_without_the_adapters_secrets_and_while_the_file_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ledger_of_a_bot(folder);
    let looks: [&[&str]; 4] = [&["ledger", "list"], &["ledger", "show", "bot"], &["ledger", "key"], &["audit", "verify"]];
    fs::remove_file(folder.join("token")).unwrap();
    let first = looks.map(|look| hallpass(folder, look));
    assert!(first.iter().all(|(code, _, err)| *code == 0 && err.is_empty()), "{first:?}");
    assert!(first[0].1.contains("started"), "{first:?}");
    fs::write(folder.join("bot.toml"), "[store\n").unwrap();
    for (look, (_, out, _)) in looks.iter().zip(&first) {
        let (code, again, err) = hallpass(folder, look);
        assert_eq!((code, &again), (0, out), "{err}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(err, @r"
            bot.toml is refused: bot.toml:1:7: unclosed table, expected `]`
            the last file that loaded says where the ledger is: bot.toml.last-good
            ");
        }
    }
    fs::remove_file(folder.join("bot.toml.last-good")).unwrap();
    let (code, _, err) = hallpass(folder, &["ledger", "list"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(err, @"hallpass: bot.toml is refused: bot.toml:1:7: unclosed table, expected `]`");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ledger_of_a_bot(folder);
    let looks: [&[&str]; 7] = [
        &["ledger", "list"],
        &["ledger", "list", "--json"],
        &["ledger", "show", "bot"],
        &["ledger", "key"],
        &["audit", "verify"],
        &["check"],
        &["explain", "ana", "bastion", "login"],
    ];
    for look in looks {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
        command.args(look).current_dir(folder).env_remove("HALLPASS_LOG").stdin(Stdio::null()).stderr(Stdio::piped());
        // Nobody reads: the other end is closed before the first word.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let done = command.stdout(writer).output().unwrap();
        assert!(done.status.success() && done.stderr.is_empty(), "{look:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
    // What was changed is still an error, whoever reads of it.
    fs::write(folder.join("other-key"), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
    fs::set_permissions(folder.join("other-key"), fs::Permissions::from_mode(0o600)).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    command.args(["audit", "verify", "--key", "other-key"]).current_dir(folder).stdin(Stdio::null()).stderr(Stdio::piped());
    assert_eq!(command.stdout(writer).output().unwrap().status.code(), Some(1));
}
