//! Rules of the category `cache`, one file each.

use super::Rule;

mod bind_whole_context;
mod cache_mount_id_collision;
mod cargo_deps_layer_missing;
mod chmod_after_copy;
mod chown_after_copy;
mod cleanup_defeats_cache_mount;
mod composer_two_phase;
mod copy_all_without_dockerignore;
mod copy_from_too_broad;
mod copy_link;
mod copy_source_before_deps;
mod copy_source_before_system_packages;
mod cross_build_emulated;
mod dependency_dir_in_context;
mod dockerfile_in_copy;
mod dotnet_restore_order;
mod expensive_step_below_cheap_volatile;
mod git_clone_in_run;
mod git_dir_in_copy;
mod go_mod_download_missing;
mod maven_gradle_deps_missing;
mod package_cache_mount_missing;
mod poetry_uv_install_project_early;
mod run_mixes_stable_and_volatile;
mod support;
mod user_created_after_source;
mod volatile_arg_early;
mod volatile_env_early;
mod volatile_files_in_copy;

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
];
