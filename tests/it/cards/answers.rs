//! What commands are answered with, and help on each of them.

use hallpass::{
    chat::render::Templates,
    domain::{parse::COMMANDS, policy::Platform, time::Span},
};

use super::section;
use crate::world::World;

const ASK: &str = "/jit request prod-db write 1h Unblock the stuck import";

/// A line, by whom, and the answer's template.
async fn page() -> (String, Vec<String>) {
    let world = World::new().await;
    let (mut page, mut names) = (String::new(), Vec::new());
    let mut note = |name: &str, what: &str, said: String| {
        names.push(format!("answer/{name}"));
        page.push_str(&section(&format!("{name}: {what}"), &said));
    };
    note("mine", "nothing yet", world.say("ana", "/jit mine").await);
    note("inbox", "nothing yet", world.say("ben", "/jit inbox").await);
    note("who", "nobody", world.say("eve", "/jit who prod-db").await);
    note("form", "/jit", world.say("ana", "/jit").await);
    note("resources", "/jit resources", world.say("ana", "/jit resources").await);
    note("explain", "/jit explain", world.say("ana", "/jit explain prod-db write 1h").await);
    let link = world.say("ana", "/jit link").await;
    let code = link.split_whitespace().skip_while(|word| *word != "link").nth(1).unwrap().to_owned();
    note("link", "/jit link", link.replace(&code, "CODE"));
    note("linked", "/jit link CODE", world.say_on(Platform::Discord, "80351110224678912", &format!("/jit link {code}")).await);
    note("unlinked", "/jit unlink", world.say("eve", "/jit unlink @ana discord").await);
    for line in ["/jit quiet", "/jit quiet on", "/jit quiet", "/jit quiet off"] {
        note("quiet", line, world.say("ana", line).await);
    }
    note("clock", "/jit clock", world.say("eve", "/jit clock").await);
    note("clock", "/jit clock confirm", world.say("eve", "/jit clock confirm").await);
    note("help", "/jit help", world.say("ana", "/jit help").await);
    note("asked", ASK, world.say("ana", ASK).await);
    let id = world.newest().await;
    note("inbox", "waiting", world.say("ben", "/jit inbox").await);
    note("acted", "looking", world.press("ben", "looking", &id, None).await);
    note("acted", "pass", world.press("ben", "pass", &id, Some("@dora")).await);
    note("acted", "offer", world.press("ben", "less", &id, Some("30m try it with this first")).await);
    note("acted", "decline", world.press("ana", "decline", &id, None).await);
    note("acted", "approve", world.press("ben", "approve", &id, None).await);
    world.advance(Span::from_minutes(1)).await;
    note("show", "held", world.say("ana", &format!("/jit show {id}")).await);
    note("who", "somebody", world.say("eve", "/jit who prod-db").await);
    note("acted", "extend at once", world.press("ana", "extend:30m", &id, None).await);
    note("acted", "extend", world.press("ana", "extend:1h", &id, None).await);
    note("mine", "held", world.say("ana", "/jit mine").await);
    note("acted", "return", world.press("ana", "return", &id, None).await);
    note("show", "closed", world.say("ana", &format!("/jit show {id}")).await);
    world.advance(Span::from_minutes(1)).await;
    world.say("ana", ASK).await;
    let second = world.newest().await;
    note("acted", "deny", world.press("ben", "deny", &second, Some("use the read replica")).await);
    world.advance(Span::from_minutes(1)).await;
    world.say("ana", ASK).await;
    let third = world.newest().await;
    note("acted", "cancel", world.press("ana", "cancel", &third, None).await);
    world.advance(Span::from_minutes(1)).await;
    world.say("ana", ASK).await;
    let fourth = world.newest().await;
    world.press("ben", "approve", &fourth, None).await;
    note("revoked_all", "everything of Ana's", world.say("eve", "/jit revoke @ana enough for today").await);
    note("mine", "closed", world.say("ana", "/jit mine").await);
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1pbmRsZXNzIGtleSBmb3IgYSB0ZXN0LCAzMiBieXRl";
    note("key_kept", "/jit key", world.say("ana", &format!("/jit key {key}")).await);
    for (n, id) in [id, second, third, fourth].iter().enumerate() {
        page = page.replace(id.as_str(), &format!("R-{n}....."));
    }
    (page, names)
}

#[tokio::test]
async fn every_answer() {
    let (page, names) = page().await;
    insta::assert_snapshot!("answers", page);
    // Told only after a race, which the store's tests make, by a chat that opens pages, or where credentials are handed out.
    let elsewhere = ["done_before", "later", "unopened", "elsewhere", "not_its_place", "not_mine", "form_gone"].into_iter();
    let elsewhere = elsewhere.chain(["credential", "credential_sent", "credential_unseen"]);
    let elsewhere: Vec<String> = elsewhere.map(|name| format!("answer/{name}")).collect();
    for section in Templates::load(None).unwrap().names().into_iter().filter(|name| name.starts_with("answer/")) {
        assert!(names.contains(&section) || elsewhere.contains(&section), "{section} has no snapshot");
    }
}

#[tokio::test]
async fn every_command_has_its_help() {
    let world = World::new().await;
    let mut page = String::new();
    for command in COMMANDS {
        let help = world.say("ana", &format!("/jit help {command}")).await;
        assert!(help.starts_with(&format!("/jit {command}")), "{command}: {help}");
        page.push_str(&section(command, &help));
    }
    insta::assert_snapshot!("help", page);
    let all = world.say("ana", "/jit help").await;
    for topic in ["nonsense", "{{x}}"] {
        let said = world.say("ana", &format!("/jit help {topic}")).await;
        assert_eq!(said, format!("There is no help on \"{topic}\".\n{all}"));
    }
    assert!(world.say("ana", "/jit help /jit Request").await.starts_with("/jit request"));
}
