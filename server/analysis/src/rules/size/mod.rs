//! Rules of the category `size`, one file each.

use super::Rule;

mod add_for_local_archive;
mod apk_no_cache;
mod apt_lists_left;
mod apt_no_install_recommends;
mod conda_clean;
mod consecutive_runs;
mod copy_root_filesystem;
mod curl_and_wget;
mod dnf_yum_cache_left;
mod layers;
mod npm_cache_left;
mod pip_no_cache_dir;
mod useradd_high_uid;
mod yarn_cache_left;
mod zypper_cache_left;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &add_for_local_archive::RULE,
    &apk_no_cache::RULE,
    &apt_lists_left::RULE,
    &apt_no_install_recommends::RULE,
    &conda_clean::RULE,
    &consecutive_runs::RULE,
    &copy_root_filesystem::RULE,
    &curl_and_wget::RULE,
    &dnf_yum_cache_left::RULE,
    &npm_cache_left::RULE,
    &pip_no_cache_dir::RULE,
    &useradd_high_uid::RULE,
    &yarn_cache_left::RULE,
    &zypper_cache_left::RULE,
];
