//! What somebody could mean while they are typing: the requests on which a command of theirs would do something, and a form that
//! they sent before. Reads only; what is sent is judged like anything else, with the facts of that moment.

use super::{Body, Bot, Filled, Fresh, Incoming, facts::Whom};
use crate::{
    domain::{
        command::Act,
        decide::{self, Context},
        facts::Facts,
        ids::PersonId,
        policy::Platform,
        request::{GrantId, Request},
        words::Words,
    },
    store::{Filter, InboxId, StoreError},
};

/// Open requests that are looked through.
const OPEN: u32 = 1_000;
/// Closed ones of this person that `show` may mean.
const CLOSED: u32 = 10;

impl Bot {
    /// Requests that this person could name behind this command, newest first; none for a command that takes no request, and for
    /// an account that is nobody's.
    /// # Errors
    /// The store cannot be read.
    pub async fn meant(&self, platform: Platform, user: &str, command: &str) -> Result<Vec<Request>, StoreError> {
        let Ok(person) = self.somebody(platform, user).await? else { return Ok(Vec::new()) };
        if command == "show" {
            let mut known = self.could_do((&person, platform), &Act::Approve { comment: None }).await?;
            known.extend(self.store.requests(&open(Some(&person))).await?);
            known.extend(self.store.requests(&Filter { open: Some(false), limit: CLOSED, ..open(Some(&person)) }).await?);
            return Ok(known);
        }
        match act(command) {
            Some(act) => self.could_do((&person, platform), &act).await,
            None => Ok(Vec::new()),
        }
    }

    async fn could_do(&self, presser: (&PersonId, Platform), act: &Act) -> Result<Vec<Request>, StoreError> {
        let catalogue = self.catalogue();
        let own = matches!(act, Act::Cancel { .. } | Act::Return | Act::Extend { .. } | Act::DeclineOffer);
        let mut open = self.store.requests(&open(Some(presser.0).filter(|_| own))).await?;
        let groups = self.gather(&catalogue, &open, Whom { presser: Some(presser), listed: true, ..Whom::default() }, Fresh::Lately).await;
        let facts = Facts { catalogue: &catalogue, groups: &groups };
        let context = Context { facts, now: self.now(), grant: GrantId::new(0), order: None, preview: None };
        open.retain(|request| match act {
            Act::Approve { .. } | Act::Looking => decide::may_decide(request, presser.0, &context.facts, context.now),
            _ => decide::act(request, presser.0, act, &context).is_ok(),
        });
        Ok(open)
    }

    /// A form as this account sent it, if it did so under this interaction; whatever came of it.
    /// # Errors
    /// The store cannot be read.
    pub async fn sent_form(&self, platform: Platform, user: &str, interaction: &str) -> Result<Option<Filled>, StoreError> {
        let id = InboxId { platform, interaction: interaction.to_owned() };
        let row = self.store.inbox_row(&id).await?;
        let sent = row.and_then(|row| Incoming::from_stored(&row.body).ok()).filter(|sent| sent.user == user);
        Ok(sent.and_then(|sent| if let Body::Form(filled) = sent.body { Some(filled) } else { None }))
    }
}

/// What is open: of this person, or of everybody.
fn open(person: Option<&PersonId>) -> Filter {
    Filter { person: person.cloned(), open: Some(true), limit: OPEN, ..Filter::default() }
}

/// The act whose right stands for a command's: where the command says more, whoever may do this may do it too.
fn act(command: &str) -> Option<Act> {
    let reason = || Words::new("…", 0);
    Some(match command {
        "approve" | "offer" | "pass" => Act::Approve { comment: None },
        "deny" => Act::Deny { reason: reason() },
        "takeback" => Act::TakeBack,
        "looking" => Act::Looking,
        "accept" | "decline" => Act::DeclineOffer,
        "cancel" => Act::Cancel { reason: None },
        "return" | "credential" => Act::Return,
        "extend" => Act::Extend { by: None, reason: None },
        "revoke" => Act::Revoke { reason: reason() },
        "settle" => Act::Settle { reason: reason() },
        _ => return None,
    })
}
