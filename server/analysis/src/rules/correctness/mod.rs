//! Rules of the category `correctness`, one file each.

use super::Rule;

mod add_remote_archive;
mod apt_install_without_update;
mod apt_key_removed;
mod apt_lists;
mod apt_missing_yes;
mod apt_update_alone;
mod archived_distro_mirror;
mod artefact_lost_in_cache_mount;
mod base_image_platform;
mod cache_mount_needs_locking;
mod cache_mount_permission;
mod circular_stage_dependency;
mod cmd_ignored_by_shell_entrypoint;
mod comment_swallows_rest;
mod copy_after_user_without_chown;
mod copy_destination;
mod copy_escapes_context;
mod copy_from_stage;
mod copy_glob;
mod copy_ignored_file;
mod copy_source_missing;
mod curl_no_fail;
mod dead_keyserver;
mod debian_frontend_in_env;
pub(crate) mod dependency_steps;
mod dnf_yum_missing_yes;
mod docker_clean_defeats_cache;
mod dockerignore_dead_negation;
mod dockerignore_root_anchored;
mod duplicate_stage_name;
mod dynamic_go_binary_in_scratch;
mod empty_continuation;
mod env_quote_literal;
mod env_self_reference;
mod eol_base_image;
mod expose_host_mapping;
mod expose_invalid_port;
mod feature_needs_newer_syntax;
mod from_platform_constant;
mod global_arg_out_of_scope;
mod healthcheck_tool_missing;
mod heredoc_ignores_errors;
mod host_modules_overwrite_install;
mod image_files;
mod install_before_manifest;
mod install_flag_mismatch;
mod install_script_needs_source;
mod instruction_before_from;
mod invalid_default_arg_in_from;
mod invalid_json_form;
mod json_args_recommended;
mod libc_mismatch;
mod local_path_dependency_missing;
mod misplaced_directive;
mod missing_ca_certificates;
mod multiple_instructions;
mod named_chown_in_scratch;
mod npm_ci_without_lockfile;
mod onbuild_base_surprise;
mod onbuild_invalid_trigger;
mod pacman_missing_noconfirm;
mod pipefail_missing;
mod programs;
mod quoted_heredoc_expansion;
mod redundant_target_platform;
mod releases;
mod renamed_or_removed_package;
mod required_file_ignored;
mod reserved_stage_name;
mod run_without_effect;
mod rust_gnu_target_in_scratch;
mod script_crlf;
mod script_not_executable;
mod script_shebang_missing_in_base;
mod shell_missing;
mod source_builtin_in_sh;
mod sources;
mod stage_references;
pub(crate) mod started_scripts;
mod stopsignal_invalid;
mod tzdata_prompt;
mod unattended;
mod undefined_arg_in_from;
mod undefined_var;
mod unknown_instruction;
mod unreachable_stage;
mod use_apt_get;
mod use_copy_not_add;
mod use_shell_instruction;
mod user_not_created;
mod variable_in_exec_form;
mod vendored_deps_ignored;
mod workdir_relative;
mod workdir_tilde;
mod workspace_manifests_missing;
mod zypper_missing_non_interactive;

pub(super) use expose_host_mapping::specs;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &add_remote_archive::RULE,
    &apt_install_without_update::RULE,
    &apt_missing_yes::RULE,
    &apt_update_alone::RULE,
    &artefact_lost_in_cache_mount::RULE,
    &base_image_platform::RULE,
    &cache_mount_permission::RULE,
    &circular_stage_dependency::RULE,
    &cmd_ignored_by_shell_entrypoint::RULE,
    &comment_swallows_rest::RULE,
    &copy_after_user_without_chown::RULE,
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
    &curl_no_fail::RULE,
    &dead_keyserver::RULE,
    &debian_frontend_in_env::RULE,
    &dockerignore_dead_negation::RULE,
    &dockerignore_root_anchored::RULE,
    &dnf_yum_missing_yes::RULE,
    &duplicate_stage_name::RULE,
    &dynamic_go_binary_in_scratch::RULE,
    &empty_continuation::RULE,
    &env_self_reference::RULE,
    &eol_base_image::RULE,
    &expose_host_mapping::RULE,
    &expose_invalid_port::RULE,
    &feature_needs_newer_syntax::RULE,
    &from_platform_constant::RULE,
    &global_arg_out_of_scope::RULE,
    &healthcheck_tool_missing::RULE,
    &heredoc_ignores_errors::RULE,
    &host_modules_overwrite_install::RULE,
    &install_before_manifest::RULE,
    &install_script_needs_source::RULE,
    &instruction_before_from::RULE,
    &invalid_default_arg_in_from::RULE,
    &invalid_json_form::RULE,
    &json_args_recommended::RULE,
    &libc_mismatch::RULE,
    &local_path_dependency_missing::RULE,
    &misplaced_directive::RULE,
    &missing_ca_certificates::RULE,
    &multiple_instructions::CMD,
    &multiple_instructions::ENTRYPOINT,
    &multiple_instructions::HEALTHCHECK,
    &named_chown_in_scratch::RULE,
    &npm_ci_without_lockfile::RULE,
    &onbuild_invalid_trigger::RULE,
    &pacman_missing_noconfirm::RULE,
    &pipefail_missing::RULE,
    &redundant_target_platform::RULE,
    &required_file_ignored::RULE,
    &reserved_stage_name::RULE,
    &run_without_effect::ACTIVATE,
    &run_without_effect::CD,
    &run_without_effect::EXPORT,
    &run_without_effect::HOSTS,
    &run_without_effect::SERVICE,
    &rust_gnu_target_in_scratch::RULE,
    &script_crlf::RULE,
    &script_not_executable::RULE,
    &script_shebang_missing_in_base::RULE,
    &shell_missing::NONE,
    &shell_missing::SCRATCH,
    &source_builtin_in_sh::RULE,
    &stopsignal_invalid::RULE,
    &undefined_arg_in_from::RULE,
    &undefined_var::RULE,
    &unknown_instruction::RULE,
    &unreachable_stage::STAGE,
    &unreachable_stage::TEST,
    &use_apt_get::RULE,
    &use_copy_not_add::RULE,
    &use_shell_instruction::RULE,
    &variable_in_exec_form::RULE,
    &user_not_created::RULE,
    &vendored_deps_ignored::RULE,
    &workdir_relative::RULE,
    &workdir_tilde::RULE,
    &workspace_manifests_missing::RULE,
    &apt_key_removed::RULE,
    &archived_distro_mirror::RULE,
    &cache_mount_needs_locking::RULE,
    &docker_clean_defeats_cache::RULE,
    &env_quote_literal::RULE,
    &install_flag_mismatch::RULE,
    &onbuild_base_surprise::RULE,
    &quoted_heredoc_expansion::RULE,
    &renamed_or_removed_package::RULE,
    &tzdata_prompt::RULE,
    &zypper_missing_non_interactive::RULE,
];
