//! The build context: one changed file among 100,000 up to the new plan, and a cold start with 5,000 files.

// The function that `criterion_group!` makes has no place for a docstring.
#![allow(missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use layerwise_analysis::plan::{Side, plan};
use layerwise_host::context::{Limits, load};
use layerwise_host::fs::OsFs;
use layerwise_host::store::{Bounds, Change, ContextStore, Hashing};
use layerwise_model::graph::{Contexts, Graph, graph};
use layerwise_model::images::WellKnown;
use layerwise_model::{Context, Evaluation, File, Options, evaluate};
use layerwise_syntax::Parsed;

/// Files in this many directories, three levels deep.
const FOLDERS: usize = 1_000;

const DOCKERFILE: &str = "FROM node:22 AS build\nWORKDIR /app\nCOPY package.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n\
    FROM nginx:1.27\nCOPY --from=build /app/dist /usr/share/nginx/html\n";

/// A folder with this many small files, in many directories or in one.
fn folder(files: usize, folders: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for number in 0..files {
        let in_folder = number % folders;
        let below = dir.path().join(format!("src/{}/{in_folder}", in_folder % 40));
        if number < folders {
            std::fs::create_dir_all(&below).expect("a folder");
        }
        std::fs::write(below.join(format!("file-{number}.js")), format!("export default {number};\n"))
            .expect("a file");
    }
    std::fs::write(dir.path().join("package.json"), "{}\n").expect("a file");
    std::fs::write(dir.path().join("Dockerfile"), DOCKERFILE).expect("a file");
    dir
}

fn build(context: &Context) -> (File, Evaluation, Graph) {
    let file = File::new(Parsed::new(DOCKERFILE));
    let options = Options::default();
    let eval = evaluate(&file, &options, &WellKnown);
    let graph = graph(&file, &eval, &options, Contexts { main: Some(context), named: None });
    (file, eval, graph)
}

/// Writes a file, tells the store, gets the context, and compares both builds: all that stands between a change on the disk
/// and what is shown.
fn one_changed_file(c: &mut Criterion) {
    let mut group = c.benchmark_group("one_changed_file");
    group.sample_size(20);
    for (name, folders) in [("100000_in_1000_folders", FOLDERS), ("100000_in_one_folder", 1)] {
        let dir = folder(100_000, folders);
        let bounds = Bounds { walk: Duration::from_secs(60), ..Bounds::default() };
        let store = ContextStore::new(Arc::new(OsFs), bounds);
        // A watcher would report the changes; here the bench does.
        store.set_watched(true);
        let dockerfile = dir.path().join("Dockerfile");
        store.get(dir.path(), Some(&dockerfile));
        while store.hash_some(Duration::from_secs(1)) != Hashing::Done {}
        let before = store.get(dir.path(), Some(&dockerfile));
        assert_eq!((before.entries.totals("").files, before.entries.totals("").unread), (100_002, 0));
        let (old_file, old_eval, old_graph) = build(&before);
        let options = Options::default();
        let path = dir.path().join("src/0/0/file-0.js");
        let mut times = 0;
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter_batched(
                || {
                    times += 1;
                    std::fs::write(&path, format!("changed {times}\n")).expect("a file");
                },
                |()| {
                    assert!(store.update(&[Change { path: path.clone(), deep: false }]));
                    let now = store.get(dir.path(), Some(&dockerfile));
                    let (file, eval, graph) = build(&now);
                    let old = Side {
                        file: &old_file,
                        eval: &old_eval,
                        graph: &old_graph,
                        context: Some(&before),
                        options: &options,
                    };
                    let new = Side {
                        file: &file,
                        eval: &eval,
                        graph: &graph,
                        context: Some(&now),
                        options: &options,
                    };
                    let plan = plan(Some(&old), &new);
                    assert_eq!(plan.summary().rebuilt, 2);
                    plan
                },
                BatchSize::PerIteration,
            );
        });
    }
}

/// Loading from nothing, the files' metadata in the system's memory, and the first plan.
fn cold(c: &mut Criterion) {
    let mut group = c.benchmark_group("cold");
    group.sample_size(20);
    for files in [5_000, 100_000] {
        let dir = folder(files, FOLDERS);
        let load = |root: &Path| load(&OsFs, root, Some(&root.join("Dockerfile")), &Limits::default());
        group.bench_function(BenchmarkId::new("load_and_graph", files), |b| {
            b.iter(|| build(&load(dir.path())));
        });
    }
}

criterion_group!(benches, one_changed_file, cold);
criterion_main!(benches);
