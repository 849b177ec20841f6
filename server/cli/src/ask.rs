//! The flags that say which two builds are compared, and the comparison: shared by the commands that answer from a plan.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use layerwise_analysis::cost;
use layerwise_analysis::plan::{
    Cache, Contents, Known, Moved, Plan, Side, plan_in, stage_name, with_changed,
};
use layerwise_host::context::{Limits, below_root, fingerprint, lexical, load};
use layerwise_host::fs::{ContextFs, OsFs};
use layerwise_host::git::{self, GitError, Versioned};
use layerwise_host::learnt::Store;
use layerwise_host::read::read_dockerfile;
use layerwise_host::root::{context_root, sources, top_for};
use layerwise_model::engine::{Feature, features};
use layerwise_model::graph::{Contexts, Graph, graph};
use layerwise_model::learnt::Learnt;
use layerwise_model::selection::has_wildcard;
use layerwise_model::{
    Content, Context, Dockerignore, Engine, EntryKind, Evaluation, File, Incomplete, NamedContext, Options,
    Platform,
};
use layerwise_render::plan::{About, Baseline};
use layerwise_syntax::lines::Block;
use layerwise_syntax::{Parsed, ProblemKind};

use crate::eval::evaluate;
use crate::output::{note, shown};

/// How long a context may take to load, and its files to be compared with another's.
const BUDGET: Duration = Duration::from_secs(60);

/// Which two builds are compared.
#[derive(clap::Args)]
pub(crate) struct Ask {
    /// The Dockerfile [default: Dockerfile in the context, or here]
    #[arg(value_name = "DOCKERFILE")]
    dockerfile: Option<PathBuf>,
    /// The build context [default: the nearest folder above the Dockerfile in which all that it copies exists]
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// An additional build context
    #[arg(long, value_name = "NAME=DIR", value_parser = pair)]
    build_context: Vec<(String, String)>,
    /// The stage to build [default: the last one]
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// The platform to build for [default: linux on this machine's processor]
    #[arg(long, value_name = "P")]
    platform: Option<String>,
    /// A build argument
    #[arg(long, value_name = "K=V", value_parser = argument)]
    build_arg: Vec<(String, String)>,
    /// What to take for changed: a file or folder of the context, which need not exist, a pattern as in .dockerignore, a
    /// base image, or the URL of an ADD
    #[arg(long, value_name = "WHAT")]
    changed: Vec<PathBuf>,
    /// Take every tag, URL and git ref of the Dockerfile for something that may have moved, as after docker build --pull
    #[arg(long)]
    pull: bool,
    /// The Dockerfile before
    #[arg(long, value_name = "FILE", conflicts_with = "since")]
    before: Option<PathBuf>,
    /// The build context before [default: the same]
    #[arg(long, value_name = "DIR", conflicts_with = "since")]
    before_context: Option<PathBuf>,
    /// A build argument before [default: none, whatever --build-arg says]
    #[arg(long, value_name = "K=V", value_parser = argument)]
    before_build_arg: Vec<(String, String)>,
    /// The stage that was built before [default: the same]
    #[arg(long, value_name = "STAGE")]
    before_target: Option<String>,
    /// Compare with the files of a git revision
    #[arg(long, value_name = "GIT-REV")]
    since: Option<String>,
    /// Megabits a second at which images are pulled [default: 100]
    #[arg(long, value_name = "MBPS", value_parser = bandwidth)]
    bandwidth: Option<f64>,
    /// Leave out what earlier builds taught (layerwise learn): estimates only
    #[arg(long)]
    no_learnt: bool,
    /// The engine that builds: buildkit, buildkit 0.12, docker 28.5, docker 28.5 graphdriver, buildah or legacy
    #[arg(long, value_name = "ENGINE", default_value = "buildkit", value_parser = Engine::parse)]
    engine: Engine,
    /// What the cache holds of the build before: all of it (local), what was exported with mode=min or mode=max, or nothing
    /// (none)
    #[arg(long, value_name = "CACHE", default_value = "local", value_parser = Contents::parse)]
    cache: Contents,
    /// Whether the files of the context are hashed, so that keys mean something to another process.
    #[arg(skip)]
    hashed: bool,
}

/// Which build is meant, where there is only one.
#[derive(clap::Args)]
pub(crate) struct One {
    /// The Dockerfile [default: Dockerfile in the context, or here]
    #[arg(value_name = "DOCKERFILE")]
    pub(crate) dockerfile: Option<PathBuf>,
    /// The build context [default: the nearest folder above the Dockerfile in which all that it copies exists]
    #[arg(long, value_name = "DIR")]
    pub(crate) context: Option<PathBuf>,
    /// An additional build context
    #[arg(long, value_name = "NAME=DIR", value_parser = pair)]
    pub(crate) build_context: Vec<(String, String)>,
    /// The stage to build [default: the last one]
    #[arg(long, value_name = "STAGE")]
    pub(crate) target: Option<String>,
    /// The platform to build for [default: linux on this machine's processor]
    #[arg(long, value_name = "P")]
    pub(crate) platform: Option<String>,
    /// A build argument
    #[arg(long, value_name = "K=V", value_parser = argument)]
    pub(crate) build_arg: Vec<(String, String)>,
}

pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("write NAME=DIR".to_owned()),
    }
}

fn bandwidth(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(mbps) if mbps.is_finite() && mbps > 0.0 => Ok(mbps),
        _ => Err("write a number of megabits a second, such as 100".to_owned()),
    }
}

/// As in docker, an argument without a value has that of the environment.
pub(crate) fn argument(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some(("", _)) => Err("write NAME=VALUE".to_owned()),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None if text.is_empty() => Err("write NAME=VALUE".to_owned()),
        None => match std::env::var(text) {
            Ok(value) => Ok((text.to_owned(), value)),
            Err(_) => Err(format!("write {text}=VALUE, or set {text} in the environment")),
        },
    }
}

/// A Dockerfile and how it is built.
struct Build {
    file: File,
    eval: Evaluation,
    options: Options,
    context: Option<Context>,
}

/// The build before, and what to call it.
struct Past {
    build: Option<Build>,
    name: String,
    kind: Baseline,
}

/// What `--changed` names.
#[derive(Default)]
struct Changed {
    /// As it was named.
    named: Vec<String>,
    /// Paths relative to the context.
    files: Vec<String>,
    /// Base images and URLs.
    moved: Moved,
}

impl Changed {
    fn is_empty(&self) -> bool {
        self.named.is_empty()
    }
}

/// The answer to an [`Ask`].
pub(crate) struct Answer {
    pub(crate) plan: Plan,
    pub(crate) about: About,
    after: Build,
    graph: Graph,
}

impl Answer {
    /// The build that the plan is of.
    pub(crate) fn side(&self) -> Side<'_> {
        self.after.side(&self.graph)
    }
}

impl Ask {
    /// Compares the two builds.
    pub(crate) fn answer(&self) -> Result<Answer, String> {
        self.compare(true)
    }

    /// The build alone: all of it runs.
    pub(crate) fn alone(&self) -> Result<Answer, String> {
        self.compare(false)
    }

    fn compare(&self, with_before: bool) -> Result<Answer, String> {
        let given = self.context.as_deref().map(|dir| folder(dir, "--context")).transpose()?;
        let path = self.dockerfile()?;
        let name = shown(&path);
        let options = self.options()?;
        let file = read(&path)?;
        refused(&name, &file)?;
        let eval = evaluate(&file, &options);
        if let Some(message) = &eval.error {
            return Err(format!("{name}: {message}"));
        }
        let root = given.or_else(|| self.find_context(&path, &file, &options));
        if root.is_none() {
            note(&format!(
                "{name}: no folder has all that it copies, so its files are left out of the plan; name one with --context"
            ));
        }
        let context = root.as_deref().map(|root| {
            let limits = Limits { deadline: Some(Instant::now() + BUDGET), ..Limits::default() };
            let context = load(&OsFs, root, Some(&path), &limits);
            match self.hashed {
                true => fingerprint(&OsFs, root, &context, files(&context).map(|(path, _)| path), &limits),
                false => context,
            }
        });
        let named = self.named_contexts(&options)?;
        let mut after = Build { file, eval, options, context };
        let changed = self.changed(root.as_deref(), &after)?;
        let past = match with_before {
            true => self.past(&path, root.as_deref(), &mut after, &changed)?,
            false => Past { build: None, name: String::new(), kind: Baseline::None },
        };
        let context = match &self.context {
            Some(dir) => Some(shown(dir)),
            None => root.as_deref().map(|root| shown(&relative(root))),
        };
        if let Some(incomplete) = after.context.as_ref().and_then(|c| c.incomplete.as_ref()) {
            note(&incomplete_words(context.as_deref().unwrap_or("."), incomplete));
        }
        after.eval.steps.iter().enumerate().for_each(|(number, step)| {
            let stage = after.file.stage_of(number);
            let built = stage.is_none_or(|s| after.eval.stages.get(s.index).is_some_and(|s| s.reachable));
            if let (true, Some(message)) = (built, &step.error) {
                note(&format!("{name}:{}: the build fails here: {message}", after.file.line(number)));
            }
        });
        for (line, feature) in unknown_features(&after) {
            note(&format!(
                "{name}:{line}: {} does not know {}: the build fails here",
                self.engine,
                feature.as_str()
            ));
        }
        let graph = after.graph(&named);
        let before_graph = past.build.as_ref().map(|b| b.graph(&named));
        let before = past.build.as_ref().zip(before_graph.as_ref()).map(|(b, g)| b.side(g));
        let known = before.as_ref().map_or_else(Known::default, |b| Known::of(b.graph, b.eval));
        let cache =
            Cache { known: &known, contents: self.cache, moved: &changed.moved, before: before.as_ref() };
        let mut plan = plan_in(&cache, &after.side(&graph));
        let learnt = self.learnt(&path);
        let figures = cost::Known { learnt: learnt.as_ref(), mbps: self.bandwidth, ..cost::Known::default() };
        cost::price(&mut plan, &after.side(&graph), &figures);
        let target = after.eval.target.map(|index| stage_name(&after.file, index));
        let about = About {
            dockerfile: name,
            context,
            target,
            engine: self.engine.to_string(),
            before: past.name,
            baseline: past.kind,
            when: None,
            cache: self.cache,
        };
        Ok(Answer { plan, about, after, graph })
    }

    /// What earlier builds of the Dockerfile taught.
    fn learnt(&self, path: &Path) -> Option<Learnt> {
        let store = Store::user().filter(|_| !self.no_learnt)?;
        let loaded = store.load(path);
        loaded.note.iter().for_each(|text| note(text));
        loaded.learnt
    }

    /// The same, with the files of the context hashed.
    pub(crate) fn hashed(self) -> Ask {
        Ask { hashed: true, ..self }
    }

    /// What is asked of one build, without one before.
    pub(crate) fn of_one(one: One) -> Ask {
        let One { dockerfile, context, build_context, target, platform, build_arg } = one;
        Ask {
            dockerfile,
            context,
            build_context,
            target,
            platform,
            build_arg,
            changed: Vec::new(),
            pull: false,
            before: None,
            before_context: None,
            before_build_arg: Vec::new(),
            before_target: None,
            since: None,
            bandwidth: None,
            no_learnt: true,
            engine: Engine::default(),
            cache: Contents::default(),
            hashed: false,
        }
    }

    /// A file as the user named it, relative to the build context.
    pub(crate) fn file(&self, path: &str) -> Result<String, String> {
        let dockerfile = self.dockerfile()?;
        let root = match self.context.as_deref() {
            Some(dir) => Some(folder(dir, "--context")?),
            None => {
                let options = self.options()?;
                self.find_context(&dockerfile, &read(&dockerfile)?, &options)
            }
        };
        let root = root.ok_or("the build context is not known; give --context")?;
        in_context(Path::new(path), &root)
    }

    /// The Dockerfile that was named, or the one that docker would take.
    pub(crate) fn dockerfile(&self) -> Result<PathBuf, String> {
        if let Some(path) = &self.dockerfile {
            return Ok(path.clone());
        }
        let dir = self.context.clone().unwrap_or_else(|| PathBuf::from("."));
        let names = ["Dockerfile", "dockerfile", "Containerfile"];
        names
            .iter()
            .map(|name| dir.join(name))
            .find(|path| OsFs.metadata(path).is_ok_and(|m| m.kind != EntryKind::Dir))
            .ok_or_else(|| format!("{}: no Dockerfile in this folder; name one", dir.display()))
    }

    fn options(&self) -> Result<Options, String> {
        let mut options = Options { target: self.target.clone(), ..Options::default() };
        if let Some(platform) = &self.platform {
            let parsed = Platform::parse(platform).map_err(|e| format!("--platform {platform}: {e}"))?;
            options.platform = parsed.normalize();
        }
        options.engine = self.engine.clone();
        options.build_args = self.build_arg.iter().cloned().collect();
        for (name, value) in &self.build_context {
            let context = match value.split_once("://") {
                Some(("docker-image", image)) => NamedContext::Image(image.to_owned()),
                Some(_) => NamedContext::Other(value.clone()),
                None => NamedContext::Dir(value.clone()),
            };
            options.contexts.insert(name.clone(), context);
        }
        Ok(options)
    }

    fn find_context(&self, path: &Path, file: &File, options: &Options) -> Option<PathBuf> {
        // All stages count: the context is the same folder whichever is built.
        let options = Options { all_stages: true, ..options.clone() };
        let eval = evaluate(file, &options);
        context_root(&OsFs, path, &top_for(&OsFs, path), &sources(&eval))
    }

    fn named_contexts(&self, options: &Options) -> Result<BTreeMap<String, Context>, String> {
        let mut contexts = BTreeMap::new();
        for (name, context) in &options.contexts {
            if let NamedContext::Dir(dir) = context {
                let root = folder(Path::new(dir), "--build-context")?;
                let limits = Limits { deadline: Some(Instant::now() + BUDGET), ..Limits::default() };
                contexts.insert(name.clone(), load(&OsFs, &root, None, &limits));
            }
        }
        Ok(contexts)
    }

    /// The build before. Makes contents of `after`'s context known where they are needed to compare the two, and changes
    /// what `--changed` names.
    fn past(
        &self,
        path: &Path,
        root: Option<&Path>,
        after: &mut Build,
        changed: &Changed,
    ) -> Result<Past, String> {
        let given = self.before.is_some()
            || self.before_context.is_some()
            || self.before_target.is_some()
            || !self.before_build_arg.is_empty();
        let options = Options {
            target: self.before_target.clone().or_else(|| self.target.clone()),
            build_args: self.before_build_arg.iter().cloned().collect(),
            ..after.options.clone()
        };
        let cold = |reason: &str| format!("nothing (a cold build: {reason})");
        let (file, context, mut name, mut kind) = match &self.since {
            Some(rev) => {
                let found = self.at_revision(rev, path, root, after);
                let (file, context) = found.map_err(|e| format!("--since {rev}: {e}"))?;
                (file, context, rev.clone(), Baseline::Head)
            }
            None if given => {
                let (file, context) = self.given(path, root, after)?;
                (Some(file), context, self.given_name(), Baseline::Given)
            }
            None if !changed.is_empty() => {
                let same = "the same build".to_owned();
                (Some(after.file.clone()), after.context.clone(), same, Baseline::Given)
            }
            None => match self.at_revision("HEAD", path, root, after) {
                Ok((file, context)) => (file, context, "HEAD".to_owned(), Baseline::Head),
                Err(error) => (None, None, cold(&error.to_string()), Baseline::None),
            },
        };
        if file.is_none() && !name.starts_with("nothing") {
            (name, kind) = (cold(&format!("{name} has no {}", shown(path))), Baseline::None);
        }
        if !changed.is_empty() {
            name = format!("{name} before {} changed", changed.named.join(", "));
        }
        if let Some(context) = &mut after.context
            && !changed.files.is_empty()
        {
            *context = with_changed(context, &changed.files);
        }
        let mut build = file.map(|file| {
            let eval = evaluate(&file, &options);
            Build { file, eval, options, context }
        });
        let reason = build.as_ref().and_then(|build| match &build.eval.error {
            Some(message) => Some(message.clone()),
            None => refused("the Dockerfile before", &build.file).err(),
        });
        if let Some(reason) = reason {
            build = None;
            (name, kind) = (cold(&format!("{name} could not be built: {reason}")), Baseline::None);
        }
        Ok(Past { build, name, kind })
    }

    /// The Dockerfile and the context at a revision; no Dockerfile if the revision had none.
    fn at_revision(
        &self,
        rev: &str,
        path: &Path,
        root: Option<&Path>,
        after: &mut Build,
    ) -> Result<(Option<File>, Option<Context>), GitError> {
        let (text, context) = match (root, &after.context) {
            (Some(root), Some(context)) => {
                let limits = Limits { deadline: Some(Instant::now() + BUDGET), ..Limits::default() };
                let since = git::since(&OsFs, root, Some(path), rev, context, BUDGET, &limits)?;
                after.context = Some(since.after);
                (since.dockerfile, Some(since.before))
            }
            _ => {
                let dir = lexical(path);
                let dir = dir.parent().unwrap_or(&dir);
                (git::before(dir, rev, Some(path), BUDGET)?.dockerfile, None)
            }
        };
        let file = match text {
            Some(Versioned::Text(text)) => Some(File::new(Parsed::new(&text))),
            Some(Versioned::Absent) => None,
            Some(Versioned::Unversioned) | None => Some(after.file.clone()),
        };
        Ok((file, context))
    }

    /// The Dockerfile and the context that the `--before` flags name.
    fn given(
        &self,
        path: &Path,
        root: Option<&Path>,
        after: &mut Build,
    ) -> Result<(File, Option<Context>), String> {
        let file = match &self.before {
            Some(before) => read(before)?,
            None => after.file.clone(),
        };
        let Some(dir) = &self.before_context else {
            // The same folder, but for the Dockerfile in it, which was the other one.
            let mut context = after.context.clone();
            if self.before.is_some() {
                for (context, file) in [(&mut context, &file), (&mut after.context, &after.file)] {
                    if let Some(context) = context {
                        put_dockerfile(context, file);
                    }
                }
            }
            return Ok((file, context));
        };
        let old_root = folder(dir, "--before-context")?;
        let limits = Limits { deadline: Some(Instant::now() + BUDGET), ..Limits::default() };
        let old_path = self.before.as_deref().unwrap_or(path);
        let old = load(&OsFs, &old_root, Some(old_path), &limits);
        let (Some(root), Some(new)) = (root, &after.context) else { return Ok((file, Some(old))) };
        // Only files of the same size can have the same bytes.
        let sizes = |context: &Context| -> HashSet<u64> { files(context).map(|(_, size)| size).collect() };
        let (new_sizes, old_sizes) = (sizes(new), sizes(&old));
        let hashed = |root: &Path, context: &Context, others: &HashSet<u64>| {
            let same = files(context).filter(|(_, size)| others.contains(size)).map(|(path, _)| path);
            fingerprint(&OsFs, root, context, same, &limits)
        };
        let before = hashed(&old_root, &old, &new_sizes);
        after.context = Some(hashed(root, new, &old_sizes));
        Ok((file, Some(before)))
    }

    /// What the `--before` flags name, in words.
    fn given_name(&self) -> String {
        let mut parts: Vec<String> = self.before.iter().map(|p| shown(p)).collect();
        parts.extend(self.before_context.iter().map(|p| format!("context {}", shown(p))));
        parts.extend(self.before_target.iter().map(|t| format!("target {t}")));
        let args = self.before_build_arg.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
        if !args.is_empty() {
            parts.push(format!("build argument {}", args.join(", ")));
        }
        parts.join(", ")
    }

    /// What `--changed` and `--pull` name.
    fn changed(&self, root: Option<&Path>, after: &Build) -> Result<Changed, String> {
        let mut found = Changed::default();
        if self.pull {
            found.moved.all = true;
            found.named.push("tags, URLs and git refs".to_owned());
        }
        let remote = self.changed.is_empty().then(Vec::new).unwrap_or_else(|| {
            let bare = graph(&after.file, &after.eval, &after.options, Contexts::default());
            bare.vertices.into_iter().map(|v| v.kind).collect()
        });
        for path in &self.changed {
            let text = path.display().to_string();
            let moved = Moved { all: false, names: [text.clone()].into() };
            if text.contains("://") || root.is_none_or(|root| OsFs.metadata(&root.join(path)).is_err()) {
                if remote.iter().any(|kind| moved.holds(kind)) {
                    found.moved.names.extend(moved.names);
                    found.named.push(text);
                    continue;
                }
                if text.contains("://") {
                    return Err(format!("--changed {text}: no ADD of this build downloads that"));
                }
            }
            let Some(root) = root else {
                return Err(format!("--changed {text}: the build context is not known; give --context"));
            };
            let files = match pattern(path, root, after.context.as_ref())? {
                Some(files) => files,
                None => vec![in_context(path, root)?],
            };
            found.named.push(if files.len() == 1 { files.concat() } else { text });
            found.files.extend(files);
        }
        Ok(found)
    }
}

/// The files of the context that a pattern names; `None` for a path.
fn pattern(path: &Path, root: &Path, context: Option<&Context>) -> Result<Option<Vec<String>>, String> {
    let text = path.to_string_lossy();
    if !has_wildcard(&text) || OsFs.metadata(&root.join(path)).is_ok() {
        return Ok(None);
    }
    let pattern =
        Dockerignore::from_patterns(&[&text]).map_err(|error| format!("--changed {text}: {error}"))?;
    let all = context.into_iter().flat_map(files).map(|(path, _)| path);
    let found: Vec<String> = all.filter(|path| pattern.is_excluded(path)).map(str::to_owned).collect();
    if found.is_empty() {
        return Err(format!(
            "--changed {text}: no file of the build context {} is like that",
            root.display()
        ));
    }
    Ok(Some(found))
}

/// A path relative to the context.
fn in_context(path: &Path, root: &Path) -> Result<String, String> {
    let below = |path: &Path| below_root(root, path);
    let exists = |path: &Path| OsFs.metadata(path).is_ok();
    let inside = root.join(path);
    // A path is one of the context; one that is not there may be meant from here.
    let relative = match below(&inside) {
        Some(relative) if path.is_absolute() || exists(&inside) || !exists(path) => Some(relative),
        relative => below(path).or(relative),
    };
    relative
        .ok_or_else(|| format!("--changed {}: not in the build context {}", path.display(), root.display()))
}

/// The features that the engine does not know, each with its line.
fn unknown_features(build: &Build) -> Vec<(usize, Feature)> {
    let syntax = build.file.parsed().layer().blocks().iter().find_map(|placed| match &placed.block {
        Block::Directive(directive, _) if directive.name == "syntax" => Some(directive.value.clone()),
        _ => None,
    });
    let mut found = Vec::new();
    for (number, _, instruction) in build.file.all() {
        let unknown = features(instruction)
            .into_iter()
            .filter(|feature| !feature.known(&build.options.engine, syntax.as_deref()));
        found.extend(unknown.map(|feature| (build.file.line(number), feature)));
    }
    found
}

impl Build {
    fn graph(&self, named: &BTreeMap<String, Context>) -> Graph {
        let contexts = Contexts { main: self.context.as_ref(), named: Some(named) };
        graph(&self.file, &self.eval, &self.options, contexts)
    }

    fn side<'a>(&'a self, graph: &'a Graph) -> Side<'a> {
        let Build { file, eval, options, context } = self;
        Side { file, eval, graph, context: context.as_ref(), options }
    }
}

fn read(path: &Path) -> Result<File, String> {
    let source = read_dockerfile(&OsFs, path).map_err(|error| error.to_string())?;
    source.notes().iter().for_each(|n| note(&format!("{}: {n}", path.display())));
    Ok(File::new(Parsed::new(&source.text)))
}

/// An error if BuildKit would refuse the file before its first step.
fn refused(name: &str, file: &File) -> Result<(), String> {
    if let Some(message) = file.parsed().file_problem() {
        return Err(format!("{name}: {message}"));
    }
    for kind in [ProblemKind::Parse, ProblemKind::Instruction] {
        for (number, _, instruction) in file.all() {
            if let Some(problem) = instruction.problems().iter().find(|p| p.kind == kind) {
                return Err(format!("{name}:{}: {}", file.line(number), problem.message));
            }
        }
    }
    if file.stages().is_empty() {
        return Err(format!("{name}: there is no FROM, so there is nothing to build"));
    }
    Ok(())
}

fn folder(dir: &Path, flag: &str) -> Result<PathBuf, String> {
    match std::fs::metadata(dir) {
        Ok(found) if found.is_dir() => Ok(lexical(dir)),
        Ok(_) => Err(format!("{flag} {}: not a folder", dir.display())),
        Err(error) => Err(format!("{flag} {}: {error}; check the path", dir.display())),
    }
}

/// The path from the current directory, if it is below it.
fn relative(path: &Path) -> PathBuf {
    match path.strip_prefix(lexical(Path::new("."))) {
        Ok(below) if below.as_os_str().is_empty() => PathBuf::from("."),
        Ok(below) => below.to_path_buf(),
        Err(_) => path.to_path_buf(),
    }
}

fn files(context: &Context) -> impl Iterator<Item = (&str, u64)> {
    context.entries.iter().filter(|(_, e)| e.kind == EntryKind::File).map(|(p, e)| (p, e.size))
}

/// Gives the Dockerfile in the context the bytes of this one.
fn put_dockerfile(context: &mut Context, file: &File) {
    let Some(path) = context.dockerfile.clone() else { return };
    if context.get(&path).is_none_or(|e| e.kind != EntryKind::File) {
        return;
    }
    let text: String = file.parsed().text().chunks().collect();
    if let Some(entry) = context.entries.get_mut(&path) {
        entry.size = text.len() as u64;
        entry.content = Content::Hash(*blake3::hash(text.as_bytes()).as_bytes());
    }
}

fn incomplete_words(context: &str, incomplete: &Incomplete) -> String {
    match incomplete {
        Incomplete::TooMany(n) => {
            format!(
                "{context}: more than {n} files, so some are left out; name what to skip in .dockerignore"
            )
        }
        Incomplete::TooSlow => format!("{context}: took too long to read, so some files are left out"),
        Incomplete::Unreadable(paths) => {
            let first: Vec<&str> = paths.iter().take(3).map(String::as_str).collect();
            let more = paths.len().checked_sub(4).map_or(String::new(), |n| format!(" and {} more", n + 1));
            format!("{context}: cannot be read: {}{more}", first.join(", "))
        }
    }
}
