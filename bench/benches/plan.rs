//! What the next build runs again, after one typed character: evaluation, build graph and comparison.

// The function that `criterion_group!` makes has no place for a docstring.
#![allow(missing_docs)]

mod common;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use layerwise_analysis::cost::{self, price};
use layerwise_analysis::plan::{Cache, Contents, Known, Moved, Plan, Side, plan, plan_in};
use layerwise_model::graph::{Contexts, Previous, graph, graph_again};
use layerwise_model::images::WellKnown;
use layerwise_model::{File, Options, evaluate, evaluate_again};

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

/// The same with the evaluation and the graph of the text before at hand, as the server has them.
fn plan_after_edit_kept(c: &mut Criterion) {
    let options = Options::default();
    let mut group = c.benchmark_group("plan_after_edit_kept");
    for lines in [500, 5_000] {
        let mut typist = Typist::new(lines);
        typist.press();
        let saved = File::new(typist.press());
        let saved_eval = evaluate(&saved, &options, &WellKnown);
        let saved_graph = graph(&saved, &saved_eval, &options, Contexts::default());
        let before =
            Side { file: &saved, eval: &saved_eval, graph: &saved_graph, context: None, options: &options };
        let known = Known::of(&saved_graph, &saved_eval);
        let mut last = (saved_eval.clone(), saved_graph.clone());
        group.bench_function(BenchmarkId::from_parameter(lines), |b| {
            b.iter(|| {
                let file = File::new(typist.press());
                let eval = evaluate_again(&file, &options, &WellKnown, Some(&last.0));
                let previous = Previous { eval: &last.0, options: &options, graph: &last.1 };
                let graph = graph_again(&file, &eval, &options, Contexts::default(), Some(previous));
                let side = Side { file: &file, eval: &eval, graph: &graph, context: None, options: &options };
                let moved = Moved::default();
                let cache =
                    Cache { known: &known, contents: Contents::Local, moved: &moved, before: Some(&before) };
                let plan = plan_in(&cache, &side);
                last = (eval, graph);
                plan
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
                    price(&mut plan, &side, &cost::Known::default());
                    (plan, file, eval, graph)
                },
                BatchSize::LargeInput,
            );
        });
    }
}

criterion_group!(benches, plan_after_edit, plan_after_edit_kept, prices_after_edit);
criterion_main!(benches);
