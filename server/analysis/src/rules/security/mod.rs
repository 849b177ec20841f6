//! Rules of the category `security`, one file each.

use super::Rule;

mod add_url_without_checksum;
mod apt_unauthenticated;
mod credentials_in_url;
mod debug_tag_in_final;
mod docker_socket_volume;
mod last_user_root;
mod likely_secret_in_arg_env;
mod named_user;
mod no_sudo;
mod no_user;
mod pipe_to_shell;
mod plain_http_download;
mod registry_not_allowed;
mod registry_token_via_arg;
mod run_security_insecure;
mod secret_file_copied;
mod secret_file_in_context;
mod secret_files;
mod secret_in_arg_env;
mod secret_in_code;
mod secret_mounts;
mod secret_removed_later;
mod secret_written_to_layer;
mod shell_history_env_dump;
mod ssh_server;
mod tls_verification_off;
mod tokens;
mod user_group_drops_supplementary;
mod user_never_used;
mod world_writable;

/// The rules of this category.
pub(super) static RULES: &[&Rule] = &[
    &add_url_without_checksum::RULE,
    &apt_unauthenticated::RULE,
    &credentials_in_url::RULE,
    &debug_tag_in_final::RULE,
    &docker_socket_volume::RULE,
    &last_user_root::RULE,
    &likely_secret_in_arg_env::RULE,
    &named_user::RULE,
    &no_sudo::RULE,
    &no_user::RULE,
    &pipe_to_shell::RULE,
    &plain_http_download::RULE,
    &registry_not_allowed::RULE,
    &registry_token_via_arg::RULE,
    &run_security_insecure::RULE,
    &secret_file_copied::RULE,
    &secret_file_in_context::RULE,
    &secret_in_arg_env::RULE,
    &secret_in_code::RULE,
    &secret_removed_later::RULE,
    &secret_written_to_layer::RULE,
    &shell_history_env_dump::RULE,
    &ssh_server::RULE,
    &tls_verification_off::RULE,
    &user_group_drops_supplementary::RULE,
    &user_never_used::RULE,
    &world_writable::RULE,
];
