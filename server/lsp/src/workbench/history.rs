//! What git knows of the state before an edit, asked in the background: no request ever waits for git.
//!
//! The first question about a revision starts a thread's work and is answered with "not yet"; when git has answered,
//! everything is computed anew, once. The two sides of an answer belong together: until there is one for a newer index of
//! the context, the plan compares the two of the last answer. `asking.rs` is what happens on the threads.

mod asking;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use layerwise_host::git::{self, Head};
use layerwise_model::Context;

use super::Shared;
use super::baseline::Past;
use asking::Task;

/// How long git may take for one answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// After how long an answer is asked for again when it is next used: what nobody reports is seen by then.
const FRESH: Duration = Duration::from_secs(30);

/// How many answers are kept.
const MAX_ANSWERS: usize = 64;

/// A question: what was this Dockerfile, and the context at this folder, at this revision?
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) dockerfile: PathBuf,
    /// The context's folder, if it is known.
    pub(crate) root: Option<PathBuf>,
    pub(crate) revision: String,
}

impl Question {
    /// Where HEAD stands in the Dockerfile's repository.
    fn head(&self, shared: &Shared) -> Option<Head> {
        git::head(shared.fs.as_ref(), self.dockerfile.parent()?)
    }
}

/// What git said.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Nothing yet.
    Pending,
    /// The state before, and the context as it is now to compare it with.
    Known(Arc<Past>, Option<Arc<Context>>),
    /// There is nothing to compare with: why.
    Nothing(String),
}

struct Kept {
    answer: Answer,
    /// The index of the context that git's answer was put together with.
    context: Option<Arc<Context>>,
    /// Where HEAD stood before git was asked.
    head: Option<Head>,
    when: Instant,
    /// git is to be asked about everything: what says what it ignores has changed, maybe where no context shows it.
    whole: bool,
}

#[derive(Default)]
struct State {
    kept: HashMap<Question, Kept>,
    /// Questions that wait for git.
    waiting: HashSet<Question>,
    /// To the thread that asks; it starts with the first question.
    ask: Option<Sender<Task>>,
}

/// Answers of git's.
#[derive(Default)]
pub(crate) struct History(Mutex<State>);

impl History {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the maps whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What git said last. Asks it, in the background, if it was not asked about this index of the context, or long ago.
    pub(crate) fn ask(
        &self,
        shared: &Arc<Shared>,
        question: &Question,
        context: Option<&Arc<Context>>,
    ) -> Answer {
        let head = question.head(shared);
        let mut state = self.lock();
        let State { kept, waiting, ask } = &mut *state;
        let found = kept.get_mut(question);
        let fresh = found.as_ref().is_some_and(|kept| {
            let same = match (&kept.context, context) {
                (Some(then), Some(now)) => Arc::ptr_eq(then, now),
                (None, None) => true,
                _ => false,
            };
            same && kept.head == head && kept.when.elapsed() < FRESH && !kept.whole
        });
        let answer = found.as_ref().map_or(Answer::Pending, |kept| kept.answer.clone());
        if !fresh && !waiting.contains(question) {
            let asked = ask.get_or_insert_with(|| asking::start(Arc::downgrade(shared)));
            let whole = found.is_some_and(|kept| std::mem::take(&mut kept.whole));
            let task = Task::Ask { question: question.clone(), context: context.cloned(), whole };
            if asked.send(task).is_ok() {
                waiting.insert(question.clone());
            }
        }
        answer
    }

    /// The files that change when a HEAD moves that an answer depends on.
    pub(super) fn heads(&self) -> Vec<PathBuf> {
        let state = self.lock();
        state
            .kept
            .values()
            .filter_map(|kept| kept.head.as_ref())
            .flat_map(|head| head.files.clone())
            .collect()
    }

    /// These files changed: all answers are to be looked at again.
    pub(crate) fn forget<'a>(&self, files: impl Iterator<Item = &'a Path>) {
        let rules = files.into_iter().any(|file| {
            let name = file.file_name().and_then(|name| name.to_str());
            name.is_some_and(git::is_rules)
        });
        let long_ago = Instant::now().checked_sub(FRESH);
        for kept in self.lock().kept.values_mut() {
            kept.when = long_ago.unwrap_or(kept.when);
            kept.whole |= rules;
        }
    }

    /// Says something to the thread that asks.
    fn tell(&self, task: Task) {
        if let Some(ask) = &self.lock().ask {
            // It ends with the server.
            let _ = ask.send(task);
        }
    }

    /// What was said last.
    fn last(&self, question: &Question) -> Option<Answer> {
        self.lock().kept.get(question).map(|kept| kept.answer.clone())
    }

    /// An answer stays as it is.
    fn confirmed(&self, question: &Question, head: Option<Head>) {
        let mut state = self.lock();
        state.waiting.remove(question);
        if let Some(kept) = state.kept.get_mut(question) {
            (kept.head, kept.when) = (head, Instant::now());
        }
    }

    /// Takes in an answer; `true` if it is another one than before.
    fn answered(
        &self,
        question: &Question,
        answer: Answer,
        context: Option<Arc<Context>>,
        head: Option<Head>,
    ) -> bool {
        let mut state = self.lock();
        let State { kept, waiting, .. } = &mut *state;
        waiting.remove(question);
        if kept.len() >= MAX_ANSWERS && !kept.contains_key(question) {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.when).map(|(question, _)| question.clone());
            oldest.map(|oldest| kept.remove(&oldest));
        }
        let news = !matches!(
            (&answer, kept.get(question).map(|kept| &kept.answer)),
            (Answer::Nothing(now), Some(Answer::Nothing(then))) if now == then
        );
        // What was reported meanwhile is still to be looked at.
        let whole = kept.get(question).is_some_and(|kept| kept.whole);
        let new = Kept { answer, context, head, when: Instant::now(), whole };
        kept.insert(question.clone(), new);
        news
    }
}
