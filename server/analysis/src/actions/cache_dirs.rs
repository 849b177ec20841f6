//! Where package managers keep what they download: the directories that a cache mount is for.

use layerwise_model::eval::State;
use layerwise_model::facts::Command;
use layerwise_model::gopath::{path_clean, path_join};

/// A directory of downloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CacheDir {
    /// Its absolute path.
    pub(crate) path: String,
    /// Whether only one build at a time may use it.
    pub(crate) locked: bool,
    /// Whether later steps read it, too: a compiler takes the packages from there. What is copied elsewhere while it is
    /// installed is not needed any more.
    pub(crate) needed_later: bool,
}

/// How the directory of a program is found.
struct Place {
    /// A variable that says where it is, and what comes behind its value.
    variables: &'static [(&'static str, &'static str)],
    /// Where it is otherwise; `~` is the home directory.
    usual: &'static str,
    /// An official image whose variables put it somewhere else, and where.
    image: Option<(&'static str, &'static str)>,
    locked: bool,
    needed_later: bool,
}

impl Place {
    const fn new(variables: &'static [(&'static str, &'static str)], usual: &'static str) -> Place {
        Place { variables, usual, image: None, locked: false, needed_later: false }
    }

    const fn image(self, name: &'static str, place: &'static str) -> Place {
        Place { image: Some((name, place)), ..self }
    }

    const fn locked(self) -> Place {
        Place { locked: true, ..self }
    }

    const fn needed_later(self) -> Place {
        Place { needed_later: true, ..self }
    }
}

/// The directories that a command downloads into; empty for one that is not known to download. `base` is the name of the
/// image at the bottom of its stage; where it is not given, it is taken for the official one of the command's language.
///
/// Source: the programs' own documentation, as in `knowledge/ecosystems`.
pub(crate) fn cache_dirs(command: &Command, state: &State, base: Option<&str>) -> Vec<CacheDir> {
    let home = state.env.get("HOME").filter(|home| home.starts_with('/')).unwrap_or("/root");
    let path = |place: &Place| {
        let moved = place.variables.iter().find_map(|(name, behind)| {
            let value = state.env.get(name).filter(|value| !value.is_empty())?;
            // Of several in a PATH-like variable the first is written to.
            Some(path_join(&[value.split(':').next().unwrap_or(value), behind]))
        });
        match moved {
            Some(path) if path.starts_with('/') => path_clean(&path),
            Some(path) => path_join(&["/", &state.dir, &path]),
            None => match place.image.filter(|(image, _)| base.is_none_or(|base| base == *image)) {
                Some((_, of_image)) => of_image.to_owned(),
                None => path_clean(&place.usual.replacen('~', home, 1)),
            },
        }
    };
    let plain = |path: &str| path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b));
    places(command)
        .iter()
        .map(|place| CacheDir { path: path(place), locked: place.locked, needed_later: place.needed_later })
        // Anything else would have to be quoted.
        .filter(|dir| plain(&dir.path) && dir.path.len() > 1)
        .collect()
}

/// The flag that mounts a cache there.
pub(crate) fn mount_flag(dir: &CacheDir) -> String {
    let sharing = if dir.locked { ",sharing=locked" } else { "" };
    format!("--mount=type=cache,target={}{sharing}", dir.path)
}

const NPM: &[Place] = &[Place::new(&[("npm_config_cache", ""), ("NPM_CONFIG_CACHE", "")], "~/.npm")];
const YARN: &[Place] = &[Place::new(&[("YARN_CACHE_FOLDER", "")], "/usr/local/share/.cache/yarn")];
const BERRY: &[Place] = &[Place::new(&[("YARN_GLOBAL_FOLDER", "cache")], "~/.yarn/berry/cache")];
const PNPM: &[Place] = &[Place::new(&[("PNPM_HOME", "store")], "~/.local/share/pnpm/store")];
const BUN: &[Place] = &[Place::new(&[("BUN_INSTALL_CACHE_DIR", "")], "~/.bun/install/cache")];
const PIP: &[Place] = &[Place::new(&[("PIP_CACHE_DIR", "")], "~/.cache/pip")];
const POETRY: &[Place] = &[Place::new(&[("POETRY_CACHE_DIR", "")], "~/.cache/pypoetry")];
const UV: &[Place] = &[Place::new(&[("UV_CACHE_DIR", "")], "~/.cache/uv")];
const PIPENV: &[Place] = &[
    Place::new(&[("PIPENV_CACHE_DIR", "")], "~/.cache/pipenv"),
    Place::new(&[("PIP_CACHE_DIR", "")], "~/.cache/pip"),
];
const GO_MODULES: Place = Place::new(&[("GOMODCACHE", ""), ("GOPATH", "pkg/mod")], "~/go/pkg/mod")
    .image("golang", "/go/pkg/mod")
    .needed_later();
const GO: &[Place] = &[GO_MODULES, Place::new(&[("GOCACHE", "")], "~/.cache/go-build")];
const GO_DOWNLOAD: &[Place] = &[GO_MODULES];
const CARGO: &[Place] = &[
    Place::new(&[("CARGO_HOME", "registry")], "~/.cargo/registry")
        .image("rust", "/usr/local/cargo/registry")
        .needed_later(),
    Place::new(&[("CARGO_HOME", "git/db")], "~/.cargo/git/db")
        .image("rust", "/usr/local/cargo/git/db")
        .needed_later(),
];
const MAVEN: &[Place] = &[Place::new(&[], "~/.m2/repository").locked().needed_later()];
const GRADLE: &[Place] = &[Place::new(&[("GRADLE_USER_HOME", "")], "~/.gradle").locked().needed_later()];
const COMPOSER: &[Place] =
    &[Place::new(&[("COMPOSER_CACHE_DIR", ""), ("COMPOSER_HOME", "cache")], "~/.composer/cache")
        .image("composer", "/tmp/cache")];
const NUGET: &[Place] = &[Place::new(&[("NUGET_PACKAGES", "")], "~/.nuget/packages").needed_later()];
// Beside the lists, /var/lib/apt holds which packages were installed by themselves.
const APT: &[Place] =
    &[Place::new(&[], "/var/cache/apt").locked(), Place::new(&[], "/var/lib/apt/lists").locked()];
const DNF: &[Place] = &[Place::new(&[], "/var/cache/dnf").locked()];
const YUM: &[Place] = &[Place::new(&[], "/var/cache/yum").locked()];
const ZYPPER: &[Place] = &[Place::new(&[], "/var/cache/zypp").locked()];

fn places(command: &Command) -> &'static [Place] {
    let sub = command.subcommand();
    let is = |verbs: &[&str]| sub.is_some_and(|sub| verbs.contains(&sub));
    // A flag that says where goes before everything else.
    if command.has_flag(&["cache", "cache-dir", "cache-folder", "store-dir"]) {
        return &[];
    }
    match command.name.as_str() {
        "npm" if is(&["ci", "install", "i", "clean-install"]) => NPM,
        "yarn" if command.has_flag(&["immutable"]) => BERRY,
        "yarn" if sub.is_none() || is(&["install", "add"]) => YARN,
        "pnpm" if is(&["install", "i", "add", "fetch"]) => PNPM,
        "bun" if is(&["install", "i", "add"]) => BUN,
        "pip" | "pip2" | "pip3" if is(&["install", "wheel", "download"]) => PIP,
        name if name.starts_with("pip3.") && is(&["install", "wheel", "download"]) => PIP,
        name if name.starts_with("python")
            && command.has("-m")
            && command.has("pip")
            && (command.has("install") || command.has("wheel")) =>
        {
            PIP
        }
        "pipenv" if is(&["install", "sync"]) => PIPENV,
        "poetry" if is(&["install"]) => POETRY,
        "uv" if is(&["sync", "pip"]) => UV,
        "go" if is(&["build", "install", "test"]) => GO,
        "go" if is(&["mod"]) && command.has("download") => GO_DOWNLOAD,
        "cargo" if is(&["build", "install", "fetch", "test"]) => CARGO,
        "mvn" | "mvnw" if sub.is_some() => MAVEN,
        "gradle" | "gradlew" if sub.is_some() => GRADLE,
        "composer" if is(&["install", "require", "update"]) => COMPOSER,
        "dotnet" if is(&["restore", "publish", "build", "test"]) => NUGET,
        "apt-get" | "apt" if is(&["install", "upgrade", "dist-upgrade", "build-dep"]) => APT,
        "dnf" | "microdnf" if is(&["install", "upgrade", "update"]) => DNF,
        "yum" if is(&["install", "update"]) => YUM,
        "zypper" if is(&["install", "in", "update", "up"]) => ZYPPER,
        _ => &[],
    }
}

/// Whether a path is a directory or lies below it. Both are absolute and clean.
pub(crate) fn inside(path: &str, dir: &str) -> bool {
    dir == "/" || path == dir || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}
