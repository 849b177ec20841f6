//! One open document: its parse, and the state of its file that the hints compare with.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use layerwise_analysis::Checker;
use layerwise_model::Evaluation;
use layerwise_syntax::text::Text;
use layerwise_syntax::{Document as Syntax, Parsed};

use super::Shared;
use super::view::View;
use crate::engine::{Analysis, Document};

/// An open document.
pub(crate) struct Buffer {
    shared: Arc<Shared>,
    path: Option<PathBuf>,
    syntax: Syntax,
    saved: Arc<Mutex<Saved>>,
    memory: Arc<Mutex<Memory>>,
}

/// The text that the hints compare with.
pub(crate) enum Saved {
    /// The file on disk, to be read when it is first needed: nothing reads under the session's lock.
    OnDisk(Parsed),
    /// The file as it was last read or saved.
    Known(Parsed),
}

/// What the last view computed, for the next one.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) checker: Checker,
    pub(crate) evaluation: Option<Evaluation>,
}

impl Buffer {
    pub(crate) fn open(shared: Arc<Shared>, text: &Text, path: Option<&Path>) -> Buffer {
        let syntax = Syntax::new(&text.to_string());
        let opened = syntax.parsed().clone();
        Buffer {
            shared,
            path: path.map(Path::to_path_buf),
            syntax,
            saved: Arc::new(Mutex::new(Saved::OnDisk(opened))),
            memory: Arc::default(),
        }
    }
}

impl Document for Buffer {
    fn edit(&mut self, range: Range<usize>, new: &str) {
        if self.syntax.edit(range, new).is_err() {
            // The session guards the text and has checked the range; a parse that does not fit it must not live on.
            unreachable!("the session only passes edits that fit");
        }
    }

    fn saved(&mut self) {
        self.saved = Arc::new(Mutex::new(Saved::Known(self.syntax.parsed().clone())));
    }

    fn view(&mut self) -> Arc<dyn Analysis> {
        Arc::new(View::new(
            Arc::clone(&self.shared),
            self.path.clone(),
            self.syntax.parsed().clone(),
            Arc::clone(&self.saved),
            Arc::clone(&self.memory),
        ))
    }
}
