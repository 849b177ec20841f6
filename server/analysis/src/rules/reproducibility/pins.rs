//! What the rules about unpinned versions share.

use layerwise_model::facts::{Command, Install, Manager};
use layerwise_syntax::Keyword;
use layerwise_syntax::words::Lex;

use crate::rules::{Finding, InstructionCx};

/// A package that a command names without its version: how it is written, and where.
pub(super) struct Unpinned {
    pub(super) name: String,
    pub(super) range: std::ops::Range<usize>,
}

/// `` `a` ``, `` `a` and `b` ``, `` `a`, `b` and 3 more ``.
fn listed(names: &[Unpinned]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("`{}`", one.name),
        [one, two] => format!("`{}` and `{}`", one.name, two.name),
        [one, two, rest @ ..] => format!("`{}`, `{}` and {} more", one.name, two.name, rest.len()),
    }
}

/// Reports the unpinned packages of one command, at the first of them. `example` is what to write for the first.
pub(super) fn report(unpinned: &[Unpinned], example: &str, out: &mut Vec<Finding>) {
    let Some(first) = unpinned.first() else { return };
    let (it, them) = if unpinned.len() == 1 { ("has", "it") } else { ("have", "them") };
    out.push(Finding::new(
        first.range.clone(),
        format!(
            "{} {it} no version here, so the same file builds another image when a new one comes out; pin {them}, such as `{example}`.",
            listed(unpinned)
        ),
    ));
}

/// The installs by one of these managers that a RUN names packages in.
pub(super) fn installs<'a>(
    cx: &InstructionCx<'a>,
    managers: &'a [Manager],
) -> impl Iterator<Item = (&'a Install, &'a Command)> {
    let run = cx.instruction.kind() == Some(Keyword::Run);
    let installs = if run { cx.facts.installs.as_slice() } else { &[] };
    let facts = cx.facts;
    installs
        .iter()
        .filter(|install| managers.contains(&install.manager))
        .filter_map(|install| Some((install, facts.commands.get(install.command)?)))
}

/// A word with its variables filled in from the environment; `None` if something else in it decides, or a variable that
/// the script itself or an unknown base image may set.
pub(super) fn expanded(cx: &InstructionCx<'_>, text: &str) -> Option<String> {
    if !text.contains('$') {
        return Some(text.to_owned());
    }
    if text.contains("$(") || text.contains('`') {
        return None;
    }
    let word = Lex::new('\\').process_word(text, &cx.step.state.env).ok()?;
    let source = cx.instruction.source();
    let open = |name: &String| {
        !cx.step.state.env_known
            || source.contains(&format!("{name}="))
            || source.contains(&format!("for {name} "))
            || source.contains(&format!("read {name}"))
    };
    (!word.unmatched.iter().any(open)).then_some(word.value)
}
