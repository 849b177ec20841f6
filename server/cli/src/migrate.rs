//! `layerwise migrate`: another tool's configuration as layerwise.toml.

use std::path::{Path, PathBuf};

use layerwise_analysis::config::FILE_NAME;
use layerwise_analysis::migrate::{from_hadolint, from_tally};
use layerwise_host::config::read;
use layerwise_host::fs::OsFs;

use crate::output::{Out, complain, shown};
use crate::status::{self, Status};
use crate::write::write_file;

/// Where the tools look for their configurations, in this order.
const NAMES: [&str; 4] = [".hadolint.yaml", ".hadolint.yml", ".tally.toml", "tally.toml"];

/// Make a layerwise.toml of a configuration of hadolint or tally
///
/// It is printed, or written beside the file with --write. What has no counterpart is named in a comment.
#[derive(clap::Args)]
#[command(after_help = status::HELP)]
pub(crate) struct Migrate {
    /// The configuration [default: .hadolint.yaml, .hadolint.yml, .tally.toml or tally.toml in this folder]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Write layerwise.toml into the folder of the file; one that is there stays
    #[arg(long)]
    write: bool,
}

impl Migrate {
    pub(crate) fn run(self) -> Status {
        match self.migrate() {
            Ok(text) => {
                let mut out = Out::new();
                out.write(&text);
                out.finish(Status::Good)
            }
            Err(message) => {
                complain(&message);
                Status::Trouble
            }
        }
    }

    fn migrate(&self) -> Result<String, String> {
        let path = match &self.file {
            Some(path) => path.clone(),
            None => NAMES.iter().map(PathBuf::from).find(|path| path.is_file()).ok_or_else(|| {
                format!("there is none of {} in this folder; name the file", NAMES.join(", "))
            })?,
        };
        let name = shown(&path);
        let text = read(&OsFs, &path).map_err(|message| format!("{name}: {message}"))?;
        let is_toml = path.extension().is_some_and(|extension| extension == "toml");
        let made = if is_toml { from_tally(&text) } else { from_hadolint(&text) };
        let made = made.map_err(|message| format!("{name}: {message}"))?;
        if !self.write {
            return Ok(made);
        }
        let target = path.parent().unwrap_or(Path::new("")).join(FILE_NAME);
        let target_name = shown(&target);
        if target.symlink_metadata().is_ok() {
            return Err(format!("{target_name}: not written, since it is there already"));
        }
        write_file(&target, &made).map_err(|message| format!("{target_name}: {message}"))?;
        Ok(format!("{target_name}: made from {name}\n"))
    }
}
