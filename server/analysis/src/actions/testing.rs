//! What the tests of refactorings share.

use std::sync::Arc;

use layerwise_model::images::WellKnown;
use layerwise_model::{Content, Context, Entry, EntryKind, File, Options, Tree, evaluate};
use layerwise_syntax::Parsed;

use super::{Cx, Offer, Refactoring};
use crate::fix::{Applicability, apply};

/// A build context of these files; those with text have it.
pub(crate) fn context(files: &[(&str, &str)]) -> Context {
    let entry = |kind, size| Entry { kind, mode: 0o644, size, content: Content::Unread(size), link: None };
    let mut entries = Tree::new();
    let mut texts = std::collections::BTreeMap::new();
    for (path, text) in files {
        entries.insert(path, entry(EntryKind::File, text.len() as u64));
        if !text.is_empty() {
            texts.insert((*path).into(), Arc::from(*text));
        }
    }
    Context { entries, texts: Arc::new(texts), ..Context::default() }
}

/// Runs `look` on a file.
pub(crate) fn with<T>(text: &str, context: Option<&Context>, look: impl FnOnce(&Cx<'_>) -> T) -> T {
    let file = File::new(Parsed::new(text));
    let options = Options { all_stages: true, ..Options::default() };
    let evaluation = evaluate(&file, &options, &WellKnown);
    look(&Cx { file: &file, evaluation: &evaluation, context, rebuilds: None })
}

/// The offers at a line (from 1), or for the lines of a selection.
pub(crate) fn offers(
    action: &dyn Refactoring,
    text: &str,
    context: Option<&Context>,
    lines: std::ops::RangeInclusive<usize>,
) -> Vec<Offer> {
    let start = |line: usize| text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
    let selection = if lines.start() == lines.end() {
        start(*lines.start())..start(*lines.start())
    } else {
        start(*lines.start())..start(*lines.end() + 1)
    };
    with(text, context, |cx| action.offers(cx, selection))
}

/// Applies an offer, and checks what must hold for every offer: the result differs, BuildKit accepts all that it accepted
/// before, and no comment is lost.
pub(crate) fn applied(
    action: &dyn Refactoring,
    text: &str,
    context: Option<&Context>,
    offer: &Offer,
) -> String {
    let edits = with(text, context, |cx| action.edits(cx, offer)).expect("an offer has edits");
    let after = apply(text, &edits).expect("the edits fit");
    assert_ne!(after, text, "{}: nothing changes", offer.title);
    let problems =
        |text: &str| with(text, None, |cx| cx.file.all().map(|(_, _, i)| i.problems().len()).sum::<usize>());
    assert!(problems(&after) <= problems(text), "a problem is added:\n{after}");
    let comments = |text: &str| {
        let mut found: Vec<String> =
            text.lines().map(str::trim).filter(|l| l.starts_with('#')).map(str::to_owned).collect();
        found.sort();
        found
    };
    for comment in comments(text) {
        assert!(comments(&after).contains(&comment), "{comment} is lost:\n{after}");
    }
    if text.contains("\r\n") {
        assert!(!after.replace("\r\n", "").contains('\n'), "a bare line feed:\n{after:?}");
    }
    after
}

/// The only offer at a line, applied.
pub(crate) fn only(
    action: &dyn Refactoring,
    text: &str,
    context: Option<&Context>,
    line: usize,
    promise: Applicability,
) -> String {
    let offers = offers(action, text, context, line..=line);
    let [offer] = offers.as_slice() else { panic!("not one offer: {offers:#?}") };
    assert_eq!(offer.applicability, promise, "{offer:#?}");
    applied(action, text, context, offer)
}
