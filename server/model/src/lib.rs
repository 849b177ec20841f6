//! What a Dockerfile means: stages, scopes, the build context and the build graph. No IO.

pub mod context;
pub mod dockerignore;
pub mod file;
pub mod gopath;
mod goregex;
pub mod platform;

pub use context::{Content, Context, Entry, EntryKind, Incomplete};
pub use file::{File, Stage};
