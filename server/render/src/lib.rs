//! What the analysis found, made readable: for people at a terminal and for programs.

pub mod plan;
