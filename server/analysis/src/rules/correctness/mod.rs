//! Rules of the category `correctness`, one file each.

use super::Rule;

mod base_image_platform;
mod copy_ignored_file;
mod duplicate_stage_name;
mod empty_continuation;
mod expose_host_mapping;
mod from_platform_constant;
mod invalid_default_arg_in_from;
mod json_args_recommended;
mod multiple_instructions;
mod redundant_target_platform;
mod reserved_stage_name;
mod undefined_arg_in_from;
mod undefined_var;
mod workdir_relative;

pub(super) use expose_host_mapping::specs;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &base_image_platform::RULE,
    &copy_ignored_file::RULE,
    &duplicate_stage_name::RULE,
    &empty_continuation::RULE,
    &expose_host_mapping::RULE,
    &from_platform_constant::RULE,
    &invalid_default_arg_in_from::RULE,
    &json_args_recommended::RULE,
    &multiple_instructions::CMD,
    &multiple_instructions::ENTRYPOINT,
    &multiple_instructions::HEALTHCHECK,
    &redundant_target_platform::RULE,
    &reserved_stage_name::RULE,
    &undefined_arg_in_from::RULE,
    &undefined_var::RULE,
    &workdir_relative::RULE,
];
