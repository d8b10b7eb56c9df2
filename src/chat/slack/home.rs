//! Somebody's home page: what they hold, wait for and may decide, published when they open it and after they pressed there.
//! Shows; judges nothing.

use serde_json::json;

use super::door::{Door, SLACK};

impl Door {
    /// `notice`: what came of the last press.
    pub(super) async fn publish_home(&self, user: &str, notice: &[String]) {
        if user.contains('/') {
            return;
        }
        let page = match self.voice.home(SLACK, user).await {
            Ok(Ok(page)) => json!({ "page": page, "notice": notice }),
            Ok(Err(refusal)) => json!({ "page": null, "notice": refusal.lines().collect::<Vec<_>>() }),
            Err(error) => {
                tracing::error!(%error, "a home page could not be read");
                return;
            }
        };
        let view = self.voice.page(SLACK, "home", &page);
        if let Err(error) = self.slack.api.post("views.publish", &json!({ "user_id": user, "view": view })).await {
            tracing::warn!(%error, "a home page could not be shown");
        }
    }
}
