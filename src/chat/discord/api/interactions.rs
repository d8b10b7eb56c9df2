//! What an interaction is answered with, the guild's commands and the gateway's place: what doors and set-up call. Answers to
//! interactions are outside of all pacing.

use super::{Call, Discord, Duration, LightMethod, Route, Trouble, Value, id};

/// A first answer is of no use after this.
const AT_ONCE: Duration = Duration::from_secs(3);

/// An interaction's token, which is a secret, as it may stand in a path.
fn token(token: &str) -> Result<&str, Trouble> {
    let is_plain = !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'='));
    if is_plain { Ok(token) } else { Err(Trouble::Stopped("an interaction's token is none".to_owned())) }
}

impl Discord {
    /// The first answer to an interaction, within the 3 s that Discord waits.
    pub(in crate::chat::discord) async fn respond(&self, interaction: &str, secret: &str, body: &Value) -> Result<(), Trouble> {
        let route = Route::InteractionResponse { interaction_id: id(interaction, "interaction")?, token: token(secret)? };
        let call = Call::new(LightMethod::Post, route).body(body);
        self.api.answer(call, self.api.patience.min(AT_ONCE)).await.map(drop)
    }

    /// A further answer.
    pub(in crate::chat::discord) async fn follow_up(&self, secret: &str, body: &Value) -> Result<(), Trouble> {
        let application_id = id(&self.settings.application, "application")?;
        let call = Call::new(LightMethod::Post, Route::WebhookFollowupMessages { application_id, token: token(secret)? }).body(body);
        self.api.answer(call, self.api.patience).await.map(drop)
    }

    /// Says what the first answer left open, or something else in its place.
    pub(in crate::chat::discord) async fn edit_answer(&self, secret: &str, body: &Value) -> Result<(), Trouble> {
        let application_id = id(&self.settings.application, "application")?;
        let route = Route::WebhookOriginalInteractionResponse { application_id, token: token(secret)? };
        self.api.answer(Call::new(LightMethod::Patch, route).body(body), self.api.patience).await.map(drop)
    }

    fn commands_route(&self) -> Result<Route<'_>, Trouble> {
        let (application_id, guild_id) = (id(&self.settings.application, "application")?, id(&self.settings.guild, "guild")?);
        Ok(Route::GuildCommands { application_id, guild_id })
    }

    /// The application's commands in the guild, as Discord has them.
    pub(in crate::chat::discord) async fn commands(&self) -> Result<Value, Trouble> {
        self.api.call(Call::new(LightMethod::Get, self.commands_route()?)).await
    }

    /// These are the application's commands in the guild from now on, and no others.
    pub(in crate::chat::discord) async fn put_commands(&self, body: &Value) -> Result<Value, Trouble> {
        self.api.call(Call::new(LightMethod::Put, self.commands_route()?).body(body)).await
    }

    /// Where the gateway is, as configured or as Discord says, and how often it may still be begun.
    pub(in crate::chat::discord) async fn gateway(&self) -> Result<Place, Trouble> {
        let answer = self.api.call(Call::new(LightMethod::Get, Route::GatewayBot)).await?;
        let limit = &answer["session_start_limit"];
        let starts = limit["remaining"].as_u64().zip(limit["reset_after"].as_u64());
        let starts = starts.map(|(left, millis)| Starts { left, renewed_in: Duration::from_millis(millis) });
        let url = self.settings.gateway_url.as_deref().or_else(|| answer["url"].as_str()).unwrap_or_default();
        // The token goes there: never in the clear, unless Discord itself is a server on this machine.
        let schemes: &[&str] = if self.settings.api_url.starts_with("https:") { &["wss://"] } else { &["wss://", "ws://"] };
        if schemes.iter().any(|scheme| url.starts_with(scheme)) {
            Ok(Place { url: url.to_owned(), starts })
        } else {
            Err(Trouble::Unanswered("no place of a gateway".to_owned()))
        }
    }
}

/// Where the gateway is.
pub(in crate::chat::discord) struct Place {
    pub url: String,
    /// None: Discord does not say.
    pub starts: Option<Starts>,
}

/// How many sessions the bot may begin before Discord takes its token away, and when it is given all of them again.
pub(in crate::chat::discord) struct Starts {
    pub left: u64,
    pub renewed_in: Duration,
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn a_token_that_would_lead_elsewhere_is_none() {
        assert!(token("aW50ZXJhY3Rpb246MTIz-_abc=").is_ok());
        for led in ["", "..", "../../users/@me", "a?b", "a/b", "a#b", "a%2Fb", "https://discord.com"] {
            assert!(token(led).is_err(), "{led}");
        }
    }
}
