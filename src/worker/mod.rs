//! (shape)
