//! The Dockerfile's syntax: text, lines, instructions, words and shell.
//!
//! Parsing never fails: any text gives a list of blocks that tile it, typed instructions, a tree-sitter tree, and a
//! list of problems. Everything below works in byte offsets; lines count line feeds, as BuildKit does, except in
//! [`text`], which also knows LSP's lines.

mod absent;
pub mod document;
pub mod duration;
pub mod folding;
pub mod gostr;
pub mod heredoc;
pub mod image_ref;
pub mod instruction;
mod json_array;
pub mod keyword;
pub mod lines;
pub mod logical;
pub mod mount;
pub mod queries;
pub mod selection;
pub mod shell;
pub mod spans;
mod split;
pub mod suggest;
pub mod text;
mod tree;
pub mod validate;
pub mod words;

pub use document::{Document, Parsed, TreeNode, Work};
pub use instruction::{Form, Instruction, Problem, ProblemKind, Word};
pub use keyword::Keyword;
pub use lines::{Block, Directive, LineLayer, Placed};
pub use text::Text;
pub use tree_sitter;
