//! The demo as a newcomer runs it: the real binary, played by itself and typed into through a pipe.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

/// Types these lines; what was on the screen.
fn typed(store: &Path, columns: usize, lines: &[&str]) -> String {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_hallpass"))
        .args(["demo", "--store"])
        .arg(store)
        .env("COLUMNS", columns.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = demo.stdin.take().unwrap();
    input.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    drop(input);
    let output = demo.wait_with_output().unwrap();
    let (screen, log) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{screen}\n{log}");
    assert_eq!(log, "", "the screen belongs to the chat");
    screen
}

/// What followed a typed line, up to the next prompt.
fn after<'s>(screen: &'s str, line: &str) -> &'s str {
    let from = screen.find(&format!("> {line}\n")).unwrap_or_else(|| panic!("{line}:\n{screen}"));
    let rest = &screen[from + line.len() + 3..];
    let prompt = rest.match_indices('\n').map(|(at, _)| at + 1).find(|at| {
        let next = rest[*at..].lines().next().unwrap_or_default();
        next.split_once("> ").is_some_and(|(prompt, _)| prompt.split(' ').nth(1) == Some("in") && prompt.contains('#'))
    });
    prompt.map_or(rest, |end| &rest[..end])
}

#[test]
fn the_played_scenario_comes_out_as_it_should() {
    let output = Command::new(env!("CARGO_BIN_EXE_hallpass")).args(["demo", "--play"]).output().unwrap();
    let screen = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{screen}\n{}", String::from_utf8_lossy(&output.stderr));
    for shown in [
        "The clock of this scenario runs 60 times as fast as a real one",
        "✓ who may answer",
        "✓ the wrong people's presses changed nothing",
        "✓ granted",
        "✓ a certificate for 10m",
        "✓ Ana was told privately how to connect",
        "✓ warned before the end",
        "✓ extended",
        "✓ its certificate is refused by the revocation list",
        "Ended: Ana Reyes had login on bastion",
        "✓ denied",
        "✓ it escalated to those on call first",
        "✓ the ask that nobody answered is closed",
        "Every step came out as it should.",
    ] {
        assert!(screen.contains(shown), "{shown}:\n{screen}");
    }
}

#[test]
fn one_person_types_a_whole_life_through_a_pipe_and_opens_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("demo.db");
    let screen = typed(
        &store,
        100,
        &["/jit request bastion login 15m look at the disk", "press 1", "as ben", "press 3", "press 1 only the disk", "as ana", "cert"],
    );
    let asked = after(&screen, "/jit request bastion login 15m look at the disk");
    assert!(asked.contains("\n── #host-approvers\nAna Reyes asks for login on bastion"), "{asked}");
    assert!(asked.trim_end().ends_with("[1 Approve]  [2 Approve less…]  [3 Deny…]  [4 I'm looking]  [5 Pass on…]"), "{asked}");
    assert!(after(&screen, "press 1").starts_with("You asked for this yourself"), "{screen}");
    assert!(after(&screen, "press 3").starts_with("Say why"), "{screen}");
    let approved = after(&screen, "press 1 only the disk");
    assert!(approved.contains("    ✓ Ben Okafor approved"), "{approved}");
    assert!(approved.contains("── to ana only\n    You have login on bastion until"), "{approved}");
    let cert = after(&screen, "cert");
    let path = cert.split_whitespace().find(|word| word.ends_with("-cert.pub")).unwrap();
    let certificate = ssh_key::Certificate::from_openssh(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(certificate.valid_principals(), ["bastion:login"]);
    let again = typed(&store, 100, &["look", "press 1", "cert"]);
    assert!(again.contains("\n── #host-approvers\nAna Reyes has login on bastion until"), "open cards are shown again: {again}");
    let returned = after(&again, "press 1");
    assert!(returned.contains("Ended: Ana Reyes had login on bastion"), "{returned}");
    assert!(after(&again, "cert").starts_with("ana holds no certificate now"), "{again}");
}

#[test]
fn what_cannot_be_understood_is_answered_with_what_would_work() {
    let folder = tempfile::tempdir().unwrap();
    let lines = ["as nobody", "in #nowhere", "press", "press 99", "/jit request bastoin login", "in ops", "look", "as dora", ""];
    let screen = typed(&folder.path().join("demo.db"), 100, &lines);
    assert!(after(&screen, "as nobody").starts_with("Nobody is called \"nobody\" here: ana, ben, cleo, dora, eve, finn."));
    assert!(after(&screen, "in #nowhere").starts_with("There is no channel \"#nowhere\" here: #host-approvers, #ops."));
    assert!(after(&screen, "press").starts_with("Which button?"));
    assert!(after(&screen, "press 99").starts_with("There is no button 99 that ana can see now."));
    assert!(after(&screen, "/jit request bastoin login").contains("bastion"));
    assert!(after(&screen, "look").starts_with("#ops is empty."));
    assert!(screen.trim_end().ends_with("dora in #ops>"), "{screen}");
}

#[test]
fn a_screen_of_forty_columns_is_wrapped_between_words() {
    let folder = tempfile::tempdir().unwrap();
    let screen = typed(&folder.path().join("demo.db"), 40, &["/jit request bastion root 1h a longer reason for it", "help"]);
    for line in screen.lines().filter(|line| !line.contains("> ")) {
        let whole = line.split_whitespace().any(|word| word.chars().count() > 36);
        assert!(whole || line.chars().count() <= 40, "{line}");
    }
    assert!(screen.contains("\nRule   roots: 2 approvals: @host-leads,\n       then @security · cap 4 h\n"), "{screen}");
}

#[test]
fn a_play_never_begins_in_a_store_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("demo.db");
    std::fs::write(&store, b"").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_hallpass")).args(["demo", "--play", "--store"]).arg(&store).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("name a store that does not exist yet"));
}

/// The form as it is filled in at the terminal; what is wrong is said at its question, and everything else stays.
#[test]
fn the_form_says_what_is_wrong_at_once_asks_it_again_and_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        "as eve",
        "/jit",
        "bastoin",
        "bastion",
        "root",
        "tomorrow 09:00",
        "5h",
        "1h",
        "@nobody",
        "@ana",
        "ab",
        "move the tables",
        "NONE",
        "yes",
        "OPS-1",
        "yes",
    ];
    let screen = typed(&folder.path().join("demo.db"), 200, &lines);
    let opened = after(&screen, "/jit");
    assert!(opened.starts_with("What do you need? ") && opened.contains("a single . leaves the form"), "{opened}");
    let wrong = after(&screen, "bastoin");
    assert!(wrong.starts_with("There is no \"bastoin\". Did you mean bastion?"), "{wrong}");
    assert!(wrong.contains("\nWhat do you need? bastion (") && wrong.contains("begins with /jit, and as NAME"), "{wrong}");
    assert_eq!(wrong.matches("leaves the form").count(), 1, "{wrong}");
    let over = after(&screen, "5h");
    assert!(over.starts_with("5 h is more than the 4 h allowed here.") && over.contains("\nHow long? "), "{over}");
    assert!(after(&screen, "root").starts_with("From when?"), "{screen}");
    assert!(after(&screen, "1h").starts_with("For whom? @NAME"), "{screen}");
    let nobody = after(&screen, "@nobody");
    assert!(nobody.starts_with("I know nobody called \"nobody\".") && nobody.contains("\nFor whom?"), "{nobody}");
    let short = after(&screen, "ab");
    assert!(short.starts_with("Say why, in at least 4 characters") && short.contains("\nWhy? "), "{short}");
    assert!(after(&screen, "NONE").contains("Send it? yes"), "{screen}");
    let refused = after(&screen, "yes");
    assert!(refused.starts_with("\"NONE\" is not a ticket that counts here.") && refused.contains("\nA ticket? "), "{refused}");
    let sent = &screen[screen.rfind("> yes\n").unwrap()..];
    assert!(
        sent.contains("Asked. Eve Stone asks for root on bastion (the bastion host) for Ana Reyes, for 1 h, from tomorrow 09:00"),
        "{sent}"
    );
    assert!(sent.contains("\"move the tables\"") && sent.contains("OPS-1"), "{sent}");
}

#[test]
fn commands_and_another_person_leave_the_form_and_are_done() {
    let folder = tempfile::tempdir().unwrap();
    let lines = ["/jit", "/jit mine", "/jit", "bastion", "as ben", "/jit", "bastion", "login", "", "30m", "as agreed", "."];
    let screen = typed(&folder.path().join("demo.db"), 200, &lines);
    let mine = after(&screen, "/jit mine");
    assert!(mine.starts_with("(The form is left; nothing was asked.)\nYou hold nothing"), "{mine}");
    assert!(after(&screen, "as ben").starts_with("(The form is left"), "{screen}");
    assert!(after(&screen, "as agreed").starts_with("A ticket?"), "a reason may begin like that: {screen}");
    assert!(after(&screen, ".").starts_with("The form is left; nothing was asked."), "{screen}");
    assert!(screen.contains("\nben in #host-approvers> /jit\n"), "{screen}");
}
