//! The rules: after one typed character, and over files of all lengths from scratch.

// The function that `criterion_group!` makes has no place for a docstring.
#![allow(missing_docs)]

mod common;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use layerwise_analysis::{Checker, Input, Selection};
use layerwise_model::images::WellKnown;
use layerwise_model::{File, Options, evaluate, evaluate_again};
use layerwise_syntax::Parsed;

use crate::common::Typist;

/// What the server does from a keystroke to its diagnostics, but for the protocol.
fn check_after_edit(c: &mut Criterion) {
    let options = Options { all_stages: true, ..Options::default() };
    let selection = Selection::default();
    let mut group = c.benchmark_group("check_after_edit");
    for lines in [500, 5_000] {
        let mut typist = Typist::new(lines);
        let (mut checker, mut earlier) = (Checker::default(), None);
        group.bench_function(BenchmarkId::from_parameter(lines), |b| {
            b.iter(|| {
                let file = File::new(typist.press());
                let eval = evaluate_again(&file, &options, &WellKnown, earlier.as_ref());
                let input =
                    Input { file: &file, eval: &eval, context: None, selection: &selection, path: None };
                let found = checker.check(&input);
                earlier = Some(eval);
                found
            });
        });
    }
}

/// A hundred files, lengths spread as in real ones, each parsed, evaluated and checked.
fn check_mixed(c: &mut Criterion) {
    let files: Vec<String> = layerwise_bench::dockerfiles(100).collect();
    let options = Options { all_stages: true, ..Options::default() };
    let selection = Selection::default();
    let mut group = c.benchmark_group("check_mixed");
    group.throughput(Throughput::Elements(files.len() as u64));
    group.bench_function("100 files", |b| {
        b.iter(|| {
            for text in &files {
                let file = File::new(Parsed::new(text));
                let eval = evaluate(&file, &options, &WellKnown);
                let input =
                    Input { file: &file, eval: &eval, context: None, selection: &selection, path: None };
                black_box(Checker::default().check(&input));
            }
        });
    });
}

criterion_group!(benches, check_after_edit, check_mixed);
criterion_main!(benches);
