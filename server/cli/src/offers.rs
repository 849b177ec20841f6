//! What an editor would offer for a Dockerfile: the common part of `actions` and `apply`.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use layerwise_analysis::Edit;
use layerwise_analysis::actions::{self, Cx, Offer};
use layerwise_analysis::plan::rebuilt_when;
use layerwise_host::context::Limits;
use layerwise_host::contexts::Contexts;
use layerwise_host::fs::OsFs;
use layerwise_host::read::{Source, read_dockerfile};
use layerwise_host::root::{context_root, sources, top_for};
use layerwise_model::{Context, Evaluation, File, Options};
use layerwise_render::place::Lines;
use layerwise_syntax::Parsed;

use crate::configs::ConfigFlags;
use crate::eval::{evaluate, every_stage};
use crate::output::{note, shown};

/// How long the context of one Dockerfile may take to load; one that takes longer is known in part.
pub(crate) const CONTEXT_BUDGET: Duration = Duration::from_secs(20);

/// Instructions of a file at which offers are looked for: each place costs a look at the whole file.
const MAX_INSTRUCTIONS: usize = 1_000;

/// A Dockerfile with all that refactorings look at.
pub(crate) struct Loaded {
    pub(crate) source: Source,
    file: File,
    eval: Evaluation,
    context: Option<Context>,
    options: Options,
}

impl Loaded {
    /// Reads a Dockerfile, its configuration and its context. The error is a message for the user.
    pub(crate) fn open(path: &Path, config: &ConfigFlags) -> Result<Loaded, String> {
        let source = read_dockerfile(&OsFs, path).map_err(|error| error.to_string())?;
        source.notes().iter().for_each(|n| note(&format!("{}: {n}", shown(path))));
        let file = File::new(Parsed::new(&source.text));
        let eval = evaluate(&file, &every_stage());
        let contexts = Contexts::new(OsFs, Limits::default(), CONTEXT_BUDGET);
        let told = config.configs().of(path)?;
        let context = match &told.context {
            Some(root) => Some(contexts.of(root, path)),
            None => find_context(&contexts, path, &eval),
        };
        let options = Options { target: told.settled.target, ..Options::default() };
        Ok(Loaded { source, file, eval, context, options })
    }

    /// What is offered with the cursor in a line (from 1), or with it anywhere: in the order of the places, and at one
    /// place in that of the refactorings, the best offer of each first. Beyond 1,000 instructions only `line` helps.
    pub(crate) fn offers(&self, line: Option<usize>) -> Result<Vec<Offer>, String> {
        let cursors = match line {
            Some(line) => vec![self.cursor(line)?],
            None => (0..self.file.len().min(MAX_INSTRUCTIONS)).map(|n| self.file.range(n).start).collect(),
        };
        if line.is_none() && self.file.len() > MAX_INSTRUCTIONS {
            note(&format!(
                "only the first {MAX_INSTRUCTIONS} instructions are looked at; use --line for others"
            ));
        }
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        self.with_cx(|cx| {
            for cursor in cursors {
                for refactoring in actions::all() {
                    let offers = refactoring.offers(cx, cursor..cursor);
                    found.extend(offers.into_iter().filter(|o| seen.insert((o.id, o.key.clone()))));
                }
            }
        });
        Ok(found)
    }

    /// The first character of a line that is no white space, in bytes.
    fn cursor(&self, line: usize) -> Result<usize, String> {
        let text = &self.source.text;
        let lines = Lines::new(text);
        if line == 0 || line > lines.count() {
            return Err(format!("--line {line}: the file has lines 1 to {}", lines.count()));
        }
        let range = lines.range(line - 1);
        let content = text.get(range.clone()).unwrap_or_default();
        let blank = content.len() - content.trim_start_matches([' ', '\t']).len();
        Ok(range.start + blank)
    }

    /// The edits of an offer that [`Self::offers`] made.
    pub(crate) fn edits(&self, offer: &Offer) -> Option<Vec<Edit>> {
        self.with_cx(|cx| actions::all().iter().find(|r| r.id() == offer.id)?.edits(cx, offer))
    }

    fn with_cx<T>(&self, then: impl FnOnce(&Cx<'_>) -> T) -> T {
        let rebuilds = |text: &str, path: &str| {
            let context = self.context.as_ref()?;
            rebuilt_when(&File::new(Parsed::new(text)), context, &[path.to_owned()], &self.options)
        };
        then(&Cx {
            file: &self.file,
            evaluation: &self.eval,
            context: self.context.as_ref(),
            rebuilds: Some(&rebuilds),
        })
    }
}

/// The build context of a Dockerfile, if it can be told which folder it is.
pub(crate) fn find_context(contexts: &Contexts<OsFs>, path: &Path, eval: &Evaluation) -> Option<Context> {
    let top = top_for(contexts.fs(), path);
    let root = context_root(contexts.fs(), path, &top, &sources(eval))?;
    Some(contexts.of(&root, path))
}
