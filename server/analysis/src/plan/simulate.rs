//! "What if this file changes?": a plan against the same build with one file different.

use layerwise_model::eval::evaluate;
use layerwise_model::graph::{Contexts, Graph, graph};
use layerwise_model::images::WellKnown;
use layerwise_model::{Content, Context, Entry, EntryKind, File, Options};

use super::{Plan, Side, plan};

/// The context as it would be with these paths changed: files get other content, directories a change somewhere below,
/// paths that do not exist appear as files (with the directories above them). Ignored paths change nothing.
pub fn with_changed(context: &Context, paths: &[String]) -> Context {
    let mut entries = context.entries.clone();
    for path in paths {
        let clean = layerwise_model::selection::source_path(path);
        if clean.is_empty() || !context.ignore.in_context(&clean) {
            continue;
        }
        // No hash of real bytes: nothing else is equal to it.
        let changed = Content::Hash(*blake3::hash(format!("changed: {clean}").as_bytes()).as_bytes());
        match entries.get(&clean).map(|entry| entry.kind) {
            Some(EntryKind::Dir) => {
                entries.insert(&format!("{clean}/.layerwise-changed"), new_file(changed));
            }
            Some(_) => {
                if let Some(entry) = entries.get_mut(&clean) {
                    entry.content = changed;
                }
            }
            None => entries.insert(&clean, new_file(changed)),
        }
    }
    Context { entries, ..context.clone() }
}

fn new_file(content: Content) -> Entry {
    Entry { kind: EntryKind::File, mode: 0o644, size: 1, content, link: None }
}

/// What runs again when these paths of the context change and nothing else; `None` if the context is not known.
pub fn affected_by(side: &Side<'_>, paths: &[String]) -> Option<Plan> {
    let context = side.context?;
    let changed = with_changed(context, paths);
    let contexts = Contexts { main: Some(&changed), named: None };
    // Both graphs without named contexts: what is not looked at does not change.
    let bare = Contexts { main: Some(context), named: None };
    let before_graph = graph(side.file, side.eval, side.options, bare);
    let after_graph = graph(side.file, side.eval, side.options, contexts);
    let before = Side { graph: &before_graph, ..*side };
    Some(plan(Some(&before), &Side { graph: &after_graph, context: Some(&changed), ..*side }))
}

/// How many steps of `file` run, or may run, when `paths` change; `None` if nothing can be built.
pub fn rebuilt_when(file: &File, context: &Context, paths: &[String], options: &Options) -> Option<usize> {
    let eval = evaluate(file, options, &WellKnown);
    eval.target?;
    let none = Graph::default();
    let side = Side { file, eval: &eval, graph: &none, context: Some(context), options };
    Some(affected_by(&side, paths)?.steps.iter().filter(|s| s.runs()).count())
}
