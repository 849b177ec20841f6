//! What the analysis found, made readable: for people at a terminal and for programs.
//!
//! Nothing here reads or writes anything; everything is text in, text out.

pub mod diff;
pub mod figures;
pub mod graph;
pub mod json;
pub mod mermaid;
pub mod page;
pub mod place;
pub mod plan;
pub mod structure;
pub mod svg;
pub mod text;
pub mod when;
pub mod why;
