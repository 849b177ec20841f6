//! A whole text to its line layer and instructions; and to its tree too, which is parsed when somebody asks for it.

// The function that `criterion_group!` makes has no place for a docstring.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use layerwise_syntax::Parsed;

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    for lines in [21, 500, 5_000] {
        let text = layerwise_bench::dockerfile(lines, 1);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("lines", lines), &text, |b, text| {
            b.iter(|| Parsed::new(text))
        });
        group.bench_with_input(BenchmarkId::new("tree", lines), &text, |b, text| {
            b.iter(|| Parsed::new(text).tree().is_some())
        });
    }
}

criterion_group!(benches, parse);
criterion_main!(benches);
