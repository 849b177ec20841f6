//! `reorder-copy`: dependencies are installed before the sources are copied.
//!
//! ```dockerfile
//! COPY . .
//! RUN npm ci
//! RUN npm run build
//! ```
//! becomes
//! ```dockerfile
//! COPY package.json package-lock.json ./
//! RUN npm ci
//! COPY . .
//! RUN npm run build
//! ```
//!
//! # Why
//! An edit of any file changes `COPY . .`, and every step below it runs again. What installs dependencies reads only the
//! manifests.
//!
//! # Promise
//! Safe where the build context is known and shows that the install step reads nothing but the files that are copied for
//! it, has no lifecycle scripts of the project, never changes its lock file, and that what it makes is not in the context
//! as well, since the sources are copied over it now. A suggestion where that has to be assumed, where a step is split in
//! two (`npm ci && npm run build`), and where a dependency step is added that was not there (`go mod download`,
//! `mvn dependency:go-offline`, `cargo fetch`). Not offered where a step in between reads the sources, and where the
//! manifests say that more than them is read: workspaces, local packages, scripts.

use std::ops::Range;

use layerwise_model::eval::{Command, Copy, Source};
use layerwise_model::gopath::path_clean;
use layerwise_model::{File, Stage};
use layerwise_syntax::mount::MountKind;
use layerwise_syntax::shell::SimpleCommand;
use layerwise_syntax::{Block, Form, Instruction, Keyword};

use super::ecosystem::{Class, Dependencies, Inputs, classify};
use super::footprint::{self, matches_name};
use super::layout::{Layout, is_pragma};
use super::{Cx, Offer, Refactoring, selected};
use crate::fix::{Applicability, Edit, apply};

const ID: &str = "reorder-copy";

/// How many instructions below a COPY are looked at.
const MAX_DISTANCE: usize = 50;

/// The refactoring.
#[derive(Clone, Copy, Debug)]
pub struct ReorderCopy;

/// A COPY of sources and the dependency step below it.
pub(crate) struct Shape {
    /// The COPY.
    pub(crate) copy: usize,
    /// The last dependency step.
    pub(crate) last: usize,
    /// Where that step is cut: the first command that needs the sources.
    split: Option<usize>,
    /// What has to be copied before.
    pub(crate) inputs: Inputs,
    /// The steps' names, for the title.
    shown: Vec<&'static str>,
    /// A step that is added rather than moved.
    pub(crate) invented: Option<&'static str>,
    /// The command of a step that needs something to stand in for the sources (`cargo fetch`).
    dummy: Option<(usize, usize)>,
    safe: bool,
}

impl Refactoring for ReorderCopy {
    fn id(&self) -> &'static str {
        ID
    }

    fn offers(&self, cx: &Cx<'_>, selection: Range<usize>) -> Vec<Offer> {
        let chosen = selected(cx.file, &selection);
        let Some(stage) = cx.file.stage_of(chosen.start).filter(|_| !chosen.is_empty()) else {
            return Vec::new();
        };
        let copies = stage.body.clone().filter(|n| *n < chosen.end);
        copies
            .filter_map(|copy| shape(cx, stage, copy))
            .filter(|shape| chosen.start <= shape.last)
            .filter_map(|shape| offer(cx, &shape))
            .collect()
    }

    fn edits(&self, cx: &Cx<'_>, offer: &Offer) -> Option<Vec<Edit>> {
        let copy: usize = offer.key.parse().ok().filter(|n| *n < cx.file.len())?;
        let shape = shape(cx, cx.file.stage_of(copy)?, copy)?;
        (range(cx.file, &shape) == offer.range).then(|| edits(cx, &shape)).flatten()
    }
}

/// The sources' COPY, if an instruction is one: everything of one folder of the context, into one folder.
fn broad<'a>(cx: &Cx<'a>, number: usize) -> Option<(&'a Copy, String)> {
    let (_, instruction) = cx.file.instruction(number);
    let Command::Copy(copy) = &cx.evaluation.steps.get(number)?.command else { return None };
    let flags = instruction
        .flags()
        .iter()
        .all(|f| ["--chown=", "--chmod=", "--link"].iter().any(|known| f.value.starts_with(known)));
    let [source] = copy.sources.as_slice() else { return None };
    let plain = copy.from == Source::Context && copy.inline.is_empty() && instruction.heredocs().is_empty();
    if !plain
        || !flags
        || instruction.form() != Form::Words
        || !instruction.is_valid()
        || instruction.args().len() != 2
        || is_open(instruction)
    {
        return None;
    }
    let dir = path_clean(&format!("/{source}"));
    let dir = dir.trim_start_matches('/').to_owned();
    let is_dir = dir.is_empty() || cx.context.is_some_and(|c| c.is_dir(&dir));
    (is_dir && !source.contains(['*', '?', '['])).then_some((copy, dir))
}

/// Directories that are not the project's own: a COPY into one of them may change what any command does.
fn is_system_dir(path: &str) -> bool {
    matches!(
        path,
        "/usr"
            | "/usr/local"
            | "/bin"
            | "/etc"
            | "/lib"
            | "/opt"
            | "/var"
            | "/root"
            | "/home"
            | "/sbin"
            | "/usr/bin"
    )
}

/// What there is to reorder around a COPY of sources, if it is one.
pub(crate) fn shape(cx: &Cx<'_>, stage: &Stage, copy: usize) -> Option<Shape> {
    let (sources, dir) = broad(cx, copy)?;
    let dest = path_clean(&sources.dest_path);
    let relative = !sources.dest.starts_with('/');
    if is_system_dir(&dest) || (dest == "/" && !relative) || pragma_above(cx.file, copy) {
        return None;
    }
    let source_text = cx.file.instruction(copy).1.source();
    let mut steps: Vec<Dependencies> = Vec::new();
    let mut found: Option<(usize, Option<usize>)> = None;
    let mut dummy = None;
    let mut builds = None;
    for number in (copy + 1..stage.body.end).take(MAX_DISTANCE) {
        let (_, instruction) = cx.file.instruction(number);
        if !instruction.is_valid() || is_open(instruction) {
            break;
        }
        match instruction.kind()? {
            Keyword::Label | Keyword::Expose | Keyword::Stopsignal | Keyword::Maintainer | Keyword::User => {
                continue;
            }
            Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck => continue,
            Keyword::Env | Keyword::Arg if !source_text.contains('$') => continue,
            Keyword::Workdir if !relative => continue,
            Keyword::Copy | Keyword::Add => match cx.evaluation.steps.get(number).map(|s| &s.command) {
                Some(Command::Copy(other)) if disjoint(&path_clean(&other.dest_path), &dest) => continue,
                _ => break,
            },
            Keyword::Run => {}
            _ => break,
        }
        let Some(step) = cx.evaluation.steps.get(number) else { break };
        let Command::Run(run) = &step.command else { break };
        if run.mounts.iter().any(|(m, _)| matches!(m.kind, MountKind::Bind | MountKind::Tmpfs)) {
            break;
        }
        let here = path_clean(if step.state.dir.is_empty() { "/" } else { &step.state.dir });
        let Some(commands) = commands(instruction) else { break };
        let mut own: Vec<Dependencies> = Vec::new();
        let mut rest = None;
        for (at, command) in commands.iter().enumerate() {
            match classify(command) {
                Class::Neutral => {}
                Class::Dependencies(mut dependencies) if here == dest || is_absolute(&dependencies) => {
                    localize(&mut dependencies, &dest)?;
                    if dependencies.id == "cargo" {
                        dummy = Some((number, at));
                    }
                    own.push(dependencies);
                }
                class => {
                    if let (Class::Builds(id), true) =
                        (class, here == dest && steps.is_empty() && own.is_empty())
                    {
                        builds = Some((number, id));
                    }
                    rest = Some(at);
                    break;
                }
            }
        }
        if !own.is_empty() {
            // A cleaning that would end up in another layer than what it cleans is left where it is.
            let cleans =
                rest.is_some_and(|at| commands[at..].iter().any(|c| !footprint::undone(c).is_empty()));
            if cleans || (rest.is_some() && instruction.form() != Form::Shell) {
                break;
            }
            steps.append(&mut own);
            found = Some((number, rest));
        }
        if rest.is_some() {
            break;
        }
    }
    match found {
        Some((last, split)) => {
            if steps.iter().any(|s| installed_above(cx, stage, copy, s.id)) {
                return None;
            }
            let dummy = dummy.filter(|(number, _)| *number <= last);
            if dummy.is_some() && steps.iter().any(|s| s.id != "cargo") {
                return None;
            }
            finish(cx, stage, copy, &dest, &dir, Moved { last, split, steps, dummy, invented: None })
        }
        None => {
            let (last, id) = builds?;
            if installed_above(cx, stage, copy, id) || !can_invent(cx, stage, copy, last, id) {
                return None;
            }
            let steps = vec![Dependencies::invented(id)];
            finish(
                cx,
                stage,
                copy,
                &dest,
                &dir,
                Moved { last, split: None, steps, dummy: None, invented: Some(id) },
            )
        }
    }
}

struct Moved {
    last: usize,
    split: Option<usize>,
    steps: Vec<Dependencies>,
    dummy: Option<(usize, usize)>,
    invented: Option<&'static str>,
}

/// Collects what the steps need and what of it is there already.
fn finish(cx: &Cx<'_>, stage: &Stage, copy: usize, dest: &str, dir: &str, moved: Moved) -> Option<Shape> {
    let mut inputs = Inputs { certain: true, ..Inputs::default() };
    let mut shown = Vec::new();
    for step in &moved.steps {
        let mut needed = step.inputs(cx.context, dir)?;
        if step.id == "cargo-chef"
            && !copied_above(cx, stage, copy, dest, dir).iter().any(|n| n == "recipe.json")
        {
            return None;
        }
        inputs.certain &= needed.certain;
        inputs.files.append(&mut needed.files);
        inputs.dirs.append(&mut needed.dirs);
        inputs.notes.append(&mut needed.notes);
        shown.push(step.id);
    }
    let above = copied_above(cx, stage, copy, dest, dir);
    let is_there = |wanted: &String| {
        let first = wanted.replace('*', "");
        above.iter().any(|copied| matches_name(copied, wanted) || matches_name(copied, &first))
    };
    inputs.files.retain(|f| !is_there(f));
    inputs.dirs.retain(|d| !is_there(d));
    dedup(&mut inputs.files);
    dedup(&mut inputs.dirs);
    dedup(&mut inputs.notes);
    shown.dedup();
    if moved.invented.is_some() && inputs.files.is_empty() {
        return None;
    }
    let quoted = |f: &String| f.contains([' ', '"', '$', '\\', '`']);
    if inputs.files.iter().chain(&inputs.dirs).any(quoted) {
        return None;
    }
    let known = cx.context.is_some_and(|c| c.incomplete.is_none());
    let base_is_root = dest == "/";
    let safe = known
        && inputs.certain
        && moved.split.is_none()
        && moved.invented.is_none()
        && moved.dummy.is_none()
        && !base_is_root;
    let Moved { last, split, dummy, invented, .. } = moved;
    Some(Shape { copy, last, split, inputs, shown, invented, dummy, safe })
}

fn dedup(list: &mut Vec<String>) {
    let mut seen = std::collections::BTreeSet::new();
    list.retain(|item| seen.insert(item.clone()));
}

/// Whether an instruction ends in a continuation with nothing behind it, so that no line can be put below.
pub(crate) fn is_open(instruction: &Instruction) -> bool {
    instruction.source()[instruction.trimmed_range()].ends_with(instruction.escape())
}

/// Whether a dependency step does not depend on its working directory.
fn is_absolute(dependencies: &Dependencies) -> bool {
    dependencies.id == "pip" && dependencies.named.iter().all(|n| n.starts_with('/'))
}

/// Makes paths that a command names relative to its working directory; what lies outside of it does not come from the
/// sources. `None` for a path that goes up.
fn localize(dependencies: &mut Dependencies, dest: &str) -> Option<()> {
    let mut kept = Vec::new();
    for name in &dependencies.named {
        let path = path_clean(name);
        if path.starts_with("..") || path.contains(['*', '$']) {
            return None;
        }
        if path.starts_with('/') {
            if let Some(inner) = path.strip_prefix(dest).and_then(|p| p.strip_prefix('/')) {
                kept.push(inner.to_owned());
            }
        } else {
            kept.push(path);
        }
    }
    dependencies.named = kept;
    Some(())
}

/// The commands of a RUN that is an and-chain, or one program in the exec form.
fn commands(instruction: &Instruction) -> Option<Vec<SimpleCommand>> {
    if instruction.form() == Form::Exec {
        let words = instruction.args().iter().map(|word| layerwise_syntax::shell::ShellWord {
            range: 0..0,
            raw: word.value.clone(),
            literal: Some(word.value.clone()),
        });
        return Some(vec![SimpleCommand {
            range: 0..0,
            assignments: Vec::new(),
            words: words.collect(),
            redirects: Vec::new(),
            top_level: true,
        }]);
    }
    if !instruction.heredocs().is_empty() {
        return None;
    }
    instruction.script()?.and_chain()
}

fn disjoint(a: &str, b: &str) -> bool {
    let inside =
        |a: &str, b: &str| b == "/" || a == b || a.strip_prefix(b).is_some_and(|r| r.starts_with('/'));
    !inside(a, b) && !inside(b, a)
}

/// What is copied into the same directory above the sources: names and patterns, relative to it.
fn copied_above(cx: &Cx<'_>, stage: &Stage, copy: usize, dest: &str, dir: &str) -> Vec<String> {
    let mut names = Vec::new();
    for number in stage.body.start..copy {
        let Some(Command::Copy(other)) = cx.evaluation.steps.get(number).map(|s| &s.command) else {
            continue;
        };
        let to = path_clean(&other.dest_path);
        for source in &other.sources {
            let source = path_clean(&format!("/{source}"));
            let name = source.rsplit('/').next().unwrap_or_default().to_owned();
            let from_dir =
                source.trim_start_matches('/').strip_suffix(&name).unwrap_or_default().trim_end_matches('/');
            let same_place = to == dest || to == path_clean(&format!("{dest}/{name}"));
            if same_place && (other.from != Source::Context || from_dir == dir) && !name.is_empty() {
                names.push(name);
            }
        }
    }
    names
}

/// Whether the dependencies are installed in the stage before the sources are copied.
fn installed_above(cx: &Cx<'_>, stage: &Stage, copy: usize, id: &str) -> bool {
    cx.file.instructions(stage.body.start..copy).any(|(_, _, instruction)| {
        let is_run = instruction.kind() == Some(Keyword::Run);
        let commands = if is_run {
            match instruction.form() {
                Form::Exec => commands(instruction).unwrap_or_default(),
                _ => instruction.script().map(|s| s.commands()).unwrap_or_default(),
            }
        } else {
            Vec::new()
        };
        commands.iter().any(|c| matches!(classify(c), Class::Dependencies(d) if d.id == id))
    })
}

/// Whether a dependency step can be added before the sources.
fn can_invent(cx: &Cx<'_>, stage: &Stage, copy: usize, build: usize, id: &str) -> bool {
    let text = cx.file.instruction(build).1.args_text();
    let Some(eval) = cx.evaluation.stages.get(stage.index) else { return false };
    // What is fetched into a volume is gone with the step; a build above has its own way to fetch.
    let apart = cx.file.instructions(stage.body.start..copy).all(|(_, _, i)| {
        let builds = |c: &SimpleCommand| matches!(classify(c), Class::Builds(other) if other == id);
        i.kind() != Some(Keyword::Volume) && !commands(i).unwrap_or_default().iter().any(builds)
    });
    let (Some(at_copy), Some(at_build)) = (cx.evaluation.steps.get(copy), cx.evaluation.steps.get(build))
    else {
        return false;
    };
    if !apart || at_copy.state.dir != at_build.state.dir {
        return false;
    }
    let known = cx.context.is_some_and(|c| c.incomplete.is_none());
    match id {
        "go" => {
            let state = &at_build.state;
            let modules = state.env.get("GO111MODULE").is_none_or(|v| v != "off")
                && !state.dir.contains("/src/")
                && !text.contains("vendor")
                && state.env.get("GOFLAGS").is_none_or(|v| !v.contains("vendor"));
            let vendored = cx.context.is_some_and(|c| c.is_dir("vendor"));
            modules && !vendored && (known || has_modules(&eval.base_name.value))
        }
        // Profiles and chosen projects mean modules, and go-offline stops where a module's pom.xml is missing.
        "maven" => {
            known
                || !text
                    .split_ascii_whitespace()
                    .any(|w| w.starts_with("-P") || w.starts_with("-pl") || w == "-am")
        }
        // What cargo reads of a package without its sources can only be told from its manifest.
        "cargo" => known,
        _ => false,
    }
}

/// Whether an image is a Go that builds by modules unless told otherwise: 1.16 and later.
fn has_modules(image: &str) -> bool {
    let Some((name, tag)) = image.split('@').next().and_then(|i| i.rsplit_once(':')) else {
        return image.ends_with("golang");
    };
    let minor =
        tag.strip_prefix("1.").map(|t| t.chars().take_while(char::is_ascii_digit).collect::<String>());
    name.ends_with("golang") && minor.is_none_or(|m| m.parse::<u32>().is_ok_and(|m| m >= 16))
}

fn range(file: &File, shape: &Shape) -> Range<usize> {
    file.range(shape.copy).start..file.range(shape.last).end
}

/// The offer of a shape: its title, what it promises and what is assumed.
pub(crate) fn offer(cx: &Cx<'_>, shape: &Shape) -> Option<Offer> {
    let mut title = match shape.invented {
        Some(_) => format!(
            "Add a step that fetches the {} dependencies before the sources are copied",
            shape.shown.join(" and ")
        ),
        None => {
            format!("Install the {} dependencies before the sources are copied", shape.shown.join(" and "))
        }
    };
    if let Some(rebuilds) = cx.rebuilds {
        let text = cx.file.parsed().text();
        let text = text.slice(0..text.len());
        let after = apply(&text, &edits(cx, shape)?)?;
        let (shown, changed) = source_file(cx, shape);
        if let (Some(before), Some(now)) = (rebuilds(&text, &changed), rebuilds(&after, &changed)) {
            // The COPY may bring nothing but manifests.
            if shape.invented.is_none() && now >= before {
                return None;
            }
            if now < before {
                title.push_str(&format!(": {now} instead of {before} steps rebuild when {shown} changes"));
            }
        }
    }
    let mut notes = shape.inputs.notes.clone();
    if shape.split.is_some() {
        notes.push(format!("Splits the RUN of line {} in two.", cx.file.line(shape.last)));
    }
    if shape.invented == Some("maven") {
        notes
            .push("go-offline does not find every plugin, and needs the pom.xml of every module.".to_owned());
    }
    if shape.dummy.is_some() || shape.invented == Some("cargo") {
        notes.push(
            "cargo reads no manifest without a source file beside it; empty ones stand in while it fetches. A workspace \
             needs the Cargo.toml of every member too."
                .to_owned(),
        );
    }
    Some(Offer {
        id: ID,
        title,
        kind: "refactor.rewrite",
        applicability: if shape.safe { Applicability::Safe } else { Applicability::Suggestion },
        range: range(cx.file, shape),
        notes,
        key: shape.copy.to_string(),
    })
}

/// A source file to count by, and how to name it: one below `src/` if there is such a folder or nothing is known.
fn source_file(cx: &Cx<'_>, shape: &Shape) -> (String, String) {
    let fallback = || ("src/".to_owned(), "src/main".to_owned());
    let Some(context) = cx.context else { return fallback() };
    let dir = broad(cx, shape.copy).map_or(String::new(), |b| b.1);
    let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
    let is_source = |path: &&str| {
        let inner = path.strip_prefix(&prefix).unwrap_or(path);
        !inner.starts_with('.')
            && !inner.to_ascii_lowercase().contains("dockerfile")
            && !shape.inputs.files.iter().any(|f| f == inner)
            && !shape.inputs.dirs.iter().any(|d| inner.starts_with(&format!("{d}/")))
    };
    let files = |below: &str| {
        context
            .below(below)
            .filter(|(_, e)| e.kind == layerwise_model::EntryKind::File)
            .map(|(p, _)| p)
            .find(is_source)
            .map(str::to_owned)
    };
    let src = format!("{prefix}src");
    match files(&src) {
        Some(file) => (format!("{src}/"), file),
        None => files(&dir).map_or_else(fallback, |file| (file.clone(), file)),
    }
}

/// Where the comment lines begin that stand right above an instruction, and whether an empty line is above them.
pub(crate) fn with_comments(file: &File, number: usize) -> (usize, bool) {
    let blocks = file.parsed().layer().blocks();
    let mut first = file.block_of(number);
    while first > 0 && matches!(blocks[first - 1].block, Block::Comment(_)) {
        first -= 1;
    }
    (blocks[first].start, first > 0 && matches!(blocks[first - 1].block, Block::Blank))
}

fn pragma_above(file: &File, number: usize) -> bool {
    let (start, _) = with_comments(file, number);
    let blocks = file.parsed().layer().blocks();
    blocks[..file.block_of(number)]
        .iter()
        .rev()
        .take_while(|b| b.start >= start)
        .any(|b| matches!(&b.block, Block::Comment(text) if is_pragma(text.trim())))
}

/// The edits of a shape.
pub(crate) fn edits(cx: &Cx<'_>, shape: &Shape) -> Option<Vec<Edit>> {
    let file = cx.file;
    let layout = Layout::of(file);
    let newline = layout.newline;
    let text = file.parsed().text();
    let own = file.range(shape.copy);
    let (start, blank_above) = with_comments(file, shape.copy);
    let manifests = manifests(cx, shape)?;
    let blocks = file.parsed().layer().blocks();
    let blank_below =
        blocks.get(file.block_of(shape.copy) + 1).is_some_and(|b| matches!(b.block, Block::Blank));
    let gap = if blank_above && blank_below { format!("{newline}{newline}") } else { newline.to_owned() };
    let mut edits = Vec::new();
    if let Some(id) = shape.invented {
        let command = match id {
            "go" => "go mod download",
            "maven" => "mvn -B dependency:go-offline",
            _ => "mkdir src && touch src/main.rs src/lib.rs && cargo fetch && rm -r src",
        };
        let run = format!("{}{gap}RUN {command}{gap}", manifests.join(newline));
        return Some(vec![Edit { range: start..start, text: run }]);
    }
    let moved = text.slice(start..own.end).into_owned();
    if manifests.is_empty() {
        // The whole lines go.
        let placed = file.instruction(shape.copy).0;
        let mut end = placed.range().end;
        if blank_above && blank_below {
            end = blocks.get(file.block_of(shape.copy) + 1).map_or(end, |b| b.range().end);
        }
        edits.push(Edit { range: start..end, text: String::new() });
    } else {
        edits.push(Edit { range: start..own.end, text: manifests.join(newline) });
    }
    let last = file.instruction(shape.last).1;
    if let Some((number, at)) = shape.dummy {
        let instruction = file.instruction(number).1;
        let script = instruction.script()?;
        let chain = script.and_chain()?;
        let range = file.absolute(number, script.source_range(chain.get(at)?.range.clone()));
        edits.push(Edit {
            range: range.start..range.start,
            text: "mkdir src && touch src/main.rs src/lib.rs && ".to_owned(),
        });
        edits.push(Edit { range: range.end..range.end, text: " && rm -r src".to_owned() });
    }
    match shape.split {
        None => {
            let at = file.range(shape.last).end;
            edits.push(Edit { range: at..at, text: format!("{gap}{moved}") });
        }
        Some(at) => {
            let script = last.script()?;
            let chain = script.and_chain()?;
            let before =
                file.absolute(shape.last, script.source_range(chain.get(at.checked_sub(1)?)?.range.clone()));
            let after = file.absolute(shape.last, script.source_range(chain.get(at)?.range.clone()));
            let base = file.instruction(shape.last).0.start;
            let mut head = String::new();
            for comment in last.comments() {
                if (before.end..after.start).contains(&(base + comment.start)) {
                    head.push_str(last.source()[comment.clone()].trim());
                    head.push_str(newline);
                }
            }
            let keyword = &last.source()[last.keyword().range.clone()];
            let flags: String =
                last.flags().iter().map(|f| format!("{} ", &last.source()[f.range.clone()])).collect();
            let text = format!("{gap}{moved}{gap}{head}{keyword} {flags}");
            edits.push(Edit { range: before.end..after.start, text });
        }
    }
    Some(edits)
}

/// The COPY lines for the manifests, with the flags of the COPY of the sources.
fn manifests(cx: &Cx<'_>, shape: &Shape) -> Option<Vec<String>> {
    let (copy, dir) = broad(cx, shape.copy)?;
    let (_, instruction) = cx.file.instruction(shape.copy);
    let source = instruction.source();
    let keyword = &source[instruction.keyword().range.clone()];
    let flags: String =
        instruction.flags().iter().map(|f| format!("{} ", &source[f.range.clone()])).collect();
    let written = &source[instruction.args().get(1)?.range.clone()];
    let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
    let mut folders: Vec<(&str, Vec<&str>)> = Vec::new();
    for file in &shape.inputs.files {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        match folders.iter_mut().find(|f| f.0 == folder) {
            Some((_, files)) => files.push(file),
            None => folders.push((folder, vec![file])),
        }
    }
    let relative = matches!(copy.dest.as_str(), "." | "./" | "");
    let into = |folder: &str| {
        let base = if relative { "./".to_owned() } else { format!("{}/", written.trim_end_matches('/')) };
        if folder.is_empty() { base } else { format!("{base}{folder}/") }
    };
    let mut lines = Vec::new();
    for (folder, files) in &folders {
        let names: Vec<String> = files.iter().map(|f| format!("{prefix}{f}")).collect();
        // The article's own forms: `COPY pom.xml .` for one file, `./` for several.
        let one = relative && folder.is_empty() && files.len() == 1 && !files.iter().any(|f| f.contains('*'));
        let to = if one { ".".to_owned() } else { into(folder) };
        lines.push(format!("{keyword} {flags}{} {to}", names.join(" ")));
    }
    for folder in &shape.inputs.dirs {
        lines.push(format!("{keyword} {flags}{prefix}{folder} {}", into(folder)));
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use layerwise_model::Context;

    use super::super::testing::{applied, context, offers, only, with};
    use super::*;

    fn safe(text: &str, context: &Context, line: usize) -> String {
        only(&ReorderCopy, text, Some(context), line, Applicability::Safe)
    }

    fn suggested(text: &str, context: Option<&Context>, line: usize) -> String {
        only(&ReorderCopy, text, context, line, Applicability::Suggestion)
    }

    fn none(text: &str, context: Option<&Context>) {
        for line in 1..=text.lines().count() {
            assert_eq!(
                offers(&ReorderCopy, text, context, line..=line),
                Vec::new(),
                "line {line} of:\n{text}"
            );
        }
    }

    const NODE: &str = "FROM node:20-alpine\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\nCMD [\"node\", \"dist/index.js\"]\n";
    const NODE_AFTER: &str = "FROM node:20-alpine\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\nCMD [\"node\", \"dist/index.js\"]\n";

    fn node(package: &str) -> Context {
        context(&[("package.json", package), ("package-lock.json", "{}"), ("src/index.js", "x")])
    }

    #[test]
    fn node_with_a_context_is_safe() {
        let context = node("{\"scripts\": {\"build\": \"tsc\"}}");
        for line in 3..=4 {
            assert_eq!(safe(NODE, &context, line), NODE_AFTER);
        }
        none(NODE_AFTER, Some(&context));
        assert_eq!(suggested(NODE, None, 4), NODE_AFTER);
        none(NODE_AFTER, None);
        let crlf = NODE.replace('\n', "\r\n");
        assert_eq!(safe(&crlf, &context, 3), NODE_AFTER.replace('\n', "\r\n"));
    }

    #[test]
    fn the_title_has_the_plans_numbers() {
        let context = node("{}");
        let title = with(NODE, Some(&context), |cx| {
            let rebuilds = |text: &str, path: &str| {
                assert_eq!(path, "src/index.js");
                Some(if text == NODE { 4 } else { 2 })
            };
            let cx = Cx { rebuilds: Some(&rebuilds), ..*cx };
            ReorderCopy.offers(&cx, 50..50).remove(0).title
        });
        assert_eq!(
            title,
            "Install the npm dependencies before the sources are copied: 2 instead of 4 steps rebuild when src/ changes"
        );
    }

    #[test]
    fn what_the_manifest_says_counts() {
        for package in [
            "{\"workspaces\": [\"a\"]}",
            "{\"dependencies\": {\"a\": \"file:./a\"}}",
            "{\"scripts\": {\"postinstall\": \"node scripts/setup.js\"}}",
            "{\"scripts\": {\"prepare\": \"npm run build\"}}",
            "not json",
        ] {
            none(NODE, Some(&node(package)));
        }
        let scripts = node("{\"scripts\": {\"postinstall\": \"node scripts/setup.js\"}}");
        safe(&NODE.replace("npm ci", "npm ci --ignore-scripts"), &scripts, 3);
        suggested(NODE, Some(&node("{\"scripts\": {\"prepare\": \"husky\"}}")), 3);
        // Installed files would be overwritten, or the lock file is missing.
        none(
            NODE,
            Some(&context(&[("package.json", "{}"), ("package-lock.json", "{}"), ("node_modules/a/x", "")])),
        );
        none(NODE, Some(&context(&[("package.json", "{}")])));
        let rc = context(&[("package.json", "{}"), ("package-lock.json", "{}"), (".npmrc", "")]);
        assert!(safe(NODE, &rc, 3).contains("COPY package.json package-lock.json .npmrc ./\n"));
        // npm install may change the lock file, which the sources' own then replaces.
        let install = NODE.replace("npm ci", "npm install");
        assert!(suggested(&install, Some(&node("{}")), 3).contains("COPY package.json package-lock.json ./"));
        assert!(suggested(&install, None, 3).contains("COPY package*.json ./\n"));
    }

    #[test]
    fn go_python_java() {
        let go = "FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN go mod download\nRUN go build -o /app .\n";
        let after = "FROM golang:1.22\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN go build -o /app .\n";
        let files = context(&[("go.mod", "module x"), ("go.sum", "x"), ("main.go", "")]);
        assert_eq!(safe(go, &files, 3), after);
        assert_eq!(suggested(go, None, 3), after);
        none(go, Some(&context(&[("go.mod", "module x\nreplace a => ./a\n"), ("go.sum", "x")])));
        none(go, Some(&context(&[("go.mod", "module x"), ("go.work", "x")])));

        let python = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install --no-cache-dir -r requirements.txt\nCMD [\"python\", \"app.py\"]\n";
        let files = context(&[("requirements.txt", "flask\n"), ("app.py", "")]);
        assert_eq!(
            safe(python, &files, 3),
            "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install --no-cache-dir -r requirements.txt\nCOPY . .\nCMD [\"python\", \"app.py\"]\n"
        );
        none(python, Some(&context(&[("requirements.txt", "-e .\n")])));
        none(python, Some(&context(&[("app.py", "")])));
        let more = context(&[("requirements.txt", "-r base.txt\n"), ("base.txt", "flask")]);
        assert!(safe(python, &more, 3).contains("COPY requirements.txt base.txt ./\n"));

        let java = "FROM maven:3.9-eclipse-temurin-21\nWORKDIR /app\nCOPY . .\nRUN mvn dependency:go-offline -B\nRUN mvn package -DskipTests -B\n";
        let files = context(&[("pom.xml", "<project/>"), ("src/A.java", "")]);
        assert_eq!(
            safe(java, &files, 3),
            "FROM maven:3.9-eclipse-temurin-21\nWORKDIR /app\nCOPY pom.xml .\nRUN mvn dependency:go-offline -B\nCOPY . .\nRUN mvn package -DskipTests -B\n"
        );
        none(
            java,
            Some(&context(&[("pom.xml", "<project><modules><module>a</module></modules></project>")])),
        );
    }

    #[test]
    fn rust_fetches_without_the_articles_faults() {
        let rust =
            "FROM rust:1.80\nWORKDIR /app\nCOPY . .\nRUN cargo fetch --locked\nRUN cargo build --release\n";
        let files =
            context(&[("Cargo.toml", "[package]\nname = \"x\"\n"), ("Cargo.lock", "x"), ("src/main.rs", "")]);
        assert_eq!(
            suggested(rust, Some(&files), 3),
            "FROM rust:1.80\nWORKDIR /app\nCOPY Cargo.toml Cargo.lock ./\nRUN mkdir src && touch src/main.rs src/lib.rs && cargo fetch --locked && rm -r src\nCOPY . .\nRUN cargo build --release\n"
        );
        for more in
            ["[workspace]\n", "[dependencies]\na = { path = \"a\" }\n", "[[bin]]\nname = \"y\"\n", "[lib]\n"]
        {
            let text = format!("[package]\nname = \"x\"\n{more}");
            none(rust, Some(&context(&[("Cargo.toml", text.as_str()), ("Cargo.lock", "x")])));
        }
        let chef = "FROM rust AS b\nWORKDIR /app\nCOPY --from=p /app/recipe.json recipe.json\nCOPY . .\nRUN cargo chef cook --release --recipe-path recipe.json\nRUN cargo build --release\n";
        assert_eq!(
            suggested(chef, None, 4),
            "FROM rust AS b\nWORKDIR /app\nCOPY --from=p /app/recipe.json recipe.json\nRUN cargo chef cook --release --recipe-path recipe.json\nCOPY . .\nRUN cargo build --release\n"
        );
    }

    #[test]
    fn steps_that_were_not_there_are_suggested() {
        let files = context(&[("pom.xml", "<project/>"), ("src/A.java", "")]);
        let java = "FROM maven:3\nWORKDIR /app\n# all of it\nCOPY . .\nRUN mvn package\n";
        assert_eq!(
            suggested(java, Some(&files), 4),
            "FROM maven:3\nWORKDIR /app\nCOPY pom.xml .\nRUN mvn -B dependency:go-offline\n# all of it\nCOPY . .\nRUN mvn package\n"
        );
        none(&suggested(java, Some(&files), 4), Some(&files));
        let go = "FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN go build -o /app .\n";
        assert!(
            suggested(go, None, 3)
                .contains("COPY go.mod go.sum* ./\nRUN go mod download\nCOPY . .\nRUN go build")
        );
        none("FROM maven:3\nCOPY . /app\nWORKDIR /app\nRUN mvn package\n", None);
        none(
            "FROM maven:3\nWORKDIR /app\nCOPY pom.xml .\nRUN mvn verify --fail-never\nCOPY . .\nRUN mvn package\n",
            None,
        );
        none("FROM maven:3\nWORKDIR /app\nCOPY . .\nRUN mvn package -Pprod\n", None);
        none("FROM golang:1.9\nWORKDIR /src\nCOPY . .\nRUN go build -o /app .\n", None);
        none("FROM golang:1.22\nWORKDIR /go/src/x\nCOPY . .\nRUN go build -o /app .\n", None);
        none("FROM rust\nWORKDIR /app\nCOPY . .\nRUN cargo build --release\n", None);
    }

    #[test]
    fn flags_comments_and_blank_lines() {
        let context = node("{}");
        let text = "FROM node\nWORKDIR /app\n\n# the sources\nCOPY --chown=node:node . /app\n\n# install\nRUN npm ci\n\nUSER node\n";
        assert_eq!(
            safe(text, &context, 5),
            "FROM node\nWORKDIR /app\n\nCOPY --chown=node:node package.json package-lock.json /app/\n\n# install\nRUN npm ci\n\n# the sources\nCOPY --chown=node:node . /app\n\nUSER node\n"
        );
        let text = "FROM python\nCOPY . /app\nENV A=1\nWORKDIR /app\nRUN pip install -U pip\nRUN pip install -r requirements/prod.txt";
        assert_eq!(
            suggested(text, None, 2),
            "FROM python\nCOPY requirements /app/requirements/\nENV A=1\nWORKDIR /app\nRUN pip install -U pip\nRUN pip install -r requirements/prod.txt\nCOPY . /app"
        );
        let text = "FROM python\nCOPY . /app\nRUN pip install -r /app/requirements.txt\n";
        assert_eq!(
            suggested(text, None, 2),
            "FROM python\nCOPY requirements.txt /app/\nRUN pip install -r /app/requirements.txt\nCOPY . /app\n"
        );
        let text = "FROM node\nWORKDIR /a\nCOPY package.json package-lock.json ./\nCOPY . .\nRUN npm ci\n";
        assert_eq!(
            safe(text, &context, 4),
            "FROM node\nWORKDIR /a\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n"
        );
    }

    #[test]
    fn a_step_that_also_builds_is_split() {
        let context = node("{}");
        let text = "FROM node\nWORKDIR /a\nCOPY . .\nRUN --mount=type=cache,target=/root/.npm npm ci && \\\n    # bundle\n    npm run build\n";
        assert_eq!(
            suggested(text, Some(&context), 3),
            "FROM node\nWORKDIR /a\nCOPY package.json package-lock.json ./\nRUN --mount=type=cache,target=/root/.npm npm ci\nCOPY . .\n# bundle\nRUN --mount=type=cache,target=/root/.npm npm run build\n"
        );
        none(
            "FROM node\nWORKDIR /a\nCOPY . .\nRUN npm ci && npm run build && npm cache clean --force\n",
            Some(&context),
        );
    }

    #[test]
    fn steps_that_need_the_sources_stay() {
        let context = node("{}");
        for text in [
            "FROM node\nWORKDIR /a\nCOPY . .\nRUN make\nRUN npm ci\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nRUN ./setup && npm ci\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nRUN cd b && npm ci\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nWORKDIR /b\nRUN npm ci\n",
            "FROM node\nWORKDIR /a\nCOPY . b\nRUN npm ci\n",
            "FROM node\nCOPY . /\nRUN npm ci\n",
            "FROM node\nWORKDIR /a\nCOPY --from=x . .\nRUN npm ci\n",
            "FROM node\nWORKDIR /a\nCOPY --parents . .\nRUN npm ci\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nRUN npm install express\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nRUN npm ci --prefix b\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nRUN npm ci || true\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nRUN npm ci > log\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nCOPY x .\nRUN npm ci\n",
            "FROM node\nWORKDIR /a\nARG D=.\nCOPY . $D\nENV X=1\nRUN npm ci\n",
            "FROM node\nWORKDIR /a\nRUN npm ci\nCOPY . .\nRUN npm ci\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nFROM node\nWORKDIR /a\nRUN npm ci\n",
            "FROM node\nWORKDIR /a\nONBUILD COPY . .\nRUN npm ci\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nRUN --mount=target=/x npm ci\n",
            "FROM node\nWORKDIR /a\n# hadolint ignore=DL3000\nCOPY . .\nRUN npm ci\n",
            "FROM python\nWORKDIR /a\nCOPY . .\nRUN pip install .\n",
            "FROM python\nWORKDIR /a\nCOPY . .\nRUN poetry install\n",
        ] {
            none(text, Some(&context));
            none(text, None);
        }
    }

    #[test]
    fn neutral_steps_in_between_come_along() {
        let context = node("{}");
        let text = "FROM node\nWORKDIR /a\nCOPY . .\nRUN apt-get update && apt-get install -y git && rm -rf /var/lib/apt/lists/*\nRUN npm i -g npm@10\nRUN [\"npm\", \"ci\"]\nRUN npm test\n";
        let [offer] = offers(&ReorderCopy, text, Some(&context), 5..=5).try_into().unwrap();
        let after = applied(&ReorderCopy, text, Some(&context), &offer);
        assert!(after.ends_with("RUN [\"npm\", \"ci\"]\nCOPY . .\nRUN npm test\n"), "{after}");
    }
}
