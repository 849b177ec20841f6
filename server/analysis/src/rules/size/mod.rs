//! Rules of the category `size`, one file each.

use super::Rule;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[];
