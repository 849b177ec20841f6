//! `merge-run`: several RUNs become one.
//!
//! ```dockerfile
//! RUN apt-get update
//! RUN apt-get install -y curl
//! RUN rm -rf /var/lib/apt/lists/*
//! ```
//! becomes
//! ```dockerfile
//! RUN apt-get update && \
//!     apt-get install -y curl && \
//!     rm -rf /var/lib/apt/lists/*
//! ```
//!
//! # Why
//! Each RUN makes a layer. What a later layer deletes stays in the earlier one and is pulled all the same.
//!
//! # When it is offered
//! At a cursor only where it frees something: a file or package that one RUN makes and a later one deletes, moves or
//! writes again; then the RUNs from the one to the other are merged, no more, since each that is added costs a cache entry.
//! For a selection of RUNs always, when it is right.
//!
//! # Promise
//! Safe when all parts are and-chains of simple commands of known programs: nothing that one RUN does to its shell or
//! leaves running reaches the next, so joining them by `&&` runs the same programs in the same state. A suggestion when a
//! program is not known, or might install another program of a name that the shell has already looked up. Nothing else is
//! offered: other lists, compound commands, `cd`, `export`, `set`, background processes, heredocs, the exec form, flags
//! that differ, instructions or pragmas (`# hadolint ignore=`) in between, a login shell, a shell that is not POSIX.

use std::ops::Range;
use std::sync::Arc;

use layerwise_model::eval::Source;
use layerwise_model::{File, eval};
use layerwise_syntax::mount::{Mount, MountKind};
use layerwise_syntax::shell::{Origin, Script, SimpleCommand};
use layerwise_syntax::{Form, Instruction, Keyword};

use super::command::{Effect, Hash, changes_shell, effect, hash_hazard, words_leak};
use super::footprint::{self, Undone};
use super::layout::{Layout, comments_between, is_pragma};
use super::{Cx, Offer, Refactoring, selected};
use crate::fix::{Applicability, Edit};

const ID: &str = "merge-run";

/// Linux' limit of one argument: `MAX_ARG_STRLEN` is 32 pages, its final zero byte included.
const MAX_ARGUMENT: usize = 131_072;

/// How many RUNs one offer merges at most, and how many commands they have together; bounds on the work per request.
const MAX_PARTS: usize = 64;
const MAX_COMMANDS: usize = 500;

/// The refactoring.
#[derive(Clone, Copy, Debug)]
pub struct MergeRun;

/// A RUN that can be part of a merge.
struct Part<'a> {
    number: usize,
    instruction: &'a Instruction,
    script: Arc<Script>,
    commands: Vec<SimpleCommand>,
    unknown: Vec<String>,
}

/// A merge of consecutive RUNs and what is to be said about it.
struct Plan<'a> {
    parts: Vec<Part<'a>>,
    unknown: Vec<String>,
    hash: Hash,
}

impl Refactoring for MergeRun {
    fn id(&self) -> &'static str {
        ID
    }

    fn offers(&self, cx: &Cx<'_>, selection: Range<usize>) -> Vec<Offer> {
        let chosen = selected(cx.file, &selection);
        if chosen.len() >= 2 {
            return plan(cx, chosen.clone())
                .filter(|p| p.parts.len() == chosen.len())
                .map(|p| offer(cx.file, &p))
                .into_iter()
                .collect();
        }
        if chosen.is_empty() {
            return Vec::new();
        }
        // What safe parts free first; what a longer run frees that is only a suggestion beside it.
        let mut offers: Vec<Offer> = Vec::new();
        let mut freed_before = 0;
        for allow_suggestion in [false, true] {
            let Some(plan) = widest(cx, chosen.start, allow_suggestion) else { continue };
            let freed = freed(&plan).len();
            if freed > freed_before {
                freed_before = freed;
                offers.push(offer(cx.file, &plan));
            }
        }
        offers
    }

    fn edits(&self, cx: &Cx<'_>, offer: &Offer) -> Option<Vec<Edit>> {
        let (first, last) = offer.key.split_once('-')?;
        let numbers = first.parse::<usize>().ok()?..last.parse::<usize>().ok()?.checked_add(1)?;
        if numbers.len() < 2 || numbers.end > cx.file.len() {
            return None;
        }
        let plan = plan(cx, numbers.clone()).filter(|p| p.parts.len() == numbers.len())?;
        (range(cx.file, &plan) == offer.range).then(|| edits(cx.file, &plan))
    }
}

/// What is worth merging in the longest run of mergeable RUNs around one of them.
fn widest<'a>(cx: &Cx<'a>, number: usize, allow_suggestion: bool) -> Option<Plan<'a>> {
    let stage = cx.file.stage_of(number)?;
    let is_run = |n: usize| cx.file.instruction(n).1.kind() == Some(Keyword::Run);
    if !is_run(number) {
        return None;
    }
    let mut start = number;
    while start > stage.body.start && is_run(start - 1) && number - start < MAX_PARTS {
        start -= 1;
    }
    // A run is built from its top; if it stops above the cursor, the next one begins where it stopped.
    loop {
        let mut found = plan_where(cx, start..stage.body.end, allow_suggestion)?;
        let end = start + found.parts.len().max(1);
        if number < end {
            found.parts.truncate(MAX_PARTS);
            return worth(cx, &found, number);
        }
        start = end;
    }
}

/// The part of a run of RUNs around one of them that frees something when it is merged: from what makes it to what undoes
/// it, and on to what overlaps that. What stands before and after keeps a cache entry of its own.
fn worth<'a>(cx: &Cx<'a>, around: &Plan<'_>, number: usize) -> Option<Plan<'a>> {
    let mut intervals: Vec<Range<usize>> = freed(around).iter().map(|f| f.1..f.2 + 1).collect();
    intervals.sort_by_key(|i| (i.start, i.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for next in intervals {
        match merged.last_mut().filter(|last| next.start < last.end) {
            Some(last) => last.end = last.end.max(next.end),
            None => merged.push(next),
        }
    }
    let span = merged.into_iter().find(|i| i.contains(&number))?;
    plan(cx, span.clone()).filter(|p| p.parts.len() == span.len())
}

fn plan<'a>(cx: &Cx<'a>, numbers: Range<usize>) -> Option<Plan<'a>> {
    plan_where(cx, numbers, true)
}

/// Merges the instructions from the start of `numbers` on, as far as it is right.
fn plan_where<'a>(cx: &Cx<'a>, numbers: Range<usize>, allow_suggestion: bool) -> Option<Plan<'a>> {
    let mut plan = Plan { parts: Vec::new(), unknown: Vec::new(), hash: Hash::Same };
    let stage = cx.file.stage_of(numbers.start)?;
    let (mut length, mut commands) = (0, 0);
    for number in numbers {
        if !stage.body.contains(&number) || plan.parts.len() >= MAX_PARTS {
            break;
        }
        let Some(part) = part(cx, number) else { break };
        if !allow_suggestion && !part.unknown.is_empty() {
            break;
        }
        length += part.instruction.args_text().len() + " && ".len();
        commands += part.commands.len();
        if length >= MAX_ARGUMENT || commands > MAX_COMMANDS {
            break;
        }
        if let Some(previous) = plan.parts.last() {
            let pragma = comments_between(cx.file, previous.number, number).into_iter().any(is_pragma);
            if pragma || !same_conditions(cx, previous.number, number) {
                break;
            }
            let before: Vec<&SimpleCommand> = plan.parts.iter().flat_map(|p| &p.commands).collect();
            let hash = hash_hazard(&before, &part.commands);
            if hash == Hash::Certain || (hash == Hash::Possible && !allow_suggestion) {
                break;
            }
            plan.hash = plan.hash.max(hash);
        }
        plan.unknown.extend(part.unknown.iter().cloned());
        plan.parts.push(part);
    }
    plan.unknown.sort();
    plan.unknown.dedup();
    Some(plan)
}

/// An instruction as a part of a merge; `None` if it must stay alone.
fn part<'a>(cx: &Cx<'a>, number: usize) -> Option<Part<'a>> {
    let (_, instruction) = cx.file.instruction(number);
    if instruction.kind() != Some(Keyword::Run)
        || !instruction.is_valid()
        || instruction.form() != Form::Shell
        || !instruction.heredocs().is_empty()
        || !is_plain_posix_shell(cx, number)
    {
        return None;
    }
    let script = instruction.script()?;
    if script.origin() != Origin::Inline || words_leak(script) {
        return None;
    }
    let commands = script.and_chain()?;
    let mut unknown = Vec::new();
    // Commands inside substitutions run in a shell of their own, but what they start may go on running.
    for command in script.commands() {
        if changes_shell(&command) {
            return None;
        }
        match effect(&command) {
            Effect::Plain => {}
            Effect::Unknown(name) => unknown.push(name),
            Effect::Leaks => return None,
        }
    }
    let end = script.source_range(commands.last()?.range.clone()).end;
    let rest = instruction.source().get(end..)?;
    rest.trim().is_empty().then(|| Part {
        number,
        instruction,
        script: Arc::clone(script),
        commands,
        unknown,
    })
}

/// Whether the shell of a RUN reads nothing when it starts and joins commands by `&&` as POSIX says.
fn is_plain_posix_shell(cx: &Cx<'_>, number: usize) -> bool {
    let Some(step) = cx.evaluation.steps.get(number) else { return false };
    let state = &step.state;
    if ["ENV", "BASH_ENV"].iter().any(|name| state.env.get(name).is_some()) {
        return false;
    }
    match &state.shell {
        None => {
            let stage = cx.file.stage_of(number).and_then(|s| cx.evaluation.stages.get(s.index));
            let base = stage.map_or("", |s| s.base_name.value.as_str()).to_ascii_lowercase();
            let windows = ["windows", "nanoserver"].iter().any(|word| base.contains(word));
            !windows && cx.file.parsed().layer().escape() == '\\'
        }
        Some(shell) => {
            let program = shell.first().map_or("", |p| p.rsplit('/').next().unwrap_or(p));
            let options = shell.get(1..).unwrap_or_default();
            matches!(program, "sh" | "bash" | "dash" | "ash" | "ksh")
                && options.last().is_some_and(|o| o.starts_with('-') && o.ends_with('c'))
                && options.iter().all(|o| o == "pipefail" || is_harmless_option(o))
        }
    }
}

/// `-c`, `-e`, `-u`, `-x`, `-o` and their combinations; `-l` and `-i` read profiles.
fn is_harmless_option(option: &str) -> bool {
    option.strip_prefix('-').is_some_and(|o| !o.is_empty() && o.chars().all(|c| "ceuxo".contains(c)))
}

/// Whether two RUNs run under the same flags, compared by what they mean.
fn same_conditions(cx: &Cx<'_>, a: usize, b: usize) -> bool {
    let run = |n: usize| match cx.evaluation.steps.get(n).map(|s| (&s.command, &s.error)) {
        Some((eval::Command::Run(run), None)) => Some(run),
        _ => None,
    };
    let (Some(a), Some(b)) = (run(a), run(b)) else { return false };
    let sorted = |mounts: &[(Mount, Source)]| {
        let mut keys: Vec<String> = mounts.iter().map(|(m, s)| format!("{m:?} {s:?}")).collect();
        keys.sort();
        keys
    };
    // What a RUN writes to a tmpfs or a writable bind mount is gone at its end, and would not be in a merged one.
    let fleeting = |(mount, _): &(Mount, Source)| {
        mount.kind == MountKind::Tmpfs || (mount.kind == MountKind::Bind && !mount.read_only)
    };
    let or =
        |value: &str, default: &str| if value.is_empty() { default.to_owned() } else { value.to_owned() };
    or(&a.network, "default") == or(&b.network, "default")
        && or(&a.security, "sandbox") == or(&b.security, "sandbox")
        && a.devices == b.devices
        && !a.mounts.iter().any(fleeting)
        && sorted(&a.mounts) == sorted(&b.mounts)
}

/// What a merge frees: what, the line that makes it, the line that undoes it, and how.
fn freed(plan: &Plan<'_>) -> Vec<(String, usize, usize, Undone)> {
    let mut found: Vec<(String, usize, usize, Undone)> = Vec::new();
    let effects: Vec<_> = plan
        .parts
        .iter()
        .map(|part| {
            let mut made: Vec<footprint::Thing> = Vec::new();
            let mut undone = Vec::new();
            for command in &part.commands {
                let own = footprint::undone(command);
                // What a RUN deletes itself is in no layer.
                made.retain(|m| {
                    !own.iter().any(|(how, t)| *how == Undone::Deleted && footprint::covers(t, m).is_some())
                });
                made.extend(footprint::made(command));
                undone.extend(own);
            }
            (part.number, made, undone)
        })
        .collect();
    for (later, (to, _, undone)) in effects.iter().enumerate() {
        for (from, made, _) in &effects[..later] {
            for (how, thing) in undone {
                for name in made.iter().filter_map(|m| footprint::covers(thing, m)) {
                    match found.iter_mut().find(|f| f.0 == name) {
                        // A later step that undoes it too belongs to the merge: `chmod`, then `mv`.
                        Some(known) => {
                            known.2 = *to;
                            if *how == Undone::Deleted {
                                known.3 = Undone::Deleted;
                            }
                        }
                        None => found.push((name, *from, *to, *how)),
                    }
                }
            }
        }
    }
    found
}

fn range(file: &File, plan: &Plan<'_>) -> Range<usize> {
    let (first, last) = (&plan.parts[0], &plan.parts[plan.parts.len() - 1]);
    file.range(first.number).start..file.range(last.number).end
}

fn offer(file: &File, plan: &Plan<'_>) -> Offer {
    let count = plan.parts.len();
    let (first, last) = (plan.parts[0].number, plan.parts[count - 1].number);
    let freed = freed(plan);
    let safe = plan.unknown.is_empty() && plan.hash == Hash::Same;
    let effect = match freed.as_slice() {
        [] => "one layer, no space is freed".to_owned(),
        [(what, _, _, Undone::Deleted)] => format!("{what} no longer stays in a layer"),
        [(what, _, _, Undone::Rewritten)] => format!("{what} is stored once, not twice"),
        [(what, ..), rest @ ..] => format!("{what} and {} more no longer stay in a layer", rest.len()),
    };
    let mut notes: Vec<String> = freed
        .iter()
        .map(|(what, from, to, how)| {
            let does = if *how == Undone::Deleted { "deletes it" } else { "writes it again" };
            format!(
                "Line {} makes {what}; line {} {does} in another layer.",
                file.line(*from),
                file.line(*to)
            )
        })
        .collect();
    notes.push(format!(
        "The {count} steps share one cache entry then: a change of one runs all of them again."
    ));
    if !plan.unknown.is_empty() {
        notes.push(format!(
            "Not known: {}. Check that nothing it starts or installs may be seen by the commands after it.",
            plan.unknown.join(", ")
        ));
    }
    if plan.hash != Hash::Same {
        notes.push(
            "A shell remembers where it found a program: if one of the commands installs another program of the same \
             name, the merged RUN goes on with the old one."
                .to_owned(),
        );
    }
    Offer {
        id: ID,
        title: format!("Merge {count} RUN instructions into one: {effect}"),
        kind: "refactor.rewrite",
        applicability: if safe { Applicability::Safe } else { Applicability::Suggestion },
        range: range(file, plan),
        notes,
        key: format!("{first}-{last}"),
    }
}

/// Joins the parts and leaves each as it is written; one that stands on one line gets a line per command.
fn edits(file: &File, plan: &Plan<'_>) -> Vec<Edit> {
    let layout = Layout::of(file);
    let mut edits = Vec::new();
    for (at, part) in plan.parts.iter().enumerate() {
        let place = |range: Range<usize>| file.absolute(part.number, part.script.source_range(range));
        let Some(first) = part.commands.first() else { continue };
        if let Some(previous) = at.checked_sub(1).map(|p| &plan.parts[p]) {
            let Some(last) = previous.commands.last() else { continue };
            let from = file.absolute(previous.number, previous.script.source_range(last.range.clone())).end;
            let to = place(first.range.clone()).start;
            let mut comments = comments_between(file, previous.number, part.number);
            let head = to - file.instruction(part.number).0.start;
            let source = part.instruction.source();
            comments.extend(
                part.instruction
                    .comments()
                    .iter()
                    .filter(|c| c.start < head)
                    .map(|c| source[c.clone()].trim()),
            );
            edits.push(Edit { range: from..to, text: layout.and(&comments) });
        }
        let whole = part.instruction.trimmed_range();
        if part.instruction.source()[whole].contains('\n') {
            continue;
        }
        for pair in part.commands.windows(2) {
            let range = place(pair[0].range.clone()).end..place(pair[1].range.clone()).start;
            edits.push(Edit { range, text: layout.and(&[]) });
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::super::testing::{applied, offers, only};
    use super::*;

    fn merged(text: &str, line: usize) -> String {
        only(&MergeRun, text, None, line, Applicability::Safe)
    }

    fn none(text: &str) {
        for line in 1..=text.lines().count() {
            assert_eq!(offers(&MergeRun, text, None, line..=line), Vec::new(), "line {line} of:\n{text}");
        }
    }

    /// Nothing is offered even for a selection of everything below the first line.
    fn never(text: &str) {
        none(text);
        let last = text.lines().count();
        assert_eq!(offers(&MergeRun, text, None, 2..=last), Vec::new(), "{text}");
    }

    const APT: &str =
        "FROM debian:12\nRUN apt-get update\nRUN apt-get install -y curl\nRUN rm -rf /var/lib/apt/lists/*\n";

    #[test]
    fn apt_lines_become_one() {
        let after = "FROM debian:12\nRUN apt-get update && \\\n    apt-get install -y curl && \\\n    rm -rf /var/lib/apt/lists/*\n";
        for line in 2..=4 {
            assert_eq!(merged(APT, line), after);
        }
        none(after);
        let [offer] = offers(&MergeRun, APT, None, 2..=2).try_into().unwrap();
        assert_eq!(
            offer.title,
            "Merge 3 RUN instructions into one: /var/lib/apt/lists no longer stays in a layer"
        );
    }

    #[test]
    fn line_breaks_and_escape_are_kept() {
        let crlf = APT.replace('\n', "\r\n");
        assert_eq!(
            merged(&crlf, 3),
            "FROM debian:12\r\nRUN apt-get update && \\\r\n    apt-get install -y curl && \\\r\n    rm -rf /var/lib/apt/lists/*\r\n"
        );
        let tick = format!(
            "# escape=`\n{}",
            APT.replace("FROM debian:12", "FROM debian:12\nSHELL [\"/bin/bash\", \"-c\"]")
        );
        assert!(
            merged(&tick, 4).contains("RUN apt-get update && `\n    apt-get install -y curl && `\n    rm")
        );
        assert!(!merged(APT.trim_end(), 2).ends_with('\n'));
    }

    #[test]
    fn the_files_own_style_is_kept() {
        let text = "FROM debian:12\nRUN apt-get update \\\n && apt-get install -y \\\n    curl \\\n    # for the checks\n    jq\n# no longer needed\nRUN rm -rf /var/lib/apt/lists/*\n";
        assert_eq!(
            merged(text, 3),
            "FROM debian:12\nRUN apt-get update \\\n && apt-get install -y \\\n    curl \\\n    # for the checks\n    jq \\\n # no longer needed\n && rm -rf /var/lib/apt/lists/*\n"
        );
    }

    #[test]
    fn a_line_with_several_commands_gets_a_line_for_each() {
        let text = "FROM debian:12\nRUN apt-get update && apt-get install -y curl\n\n# clean\nRUN rm -rf /var/lib/apt/lists\n";
        assert_eq!(
            merged(text, 2),
            "FROM debian:12\nRUN apt-get update && \\\n    apt-get install -y curl && \\\n    # clean\n    rm -rf /var/lib/apt/lists\n"
        );
    }

    #[test]
    fn flags_stay_once_when_they_mean_the_same() {
        let text = "FROM debian:12\nRUN --mount=type=cache,target=/c --network=default curl -o /t.tgz https://x.example/t.tgz\nRUN --mount=target=/c,type=cache tar -xf /t.tgz && rm /t.tgz\n";
        assert_eq!(
            merged(text, 2),
            "FROM debian:12\nRUN --mount=type=cache,target=/c --network=default curl -o /t.tgz https://x.example/t.tgz && \\\n    tar -xf /t.tgz && \\\n    rm /t.tgz\n"
        );
        never(
            "FROM debian:12\nRUN --mount=type=cache,target=/c apt-get update\nRUN rm -rf /var/lib/apt/lists/*\n",
        );
        never("FROM debian:12\nRUN --network=none apt-get update\nRUN rm -rf /var/lib/apt/lists/*\n");
        never(
            "FROM debian:12\nRUN --mount=type=tmpfs,target=/t apt-get update\nRUN --mount=type=tmpfs,target=/t rm -rf /var/lib/apt/lists/*\n",
        );
    }

    #[test]
    fn what_a_shell_carries_over_is_never_merged() {
        for first in [
            "cd /tmp && apt-get update",
            "apt-get update && export A=1",
            "apt-get update && A=1",
            "A=1; apt-get update",
            "set -e && apt-get update",
            "umask 077 && apt-get update",
            "apt-get update && exit 0",
            "exec apt-get update",
            ". /etc/profile && apt-get update",
            "source /x && apt-get update",
            "eval apt-get update",
            "trap true EXIT && apt-get update",
            "apt-get update &",
            "apt-get update && alias rm=true",
            "f() { true; } && apt-get update",
            "apt-get update # note",
            "apt-get update || true",
            "apt-get update; true",
            "service mysql start && apt-get update",
            "apt-get update && echo ${X:=1}",
            "apt-get update && echo 1.2.3.4 a >> /etc/hosts",
            "apt-get update && $TOOL",
            "rm /bin/sh && ln -s /bin/bash /bin/sh && apt-get update",
            "apt-get update && dpkg-reconfigure dash",
            "apt-get update && (",
            "[\"apt-get\", \"update\"]",
            "<<EOF\napt-get update\nEOF",
        ] {
            never(&format!("FROM debian:12\nRUN {first}\nRUN rm -rf /var/lib/apt/lists/*\n"));
        }
        for between in
            ["ENV A=1", "USER x", "WORKDIR /x", "# hadolint ignore=DL3009", "# check=skip=all", "COPY a b"]
        {
            never(&format!(
                "FROM debian:12\nRUN apt-get update\n{between}\nRUN rm -rf /var/lib/apt/lists/*\n"
            ));
        }
        for before in [
            "SHELL [\"/bin/bash\", \"-lc\"]",
            "SHELL [\"powershell\", \"-c\"]",
            "ENV BASH_ENV=/x",
            "ENV ENV /x",
        ] {
            never(&format!(
                "FROM debian:12\n{before}\nRUN apt-get update\nRUN rm -rf /var/lib/apt/lists/*\n"
            ));
        }
        never("FROM debian:12\nONBUILD RUN apt-get update\nONBUILD RUN rm -rf /var/lib/apt/lists/*\n");
        never("FROM debian:12\nRUN apt-get update\nFROM debian:12\nRUN rm -rf /var/lib/apt/lists/*\n");
    }

    #[test]
    fn a_program_that_is_installed_over_is_not_called_again() {
        never("FROM python:3\nRUN pip install --upgrade pip\nRUN pip install -r /r.txt && pip cache purge\n");
        never("FROM python:3\nRUN node a.js && ln -s /opt/node /usr/local/bin/node\nRUN node b.js\n");
        let text = "FROM python:3\nRUN pip install wheel\nRUN pip install -r /r.txt && pip cache purge\n";
        only(&MergeRun, text, None, 2, Applicability::Suggestion);
    }

    #[test]
    fn it_does_not_nag_but_obeys() {
        let text = "FROM debian:12\nRUN mkdir /a\nRUN mkdir /b\nRUN mkdir /c\n";
        none(text);
        let [offer] = offers(&MergeRun, text, None, 3..=4).try_into().unwrap();
        assert_eq!(offer.title, "Merge 2 RUN instructions into one: one layer, no space is freed");
        assert_eq!(
            applied(&MergeRun, text, None, &offer),
            "FROM debian:12\nRUN mkdir /a\nRUN mkdir /b && \\\n    mkdir /c\n"
        );
    }

    #[test]
    fn only_what_frees_something_is_merged() {
        let text =
            "FROM x\nRUN mkdir /a\nRUN apk add curl\nRUN mkdir /b\nRUN rm -rf /var/cache/apk/*\nRUN npm ci\n";
        let after = "FROM x\nRUN mkdir /a\nRUN apk add curl && \\\n    mkdir /b && \\\n    rm -rf /var/cache/apk/*\nRUN npm ci\n";
        for line in 3..=5 {
            assert_eq!(merged(text, line), after);
        }
        assert_eq!(offers(&MergeRun, text, None, 2..=2), []);
        assert_eq!(offers(&MergeRun, text, None, 6..=6), []);
    }

    #[test]
    fn all_that_touch_a_file_are_merged() {
        let text = "FROM x\nRUN curl -LO https://x.example/t\nRUN chmod +x t\nRUN mv t /usr/bin\n";
        let after =
            "FROM x\nRUN curl -LO https://x.example/t && \\\n    chmod +x t && \\\n    mv t /usr/bin\n";
        for line in 2..=4 {
            assert_eq!(merged(text, line), after);
        }
    }

    #[test]
    fn unknown_programs_make_a_suggestion() {
        let text = "FROM debian:12\nRUN wget https://x.example/a.tar.gz\nRUN ./setup\nRUN rm a.tar.gz\n";
        let [offer] = offers(&MergeRun, text, None, 2..=2).try_into().unwrap();
        assert_eq!(offer.applicability, Applicability::Suggestion);
        assert!(offer.notes.iter().any(|n| n.contains("./setup")), "{:?}", offer.notes);
    }

    #[test]
    fn a_script_too_long_for_one_argument_stays_apart() {
        let long = "x".repeat(70_000);
        never(&format!(
            "FROM debian:12\nRUN echo {} && curl -o /f http://x\nRUN echo {long} && rm /f\n",
            long.replace("xx", "x ")
        ));
    }

    #[test]
    fn what_it_frees() {
        for (make, undo) in [
            ("apk add --virtual .build gcc", "apk del .build"),
            ("apk add gcc", "apk del gcc"),
            ("apt-get install -y gcc=4:12", "apt-get purge -y --auto-remove gcc"),
            ("curl -fsSLo /tmp/a.tgz https://x.example/a", "rm -rf /tmp/*"),
            ("curl -LO https://x.example/a.tgz", "rm ./a.tgz"),
            ("wget -q https://x.example/a.tgz?b=1", "rm *.tgz"),
            ("wget -P /d https://x.example/t", "chmod +x /d/t"),
            ("curl -o /usr/bin/t https://x.example/t", "chown a:b /usr/bin/t"),
            ("git clone https://x.example/app.git", "rm -r app"),
            ("npm ci", "npm cache clean --force"),
            ("yum install -y gcc", "yum clean all"),
            ("pip install x", "rm -rf ~/.cache"),
            ("apk add curl", "rm -rf /var/cache/apk/*"),
        ] {
            merged(&format!("FROM x\nRUN {make}\nRUN {undo}\n"), 2);
        }
        none("FROM x\nRUN apk add --no-cache curl\nRUN rm -rf /var/cache/apk/*\n");
        none("FROM x\nRUN curl -o /a https://x.example/a\nRUN rm -rf /b\n");
        none("FROM x\nRUN echo a > /a\nRUN chmod +x /a\n");
        let clean =
            "apt-get update && apt-get install -y --no-install-recommends jq && rm -rf /var/lib/apt/lists/*";
        none(&format!("FROM x\nRUN {clean}\nRUN {clean}\n"));
    }
}
