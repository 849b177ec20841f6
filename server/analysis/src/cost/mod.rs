//! A price for each step: what it takes when it runs, and how many bytes its layer has.
//!
//! What was learnt from build logs comes first (by the step's full key, then by its definition), then what files and
//! engines say, then an estimate by the kind of step ([`run`], [`estimate`]), which is marked as one.

pub mod bases;
pub(crate) mod estimate;
mod figure;
mod history;
mod image;
mod learn;
pub mod log;
pub(crate) mod run;
#[cfg(test)]
mod testing;

use std::collections::{BTreeMap, HashSet};

pub use figure::{Figure, Price};
pub use history::{Layer, layers, learn_sizes};
pub use image::{ImageEstimate, Orphan, Part, image};
use layerwise_model::keys::{StepKeys, keys};
use layerwise_model::learnt::{Index, Learnt};
pub use learn::{Lesson, build, learn};

use self::estimate::Estimator;
use crate::plan::{Plan, Side, State};

/// Megabits a second that images are pulled at unless something else is said: the reference of published comparisons.
pub const DEFAULT_MBPS: f64 = 100.0;

/// What is known beside the files.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    /// What was learnt from earlier builds of the Dockerfile.
    pub learnt: Option<&'a Learnt>,
    /// Megabits (10^6 bits) a second that images are pulled at; [`DEFAULT_MBPS`] if it is not given or not positive.
    pub mbps: Option<f64>,
    /// Bytes of images (unpacked) that a local engine has, by the reference as the Dockerfile has it, normalized.
    pub images: BTreeMap<String, u64>,
}

impl Known<'_> {
    /// The bandwidth in megabits a second; always positive.
    pub fn mbps(&self) -> f64 {
        self.mbps.filter(|m| m.is_finite() && *m > 0.0).unwrap_or(DEFAULT_MBPS)
    }

    /// The bytes of an image, unpacked: measured by an engine, or of the table.
    pub fn image_bytes(&self, reference: &str) -> Option<Figure> {
        self.bytes_of(reference, bases::lookup(reference))
    }

    /// The same, where the row of the table is at hand.
    fn bytes_of(&self, reference: &str, row: Option<&bases::BaseImage>) -> Option<Figure> {
        let measured = self.images.get(reference).map(|bytes| Figure::measured(*bytes as f64));
        measured.or_else(|| row.map(|row| Figure::estimate(row.bytes())))
    }
}

/// Seconds that a number of bytes takes: `MB * 8 / Mbps`, the reference's own formula. It takes the bytes as they are;
/// layers are packed on the wire, so that a real pull is two to three times faster.
pub fn pull_seconds(bytes: Figure, mbps: f64) -> Figure {
    Figure { value: bytes.value * 8.0 / (mbps * 1e6), ..bytes }
}

/// Puts the prices into a plan of `side`: each step's, each stage's and the whole one.
///
/// The price of a stage and of the plan is what the steps that are `rebuilt` cost, each vertex once (BuildKit builds equal
/// ones once), added up as if they ran one after another; stages that run beside one another take less. Steps that
/// `depend` are not in it.
pub fn price(plan: &mut Plan, side: &Side<'_>, known: &Known<'_>) {
    let prices = Prices::new(side, known);
    for step in &mut plan.steps {
        step.price = prices.get(step.number);
    }
    let mut seen = HashSet::new();
    let mut rebuilt: Vec<Price> = Vec::new();
    let mut by_stage: Vec<Vec<Price>> = vec![Vec::new(); side.file.stages().len()];
    for step in plan.steps.iter().filter(|s| s.state == State::Rebuilt) {
        let vertex = side.graph.of_instruction.get(&step.number);
        if let (Some(stage), true) = (side.file.stage_of(step.number), vertex.is_none_or(|v| seen.insert(*v)))
        {
            rebuilt.push(step.price);
            by_stage[stage.index].push(step.price);
        }
    }
    plan.price = Price::sum(&rebuilt);
    plan.stage_prices = by_stage.iter().map(Price::sum).collect();
    plan.image = image::of(side, known, &prices);
}

/// The prices of the instructions of one build: what was measured, else what was estimated.
pub(crate) struct Prices<'a> {
    estimator: Estimator<'a>,
    learnt: Index<'a>,
    /// The keys of the vertices; empty if nothing was learnt.
    keys: Vec<StepKeys>,
    side: &'a Side<'a>,
}

impl<'a> Prices<'a> {
    fn new(side: &'a Side<'a>, known: &'a Known<'a>) -> Prices<'a> {
        Prices {
            estimator: Estimator::new(side, known),
            learnt: known.learnt.map(Learnt::index).unwrap_or_default(),
            keys: if known.learnt.is_some() { keys(side.graph) } else { Vec::new() },
            side,
        }
    }

    /// The price of an instruction; nothing for one that makes no vertex.
    fn get(&self, number: usize) -> Price {
        let Some(vertex) = self.side.graph.of_instruction.get(&number) else { return Price::default() };
        let estimate = self.estimator.get(number).map(|e| e.price).unwrap_or_default();
        let Some(keys) = self.keys.get(*vertex) else { return estimate };
        let known = self.learnt.get(keys);
        // The size of files is exact, whatever an earlier layer had.
        let exact = estimate.bytes.filter(|b| b.measured);
        Price {
            seconds: known.seconds.map(Figure::measured).or(estimate.seconds),
            bytes: exact.or(known.bytes.map(|b| Figure::measured(b as f64))).or(estimate.bytes),
        }
    }
}
