//! Placeholder.

pub mod gostr;
pub mod text;
pub mod words;
