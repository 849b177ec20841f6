//! What the server asks of the analysis: the one seam between the protocol and the rooms below it.
//!
//! Nothing here knows LSP. Offsets are byte offsets from 0 into the document's UTF-8 text, ranges are half-open, titles
//! are plain text, everything called `markdown` is CommonMark. `convert.rs` turns these types into the client's.
//!
//! Three traits, from long-lived to short-lived:
//!
//! * [`Engine`]: one per server. It holds what all documents share (settings, folders, the indexed build contexts).
//! * [`Document`]: one per open document, edited in place under the session's lock. Keep it to edit and incremental parse.
//! * [`Analysis`]: an immutable view of one document at one moment, shared by the requests that run against it on other
//!   threads. All computing happens here. Equal views give equal answers.
//!
//! A method of [`Analysis`] has a default that returns nothing; what an engine really gives it says in [`Features`], and
//! only that is advertised to the client. Any method may panic: the server then answers that one request with an error.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use layerwise_syntax::text::Text;

/// A flag that says that nobody waits for an answer any more. Long work looks at it now and then and gives up; what it
/// then returns is thrown away.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Whether the answer is no longer wanted.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Says that the answer is no longer wanted, to every clone of this flag.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What an engine really does; the server advertises this and nothing else.
#[derive(Debug, Clone, Default)]
pub struct Features {
    /// [`Analysis::diagnostics`].
    pub diagnostics: bool,
    /// [`Analysis::hover`].
    pub hover: bool,
    /// [`Analysis::inlay_hints`].
    pub inlay_hints: bool,
    /// [`Analysis::folding`].
    pub folding: bool,
    /// [`Analysis::selection`].
    pub selection: bool,
    /// [`Analysis::symbols`].
    pub symbols: bool,
    /// The kinds of [`Analysis::code_actions`], as LSP's dotted names (`quickfix`, `refactor.rewrite`); empty: none.
    pub code_action_kinds: Vec<&'static str>,
    /// Globs (LSP's syntax, relative to each workspace folder) of the files whose changes the client shall report
    /// through [`Engine::files_changed`].
    pub watch: Vec<&'static str>,
}

/// What happened to a file outside the editor's documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileEvent {
    /// It is new.
    Created,
    /// Its content changed.
    Changed,
    /// It is gone.
    Deleted,
}

/// The long-lived part; shared between threads, so what it keeps is behind a lock of its own.
pub trait Engine: Send + Sync + 'static {
    /// What this engine gives. Asked once, at `initialize`.
    fn features(&self) -> Features;

    /// A document that the client opened: its text, its file if it has one on disk, and the client's language
    /// identifier (`dockerfile`). Called under the session's lock: parse, do not compute.
    fn open(&self, text: Text, path: Option<&Path>, language_id: &str) -> Box<dyn Document>;

    /// The settings under `layerwise`, as the client sent them; null where it has none. Returns one sentence for each
    /// thing in them that is not understood; they are logged. Views made afterwards use the new settings.
    fn configure(&self, settings: &serde_json::Value) -> Vec<String> {
        let _ = settings;
        Vec::new()
    }

    /// The workspace's folders, at the start and after each change.
    fn folders(&self, folders: &[PathBuf]) {
        let _ = folders;
    }

    /// Files changed on disk, in the order in which the client reported them. Views made afterwards know of it.
    fn files_changed(&self, changes: &[(PathBuf, FileEvent)]) {
        let _ = changes;
    }

    /// Called once, after the handshake: `changed` may be called from any thread whenever something other than a
    /// document changed (a watched context, learnt costs), and makes the server compute and publish anew.
    fn subscribe(&self, changed: Box<dyn Fn() + Send + Sync>) {
        let _ = changed;
    }
}

/// One open document, as an engine keeps it. The session holds the text itself too and guards it: what an engine does
/// wrong here can cost an answer, never the text.
pub trait Document: Send {
    /// Puts `new` in the place of `range`, which lies on character boundaries within the text. A notification with
    /// several changes calls this several times before the next [`Document::view`], so an engine may put off parsing.
    fn edit(&mut self, range: Range<usize>, new: &str);

    /// The text as it is now is what the file on disk holds.
    fn saved(&mut self) {}

    /// The document as it is now, together with the engine's settings and files as they are now. Called under the
    /// session's lock: it may finish a parse that [`Document::edit`] put off, and must not compute anything else.
    fn view(&mut self) -> Arc<dyn Analysis>;
}

/// An immutable view of a document: everything that is computed is asked here, on a thread that may block.
pub trait Analysis: Send + Sync {
    /// All findings, in the order in which they shall be shown.
    fn diagnostics(&self, cancel: &Cancel) -> Vec<Diagnostic> {
        let _ = cancel;
        Vec::new()
    }

    /// The actions that touch `range`. `only`, when given, holds the kinds (or their parents: `refactor` stands for
    /// `refactor.rewrite`) that the client wants; the server filters again, so an engine may ignore it.
    fn code_actions(&self, range: Range<usize>, only: Option<&[String]>, cancel: &Cancel) -> Vec<CodeAction> {
        let _ = (range, only, cancel);
        Vec::new()
    }

    /// The edits of an action that this document offered as `id` for `range` (both as in [`CodeAction`]): they do not
    /// overlap and all refer to this view's text. `None`: it is not offered here (any more).
    fn resolve(&self, id: &str, range: Range<usize>, cancel: &Cancel) -> Option<Vec<Edit>> {
        let _ = (id, range, cancel);
        None
    }

    /// The hints that lie in `range`.
    fn inlay_hints(&self, range: Range<usize>, cancel: &Cancel) -> Vec<InlayHint> {
        let _ = (range, cancel);
        Vec::new()
    }

    /// What there is to say about the place `offset`.
    fn hover(&self, offset: usize, cancel: &Cancel) -> Option<Hover> {
        let _ = (offset, cancel);
        None
    }

    /// What can be folded, each with the range that is hidden apart from its first line.
    fn folding(&self, cancel: &Cancel) -> Vec<Fold> {
        let _ = cancel;
        Vec::new()
    }

    /// The ranges to select around `offset`, from the innermost outwards, each inside the next.
    fn selection(&self, offset: usize, cancel: &Cancel) -> Vec<Range<usize>> {
        let _ = (offset, cancel);
        Vec::new()
    }

    /// The outline.
    fn symbols(&self, cancel: &Cancel) -> Vec<Symbol> {
        let _ = cancel;
        Vec::new()
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The build fails or does the wrong thing.
    Error,
    /// Worth changing.
    Warning,
    /// Worth knowing.
    Information,
    /// Shown only where it is looked for.
    Hint,
}

/// How an editor may draw a finding besides underlining it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// The text has no effect: faded.
    Unnecessary,
    /// The text uses what is deprecated: struck through.
    Deprecated,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is underlined.
    pub range: Range<usize>,
    /// How bad it is.
    pub severity: Severity,
    /// The rule's name.
    pub code: String,
    /// Where the rule is explained: an absolute URL.
    pub url: Option<String>,
    /// What is wrong, in plain text.
    pub message: String,
    /// Other places of the same document that explain it.
    pub related: Vec<Related>,
    /// How else to draw it.
    pub tags: Vec<Tag>,
    /// Whatever the engine wants back with the finding when the client asks for its fixes; null: nothing.
    pub data: serde_json::Value,
}

/// A place that explains a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The place, in the same document.
    pub range: Range<usize>,
    /// What it has to do with the finding, in plain text.
    pub message: String,
}

/// An action that can be offered: everything but its edits, which [`Analysis::resolve`] computes when it is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeAction {
    /// Names the action within its document, together with `range`; given back to [`Analysis::resolve`].
    pub id: String,
    /// The place it acts on; given back to [`Analysis::resolve`].
    pub range: Range<usize>,
    /// What the user reads.
    pub title: String,
    /// LSP's dotted kind, one of [`Features::code_action_kinds`] or below one.
    pub kind: &'static str,
    /// Whether it is the obvious choice among the fixes of its finding.
    pub preferred: bool,
    /// The findings that it repairs.
    pub fixes: Vec<Diagnostic>,
    /// Why it cannot be applied although it belongs here; shown greyed out by clients that can, else left out.
    pub disabled: Option<String>,
}

/// One replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub range: Range<usize>,
    /// What comes in its place.
    pub new_text: String,
}

/// A text drawn between two characters that is not part of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlayHint {
    /// Before which byte it is drawn.
    pub offset: usize,
    /// What is drawn.
    pub label: String,
    /// What is shown when the pointer rests on it.
    pub markdown: Option<String>,
}

/// What is shown at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hover {
    /// What it is about.
    pub range: Range<usize>,
    /// What is said.
    pub markdown: String,
}

/// What a fold hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoldKind {
    /// Comment lines.
    Comment,
    /// Anything else.
    Region,
}

/// One foldable range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// From within its first line to within its last one.
    pub range: Range<usize>,
    /// What it hides.
    pub kind: FoldKind,
}

/// What a symbol is in Docker's terms; the client gets the nearest kind that LSP knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SymbolKind {
    /// A build stage.
    Stage,
    /// An instruction.
    Instruction,
    /// An `ARG`.
    Argument,
    /// An `ENV` variable.
    Variable,
    /// A `LABEL`'s key.
    Label,
}

/// A node of the outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Its name; never empty.
    pub name: String,
    /// More about it; may be empty.
    pub detail: String,
    /// What it is.
    pub kind: SymbolKind,
    /// All of it, its children included.
    pub range: Range<usize>,
    /// What is selected when it is chosen: inside `range`.
    pub selection: Range<usize>,
    /// What it contains, in document order.
    pub children: Vec<Symbol>,
}
