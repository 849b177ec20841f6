//! Rules of the category `reproducibility`, one file each.

use super::Rule;

mod apk_unpinned;
mod apt_unpinned;
mod cargo_install_unlocked;
mod distro_upgrade;
mod gem_unpinned;
mod go_install_unpinned;
mod latest_tag;
mod npm_unpinned;
mod pin_digest;
mod pins;
mod pip_unpinned;
mod rpm_unpinned;
mod untagged_base;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &apk_unpinned::RULE,
    &apt_unpinned::RULE,
    &cargo_install_unlocked::RULE,
    &distro_upgrade::RULE,
    &gem_unpinned::RULE,
    &go_install_unpinned::RULE,
    &latest_tag::RULE,
    &npm_unpinned::RULE,
    &pin_digest::RULE,
    &pip_unpinned::RULE,
    &rpm_unpinned::RULE,
    &untagged_base::RULE,
];
