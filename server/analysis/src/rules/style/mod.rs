//! Rules of the category `style`, one file each.

use super::Rule;

mod definition_description;
mod expose_proto_casing;
mod from_as_casing;
mod instruction_casing;
mod legacy_key_value;
mod maintainer;
mod stage_name_casing;
mod unknown_suppression;
mod unused_suppression;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &definition_description::RULE,
    &expose_proto_casing::RULE,
    &from_as_casing::RULE,
    &instruction_casing::RULE,
    &legacy_key_value::RULE,
    &maintainer::RULE,
    &stage_name_casing::RULE,
    &unknown_suppression::RULE,
    &unused_suppression::RULE,
];
