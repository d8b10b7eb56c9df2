//! The digest in Discord: through the real client, to a Discord that refuses what Discord refuses.

use hallpass::domain::{
    policy::{Catalogue, Platform},
    time::Span,
};

use super::{
    put, rules_in,
    sample::{self, enormous, made, ordinary},
};
use crate::{
    discord::{self, ANA, CARDS, House, OPS, Way},
    fakes::discord::{
        GUILD,
        reading::{pings, text_of},
    },
};

fn rules() -> Catalogue {
    Catalogue { digests: Some(rules_in(Platform::Discord, &[OPS])), ..discord::rules() }
}

async fn house() -> House {
    House::with(Way::Http, discord::guild().await, rules()).await
}

#[tokio::test]
async fn ten_thousand_lines_are_posted_in_one_thread_and_nothing_is_refused() {
    let house = house().await;
    put(&house.store, &enormous(), Platform::Discord, OPS).await;
    house.settle().await;
    house.assert_nothing_refused();
    let first = house.discord.messages(OPS).pop().unwrap();
    assert_eq!(house.discord.messages(OPS).len(), 1);
    let rest = house.discord.thread(first["id"].as_str().unwrap());
    assert!((2..=19).contains(&rest.len()), "{}", rest.len());
    let last = text_of(rest.last().unwrap());
    assert!(last.lines().last().unwrap().starts_with("Ledger 48,213 entries · root qF2C2b0s"), "{last}");
    for message in std::iter::once(&first).chain(&rest) {
        assert!(pings(message).is_empty(), "{message:#}");
    }
}

#[tokio::test]
async fn each_line_leads_to_its_thread_and_a_short_digest_begins_none() {
    let house = house().await;
    house.ask().await;
    let (request, card) = (house.newest().await, house.card());
    let mut digest = ordinary();
    let given = sample::given(0, "ana");
    digest.exceptions = vec![hallpass::domain::digest::Exception::StillOpen {
        given: hallpass::domain::digest::Given { request: request.id.clone(), ..given },
        end: sample::TO,
        past: Span::from_minutes(5),
    }];
    put(&house.store, &made(1, digest), Platform::Discord, OPS).await;
    house.settle().await;
    let told = house.discord.messages(OPS).pop().unwrap();
    let link = format!("https://discord.com/channels/{GUILD}/{CARDS}/{}", card["id"].as_str().unwrap());
    assert!(told["embeds"][0]["description"].as_str().unwrap().contains(&format!("[{}]({link})", request.id.as_str().replace('-', "\\-"))));
    assert!(house.discord.thread(told["id"].as_str().unwrap()).is_empty());
    assert!(pings(&told).is_empty());
    assert!(house.discord.directs(ANA).iter().all(|message| !text_of(message).contains("digest")));
    house.assert_nothing_refused();
}
