//! Who people are in Discord at the moment when they act: roles of this guild, members of it, and nobody else.

use hallpass::domain::{policy::Platform, time::Span};

use super::{ANA, BEN, BOTH, CARDS, CLEO, DORA, House, LEADS, Way, guild, rules};
use crate::fakes::discord::{Fault, GUILD};

/// Dora's account is one that is no full member.
const ODD: &str = "100000000000000009";
const OTHER_GUILD: &str = "700000000000000009";

impl House {
    /// A private "no" to each button and to a command; and nothing changed.
    async fn can_do_nothing(&self, account: &str, why: &str) {
        let (card, before) = (self.reads(), self.events().await);
        for action in ["approve", "looking", "deny", "less", "pass"] {
            let told = self.press(account, action).await;
            assert!(told.contains(why), "{account} {action}: {told}");
            assert!(self.discord.modal(account).is_none(), "{account} {action}");
        }
        let told = self.asks_for(account, ["prod-db", "read", "1h", "Look at the orders"]).await;
        assert!(told.contains(why), "{account} asks: {told}");
        assert_eq!((self.reads(), self.events().await), (card, before), "{account}");
        assert!(self.discord.messages(CARDS).len() == 1 && !self.holds("ana", "write"), "{account}");
    }
}

#[tokio::test]
async fn a_role_of_the_same_name_in_another_guild_counts_for_nothing() {
    for way in BOTH {
        let discord = guild().await;
        discord.guild(OTHER_GUILD, "Elsewhere").join(OTHER_GUILD, CLEO).role_in(OTHER_GUILD, "600000000000000091", "db-leads", &[CLEO]);
        // And one of the same name in this guild, with another id.
        discord.role("600000000000000092", "db-leads", &[CLEO]);
        let house = House::with(way, discord, rules()).await;
        house.ask().await;
        assert!(house.press(CLEO, "approve").await.contains("You can't decide this one"), "{way:?}");
        // Nor does one that the press itself claims while it comes from there.
        let mut press = house.payload(CLEO, "approve");
        press["guild_id"] = OTHER_GUILD.into();
        press["member"]["roles"] = serde_json::json!([LEADS]);
        let (_, said) = house.delivers(CLEO, press).await;
        assert!(said.contains("another server"), "{way:?}: {said}");
        assert!(!house.holds("ana", "write"));
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn a_role_that_was_taken_away_between_post_and_press_decides_nothing_not_even_in_an_open_form() {
    for way in BOTH {
        let house = House::asked(way).await;
        let reply = house.discord.press(BEN, &house.card_id(), "deny").await;
        house.opened(BEN, reply).await;
        house.discord.role(LEADS, "db-leads", &[DORA]);
        let before = house.events().await;
        for action in ["approve", "looking", "less"] {
            assert!(house.press(BEN, action).await.contains("You can't decide this one"), "{way:?} {action}");
        }
        let said = house.submit(BEN, &[("words", "Use the replica")]).await;
        assert!(said.contains("You can't decide this one"), "{way:?}: {said}");
        let id = house.newest().await.id.to_string();
        assert!(house.say(BEN, "approve", &[("id", &id)]).await.contains("You can't decide this one"), "{way:?}");
        assert_eq!(house.events().await, before);
        house.discord.role(LEADS, "db-leads", &[BEN, DORA]);
        assert!(house.press(BEN, "approve").await.contains("Your approval counts"), "{way:?}: and given back it counts");
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn who_left_is_a_bot_is_timed_out_or_has_not_agreed_to_the_rules_can_do_nothing_though_they_stand_in_bot_toml() {
    for way in BOTH {
        for (sort, why, recorded) in [
            ("bot", "not a full member here", "inactive"),
            ("timed out", "You are timed out in Discord", "timed_out"),
            ("pending", "You have not agreed to the rules", "rules_unread"),
        ] {
            let discord = guild().await;
            match sort {
                "bot" => discord.robot(ODD, "Other bot"),
                _ => discord.person(ODD, "Dora Lind"),
            };
            discord.role(LEADS, "db-leads", &[BEN, ODD]);
            let mut rules = rules();
            rules.people.get_mut(&"dora".parse().unwrap()).unwrap().identities = [(Platform::Discord, ODD.to_owned())].into();
            let house = House::with(way, discord, rules).await;
            house.ask().await;
            match sort {
                "timed out" => drop(house.discord.time_out(ODD, Some(4_000_000_000))),
                "pending" => drop(house.discord.pending(ODD, true)),
                _ => {}
            }
            house.can_do_nothing(ODD, why).await;
            assert!(house.ledger().await.contains(recorded), "{way:?} {sort}");
            house.assert_nothing_refused();
        }
    }
}

#[tokio::test]
async fn a_time_out_that_is_over_keeps_nobody_from_deciding() {
    let house = House::asked(Way::Http).await;
    house.discord.time_out(BEN, Some(house.clock_seconds() - 1));
    assert!(house.press(BEN, "approve").await.contains("Your approval counts"));
    house.assert_nothing_refused();
}

impl House {
    fn clock_seconds(&self) -> i64 {
        use hallpass::clock::Clock as _;
        self.clock.now().seconds()
    }
}

/// In a direct message Discord says nothing of membership, so it is asked.
#[tokio::test]
async fn who_left_decides_nothing_from_a_direct_message_that_they_still_have() {
    let mut direct = rules();
    let stages = &mut direct.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages;
    stages[0].direct = vec![hallpass::domain::policy::Who::Person("ben".parse().unwrap())];
    for way in BOTH {
        let house = House::with(way, guild().await, direct.clone()).await;
        house.ask().await;
        assert!(house.directs(BEN).contains("Approve]"), "{}", house.directs(BEN));
        house.discord.leave(BEN);
        house.discord.guild(OTHER_GUILD, "Elsewhere").add_bot(OTHER_GUILD).join(OTHER_GUILD, BEN);
        // What Discord answered a moment ago is of use for a second.
        house.advance(Span::from_seconds(2)).await;
        let said = house.press_direct(BEN, "approve").await;
        assert!(said.contains("not a full member here") && !house.holds("ana", "write"), "{way:?}: {said}");
    }
}

#[tokio::test]
async fn in_a_direct_message_a_press_is_refused_with_that_reason_while_discord_does_not_say_who_has_the_role() {
    let mut direct = rules();
    let stages = &mut direct.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages;
    stages[0].direct = vec![hallpass::domain::policy::Who::Person("ben".parse().unwrap())];
    for fault in [Fault::Status(503), Fault::Code(50001), Fault::CutBefore] {
        let house = House::with(Way::Http, guild().await, direct.clone()).await;
        house.ask().await;
        house.pass(60);
        let before = house.events().await;
        house.discord.fail("get_guild_member", fault.clone(), 50);
        let said = house.press_direct(BEN, "approve").await;
        assert!(said.contains("did not answer") && said.contains("nothing was recorded"), "{fault:?}: {said}");
        assert_eq!(house.events().await, before, "{fault:?}");
        house.discord.heal();
        house.pass(600);
        assert!(house.press_direct(BEN, "approve").await.contains("Your approval counts"), "{fault:?}");
    }
}

#[tokio::test]
async fn whoever_nobody_knows_can_do_nothing_and_it_is_recorded() {
    for way in BOTH {
        let house = House::asked(way).await;
        house.discord.person(ODD, "Nora New").role(LEADS, "db-leads", &[BEN, ODD]);
        house.can_do_nothing(ODD, "I don't know who you are here yet").await;
        assert!(house.ledger().await.contains(ODD), "{way:?}");
        assert_eq!(house.offers(ODD, "request", &[("resource", "")], "resource").await, Vec::<String>::new());
        house.assert_nothing_refused();
    }
}

/// The role of everybody is the guild itself.
#[tokio::test]
async fn a_role_that_is_deleted_decides_nothing() {
    let house = House::asked(Way::Http).await;
    house.discord.delete_role(LEADS);
    assert!(house.press(BEN, "approve").await.contains("You can't decide this one"));
    let mut press = house.payload(CLEO, "approve");
    press["member"]["roles"] = serde_json::json!([GUILD, "db-leads", "@db-leads"]);
    let (_, said) = house.delivers(CLEO, press).await;
    assert!(said.contains("You can't decide this one") && !house.holds("ana", "write"), "a role is its id: {said}");
    let id = house.newest().await.id.to_string();
    house.say(ANA, "cancel", &[("id", &id)]).await;
    assert!(!house.reads().contains("Approve]"), "its asker can call it off: {}", house.reads());
    house.assert_nothing_refused();
}
