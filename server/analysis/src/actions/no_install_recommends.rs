//! `no-install-recommends`: apt installs what is named and what that depends on, and nothing else.
//!
//! ```dockerfile
//! RUN apt-get update && apt-get install -y curl
//! ```
//! becomes
//! ```dockerfile
//! RUN apt-get update && \
//!     apt-get install -y --no-install-recommends \
//!         curl \
//!         ca-certificates
//! ```
//!
//! # Why
//! apt installs what a package recommends too, which is often several times as much as the package.
//!
//! # What it adds
//! Some recommendations are relied upon: `curl`, `wget` and `git` speak https only with ca-certificates, `gcc` finds no
//! headers without libc6-dev. Those are named in the command, unless they or something that stands for them is installed
//! already. A second offer removes the package lists in the same step where nothing below needs them; a third leaves the
//! certificates out.
//!
//! # Promise
//! Safe only where the packages are known to recommend nothing and the base is the Debian release that the figures are
//! for. Otherwise a suggestion, with the names, the number and the size of what is no longer installed, or with the names
//! of the packages of which that is not known. Not offered where the file says something about recommendations already.

use std::collections::BTreeSet;
use std::ops::Range;

use layerwise_model::eval::{Base, Command};
use layerwise_model::{File, Stage};
use layerwise_syntax::shell::{Origin, Script};
use layerwise_syntax::{Form, Instruction, Keyword};

use super::apt::{self, Install};
use super::layout::Layout;
use super::{Cx, Offer, Refactoring, selected};
use crate::fix::{Applicability, Edit, Fix};

const ID: &str = "no-install-recommends";

/// Without it nothing can check the certificate of an https server.
const CERTIFICATES: &str = "ca-certificates";

/// How many names a note lists.
const MAX_NAMES: usize = 30;

/// The refactoring.
#[derive(Clone, Copy, Debug)]
pub struct NoInstallRecommends;

/// How an offer is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    /// The flag and what is needed.
    Full,
    /// That, and the package lists are removed in the same step.
    Lists,
    /// The flag alone.
    Bare,
}

impl Variant {
    const ALL: [Variant; 3] = [Variant::Full, Variant::Lists, Variant::Bare];

    fn key(self) -> &'static str {
        match self {
            Variant::Full => "needed",
            Variant::Lists => "needed+lists",
            Variant::Bare => "bare",
        }
    }
}

/// A RUN with installs that lack the flag.
struct Candidate<'a> {
    number: usize,
    instruction: &'a Instruction,
    script: &'a Script,
    installs: Vec<Planned>,
}

/// An install and the packages that are added to it, each with why.
struct Planned {
    install: Install,
    added: Vec<(&'static str, &'static str)>,
}

impl Refactoring for NoInstallRecommends {
    fn id(&self) -> &'static str {
        ID
    }

    fn offers(&self, cx: &Cx<'_>, selection: Range<usize>) -> Vec<Offer> {
        let chosen = selected(cx.file, &selection);
        let mut offers = Vec::new();
        let mut found = Vec::new();
        for number in chosen.clone() {
            if let Some(candidate) = candidate(cx, number) {
                found.push(candidate);
            }
        }
        if found.is_empty() || is_configured(cx.file) {
            return offers;
        }
        for candidate in &found {
            for variant in Variant::ALL {
                if applies(cx, candidate, variant) {
                    offers.push(offer(
                        cx,
                        std::slice::from_ref(candidate),
                        variant,
                        candidate.number.to_string(),
                    ));
                }
            }
        }
        let all: Vec<Candidate<'_>> = (0..cx.file.len()).filter_map(|n| candidate(cx, n)).collect();
        if all.len() >= 2 {
            offers.push(offer(cx, &all, Variant::Full, "all".to_owned()));
        }
        offers
    }

    fn edits(&self, cx: &Cx<'_>, offer: &Offer) -> Option<Vec<Edit>> {
        if is_configured(cx.file) {
            return None;
        }
        let (variant, place) = offer.key.split_once(':')?;
        let variant = Variant::ALL.into_iter().find(|v| v.key() == variant)?;
        let numbers = if place == "all" {
            0..cx.file.len()
        } else {
            let number: usize = place.parse().ok().filter(|n| *n < cx.file.len())?;
            number..number + 1
        };
        let found: Vec<Candidate<'_>> = numbers.filter_map(|n| candidate(cx, n)).collect();
        if found.is_empty() || range(cx.file, &found) != offer.range {
            return None;
        }
        if !found.iter().all(|c| place == "all" || applies(cx, c, variant)) {
            return None;
        }
        let layout = Layout::of(cx.file);
        Some(found.iter().flat_map(|c| edits(cx.file, &layout, c, variant)).collect())
    }
}

/// The RUN that an instruction is, or triggers.
fn run(instruction: &Instruction) -> Option<&Instruction> {
    let inner = instruction.trigger().unwrap_or(instruction);
    (inner.kind() == Some(Keyword::Run) && inner.form() == Form::Shell).then_some(inner)
}

fn candidate<'a>(cx: &Cx<'a>, number: usize) -> Option<Candidate<'a>> {
    let present = || cx.file.stage_of(number).map_or_else(BTreeSet::new, |stage| present(cx, stage, number));
    candidate_in(cx.file, number, present, || fetches(cx.file, number))
}

/// The same, where it is known what is installed above and whether a RUN from there on fetches by https.
fn candidate_in(
    file: &File,
    number: usize,
    present: impl FnOnce() -> BTreeSet<String>,
    fetches: impl Fn() -> bool,
) -> Option<Candidate<'_>> {
    let (_, instruction) = file.instruction(number);
    let inner = run(instruction).filter(|_| instruction.is_valid())?;
    let script = inner.script()?;
    // A heredoc that is fed to a command is that command's own text.
    if script.has_error() || script.origin() == Origin::Mixed {
        return None;
    }
    let installs = apt::installs(script);
    if installs.is_empty() {
        return None;
    }
    let mut present = present();
    let mut planned = Vec::new();
    for install in installs {
        let listed: Vec<String> = install.packages.iter().filter_map(|p| p.name.clone()).collect();
        present.extend(listed.iter().cloned());
        let mut added: Vec<(&'static str, &'static str)> = Vec::new();
        for need in listed.iter().filter_map(|name| apt::needed().needs.get(name)).flatten() {
            let there = present.contains(&need.add) || need.unless.iter().any(|u| present.contains(u));
            if !there {
                present.insert(need.add.clone());
                added.push((&need.add, &need.why));
            }
        }
        let drops = |name: &String| {
            apt::recommends(name).is_some_and(|r| r.2.iter().any(|dropped| dropped == CERTIFICATES))
        };
        if listed.iter().any(drops) && !present.contains(CERTIFICATES) && fetches() {
            present.insert(CERTIFICATES.to_owned());
            added.push((CERTIFICATES, "it came as a recommendation, and this file fetches by https"));
        }
        planned.push(Planned { install, added });
    }
    Some(Candidate { number, instruction, script, installs: planned })
}

/// Whether a RUN from this one on names an https server.
fn fetches(file: &File, from: usize) -> bool {
    file.instructions(from..file.len()).any(|(_, _, i)| run(i).is_some() && i.source().contains("https://"))
}

/// The packages that are installed by name above an instruction, in its stage and the stages that it starts from, and
/// ca-certificates where the base image has it.
fn present(cx: &Cx<'_>, stage: &Stage, before: usize) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let (mut stage, mut end) = (stage, before);
    loop {
        for (_, _, instruction) in cx.file.instructions(stage.body.start..end.max(stage.body.start)) {
            if let Some(script) =
                (instruction.kind() == Some(Keyword::Run)).then(|| instruction.script()).flatten()
            {
                names.extend(script.simple_commands().iter().flat_map(apt::installed));
            }
        }
        match cx.evaluation.stages.get(stage.index).map(|s| &s.base) {
            // A stage starts from an earlier one, so this ends.
            Some(Base::Stage(index)) if *index < stage.index => {
                stage = &cx.file.stages()[*index];
                end = stage.body.end;
            }
            Some(Base::Image(reference)) => {
                if has_certificates(reference) {
                    names.insert(CERTIFICATES.to_owned());
                }
                return names;
            }
            _ => return names,
        }
    }
}

/// The name and the tag of an official image.
fn official(reference: &str) -> Option<(&str, &str)> {
    let name = reference.strip_prefix("docker.io/library/")?.split('@').next()?;
    Some(name.split_once(':').unwrap_or((name, "latest")))
}

fn has_certificates(reference: &str) -> bool {
    official(reference).is_some_and(|(name, tag)| {
        apt::needed().with_certificates.iter().any(|n| n == name)
            && !["slim", "alpine"].iter().any(|v| tag.contains(v))
    })
}

/// Whether the figures are for the stage's base.
fn is_bookworm(cx: &Cx<'_>, stage: &Stage) -> bool {
    let mut index = stage.index;
    while let Some(Base::Stage(base)) = cx.evaluation.stages.get(index).map(|s| &s.base) {
        if *base >= index {
            return false;
        }
        index = *base;
    }
    match cx.evaluation.stages.get(index).map(|s| &s.base) {
        Some(Base::Image(reference)) => official(reference).is_some_and(|(name, tag)| {
            tag.contains("bookworm")
                || (name == "debian" && (tag == "12" || tag.starts_with("12.") || tag.starts_with("12-")))
        }),
        _ => false,
    }
}

/// Whether the file sets apt's configuration itself, so that the flag may be there in another form.
fn is_configured(file: &File) -> bool {
    file.all().any(|(_, _, instruction)| {
        let text = instruction.source();
        let names = text.contains("apt.conf") || text.contains("APT_CONFIG");
        let sets = text.contains("APT::") || text.contains("apt::");
        let lower = || text.to_ascii_lowercase();
        match instruction.kind() {
            Some(Keyword::Copy | Keyword::Add | Keyword::Env | Keyword::Arg) => names,
            _ => (names || sets) && lower().contains("apt::install-recommends"),
        }
    })
}

fn applies(cx: &Cx<'_>, candidate: &Candidate<'_>, variant: Variant) -> bool {
    match variant {
        Variant::Full => true,
        Variant::Bare => {
            let mut added = candidate.installs.iter().flat_map(|i| &i.added).peekable();
            added.peek().is_some() && added.all(|(name, _)| *name == CERTIFICATES)
        }
        Variant::Lists => lists_can_go(cx, candidate),
    }
}

/// Whether the RUN fetches the package lists, leaves them, and nothing below reads them.
fn lists_can_go(cx: &Cx<'_>, candidate: &Candidate<'_>) -> bool {
    let Some(chain) = candidate.script.and_chain() else { return false };
    let Some(install) = chain.iter().rposition(apt::is_install) else { return false };
    let updates = chain[..install].iter().any(apt::is_update);
    if !updates
        || candidate.script.origin() != Origin::Inline
        || candidate.instruction.kind() != Some(Keyword::Run)
    {
        return false;
    }
    let Some(Command::Run(run)) = cx.evaluation.steps.get(candidate.number).map(|s| &s.command) else {
        return false;
    };
    if run.mounts.iter().any(|(mount, _)| mount.target.contains("/apt"))
        || mentions_lists(candidate.instruction)
    {
        return false;
    }
    cx.file.instructions(candidate.number + 1..cx.file.len()).all(|(_, _, later)| {
        let Some(script) = self::run(later).and_then(|r| r.script()) else { return true };
        let commands = script.commands();
        let fetches = commands.iter().any(apt::is_update);
        let reads = later.source().contains("apt") && !fetches;
        !mentions_lists(later) && !reads
    })
}

fn mentions_lists(instruction: &Instruction) -> bool {
    instruction.source().contains("/var/lib/apt")
}

fn range(file: &File, candidates: &[Candidate<'_>]) -> Range<usize> {
    match candidates {
        [] => 0..0,
        [first, .., last] => file.range(first.number).start..file.range(last.number).end,
        [only] => file.range(only.number),
    }
}

/// What is no longer installed.
#[derive(Default)]
struct Dropped {
    names: BTreeSet<String>,
    /// How many more there are whose names are not in the data.
    unnamed: usize,
    megabytes: f64,
    /// Packages that are installed by name.
    listed: usize,
    unknown: Vec<String>,
    warnings: Vec<String>,
}

fn dropped(candidates: &[Candidate<'_>], variant: Variant) -> Dropped {
    let mut out = Dropped::default();
    let mut kept: BTreeSet<&str> = BTreeSet::new();
    let mut sizes = 0.0;
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for planned in candidates.iter().flat_map(|c| &c.installs) {
        for package in &planned.install.packages {
            let Some(name) = package.name.as_deref() else {
                out.unknown.push(package.word.raw.clone());
                continue;
            };
            if !seen.insert(name) {
                continue;
            }
            let Some((count, megabytes, names)) = apt::recommends(name) else {
                out.unknown.push(name.to_owned());
                continue;
            };
            out.megabytes += megabytes;
            out.unnamed += count.saturating_sub(names.len());
            out.names.extend(names.iter().cloned());
            if let Some(warning) = apt::needed().warn.get(name) {
                out.warnings.push(format!("{name}: {warning}."));
            }
        }
        if variant != Variant::Bare {
            kept.extend(planned.added.iter().map(|a| a.0));
        }
    }
    for added in &kept {
        let brought = apt::needed().closure.get(*added);
        for (name, size) in brought.into_iter().flatten() {
            if out.names.remove(name) {
                sizes += size;
            }
        }
        out.names.remove(*added);
    }
    out.listed = seen.len();
    out.names.retain(|name| !seen.contains(name.as_str()));
    out.megabytes = (out.megabytes - sizes).max(0.0);
    out.unknown.sort();
    out.unknown.dedup();
    out
}

fn offer(cx: &Cx<'_>, candidates: &[Candidate<'_>], variant: Variant, place: String) -> Offer {
    let dropped = dropped(candidates, variant);
    let mut added: Vec<(&str, &str)> = Vec::new();
    for one in candidates.iter().flat_map(|c| &c.installs).flat_map(|i| &i.added) {
        if !added.iter().any(|a| a.0 == one.0) {
            added.push(*one);
        }
    }
    let what = match (variant, added.as_slice()) {
        (Variant::Bare, _) | (_, []) => "--no-install-recommends".to_owned(),
        (_, added) => {
            let names: Vec<&str> = added.iter().map(|a| a.0).collect();
            format!("--no-install-recommends and {}", names.join(", "))
        }
    };
    let place_name = if place == "all" {
        format!(" to all {} steps with apt installs", candidates.len())
    } else {
        String::new()
    };
    let also = if variant == Variant::Lists { ", remove the package lists" } else { "" };
    let count = dropped.names.len() + dropped.unnamed;
    let bare = if variant == Variant::Bare { ", https certificates included" } else { "" };
    let effect = if count > 0 {
        // A package that one recommends may be what another one needs.
        let alone = dropped.listed == 1 && dropped.unknown.is_empty();
        let (about, upto) = if alone && dropped.unnamed == 0 { ("about", "") } else { ("up to", "up to ") };
        let packages = if count == 1 { "package" } else { "packages" };
        let size = if dropped.megabytes >= 0.05 {
            format!(", {about} {:.1} MB", dropped.megabytes)
        } else {
            String::new()
        };
        let upto = if alone { "" } else { upto };
        format!("{upto}{count} {packages} fewer{size}{bare}")
    } else if dropped.unknown.is_empty() {
        "no package here recommends another".to_owned()
    } else {
        "what they recommend is not known".to_owned()
    };
    let mut notes = Vec::new();
    if count > 0 {
        let mut names: Vec<&str> = dropped.names.iter().take(MAX_NAMES).map(String::as_str).collect();
        let more = count - names.len();
        let rest = format!("and {more} more");
        if more > 0 {
            names.push(&rest);
        }
        notes.push(format!(
            "No longer installed, unless something else needs it (figures of Debian bookworm): {}.",
            names.join(", ")
        ));
    }
    if !dropped.unknown.is_empty() {
        notes.push(format!("What these recommend is not known here: {}.", dropped.unknown.join(", ")));
    }
    for (name, why) in &added {
        let verb = if variant == Variant::Bare { "Not added" } else { "Adds" };
        notes.push(format!("{verb} {name}: {why}."));
    }
    notes.extend(dropped.warnings.iter().cloned());
    let bookworm = candidates.iter().all(|c| cx.file.stage_of(c.number).is_some_and(|s| is_bookworm(cx, s)));
    let safe =
        bookworm && count == 0 && dropped.unknown.is_empty() && added.is_empty() && variant == Variant::Full;
    Offer {
        id: ID,
        title: format!("Add {what}{place_name}{also}: {effect}"),
        kind: "refactor.rewrite",
        applicability: if safe { Applicability::Safe } else { Applicability::Suggestion },
        range: range(cx.file, candidates),
        notes,
        key: format!("{}:{place}", variant.key()),
    }
}

fn edits(file: &File, layout: &Layout, candidate: &Candidate<'_>, variant: Variant) -> Vec<Edit> {
    let source = candidate.instruction.source();
    let place = |range: Range<usize>| candidate.script.source_range(range);
    let adds = variant != Variant::Bare && candidate.installs.iter().any(|i| !i.added.is_empty());
    let one_line = !source[candidate.instruction.trimmed_range()].contains('\n');
    let chain = candidate.script.and_chain().unwrap_or_default();
    let breaks = one_line && (variant == Variant::Lists || (adds && chain.len() > 1));
    let mut edits = Vec::new();
    let mut edit = |range: Range<usize>, text: String| {
        edits.push(Edit { range: file.absolute(candidate.number, range), text });
    };
    if breaks {
        for pair in chain.windows(2) {
            edit(place(pair[0].range.clone()).end..place(pair[1].range.clone()).start, layout.and(&[]));
        }
    }
    for planned in &candidate.installs {
        let install = &planned.install;
        let anchor = place(install.anchor.range.clone()).end;
        let flag = " --no-install-recommends";
        let Some(last) = install.packages.last().map(|p| place(p.word.range.clone())) else { continue };
        let added: &[_] = if variant == Variant::Bare { &[] } else { &planned.added };
        if added.is_empty() {
            edit(anchor..anchor, flag.to_owned());
            continue;
        }
        let list = list_indent(source, place(install.command.range.clone()).start, layout);
        let line = line_start(source, last.start);
        let own_line = source[line..last.start].trim().is_empty();
        let inline = candidate.script.origin() == Origin::Inline;
        // Inside a compound command a list over many lines would hide its shape.
        let plain =
            inline && !chain.is_empty() && !install.options_last && !source[anchor..last.end].contains('\n');
        if plain && !own_line {
            let mut text = flag.to_owned();
            let names = install.packages.iter().map(|p| p.word.raw.as_str()).chain(added.iter().map(|a| a.0));
            for name in names {
                text.push_str(&layout.continued());
                text.push_str(&list);
                text.push_str(name);
            }
            edit(anchor..last.end, text);
            continue;
        }
        edit(anchor..anchor, flag.to_owned());
        for (name, _) in added {
            let text = if own_line && inline {
                format!("{}{}{name}", layout.continued(), &source[line..last.start])
            } else {
                format!(" {name}")
            };
            edit(last.end..last.end, text);
        }
    }
    if let (Variant::Lists, Some(last)) = (variant, chain.last()) {
        let end = place(last.range.clone()).end;
        edit(end..end, format!("{}rm -rf /var/lib/apt/lists/*", layout.and(&[])));
    }
    edits
}

/// A RUN whose installs bring what nothing asked for, for the rule `apt-no-install-recommends`.
#[derive(Debug)]
pub(crate) struct Advice {
    /// The first of the commands up to its subcommand and the options behind it, in the document.
    pub(crate) range: Range<usize>,
    /// How many packages come by recommendation alone.
    pub(crate) packages: usize,
    /// What they take, in bytes.
    pub(crate) bytes: f64,
    /// Whether these figures are for a single package, so that none may be what another one needs.
    pub(crate) alone: bool,
    /// The packages of which it is not known what they recommend.
    pub(crate) unknown: Vec<String>,
    /// The best offer of the refactoring.
    pub(crate) fix: Fix,
}

/// What there is to say about each of some RUNs, in file order. All of them are in the stages of `chain`, the one on the
/// image last, or stand in no stage.
pub(crate) fn advise(cx: &Cx<'_>, numbers: &[usize], chain: &[usize]) -> Vec<Advice> {
    let mut found = Vec::new();
    if numbers.is_empty() || is_configured(cx.file) {
        return found;
    }
    let last_fetch = cx
        .file
        .all()
        .rev()
        .find(|(_, _, i)| run(i).is_some() && i.source().contains("https://"))
        .map(|f| f.0);
    let layout = Layout::of(cx.file);
    let mut names = BTreeSet::new();
    if let Some(Base::Image(reference)) =
        chain.last().and_then(|s| cx.evaluation.stages.get(*s)).map(|s| &s.base)
        && has_certificates(reference)
    {
        names.insert(CERTIFICATES.to_owned());
    }
    for &number in numbers {
        let (_, instruction) = cx.file.instruction(number);
        let fetches = || last_fetch.is_some_and(|last| last >= number);
        let candidate = candidate_in(cx.file, number, || names.clone(), fetches);
        if let Some(first) = candidate.as_ref().and_then(|c| c.installs.first()) {
            let candidates = candidate.as_slice();
            let dropped = dropped(candidates, Variant::Full);
            let script = candidates[0].script;
            let start = script.source_range(first.install.command.range.clone()).start;
            let end = script.source_range(first.install.anchor.range.clone()).end;
            let offer = offer(cx, candidates, Variant::Full, number.to_string());
            found.push(Advice {
                range: cx.file.absolute(number, start..end),
                packages: dropped.names.len() + dropped.unnamed,
                bytes: dropped.megabytes * 1e6,
                alone: dropped.listed == 1 && dropped.unknown.is_empty(),
                unknown: dropped.unknown,
                fix: Fix {
                    title: offer.title,
                    applicability: offer.applicability,
                    edits: edits(cx.file, &layout, &candidates[0], Variant::Full),
                },
            });
        }
        if instruction.kind() == Some(Keyword::Run)
            && let Some(script) = instruction.script()
        {
            names.extend(script.simple_commands().iter().flat_map(apt::installed));
        }
    }
    found
}

fn line_start(source: &str, at: usize) -> usize {
    source[..at].rfind('\n').map_or(0, |n| n + 1)
}

/// The white space before a package on a line of its own: one level below the command.
fn list_indent(source: &str, command: usize, layout: &Layout) -> String {
    let line = line_start(source, command);
    let text = &source[line..];
    let own = &text[..text.len() - text.trim_start().len()];
    let base = if line == 0 { layout.indent.as_str() } else { own };
    let level = if base.starts_with('\t') { "\t" } else { "    " };
    format!("{base}{level}")
}

#[cfg(test)]
mod tests {
    use super::super::merge_run::MergeRun;
    use super::super::testing::{applied, offers, only};
    use super::*;

    fn variant(text: &str, line: usize, key: &str) -> String {
        let found = offers(&NoInstallRecommends, text, None, line..=line);
        let prefix = if key.contains(':') { key.to_owned() } else { format!("{key}:") };
        let offer = found.iter().find(|o| o.key.starts_with(&prefix)).unwrap_or_else(|| panic!("{found:#?}"));
        applied(&NoInstallRecommends, text, None, offer)
    }

    fn none(text: &str) {
        for line in 1..=text.lines().count() {
            assert_eq!(
                offers(&NoInstallRecommends, text, None, line..=line),
                Vec::new(),
                "line {line} of:\n{text}"
            );
        }
    }

    const BAD: &str = "FROM debian:12\nRUN apt-get update && apt-get install -y curl\n";

    #[test]
    fn the_flag_and_what_is_needed() {
        let good = "FROM debian:12\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends \\\n        curl \\\n        ca-certificates";
        assert_eq!(variant(BAD, 2, "needed"), format!("{good}\n"));
        let clean = format!("{good} && \\\n    rm -rf /var/lib/apt/lists/*\n");
        assert_eq!(variant(BAD, 2, "needed+lists"), clean);
        assert_eq!(
            variant(BAD, 2, "bare"),
            "FROM debian:12\nRUN apt-get update && apt-get install -y --no-install-recommends curl\n"
        );
        none(&clean);
        let found = offers(&NoInstallRecommends, BAD, None, 2..=2);
        assert_eq!(
            found[0].title,
            "Add --no-install-recommends and ca-certificates: 4 packages fewer, about 0.9 MB"
        );
        assert!(
            found[0].notes[0].ends_with(": krb5-locales, libldap-common, libsasl2-modules, publicsuffix."),
            "{found:#?}"
        );
        assert!(found.iter().all(|o| o.applicability == Applicability::Suggestion));
    }

    /// Merging and the flag give the same text in either order.
    #[test]
    fn together_with_merge_run() {
        let text = "FROM debian:12\nRUN apt-get update\nRUN apt-get install -y curl\nRUN rm -rf /var/lib/apt/lists/*\n";
        let merge = |text: &str| only(&MergeRun, text, None, 2, Applicability::Safe);
        let bare = "FROM debian:12\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends curl && \\\n    rm -rf /var/lib/apt/lists/*\n";
        assert_eq!(variant(&merge(text), 2, "bare"), bare);
        assert_eq!(merge(&variant(text, 3, "bare")), bare);
        let full = "FROM debian:12\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends \\\n        curl \\\n        ca-certificates && \\\n    rm -rf /var/lib/apt/lists/*\n";
        assert_eq!(variant(&merge(text), 2, "needed"), full);
        assert_eq!(merge(&variant(text, 3, "needed")), full);
        assert!(
            offers(&NoInstallRecommends, text, None, 3..=3)
                .iter()
                .all(|o| !o.key.starts_with("needed+lists"))
        );
    }

    #[test]
    fn lists_keep_their_layout() {
        let text = "FROM ubuntu\nRUN apt-get update \\\n && apt-get -y install \\\n    # to fetch\n    curl \\\n    jq \\\n && rm -rf /var/lib/apt/lists/*\n";
        assert_eq!(
            variant(text, 3, "needed"),
            "FROM ubuntu\nRUN apt-get update \\\n && apt-get -y install --no-install-recommends \\\n    # to fetch\n    curl \\\n    jq \\\n    ca-certificates \\\n && rm -rf /var/lib/apt/lists/*\n"
        );
        let text = "FROM ubuntu\r\nRUN apt-get update && apt-get install -y \\\r\n  curl jq && \\\r\n  rm -rf /var/lib/apt/lists/*\r\n";
        assert_eq!(
            variant(text, 2, "needed"),
            "FROM ubuntu\r\nRUN apt-get update && apt-get install -y --no-install-recommends \\\r\n  curl jq ca-certificates && \\\r\n  rm -rf /var/lib/apt/lists/*\r\n"
        );
        let text = "FROM ubuntu\nRUN apt-get install wget -y\n";
        assert_eq!(
            variant(text, 2, "needed"),
            "FROM ubuntu\nRUN apt-get install --no-install-recommends wget ca-certificates -y\n"
        );
    }

    #[test]
    fn several_installs_and_other_forms() {
        let text = "FROM ubuntu\nRUN if true; then sudo apt install -qq -y git; fi; DEBIAN_FRONTEND=noninteractive apt-get install -t stable -y jq\n";
        assert_eq!(
            variant(text, 2, "needed"),
            "FROM ubuntu\nRUN if true; then sudo apt install -qq -y --no-install-recommends git ca-certificates; fi; DEBIAN_FRONTEND=noninteractive apt-get install --no-install-recommends -t stable -y jq\n"
        );
        let text = "FROM ubuntu\nRUN <<EOF\napt-get update\napt-get install -y curl\nEOF\n";
        assert_eq!(
            variant(text, 3, "needed"),
            "FROM ubuntu\nRUN <<EOF\napt-get update\napt-get install -y --no-install-recommends curl ca-certificates\nEOF\n"
        );
        let text = "FROM ubuntu\nONBUILD RUN apt-get install -y jq\n";
        assert_eq!(
            variant(text, 2, "needed"),
            "FROM ubuntu\nONBUILD RUN apt-get install -y --no-install-recommends jq\n"
        );
        let text = "FROM ubuntu\nRUN apt-get install -y jq\nRUN apt-get install -y tini\n";
        assert_eq!(variant(text, 2, "needed:all").matches("install -y --no-install-recommends").count(), 2);
    }

    #[test]
    fn what_is_there_is_not_added() {
        let text = "FROM ubuntu\nRUN apt-get install -y ca-certificates\nRUN apt-get install -y curl\n";
        assert!(
            variant(text, 3, "needed").ends_with("RUN apt-get install -y --no-install-recommends curl\n")
        );
        let text = "FROM ubuntu AS base\nRUN apt-get install -y ca-certificates\nFROM base\nRUN apt-get install -y curl\n";
        assert!(
            variant(text, 4, "needed").ends_with("RUN apt-get install -y --no-install-recommends curl\n")
        );
        let text = "FROM python:3.12\nRUN apt-get install -y git\n";
        assert!(variant(text, 2, "needed").ends_with("install -y --no-install-recommends git\n"));
        let text = "FROM python:3.12-slim\nRUN apt-get install -y git\n";
        assert!(variant(text, 2, "needed").ends_with("git \\\n        ca-certificates\n"));
        let text = "FROM ubuntu\nRUN apt-get install -y cmake build-essential\n";
        assert!(
            variant(text, 2, "needed")
                .ends_with("install -y --no-install-recommends cmake build-essential\n")
        );
        let text = "FROM ubuntu\nRUN apt-get install -y cmake\n";
        assert!(variant(text, 2, "needed").ends_with("        cmake \\\n        make \\\n        gcc\n"));
    }

    #[test]
    fn certificates_are_kept_where_the_file_fetches() {
        let text = "FROM debian\nRUN apt-get install -y supervisor\nRUN apt-key adv --fetch-keys https://x.example/k\n";
        assert!(variant(text, 2, "needed").contains("        supervisor \\\n        ca-certificates\n"));
        let text = "FROM debian\nRUN apt-get install -y supervisor\n";
        assert!(!variant(text, 2, "needed").contains("ca-certificates"));
        let text = "FROM debian\nRUN apt-get install -y gcc curl\n";
        assert!(offers(&NoInstallRecommends, text, None, 2..=2).iter().all(|o| !o.key.starts_with("bare")));
    }

    #[test]
    fn promises() {
        let at = |text: &str| offers(&NoInstallRecommends, text, None, 2..=2).remove(0);
        assert_eq!(
            at("FROM debian:bookworm-slim\nRUN apt-get install -y jq unzip\n").applicability,
            Applicability::Safe
        );
        assert_eq!(
            at("FROM ubuntu\nRUN apt-get install -y jq unzip\n").applicability,
            Applicability::Suggestion
        );
        let unknown = at("FROM debian:12\nRUN apt-get install -y jq some-odd-package=1.* $MORE\n");
        assert_eq!(unknown.applicability, Applicability::Suggestion);
        assert_eq!(unknown.title, "Add --no-install-recommends: what they recommend is not known");
        assert_eq!(unknown.notes, ["What these recommend is not known here: $MORE, some-odd-package."]);
        let pip = at("FROM debian:12\nRUN apt-get install -y python3-pip\n");
        assert_eq!(pip.title, "Add --no-install-recommends: 115 packages fewer, up to 361.4 MB");
        assert!(pip.notes.iter().any(|n| n.starts_with("python3-pip: ")), "{pip:#?}");
    }

    #[test]
    fn where_the_file_has_decided_nothing_is_offered() {
        for run in [
            "apt-get install -y --no-install-recommends curl",
            "apt-get --no-install-recommends install -y curl",
            "apt-get install -y --install-recommends curl",
            "apt-get -o APT::Install-Recommends=false install -y curl",
            "apt-get install -y -o APT::Install-Recommends=0 curl",
            "apt-get $OPTS install curl",
            "apt-get install $APT_FLAGS curl",
            "apt-get install -y -f",
            "apt-get install -y --download-only curl",
            "apt-get remove curl",
            "echo apt-get install curl",
            "apt-get install -y curl && (",
            "cat <<EOF > /x\napt-get install -y curl\nEOF",
            "[\"apt-get\", \"install\", \"curl\"]",
        ] {
            none(&format!("FROM debian\nRUN {run}\n"));
        }
        for line in [
            "RUN echo 'APT::Install-Recommends \"false\";' > /etc/apt/apt.conf.d/x",
            "COPY apt.conf /etc/apt/apt.conf.d/99x",
            "ENV APT_CONFIG=/x",
        ] {
            none(&format!("FROM debian\n{line}\nRUN apt-get install -y curl\n"));
        }
    }

    #[test]
    fn package_lists_stay_where_they_are_needed() {
        for text in [
            "FROM debian\nRUN apt-get update && apt-get install -y jq\nRUN apt-get install -y tini\n",
            "FROM debian\nRUN apt-get update && apt-get install -y jq && rm -r /var/lib/apt/lists\n",
            "FROM debian\nRUN --mount=type=cache,target=/var/lib/apt apt-get update && apt-get install -y jq\n",
            "FROM debian\nRUN apt-get install -y jq\n",
            "FROM debian\nRUN apt-get update && apt-get install -y jq; true\n",
        ] {
            let found = offers(&NoInstallRecommends, text, None, 2..=2);
            assert!(
                !found.is_empty() && found.iter().all(|o| !o.key.starts_with("needed+lists")),
                "{text}{found:#?}"
            );
        }
    }
}
