//! Rules of the category `size`, one file each.

use super::Rule;

mod add_for_local_archive;
mod apk_no_cache;
mod apt_lists_left;
mod apt_no_install_recommends;
mod archive_left;
mod base_variant;
mod build_tools;
mod composer_dev_in_final;
mod conda_clean;
mod consecutive_runs;
mod copy_root_filesystem;
mod curl_and_wget;
mod dnf_yum_cache_left;
mod double_install;
mod duplicate_package_argument;
mod later;
mod layers;
mod locale_all;
mod npm_cache_left;
mod npm_dev_in_final;
mod pip_no_cache_dir;
mod python_dev_in_final;
mod recursive_permission_change;
mod single_stage_build;
mod split_apt_installs;
mod useradd_high_uid;
mod yarn_cache_left;
mod zypper_cache_left;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &add_for_local_archive::RULE,
    &apk_no_cache::RULE,
    &apt_lists_left::RULE,
    &apt_no_install_recommends::RULE,
    &archive_left::RULE,
    &base_variant::SDK,
    &base_variant::JDK,
    &base_variant::FAT,
    &build_tools::APK,
    &build_tools::OTHERS,
    &composer_dev_in_final::RULE,
    &conda_clean::RULE,
    &consecutive_runs::RULE,
    &copy_root_filesystem::RULE,
    &curl_and_wget::RULE,
    &dnf_yum_cache_left::RULE,
    &double_install::RULE,
    &duplicate_package_argument::RULE,
    &later::CLEANUP,
    &later::MOVE,
    &later::PACKAGES,
    &locale_all::RULE,
    &npm_cache_left::RULE,
    &npm_dev_in_final::RULE,
    &pip_no_cache_dir::RULE,
    &python_dev_in_final::RULE,
    &recursive_permission_change::RULE,
    &single_stage_build::RULE,
    &split_apt_installs::RULE,
    &useradd_high_uid::RULE,
    &yarn_cache_left::RULE,
    &zypper_cache_left::RULE,
];
