//! Whether a press is one of ours: a button that the bot makes, on a message that the bot sent, where buttons of that request can
//! stand. Buttons have no guard of Discord's own. Must not judge anybody's right.

use std::time::Duration;

use super::{
    door::{DISCORD, Door},
    payload::{Place, is_id},
};
use crate::{
    chat::view::action,
    domain::{pressed::Pressed, request::RequestId},
    store::StoreError,
};

/// A card may be pressed before it is written down where it stands: so often it is looked for, with this pause.
const LOOKS: usize = 4;
const PAUSE: Duration = Duration::from_millis(250);
/// The action that opens a form again, as it was sent under an interaction.
pub(super) const REFILL: &str = "refill";

/// What a button or a modal of ours stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Button {
    /// As on a card: the action, and the value that says what it is about.
    Act { action: String, value: String, request: RequestId },
    /// The interaction under which the form lies in the inbox.
    Refill(String),
}

/// A `custom_id` that the bot makes, to the letter; None: any other.
pub(super) fn button(custom_id: &str) -> Option<Button> {
    let (action, value) = custom_id.split_once(' ')?;
    if action == REFILL {
        return is_id(value).then(|| Button::Refill(value.to_owned()));
    }
    let pressed: Pressed = value.parse().ok()?;
    let is_known = (action::ALL.contains(&action) || action == action::CREDENTIAL) && pressed.to_string() == value;
    is_known.then(|| Button::Act { action: action.to_owned(), value: value.to_owned(), request: pressed.request })
}

impl Door {
    /// May a button of this request (None: one of a private answer) stand here?
    pub(super) async fn stands(&self, at: &Place, in_guild: bool, request: Option<&RequestId>) -> Result<bool, StoreError> {
        if !self.is_by_us(at).await {
            return Ok(false);
        }
        // Only the bot and this one person are there.
        if at.ephemeral || !in_guild {
            return Ok(true);
        }
        let Some(request) = request else { return Ok(false) };
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let posts = self.bot.store().posts(request).await?;
            let mut posted = posts.iter().filter(|post| post.platform == DISCORD).filter_map(|post| post.posted.as_ref());
            // A thread has the id of the message that it hangs on.
            if posted.any(|it| (it.channel == at.channel && it.message == at.message) || it.message == at.channel) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn is_by_us(&self, at: &Place) -> bool {
        let ours = Some(&self.discord.settings.application);
        if at.application.as_ref() == ours || at.author.as_ref() == ours {
            return true;
        }
        // Of old applications the account has an id of its own.
        at.author.is_some() && self.discord.home().await.is_ok_and(|home| at.author.as_ref() == Some(&home.bot_user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_bot_makes_is_a_button_of_its() {
        let id = RequestId::new(7);
        for custom_id in [
            format!("approve {id}/0"),
            format!("deny {id}"),
            format!("extend:30m {id}/end/1795528800000000"),
            format!("accept {id}/0/1795528800123456"),
        ] {
            let Some(Button::Act { action, value, request }) = button(&custom_id) else { panic!("{custom_id}") };
            assert_eq!((format!("{action} {value}"), &request), (custom_id, &id));
        }
        assert_eq!(button("refill 1100000000000000001"), Some(Button::Refill("1100000000000000001".into())));
        for odd in [
            "",
            "approve",
            "approve ",
            " approve ID",
            "approve  ID",
            "approve ID ",
            "approve ID/00",
            "approve id",
            "approve ID/0/x",
            "extend:9d ID",
            "settle ID",
            "less:write ID",
            "refill ID",
            "refill ../1",
            "Approve ID",
        ] {
            let odd = odd.replace("ID", id.as_str()).replace("id", &id.as_str().to_lowercase());
            assert_eq!(button(&odd), None, "{odd:?}");
        }
    }
}
