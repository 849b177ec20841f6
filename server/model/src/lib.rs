//! Placeholder.

pub mod dockerignore;
pub mod gopath;
mod goregex;
