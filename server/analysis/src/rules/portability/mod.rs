//! Rules of the category `portability`, one file each.

use super::Rule;

mod alpine_wheels;
mod bashism_in_sh;
mod case_collision;
mod crlf_heredoc;
mod hard_coded_arch;
mod shell_missing_for_shell;
mod useradd_flavour;
mod wrong_package_manager;

pub(super) use wrong_package_manager::would_miss_pip;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &alpine_wheels::RULE,
    &bashism_in_sh::RULE,
    &case_collision::RULE,
    &crlf_heredoc::RULE,
    &hard_coded_arch::RULE,
    &shell_missing_for_shell::RULE,
    &useradd_flavour::RULE,
    &wrong_package_manager::RULE,
];
