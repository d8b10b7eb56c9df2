//! The real program on a bot.toml with `[discord]`, against the fake Discord: both ways in, stops while something is open, a token
//! that is wrong, a gateway that ends or may not be opened, and two processes that are pressed at the same instant.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};

use hallpass::{
    clock::{Clock as _, SystemClock},
    domain::{
        request::{Ending, State},
        time::Span,
    },
    store::{Filter, Store},
};
use rustix::process::Signal;
use serde_json::json;

use crate::{
    fakes::discord::{APP_ID, Discord, Fault, GUILD, Reply, reading::text_of},
    running::{Bot, closed, none_left},
    store_suite,
    world::{START, World},
};

const CARDS: &str = "500000000000000001";
const OPS: &str = "500000000000000002";
const TALK: &str = "500000000000000003";
const ANA: &str = "800000000000000001";
const BEN: &str = "800000000000000002";
const DORA: &str = "800000000000000004";
const LEADS: &str = "310000000000000001";
const ASK: [(&str, &str); 4] = [("resource", "prod-db"), ("role", "write"), ("length", "1h"), ("reason", "Unblock the stuck import")];

/// How people reach it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Http,
    Gateway,
}

/// A guild, and the folder of a program that is at home in it.
struct Program {
    discord: Discord,
    folder: tempfile::TempDir,
    store: String,
    /// Where it is reached over HTTP; None: it dials out.
    listen: Option<String>,
}

impl Program {
    async fn new(way: Way) -> Self {
        let (folder, discord) = (tempfile::tempdir().unwrap(), Discord::start().await);
        for (user, name) in [(ANA, "Ana Reyes"), (BEN, "Ben Okafor"), (DORA, "Dora Lind")] {
            discord.person(user, name);
        }
        discord.channel(CARDS, "approvals").channel(OPS, "ops").channel(TALK, "general").role(LEADS, "db-leads", &[BEN, DORA]);
        // The program looks at the machine's clock.
        let ahead = SystemClock.now().micros() - START.micros();
        discord.advance(Duration::from_micros(ahead.try_into().unwrap()));
        let listen = (way == Way::Http).then(free);
        match &listen {
            Some(listen) => discord.over_http(&url(listen)),
            None => discord.over_gateway(),
        };
        let program = Self { store: store_suite::file(&folder), discord, folder, listen };
        program.secret("token", program.discord.bot_token());
        program
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn secret(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn text(&self, listen: Option<&str>) -> String {
        let (here, api, key) = (self.folder.path().display(), self.discord.api_url(), self.discord.public_key_hex());
        let door = listen.map_or_else(String::new, |listen| format!("public_key = '{key}'\nlisten = '{listen}'\n"));
        let people: String = [("ana", "Ana Reyes", ANA), ("ben", "Ben Okafor", BEN), ("dora", "Dora Lind", DORA)]
            .map(|(id, name, account)| format!("[people.{id}]\nname = '{name}'\ndiscord = '{account}'\n"))
            .concat();
        let mut url = url::Url::parse(&self.store).unwrap();
        let mut store = String::new();
        if let Some(password) = url.password().map(str::to_owned) {
            self.secret("password", &password);
            url.set_password(None).unwrap();
            store = format!("\npassword = {{ file = '{here}/password' }}");
        }
        format!(
            "[store]\nurl = '{url}'{store}\n[ledger]\nkey_file = '{here}/key'\norigin = 'example.com/ledger'\n\
             [alarm]\nchannels = ['discord:{OPS}']\n\
             [discord]\nbot_token = {{ file = '{here}/token' }}\napplication_id = '{APP_ID}'\nguild = '{GUILD}'\n{door}api_url = '{api}'\n\
             {people}[groups.db-leads]\ndiscord = '{LEADS}'\n[providers.pretended]\nkind = 'pretend'\n\
             [policies.prod-data]\ncap = '4h'\ndefault = '1h'\nmay_ask = ['everyone']\nstages = [{{ approvers = ['@db-leads'] }}]\n\
             [resources.prod-db]\nprovider = 'pretended'\nchannels = ['discord:{CARDS}']\npolicy = 'prod-data'\n\
             roles = [{{ name = 'write', target = {{ name = 'write' }} }}]\n"
        )
    }

    /// Starts it, and waits until it hears and its commands can be typed.
    async fn start(&self) -> Bot {
        let before = self.discord.sessions().1;
        let mut bot = self.start_at(self.listen.as_deref(), "bot.toml");
        match &self.listen {
            Some(_) => bot.until("it hears", |bot| bot.said().contains("Discord's requests are heard")).await,
            None => bot.until("it is connected", |_| self.discord.sessions().1 > before).await,
        }
        bot.until("its commands are there", |_| !self.discord.commands().is_empty()).await;
        bot
    }

    fn start_at(&self, listen: Option<&str>, file: &str) -> Bot {
        fs::write(self.at(file), self.text(listen)).unwrap();
        Bot::start(&self.at(file), self.at(&format!("{file}.log-{}", self.folder.path().read_dir().unwrap().count())))
    }

    /// The newest card and what it says; empty when none stands.
    fn card(&self) -> (String, String) {
        let card = self.discord.messages(CARDS).last().cloned().unwrap_or_default();
        (card["id"].as_str().unwrap_or_default().to_owned(), text_of(&card))
    }

    async fn card_says(&self, bot: &mut Bot, words: &str) -> String {
        bot.until(words, |_| self.card().1.contains(words)).await;
        self.card().0
    }

    /// Ana asks, and her card stands; its id.
    async fn asked(&self, bot: &mut Bot) -> String {
        let reply = self.discord.slash(ANA, TALK, "request", &ASK).await;
        assert!(reply.is_ok(), "{reply:?}");
        self.card_says(bot, "Ana Reyes asks for write on prod-db").await
    }

    /// Waits until somebody alone is told this.
    async fn is_told(&self, bot: &mut Bot, user: &str, words: &str) {
        bot.until(words, |_| self.discord.ephemerals(user).iter().any(|answer| text_of(answer).contains(words))).await;
    }

    fn is_told_no_secret(&self, bot: &Bot) {
        assert!(!bot.said().contains(self.discord.bot_token()), "{}", bot.said());
        for token in self
            .discord
            .requests()
            .iter()
            .filter_map(|request| request.path.split("/callback").next()?.rsplit('/').next().map(str::to_owned))
        {
            assert!(token.len() < 20 || !bot.said().contains(&token), "{token} is told:\n{}", bot.said());
        }
    }
}

fn url(listen: &str) -> String {
    format!("http://{listen}/discord/interactions")
}

/// A port that nobody listens on now.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The alarms that are open.
async fn open(url: &str) -> Vec<(String, String)> {
    let store = Store::open(url).await.unwrap();
    let alarms = store.open_alarms().await.unwrap().into_iter().map(|alarm| (alarm.id, alarm.what)).collect();
    store.close().await;
    alarms
}

/// Why nobody is heard, as the alarm about it says.
async fn deaf(url: &str) -> Option<String> {
    open(url).await.into_iter().find(|(id, _)| id == "discord/deaf").map(|(_, what)| what)
}

async fn a_whole_life(way: Way) {
    let program = Program::new(way).await;
    let mut bot = program.start().await;
    let card = program.asked(&mut bot).await;
    program.is_told(&mut bot, ANA, "Asked.").await;
    for (user, action) in [(DORA, "looking"), (ANA, "approve"), (BEN, "approve")] {
        let reply = program.discord.press(user, &card, action).await;
        assert!(reply.is_ok() && reply.took < Duration::from_secs(2), "{reply:?}");
    }
    program.is_told(&mut bot, ANA, "You asked for this yourself").await;
    program.card_says(&mut bot, "Ana Reyes has write on prod-db").await;
    let directs = |words: &'static str| move |program: &Program| program.discord.directs(ANA).iter().any(|m| text_of(m).contains(words));
    bot.until("she is told", |_| directs("You have write on prod-db")(&program)).await;
    let returned = program.discord.press(ANA, &card, "return").await;
    assert!(returned.is_ok(), "{returned:?}");
    program.card_says(&mut bot, "Ended: Ana Reyes had write on prod-db").await;
    bot.until("its thread ends", |_| {
        program.discord.thread(&card).iter().any(|line| text_of(line).contains("Returned early by Ana Reyes"))
    })
    .await;
    if way == Way::Gateway {
        for _ in 0..2 {
            program.discord.event("AN_EVENT_OF_TOMORROW", json!({ "id": "1" })).await;
        }
        bot.until("what it does not know is logged and counted", |bot| {
            bot.said().lines().any(|line| line.contains("an event that the crate does not know") && line.contains("unread=2"))
        })
        .await;
    }
    bot.stop().await;
    program.is_told_no_secret(&bot);
    assert_eq!(program.discord.refusals(), Vec::<String>::new());
}

#[tokio::test]
async fn a_whole_life_by_http() {
    a_whole_life(Way::Http).await;
}

#[tokio::test]
async fn a_whole_life_by_the_gateway() {
    a_whole_life(Way::Gateway).await;
}

#[tokio::test]
async fn a_card_and_a_form_from_before_a_restart_go_on_after_it() {
    for way in [Way::Http, Way::Gateway] {
        let program = Program::new(way).await;
        let mut bot = program.start().await;
        let card = program.asked(&mut bot).await;
        let opened = program.discord.press(DORA, &card, "less").await;
        assert_eq!((opened.is_ok(), opened.kind()), (true, Some(9)), "{opened:?}");
        bot.stop().await;
        let mut bot = program.start().await;
        let sent = program.discord.submit(DORA, &[("length", "30m")]).await;
        assert!(sent.is_ok(), "{way:?}: {sent:?}");
        program.is_told(&mut bot, DORA, "Offered.").await;
        let pressed = program.discord.press(BEN, &card, "approve").await;
        assert!(pressed.is_ok(), "{way:?}: {pressed:?}");
        program.card_says(&mut bot, "Ana Reyes has write on prod-db").await;
        bot.stop().await;
        assert_eq!(program.discord.messages(CARDS).len(), 1, "{way:?}");
    }
}

#[tokio::test]
async fn what_is_open_when_it_is_stopped_is_answered_before_it_ends() {
    for way in [Way::Http, Way::Gateway] {
        let program = Program::new(way).await;
        let mut bot = program.start().await;
        let card = program.asked(&mut bot).await;
        // What came of it can be told at the third try only.
        program.discord.fail("execute_webhook", Fault::CutBefore, 2);
        let pressed = program.discord.press(BEN, &card, "approve").await;
        assert_eq!((pressed.is_ok(), pressed.kind()), (true, Some(6)), "{way:?}: {pressed:?}");
        program.discord.requested("execute_webhook", 1).await;
        bot.signal(Signal::TERM);
        assert!(bot.ended().await.success(), "{}", bot.said());
        let said: Vec<String> = program.discord.ephemerals(BEN).iter().map(text_of).collect();
        assert_eq!(said.len(), 1, "{way:?}: {said:?}");
        assert!(said[0].starts_with("Your approval counts"), "{way:?}: {said:?}");
    }
}

#[tokio::test]
async fn with_a_wrong_token_it_says_so_ends_what_is_due_and_is_heard_once_the_token_is_right() {
    let program = Program::new(Way::Gateway).await;
    let world = World::on_at(&program.store, SystemClock.now() - Span::from_minutes(60) + Span::from_seconds(6)).await;
    world.say("ana", "/jit request prod-db write 1h Unblock the stuck import").await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    world.advance(Span::from_minutes(59)).await;
    world.store.close().await;
    program.secret("token", "OTAw.another.token");
    let mut bot = program.start_at(None, "bot.toml");
    bot.until("it says so", |bot| bot.said().contains("does not accept the bot's token")).await;
    closed(&program.store, &mut bot, &id).await;
    bot.stop().await;
    let store = Store::open(&program.store).await.unwrap();
    let request = store.request(&id.parse().unwrap()).await.unwrap().unwrap();
    assert!(matches!(request.state, State::Closed { ending: Ending::Expired, .. }), "{:?}", request.state);
    store.close().await;
    let alarms: Vec<String> = open(&program.store).await.into_iter().map(|(id, _)| id).collect();
    assert!(alarms.contains(&"discord".to_owned()) && alarms.contains(&"discord/deaf".to_owned()), "{alarms:?}");
    assert_eq!(program.discord.sessions().1, 0, "no session was begun with it");
    program.secret("token", program.discord.bot_token());
    let mut bot = program.start().await;
    program.asked(&mut bot).await;
    // Discord heard of neither: what was never told is not told to be over.
    let left = "SELECT CAST(COUNT(*) AS BIGINT) FROM alarms WHERE cleared_at IS NULL AND id IN ('discord', 'discord/deaf')";
    none_left(&program.store, &mut bot, left).await;
    bot.stop().await;
    let alarms = open(&program.store).await;
    assert!(!alarms.iter().any(|(id, _)| id.starts_with("discord")), "{alarms:?}");
}

#[tokio::test]
async fn a_gateway_that_ends_for_good_is_an_alarm_that_says_what_to_do() {
    for (code, says) in [(4004, "(4004)"), (4014, "(4013 or 4014)")] {
        let program = Program::new(Way::Gateway).await;
        let mut bot = program.start().await;
        program.discord.close_connections(code);
        bot.until("it says so", |bot| bot.said().contains(says)).await;
        bot.stop().await;
        let why = deaf(&program.store).await.unwrap();
        assert!(why.contains(says) && why.contains("start the bot again"), "{why}");
    }
}

#[tokio::test]
async fn while_too_few_sessions_may_be_begun_that_is_an_alarm_and_it_is_heard_once_there_are_new_ones() {
    let program = Program::new(Way::Gateway).await;
    program.discord.starts_left(3, Duration::from_secs(1));
    let mut bot = program.start_at(None, "bot.toml");
    bot.until("it says so", |bot| bot.said().contains("too few are left")).await;
    assert_eq!(program.discord.sessions().1, 0);
    program.discord.starts_left(1_000, Duration::from_hours(24));
    bot.until("it is heard", |_| program.discord.sessions().0 == 1).await;
    program.asked(&mut bot).await;
    let is_over = || program.discord.messages(OPS).iter().any(|message| text_of(message).starts_with("Over at"));
    bot.until("the alarm is over", |_| is_over()).await;
    bot.stop().await;
    let store = Store::open(&program.store).await.unwrap();
    let told = store.alarm("discord/deaf").await.unwrap().unwrap();
    assert!(told.what.contains("takes its token away") && told.cleared_at.is_some(), "{told:?}");
    store.close().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn two_presses_at_the_same_instant_to_two_processes_are_one_vote_one_grant_and_one_card() {
    let mut program = Program::new(Way::Http).await;
    program.store = store_suite::database().await;
    let (mut one, other) = (program.start().await, free());
    let mut two = program.start_at(Some(&other), "other.toml");
    two.until("it hears", |bot| bot.said().contains("Discord's requests are heard")).await;
    let urls = [url(program.listen.as_ref().unwrap()), url(&other)];
    let card = program.asked(&mut one).await;
    // One press that comes to both, and another press of the same person and of another one.
    let presses = [BEN, BEN, DORA].map(|user| program.discord.press_payload(user, &card, "approve"));
    let all = presses.iter().flat_map(|press| urls.iter().map(move |url| (url, press.clone())));
    let replies: Vec<Reply> = futures_util::future::join_all(all.map(|(url, press)| program.discord.deliver_to(url, press))).await;
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.took < Duration::from_secs(3)), "{replies:?}");
    program.card_says(&mut one, "Ana Reyes has write on prod-db").await;
    one.until("everybody is answered", |_| program.discord.ephemerals(BEN).len() >= 2 && !program.discord.ephemerals(DORA).is_empty())
        .await;
    let told = || program.discord.thread(&card).iter().filter(|line| text_of(line).contains("approved")).count();
    one.until("the thread says so", |_| told() > 0).await;
    one.stop().await;
    two.stop().await;
    let store = Store::open(&program.store).await.unwrap();
    let request = store.requests(&Filter { limit: 1, ..Filter::default() }).await.unwrap().remove(0);
    let entries = store.entries(&format!("request/{}", request.id), 0, 1_000).await.unwrap();
    let count =
        |kind: &str| entries.iter().filter(|entry| String::from_utf8_lossy(&entry.bytes).contains(&format!("\"type\":\"{kind}\""))).count();
    assert_eq!((count("approved"), count("granting"), count("working")), (1, 1, 1));
    assert_eq!(program.discord.ephemerals(BEN).len(), 2, "a press that came to both is answered by one");
    let thread: Vec<String> = program.discord.thread(&card).iter().map(text_of).collect();
    assert_eq!(
        (program.discord.messages(CARDS).len(), thread.iter().filter(|line| line.contains("approved")).count()),
        (1, 1),
        "{thread:?}"
    );
    store.close().await;
}
