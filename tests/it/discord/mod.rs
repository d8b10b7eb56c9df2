//! The bot in Discord: the real client against the fake Discord.

mod wire;
