//! What each instruction costs when it runs, estimated where nothing was measured.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use layerwise_model::eval::{Base, Command, Copy, Run, Source};
use layerwise_model::graph::{is_git, is_http};
use layerwise_model::selection::{Files, Reading, select, source_path};
use layerwise_model::{Context, EntryKind};
use layerwise_syntax::mount::MountKind;

use super::run::{CONTAINER, Made, Packages, What, Work, work};
use super::{Figure, Known, Price, bases};
use crate::plan::Side;

/// What a COPY costs however little it copies. Measured with a file of one byte on two cores and an SSD: 0.1 s.
const COPY_START: f64 = 0.1;

/// How many bytes a second come from the context into a layer. Measured with 200 MB in one file on two cores and an SSD:
/// 1.3 to 2.2 s for the transfer to the builder, 0.5 to 1.0 s for the copy.
const CONTEXT_RATE: f64 = 80e6;

/// How many bytes a second a copy from stage to stage writes: the second part of the above.
const COPY_RATE: f64 = 300e6;

/// How many bytes a second of unpacked layers an engine extracts. The order of magnitude of gzip, which is what limits it.
const EXTRACT_RATE: f64 = 100e6;

/// What is said of one instruction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Estimate {
    /// Its price.
    pub(crate) price: Price,
    /// What it leaves behind, if it is a RUN.
    pub(crate) made: Vec<Made>,
}

/// Folders of the context, each with the instruction that copies from it.
type Folders = Rc<[(usize, String)]>;

/// A folder by its place among [`Folders`], and the size of a file there.
type Found = (usize, u64);

/// Estimates the instructions of one build. What it looks up it keeps as long as it lives: nothing of it changes under it.
pub(crate) struct Estimator<'a> {
    side: &'a Side<'a>,
    known: &'a Known<'a>,
    /// Per instruction, once it was looked at.
    done: Vec<Option<Estimate>>,
    /// The folders that a stage copies from: see [`Locks::folders`].
    folders: RefCell<HashMap<usize, Folders>>,
    /// In which of these folders a lock file is first found, and its size there, by stage and name.
    locks: RefCell<HashMap<(usize, &'static str), Option<Found>>>,
    /// What paths of stages hold, once the instructions of those stages were looked at.
    outs: RefCell<HashMap<(usize, String), Option<Figure>>>,
}

impl<'a> Estimator<'a> {
    /// Estimates every instruction that makes a vertex, in file order: what a stage copies out of another is known by then.
    pub(crate) fn new(side: &'a Side<'a>, known: &'a Known<'a>) -> Estimator<'a> {
        let mut estimator = Estimator {
            side,
            known,
            done: vec![None; side.file.len()],
            folders: RefCell::default(),
            locks: RefCell::default(),
            outs: RefCell::default(),
        };
        for &number in side.graph.of_instruction.keys() {
            let estimate = estimator.instruction(number);
            estimator.done[number] = Some(estimate);
        }
        estimator
    }

    /// The estimate of an instruction that makes a vertex.
    pub(crate) fn get(&self, number: usize) -> Option<&Estimate> {
        self.done.get(number)?.as_ref()
    }

    fn instruction(&self, number: usize) -> Estimate {
        let step = self.side.eval.step(number);
        let priced = |price| Estimate { price, made: Vec::new() };
        match &step.command {
            Command::From => priced(self.from(number)),
            Command::Run(run) => self.run(number, run),
            Command::Copy(copy) => priced(self.copy(copy)),
            Command::Workdir(_) => priced(Price {
                seconds: Some(Figure::estimate(COPY_START)),
                bytes: Some(Figure::estimate(0.0)),
            }),
            _ => Estimate::default(),
        }
    }

    fn from(&self, number: usize) -> Price {
        let Some(stage) = self.side.file.stage_of(number) else { return Price::default() };
        match &self.side.eval.stages[stage.index].base {
            Base::Image(reference) => self.image(reference),
            _ => Price::default(),
        }
    }

    /// A base image: what pulling and unpacking it takes, and what it has unpacked.
    fn image(&self, reference: &str) -> Price {
        let row = bases::lookup(reference);
        let seconds = row.map(|row| {
            Figure::estimate(row.wire_bytes() * 8.0 / (self.known.mbps() * 1e6) + row.bytes() / EXTRACT_RATE)
        });
        Price { seconds, bytes: self.known.bytes_of(reference, row) }
    }

    fn run(&self, number: usize, run: &Run) -> Estimate {
        let instruction = self.side.file.instruction(number).1;
        let locks = Locks { estimator: self, number };
        let mut all = Vec::new();
        if run.script.is_some() {
            all.push(Work { seconds: 2.0, opaque: true, ..Work::default() });
        } else if let Some(script) = instruction.script() {
            for command in script.simple_commands() {
                let words: Vec<&str> =
                    command.words.iter().map(|w| w.literal.as_deref().unwrap_or(&w.raw)).collect();
                all.push(work(&words, &locks));
            }
        } else {
            let words: Vec<&str> = run.argv.iter().map(String::as_str).collect();
            all.push(work(&words, &locks));
        }
        let seconds = CONTAINER + all.iter().map(|w| w.seconds).sum::<f64>();
        let opaque = all.iter().any(|w| w.opaque);
        let mut made: Vec<Made> = all.into_iter().flat_map(|w| w.made).collect();
        // What lies in a cache mount is not in the layer.
        let cached = |dir: &str| {
            run.mounts.iter().any(|(mount, _)| {
                let target = mount.target.trim_end_matches('/');
                mount.kind == MountKind::Cache && (dir == target || dir.starts_with(&format!("{target}/")))
            })
        };
        made.retain(|m| match m.what {
            // Cargo's is below the working directory, wherever that is.
            What::Cache("target") => !run.mounts.iter().any(|(m, _)| m.target.ends_with("/target")),
            What::Cache(dir) => !cached(dir),
            What::Dependencies("go") => !cached("/go/pkg/mod"),
            What::Dependencies("maven") => !cached("/root/.m2/repository"),
            _ => true,
        });
        let removed = removed(instruction.script().map(|s| s.text()).unwrap_or_default(), &made);
        made.retain(|m| !removed.contains(&m.what));
        let bytes = match made.is_empty() {
            true if opaque => None,
            _ => Figure::sum(made.iter().map(|m| m.bytes.map(Figure::estimate)))
                .map(|f| Figure::estimate(f.value)),
        };
        Estimate { price: Price { seconds: Some(Figure::estimate(seconds)), bytes }, made }
    }

    fn copy(&self, copy: &Copy) -> Price {
        let inline: u64 = copy.inline.iter().map(|(_, content)| content.len() as u64).sum();
        let parts = copy.sources.iter().map(|source| {
            if copy.add && (is_git(source) || is_http(source)) {
                return None;
            }
            match &copy.from {
                Source::Context => {
                    let context = self.side.context?;
                    let reading = Reading { excludes: &copy.excludes, parents: copy.parents };
                    Some(size(context, &select(context, source, reading).files))
                }
                // All of an earlier stage was looked at, so what it holds stays what it is.
                Source::Stage(stage) => {
                    let path = source_path(source);
                    if let Some(found) = self.outs.borrow().get(&(*stage, path.clone())) {
                        return *found;
                    }
                    let found = self.out_of(*stage, &path);
                    self.outs.borrow_mut().insert((*stage, path), found);
                    found
                }
                _ => None,
            }
        });
        let bytes = Figure::sum(parts.chain([Some(Figure::measured(inline as f64))]));
        // A sum of nothing but what is not known says nothing.
        let bytes = bytes.filter(|b| b.measured || b.value > 0.0);
        let seconds = match copy.add && copy.sources.iter().any(|s| is_git(s) || is_http(s)) {
            true => 2.0,
            false => {
                let rate = if copy.from == Source::Context { CONTEXT_RATE } else { COPY_RATE };
                COPY_START + bytes.map_or(0.0, |b| b.value / rate)
            }
        };
        Price { seconds: Some(Figure::estimate(seconds)), bytes }
    }

    /// What a path of a stage holds: a file that the stage copied from the context, what its commands install or build, or
    /// what the stage that it is based on has there.
    fn out_of(&self, stage: usize, path: &str) -> Option<Figure> {
        if let Some(bytes) = well_known(path) {
            return Some(Figure::estimate(bytes));
        }
        let mut stage = stage;
        // A stage is based on an earlier one, so this ends.
        loop {
            let body = self.side.file.stages().get(stage)?.body.clone();
            let mut parts: Vec<Figure> = Vec::new();
            let mut opaque = false;
            for number in body.rev() {
                match &self.side.eval.step(number).command {
                    Command::Copy(copy) => {
                        let dest = source_path(&copy.dest_path);
                        let whole = path.is_empty() || dest == path || dest.starts_with(&format!("{path}/"));
                        let price = self.get(number).and_then(|e| e.price.bytes);
                        if whole {
                            parts.extend(price);
                        } else if let ([source], Source::Context) = (copy.sources.as_slice(), &copy.from)
                            && let Some(found) = self.below(copy, source, &dest, path)
                        {
                            parts.push(found);
                        }
                    }
                    Command::Run(_) => {
                        let Some(estimate) = self.get(number) else { continue };
                        for made in &estimate.made {
                            if holds(path, made) {
                                parts.extend(made.bytes.map(Figure::estimate));
                                opaque |= made.bytes.is_none();
                            }
                        }
                    }
                    _ => {}
                }
            }
            if !parts.is_empty() {
                let sum = Figure::sum(parts.into_iter().map(Some))?;
                return Some(Figure { measured: sum.measured && !opaque && !path.is_empty(), ..sum });
            }
            match &self.side.eval.stages[stage].base {
                Base::Stage(base) if *base < stage => stage = *base,
                _ => return None,
            }
        }
    }

    /// A path below the destination of a COPY from the context.
    pub(crate) fn below(&self, copy: &Copy, source: &str, dest: &str, path: &str) -> Option<Figure> {
        let context = self.side.context?;
        let rest = if dest.is_empty() { path } else { path.strip_prefix(dest)?.strip_prefix('/')? };
        let source = source_path(source);
        let inside = match context.is_dir(&source) {
            true if source.is_empty() => rest.to_owned(),
            true => format!("{source}/{rest}"),
            false => source,
        };
        let found = select(context, &inside, Reading { excludes: &copy.excludes, parents: false }).files;
        // What is made there later is not in the context.
        (found.count > 0).then(|| size(context, &found))
    }
}

/// The bytes of files: measured, unless some may be missing.
fn size(context: &Context, files: &Files) -> Figure {
    Figure { value: files.bytes as f64, measured: context.incomplete.is_none() }
}

/// Small files that images copy from one another. Sizes as Debian bookworm has them.
fn well_known(path: &str) -> Option<f64> {
    match path {
        "etc/ssl/certs/ca-certificates.crt" => Some(0.22e6),
        "etc/ssl/certs" | "etc/ssl" => Some(0.6e6),
        "usr/share/zoneinfo" => Some(3.9e6),
        "etc/passwd" | "etc/group" => Some(1e3),
        "usr/local/go/lib/time/zoneinfo.zip" => Some(0.4e6),
        _ => None,
    }
}

/// Whether a path (clean, without a leading `/`) is where a command leaves this.
fn holds(path: &str, made: &Made) -> bool {
    let has = |part: &str| path.split('/').any(|p| p == part);
    let last = path.rsplit('/').next().unwrap_or_default();
    let system = ["usr/lib", "usr/bin", "usr/share", "lib", "bin", "etc", "usr/sbin", "sbin", "opt"];
    let in_system = system.iter().any(|s| path.starts_with(s)) && !has("local");
    match &made.what {
        What::System(..) | What::Cache(_) => path.is_empty(),
        What::Download(to) => to.as_deref().is_some_and(|to| to == last || source_path(to) == path),
        What::Dependencies("npm" | "yarn" | "pnpm" | "bun") => {
            has("node_modules") || (!path.contains('/') && !in_system && !last.contains('.'))
        }
        What::Dependencies("pip" | "poetry" | "pipenv" | "uv" | "conda") => {
            ["install", "site-packages", "dist-packages", "venv", ".venv", ".local", "env", "wheels", "conda"]
                .iter()
                .any(|p| has(p))
                || matches!(path, "usr/local" | "usr/local/lib" | "opt")
        }
        What::Dependencies("composer") => has("vendor") || matches!(path, "app" | "var/www/html" | "var/www"),
        What::Dependencies("bundler") => has("bundle") || has("vendor"),
        What::Dependencies(_) => path.is_empty(),
        What::Output(_, Some(to)) => {
            let to = source_path(to);
            !in_system && (path == to || to.starts_with(&format!("{path}/")) || same_name(path, &to))
        }
        What::Output("go", None) => !in_system && !path.contains("go/pkg") && !last.contains('.'),
        What::Output("cargo", None) => {
            !in_system && (has("release") || has("debug") || path.contains("bin/"))
        }
        What::Output("java", None) => {
            last.contains(".jar") || last.contains(".war") || has("target") || has("libs")
        }
        What::Output("dotnet", None) => has("publish") || has("out") || has("app"),
        What::Output("web", None) => {
            ["dist", "build", "out", ".next", "public", ".output", "standalone", "static", "www", "browser"]
                .iter()
                .any(|p| has(p))
        }
        What::Output(_, None) => false,
    }
}

/// Whether two paths end in the same name: one may be relative to a directory that is not known.
fn same_name(a: &str, b: &str) -> bool {
    let name = |p: &str| p.rsplit('/').next().unwrap_or_default().to_owned();
    !a.is_empty() && name(a) == name(b)
}

/// What the same script takes away again.
fn removed(script: &str, made: &[Made]) -> Vec<What> {
    let gone = |what: &What| match what {
        What::Cache("/var/lib/apt/lists") => script.contains("rm ") && script.contains("/var/lib/apt/lists"),
        What::Cache("/var/cache/apk") => script.contains("rm ") && script.contains("/var/cache/apk"),
        What::Cache("/var/cache/dnf") => {
            script.contains("clean all") || script.contains("rm ") && script.contains("/var/cache/")
        }
        What::Cache("/root/.npm") => script.contains("npm cache clean"),
        What::Cache("/usr/local/share/.cache") => script.contains("yarn cache clean"),
        What::Cache("/root/.cache/pip") => {
            script.contains("pip cache purge") || script.contains("rm ") && script.contains("/root/.cache")
        }
        What::Cache("/root/.composer/cache") => {
            script.contains("composer clear-cache") || script.contains("composer clearcache")
        }
        _ => false,
    };
    made.iter().map(|m| &m.what).filter(|w| gone(w)).cloned().collect()
}

/// How many packages the project has, by the size of its lock file.
struct Locks<'a> {
    estimator: &'a Estimator<'a>,
    number: usize,
}

/// The lock files of an ecosystem, each with the bytes that it has for a package. Cargo's is the mean of 117 lock files;
/// the others follow from what their formats hold for a package (a version, a URL, a hash or two).
fn locks(ecosystem: &str) -> &'static [(&'static str, f64)] {
    match ecosystem {
        "npm" => &[("package-lock.json", 350.0), ("npm-shrinkwrap.json", 350.0)],
        "yarn" => &[("yarn.lock", 300.0)],
        "pnpm" => &[("pnpm-lock.yaml", 300.0)],
        "bun" => &[("bun.lock", 200.0), ("bun.lockb", 250.0)],
        "go" => &[("go.sum", 200.0)],
        "cargo" => &[("Cargo.lock", 240.0)],
        "poetry" => &[("poetry.lock", 3_000.0)],
        "uv" => &[("uv.lock", 3_000.0)],
        "pipenv" => &[("Pipfile.lock", 1_500.0)],
        "composer" => &[("composer.lock", 3_500.0)],
        "bundler" => &[("Gemfile.lock", 45.0)],
        "mix" => &[("mix.lock", 350.0)],
        "maven" => &[("pom.xml", 40.0)],
        _ => &[],
    }
}

impl Packages for Locks<'_> {
    fn count(&self, ecosystem: &str) -> Option<usize> {
        let context = self.estimator.side.context?;
        locks(ecosystem).iter().find_map(|(name, each)| {
            let size = self.file(context, name)?;
            Some((size as f64 / each).ceil().max(1.0) as usize)
        })
    }

    fn requirements(&self, file: &str) -> Option<usize> {
        let context = self.estimator.side.context?;
        let file = source_path(file);
        let name = file.rsplit('/').next().unwrap_or_default();
        let lines = |path: &str| {
            let text = context.text(path)?;
            let named = |l: &&str| l.starts_with(|c: char| c.is_ascii_alphanumeric());
            Some(text.lines().map(str::trim).filter(named).count())
        };
        lines(&file).or_else(|| {
            let (folders, above) = self.folders();
            folders[..above].iter().find_map(|(_, dir)| lines(&within(dir, name)))
        })
    }
}

impl Locks<'_> {
    /// The size of a file of this name at the root of the context or in a folder that the stage copies from.
    fn file(&self, context: &Context, name: &'static str) -> Option<u64> {
        let (folders, above) = self.folders();
        let stage = self.estimator.side.file.stage_of(self.number)?.index;
        let size = |path: &str| context.get(path).filter(|e| e.kind == EntryKind::File).map(|e| e.size);
        let mut known = self.estimator.locks.borrow_mut();
        let first = known.entry((stage, name)).or_insert_with(|| {
            let mut all = folders.iter().enumerate();
            all.find_map(|(index, (_, dir))| Some((index, size(&within(dir, name))?)))
        });
        // The folders that are copied from come first: a root with many projects may have a lock file of its own.
        first.filter(|(index, _)| *index < above).map(|(_, size)| size).or_else(|| size(name))
    }

    /// The folders of the context that the stage copies from, each with the instruction, and how many of them stand above
    /// this instruction.
    fn folders(&self) -> (Folders, usize) {
        let side = self.estimator.side;
        let Some(stage) = side.file.stage_of(self.number) else { return (Rc::default(), 0) };
        let mut known = self.estimator.folders.borrow_mut();
        let found = known.entry(stage.index).or_insert_with(|| {
            let mut found = Vec::new();
            for number in stage.body.clone() {
                let Command::Copy(copy) = &side.eval.step(number).command else { continue };
                if copy.from != Source::Context {
                    continue;
                }
                for source in &copy.sources {
                    let source = source_path(source);
                    found.extend(source.rsplit_once('/').map(|(dir, _)| (number, dir.to_owned())));
                    found.push((number, source));
                    if found.len() > MAX_FOLDERS {
                        return found.into();
                    }
                }
            }
            found.into()
        });
        (Rc::clone(found), found.partition_point(|(number, _)| *number < self.number))
    }
}

/// How many folders are looked into for a lock file.
const MAX_FOLDERS: usize = 64;

fn within(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}
