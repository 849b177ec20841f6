//! What `cargo dev` shares with the tests. Not published; everything it writes is committed, and a test catches drift.

pub mod generate;
pub mod oracle;
pub mod prove;
mod rules_docs;
