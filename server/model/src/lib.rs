//! What a Dockerfile means: stages, scopes, the build context and the build graph. No IO.

pub mod built;
pub mod context;
pub mod dockerignore;
pub mod engine;
pub mod env;
pub mod eval;
pub mod facts;
pub mod file;
pub mod gopath;
mod goregex;
pub mod graph;
pub mod images;
pub mod keys;
pub mod learnt;
pub mod options;
pub mod platform;
pub mod ports;
pub mod selection;
pub mod shared_map;
pub mod signals;
pub mod tree;

pub use context::{Content, Context, Entry, EntryKind, Incomplete};
pub use dockerignore::Dockerignore;
pub use engine::Engine;
pub use eval::{Evaluation, evaluate, evaluate_again};
pub use file::{File, Stage};
pub use options::{NamedContext, Options};
pub use platform::Platform;
pub use tree::{Totals, Tree};
