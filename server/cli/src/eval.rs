//! Evaluation as all commands do it.

use layerwise_model::images::WellKnown;
use layerwise_model::{Evaluation, File, Options};

/// Evaluates a file with what is known of base images on every machine: the command line asks no registry and no engine.
pub(crate) fn evaluate(file: &File, options: &Options) -> Evaluation {
    layerwise_model::evaluate(file, options, &WellKnown)
}

/// Options as `docker build --check` has them: every stage is looked at, not only those that the last one needs.
pub(crate) fn every_stage() -> Options {
    Options { all_stages: true, ..Options::default() }
}
