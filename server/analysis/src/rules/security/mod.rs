//! Rules of the category `security`, one file each.

use super::Rule;

mod secret_in_arg_env;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[&secret_in_arg_env::RULE];
