//! Who is connected to: the receiver that is meant, at an address that may be, and nobody else.

use std::{
    collections::VecDeque,
    fs,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
};

use hallpass::{
    clock::SystemClock,
    provider::{FaultKind, Provider as _, Seen, webhook::Webhook},
};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{House, LEFT, UNTIL, made, order};

/// Answers each question with the next address.
struct Script(Mutex<VecDeque<&'static str>>);

impl Resolve for Script {
    fn resolve(&self, _: Name) -> Resolving {
        let address = self.0.lock().unwrap().pop_front().unwrap();
        let address = SocketAddr::new(address.parse().unwrap(), 0);
        Box::pin(async move { Ok(Box::new(std::iter::once(address)) as Addrs) })
    }
}

#[tokio::test]
async fn a_name_that_means_another_address_by_the_next_call_is_not_connected_to() {
    let house = House::new();
    let receiver = house.receiver_with(0, "127.0.0.2", super::SECRET);
    let elsewhere = TcpListener::bind(("127.0.0.1", receiver.port)).unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let settings = house.settings(&format!("hooks.example.org:{}", receiver.port)).replace("['127.0.0.1']", "['127.0.0.2']");
    let names = Script(Mutex::new(["127.0.0.2", "127.0.0.2", "127.0.0.1", "127.0.0.2"].into()));
    let provider = Webhook::start_with(toml::from_str(&settings).unwrap(), Arc::new(SystemClock), Arc::new(names)).await.unwrap();
    provider.grant(&order("G-1"), None, UNTIL, LEFT).await.unwrap();
    let fault = provider.revoke(&order("G-1"), None, LEFT).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Transient, "nothing was changed, and it is tried again");
    let said = fault.message.replace(&receiver.port.to_string(), "PORT");
    insta::assert_snapshot!(said, @r#"hooks.example.org:PORT cannot be connected to: hooks.example.org is 127.0.0.1, and that is this machine itself, which is connected to only if "allow" names it"#);
    assert_eq!(elsewhere.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "it was connected to");
    provider.revoke(&order("G-1"), None, LEFT).await.unwrap();
    assert_eq!(house.keys(), Vec::<String>::new());
}

#[tokio::test]
async fn a_receiver_that_is_away_at_the_start_is_met_when_it_is_back() {
    let house = House::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let provider = made(&house.settings(&format!("127.0.0.1:{port}"))).await;
    assert_eq!((provider.describe().name.as_str(), provider.is_known()), ("webhook", false));
    for _ in 0..2 {
        let fault = provider.revoke(&order("G-1"), None, LEFT).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Transient, "a connection that never stood changed nothing: {fault}");
    }
    let _receiver = house.receiver(port);
    // What was planned by no description is planned again.
    assert_eq!(provider.observe(&order("G-1"), None).await.unwrap_err().kind, FaultKind::Transient);
    assert_eq!((provider.describe().name.as_str(), provider.is_known()), ("keys", true));
    assert_eq!(provider.observe(&order("G-1"), None).await, Ok(Seen::Absent));
}

#[tokio::test]
async fn what_is_no_description_at_the_start_may_be_somebody_elses_and_keeps_nothing_from_starting() {
    let house = House::new();
    let receiver = house.receiver(0);
    for how in ["page", "nothing", "garbage", "list", "packed", "gateway", "cut"] {
        fs::write(house.at("state.fault_of_describe"), how).unwrap();
        let provider = house.provider(&receiver).await;
        assert!(!house.at("state.fault_of_describe").exists(), "{how}: it was not met");
        assert_eq!(provider.describe().name, "webhook", "{how}: nothing is known of it yet");
        assert_eq!(provider.observe(&order("G-1"), None).await.unwrap_err().kind, FaultKind::Transient, "{how}");
        assert_eq!(provider.describe().name, "keys", "{how}: it was asked again");
        assert_eq!(provider.observe(&order("G-1"), None).await, Ok(Seen::Absent), "{how}");
    }
}

#[tokio::test]
async fn a_receiver_whose_certificate_is_not_of_the_named_authority_hears_nothing() {
    let house = House::new();
    let receiver = house.receiver(0);
    house.authority("other-");
    let settings = house.settings(&format!("127.0.0.1:{}", receiver.port));
    let provider = made(&settings.replace("/ca.pem", "/other-ca.pem")).await;
    let fault = provider.revoke(&order("G-1"), None, LEFT).await.unwrap_err();
    assert!(fault.kind == FaultKind::Transient && fault.message.contains("certificate"), "{fault}");
    let names = Script(Mutex::new(["127.0.0.1", "127.0.0.1"].into()));
    let settings = settings.replace("https://127.0.0.1", "https://doors.example.org");
    let provider = Webhook::start_with(toml::from_str(&settings).unwrap(), Arc::new(SystemClock), Arc::new(names)).await.unwrap();
    let fault = provider.revoke(&order("G-1"), None, LEFT).await.unwrap_err();
    assert!(fault.kind == FaultKind::Transient && fault.message.contains("certificate"), "{fault}");
    assert_eq!(house.heard(), Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn what_a_receiver_says_of_itself_and_cannot_be_used_is_refused_at_the_start() {
    let house = House::new();
    let receiver = house.receiver(0);
    let settings = house.settings(&format!("127.0.0.1:{}", receiver.port));
    let start = async || Webhook::start(toml::from_str(&settings).unwrap(), Arc::new(SystemClock)).await.err().unwrap().message;
    fs::write(
        house.at("state.describe"),
        r#"{"protocols":["hallpass-adapter/2"],"name":"a","ownership":"ours","sessions":"cut","ops":[]}"#,
    )
    .unwrap();
    insta::assert_snapshot!(start().await, @"the adapter speaks hallpass-adapter/2; this bot speaks hallpass-adapter/1");
    fs::write(
        house.at("state.describe"),
        r#"{"protocols":["hallpass-adapter/1"],"name":"a","ownership":"ours","sessions":"cut","ops":[]}"#,
    )
    .unwrap();
    insta::assert_snapshot!(start().await, @r#"the adapter's description: "ops" must name observe, grant and revoke"#);
}
