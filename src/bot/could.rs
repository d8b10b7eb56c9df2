//! Whether somebody could do what a button stands for, for chats that first ask for words: whoever may not is told before they
//! write any. Reads only; the press itself is judged again, with the facts of that moment.

use super::{Bot, Fresh, facts::Whom};
use crate::{
    domain::{
        command::Act,
        decide::{self, Context},
        facts::Facts,
        ids::PersonId,
        policy::Platform,
        pressed::Pressed,
        refusal::Refusal,
        request::{GrantId, Request},
        words::Words,
    },
    store::StoreError,
};

impl Bot {
    /// The request of a button that asks for words, if this person could press it as things stand. `action` is one of
    /// `deny`, `less`, `pass` and `revoke`; to offer less and to pass on takes the right to decide.
    /// # Errors
    /// The store cannot be read.
    pub async fn could(&self, platform: Platform, user: &str, action: &str, value: &str) -> Result<Result<Request, Refusal>, StoreError> {
        let person = match self.somebody(platform, user).await? {
            Ok(person) => person,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.could_by((&person, platform), action, value).await
    }

    /// As `could`, of a person who is known.
    pub(super) async fn could_by(
        &self,
        presser: (&PersonId, Platform),
        action: &str,
        value: &str,
    ) -> Result<Result<Request, Refusal>, StoreError> {
        let catalogue = self.catalogue();
        let pressed: Pressed = match value.parse() {
            Ok(pressed) => pressed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(request) = self.store.request(&pressed.request).await? else {
            return Ok(Err(Refusal::NoSuchRequest { text: pressed.request.to_string() }));
        };
        if let Err(refusal) = pressed.about.check(&request) {
            return Ok(Err(refusal));
        }
        let groups =
            self.gather(&catalogue, [&request], Whom { presser: Some(presser), listed: true, ..Whom::default() }, Fresh::Lately).await;
        let reason = Words::new("…", 0);
        let act = if action == "revoke" { Act::Revoke { reason } } else { Act::Deny { reason } };
        let facts = Facts { catalogue: &catalogue, groups: &groups };
        let context = Context { facts, now: self.now(), grant: GrantId::new(0), order: None, preview: None };
        Ok(decide::act(&request, presser.0, &act, &context).map(|_| request))
    }
}
