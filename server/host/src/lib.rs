//! The world outside: files, git, and which folder is whose build context.
//!
//! This room reads only ([`learnt`] keeps its own files beside), and reads through [`fs::ContextFs`]; what it finds it hands to `model` as immutable values.

pub mod config;
pub mod context;
pub mod contexts;
pub mod engine;
pub mod export;
pub mod find;
pub mod fs;
pub mod git;
pub mod learnt;
pub mod manifest;
pub mod memfs;
pub mod memo;
pub mod read;
pub mod root;
pub mod shellcheck;
pub mod store;
mod walk;
pub mod watch;
