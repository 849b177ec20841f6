//! What in a RUN empties a cache, or keeps a program from using it: with a cache mount it does harm only.

use std::ops::Range;

use layerwise_model::facts::{Command, InstructionFacts};
use layerwise_model::gopath::path_clean;
use layerwise_syntax::Instruction;

use super::cache_dirs::inside;

/// A command or a flag that goes against a cache mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cleanup {
    /// The mount's target.
    pub(crate) target: String,
    /// The program.
    pub(crate) program: String,
    /// The command, or the flag, in bytes of the instruction's source.
    pub(crate) range: Range<usize>,
    /// Whether it is a command.
    pub(crate) whole: bool,
    /// What to delete so that it is gone and the rest stays as it is, where that can be said.
    pub(crate) cut: Option<Range<usize>>,
}

/// Everything in a RUN that goes against cache mounts at these targets (absolute, clean).
pub(crate) fn cleanups(
    instruction: &Instruction,
    facts: &InstructionFacts,
    targets: &[String],
) -> Vec<Cleanup> {
    let mut found = Vec::new();
    for command in &facts.commands {
        let Some((target, range, whole)) = flag(command, targets).or_else(|| emptied(command, targets))
        else {
            continue;
        };
        let cut = if whole { command_range(instruction, command) } else { flag_range(instruction, &range) };
        let cut = cut.filter(|_| !command.exec);
        found.push(Cleanup { target, program: command.name.clone(), range, whole, cut });
    }
    found
}

type Found = (String, Range<usize>, bool);

/// The mount at or around a path.
fn at<'a>(targets: &'a [String], path: &str) -> Option<&'a String> {
    targets.iter().find(|target| inside(path, target))
}

/// A flag that turns the cache off.
fn flag(command: &Command, targets: &[String]) -> Option<Found> {
    let (cache, names): (&[&str], &[&str]) = match command.name.as_str() {
        name if name.starts_with("pip") || name.starts_with("python") => {
            (&["/root/.cache/pip"], &["no-cache-dir"])
        }
        "uv" => (&["/root/.cache/uv"], &["no-cache"]),
        "apk" => (&["/var/cache/apk", "/etc/apk/cache"], &["no-cache"]),
        "poetry" => (&["/root/.cache/pypoetry"], &["no-cache"]),
        _ => return None,
    };
    let found =
        command.args.iter().find(|a| a.text.strip_prefix("--").is_some_and(|name| names.contains(&name)))?;
    let target = cache.iter().find_map(|path| at(targets, path))?;
    Some((target.clone(), found.range.clone(), false))
}

/// A command that does nothing but empty the cache.
fn emptied(command: &Command, targets: &[String]) -> Option<Found> {
    let sub = command.subcommand();
    let second = command.operands().nth(1).map(|a| a.text.as_str());
    let caches: &[&str] = match (command.name.as_str(), sub, second) {
        ("apt-get" | "apt", Some("clean" | "autoclean"), _) => &["/var/cache/apt", "/var/cache/apt/archives"],
        ("dnf" | "microdnf", Some("clean"), _) => &["/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"],
        ("yum", Some("clean"), _) => &["/var/cache/yum", "/var/cache/dnf"],
        ("npm", Some("cache"), Some("clean" | "clear" | "rm")) => &["/root/.npm"],
        ("yarn", Some("cache"), Some("clean")) => {
            &["/usr/local/share/.cache/yarn", "/root/.yarn", "/root/.cache/yarn"]
        }
        (name, Some("cache"), Some("purge")) if name.starts_with("pip") => &["/root/.cache/pip"],
        ("uv", Some("cache"), Some("clean" | "prune")) => &["/root/.cache/uv"],
        ("go", Some("clean"), _) if command.has("-modcache") => &["/go/pkg/mod"],
        ("go", Some("clean"), _) if command.has("-cache") => &["/root/.cache/go-build"],
        ("composer", Some("clear-cache" | "clearcache" | "cc"), _) => {
            &["/tmp/cache", "/root/.composer/cache", "/root/.cache/composer"]
        }
        ("rm", ..)
            if command.has_flag(&["r", "R", "recursive"])
                || command.operands().all(|path| path.text.ends_with("*.deb")) =>
        {
            let mut paths = command.operands().peekable();
            paths.peek()?;
            // All that it removes lies in mounts.
            let mut found = None;
            for path in paths {
                let text = path.text.trim_end_matches("*.deb").trim_end_matches('*');
                if text.contains(['*', '?', '[', '$', '`', '{', '"']) {
                    return None;
                }
                let text = text.replacen("~/", "/root/", 1);
                found = Some(at(targets, &path_clean(&text)).filter(|_| text.starts_with('/'))?);
            }
            return Some((found?.clone(), command.range.clone(), true));
        }
        _ => return None,
    };
    let target = caches.iter().find_map(|path| at(targets, path))?;
    Some((target.clone(), command.range.clone(), true))
}

/// A flag with the white space in front of it, on one line.
fn flag_range(instruction: &Instruction, range: &Range<usize>) -> Option<Range<usize>> {
    let before = instruction.source().get(..range.start)?;
    let start = before.trim_end_matches([' ', '\t']).len();
    if start == range.start {
        return None;
    }
    // Alone on its line, it takes the white space behind it instead, so that the line stays joined to the next.
    if before[..start].ends_with('\n') {
        let behind = instruction.source().get(range.end..)?;
        let spaces = behind.len() - behind.trim_start_matches([' ', '\t']).len();
        let next = behind.trim_start().starts_with(|c: char| c.is_alphanumeric() || c == '-');
        return (spaces > 0 && next).then(|| range.start..range.end + spaces);
    }
    Some(start..range.end)
}

/// A command with the `&&` in front of it, where an and-chain has one and nothing else stands in between.
fn command_range(instruction: &Instruction, command: &Command) -> Option<Range<usize>> {
    let script = instruction.script()?;
    let chain = script.and_chain()?;
    let position = chain.iter().position(|c| c.range == command.script_range)?;
    let previous = chain.get(position.checked_sub(1)?)?;
    let start = script.source_range(previous.range.clone()).end;
    let between = instruction.source().get(start..command.range.start)?;
    let plain = between.chars().all(|c| c.is_whitespace() || c == '&' || c == instruction.escape());
    plain.then_some(start..command.range.end)
}
