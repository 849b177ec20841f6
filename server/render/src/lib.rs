//! What the analysis found, made readable: for people at a terminal and for programs.
//!
//! Nothing here reads or writes anything; everything is text in, text out.

mod checkstyle;
pub mod diff;
pub mod figures;
mod github;
mod gitlab;
pub mod graph;
pub mod json;
mod junit;
pub mod mermaid;
pub mod page;
pub mod place;
pub mod plan;
pub mod report;
mod sarif;
pub mod structure;
pub mod svg;
pub mod text;
pub mod when;
pub mod why;
mod xml;
