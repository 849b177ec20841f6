//! Rules of the category `correctness`, one file each.

use super::Rule;

mod add_remote_archive;
mod base_image_platform;
mod circular_stage_dependency;
mod cmd_ignored_by_shell_entrypoint;
mod comment_swallows_rest;
mod copy_destination;
mod copy_escapes_context;
mod copy_from_stage;
mod copy_glob;
mod copy_ignored_file;
mod copy_source_missing;
mod duplicate_stage_name;
mod empty_continuation;
mod env_self_reference;
mod expose_host_mapping;
mod expose_invalid_port;
mod feature_needs_newer_syntax;
mod from_platform_constant;
mod global_arg_out_of_scope;
mod heredoc_ignores_errors;
mod instruction_before_from;
mod invalid_default_arg_in_from;
mod invalid_json_form;
mod json_args_recommended;
mod misplaced_directive;
mod missing_yes;
mod multiple_instructions;
mod onbuild_invalid_trigger;
mod pipefail_missing;
mod redundant_target_platform;
mod reserved_stage_name;
mod run_without_effect;
mod shell_missing;
mod source_builtin_in_sh;
mod sources;
mod stage_references;
mod undefined_arg_in_from;
mod undefined_var;
mod unknown_instruction;
mod unreachable_stage;
mod variable_in_exec_form;
mod workdir_relative;
mod workdir_tilde;

pub(super) use expose_host_mapping::specs;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &add_remote_archive::RULE,
    &base_image_platform::RULE,
    &circular_stage_dependency::RULE,
    &cmd_ignored_by_shell_entrypoint::RULE,
    &comment_swallows_rest::RULE,
    &copy_destination::DIRECTORY,
    &copy_destination::RELATIVE,
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
    &env_self_reference::RULE,
    &expose_host_mapping::RULE,
    &expose_invalid_port::RULE,
    &feature_needs_newer_syntax::RULE,
    &from_platform_constant::RULE,
    &global_arg_out_of_scope::RULE,
    &heredoc_ignores_errors::RULE,
    &instruction_before_from::RULE,
    &invalid_default_arg_in_from::RULE,
    &invalid_json_form::RULE,
    &json_args_recommended::RULE,
    &misplaced_directive::RULE,
    &missing_yes::APT,
    &missing_yes::DNF,
    &missing_yes::PACMAN,
    &missing_yes::ZYPPER,
    &multiple_instructions::CMD,
    &multiple_instructions::ENTRYPOINT,
    &multiple_instructions::HEALTHCHECK,
    &onbuild_invalid_trigger::RULE,
    &pipefail_missing::RULE,
    &redundant_target_platform::RULE,
    &reserved_stage_name::RULE,
    &run_without_effect::ACTIVATE,
    &run_without_effect::CD,
    &run_without_effect::EXPORT,
    &run_without_effect::HOSTS,
    &run_without_effect::SERVICE,
    &shell_missing::NONE,
    &shell_missing::SCRATCH,
    &source_builtin_in_sh::RULE,
    &undefined_arg_in_from::RULE,
    &undefined_var::RULE,
    &unknown_instruction::RULE,
    &unreachable_stage::STAGE,
    &unreachable_stage::TEST,
    &variable_in_exec_form::RULE,
    &workdir_relative::RULE,
    &workdir_tilde::RULE,
];
