//! The form of an ask in Slack: every way to open it, what it offers, what it says before sending, and that nothing typed is lost.

use hallpass::domain::{
    command::Length,
    ids::ResourceId,
    policy::{Resource, Who},
    time::Span,
};
use serde_json::Value;

use super::{CARDS, House, TALK, Way, attacks::ASK, rules, workspace};
use crate::{
    fakes::slack::{Fault, reading::live_markup},
    world::START,
};

impl House {
    /// Types `/jit`; the form is open and filled.
    pub(super) async fn opens(&self, user: &str) {
        let ack = self.slack.slash(user, TALK, "").await;
        assert!(ack.is_ok() && ack.body.is_none_or(|body| body.as_str().is_none_or(str::is_empty)), "nothing is said");
        self.door.idle().await;
    }

    /// Chooses in the open form, which is filled again.
    pub(super) async fn chooses(&self, user: &str, field: &str, value: &str) {
        if field == "resource" {
            self.slack.type_ahead(user, field, value).await;
        }
        assert!(self.slack.choose(user, field, value).await.is_ok());
        self.door.idle().await;
    }

    /// The form for write on prod-db.
    async fn write(&self, user: &str) {
        self.opens(user).await;
        self.chooses(user, "resource", "prod-db").await;
        self.chooses(user, "role", "write").await;
    }

    fn state(&self, user: &str) -> Value {
        self.slack.view(user).unwrap()["state"].clone()
    }
}

#[tokio::test]
async fn a_command_opens_a_page_at_once_and_fills_it() {
    for way in [Way::Http, Way::Sockets] {
        let house = House::new(way).await;
        house.opens("U0ANA").await;
        let opened = house.slack.calls_of("views.open");
        assert!(opened[0]["view"].to_string().contains("One moment"), "{opened:?}");
        insta::assert_snapshot!("form opened", house.page("U0ANA"));
        house.chooses("U0ANA", "resource", "prod-db").await;
        insta::assert_snapshot!("form with a resource", house.page("U0ANA"));
        house.chooses("U0ANA", "role", "write").await;
        insta::assert_snapshot!("form with a role", house.page("U0ANA"));
        house.fills("U0ANA", &[("reason", "Unblock the stuck import"), ("ticket", "OPS-4512")]).await;
        insta::assert_snapshot!("form sent", house.page("U0ANA").replace(house.newest().await.id.as_str(), "R-......"));
        assert!(house.reads().starts_with("Ana Reyes asks for write on prod-db (Orders database) for 1 h"), "{}", house.reads());
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn the_form_opens_from_a_shortcut_and_from_the_home_page_too() {
    let house = House::new(Way::Http).await;
    assert!(house.slack.shortcut("U0ANA", "hallpass_request").await.is_ok());
    house.door.idle().await;
    assert!(house.page("U0ANA").contains("What do you need?"));
    assert!(house.slack.open_home("U0FINN").await.is_ok());
    house.door.idle().await;
    assert!(house.slack.press_home("U0FINN", "form", 0).await.is_ok());
    house.door.idle().await;
    assert!(house.page("U0FINN").contains("What do you need?"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_message_that_it_is_about_is_linked_on_the_card() {
    let house = House::new(Way::Http).await;
    let ts = house.slack.say("U0BEN", TALK, "the import is stuck", None);
    assert!(house.slack.message_shortcut("U0ANA", TALK, &ts, "hallpass_request_about").await.is_ok());
    house.door.idle().await;
    house.chooses("U0ANA", "resource", "prod-db").await;
    house.chooses("U0ANA", "role", "write").await;
    let link = format!("https://home.slack.com/archives/{TALK}/p{}", ts.replace('.', ""));
    assert!(house.page("U0ANA").contains(&link), "{}", house.page("U0ANA"));
    house.fills("U0ANA", &[("reason", "Unblock the stuck import")]).await;
    assert!(house.reads().contains("About  this message"), "{}", house.reads());
    assert!(live_markup(&house.card()).contains(&format!("link {link}")));
}

#[tokio::test]
async fn five_thousand_resources_are_found_by_typing_and_only_those_one_may_ask_for() {
    let mut many = rules();
    many.policies.get_mut(&"hosts".parse().unwrap()).unwrap().may_ask = vec![Who::Group("security".parse().unwrap())];
    let (bastion, prod) = (many.resources[&"bastion".parse().unwrap()].clone(), many.resources[&"prod-db".parse().unwrap()].clone());
    for n in 0..5_000 {
        let (id, like): (ResourceId, &Resource) =
            if n % 2 == 0 { (format!("host-{n:04}").parse().unwrap(), &bastion) } else { (format!("base-{n:04}").parse().unwrap(), &prod) };
        many.resources.insert(id.clone(), Resource { id, title: format!("number {n}"), ..like.clone() });
    }
    let house = House::with(Way::Http, workspace().await, many).await;
    for user in ["U0ANA", "U0CLEO"] {
        house.opens(user).await;
    }
    let found = async |user: &str, query: &str| -> Vec<String> {
        let options = house.slack.type_ahead(user, "resource", query).await;
        options.iter().map(|option| option["value"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(found("U0ANA", "").await.len(), 100);
    assert_eq!(found("U0ANA", "base-4321").await, ["base-4321"]);
    assert_eq!(found("U0ANA", "host-4322").await, Vec::<String>::new(), "hosts are not for Ana");
    assert_eq!(found("U0CLEO", "host-4322").await, ["host-4322"]);
    assert_eq!(found("U0CLEO", "nothing like it").await, Vec::<String>::new());
    house.assert_nothing_refused();
}

#[tokio::test]
async fn roles_lengths_and_the_outlook_follow_what_is_chosen() {
    let mut far = rules();
    far.people.get_mut(&"dora".parse().unwrap()).unwrap().time_zone = Some(chrono_tz::Asia::Tokyo);
    let house = House::with(Way::Http, workspace().await, far).await;
    house.write("U0ANA").await;
    let page = house.page("U0ANA");
    assert!(
        page.contains("For how long?: (1 h)") && page.contains("This asks db-leads (Ben Okafor and Dora Lind; 23:00 for Dora Lind)"),
        "{page}"
    );
    house.chooses("U0ANA", "resource", "bastion").await;
    let page = house.page("U0ANA");
    assert!(!page.contains("As what?") && page.contains("login on bastion for 1 h") && page.contains("This asks security"), "{page}");
    house.chooses("U0ANA", "length", "30m").await;
    assert!(house.page("U0ANA").contains("This would be approved at once: nobody is asked."), "{}", house.page("U0ANA"));
    house.chooses("U0ANA", "free", "45m").await;
    assert!(house.page("U0ANA").contains("login on bastion for 45 min"), "what is typed wins: {}", house.page("U0ANA"));
    house.chooses("U0ANA", "resource", "prod-db").await;
    assert!(house.page("U0ANA").contains("As what?") && !house.page("U0ANA").contains("For how long?"), "{}", house.page("U0ANA"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn what_is_typed_wins_over_what_is_chosen_and_it_may_begin_later() {
    let house = House::new(Way::Http).await;
    house.write("U0ANA").await;
    house.chooses("U0ANA", "length", "2h").await;
    let start = START + Span::from_minutes(120);
    house.chooses("U0ANA", "start", &start.seconds().to_string()).await;
    house.fills("U0ANA", &[("free", "90m"), ("reason", "Unblock the stuck import")]).await;
    let request = house.newest().await;
    assert_eq!((request.ask().length, request.ask().start), (Length::For(Span::from_minutes(90)), Some(start)));
    assert!(house.reads().contains("1 h 30 min"), "{}", house.reads());
}

#[tokio::test]
async fn it_may_be_for_somebody_else_only_where_the_rule_lets_one() {
    let house = House::new(Way::Http).await;
    house.write("U0FINN").await;
    assert!(!house.page("U0FINN").contains("For whom?"), "{}", house.page("U0FINN"));
    house.write("U0ANA").await;
    assert!(house.page("U0ANA").contains("For whom?"), "{}", house.page("U0ANA"));
    house.fills("U0ANA", &[("subject", "U0CLEO"), ("reason", "Cleo looks at the import")]).await;
    assert_eq!(house.newest().await.subject.as_str(), "cleo");
    assert!(house.reads().contains("for Cleo Marsh"), "{}", house.reads());
    assert!(house.directs("U0CLEO").contains("Ana Reyes asks for write on prod-db for you"), "{}", house.directs("U0CLEO"));
}

#[tokio::test]
async fn what_is_wrong_is_said_on_its_field_and_nothing_typed_is_lost() {
    let house = House::new(Way::Http).await;
    house.write("U0ANA").await;
    let good = [("reason", "Unblock the stuck import"), ("ticket", "OPS-4512"), ("free", ""), ("start", ""), ("subject", "")];
    let wrong = [
        ("reason", "abc", "reason", "at least 4 characters"),
        ("ticket", "nope", "ticket", "not a ticket that counts here"),
        ("free", "soon", "free", "not a length of time"),
        ("free", "9h", "free", "more than the 4 h allowed here"),
        ("start", "1795525200", "start", "is over already"),
        ("subject", "U0BOT", "subject", "I know nobody called"),
    ];
    for (field, value, block, why) in wrong {
        for (field, value) in good {
            house.slack.fill("U0ANA", field, value);
        }
        house.slack.fill("U0ANA", field, value);
        let before = house.state("U0ANA");
        let sent = house.tries("U0ANA", &[]).await;
        assert!(sent.error_on(block).is_some_and(|error| error.contains(why)), "{field}={value}: {sent:?}");
        assert_eq!(house.state("U0ANA"), before, "{field}={value}");
    }
    assert!(house.slack.messages(CARDS).is_empty());
    for (field, value) in good {
        house.slack.fill("U0ANA", field, value);
    }
    house.fills("U0ANA", &[]).await;
    assert!(house.reads().starts_with("Ana Reyes asks for write"), "{}", house.reads());
    house.write("U0ANA").await;
    let again = house.tries("U0ANA", &[("reason", "Unblock the stuck import")]).await;
    assert!(
        again.error_on("resource").unwrap().contains("You have this open already"),
        "what is about no field, on what is asked for: {again:?}"
    );
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_form_that_is_sent_before_it_was_filled_says_what_is_missing() {
    let house = House::new(Way::Http).await;
    house.opens("U0ANA").await;
    house.slack.type_ahead("U0ANA", "resource", "prod-db").await;
    let sent = house.tries("U0ANA", &[("resource", "prod-db")]).await;
    assert!(sent.error_on("resource").unwrap().starts_with("Choose one of the roles of prod-db: read, write, admin"), "{sent:?}");
}

#[tokio::test]
async fn a_form_that_somebody_else_sends_is_theirs() {
    let house = House::new(Way::Http).await;
    house.write("U0ANA").await;
    house.slack.fill("U0ANA", "reason", "Unblock the stuck import");
    assert!(house.slack.submit_as("U0FINN", "U0ANA").await.is_ok());
    house.settle().await;
    assert_eq!(house.newest().await.requester.as_str(), "finn");
    house.slack.fill("U0ANA", "subject", "U0CLEO");
    let sent = house.slack.submit_as("U0EVE", "U0ANA").await;
    assert!(sent.error_on("subject").unwrap().contains("You may not ask for Cleo Marsh"), "what Ana may is not what Eve may: {sent:?}");
}

#[tokio::test]
async fn whoever_is_nobody_here_is_told_so_in_the_page() {
    let house = House::new(Way::Http).await;
    house.slack.person("U0NEW", "Nora New");
    house.opens("U0NEW").await;
    let page = house.page("U0NEW");
    assert!(page.contains("I don't know who you are here yet") && page.contains("/jit link") && !page.contains("[Send]"), "{page}");
    assert!(house.say("U0NEW", ASK).await.contains("I don't know who you are here yet"));
    assert!(house.slack.messages(CARDS).is_empty());
}

#[tokio::test]
async fn a_form_that_did_not_open_in_time_is_said_privately() {
    let house = House::new(Way::Http).await;
    house.slack.fail("views.open", Fault::Error("expired_trigger_id"), 2);
    let said = house.say("U0ANA", "").await;
    assert_eq!(said, "The page did not open in time, so nothing was done. Press again, or type it: /jit request RESOURCE ROLE 1h why");
    assert!(house.slack.shortcut("U0ANA", "hallpass_request").await.is_ok());
    house.settle().await;
    assert!(house.directs("U0ANA").contains("The page did not open in time"), "{}", house.directs("U0ANA"));
}
