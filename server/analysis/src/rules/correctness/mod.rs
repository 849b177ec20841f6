//! Rules of the category `correctness`, one file each.

use super::Rule;

mod base_image_platform;
mod circular_stage_dependency;
mod copy_escapes_context;
mod copy_from_stage;
mod copy_glob;
mod copy_ignored_file;
mod copy_source_missing;
mod duplicate_stage_name;
mod empty_continuation;
mod expose_host_mapping;
mod expose_invalid_port;
mod from_platform_constant;
mod instruction_before_from;
mod invalid_default_arg_in_from;
mod json_args_recommended;
mod multiple_instructions;
mod onbuild_invalid_trigger;
mod redundant_target_platform;
mod reserved_stage_name;
mod sources;
mod stage_references;
mod undefined_arg_in_from;
mod undefined_var;
mod unknown_instruction;
mod workdir_relative;

pub(super) use expose_host_mapping::specs;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &base_image_platform::RULE,
    &circular_stage_dependency::RULE,
    &copy_escapes_context::RULE,
    &copy_from_stage::LATER,
    &copy_from_stage::NUMBER,
    &copy_from_stage::SELF,
    &copy_from_stage::UNKNOWN,
    &copy_glob::FLAT,
    &copy_glob::MANY,
    &copy_glob::NONE,
    &copy_ignored_file::RULE,
    &copy_source_missing::RULE,
    &duplicate_stage_name::RULE,
    &empty_continuation::RULE,
    &expose_host_mapping::RULE,
    &expose_invalid_port::RULE,
    &from_platform_constant::RULE,
    &instruction_before_from::RULE,
    &invalid_default_arg_in_from::RULE,
    &json_args_recommended::RULE,
    &multiple_instructions::CMD,
    &multiple_instructions::ENTRYPOINT,
    &multiple_instructions::HEALTHCHECK,
    &onbuild_invalid_trigger::RULE,
    &redundant_target_platform::RULE,
    &reserved_stage_name::RULE,
    &undefined_arg_in_from::RULE,
    &undefined_var::RULE,
    &unknown_instruction::RULE,
    &workdir_relative::RULE,
];
