//! What a Dockerfile means: stages, scopes, the build context and the build graph. No IO.

pub mod context;
pub mod file;
mod goregex;
pub mod gopath;
pub mod dockerignore;

pub use context::{Content, Context, Entry, EntryKind, Incomplete};
pub use file::{File, Stage};
