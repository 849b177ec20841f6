//! What the rules about the cache share: which COPY brings the sources, which steps below it do not read them, and how
//! lines move.

use layerwise_model::eval::{Command, Copy, Source, is_url};
use layerwise_model::facts::command::Command as Shell;
use layerwise_model::gopath::path_clean;
use layerwise_model::selection::source_path;
use layerwise_model::{Context, Entry, EntryKind, Stage};
use layerwise_syntax::mount::MountKind;
use layerwise_syntax::shell::SimpleCommand;
use layerwise_syntax::{Block, Form, Instruction, Keyword};

use crate::actions::Cx;
pub(super) use crate::actions::cache_dirs::inside;
use crate::actions::ecosystem::{Class, classify};
use crate::actions::layout::Layout;
use crate::actions::reorder_copy::{edits, is_open, offer, shape, with_comments};
use crate::actions::{is_core_command, is_system_command};
use crate::fix::{Edit, Fix};
use crate::ranges::head;
use crate::rules::{FileCx, Finding};

/// How many instructions below a COPY are looked at.
const MAX_DISTANCE: usize = 50;

/// The file as refactorings see it.
pub(super) fn actions<'a>(cx: &FileCx<'a>) -> Cx<'a> {
    Cx { file: cx.file, evaluation: cx.eval, context: cx.context, rebuilds: None }
}

/// The COPY or ADD that an instruction is, if it takes files from the build context and nothing else.
pub(super) fn from_context<'a>(cx: &FileCx<'a>, number: usize) -> Option<&'a Copy> {
    let Command::Copy(copy) = &cx.eval.steps.get(number)?.command else { return None };
    let plain = copy.from == Source::Context
        && copy.inline.is_empty()
        && !copy.sources.is_empty()
        && !copy.sources.iter().any(|s| is_url(s));
    plain.then_some(copy)
}

/// The same, if it takes the whole context.
pub(super) fn whole_context<'a>(cx: &FileCx<'a>, number: usize) -> Option<&'a Copy> {
    from_context(cx, number).filter(|copy| copy.sources.iter().any(|s| source_path(s).is_empty()))
}

/// Names that folders of sources have.
const SOURCE_DIRS: [&str; 24] = [
    "src",
    "app",
    "apps",
    "lib",
    "libs",
    "server",
    "client",
    "web",
    "www",
    "public",
    "api",
    "backend",
    "frontend",
    "cmd",
    "pkg",
    "internal",
    "code",
    "source",
    "sources",
    "html",
    "static",
    "templates",
    "packages",
    "site",
];

/// What source files end in.
const SOURCE_FILES: [&str; 14] =
    ["py", "js", "ts", "jsx", "tsx", "go", "rs", "java", "rb", "php", "c", "cpp", "html", "css"];

/// The same, if what it takes is what people edit all day: the whole context, a folder, source files.
pub(super) fn sources<'a>(cx: &FileCx<'a>, number: usize) -> Option<&'a Copy> {
    let is_source = |source: &String| {
        let path = source_path(source);
        let name = path.rsplit('/').next().unwrap_or_default();
        let file = name.rsplit_once('.').is_some_and(|(_, end)| SOURCE_FILES.contains(&end));
        match cx.context.filter(|c| c.incomplete.is_none()) {
            Some(context) => context.is_dir(&path) || (file && context.get(&path).is_some()),
            None => path.is_empty() || file || SOURCE_DIRS.contains(&name),
        }
    };
    from_context(cx, number).filter(|copy| copy.sources.iter().any(is_source))
}

/// Whether a path is a directory of the project's own, in which no package puts files and no program looks for its
/// configuration.
pub(super) fn is_project_dir(path: &str) -> bool {
    let below = |dir: &str| inside(path, dir);
    if [
        "/usr/src",
        "/usr/app",
        "/usr/share/nginx/html",
        "/var/www",
        "/var/app",
        "/var/task",
        "/usr/local/app",
    ]
    .iter()
    .any(|dir| below(dir))
    {
        return true;
    }
    !matches!(path, "" | "/" | "/home" | "/opt" | "/srv" | "/root")
        && ![
            "/etc",
            "/usr",
            "/bin",
            "/sbin",
            "/lib",
            "/lib64",
            "/var",
            "/tmp",
            "/root",
            "/run",
            "/boot",
            "/docker-entrypoint.d",
        ]
        .iter()
        .any(|dir| below(dir))
}

/// What a RUN does that reads nothing of the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Installs packages of the distribution.
    System,
    /// Makes users and groups.
    Users,
    /// Installs programs by name: `npm install -g`, `pip install gunicorn`.
    Tools,
    /// Something that takes no time.
    Other,
    /// Installs what manifests of the project name.
    Dependencies,
}

/// A RUN's simple commands in order; `None` where it is more than a list of commands, or not understood.
fn list<'a>(cx: &FileCx<'a>, number: usize) -> Option<&'a [SimpleCommand]> {
    let (_, instruction) = cx.file.instruction(number);
    if instruction.form() != Form::Shell
        || !instruction.heredocs().is_empty()
        || cx.facts.instructions[number].unclear
    {
        return None;
    }
    let commands = instruction.script()?.simple_commands();
    commands.iter().all(|c| c.top_level).then_some(commands)
}

/// What a RUN is, if no command of it reads the project's files, which are copied to `dest`.
fn kind(cx: &FileCx<'_>, number: usize, dest: &str) -> Option<Kind> {
    let Command::Run(run) = &cx.eval.steps.get(number)?.command else { return None };
    if run.mounts.iter().any(|(mount, _)| !matches!(mount.kind, MountKind::Cache)) {
        return None;
    }
    let mut kind = Kind::Other;
    for command in list(cx, number)? {
        // What it takes away has to be there first.
        if ["del", "remove", "purge", "autoremove", "erase"].iter().any(|verb| command.has(verb)) {
            return None;
        }
        match user_or_nothing(command, dest) {
            Some(true) if kind == Kind::Other => kind = Kind::Users,
            Some(true) => {}
            Some(false) => {}
            None => match classify(command) {
                Class::Neutral if command.name().is_some_and(is_system_manager) => kind = Kind::System,
                Class::Neutral => {}
                Class::Dependencies(_) => return Some(Kind::Dependencies),
                _ => return None,
            },
        }
    }
    let installs = &cx.facts.instructions[number].installs;
    if installs.iter().any(|i| i.packages.iter().any(|p| p.is_path || !p.literal)) {
        return None;
    }
    if kind != Kind::System && !installs.is_empty() {
        kind = Kind::Tools;
    }
    Some(kind)
}

fn is_system_manager(name: &str) -> bool {
    matches!(name, "apt-get" | "apt" | "apk" | "dnf" | "yum" | "microdnf" | "tdnf" | "zypper" | "pacman")
}

/// Whether a command makes a user or group, or (`Some(false)`) does nothing that matters; `None` for any other.
fn user_or_nothing(command: &SimpleCommand, dest: &str) -> Option<bool> {
    let name = command.name()?;
    let mut words = Vec::with_capacity(command.words.len());
    for word in command.arguments() {
        words.push(word?);
    }
    let touches = |dir: &str| words.iter().any(|word| word.contains(dir));
    match name {
        "useradd" | "adduser" | "groupadd" | "addgroup" | "usermod" | "groupmod" => {
            // Their home directory is made, or given to them.
            (!touches(dest) && !inside(dest, "/home") && command.redirects.is_empty()).then_some(true)
        }
        "set" if words.iter().all(|w| w.starts_with('-') || *w == "pipefail") => Some(false),
        "true" | ":" => Some(false),
        "mkdir"
            if words
                .iter()
                .all(|w| w.starts_with('-') || (w.starts_with('/') && !inside(&path_clean(w), dest))) =>
        {
            Some(false)
        }
        _ => None,
    }
}

/// RUNs that read nothing of what is copied above them.
pub(super) struct Late {
    /// The COPY of sources that makes them run again.
    pub(super) copy: usize,
    /// The RUNs, with what each does: System, Users or Tools.
    pub(super) runs: Vec<(usize, Kind)>,
    /// Those of them that the fix moves.
    movable: Vec<usize>,
    /// What moves them above the COPY, where nothing else stands in between.
    fix: Option<Fix>,
}

/// RUNs below a COPY of sources that do not need them, per stage. What `copy-source-before-deps` moves is left out.
pub(super) fn late(cx: &FileCx<'_>) -> Vec<Late> {
    cx.file.stages().iter().filter_map(|stage| late_in(cx, stage)).collect()
}

fn late_in(cx: &FileCx<'_>, stage: &Stage) -> Option<Late> {
    let found = |n: &usize| {
        sources(cx, *n).map(|c| path_clean(&c.dest_path)).filter(|d| is_project_dir(d)).map(|d| (*n, d))
    };
    let (first, dest) = stage.body.clone().find_map(|n| found(&n))?;
    // What the refactoring takes along goes with it.
    let mut taken = shape(&actions(cx), stage, first).map_or(0, |s| s.last);
    let mut runs: Vec<(usize, Kind)> = Vec::new();
    let mut movable = Vec::new();
    let mut plain = true;
    for number in (first + 1..stage.body.end).take(MAX_DISTANCE) {
        let (_, instruction) = cx.file.instruction(number);
        match instruction.kind() {
            Some(Keyword::Copy | Keyword::Add) => {
                let Command::Copy(copy) = &cx.eval.step(number).command else { break };
                plain &= is_project_dir(&path_clean(&copy.dest_path));
                if sources(cx, number).is_some() {
                    taken = taken.max(shape(&actions(cx), stage, number).map_or(0, |s| s.last));
                }
            }
            Some(Keyword::Run) => match kind(cx, number, &dest) {
                None => break,
                Some(kind @ (Kind::System | Kind::Users | Kind::Tools)) if number > taken => {
                    runs.push((number, kind));
                    if plain {
                        movable.push(number);
                    }
                }
                Some(_) => plain = false,
            },
            Some(
                Keyword::Label
                | Keyword::Expose
                | Keyword::Cmd
                | Keyword::Entrypoint
                | Keyword::Healthcheck
                | Keyword::Stopsignal
                | Keyword::Maintainer,
            ) => {}
            _ => plain = false,
        }
    }
    if runs.is_empty() {
        return None;
    }
    let fix = move_above(cx, &movable, first).map(|edits| {
        let line = cx.file.line(first);
        let title = match movable.as_slice() {
            [one] => format!("Move the RUN of line {} above the COPY of line {line}", cx.file.line(*one)),
            several => format!("Move {} RUNs above the COPY of line {line}", several.len()),
        };
        let fix = Fix { edits, ..Fix::replace(title, 0..0, "") };
        let own = ["/app", "/src", "/code", "/workspace", "/work", "/usr/src", "/usr/app"];
        let safe = own.iter().any(|dir| inside(&dest, dir))
            && runs.iter().all(|(_, kind)| *kind != Kind::Tools)
            && (first..movable.last().copied().unwrap_or(first)).all(|n| {
                sources(cx, n).is_none_or(|c| own.iter().any(|dir| inside(&path_clean(&c.dest_path), dir)))
            });
        if safe { fix.safe() } else { fix }
    });
    Some(Late { copy: first, runs, movable, fix })
}

/// The finding about the steps of one kind among those that stand too low.
pub(super) fn report_late(cx: &FileCx<'_>, late: &Late, kind: Kind) -> Option<Finding> {
    let mut runs = late.runs.iter().filter(|(_, k)| *k == kind).map(|(number, _)| *number);
    let first = runs.next()?;
    let rest: Vec<usize> = runs.collect();
    let line = cx.file.line(late.copy);
    // `apt-get update` alone does not say what it is for.
    let named = std::iter::once(first).chain(rest.iter().copied()).find_map(|n| {
        let is_install = kind == Kind::Users || !cx.facts.instructions[n].installs.is_empty();
        chief(cx, n).filter(|_| is_install).map(|command| shown(cx, n, command))
    })?;
    let message = format!(
        "`{named}` needs nothing of what line {line} copies, and runs again whenever that changes; move it above line {line}."
    );
    let place = |n: usize| cx.file.absolute(n, head(cx.file.instruction(n).1));
    let mut finding =
        Finding::new(place(first), message).see(place(late.copy), "This changes with every edit.");
    for number in rest {
        finding = finding.see(place(number), "This can move up too.");
    }
    Some(match &late.fix {
        Some(fix) if late.movable.contains(&first) => finding.fix(fix.clone()),
        _ => finding,
    })
}

/// The edits that put whole instructions, with the comments right above each, in front of another one.
pub(super) fn move_above(cx: &FileCx<'_>, numbers: &[usize], target: usize) -> Option<Vec<Edit>> {
    let file = cx.file;
    let text = file.parsed().text();
    let newline = Layout::of(file).newline;
    let blocks = file.parsed().layer().blocks();
    let blank = |block: usize| blocks.get(block).is_some_and(|b| matches!(b.block, Block::Blank));
    let (to, blank_above) = with_comments(file, target);
    let mut moved = String::new();
    let mut edits = Vec::new();
    for &number in numbers {
        let (placed, instruction) = file.instruction(number);
        if is_open(instruction) {
            return None;
        }
        let (start, apart) = with_comments(file, number);
        let block = file.block_of(number);
        let mut end = placed.range().end;
        moved.push_str(&text.slice(start..end));
        if !moved.ends_with('\n') {
            moved.push_str(newline);
        }
        if apart && (blank(block + 1) || block + 1 == blocks.len()) {
            end = blocks.get(block + 1).map_or(end, |b| b.range().end);
        }
        edits.push(Edit { range: start..end, text: String::new() });
    }
    if blank_above {
        moved.push_str(newline);
    }
    edits.push(Edit { range: to..to, text: moved });
    (!numbers.is_empty()).then_some(edits)
}

/// The edits that put one instruction, with the comments right above it, in front of a later one and its comments.
pub(super) fn move_below(cx: &FileCx<'_>, number: usize, target: usize) -> Option<Vec<Edit>> {
    let file = cx.file;
    let text = file.parsed().text();
    let (placed, instruction) = file.instruction(number);
    if is_open(instruction) || target >= file.len() {
        return None;
    }
    let (start, _) = with_comments(file, number);
    let end = placed.range().end;
    let mut moved = text.slice(start..end).into_owned();
    if !moved.ends_with('\n') {
        moved.push_str(Layout::of(file).newline);
    }
    let (to, _) = with_comments(file, target);
    (end <= to)
        .then(|| vec![Edit { range: start..end, text: String::new() }, Edit { range: to..to, text: moved }])
}

/// The edit that takes an instruction away, with its lines and the comments right above it.
pub(super) fn move_out(cx: &FileCx<'_>, number: usize) -> Option<Edit> {
    let (placed, instruction) = cx.file.instruction(number);
    let (start, _) = with_comments(cx.file, number);
    (!is_open(instruction)).then(|| Edit { range: start..placed.range().end, text: String::new() })
}

/// The first step below a COPY of the whole context that uses it.
pub(super) struct FirstUse<'a> {
    /// The stage's number.
    pub(super) stage: usize,
    /// The COPY.
    pub(super) copy: usize,
    /// The RUN.
    pub(super) run: usize,
    /// The command; those in front of it in the RUN read nothing.
    pub(super) command: &'a Shell,
    /// What it is.
    pub(super) class: Class,
    /// Whether the RUN has a cache mount, which keeps what was downloaded.
    pub(super) cached: bool,
    /// The programs of the dependency steps that were passed over.
    passed: Vec<String>,
}

impl FirstUse<'_> {
    /// Whether it is the first step of these programs, and keeps nothing of what it downloads for the next time.
    pub(super) fn is_first(&self, cx: &FileCx<'_>, names: &[&str]) -> bool {
        !self.cached
            && !self.passed.iter().any(|name| names.contains(&name.as_str()))
            && !ran_before(cx, self.stage, self.copy, self.run, names)
    }
}

/// The first use of the sources in each stage that copies them all. Dependency steps are passed over where `pass` says so.
pub(super) fn first_uses<'a>(cx: &FileCx<'a>, pass: bool) -> Vec<FirstUse<'a>> {
    cx.file.stages().iter().filter_map(|stage| first_use(cx, stage, pass)).collect()
}

fn first_use<'a>(cx: &FileCx<'a>, stage: &Stage, pass: bool) -> Option<FirstUse<'a>> {
    let copy = stage.body.clone().find(|n| whole_context(cx, *n).is_some())?;
    let mut passed = Vec::new();
    for number in (copy + 1..stage.body.end).take(MAX_DISTANCE) {
        if cx.file.instruction(number).1.kind() != Some(Keyword::Run) {
            continue;
        }
        let Command::Run(run) = &cx.eval.steps.get(number)?.command else { return None };
        if run.mounts.iter().any(|(m, _)| matches!(m.kind, MountKind::Bind | MountKind::Tmpfs)) {
            return None;
        }
        let commands = list(cx, number)?;
        for (simple, command) in commands.iter().zip(&cx.facts.instructions[number].commands) {
            let class = match simple.name() {
                Some("cd" | "mkdir" | "set" | "export" | "true" | ":") if simple.redirects.is_empty() => {
                    continue;
                }
                Some("echo") if simple.redirects.is_empty() => continue,
                Some("composer") if simple.has("config") || simple.has("self-update") => continue,
                _ => classify(simple),
            };
            match class {
                Class::Neutral => {}
                Class::Dependencies(_) if pass => passed.push(command.name.clone()),
                class => {
                    let cached = run.mounts.iter().any(|(m, _)| m.kind == MountKind::Cache);
                    let (stage, run) = (stage.index, number);
                    return Some(FirstUse { stage, copy, run, command, class, cached, passed });
                }
            }
        }
    }
    None
}

/// Whether one of these programs runs in the stage above an instruction, in a stage that it stands on, or in one that files
/// are copied from up to `run`.
pub(super) fn ran_before(cx: &FileCx<'_>, stage: usize, copy: usize, run: usize, names: &[&str]) -> bool {
    let in_range = |numbers: std::ops::Range<usize>| {
        cx.facts
            .instructions
            .get(numbers)
            .unwrap_or_default()
            .iter()
            .any(|facts| facts.commands.iter().any(|c| names.contains(&c.name.as_str())))
    };
    let Some(own) = cx.file.stages().get(stage) else { return false };
    if in_range(own.body.start..copy) {
        return true;
    }
    let mut others: Vec<usize> = cx.facts.stages.get(stage).map(|s| s.chain.clone()).unwrap_or_default();
    others.retain(|s| *s != stage);
    for number in own.body.start..run {
        if let Some(Command::Copy(Copy { from: Source::Stage(from), .. })) =
            cx.eval.steps.get(number).map(|s| &s.command)
        {
            others.push(*from);
        }
    }
    others.sort_unstable();
    others.dedup();
    others.iter().filter_map(|s| cx.file.stages().get(*s)).any(|s| in_range(s.body.clone()))
}

/// Whether a command runs a program that does what its words say: it does not look for variables that are not named in
/// them.
pub(super) fn is_plain(command: &SimpleCommand) -> bool {
    let Some(name) = command.name() else { return false };
    let full = command.words.first().and_then(|w| w.literal.as_deref()).unwrap_or_default();
    let known = is_core_command(name)
        || is_system_command(name)
        || matches!(
            name,
            "set"
                | "cd"
                | "useradd"
                | "groupmod"
                | "addgroup"
                | "true"
                | ":"
                | "gpg"
                | "dpkg"
                | "ca-certificates"
                | "sleep"
        );
    (known && (!full.contains('/') || full.starts_with("/bin/") || full.starts_with("/usr/bin/")))
        || matches!(classify(command), Class::Neutral | Class::Dependencies(_))
}

/// Whether every command of a RUN is plain; see [`is_plain`].
pub(super) fn is_plain_run(cx: &FileCx<'_>, number: usize) -> bool {
    let (_, instruction) = cx.file.instruction(number);
    if cx.facts.instructions[number].unclear || instruction.form() != Form::Shell {
        return false;
    }
    instruction
        .script()
        .is_some_and(|s| !s.simple_commands().is_empty() && s.simple_commands().iter().all(is_plain))
}

/// Whether a text names a variable: the name with nothing of a name around it.
pub(super) fn mentions(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + name.len()..].starts_with(part))
}

/// A command as messages show it: on one line, and not too long.
pub(super) fn shown(cx: &FileCx<'_>, number: usize, command: &Shell) -> String {
    let (_, instruction) = cx.file.instruction(number);
    let text = instruction.source().get(command.range.clone()).unwrap_or_default();
    let words: Vec<&str> =
        text.split_whitespace().filter(|w| w.len() > 1 || !w.starts_with(instruction.escape())).collect();
    let line = words.join(" ");
    if line.chars().count() <= 48 {
        return line;
    }
    let cut: String = line.chars().take(45).collect();
    format!("{}...", cut.trim_end())
}

/// Names as a sentence has them: `a`, `a and b`, `a, b and c`.
pub(super) fn and(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The command of a RUN that takes the time: the first that installs something, else the first.
pub(super) fn chief<'a>(cx: &FileCx<'a>, number: usize) -> Option<&'a Shell> {
    let facts = &cx.facts.instructions[number];
    let download = || facts.commands.iter().position(|c| matches!(c.name.as_str(), "curl" | "wget" | "git"));
    let at = facts.installs.first().map(|install| install.command).or_else(download).unwrap_or(0);
    facts.commands.get(at)
}

/// Words in the names of variables that get a new value with every build or commit.
const VOLATILE: [&str; 24] = [
    "GIT_SHA",
    "GIT_COMMIT",
    "GIT_REF",
    "GIT_HASH",
    "GIT_REVISION",
    "GIT_BRANCH",
    "GIT_TAG",
    "GIT_VERSION",
    "GITHUB_SHA",
    "GITHUB_REF",
    "COMMIT_SHA",
    "COMMIT_HASH",
    "COMMIT_ID",
    "COMMIT",
    "VCS_REF",
    "REVISION",
    "BUILD_DATE",
    "BUILD_TIME",
    "BUILD_TIMESTAMP",
    "BUILD_NUMBER",
    "BUILD_ID",
    "CI_COMMIT",
    "CI_PIPELINE",
    "BUILDTIME",
];

/// Names of variables with the version of what is built.
const VERSIONS: [&str; 7] = [
    "VERSION",
    "APP_VERSION",
    "BUILD_VERSION",
    "IMAGE_VERSION",
    "RELEASE",
    "RELEASE_VERSION",
    "PROJECT_VERSION",
];

/// Whether a variable gets a new value with every build or commit, by its name.
pub(super) fn is_volatile(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    VOLATILE.iter().any(|word| {
        name.match_indices(word).any(|(at, _)| {
            (at == 0 || name[..at].ends_with('_'))
                && (at + word.len() == name.len() || name[at + word.len()..].starts_with('_'))
        })
    })
}

/// Whether a variable holds the version of what is built, by its name.
pub(super) fn is_version(name: &str) -> bool {
    VERSIONS.iter().any(|version| name.eq_ignore_ascii_case(version))
}

/// The RUNs between the declaration of a variable and what may read it first.
pub(super) struct Above {
    /// RUNs that do not read it.
    pub(super) runs: Vec<usize>,
    /// The first instruction that may read it; the end of the stage if there is none.
    pub(super) reader: Option<usize>,
    /// Whether an ARG declares it again on the way.
    pub(super) again: bool,
}

/// Whether an instruction is an ARG of this name.
pub(super) fn declares(instruction: &Instruction, name: &str) -> bool {
    instruction.kind() == Some(Keyword::Arg)
        && instruction.args().iter().any(|word| word.value.split('=').next() == Some(name))
}

/// What stands between the declaration of a variable in a stage and its first reader.
pub(super) fn above_reader(cx: &FileCx<'_>, stage: &Stage, declared: usize, name: &str) -> Above {
    let mut above = Above { runs: Vec::new(), reader: None, again: false };
    for number in declared + 1..stage.body.end {
        let (_, instruction) = cx.file.instruction(number);
        let is_run = instruction.kind() == Some(Keyword::Run);
        // Where the container's own variables are read, those of the build do not count.
        if matches!(instruction.kind(), Some(Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck)) {
            continue;
        }
        if declares(instruction, name) && !instruction.source().contains('$') {
            above.again = true;
            continue;
        }
        if mentions(instruction.source(), name)
            || !instruction.is_valid()
            || (is_run && !is_plain_run(cx, number))
            || instruction.kind() == Some(Keyword::Onbuild)
        {
            above.reader = Some(number);
            break;
        }
        if is_run {
            above.runs.push(number);
        }
    }
    above
}

/// The first of some RUNs that is worth speaking of: it downloads or installs.
pub(super) fn expensive(cx: &FileCx<'_>, runs: &[usize]) -> Option<usize> {
    runs.iter().copied().find(|n| {
        let facts = &cx.facts.instructions[*n];
        !facts.installs.is_empty()
            || facts.commands.iter().any(|c| {
                matches!(
                    c.name.as_str(),
                    "curl" | "wget" | "docker-php-ext-install" | "pecl" | "mvn" | "poetry" | "uv"
                ) || (c.name == "git" && c.subcommand() == Some("clone"))
            })
    })
}

/// Whether another stage stands on this one.
pub(super) fn is_base(cx: &FileCx<'_>, stage: usize) -> bool {
    cx.eval.stages.iter().any(|s| s.base == layerwise_model::eval::Base::Stage(stage))
}

/// The finding about the first use of the sources: that it runs again, and `what` that costs.
pub(super) fn report_use(cx: &FileCx<'_>, used: &FirstUse<'_>, what: &str) -> Finding {
    let place = |n: usize| cx.file.absolute(n, head(cx.file.instruction(n).1));
    let message =
        format!("`{}` runs again whenever any file changes, and {what}.", shown(cx, used.run, used.command));
    Finding::new(place(used.run), message).see(place(used.copy), "Everything is copied above it.")
}

/// The refactoring's own step that fetches the dependencies of an ecosystem before the sources are copied.
pub(super) fn invented(cx: &FileCx<'_>, used: &FirstUse<'_>, id: &str) -> Option<Fix> {
    let actions = actions(cx);
    let found =
        shape(&actions, cx.file.stages().get(used.stage)?, used.copy).filter(|s| s.invented == Some(id))?;
    let offer = offer(&actions, &found)?;
    let fix = Fix { edits: edits(&actions, &found)?, ..Fix::replace(offer.title, 0..0, "") };
    (found.last == used.run).then_some(Fix { applicability: offer.applicability, ..fix })
}

/// A COPY that takes a whole directory of the build context, which is known.
pub(super) struct Taken<'a> {
    /// The instruction.
    pub(super) number: usize,
    /// The context.
    pub(super) context: &'a Context,
    /// The directory; empty for the context itself.
    pub(super) dir: String,
    /// How many RUNs of the stage are below.
    pub(super) runs: usize,
}

/// The COPYs that take whole directories of a build context that is known, the context itself first of all.
pub(super) fn taken<'a>(cx: &FileCx<'a>) -> Vec<Taken<'a>> {
    let Some(context) = cx.context else { return Vec::new() };
    let mut found = Vec::new();
    for stage in cx.file.stages() {
        for number in stage.body.clone() {
            let Some(copy) = from_context(cx, number).filter(|copy| copy.excludes.is_empty()) else {
                continue;
            };
            for source in &copy.sources {
                let dir = source_path(source);
                if context.is_dir(&dir) {
                    let below = number + 1..stage.body.end;
                    let runs = cx
                        .file
                        .instructions(below)
                        .filter(|(_, _, i)| i.kind() == Some(Keyword::Run))
                        .count();
                    found.push(Taken { number, context, dir, runs });
                }
            }
        }
    }
    found.sort_by_key(|taken| !taken.dir.is_empty());
    found
}

impl Taken<'_> {
    /// A path below the directory, relative to the context.
    pub(super) fn path(&self, name: &str) -> String {
        if self.dir.is_empty() { name.to_owned() } else { format!("{}/{name}", self.dir) }
    }

    /// Whether something of that name lies right below the directory.
    pub(super) fn has(&self, name: &str) -> bool {
        self.context.get(&self.path(name)).is_some()
    }

    /// How messages name the ignore file to write to.
    pub(super) fn ignore_file(&self) -> &str {
        self.context.ignore_file.as_deref().unwrap_or(".dockerignore")
    }

    /// What runs again when something of it changes.
    pub(super) fn cost(&self) -> String {
        match self.runs {
            0 => "makes this layer anew".to_owned(),
            1 => "runs the step below again".to_owned(),
            several => format!("runs the {several} steps below again"),
        }
    }

    /// A finding at the COPY.
    pub(super) fn finding(&self, cx: &FileCx<'_>, message: String) -> Finding {
        Finding::new(cx.file.absolute(self.number, head(cx.file.instruction(self.number).1)), message)
    }
}

/// How many entries of a context are looked through for names.
const MAX_ENTRIES: usize = 2_000;

/// The entries right below a directory of the context and those one level deeper, not too many: path and name.
pub(super) fn entries<'a>(taken: &Taken<'a>) -> impl Iterator<Item = (&'a str, &'a Entry)> {
    let context = taken.context;
    let deeper = context
        .entries
        .children(&taken.dir)
        .filter(|(_, entry)| entry.kind == EntryKind::Dir)
        .flat_map(|(path, _)| context.entries.children(path));
    context.entries.children(&taken.dir).chain(deeper).take(MAX_ENTRIES)
}
