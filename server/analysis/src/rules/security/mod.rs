//! Rules of the category `security`, one file each.

use super::Rule;

mod last_user_root;
mod likely_secret_in_arg_env;
mod named_user;
mod no_sudo;
mod no_user;
mod registry_not_allowed;
mod secret_in_arg_env;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &last_user_root::RULE,
    &likely_secret_in_arg_env::RULE,
    &named_user::RULE,
    &no_sudo::RULE,
    &no_user::RULE,
    &registry_not_allowed::RULE,
    &secret_in_arg_env::RULE,
];
