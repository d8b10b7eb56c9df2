//! Every event of the gateway, as the crate hands it on: interactions go to whoever hears them, as they were sent, and what the
//! crate could not read is logged and counted. Must not look into an interaction.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::Value;
use serenity::{
    all::{Event, Interaction, RawEventHandler},
    async_trait,
    client::Context,
};
use tokio::sync::mpsc;

const CREATED: &str = "INTERACTION_CREATE";

/// What came, counted.
#[derive(Default)]
pub(super) struct Counts {
    /// Events of any kind.
    pub all: AtomicU64,
    /// Sessions that were begun, which Discord counts too; a resumed one is none.
    pub begun: AtomicU64,
    /// Events that the crate could not read.
    pub unread: AtomicU64,
}

/// What the crate hands every event to.
pub(super) struct Raw {
    pub heard: mpsc::UnboundedSender<Value>,
    pub counts: Arc<Counts>,
}

#[async_trait]
impl RawEventHandler for Raw {
    async fn raw_event(&self, _: Context, event: Event) {
        self.counts.all.fetch_add(1, Ordering::Relaxed);
        match event {
            Event::InteractionCreate(created) => self.hand_on(as_sent(&created.interaction)),
            Event::Unknown(event) => {
                let unread = self.counts.unread.fetch_add(1, Ordering::Relaxed) + 1;
                if event.kind == CREATED {
                    tracing::info!(unread, "an interaction that the crate could not read is read without it");
                    return self.hand_on(Some(event.value));
                }
                let kind: String = event.kind.chars().filter(|c| c.is_ascii_uppercase() || *c == '_').take(60).collect();
                tracing::info!(%kind, unread, "an event that the crate does not know was let go");
            }
            Event::Ready(_) => {
                self.counts.begun.fetch_add(1, Ordering::Relaxed);
                tracing::info!("Discord's gateway is open");
            }
            Event::Resumed(_) => tracing::info!("Discord's gateway is open again, with nothing lost"),
            _ => {}
        }
    }
}

impl Raw {
    fn hand_on(&self, payload: Option<Value>) {
        if payload.is_none_or(|payload| self.heard.send(payload).is_err()) {
            tracing::error!("an interaction was lost: it could not be handed on");
        }
    }
}

/// Back into JSON, with the type that the crate has in the variant.
fn as_sent(interaction: &Interaction) -> Option<Value> {
    let kind = match interaction {
        Interaction::Ping(_) => 1,
        Interaction::Command(_) => 2,
        Interaction::Component(_) => 3,
        Interaction::Autocomplete(_) => 4,
        Interaction::Modal(_) => 5,
        _ => return None,
    };
    let mut payload = serde_json::to_value(interaction).ok()?;
    payload["type"] = kind.into();
    Some(payload)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::discord::payload;

    /// As documented, with every field that the crate wants.
    fn sent(kind: u64, data: &Value) -> Value {
        let user = json!({ "id": "80", "username": "ana", "global_name": "Ana", "discriminator": "0", "avatar": null, "public_flags": 0 });
        let mut bot = user.clone();
        bot["id"] = json!("900");
        json!({
            "id": "1100000000000000001", "application_id": "900", "type": kind, "data": data, "token": "aW50ZXJhY3Rpb246MQ", "version": 1,
            "guild_id": "700", "channel_id": "500", "channel": { "id": "500", "type": 0 }, "app_permissions": "0", "locale": "en-US",
            "member": { "user": user, "nick": null, "avatar": null, "roles": ["31"], "joined_at": "2025-01-01T00:00:00+00:00", "deaf": false,
                "mute": false, "flags": 0, "pending": false, "permissions": "0", "communication_disabled_until": "2026-11-25T10:00:00+00:00" },
            "message": { "id": "600", "channel_id": "500", "author": bot, "content": "", "timestamp": "2026-11-25T09:00:00+00:00",
                "edited_timestamp": null, "tts": false, "mention_everyone": false, "mentions": [], "mention_roles": [], "attachments": [],
                "embeds": [], "pinned": false, "type": 0, "flags": 64, "components": [] },
            "entitlements": [], "authorizing_integration_owners": {}, "context": 0, "attachment_size_limit": 1,
        })
    }

    #[test]
    fn what_the_crate_read_is_put_back_as_it_was_sent() {
        let option = json!({ "name": "id", "type": 3, "value": "R", "focused": true });
        let person = json!({ "name": "person", "type": 6, "value": "81" });
        let command =
            |options: Value| json!({ "id": "1", "name": "jit", "type": 1, "options": [{ "name": "pass", "type": 1, "options": options }] });
        let row = json!({ "type": 1, "components": [{ "type": 4, "custom_id": "words", "value": "why" }] });
        for (kind, data) in [
            (2, command(json!([person]))),
            (4, command(json!([option]))),
            (
                2,
                json!({ "id": "2", "name": "Request access about this", "type": 3, "target_id": "600", "resolved": { "messages": {
                "600": sent(3, &Value::Null)["message"] } } }),
            ),
            (3, json!({ "custom_id": "approve R-7K3QD2/0", "component_type": 2 })),
            (
                3,
                json!({ "custom_id": "pass R-7K3QD2/0", "component_type": 5, "values": ["81"], "resolved": { "users": { "81": sent(3,
                &Value::Null)["member"]["user"] } } }),
            ),
            (5, json!({ "custom_id": "deny R-7K3QD2/0", "components": [row] })),
        ] {
            let payload = sent(kind, &data);
            let read: Interaction = serde_json::from_value(payload.clone()).unwrap();
            let (back, direct) = (payload::interaction(&as_sent(&read).unwrap()), payload::interaction(&payload));
            assert!(direct.is_some(), "{payload}");
            assert_eq!(back, direct);
        }
    }
}
