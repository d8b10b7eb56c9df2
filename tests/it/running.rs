//! The real binary across an end: a broken file at its start and at a reload (R15), stops that wait and stops that do not,
//! a second process on the same file. What it grants is a file in a folder, by an adapter in shell.

mod kept;
mod killed;

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use hallpass::{
    bot::{Body, Incoming},
    clock::{Clock as _, SystemClock},
    domain::{
        policy::Platform,
        request::{Ending, State},
        time::Span,
    },
    provider::build::build,
    store::Store,
};
use rustix::process::{Pid, Signal, kill_process};

use crate::world::World;

/// Grants and takes away a file; while `hold` is there, taking away waits.
const DOOR: &str = r#"#!/bin/sh
request=$(cat)
here=$(dirname "$0")
field() { printf '%s\n' "$request" | sed -n "s/.*\"$1\":\"\([A-Za-z0-9._-]*\)\".*/\1/p"; }
say() { printf '{"protocol":"hallpass-adapter/1","status":"%s"}\n' "$1"; }
file="$here/doors/$(field principal)-$(field grant)"
case $(field op) in
describe) echo '{"protocols":["hallpass-adapter/1"],"name":"door","version":"1","ownership":"per_grant","sessions":"next_request","deadline_s":6,"ops":["observe","grant","revoke"]}' ;;
observe) if [ -e "$file" ]; then say active; else say absent; fi ;;
grant) : >"$file"; say active ;;
revoke)
    echo "$(field principal)" >>"$here/revokes"
    n=0
    while [ -e "$here/hold" ] && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.05; done
    rm -f "$file"
    say absent
    ;;
esac
"#;

/// Longest that anything of another process is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

struct House {
    folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let house = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(house.at("doors")).unwrap();
        house.program("door", DOOR);
        house.program("alarm", "#!/bin/sh\ncat >>\"$(dirname \"$0\")/alarms\"\necho >>\"$(dirname \"$0\")/alarms\"\n");
        fs::write(house.at("bot.toml"), house.text()).unwrap();
        house
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.at("hallpass.db").display())
    }

    fn text(&self) -> String {
        let here = self.folder.path().display();
        format!(
            "[store]\nurl = '{}'\n[ledger]\nkey_file = '{here}/key'\norigin = 'example.com/ledger'\n\
             [alarm]\nrun = ['{here}/alarm']\nheartbeat = '{here}/alive'\n\
             [people.ana]\nname = 'Ana'\nconsole = 'ana'\n[people.finn]\nname = 'Finn'\nconsole = 'finn'\n\
             [people.ben]\nname = 'Ben'\nconsole = 'ben'\n\
             [providers.pretended]\nkind = 'exec'\nprogram = '{here}/door'\n\
             [policies.prod-data]\ncap = '4h'\ndefault = '1h'\nmay_ask = ['everyone']\nstages = [{{ approvers = ['ben'] }}]\n\
             [resources.prod-db]\nprovider = 'pretended'\nchannels = ['console:#a']\npolicy = 'prod-data'\n\
             roles = [{{ name = 'write', target = {{ name = 'write' }} }}]\n",
            self.url()
        )
    }

    /// The same file without what Ana holds: its provider is another one.
    fn without_the_provider(&self) -> String {
        self.text().replace("providers.pretended", "providers.other").replace("provider = 'pretended'", "provider = 'other'")
    }

    /// Ana's hour ends `left` from now, and Finn's ask is approved and not granted yet. The two requests.
    async fn held(&self, left: Span) -> [String; 2] {
        let world = World::on_at(&self.url(), SystemClock.now() - Span::from_minutes(60) + left).await;
        let settings = format!("program = '{}'", self.at("door").display());
        let door = build("exec", &settings.parse().unwrap(), Arc::new(SystemClock)).await.unwrap();
        let in_force = BTreeMap::from([("pretended".parse().unwrap(), door)]);
        world.bot.reload(crate::world::catalogue(), in_force).await.unwrap();
        world.clock.advance(Span::from_seconds(1));
        world.say("ana", "/jit request prod-db write 1h Unblock the stuck import").await;
        let first = world.newest().await;
        world.press("ben", "approve", &first, None).await;
        assert_eq!(self.doors(), ["ana"]);
        world.advance(Span::from_minutes(59)).await;
        world.say("finn", "/jit request prod-db write 1h Look at the same import").await;
        let second = world.newest().await;
        let body = Body::Press { action: "approve".into(), request: second.clone(), words: None };
        let press = Incoming { platform: Platform::Console, user: "ben".into(), interaction: "last".into(), body };
        world.bot.take(&press).await.unwrap();
        assert!(matches!(world.state(&second).await.state, State::Granting { .. }));
        world.store.close().await;
        [first, second]
    }

    /// Who is in.
    fn doors(&self) -> Vec<String> {
        let files = fs::read_dir(self.at("doors")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = files.map(|name| name.split('-').next().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap_or_default()
    }

    fn start(&self) -> Bot {
        self.start_on("bot.toml")
    }

    fn start_on(&self, file: &str) -> Bot {
        let log = self.at(&format!("log-{}", self.folder.path().read_dir().unwrap().count()));
        Bot::start(&self.at(file), log)
    }
}

/// The real binary, running; killed when it is dropped.
pub(crate) struct Bot {
    child: Child,
    log: PathBuf,
}

impl Bot {
    pub(crate) fn start(config: &Path, log: PathBuf) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
        command.args(["run", "--config"]).arg(config).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
        Self { child, log }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap(), signal).unwrap();
    }

    pub(crate) fn said(&self) -> String {
        let mut text = String::new();
        fs::File::open(&self.log).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// Waits until this is true of the other process.
    pub(crate) async fn until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let begun = Instant::now();
        while !done(self) {
            assert!(begun.elapsed() < PATIENCE, "{what}: not yet\n{}", self.said());
            assert!(self.child.try_wait().unwrap().is_none(), "{what}: it ended\n{}", self.said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end\n{}", self.said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn stop(&mut self) {
        self.until("it runs", |bot| bot.said().contains("hallpass runs")).await;
        self.signal(Signal::TERM);
        assert!(self.ended().await.success(), "{}", self.said());
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Waits until the request has closed, as anybody reads it who looks into the file.
pub(crate) async fn closed(url: &str, bot: &mut Bot, id: &str) {
    use sqlx::{Connection as _, Row as _};
    let mut conn = sqlx::SqliteConnection::connect(url).await.unwrap();
    let begun = Instant::now();
    loop {
        let row = sqlx::query("SELECT open FROM requests WHERE id = $1").bind(id).fetch_one(&mut conn).await.unwrap();
        if !row.get::<bool, _>(0) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{id} does not close\n{}", bot.said());
        assert!(bot.child.try_wait().unwrap().is_none(), "it ended\n{}", bot.said());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    conn.close().await.unwrap();
}

/// Waits until this count is none, as anybody reads it who looks into the file.
pub(crate) async fn none_left(url: &str, bot: &mut Bot, count: &'static str) {
    use sqlx::{Connection as _, Row as _};
    let mut conn = sqlx::SqliteConnection::connect(url).await.unwrap();
    let begun = Instant::now();
    while sqlx::query(count).fetch_one(&mut conn).await.unwrap().get::<i64, _>(0) > 0 {
        assert!(begun.elapsed() < PATIENCE, "{count}: not yet\n{}", bot.said());
        assert!(bot.child.try_wait().unwrap().is_none(), "it ended\n{}", bot.said());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    conn.close().await.unwrap();
}

async fn is_expired(store: &Store, id: &str) {
    let request = store.request(&id.parse().unwrap()).await.unwrap().unwrap();
    assert!(matches!(request.state, State::Closed { ending: Ending::Expired, .. }), "{:?}", request.state);
}

/// Nothing is leased any more.
async fn is_free(house: &House) {
    use sqlx::{Connection as _, Row as _};
    let mut conn = sqlx::SqliteConnection::connect(&house.url()).await.unwrap();
    for table in ["SELECT COUNT(*) FROM entitlements WHERE leased_until > $1", "SELECT COUNT(*) FROM tasks WHERE leased_until > $1"] {
        let row = sqlx::query(table).bind(SystemClock.now().micros()).fetch_one(&mut conn).await.unwrap();
        assert_eq!(row.get::<i64, _>(0), 0, "{table}");
    }
    conn.close().await.unwrap();
}

/// R15: on the last good file, granting nothing, ending on time, telling operators.
async fn runs_on_the_last_good_file(broken: impl Fn(&House) -> String) -> String {
    let house = House::new();
    let left = Span::from_seconds(8);
    let [first, second] = house.held(left).await;
    let begun = Instant::now();
    fs::copy(house.at("bot.toml"), house.at("bot.toml.last-good")).unwrap();
    fs::write(house.at("bot.toml"), broken(&house)).unwrap();
    let mut bot = house.start();
    bot.until("the alarm's program got it", |_| house.read("alarms").contains("\"id\":\"policy\"")).await;
    let alarm = house.read("alarms");
    bot.until("what ends is taken away", |_| house.doors().is_empty()).await;
    assert!(begun.elapsed() + Duration::from_secs(3) >= left.std(), "not before its end");
    closed(&house.url(), &mut bot, &first).await;
    bot.stop().await;
    let store = Store::open(&house.url()).await.unwrap();
    is_expired(&store, &first).await;
    let waiting = store.request(&second.parse().unwrap()).await.unwrap().unwrap();
    assert!(matches!(waiting.state, State::Granting { .. }), "nothing is granted: {:?}", waiting.state);
    assert!(!house.doors().contains(&"finn".to_owned()));
    store.close().await;
    // The file mended, what was approved goes on.
    fs::write(house.at("bot.toml"), house.text()).unwrap();
    let mut bot = house.start();
    bot.until("what was approved is granted", |_| house.doors() == ["finn"]).await;
    bot.until("the alarm is over", |_| house.read("alarms").lines().last().is_some_and(|line| !line.contains("\"cleared_at\":null"))).await;
    bot.stop().await;
    alarm
}

#[tokio::test]
async fn a_broken_file_at_start_runs_on_the_last_good_one_grants_nothing_and_ends_on_time() {
    let alarm = runs_on_the_last_good_file(|house| house.text().replace("[people.ben]", "[people.ben")).await;
    let alarm: serde_json::Value = serde_json::from_str(alarm.lines().next().unwrap()).unwrap();
    assert!(alarm["what"].as_str().unwrap().contains("bot.toml is refused"), "{alarm}");
    assert!(alarm["cleared_at"].is_null() && alarm["request"].is_null(), "{alarm}");
}

#[tokio::test]
async fn a_file_without_the_provider_of_what_is_held_is_refused_at_start_and_the_last_good_one_ends_it() {
    runs_on_the_last_good_file(House::without_the_provider).await;
}

#[tokio::test]
async fn a_broken_file_without_a_last_good_one_ends_the_start_and_names_the_place() {
    let house = House::new();
    fs::write(house.at("bot.toml"), house.text().replace("[people.ben]", "[people.ben")).unwrap();
    let mut bot = house.start();
    assert!(!bot.ended().await.success());
    let said = bot.said();
    let line = house.text().lines().position(|line| line == "[people.ben]").unwrap() + 1;
    assert!(said.contains(&format!("bot.toml:{line}:")), "{said}");
    assert!(!house.at("hallpass.db").exists(), "nothing was begun");
}

#[tokio::test]
async fn a_reload_that_is_refused_changes_nothing_and_says_so() {
    let house = House::new();
    let [first, _] = house.held(Span::from_minutes(30)).await;
    let mut bot = house.start();
    bot.until("it runs", |_| house.doors() == ["ana", "finn"]).await;
    bot.until("it lives", |_| house.at("alive").exists()).await;
    fs::write(house.at("bot.toml"), house.text().replace("[people.ben]", "[people.ben")).unwrap();
    bot.signal(Signal::HUP);
    bot.until("refused with its place", |bot| bot.said().contains("reload refused") && bot.said().contains("bot.toml:")).await;
    fs::write(house.at("bot.toml"), house.without_the_provider()).unwrap();
    bot.signal(Signal::HUP);
    bot.until("refused with its reason", |bot| bot.said().contains("before removing the provider")).await;
    assert_eq!(house.read("bot.toml.last-good"), house.text(), "what is kept is what is in force");
    fs::write(house.at("bot.toml"), house.text() + "title = 'the database'\n").unwrap();
    bot.signal(Signal::HUP);
    bot.until("taken", |bot| bot.said().contains("reloaded")).await;
    bot.stop().await;
    let store = Store::open(&house.url()).await.unwrap();
    assert!(store.request(&first.parse().unwrap()).await.unwrap().unwrap().is_open());
    let told: Vec<_> = store.entries("bot", 0, 100).await.unwrap().into_iter().map(|e| String::from_utf8(e.bytes).unwrap()).collect();
    assert_eq!(told.iter().filter(|entry| entry.contains("policy_refused")).count(), 2, "{told:?}");
}

#[tokio::test]
async fn sigterm_waits_for_what_was_begun_and_a_second_start_carries_on_at_once() {
    let house = House::new();
    let [first, _] = house.held(Span::ZERO).await;
    fs::write(house.at("hold"), "").unwrap();
    let mut bot = house.start();
    bot.until("the revoke was begun", |_| house.read("revokes").contains("ana")).await;
    bot.signal(Signal::TERM);
    bot.until("it waits", |bot| bot.said().contains("stopping after what was begun")).await;
    assert!(bot.child.try_wait().unwrap().is_none());
    fs::remove_file(house.at("hold")).unwrap();
    assert!(bot.ended().await.success(), "{}", bot.said());
    is_free(&house).await;
    assert!(!house.doors().contains(&"ana".to_owned()));
    let mut bot = house.start();
    closed(&house.url(), &mut bot, &first).await;
    bot.stop().await;
    let store = Store::open(&house.url()).await.unwrap();
    is_expired(&store, &first).await;
    assert_eq!(house.read("revokes").lines().count(), 1, "what was finished is not done again");
}

#[tokio::test]
async fn a_second_sigterm_ends_it_at_once_and_the_next_start_finds_out_what_became_of_it() {
    let house = House::new();
    let [first, _] = house.held(Span::ZERO).await;
    fs::write(house.at("hold"), "").unwrap();
    let mut bot = house.start();
    bot.until("the revoke was begun", |_| house.read("revokes").contains("ana")).await;
    bot.signal(Signal::TERM);
    bot.until("it waits", |bot| bot.said().contains("stopping after what was begun")).await;
    bot.signal(Signal::TERM);
    assert!(bot.ended().await.success(), "{}", bot.said());
    assert!(bot.said().contains("stopping before everything"), "{}", bot.said());
    is_free(&house).await;
    fs::remove_file(house.at("hold")).unwrap();
    let mut bot = house.start();
    bot.until("it ends it", |_| !house.doors().contains(&"ana".to_owned())).await;
    closed(&house.url(), &mut bot, &first).await;
    bot.stop().await;
}

#[tokio::test]
async fn a_second_process_on_the_same_file_is_refused_under_any_name() {
    let house = House::new();
    let mut bot = house.start();
    bot.until("it runs", |_| house.at("alive").exists()).await;
    std::os::unix::fs::symlink(house.at("hallpass.db"), house.at("alias.db")).unwrap();
    fs::write(house.at("other.toml"), house.text().replace("hallpass.db", "alias.db")).unwrap();
    for file in ["bot.toml", "other.toml"] {
        let mut second = house.start_on(file);
        assert!(!second.ended().await.success());
        assert!(second.said().contains("in use by another hallpass"), "{}", second.said());
    }
    bot.stop().await;
}
