//! Options of rules: what a team decides.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// The options of all rules, with names as in `layerwise.toml` under `[rules]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RuleOptions {
    /// Registries that base images may come from, with `*` at either end for any text. Empty: any.
    pub trusted_registries: Vec<String>,
    /// Base images that may be used, with `*` at either end for any text. Empty: any.
    pub allowed_base_images: Vec<String>,
    /// Labels that each image must have, with the kind of value that each takes.
    pub required_labels: BTreeMap<String, LabelKind>,
    /// Whether labels that are not in `required-labels` are not allowed.
    pub strict_labels: bool,
    /// How many millions of bytes (10^6) of the build context a COPY may take beside what the Dockerfile names; 100 if it is
    /// not given.
    pub max_context_mb: Option<u64>,
}

/// What the value of a label has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LabelKind {
    /// Anything.
    Text,
    /// A URL.
    Url,
    /// A date and time as RFC 3339 has it.
    Rfc3339,
    /// A version as semver has it.
    Semver,
    /// A licence as SPDX names it.
    Spdx,
    /// A git commit.
    Hash,
    /// An e-mail address.
    Email,
}
