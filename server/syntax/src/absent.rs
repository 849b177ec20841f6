//! What is known about heredoc terminators that do not exist.
//!
//! A heredoc that never ends is found out by reading the file to its end. Ten thousand of them would read it ten
//! thousand times; so the first failure is remembered, and the second has all lines of the text indexed once.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::lines::trim_newline;
use crate::text::Text;

/// The facts that one run of the lexer gathers.
#[derive(Default)]
pub(crate) struct Absent {
    /// For a delimiter and whether leading tabs count (`<<-`): no line that starts here or behind ends it.
    known: HashMap<(String, bool), usize>,
    /// Whether a search has failed in this run.
    searched: bool,
    /// Where the last line of each content starts.
    last: Option<LastLines>,
}

impl Absent {
    /// Notes that no line that starts at `from` (byte offset in the text) or behind it ends a heredoc `name`.
    pub(crate) fn note(&mut self, name: &str, chomp: bool, from: usize) {
        self.known.insert((name.to_owned(), chomp), from);
    }

    /// As [`Self::note`], after a search that read the text to its end: another one may use the index.
    pub(crate) fn note_search(&mut self, name: &str, chomp: bool, from: usize) {
        self.note(name, chomp, from);
        self.searched = true;
    }

    /// How many bytes were read to make the index.
    pub(crate) fn bytes_read(&self) -> usize {
        self.last.as_ref().map_or(0, |last| last.bytes)
    }

    /// The offset from which on no line is known to end a heredoc `name` whose body starts at `start`: `start` itself
    /// if there is none at all, `usize::MAX` if nothing is known.
    pub(crate) fn from(&mut self, name: &str, chomp: bool, start: usize, text: &Text) -> usize {
        if let Some(&from) = self.known.get(&(name.to_owned(), chomp)) {
            return from.max(start);
        }
        if !self.searched {
            return usize::MAX;
        }
        let last = self.last.get_or_insert_with(|| LastLines::new(text));
        if last.may_exist(name, chomp, start) { usize::MAX } else { start }
    }
}

/// The start of the last line of each content in a text, by the content's hash: a collision can only make a search
/// longer, never wrong.
struct LastLines {
    state: RandomState,
    plain: HashMap<u64, usize>,
    chomped: HashMap<u64, usize>,
    bytes: usize,
}

impl LastLines {
    fn new(text: &Text) -> LastLines {
        let mut lines = LastLines {
            state: RandomState::new(),
            plain: HashMap::new(),
            chomped: HashMap::new(),
            bytes: text.len(),
        };
        let whole = text.to_string();
        let mut start = 0;
        for line in whole.split_inclusive('\n') {
            let content = trim_newline(line);
            lines.plain.insert(lines.state.hash_one(content), start);
            lines.chomped.insert(lines.state.hash_one(content.trim_start_matches('\t')), start);
            start += line.len();
        }
        lines
    }

    fn may_exist(&self, name: &str, chomp: bool, from: usize) -> bool {
        let lines = if chomp { &self.chomped } else { &self.plain };
        lines.get(&self.state.hash_one(name)).is_some_and(|&at| at >= from)
    }
}
