//! What the exit status says.

use std::process::ExitCode;

/// The part of the help that every command ends with.
pub(crate) const HELP: &str = "\
Exit status:
  0  done, and nothing found that fails the run
  1  `check` found something at or above --fail-on, or more warnings than --max-warnings; `fix` without --write
     has something to fix
  2  something could not be done: wrong usage, a file that cannot be read, a change that is not offered

Results go to stdout, everything else to stderr. Colours are for terminals only, and off with NO_COLOR.";

/// How a command ended; the worse of two wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// Done.
    Good,
    /// Findings that fail the run.
    Findings,
    /// Something that was asked for could not be done.
    Trouble,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        match status {
            Status::Good => ExitCode::SUCCESS,
            Status::Findings => ExitCode::from(1),
            Status::Trouble => ExitCode::from(2),
        }
    }
}
