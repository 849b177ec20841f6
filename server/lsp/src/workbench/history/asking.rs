//! The threads that ask git.
//!
//! One follows the contexts: for a few changed files it asks git about these, or not at all, and a plan waits for nothing
//! else. What can only be answered by asking about everything is asked on another thread, one question at a time, and
//! followed from there.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use layerwise_host::context::Limits;
use layerwise_host::git::{self, Follow, GitError, Head, Since, Versioned};
use layerwise_model::{Context, File};
use layerwise_syntax::Parsed;

use super::{Answer, FRESH, Question, TIMEOUT};
use crate::workbench::Shared;
use crate::workbench::baseline::Past;
use crate::workbench::build::refused;

/// How many contexts are followed; others are asked about as a whole each time.
const MAX_FOLLOWED: usize = 8;

/// How long asking about everything waits where nobody waits for it, so that the plan is computed first.
const PAUSE: Duration = Duration::from_millis(300);

/// What the thread is told.
pub(super) enum Task {
    /// Somebody wants to know.
    Ask {
        question: Question,
        context: Option<Arc<Context>>,
        /// Whether to ask about everything, whatever is known.
        whole: bool,
    },
    /// git has answered.
    Whole(Box<Whole>),
}

/// What came of asking about everything.
pub(super) struct Whole {
    question: Question,
    context: Option<Arc<Context>>,
    /// Where HEAD stood before.
    head: Option<Head>,
    found: Result<Found, GitError>,
    follow: Option<Follow>,
}

/// What git found.
struct Found {
    text: Option<Versioned>,
    /// The context before, and as it is now.
    contexts: Option<(Context, Context)>,
}

impl From<Since> for Found {
    fn from(since: Since) -> Found {
        Found { text: since.dockerfile, contexts: Some((since.before, since.after)) }
    }
}

/// A context that is followed.
struct Followed {
    follow: Follow,
    /// What the last answer was given for.
    context: Arc<Context>,
    /// When everything was asked for.
    when: Instant,
    used: Instant,
    /// The Dockerfile before, parsed.
    file: Option<(String, File)>,
}

/// Starts the thread that follows. It ends when the server is gone.
pub(super) fn start(shared: Weak<Shared>) -> Sender<Task> {
    let (tell, tasks) = mpsc::channel();
    let work = move || {
        let asked = (HashSet::new(), VecDeque::new());
        Follower { shared, followed: HashMap::new(), under_way: None, outdated: false, asked }.run(&tasks);
    };
    // Without a thread nobody receives, and whoever asks sees that sending fails.
    let _ = std::thread::Builder::new().name("layerwise-git".to_owned()).spawn(work);
    tell
}

/// What to ask about, after a while.
type Asked = (Question, Option<Arc<Context>>, Duration);

struct Follower {
    shared: Weak<Shared>,
    followed: HashMap<Question, Followed>,
    /// What is being asked as a whole.
    under_way: Option<Question>,
    /// Whether its answer must not be shown any more.
    outdated: bool,
    /// What is to be asked next.
    asked: (HashSet<Question>, VecDeque<Asked>),
}

impl Follower {
    fn run(mut self, tasks: &Receiver<Task>) {
        while let Ok(task) = tasks.recv() {
            let Some(shared) = self.shared.upgrade() else { return };
            match task {
                Task::Ask { question, context, whole } => self.ask(&shared, question, context, whole),
                Task::Whole(whole) => self.whole(&shared, *whole),
            }
        }
    }

    fn ask(&mut self, shared: &Shared, question: Question, context: Option<Arc<Context>>, whole: bool) {
        let head = question.head(shared);
        if !whole
            && let Some(now) = &context
            && let Some(followed) = self.followed.get_mut(&question)
        {
            let same = Arc::ptr_eq(now, &followed.context);
            if let Some(since) = next(shared, followed, now) {
                let due = followed.when.elapsed() >= FRESH;
                followed.used = Instant::now();
                let answer = answer(since.into(), &mut followed.file);
                give(shared, &question, answer, same, Some(Arc::clone(now)), head);
                if due {
                    self.ask_whole(question, context, PAUSE);
                }
                return;
            }
        }
        self.followed.remove(&question);
        // What is being asked as a whole is about a state before the one that was shown last.
        self.outdated |= self.under_way.as_ref() == Some(&question);
        self.ask_whole(question, context, Duration::ZERO);
    }

    /// Asks about everything, on another thread; the answer comes as a task.
    fn ask_whole(&mut self, question: Question, context: Option<Arc<Context>>, pause: Duration) {
        if self.under_way.as_ref() == Some(&question) && self.followed.contains_key(&question) {
            return;
        }
        if self.asked.0.insert(question.clone()) {
            self.asked.1.push_back((question, context, pause));
        } else if let Some(last) = self.asked.1.iter_mut().find(|asked| asked.0 == question) {
            *last = (question, context, pause);
        }
        self.start_next();
    }

    fn start_next(&mut self) {
        if self.under_way.is_some() {
            return;
        }
        let Some((question, context, pause)) = self.asked.1.pop_front() else { return };
        self.asked.0.remove(&question);
        self.under_way = Some(question.clone());
        let shared = Weak::clone(&self.shared);
        let work = move || {
            std::thread::sleep(pause);
            let Some(shared) = shared.upgrade() else { return };
            let whole = Whole::ask(&shared, question, context);
            shared.history.tell(Task::Whole(Box::new(whole)));
        };
        if std::thread::Builder::new().name("layerwise-git-whole".to_owned()).spawn(work).is_err() {
            self.under_way = None;
        }
    }

    fn whole(&mut self, shared: &Shared, whole: Whole) {
        let Whole { question, context, head, found, follow } = whole;
        self.under_way = None;
        if std::mem::take(&mut self.outdated) {
            return self.start_next();
        }
        match self.followed.get(&question).map(|followed| Arc::clone(&followed.context)) {
            // It was followed meanwhile.
            Some(now) => {
                if let (Ok(found), Some(follow), Some(context)) = (found, follow, context) {
                    self.replace(shared, &question, found, (follow, context), &now, head);
                }
            }
            None => {
                let mut file = None;
                let answer = match found {
                    Ok(found) => answer(found, &mut file),
                    Err(error) => Answer::Nothing(error.to_string()),
                };
                if let (Some(follow), Some(context)) = (follow, &context) {
                    let context = Arc::clone(context);
                    let (when, used) = (Instant::now(), Instant::now());
                    self.follow(question.clone(), Followed { follow, context, when, used, file });
                }
                give(shared, &question, answer, false, context, head);
            }
        }
        self.start_next();
    }

    /// What everything was asked about again for takes the place of what was followed until `now`.
    fn replace(
        &mut self,
        shared: &Shared,
        question: &Question,
        found: Found,
        (follow, context): (Follow, Arc<Context>),
        now: &Arc<Context>,
        head: Option<Head>,
    ) {
        let file = self.followed.get_mut(question).and_then(|followed| followed.file.take());
        let (when, used) = (Instant::now(), Instant::now());
        let mut fresh = Followed { follow, context, when, used, file };
        let found = match Arc::ptr_eq(&fresh.context, now) {
            true => Some(found),
            false => next(shared, &mut fresh, now).map(Found::from),
        };
        match found {
            Some(found) => {
                let answer = answer(found, &mut fresh.file);
                self.followed.insert(question.clone(), fresh);
                give(shared, question, answer, true, Some(Arc::clone(now)), head);
            }
            // Neither is sure.
            None => {
                self.followed.remove(question);
                self.ask_whole(question.clone(), Some(Arc::clone(now)), Duration::ZERO);
            }
        }
    }

    fn follow(&mut self, question: Question, followed: Followed) {
        if self.followed.len() >= MAX_FOLLOWED {
            let oldest = self.followed.iter().min_by_key(|(_, followed)| followed.used);
            if let Some(oldest) = oldest.map(|(question, _)| question.clone()) {
                self.followed.remove(&oldest);
            }
        }
        self.followed.insert(question, followed);
    }
}

/// What is followed, up to another state of the context.
fn next(shared: &Shared, followed: &mut Followed, now: &Arc<Context>) -> Option<Since> {
    // What was hashed in the background meanwhile has not changed.
    let then = shared.contexts.learnt(Arc::clone(&followed.context));
    let limits = Limits { deadline: Some(Instant::now() + TIMEOUT), ..Limits::default() };
    let since = followed.follow.next(shared.fs.as_ref(), &then, now, TIMEOUT, &limits)?;
    followed.context = Arc::clone(now);
    Some(since)
}

/// Gives an answer out, and says so if it is another one. `again`: the last one was for the same context.
fn give(
    shared: &Shared,
    question: &Question,
    answer: Answer,
    again: bool,
    context: Option<Arc<Context>>,
    head: Option<Head>,
) {
    if again && shared.history.last(question).is_some_and(|last| same(&last, &answer)) {
        shared.history.confirmed(question, head);
        return;
    }
    let news = shared.history.answered(question, answer, context, head);
    shared.watch_files();
    if news {
        shared.changed();
    }
}

/// Whether two answers for one context say the same.
fn same(one: &Answer, two: &Answer) -> bool {
    let same = |one: &Context, two: &Context| {
        one.entries.changed(&two.entries).is_empty()
            && one.texts == two.texts
            && (&one.ignore_file, &one.incomplete) == (&two.ignore_file, &two.incomplete)
    };
    match (one, two) {
        (Answer::Known(past, now), Answer::Known(other_past, other_now)) => {
            past.file.parsed().text() == other_past.file.parsed().text()
                && past.context.as_ref().zip(other_past.context.as_ref()).is_some_and(|(a, b)| same(a, b))
                && now.as_ref().zip(other_now.as_ref()).is_some_and(|(a, b)| same(a, b))
        }
        (Answer::Nothing(one), Answer::Nothing(two)) => one == two,
        _ => false,
    }
}

impl Whole {
    fn ask(shared: &Shared, question: Question, context: Option<Arc<Context>>) -> Whole {
        let head = question.head(shared);
        let Question { dockerfile, root, revision } = &question;
        let mut follow = None;
        let found = match (root, &context) {
            (Some(root), Some(context)) => {
                let limits = Limits { deadline: Some(Instant::now() + TIMEOUT), ..Limits::default() };
                let fs = shared.fs.as_ref();
                Follow::start(fs, root, Some(dockerfile), revision, context, TIMEOUT, &limits).map(
                    |(since, followed)| {
                        follow = followed;
                        since.into()
                    },
                )
            }
            _ => {
                let folder = dockerfile.parent().unwrap_or(Path::new("/"));
                git::before(folder, revision, Some(dockerfile), TIMEOUT)
                    .map(|before| Found { text: before.dockerfile, contexts: None })
            }
        };
        Whole { question, context, head, found, follow }
    }
}

/// The answer; `file` is the Dockerfile before as it was parsed last.
fn answer(found: Found, file: &mut Option<(String, File)>) -> Answer {
    let Some(Versioned::Text(text)) = found.text else {
        return Answer::Nothing("it has no such Dockerfile".to_owned());
    };
    let parsed = match file.take() {
        Some((known, parsed)) if known == text => parsed,
        _ => File::new(Parsed::new(&text)),
    };
    *file = Some((text, parsed.clone()));
    match refused(&parsed) {
        Some(why) => Answer::Nothing(format!("its Dockerfile cannot be built: {why}")),
        None => {
            let (before, now) = found.contexts.map(|(before, now)| (Arc::new(before), Arc::new(now))).unzip();
            Answer::Known(Arc::new(Past { file: parsed, options: None, context: before }), now)
        }
    }
}
