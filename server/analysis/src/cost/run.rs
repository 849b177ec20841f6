//! What a shell command is likely to take, by its class.
//!
//! Nothing here is measured on the user's machine, so nothing here is more than an order of magnitude: a class stands for
//! "about a second" or "about a minute", and whoever shows it rounds it to one digit and marks it as an estimate. The
//! figures are our own rules, each with its reason where it stands: a start for what a command does however little it is
//! given, and a rate for each package. Sizes of Debian's packages are computed from its package lists
//! (`data/apt-sizes.json`: bookworm, amd64, installed size of the closure over a slim base, with and without
//! recommended packages).

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What a RUN costs however little it does: making the container, mounting and committing the layer. Measured with
/// `RUN true` on two cores and an SSD: 0.2 to 0.5 s.
pub(crate) const CONTAINER: f64 = 0.4;

/// What a command leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Made {
    /// What it is.
    pub(crate) what: What,
    /// How many bytes it has; `None` if that cannot be said.
    pub(crate) bytes: Option<f64>,
}

/// A kind of thing that a command leaves behind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// Packages of the system, by their manager and names.
    System(&'static str, Vec<String>),
    /// Dependencies in their ecosystem's place: `node_modules`, `site-packages`, `vendor`.
    Dependencies(&'static str),
    /// What a build makes for others to run, and where it was told to put it.
    Output(&'static str, Option<String>),
    /// What only a later build reads: package lists, download caches, by its directory.
    Cache(&'static str),
    /// A download.
    Download(Option<String>),
}

/// The work of one command.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Work {
    /// How long it takes.
    pub(crate) seconds: f64,
    /// What it leaves behind.
    pub(crate) made: Vec<Made>,
    /// Whether nothing is known of what it leaves behind.
    pub(crate) opaque: bool,
}

/// How many packages of an ecosystem the project has, if its lock file says it.
pub(crate) trait Packages {
    /// The number of packages that an install brings, dependencies of dependencies included.
    fn count(&self, ecosystem: &str) -> Option<usize>;

    /// The number of requirements that a file names, for `pip install -r`.
    fn requirements(&self, file: &str) -> Option<usize>;
}

/// A project of which nothing is known.
pub(crate) struct Unknown;

impl Packages for Unknown {
    fn count(&self, _: &str) -> Option<usize> {
        None
    }

    fn requirements(&self, _: &str) -> Option<usize> {
        None
    }
}

/// How an ecosystem's install behaves: `start` + `each` per package seconds, and megabytes per package.
struct Rate {
    start: f64,
    each: f64,
    /// How many packages where nothing says it.
    usual: usize,
    mb: f64,
    /// The directory of its download cache, and what part of the installed size lies there.
    cache: Option<(&'static str, f64)>,
}

/// The rates. Packages that are only unpacked (npm, pnpm, composer, NuGet, Go modules) take hundredths of a second each,
/// those that may be compiled or byte-compiled (pip, gems) about half a second, crates are fetched here and compiled by
/// `cargo build`.
fn rate(ecosystem: &str) -> Rate {
    let rate = |start, each, usual, mb, cache| Rate { start, each, usual, mb, cache };
    match ecosystem {
        "npm" => rate(3.0, 0.03, 500, 0.3, Some(("/root/.npm", 0.3))),
        "yarn" => rate(3.0, 0.03, 500, 0.3, Some(("/usr/local/share/.cache", 0.6))),
        "pnpm" => rate(2.0, 0.02, 500, 0.3, None),
        "bun" => rate(1.0, 0.01, 500, 0.3, None),
        "pip" | "pipenv" => rate(2.0, 0.5, 30, 5.0, Some(("/root/.cache/pip", 0.3))),
        "poetry" => rate(3.0, 0.3, 40, 5.0, Some(("/root/.cache/pypoetry", 0.3))),
        "uv" => rate(0.5, 0.05, 40, 5.0, None),
        "go" => rate(1.0, 0.15, 50, 4.0, None),
        "cargo" => rate(2.0, 0.03, 200, 1.5, None),
        "maven" => rate(10.0, 0.2, 150, 0.5, None),
        "gradle" => rate(20.0, 0.2, 150, 0.5, None),
        "dotnet" => rate(5.0, 0.1, 50, 1.0, None),
        "composer" => rate(2.0, 0.1, 80, 0.8, Some(("/root/.composer/cache", 0.3))),
        "bundler" => rate(3.0, 0.7, 80, 1.5, None),
        "mix" => rate(5.0, 0.5, 40, 1.0, None),
        _ => rate(5.0, 0.2, 50, 1.0, None),
    }
}

/// The work of a command, given as its words, wrappers such as `sudo` and `env` included. A word that the shell computes
/// stands as written.
pub(crate) fn work(words: &[&str], packages: &dyn Packages) -> Work {
    let Some(words) = unwrapped(words) else { return Work::default() };
    let Some((name, rest)) = words.split_first() else { return Work::default() };
    let name = name.rsplit('/').next().unwrap_or(name);
    // The first operand says what a package manager does.
    let sub = rest.iter().copied().find(|w| !w.starts_with('-')).unwrap_or_default();
    let has = |flag: &str| rest.contains(&flag);
    let seconds = |seconds: f64| Work { seconds, ..Work::default() };
    let opaque = |seconds: f64| Work { seconds, opaque: true, ..Work::default() };
    match name {
        "apt-get" | "apt" | "aptitude" => match sub {
            "update" => Work {
                // Some 10 MB of lists; unpacked they are 20 MB on bookworm.
                seconds: 3.0,
                made: vec![made(What::Cache("/var/lib/apt/lists"), 20e6)],
                opaque: false,
            },
            "install" => apt(rest),
            "upgrade" | "dist-upgrade" | "full-upgrade" => opaque(10.0),
            _ => seconds(0.5),
        },
        "apk" => match sub {
            "add" => {
                let names = operands(rest, &["--virtual", "-t", "--repository", "-X", "--root", "-p"]);
                let count = names.len().saturating_sub(1);
                let cache = (!has("--no-cache")).then(|| made(What::Cache("/var/cache/apk"), 2.5e6));
                Work {
                    // The index is about 2 MB; packages are small, and there are two or three for each one named.
                    seconds: 1.0 + 0.3 * count as f64,
                    made: [made(What::System("apk", tail(&names)), apk_bytes(&names))]
                        .into_iter()
                        .chain(cache)
                        .collect(),
                    opaque: false,
                }
            }
            "update" | "upgrade" => opaque(1.5),
            _ => seconds(0.3),
        },
        "yum" | "dnf" | "microdnf" | "tdnf" | "zypper" | "pacman" => {
            let installs = matches!(sub, "install" | "in" | "localinstall" | "groupinstall")
                || (name == "pacman" && rest.iter().any(|w| w.starts_with("-S")));
            if installs {
                let names = tail(&operands(rest, &[]));
                let count = names.len() as f64;
                Work {
                    // The metadata of a distribution's repositories is some 50 MB, and takes most of the time.
                    seconds: 10.0 + 1.0 * count,
                    made: vec![
                        made(What::System("rpm", names), 30e6 * count),
                        made(What::Cache("/var/cache/dnf"), 100e6),
                    ],
                    opaque: false,
                }
            } else if matches!(sub, "update" | "upgrade" | "makecache" | "refresh" | "ref" | "up") {
                opaque(20.0)
            } else {
                seconds(0.5)
            }
        }
        "npm" | "pnpm" | "yarn" | "bun" => node(name, sub, rest, packages),
        "npx" | "pnpx" | "bunx" => opaque(10.0),
        "next" | "vite" | "webpack" | "ng" | "tsc" | "rollup" | "esbuild" | "parcel" => web_build(None),
        "pip" | "pip3" | "pip2" => pip(sub, rest, packages),
        "poetry" if matches!(sub, "install" | "sync" | "add") => {
            install("poetry", packages.count("poetry"), None)
        }
        "pipenv" if matches!(sub, "install" | "sync") => install("pipenv", packages.count("pipenv"), None),
        "uv" => match sub {
            "sync" => install("uv", packages.count("uv"), None),
            "pip" => Work { seconds: 2.0, ..pip("install", rest, packages) },
            _ => seconds(1.0),
        },
        "conda" | "mamba" | "micromamba" => match sub {
            "install" | "create" | "env" | "update" => {
                Work { seconds: 60.0, made: vec![made(What::Dependencies("conda"), 500e6)], opaque: false }
            }
            _ => seconds(2.0),
        },
        "go" => match sub {
            "mod" if has("download") || has("vendor") => install("go", packages.count("go"), None),
            "mod" => seconds(1.0),
            "build" | "install" => Work {
                // The standard library and the dependencies are compiled once more, two seconds each ten packages.
                seconds: 10.0 + 0.3 * packages.count("go").unwrap_or(50) as f64,
                made: vec![
                    made(What::Output("go", option(rest, &["-o"])), 12e6),
                    made(What::Cache("/root/.cache/go-build"), 100e6),
                ],
                opaque: false,
            },
            "get" => install("go", None, None),
            "test" | "vet" | "generate" => opaque(20.0),
            _ => seconds(0.3),
        },
        "cargo" => match sub {
            "build" | "b" | "install" | "rustc" => Work {
                // Half a second for each crate on a few cores; optimized code takes twice as long.
                seconds: {
                    let each = if has("--release") || has("-r") || sub == "install" { 1.0 } else { 0.5 };
                    5.0 + each * packages.count("cargo").unwrap_or(150) as f64
                },
                made: vec![
                    made(What::Output("cargo", None), 10e6),
                    made(What::Cache("target"), 5e6 * packages.count("cargo").unwrap_or(150) as f64),
                ],
                opaque: false,
            },
            "chef" if has("cook") => opaque(5.0 + 1.0 * packages.count("cargo").unwrap_or(150) as f64),
            "fetch" | "vendor" => install("cargo", packages.count("cargo"), None),
            "test" | "clippy" | "check" => opaque(60.0),
            _ => seconds(1.0),
        },
        "rustup" => opaque(15.0),
        "mvn" | "mvnw" => {
            let fetches = rest.iter().any(|w| w.starts_with("dependency:"));
            match fetches {
                true => install("maven", packages.count("maven"), None),
                // Without a step of its own, the dependencies come now.
                false => Work {
                    seconds: 30.0,
                    made: vec![made(What::Output("java", None), 40e6), made(What::Cache("/root/.m2"), 100e6)],
                    opaque: false,
                },
            }
        }
        "gradle" | "gradlew" => {
            match rest.iter().any(|w| *w == "dependencies" || *w == "resolveDependencies") {
                true => install("gradle", packages.count("gradle"), None),
                false => Work {
                    seconds: 60.0,
                    made: vec![
                        made(What::Output("java", None), 40e6),
                        made(What::Cache("/root/.gradle"), 200e6),
                    ],
                    opaque: false,
                },
            }
        }
        "sbt" => opaque(60.0),
        "ant" | "bazel" | "buck" => opaque(60.0),
        "dotnet" => match sub {
            "restore" => install("dotnet", packages.count("dotnet"), None),
            "publish" => Work {
                // A framework-dependent application; a self-contained one brings the runtime's 70 MB.
                seconds: 15.0,
                made: vec![made(
                    What::Output("dotnet", option(rest, &["-o", "--output"])),
                    if has("--self-contained") { 75e6 } else { 5e6 },
                )],
                opaque: false,
            },
            "build" | "test" => opaque(15.0),
            _ => seconds(1.0),
        },
        "composer" if matches!(sub, "install" | "update" | "require" | "create-project") => {
            install("composer", packages.count("composer"), None)
        }
        "composer" => seconds(1.0),
        "bundle" | "bundler" => match sub {
            "install" | "" => install("bundler", packages.count("bundler"), None),
            "exec" => opaque(15.0),
            _ => seconds(0.5),
        },
        "gem" if sub == "install" => Work {
            seconds: 2.0 + 3.0 * operands(rest, &["-v", "--version"]).len().saturating_sub(1) as f64,
            made: vec![made(What::Dependencies("gem"), 3e6)],
            opaque: false,
        },
        "mix" => match sub {
            "deps.get" => install("mix", packages.count("mix"), None),
            "deps.compile" | "compile" | "release" | "assets.deploy" => opaque(30.0),
            _ => seconds(2.0),
        },
        "make" | "ninja" | "gmake" => opaque(if sub == "install" { 5.0 } else { 60.0 }),
        "cmake" => opaque(if has("--build") { 60.0 } else { 5.0 }),
        "meson" => opaque(5.0),
        "configure" | "autogen.sh" | "autoreconf" | "bootstrap" => opaque(15.0),
        "gcc" | "cc" | "g++" | "c++" | "clang" | "clang++" | "rustc" | "javac" | "swiftc" | "ghc" => {
            Work { seconds: 2.0, made: vec![compiled(name, rest)], opaque: false }
        }
        "swift" if sub == "build" => opaque(90.0),
        "docker-php-ext-install" | "pecl" | "phpize" | "docker-php-ext-configure" => {
            opaque(15.0 * operands(rest, &["-j"]).len().max(1) as f64)
        }
        "install-php-extensions" => opaque(10.0 * rest.len().max(1) as f64),
        "curl" => match downloads_nothing(rest) {
            true => seconds(0.5),
            false => download(option(rest, &["-o", "--output"])),
        },
        "wget" => download(option(rest, &["-O", "--output-document"])),
        "git" => match sub {
            "clone" => Work {
                seconds: if rest.iter().any(|w| w.starts_with("--depth")) { 2.0 } else { 5.0 },
                made: vec![Made { what: What::Download(None), bytes: None }],
                opaque: true,
            },
            "submodule" | "fetch" | "pull" | "lfs" => opaque(5.0),
            _ => seconds(0.2),
        },
        "tar" | "unzip" | "gunzip" | "7z" | "xz" | "bunzip2" | "dpkg" | "rpm" => opaque(1.0),
        "pytest" | "jest" | "rspec" | "phpunit" => seconds(20.0),
        // What is interpreted may do anything.
        "sh" | "bash" | "ash" | "dash" | "python" | "python3" | "node" | "perl" | "ruby" | "php" | "java"
        | "Rscript" | "R" => {
            if rest.iter().any(|w| matches!(*w, "--version" | "-V" | "-v")) {
                seconds(0.1)
            } else {
                opaque(2.0)
            }
        }
        // A change of owner or mode writes every file once more, which is all it takes.
        "chown" | "chmod" | "chgrp" if rest.iter().any(|w| is_recursive(w)) => opaque(1.0),
        "cp" | "mv" | "rsync" | "install" | "dd" => opaque(0.1),
        _ if is_quiet(name) => Work::default(),
        // A program that nobody knows: a second.
        _ => opaque(1.0),
    }
}

/// Commands of the shell and small programs: they take no time to speak of, and leave little behind.
fn is_quiet(name: &str) -> bool {
    crate::actions::is_core_command(name)
        || matches!(
            name,
            "set"
                | "cd"
                | "export"
                | "."
                | "source"
                | ":"
                | "exit"
                | "test"
                | "["
                | "[["
                | "trap"
                | "unset"
                | "umask"
                | "ulimit"
                | "eval"
                | "exec"
                | "useradd"
                | "groupadd"
                | "adduser"
                | "addgroup"
                | "usermod"
                | "groupmod"
                | "passwd"
                | "chpasswd"
                | "ldconfig"
                | "setcap"
                | "which"
                | "corepack"
                | "a2enmod"
                | "a2dismod"
                | "a2ensite"
                | "docker-php-ext-enable"
                | "update-ca-certificates"
                | "update-alternatives"
                | "locale-gen"
                | "dpkg-reconfigure"
                | "echo"
                | "printf"
        )
}

fn made(what: What, bytes: f64) -> Made {
    Made { what, bytes: Some(bytes) }
}

/// The words behind `sudo`, `env A=1`, `time`, `exec` and the like.
fn unwrapped<'a>(mut words: &'a [&'a str]) -> Option<&'a [&'a str]> {
    // Each turn takes a word away.
    loop {
        let (first, rest) = words.split_first()?;
        match first.rsplit('/').next()? {
            "sudo" | "env" | "time" | "nice" | "eatmydata" | "exec" | "command" | "nohup" | "gosu"
            | "su-exec" | "xvfb-run" | "corepack"
                if !rest.is_empty() =>
            {
                let options = rest.iter().take_while(|w| w.starts_with('-') || w.contains('=')).count();
                words = rest.get(options..)?;
            }
            "python" | "python3" if rest.first() == Some(&"-m") => words = rest.get(1..)?,
            _ => return Some(words),
        }
    }
}

/// The words that are neither options nor the values of the options in `valued`.
fn operands<'a>(words: &[&'a str], valued: &[&str]) -> Vec<&'a str> {
    let mut skip = false;
    let mut found = Vec::new();
    for word in words {
        if std::mem::take(&mut skip) {
            continue;
        }
        if word.starts_with('-') {
            skip = valued.contains(word);
        } else {
            found.push(*word);
        }
    }
    found
}

/// What comes behind the subcommand.
fn tail(operands: &[&str]) -> Vec<String> {
    operands.iter().skip(1).map(|w| (*w).to_owned()).collect()
}

/// The value of an option: the next word, or what follows `=`.
fn option(words: &[&str], names: &[&str]) -> Option<String> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if names.contains(word) {
            return words.next().map(|w| (*w).to_owned());
        }
        let value = names.iter().find_map(|n| word.strip_prefix(n)?.strip_prefix('='));
        if let Some(value) = value {
            return Some(value.to_owned());
        }
    }
    None
}

pub(crate) fn is_recursive(word: &str) -> bool {
    word == "--recursive" || (word.starts_with('-') && !word.starts_with("--") && word.contains('R'))
}

fn install(ecosystem: &'static str, count: Option<usize>, factor: Option<f64>) -> Work {
    let rate = rate(ecosystem);
    let count = count.unwrap_or(rate.usual) as f64 * factor.unwrap_or(1.0);
    let bytes = rate.mb * 1e6 * count;
    let cache = rate.cache.map(|(dir, part)| made(What::Cache(dir), bytes * part));
    Work {
        seconds: rate.start + rate.each * count,
        made: [made(What::Dependencies(ecosystem), bytes)].into_iter().chain(cache).collect(),
        opaque: false,
    }
}

/// How large the part of a lock file's packages is that production needs. Most are for development.
const PRODUCTION: f64 = 0.4;

fn node(name: &str, sub: &str, rest: &[&str], packages: &dyn Packages) -> Work {
    let ecosystem = match name {
        "npm" => "npm",
        "yarn" => "yarn",
        "pnpm" => "pnpm",
        _ => "bun",
    };
    let production = rest.iter().any(|w| {
        matches!(*w, "--production" | "--prod" | "-P" | "--omit=dev" | "--only=production" | "--only=prod")
    }) || rest
        .windows(2)
        .any(|w| matches!(w, ["--omit", "dev"] | ["--only", "production" | "prod"]));
    let global = rest.iter().any(|w| matches!(*w, "-g" | "--global")) || sub == "global";
    let named = operands(rest, &["--registry", "--cache", "--omit", "--only", "--prefix"]).len();
    match sub {
        "install" | "i" | "ci" | "add" | "clean-install" | "global" if named > 1 && sub != "ci" => {
            // Named packages, with those that they need.
            let each = if global { 30.0 } else { 20.0 };
            install(ecosystem, Some(named.saturating_sub(1)), Some(each))
        }
        "" if name == "yarn" => install(ecosystem, packages.count(name), production.then_some(PRODUCTION)),
        "install" | "i" | "ci" | "clean-install" | "fetch" => {
            install(ecosystem, packages.count(name), production.then_some(PRODUCTION))
        }
        "run" | "run-script" | "exec" | "dlx" | "build" | "export" | "workspace" | "workspaces" | "nx"
        | "turbo" | "next" | "vite" | "deploy" => {
            let task = rest.iter().skip_while(|w| **w != sub).nth(1).copied().unwrap_or_default();
            match if sub == "build" { "build" } else { task } {
                task if task.contains("test") || task.contains("lint") => {
                    Work { seconds: 20.0, ..Work::default() }
                }
                _ => web_build(None),
            }
        }
        "test" => Work { seconds: 20.0, ..Work::default() },
        "rebuild" | "prune" | "dedupe" => Work { seconds: 5.0, opaque: true, ..Work::default() },
        _ => Work { seconds: 0.5, ..Work::default() },
    }
}

/// A bundler or a compiler of a web front end: tens of seconds, some megabytes.
fn web_build(to: Option<String>) -> Work {
    Work { seconds: 20.0, made: vec![made(What::Output("web", to), 5e6)], opaque: false }
}

fn pip(sub: &str, rest: &[&str], packages: &dyn Packages) -> Work {
    if !matches!(sub, "install" | "wheel" | "download") {
        return Work { seconds: 0.5, ..Work::default() };
    }
    let files: Vec<&str> = rest
        .windows(2)
        .filter_map(|w| matches!(w, ["-r" | "--requirement", _]).then(|| w.get(1).copied())?)
        .chain(rest.iter().filter_map(|w| w.strip_prefix("--requirement=")))
        .collect();
    let valued = ["-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "--extra-index-url"];
    let more = ["--trusted-host", "--prefix", "--target", "-t", "--cache-dir", "--timeout", "-f"];
    let valued: Vec<&str> = valued.into_iter().chain(more).collect();
    let mut named = operands(rest, &valued);
    named.retain(|n| !matches!(*n, "pip" | "install" | "wheel" | "download"));
    // `pip install --upgrade pip setuptools wheel` is small.
    let tools = named.iter().filter(|n| matches!(**n, "setuptools" | "build")).count();
    let in_files: Option<usize> = files.iter().map(|f| packages.requirements(f)).sum();
    let count = match (files.is_empty(), in_files) {
        (false, None) => None,
        (_, listed) => Some(listed.unwrap_or(0) + named.len()),
    };
    if files.is_empty() && named.len() == tools {
        return Work { seconds: 3.0, made: vec![made(What::Dependencies("pip"), 15e6)], opaque: false };
    }
    // A requirement brings one or two more.
    let mut work = install("pip", count, Some(2.5));
    if rest.contains(&"--no-cache-dir") {
        work.made.retain(|m| !matches!(m.what, What::Cache(_)));
    }
    work
}

fn download(to: Option<String>) -> Work {
    Work { seconds: 2.0, made: vec![Made { what: What::Download(to), bytes: None }], opaque: true }
}

/// Whether curl writes to nothing but a pipe that is most likely text: a key, a script.
fn downloads_nothing(rest: &[&str]) -> bool {
    !rest.iter().any(|w| {
        matches!(*w, "-o" | "-O" | "--output" | "--remote-name" | "-OL" | "-LO")
            || (w.starts_with('-') && !w.starts_with("--") && w.contains(['o', 'O']))
    })
}

fn compiled(name: &str, rest: &[&str]) -> Made {
    let output = option(rest, &["-o"]);
    let language = if name == "rustc" { "cargo" } else { "c" };
    made(What::Output(language, output), if name == "rustc" { 4e6 } else { 1e6 })
}

/// A package's closure: packages and megabytes with its recommendations, and without.
type Closure = (usize, f64, usize, f64);

static APT: LazyLock<BTreeMap<String, Closure>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../data/apt-sizes.json")).unwrap_or_default());

/// A package that is not in the table: the table's own median would be too much, since it holds the packages that bring
/// most; what is not in it is mostly a library or a small tool.
const OTHER_APT: Closure = (8, 12.0, 5, 8.0);

/// How much of the smaller closures is not already in the largest.
const APT_SHARED: f64 = 0.6;

/// An `apt-get install`, by the closures of its packages: those of `data/apt-sizes.json`, where they are known.
fn apt(rest: &[&str]) -> Work {
    let valued = ["-o", "--option", "-c", "--config-file", "-t", "--target-release", "--default-release"];
    let names: Vec<String> = tail(&operands(rest, &valued))
        .iter()
        .map(|n| n.split(['=', ':', '/']).next().unwrap_or_default().to_owned())
        .filter(|n| !n.is_empty() && !n.ends_with('-'))
        .collect();
    let without = rest.iter().any(|w| {
        *w == "--no-install-recommends"
            || w.contains("Install-Recommends=0")
            || w.contains("Install-Recommends=false")
    });
    let closures = names.iter().map(|n| {
        let (packages, mb, few, small) = APT.get(n.as_str()).copied().unwrap_or(OTHER_APT);
        if without { (few as f64, small) } else { (packages as f64, mb) }
    });
    let (mut packages, mut mb, mut most) = (0.0, 0.0, (0.0_f64, 0.0_f64));
    for (count, size) in closures {
        packages += count;
        mb += size;
        most = (most.0.max(count), most.1.max(size));
    }
    let packages = most.0 + APT_SHARED * (packages - most.0);
    let mb = most.1 + APT_SHARED * (mb - most.1);
    Work {
        // Reading the lists takes a second; unpacking and configuring a package a tenth, and each ten megabytes as much.
        seconds: 1.0 + 0.1 * packages + 0.03 * mb,
        made: vec![made(What::System("apt", names), mb * 1e6)],
        opaque: false,
    }
}

/// Sizes of Alpine's packages, in megabytes with what they need, for those that are much bigger than most. From memory of
/// the distribution's index: orders of magnitude.
fn apk_bytes(operands: &[&str]) -> f64 {
    let mb = |name: &&str| match name.split(['=', '~', '<', '>', '@']).next().unwrap_or_default() {
        "build-base" | "alpine-sdk" => 230.0,
        "gcc" | "g++" | "clang" | "llvm" => 150.0,
        "go" => 250.0,
        "rust" | "cargo" => 500.0,
        "nodejs" | "nodejs-current" => 60.0,
        "npm" => 70.0,
        "python3" => 45.0,
        "py3-pip" => 60.0,
        "openjdk8" | "openjdk11" | "openjdk17" | "openjdk21" => 250.0,
        "openjdk11-jre" | "openjdk17-jre" | "openjdk21-jre" | "openjdk8-jre" => 180.0,
        "chromium" => 400.0,
        "ffmpeg" => 100.0,
        "git" | "make" | "cmake" => 15.0,
        "bash" | "curl" | "openssl" | "jq" => 4.0,
        "ca-certificates" | "tini" | "su-exec" | "dumb-init" => 0.7,
        "tzdata" => 3.5,
        name if name.ends_with("-dev") => 8.0,
        _ => 5.0,
    };
    operands.iter().skip(1).map(mb).sum::<f64>() * 1e6
}

/// What one package of the system takes by itself.
pub(crate) fn package_bytes(manager: &str, name: &str) -> Option<f64> {
    match manager {
        "apt" => Some(APT.get(name).copied().unwrap_or(OTHER_APT).3 * 1e6),
        "apk" => Some(apk_bytes(&["add", name])),
        "rpm" => Some(30e6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A project with these packages.
    struct Project(&'static [(&'static str, usize)]);

    impl Packages for Project {
        fn count(&self, ecosystem: &str) -> Option<usize> {
            self.0.iter().find(|(name, _)| *name == ecosystem).map(|(_, count)| *count)
        }

        fn requirements(&self, file: &str) -> Option<usize> {
            self.count(file)
        }
    }

    fn of(command: &str, project: &Project) -> Work {
        work(&command.split(' ').collect::<Vec<_>>(), project)
    }

    /// What is said is an order of magnitude, so that is what is tested.
    #[test]
    fn commands_are_of_a_class() {
        let (nothing, second, seconds, tens, minutes) =
            (0.0..=0.2, 0.2..=2.5, 2.5..=10.0, 10.0..=60.0, 60.0..=600.0);
        let cases = [
            ("mkdir -p /app", &nothing),
            ("rm -rf /var/lib/apt/lists/*", &nothing),
            ("chmod +x run", &nothing),
            ("useradd -r app", &nothing),
            ("apk add --no-cache ca-certificates", &second),
            ("curl -fsSL https://example.com/x -o /x", &second),
            ("./unknown", &second),
            ("apt-get update", &seconds),
            ("apt-get install -y --no-install-recommends curl", &seconds),
            ("apt-get install -y build-essential", &tens),
            ("sudo -E apt-get install -y build-essential", &tens),
            ("npm ci", &tens),
            ("npm run build", &tens),
            ("python -m pip install -r requirements.txt", &tens),
            ("go mod download", &seconds),
            ("CGO_ENABLED=0 go build", &tens),
            ("env CGO_ENABLED=0 go build -o /server .", &tens),
            ("mvn -B package", &tens),
            ("make -j4", &tens),
            ("cargo build --release", &minutes),
            ("make", &tens),
        ];
        for (command, class) in cases {
            let command = command.strip_prefix("CGO_ENABLED=0 ").unwrap_or(command);
            let seconds = of(command, &Project(&[])).seconds;
            assert!(class.contains(&seconds), "{command}: {seconds} s");
        }
    }

    #[test]
    fn a_lock_file_says_how_much_it_is() {
        let (small, big) = (Project(&[("npm", 30), ("r.txt", 2)]), Project(&[("npm", 1_500), ("r.txt", 60)]));
        for command in ["npm ci", "pip install -r r.txt"] {
            let (small, big) = (of(command, &small), of(command, &big));
            assert!(big.seconds > 3.0 * small.seconds, "{command}");
            let bytes = |work: &Work| work.made.iter().filter_map(|m| m.bytes).sum::<f64>();
            assert!(bytes(&big) > 10.0 * bytes(&small), "{command}");
        }
        let production = of("npm ci --omit=dev", &big);
        assert!(production.seconds < of("npm ci", &big).seconds);
    }

    #[test]
    fn what_commands_leave_behind() {
        let made =
            |command: &str| of(command, &Project(&[])).made.into_iter().map(|m| m.what).collect::<Vec<_>>();
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let cases = [
            ("apt-get install -y curl=7.88* git", vec![What::System("apt", names(&["curl", "git"]))]),
            ("apk add --no-cache --virtual .deps gcc", vec![What::System("apk", names(&["gcc"]))]),
            ("apk add curl", vec![What::System("apk", names(&["curl"])), What::Cache("/var/cache/apk")]),
            (
                "go build -o /out/x .",
                vec![What::Output("go", Some("/out/x".to_owned())), What::Cache("/root/.cache/go-build")],
            ),
            ("pip install --no-cache-dir flask", vec![What::Dependencies("pip")]),
            ("pnpm install --frozen-lockfile", vec![What::Dependencies("pnpm")]),
            ("mkdir x", vec![]),
        ];
        for (command, expected) in cases {
            assert_eq!(made(command), expected, "{command}");
        }
    }

    /// `curl` alone is 11.4 MB without what it recommends, 15.0 MB with it (data/apt-sizes.json).
    #[test]
    fn sizes_of_debian_packages_are_those_of_the_data() {
        let mb = |command: &str| of(command, &Project(&[])).made[0].bytes.unwrap_or(0.0) / 1e6;
        assert_eq!(mb("apt-get install -y --no-install-recommends curl"), 11.4);
        assert_eq!(mb("apt-get install -y curl"), 15.0);
        let both = mb("apt-get install -y curl git");
        assert!(both > 71.6 && both < 15.0 + 71.6, "shared packages count once: {both}");
    }

    #[test]
    fn odd_commands_are_no_trouble() {
        for command in
            ["", " ", "sudo", "sudo sudo sudo", "env A=1", "python -m", "apt-get", "pip", "-", "é", "npm -g"]
        {
            let found = of(command, &Project(&[]));
            assert!(found.seconds.is_finite() && found.seconds < 60.0, "{command}");
        }
        assert_eq!(work(&[], &Project(&[])), Work::default());
    }
}
