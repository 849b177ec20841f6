//! What the plan is compared with: the last known build, else git's HEAD, else the state when the file was opened.
//!
//! Causes are told by one build before; where known builds are what is compared with, what any of them left in the cache
//! is cached. Builds of this session are known with their contexts; of earlier ones there is what the user's data folder
//! keeps ([`Store`]), which can be compared with once the files of the context are hashed.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use layerwise_host::learnt::Store;
use layerwise_model::learnt::Learnt;
use layerwise_model::{Content, Context, Entry, File, Options};
use layerwise_render::plan::Baseline as Kind;
use layerwise_render::when;

use super::contexts::Contexts;
use crate::engine;

/// How many builds of one Dockerfile are known at a time.
const MAX_BUILDS: usize = 8;

/// What the user wants to compare with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The first of build, head and opened that there is.
    #[default]
    Auto,
    /// The last known build.
    Build,
    /// git's HEAD.
    Head,
    /// The state when the file was opened.
    Opened,
    /// Nothing: a cold build.
    None,
    /// Another git revision.
    Revision(String),
}

impl Choice {
    /// Reads a name, or a git revision; `None` for what can be neither.
    pub(crate) fn parse(text: &str) -> Option<Choice> {
        Some(match text {
            "auto" => Choice::Auto,
            "build" => Choice::Build,
            "head" | "HEAD" => Choice::Head,
            "opened" => Choice::Opened,
            "none" => Choice::None,
            // What git would take for an option is no revision.
            _ if text.is_empty() || text.starts_with('-') || text.contains(char::is_control) => return None,
            _ => Choice::Revision(text.to_owned()),
        })
    }

    /// [`engine::Baseline::id`].
    pub(crate) fn id(&self) -> &str {
        match self {
            Choice::Auto => "auto",
            Choice::Build => "build",
            Choice::Head => "head",
            Choice::Opened => "opened",
            Choice::None => "none",
            Choice::Revision(name) => name,
        }
    }

    /// The git revision that is meant, if one is.
    pub(crate) fn revision(&self) -> Option<&str> {
        match self {
            Choice::Auto | Choice::Head => Some("HEAD"),
            Choice::Revision(name) => Some(name),
            _ => None,
        }
    }

    fn title(&self) -> String {
        match self {
            Choice::Auto => "the last build, else HEAD, else the state when the file was opened".to_owned(),
            Choice::Build => "the last known build".to_owned(),
            Choice::Head => "git's HEAD".to_owned(),
            Choice::Opened => "the state when the file was opened".to_owned(),
            Choice::None => "nothing: a cold build".to_owned(),
            Choice::Revision(name) => format!("git's {name}"),
        }
    }

    /// All that can be chosen by name, and `self`.
    pub(crate) fn all(&self) -> Vec<engine::Baseline> {
        let mut all = vec![Choice::Auto, Choice::Build, Choice::Head, Choice::Opened, Choice::None];
        if !all.contains(self) {
            all.push(self.clone());
        }
        let shown = all.iter().map(|choice| engine::Baseline {
            id: choice.id().to_owned(),
            title: choice.title(),
            chosen: choice == self,
        });
        shown.collect()
    }
}

/// A build that was: what was built, and with which files.
pub(crate) struct Past {
    pub(crate) file: File,
    /// How it was asked for; `None`: as now.
    pub(crate) options: Option<Options>,
    /// Its context; `None`: the one that there is now.
    pub(crate) context: Option<Arc<Context>>,
}

impl Past {
    /// The same with what was hashed since it was made: files of a big context are hashed in the background, and what was
    /// unread here would be told from what is hashed now.
    fn learnt(past: &Arc<Past>, contexts: &Contexts) -> Arc<Past> {
        let Some(context) = &past.context else { return Arc::clone(past) };
        let learnt = contexts.learnt(Arc::clone(context));
        if Arc::ptr_eq(&learnt, context) {
            return Arc::clone(past);
        }
        let (file, options) = (past.file.clone(), past.options.clone());
        Arc::new(Past { file, options, context: Some(learnt) })
    }
}

/// Builds that were: what a plan is compared with.
#[derive(Clone, Default)]
pub(crate) struct Pasts {
    /// The last one, by which causes are told.
    pub(crate) last: Option<Arc<Past>>,
    /// Others that left something in the cache.
    pub(crate) others: Vec<Arc<Past>>,
    /// What was kept of builds, all of which left something in the cache, too.
    pub(crate) kept: Option<Arc<Learnt>>,
}

impl Pasts {
    /// One build before, and no others.
    pub(crate) fn one(past: Arc<Past>) -> Pasts {
        Pasts { last: Some(past), ..Pasts::default() }
    }

    /// Whether these are the same objects.
    pub(crate) fn is_same(&self, other: &Pasts) -> bool {
        fn same<T>(a: &[Arc<T>], b: &[Arc<T>]) -> bool {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| Arc::ptr_eq(a, b))
        }
        same(self.last.as_slice(), other.last.as_slice())
            && same(&self.others, &other.others)
            && same(self.kept.as_slice(), other.kept.as_slice())
    }
}

/// The last kept build as one that can be compared with.
struct LastKept {
    past: Arc<Past>,
    of: Arc<Learnt>,
    now: Arc<Context>,
    options: Options,
}

/// What one Dockerfile is compared with, as far as the user decides it, and what its builds taught. It outlives the open
/// document.
#[derive(Default)]
pub(crate) struct Known {
    /// Chosen by a command; it comes before the setting.
    pub(crate) chosen: Option<Choice>,
    /// Builds of this session, the last one first.
    builds: VecDeque<(Arc<Past>, SystemTime)>,
    /// What was kept of builds of all sessions.
    learnt: Option<Arc<Learnt>>,
    /// The state of the file that it is kept in, when it was read; `None`: not read yet.
    read: Option<Option<SystemTime>>,
    last_kept: Option<LastKept>,
    /// [`Contexts::learnt_times`] when the builds' contexts were last brought up to date.
    learnt_times: u64,
}

impl Known {
    /// This was built just now.
    pub(crate) fn built(&mut self, past: Past, when: SystemTime) {
        self.builds.push_front((Arc::new(past), when));
        self.builds.truncate(MAX_BUILDS);
        // It is what the user wants to see, unless something else was asked for by name.
        if self.chosen == Some(Choice::None) {
            self.chosen = None;
        }
    }

    /// What was kept, read again if its file changed. Reads the disk.
    pub(crate) fn learnt(&mut self, store: Option<&Store>, dockerfile: Option<&Path>) -> Option<Arc<Learnt>> {
        let (store, dockerfile) = (store?, dockerfile?);
        let modified = std::fs::metadata(store.file(dockerfile)).and_then(|found| found.modified()).ok();
        if self.read != Some(modified) {
            let loaded = store.load(dockerfile);
            if let Some(note) = loaded.note {
                tracing::warn!("{note}");
            }
            self.learnt = loaded.learnt.map(Arc::new);
            self.read = Some(modified);
        }
        self.learnt.clone()
    }

    /// The known builds, with when the last one was; `None` if none is known, or if what is kept cannot be compared with the
    /// context yet, because files that may be the same were not read.
    pub(crate) fn builds(
        &mut self,
        contexts: &Contexts,
        now: Option<&Arc<Context>>,
        options: &Options,
    ) -> Option<(Pasts, SystemTime)> {
        if std::mem::replace(&mut self.learnt_times, contexts.learnt_times()) != contexts.learnt_times() {
            for (past, _) in &mut self.builds {
                *past = Past::learnt(past, contexts);
            }
        }
        let kept = self.learnt.clone().filter(|learnt| !learnt.builds.is_empty());
        let kept_when = kept.as_ref().and_then(|learnt| learnt.builds.last());
        let kept_when = kept_when.map(|last| UNIX_EPOCH + Duration::from_secs(last.when));
        // Seconds are what is kept of a time.
        let newer = |when: &SystemTime| kept_when.is_none_or(|kept| kept <= *when + Duration::from_secs(1));
        if let Some((last, when)) = self.builds.front().filter(|(_, when)| newer(when)) {
            let others = self.builds.iter().skip(1).map(|(past, _)| Arc::clone(past)).collect();
            return Some((Pasts { last: Some(Arc::clone(last)), others, kept }, *when));
        }
        let (learnt, when) = (kept?, kept_when?);
        let last = &learnt.builds.last()?.built;
        let others: Vec<_> = self.builds.iter().map(|(past, _)| Arc::clone(past)).collect();
        let Some(now) = now else {
            let past = last
                .file()
                .map(|file| Arc::new(Past { file, options: Some(last.options(options)), context: None }));
            return Some((Pasts { last: past, others, kept: Some(Arc::clone(&learnt)) }, when));
        };
        let unread = |entry: &Entry| matches!(entry.content, Content::Unread(_));
        if now.entries.totals("").unread > 0
            && now.entries.iter().any(|(path, entry)| unread(entry) && last.may_be_same(path, entry))
        {
            return None;
        }
        if let Some(kept) = &self.last_kept
            && Arc::ptr_eq(&kept.of, &learnt)
            && Arc::ptr_eq(&kept.now, now)
            && kept.options == *options
        {
            let past = Some(Arc::clone(&kept.past));
            return Some((Pasts { last: past, others, kept: Some(learnt) }, when));
        }
        let past = last.file().zip(last.context(now)).map(|(file, context)| {
            Arc::new(Past { file, options: Some(last.options(options)), context: Some(Arc::new(context)) })
        });
        self.last_kept = past.clone().map(|past| LastKept {
            past,
            of: Arc::clone(&learnt),
            now: Arc::clone(now),
            options: options.clone(),
        });
        Some((Pasts { last: past, others, kept: Some(learnt) }, when))
    }

    /// Whether any build is known.
    pub(crate) fn has_builds(&self) -> bool {
        !self.builds.is_empty() || self.learnt.as_ref().is_some_and(|learnt| !learnt.builds.is_empty())
    }
}

/// The state when a file was opened, context and all.
#[derive(Default)]
pub(crate) struct Start {
    /// The text, and the context's folder and state then; `None` as long as nobody asked.
    found: Option<(Option<PathBuf>, Arc<Past>)>,
    learnt_times: u64,
}

impl Start {
    /// The state when the file was opened. `text` is asked once; a context of another folder than then is not compared.
    pub(crate) fn get(
        &mut self,
        contexts: &Contexts,
        folder: Option<(&Path, &Arc<Context>)>,
        text: impl FnOnce() -> File,
    ) -> Arc<Past> {
        let times = contexts.learnt_times();
        let (root, past) = match self.found.take() {
            Some((root, past)) if root.as_deref() == folder.map(|(root, _)| root) => {
                (root, if self.learnt_times == times { past } else { Past::learnt(&past, contexts) })
            }
            // The first time, or the file is one of another folder now.
            other => {
                let file = other.map_or_else(text, |(_, past)| past.file.clone());
                let context = folder.map(|(_, context)| Arc::clone(context));
                let root = folder.map(|(root, _)| root.to_path_buf());
                (root, Arc::new(Past { file, options: None, context }))
            }
        };
        self.learnt_times = times;
        self.found = Some((root, Arc::clone(&past)));
        past
    }
}

/// What a plan was compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) kind: Kind,
    /// As the plan's JSON and the page name it.
    pub(crate) name: String,
    pub(crate) when: Option<SystemTime>,
}

impl Named {
    pub(crate) fn new(kind: Kind, name: &str) -> Named {
        Named { kind, name: name.to_owned(), when: None }
    }

    /// How a sentence about a change begins: `since HEAD`, `this edit`.
    pub(crate) fn change(&self) -> String {
        match self.kind {
            Kind::Build | Kind::Head => self.since(),
            Kind::Opened => "this edit".to_owned(),
            Kind::Given => "this change".to_owned(),
            Kind::None => "a cold build".to_owned(),
        }
    }

    /// Where the change begins: `since HEAD`, `since it was opened`.
    pub(crate) fn since(&self) -> String {
        match self.kind {
            Kind::Build => "since the last build".to_owned(),
            Kind::Head => format!("since {}", self.name),
            Kind::Opened => "since it was opened".to_owned(),
            Kind::Given => format!("against {}", self.name),
            Kind::None => "in a cold build".to_owned(),
        }
    }
}

/// A time as RFC 3339, in UTC, to the second.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    when::rfc3339(time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use layerwise_syntax::Parsed;

    use super::*;

    #[test]
    fn names_and_revisions() {
        assert_eq!(Choice::parse("head"), Some(Choice::Head));
        assert_eq!(Choice::parse("v1.2"), Some(Choice::Revision("v1.2".to_owned())));
        assert_eq!(Choice::parse("--upload-pack=x"), None);
        assert_eq!(Choice::parse(""), None);
        let all = Choice::Revision("v1".to_owned()).all();
        assert_eq!(all.iter().filter(|b| b.chosen).map(|b| b.id.as_str()).collect::<Vec<_>>(), ["v1"]);
    }

    #[test]
    fn the_number_of_known_builds_is_bounded() {
        let mut known = Known::default();
        for second in 0..100 {
            let file = File::new(Parsed::new("FROM a\n"));
            let past = Past { file, options: None, context: None };
            known.built(past, UNIX_EPOCH + Duration::from_secs(second));
        }
        let contexts = Contexts::new(Arc::new(layerwise_host::memfs::MemFs::new()));
        let (pasts, when) = known.builds(&contexts, None, &Options::default()).expect("builds");
        assert_eq!(pasts.others.len() + 1, MAX_BUILDS);
        assert_eq!(when, UNIX_EPOCH + Duration::from_secs(99));
    }
}
