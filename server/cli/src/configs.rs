//! The configurations of one run: each is read once, whoever asks.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use layerwise_analysis::config::{Config, FILE_NAME, Settled};
use layerwise_host::config::{nearest, read, relative};
use layerwise_host::context::lexical;
use layerwise_host::fs::OsFs;
use layerwise_render::place::Lines;

use crate::output::shown;

type Read = Result<Arc<Config>, String>;

/// Which configuration is read.
#[derive(clap::Args, Clone, Default)]
pub(crate) struct ConfigFlags {
    /// The configuration [default: the nearest layerwise.toml in each Dockerfile's folder or above]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Look for no configuration
    #[arg(long, conflicts_with = "config")]
    no_config: bool,
}

impl ConfigFlags {
    /// Where these flags say that configurations come from.
    pub(crate) fn configs(&self) -> Configs {
        Configs::new(self.config.clone(), self.no_config)
    }
}

/// Where configurations come from.
pub(crate) struct Configs {
    /// The one for all files.
    given: Option<PathBuf>,
    /// Whether none is looked for.
    none: bool,
    by_file: Mutex<HashMap<PathBuf, Read>>,
    /// The nearest configuration of a folder.
    by_folder: Mutex<HashMap<PathBuf, Option<PathBuf>>>,
}

/// What a configuration says of one file.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) settled: Settled,
    /// The build context.
    pub(crate) context: Option<PathBuf>,
}

impl Configs {
    fn new(given: Option<PathBuf>, none: bool) -> Configs {
        Configs { given, none, by_file: Mutex::default(), by_folder: Mutex::default() }
    }

    /// What is configured for a Dockerfile. The error is a message for the user, a line for each problem.
    pub(crate) fn of(&self, dockerfile: &Path) -> Result<Told, String> {
        let Some(path) = self.path(dockerfile) else { return Ok(Told::default()) };
        let config = {
            let mut known = self.by_file.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(path.clone()).or_insert_with(|| load(&path).map(Arc::new)).clone()
        }?;
        let settled = config.of(relative(&path, dockerfile).as_deref());
        let context =
            settled.context.as_ref().map(|dir| lexical(&lexical(&path).with_file_name("").join(dir)));
        Ok(Told { settled, context })
    }

    fn path(&self, dockerfile: &Path) -> Option<PathBuf> {
        if self.none || self.given.is_some() {
            return self.given.clone();
        }
        let folder = lexical(dockerfile).parent()?.to_path_buf();
        let mut known = self.by_folder.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(folder).or_insert_with(|| nearest(&OsFs, dockerfile, FILE_NAME)).clone()
    }
}

/// Reads a configuration; any problem is an error.
fn load(path: &Path) -> Result<Config, String> {
    let name = near(path);
    let text = read(&OsFs, path).map_err(|message| format!("{name}: {message}"))?;
    let (config, problems) = Config::parse(&text);
    if problems.is_empty() {
        return Ok(config);
    }
    let lines = Lines::new(&text);
    let said: Vec<String> = problems
        .iter()
        .map(|problem| {
            let place = lines.place(problem.range.start);
            format!("{name}:{}:{}: {}", place.line, place.column, problem.message)
        })
        .collect();
    Err(said.join("\n"))
}

/// A path as the user would name it from here.
fn near(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf));
    shown(below.as_deref().unwrap_or(path))
}
