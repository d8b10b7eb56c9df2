//! Rights as a table: every act by everybody in every state, judged by `decide::act` alone. What the table says of the
//! rules that may not be broken is asserted beside it, so that an accepted snapshot cannot take a right's place.

use std::{collections::BTreeSet, fmt::Write as _};

use hallpass::domain::{
    command::{Act, Length, Less},
    decide::{self, Context},
    entitlement::{Order, Ownership},
    event::Event,
    facts::{Facts, Groups},
    ids::PersonId,
    policy::Catalogue,
    request::{Ask, AskKind, Ending, GrantId, Preview, Request, RequestId, Work},
    time::Span,
    words::Words,
};

use crate::world::{START, catalogue};

/// ana asked for cleo; ben and dora lead; cleo and dora are security, the second stage; eve administers and comes with
/// the ladder; finn owns; gus left; hal is nobody's approver.
const PEOPLE: [(&str, &str); 8] = [
    ("ana", "requester"),
    ("cleo", "subject"),
    ("ben", "approver"),
    ("dora", "approver of both"),
    ("eve", "administrator"),
    ("finn", "owner"),
    ("gus", "left"),
    ("hal", "outsider"),
];

fn people() -> Catalogue {
    let mut catalogue = catalogue();
    for (id, active) in [("gus", false), ("hal", true)] {
        let mut person = catalogue.people[&"finn".parse::<PersonId>().unwrap()].clone();
        (person.id, person.active) = (id.parse().unwrap(), active);
        catalogue.people.insert(person.id.clone(), person);
    }
    for group in catalogue.groups.values_mut() {
        group.members.push("gus".parse().unwrap());
    }
    catalogue
}

fn words(text: &str) -> Words {
    Words::new(text, 7)
}

fn acts() -> Vec<(&'static str, Act)> {
    let less = Less { role: None, duration: Some(Span::from_minutes(30)) };
    vec![
        ("approve", Act::Approve { comment: None }),
        ("deny", Act::Deny { reason: words("no") }),
        ("offer", Act::Offer { less, comment: None }),
        ("looking", Act::Looking),
        ("pass on", Act::PassOn { to: "dora".parse().unwrap() }),
        ("take back", Act::TakeBack),
        ("accept", Act::AcceptOffer),
        ("decline", Act::DeclineOffer),
        ("cancel", Act::Cancel { reason: None }),
        ("return", Act::Return),
        ("extend", Act::Extend { by: Some(Span::from_minutes(30)), reason: None }),
        ("revoke", Act::Revoke { reason: words("enough") }),
        ("settle", Act::Settle { reason: words("gone") }),
    ]
}

fn context(catalogue: &Catalogue) -> Context<'_> {
    static NONE: std::sync::LazyLock<Groups> = std::sync::LazyLock::new(Groups::default);
    Context {
        facts: Facts { catalogue, groups: &NONE },
        now: START,
        grant: GrantId::new(1),
        order: Some((order(), Ownership::Shared)),
        preview: None,
    }
}

fn order() -> Order {
    Order {
        provider: "pretended".parse().unwrap(),
        target: "admin".into(),
        principal: "cleo".into(),
        person: "cleo".parse().unwrap(),
        inputs: std::collections::BTreeMap::new(),
        grant: String::new(),
        by_hand: String::new(),
    }
}

fn ask(role: &str, start: Option<Span>) -> Request {
    let ask = Ask {
        kind: AskKind::First,
        by: "ana".parse().unwrap(),
        subject: "cleo".parse().unwrap(),
        resource: "prod-db".parse().unwrap(),
        role: role.parse().unwrap(),
        length: Length::For(Span::from_minutes(60)),
        start: start.map(|span| START + span),
        reason: Some(words("why").id),
        ticket: None,
        about: None,
        direct: false,
        at: START,
        policy: "prod-admin".parse().unwrap(),
        preview: Preview::default(),
    };
    Request::open(RequestId::new(1), ask, START)
}

/// One request in each state that matters to rights, by deciding its way there.
fn states(catalogue: &Catalogue) -> Vec<(&'static str, Request)> {
    let context = context(catalogue);
    let does = |request: &Request, who: &str, act: &Act| {
        let events = decide::act(request, &who.parse().unwrap(), act, &context).unwrap();
        events.iter().fold(request.clone(), |request, event| request.apply(event, START).unwrap())
    };
    let then = |request: &Request, event: Event| request.clone().apply(&event, START).unwrap();
    let approve = Act::Approve { comment: None };
    let pending = ask("admin", None);
    let offered = does(&pending, "ben", &Act::Offer { less: Less { role: None, duration: Some(Span::from_minutes(30)) }, comment: None });
    let second = does(&pending, "ben", &approve);
    let scheduled = does(&ask("write", Some(Span::from_minutes(60))), "ben", &approve);
    let granting = does(&ask("write", None), "ben", &approve);
    let work = Work {
        since: START,
        until: START + Span::from_minutes(60),
        native_expiry: None,
        had_before: false,
        how_to_connect: None,
        warned: false,
        grace_used: false,
        graced_from: None,
        found_absent: false,
        extended: Vec::new(),
        unmet: Vec::new(),
    };
    let active = then(&granting, Event::Working { work });
    let asked_more = does(&active, "cleo", &Act::Extend { by: Some(Span::from_minutes(120)), reason: None });
    let revoking = then(&active, Event::Revoking { cause: Ending::Expired });
    let closed = then(&pending, Event::Unanswered);
    vec![
        ("pending", pending),
        ("pending, offer", offered),
        ("pending, second stage", second),
        ("scheduled", scheduled),
        ("granting", granting),
        ("active", active),
        ("active, more asked", asked_more),
        ("revoking", revoking),
        ("closed", closed),
    ]
}

fn judged(request: &Request, who: &str, act: &Act, catalogue: &Catalogue) -> Result<String, String> {
    match decide::act(request, &who.parse().unwrap(), act, &context(catalogue)) {
        Ok(events) => Ok(events.iter().map(Event::name).collect::<Vec<_>>().join("+")),
        Err(refusal) => Err(refusal.name()),
    }
}

#[test]
fn every_act_by_everybody_in_every_state() {
    let catalogue = people();
    let mut table = String::new();
    for (state, request) in states(&catalogue) {
        writeln!(table, "== {state}").unwrap();
        for (name, act) in acts() {
            let cells = PEOPLE.map(|(who, what)| match judged(&request, who, &act, &catalogue) {
                Ok(events) => format!("{what}: {}", events.to_uppercase()),
                Err(refusal) => format!("{what}: {refusal}"),
            });
            writeln!(table, "{name:<10}{}", cells.join(" | ")).unwrap();
        }
    }
    insta::assert_snapshot!("rights", table);
}

#[test]
fn only_approvers_who_are_neither_requester_nor_subject_decide() {
    let catalogue = people();
    let deciding: BTreeSet<&str> = ["approve", "deny", "offer", "looking", "pass on"].into();
    for (state, request) in states(&catalogue) {
        for (name, act) in acts().into_iter().filter(|(name, _)| deciding.contains(name)) {
            for who in ["ana", "cleo", "eve", "finn", "gus", "hal"] {
                assert!(judged(&request, who, &act, &catalogue).is_err(), "{who} may {name} while {state}");
            }
        }
    }
}

#[test]
fn who_left_and_who_is_unknown_may_do_nothing_at_all() {
    let catalogue = people();
    for (state, request) in states(&catalogue) {
        for (name, act) in acts() {
            for who in ["gus", "stranger"] {
                assert_eq!(judged(&request, who, &act, &catalogue), Err("inactive".into()), "{who} {name} {state}");
            }
        }
    }
}

#[test]
fn only_requester_and_subject_cancel_return_and_extend_and_only_whoever_asked_answers_an_offer() {
    let catalogue = people();
    for (state, request) in states(&catalogue) {
        for (name, act) in acts().into_iter().filter(|(name, _)| matches!(*name, "cancel" | "return" | "extend" | "accept" | "decline")) {
            for who in ["ben", "dora", "eve", "finn", "hal"] {
                assert!(judged(&request, who, &act, &catalogue).is_err(), "{who} may {name} while {state}");
            }
            if matches!(name, "accept" | "decline") {
                // The subject is who asked for more time.
                let other = if state == "active, more asked" { "ana" } else { "cleo" };
                assert_eq!(judged(&request, other, &act, &catalogue), Err("not_requester".into()), "{name} while {state}");
            }
        }
    }
}

#[test]
fn only_approvers_the_owner_and_administrators_revoke_and_only_administrators_settle() {
    let catalogue = people();
    for (state, request) in states(&catalogue) {
        for (name, act) in acts().into_iter().filter(|(name, _)| matches!(*name, "revoke" | "settle")) {
            let never: &[&str] =
                if name == "revoke" { &["ana", "gus", "hal"] } else { &["ana", "ben", "cleo", "dora", "finn", "gus", "hal"] };
            for who in never {
                assert!(judged(&request, who, &act, &catalogue).is_err(), "{who} may {name} while {state}");
            }
        }
    }
}

#[test]
fn nothing_is_decided_once_it_is_closed() {
    let catalogue = people();
    let (_, closed) = states(&catalogue).into_iter().find(|(state, _)| *state == "closed").unwrap();
    for (name, act) in acts() {
        for (who, _) in PEOPLE {
            assert!(judged(&closed, who, &act, &catalogue).is_err(), "{who} {name}");
        }
    }
}
