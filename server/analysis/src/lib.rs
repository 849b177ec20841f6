//! What to say about a Dockerfile: rules, refactorings and the plan. Pure: same input, same answer.

pub mod actions;
pub mod check;
pub mod config;
pub mod cost;
pub mod diagnostic;
pub mod fix;
pub mod fix_all;
pub mod migrate;
mod names;
pub mod options;
pub mod plan;
pub mod ranges;
pub mod rules;
pub mod shellcheck;
pub mod suppress;
pub mod user_rules;

pub use check::{Checker, Input, Selection};
pub use diagnostic::{Diagnostic, Severity};
pub use fix::{Applicability, Edit, Fix};
pub use options::RuleOptions;
