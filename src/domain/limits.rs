//! The longest that anything of people may be, in one place. What is longer is refused, never cut silently.

/// A line, in bytes.
pub const LINE: usize = 8 * 1024;
/// A reason, a comment or the words of a form, in characters.
pub const WORDS: usize = 1_000;
/// A link that a platform made, in characters.
pub const LINK: usize = 500;
/// A credential that is shown, in UTF-16 units, as the strictest chat counts them.
pub const SECRET: usize = 3_500;
/// A platform's id of a user or an interaction, and a button's fields, in bytes.
pub const ID: usize = 255;
