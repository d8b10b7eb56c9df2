//! Brings cards, threads, direct messages and alarms in line with what the store holds. Safe to repeat at any point.
//! Must not decide or word anything: what is shown comes from `Shows`.

use sha2::{Digest, Sha256};

use super::{Deps, Stop};
use crate::{
    chat::{Chat, ChatFault, Message, Posted},
    domain::{
        event::Event,
        ids::PersonId,
        plan::learn::backoff,
        policy::{Channel, Platform},
        request::{Request, RequestId},
        time::{Instant, Span},
        words::Texts,
    },
    faults,
    store::{Alarm, AlarmWrite, Commit, Entry, Post, PostWrite, Task, TaskEnd, TaskKind},
};

const LEASE: Span = Span::from_minutes(2);
const AT_ONCE: u32 = 32;
/// Until a fault that only a human can mend is tried again.
const MENDING: Span = Span::from_minutes(10);
const ENTRIES: u32 = 100;

/// One event, for the thread or for one person.
#[derive(Debug)]
pub struct Telling<'a> {
    pub request: &'a Request,
    pub texts: &'a Texts,
    pub event: &'a Event,
    /// Number in the request's stream.
    pub n: u64,
    pub at: Instant,
    pub now: Instant,
}

/// Makes the messages. The chat module's renderer implements it.
pub trait Shows: Send + Sync {
    /// The card as it is now.
    fn card(&self, platform: Platform, request: &Request, texts: &Texts, now: Instant) -> Message;

    /// The reply that tells this event; None: it is not told in threads.
    fn reply(&self, platform: Platform, telling: &Telling<'_>) -> Option<Message>;

    /// What this person is told directly; None: nothing.
    fn direct(&self, platform: Platform, to: &PersonId, telling: &Telling<'_>) -> Option<Message>;

    /// The alarm's post, for operators.
    fn alarm(&self, platform: Platform, alarm: &Alarm, now: Instant) -> Message;
}

/// What ended the handling of a task early.
enum Trouble {
    Chat(ChatFault),
    Store(Stop),
}

impl From<ChatFault> for Trouble {
    fn from(fault: ChatFault) -> Self {
        Self::Chat(fault)
    }
}

impl From<crate::store::CommitError> for Trouble {
    fn from(error: crate::store::CommitError) -> Self {
        Self::Store(error.into())
    }
}

impl From<crate::store::StoreError> for Trouble {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Store(Stop::read(error))
    }
}

/// Leases and handles what is due in chats, one task per queue side by side. Returns how many were handled.
pub(super) async fn handle_due(deps: &Deps) -> Result<usize, Stop> {
    let now = deps.bot.now();
    let lease = Span::from_seconds(LEASE.seconds() * i64::from(deps.pace.max(1)));
    let tasks = deps.store.lease_tasks(now, now + lease, &[], AT_ONCE).await.map_err(Stop::read)?;
    let mut count = 0;
    for result in super::together(tasks.iter().map(|task| handle(deps, task))).await {
        match result {
            Ok(()) | Err(Stop::Fenced) => count += 1,
            Err(stop) => return Err(stop),
        }
    }
    Ok(count)
}

async fn handle(deps: &Deps, task: &Task) -> Result<(), Stop> {
    let result = match task.kind {
        TaskKind::Card => card(deps, &task.key).await,
        TaskKind::Thread => thread(deps, &task.key).await,
        TaskKind::Alarm => alarm(deps, &task.key).await.map(|()| true),
    };
    let now = deps.bot.now();
    let end = match result {
        Ok(true) => TaskEnd::Done,
        Ok(false) => TaskEnd::Again { due_at: now + Span::from_seconds(1), failed: false },
        Err(Trouble::Store(stop)) => return Err(stop),
        Err(Trouble::Chat(fault)) => TaskEnd::Again { due_at: now + pause(deps, task, &fault), failed: true },
    };
    deps.store.finish_task(task, end).await.map_err(Stop::from)
}

fn pause(deps: &Deps, task: &Task, fault: &ChatFault) -> Span {
    let pause = backoff(task.tries.saturating_add(1), (deps.jitter)());
    match fault {
        ChatFault::Transient { retry_after, .. } => retry_after.map_or(pause, |asked| asked.max(pause)),
        ChatFault::Gone => pause,
        ChatFault::Permanent { why } => {
            if task.tries == 0 {
                tracing::error!(task = %task.key, %why, "a chat refuses; an operator must mend it");
            }
            MENDING
        }
    }
}

/// A task's key: `<request>/<platform>/<place>`.
fn parts<'a>(deps: &'a Deps, key: &'a str) -> Option<(RequestId, Platform, &'a str, &'a dyn Chat)> {
    let mut pieces = key.splitn(3, '/');
    let (id, platform, place) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let platform = match platform {
        "console" => Platform::Console,
        "slack" => Platform::Slack,
        "discord" => Platform::Discord,
        _ => return None,
    };
    Some((id.parse().ok()?, platform, place, deps.chats.get(&platform)?.as_ref()))
}

const fn name(platform: Platform) -> &'static str {
    match platform {
        Platform::Console => "console",
        Platform::Slack => "slack",
        Platform::Discord => "discord",
    }
}

async fn post_of(deps: &Deps, id: &RequestId, platform: Platform, place: &str) -> Result<Post, Trouble> {
    let known = deps.store.posts(id).await?.into_iter().find(|p| p.platform == platform && p.place == place);
    let none = || Post { request: id.clone(), platform, place: place.to_owned(), posted: None, shown: None, cursor: 0 };
    Ok(known.unwrap_or_else(none))
}

async fn save(deps: &Deps, post: &Post) -> Result<(), Trouble> {
    Ok(deps.store.commit(Commit { posts: vec![PostWrite(post.clone())], ..Commit::default() }).await?)
}

fn digest(message: &Message) -> String {
    let buttons = serde_json::to_vec(&message.buttons).unwrap_or_default();
    format!("{:x}", Sha256::new().chain_update(message.body.as_bytes()).chain_update([0]).chain_update(buttons).finalize())
}

async fn card(deps: &Deps, key: &str) -> Result<bool, Trouble> {
    let Some((id, platform, place, chat)) = parts(deps, key) else { return Ok(true) };
    let Some(request) = deps.store.request(&id).await? else { return Ok(true) };
    let texts = deps.store.texts(&word_ids(&request)).await?;
    let message = deps.shows.card(platform, &request, &texts, deps.bot.now());
    let digest = digest(&message);
    let mut post = post_of(deps, &id, platform, place).await?;
    if post.posted.is_some() && post.shown.as_deref() == Some(digest.as_str()) {
        return Ok(true);
    }
    let channel = Channel { platform, id: place.to_owned() };
    let nonce = format!("{id}/{}/card", name(platform));
    post.posted = Some(bring(chat, post.posted.as_ref(), &channel, &message, &nonce).await?);
    faults::point("card.posted");
    post.shown = Some(digest);
    // The thread may have moved on meanwhile: only the card's part is written over what is stored now.
    post.cursor = post_of(deps, &id, platform, place).await?.cursor;
    save(deps, &post).await?;
    Ok(true)
}

/// Updates the message, or posts it: for the first time, or again because it is gone.
async fn bring(chat: &dyn Chat, at: Option<&Posted>, channel: &Channel, message: &Message, nonce: &str) -> Result<Posted, ChatFault> {
    match at {
        Some(at) => match chat.update(at, message).await {
            Ok(()) => Ok(at.clone()),
            Err(ChatFault::Gone) => chat.post(channel, message, &format!("{nonce}/{}", at.message)).await,
            Err(fault) => Err(fault),
        },
        None => chat.post(channel, message, nonce).await,
    }
}

/// False: more is to be told, or the card does not stand yet.
async fn thread(deps: &Deps, key: &str) -> Result<bool, Trouble> {
    let Some((id, platform, place, chat)) = parts(deps, key) else { return Ok(true) };
    let Some(request) = deps.store.request(&id).await? else { return Ok(true) };
    let person: Option<PersonId> = place.strip_prefix('@').and_then(|p| p.parse().ok());
    let mut post = post_of(deps, &id, platform, place).await?;
    if person.is_none() && post.posted.is_none() {
        return Ok(false);
    }
    let entries = deps.store.entries(&format!("request/{id}"), post.cursor.saturating_add(1), ENTRIES).await?;
    let texts = deps.store.texts(&word_ids(&request)).await?;
    let more = entries.len() >= usize::try_from(ENTRIES).unwrap_or(usize::MAX);
    for entry in entries {
        let n = entry.n;
        if let Some(event) = event_of(&entry) {
            let telling = Telling { request: &request, texts: &texts, event: &event, n, at: entry.at, now: deps.bot.now() };
            tell(deps, chat, &post, person.as_ref(), &telling).await?;
        }
        post.cursor = n;
        let newest = post_of(deps, &id, platform, place).await?;
        (post.posted, post.shown) = (newest.posted.or(post.posted), newest.shown.or(post.shown));
        save(deps, &post).await?;
    }
    Ok(!more)
}

async fn tell(deps: &Deps, chat: &dyn Chat, post: &Post, person: Option<&PersonId>, telling: &Telling<'_>) -> Result<(), Trouble> {
    let nonce = format!("{}/{}/{}", post.request, name(post.platform), telling.n);
    if let Some(person) = person {
        let Some(message) = deps.shows.direct(post.platform, person, telling) else { return Ok(()) };
        let catalogue = deps.bot.catalogue();
        let user = catalogue.people.get(person).and_then(|p| p.identities.get(&post.platform)).cloned();
        if let Some(user) = user {
            chat.direct(&user, &message, &nonce).await?;
            faults::point("direct.posted");
        }
        return Ok(());
    }
    let Some(message) = deps.shows.reply(post.platform, telling) else { return Ok(()) };
    let Some(under) = &post.posted else { return Ok(()) };
    chat.reply(under, &message, &nonce).await?;
    faults::point("reply.posted");
    Ok(())
}

/// The event inside an entry's bytes; None for what this version does not know.
fn event_of(entry: &Entry) -> Option<Event> {
    let mut value: serde_json::Value = serde_json::from_slice(&entry.bytes).ok()?;
    let event = match value.get_mut("event") {
        Some(inner) => inner.take(),
        None => value,
    };
    serde_json::from_value(event).ok()
}

/// Every text that the document refers to, wherever it stands.
fn word_ids(request: &Request) -> Vec<crate::domain::words::WordId> {
    fn walk(value: &serde_json::Value, found: &mut Vec<crate::domain::words::WordId>) {
        match value {
            serde_json::Value::String(text) if text.len() == 66 && text.starts_with("w:") => {
                found.push(crate::domain::words::WordId::from_stored(text.clone()));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            serde_json::Value::Object(fields) => fields.values().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(&serde_json::to_value(request).unwrap_or_default(), &mut found);
    found.sort();
    found.dedup();
    found
}

/// What an alarm's `told` holds: posts by channel, and whether the program ran for this state.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
struct Told {
    posts: std::collections::BTreeMap<String, Posted>,
    ran: Option<String>,
}

async fn alarm(deps: &Deps, id: &str) -> Result<(), Trouble> {
    let Some(mut alarm) = deps.store.alarm(id).await? else { return Ok(()) };
    let mut told: Told = serde_json::from_str(&alarm.told).unwrap_or_default();
    let state = format!("{}/{}", alarm.raised_at, alarm.cleared_at.map_or_else(String::new, |at| at.to_string()));
    if told.ran.as_deref() != Some(state.as_str()) {
        match run_program(deps, &alarm).await {
            Ok(()) => told.ran = Some(state),
            Err(why) => tracing::error!(alarm.id = %id, %why, "the alarm's program failed"),
        }
    }
    let mut trouble = None;
    for channel in &deps.ops {
        let Some(chat) = deps.chats.get(&channel.platform) else { continue };
        let message = deps.shows.alarm(channel.platform, &alarm, deps.bot.now());
        let place = format!("{}/{}", name(channel.platform), channel.id);
        let nonce = format!("alarm/{id}/{place}/{}", alarm.raised_at.micros());
        match bring(chat.as_ref(), told.posts.get(&place), channel, &message, &nonce).await {
            Ok(posted) => drop(told.posts.insert(place, posted)),
            Err(fault) => trouble = Some(fault),
        }
    }
    faults::point("alarm.told");
    alarm.told = serde_json::to_string(&told).unwrap_or_default();
    deps.store.commit(Commit { alarms: vec![AlarmWrite(alarm)], ..Commit::default() }).await?;
    trouble.map_or(Ok(()), |fault| Err(fault.into()))
}

/// Runs `alarm.run` with the alarm as one JSON object on standard input; thirty seconds at most.
async fn run_program(deps: &Deps, alarm: &Alarm) -> Result<(), String> {
    use tokio::io::AsyncWriteExt;
    let Some((program, arguments)) = deps.alarm_run.split_first() else { return Ok(()) };
    let body = serde_json::json!({
        "id": alarm.id,
        "request": alarm.request,
        "raised_at": alarm.raised_at,
        "cleared_at": alarm.cleared_at,
        "what": alarm.what,
    });
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).kill_on_drop(true);
    let work = async {
        let mut child = command.spawn().map_err(|e| e.to_string())?;
        if let Some(mut input) = child.stdin.take() {
            // A program that does not read its input has been told all the same.
            drop(input.write_all(body.to_string().as_bytes()).await);
        }
        let status = child.wait().await.map_err(|e| e.to_string())?;
        if status.success() { Ok(()) } else { Err(status.to_string()) }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), work).await.map_err(|_| "it took too long".to_owned())?
}
