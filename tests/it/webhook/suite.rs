//! The conformance suite, and what a receiver sees of the bot.

use std::{fs, process::Command, sync::Arc};

use hallpass::{
    cli::adapter,
    clock::{Clock as _, ManualClock, SystemClock},
    domain::time::Span,
    provider::{FaultKind, Provider as _, Seen, webhook::Webhook},
};

use super::{House, LEFT, OLDER, SECRET, UNTIL, front, made, order};

#[tokio::test]
async fn the_example_receiver_passes_the_suite_over_tls_and_leaves_nothing() {
    let house = House::new();
    let receiver = house.receiver(0);
    let provider = house.provider(&receiver).await;
    let report = adapter::test(&provider, None, &front(), None).await;
    assert!(report.is_passed(), "{report}");
    insta::assert_snapshot!(report, @r"
    keys 1
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
      pass  extending moves the native end
      skip  a credential is made when fetched: it has no credentials
      pass  holders are listed
      skip  open sessions are told for each order: it does not see sessions
      pass  hostile names are data
      pass  health answers
      pass  standing access survives a grant and its end
      pass  two grants overlap, and both end
      pass  killed after the call took effect, overlapped and ended: nothing is left
      pass  cut answers leave nothing behind
      pass  slow answers leave nothing behind
      pass  garbage answers leave nothing behind
      skip  garbage on standard output is not taken for an answer: it is no program
      skip  an exit code that means nothing is not taken for an answer: it is no program
      skip  an answer that is too long is not taken for one: it is no program
      skip  at the deadline the program's whole group is killed: it is no program
      skip  what the program leaves behind is killed when it ends: it is no program
    21 passed, 0 failed, 7 skipped
    ");
    assert_eq!(house.keys(), Vec::<String>::new());
}

/// The real program, told of a proxy by its environment, which it does not ask.
#[test]
fn hallpass_adapter_test_takes_a_receiver_of_bot_toml() {
    let house = House::new();
    let receiver = house.receiver(0);
    let text = format!(
        "administrators = ['ben']\n[store]\nurl = 'sqlite:a.db'\n[alarm]\nchannels = ['console:#ops']\n\
         [people.ana]\nname = 'Ana'\nconsole = 'ana'\nlogins = {{ doors = 'ana' }}\n\
         [people.ben]\nname = 'Ben'\nconsole = 'ben'\nlogins = {{ doors = 'ben' }}\n[policies.p]\ncap = '1h'\ndefault = '1h'\n\
         may_ask = ['ana']\nstages = [{{ approvers = ['ben'] }}]\n[resources.house]\nprovider = 'doors'\nchannels = ['console:#a']\n\
         policy = 'p'\nroles = [{{ name = 'key', target = {{ door = 'front' }} }}]\n[providers.doors]\nkind = 'webhook'\n{}",
        house.settings(&format!("127.0.0.1:{}", receiver.port))
    );
    fs::write(house.at("bot.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    command.args(["adapter", "test", "doors", "--person", "ana", "--other", "ben", "--unknown-login", "eve"]).current_dir(house.at(""));
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        command.env(name, "http://127.0.0.1:1");
    }
    let ran = command.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("pass  a person who is not there is named as such") && said.contains(" 0 failed"), "{said}");
}

#[tokio::test]
async fn a_message_is_signed_dated_and_named_and_carries_what_the_file_says() {
    let house = House::new();
    let receiver = house.receiver(0);
    let provider = house.provider(&receiver).await;
    assert_eq!(provider.observe(&order("G-1"), None).await, Ok(Seen::Absent));
    let heard = house.heard();
    let (first, last) = (&heard[0], heard.last().unwrap());
    assert_eq!(first["body"], r#"{"op":"describe","protocol":"hallpass-adapter/1","protocols":["hallpass-adapter/1"]}"#);
    let header = |name: &str| last["headers"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(last["path"], "/hallpass");
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("accept-encoding"), "identity");
    assert_eq!(header("authorization"), "Bearer t0ken-of-the-bot");
    assert!(header("user-agent").starts_with("hallpass/"));
    assert!((header("webhook-timestamp").parse::<i64>().unwrap() - SystemClock.now().seconds()).abs() < 60);
    assert!(header("webhook-id").starts_with("hp_") && !header("webhook-id").contains('.'));
    assert!(header("webhook-signature").starts_with("v1,"));
    let body: serde_json::Value = serde_json::from_str(last["body"].as_str().unwrap()).unwrap();
    assert_eq!((&body["config"]["site"], &body["deadline_s"]), (&"main".into(), &10.into()));
}

#[tokio::test]
async fn during_a_rotation_either_secret_is_enough_and_another_is_denied() {
    let house = House::new();
    let receiver = house.receiver_with(0, "127.0.0.1", OLDER);
    let place = format!("127.0.0.1:{}", receiver.port);
    let refused = made(&house.settings(&place)).await;
    assert_eq!(refused.observe(&order("G-1"), None).await.unwrap_err().kind, FaultKind::Transient, "it does not even say what it is");
    house.secret("older", OLDER);
    let one = format!("secret = {{ file = '{}' }}", house.at("secret").display());
    let both = format!("secrets = [{{ file = '{}' }}, {{ file = '{}' }}]", house.at("secret").display(), house.at("older").display());
    let provider = made(&house.settings(&place).replace(&one, &both)).await;
    assert_eq!(provider.observe(&order("G-1"), None).await, Ok(Seen::Absent));
    drop(receiver);
    let receiver = house.receiver_with(place.rsplit(':').next().unwrap().parse().unwrap(), "127.0.0.1", SECRET);
    assert_eq!(provider.observe(&order("G-1"), None).await, Ok(Seen::Absent));
    drop(receiver);
    let third = "whsec_bm9ib2R5IGVsc2Uga25vd3Mgd2hhdCB0aGlzIHNheXM=";
    let _receiver = house.receiver_with(place.rsplit(':').next().unwrap().parse().unwrap(), "127.0.0.1", third);
    assert_eq!(provider.grant(&order("G-1"), None, UNTIL, LEFT).await.unwrap_err().kind, FaultKind::Denied);
    assert_eq!(house.keys(), Vec::<String>::new());
}

#[tokio::test]
async fn a_message_from_another_time_is_refused_and_changes_nothing() {
    let house = House::new();
    let receiver = house.receiver(0);
    for now in [SystemClock.now() - Span::from_minutes(60), SystemClock.now() + Span::from_minutes(60)] {
        let clock = Arc::new(ManualClock::new(now));
        let settings = toml::from_str(&house.settings(&format!("127.0.0.1:{}", receiver.port))).unwrap();
        let provider = Webhook::start(settings, clock).await.unwrap();
        let fault = provider.grant(&order("G-1"), None, UNTIL, LEFT).await.unwrap_err();
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Transient, "the message came too late, or the clocks differ"));
    }
    assert_eq!(house.keys(), Vec::<String>::new());
}

/// What somebody caught on its way, or a proxy sends once more.
#[tokio::test]
async fn a_message_that_is_replayed_or_changed_on_its_way_does_nothing() {
    let house = House::new();
    let receiver = house.receiver(0);
    let provider = house.provider(&receiver).await;
    provider.grant(&order("G-1"), None, UNTIL, LEFT).await.unwrap();
    provider.revoke(&order("G-1"), None, LEFT).await.unwrap();
    let grant = house.heard().into_iter().find(|heard| heard["body"].as_str().unwrap().contains(r#""op":"grant""#)).unwrap();
    let authority = reqwest::Certificate::from_pem(&fs::read(house.at("ca.pem")).unwrap()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([authority]).build().unwrap();
    let send = async |body: String| {
        let mut post = client.post(format!("https://127.0.0.1:{}/hallpass", receiver.port)).body(body);
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            post = post.header(name, grant["headers"][name].as_str().unwrap());
        }
        let answer = post.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let body = grant["body"].as_str().unwrap().to_owned();
    let (status, said) = send(body.clone()).await;
    assert!(status == 200 && said.contains("active"), "the answer that it got before: {status} {said}");
    assert_eq!(send(body.replace("G-1", "G-2")).await.0, 401);
    assert_eq!(house.keys(), Vec::<String>::new());
    assert_eq!(provider.observe(&order("G-1"), None).await, Ok(Seen::Absent));
}
