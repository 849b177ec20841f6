//! The plan against what the real builder did: thousands of recorded builds before and after an edit.
//!
//! Needs the reference material (`../shared`, or `LAYERWISE_SHARED`); says so and passes without.

use std::collections::BTreeMap;
use std::sync::Arc;

use layerwise_analysis::plan::{self, Cache, Contents, Known, Moved, Side, State};
use layerwise_model::graph::{Contexts, Input, Kind, graph};
use layerwise_model::images::WellKnown;
use layerwise_model::{Content, Context, Dockerignore, Entry, EntryKind, File, Options, Platform, evaluate};
use layerwise_syntax::Parsed;
use layerwise_tests::shared;
use serde_json::Value;

/// A folder as the cases describe it: files with content and mode, links, directories.
#[derive(Clone, Default)]
struct Tree(BTreeMap<String, Node>);

#[derive(Clone)]
enum Node {
    File { content: String, mode: u32 },
    Dir { mode: u32 },
    Link(String),
}

impl Tree {
    fn write(&mut self, path: &str, content: &str) {
        for (at, _) in path.match_indices('/') {
            self.0.entry(path[..at].to_owned()).or_insert(Node::Dir { mode: 0o755 });
        }
        match self.0.get_mut(path) {
            Some(Node::File { content: old, .. }) => content.clone_into(old),
            _ => {
                self.0.insert(path.to_owned(), Node::File { content: content.to_owned(), mode: 0o644 });
            }
        }
    }

    fn remove(&mut self, path: &str) {
        let below = format!("{path}/");
        self.0.retain(|p, _| p != path && !p.starts_with(&below));
    }

    fn rename(&mut self, from: &str, to: &str) {
        let below = format!("{from}/");
        for (at, _) in to.match_indices('/') {
            self.0.entry(to[..at].to_owned()).or_insert(Node::Dir { mode: 0o755 });
        }
        let moved: Vec<(String, Node)> = self
            .0
            .iter()
            .filter(|(p, _)| *p == from || p.starts_with(&below))
            .map(|(p, n)| (format!("{to}{}", &p[from.len()..]), n.clone()))
            .collect();
        self.remove(from);
        self.0.extend(moved);
    }

    fn apply(&mut self, edit: &Value) {
        for key in ["write", "write2"] {
            for (path, content) in edit[key].as_object().into_iter().flatten() {
                match content.as_str() {
                    Some(content) => self.write(path, content),
                    None => self.remove(path),
                }
            }
        }
        for pair in edit["mv"].as_array().into_iter().flatten() {
            self.rename(text(&pair[0]), text(&pair[1]));
        }
        for pair in edit["chmod"].as_array().into_iter().flatten() {
            let new = pair[1].as_u64().unwrap_or_default() as u32;
            if let Some(Node::File { mode, .. } | Node::Dir { mode }) = self.0.get_mut(text(&pair[0])) {
                *mode = new;
            }
        }
        // `xattr` is left out: the client does not send user attributes, and the recorded builds stay cached.
        for pair in edit["symlink"].as_array().into_iter().flatten() {
            let path = text(&pair[0]);
            for (at, _) in path.match_indices('/') {
                self.0.entry(path[..at].to_owned()).or_insert(Node::Dir { mode: 0o755 });
            }
            self.0.insert(path.to_owned(), Node::Link(text(&pair[1]).to_owned()));
        }
        let made: Vec<&Value> = match &edit["mkdir"] {
            Value::Array(all) => all.iter().collect(),
            Value::Null => Vec::new(),
            one => vec![one],
        };
        for dir in made {
            let dir = text(if dir.is_array() { &dir[0] } else { dir });
            for (at, _) in dir.match_indices('/') {
                self.0.entry(dir[..at].to_owned()).or_insert(Node::Dir { mode: 0o755 });
            }
            self.0.insert(dir.to_owned(), Node::Dir { mode: 0o755 });
        }
    }

    fn context(&self) -> Context {
        let ignore = match self.0.get(".dockerignore") {
            Some(Node::File { content, .. }) => Dockerignore::parse(content),
            _ => Dockerignore::default(),
        };
        let hash = |s: &str| Content::Hash(*layerwise_tests::hash(s.as_bytes()).as_bytes());
        let entries = self.0.iter().filter(|(path, _)| ignore.in_context(path)).map(|(path, node)| {
            let entry = match node {
                Node::File { content, mode } => Entry {
                    kind: EntryKind::File,
                    mode: *mode,
                    size: content.len() as u64,
                    content: hash(content),
                    link: None,
                },
                Node::Dir { mode } => {
                    Entry { kind: EntryKind::Dir, mode: *mode, size: 0, content: hash(""), link: None }
                }
                Node::Link(to) => Entry {
                    kind: EntryKind::Symlink,
                    mode: 0o777,
                    size: 0,
                    content: hash(""),
                    link: Some(to.as_str().into()),
                },
            };
            (path, entry)
        });
        Context { entries: entries.collect(), ignore: Arc::new(ignore), ..Context::default() }
    }
}

fn text(v: &Value) -> &str {
    v.as_str().unwrap_or_default()
}

fn options(args: &Value, target: &Value) -> Options {
    let platform = Platform::parse("linux/amd64").expect("a platform");
    Options {
        target: target.as_str().map(str::to_owned),
        build_args: args
            .as_object()
            .into_iter()
            .flatten()
            .map(|(k, v)| (k.clone(), v.as_str().map_or_else(|| v.to_string(), str::to_owned)))
            .collect(),
        platform: platform.clone(),
        build_platform: platform,
        ..Options::default()
    }
}

fn plan_of(
    before: (&str, &Context, &Options),
    after: (&str, &Context, &Options),
    moved: &Moved,
) -> plan::Plan {
    let side = |(source, context, options): (&str, &Context, &Options)| {
        let file = File::new(Parsed::new(source));
        let eval = evaluate(&file, options, &WellKnown);
        let graph = graph(&file, &eval, options, Contexts { main: Some(context), named: None });
        (file, eval, graph)
    };
    let (bf, be, bg) = side(before);
    let (af, ae, ag) = side(after);
    let b = Side { file: &bf, eval: &be, graph: &bg, context: Some(before.1), options: before.2 };
    let a = Side { file: &af, eval: &ae, graph: &ag, context: Some(after.1), options: after.2 };
    let known = Known::of(&bg, &be);
    plan::plan_in(&Cache { known: &known, contents: Contents::Local, moved, before: Some(&b) }, &a)
}

/// What a case changes off this machine: the URLs of the Dockerfile, which the case then says have moved.
fn moved(edit: &Value, dockerfile: &str) -> Moved {
    if edit["http"].is_null() && edit["gitcommit"].is_null() {
        return Moved::default();
    }
    let urls = dockerfile.split_whitespace().filter(|word| word.contains("://"));
    Moved { names: urls.map(str::to_owned).collect(), ..Moved::default() }
}

#[derive(Default)]
struct Score {
    cases: usize,
    steps: usize,
    right: usize,
    depends: usize,
    /// Steps with a definition that the build before had, on a layer that it had too, but not this one on that one; and how
    /// many of them the builder ran.
    moved: (usize, usize),
    wrong: Vec<String>,
}

impl Score {
    fn report(&self, what: &str, least: f64) {
        let share = 100.0 * self.right as f64 / self.steps.max(1) as f64;
        println!(
            "{what}: {} cases, {} judged steps, {} right ({share:.2} %), {} of them as `depends`",
            self.cases, self.steps, self.right, self.depends
        );
        if self.moved.0 > 0 {
            println!(
                "  {} steps have a known definition on another known layer; the builder ran {} of them",
                self.moved.0, self.moved.1
            );
            assert_eq!(self.moved.0, self.moved.1, "{what}: such a step was cached after all");
        }
        for line in self.wrong.iter().take(80) {
            println!("  {line}");
        }
        assert!(self.steps > 0, "{what}: nothing was judged");
        assert!(share >= least, "{what}: {share:.2} % is below {least} %");
    }
}

/// The lines of steps whose definition the build before had, and whose layer below it had too, but not one on the other: what
/// deleting, repeating and swapping instructions leaves. The recorded edit pairs call them `depends`; the builder never has
/// them.
fn onto_other_layers(
    before: (&str, &Context, &Options),
    after: (&str, &Context, &Options),
    plan: &plan::Plan,
) -> Vec<usize> {
    let build = |(source, context, options): (&str, &Context, &Options)| {
        let file = File::new(Parsed::new(source));
        let eval = evaluate(&file, options, &WellKnown);
        let graph = graph(&file, &eval, options, Contexts { main: Some(context), named: None });
        (file, graph)
    };
    let ((_, old), (file, new)) = (build(before), build(after));
    let state = |vertex: usize| {
        let (number, _) = new.of_instruction.iter().find(|(_, v)| **v == vertex)?;
        plan.steps.iter().find(|s| s.number == *number).map(|s| s.state)
    };
    let mut found = Vec::new();
    for (&number, &vertex) in &new.of_instruction {
        let vertex = &new.vertices[vertex];
        let Some(Input::Result(base)) = vertex.inputs.first() else { continue };
        if state(*base) == Some(State::Cached)
            && old.vertices.iter().any(|v| v.digest == vertex.digest && v.inputs[1..] == vertex.inputs[1..])
            && plan.steps.iter().any(|s| s.number == number && s.state == State::Rebuilt)
        {
            found.push(file.line(number));
        }
    }
    found
}

/// What the truth of the edit pairs takes for given: each base image has a digest of its own, by its name. An engine would tell
/// (`plan --docker`); names alone do not.
fn told_by_name(sides: &[(&str, &Context, &Options)]) -> Moved {
    let mut moved = Moved::default();
    for (source, context, options) in sides {
        let file = File::new(Parsed::new(source));
        let eval = evaluate(&file, options, &WellKnown);
        let graph = graph(&file, &eval, options, Contexts { main: Some(context), named: None });
        moved.layers.extend(graph.vertices.iter().filter_map(|v| match &v.kind {
            Kind::Image(reference) => Some((reference.clone(), reference.clone())),
            _ => None,
        }));
    }
    moved
}

/// Recorded builds: `cached` is what the builder said of each step after the edit.
fn builds(file: &str, least: f64) {
    let Some(dir) = shared() else { return };
    let cases: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(dir.join("cases").join(file)).expect(file))
            .expect("JSON");
    let mut score = Score::default();
    for case in &cases {
        score.cases += 1;
        let mut tree = Tree::default();
        for (path, content) in case["files"].as_object().into_iter().flatten() {
            tree.write(path, text(content));
        }
        let before_text = text(&case["dockerfile"]);
        let edit = &case["edit"];
        let mut start = tree.clone();
        start.apply(&case["before_options"]);
        let after_text = edit["dockerfile"].as_str().unwrap_or(before_text);
        let mut after_tree = start.clone();
        after_tree.apply(edit);
        if edit["revert"] == true {
            after_tree = start.clone();
        }
        let put = |tree: &Tree, dockerfile: &str| {
            let mut tree = tree.clone();
            tree.write("Dockerfile", dockerfile);
            tree.context()
        };
        let (before_context, after_context) = (put(&start, before_text), put(&after_tree, after_text));
        let before_options = options(&case["before_options"]["args"], &case["before_options"]["target"]);
        let pick = |key: &str| if edit[key].is_null() { &case["before_options"][key] } else { &edit[key] };
        let after_options = options(pick("args"), pick("target"));
        let plan = plan_of(
            (before_text, &before_context, &before_options),
            (after_text, &after_context, &after_options),
            &moved(edit, after_text),
        );
        let onto_other = onto_other_layers(
            (before_text, &before_context, &before_options),
            (after_text, &after_context, &after_options),
            &plan,
        );
        for step in case["steps"].as_array().into_iter().flatten() {
            let line = step["line"].as_u64().unwrap_or_default() as usize;
            let found = plan.steps.iter().find(|s| s.line == line);
            let ours = found.map(|s| s.state);
            if let (true, Some(cached)) = (onto_other.contains(&line), step["cached"].as_bool()) {
                score.moved.0 += 1;
                score.moved.1 += usize::from(!cached);
            }
            let right = match (text(&step["kind"]), step["cached"].as_bool(), ours) {
                ("step", Some(true), Some(State::Cached))
                | ("step", Some(false), Some(State::Rebuilt))
                | ("metadata", _, Some(State::Metadata))
                | ("not-built", _, Some(State::NotBuilt)) => true,
                ("step", Some(_), Some(State::Depends)) => {
                    // Right only where another step's output or something off this machine decides.
                    let because = &found.expect("the step").because;
                    let decided = because.iter().any(|c| match c {
                        plan::Cause::Line(l) => *l != line,
                        plan::Cause::Image(_) | plan::Cause::Remote(_) => true,
                        _ => false,
                    });
                    score.depends += usize::from(decided);
                    decided
                }
                ("step", None, _) => continue,
                _ => false,
            };
            score.steps += 1;
            score.right += usize::from(right);
            if !right {
                score.wrong.push(format!(
                    "{} line {line} `{:.60}`: truth {} {:?}, ours {ours:?} {:?}",
                    text(&case["id"]),
                    text(&step["instruction"]),
                    text(&step["kind"]),
                    step["cached"].as_bool(),
                    found.map(|s| &s.because)
                ));
            }
        }
    }
    score.report(file, least);
}

#[test]
fn cache_cases() {
    builds("cache_cases.json", 100.0);
}

#[test]
fn random_builds() {
    builds("random_builds.json", 99.9);
}

#[test]
fn edit_pairs() {
    let Some(dir) = shared() else { return };
    let rows = std::fs::read_to_string(dir.join("cases/edit_pairs.jsonl")).expect("edit_pairs.jsonl");
    let mut score = Score::default();
    let mut by_op: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut weakened = 0;
    let context = Context::default();
    let options = options(&Value::Null, &Value::Null);
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).expect("a JSON row");
        score.cases += 1;
        let sides = [(text(&row["before"]), &context, &options), (text(&row["after"]), &context, &options)];
        let [before, after] = sides;
        let plan = plan_of(before, after, &told_by_name(&sides));
        let untold = plan_of(before, after, &Moved::default());
        for (step, untold) in plan.steps.iter().zip(&untold.steps) {
            // Without the assumption less is known, and nothing else.
            let weaker = untold.state == State::Depends && step.state == State::Rebuilt;
            assert!(weaker || step.state == untold.state, "{step:?} {untold:?}");
            weakened += usize::from(weaker);
        }
        for step in row["steps"].as_array().into_iter().flatten() {
            let line = step["line"].as_u64().unwrap_or_default() as usize;
            let found = plan.steps.iter().find(|s| s.line == line);
            let ours = found.map_or("none", |s| s.state.as_str());
            let truth = match text(&step["status"]) {
                "content" => "depends",
                "no-vertex" => "not-built",
                other => other,
            };
            let right = ours == truth;
            score.steps += 1;
            score.right += usize::from(right);
            score.depends += usize::from(right && ours == "depends");
            let entry = by_op.entry(text(&row["op"]).to_owned()).or_default();
            entry.0 += 1;
            entry.1 += usize::from(right);
            if !right {
                score.wrong.push(format!(
                    "{} {} line {line} {}: truth {truth}, ours {ours} {:?}",
                    text(&row["file"]),
                    text(&row["op"]),
                    text(&step["instruction"]),
                    found.map(|s| &s.because)
                ));
            }
        }
    }
    for (op, (steps, right)) in by_op.iter().filter(|(_, (steps, right))| steps != right) {
        println!("  {op}: {right} of {steps}");
    }
    println!("  without being told which images are the same: {weakened} `rebuilt` are `depends`");
    score.report("edit_pairs.jsonl", 98.5);
}
