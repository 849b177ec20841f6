//! Rules of the category `style`, one file each.

use super::Rule;

mod dead_instruction;
mod definition_description;
mod deprecated_flag_family;
mod deprecated_npm_flag;
mod duplicate_expose;
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
mod redundant_env;
mod redundant_jvm_flag;
mod redundant_user;
mod redundant_workdir;
mod sort_packages;
mod stage_name_casing;
mod unexpected_label;
mod unknown_suppression;
mod unused_suppression;
mod use_workdir;
mod wget_progress;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &dead_instruction::RULE,
    &definition_description::RULE,
    &deprecated_flag_family::RULE,
    &deprecated_npm_flag::RULE,
    &duplicate_expose::RULE,
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
    &redundant_env::RULE,
    &redundant_jvm_flag::RULE,
    &redundant_user::RULE,
    &redundant_workdir::RULE,
    &sort_packages::RULE,
    &stage_name_casing::RULE,
    &unexpected_label::RULE,
    &use_workdir::RULE,
    &wget_progress::RULE,
    &unknown_suppression::RULE,
    &unused_suppression::RULE,
];
