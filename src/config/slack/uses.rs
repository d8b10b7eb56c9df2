//! Whether `[slack]` and what else the file says of Slack belong together: all of it is allowed, and hardly meant.

use super::{
    super::{
        node::Table,
        uses::{self, Uses},
    },
    SlackConfig,
};
use crate::domain::policy::Platform;

/// Warns of Slack's channels, groups and people without `[slack]`, of `[slack]` without them, and of what it leaves out.
pub(in super::super) fn judge(file: &Table<'_>, slack: Option<&SlackConfig>) {
    let uses = Uses::of(file, Platform::Slack);
    let Some((section, slack)) = uses::judge(file, Platform::Slack, &uses, ("Slack", "slack:C0123")).zip(slack) else { return };
    for account in &uses.accounts {
        let team = account.value.split_once('/').map(|(team, _)| team);
        if let Some(team) = team.filter(|team| !slack.tenants.iter().any(|t| t == team) && slack.workspace.as_deref() != Some(team)) {
            file.warn(
                account.at,
                format!("{team} is none of slack.tenants: {} can neither ask nor decide until it stands there", account.value),
            );
        }
    }
    let used = |id: &String| uses.channels.iter().any(|channel| channel.value.strip_prefix("slack:") == Some(id));
    for shared in slack.shared_channels.iter().filter(|id| !used(id)) {
        file.warn(section, format!("slack.shared_channels has {shared}, and nothing is posted there"));
    }
}
