//! `layerwise forget`: away with what was learnt.

use std::path::PathBuf;

use layerwise_host::learnt::Store;

use crate::output::{Out, complain, shown};
use crate::status::{self, Status};

/// Remove what was learnt from build logs
///
/// Of one Dockerfile, which need not exist any more, or of all.
#[derive(clap::Args)]
#[command(after_help = status::HELP)]
pub(crate) struct Forget {
    /// The Dockerfile [default: ./Dockerfile]
    #[arg(value_name = "DOCKERFILE", conflicts_with = "all")]
    dockerfile: Option<PathBuf>,
    /// Of every Dockerfile
    #[arg(long)]
    all: bool,
}

impl Forget {
    pub(crate) fn run(self) -> Status {
        match self.forget() {
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

    fn forget(&self) -> Result<String, String> {
        let nothing = || "nothing was learnt, so there is nothing to forget\n".to_owned();
        let Some(store) = Store::user() else { return Ok(nothing()) };
        if self.all {
            let count = store.forget_all().map_err(|error| format!("cannot be removed: {error}"))?;
            let files = if count == 1 { "1 Dockerfile".to_owned() } else { format!("{count} Dockerfiles") };
            return Ok(if count == 0 { nothing() } else { format!("forgot what was learnt of {files}\n") });
        }
        let path = self.dockerfile.clone().unwrap_or_else(|| PathBuf::from("Dockerfile"));
        let removed = store
            .forget(&path)
            .map_err(|error| format!("{}: cannot be removed: {error}", store.file(&path).display()))?;
        let name = shown(&path);
        Ok(match removed {
            true => format!("{name}: forgot what was learnt\n"),
            false => format!("{name}: {}", nothing()),
        })
    }
}
