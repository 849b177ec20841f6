//! `cargo dev gen`: the files that are made from others.

use std::error::Error;
use std::path::Path;

use layerwise_dev::generate;

/// Write the copies of queries/ and editors/visualizer/ that crates and editors ship, the rules' pages and the schema of layerwise.toml
#[derive(clap::Args)]
pub(crate) struct Gen {
    /// Write nothing; fail if a file is not what it should be
    #[arg(long)]
    check: bool,
}

impl Gen {
    pub(crate) fn run(&self) -> Result<(), Box<dyn Error>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let stale = generate::stale(&root)?;
        if self.check && !stale.is_empty() {
            let paths: Vec<String> = stale.iter().map(|file| file.path.display().to_string()).collect();
            return Err(format!("not up to date, run `cargo dev gen`: {}", paths.join(", ")).into());
        }
        for file in &stale {
            file.write(&root)?;
            println!("wrote {}", file.path.display());
        }
        Ok(())
    }
}
