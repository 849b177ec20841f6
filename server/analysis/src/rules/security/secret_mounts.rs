//! The secret mounts of a RUN, as written.

use layerwise_syntax::Instruction;

/// A secret mount.
pub(super) struct SecretMount {
    /// The file; where BuildKit puts it by default if none is given and it is no variable.
    pub(super) target: String,
    /// The variable, if it is one.
    pub(super) env: Option<String>,
}

/// The secret mounts of a RUN. What a variable in the flag decides is taken as written.
pub(super) fn secret_mounts(instruction: &Instruction) -> Vec<SecretMount> {
    let mounts =
        instruction.flag_values("mount").filter(|value| value.split(',').any(|part| part == "type=secret"));
    let mounts = mounts.map(|value| {
        let part = |names: &[&str]| {
            value
                .split(',')
                .filter_map(|part| part.split_once('='))
                .find(|(name, _)| names.contains(name))
                .map(|(_, value)| value)
        };
        let id = part(&["id", "source", "src"]).unwrap_or_default();
        let target = part(&["target", "dst", "destination"])
            .map_or_else(|| format!("/run/secrets/{id}"), str::to_owned);
        SecretMount { target, env: part(&["env"]).map(str::to_owned) }
    });
    mounts.collect()
}
