//! One typed (or deleted) character: rope, line layer and instructions brought up to date; and the tree too, which is parsed
//! when somebody asks for it.

// The function that `criterion_group!` makes has no place for a docstring.
#![allow(missing_docs)]

mod common;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

use crate::common::Typist;

fn edit(c: &mut Criterion) {
    let mut group = c.benchmark_group("edit");
    for lines in [500, 5_000] {
        let mut typist = Typist::new(lines);
        group.bench_function(BenchmarkId::new("lines", lines), |b| b.iter(|| typist.press()));
        group.bench_function(BenchmarkId::new("tree", lines), |b| b.iter(|| typist.press().tree().is_some()));
    }
}

criterion_group!(benches, edit);
criterion_main!(benches);
