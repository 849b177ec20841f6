//! What to say about a Dockerfile: rules, refactorings and the plan. Pure: same input, same answer.

pub mod actions;
pub mod diagnostic;
pub mod fix;
pub mod plan;

pub use diagnostic::{Diagnostic, Severity};
pub use fix::{Applicability, Edit, Fix};
