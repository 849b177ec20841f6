//! Rules of the category `cache`, one file each.

use super::Rule;

mod bind_mount_instead_of_copy;
mod bind_whole_context;
mod buildkit_content_cache_note;
mod cache_mount_id_collision;
mod cargo_deps_layer_missing;
mod chmod_after_copy;
mod chown_after_copy;
mod cleanup_defeats_cache_mount;
mod composer_two_phase;
pub(super) mod copy_all_without_dockerignore;
mod copy_from_too_broad;
mod copy_link;
mod copy_source_before_deps;
mod copy_source_before_system_packages;
mod cross_build_emulated;
pub(super) mod dependency_dir_in_context;
mod dockerfile_in_copy;
mod docs_tests_in_copy;
mod dotnet_restore_order;
mod duplicate_stage_prefix;
mod expensive_step_below_cheap_volatile;
mod git_clone_in_run;
mod git_dir_in_copy;
mod go_mod_download_missing;
mod maven_gradle_deps_missing;
mod merge_would_hurt_cache;
mod metadata_edit_free;
mod package_cache_mount_missing;
mod pnpm_fetch;
mod poetry_uv_install_project_early;
mod run_mixes_stable_and_volatile;
mod support;
mod target_mismatch_host_path;
mod user_created_after_source;
mod volatile_arg_early;
mod volatile_env_early;
mod volatile_files_in_copy;
mod workdir_source_date_epoch;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &copy_source_before_deps::RULE,
    &copy_source_before_system_packages::RULE,
    &volatile_arg_early::RULE,
    &volatile_env_early::RULE,
    &copy_all_without_dockerignore::RULE,
    &git_dir_in_copy::RULE,
    &dockerfile_in_copy::RULE,
    &volatile_files_in_copy::RULE,
    &dependency_dir_in_context::RULE,
    &chown_after_copy::RULE,
    &chmod_after_copy::RULE,
    &user_created_after_source::RULE,
    &go_mod_download_missing::RULE,
    &maven_gradle_deps_missing::RULE,
    &dotnet_restore_order::RULE,
    &cargo_deps_layer_missing::RULE,
    &poetry_uv_install_project_early::RULE,
    &composer_two_phase::RULE,
    &expensive_step_below_cheap_volatile::RULE,
    &cleanup_defeats_cache_mount::RULE,
    &cache_mount_id_collision::RULE,
    &run_mixes_stable_and_volatile::RULE,
    &copy_from_too_broad::RULE,
    &bind_whole_context::RULE,
    &cross_build_emulated::RULE,
    &package_cache_mount_missing::RULE,
    &git_clone_in_run::RULE,
    &copy_link::RULE,
    &merge_would_hurt_cache::RULE,
    &buildkit_content_cache_note::RULE,
    &metadata_edit_free::RULE,
    &docs_tests_in_copy::RULE,
    &duplicate_stage_prefix::RULE,
    &bind_mount_instead_of_copy::RULE,
    &workdir_source_date_epoch::RULE,
    &pnpm_fetch::RULE,
    &target_mismatch_host_path::RULE,
];
