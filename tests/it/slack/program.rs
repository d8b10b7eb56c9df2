//! The real program on a bot.toml with `[slack]`, against the fake Slack: both ways in, a stop while somebody types, a token that
//! is wrong, and two processes that are pressed at the same instant.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc};

use hallpass::{
    clock::{Clock as _, ManualClock, SystemClock},
    domain::{
        entitlement::Ownership,
        request::{Ending, State},
        time::Span,
    },
    provider::pretend::Pretend,
    store::{Filter, Store},
};
use rustix::process::Signal;

use super::{CARDS, House, OPS, TALK, Way, attacks::ASK, rules, workspace};
use crate::{
    fakes::slack::{Kind, Slack, reading::text_of},
    running::{Bot, closed},
    store_suite,
};

/// A workspace, and the folder of a program that is at home in it.
struct Program {
    slack: Slack,
    folder: tempfile::TempDir,
    store: String,
    /// Where it is reached over HTTP; None: it opens sockets.
    listen: Option<String>,
}

impl Program {
    async fn new(way: Way) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store_suite::file(&folder);
        let program = Self { slack: workspace().await, folder, store, listen: None }.reached(way);
        for (name, secret) in
            [("bot", program.slack.bot_token()), ("app", program.slack.app_token()), ("signing", program.slack.signing_secret())]
        {
            program.secret(name, secret);
        }
        program
    }

    fn reached(mut self, way: Way) -> Self {
        self.listen = (way == Way::Http).then(free);
        match &self.listen {
            Some(listen) => self.slack.over_http(&format!("http://{listen}")),
            None => self.slack.over_sockets(),
        };
        self
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn secret(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn text(&self, listen: Option<&str>) -> String {
        let (here, api) = (self.folder.path().display(), self.slack.api_url());
        let answers = api.trim_start_matches("http://").trim_end_matches("/api");
        let door = listen.map_or_else(
            || format!("app_token = {{ file = '{here}/app' }}\nconnections = 2"),
            |listen| format!("signing_secret = {{ file = '{here}/signing' }}\nlisten = '{listen}'"),
        );
        let people: String = [("ana", "Ana Reyes"), ("ben", "Ben Okafor"), ("dora", "Dora Lind")]
            .map(|(id, name)| format!("[people.{id}]\nname = '{name}'\nslack = 'U0{}'\n", id.to_uppercase()))
            .concat();
        let mut url = url::Url::parse(&self.store).unwrap();
        let mut store = String::new();
        if let Some(password) = url.password().map(str::to_owned) {
            self.secret("password", &password);
            url.set_password(None).unwrap();
            store = format!("\npassword = {{ file = '{here}/password' }}");
        }
        let store = format!("url = '{url}'{store}");
        format!(
            "[store]\n{store}\n[ledger]\nkey_file = '{here}/key'\norigin = 'example.com/ledger'\n\
             [alarm]\nchannels = ['slack:{OPS}']\n\
             [slack]\nbot_token = {{ file = '{here}/bot' }}\n{door}\napi_url = '{api}'\nresponse_hosts = ['{answers}']\n\
             {people}[groups.db-leads]\nslack = 'S0LEADS'\n[providers.pretended]\nkind = 'pretend'\n\
             [policies.prod-data]\ncap = '4h'\ndefault = '1h'\nmay_ask = ['everyone']\nstages = [{{ approvers = ['@db-leads'] }}]\n\
             [resources.prod-db]\nprovider = 'pretended'\nchannels = ['slack:{CARDS}']\npolicy = 'prod-data'\n\
             roles = [{{ name = 'write', target = {{ name = 'write' }} }}]\n"
        )
    }

    /// Starts it, and waits until it hears.
    async fn start(&self) -> Bot {
        let mut bot = self.start_at(self.listen.as_deref(), "bot.toml");
        match &self.listen {
            Some(_) => bot.until("it hears", |bot| bot.said().contains("Slack's requests are heard")).await,
            None => bot.until("it is connected", |_| self.slack.connections() >= 2).await,
        }
        bot
    }

    fn start_at(&self, listen: Option<&str>, file: &str) -> Bot {
        fs::write(self.at(file), self.text(listen)).unwrap();
        Bot::start(&self.at(file), self.at(&format!("{file}.log-{}", self.folder.path().read_dir().unwrap().count())))
    }

    /// The newest card; empty when none stands.
    fn card(&self) -> (String, String) {
        let card = self.slack.messages(CARDS).last().cloned().unwrap_or_default();
        (card["ts"].as_str().unwrap_or_default().to_owned(), text_of(&card))
    }

    async fn card_says(&self, bot: &mut Bot, words: &str) -> String {
        bot.until(words, |_| self.card().1.contains(words)).await;
        self.card().0
    }

    fn is_told_no_secret(&self, bot: &Bot) {
        for secret in [self.slack.bot_token(), self.slack.app_token(), self.slack.signing_secret(), "?ticket="] {
            assert!(!bot.said().contains(secret), "{secret} is told:\n{}", bot.said());
        }
    }
}

/// The alarms that are open.
async fn open(store: &Store) -> Vec<String> {
    store.open_alarms().await.unwrap().into_iter().map(|alarm| alarm.id).collect()
}

/// A port that nobody listens on now.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

async fn a_whole_life(way: Way) {
    let program = Program::new(way).await;
    let mut bot = program.start().await;
    assert!(program.slack.slash("U0ANA", TALK, ASK).await.is_ok());
    let ts = program.card_says(&mut bot, "Ana Reyes asks for write on prod-db").await;
    bot.until("she is told", |_| !program.slack.ephemerals("U0ANA").is_empty()).await;
    let ack = program.slack.press("U0DORA", CARDS, &ts, "looking").await;
    assert!(ack.is_ok() && ack.took.as_secs() < 2, "{ack:?}");
    assert!(program.slack.press("U0ANA", CARDS, &ts, "approve").await.is_ok());
    bot.until("she may not", |_| program.slack.ephemerals("U0ANA").iter().any(|m| text_of(m).contains("You asked for this yourself")))
        .await;
    assert!(program.slack.press("U0BEN", CARDS, &ts, "approve").await.is_ok());
    program.card_says(&mut bot, "Ana Reyes has write on prod-db").await;
    bot.until("she is told", |_| program.slack.directs("U0ANA").iter().any(|m| text_of(m).contains("You have write on prod-db"))).await;
    assert!(program.slack.press("U0ANA", CARDS, &ts, "return").await.is_ok());
    program.card_says(&mut bot, "Ended: Ana Reyes had write on prod-db").await;
    bot.until("its thread ends", |_| {
        program.slack.thread(CARDS, &ts).iter().any(|line| text_of(line).contains("Returned early by Ana Reyes"))
    })
    .await;
    bot.stop().await;
    program.is_told_no_secret(&bot);
    assert_eq!(program.slack.refusals(), Vec::<String>::new());
}

#[tokio::test]
async fn a_whole_life_by_http() {
    a_whole_life(Way::Http).await;
}

#[tokio::test]
async fn a_whole_life_by_sockets() {
    a_whole_life(Way::Sockets).await;
}

#[tokio::test]
async fn a_form_that_is_open_over_a_stop_is_taken_by_the_next_process() {
    for way in [Way::Http, Way::Sockets] {
        let program = Program::new(way).await;
        let mut bot = program.start().await;
        assert!(program.slack.slash("U0ANA", TALK, "").await.is_ok());
        bot.until("the form is filled", |_| program.slack.view("U0ANA").is_some_and(|view| text_of(&view).contains("What do you need?")))
            .await;
        program.slack.type_ahead("U0ANA", "resource", "prod").await;
        assert!(program.slack.choose("U0ANA", "resource", "prod-db").await.is_ok());
        bot.until("the form asks why", |_| text_of(&program.slack.view("U0ANA").unwrap()).contains("Why?")).await;
        program.slack.fill("U0ANA", "reason", "Unblock the stuck import");
        bot.signal(Signal::TERM);
        assert!(bot.ended().await.success(), "{}", bot.said());
        let mut bot = program.start().await;
        let ack = program.slack.submit("U0ANA").await;
        assert!(ack.is_ok(), "{way:?}: {ack:?}");
        program.card_says(&mut bot, "Ana Reyes asks for write on prod-db").await;
        bot.stop().await;
        assert_eq!(program.slack.messages(CARDS).len(), 1, "{way:?}");
    }
}

#[tokio::test]
async fn with_a_wrong_token_it_says_so_ends_what_is_due_and_shows_everything_once_the_token_is_right() {
    let program = Program::new(Way::Sockets).await;
    let clock = Arc::new(ManualClock::new(SystemClock.now() - Span::from_minutes(60) + Span::from_seconds(6)));
    let store = Store::open(&program.store).await.unwrap();
    let house = House::over(Way::Http, program.slack.clone(), rules(), store, clock, Arc::new(Pretend::new(Ownership::PerGrant))).await;
    house.say("U0ANA", ASK).await;
    house.press("U0BEN", "approve").await;
    house.advance(Span::from_minutes(59)).await;
    let id = house.newest().await.id;
    house.store.close().await;
    program.slack.over_sockets();
    program.secret("bot", "xoxb-of-another-app");
    let mut bot = program.start_at(None, "bot.toml");
    bot.until("it says so", |bot| bot.said().contains("invalid_auth")).await;
    closed(&program.store, &mut bot, &id.to_string()).await;
    assert!(program.card().1.contains("has write on prod-db"), "Slack was not told: {}", program.card().1);
    bot.stop().await;
    let store = Store::open(&program.store).await.unwrap();
    let request = store.request(&id).await.unwrap().unwrap();
    assert!(matches!(request.state, State::Closed { ending: Ending::Expired, .. }), "{:?}", request.state);
    assert!(open(&store).await.contains(&"slack".to_owned()), "{:?}", open(&store).await);
    store.close().await;
    program.secret("bot", program.slack.bot_token());
    let mut bot = program.start().await;
    program.card_says(&mut bot, "Ended: Ana Reyes had write on prod-db").await;
    bot.until("she is told", |_| program.slack.directs("U0ANA").iter().any(|m| text_of(m).contains("Ended: write on prod-db"))).await;
    bot.stop().await;
    let store = Store::open(&program.store).await.unwrap();
    assert!(!open(&store).await.contains(&"slack".to_owned()), "{:?}", open(&store).await);
    assert_eq!(program.slack.messages(CARDS).len(), 1);
    store.close().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn two_presses_at_the_same_instant_to_two_processes_are_one_vote_one_grant_and_one_card() {
    let mut program = Program::new(Way::Http).await;
    program.store = store_suite::database().await;
    let (mut one, other) = (program.start().await, free());
    let mut two = program.start_at(Some(&other), "other.toml");
    two.until("it hears", |bot| bot.said().contains("Slack's requests are heard")).await;
    let urls = [format!("http://{}", program.listen.as_ref().unwrap()), format!("http://{other}")];
    assert!(program.slack.slash("U0ANA", TALK, ASK).await.is_ok());
    let ts = program.card_says(&mut one, "Ana Reyes asks for write on prod-db").await;
    // One press that comes to both, and another press of the same person and of another one.
    let presses = ["U0BEN", "U0BEN", "U0DORA"].map(|user| program.slack.press_payload(user, CARDS, &ts, "approve"));
    let all = presses.iter().flat_map(|press| urls.iter().map(move |url| (url, press)));
    let acks = futures_util::future::join_all(all.map(|(url, press)| program.slack.deliver_to(url, Kind::Interactive, press))).await;
    assert!(acks.iter().all(crate::fakes::slack::Ack::is_ok), "{acks:?}");
    program.card_says(&mut one, "Ana Reyes has write on prod-db").await;
    one.until("everybody is answered", |_| program.slack.ephemerals("U0BEN").len() >= 2 && !program.slack.ephemerals("U0DORA").is_empty())
        .await;
    one.stop().await;
    two.stop().await;
    let store = Store::open(&program.store).await.unwrap();
    let request = store.requests(&Filter { limit: 1, ..Filter::default() }).await.unwrap().remove(0);
    let entries = store.entries(&format!("request/{}", request.id), 0, 1_000).await.unwrap();
    let count =
        |kind: &str| entries.iter().filter(|entry| String::from_utf8_lossy(&entry.bytes).contains(&format!("\"type\":\"{kind}\""))).count();
    assert_eq!((count("approved"), count("granting"), count("working")), (1, 1, 1));
    assert_eq!(program.slack.ephemerals("U0BEN").len(), 2, "a press that came to both is answered by one");
    let thread: Vec<String> = program.slack.thread(CARDS, &ts).iter().map(text_of).collect();
    assert_eq!((program.slack.messages(CARDS).len(), thread.iter().filter(|line| line.contains("approved")).count()), (1, 1), "{thread:?}");
    store.close().await;
}
