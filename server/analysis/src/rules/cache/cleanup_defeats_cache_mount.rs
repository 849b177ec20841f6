//! C013 `cleanup-defeats-cache-mount`.

use layerwise_model::eval::Command;
use layerwise_model::facts::command::Command as Shell;
use layerwise_model::gopath::path_clean;
use layerwise_syntax::Instruction;
use layerwise_syntax::mount::MountKind;

use super::support::inside;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "cleanup-defeats-cache-mount",
        code: "C013",
        severity: Severity::Warning,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds commands that empty a cache mount of their own RUN, and flags that keep a package manager from using it.

## Why it matters

What lies in a cache mount is in no layer: emptying it makes the image no smaller, and the next build downloads everything
again, which the mount was to prevent. Without the cleaning the image is the same.

## Example

```dockerfile
FROM python:3.13-slim
RUN --mount=type=cache,target=/root/.cache/pip pip install --no-cache-dir flask
```

## Use instead

```dockerfile
FROM python:3.13-slim
RUN --mount=type=cache,target=/root/.cache/pip pip install flask
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.onbuild || cx.facts.unclear {
        return;
    }
    let Command::Run(run) = &cx.step.command else { return };
    let targets: Vec<String> = run
        .mounts
        .iter()
        .filter(|(mount, _)| mount.kind == MountKind::Cache)
        .map(|(mount, _)| path_clean(&mount.target))
        .collect();
    if targets.is_empty() {
        return;
    }
    for command in &cx.facts.commands {
        let found = flag(command, &targets).or_else(|| emptied(command, &targets));
        let Some((target, range, whole)) = found else { continue };
        let text = cx.instruction.source().get(range.clone()).unwrap_or_default();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = if whole {
            format!(
                "`{text}` empties the cache mount at {target}, so that the next build downloads everything again; drop it, since what is in the mount is in no layer."
            )
        } else {
            format!(
                "`{text}` keeps `{}` from using the cache mount at {target}; drop it, since what is in the mount is in no layer.",
                command.name
            )
        };
        let finding = Finding::new(range.clone(), message);
        let cut =
            if whole { command_range(cx.instruction, command) } else { flag_range(cx.instruction, &range) };
        out.push(match cut.filter(|_| !command.exec) {
            Some(cut) => finding.fix(Fix::replace(format!("Drop `{text}`"), cut, "").safe()),
            None => finding,
        });
    }
}

type Found = (String, std::ops::Range<usize>, bool);

/// The mount at or around a path.
fn at<'a>(targets: &'a [String], path: &str) -> Option<&'a String> {
    targets.iter().find(|target| inside(path, target))
}

/// A flag that turns the cache off.
fn flag(command: &Shell, targets: &[String]) -> Option<Found> {
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
fn emptied(command: &Shell, targets: &[String]) -> Option<Found> {
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
        ("rm", ..) if command.has_flag(&["r", "R", "recursive"]) => {
            let mut paths = command.operands().peekable();
            paths.peek()?;
            // All that it removes lies in mounts.
            let mut found = None;
            for path in paths {
                let text = path.text.trim_end_matches('*');
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
fn flag_range(instruction: &Instruction, range: &std::ops::Range<usize>) -> Option<std::ops::Range<usize>> {
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
fn command_range(instruction: &Instruction, command: &Shell) -> Option<std::ops::Range<usize>> {
    let script = instruction.script()?;
    let chain = script.and_chain()?;
    let position = chain.iter().position(|c| c.range == command.script_range)?;
    let previous = chain.get(position.checked_sub(1)?)?;
    let start = script.source_range(previous.range.clone()).end;
    let between = instruction.source().get(start..command.range.start)?;
    let plain = between.chars().all(|c| c.is_whitespace() || c == '&' || c == instruction.escape());
    plain.then_some(start..command.range.end)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn caches_that_are_emptied() {
        check(
            "C013",
            "\
FROM debian
RUN --mount=type=cache,target=/var/cache/apt --mount=type=cache,target=/var/lib/apt \\
    apt-get update && apt-get install -y curl \\
    && rm -rf /var/lib/apt/lists/*
       ^^^^^^^^^^^^^^^^^^^^^^^^^^^ `rm -rf /var/lib/apt/lists/*` empties the cache mount at /var/lib/apt
",
        );
        for run in [
            "--mount=type=cache,target=/root/.npm npm ci && npm cache clean --force",
            "--mount=type=cache,target=/root/.cache/ pip install --no-cache-dir -r r.txt",
            "--mount=type=cache,target=/var/cache/dnf dnf install -y a && dnf clean all",
            "--mount=type=cache,target=/root/.cache pip install a && rm -rf ~/.cache/pip",
        ] {
            assert_eq!(lines("C013", &format!("FROM a\nRUN {run}\n")).len(), 1, "{run}");
        }
        for run in [
            "pip install --no-cache-dir a",
            "--mount=type=cache,target=/root/.npm pip install --no-cache-dir a",
            "--mount=type=cache,target=/var/cache/apt apt-get update && rm -rf /var/lib/apt/lists/*",
            "--mount=type=cache,target=/var/cache/apt rm -rf /var/cache/apt/x /tmp/y",
            "--mount=type=cache,target=/root/.npm rm -rf /root",
            "--mount=type=bind,target=/var/lib/apt rm -rf /var/lib/apt/lists",
        ] {
            assert_eq!(lines("C013", &format!("FROM a\nRUN {run}\n")), [0; 0], "{run}");
        }
    }

    #[test]
    fn they_are_dropped() {
        let fix = |run: &str| {
            fixed("C013", &format!("FROM a\nRUN --mount=type=cache,target=/root/.cache/pip {run}\n"))
        };
        let after = |run: &str| format!("FROM a\nRUN --mount=type=cache,target=/root/.cache/pip {run}\n");
        assert_eq!(fix("pip install --no-cache-dir a"), after("pip install a"));
        assert_eq!(
            fix("pip install a \\\n  && pip cache purge \\\n && ls"),
            after("pip install a \\\n && ls")
        );
        assert_eq!(
            fix("pip install \\\n  --no-cache-dir \\\n  a"),
            after("pip install \\\n  --no-cache-dir \\\n  a")
        );
        assert_eq!(fix("pip install \\\n  --no-cache-dir a"), after("pip install \\\n  a"));
        assert_eq!(fix("pip install a; pip cache purge"), after("pip install a; pip cache purge"));
    }
}
