//! apt's commands, and what its packages recommend.
//!
//! The figures are for Debian bookworm (amd64), the installed size of the packages that come by Recommends alone, as the
//! closure of first alternatives over a slim base; an approximation of what apt does.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use layerwise_syntax::shell::{Script, ShellWord, SimpleCommand};
use serde::Deserialize;

/// An `apt-get install` (or `apt install`).
#[derive(Clone, Debug)]
pub(crate) struct Install {
    /// The command.
    pub(crate) command: SimpleCommand,
    /// The word after which `--no-install-recommends` goes: `install` or the last plain option right behind it.
    pub(crate) anchor: ShellWord,
    /// What is installed, in order.
    pub(crate) packages: Vec<Package>,
    /// Whether an option stands behind the first package.
    pub(crate) options_last: bool,
}

/// A package of an install command.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    /// The word.
    pub(crate) word: ShellWord,
    /// The package's name without version, architecture or release; `None` if the shell computes it or it is a file.
    pub(crate) name: Option<String>,
}

/// Options of apt-get whose value is the next word.
const VALUED: [&str; 9] = [
    "-o",
    "--option",
    "-c",
    "--config-file",
    "-t",
    "--target-release",
    "--default-release",
    "-a",
    "--host-architecture",
];

/// The words of an apt command behind `apt-get` or `apt`, with `sudo`, `env` and the like skipped.
fn arguments(command: &SimpleCommand) -> Option<&[ShellWord]> {
    let mut words = command.words.as_slice();
    loop {
        let (first, rest) = words.split_first()?;
        let name = first.literal.as_deref()?;
        match name.rsplit('/').next()? {
            "apt-get" | "apt" => return Some(rest),
            "sudo" | "env" | "eatmydata" | "nice" => {
                let skipped =
                    rest.iter().take_while(|w| w.raw.starts_with('-') || w.raw.contains('=')).count();
                words = &rest[skipped..];
            }
            _ => return None,
        }
    }
}

/// Whether a command is `apt-get update`.
pub(crate) fn is_update(command: &SimpleCommand) -> bool {
    arguments(command).is_some_and(|words| words.iter().any(|w| w.literal.as_deref() == Some("update")))
}

/// Whether a command is an install, whatever its options.
pub(crate) fn is_install(command: &SimpleCommand) -> bool {
    arguments(command).is_some_and(|words| words.iter().any(|w| w.literal.as_deref() == Some("install")))
}

/// The packages that a command installs, by name.
pub(crate) fn installed(command: &SimpleCommand) -> Vec<String> {
    let Some(words) = arguments(command) else { return Vec::new() };
    let Some(at) = words.iter().position(|w| w.literal.as_deref() == Some("install")) else {
        return Vec::new();
    };
    words[at + 1..].iter().filter_map(package_name).collect()
}

/// The installs of a script to which `--no-install-recommends` can be added: none that says anything about
/// recommendations, reads a configuration file, or computes its options.
pub(crate) fn installs(script: &Script) -> Vec<Install> {
    script.simple_commands().iter().filter_map(|command| install(script, command)).collect()
}

fn install(script: &Script, command: &SimpleCommand) -> Option<Install> {
    let words = arguments(command)?;
    let at = words.iter().position(|w| w.literal.as_deref() == Some("install"))?;
    let says = |w: &ShellWord| {
        let text = w.raw.to_ascii_lowercase();
        text.contains("install-recommends")
            || text.contains("install-suggests")
            || w.raw == "-c"
            || text.starts_with("--config-file")
    };
    if words.iter().any(says) || words[..at].iter().any(|w| w.literal.is_none()) {
        return None;
    }
    // A download or a simulation installs nothing; `--fix-broken` has its own idea of what is needed.
    let only =
        ["-d", "--download-only", "-s", "--simulate", "--dry-run", "--print-uris", "-f", "--fix-broken"];
    if words.iter().any(|w| w.literal.as_deref().is_some_and(|l| only.contains(&l))) {
        return None;
    }
    let mut anchor = &words[at];
    for word in &words[at + 1..] {
        match word.literal.as_deref() {
            Some(text)
                if text.starts_with('-')
                    && !VALUED.contains(&text)
                    && script.is_contiguous(word.range.clone()) =>
            {
                anchor = word;
            }
            _ => break,
        }
    }
    let mut packages = Vec::new();
    let mut options_last = false;
    let mut skip = false;
    for word in &words[at + 1..] {
        if std::mem::take(&mut skip) {
            continue;
        }
        if word.raw.starts_with('-') {
            skip = VALUED.contains(&word.raw.as_str());
            options_last |= !packages.is_empty();
            continue;
        }
        // `install $APT_OPTIONS curl` may say anything.
        let computed = word.raw.to_ascii_uppercase();
        if word.literal.is_none() && ["OPT", "FLAG", "ARG"].iter().any(|part| computed.contains(part)) {
            return None;
        }
        packages.push(Package { word: word.clone(), name: package_name(word) });
    }
    let contiguous = packages.iter().all(|p| script.is_contiguous(p.word.range.clone()));
    if packages.is_empty() || !contiguous || !script.is_contiguous(words[at].range.clone()) {
        return None;
    }
    Some(Install { command: command.clone(), anchor: anchor.clone(), packages, options_last })
}

/// `curl`, `curl=7.88*`, `curl:amd64`, `curl/bookworm-backports` are all `curl`.
fn package_name(word: &ShellWord) -> Option<String> {
    let text = word.literal.as_deref().unwrap_or(&word.raw);
    let name = text.split(['=', ':', '/']).next()?.trim_matches(['"', '\'']);
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '+' | '-' | '.');
    let ok = name.len() >= 2 && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    // `pkg-` removes the package.
    (ok && name.chars().all(plain) && !name.ends_with('-') && !text.starts_with(['.', '/']))
        .then(|| name.to_owned())
}

/// What a package recommends: how many packages come by that alone, how many megabytes they are, and the names of the
/// first twenty of them in alphabetical order.
pub(crate) type Recommends = (usize, f64, Vec<String>);

static RECOMMENDS: LazyLock<BTreeMap<String, Recommends>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../data/apt-recommends.json")).unwrap_or_default()
});

/// What a package recommends, if that is known.
pub(crate) fn recommends(package: &str) -> Option<&'static Recommends> {
    RECOMMENDS.get(package)
}

/// Knowledge about recommendations that something relies on.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Needed {
    /// What to install beside a package when its recommendations are dropped.
    pub(crate) needs: BTreeMap<String, Vec<Need>>,
    /// What to tell about a package.
    pub(crate) warn: BTreeMap<String, String>,
    /// What a package that is added back brings, with sizes in megabytes.
    pub(crate) closure: BTreeMap<String, BTreeMap<String, f64>>,
    /// Official images that hold ca-certificates, except in their slim and alpine variants.
    pub(crate) with_certificates: Vec<String>,
}

/// A recommendation that is needed.
#[derive(Debug, Deserialize)]
pub(crate) struct Need {
    /// The package.
    pub(crate) add: String,
    /// Packages that make it unnecessary.
    #[serde(default)]
    pub(crate) unless: Vec<String>,
    /// What fails without it.
    pub(crate) why: String,
}

static NEEDED: LazyLock<Needed> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../data/apt-needed.json")).unwrap_or_default());

/// See [`Needed`].
pub(crate) fn needed() -> &'static Needed {
    &NEEDED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_read() {
        assert_eq!(recommends("curl").map(|r| r.0), Some(6));
        assert!(RECOMMENDS.len() > 150);
        assert_eq!(needed().needs["curl"][0].add, "ca-certificates");
        for needs in needed().needs.values() {
            assert!(needs.iter().all(|n| !n.why.is_empty()));
        }
    }
}
