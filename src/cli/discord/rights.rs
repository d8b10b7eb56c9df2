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
}

/// What the bot needs in each of its channels.
pub(in super::super) const NEEDED: [Right; 7] = [
    Right { bit: Bits::VIEW_CHANNEL, name: "View Channels", why: "sees the channels that it posts in" },
    Right { bit: Bits(1 << 11), name: "Send Messages", why: "posts cards and alarms" },
    Right { bit: Bits(1 << 14), name: "Embed Links", why: "shows cards, which are embeds" },
    Right { bit: Bits(1 << 16), name: "Read Message History", why: "finds its own cards again, to open their threads" },
    Right { bit: Bits(1 << 35), name: "Create Public Threads", why: "opens the thread under each card" },
    Right { bit: Bits(1 << 38), name: "Send Messages in Threads", why: "tells there what happens" },
    Right { bit: Bits(1 << 34), name: "Manage Threads", why: "archives and locks a thread when its request is over" },
];

/// All of them.
pub(in super::super) fn needed() -> Bits {
    NEEDED.iter().fold(Bits::default(), |all, right| all | right.bit)
}
