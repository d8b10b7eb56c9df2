//! Forms that cannot be decided while Slack waits, and a store that cannot be written: nobody is left without an answer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use hallpass::{
    domain::{
        entitlement::{Handle, Order},
        policy::{Person, Role},
        time::Instant,
    },
    provider::{Description, Fault as Trouble, Provider, Resolved, Seen, Step, pretend::Pretend},
};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::watch;

use super::{CARDS, House, Way, attacks::ASK, rules};
use crate::fakes::slack::{Ack, Fault};

/// The pretended provider, which says what it would touch only while its gate is open.
struct Gated(Arc<Pretend>, watch::Receiver<bool>);

#[async_trait]
impl Provider for Gated {
    fn describe(&self) -> &Description {
        self.0.describe()
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Trouble> {
        self.1.clone().wait_for(|open| *open).await.unwrap();
        self.0.resolve(who, what).await
    }

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Trouble> {
        self.0.observe(order, handle).await
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Trouble> {
        self.0.grant(order, handle, until, left).await
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, left: Duration) -> Result<Step, Trouble> {
        self.0.revoke(order, handle, left).await
    }
}

impl House {
    /// The form for write on prod-db, filled, in front of Ana.
    async fn filled(&self) {
        self.opens("U0ANA").await;
        self.chooses("U0ANA", "resource", "prod-db").await;
        self.chooses("U0ANA", "role", "write").await;
        self.slack.fill("U0ANA", "reason", "Unblock the stuck import");
    }

    /// Slack does not say who is in a group, and then the provider does not say what it would touch.
    async fn sent_slowly(&self) -> (Ack, watch::Sender<bool>) {
        let (gate, opened) = watch::channel(false);
        let provider: Arc<dyn Provider> = Arc::new(Gated(self.pretend.clone(), opened));
        self.bot.reload(rules(), BTreeMap::from([("pretended".parse().unwrap(), provider)])).await.unwrap();
        self.filled().await;
        self.slack.fail("usergroups.users.list", Fault::Hang, usize::MAX);
        let ack = self.slack.submit("U0ANA").await;
        self.slack.heal();
        (ack, gate)
    }
}

#[tokio::test]
async fn what_takes_longer_than_slack_waits_is_on_its_way_and_answered_directly() {
    let house = House::new(Way::Http).await;
    let (ack, gate) = house.sent_slowly().await;
    assert!(ack.is_ok() && ack.took < Duration::from_secs(3), "{ack:?}");
    assert!(house.page("U0ANA").contains("the answer comes as a direct message"), "{}", house.page("U0ANA"));
    assert_eq!(house.directs("U0ANA"), "");
    gate.send_replace(true);
    house.settle().await;
    assert!(house.directs("U0ANA").contains("Asked. Ana Reyes asks for write on prod-db"), "{}", house.directs("U0ANA"));
    assert!(house.reads().starts_with("Ana Reyes asks for write on prod-db"), "{}", house.reads());
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_no_that_takes_longer_comes_directly_too() {
    let house = House::new(Way::Sockets).await;
    let (ack, _gate) = house.sent_slowly().await;
    assert!(ack.is_ok() && ack.took < Duration::from_secs(3), "{ack:?}");
    house.settle().await;
    assert!(house.directs("U0ANA").contains("The target does not answer"), "{}", house.directs("U0ANA"));
    assert!(house.slack.messages(CARDS).is_empty());
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_recorded_and_whoever_did_it_is_told() {
    let house = House::new(Way::Http).await;
    house.say("U0ANA", ASK).await;
    house.pass(1);
    house.filled().await;
    let file = house.folder.as_ref().unwrap().path().join("hallpass.db");
    let mut conn = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    sqlx::query("CREATE TRIGGER full BEFORE INSERT ON inbox BEGIN SELECT RAISE(ABORT, 'disk full'); END").execute(&mut conn).await.unwrap();
    let ack = house.slack.submit("U0ANA").await;
    assert!(ack.error_on("resource").unwrap().contains("This was not recorded"), "{ack:?}");
    let before = house.slack.ephemerals("U0BEN").len();
    assert!(house.slack.slash("U0BEN", super::TALK, "mine").await.body.unwrap().to_string().contains("This was not recorded"));
    let ts = house.card()["ts"].as_str().unwrap().to_owned();
    assert!(house.slack.press("U0BEN", CARDS, &ts, "approve").await.is_ok());
    house.door.idle().await;
    let told: Vec<String> = house.slack.ephemerals("U0BEN")[before..].iter().map(crate::fakes::slack::reading::text_of).collect();
    assert!(told.len() == 2 && told.iter().all(|told| told.contains("Press or type it again in a minute")), "{told:?}");
    assert!(house.reads().contains("[Approve]"));
    sqlx::query("DROP TRIGGER full").execute(&mut conn).await.unwrap();
    house.press("U0BEN", "approve").await;
    assert!(house.holds("ana", "write"));
}
