//! What the next build runs again, after one typed character: evaluation, build graph and comparison.

// The function that `criterion_group!` makes has no place for a docstring.
#![allow(missing_docs)]

mod common;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use layerwise_analysis::cost::{Known, price};
use layerwise_analysis::plan::{Plan, Side, plan};
use layerwise_model::graph::{Contexts, graph};
use layerwise_model::images::WellKnown;
use layerwise_model::{File, Options, evaluate};

use crate::common::Typist;

fn plan_after_edit(c: &mut Criterion) {
    let options = Options::default();
    let build = |file: &File| {
        let eval = evaluate(file, &options, &WellKnown);
        let graph = graph(file, &eval, &options, Contexts::default());
        (eval, graph)
    };
    let mut group = c.benchmark_group("plan_after_edit");
    for lines in [500, 5_000] {
        let mut typist = Typist::new(lines);
        typist.press();
        let saved = File::new(typist.press());
        let (saved_eval, saved_graph) = build(&saved);
        let before =
            Side { file: &saved, eval: &saved_eval, graph: &saved_graph, context: None, options: &options };
        group.bench_function(BenchmarkId::from_parameter(lines), |b| {
            b.iter(|| {
                let file = File::new(typist.press());
                let (eval, graph) = build(&file);
                plan(
                    Some(&before),
                    &Side { file: &file, eval: &eval, graph: &graph, context: None, options: &options },
                )
            });
        });
    }
}

/// The prices alone: what they add to a plan. The shell inside RUN was parsed before, but for the line that is typed in.
fn prices_after_edit(c: &mut Criterion) {
    let options = Options::default();
    let mut group = c.benchmark_group("prices_after_edit");
    for lines in [500, 5_000] {
        let mut typist = Typist::new(lines);
        let mut prepared = || {
            let file = File::new(typist.press());
            let eval = evaluate(&file, &options, &WellKnown);
            let graph = graph(&file, &eval, &options, Contexts::default());
            (file, eval, graph)
        };
        group.bench_function(BenchmarkId::from_parameter(lines), |b| {
            b.iter_batched(
                &mut prepared,
                |(file, eval, graph)| {
                    let side =
                        Side { file: &file, eval: &eval, graph: &graph, context: None, options: &options };
                    let mut plan = Plan::default();
                    price(&mut plan, &side, &Known::default());
                    (plan, file, eval, graph)
                },
                BatchSize::LargeInput,
            );
        });
    }
}

criterion_group!(benches, plan_after_edit, prices_after_edit);
criterion_main!(benches);
