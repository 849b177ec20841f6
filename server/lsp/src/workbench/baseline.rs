//! What the plan is compared with: the last known build, else git's HEAD, else the state when the file was opened.
//!
//! Causes are told by one build before; where known builds are what is compared with, what any of them left in the cache
//! is cached.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use layerwise_model::{Context, File, Options};
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

/// What one Dockerfile is compared with, as far as the user decides it. It outlives the open document.
#[derive(Default)]
pub(crate) struct Known {
    /// Chosen by a command; it comes before the setting.
    pub(crate) chosen: Option<Choice>,
    builds: VecDeque<(Arc<Past>, SystemTime)>,
    /// [`Contexts::learnt_times`] when the builds' contexts were last brought up to date.
    learnt: u64,
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

    /// Files of a big context are hashed in the background: what a build's context holds unread is given its hash, so that it
    /// can be compared with the context as it is now.
    pub(crate) fn learn(&mut self, contexts: &Contexts) {
        if std::mem::replace(&mut self.learnt, contexts.learnt_times()) == self.learnt {
            return;
        }
        for (past, _) in &mut self.builds {
            let Some(context) = &past.context else { continue };
            let learnt = contexts.learnt(Arc::clone(context));
            if !Arc::ptr_eq(&learnt, context) {
                let (file, options) = (past.file.clone(), past.options.clone());
                *past = Arc::new(Past { file, options, context: Some(learnt) });
            }
        }
    }

    /// The known builds, the last one first, each with when it was.
    pub(crate) fn builds(&self) -> impl Iterator<Item = &(Arc<Past>, SystemTime)> {
        self.builds.iter()
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
        assert_eq!(known.builds().count(), MAX_BUILDS);
        let last = known.builds().next().expect("a build");
        assert_eq!(last.1, UNIX_EPOCH + Duration::from_secs(99));
    }
}
