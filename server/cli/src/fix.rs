//! `layerwise fix`: every fix of many files, as a diff or written.

use std::path::PathBuf;

use layerwise_analysis::fix_all::Fixed;
use layerwise_host::read::Source;
use layerwise_render::diff;

use crate::lint::{Linter, Rules, Target, notes, targets};
use crate::output::{Out, complain, note, shown};
use crate::parallel::in_order;
use crate::status::{self, Status};
use crate::write::replace_file;

/// Apply every fix: print the diff, or write the files
///
/// Fixes are applied one after another until none is left, in the order of the text: always with the same result. Only
/// those are applied that leave the built image the same, unless --unsafe asks for suggestions too. A file is written
/// as a whole or not at all, and only with --write.
#[derive(clap::Args)]
#[command(after_help = status::HELP)]
pub(crate) struct FixAll {
    /// Dockerfiles, and folders to search for them; `-` for standard input
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Apply suggestions too, which change what is built: look at the diff
    #[arg(long = "unsafe")]
    suggestions: bool,
    /// Print the diff; this is the default
    #[arg(long, conflicts_with = "write")]
    diff: bool,
    /// Write the files; the text of standard input goes to standard output
    #[arg(long)]
    write: bool,
    /// The name of the file whose text comes from standard input
    #[arg(long, value_name = "PATH")]
    stdin_filename: Option<PathBuf>,
    #[command(flatten)]
    rules: Rules,
}

impl FixAll {
    pub(crate) fn run(self) -> Status {
        let (files, mut status) = targets(&self.paths, self.stdin_filename.as_deref());
        let linter = match Linter::new(&self.rules, &files) {
            Ok(linter) => linter,
            Err(message) => {
                complain(&message);
                return Status::Trouble;
            }
        };
        let mut out = Out::new();
        let (mut fixes, mut changed, mut looked) = (0, 0, 0);
        in_order(
            &files,
            |target| linter.fix(target, self.suggestions),
            |target, result| {
                let done = result.unwrap_or_else(|| {
                    Err(format!("{}: an error in layerwise itself; please report it", target.path.display()))
                });
                match done.and_then(|(source, fixed)| self.one(target, &source, &fixed, &mut out)) {
                    Ok(count) => {
                        looked += 1;
                        fixes += count;
                        changed += usize::from(count > 0);
                    }
                    Err(message) => {
                        if !message.is_empty() {
                            complain(&message);
                        }
                        status = Status::Trouble;
                    }
                }
                true
            },
        );
        if changed > 0 && !self.write {
            status = status.max(Status::Findings);
        }
        let count = |n: usize, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
        let files = |n: usize| count(n, "file");
        let fixes = if fixes == 1 { "1 fix".to_owned() } else { format!("{fixes} fixes") };
        // Stdout is for the diff, or for the text of standard input.
        let summary = match (changed, self.write) {
            _ if looked == 0 => String::new(),
            (0, _) => format!("Nothing to fix in {}.", files(looked)),
            (n, true) => format!("Applied {fixes} in {n} of {}.", files(looked)),
            (n, false) => format!("{fixes} in {n} of {}; --write applies them.", files(looked)),
        };
        let status = out.finish(status);
        if !summary.is_empty() {
            crate::output::say(&summary);
        }
        status
    }

    /// Shows or writes one file; how many fixes that is. The error is a message for the user.
    fn one(&self, target: &Target, source: &Source, fixed: &Fixed, out: &mut Out) -> Result<usize, String> {
        let name = shown(&target.path);
        notes(target, source).iter().for_each(|n| note(n));
        if !fixed.converged {
            return Err(format!(
                "{name}: left as it is, since its fixes go on making work for each other; please report it"
            ));
        }
        let to_stdout = self.write && target.stdin;
        if fixed.applied.is_empty() {
            if to_stdout {
                out.write(&source.text);
            }
            return Ok(0);
        }
        if !source.is_exact() {
            return Err(format!("{name}: not fixed, since it is not valid UTF-8; save it as UTF-8 first"));
        }
        if to_stdout {
            out.write(&fixed.text);
        } else if self.write {
            replace_file(&target.path, &source.text, &fixed.text)
                .map_err(|message| format!("{name}: {message}"))?;
            for (rule, title) in &fixed.applied {
                out.write(&format!("{name}: {title} ({rule})\n"));
            }
        } else {
            out.write(&diff::unified(&name, &source.text, &fixed.text, out.styled()));
        }
        Ok(fixed.applied.len())
    }
}
