//! `cargo dev gen`: writes the files that are made from others.

use std::path::Path;

use crate::rules_docs;

/// `cargo dev gen`.
#[derive(clap::Args)]
#[command(about = "Write the generated files: docs/rules/*.md")]
pub(crate) struct Generate {
    /// Write nothing; fail if something is out of date.
    #[arg(long)]
    check: bool,
}

impl Generate {
    /// # Errors
    /// What cannot be written; with `--check`, what is out of date.
    pub(crate) fn run(&self) -> Result<(), String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut stale = Vec::new();
        for (path, text) in rules_docs::pages() {
            let file = root.join(&path);
            if std::fs::read_to_string(&file).is_ok_and(|old| old == text) {
                continue;
            }
            if !self.check {
                let folder = file.parent().unwrap_or(&root);
                let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text));
                written.map_err(|error| format!("{path}: {error}"))?;
                println!("{path}");
            }
            stale.push(path);
        }
        match stale.is_empty() || !self.check {
            true => Ok(()),
            false => Err(format!("out of date, run `cargo dev gen`: {}", stale.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Generate;

    #[test]
    fn generated_files_are_up_to_date() {
        assert_eq!(Generate { check: true }.run(), Ok(()));
    }
}
