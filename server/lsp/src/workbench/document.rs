//! One open document: its parse, and what the views of it share.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use layerwise_analysis::{Checker, plan};
use layerwise_host::read::{MAX_DOCKERFILE, MAX_LINES};
use layerwise_model::{Context, Evaluation, Options};
use layerwise_syntax::text::Text;
use layerwise_syntax::{Document as Syntax, Parsed};

use super::Shared;
use super::baseline::{Known, Past, Pasts, Start};
use super::build::{Build, with_dockerfile};
use super::looks::Looks;
use super::planned::Planned;
use super::view::{TooLong, View};
use crate::engine::{Analysis, Document};

/// An open document.
pub(crate) struct Buffer {
    content: Content,
    /// When it was last edited.
    edited: Option<Instant>,
    own: Arc<Own>,
}

/// What the views of a document share.
pub(crate) struct Own {
    pub(crate) shared: Arc<Shared>,
    pub(crate) path: Option<PathBuf>,
    pub(crate) opened: Mutex<Opened>,
    pub(crate) start: Mutex<Start>,
    pub(crate) known: Arc<Mutex<Known>>,
    /// What the last view's check computed, for the next one.
    pub(crate) checker: Mutex<Checker>,
    /// The last view's evaluation, with all stages, for the next one.
    pub(crate) evaluation: Mutex<Option<Arc<Evaluation>>>,
    pub(crate) plans: Mutex<Plans>,
    pub(crate) given: Mutex<Given>,
}

/// What an open document holds.
enum Content {
    Parsed(Box<Syntax>),
    /// Longer than what the command line reads ([`MAX_LINES`], [`MAX_DOCKERFILE`]): no Dockerfile of a person's, and it
    /// would cost gigabytes. It is kept and not parsed.
    TooLong(Text),
}

/// The state when the file was opened.
pub(crate) enum Opened {
    /// The file on disk, to be read when it is first needed: nothing reads under the session's lock. Holds the text that
    /// the editor opened.
    OnDisk(Parsed),
    /// The file as it was read then.
    Known(Parsed),
}

/// What the last view's plan computed, for the next one.
#[derive(Default)]
pub(crate) struct Plans {
    pub(crate) last: Option<Arc<Planned>>,
    before: Option<Before>,
}

/// The builds before, and what they were made of.
struct Before {
    pasts: Pasts,
    now: Option<Arc<Context>>,
    options: Options,
    found: Arc<Ran>,
}

/// Builds that ran: the last one, by which causes are told, if more than its keys are known, and what all of them left in
/// the cache.
pub(crate) struct Ran {
    pub(crate) last: Option<Build>,
    pub(crate) known: plan::Known,
}

impl Plans {
    /// The builds before, computed once for all edits. `now` and `options` are today's, which count where the past says
    /// nothing.
    pub(crate) fn before(
        &mut self,
        pasts: &Pasts,
        now: Option<&Arc<Context>>,
        options: &Options,
    ) -> Arc<Ran> {
        let same_context = |kept: &Option<Arc<Context>>| match (kept, now) {
            (Some(kept), Some(now)) => Arc::ptr_eq(kept, now),
            (None, None) => true,
            _ => false,
        };
        if let Some(kept) = &self.before
            && kept.pasts.is_same(pasts)
            && same_context(&kept.now)
            && kept.options == *options
        {
            return Arc::clone(&kept.found);
        }
        let build = |past: &Arc<Past>| {
            let context = past.context.as_ref().or(now).cloned();
            let context = context.map(|context| with_dockerfile(context, &past.file));
            let asked = past.options.as_ref().unwrap_or(options).clone();
            Build::new(past.file.clone(), asked, context, None)
        };
        let last = pasts.last.as_ref().map(build);
        let mut known = plan::Known::default();
        for build in last.iter().chain(&pasts.others.iter().map(build).collect::<Vec<_>>()) {
            known.add(&build.graph, &build.eval);
        }
        for kept in pasts.kept.iter().flat_map(|learnt| &learnt.builds) {
            known.extend(&kept.built.rows);
        }
        let found = Arc::new(Ran { last, known });
        self.before = Some(Before {
            pasts: pasts.clone(),
            now: now.cloned(),
            options: options.clone(),
            found: Arc::clone(&found),
        });
        found
    }
}

/// What the client was given last, of each kind; `None` as long as it did not ask.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) hints: Option<Arc<Looks>>,
    pub(crate) lenses: Option<Arc<Looks>>,
    pub(crate) diagnostics: Option<Arc<Looks>>,
    /// The last that was computed of a text that can be built, and of which plan.
    pub(crate) good: Option<(Arc<Planned>, Arc<Looks>)>,
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
        let own = Own {
            known: shared.known(path),
            shared,
            path: path.map(Path::to_path_buf),
            opened: Mutex::new(Opened::OnDisk(opened)),
            start: Mutex::default(),
            checker: Mutex::default(),
            evaluation: Mutex::default(),
            plans: Mutex::default(),
            given: Mutex::default(),
        };
        Buffer { content, edited: None, own: Arc::new(own) }
    }
}

impl Document for Buffer {
    fn edit(&mut self, range: Range<usize>, new: &str) {
        self.edited = Some(Instant::now());
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
        let mut opened = self.own.opened.lock().unwrap_or_else(PoisonError::into_inner);
        // What the file held when it was opened is no longer on the disk; the editor's text is the nearest to it.
        if let Opened::OnDisk(parsed) = &*opened {
            *opened = Opened::Known(parsed.clone());
        }
    }

    fn view(&mut self) -> Arc<dyn Analysis> {
        match &self.content {
            Content::Parsed(syntax) => {
                Arc::new(View::new(Arc::clone(&self.own), syntax.parsed().clone(), self.edited))
            }
            Content::TooLong(_) => Arc::new(TooLong),
        }
    }
}
