//! The lives that the matrix runs: each is driven to its end, however often the bot dies on the way.

use hallpass::domain::{
    request::{Request, State},
    time::Span,
};

use super::drive::Drive;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Story {
    /// Asked, approved, extended at once, returned early.
    Returned,
    /// Asked for a minute, approved, left to expire.
    Expired,
    /// More time is asked for, approved, and told to the target; then returned.
    MoreAsked,
    /// The provider refuses to take it away until the alarm is raised.
    Stuck,
    /// The bot is away over the end.
    Away,
    /// bot.toml is read again while somebody has access.
    Reloaded,
    /// Cancelled while it is being given.
    Cancelled,
    /// Something remains at its end, and goes when it is taken away once more.
    Left,
    /// It is there again after its end, as from a backup.
    Back,
    /// Returned, and told in the digest of the morning.
    Morning,
}

impl Story {
    pub(super) async fn live(self, drive: &mut Drive<'_>) -> Result<(), String> {
        if self == Self::Cancelled {
            drive.house.temper("grant", "silent");
        }
        // What ends early is asked for longer, so that a slow machine does not end it first.
        let length = if matches!(self, Self::Expired | Self::Away) { "1m" } else { "20m" };
        drive.types("ana", &format!("/jit request gate open {length} look at it")).await?;
        drive.presses("ben", "approve", None).await?;
        if self == Self::Cancelled {
            drive.given().await?;
            drive.presses("ana", "cancel", None).await?;
            return drive.quiet().await;
        }
        let active = drive.until("active", is_active).await?;
        match self {
            Self::Returned => {
                drive.presses("ana", "extend:1m", None).await?;
                drive.until("extended", move |request| until(request) > until(&active)).await?;
                drive.presses("ana", "return", None).await?;
            }
            Self::Left => {
                drive.house.temper("revoke", "leaves");
                drive.presses("ana", "return", None).await?;
                drive.until("left", |request| request.leaves_something()).await?;
                drive.house.temper("revoke", "well");
                drive.until("cleaned up", |request| !request.leaves_something()).await?;
            }
            Self::Back => {
                drive.presses("ana", "return", None).await?;
                drive.until("closed", |request| !request.is_open()).await?;
                drive.house.temper("revoke", "refuse");
                drive.house.put_back();
                drive.until("back", |request| request.leaves_something()).await?;
                drive.house.temper("revoke", "well");
                drive.until("gone again", |request| !request.leaves_something()).await?;
            }
            Self::Morning => {
                drive.presses("ana", "return", None).await?;
                drive.digested().await?;
            }
            Self::Expired | Self::Cancelled => {}
            Self::MoreAsked => {
                drive.presses("ana", "extend:20m", None).await?;
                // What was received before a death is asked a moment after the start.
                drive.until("more asked", |request| matches!(&request.state, State::Active { extension: Some(_), .. })).await?;
                drive.presses("dora", "approve", None).await?;
                drive.until("extended", move |request| until(request) > until(&active)).await?;
                drive.presses("ana", "return", None).await?;
            }
            Self::Stuck => {
                drive.house.temper("revoke", "refuse");
                drive.presses("ana", "return", None).await?;
                drive.until("alarmed", |request| !request.alarms.is_empty()).await?;
                drive.house.temper("revoke", "well");
            }
            Self::Away => {
                let State::Active { work, .. } = &active.state else { return Err("it is not active".into()) };
                drive.away_until(work.until + Span::from_seconds(5)).await?;
            }
            Self::Reloaded => {
                let (file, before) = (drive.house.path("bot.toml"), "title = \"the gate\"");
                let text = std::fs::read_to_string(&file).unwrap().replace(before, "title = \"the other gate\"");
                std::fs::write(file, text).unwrap();
                drive.hangs_up().await?;
                drive.presses("ana", "return", None).await?;
            }
        }
        drive.quiet().await
    }
}

fn is_active(request: &Request) -> bool {
    matches!(request.state, State::Active { .. })
}

/// The end in force; None while more is being decided or told.
fn until(request: &Request) -> Option<hallpass::domain::time::Instant> {
    match &request.state {
        State::Active { work, extension: None, .. } => Some(work.until),
        _ => None,
    }
}
