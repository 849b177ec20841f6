//! `split-stages`: a Go program is built in one stage and shipped in another.
//!
//! ```dockerfile
//! FROM golang:1.22
//! WORKDIR /app
//! COPY . .
//! RUN go build -o server .
//! EXPOSE 8080
//! CMD ["./server"]
//! ```
//! becomes
//! ```dockerfile
//! FROM golang:1.22 AS build
//! WORKDIR /app
//! COPY . .
//! RUN CGO_ENABLED=0 go build -o server .
//!
//! FROM gcr.io/distroless/static-debian12
//! WORKDIR /app
//! COPY --from=build /app/server /app/server
//! EXPOSE 8080
//! CMD ["./server"]
//! ```
//!
//! # Why
//! The compiler, the sources and the module cache stay out of the image.
//!
//! # The runtime image
//! `gcr.io/distroless/static-debian12` holds what a static program needs: certificates, time zones, users `root`, `nobody`
//! and `nonroot`, `/tmp`. Where a shell is needed (a health check that calls `wget` or `curl`, a command with variables, a
//! user that a RUN creates) it is `alpine`.
//!
//! # Promise
//! Always a suggestion: which files a program opens and which programs it starts cannot be seen. Offered only where every
//! instruction is understood: the single stage is Go's, what `go build` writes is what the container starts, nothing is
//! built with cgo, and nothing else is installed than what building needs.

use std::ops::Range;

use layerwise_model::eval::{Base, Command};
use layerwise_model::gopath::path_clean;
use layerwise_model::{File, Stage};
use layerwise_syntax::shell::SimpleCommand;
use layerwise_syntax::{Block, Form, Instruction, Keyword};

use super::ecosystem::{Class, classify};
use super::layout::{Layout, is_pragma};
use super::{Cx, Offer, Refactoring, selected};
use crate::fix::{Applicability, Edit, apply};

const ID: &str = "split-stages";
const DISTROLESS: &str = "gcr.io/distroless/static-debian12";
const ALPINE: &str = "alpine:3.20";

/// What is installed for building only.
const BUILD_PACKAGES: [&str; 12] = [
    "bash",
    "ca-certificates",
    "gettext",
    "git",
    "make",
    "mercurial",
    "openssh",
    "openssh-client",
    "protobuf-compiler",
    "protoc",
    "tzdata",
    "upx",
];

/// Modules that need cgo.
const CGO_MODULES: [&str; 8] = [
    "mattn/go-sqlite3",
    "confluentinc/confluent-kafka-go",
    "h2non/bimg",
    "davidbyttow/govips",
    "go-gl/",
    "rogpeppe/go-internal/cgo",
    "gopkg.in/gographics/imagick",
    "godror/godror",
];

/// Folders that a program often reads while it runs.
const RUNTIME_FOLDERS: [&str; 12] = [
    "assets",
    "conf",
    "config",
    "configs",
    "data",
    "locales",
    "migrations",
    "public",
    "static",
    "templates",
    "views",
    "web",
];

/// The refactoring.
#[derive(Clone, Copy, Debug)]
pub struct SplitStages;

/// What the two stages are made of.
struct Plan {
    /// The instruction that builds, and where `CGO_ENABLED=0` goes in it, if it has to.
    cgo: Option<(usize, usize)>,
    /// Instructions that move to the runtime stage.
    moved: Vec<usize>,
    /// ENV instructions that both stages need, and ARGs that those use.
    repeated: Vec<usize>,
    /// The program in the build stage, and in the runtime stage.
    program: (String, String),
    /// The working directory of the runtime stage; empty for none.
    workdir: String,
    /// CMD and ENTRYPOINT that have to be written anew.
    rewritten: Vec<(usize, String)>,
    /// Folders beside the program that are copied too.
    folders: Vec<(String, String)>,
    /// The RUN that creates the user in the runtime stage.
    user: Option<String>,
    /// Packages of the runtime stage.
    packages: Vec<&'static str>,
    runtime: &'static str,
    notes: Vec<String>,
}

impl Refactoring for SplitStages {
    fn id(&self) -> &'static str {
        ID
    }

    fn offers(&self, cx: &Cx<'_>, selection: Range<usize>) -> Vec<Offer> {
        if selected(cx.file, &selection).is_empty() {
            return Vec::new();
        }
        let Some(plan) = plan(cx) else { return Vec::new() };
        let image = cx.evaluation.stages.first().map_or("", |s| s.base_name.value.as_str());
        vec![Offer {
            id: ID,
            title: format!(
                "Split into a build stage and a runtime stage on {}: {image} stays out of the image",
                plan.runtime
            ),
            kind: "refactor.rewrite",
            applicability: Applicability::Suggestion,
            range: whole(cx.file),
            notes: plan.notes,
            key: "go".to_owned(),
        }]
    }

    fn edits(&self, cx: &Cx<'_>, offer: &Offer) -> Option<Vec<Edit>> {
        let plan = plan(cx)?;
        (whole(cx.file) == offer.range).then(|| edits(cx, &plan)).flatten()
    }
}

fn whole(file: &File) -> Range<usize> {
    match file.stages().first() {
        Some(stage) if !file.is_empty() => file.range(stage.from).start..file.range(file.len() - 1).end,
        _ => 0..0,
    }
}

/// Whether the only stage starts from an official Go image for Linux, or a mirror of it.
fn starts_from_go(cx: &Cx<'_>) -> bool {
    let Some(Base::Image(reference)) = cx.evaluation.stages.first().map(|s| &s.base) else { return false };
    let name = reference.split('@').next().unwrap_or_default();
    let (name, tag) = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (name, ""),
    };
    let foreign = ["onbuild", "windows", "nanoserver"].iter().any(|word| tag.contains(word));
    name.rsplit('/').next() == Some("golang") && !foreign
}

fn plan(cx: &Cx<'_>) -> Option<Plan> {
    let [stage] = cx.file.stages() else { return None };
    if !starts_from_go(cx) || cx.file.all().any(|(_, _, i)| !i.is_valid()) || stage.body.is_empty() {
        return None;
    }
    // A relative WORKDIR starts from the image's own, which is not known.
    let first_workdir = cx.file.all().find(|(_, _, i)| i.kind() == Some(Keyword::Workdir));
    if first_workdir.is_some_and(|(_, _, i)| !i.args().first().is_some_and(|a| a.value.starts_with('/'))) {
        return None;
    }
    let mut build = Build::default();
    for (number, _, instruction) in cx.file.instructions(stage.body.clone()) {
        if instruction.kind() == Some(Keyword::Run) {
            build.run(cx, number, instruction)?;
        }
    }
    let end = &cx.evaluation.stages.first()?.end;
    if end.env.get("CGO_ENABLED").is_some_and(|v| v == "1") || uses_cgo_module(cx) {
        return None;
    }
    let (made_by, at, output) = build.program.clone()?;
    let made_as = cx.evaluation.steps.get(made_by)?.state.env.get("CGO_ENABLED").map(str::to_owned);
    let mut plan = Plan {
        cgo: (!build.cgo_off && made_as.as_deref() != Some("0")).then_some((made_by, at)),
        moved: Vec::new(),
        repeated: Vec::new(),
        program: (output.clone(), output.clone()),
        workdir: if end.workdir_set { path_clean(&end.dir) } else { String::new() },
        rewritten: Vec::new(),
        folders: Vec::new(),
        user: None,
        packages: Vec::new(),
        runtime: DISTROLESS,
        notes: Vec::new(),
    };
    let mut starts = false;
    let mut arguments: Vec<usize> = Vec::new();
    for (number, _, instruction) in cx.file.instructions(stage.body.clone()) {
        match instruction.kind()? {
            Keyword::Run | Keyword::Workdir => {}
            Keyword::Copy | Keyword::Add => copied(cx, number, &output)?,
            Keyword::Arg => arguments.push(number),
            Keyword::Env => {
                let build_only = |name: &str| {
                    name.starts_with("GO")
                        || name.starts_with("CGO")
                        || matches!(name, "PATH" | "DEBIAN_FRONTEND")
                };
                if !instruction.args().chunks(3).all(|t| build_only(&t[0].value)) {
                    plan.repeated.push(number);
                }
            }
            Keyword::User => {
                // Below it files would belong to another user than the ones that are built.
                if cx.file.instructions(number + 1..cx.file.len()).any(|(_, _, i)| builds(i)) {
                    return None;
                }
                plan.user(&instruction.args().first()?.value, &build.users)?;
                plan.moved.push(number);
            }
            Keyword::Entrypoint | Keyword::Cmd => {
                starts |= plan.start(cx, number, instruction, &output)?;
                plan.moved.push(number);
            }
            Keyword::Healthcheck => {
                plan.healthcheck(instruction)?;
                plan.moved.push(number);
            }
            Keyword::Label
            | Keyword::Expose
            | Keyword::Volume
            | Keyword::Stopsignal
            | Keyword::Maintainer => {
                plan.moved.push(number);
            }
            Keyword::Onbuild | Keyword::Shell | Keyword::From => return None,
        }
    }
    if !starts || !build.users.is_empty() && plan.user.is_none() {
        return None;
    }
    let uses_variable = |n: &usize| cx.file.instruction(*n).1.source().contains('$');
    if plan.repeated.iter().chain(&plan.moved).any(uses_variable) {
        plan.repeated.extend(arguments);
        plan.repeated.sort_unstable();
    }
    if plan.user.is_some() && plan.runtime != ALPINE {
        plan.runtime = ALPINE;
    }
    plan.runtime_files(cx, stage);
    plan.describe();
    Some(plan)
}

/// Whether an instruction takes part in building.
fn builds(instruction: &Instruction) -> bool {
    matches!(instruction.kind(), Some(Keyword::Run | Keyword::Copy | Keyword::Add | Keyword::Workdir))
}

/// A COPY or ADD must come from the context and not bring the program itself.
fn copied(cx: &Cx<'_>, number: usize, output: &str) -> Option<()> {
    let Command::Copy(copy) = &cx.evaluation.steps.get(number)?.command else { return None };
    let local = copy.from == layerwise_model::eval::Source::Context
        && !copy.sources.iter().any(|s| s.contains("://"));
    (local && path_clean(&copy.dest_path) != output).then_some(())
}

fn uses_cgo_module(cx: &Cx<'_>) -> bool {
    cx.context.is_some_and(|c| {
        c.texts
            .iter()
            .any(|(path, text)| path.ends_with("go.mod") && CGO_MODULES.iter().any(|m| text.contains(m)))
    })
}

/// What the RUN instructions do.
#[derive(Default)]
struct Build {
    /// The instruction, the offset in the document of the `go` command, and the absolute path that it writes.
    program: Option<(usize, usize, String)>,
    cgo_off: bool,
    /// Users that are created.
    users: Vec<String>,
}

impl Build {
    fn run(&mut self, cx: &Cx<'_>, number: usize, instruction: &Instruction) -> Option<()> {
        if !instruction.heredocs().is_empty() {
            return None;
        }
        if instruction.form() == Form::Exec {
            let plain = matches!(
                instruction.args(),
                [go, what, ..] if go.value == "go" && matches!(what.value.as_str(), "mod" | "get" | "test" | "vet")
            );
            return plain.then_some(());
        }
        let script = instruction.script()?;
        let state = &cx.evaluation.steps.get(number)?.state;
        for command in script.and_chain()? {
            let from = cx.file.absolute(number, script.source_range(command.range.clone())).start;
            self.command(cx, number, &command, &state.dir, from)?;
        }
        Some(())
    }

    fn command(
        &mut self,
        cx: &Cx<'_>,
        number: usize,
        command: &SimpleCommand,
        dir: &str,
        at: usize,
    ) -> Option<()> {
        if !command.redirects.is_empty() {
            return None;
        }
        let mut words: Vec<&str> = Vec::new();
        for word in &command.words {
            // `-ldflags "-X main.version=$VERSION"` computes a value and no path.
            words.push(word.literal.as_deref().unwrap_or("$"));
        }
        let after =
            |flag: &str| words.iter().position(|w| *w == flag).and_then(|p| words.get(p + 1)).copied();
        match words.as_slice() {
            ["go", "build", ..] => {
                if self.program.is_some() || command.assignments.iter().any(|a| a.raw == "CGO_ENABLED=1") {
                    return None;
                }
                if words.iter().any(|w| {
                    matches!(*w, "-race" | "-msan" | "-asan") || w.contains("-buildmode") || *w == "-C"
                }) {
                    return None;
                }
                self.cgo_off = command.assignments.iter().any(|a| a.raw == "CGO_ENABLED=0");
                // A cross-compiled program does not start on the platform that the image says it is for.
                let cross = |a: &str| a.starts_with("GOOS=") && a != "GOOS=linux";
                if command.assignments.iter().any(|a| cross(&a.raw)) {
                    return None;
                }
                let joined =
                    words.iter().find_map(|w| w.strip_prefix("-o=").or_else(|| w.strip_prefix("--o=")));
                let package = package(&words[2..]);
                let output = match joined.or_else(|| after("-o")) {
                    Some("$") => return None,
                    Some(output) if output.ends_with('/') || output == "." => {
                        format!("{output}/{}", program_name(cx, package?)?)
                    }
                    Some(output) => output.to_owned(),
                    None => program_name(cx, package?)?,
                };
                self.program = Some((number, at, absolute(&output, dir)?));
                Some(())
            }
            ["go", "install", package, ..] if package.starts_with("./") || *package == "." => {
                if self.program.is_some() || words.len() != 3 {
                    return None;
                }
                self.cgo_off = command.assignments.iter().any(|a| a.raw == "CGO_ENABLED=0");
                let name = program_name(cx, Some(*package))?;
                self.program = Some((number, at, format!("/go/bin/{name}")));
                Some(())
            }
            ["go", "mod" | "get" | "test" | "vet" | "env" | "version" | "generate" | "clean", ..] => Some(()),
            ["apt-get" | "apt", "update", ..] | ["apk", "update", ..] | ["update-ca-certificates"] => {
                Some(())
            }
            ["apt-get" | "apt", rest @ ..] if rest.contains(&"install") => packages(rest, "install"),
            ["apk", rest @ ..] if rest.contains(&"add") => packages(rest, "add"),
            ["useradd" | "adduser", .., name] if is_user_name(name) => {
                self.users.push((*name).to_owned());
                Some(())
            }
            ["groupadd" | "addgroup", .., name] if is_user_name(name) => Some(()),
            ["mkdir", paths @ ..] => {
                // A folder that the sources or the program go to, and not one that the program writes to.
                let known = |path: &&str| {
                    path.starts_with('-') || absolute(path, dir).is_some_and(|path| holds_sources(cx, &path))
                };
                paths.iter().all(known).then_some(())
            }
            ["chmod", mode, path] if mode.contains('x') || mode.chars().all(|c| c.is_ascii_digit()) => {
                let path = absolute(path, dir)?;
                self.program.as_ref().is_some_and(|p| p.2 == path).then_some(())
            }
            _ if classify(command) == Class::Neutral && command.name() == Some("rm") => Some(()),
            _ => None,
        }
    }
}

/// A path in the image; `None` for a relative one where the working directory is not known.
fn absolute(path: &str, dir: &str) -> Option<String> {
    if path.starts_with('/') {
        return Some(path_clean(path));
    }
    (!dir.is_empty()).then(|| path_clean(&format!("{dir}/{path}")))
}

/// Whether a folder is a working directory or the destination of a COPY, or lies above one.
fn holds_sources(cx: &Cx<'_>, folder: &str) -> bool {
    cx.evaluation.steps.iter().any(|step| {
        let path = match &step.command {
            Command::Workdir(path) => path_clean(path),
            Command::Copy(copy) => path_clean(&copy.dest_path),
            _ => return false,
        };
        path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Packages that only building needs.
fn packages(words: &[&str], verb: &str) -> Option<()> {
    let known = |w: &&str| w.starts_with('-') || *w == verb || BUILD_PACKAGES.contains(w);
    words.iter().all(known).then_some(())
}

fn is_user_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
}

/// The package that `go build` is given: `Some(None)` for none, `None` if it cannot be told.
fn package<'a>(words: &[&'a str]) -> Option<Option<&'a str>> {
    let valued = [
        "-o",
        "-ldflags",
        "-tags",
        "-gcflags",
        "-asmflags",
        "-mod",
        "-p",
        "-pkgdir",
        "-toolexec",
        "-modfile",
    ];
    let mut found = None;
    let mut skip = false;
    for word in words {
        if std::mem::take(&mut skip) {
            continue;
        }
        if word.starts_with('-') {
            skip = valued.contains(word);
        } else if found.is_none() {
            found = Some(*word);
        } else if !word.ends_with(".go") {
            return None;
        }
    }
    Some(found)
}

/// What `go build` calls the program (cmd/go, "Compile packages and dependencies"): after the first source file, or the
/// package's folder, or the last element of the module's path that is no version.
fn program_name(cx: &Cx<'_>, package: Option<&str>) -> Option<String> {
    let name = match package {
        Some(file) if file.ends_with(".go") => file.rsplit('/').next()?.strip_suffix(".go")?.to_owned(),
        Some(dir) if dir.trim_matches(['.', '/']).is_empty() => module_name(cx)?,
        None => module_name(cx)?,
        Some(dir) if dir.contains("...") || dir == "$" => return None,
        Some(dir) => dir.trim_end_matches('/').rsplit('/').next()?.to_owned(),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

fn module_name(cx: &Cx<'_>) -> Option<String> {
    let text = cx.context?.text("go.mod")?;
    let module = text.lines().find_map(|l| l.trim().strip_prefix("module "))?.trim().trim_matches('"');
    let mut parts = module.rsplit('/');
    let last = parts.next()?;
    let version =
        last.strip_prefix('v').is_some_and(|v| !v.is_empty() && v.chars().all(|c| c.is_ascii_digit()));
    let name = if version { parts.next().unwrap_or(last) } else { last };
    Some(name.to_owned())
}

impl Plan {
    /// The user of the runtime stage.
    fn user(&mut self, user: &str, created: &[String]) -> Option<()> {
        let (name, group) = user.split_once(':').unwrap_or((user, ""));
        let numeric = |t: &str| !t.is_empty() && t.chars().all(|c| c.is_ascii_digit());
        let built_in = |t: &str| matches!(t, "root" | "nobody" | "nonroot");
        if numeric(name) && (group.is_empty() || numeric(group)) {
            return Some(());
        }
        if name != "nonroot" && built_in(name) && (group.is_empty() || group == "root" || numeric(group)) {
            return Some(());
        }
        if !created.iter().any(|c| c == name) || !(group.is_empty() || group == name || is_user_name(group)) {
            return None;
        }
        let group = if group.is_empty() { name } else { group };
        self.user = Some(format!("addgroup -S {group} && adduser -S -D -H -G {group} {name}"));
        self.notes.push(format!(
            "Creates the user {name} again; its number may differ, which matters for volumes."
        ));
        Some(())
    }

    /// CMD or ENTRYPOINT: whether it starts the program. `None` if the runtime stage could not run it.
    fn start(&mut self, cx: &Cx<'_>, number: usize, instruction: &Instruction, output: &str) -> Option<bool> {
        let both = [Keyword::Entrypoint, Keyword::Cmd]
            .iter()
            .all(|k| cx.file.all().any(|(_, _, i)| i.kind() == Some(*k)));
        // A shell-form ENTRYPOINT ignores CMD, and a shell-form CMD hands a shell to ENTRYPOINT.
        if both && instruction.form() != Form::Exec {
            return None;
        }
        let words: Vec<String> = match instruction.form() {
            Form::Exec => instruction.args().iter().map(|w| w.value.clone()).collect(),
            _ => {
                let chain = instruction.script()?.and_chain()?;
                let [only] = chain.as_slice() else { return None };
                if !only.assignments.is_empty() || !only.redirects.is_empty() {
                    return None;
                }
                let mut words: Vec<String> = Vec::new();
                for word in &only.words {
                    words.push(word.literal.clone()?);
                }
                if words.first().is_some_and(|w| w == "exec") {
                    words.remove(0);
                }
                let shown: Vec<String> =
                    words.iter().map(|w| serde_json::Value::from(w.as_str()).to_string()).collect();
                let keyword = &instruction.source()[instruction.keyword().range.clone()];
                self.rewritten.push((number, format!("{keyword} [{}]", shown.join(", "))));
                self.notes.push(format!(
                    "Writes {keyword} as a JSON array, so that no shell is needed to start the program."
                ));
                words
            }
        };
        let Some(first) = words.first() else { return Some(false) };
        if instruction.kind() == Some(Keyword::Cmd) && both {
            return Some(false);
        }
        if !first.contains('/') {
            // A bare name is looked up in PATH.
            let (folder, name) = output.rsplit_once('/')?;
            let on_path = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
                .contains(&folder);
            if name != first || !(on_path || folder == "/go/bin") {
                return None;
            }
            if !on_path {
                self.program.1 = format!("/usr/local/bin/{name}");
            }
            return Some(true);
        }
        // The container starts in the last WORKDIR, wherever this instruction stands.
        (absolute(first, &cx.evaluation.stages.first()?.end.dir)? == output).then_some(true)
    }

    /// A health check that is kept as it is; one that needs a shell or a tool decides the runtime image.
    fn healthcheck(&mut self, instruction: &Instruction) -> Option<()> {
        if instruction.args().first().is_some_and(|a| a.value.eq_ignore_ascii_case("none")) {
            return Some(());
        }
        let mut names: Vec<String> = Vec::new();
        if instruction.form() == Form::Exec {
            names.push(instruction.args().get(1)?.value.clone());
        } else {
            self.runtime = ALPINE;
            let script = instruction.script()?;
            if script.has_error() {
                return None;
            }
            for command in script.commands() {
                names.push(command.name()?.to_owned());
            }
        }
        for name in names {
            match name.as_str() {
                "exit" | "test" | "[" | "true" | "false" | "echo" | "grep" => {}
                "wget" | "nc" | "sh" | "/bin/sh" => self.runtime = ALPINE,
                "curl" => {
                    self.runtime = ALPINE;
                    self.packages.push("curl");
                }
                path if path_clean(path) == self.program.0 => {}
                _ => return None,
            }
        }
        Some(())
    }

    /// Folders of the context that the program may read.
    fn runtime_files(&mut self, cx: &Cx<'_>, stage: &Stage) {
        let Some(context) = cx.context else { return };
        // Where the sources stand: the destination of the COPY of the whole context.
        let dest = cx.file.instructions(stage.body.clone()).find_map(|(n, _, _)| {
            match &cx.evaluation.steps.get(n)?.command {
                Command::Copy(copy) => {
                    let whole = matches!(copy.sources.as_slice(), [one] if path_clean(one) == ".");
                    whole.then(|| path_clean(&copy.dest_path))
                }
                _ => None,
            }
        });
        let Some(dest) = dest else { return };
        for folder in RUNTIME_FOLDERS {
            let mut files =
                context.below(folder).filter(|(_, e)| e.kind == layerwise_model::EntryKind::File).peekable();
            let is_data = files.peek().is_some() && !files.any(|(path, _)| path.ends_with(".go"));
            if is_data {
                let path = path_clean(&format!("{dest}/{folder}"));
                self.folders.push((path.clone(), path));
            }
        }
    }

    fn describe(&mut self) {
        let mut copied = vec![self.program.1.clone()];
        copied.extend(self.folders.iter().map(|f| f.1.clone()));
        let mut notes =
            vec![format!("The runtime stage gets {}; nothing else of the build stage.", copied.join(", "))];
        if self.folders.is_empty() {
            notes.push("Assumed: the program opens no files of the repository while it runs (templates, migrations).".to_owned());
        }
        notes.push("Assumed: it starts no other programs (git, ffmpeg, sh).".to_owned());
        if self.cgo.is_some() {
            notes.push(
                "CGO_ENABLED=0 makes it a static program; packages that need cgo do not build so.".to_owned(),
            );
        }
        notes.append(&mut self.notes);
        self.notes = notes;
    }
}

/// Where an instruction begins with the comment lines right above it; pragmas go along.
fn start_with_comments(file: &File, number: usize) -> usize {
    let blocks = file.parsed().layer().blocks();
    let mut first = file.block_of(number);
    while first > 0 && matches!(blocks[first - 1].block, Block::Comment(_)) {
        first -= 1;
    }
    blocks[first].start
}

fn edits(cx: &Cx<'_>, plan: &Plan) -> Option<Vec<Edit>> {
    let file = cx.file;
    let layout = Layout::of(file);
    let newline = layout.newline;
    let stage = file.stages().first()?;
    let text = file.parsed().text();
    let text = text.slice(0..text.len());
    let name = stage.name.clone().unwrap_or_else(|| "build".to_owned());
    let mut edits = Vec::new();
    if stage.name.is_none() {
        let at = file.range(stage.from).end;
        let from = file.instruction(stage.from).1;
        let word = if from.keyword().value.chars().all(|c| c.is_lowercase()) { "as" } else { "AS" };
        edits.push(Edit { range: at..at, text: format!(" {word} {name}") });
    }
    if let Some((_, at)) = plan.cgo {
        edits.push(Edit { range: at..at, text: "CGO_ENABLED=0 ".to_owned() });
    }
    let mut out: Vec<String> = vec![format!("FROM {}", plan.runtime)];
    for number in &plan.repeated {
        out.push(text[file.range(*number)].to_owned());
    }
    if !plan.workdir.is_empty() && plan.workdir != "/" {
        out.push(format!("WORKDIR {}", plan.workdir));
    }
    if plan.runtime == ALPINE {
        let packages: Vec<&str> =
            ["ca-certificates", "tzdata"].into_iter().chain(plan.packages.iter().copied()).collect();
        out.push(format!("RUN apk add --no-cache {}", packages.join(" ")));
    }
    if let Some(user) = &plan.user {
        out.push(format!("RUN {user}"));
    }
    out.push(format!("COPY --from={name} {} {}", plan.program.0, plan.program.1));
    for (from, to) in &plan.folders {
        out.push(format!("COPY --from={name} {from} {to}"));
    }
    let blocks = file.parsed().layer().blocks();
    let mut gone: Vec<Range<usize>> = Vec::new();
    for number in &plan.moved {
        let start = start_with_comments(file, *number);
        let own = file.range(*number);
        let mut end = file.instruction(*number).0.range().end;
        // One of the empty lines around it goes too.
        let next = file.block_of(*number) + 1;
        let blank_above = gone.last().map_or(start, |g| g.end) == start || is_blank_before(file, start);
        if blank_above && blocks.get(next).is_some_and(|b| matches!(b.block, Block::Blank)) {
            end = blocks[next].range().end;
        }
        gone.push(start..end);
        match plan.rewritten.iter().find(|r| r.0 == *number) {
            Some((_, rewritten)) => out.push(format!("{}{rewritten}", &text[start..own.start])),
            None => out.push(text[start..own.end].to_owned()),
        }
    }
    let deletions: Vec<Edit> = gone.into_iter().map(|range| Edit { range, text: String::new() }).collect();
    // What is left below the last instruction of the build stage stays above the new stage.
    let before = apply(&text, &deletions)?;
    edits.extend(deletions);
    let ends_open = !text.ends_with('\n');
    let mut rest = String::new();
    if !before.ends_with('\n') {
        rest.push_str(newline);
    }
    if !before.ends_with("\n\n") && !before.ends_with("\r\n\r\n") {
        rest.push_str(newline);
    }
    rest.push_str(&out.join(newline));
    if !ends_open {
        rest.push_str(newline);
    }
    edits.push(Edit { range: text.len()..text.len(), text: rest });
    let pragma = plan.moved.iter().any(|n| {
        let own = file.range(*n).start;
        text[start_with_comments(file, *n)..own]
            .lines()
            .any(|l| l.trim().starts_with('#') && is_pragma(l.trim()) && l.contains("check="))
    });
    (!pragma).then_some(edits)
}

fn is_blank_before(file: &File, start: usize) -> bool {
    let layer = file.parsed().layer();
    start > 0 && layer.block_at(start - 1).is_some_and(|b| matches!(layer.blocks()[b].block, Block::Blank))
}

#[cfg(test)]
mod tests {
    use layerwise_model::Context;

    use super::super::testing::{context, offers, only};
    use super::*;

    fn split(text: &str, context: Option<&Context>) -> String {
        let after = only(
            &SplitStages,
            text,
            context,
            1 + text.lines().take_while(|l| !l.starts_with("FROM")).count(),
            Applicability::Suggestion,
        );
        none(&after, context);
        after
    }

    fn none(text: &str, context: Option<&Context>) {
        for line in 1..=text.lines().count() {
            assert_eq!(
                offers(&SplitStages, text, context, line..=line),
                Vec::new(),
                "line {line} of:\n{text}"
            );
        }
    }

    const GO: &str = "# Single-stage build\nFROM golang:1.22\n\nWORKDIR /app\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN go build -o server .\n\nEXPOSE 8080\nCMD [\"./server\"]\n";

    #[test]
    fn the_single_stage_go_file() {
        assert_eq!(
            split(GO, None),
            "# Single-stage build\nFROM golang:1.22 AS build\n\nWORKDIR /app\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN CGO_ENABLED=0 go build -o server .\n\nFROM gcr.io/distroless/static-debian12\nWORKDIR /app\nCOPY --from=build /app/server /app/server\nEXPOSE 8080\nCMD [\"./server\"]\n"
        );
        let crlf = GO.replace('\n', "\r\n");
        assert_eq!(split(&crlf, None), split(GO, None).replace('\n', "\r\n"));
        let [offer] = offers(&SplitStages, GO, None, 8..=8).try_into().unwrap();
        assert_eq!(
            offer.title,
            "Split into a build stage and a runtime stage on gcr.io/distroless/static-debian12: golang:1.22 stays out of the image"
        );
        assert!(offer.notes[0].contains("/app/server"), "{offer:#?}");
    }

    #[test]
    fn what_runs_is_carried_over() {
        let text = "FROM golang:1.22-alpine AS builder\nRUN apk add --no-cache git\nARG VERSION\nENV CGO_ENABLED=0 GOOS=linux\nENV VERSION=$VERSION\nWORKDIR /src\nCOPY . .\nRUN go build -ldflags \"-X main.v=$VERSION\" -o /out/app ./cmd/app && chmod +x /out/app\nLABEL a=b\n# the port\nEXPOSE 80\nVOLUME /data\nUSER 65534:65534\nHEALTHCHECK CMD [\"/out/app\", \"--check\"]\nENTRYPOINT [\"/out/app\"]\nCMD [\"serve\"]";
        assert_eq!(
            split(text, None),
            "FROM golang:1.22-alpine AS builder\nRUN apk add --no-cache git\nARG VERSION\nENV CGO_ENABLED=0 GOOS=linux\nENV VERSION=$VERSION\nWORKDIR /src\nCOPY . .\nRUN go build -ldflags \"-X main.v=$VERSION\" -o /out/app ./cmd/app && chmod +x /out/app\n\nFROM gcr.io/distroless/static-debian12\nARG VERSION\nENV VERSION=$VERSION\nWORKDIR /src\nCOPY --from=builder /out/app /out/app\nLABEL a=b\n# the port\nEXPOSE 80\nVOLUME /data\nUSER 65534:65534\nHEALTHCHECK CMD [\"/out/app\", \"--check\"]\nENTRYPOINT [\"/out/app\"]\nCMD [\"serve\"]"
        );
    }

    #[test]
    fn what_needs_a_shell_or_a_user_gets_alpine() {
        let text = "FROM golang\nWORKDIR /app\nCOPY . .\nRUN go build -o app\nRUN useradd -r app\nHEALTHCHECK CMD curl -f http://localhost || exit 1\nUSER app\nCMD ./app --port 80\n";
        assert_eq!(
            split(text, None),
            "FROM golang AS build\nWORKDIR /app\nCOPY . .\nRUN CGO_ENABLED=0 go build -o app\nRUN useradd -r app\n\nFROM alpine:3.20\nWORKDIR /app\nRUN apk add --no-cache ca-certificates tzdata curl\nRUN addgroup -S app && adduser -S -D -H -G app app\nCOPY --from=build /app/app /app/app\nHEALTHCHECK CMD curl -f http://localhost || exit 1\nUSER app\nCMD [\"./app\", \"--port\", \"80\"]\n"
        );
    }

    #[test]
    fn the_programs_name() {
        let file = |build: &str, cmd: &str| {
            format!("FROM golang\nWORKDIR /app\nCOPY . .\nRUN {build}\nCMD [\"{cmd}\"]\n")
        };
        let module = context(&[("go.mod", "module example.com/x/tool/v2\n\ngo 1.22\n"), ("main.go", "")]);
        for (build, cmd, copied) in [
            ("go build main.go", "./main", "/app/main /app/main"),
            ("go build ./cmd/tool", "/app/tool", "/app/tool /app/tool"),
            ("go build", "./tool", "/app/tool /app/tool"),
            ("go build -o bin/ .", "bin/tool", "/app/bin/tool /app/bin/tool"),
            ("mkdir -p /app && go build -o bin/tool", "bin/tool", "/app/bin/tool /app/bin/tool"),
            ("go build -o=/usr/local/bin/t .", "t", "/usr/local/bin/t /usr/local/bin/t"),
            ("go install ./cmd/tool", "tool", "/go/bin/tool /usr/local/bin/tool"),
            ("go install ./cmd/tool", "/go/bin/tool", "/go/bin/tool /go/bin/tool"),
        ] {
            let after = split(&file(build, cmd), Some(&module));
            assert!(after.contains(&format!("COPY --from=build {copied}\n")), "{after}");
        }
        none(&file("go build", "./tool"), None);
        none(&file("go build -o a .", "./b"), Some(&module));
        none(&file("go build -o $X .", "./b"), Some(&module));
    }

    #[test]
    fn folders_that_are_read_come_along() {
        let files = context(&[
            ("go.mod", "module x"),
            ("templates/a.html", "x"),
            ("config/config.go", "package config"),
            ("static/x.css", ""),
        ]);
        let after = split(GO, Some(&files));
        assert!(after.contains("COPY --from=build /app/server /app/server\nCOPY --from=build /app/static /app/static\nCOPY --from=build /app/templates /app/templates\n"), "{after}");
    }

    #[test]
    fn what_is_not_understood_is_left_alone() {
        none(GO, Some(&context(&[("go.mod", "module x\nrequire github.com/mattn/go-sqlite3 v1.14.0\n")])));
        for (from, to) in [
            ("golang:1.22", "golang:1.22-windowsservercore"),
            ("golang:1.22", "debian"),
            ("RUN go mod download", "RUN make deps"),
            ("RUN go mod download", "RUN cd x"),
            ("RUN go mod download", "RUN mkdir /data"),
            ("RUN go mod download", "RUN apt-get install -y ffmpeg"),
            ("RUN go mod download", "RUN apk add build-base"),
            ("RUN go mod download", "RUN curl -o /x http://x"),
            ("RUN go mod download", "RUN go mod download || true"),
            ("RUN go mod download", "RUN go build -o x ."),
            ("go build -o", "CGO_ENABLED=1 go build -o"),
            ("go build -o", "GOOS=windows go build -o"),
            ("go build -o", "go build -race -o"),
            ("WORKDIR /app", "WORKDIR app"),
            ("WORKDIR /app", "SHELL [\"/bin/bash\", \"-c\"]\nWORKDIR /app"),
            ("WORKDIR /app", "ENV CGO_ENABLED=1\nWORKDIR /app"),
            ("WORKDIR /app\n", ""),
            ("EXPOSE 8080", "USER someone"),
            ("EXPOSE 8080", "ONBUILD RUN true"),
            ("EXPOSE 8080", "HEALTHCHECK CMD python3 /check.py"),
            ("CMD [\"./server\"]\n", ""),
            ("CMD [\"./server\"]", "CMD [\"go\", \"run\", \".\"]"),
            ("CMD [\"./server\"]", "CMD ./server $ARGS"),
            ("CMD [\"./server\"]", "ENTRYPOINT [\"./start.sh\"]\nCMD [\"./server\"]"),
            ("CMD [\"./server\"]", "ENTRYPOINT ./server\nCMD [\"x\"]"),
            ("EXPOSE 8080", "FROM scratch"),
        ] {
            let text = GO.replace(from, to);
            assert_ne!(text, GO);
            none(&text, None);
        }
    }
}
