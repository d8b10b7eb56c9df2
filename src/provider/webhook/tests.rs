//! Where requests may go, and what settings say: no request leaves here.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    sync::Mutex,
};

use reqwest::dns::{Addrs, Name, Resolving};

use super::{guard::Allow, *};
use crate::provider::protocol::time_within;

const SECRET: &str = "secret = { env = 'HALLPASS_HOOK' }";

fn read(settings: &str) -> Result<Settings, String> {
    toml::from_str(settings).map_err(|error: toml::de::Error| error.message().to_owned())
}

fn at(url: &str, more: &str) -> Result<Settings, String> {
    read(&format!("url = '{url}'\n{SECRET}\n{more}"))
}

fn allow(list: &str) -> Allow {
    at("https://access.example.org", &format!("allow = {list}")).unwrap().allow
}

/// Answers each question with the next list.
struct Script(Mutex<VecDeque<Vec<&'static str>>>);

impl Script {
    fn new(answers: &[&[&'static str]]) -> Arc<Self> {
        Arc::new(Self(Mutex::new(answers.iter().map(|answer| answer.to_vec()).collect())))
    }
}

impl Resolve for Script {
    fn resolve(&self, _: Name) -> Resolving {
        let answer = self.0.lock().unwrap().pop_front().unwrap();
        let all: Vec<_> = answer.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect();
        Box::pin(async move { Ok(Box::new(all.into_iter()) as Addrs) })
    }
}

async fn asked(guard: &Guard, name: &str) -> Result<Vec<IpAddr>, String> {
    let found = guard.resolve(name.parse().unwrap()).await;
    found.map(|found| found.map(|address| address.ip()).collect()).map_err(|error| error.to_string())
}

#[test]
fn a_receiver_is_never_told_of_more_time_than_a_call_has_before_its_committed_deadline() {
    let most = Duration::from_secs(30);
    for left in (0..400_u64).map(|tenths| Duration::from_millis(tenths * 100)) {
        match time_within::<Https>(most, left) {
            Ok(limit) => {
                let told = Https::seconds(limit);
                let ends = Duration::from_secs(told) + SLACK.std();
                assert!(told >= 1 && ends <= left, "{left:?}: {told} s");
            }
            Err(fault) => {
                assert_eq!(fault.kind, FaultKind::Transient);
                assert!(left < SLACK.std() + Duration::from_secs(1), "{left:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_name_is_judged_each_time_by_the_addresses_that_it_has_then() {
    let guard = Guard::new(Allow::default(), Script::new(&[&["1.1.1.1"], &["10.0.0.7"], &["1.1.1.1"]]));
    assert_eq!(asked(&guard, "access.example.org").await, Ok(vec!["1.1.1.1".parse().unwrap()]));
    insta::assert_snapshot!(asked(&guard, "access.example.org").await.unwrap_err(), @r#"access.example.org is 10.0.0.7, and that is an address of a private network, which is connected to only if "allow" names it"#);
    assert!(asked(&guard, "access.example.org").await.is_ok());
}

#[tokio::test]
async fn one_address_that_is_refused_makes_the_whole_answer_suspect() {
    for answer in [&["1.1.1.1", "127.0.0.1"][..], &["::ffff:10.0.0.1", "1.1.1.1"], &["64:ff9b::a9fe:a9fe"], &["2606:4700::1", "fe80::1"]] {
        let guard = Guard::new(Allow::default(), Script::new(&[answer]));
        assert!(asked(&guard, "access.example.org").await.is_err(), "{answer:?}");
    }
}

#[tokio::test]
async fn a_name_that_is_allowed_may_be_private_and_nothing_stranger() {
    let list = "['Hooks.internal.example.org.', 'bücher.example', 'localhost']";
    for (name, address, is_allowed) in [
        ("hooks.internal.example.org", "10.0.0.1", true),
        ("HOOKS.internal.example.org.", "fd00::1", true),
        ("hooks.internal.example.org", "127.0.0.1", true),
        ("hooks.internal.example.org", "169.254.169.254", false),
        ("hooks.internal.example.org", "0.0.0.0", false),
        ("hooks.internal.example.org", "::ffff:169.254.169.254", false),
        ("hooks.internal.example.org", "fd00:ec2::254", false),
        ("hooks.internal.example.org", "fd20:ce::254", false),
        ("hooks.internal.example.org", "100.100.100.200", false),
        ("hooks.internal.example.org", "100.100.100.201", true),
        ("hooks.internal.example.org", "168.63.129.16", false),
        ("hooks.internal.example.org", "64:ff9b:1::169.254.169.254", false),
        ("hooks.internal.example.org", "64:ff9b:1:a9fe:a9:fe00::", false),
        ("hooks.internal.example.org", "64:ff9b:1::10.0.0.1", true),
        ("evil.hooks.internal.example.org", "10.0.0.1", false),
        ("internal.example.org", "10.0.0.1", false),
        ("xn--bcher-kva.example", "192.168.1.1", true),
        ("localhost", "::1", true),
        ("localhost.evil.example", "::1", false),
    ] {
        let guard = Guard::new(allow(list), Script::new(&[&[address]]));
        assert_eq!(asked(&guard, name).await.is_ok(), is_allowed, "{name} {address}");
    }
}

#[tokio::test]
async fn an_address_or_a_range_that_is_allowed_is_allowed_in_every_form_and_no_other_is() {
    let list = "['10.1.2.3', '192.168.0.0/16', 'fd12:3456::/32', '169.254.10.1']";
    for (address, is_allowed) in [
        ("10.1.2.3", true),
        ("10.1.2.4", false),
        ("::ffff:10.1.2.3", true),
        ("64:ff9b::a01:203", true),
        ("64:ff9b::a01:204", false),
        ("192.168.0.0", true),
        ("192.168.255.255", true),
        ("192.169.0.1", true),
        ("172.16.0.1", false),
        ("fd12:3456:ffff::1", true),
        ("fd12:3457::1", false),
        ("169.254.10.1", true),
        ("169.254.169.254", false),
    ] {
        let guard = Guard::new(allow(list), Script::new(&[&[address]]));
        assert_eq!(asked(&guard, "access.example.org").await.is_ok(), is_allowed, "{address}");
    }
}

#[tokio::test]
async fn where_a_cloud_tells_secrets_is_connected_to_only_when_that_very_address_is_named() {
    for (list, address, is_allowed) in [
        ("['fd00::/8']", "fd00:ec2::254", false),
        ("['fd00::/8']", "fd00:ec2::255", true),
        ("['fd00:ec2::254']", "fd00:ec2::254", true),
        ("['100.64.0.0/10']", "100.100.100.200", false),
        ("['100.64.0.0/10']", "::ffff:100.100.100.200", false),
        ("['100.100.100.200/32']", "100.100.100.200", true),
        ("['64:ff9b::/96']", "64:ff9b::169.254.169.254", false),
        ("['64:ff9b::/96']", "64:ff9b::100.100.100.200", false),
        ("['64:ff9b::/96']", "64:ff9b::10.0.0.1", true),
        ("['64:ff9b:1::/96']", "64:ff9b:1::169.254.169.254", false),
    ] {
        let guard = Guard::new(allow(list), Script::new(&[&[address]]));
        assert_eq!(asked(&guard, "access.example.org").await.is_ok(), is_allowed, "{list} {address}");
    }
}

#[test]
fn an_odd_spelling_of_an_address_is_that_address() {
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "127.0.0.1.",
        "127.000.000.001",
        "0177.0.0.01",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:0:0:1]",
        "[::127.0.0.1]",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "①②⑦。0。0。1",
        "0",
        "0.0.0.0",
        "[::]",
        "10.0.0.1",
        "0xa.1",
        "169.254.169.254",
        "2852039166",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
    ] {
        let why = at(&format!("https://{host}/hook"), "").unwrap_err();
        assert!(why.starts_with("url: ") && why.contains("\"allow\" names it"), "{host}: {why}");
    }
    assert!(at("https://1.1.1.1/hook", "").is_ok());
    assert!(at("https://0x7f.1/hook", "allow = ['127.0.0.1']").is_ok());
    assert!(at("https://[::ffff:10.0.0.1]/hook", "allow = ['10.0.0.0/8']").is_ok());
}

#[test]
fn an_address_is_https_or_a_loopback_that_is_allowed_and_holds_no_secret() {
    let all = [
        at("http://access.example.org/hook", ""),
        at("http://10.0.0.1/hook", "allow = ['10.0.0.1']"),
        at("http://localhost/hook", "allow = ['localhost']"),
        at("http://127.0.0.1/hook", ""),
        at("https://ana:hunter22@access.example.org/hook", ""),
        at("https://hunter22@access.example.org/hook", ""),
        at("https://access.example.org@evil.example/hook", ""),
        at("https://access.example.org/hook#hunter22", ""),
        at("ftp://access.example.org/hunter22", ""),
        at("file:///hunter22", ""),
        at("hunter22", ""),
        at("https://", ""),
    ];
    let all: Vec<_> = all.into_iter().map(|settings| settings.unwrap_err().replace('\n', " ")).collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
    what is sent would be in clear on a network: write https (http only to a loopback address that "allow" names)
    what is sent would be in clear on a network: write https (http only to a loopback address that "allow" names)
    what is sent would be in clear on a network: write https (http only to a loopback address that "allow" names)
    url: 127.0.0.1 is this machine itself, which is connected to only if "allow" names it
    a name or a password in an address is sent to nobody: write headers = { Authorization = { env = "NAME" } }
    a name or a password in an address is sent to nobody: write headers = { Authorization = { env = "NAME" } }
    a name or a password in an address is sent to nobody: write headers = { Authorization = { env = "NAME" } }
    what stands behind # is sent to nobody: leave it out
    that is no address of a receiver: write "https://access.example.org/hallpass"
    that is no address of a receiver: write "https://access.example.org/hallpass"
    that is no address of a receiver: write "https://access.example.org/hallpass"
    that is no address of a receiver: write "https://access.example.org/hallpass"
    "#);
    assert!(at("http://127.0.0.1:8080/hook", "allow = ['127.0.0.0/8']").is_ok());
    assert!(at("http://[::1]/hook", "allow = ['::1']").is_ok());
    assert!(!all.join("").contains("hunter22"));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let fine = "https://access.example.org/hook";
    let all = [
        read(&format!("url = '{fine}'")),
        read(SECRET),
        at(fine, "secrets = [{ env = 'A' }]"),
        read(&format!("url = '{fine}'\nsecrets = [{}]", "{ env = 'A' },".repeat(5))),
        read(&format!("url = '{fine}'\nsecret = 'whsec_hunter22'")),
        at(fine, "headers = { Authorization = 'hunter22' }"),
        at(fine, "headers = { Webhook-Id = { env = 'A' } }"),
        at(fine, "headers = { Host = { env = 'A' } }"),
        at(fine, "headers = { 'a b' = { env = 'A' } }"),
        at(fine, "allow = ['0.0.0.0/0']"),
        at(fine, "allow = ['::/0']"),
        at(fine, "allow = ['10.0.0.0/33']"),
        at(fine, "allow = ['10.0.0.0/8/8']"),
        at(fine, "allow = ['a b']"),
        at(fine, "allow = ['*.example.org']"),
        at(fine, "redirects = true"),
    ];
    let all: Vec<_> = all.into_iter().map(|settings| settings.unwrap_err().replace('\n', " ")).collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
    secret is missing: write secret = { env = "NAME" }, or { file = "PATH" }
    missing field `url`
    secret and secrets are two ways to say the same: leave one out
    secrets are at most 4: the new one first, then those that still count
    a secret never stands in the file: write { env = "NAME" } or { file = "PATH" }
    a secret never stands in the file: write { env = "NAME" } or { file = "PATH" }
    this header is written by the bot itself: leave it out
    this header is written by the bot itself: leave it out
    that is no name of a header
    a range has between 8 and 32 bits here: name what is meant
    a range has between 7 and 128 bits here: name what is meant
    a range has between 8 and 32 bits here: name what is meant
    that is no range of addresses: write an address, a range such as 10.0.0.0/8, or the name of a host
    that is no host: write an address, a range such as 10.0.0.0/8, or the name of a host
    that is no host: write an address, a range such as 10.0.0.0/8, or the name of a host
    unknown field `redirects`, expected one of `url`, `secret`, `secrets`, `headers`, `allow`, `ca_file`, `config`
    "#);
    assert!(!all.join("").contains("hunter22"));
}
