//! How far a long run is, on a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Files from which on it is worth saying.
const MANY: usize = 50;
/// How often the line is written anew.
const EVERY: Duration = Duration::from_millis(100);

/// A line on stderr that is written over, where stderr is a terminal.
pub(crate) struct Progress {
    all: usize,
    done: usize,
    enabled: bool,
    written: Option<Instant>,
}

impl Progress {
    /// Of `all` files.
    pub(crate) fn new(all: usize) -> Progress {
        let enabled = all >= MANY && io::stderr().is_terminal();
        Progress { all, done: 0, enabled, written: None }
    }

    /// Whether the line is ever shown, so that other output must not be held back.
    pub(crate) fn is_shown(&self) -> bool {
        self.enabled
    }

    /// Another file is done.
    pub(crate) fn step(&mut self) {
        self.done += 1;
        if self.enabled && self.written.is_none_or(|at| at.elapsed() >= EVERY) {
            let _ = write!(io::stderr(), "\r\x1b[K{} of {} files", self.done, self.all);
            self.written = Some(Instant::now());
        }
    }

    /// Takes the line away, before anything else is written.
    pub(crate) fn clear(&mut self) {
        if self.enabled && self.written.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
