//! One typed (or deleted) character: rope, line layer, instructions and tree brought up to date.

// The function that `criterion_group!` makes has no place for a docstring.
#![allow(missing_docs)]

mod common;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

use crate::common::Typist;

fn edit(c: &mut Criterion) {
    let mut group = c.benchmark_group("edit");
    for lines in [500, 5_000] {
        let mut typist = Typist::new(lines);
        group.bench_function(BenchmarkId::from_parameter(lines), |b| b.iter(|| typist.press()));
    }
}

criterion_group!(benches, edit);
criterion_main!(benches);
