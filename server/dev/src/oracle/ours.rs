//! What Layerwise makes of a case's folder: the same files as the engine gets, read by the product's own loader.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use layerwise_analysis::plan::{self, Cache, Contents, Known, Moved, Plan, Side};
use layerwise_host::context::{Limits, fingerprint, load};
use layerwise_host::fs::OsFs;
use layerwise_host::read::read_dockerfile;
use layerwise_model::graph::{Contexts, Graph, graph};
use layerwise_model::images::{ImageConfig, Images, WellKnown};
use layerwise_model::{
    Context, Engine, EntryKind, Evaluation, File, NamedContext, Options, Platform, evaluate,
};
use layerwise_syntax::Parsed;
use serde::{Deserialize, Serialize};

use super::build::dockerfile;
use super::case::Build;

/// What is known of an image, as the engine has it or as it was written down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Config {
    /// `NAME=value`, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// WORKDIR.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub workdir: String,
    /// USER.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// SHELL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<Vec<String>>,
    /// ONBUILD triggers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub onbuild: Vec<String>,
    /// `os/architecture`.
    pub platform: String,
}

/// The images of a case by their normalized references.
#[derive(Clone, Debug, Default)]
pub struct KnownImages(pub BTreeMap<String, Config>);

impl Images for KnownImages {
    fn config(&self, reference: &str, platform: &Platform) -> Option<Arc<ImageConfig>> {
        let Some(known) = self.0.get(reference) else { return WellKnown.config(reference, platform) };
        let pair = |line: &String| {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            (name.to_owned(), value.to_owned())
        };
        Some(Arc::new(ImageConfig {
            env: known.env.iter().map(pair).collect(),
            workdir: known.workdir.clone(),
            user: known.user.clone(),
            shell: known.shell.clone(),
            onbuild: known.onbuild.clone(),
            platform: Platform::parse(&known.platform).ok(),
        }))
    }
}

/// A build as Layerwise sees it.
pub struct Ours {
    /// The Dockerfile.
    pub file: File,
    /// Its evaluation.
    pub eval: Evaluation,
    /// Its graph.
    pub graph: Graph,
    /// Its options.
    pub options: Options,
    context: Context,
}

impl Ours {
    /// Reads a folder as `engine` (`docker 28.5 containerd`) would. An error is what the build would fail with.
    pub fn read(root: &Path, build: &Build, images: &KnownImages, engine: &str) -> Result<Ours, String> {
        let path = root.join(dockerfile(build));
        let source = read_dockerfile(&OsFs, &path).map_err(|e| e.to_string())?;
        let file = File::new(Parsed::new(&source.text));
        let mut options = options(build, root)?;
        options.engine = Engine::parse(engine)?;
        let eval = evaluate(&file, &options, images);
        if let Some(error) = &eval.error {
            return Err(error.clone());
        }
        let context = folder(&root.join(build.context.as_deref().unwrap_or(".")), Some(&path));
        let mut named = BTreeMap::new();
        for (name, what) in &options.contexts {
            if let NamedContext::Dir(dir) = what {
                named.insert(name.clone(), folder(Path::new(dir), None));
            }
        }
        let graph = graph(&file, &eval, &options, Contexts { main: Some(&context), named: Some(&named) });
        Ok(Ours { file, eval, graph, options, context })
    }

    /// This build as one side of a comparison.
    pub fn side(&self) -> Side<'_> {
        let Ours { file, eval, graph, options, context } = self;
        Side { file, eval, graph, context: Some(context), options }
    }

    /// The instruction that makes the same vertex as this one, of several the first.
    pub fn twins(&self, number: usize) -> impl Iterator<Item = usize> {
        let own = self.graph.of_instruction.get(&number).copied();
        self.graph.of_instruction.iter().filter(move |(_, v)| Some(**v) == own).map(|(n, _)| *n)
    }
}

/// The plan for `after` where all of `before` is in the cache.
pub fn plan(before: &[Ours], after: &Ours) -> Plan {
    let mut known = Known::default();
    before.iter().for_each(|build| known.add(&build.graph, &build.eval));
    let last = before.last().map(Ours::side);
    let cache =
        Cache { known: &known, contents: Contents::Local, moved: &Moved::default(), before: last.as_ref() };
    plan::plan_in(&cache, &after.side())
}

/// The options that the client's flags mean.
fn options(build: &Build, root: &Path) -> Result<Options, String> {
    let mut options =
        Options { target: build.target.clone(), build_args: build.args.clone(), ..Options::default() };
    if let Some(platform) = &build.platform {
        options.platform = Platform::parse(platform).map_err(|e| format!("--platform: {e}"))?.normalize();
    }
    for (name, value) in &build.contexts {
        let context = match value.split_once("://") {
            Some(("docker-image", image)) => NamedContext::Image(image.to_owned()),
            Some(_) => NamedContext::Other(value.clone()),
            None => NamedContext::Dir(root.join(value).display().to_string()),
        };
        options.contexts.insert(name.clone(), context);
    }
    Ok(options)
}

/// A folder with the contents of all its files known.
fn folder(root: &Path, dockerfile: Option<&Path>) -> Context {
    let limits = Limits::default();
    let context = load(&OsFs, root, dockerfile, &limits);
    let files = context.entries.iter().filter(|(_, entry)| entry.kind == EntryKind::File);
    let paths: Vec<&str> = files.map(|(path, _)| path).collect();
    fingerprint(&OsFs, root, &context, paths.iter().copied(), &limits)
}
