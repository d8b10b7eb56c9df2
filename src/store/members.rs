//! The full members of the chats' workspaces: the rows and their guards. What they mean is `domain::roster`'s.

use std::collections::BTreeMap;

use super::{
    CommitError, Store, StoreError,
    api::corrupt,
    apply::exec,
    db::{
        Row,
        Value::{Int, Text, TextOr},
    },
    tx::Tx,
};
use crate::domain::{
    ids::PersonId,
    members::Member,
    policy::Platform,
    roster::{Known, Roster},
    time::Instant,
};

/// A change of who is a member. Each of the last two finds exactly the row that it expects, or the commit is stale.
#[derive(Debug, Clone)]
pub enum MemberWrite {
    /// Is one, from now on or again, and is called so.
    Is { platform: Platform, member: Member, at: Instant },
    /// Is none any more. The row stays.
    Left { platform: Platform, account: String, at: Instant },
    /// Is recorded to count as somebody else than before, by its address.
    Matched { platform: Platform, account: String, before: Option<PersonId>, now: Option<PersonId> },
}

impl MemberWrite {
    /// Two commits about the members of one platform never share a transaction.
    pub(super) fn aggregate(&self) -> String {
        let (Self::Is { platform, .. } | Self::Left { platform, .. } | Self::Matched { platform, .. }) = self;
        format!("members {}", platform.name())
    }
}

impl Store {
    /// Everybody who is, or was, a member of these platforms' workspaces.
    pub async fn members(&self, platforms: impl IntoIterator<Item = Platform> + Send) -> Result<Roster, StoreError> {
        let sql = "SELECT account, name, email, time_zone, left_at, person FROM members WHERE platform = $1";
        let mut roster = Roster::new();
        for platform in platforms.into_iter().collect::<Vec<_>>() {
            let rows = self.read(sql, &[Text(platform.name().into())]).await?;
            let members: Result<BTreeMap<_, _>, _> = rows.iter().map(|row| Ok((row.text(0)?, known(row)?))).collect();
            roster.insert(platform, members.map_err(|error: StoreError| error)?);
        }
        Ok(roster)
    }
}

/// Waits in the transaction, like everything that asks nothing.
pub(super) fn apply<'a>(tx: &mut Tx<'_>, writes: impl Iterator<Item = &'a MemberWrite>) {
    let (mut is, mut left, mut matched) = (Vec::new(), Vec::new(), Vec::new());
    for write in writes {
        match write {
            MemberWrite::Is { platform, member, at } => is.push([
                Text(platform.name().into()),
                Text(member.user.clone()),
                Text(member.name.clone()),
                TextOr(member.email.clone()),
                TextOr(member.time_zone.map(|zone| zone.name().to_owned())),
                Int(at.micros()),
            ]),
            MemberWrite::Left { platform, account, at } => {
                left.push([Text(platform.name().into()), Text(account.clone()), Int(at.micros())]);
            }
            MemberWrite::Matched { platform, account, before, now } => {
                let name = |person: &Option<PersonId>| person.as_ref().map(ToString::to_string);
                let (before, now) = (Text(name(before).unwrap_or_default()), TextOr(name(now)));
                matched.push([Text(platform.name().into()), Text(account.clone()), before, now]);
            }
        }
    }
    let sql = "INSERT INTO members (platform, account, name, email, time_zone, since) VALUES {rows} \
               ON CONFLICT (platform, account) DO UPDATE SET name = excluded.name, email = excluded.email, \
               time_zone = excluded.time_zone, left_at = NULL, \
               since = CASE WHEN members.left_at IS NULL THEN members.since ELSE excluded.since END";
    exec(tx, sql, is, None);
    let sql = "WITH v (platform, account, at) AS (VALUES {rows}) UPDATE members SET left_at = v.at FROM v \
               WHERE members.platform = v.platform AND members.account = v.account AND members.left_at IS NULL";
    exec(tx, sql, left, Some(CommitError::Stale));
    let sql = "WITH v (platform, account, was, becomes) AS (VALUES {rows}) UPDATE members SET person = v.becomes FROM v \
               WHERE members.platform = v.platform AND members.account = v.account AND COALESCE(members.person, '') = v.was";
    exec(tx, sql, matched, Some(CommitError::Stale));
}

fn known(row: &Row) -> Result<Known, StoreError> {
    // A zone of another version's list is one that is not known.
    let time_zone = row.text_or(3)?.and_then(|zone| zone.parse().ok());
    let person = row.text_or(5)?.map(|person| person.parse().map_err(|_| corrupt("a person's id"))).transpose()?;
    let member = Member { user: row.text(0)?, name: row.text(1)?, email: row.text_or(2)?, time_zone };
    Ok(Known { member, left_at: row.int_or(4)?.map(Instant::from_micros), matched: person })
}
