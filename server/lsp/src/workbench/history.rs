//! What git knows of the state before an edit, asked in the background: no request ever waits for git.
//!
//! The first question about a revision starts a thread's work and is answered with "not yet"; when git has answered,
//! everything is computed anew, once. The two sides of an answer belong together: until git has looked at a newer index
//! of the context, the plan compares the two of the last answer.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use layerwise_host::context::Limits;
use layerwise_host::git::{self, GitError, Head, Versioned};
use layerwise_model::{Context, File};
use layerwise_syntax::Parsed;

use super::Shared;
use super::baseline::Past;
use super::build::refused;

/// How long git may take for one answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// After how long an answer is asked for again when it is next used: a commit or a switch of branches is seen by then.
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
}

#[derive(Default)]
struct State {
    kept: HashMap<Question, Kept>,
    /// Questions that wait for git.
    waiting: HashSet<Question>,
    /// To the thread that asks; it starts with the first question.
    ask: Option<Sender<(Question, Option<Arc<Context>>)>>,
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
        let found = kept.get(question);
        let fresh = found.is_some_and(|kept| {
            let same = match (&kept.context, context) {
                (Some(then), Some(now)) => Arc::ptr_eq(then, now),
                (None, None) => true,
                _ => false,
            };
            same && kept.head == head && kept.when.elapsed() < FRESH
        });
        let answer = found.map_or(Answer::Pending, |kept| kept.answer.clone());
        if !fresh && !waiting.contains(question) {
            let asked = ask.get_or_insert_with(|| start(Arc::downgrade(shared)));
            if asked.send((question.clone(), context.cloned())).is_ok() {
                waiting.insert(question.clone());
            }
        }
        answer
    }

    /// The files that change when a HEAD moves that an answer depends on.
    fn heads(&self) -> Vec<PathBuf> {
        let state = self.lock();
        state
            .kept
            .values()
            .filter_map(|kept| kept.head.as_ref())
            .flat_map(|head| head.files.clone())
            .collect()
    }

    /// All answers are old: a file of the repository's own changed.
    pub(crate) fn forget(&self) {
        let long_ago = Instant::now().checked_sub(FRESH);
        for kept in self.lock().kept.values_mut() {
            kept.when = long_ago.unwrap_or(kept.when);
        }
    }

    /// Takes in an answer; `true` if it is another one than before.
    fn answered(
        &self,
        question: Question,
        answer: Answer,
        context: Option<Arc<Context>>,
        head: Option<Head>,
    ) -> bool {
        let mut state = self.lock();
        let State { kept, waiting, .. } = &mut *state;
        waiting.remove(&question);
        if kept.len() >= MAX_ANSWERS && !kept.contains_key(&question) {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.when).map(|(question, _)| question.clone());
            oldest.map(|oldest| kept.remove(&oldest));
        }
        let news = !matches!(
            (&answer, kept.get(&question).map(|kept| &kept.answer)),
            (Answer::Nothing(now), Some(Answer::Nothing(then))) if now == then
        );
        kept.insert(question, Kept { answer, context, head, when: Instant::now() });
        news
    }
}

/// Starts the thread that asks git. It ends when the server is gone.
fn start(shared: Weak<Shared>) -> Sender<(Question, Option<Arc<Context>>)> {
    let (ask, questions) = mpsc::channel::<(Question, Option<Arc<Context>>)>();
    let work = move || {
        while let Ok((question, context)) = questions.recv() {
            let Some(shared) = shared.upgrade() else { return };
            let head = question.head(&shared);
            let answer = answer(&shared, &question, context.as_ref());
            let news = shared.history.answered(question, answer, context, head);
            shared.contexts.watch_also(shared.history.heads());
            if news {
                shared.changed();
            }
        }
    };
    // Without a thread nobody receives, and `ask` sees that sending fails.
    let _ = std::thread::Builder::new().name("layerwise-git".to_owned()).spawn(work);
    ask
}

fn answer(shared: &Shared, question: &Question, context: Option<&Arc<Context>>) -> Answer {
    match found(shared, question, context) {
        Ok((Some(past), now)) => match refused(&past.file) {
            Some(why) => Answer::Nothing(format!("its Dockerfile cannot be built: {why}")),
            None => Answer::Known(Arc::new(past), now),
        },
        Ok((None, _)) => Answer::Nothing("it has no such Dockerfile".to_owned()),
        Err(error) => Answer::Nothing(error.to_string()),
    }
}

type Found = (Option<Past>, Option<Arc<Context>>);

fn found(shared: &Shared, question: &Question, context: Option<&Arc<Context>>) -> Result<Found, GitError> {
    let Question { dockerfile, root, revision } = question;
    let (text, before, now) = match (root, context) {
        (Some(root), Some(context)) => {
            let limits = Limits { deadline: Some(Instant::now() + TIMEOUT), ..Limits::default() };
            let fs = shared.fs.as_ref();
            let since = git::since(fs, root, Some(dockerfile), revision, context, TIMEOUT, &limits)?;
            (since.dockerfile, Some(Arc::new(since.before)), Some(Arc::new(since.after)))
        }
        _ => {
            let folder = dockerfile.parent().unwrap_or(Path::new("/"));
            (git::before(folder, revision, Some(dockerfile), TIMEOUT)?.dockerfile, None, None)
        }
    };
    let past = match text {
        Some(Versioned::Text(text)) => {
            Some(Past { file: File::new(Parsed::new(&text)), options: None, context: before })
        }
        Some(Versioned::Absent | Versioned::Unversioned) | None => None,
    };
    Ok((past, now))
}
