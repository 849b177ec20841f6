//! The build that a plan is compared with: the last known one, a git revision, what the `--before` flags name, or none.

use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

use layerwise_analysis::plan::{Known, with_changed};
use layerwise_host::context::{Limits, fingerprint, lexical, load};
use layerwise_host::fs::OsFs;
use layerwise_host::git::{self, GitError, Versioned};
use layerwise_model::learnt::Learnt;
use layerwise_model::{Content, Context, EntryKind, File, Options};
use layerwise_render::plan::Baseline;
use layerwise_render::when::rfc3339;
use layerwise_syntax::Parsed;

use crate::ask::{Ask, BUDGET, Build, files, folder, read, refused};
use crate::changed::Changed;
use crate::eval::evaluate;
use crate::output::shown;

/// The build before, and what to call it.
pub(crate) struct Past {
    pub(crate) build: Option<Build>,
    pub(crate) name: String,
    pub(crate) kind: Baseline,
    /// The builds that are known by their keys; empty if they were not asked for.
    pub(crate) known: Known,
    /// When the last of them ran, in seconds since 1970.
    pub(crate) when: Option<u64>,
}

/// What a plan is compared with, where no other flag says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Choice {
    /// The last known build, else git's HEAD, else nothing.
    #[default]
    Auto,
    /// The last known build, which `layerwise learn` keeps.
    Build,
    /// git's HEAD.
    Head,
    /// Nothing: a cold build.
    None,
}

impl Past {
    /// A build that is compared with as a whole.
    pub(crate) fn of(build: Option<Build>, name: String, kind: Baseline) -> Past {
        Past { build, name, kind, known: Known::default(), when: None }
    }
}

impl Ask {
    /// The build before. Makes contents of `after`'s context known where they are needed to compare the two, and changes
    /// what `--changed` names.
    pub(crate) fn past(
        &self,
        path: &Path,
        root: Option<&Path>,
        after: &mut Build,
        changed: &Changed,
        learnt: Option<&Learnt>,
    ) -> Result<Past, String> {
        let given = self.before.is_some()
            || self.before_context.is_some()
            || self.before_target.is_some()
            || !self.before_build_arg.is_empty();
        let wanted = !given && self.since.is_none() && matches!(self.baseline, Choice::Auto | Choice::Build);
        if wanted && let Some(past) = built(learnt, root, after) {
            return Ok(past.before(after, changed));
        }
        if !given && self.since.is_none() && self.baseline == Choice::Build {
            return Err(format!("{}: no build is known; `layerwise learn LOG` keeps one", shown(path)));
        }
        let options = Options {
            target: self.before_target.clone().or_else(|| self.target.clone()),
            build_args: self.before_build_arg.iter().cloned().collect(),
            ..after.options.clone()
        };
        let cold = |reason: &str| format!("nothing (a cold build: {reason})");
        let (file, context, mut name, mut kind) = match &self.since {
            Some(rev) => {
                let found = self.at_revision(rev, path, root, after);
                let (file, context) = found.map_err(|e| format!("--since {rev}: {e}"))?;
                (file, context, rev.clone(), Baseline::Head)
            }
            None if given => {
                let (file, context) = self.given(path, root, after)?;
                (Some(file), context, self.given_name(), Baseline::Given)
            }
            None if self.baseline == Choice::None => {
                (None, None, "nothing (a cold build)".to_owned(), Baseline::None)
            }
            None if !changed.is_empty() && self.baseline != Choice::Head => {
                let same = "the same build".to_owned();
                (Some(after.file.clone()), after.context.clone(), same, Baseline::Given)
            }
            None => match self.at_revision("HEAD", path, root, after) {
                Ok((file, context)) => (file, context, "HEAD".to_owned(), Baseline::Head),
                Err(error) => (None, None, cold(&error.to_string()), Baseline::None),
            },
        };
        if file.is_none() && !name.starts_with("nothing") {
            (name, kind) = (cold(&format!("{name} has no {}", shown(path))), Baseline::None);
        }
        let mut build = file.map(|file| {
            let eval = evaluate(&file, &options);
            Build { file, eval, options, context }
        });
        let reason = build.as_ref().and_then(|build| match &build.eval.error {
            Some(message) => Some(message.clone()),
            None => refused("the Dockerfile before", &build.file).err(),
        });
        if let Some(reason) = reason {
            build = None;
            (name, kind) = (cold(&format!("{name} could not be built: {reason}")), Baseline::None);
        }
        Ok(Past::of(build, name, kind).before(after, changed))
    }

    /// The Dockerfile and the context at a revision; no Dockerfile if the revision had none.
    fn at_revision(
        &self,
        rev: &str,
        path: &Path,
        root: Option<&Path>,
        after: &mut Build,
    ) -> Result<(Option<File>, Option<Context>), GitError> {
        let (text, context) = match (root, &after.context) {
            (Some(root), Some(context)) => {
                let limits = Limits { deadline: Some(Instant::now() + BUDGET), ..Limits::default() };
                let since = git::since(&OsFs, root, Some(path), rev, context, BUDGET, &limits)?;
                after.context = Some(since.after);
                (since.dockerfile, Some(since.before))
            }
            _ => {
                let dir = lexical(path);
                let dir = dir.parent().unwrap_or(&dir);
                (git::before(dir, rev, Some(path), BUDGET)?.dockerfile, None)
            }
        };
        let file = match text {
            Some(Versioned::Text(text)) => Some(File::new(Parsed::new(&text))),
            Some(Versioned::Absent) => None,
            Some(Versioned::Unversioned) | None => Some(after.file.clone()),
        };
        Ok((file, context))
    }

    /// The Dockerfile and the context that the `--before` flags name.
    fn given(
        &self,
        path: &Path,
        root: Option<&Path>,
        after: &mut Build,
    ) -> Result<(File, Option<Context>), String> {
        let file = match &self.before {
            Some(before) => read(before)?,
            None => after.file.clone(),
        };
        let Some(dir) = &self.before_context else {
            // The same folder, but for the Dockerfile in it, which was the other one.
            let mut context = after.context.clone();
            if self.before.is_some() {
                for (context, file) in [(&mut context, &file), (&mut after.context, &after.file)] {
                    if let Some(context) = context {
                        put_dockerfile(context, file);
                    }
                }
            }
            return Ok((file, context));
        };
        let old_root = folder(dir, "--before-context")?;
        let limits = Limits { deadline: Some(Instant::now() + BUDGET), ..Limits::default() };
        let old_path = self.before.as_deref().unwrap_or(path);
        let old = load(&OsFs, &old_root, Some(old_path), &limits);
        let (Some(root), Some(new)) = (root, &after.context) else { return Ok((file, Some(old))) };
        // Only files of the same size can have the same bytes.
        let sizes = |context: &Context| -> HashSet<u64> { files(context).map(|(_, size)| size).collect() };
        let (new_sizes, old_sizes) = (sizes(new), sizes(&old));
        let hashed = |root: &Path, context: &Context, others: &HashSet<u64>| {
            let same = files(context).filter(|(_, size)| others.contains(size)).map(|(path, _)| path);
            fingerprint(&OsFs, root, context, same, &limits)
        };
        let before = hashed(&old_root, &old, &new_sizes);
        after.context = Some(hashed(root, new, &old_sizes));
        Ok((file, Some(before)))
    }

    /// What the `--before` flags name, in words.
    fn given_name(&self) -> String {
        let mut parts: Vec<String> = self.before.iter().map(|p| shown(p)).collect();
        parts.extend(self.before_context.iter().map(|p| format!("context {}", shown(p))));
        parts.extend(self.before_target.iter().map(|t| format!("target {t}")));
        let args = self.before_build_arg.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
        if !args.is_empty() {
            parts.push(format!("build argument {}", args.join(", ")));
        }
        parts.join(", ")
    }
}

/// The builds that were learnt, if there are any.
fn built(learnt: Option<&Learnt>, root: Option<&Path>, after: &mut Build) -> Option<Past> {
    let learnt = learnt?;
    let last = learnt.builds.last()?;
    let mut known = Known::default();
    learnt.builds.iter().for_each(|build| known.extend(&build.built.rows));
    // Only what may be as it was is worth reading.
    let limits = Limits { deadline: Some(Instant::now() + BUDGET), ..Limits::default() };
    if let (Some(root), Some(context)) = (root, &after.context) {
        let same = context.entries.iter().filter(|(path, entry)| last.built.may_be_same(path, entry));
        let read = fingerprint(&OsFs, root, context, same.map(|(path, _)| path), &limits);
        after.context = Some(read);
    }
    let build = last.built.file().map(|file| {
        let options = last.built.options(&after.options);
        let eval = evaluate(&file, &options);
        let context = after.context.as_ref().and_then(|now| last.built.context(now));
        Build { file, eval, options, context }
    });
    let name = format!("the build of {}", rfc3339(last.when));
    Some(Past { build, name, kind: Baseline::Build, known, when: Some(last.when) })
}

impl Past {
    /// The same before what `--changed` names changed, which it then does in `after`.
    fn before(mut self, after: &mut Build, changed: &Changed) -> Past {
        if !changed.is_empty() {
            self.name = format!("{} before {} changed", self.name, changed.named.join(", "));
        }
        if let Some(context) = &mut after.context
            && !changed.files.is_empty()
        {
            *context = with_changed(context, &changed.files);
        }
        self
    }
}

/// Gives the Dockerfile in the context the bytes of this one.
fn put_dockerfile(context: &mut Context, file: &File) {
    let Some(path) = context.dockerfile.clone() else { return };
    if context.get(&path).is_none_or(|e| e.kind != EntryKind::File) {
        return;
    }
    let text: String = file.parsed().text().chunks().collect();
    if let Some(entry) = context.entries.get_mut(&path) {
        entry.size = text.len() as u64;
        entry.content = Content::Hash(*blake3::hash(text.as_bytes()).as_bytes());
    }
}
