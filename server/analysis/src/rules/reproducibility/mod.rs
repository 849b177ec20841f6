//! Rules of the category `reproducibility`, one file each.

use super::Rule;

mod apk_unpinned;
mod apt_unpinned;
mod bun_not_frozen;
mod bundle_not_deployment;
mod cargo_install_unlocked;
mod composer_update;
mod corepack_unpinned;
mod distro_upgrade;
mod gem_unpinned;
mod go_install_unpinned;
mod latest_release_url;
mod latest_tag;
mod locks;
mod moving_git_ref;
mod npm_install_not_ci;
mod npm_unpinned;
mod pin_digest;
mod pins;
mod pip_self_upgrade;
mod pip_unpinned;
mod pnpm_not_frozen;
mod python_lock_not_enforced;
mod rpm_unpinned;
mod timestamp_in_run;
mod untagged_base;
mod yarn_not_frozen;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &apk_unpinned::RULE,
    &apt_unpinned::RULE,
    &bun_not_frozen::RULE,
    &bundle_not_deployment::RULE,
    &cargo_install_unlocked::RULE,
    &composer_update::RULE,
    &corepack_unpinned::RULE,
    &distro_upgrade::RULE,
    &gem_unpinned::RULE,
    &go_install_unpinned::RULE,
    &latest_release_url::RULE,
    &latest_tag::RULE,
    &moving_git_ref::RULE,
    &npm_install_not_ci::RULE,
    &npm_unpinned::RULE,
    &pin_digest::RULE,
    &pip_self_upgrade::RULE,
    &pip_unpinned::RULE,
    &pnpm_not_frozen::RULE,
    &python_lock_not_enforced::RULE,
    &rpm_unpinned::RULE,
    &timestamp_in_run::RULE,
    &untagged_base::RULE,
    &yarn_not_frozen::RULE,
];
