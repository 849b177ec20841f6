//! The rules one by one: which are the slowest, and how long these take over a long file with its build context.
//!
//! First each rule is timed roughly and the ten slowest of each scope are printed; then those ten are measured. A rule of
//! file scope runs on every keystroke over the whole file; a rule of instruction scope looks at the instruction that
//! changed, so its time is that for one instruction of the file, on average.

// The function that `criterion_group!` makes has no place for a docstring.
#![allow(missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use layerwise_analysis::RuleOptions;
use layerwise_analysis::rules::{self, Check, FileCx, InstructionCx, Rule};
use layerwise_host::context::{self, Limits};
use layerwise_host::fs::OsFs;
use layerwise_model::facts::{FileFacts, InstructionFacts};
use layerwise_model::images::WellKnown;
use layerwise_model::{File, Options, evaluate};
use layerwise_syntax::Parsed;

const LINES: usize = 5_000;

/// Makes `folder` a build context that has what the file copies.
fn write_context(folder: &Path, text: &str) {
    for line in text.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from")) {
        let words: Vec<&str> =
            line.split_whitespace().skip(1).filter(|word| !word.starts_with("--")).collect();
        for source in words.split_last().map_or(&[][..], |(_, sources)| sources) {
            let path = folder.join(source);
            fs::create_dir_all(path.parent().expect("it is below the folder")).expect("a temporary folder");
            fs::write(path, source).expect("a temporary folder");
        }
    }
}

/// The fastest of a few runs.
fn rough(mut work: impl FnMut()) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed());
    }
    best
}

fn each_rule(c: &mut Criterion) {
    let text = layerwise_bench::dockerfile(LINES, 1);
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_context(folder.path(), &text);
    let loaded = context::load(&OsFs, folder.path(), None, &Limits::default());
    let file = File::new(Parsed::new(&text));
    let eval = evaluate(&file, &Options { all_stages: true, ..Options::default() }, &WellKnown);
    let options = RuleOptions::default();
    let facts: Vec<Arc<InstructionFacts>> = file
        .all()
        .map(|(number, _, instruction)| Arc::new(InstructionFacts::of(instruction, &eval.step(number).state)))
        .collect();
    let instructions = facts.len();
    let facts = FileFacts::of(&file, &eval, facts, None);
    let over_file = |check: fn(&FileCx<'_>, &mut Vec<_>)| {
        // Of what rules share, each makes it anew: that is its price alone.
        let cx = FileCx::new(&file, &eval, &facts, Some(&loaded), &options);
        let mut found = Vec::new();
        check(&cx, &mut found);
        black_box(found);
    };
    let over_instructions = |check: fn(&InstructionCx<'_>, &mut Vec<_>)| {
        let mut found = Vec::new();
        for (number, _, instruction) in file.all() {
            let step = eval.step(number);
            let facts = &facts.instructions[number];
            check(&InstructionCx { instruction, onbuild: false, step, facts, options: &options }, &mut found);
        }
        black_box(found);
    };

    let mut of_file: Vec<(Duration, &Rule)> = Vec::new();
    let mut of_instruction: Vec<(Duration, &Rule)> = Vec::new();
    for rule in rules::all() {
        match rule.check {
            Check::File(check) => of_file.push((rough(|| over_file(check)), rule)),
            Check::Instruction(check) => of_instruction.push((rough(|| over_instructions(check)), rule)),
            Check::Suppressions => {}
        }
    }
    let sum = |rules: &[(Duration, &Rule)]| rules.iter().map(|(took, _)| *took).sum::<Duration>();
    println!(
        "{} rules of file scope: {:?} for {LINES} lines; {} of instruction scope: {:?} for each of {instructions} \
         instructions",
        of_file.len(),
        sum(&of_file),
        of_instruction.len(),
        sum(&of_instruction) / u32::try_from(instructions).expect("a small file"),
    );
    let mut hot = BTreeSet::new();
    for (scope, rules, per) in [("file", &mut of_file, 1), ("instruction", &mut of_instruction, instructions)]
    {
        rules.sort_by_key(|(took, _)| std::cmp::Reverse(*took));
        println!("the ten slowest of {scope} scope:");
        for (took, rule) in rules.iter().take(10) {
            let took = *took / u32::try_from(per).expect("a small file");
            println!("  {} {:<44} {took:>12.3?}", rule.meta.code, rule.meta.name);
            hot.insert(rule.meta.code);
        }
    }
    let mut group = c.benchmark_group("rule");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500));
    for rule in rules::all().iter().filter(|rule| hot.contains(rule.meta.code)) {
        group.bench_function(BenchmarkId::from_parameter(rule.meta.code), |b| match rule.check {
            Check::File(check) => b.iter(|| over_file(check)),
            Check::Instruction(check) => b.iter(|| over_instructions(check)),
            Check::Suppressions => {}
        });
    }
}

criterion_group!(benches, each_rule);
criterion_main!(benches);
