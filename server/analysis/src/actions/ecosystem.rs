//! Dependency steps: which command of which package manager installs what a manifest names, which files it reads, and
//! what in those files makes it read more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use layerwise_model::Context;
use layerwise_syntax::shell::SimpleCommand;
use serde::Deserialize;

use super::command::without_first;

/// What is known of one package manager.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Ecosystem {
    /// Files that must be there.
    pub(crate) manifests: Vec<String>,
    /// Lock files; one of them is there where the command insists on it.
    pub(crate) locks: Vec<String>,
    /// Files that are read if they are there.
    pub(crate) files: Vec<String>,
    /// Directories that are read if they are there.
    pub(crate) dirs: Vec<String>,
    /// What the command makes beside its manifest.
    #[serde(default)]
    pub(crate) output: Option<String>,
}

static ECOSYSTEMS: LazyLock<BTreeMap<String, Ecosystem>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../data/ecosystems.json")).unwrap_or_default());

/// How a command stands to the files of its working directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It neither reads nor writes them.
    Neutral,
    /// It installs what a manifest names.
    Dependencies(Dependencies),
    /// It builds, so that dependencies could have been fetched before: the ecosystem.
    Builds(&'static str),
    /// Anything else.
    Other,
}

/// A dependency step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependencies {
    /// The ecosystem.
    pub(crate) id: &'static str,
    /// Files named by the command itself, relative to its working directory.
    pub(crate) named: Vec<String>,
    /// Whether it refuses to run without a lock file, and never changes it.
    pub(crate) frozen: bool,
    /// Whether lifecycle scripts of the project do not run.
    pub(crate) no_scripts: bool,
    /// Whether the wrapper script of the project is called (`./mvnw`).
    pub(crate) wrapper: bool,
}

/// The files that a dependency step needs before the sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inputs {
    /// Files or patterns, relative to the working directory, in the order of a COPY.
    pub(crate) files: Vec<String>,
    /// Directories.
    pub(crate) dirs: Vec<String>,
    /// Whether it is certain that the step reads nothing else.
    pub(crate) certain: bool,
    /// What is assumed.
    pub(crate) notes: Vec<String>,
}

/// The words of a command as literals, with wrappers such as `sudo` and `python -m` taken off.
struct Call<'a> {
    name: &'a str,
    words: Vec<&'a str>,
}

impl<'a> Call<'a> {
    fn of(command: &'a SimpleCommand) -> Option<Call<'a>> {
        let name = command.name()?;
        let mut words = Vec::with_capacity(command.words.len());
        for word in command.arguments() {
            words.push(word?);
        }
        match (name, words.as_slice()) {
            ("python" | "python3", ["-m", "pip", rest @ ..]) => {
                Some(Call { name: "pip", words: rest.to_vec() })
            }
            ("uv", ["pip", rest @ ..]) => Some(Call { name: "pip", words: rest.to_vec() }),
            ("pip3" | "pip2", _) => Some(Call { name: "pip", words }),
            _ => Some(Call { name, words }),
        }
    }

    fn has(&self, word: &str) -> bool {
        self.words.contains(&word)
    }

    fn options(&self, names: &[&str]) -> bool {
        self.words
            .iter()
            .any(|w| names.iter().any(|n| w == n || w.strip_prefix(n).is_some_and(|r| r.starts_with('='))))
    }

    /// The words that are neither options nor values of the options in `valued`.
    fn operands(&self, valued: &[&str]) -> Vec<&'a str> {
        let mut skip = false;
        self.words
            .iter()
            .filter(|word| {
                if std::mem::take(&mut skip) {
                    return false;
                }
                skip = valued.contains(*word);
                !word.starts_with('-')
            })
            .copied()
            .collect()
    }
}

/// How a command stands to the files of its working directory.
pub(crate) fn classify(command: &SimpleCommand) -> Class {
    if command.name() == Some("sudo") {
        return without_first(command).map_or(Class::Other, |inner| classify(&inner));
    }
    let silent = |raw: &str| raw.ends_with("/dev/null") || raw.ends_with(">&1") || raw.ends_with(">&2");
    if !command.redirects.iter().all(|r| silent(&r.raw)) {
        return Class::Other;
    }
    let Some(call) = Call::of(command) else { return computed(command) };
    let dependencies = |id, frozen| {
        let no_scripts = call.has("--ignore-scripts");
        Class::Dependencies(Dependencies { id, named: Vec::new(), frozen, no_scripts, wrapper: false })
    };
    match call.name {
        "npm" => {
            let operands = call.operands(&[
                "--registry",
                "--loglevel",
                "--cache",
                "--fetch-timeout",
                "--omit",
                "--only",
            ]);
            let elsewhere = call.options(&["--prefix", "-C", "-w", "--workspace", "--workspaces", "-ws"]);
            let global = call.options(&["-g", "--global"]) || call.has("--location=global");
            match operands.as_slice() {
                _ if elsewhere => Class::Other,
                ["ci" | "clean-install"] => dependencies("npm", true),
                ["install" | "i"] if !global => dependencies("npm", false),
                ["install" | "i", packages @ ..] if global && packages.iter().all(|p| is_plain(p)) => {
                    Class::Neutral
                }
                ["config" | "cache" | "set", ..] => Class::Neutral,
                _ => Class::Other,
            }
        }
        "yarn" => match call
            .operands(&["--registry", "--network-timeout", "--cache-folder", "--network-concurrency"])
            .as_slice()
        {
            _ if call.options(&["--cwd", "-W"]) => Class::Other,
            [] | ["install"] => {
                dependencies("yarn", call.options(&["--frozen-lockfile", "--immutable", "--pure-lockfile"]))
            }
            ["config" | "cache", ..] => Class::Neutral,
            ["global", "add", packages @ ..] if packages.iter().all(|p| is_plain(p)) => Class::Neutral,
            _ => Class::Other,
        },
        "pnpm" => match call.operands(&["--registry", "--store-dir"]).as_slice() {
            _ if call.options(&["-r", "--recursive", "--filter", "-F", "-C", "--dir", "-w"]) => Class::Other,
            ["install" | "i"] => dependencies("pnpm", call.options(&["--frozen-lockfile"])),
            ["config", ..] => Class::Neutral,
            _ => Class::Other,
        },
        "bun" => match call.operands(&[]).as_slice() {
            _ if call.options(&["--cwd"]) => Class::Other,
            ["install" | "i"] => dependencies("bun", call.options(&["--frozen-lockfile"])),
            _ => Class::Other,
        },
        "pip" => pip(&call),
        "pipenv" => match call.operands(&[]).as_slice() {
            ["install"] => dependencies("pipenv", call.options(&["--deploy", "--ignore-pipfile"])),
            ["sync"] => dependencies("pipenv", true),
            _ => Class::Other,
        },
        "poetry" => match call.operands(&["--only", "--without", "--with", "-E", "--extras"]).as_slice() {
            ["install"] if call.has("--no-root") => dependencies("poetry", true),
            ["config", ..] => Class::Neutral,
            _ => Class::Other,
        },
        "uv" => match call.operands(&["--group", "--extra", "--python"]).as_slice() {
            ["sync"] if call.has("--no-install-project") => {
                dependencies("uv", call.options(&["--locked", "--frozen"]))
            }
            _ => Class::Other,
        },
        "go" => match call.operands(&[]).as_slice() {
            _ if call.has("-mod=vendor") => Class::Other,
            ["mod", "download"] => dependencies("go", true),
            ["env", ..] | ["version"] => Class::Neutral,
            ["install", packages @ ..]
                if !packages.is_empty() && packages.iter().all(|p| p.contains('@')) =>
            {
                Class::Neutral
            }
            ["build" | "install" | "test" | "vet", ..] => Class::Builds("go"),
            _ => Class::Other,
        },
        "mvn" | "mvnw" => {
            let goals = call.operands(&["-P", "-s", "--settings", "-T"]);
            if call.options(&["-f", "--file", "-pl", "--projects", "-s", "--settings"]) || goals.is_empty() {
                return Class::Other;
            }
            let wrapper = call.name == "mvnw";
            let offline = ["go-offline", "resolve", "resolve-plugins"];
            let fetches = |g: &&str| g.strip_prefix("dependency:").is_some_and(|g| offline.contains(&g));
            if goals.iter().all(fetches) {
                let base =
                    Dependencies { id: "maven", named: Vec::new(), frozen: true, no_scripts: true, wrapper };
                return Class::Dependencies(base);
            }
            let builds = ["clean", "compile", "package", "verify", "install", "test"];
            if !wrapper && goals.iter().all(|g| builds.contains(g)) {
                Class::Builds("maven")
            } else {
                Class::Other
            }
        }
        "cargo" => match call
            .operands(&["--target", "--recipe-path", "--profile", "--features", "-p", "--bin"])
            .as_slice()
        {
            _ if call.options(&["--manifest-path"]) => Class::Other,
            ["fetch"] => dependencies("cargo", call.has("--locked")),
            ["chef", "cook"] => dependencies("cargo-chef", true),
            ["install", packages @ ..]
                if !packages.is_empty() && !call.has("--path") && packages.iter().all(|p| is_plain(p)) =>
            {
                Class::Neutral
            }
            ["build"] => Class::Builds("cargo"),
            _ => Class::Other,
        },
        "bundle" => match call.operands(&["-j", "--jobs", "--retry", "--without", "--path"]).as_slice() {
            ["install"] | [] => dependencies("bundler", false),
            ["config", ..] => Class::Neutral,
            _ => Class::Other,
        },
        "composer" => match call.operands(&[]).as_slice() {
            _ if call.options(&["-d", "--working-dir"]) => Class::Other,
            ["install"] if call.has("--no-scripts") && call.has("--no-autoloader") => {
                dependencies("composer", true)
            }
            _ => Class::Other,
        },
        "corepack" => Class::Neutral,
        "gem" if call.operands(&["-v", "--version"]).iter().skip(1).all(|p| is_plain(p)) => Class::Neutral,
        "apt-get" | "apt" | "apk" | "yum" | "dnf" | "microdnf" | "tdnf" | "zypper" | "pacman" => {
            if call.words.iter().all(|w| w.starts_with("--") || is_plain(w)) {
                Class::Neutral
            } else {
                Class::Other
            }
        }
        "rm" if call.operands(&[]).iter().all(|p| is_cache(p)) => Class::Neutral,
        "true" | "echo" | "node" | "python" | "python3" | "java"
            if call.words.iter().all(|w| *w == "--version" || *w == "-v") =>
        {
            Class::Neutral
        }
        _ => Class::Other,
    }
}

/// A command with a word that the shell computes. Only what never looks at the working directory can be judged: removing
/// caches by a pattern.
fn computed(command: &SimpleCommand) -> Class {
    let cleans = command.name() == Some("rm")
        && command.words.iter().skip(1).all(|w| w.raw.starts_with('-') || is_cache(&w.raw));
    if cleans { Class::Neutral } else { Class::Other }
}

/// A package's name, with a version perhaps, and no path.
fn is_plain(word: &str) -> bool {
    let scoped = word.starts_with('@') && word.matches('/').count() == 1;
    !word.starts_with('.')
        && !word.starts_with('/')
        && !word.contains("://")
        && (scoped || !word.contains('/'))
}

fn is_cache(path: &str) -> bool {
    ["/var/lib/apt/lists", "/var/cache/", "/root/.cache", "/root/.npm", "~/.cache", "~/.npm", "/tmp/"]
        .iter()
        .any(|cache| path.starts_with(cache))
}

fn pip(call: &Call<'_>) -> Class {
    let Some((&"install", words)) = call.words.split_first() else {
        return if call.words.first().is_some_and(|w| matches!(*w, "cache" | "config")) {
            Class::Neutral
        } else {
            Class::Other
        };
    };
    let mut named = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "-r" | "--requirement" | "-c" | "--constraint" => match words.next() {
                Some(file) => named.push((*file).to_owned()),
                None => return Class::Other,
            },
            "-e" | "--editable" | "-t" | "--target" | "--root" | "--prefix" | "-f" | "--find-links" => {
                return Class::Other;
            }
            "-i" | "--index-url" | "--extra-index-url" | "--trusted-host" | "--timeout" | "--retries"
            | "--cache-dir" => {
                words.next();
            }
            word => {
                if let Some(file) =
                    word.strip_prefix("--requirement=").or_else(|| word.strip_prefix("--constraint="))
                {
                    named.push(file.to_owned());
                } else if let Some(dir) =
                    word.strip_prefix("--prefix=").or_else(|| word.strip_prefix("--target="))
                {
                    if !dir.starts_with('/') {
                        return Class::Other;
                    }
                } else if let Some(file) = word.strip_prefix("-r").filter(|f| !f.is_empty()) {
                    named.push(file.to_owned());
                } else {
                    let local = ["--editable=", "--find-links=", "-e"].iter().any(|o| word.starts_with(o));
                    let path = !word.starts_with('-') && (!is_plain(word) || word.ends_with(".whl"));
                    if local || path {
                        return Class::Other;
                    }
                }
            }
        }
    }
    if named.is_empty() {
        return Class::Neutral;
    }
    Class::Dependencies(Dependencies { id: "pip", named, frozen: true, no_scripts: true, wrapper: false })
}

impl Dependencies {
    /// A dependency step that is not there yet.
    pub(crate) fn invented(id: &'static str) -> Dependencies {
        Dependencies { id, named: Vec::new(), frozen: false, no_scripts: true, wrapper: false }
    }

    /// The files that the step needs. `dir` is the folder of the build context that becomes its working directory (`""`
    /// for the context itself). `None` if the step cannot run before the sources are there, or what it makes would be
    /// overwritten by them.
    pub(crate) fn inputs(&self, context: Option<&Context>, dir: &str) -> Option<Inputs> {
        let known = ECOSYSTEMS.get(self.id)?;
        let complete = context.filter(|c| c.incomplete.is_none());
        let Some(context) = complete else { return Some(self.assumed(known)) };
        let at = |file: &str| if dir.is_empty() { file.to_owned() } else { format!("{dir}/{file}") };
        let there = |file: &str| context.get(&at(file)).is_some();
        let text = |file: &str| context.text(&at(file));
        if known.output.as_ref().is_some_and(|output| context.get(&at(output)).is_some()) {
            return None;
        }
        if !known.manifests.iter().all(|file| there(file)) {
            return None;
        }
        let locks: Vec<String> = known.locks.iter().filter(|f| there(f)).cloned().collect();
        if self.frozen && locks.is_empty() && !known.locks.is_empty() && self.id != "go" {
            return None;
        }
        let mut inputs = Inputs { certain: self.frozen, ..Inputs::default() };
        if self.wrapper {
            inputs.files.push("mvnw".to_owned());
        }
        inputs.files.extend(known.manifests.iter().cloned());
        inputs.files.extend(locks);
        inputs.files.extend(known.files.iter().filter(|f| there(f)).cloned());
        inputs.dirs.extend(known.dirs.iter().filter(|d| context.is_dir(&at(d))).cloned());
        match self.id {
            "npm" | "yarn" | "pnpm" | "bun" => self.javascript(context, &at, &mut inputs)?,
            "pip" => requirements(&self.named, context, &at, &mut inputs)?,
            "go" => {
                if there("go.work") {
                    return None;
                }
                match text("go.mod") {
                    Some(text) if text.contains("=> .") || text.contains("=> /") => return None,
                    Some(_) => {}
                    None => inputs.certain = false,
                }
                inputs.certain &= !context.is_dir(&at("vendor"));
            }
            "maven" => match text("pom.xml") {
                Some(text) if ["<modules>", "<module>", "<systemPath>"].iter().any(|t| text.contains(t)) => {
                    return None;
                }
                Some(text) => inputs.certain &= !text.contains("<relativePath>"),
                None => inputs.certain = false,
            },
            "cargo" => {
                let text = text("Cargo.toml")?;
                let more = |line: &str| {
                    let line = line.trim();
                    let section = ["[workspace", "[[bin", "[[bench", "[[example", "[[test", "[lib]"];
                    section.iter().any(|s| line.starts_with(s)) || line.replace(' ', "").contains("path=")
                };
                if text.lines().any(more) {
                    return None;
                }
                inputs.certain = false;
            }
            "bundler" => {
                let text = text("Gemfile");
                let reads =
                    ["gemspec", "path:", ":path", "File.", "eval_gemfile", "require_relative", "file:"];
                if text.is_some_and(|t| reads.iter().any(|r| t.contains(r))) {
                    return None;
                }
                inputs.certain = false;
            }
            "composer" => match text("composer.json") {
                Some(text) if text.contains("\"path\"") => return None,
                found => inputs.certain &= found.is_some(),
            },
            "poetry" | "uv" | "pipenv" => {
                let manifest = known.manifests.first().and_then(|m| text(m));
                let local = |t: &str| t.replace(' ', "").contains("path=") || t.contains("workspace");
                match manifest {
                    Some(text) if local(text) => return None,
                    found => inputs.certain &= found.is_some(),
                }
            }
            _ => {}
        }
        if !inputs.certain && self.frozen && self.id != "cargo" {
            inputs.notes.push("Not all files that the install step reads could be looked into.".to_owned());
        }
        Some(inputs)
    }

    /// What the command itself implies, where the build context is not known.
    fn assumed(&self, known: &Ecosystem) -> Inputs {
        let mut inputs = Inputs::default();
        if self.wrapper {
            inputs.files.push("mvnw".to_owned());
            inputs.dirs.push(".mvn".to_owned());
        }
        match (self.id, known.locks.first()) {
            ("npm", _) if !self.frozen => inputs.files.push("package*.json".to_owned()),
            ("bun", _) => inputs.files.extend(["package.json".to_owned(), "bun.lock*".to_owned()]),
            (_, Some(lock)) => {
                inputs.files.extend(known.manifests.iter().cloned());
                // A pattern that matches nothing is no error for BuildKit, a missing file is.
                inputs.files.push(if self.frozen { lock.clone() } else { format!("{lock}*") });
            }
            (_, None) => inputs.files.extend(known.manifests.iter().cloned()),
        }
        for file in &self.named {
            match file.trim_start_matches("./").rsplit_once('/') {
                // Requirements in a folder mostly include each other.
                Some((folder, _)) if !inputs.dirs.iter().any(|d| d == folder) => {
                    inputs.dirs.push(folder.to_owned())
                }
                Some(_) => {}
                None => inputs.files.push(file.trim_start_matches("./").to_owned()),
            }
        }
        inputs.notes.push(format!(
            "The build context is not known: check that {} all the install step reads.",
            match (inputs.files.as_slice(), inputs.dirs.as_slice()) {
                ([], []) => "nothing in it is".to_owned(),
                ([one], []) => format!("{one} is"),
                (files, dirs) => format!("{} are", [files, dirs].concat().join(", ")),
            }
        ));
        if let Some(output) = &known.output {
            inputs
                .notes
                .push(format!("{output} must be in .dockerignore, or COPY overwrites what was installed."));
        }
        inputs
    }

    fn javascript(&self, context: &Context, at: &dyn Fn(&str) -> String, inputs: &mut Inputs) -> Option<()> {
        for file in ["pnpm-workspace.yaml", "binding.gyp", "lerna.json", ".pnp.cjs"] {
            if context.get(&at(file)).is_some() {
                return None;
            }
        }
        if inputs.files.iter().any(|f| f == ".yarnrc.yml") {
            inputs.certain = false;
        }
        let Some(text) = context.text(&at("package.json")) else {
            inputs.certain = false;
            return Some(());
        };
        let json: serde_json::Value = serde_json::from_str(text).ok()?;
        if json.get("workspaces").is_some() {
            return None;
        }
        for group in ["dependencies", "devDependencies", "optionalDependencies", "resolutions", "overrides"] {
            let values = json.get(group).and_then(|g| g.as_object()).into_iter().flat_map(|g| g.values());
            for value in values.filter_map(|v| v.as_str()) {
                if ["file:", "link:", "portal:", "workspace:", "patch:", ".", "/"]
                    .iter()
                    .any(|p| value.starts_with(p))
                {
                    return None;
                }
            }
        }
        if !self.no_scripts {
            for name in
                ["preinstall", "install", "postinstall", "prepare", "prepublish", "preprepare", "postprepare"]
            {
                let script = json.get("scripts").and_then(|s| s.get(name)).and_then(|s| s.as_str());
                match script {
                    None => {}
                    // It looks for .git, which no build has, and gives up quietly.
                    Some(script) if script.starts_with("husky") => inputs.certain = false,
                    Some(_) => return None,
                }
            }
        }
        if text.contains("patchedDependencies") || text.contains("patch-package") {
            if context.is_dir(&at("patches")) {
                inputs.dirs.push("patches".to_owned());
            }
            inputs.certain = false;
        }
        Some(())
    }
}

/// How deep and how many requirement files are followed.
const MAX_REQUIREMENTS: usize = 50;

/// The requirement files and what they include. `None` if one is missing or names a local package.
fn requirements(
    named: &[String],
    context: &Context,
    at: &dyn Fn(&str) -> String,
    inputs: &mut Inputs,
) -> Option<()> {
    let mut todo: Vec<String> = named.iter().rev().cloned().collect();
    let mut seen = BTreeSet::new();
    while let Some(file) = todo.pop() {
        let file = layerwise_model::gopath::path_clean(&file);
        if file.starts_with("..") || file.starts_with('/') || seen.len() >= MAX_REQUIREMENTS {
            return None;
        }
        if !seen.insert(file.clone()) {
            continue;
        }
        context.get(&at(&file))?;
        inputs.files.push(file.clone());
        let Some(text) = context.text(&at(&file)) else {
            inputs.certain = false;
            continue;
        };
        for line in text.lines().map(str::trim) {
            let (first, rest) = line.split_once([' ', '=']).unwrap_or((line, ""));
            match first {
                "-r" | "--requirement" | "-c" | "--constraint" => {
                    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
                    let included = rest.trim();
                    todo.push(if folder.is_empty() {
                        included.to_owned()
                    } else {
                        format!("{folder}/{included}")
                    });
                }
                "-e" | "--editable" | "-f" | "--find-links" => return None,
                _ if line.starts_with(['.', '/']) || line.contains("file:") => return None,
                _ if line.starts_with("-r") || line.starts_with("-c") || line.starts_with("-e") => {
                    return None;
                }
                _ => {}
            }
        }
    }
    Some(())
}
