//! The server over an in-memory pipe, with an engine made for the purpose (`engine.rs`), and with the product's own
//! (`workbench.rs`).

mod client;
mod diagnostics;
mod engine;
mod features;
mod hostile;
mod lifecycle;
mod ordering;
mod plan;
#[cfg(unix)]
mod shellcheck;
mod sync;
mod workbench;
