//! The flags that say which two builds are compared, and the comparison: shared by the commands that answer from a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use layerwise_analysis::cost;
use layerwise_analysis::plan::{Cache, Contents, Known, Moved, Plan, Side, plan_in, stage_name};
use layerwise_host::context::{Limits, fingerprint, lexical, load};
use layerwise_host::engine;
use layerwise_host::fs::{ContextFs, OsFs};
use layerwise_host::learnt::Store;
use layerwise_host::read::read_dockerfile;
use layerwise_host::root::{context_root, sources, top_for};
use layerwise_model::engine::{Feature, features};
use layerwise_model::graph::{Contexts, Graph, Kind, graph};
use layerwise_model::learnt::Learnt;
use layerwise_model::{
    Context, Engine, EntryKind, Evaluation, File, Incomplete, NamedContext, Options, Platform,
};
use layerwise_render::plan::{About, Baseline};
use layerwise_syntax::{Parsed, ProblemKind};

use layerwise_render::when::rfc3339;

use crate::changed::in_context;
use crate::configs::ConfigFlags;
use crate::eval::evaluate;
use crate::output::{note, shown};
use crate::past::{Choice, Past};

/// How long a context may take to load, and its files to be compared with another's.
pub(crate) const BUDGET: Duration = Duration::from_secs(60);

/// How long the docker engine may take for all that it is asked.
const ENGINE_BUDGET: Duration = Duration::from_secs(5);

/// Which two builds are compared.
#[derive(clap::Args, Clone)]
pub(crate) struct Ask {
    /// The Dockerfile [default: Dockerfile in the context, or here]
    #[arg(value_name = "DOCKERFILE")]
    pub(crate) dockerfile: Option<PathBuf>,
    /// The build context [default: that of layerwise.toml, else the nearest folder above the Dockerfile in which all that it
    /// copies exists]
    #[arg(long, value_name = "DIR")]
    pub(crate) context: Option<PathBuf>,
    /// An additional build context
    #[arg(long, value_name = "NAME=DIR", value_parser = pair)]
    pub(crate) build_context: Vec<(String, String)>,
    /// The stage to build [default: that of layerwise.toml, else the last one]
    #[arg(long, value_name = "STAGE")]
    pub(crate) target: Option<String>,
    /// The platform to build for [default: linux on this machine's processor]
    #[arg(long, value_name = "P")]
    pub(crate) platform: Option<String>,
    /// A build argument
    #[arg(long, value_name = "K=V", value_parser = argument)]
    pub(crate) build_arg: Vec<(String, String)>,
    /// What to take for changed: a file or folder of the context, which need not exist, a pattern as in .dockerignore, a
    /// base image, or the URL of an ADD
    #[arg(long, value_name = "WHAT")]
    pub(crate) changed: Vec<PathBuf>,
    /// Take every tag, URL and git ref of the Dockerfile for something that may have moved, as after docker build --pull
    #[arg(long)]
    pub(crate) pull: bool,
    /// The Dockerfile before
    #[arg(long, value_name = "FILE", conflicts_with = "since")]
    pub(crate) before: Option<PathBuf>,
    /// The build context before [default: the same]
    #[arg(long, value_name = "DIR", conflicts_with = "since")]
    pub(crate) before_context: Option<PathBuf>,
    /// A build argument before [default: none, whatever --build-arg says]
    #[arg(long, value_name = "K=V", value_parser = argument)]
    pub(crate) before_build_arg: Vec<(String, String)>,
    /// The stage that was built before [default: the same]
    #[arg(long, value_name = "STAGE")]
    pub(crate) before_target: Option<String>,
    /// Compare with the files of a git revision
    #[arg(long, value_name = "GIT-REV")]
    pub(crate) since: Option<String>,
    /// What to compare with, where no other flag says so
    #[arg(long, value_name = "BASELINE", default_value = "auto")]
    pub(crate) baseline: Choice,
    /// Megabits a second at which images are pulled [default: 100]
    #[arg(long, value_name = "MBPS", value_parser = bandwidth)]
    pub(crate) bandwidth: Option<f64>,
    /// Leave out what earlier builds taught (layerwise learn): estimates only, and no known build to compare with
    #[arg(long)]
    pub(crate) no_learnt: bool,
    /// Ask the local docker engine for the base images that it has, their sizes and layers; nothing is pulled
    #[arg(long)]
    pub(crate) docker: bool,
    /// The engine that builds: buildkit, buildkit 0.12, docker 28.5, docker 28.5 graphdriver, buildah or legacy
    #[arg(long, value_name = "ENGINE", default_value = "buildkit", value_parser = Engine::parse)]
    pub(crate) engine: Engine,
    /// What the cache holds of the build before: all of it (local), what was exported with mode=min or mode=max, or nothing
    /// (none)
    #[arg(long, value_name = "CACHE", default_value = "local", value_parser = Contents::parse)]
    pub(crate) cache: Contents,
    #[command(flatten)]
    pub(crate) config: ConfigFlags,
    /// The build context that the configuration names, where no flag does.
    #[arg(skip)]
    pub(crate) configured_context: Option<PathBuf>,
    /// Whether the files of the context are hashed, so that keys mean something to another process.
    #[arg(skip)]
    pub(crate) hashed: bool,
}

/// Which build is meant, where there is only one.
#[derive(clap::Args)]
pub(crate) struct One {
    /// The Dockerfile [default: Dockerfile in the context, or here]
    #[arg(value_name = "DOCKERFILE")]
    pub(crate) dockerfile: Option<PathBuf>,
    /// The build context [default: that of layerwise.toml, else the nearest folder above the Dockerfile in which all that it
    /// copies exists]
    #[arg(long, value_name = "DIR")]
    pub(crate) context: Option<PathBuf>,
    /// An additional build context
    #[arg(long, value_name = "NAME=DIR", value_parser = pair)]
    pub(crate) build_context: Vec<(String, String)>,
    /// The stage to build [default: that of layerwise.toml, else the last one]
    #[arg(long, value_name = "STAGE")]
    pub(crate) target: Option<String>,
    /// The platform to build for [default: linux on this machine's processor]
    #[arg(long, value_name = "P")]
    pub(crate) platform: Option<String>,
    /// A build argument
    #[arg(long, value_name = "K=V", value_parser = argument)]
    pub(crate) build_arg: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) config: ConfigFlags,
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
pub(crate) struct Build {
    pub(crate) file: File,
    pub(crate) eval: Evaluation,
    pub(crate) options: Options,
    pub(crate) context: Option<Context>,
}

/// The answer to an [`Ask`].
pub(crate) struct Answer {
    pub(crate) plan: Plan,
    pub(crate) about: About,
    after: Build,
    graph: Graph,
    /// What the build before is of; `None` for a cold build.
    before: Option<Build>,
    named: BTreeMap<String, Context>,
}

impl Answer {
    /// The Dockerfile of the plan as it would be with another text, planned for the same edit of the context: as if this
    /// text had been built before, too. `None` where there is no build before, or the text cannot be built.
    pub(crate) fn with_dockerfile(&self, text: &str) -> Option<Answer> {
        let before = self.before.as_ref()?;
        let build = |like: &Build| {
            let file = File::new(Parsed::new(text));
            let eval = evaluate(&file, &like.options);
            Build { file, eval, options: like.options.clone(), context: like.context.clone() }
        };
        let (old, new) = (build(before), build(&self.after));
        if new.eval.error.is_some() || old.eval.error.is_some() || refused("", &new.file).is_err() {
            return None;
        }
        let (old_graph, graph) = (old.graph(&self.named), new.graph(&self.named));
        let side = old.side(&old_graph);
        let known = Known::of(&old_graph, &old.eval);
        let moved = Moved::default();
        let cache = Cache { known: &known, contents: self.about.cache, moved: &moved, before: Some(&side) };
        let mut plan = plan_in(&cache, &new.side(&graph));
        cost::price(&mut plan, &new.side(&graph), &cost::Known::default());
        let about = About {
            target: new.eval.target.map(|index| stage_name(&new.file, index)),
            before: "the same edit, once the proposal is built".to_owned(),
            baseline: Baseline::Given,
            ..self.about.clone()
        };
        Some(Answer { plan, about, after: new, graph, before: None, named: self.named.clone() })
    }

    /// The build that the plan is of.
    pub(crate) fn side(&self) -> Side<'_> {
        self.after.side(&self.graph)
    }
}

impl Ask {
    /// Compares the two builds.
    pub(crate) fn answer(&self) -> Result<Answer, String> {
        self.configured()?.compare(true)
    }

    /// The build alone: all of it runs.
    pub(crate) fn alone(&self) -> Result<Answer, String> {
        self.configured()?.compare(false)
    }

    /// The same with what the configuration of the Dockerfile says where no flag does.
    fn configured(&self) -> Result<Ask, String> {
        let path = self.dockerfile()?;
        let told = self.config.configs().of(&path)?;
        Ok(Ask {
            dockerfile: Some(path),
            target: self.target.clone().or(told.settled.target),
            configured_context: told.context,
            ..self.clone()
        })
    }

    /// The build context that is named: by a flag, else by the configuration.
    fn named_context(&self) -> Result<Option<PathBuf>, String> {
        let flag = self.context.as_deref().map(|dir| folder(dir, "--context"));
        let configured =
            || self.configured_context.as_deref().map(|dir| folder(dir, "layerwise.toml: context"));
        flag.or_else(configured).transpose()
    }

    fn compare(&self, with_before: bool) -> Result<Answer, String> {
        let given = self.named_context()?;
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
        let learnt = self.learnt(&path);
        let past = match with_before {
            true => self.past(&path, root.as_deref(), &mut after, &changed, learnt.as_ref())?,
            false => Past::of(None, String::new(), Baseline::None),
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
        let known = match &before {
            Some(before) if past.known.is_empty() => Known::of(before.graph, before.eval),
            _ => past.known,
        };
        let images = self.images(&graph, &known);
        let mut moved = changed.moved;
        moved.layers = images.layers;
        let cache = Cache { known: &known, contents: self.cache, moved: &moved, before: before.as_ref() };
        let mut plan = plan_in(&cache, &after.side(&graph));
        let figures = cost::Known { images: images.bytes, learnt: learnt.as_ref(), mbps: self.bandwidth };
        cost::price(&mut plan, &after.side(&graph), &figures);
        let target = after.eval.target.map(|index| stage_name(&after.file, index));
        let about = About {
            dockerfile: name,
            context,
            target,
            engine: self.engine.to_string(),
            before: past.name,
            baseline: past.kind,
            when: past.when.map(rfc3339),
            cache: self.cache,
        };
        Ok(Answer { plan, about, after, graph, before: past.build, named })
    }

    /// The images of a build and of what it is compared with, if the engine is to be asked.
    fn images(&self, graph: &Graph, known: &Known) -> engine::Images {
        if !self.docker {
            return engine::Images::default();
        }
        let used = graph.vertices.iter().filter_map(|vertex| match &vertex.kind {
            Kind::Image(reference) => Some(reference.as_str()),
            _ => None,
        });
        let compared = known.rows().iter().filter_map(|row| row.image.as_deref());
        let images = engine::images(used.chain(compared).collect::<BTreeSet<_>>(), ENGINE_BUDGET);
        images.note.iter().for_each(|text| note(text));
        images
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
        let One { dockerfile, context, build_context, target, platform, build_arg, config } = one;
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
            baseline: Choice::None,
            no_learnt: true,
            docker: false,
            engine: Engine::default(),
            cache: Contents::default(),
            config,
            configured_context: None,
            hashed: false,
        }
    }

    /// A file as the user named it, relative to the build context.
    pub(crate) fn file(&self, path: &str) -> Result<String, String> {
        let dockerfile = self.dockerfile()?;
        let root = match self.configured()?.named_context()? {
            Some(root) => Some(root),
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

pub(crate) fn read(path: &Path) -> Result<File, String> {
    let source = read_dockerfile(&OsFs, path).map_err(|error| error.to_string())?;
    source.notes().iter().for_each(|n| note(&format!("{}: {n}", path.display())));
    Ok(File::new(Parsed::new(&source.text)))
}

/// An error if BuildKit would refuse the file before its first step.
pub(crate) fn refused(name: &str, file: &File) -> Result<(), String> {
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

pub(crate) fn folder(dir: &Path, flag: &str) -> Result<PathBuf, String> {
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

pub(crate) fn files(context: &Context) -> impl Iterator<Item = (&str, u64)> {
    context.entries.iter().filter(|(_, e)| e.kind == EntryKind::File).map(|(p, e)| (p, e.size))
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

/// The features that the engine does not know, each with its line.
fn unknown_features(build: &Build) -> Vec<(usize, Feature)> {
    let syntax = build.file.syntax();
    let mut found = Vec::new();
    for (number, _, instruction) in build.file.all() {
        let unknown =
            features(instruction).into_iter().filter(|feature| !feature.known(&build.options.engine, syntax));
        found.extend(unknown.map(|feature| (build.file.line(number), feature)));
    }
    found
}
