//! The process and the words, without an adapter in between.
