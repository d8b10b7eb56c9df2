//! What a person gives once and the bot keeps: an SSH public key.

use serde_json::json;

use super::{
    Answer, Bot,
    handle::{Caller, Decided},
};
use crate::{
    domain::{event::Operation, refusal::Refusal},
    store::{Commit, InputWrite},
};

impl Bot {
    pub(super) async fn keep_key(&self, caller: &Caller, key: &str) -> Decided {
        let Ok(public) = ssh_key::PublicKey::from_openssh(key.trim()) else {
            return Ok(Err(Refusal::BadText {
                what: "key".into(),
                why: "it is not an OpenSSH public key such as `ssh-ed25519 AAAA…`".into(),
            }));
        };
        let fingerprint = public.fingerprint(ssh_key::HashAlg::Sha256).to_string();
        let value = ssh_key::PublicKey::new(public.key_data().clone(), "").to_openssh().unwrap_or_default();
        let person = caller.person.clone();
        let linked = Operation::Linked { person: person.clone(), what: format!("ssh_public_key {fingerprint}") };
        self.store
            .commit(Commit {
                inbox_done: Some(caller.inbox.clone()),
                inputs: vec![InputWrite { person, key: "ssh_public_key".into(), value, at: self.now() }],
                entries: vec![self.entry("bot", caller.actor.clone(), &linked)],
                ..Commit::default()
            })
            .await?;
        Ok(Ok(Answer::said("key_kept", json!({ "fingerprint": fingerprint }))))
    }
}
