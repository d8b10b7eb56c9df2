//! What a login is called, and what its comment says: never cut, never taken for another grant's.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{names, settings::NAME_MAX};
use crate::domain::{entitlement::Order, request_id::GrantId};

fn order(grant: &str) -> Order {
    Order {
        provider: "orders".parse().unwrap(),
        target: serde_json::Value::Null,
        principal: "ana".into(),
        person: "ana.reyes".parse().unwrap(),
        inputs: BTreeMap::new(),
        grant: grant.into(),
        by_hand: String::new(),
    }
}

#[test]
fn a_grants_login_is_called_after_it() {
    let grant = GrantId::new(u128::MAX);
    assert_eq!(names::login(grant.as_str()), format!("hp_{grant}"));
    assert_eq!(names::comment(&order(grant.as_str())), format!("hallpass grant={grant} person=ana.reyes"));
}

proptest! {
    #[test]
    fn no_two_grants_have_the_same_login(one in "[a-z0-9_]{0,70}|\\PC{0,70}", two in "[a-z0-9_]{0,70}|\\PC{0,70}", end in 0usize..80) {
        let cut: String = one.chars().take(end).collect();
        let logins = [names::login(&one), names::login(&two), names::login(&cut), names::login(&one.to_uppercase())];
        for login in &logins {
            prop_assert!(login.len() <= NAME_MAX && login.starts_with("hp_"));
            prop_assert!(login.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
        }
        prop_assert_eq!(one == two, logins[0] == logins[1]);
        prop_assert_eq!(one == cut, logins[0] == logins[2]);
        prop_assert_eq!(one == one.to_uppercase(), logins[0] == logins[3]);
        // One that is hashed could be spelt by another grant, if that were not too long to be spelt.
        let spelt = logins[0].strip_prefix("hp_").unwrap();
        prop_assert_eq!(spelt == one, names::login(spelt) == logins[0]);
    }

    #[test]
    fn a_comment_says_whose_login_it_is(grant in "\\PC{1,40}", other in "\\PC{1,40}", more in "\\PC{0,40}") {
        let comment = names::comment(&order(&grant));
        prop_assert_eq!(names::grant(&comment), Some(grant.clone()));
        prop_assert!(names::is_of(&comment, &order(&grant)));
        prop_assert_eq!(names::is_of(&comment, &order(&other)), grant == other);
        prop_assert!(names::is_of(&format!("{comment}\n{more}"), &order(&grant)), "what somebody wrote below it changes nothing");
    }

    #[test]
    fn what_somebody_else_wrote_there_names_no_grant(text in "\\PC{0,60}") {
        prop_assert_eq!(names::grant(&text), None);
        prop_assert!(!names::is_of(&text, &order("x")));
    }
}
