//! What the tests of prices share.

use layerwise_model::graph::{Contexts, Graph, graph};
use layerwise_model::images::WellKnown;
use layerwise_model::keys::{StepKeys, keys};
use layerwise_model::{Content, Context, Entry, EntryKind, Evaluation, File, Options, evaluate};
use layerwise_syntax::Parsed;

use crate::plan::Side;

/// A build, to look at from one side.
pub(crate) struct Build {
    file: File,
    eval: Evaluation,
    graph: Graph,
    options: Options,
    context: Option<Context>,
}

impl Build {
    pub(crate) fn new(text: &str, context: Option<Context>) -> Build {
        let (file, options) = (File::new(Parsed::new(text)), Options::default());
        let eval = evaluate(&file, &options, &WellKnown);
        let graph = graph(&file, &eval, &options, Contexts { main: context.as_ref(), named: None });
        Build { file, eval, graph, options, context }
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&Side<'_>) -> T) -> T {
        let Build { file, eval, graph, options, context } = self;
        look(&Side { file, eval, graph, context: context.as_ref(), options })
    }

    /// The number of the first instruction that begins so.
    pub(crate) fn number(&self, begins: &str) -> usize {
        let found = self.file.all().find(|(_, _, i)| i.source().trim().starts_with(begins));
        found.unwrap_or_else(|| panic!("{begins}: no such instruction")).0
    }

    /// The keys of the first instruction that begins so.
    pub(crate) fn keys(&self, begins: &str) -> StepKeys {
        keys(&self.graph)[self.graph.of_instruction[&self.number(begins)]]
    }
}

/// A context of files of these sizes.
pub(crate) fn context(files: &[(&str, u64)]) -> Context {
    let mut context = Context::default();
    for &(path, size) in files {
        let content = Content::Unread(size);
        context.entries.insert(path, Entry { kind: EntryKind::File, mode: 0o644, size, content, link: None });
    }
    context
}
