//! `layerwise.toml`, over which the settings of the editor win.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use layerwise_analysis::config::{Config, FILE_NAME};
use layerwise_host::config::{nearest, read, relative};
use layerwise_host::context::lexical;
use layerwise_host::fs::{ContextFs, Stamp};
use layerwise_render::place::Lines;

use super::settings::Settings;

/// Of how many configurations the text is kept.
const MAX_KEPT: usize = 256;

/// The configurations that documents have.
#[derive(Default)]
pub(crate) struct Configs {
    read: Mutex<HashMap<PathBuf, Arc<Kept>>>,
}

/// One as it was read.
struct Kept {
    /// When it was written last, and its size; what tells nothing of a change is read again.
    stamp: (Stamp, u64),
    config: Config,
    /// What is wrong with it, each with its place.
    problems: Vec<String>,
}

impl Configs {
    /// The files that are in use, to be watched.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// The settings for a Dockerfile: those of the editor over what the nearest configuration says. Also whether a
    /// configuration is in use that was not before. Costs a look at each folder above, and no reading as long as the file
    /// stays as it is.
    pub(crate) fn settle(
        &self,
        fs: &dyn ContextFs,
        given: &Arc<Settings>,
        dockerfile: Option<&Path>,
    ) -> (Arc<Settings>, bool) {
        let found = dockerfile.and_then(|path| Some((path, nearest(fs, path, FILE_NAME)?)));
        let Some((dockerfile, path)) = found else { return (Arc::clone(given), false) };
        let (kept, new) = self.kept(fs, &path);
        let said = kept.config.of(relative(&path, dockerfile).as_deref());
        let mut settings = Settings::clone(given);
        settings.selection = given.selection.over(&said.selection);
        settings.options.target = given.options.target.clone().or(said.target);
        let folder = lexical(&path).with_file_name("");
        settings.context_root = said.context.map(|dir| lexical(&folder.join(dir)));
        settings.problems.clone_from(&kept.problems);
        (Arc::new(settings), new)
    }

    fn kept(&self, fs: &dyn ContextFs, path: &Path) -> (Arc<Kept>, bool) {
        let stamp = fs.metadata(path).map_or((Stamp::UNKNOWN, 0), |m| (m.stamp, m.size));
        let mut all = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = all.get(path)
            && kept.stamp == stamp
            && stamp.0 != Stamp::UNKNOWN
        {
            return (Arc::clone(kept), false);
        }
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let (config, problems) = match read(fs, path) {
            Err(message) => (Config::default(), vec![format!("{name}: {message}.")]),
            Ok(text) => {
                let (config, problems) = Config::parse(&text);
                let lines = Lines::new(&text);
                let said = problems.iter().map(|problem| {
                    let place = lines.place(problem.range.start);
                    format!("{name}:{}:{}: {}", place.line, place.column, problem.message)
                });
                (config, said.collect())
            }
        };
        if all.len() >= MAX_KEPT {
            all.clear();
        }
        let kept = Arc::new(Kept { stamp, config, problems });
        let new = all.insert(path.to_path_buf(), Arc::clone(&kept)).is_none();
        (kept, new)
    }
}
