//! (shape)
pub mod explain;
