//! The form behind a bare `/jit`: what it offers this person, what it says before sending, and that what is sent is judged.

use hallpass::{
    bot::{Answer, Body, Chosen, Filled, Form, Ticket},
    domain::{
        parse::Piece,
        policy::{Platform, Who},
        refusal::Refusal,
        time::Span,
    },
};

use super::ASK;
use crate::world::World;

impl World {
    async fn form(&self, user: &str, chosen: Chosen) -> Result<Form, Refusal> {
        self.bot.form(Platform::Console, user, &Chosen { limit: 100, ..chosen }).await.unwrap()
    }

    async fn send(&self, user: &str, filled: Filled) -> Answer {
        self.from(Platform::Console, user, Body::Form(filled)).await
    }
}

fn chosen(resource: &str, role: &str, length: &str) -> Chosen {
    Chosen { resource: Some(resource.into()), role: Some(role.into()), length: Some(length.into()), ..Chosen::default() }
}

fn filled(resource: &str, role: &str, length: &str, reason: &str) -> Filled {
    Filled { resource: resource.into(), role: role.into(), length: length.into(), reason: reason.into(), ..Filled::default() }
}

#[tokio::test]
async fn a_form_offers_what_this_person_may_ask_for() {
    let world = World::new().await;
    world.policy("hosts", |policy| policy.may_ask = vec![Who::Group("security".parse().unwrap())]).await;
    let ids = |form: Form| form.resources.into_iter().map(|pick| pick.id).collect::<Vec<_>>();
    assert_eq!(ids(world.form("ana", Chosen::default()).await.unwrap()), ["prod-db"]);
    assert_eq!(ids(world.form("cleo", Chosen::default()).await.unwrap()), ["bastion", "prod-db"]);
    assert_eq!(world.form("stranger", Chosen::default()).await, Err(Refusal::NotLinked));
    world.console.set_profile("ana", "ana", false);
    assert_eq!(world.form("ana", Chosen::default()).await, Err(Refusal::Inactive));
}

#[tokio::test]
async fn five_thousand_resources_are_found_by_typing() {
    let world = World::new().await;
    world
        .rules(|catalogue| {
            let one = catalogue.resources[&"bastion".parse().unwrap()].clone();
            for n in 0..5_000 {
                let id: hallpass::domain::ids::ResourceId = format!("host-{n:04}").parse().unwrap();
                let title = if n == 4_321 { "the Orders mirror".into() } else { format!("host {n}") };
                catalogue.resources.insert(id.clone(), hallpass::domain::policy::Resource { id, title, ..one.clone() });
            }
        })
        .await;
    let found = async |query: &str| {
        let form = world.form("ana", Chosen { query: query.into(), ..Chosen::default() }).await.unwrap();
        (form.resources.first().map(|pick| pick.id.clone()), form.resources.len(), form.fitting)
    };
    assert_eq!(found("").await, (Some("bastion".into()), 100, 5_002));
    assert_eq!(found("host-49").await, (Some("host-4900".into()), 100, 100));
    assert_eq!(found("ORDERS").await, (Some("host-4321".into()), 2, 2));
    assert_eq!(found("bastoin").await, (Some("bastion".into()), 1, 1));
    assert_eq!(found("nothing like it").await, (None, 0, 0));
}

#[tokio::test]
async fn a_form_says_before_sending_how_it_would_go() {
    let world = World::new().await;
    world
        .rules(|catalogue| {
            catalogue.people.get_mut(&"dora".parse().unwrap()).unwrap().time_zone = Some(chrono_tz::Asia::Tokyo);
        })
        .await;
    for minutes in [3, 5, 9] {
        let id = world.ask("ana", "/jit request prod-db admin 30m Move the tables").await;
        world.done("ben", &format!("/jit approve {id}")).await;
        world.advance(Span::from_minutes(minutes)).await;
        world.done("cleo", &format!("/jit approve {id}")).await;
        world.done("ana", &format!("/jit return {id}")).await;
    }
    let form = world.form("ana", chosen("prod-db", "admin", "1h")).await.unwrap();
    let needs = form.needs.unwrap();
    assert_eq!(needs.lengths.iter().map(|span| span.seconds() / 60).collect::<Vec<_>>(), [15, 30, 60, 120, 240]);
    assert_eq!((needs.default, needs.reason_chars, needs.on_behalf), (Span::from_minutes(60), 4, true));
    assert_eq!(needs.ticket, Ticket::Optional { projects: vec!["OPS".into()] });
    assert_eq!(needs.before.usual, Some(Span::from_minutes(5)));
    insta::assert_snapshot!(world.before(&needs.before), @r"
    admin on prod-db for 1 h, asked by Ana Reyes:
    This asks db-leads (Ben Okafor and Dora Lind; 23:17 for Dora Lind), then security (Cleo Marsh and Dora Lind; 23:17 for Dora Lind). Usually answered in 5 min.
    1 h is within the cap of 4 h. It may be extended to 2 h. Rule: prod-admin.
    Unanswered, it closes after 4 h.
    ");
    let form = world.form("finn", chosen("bastion", "login", "1h")).await.unwrap();
    insta::assert_snapshot!(world.before(&form.needs.unwrap().before), @r"
    login on bastion for 1 h, asked by Finn Ward:
    This asks security (Cleo Marsh and Dora Lind; 23:17 for Dora Lind).
    1 h is within the cap of 4 h. 30 min or less would be approved at once. It may be extended to 2 h. Rule: hosts.
    Unanswered, it closes after 4 h.
    ");
    let form = world.form("finn", chosen("bastion", "login", "15m")).await.unwrap();
    insta::assert_snapshot!(world.before(&form.needs.unwrap().before), @r"
    login on bastion for 15 min, asked by Finn Ward:
    This would be approved at once: nobody is asked.
    15 min is within the cap of 4 h. 30 min or less would be approved at once. It may be extended to 2 h. Rule: hosts.
    Unanswered, it closes after 4 h.
    ");
}

#[tokio::test]
async fn a_wrong_choice_belongs_to_its_field() {
    let world = World::new().await;
    for (filled, piece) in [
        (filled("prod-bd", "write", "1h", "fix it"), Piece::Resource),
        (filled("prod-db", "wirte", "1h", "fix it"), Piece::Role),
        (filled("prod-db", "", "1h", "fix it"), Piece::Role),
        (filled("prod-db", "write", "1 fortnight", "fix it"), Piece::Length),
        (filled("prod-db", "write", "until 25:00", "fix it"), Piece::Length),
        (filled("prod-db", "write", "5h", "fix it"), Piece::Length),
        (filled("prod-db", "write", "1h", "x"), Piece::Reason),
        (Filled { start: "soon".into(), ..filled("prod-db", "write", "1h", "fix it") }, Piece::Start),
        (Filled { subject: "@nobody".into(), ..filled("prod-db", "write", "1h", "fix it") }, Piece::Subject),
        (Filled { ticket: "DEV-1".into(), ..filled("prod-db", "write", "1h", "fix it") }, Piece::Ticket),
    ] {
        let Answer::Refused(refusal) = world.send("ana", filled.clone()).await else { panic!("{filled:?}") };
        assert_eq!(refusal.field(), Some(piece), "{refusal:?}");
    }
    assert!(world.all().await.is_empty());
}

#[tokio::test]
async fn a_filled_form_is_an_ask_like_any_other_and_a_forged_one_is_refused() {
    let world = World::new().await;
    let sent = Filled { subject: "@cleo".into(), ticket: "OPS-1".into(), ..filled("prod-db", "write", "", "fix *it*") };
    let Answer::Said { name: "asked", .. } = world.send("ana", sent.clone()).await else { panic!() };
    assert_eq!(world.all().await[0].subject.as_str(), "cleo");
    assert!(matches!(world.send("finn", sent.clone()).await, Answer::Refused(Refusal::MayNotAskFor { .. })));
    assert!(matches!(world.send("stranger", sent).await, Answer::Refused(Refusal::NotLinked)));
    world.policy("prod-data", |policy| policy.may_ask = Vec::new()).await;
    let hidden = world.send("ana", filled("prod-db", "write", "1h", "fix it")).await;
    assert!(matches!(hidden, Answer::Refused(Refusal::MayNotAsk { .. })), "what the form did not offer is judged all the same");
    assert_eq!(world.no("ana", ASK).await.field(), Some(Piece::Role));
}
