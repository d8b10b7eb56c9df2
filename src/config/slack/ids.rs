//! The forms of Slack's ids, and where a person finds each: a name changes, and may be taken by somebody else.

use super::super::{
    ids,
    node::Table,
    notes::{At, short},
};

/// Longest id, in characters: Slack's have eleven.
const LONGEST: usize = 32;

/// What an id belongs to; its first letter tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    App,
    Team,
    Channel,
    Group,
    Person,
}

impl Kind {
    const fn letters(self) -> &'static [char] {
        match self {
            Self::App => &['A'],
            Self::Team => &['T', 'E'],
            Self::Channel => &['C', 'G'],
            Self::Group => &['S'],
            Self::Person => &['U', 'W'],
        }
    }

    /// What it is, with an example, and how it is found.
    const fn how(self) -> &'static str {
        match self {
            Self::App => "the id of an app, such as A0123: it stands at api.slack.com/apps under Basic Information",
            Self::Team => {
                "the id of a workspace, such as T0123, or of an organisation, such as E0123: in a browser Slack's address is app.slack.com/client/T0123/.."
            }
            Self::Channel => {
                "the id of a channel, such as C0123: in Slack click the channel's name at its top, the id stands at the end of About"
            }
            Self::Group => {
                "the id of a user group, such as S0123: in Slack open the group under Directories, User groups; the three dots have Copy group ID"
            }
            Self::Person => "the id of a person, such as U0123: in Slack open their profile; the three dots have Copy member ID",
        }
    }

    fn matches(self, text: &str) -> bool {
        let rest = text.strip_prefix(self.letters());
        rest.is_some_and(|rest| {
            !rest.is_empty() && text.len() <= LONGEST && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        })
    }
}

impl From<ids::Kind> for Kind {
    fn from(kind: ids::Kind) -> Self {
        match kind {
            ids::Kind::Channel => Self::Channel,
            ids::Kind::Group => Self::Group,
            ids::Kind::Person => Self::Person,
        }
    }
}

/// What it should be, if it is not such an id.
pub(in super::super) fn wrong(id: &str, kind: Kind) -> Option<&'static str> {
    let found = match (kind, id.split_once('/')) {
        // Somebody of another organisation.
        (Kind::Person, Some((team, user))) => Kind::Team.matches(team) && Kind::Person.matches(user),
        _ => kind.matches(id),
    };
    (!found).then(|| kind.how())
}

/// Whether this is such an id; refused where it stands if not. A file that loaded before is taken as it is.
pub(super) fn is(table: &Table<'_>, id: &At<String>, kind: Kind) -> bool {
    let wrong = wrong(&id.value, kind);
    if let Some(how) = wrong.filter(|_| table.reading.strict) {
        table.refuse(id.at, format!("\"{}\" is not {how}", short(&id.value)));
    }
    wrong.is_none()
}
