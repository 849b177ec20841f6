//! `layerwise plan`: what the next build runs again.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use layerwise_analysis::cost::{self, Known};
use layerwise_analysis::plan::{self, Side, stage_name, with_changed};
use layerwise_host::context::{Limits, below_root, fingerprint, lexical, load};
use layerwise_host::fs::{ContextFs, OsFs};
use layerwise_host::git::{self, GitError, Versioned};
use layerwise_host::read::read_dockerfile;
use layerwise_host::root::{context_root, sources, top_for};
use layerwise_model::graph::{Contexts, Graph, graph};
use layerwise_model::{
    Content, Context, EntryKind, Evaluation, File, Incomplete, NamedContext, Options, Platform,
};
use layerwise_render::plan::{About, to_json, to_text};
use layerwise_syntax::{Parsed, ProblemKind};

use crate::eval::evaluate;
use crate::output::{self, Format, Out, complain, note, shown};
use crate::status::{self, Status};

/// How long a context may take to load, and its files to be compared with another's.
const BUDGET: Duration = Duration::from_secs(60);

/// Show which steps the next build runs again, and why
///
/// Compares two builds as BuildKit's cache would: the one of the files as they are, and the one before the edit, which is
/// taken to be in the cache. Without --changed, --before* and --since, the build before is that of HEAD, and without git
/// there is none: the answer says which.
#[derive(clap::Args)]
#[command(after_help = status::HELP)]
pub(crate) struct Plan {
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
    /// A file or folder of the context to take for changed; it need not exist
    #[arg(long, value_name = "PATH")]
    changed: Vec<PathBuf>,
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
    /// The output format
    #[arg(long, default_value = "text")]
    format: Format,
}

fn pair(text: &str) -> Result<(String, String), String> {
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
fn argument(text: &str) -> Result<(String, String), String> {
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
}

impl Plan {
    pub(crate) fn run(self) -> Status {
        match self.answer() {
            Ok(text) => {
                let mut out = Out::new();
                match self.format {
                    Format::Json => out.write(&text),
                    Format::Text => out.write_styled(&text),
                }
                out.finish(Status::Good)
            }
            Err(message) => {
                complain(&message);
                Status::Trouble
            }
        }
    }

    /// The answer, with styles in it if it is text.
    fn answer(&self) -> Result<String, String> {
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
            load(&OsFs, root, Some(&path), &limits)
        });
        let named = self.named_contexts(&options)?;
        let mut after = Build { file, eval, options, context };
        let past = self.past(&path, root.as_deref(), &mut after)?;
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
        let after_graph = after.graph(&named);
        let before_graph = past.build.as_ref().map(|b| b.graph(&named));
        let before = past.build.as_ref().zip(before_graph.as_ref()).map(|(b, g)| b.side(g));
        let side = after.side(&after_graph);
        let mut plan = plan::plan(before.as_ref(), &side);
        let known = Known { mbps: self.bandwidth, ..Known::default() };
        cost::price(&mut plan, &side, &known);
        let target = after.eval.target.map(|index| stage_name(&after.file, index));
        let about =
            About { dockerfile: name, context, target, engine: "buildkit".to_owned(), before: past.name };
        Ok(match self.format {
            // Strings, numbers and lists of them: nothing that serialization could refuse.
            Format::Json => serde_json::to_string_pretty(&to_json(&plan, &about)).unwrap_or_default() + "\n",
            Format::Text => to_text(&plan, &about, output::width()),
        })
    }

    /// The Dockerfile that was named, or the one that docker would take.
    fn dockerfile(&self) -> Result<PathBuf, String> {
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
    fn past(&self, path: &Path, root: Option<&Path>, after: &mut Build) -> Result<Past, String> {
        let changed = self.changed(root)?;
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
        let (file, context, mut name) = match &self.since {
            Some(rev) => {
                let found = self.at_revision(rev, path, root, after);
                let (file, context) = found.map_err(|e| format!("--since {rev}: {e}"))?;
                (file, context, rev.clone())
            }
            None if given => {
                let (file, context) = self.given(path, root, after)?;
                (Some(file), context, self.given_name())
            }
            None if !changed.is_empty() => {
                (Some(after.file.clone()), after.context.clone(), "the same build".to_owned())
            }
            None => match self.at_revision("HEAD", path, root, after) {
                Ok((file, context)) => (file, context, "HEAD".to_owned()),
                Err(error) => (None, None, cold(&error.to_string())),
            },
        };
        if file.is_none() && !name.starts_with("nothing") {
            name = cold(&format!("{name} has no {}", shown(path)));
        }
        if !changed.is_empty() {
            name = format!("{name} before {} changed", changed.join(", "));
        }
        if let Some(context) = &mut after.context
            && !changed.is_empty()
        {
            *context = with_changed(context, &changed);
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
            name = cold(&format!("{name} could not be built: {reason}"));
        }
        Ok(Past { build, name })
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

    /// The paths that `--changed` names, relative to the context.
    fn changed(&self, root: Option<&Path>) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        for path in &self.changed {
            let Some(root) = root else {
                return Err(format!(
                    "--changed {}: the build context is not known; give --context",
                    path.display()
                ));
            };
            let in_context = root.join(path);
            let below = |path: &Path| below_root(root, path);
            let exists = |path: &Path| OsFs.metadata(path).is_ok();
            // A path is one of the context; one that is not there may be meant from here.
            let relative = match below(&in_context) {
                Some(relative) if path.is_absolute() || exists(&in_context) || !exists(path) => {
                    Some(relative)
                }
                relative => below(path).or(relative),
            };
            match relative {
                Some(relative) => found.push(relative),
                None => {
                    return Err(format!(
                        "--changed {}: not in the build context {}",
                        path.display(),
                        root.display()
                    ));
                }
            }
        }
        Ok(found)
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
    context.entries.iter().filter(|(_, e)| e.kind == EntryKind::File).map(|(p, e)| (p.as_ref(), e.size))
}

/// Gives the Dockerfile in the context the bytes of this one.
fn put_dockerfile(context: &mut Context, file: &File) {
    let Some(path) = context.dockerfile.clone() else { return };
    if context.get(&path).is_none_or(|e| e.kind != EntryKind::File) {
        return;
    }
    let text: String = file.parsed().text().chunks().collect();
    if let Some(entry) = Arc::make_mut(&mut context.entries).get_mut(path.as_str()) {
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
