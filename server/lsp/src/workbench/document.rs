//! One open document: its parse, and the state of its file that the hints compare with.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use layerwise_analysis::Checker;
use layerwise_host::read::{MAX_DOCKERFILE, MAX_LINES};
use layerwise_model::Evaluation;
use layerwise_syntax::text::Text;
use layerwise_syntax::{Document as Syntax, Parsed};

use super::Shared;
use super::view::{TooLong, View};
use crate::engine::{Analysis, Document};

/// An open document.
pub(crate) struct Buffer {
    shared: Arc<Shared>,
    path: Option<PathBuf>,
    content: Content,
    saved: Arc<Mutex<Saved>>,
    memory: Arc<Mutex<Memory>>,
}

/// What an open document holds.
enum Content {
    Parsed(Box<Syntax>),
    /// Longer than what the command line reads ([`MAX_LINES`], [`MAX_DOCKERFILE`]): no Dockerfile of a person's, and it
    /// would cost gigabytes. It is kept and not parsed.
    TooLong(Text),
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

fn too_long(text: &Text) -> bool {
    text.len() as u64 > MAX_DOCKERFILE || text.line_count() > MAX_LINES
}

impl Content {
    fn of(text: &Text) -> Content {
        if too_long(text) {
            Content::TooLong(text.clone())
        } else {
            Content::Parsed(Box::new(Syntax::new(&text.to_string())))
        }
    }
}

impl Buffer {
    pub(crate) fn open(shared: Arc<Shared>, text: &Text, path: Option<&Path>) -> Buffer {
        let content = Content::of(text);
        let opened = match &content {
            Content::Parsed(syntax) => syntax.parsed().clone(),
            Content::TooLong(_) => Parsed::new(""),
        };
        Buffer {
            shared,
            path: path.map(Path::to_path_buf),
            content,
            saved: Arc::new(Mutex::new(Saved::OnDisk(opened))),
            memory: Arc::default(),
        }
    }
}

impl Document for Buffer {
    fn edit(&mut self, range: Range<usize>, new: &str) {
        let fits = match &mut self.content {
            Content::Parsed(syntax) => syntax.edit(range, new).is_ok(),
            Content::TooLong(text) => text.replace(range, new).is_ok(),
        };
        // The session has checked the range against its own text. It catches the panic and parses anew at the next edit:
        // a parse of another text must not live on.
        assert!(fits, "the session only passes edits that fit");
        let other = match &self.content {
            Content::Parsed(syntax) if too_long(syntax.parsed().text()) => {
                Some(syntax.parsed().text().clone())
            }
            Content::TooLong(text) if !too_long(text) => Some(text.clone()),
            _ => None,
        };
        if let Some(text) = other {
            self.content = Content::of(&text);
        }
    }

    fn saved(&mut self) {
        if let Content::Parsed(syntax) = &self.content {
            self.saved = Arc::new(Mutex::new(Saved::Known(syntax.parsed().clone())));
        }
    }

    fn view(&mut self) -> Arc<dyn Analysis> {
        match &self.content {
            Content::Parsed(syntax) => Arc::new(View::new(
                Arc::clone(&self.shared),
                self.path.clone(),
                syntax.parsed().clone(),
                Arc::clone(&self.saved),
                Arc::clone(&self.memory),
            )),
            Content::TooLong(_) => Arc::new(TooLong),
        }
    }
}
