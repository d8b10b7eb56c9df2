//! The form of Discord's ids, and where a person finds each: a name changes, and may be taken by somebody else.

use super::super::ids;

/// What an id belongs to. All of them look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    Application,
    Guild,
    Channel,
    Role,
    Person,
}

impl From<ids::Kind> for Kind {
    fn from(kind: ids::Kind) -> Self {
        match kind {
            ids::Kind::Channel => Self::Channel,
            ids::Kind::Group => Self::Role,
            ids::Kind::Person => Self::Person,
        }
    }
}

/// What it is, and how it is found.
pub(super) const fn how(kind: Kind) -> &'static str {
    match kind {
        Kind::Application => {
            "the id of an application, 17 to 20 digits: at discord.com/developers/applications, your application, General Information, Application ID"
        }
        Kind::Guild => {
            "the id of a server, 17 to 20 digits: in Discord switch on Developer Mode (User Settings, Advanced), then right-click the server, Copy Server ID"
        }
        Kind::Channel => {
            "the id of a channel, 17 to 20 digits: in Discord switch on Developer Mode (User Settings, Advanced), then right-click the channel, Copy Channel ID"
        }
        Kind::Role => {
            "the id of a role, 17 to 20 digits: in Discord switch on Developer Mode (User Settings, Advanced), then Server Settings, Roles, right-click the role, Copy Role ID"
        }
        Kind::Person => {
            "the id of a person, 17 to 20 digits: in Discord switch on Developer Mode (User Settings, Advanced), then right-click the person, Copy User ID"
        }
    }
}

/// What it should be, if it is no id of Discord's.
pub(in super::super) fn wrong(id: &str, kind: Kind) -> Option<&'static str> {
    let is_one = (17..=20).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_digit())
        // One id, one spelling.
        && !id.starts_with('0')
        && id.parse::<u64>().is_ok();
    (!is_one).then(|| how(kind))
}
