//! Prices of thousands of real files, which are not part of the repository: every figure is one that can be, and most of
//! what runs is of a known class.

mod common;

use layerwise_analysis::cost::{Figure, Known, bases, price};
use layerwise_analysis::plan::{Side, plan};
use layerwise_model::eval::{Base, Command};
use layerwise_model::graph::{Contexts, graph};
use layerwise_model::images::WellKnown;
use layerwise_model::{File, Options, evaluate};
use layerwise_syntax::Parsed;

#[test]
fn prices() {
    let files = common::corpus();
    let (mut bases_seen, mut bases_known, mut runs, mut sized, mut images, mut whole) = (0, 0, 0, 0, 0, 0);
    let mut seconds: Vec<f64> = Vec::new();
    for (name, text) in &files {
        let (file, options) = (File::new(Parsed::new(text)), Options::default());
        let eval = evaluate(&file, &options, &WellKnown);
        let graph = graph(&file, &eval, &options, Contexts::default());
        let side = Side { file: &file, eval: &eval, graph: &graph, context: None, options: &options };
        let mut plan = plan(None, &side);
        price(&mut plan, &side, &Known::default());
        let good = |figure: Option<Figure>, most: f64| {
            let ok = figure.is_none_or(|f| f.value.is_finite() && (0.0..=most).contains(&f.value));
            assert!(ok, "{name}: {figure:?}");
        };
        for step in &plan.steps {
            good(step.price.seconds, 2e4);
            good(step.price.bytes, 1e11);
            if let Command::Run(_) = eval.step(step.number).command
                && let Some(found) = step.price.seconds
            {
                runs += 1;
                sized += usize::from(step.price.bytes.is_some());
                seconds.push(found.value);
            }
        }
        good(plan.price.seconds, 1e5);
        for stage in &eval.stages {
            if let Base::Image(reference) = &stage.base {
                bases_seen += 1;
                bases_known += usize::from(bases::lookup(reference).is_some());
            }
        }
        if let Some(image) = &plan.image {
            good(image.bytes, 1e11);
            images += 1;
            whole += usize::from(image.parts.iter().all(|p| p.bytes.is_some()));
            let orphaned = image.orphaned_bytes().map_or(0.0, |b| b.value);
            let all = image.bytes.map_or(0.0, |b| b.value);
            assert!(orphaned <= all + 1.0, "{name}: {orphaned} of {all} bytes deleted too late");
        }
    }
    seconds.sort_by(f64::total_cmp);
    let at = |part: usize| seconds.get(seconds.len() * part / 100).copied().unwrap_or(0.0);
    println!("{} files; base images: {bases_known} of {bases_seen} in the table", files.len());
    println!(
        "RUN: {sized} of {runs} with a size; seconds: 10 % {:.1}, 50 % {:.1}, 90 % {:.1}",
        at(10),
        at(50),
        at(90)
    );
    println!("images: {whole} of {images} with every part");
    assert!(files.is_empty() || bases_known * 4 > bases_seen, "hardly any base image is in the table");
}
