//! Rules of the category `portability`, one file each.

use super::Rule;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[];
