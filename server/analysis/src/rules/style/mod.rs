//! Rules of the category `style`, one file each.

use super::Rule;

mod definition_description;
mod empty_label;
mod expose_proto_casing;
mod from_as_casing;
mod healthcheck_missing;
mod inline_ignore;
mod instruction_casing;
mod invalid_label_key;
mod invalid_label_value;
mod labels;
mod legacy_key_value;
mod maintainer;
mod missing_label;
mod pointless_command;
mod stage_name_casing;
mod unexpected_label;
mod unknown_suppression;
mod unused_suppression;
mod use_workdir;
mod wget_progress;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &definition_description::RULE,
    &empty_label::RULE,
    &expose_proto_casing::RULE,
    &from_as_casing::RULE,
    &healthcheck_missing::RULE,
    &inline_ignore::RULE,
    &instruction_casing::RULE,
    &invalid_label_key::RULE,
    &invalid_label_value::RULE,
    &legacy_key_value::RULE,
    &maintainer::RULE,
    &missing_label::RULE,
    &pointless_command::RULE,
    &stage_name_casing::RULE,
    &unexpected_label::RULE,
    &use_workdir::RULE,
    &wget_progress::RULE,
    &unknown_suppression::RULE,
    &unused_suppression::RULE,
];
