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

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use layerwise_syntax::text::Text;
use serde_json::Value;

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
    /// [`Analysis::code_lenses`].
    pub code_lenses: bool,
    /// Everything about the cache: [`Analysis::plan`] and what follows it, and with it the commands and requests of
    /// `docs/protocol.md`.
    pub plan: bool,
    /// For how long a document must not have changed before [`Analysis::settle`] is called.
    pub settle: Duration,
    /// The kinds of [`Analysis::code_actions`], as LSP's dotted names (`quickfix`, `refactor.rewrite`); empty: none.
    pub code_action_kinds: Vec<&'static str>,
    /// Globs (LSP's syntax, relative to each workspace folder) of the files whose changes the client shall report
    /// through [`Engine::files_changed`].
    pub watch: Vec<&'static str>,
}

/// What the client can, as far as it decides what an engine computes and when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Abilities {
    /// It asks for code lenses again when it is told to.
    pub refreshes_lenses: bool,
    /// It asks for inlay hints again when it is told to.
    pub refreshes_hints: bool,
    /// Diagnostics can be given again when nothing was edited: it is told of them, or asks again when it is told to.
    pub refreshes_diagnostics: bool,
    /// It wants to be told of each change of the plan.
    pub plan_changed: bool,
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

    /// What the client can; called once, before any document is opened.
    fn client(&self, abilities: Abilities) {
        let _ = abilities;
    }

    /// A Dockerfile that is not open, as it is on disk; `None` if it cannot be read. May read files: not called under the
    /// session's lock.
    fn load(&self, path: &Path) -> Option<Arc<dyn Analysis>> {
        let _ = path;
        None
    }

    /// The text of the log of a build.
    ///
    /// # Errors
    /// A sentence for the user: it cannot be read, or is too long.
    fn read_log(&self, path: &Path) -> Result<String, String> {
        Err(format!("{}: logs are not read", path.display()))
    }

    /// Writes a page that the user asked for into the user's folder for such things, in the place of the last one of the
    /// same name, and returns its absolute path.
    ///
    /// # Errors
    /// A sentence for the user: it cannot be written.
    fn write_page(&self, name: &str, page: &str) -> Result<PathBuf, String> {
        let _ = (name, page);
        Err("Pages are not written.".to_owned())
    }

    /// The Dockerfiles of the workspace, open or not. May read files, as above.
    fn dockerfiles(&self) -> Vec<PathBuf> {
        Vec::new()
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

    /// The lines of text above instructions.
    fn code_lenses(&self, cancel: &Cancel) -> Vec<CodeLens> {
        let _ = cancel;
        Vec::new()
    }

    /// The document did not change for [`Features::settle`]: what was shown of an older state of it is looked at again.
    fn settle(&self, cancel: &Cancel) -> Settled {
        let _ = cancel;
        Settled::default()
    }

    /// The plan, as `docs/protocol.md` has it: against the baseline, or, where anything is changed in `what_if`, against
    /// the same build without that change.
    ///
    /// # Errors
    /// A sentence for the user: what was asked for is not there, or nothing can be built.
    fn plan(&self, what_if: &WhatIf, cancel: &Cancel) -> Result<Value, String> {
        let _ = (what_if, cancel);
        Err(NOTHING.to_owned())
    }

    /// The build graph, as `docs/protocol.md` has it.
    ///
    /// # Errors
    /// As for [`Analysis::plan`].
    fn graph(&self, cancel: &Cancel) -> Result<Value, String> {
        let _ = cancel;
        Err(NOTHING.to_owned())
    }

    /// The plan against the baseline as a file of its own.
    ///
    /// # Errors
    /// As for [`Analysis::plan`].
    fn export(&self, format: Format, cancel: &Cancel) -> Result<String, String> {
        let _ = (format, cancel);
        Err(NOTHING.to_owned())
    }

    /// What a change of any of `files` (absolute paths, existing or not) would rebuild here, as an element of `dockerfiles`
    /// in the answer of `layerwise/affectedBy`, without its `uri`. `None`: none of them lies in the build context.
    fn affected_by(&self, files: &[PathBuf], cancel: &Cancel) -> Option<Value> {
        let _ = (files, cancel);
        None
    }

    /// The command that builds `target` (the stage that the settings name, else the last one, if `None`).
    ///
    /// # Errors
    /// As for [`Analysis::plan`].
    fn build_command(&self, target: Option<&str>) -> Result<BuildCommand, String> {
        let _ = target;
        Err(NOTHING.to_owned())
    }

    /// The user says that this is what was built last. Returns what to tell the user. Views made afterwards know of it.
    ///
    /// # Errors
    /// As for [`Analysis::plan`].
    fn mark_built(&self) -> Result<String, String> {
        Err(NOTHING.to_owned())
    }

    /// Takes in the log of a build of this Dockerfile. Returns what came of it, as `docs/protocol.md` has it. Views made
    /// afterwards know of it.
    ///
    /// # Errors
    /// A sentence for the user: it is no log, or not one of this Dockerfile.
    fn learn(&self, log: &str) -> Result<Value, String> {
        let _ = log;
        Err(NOTHING.to_owned())
    }

    /// What the plan can be compared with, the one in force among them.
    fn baselines(&self) -> Vec<Baseline> {
        Vec::new()
    }

    /// Compares with something else from now on: [`Baseline::id`], or a git revision. Returns what to tell the user. Views
    /// made afterwards know of it.
    ///
    /// # Errors
    /// A sentence for the user: there is no such thing to compare with.
    fn choose_baseline(&self, id: &str) -> Result<String, String> {
        let _ = id;
        Err(NOTHING.to_owned())
    }
}

/// The answer of an engine that has no plan of a document.
const NOTHING: &str = "Nothing is known about this document.";

/// What would be changed, on top of the document as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhatIf {
    /// Files of the context: paths relative to it or absolute, existing or not, or patterns as in `.dockerignore`.
    pub paths: Vec<String>,
    /// Build arguments, added to those of the settings.
    pub build_args: BTreeMap<String, String>,
    /// The stage to build.
    pub target: Option<String>,
}

/// How a plan can be written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A page for a browser.
    Html,
    /// A picture.
    Svg,
    /// A graph for Markdown.
    Mermaid,
    /// The plan as `docs/protocol.md` has it.
    Json,
}

/// What came of looking again after the document settled.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settled {
    /// The inlay hints that were given last are not the ones that would be given now.
    pub hints_changed: bool,
    /// The same of the code lenses.
    pub lenses_changed: bool,
    /// The same of the diagnostics.
    pub diagnostics_changed: bool,
    /// `summary` and `baseline` of the plan, as `docs/protocol.md` has them, if there is one.
    pub plan: Option<(Value, Value)>,
}

/// Something that the plan can be compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// Its name in commands and settings: `auto`, `build`, `head`, `opened`, `none`.
    pub id: String,
    /// What the user reads.
    pub title: String,
    /// Whether it is the one that was chosen.
    pub chosen: bool,
}

/// A line of text above an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeLens {
    /// The instruction's first line, or a part of it.
    pub range: Range<usize>,
    /// What the user reads.
    pub title: String,
    /// What choosing it does.
    pub action: LensAction,
}

/// What choosing a code lens does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LensAction {
    /// Shows the plan as a page.
    ShowPlan,
    /// Asks what the plan shall be compared with.
    ChooseBaseline,
    /// Builds a stage; the server itself never does.
    Build(BuildCommand),
}

/// A command that builds a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildCommand {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The same as a line for a POSIX shell.
    pub line: String,
    /// The folder to run it in.
    pub cwd: Option<PathBuf>,
    /// The stage's name.
    pub target: String,
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
