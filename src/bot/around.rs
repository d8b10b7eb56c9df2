//! What people are shown besides the request itself: what the subject had before, how a stuck end goes, who was told,
//! the ledger's newest root. Gathered from the store as plain data for whoever words it; decides nothing.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};

use super::Bot;
use crate::{
    domain::{
        entitlement::EntitlementKey,
        event::AlarmKind,
        ids::RoleName,
        policy::{Channel, Platform},
        request::{Grant, Held, Remains, Request, RequestId, State},
        time::{Instant, Span},
    },
    provider::{Description, Sessions},
    store::{Posted, StoreError},
};

/// Earlier requests that are looked through.
const EARLIER: u32 = 50;

/// What the request itself does not know. None: not looked up, since its state does not show it, or not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// The subject's earlier access to this resource; while it is being decided.
    pub past: Option<Past>,
    /// How the taking away goes; while it goes on.
    pub stuck: Option<Stuck>,
    /// Who was told of the open alarm.
    pub told: Vec<ToldTo>,
    /// Entries sealed and their whole root, for the closing summary.
    pub ledger: Option<(u64, String)>,
    /// What becomes of open sessions at the end.
    pub sessions: Option<Sessions>,
    /// Its holder can fetch a credential for it.
    pub hands_over: bool,
    /// End of the other grant through which it is still there.
    pub through: Option<Instant>,
}

/// What the subject had on this resource before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// Other roles held there now, with their end where it is known.
    pub holds: Vec<(RoleName, Option<Instant>)>,
    /// The last grant there that is over.
    pub last: Option<Last>,
}

/// Access that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    pub role: RoleName,
    pub end: Instant,
    pub length: Span,
}

/// A revoke that has not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    pub tries: u32,
    /// The provider's, safe to show.
    pub last_answer: Option<String>,
    /// By the stored order, which is what is being taken away.
    pub by_hand: String,
}

/// Somebody who was told of an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToldTo {
    Channel(Channel),
    /// `alarm.run`.
    Program,
}

/// What an alarm's row remembers of its telling: posts by `platform/channel`, and for which state the program ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    pub posts: BTreeMap<String, Posted>,
    /// The state that the program last got.
    pub ran: Option<String>,
    /// The state that reached a channel or the program.
    pub reached: Option<String>,
}

impl Told {
    /// As the row holds it; what cannot be read is told again.
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The key of a channel in `posts`.
    pub fn place(channel: &Channel) -> String {
        format!("{}/{}", channel.platform.name(), channel.id)
    }

    /// Everybody who was told.
    pub fn to(&self) -> Vec<ToldTo> {
        let channel = |place: &String| {
            let (platform, id) = place.split_once('/')?;
            Some(ToldTo::Channel(Channel { platform: Platform::named(platform)?, id: id.to_owned() }))
        };
        self.posts.keys().filter_map(channel).chain(self.ran.iter().map(|_| ToldTo::Program)).collect()
    }
}

impl Bot {
    /// Gathers what this request's state shows.
    pub async fn around(&self, request: &Request) -> Result<Around, StoreError> {
        let mut around = Around::default();
        match &request.state {
            State::Pending { .. } | State::Scheduled { .. } => {
                around.past = Some(self.past(request).await?);
                around.sessions = self.sessions(request);
            }
            State::Granting { .. } | State::Active { .. } => {
                around.sessions = self.sessions(request);
                around.hands_over = self.hands_over(request);
            }
            State::Revoking { grant, .. } => {
                around.stuck = self.stuck(grant).await?;
                around.told = self.told(&request.id).await?;
            }
            State::Closed { held, .. } => {
                if let Some(held) = held.as_ref().filter(|_| request.leaves_something()) {
                    around.stuck = self.stuck(&held.grant).await?;
                    around.told = self.told(&request.id).await?;
                }
                around.ledger = self.store.last_checkpoint().await?.map(|c| (c.size, BASE64.encode(c.root)));
                if let Some(Held { remains: Remains::Through { request }, .. }) = held {
                    around.through = self.store.request(request).await?.as_ref().and_then(end);
                }
            }
        }
        Ok(around)
    }

    async fn past(&self, request: &Request) -> Result<Past, StoreError> {
        let resource = &request.main_ask().resource;
        let all = self.store.earlier(&request.subject, resource, EARLIER).await?;
        let others: Vec<&Request> = all.iter().filter(|other| other.id != request.id).collect();
        let holds = others.iter().filter(|r| matches!(r.state, State::Granting { .. } | State::Active { .. } | State::Revoking { .. }));
        Ok(Past {
            holds: holds.map(|r| (r.main_ask().role.clone(), end(r))).collect(),
            last: others.iter().filter_map(|r| over(r)).max_by_key(|last| last.end),
        })
    }

    fn sessions(&self, request: &Request) -> Option<Sessions> {
        self.described(request, |about| about.sessions.clone())
    }

    /// Whether whoever has this is handed something secret, that can be shown once.
    pub(super) fn role_hands_over(&self, request: &Request) -> bool {
        self.described(request, Description::hands_over).unwrap_or(false)
    }

    /// What the adapter says of the role that is asked for, as it is configured now.
    fn described<T>(&self, request: &Request, what: impl FnOnce(&Description) -> T) -> Option<T> {
        let (catalogue, ask) = (self.catalogue(), request.main_ask());
        let resource = catalogue.resources.get(&ask.resource)?;
        let provider = self.provider(&resource.provider)?;
        let role = resource.roles.iter().find(|role| role.name == ask.role);
        Some(what(role.map_or_else(|| provider.describe(), |role| provider.describe_for(&role.target))))
    }

    async fn stuck(&self, grant: &Grant) -> Result<Option<Stuck>, StoreError> {
        let key: &EntitlementKey = &grant.entitlement;
        let row = self.store.entitlement(key).await?;
        Ok(row.map(|row| Stuck { tries: row.tries, last_answer: row.last_answer, by_hand: row.order.by_hand }))
    }

    async fn told(&self, id: &RequestId) -> Result<Vec<ToldTo>, StoreError> {
        let alarm = self.store.alarm(&AlarmKind::StillOpen.id(id)).await?.filter(|alarm| alarm.cleared_at.is_none());
        Ok(alarm.map(|alarm| Told::read(&alarm.told).to()).unwrap_or_default())
    }
}

/// Until when a request holds its access, while it works.
const fn end(request: &Request) -> Option<Instant> {
    match &request.state {
        State::Active { work, .. } => Some(work.until),
        _ => None,
    }
}

/// Access that is over.
fn over(request: &Request) -> Option<Last> {
    let State::Closed { held: Some(held), .. } = &request.state else { return None };
    let (end, work) = (held.gone_at.unwrap_or(held.ended_at), held.work.as_ref()?);
    Some(Last { role: held.grant.role.clone(), end, length: end.since(work.since) })
}
