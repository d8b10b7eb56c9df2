//! What bot.toml says of a receiver: each mistake is told with its place, and no secret with it.

use std::fs;

use hallpass::config::load;

use super::House;

/// What `check` says of a file with these lines about the receiver, the first of which is line 20.
fn said(house: &House, lines: &str) -> String {
    let text = format!(
        "administrators = ['ben']\n[store]\nurl = 'sqlite:a.db'\n[alarm]\nchannels = ['console:#ops']\n\
         [people.ana]\nname = 'Ana'\nconsole = 'ana'\n[people.ben]\nname = 'Ben'\nconsole = 'ben'\n[policies.p]\ncap = '1h'\n\
         may_ask = ['ana']\nstages = [{{ approvers = ['ben'] }}]\n[resources.house]\nprovider = 'doors'\nchannels = ['console:#a']\n\
         policy = 'p'\nroles = [{{ name = 'key' }}]\n[providers.doors]\nkind = 'webhook'\n{lines}\n"
    );
    fs::write(house.at("bot.toml"), text.replace("cap = '1h'\n", "cap = '1h'\ndefault = '1h'\n")).unwrap();
    let said = load(&house.at("bot.toml")).map_or_else(|problems| problems.to_string(), |_| "fine".into());
    said.replace(&house.folder.path().display().to_string(), "HERE")
}

#[test]
fn each_mistake_is_told_with_its_place() {
    let house = House::new();
    house.secret("short", "whsec_aHVudGVyMjI=");
    house.secret("two-lines", "Bearer\nhunter22");
    fs::write(house.at("empty.pem"), "").unwrap();
    let fine = "url = 'https://access.example.org/hook'\nsecret = { file = 'secret' }\nca_file = 'ca.pem'\n\
                headers = { Authorization = { file = 'token' } }\nallow = ['10.0.0.0/8']\nconfig = { any = 1 }";
    assert_eq!(said(&house, fine), "fine");
    let mut all = Vec::new();
    for (from, to) in [
        ("https://access.example.org/hook", "https://user:hunter22@access.example.org/"),
        ("https://access.example.org/hook", "https://0x7f.1/hook"),
        ("https://access.example.org/hook", "http://access.example.org/hook"),
        ("{ file = 'secret' }", "'hunter22'"),
        ("{ file = 'secret' }", "{ file = 'missing' }"),
        ("{ file = 'secret' }", "{ file = 'short' }"),
        ("secret = { file = 'secret' }", "secrets = [{ file = 'secret' }, { env = 'HALLPASS_TEST_NOT_SET' }]"),
        ("secret = { file = 'secret' }\n", ""),
        ("{ file = 'token' }", "'hunter22'"),
        ("{ file = 'token' }", "{ file = 'missing' }"),
        ("{ file = 'token' }", "{ file = 'two-lines' }"),
        ("Authorization", "Content-Type"),
        ("'ca.pem'", "'missing.pem'"),
        ("'ca.pem'", "'empty.pem'"),
        ("10.0.0.0/8", "10.0.0.0/4"),
        ("config = ", "follow_redirects = "),
        ("allow = ", "alow = "),
    ] {
        assert!(fine.contains(from), "{from}");
        all.push(said(&house, &fine.replace(from, to)));
    }
    let all = all.join("\n");
    assert!(!all.contains("hunter22"), "{all}");
    insta::assert_snapshot!(all, @r#"
    HERE/bot.toml:24:7: a name or a password in an address is sent to nobody: write headers = { Authorization = { env = "NAME" } }
    HERE/bot.toml:22:12: url: 127.0.0.1 is this machine itself, which is connected to only if "allow" names it
    HERE/bot.toml:24:7: what is sent would be in clear on a network: write https (http only to a loopback address that "allow" names)
    HERE/bot.toml:25:10: a secret never stands in the file: write { env = "NAME" } or { file = "PATH" }
    HERE/bot.toml:25:10: HERE/missing: No such file or directory (os error 2)
    HERE/bot.toml:25:10: HERE/short is no signing secret: it is whsec_ and the base64 of 24 to 64 random bytes
    HERE/bot.toml:25:33: the environment variable HALLPASS_TEST_NOT_SET is not set
    HERE/bot.toml:22:12: secret is missing: write secret = { env = "NAME" }, or { file = "PATH" }
    HERE/bot.toml:27:29: a secret never stands in the file: write { env = "NAME" } or { file = "PATH" }
    HERE/bot.toml:27:29: HERE/missing: No such file or directory (os error 2)
    HERE/bot.toml:27:11: HERE/two-lines cannot stand in a header
    HERE/bot.toml:27:13: this header is written by the bot itself: leave it out
    HERE/bot.toml:26:11: HERE/missing.pem: No such file or directory (os error 2)
    HERE/bot.toml:26:11: HERE/empty.pem has no certificate (PEM)
    HERE/bot.toml:28:9: a range has between 8 and 32 bits here: name what is meant
    HERE/bot.toml:29:1: unknown key "follow_redirects"; known here: url, secret, secrets, headers, allow, ca_file, config
    HERE/bot.toml:28:1: unknown key "alow"; did you mean "allow"?
    "#);
}
