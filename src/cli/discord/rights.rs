//! The least that the bot must be allowed in a channel of Discord. The invite link asks for it, the doctor compares.

use std::ops::BitOr;

/// Discord's permission bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) struct Bits(pub u64);

impl Bits {
    /// All rights in all channels, whatever a channel says.
    pub(in super::super) const ADMINISTRATOR: Self = Self(1 << 3);
    pub(in super::super) const VIEW_CHANNEL: Self = Self(1 << 10);
    /// Also of roles that nobody else may mention.
    pub(in super::super) const MENTION_EVERYONE: Self = Self(1 << 17);

    pub(in super::super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Bits {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One right, as Discord's pages call it.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Right {
    pub bit: Bits,
    pub name: &'static str,
    /// What the bot does with it.
    pub why: &'static str,
    /// What is left undone without it, where everything else goes on; None: it cannot be done without.
    pub without: Option<&'static str>,
}

impl Right {
    const fn needed(bit: u64, name: &'static str, why: &'static str) -> Self {
        Self { bit: Bits(bit), name, why, without: None }
    }
}

/// What the bot asks for in each of its channels.
pub(in super::super) const NEEDED: [Right; 7] = [
    Right::needed(1 << 10, "View Channels", "sees the channels that it posts in"),
    Right::needed(1 << 11, "Send Messages", "posts cards and alarms"),
    Right::needed(1 << 14, "Embed Links", "shows cards, which are embeds"),
    Right::needed(1 << 16, "Read Message History", "finds its own cards again, to open their threads"),
    Right::needed(1 << 35, "Create Public Threads", "opens the thread under each card"),
    Right::needed(1 << 38, "Send Messages in Threads", "tells there what happens"),
    Right {
        bit: Bits(1 << 34),
        name: "Manage Threads",
        why: "locks a thread when its request is over, and opens it again for what comes later",
        without: Some("threads are archived and stay unlocked"),
    },
];

/// All of them.
pub(in super::super) fn needed() -> Bits {
    NEEDED.iter().fold(Bits::default(), |all, right| all | right.bit)
}
