//! Rules of the category `size`, one file each.

use super::Rule;

mod add_for_local_archive;
mod apk_no_cache;
mod apt_clean_noop;
mod apt_lists_left;
mod apt_no_install_recommends;
mod archive_left;
mod base_variant;
mod build_tools;
mod bundler_cache_left;
mod composer_dev_in_final;
mod conda_clean;
pub(super) mod consecutive_runs;
mod context_too_large;
mod copy_build_tree;
mod copy_root_filesystem;
mod curl_and_wget;
mod debug_tools_in_final;
mod dnf_yum_cache_left;
mod double_install;
mod duplicate_package_argument;
mod gem_docs;
mod go_unstripped;
mod later;
mod layers;
mod locale_all;
mod mktemp_left;
mod next_standalone;
mod npm_cache_left;
mod npm_dev_in_final;
mod package_already_in_base;
mod pip_no_cache_dir;
mod python_dev_in_final;
mod recursive_permission_change;
mod root_gem_left;
mod rust_debug_build;
mod signature_left;
mod single_stage_build;
mod split_apt_installs;
mod spring_layered_jar;
mod useradd_high_uid;
mod usr_src_left;
mod yarn_cache_left;
mod zypper_cache_left;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &add_for_local_archive::RULE,
    &apk_no_cache::RULE,
    &apt_clean_noop::RULE,
    &apt_lists_left::RULE,
    &apt_no_install_recommends::RULE,
    &archive_left::RULE,
    &base_variant::FAT,
    &base_variant::JDK,
    &base_variant::SDK,
    &build_tools::APK,
    &build_tools::OTHERS,
    &bundler_cache_left::RULE,
    &composer_dev_in_final::RULE,
    &conda_clean::RULE,
    &consecutive_runs::RULE,
    &context_too_large::RULE,
    &copy_build_tree::RULE,
    &copy_root_filesystem::RULE,
    &curl_and_wget::RULE,
    &debug_tools_in_final::RULE,
    &dnf_yum_cache_left::RULE,
    &double_install::RULE,
    &duplicate_package_argument::RULE,
    &gem_docs::RULE,
    &go_unstripped::RULE,
    &later::CLEANUP,
    &later::MOVE,
    &later::PACKAGES,
    &locale_all::RULE,
    &mktemp_left::RULE,
    &next_standalone::RULE,
    &npm_cache_left::RULE,
    &npm_dev_in_final::RULE,
    &package_already_in_base::RULE,
    &pip_no_cache_dir::RULE,
    &python_dev_in_final::RULE,
    &recursive_permission_change::RULE,
    &root_gem_left::RULE,
    &rust_debug_build::RULE,
    &signature_left::RULE,
    &single_stage_build::RULE,
    &split_apt_installs::RULE,
    &spring_layered_jar::RULE,
    &useradd_high_uid::RULE,
    &usr_src_left::RULE,
    &yarn_cache_left::RULE,
    &zypper_cache_left::RULE,
];
