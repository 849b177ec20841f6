//! A document in which somebody types.

use layerwise_syntax::{Document, Parsed};

/// Types a letter at the end of a `RUN` in the middle of a file, deletes it, types it, and so on.
pub(crate) struct Typist {
    document: Document,
    /// The state before the edit, kept as the server keeps it while it still answers for it.
    before: Parsed,
    at: usize,
    typed: bool,
}

impl Typist {
    pub(crate) fn new(lines: usize) -> Typist {
        let text = layerwise_bench::dockerfile(lines, 1);
        let document = Document::new(&text);
        let before = document.parsed().clone();
        Typist { document, before, at: layerwise_bench::typing_place(&text), typed: false }
    }

    /// One keystroke: the state after it.
    pub(crate) fn press(&mut self) -> Parsed {
        self.before = self.document.parsed().clone();
        let (range, new) = match self.typed {
            true => (self.at..self.at + 1, ""),
            false => (self.at..self.at, "x"),
        };
        self.document.edit(range, new).expect("the place is in the text");
        self.typed = !self.typed;
        self.document.parsed().clone()
    }
}
