//! Stdout and stderr: a reader that goes away is no error, and nothing here panics.

use std::io::{self, Write};
use std::path::Path;

use crate::status::Status;

/// The output formats that most commands have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Stdout.
pub(crate) struct Out {
    stdout: Box<dyn Write>,
    /// Why nothing more is written.
    ended: Option<io::Error>,
    styled: bool,
}

impl Out {
    /// Stdout as it is.
    pub(crate) fn new() -> Out {
        let stdout = io::stdout();
        let styled = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
        // The adapter translates for consoles that know no escapes; without escapes it would only cost time.
        let stdout: Box<dyn Write> =
            if styled { Box::new(anstream::AutoStream::auto(stdout)) } else { Box::new(stdout) };
        Out { stdout: Box::new(io::BufWriter::with_capacity(64 << 10, stdout)), ended: None, styled }
    }

    /// Whether ANSI escapes are wanted: a terminal that knows them, and no NO_COLOR.
    pub(crate) fn styled(&self) -> bool {
        self.styled
    }

    /// Writes a text. Once the reader has gone, does nothing.
    pub(crate) fn write(&mut self, text: &str) {
        if self.ended.is_none() {
            self.ended = self.stdout.write_all(text.as_bytes()).err();
        }
    }

    /// Writes a text with ANSI escapes, which are left out where they are not wanted.
    pub(crate) fn write_styled(&mut self, text: &str) {
        if self.styled {
            self.write(text);
        } else {
            self.write(&anstream::adapter::strip_str(text).to_string());
        }
    }

    /// Hands on what was written so far.
    pub(crate) fn flush(&mut self) {
        if self.ended.is_none() {
            self.ended = self.stdout.flush().err();
        }
    }

    /// Whether there is no point in writing any more.
    pub(crate) fn ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Writes what is left. `status`, unless the output could not be written (a full disk, say; not a reader that has
    /// seen enough, as `head` has).
    pub(crate) fn finish(mut self, status: Status) -> Status {
        if self.ended.is_none() {
            self.ended = self.stdout.flush().err();
        }
        match self.ended {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                complain(&format!("stdout: cannot be written: {error}"));
                Status::Trouble
            }
            _ => status,
        }
    }
}

/// The columns of the terminal; 100 where there is none.
pub(crate) fn width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).filter(|c| *c > 0);
    told.or_else(|| terminal_size::terminal_size().map(|(width, _)| width.0.into())).unwrap_or(100)
}

/// Says on stderr what went wrong: what, where, and what to do about it.
pub(crate) fn complain(message: &str) {
    // Nobody is left to tell if stderr is closed.
    let _ = writeln!(io::stderr(), "layerwise: error: {}", printable(message));
}

/// Says on stderr what the user should know.
pub(crate) fn note(message: &str) {
    let _ = writeln!(io::stderr(), "layerwise: warning: {}", printable(message));
}

/// Says on stderr how it went.
pub(crate) fn say(message: &str) {
    let _ = writeln!(io::stderr(), "{}", printable(message));
}

/// The text without characters that drive a terminal: paths can hold any.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// A path as messages and JSON name it: as the user gave it, `./` in front gone.
pub(crate) fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    match text.strip_prefix("./") {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') => rest.to_owned(),
        _ => text.into_owned(),
    }
}
