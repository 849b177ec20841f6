//! What the client has open, and what state it is in.
//!
//! All of it is behind one std mutex, held for an edit and its incremental parse and never across an await. Sync
//! notifications come here in wire order (`front.rs`); a request takes an `Arc<Snapshot>` and computes on that.
//!
//! Invariant: the text kept here is the text that the client has. Where that cannot be kept (an edit that does not fit,
//! parameters that cannot be read), the text is dropped at once: the document is *lost*, answers nothing and shows
//! nothing, until the client sends the whole text again. LSP has no request for that, so the user is told, and each
//! save brings the text along (`SaveOptions.includeText`).
//!
//! The engine is called under the lock only to edit and parse, and a panic in it costs its view of the document, not
//! the text: the next edit parses the document anew.

use std::collections::HashMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use layerwise_syntax::text::Text;
use serde_json::Value;
use tower_lsp::ls_types::{
    ClientCapabilities, MessageType, TextDocumentContentChangeEvent, TextDocumentItem, Uri,
};

use crate::client::Client;
use crate::convert;
use crate::engine::{Analysis, Cancel, Document, Engine};
use crate::outbox::Outbox;

/// One document at one moment: what a request computes on.
pub(crate) struct Snapshot {
    pub(crate) uri: Uri,
    /// The client's number for this text.
    pub(crate) version: i32,
    /// The session's own number for this text and everything else that answers depend on; never used twice.
    pub(crate) revision: u64,
    /// The session's own number for this text alone; never used twice.
    pub(crate) text_revision: u64,
    pub(crate) text: Text,
    pub(crate) analysis: Arc<dyn Analysis>,
    pub(crate) client: Arc<Client>,
}

/// The documents and the client, shared by everything.
pub(crate) struct Session {
    engine: Arc<dyn Engine>,
    outbox: Outbox,
    state: Mutex<State>,
}

struct State {
    client: Arc<Client>,
    folders: Vec<PathBuf>,
    // Clippy takes `Uri` for a key that can change; it compares and hashes by its text.
    documents: HashMap<Uri, Open>,
    publishing: HashMap<Uri, Publishing>,
    last_revision: u64,
    last_configuration: u64,
}

/// A document that the client has open.
struct Open {
    language_id: String,
    version: i32,
    revision: u64,
    /// The revision that brought the text as it is.
    text_revision: u64,
    /// `None`: lost.
    content: Option<Content>,
    settling: Settling,
}

/// When a document is looked at again after it changed.
#[derive(Default)]
struct Settling {
    /// When it will have been quiet for long enough; `None`: it was looked at since.
    due: Option<Instant>,
    /// A task waits for that.
    running: bool,
    /// The news of the plan that the client was told last.
    told: Option<(Value, Value)>,
}

/// What a settling task does next.
pub(crate) enum Settle {
    /// Waits until then.
    Wait(Instant),
    /// Looks at the document.
    Look(Arc<Snapshot>),
}

struct Content {
    text: Text,
    /// `None` after the engine panicked, until the next edit.
    document: Option<Box<dyn Document>>,
    snapshot: Option<Arc<Snapshot>>,
}

/// A task that publishes one document's diagnostics is under way.
struct Publishing {
    /// The document changed since the task last took a snapshot.
    dirty: bool,
    /// Ends what the task computes.
    cancel: Cancel,
}

/// What a publishing task does next.
pub(crate) struct PublishJob {
    /// What to compute diagnostics of; `None`: there is nothing (any more), so there are none.
    pub(crate) snapshot: Option<Arc<Snapshot>>,
    /// Says that the document changed again.
    pub(crate) cancel: Cancel,
}

impl Session {
    pub(crate) fn new(engine: Arc<dyn Engine>, outbox: Outbox) -> Self {
        let state = State {
            client: Arc::new(Client::new(&ClientCapabilities::default(), &Value::Null)),
            folders: Vec::new(),
            documents: HashMap::new(),
            publishing: HashMap::new(),
            last_revision: 0,
            last_configuration: 0,
        };
        Self { engine, outbox, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Everything that can panic under the lock is caught under it, so the state behind a poisoned lock is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes down what the client can do; called once, at `initialize`.
    pub(crate) fn set_client(&self, client: Client) {
        self.lock().client = Arc::new(client);
    }

    pub(crate) fn client(&self) -> Arc<Client> {
        self.lock().client.clone()
    }

    /// Replaces the workspace's folders by what `change` makes of them and returns them.
    pub(crate) fn change_folders(&self, change: impl FnOnce(&mut Vec<PathBuf>)) -> Vec<PathBuf> {
        let mut state = self.lock();
        change(&mut state.folders);
        state.folders.clone()
    }

    /// Something that all answers depend on changed (settings, files): no view made before is current. Returns the open
    /// documents.
    pub(crate) fn invalidate(&self) -> Vec<Uri> {
        let mut state = self.lock();
        let State { documents, last_revision, .. } = &mut *state;
        for open in documents.values_mut() {
            open.revision = next(last_revision);
            if let Some(content) = &mut open.content {
                content.snapshot = None;
            }
        }
        documents.keys().cloned().collect()
    }

    /// The number of a question about the configuration; answers to all questions before it are out of date.
    pub(crate) fn ask_configuration(&self) -> u64 {
        next(&mut self.lock().last_configuration)
    }

    /// Whether `question` is the last one that was asked.
    pub(crate) fn is_last_configuration(&self, question: u64) -> bool {
        self.lock().last_configuration == question
    }

    /// `textDocument/didOpen`.
    pub(crate) fn open(&self, item: TextDocumentItem) {
        let TextDocumentItem { uri, language_id, version, text } = item;
        let mut state = self.lock();
        let revision = next(&mut state.last_revision);
        let content = Some(self.content(&uri, &language_id, Text::new(&text)));
        let settling = Settling::default();
        let open = Open { language_id, version, revision, text_revision: revision, content, settling };
        if state.documents.insert(uri.clone(), open).is_some() {
            self.outbox
                .log(MessageType::WARNING, format!("{}: opened twice; the last text counts", uri.as_str()));
        }
    }

    /// `textDocument/didChange`: all of `changes`, in order, each against the text that the one before it left. `false`:
    /// there is no such document.
    pub(crate) fn change(
        &self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
    ) -> bool {
        let mut state = self.lock();
        let State { client, documents, last_revision, .. } = &mut *state;
        let Some(open) = documents.get_mut(uri) else {
            let message = format!("{}: changed but not open; the change is ignored", uri.as_str());
            self.outbox.log(MessageType::WARNING, message);
            return false;
        };
        open.version = version;
        open.revision = next(last_revision);
        open.text_revision = open.revision;
        for change in changes {
            match (change.range, &mut open.content) {
                (None, _) => self.set_text(uri, open, &change.text),
                (Some(_), None) => {}
                (Some(range), Some(content)) => {
                    let fits = convert::bytes(&content.text, client.encoding, range);
                    if !fits.is_some_and(|bytes| self.edit(uri, content, bytes, &change.text)) {
                        self.lose(uri, open, "an edit of the editor's does not fit its text");
                    }
                }
            }
        }
        if let Some(content) = &mut open.content {
            content.snapshot = None;
            if content.document.is_none() {
                *content = self.content(uri, &open.language_id, content.text.clone());
            }
        }
        true
    }

    /// `textDocument/didSave`, with the text that was saved if the client sends it. `false`: there is no such document.
    pub(crate) fn save(&self, uri: &Uri, text: Option<&str>) -> bool {
        let mut state = self.lock();
        let State { documents, last_revision, .. } = &mut *state;
        let Some(open) = documents.get_mut(uri) else { return false };
        open.revision = next(last_revision);
        if let Some(text) = text
            && open.content.as_ref().is_none_or(|content| content.text != text)
        {
            let message = format!("{}: what was saved is not what was known; it is now", uri.as_str());
            self.outbox.log(MessageType::WARNING, message);
            open.text_revision = open.revision;
            self.set_text(uri, open, text);
        }
        if let Some(content) = &mut open.content {
            content.snapshot = None;
            self.with_document(uri, content, |document| document.saved());
        }
        true
    }

    /// `textDocument/didClose`. `false`: there is no such document.
    pub(crate) fn close(&self, uri: &Uri) -> bool {
        let known = self.lock().documents.remove(uri).is_some();
        if !known {
            self.outbox.log(MessageType::WARNING, format!("{}: closed but not open", uri.as_str()));
        }
        known
    }

    /// The text of an open document is no longer known, for the reason `why`.
    pub(crate) fn lose_document(&self, uri: &Uri, why: &str) {
        let mut state = self.lock();
        let State { documents, last_revision, .. } = &mut *state;
        if let Some(open) = documents.get_mut(uri) {
            open.revision = next(last_revision);
            open.text_revision = open.revision;
            self.lose(uri, open, why);
        }
    }

    /// The document as it is now; `None` if it is not open, is lost, or the engine cannot read it.
    pub(crate) fn snapshot(&self, uri: &Uri) -> Option<Arc<Snapshot>> {
        let mut state = self.lock();
        let State { client, documents, .. } = &mut *state;
        let Open { version, revision, text_revision, content, .. } = documents.get_mut(uri)?;
        let content = content.as_mut()?;
        if let Some(snapshot) = &content.snapshot {
            return Some(snapshot.clone());
        }
        let snapshot = Arc::new(Snapshot {
            uri: uri.clone(),
            version: *version,
            revision: *revision,
            text_revision: *text_revision,
            analysis: self.with_document(uri, content, |document| document.view())?,
            text: content.text.clone(),
            client: client.clone(),
        });
        content.snapshot = Some(snapshot.clone());
        Some(snapshot)
    }

    /// A document's diagnostics are to be published anew. `true`: a task has to be started for it; otherwise the one
    /// that is under way goes round once more.
    pub(crate) fn begin_publish(&self, uri: &Uri) -> bool {
        let mut state = self.lock();
        match state.publishing.get_mut(uri) {
            Some(publishing) => {
                publishing.dirty = true;
                publishing.cancel.cancel();
                false
            }
            None => {
                state.publishing.insert(uri.clone(), Publishing { dirty: true, cancel: Cancel::default() });
                true
            }
        }
    }

    /// What the publishing task of a document does now; `None`: it ends, because nothing changed since the last time.
    pub(crate) fn next_publish(&self, uri: &Uri) -> Option<PublishJob> {
        let cancel = Cancel::default();
        {
            let mut state = self.lock();
            let publishing = state.publishing.get_mut(uri)?;
            if !publishing.dirty {
                state.publishing.remove(uri);
                return None;
            }
            *publishing = Publishing { dirty: false, cancel: cancel.clone() };
        }
        Some(PublishJob { snapshot: self.snapshot(uri), cancel })
    }

    /// Calls `send`, which must not wait, if the document is still as it was in `snapshot` (`None`: not there, or lost).
    /// No edit can come in between, so what is sent is never out of date.
    pub(crate) fn if_current(&self, uri: &Uri, snapshot: Option<&Snapshot>, send: impl FnOnce()) {
        let state = self.lock();
        let current =
            state.documents.get(uri).filter(|open| open.content.is_some()).map(|open| open.revision);
        let nothing_known =
            snapshot.is_none() && state.documents.get(uri).is_none_or(|open| !open.readable());
        if nothing_known || snapshot.is_some_and(|snapshot| current == Some(snapshot.revision)) {
            send();
        }
    }

    /// A document is to be looked at again at `due`, or later if it changes before. `true`: a task has to be started for
    /// it; otherwise the one that is under way waits until then.
    pub(crate) fn begin_settle(&self, uri: &Uri, due: Instant) -> bool {
        let mut state = self.lock();
        let Some(open) = state.documents.get_mut(uri) else { return false };
        // What changed by itself does not cut short the wait for somebody who types.
        open.settling.due = open.settling.due.max(Some(due));
        !std::mem::replace(&mut open.settling.running, true)
    }

    /// What the settling task of a document does now; `None`: it ends.
    pub(crate) fn next_settle(&self, uri: &Uri) -> Option<Settle> {
        {
            let mut state = self.lock();
            let settling = &mut state.documents.get_mut(uri)?.settling;
            match settling.due {
                Some(due) if due > Instant::now() => return Some(Settle::Wait(due)),
                Some(_) => settling.due = None,
                None => {
                    settling.running = false;
                    return None;
                }
            }
        }
        match self.snapshot(uri) {
            Some(snapshot) => Some(Settle::Look(snapshot)),
            // Lost, or unreadable: the next edit starts another task.
            None => {
                if let Some(open) = self.lock().documents.get_mut(uri) {
                    open.settling = Settling::default();
                }
                None
            }
        }
    }

    /// Calls `send`, which must not wait, if the document is still as it was in `snapshot` and the client was not told this
    /// `news` last.
    pub(crate) fn if_news(
        &self,
        snapshot: &Snapshot,
        news: (Value, Value),
        send: impl FnOnce(&(Value, Value)),
    ) {
        let mut state = self.lock();
        let Some(open) = state.documents.get_mut(&snapshot.uri) else { return };
        if open.revision == snapshot.revision && open.settling.told.as_ref() != Some(&news) {
            send(open.settling.told.insert(news));
        }
    }

    /// All open documents as they are now, those that cannot be read left out.
    pub(crate) fn snapshots(&self) -> Vec<Arc<Snapshot>> {
        let mut uris = self.lock().documents.keys().cloned().collect::<Vec<_>>();
        uris.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        uris.iter().filter_map(|uri| self.snapshot(uri)).collect()
    }

    /// Replaces the whole text, as the edit that leads from the old one to the new one.
    fn set_text(&self, uri: &Uri, open: &mut Open, text: &str) {
        match &mut open.content {
            Some(content) => {
                let old = content.text.to_string();
                let (range, new) = changed_part(&old, text);
                self.edit(uri, content, range, new);
            }
            None => open.content = Some(self.content(uri, &open.language_id, Text::new(text))),
        }
    }

    /// `false`: the range does not fit the text, and nothing was changed.
    fn edit(&self, uri: &Uri, content: &mut Content, range: Range<usize>, new: &str) -> bool {
        let fits = content.text.replace(range.clone(), new).is_ok();
        if fits {
            self.with_document(uri, content, |document| document.edit(range, new));
        }
        fits
    }

    fn content(&self, uri: &Uri, language_id: &str, text: Text) -> Content {
        let path = convert::file_path(uri);
        let open = || self.engine.open(text.clone(), path.as_deref(), language_id);
        let document = self.caught(uri, open);
        Content { text, document, snapshot: None }
    }

    /// Runs `run` on the engine's document, if there is one; a panic ends that document.
    fn with_document<T>(
        &self,
        uri: &Uri,
        content: &mut Content,
        run: impl FnOnce(&mut dyn Document) -> T,
    ) -> Option<T> {
        let document = content.document.as_mut()?;
        let done = self.caught(uri, || run(document.as_mut()));
        if done.is_none() {
            content.document = None;
        }
        done
    }

    fn caught<T>(&self, uri: &Uri, run: impl FnOnce() -> T) -> Option<T> {
        // Unwind safe: whoever calls this throws away what a panic may have left half done.
        let done = catch_unwind(AssertUnwindSafe(run));
        if done.is_err() {
            let message =
                format!("{}: internal error; nothing is known about it until it changes", uri.as_str());
            self.outbox.log(MessageType::ERROR, message);
        }
        done.ok()
    }

    fn lose(&self, uri: &Uri, open: &mut Open, why: &str) {
        if open.content.take().is_some() {
            let name = uri.as_str().rsplit('/').next().unwrap_or_default();
            let message =
                format!("Layerwise lost track of {name}: {why}. Save it, or close and open it, to go on.");
            self.outbox.log(MessageType::ERROR, format!("{}: {why}", uri.as_str()));
            self.outbox.show(MessageType::WARNING, message);
        }
    }
}

impl Open {
    fn readable(&self) -> bool {
        self.content.as_ref().is_some_and(|content| content.document.is_some())
    }
}

fn next(last: &mut u64) -> u64 {
    *last += 1;
    *last
}

/// The bytes of `old` that differ from `new`, and what stands there in `new`: everything but the common beginning and
/// the common end.
fn changed_part<'a>(old: &str, new: &'a str) -> (Range<usize>, &'a str) {
    let same = |(a, b): &((usize, char), (usize, char))| a.1 == b.1;
    let start = old.char_indices().zip(new.char_indices()).take_while(same).last();
    let start = start.map_or(0, |((at, char), _)| at + char.len_utf8());
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let pairs = old_rest.chars().rev().zip(new_rest.chars().rev());
    let end = pairs.take_while(|(a, b)| a == b).map(|(char, _)| char.len_utf8()).sum::<usize>();
    (start..old.len() - end, &new_rest[..new_rest.len() - end])
}

#[cfg(test)]
mod tests {
    use super::changed_part;

    #[test]
    fn the_changed_part_is_what_differs() {
        for (old, new, expected) in [
            ("", "", (0..0, "")),
            ("abc", "abc", (3..3, "")),
            ("abc", "abbc", (2..2, "b")),
            ("aaa", "aa", (2..3, "")),
            ("a🐳b", "a🐋b", (1..5, "🐋")),
            ("é", "è", (0..2, "è")),
            ("x\r\ny", "x\ny", (1..2, "")),
        ] {
            assert_eq!(changed_part(old, new), expected, "{old:?} -> {new:?}");
        }
    }
}
