//! What is offered while a command is typed: what this person may ask for, and requests on which it would do something.

use super::{ANA, BEN, BOTH, CLEO, House, TALK, Way};

#[tokio::test]
async fn resources_roles_and_lengths_follow_what_was_typed() {
    for way in BOTH {
        let house = House::new(way).await;
        assert_eq!(house.offers(ANA, "request", &[("resource", "")], "resource").await, ["bastion", "prod-db"]);
        assert_eq!(house.offers(ANA, "request", &[("resource", "orders")], "resource").await, ["prod-db"]);
        assert_eq!(house.offers(ANA, "request", &[("resource", "prod-db"), ("role", "")], "role").await, ["read", "write", "admin"]);
        assert_eq!(house.offers(ANA, "request", &[("resource", "prod-db"), ("role", "wr")], "role").await, ["write"]);
        assert_eq!(house.offers(ANA, "request", &[("role", "")], "role").await, Vec::<String>::new());
        let lengths = house.offers(ANA, "request", &[("resource", "prod-db"), ("role", "write"), ("length", "")], "length").await;
        assert!(lengths.contains(&"1h".to_owned()) && lengths.len() > 1, "{lengths:?}");
        let lengths = house.offers(ANA, "request", &[("resource", "prod-db"), ("role", "write"), ("length", "95m")], "length").await;
        assert_eq!(lengths, ["1h35m"], "what is typed is offered as it is read");
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn ids_are_those_on_which_the_command_would_do_something() {
    let house = House::asked(Way::Http).await;
    let id = house.newest().await.id.to_string();
    let nothing = Vec::<String>::new();
    for (user, path, offered) in [
        (BEN, "approve", true),
        (BEN, "deny", true),
        (ANA, "approve", false),
        (CLEO, "approve", false),
        (ANA, "cancel", true),
        (BEN, "cancel", false),
        (ANA, "return", false),
        (BEN, "takeback", false),
        (ANA, "show", true),
        (BEN, "show", true),
        (CLEO, "show", false),
    ] {
        let ids = house.offers(user, path, &[("id", "")], "id").await;
        assert_eq!(ids, if offered { vec![id.clone()] } else { nothing.clone() }, "{path} by {user}");
    }
    let reply = house.discord.complete(BEN, TALK, "approve", &[("id", "prod")], "id").await;
    let choices = reply.choices();
    assert!(choices[0].0.contains("Ana Reyes asks for write on prod-db"), "{choices:?}");
    assert_eq!(house.offers(BEN, "approve", &[("id", "zzz")], "id").await, nothing);
    house.press(BEN, "approve").await;
    for (user, path) in [(ANA, "return"), (ANA, "extend"), (BEN, "revoke")] {
        assert_eq!(house.offers(user, path, &[("id", "")], "id").await, std::slice::from_ref(&id), "{path}");
    }
    house.assert_nothing_refused();
}

#[tokio::test]
async fn an_account_that_is_nobodys_is_offered_nothing() {
    let house = House::asked(Way::Http).await;
    house.discord.person("100000000000000099", "Mallory");
    for (path, option) in [("request", "resource"), ("approve", "id"), ("show", "id")] {
        assert_eq!(house.offers("100000000000000099", path, &[(option, "")], option).await, Vec::<String>::new());
    }
}
