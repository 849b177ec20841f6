//! Rules of the category `correctness`, one file each.

use super::Rule;

mod apt_missing_yes;
mod artefact_lost_in_cache_mount;
mod base_image_platform;
mod cache_mount_permission;
mod copy_after_user_without_chown;
mod copy_ignored_file;
mod curl_no_fail;
mod dead_keyserver;
mod debian_frontend_in_env;
mod dependency_steps;
mod dnf_yum_missing_yes;
mod dockerignore_dead_negation;
mod dockerignore_root_anchored;
mod duplicate_stage_name;
mod dynamic_go_binary_in_scratch;
mod empty_continuation;
mod eol_base_image;
mod expose_host_mapping;
mod from_platform_constant;
mod healthcheck_tool_missing;
mod host_modules_overwrite_install;
mod image_files;
mod install_before_manifest;
mod install_script_needs_source;
mod invalid_default_arg_in_from;
mod json_args_recommended;
mod libc_mismatch;
mod local_path_dependency_missing;
mod multiple_instructions;
mod named_chown_in_scratch;
mod npm_ci_without_lockfile;
mod pacman_missing_noconfirm;
mod programs;
mod redundant_target_platform;
mod required_file_ignored;
mod reserved_stage_name;
mod rust_gnu_target_in_scratch;
mod script_crlf;
mod script_not_executable;
mod script_shebang_missing_in_base;
mod started_scripts;
mod unattended;
mod undefined_arg_in_from;
mod undefined_var;
mod use_apt_get;
mod use_copy_not_add;
mod use_shell_instruction;
mod vendored_deps_ignored;
mod workdir_relative;
mod workspace_manifests_missing;
mod zypper_missing_non_interactive;

pub(super) use expose_host_mapping::specs;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &apt_missing_yes::RULE,
    &artefact_lost_in_cache_mount::RULE,
    &base_image_platform::RULE,
    &cache_mount_permission::RULE,
    &copy_after_user_without_chown::RULE,
    &copy_ignored_file::RULE,
    &curl_no_fail::RULE,
    &dead_keyserver::RULE,
    &debian_frontend_in_env::RULE,
    &dnf_yum_missing_yes::RULE,
    &dockerignore_dead_negation::RULE,
    &dockerignore_root_anchored::RULE,
    &duplicate_stage_name::RULE,
    &dynamic_go_binary_in_scratch::RULE,
    &empty_continuation::RULE,
    &eol_base_image::RULE,
    &expose_host_mapping::RULE,
    &from_platform_constant::RULE,
    &healthcheck_tool_missing::RULE,
    &host_modules_overwrite_install::RULE,
    &install_before_manifest::RULE,
    &install_script_needs_source::RULE,
    &invalid_default_arg_in_from::RULE,
    &json_args_recommended::RULE,
    &libc_mismatch::RULE,
    &local_path_dependency_missing::RULE,
    &multiple_instructions::CMD,
    &multiple_instructions::ENTRYPOINT,
    &multiple_instructions::HEALTHCHECK,
    &named_chown_in_scratch::RULE,
    &npm_ci_without_lockfile::RULE,
    &pacman_missing_noconfirm::RULE,
    &redundant_target_platform::RULE,
    &required_file_ignored::RULE,
    &reserved_stage_name::RULE,
    &rust_gnu_target_in_scratch::RULE,
    &script_crlf::RULE,
    &script_not_executable::RULE,
    &script_shebang_missing_in_base::RULE,
    &undefined_arg_in_from::RULE,
    &undefined_var::RULE,
    &use_apt_get::RULE,
    &use_copy_not_add::RULE,
    &use_shell_instruction::RULE,
    &vendored_deps_ignored::RULE,
    &workdir_relative::RULE,
    &workspace_manifests_missing::RULE,
    &zypper_missing_non_interactive::RULE,
];
