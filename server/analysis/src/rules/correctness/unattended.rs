//! What E057 to E060 share: package managers that ask before they go on.

use std::ops::Range;

use layerwise_model::facts::Command;
use layerwise_syntax::Keyword;

use crate::fix::Fix;
use crate::rules::{Finding, InstructionCx};

/// A package manager that asks.
pub(super) struct Asks {
    /// Its names.
    pub(super) names: &'static [&'static str],
    /// The subcommands that ask.
    pub(super) verbs: &'static [&'static str],
    /// Flags that answer, without dashes.
    pub(super) flags: &'static [&'static str],
    /// Words that answer, in lower case: `-o APT::Get::Assume-Yes=true`.
    pub(super) options: &'static [&'static str],
    /// The flag that a fix adds.
    pub(super) add: &'static str,
    /// Whether two times `-q` answers.
    pub(super) quiet: bool,
    /// Whether the flag goes in front of the subcommand.
    pub(super) before: bool,
    /// When it asks; empty for always.
    pub(super) when: &'static str,
}

/// The commands of a RUN that ask and get no answer, each with the subcommand's place.
pub(super) fn check(asks: &Asks, cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in cx.facts.commands.iter().filter(|c| asks.names.contains(&c.name.as_str())) {
        let verb = command.args.iter().find(|arg| asks.verbs.contains(&arg.text.as_str()));
        let Some(verb) = verb.filter(|verb| is_subcommand(command, &verb.range)) else { continue };
        let answered = command.has_flag(asks.flags)
            || command.args.iter().any(|arg| {
                let text = arg.text.to_ascii_lowercase();
                asks.options.iter().any(|option| text.contains(option)) || may_hold_flags(arg.literal, &text)
            });
        // apt takes two times quiet for a yes.
        let quiet = command.args.iter().map(|arg| match arg.text.as_str() {
            "--quiet" => 1,
            text if text.starts_with('-') && !text.starts_with("--") => text.matches('q').count(),
            _ => 0,
        });
        if answered || (asks.quiet && quiet.sum::<usize>() > 1) || is_answered(cx, command) {
            continue;
        }
        let message = format!(
            "`{} {}` asks whether to go on{}, and nobody can answer during a build, so it fails{}; add `{}`.",
            command.name,
            verb.text,
            asks.when,
            if asks.when.is_empty() { "" } else { " then" },
            asks.add
        );
        let finding = Finding::new(command.program.range.start..verb.range.end, message);
        let at = if asks.before { command.program.range.end } else { verb.range.end };
        let fix = Fix::replace(format!("Add `{}`", asks.add), at..at, format!(" {}", asks.add)).safe();
        out.push(if command.exec || cx.facts.unclear { finding } else { finding.fix(fix) });
    }
}

/// Whether the first operand stands here, the values of flags left aside: what is behind the first operand is a package.
fn is_subcommand(command: &Command, range: &Range<usize>) -> bool {
    let before = command.args.iter().take_while(|arg| arg.range.start < range.start);
    let mut valued = false;
    for arg in before {
        if !arg.is_flag() && !valued {
            return false;
        }
        valued = matches!(
            arg.text.as_str(),
            "-o" | "-c"
                | "-t"
                | "--option"
                | "--config-file"
                | "--setopt"
                | "--enablerepo"
                | "--disablerepo"
                | "--installroot"
                | "--releasever"
                | "-x"
                | "--exclude"
                | "--root"
                | "-R"
                | "--config"
        );
    }
    true
}

/// A variable that, by its name, holds flags.
pub(super) fn may_hold_flags(literal: bool, lower: &str) -> bool {
    !literal
        && lower.starts_with(['$', '"'])
        && ["opt", "arg", "flag", "yes"].iter().any(|word| lower.contains(word))
}

/// Whether a program in front of it in a pipeline answers: `yes |`, `echo y |`.
fn is_answered(cx: &InstructionCx<'_>, command: &Command) -> bool {
    let inside = |range: &Range<usize>| range.start <= command.range.start && command.range.end <= range.end;
    let fed = !command.redirects.is_empty() && command.redirects.iter().any(|r| r.text.starts_with('<'));
    fed || cx.facts.pipelines.iter().any(|pipeline| {
        inside(&pipeline.range)
            && cx.facts.commands.iter().any(|other| {
                matches!(other.name.as_str(), "yes" | "echo" | "printf")
                    && pipeline.range.start <= other.range.start
                    && other.range.end <= command.range.start
            })
    })
}
