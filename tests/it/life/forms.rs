//! The form behind a bare `/jit`: what it offers this person, what it says before sending, and that what is sent is judged.

use hallpass::{
    bot::{Answer, Body, Chosen, Filled, Form, Ticket},
    domain::{
        command::Length,
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

const LINK: &str = "https://acme.slack.com/archives/C0123/p1795528800000000?thread_ts=1795528800.000000&cid=C0123";

#[tokio::test]
async fn an_ask_carries_the_link_to_what_it_is_about_over_offers_more_time_and_another_try() {
    let world = World::new().await;
    let sent = Filled { about: format!(" {LINK} "), ..filled("prod-db", "write", "1h", "fix it") };
    let Answer::Said { name: "asked", .. } = world.send("ana", sent).await else { panic!() };
    let id = world.newest().await;
    let card = world.console.thread(&world.card());
    assert!(card.contains(&format!("\nAbout  {LINK}\n")), "{card}");
    world.done("ben", &format!("/jit offer {id} read 30m")).await;
    world.done("ana", &format!("/jit accept {id}")).await;
    assert_eq!(world.state(&id).await.main_ask().about.as_deref(), Some(LINK));
    world.done("ben", &format!("/jit approve {id}")).await;
    world.done("ana", &format!("/jit extend {id} 2h one more batch")).await;
    assert_eq!(world.state(&id).await.ask().about.as_deref(), Some(LINK));
    assert!(world.say("ben", &format!("/jit show {id}")).await.contains(LINK));
    let sent = Filled { about: LINK.into(), ..filled("prod-db", "write", "1h", "fix it") };
    world.advance(Span::from_seconds(1)).await;
    world.send("ana", sent).await;
    let first = world.newest().await;
    world.advance(Span::from_minutes(240)).await;
    world.press("ana", "again", &first, None).await;
    let again = world.newest().await;
    assert_ne!(again, first);
    assert_eq!(world.state(&again).await.main_ask().about.as_deref(), Some(LINK));
    let plain = world.ask("finn", ASK).await;
    assert!(!world.say("finn", &format!("/jit show {plain}")).await.contains("About"));
}

#[tokio::test]
async fn a_link_that_no_platform_makes_is_refused_before_and_when_it_is_sent() {
    let world = World::new().await;
    let long = format!("https://{}", "a".repeat(493));
    for about in [
        "http://acme.slack.com/archives/C0123",
        "https://",
        "javascript:alert(1)",
        "https://acme.slack.com/a b",
        "https://acme.slack.com/a\nb",
        "https://acme.slack.com/<!channel>",
        "https://acme.slack.com/a|b",
        "https://acme.slack.com/\u{202e}moc",
        "https://acme.slack.com/\u{0}",
        long.as_str(),
    ] {
        let refused = world.send("ana", Filled { about: about.into(), ..filled("prod-db", "write", "1h", "fix it") }).await;
        assert!(matches!(refused, Answer::Refused(Refusal::BadText { ref what, .. }) if what == "link"), "{about}: {refused:?}");
        let early = world.form("ana", Chosen { about: Some(about.into()), ..chosen("prod-db", "write", "1h") }).await;
        assert!(matches!(early, Err(Refusal::BadText { ref what, .. }) if what == "link"), "{about}: {early:?}");
    }
    assert!(world.all().await.is_empty());
    let longest = format!("https://{}", "a".repeat(492));
    assert!(world.form("ana", Chosen { about: Some(longest.clone()), ..chosen("prod-db", "write", "1h") }).await.is_ok());
    let Answer::Said { .. } = world.send("ana", Filled { about: longest, ..filled("prod-db", "write", "1h", "fix it") }).await else {
        panic!()
    };
}

#[tokio::test]
async fn a_form_of_another_platform_names_people_as_that_platform_does() {
    let world = World::new().await;
    world
        .rules(|catalogue| {
            for (person, account) in [("ana", "U0ANA"), ("cleo", "U0CLEO")] {
                let identities = &mut catalogue.people.get_mut(&person.parse().unwrap()).unwrap().identities;
                identities.insert(Platform::Slack, account.into());
            }
        })
        .await;
    let sent = |subject: &str| Filled { subject: subject.into(), ..filled("prod-db", "write", "1h", "fix it") };
    let answer = world.from(Platform::Slack, "U0ANA", Body::Form(sent("<@U0CLEO>"))).await;
    assert!(matches!(answer, Answer::Said { name: "asked", .. }), "{answer:?}");
    let request = world.all().await.remove(0);
    assert_eq!((request.subject.as_str(), request.main_ask().length), ("cleo", Length::For(Span::from_minutes(60))));
    let chosen = Chosen { subject: Some("<@U0CLEO>".into()), limit: 10, ..chosen("prod-db", "write", "1h") };
    assert!(world.bot.form(Platform::Slack, "U0ANA", &chosen).await.unwrap().is_ok());
    let Answer::Refused(refusal) = world.from(Platform::Slack, "U0ANA", Body::Form(sent("<@U0NOBODY>"))).await else { panic!() };
    assert_eq!(refusal.field(), Some(Piece::Subject));
}
