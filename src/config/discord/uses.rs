//! Whether `[discord]` and what else the file says of Discord belong together.

use super::{
    super::{
        SlackConfig, SlackDoor,
        node::Table,
        uses::{self, Uses},
    },
    DiscordConfig, DiscordDoor,
};
use crate::domain::policy::Platform;

/// Warns of Discord's channels, roles and people without `[discord]`, and of `[discord]` without them. Refuses what would make
/// everybody an approver, and two doors at one address.
pub(in super::super) fn judge(file: &Table<'_>, discord: Option<&DiscordConfig>, slack: Option<&SlackConfig>) {
    let uses = Uses::of(file, Platform::Discord);
    let Some((section, discord)) = uses::judge(file, Platform::Discord, &uses, ("Discord", "discord:123456789012345678")).zip(discord)
    else {
        return;
    };
    let roles = uses::entries(file, "groups").filter_map(|group| uses::text(group.get_ref().as_table()?.get("discord")?));
    for everyone in roles.filter(|role| role.value == discord.guild) {
        file.refuse(
            everyone.at,
            "this is the server's own id, and as a role it is @everyone: write the id of a role that is given to people",
        );
    }
    let slack = slack.map(|slack| &slack.door);
    if let (DiscordDoor::Http { listen, .. }, Some(SlackDoor::Http { listen: other, .. })) = (&discord.door, slack)
        && listen == other
    {
        let at = file.raw().get("discord").and_then(|table| table.get_ref().as_table()?.get("listen")).map_or(section, |l| l.span().start);
        file.refuse(at, "slack.listen has this address: each chat needs a port of its own");
    }
}
