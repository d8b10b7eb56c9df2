//! One person's own page: what they hold, wait for and are asked to decide; for auditors and administrators what everybody
//! holds. Reads only, but for the note that somebody looked at what others hold. How it looks is a chat's.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Bot, Fresh,
    answers::has_access,
    facts::Whom,
    quiet::{ON, QUIET},
};
use crate::{
    domain::{
        command::{Actor, Door},
        decide,
        event::Operation,
        facts::{Facts, Groups},
        ids::{GroupId, PersonId},
        policy::Platform,
        refusal::Refusal,
        request::{Request, RequestId, State},
        time::{Instant, Span},
        words::{self, Texts},
    },
    store::{Commit, Filter, InputWrite, StoreError},
};

/// Requests that each list shows at most; the others are counted.
const SHOWN: usize = 10;
/// The same of what everybody holds.
const HELD: usize = 15;
/// Closed requests that are shown.
const CLOSED: u32 = 5;
/// Open requests that are looked through: of one person, and of everybody.
const OWN: u32 = 1_000;
const OPEN: u32 = 10_000;
/// Looking at what others hold is recorded once in this time, however often the page is opened.
const LOOKED: &str = "hallpass/home";
const LOOK_AGAIN: Span = Span::from_minutes(10);

/// What the page shows: requests as they are, and the texts that belong to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    pub person: PersonId,
    /// Access of theirs that is on its way, works or is being taken away; the earliest end first.
    pub mine: Listed,
    /// What they asked for, or what is asked for them, and is not theirs yet; and what they asked for others. Newest first.
    pub asked: Listed,
    /// Asks, also for more time, that they could decide now; who has waited longest first.
    pub waiting: Listed,
    /// Theirs that closed lately, newest first.
    pub closed: Vec<Request>,
    /// Everything that is held now; None: not for them to see.
    pub held: Option<Listed>,
    /// Groups that a chat did not answer for: more may wait for them than is shown.
    pub unasked: Vec<GroupId>,
    /// Of theirs, those for which they can fetch a credential.
    pub hands_over: BTreeSet<RequestId>,
    /// They turned their direct messages down.
    pub quiet: bool,
    pub texts: Texts,
}

/// Some requests, and how many there are besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    pub requests: Vec<Request>,
    pub more: usize,
}

impl Listed {
    fn first(most: usize, mut requests: Vec<Request>) -> Self {
        let more = requests.len().saturating_sub(most);
        requests.truncate(most);
        Self { requests, more }
    }
}

impl Bot {
    /// The page of whoever this is, as things stand now. Whom it waits for was asked within the last minute: a press is judged
    /// anew; who may see what others hold is asked now.
    pub async fn home(&self, platform: Platform, user: &str) -> Result<Result<Home, Refusal>, StoreError> {
        let person = match self.somebody(platform, user).await? {
            Ok(person) => person,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let catalogue = self.catalogue();
        if let Err(refusal) = self.is_here((&person, platform), &catalogue, Fresh::Lately).await {
            return Ok(Err(refusal));
        }
        let all = self.store.requests(&Filter { open: Some(true), limit: OPEN, ..Filter::default() }).await?;
        let asks = all.iter().filter(|request| request.round().is_some());
        let whom = Whom { presser: Some((&person, platform)), among: &catalogue.auditors, listed: true, ..Whom::default() };
        let groups = self.gather(&catalogue, asks.clone(), whom, Fresh::Lately).await;
        let (facts, now) = (Facts { catalogue: &catalogue, groups: &groups }, self.now());
        let mut waiting: Vec<Request> = asks.filter(|request| decide::may_decide(request, &person, &facts, now)).cloned().collect();
        waiting.sort_by_key(|request| request.round().map(|round| round.opened_at));
        let kept = self.store.inputs(&person).await?;
        let sees_all = |groups: &Groups| {
            let facts = Facts { catalogue: &catalogue, groups };
            facts.may_act(&person) && facts.includes(catalogue.auditors.iter().chain(&catalogue.administrators), &person).unwrap_or(false)
        };
        // What others hold is shown to whoever may see it now; the rest is the person's own to see, and judged at the press.
        let held = if sees_all(&groups) && sees_all(&self.gather(&catalogue, None, whom, Fresh::Now).await) {
            self.looks(&person, (platform, user), &kept).await?;
            Some(Listed::first(HELD, by_end(all.iter().filter(|request| has_access(request)).cloned())))
        } else {
            None
        };
        let mut home = self.own(&person).await?;
        (home.waiting, home.held) = (Listed::first(SHOWN, waiting), held);
        home.unasked = groups.asked.iter().filter(|(_, asked)| asked.unanswered.is_some()).map(|(id, _)| id.clone()).collect();
        home.hands_over = home.mine.requests.iter().filter(|request| self.hands_over(request)).map(|request| request.id.clone()).collect();
        home.quiet = kept.get(QUIET).is_some_and(|value| value == ON);
        home.texts = self.store.texts(&words::of(&home.requests().collect::<Vec<_>>())).await?;
        Ok(Ok(home))
    }

    /// What belongs to the person alone.
    async fn own(&self, person: &PersonId) -> Result<Home, StoreError> {
        let filter = |open, limit| Filter { person: Some(person.clone()), open: Some(open), limit, ..Filter::default() };
        let open = self.store.requests(&filter(true, OWN)).await?;
        let (mine, asked): (Vec<Request>, Vec<Request>) =
            open.into_iter().partition(|request| request.subject == *person && has_access(request));
        Ok(Home {
            person: person.clone(),
            mine: Listed::first(SHOWN, by_end(mine)),
            asked: Listed::first(SHOWN, asked),
            waiting: Listed::default(),
            closed: self.store.requests(&filter(false, CLOSED)).await?,
            held: None,
            unasked: Vec::new(),
            hands_over: BTreeSet::new(),
            quiet: false,
            texts: Texts::new(),
        })
    }

    /// Looking at others' access goes into the ledger before anything is shown.
    async fn looks(
        &self,
        person: &PersonId,
        (platform, user): (Platform, &str),
        kept: &BTreeMap<String, String>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let last = kept.get(LOOKED).and_then(|at| at.parse().ok()).map(Instant::from_micros);
        if last.is_some_and(|last| now < last + LOOK_AGAIN) {
            return Ok(());
        }
        let door = Door { platform, user: user.to_owned(), interaction: String::new() };
        let looked = Operation::Looked { what: "home".into() };
        let entry = self.entry("bot", Actor { person: Some(person.clone()), door: Some(door) }, &looked);
        let note = InputWrite { person: person.clone(), key: LOOKED.into(), value: now.micros().to_string(), at: now };
        let commit = Commit { entries: vec![entry], inputs: vec![note], now: Some(self.guard.highest()), ..Commit::default() };
        self.store.commit(commit).await.map_err(|error| StoreError::Unavailable(error.to_string()))
    }
}

impl Home {
    /// Everything that is shown, in no order.
    fn requests(&self) -> impl Iterator<Item = &Request> {
        let lists = [&self.mine, &self.asked, &self.waiting].into_iter().chain(&self.held);
        lists.flat_map(|list| &list.requests).chain(&self.closed)
    }
}

/// The earliest end first; what does not work yet last.
fn by_end(requests: impl IntoIterator<Item = Request>) -> Vec<Request> {
    let mut requests: Vec<Request> = requests.into_iter().collect();
    requests.sort_by_key(|request| match &request.state {
        State::Active { work, .. } | State::Revoking { work: Some(work), .. } => (false, Some(work.until)),
        State::Revoking { since, .. } => (false, Some(*since)),
        _ => (true, None),
    });
    requests
}
