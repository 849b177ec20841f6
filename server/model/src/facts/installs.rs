//! What package managers install.

use std::ops::Range;

use super::command::{Argument, Command};

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manager {
    /// apt-get, apt, aptitude.
    Apt,
    /// apk.
    Apk,
    /// dnf, yum, microdnf, tdnf.
    Dnf,
    /// zypper.
    Zypper,
    /// pacman.
    Pacman,
    /// pip, also as `python -m pip` and `uv pip`.
    Pip,
    /// npm.
    Npm,
    /// yarn.
    Yarn,
    /// pnpm.
    Pnpm,
    /// bun.
    Bun,
    /// gem.
    Gem,
    /// bundle.
    Bundle,
    /// go.
    Go,
    /// cargo.
    Cargo,
    /// composer.
    Composer,
    /// conda, mamba, micromamba.
    Conda,
}

impl Manager {
    /// Whether it installs packages of the distribution.
    pub fn is_system(self) -> bool {
        matches!(self, Manager::Apt | Manager::Apk | Manager::Dnf | Manager::Zypper | Manager::Pacman)
    }
}

/// A command that installs packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// The manager.
    pub manager: Manager,
    /// The number of the command in [`super::InstructionFacts::commands`].
    pub command: usize,
    /// The subcommand as written: `install`, `add`, `ci`.
    pub verb: String,
    /// The packages that it names.
    pub packages: Vec<Package>,
    /// Whether it takes what a file says: a lock file, a manifest, `-r requirements.txt`.
    pub from_file: bool,
    /// Whether it installs for the whole system rather than the folder it runs in: `npm install -g`, `yarn global add`.
    /// Always true for packages of the distribution.
    pub global: bool,
}

/// A package as a command names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The word: its value if the shell expands nothing in it, else as written.
    pub text: String,
    /// Whether `text` is its value.
    pub literal: bool,
    /// The name without version, architecture, release or extras; for a path or URL the whole text.
    pub name: String,
    /// The version or constraint as written, with its operator's text left out: `1.2`, `~4`.
    pub version: Option<String>,
    /// Whether it is a path, an archive or a URL instead of a name.
    pub is_path: bool,
    /// Where the word stands in the instruction's source.
    pub range: Range<usize>,
}

/// The install that command number `at` is, if it is one.
pub(super) fn of(at: usize, command: &Command) -> Option<Install> {
    let plain = || command.args.as_slice();
    let (manager, args) = match command.name.as_str() {
        "apt-get" | "apt" | "aptitude" => (Manager::Apt, plain()),
        "apk" => (Manager::Apk, plain()),
        "dnf" | "dnf5" | "yum" | "microdnf" | "tdnf" => (Manager::Dnf, plain()),
        "zypper" => (Manager::Zypper, plain()),
        "pacman" => (Manager::Pacman, plain()),
        name if is_pip(name) => (Manager::Pip, plain()),
        name if name.starts_with("python") || name.starts_with("pypy") => {
            let module = command.args.windows(2).position(|w| w[0].text == "-m" && w[1].text == "pip")?;
            (Manager::Pip, &command.args[module + 2..])
        }
        "uv" => {
            let (pip, rest) = command.args.split_first()?;
            (Manager::Pip, (pip.text == "pip").then_some(rest)?)
        }
        "npm" => (Manager::Npm, plain()),
        "yarn" | "yarnpkg" => (Manager::Yarn, plain()),
        "pnpm" => (Manager::Pnpm, plain()),
        "bun" => (Manager::Bun, plain()),
        "gem" => (Manager::Gem, plain()),
        "bundle" | "bundler" => (Manager::Bundle, plain()),
        "go" => (Manager::Go, plain()),
        "cargo" => (Manager::Cargo, plain()),
        "composer" | "composer.phar" => (Manager::Composer, plain()),
        "conda" | "mamba" | "micromamba" => (Manager::Conda, plain()),
        _ => return None,
    };
    let (verb, rest, global_verb) = verb(manager, args)?;
    let named = operands(rest, valued(manager));
    let packages: Vec<Package> = named.into_iter().map(|arg| package(manager, arg)).collect();
    let has = |names: &[&str]| command.has_flag(names);
    let from_file = match manager {
        Manager::Pip => has(&["r", "requirement", "e", "editable"]) || packages.iter().any(|p| p.is_path),
        Manager::Npm | Manager::Yarn | Manager::Pnpm | Manager::Bun => packages.is_empty(),
        Manager::Bundle => true,
        Manager::Composer => verb == "install" || packages.is_empty(),
        Manager::Go => verb == "mod",
        Manager::Cargo => verb == "fetch",
        Manager::Conda => has(&["f", "file"]),
        _ => false,
    };
    let global =
        manager.is_system() || global_verb || has(&["g", "global"]) && !matches!(manager, Manager::Pip);
    Some(Install { manager, command: at, verb, packages, from_file, global })
}

fn is_pip(name: &str) -> bool {
    name.strip_prefix("pip").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// The subcommand that installs, what stands behind it, and whether it says itself that it is for the whole system.
fn verb(manager: Manager, args: &[Argument]) -> Option<(String, &[Argument], bool)> {
    if manager == Manager::Pacman {
        let sync = args.iter().position(|arg| {
            arg.text == "--sync" || (arg.text.starts_with("-S") && !arg.text.starts_with("-Sc"))
        })?;
        return Some(("-S".to_owned(), &args[sync + 1..], false));
    }
    let valued = valued(manager);
    let mut at = 0;
    while let Some(arg) = args.get(at).filter(|arg| arg.is_flag()) {
        at += 1 + usize::from(valued.contains(&arg.text.as_str()));
    }
    let Some(first) = args.get(at) else {
        // `yarn` alone installs.
        return (manager == Manager::Yarn).then(|| ("install".to_owned(), &args[args.len()..], false));
    };
    let rest = &args[at + 1..];
    let is = |verbs: &[&str]| verbs.contains(&first.text.as_str());
    let found = match manager {
        Manager::Apt => is(&["install", "build-dep", "satisfy"]),
        Manager::Apk => is(&["add"]),
        Manager::Dnf => is(&["install", "groupinstall", "localinstall", "reinstall"]),
        Manager::Zypper => is(&["install", "in"]),
        Manager::Pip | Manager::Gem => is(&["install", "i"]),
        Manager::Npm => is(&[
            "install",
            "i",
            "in",
            "ins",
            "inst",
            "insta",
            "instal",
            "isnt",
            "isnta",
            "isntal",
            "add",
            "ci",
            "clean-install",
            "install-clean",
            "ic",
        ]),
        Manager::Yarn | Manager::Pnpm | Manager::Bun => is(&["add", "install", "i"]),
        Manager::Bundle => is(&["install"]),
        Manager::Go => is(&["install", "get"]) || (is(&["mod"]) && rest.first()?.text == "download"),
        Manager::Cargo => is(&["install", "fetch"]),
        Manager::Composer => is(&["install", "require", "create-project"]),
        Manager::Conda => is(&["install", "create"]),
        Manager::Pacman => false,
    };
    if manager == Manager::Yarn && is(&["global"]) && rest.first()?.text == "add" {
        return Some(("add".to_owned(), &rest[1..], true));
    }
    if manager == Manager::Composer && is(&["global"]) && rest.first()?.text == "require" {
        return Some(("require".to_owned(), &rest[1..], true));
    }
    if found && first.text == "mod" {
        return Some(("mod".to_owned(), &rest[1..], false));
    }
    found.then(|| (first.text.clone(), rest, false))
}

/// Flags whose value is the next word.
fn valued(manager: Manager) -> &'static [&'static str] {
    match manager {
        Manager::Apt => &[
            "-o",
            "--option",
            "-c",
            "--config-file",
            "-t",
            "--target-release",
            "--default-release",
            "-a",
            "--host-architecture",
        ],
        Manager::Apk => &[
            "-t",
            "--virtual",
            "-X",
            "--repository",
            "-p",
            "--root",
            "--arch",
            "--keys-dir",
            "--repositories-file",
            "--cache-dir",
            "--cache-max-age",
            "--wait",
            "--progress-fd",
        ],
        Manager::Dnf => &[
            "-c",
            "--config",
            "--installroot",
            "--releasever",
            "--enablerepo",
            "--disablerepo",
            "--repo",
            "--repoid",
            "-x",
            "--exclude",
            "--setopt",
            "--nogpgcheck=",
            "-d",
            "--debuglevel",
            "-e",
            "--errorlevel",
            "--forcearch",
            "--comment",
        ],
        Manager::Zypper => &[
            "-r",
            "--repo",
            "--from",
            "-t",
            "--type",
            "-R",
            "--root",
            "--releasever",
            "-p",
            "--plus-repo",
            "-C",
            "--capability=",
        ],
        Manager::Pacman => {
            &["-b", "--dbpath", "-r", "--root", "--cachedir", "--config", "--arch", "--overwrite", "--ignore"]
        }
        Manager::Pip => &[
            "-r",
            "--requirement",
            "-c",
            "--constraint",
            "-e",
            "--editable",
            "-t",
            "--target",
            "--platform",
            "--python-version",
            "--implementation",
            "--abi",
            "--root",
            "--prefix",
            "--src",
            "--upgrade-strategy",
            "--config-settings",
            "--global-option",
            "--no-binary",
            "--only-binary",
            "--progress-bar",
            "--report",
            "-i",
            "--index-url",
            "--extra-index-url",
            "-f",
            "--find-links",
            "--cache-dir",
            "--log",
            "--proxy",
            "--retries",
            "--timeout",
            "--exists-action",
            "--trusted-host",
            "--cert",
            "--client-cert",
            "--use-feature",
            "--use-deprecated",
            "--root-user-action",
            "--python",
            "-p",
            "--install-option",
            "-C",
            "--group",
            "--default-timeout",
        ],
        Manager::Npm => &[
            "--prefix",
            "--registry",
            "--cache",
            "--loglevel",
            "--userconfig",
            "--globalconfig",
            "-w",
            "--workspace",
            "--omit",
            "--include",
            "--tag",
            "--maxsockets",
            "--fetch-timeout",
            "-C",
            "--unsafe-perm=",
        ],
        Manager::Yarn => &[
            "--cwd",
            "--cache-folder",
            "--modules-folder",
            "--registry",
            "--network-timeout",
            "--prefix",
            "--mutex",
            "--global-folder",
        ],
        Manager::Pnpm => &["-C", "--dir", "-F", "--filter", "--store-dir", "--reporter", "--registry"],
        Manager::Bun => &["--cwd", "--cache-dir", "--backend", "--registry"],
        Manager::Gem => &[
            "-v",
            "--version",
            "-i",
            "--install-dir",
            "-n",
            "--bindir",
            "--source",
            "-s",
            "--platform",
            "-P",
            "--trust-policy",
            "--document",
            "-g",
            "--file",
            "-p",
            "--http-proxy",
            "-B",
            "--bulk-threshold",
            "--build-root",
            "--target-rbconfig",
        ],
        Manager::Bundle => {
            &["-j", "--jobs", "--path", "--without", "--with", "--gemfile", "--retry", "-P", "--trust-policy"]
        }
        Manager::Go => {
            &["-ldflags", "-tags", "-gcflags", "-asmflags", "-C", "-mod", "-modfile", "-o", "-p", "-pkgdir"]
        }
        Manager::Cargo => &[
            "--version",
            "--vers",
            "--git",
            "--branch",
            "--tag",
            "--rev",
            "--path",
            "--root",
            "--features",
            "-F",
            "--target",
            "--target-dir",
            "--profile",
            "-j",
            "--jobs",
            "--index",
            "--registry",
            "--bin",
            "--example",
            "--config",
            "-Z",
            "--manifest-path",
            "--color",
        ],
        Manager::Composer => {
            &["-d", "--working-dir", "--prefer-install", "--repository", "--stability", "-s"]
        }
        Manager::Conda => &[
            "-c",
            "--channel",
            "-n",
            "--name",
            "-p",
            "--prefix",
            "-f",
            "--file",
            "--solver",
            "-r",
            "--root-prefix",
            "--repodata-fn",
        ],
    }
}

fn operands<'a>(args: &'a [Argument], valued: &[&str]) -> Vec<&'a Argument> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        at += 1;
        if arg.text == "--" {
            continue;
        }
        if arg.is_flag() {
            at += usize::from(valued.contains(&arg.text.as_str()));
        } else {
            found.push(arg);
        }
    }
    found
}

fn package(manager: Manager, arg: &Argument) -> Package {
    let text = arg.text.as_str();
    let is_path = is_path(manager, text);
    let (name, version) = if is_path { (text, None) } else { name_and_version(manager, text) };
    Package {
        text: text.to_owned(),
        literal: arg.literal,
        name: name.to_owned(),
        version: version.filter(|v| !v.is_empty()).map(str::to_owned),
        is_path,
        range: arg.range.clone(),
    }
}

fn is_path(manager: Manager, text: &str) -> bool {
    if text.contains("://")
        || text.starts_with("./")
        || text.starts_with("../")
        || text.starts_with('/')
        || text == "."
    {
        return true;
    }
    match manager {
        Manager::Pip => {
            text.ends_with(".whl")
                || text.ends_with(".tar.gz")
                || text.ends_with(".zip")
                || text.starts_with(".[")
                || text.starts_with("git+")
        }
        Manager::Npm | Manager::Yarn | Manager::Pnpm | Manager::Bun => {
            text.ends_with(".tgz")
                || text.ends_with(".tar.gz")
                || text.starts_with("git+")
                || text.starts_with("file:")
                || text.starts_with("git@")
                || text.starts_with("github:")
        }
        Manager::Apt => text.ends_with(".deb"),
        Manager::Dnf | Manager::Zypper => text.ends_with(".rpm"),
        Manager::Apk => text.ends_with(".apk"),
        Manager::Gem => text.ends_with(".gem"),
        Manager::Conda => text.ends_with(".conda") || text.ends_with(".tar.bz2"),
        _ => false,
    }
}

fn name_and_version(manager: Manager, text: &str) -> (&str, Option<&str>) {
    let at = |found: Option<usize>, skip: &[char]| match found {
        Some(at) => (&text[..at], Some(text[at..].trim_start_matches(skip))),
        None => (text, None),
    };
    match manager {
        Manager::Apt => {
            let (name, version) = at(text.find('='), &['=']);
            let name = name.split('/').next().unwrap_or(name);
            let name = name.split(':').next().unwrap_or(name);
            // `g++` is a name, a single sign at the end asks for or against a package.
            let name = match name.strip_suffix(['+', '-']) {
                Some(bare) if !bare.ends_with('+') => bare,
                _ => name,
            };
            (name, version)
        }
        Manager::Apk | Manager::Pacman | Manager::Zypper => {
            let (name, version) = at(text.find(['=', '<', '>', '~']), &['=', '<', '>']);
            (name.split('@').next().unwrap_or(name), version)
        }
        // `name-1.2-3.el9`: the version starts behind the first dash with a digit behind it.
        Manager::Dnf => {
            let dash = text.match_indices('-').map(|(at, _)| at).find(|at| {
                text[at + 1..].starts_with(|c: char| c.is_ascii_digit()) && text[at + 1..].contains('.')
            });
            at(dash, &['-'])
        }
        Manager::Pip => {
            let found = text.find(['=', '<', '>', '~', '!', '@', ';', ' ']);
            let (name, version) = at(found, &['=', '<', '>', '~', '!', '@', ' ']);
            (name.split('[').next().unwrap_or(name).trim(), version)
        }
        Manager::Npm | Manager::Yarn | Manager::Pnpm | Manager::Bun | Manager::Go | Manager::Cargo => {
            // A scope starts with the same sign.
            at(text.get(1..).and_then(|rest| rest.find('@')).map(|at| at + 1), &['@'])
        }
        Manager::Gem | Manager::Composer => at(text.find(':'), &[':']),
        Manager::Conda => at(text.find(['=', '<', '>']), &['=', '<', '>']),
        Manager::Bundle => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use layerwise_syntax::Parsed;

    use super::*;
    use crate::eval::State;
    use crate::facts::InstructionFacts;
    use crate::file::File;

    /// `manager verb: name=version ...` of each install.
    fn installs(script: &str) -> Vec<String> {
        let file = File::new(Parsed::new(&format!("RUN {script}\n")));
        let facts = InstructionFacts::of(file.instruction(0).1, &State::default());
        let of = |install: &Install| {
            let packages = install.packages.iter().map(|p| match &p.version {
                Some(version) => format!(" {}={version}", p.name),
                None => format!(" {}", p.name),
            });
            let file = if install.from_file { " (file)" } else { "" };
            format!("{:?} {}:{}{file}", install.manager, install.verb, packages.collect::<String>())
        };
        facts.installs.iter().map(of).collect()
    }

    #[test]
    fn names_and_versions() {
        for (script, expected) in [
            (
                "apt-get -y -o A=b install g++ curl=7.* libc6:i386 x/stable nano-",
                "Apt install: g++ curl=7.* libc6 x nano",
            ),
            ("sudo apt install ./a.deb", "Apt install: ./a.deb"),
            (
                "apk add --no-cache -t .deps build-base py3~3.1 b@edge 'c>4'",
                "Apk add: build-base py3=~3.1 b c=4",
            ),
            ("dnf -y install vim-enhanced-8.2-1.el9 git", "Dnf install: vim-enhanced=8.2-1.el9 git"),
            ("zypper -n in a=1.0 b", "Zypper in: a=1.0 b"),
            ("pacman -Syu --noconfirm a b", "Pacman -S: a b"),
            (
                "pip3 install --upgrade pip 'flask[async]>=2' -r r.txt a==1",
                "Pip install: pip flask=2 a=1 (file)",
            ),
            ("python3 -m pip install --index-url https://x a", "Pip install: a"),
            ("uv pip install --system a", "Pip install: a"),
            ("pip install .", "Pip install: . (file)"),
            ("npm install -g @vue/cli@5 typescript", "Npm install: @vue/cli=5 typescript"),
            ("npm ci --omit=dev", "Npm ci: (file)"),
            ("yarn --frozen-lockfile", "Yarn install: (file)"),
            ("yarn global add a@1", "Yarn add: a=1"),
            ("pnpm i --frozen-lockfile", "Pnpm i: (file)"),
            ("gem install rails:7 -v 1 bundler", "Gem install: rails=7 bundler"),
            ("bundle install -j 4", "Bundle install: (file)"),
            ("go install -ldflags '-s' x/y@v1 && go mod download", "Go install: x/y=v1"),
            ("cargo install --version 1 a", "Cargo install: a"),
            ("composer require a/b:^2", "Composer require: a/b=^2"),
            ("conda install -y -c conda-forge a=1 b", "Conda install: a=1 b"),
        ] {
            assert_eq!(installs(script).first().map(String::as_str), Some(expected), "{script}");
        }
        assert_eq!(
            installs("apt-get update; npm run build; pip freeze; go build; apk update; yarn build"),
            [""; 0]
        );
    }
}
