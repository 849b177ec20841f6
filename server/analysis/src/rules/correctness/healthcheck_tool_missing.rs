//! E070 `healthcheck-tool-missing`.

use layerwise_model::eval::Command;
use layerwise_model::facts::Manager;
use layerwise_model::facts::base::{Family, Tool};
use layerwise_syntax::Keyword;

use super::image_files::{earlier, of_kind};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "healthcheck-tool-missing",
        code: "E070",
        severity: Severity::Warning,

        fix: FixClass::Suggestion,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds HEALTHCHECK that calls `curl` or `wget` where the image has none and nothing installs it.

## Why it matters

The check fails each time for want of the program, so that the container counts as unhealthy although the server is fine, and an orchestrator restarts it for ever.

## Example

```dockerfile
FROM python:3.13-slim
HEALTHCHECK CMD curl -f http://localhost:8000/health
```

## Use instead

```dockerfile
FROM python:3.13-slim
HEALTHCHECK CMD python -c \"import urllib.request as r; r.urlopen('http://localhost:8000/health')\"
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, stage) in of_kind(cx, &[Keyword::Healthcheck]) {
        let facts = &cx.facts.stages[stage];
        let instruction = cx.file.instruction(number).1;
        for command in &cx.facts.instructions[number].commands {
            let tool = match command.name.as_str() {
                "curl" => Tool::Curl,
                "wget" => Tool::Wget,
                _ => continue,
            };
            let name = command.name.as_str();
            // Another program that is tried first or next keeps the check alive.
            let alternative = cx.facts.instructions[number].commands.iter().any(|other| {
                other.name != name && matches!(other.name.as_str(), "curl" | "wget" | "command" | "which")
            });
            if alternative
                || facts.base.has(tool) != Some(false)
                || !facts.installed_known
                || facts.has_package(name)
                || facts
                    .installed
                    .iter()
                    .any(|(manager, package)| manager.is_system() && provides(package, name))
                || may_come(cx, stage, cx.file.len(), name)
            {
                continue;
            }
            let image = format!("{}:{}", facts.base.name, facts.base.tag);
            let instead = instead(cx, stage, command);
            let hint = match &instead {
                Some((what, _)) => format!("use {what}, which it has, or install `{name}`"),
                None => format!("install `{name}` or check with a program that the image has"),
            };
            let message = format!(
                "`{name}` is not in `{image}` and nothing here installs it, so this check always fails; {hint}."
            );
            let finding = Finding::new(cx.file.absolute(number, command.program.range.clone()), message);
            let whole = instruction.source().get(command.range.clone()).is_some_and(|s| !s.contains('\n'));
            out.push(match instead {
                Some((what, text)) if whole && !command.exec && command.top_level => {
                    finding.fix(Fix::replace(
                        format!("Check with {what}"),
                        cx.file.absolute(number, command.range.clone()),
                        text,
                    ))
                }
                _ => finding,
            });
        }
    }
}

/// Packages that bring the program along.
fn provides(package: &str, name: &str) -> bool {
    package.contains(name)
        || matches!(package, "build-deps" | "buildpack-deps" | "devscripts" | "busybox" | "busybox-extras")
}

/// Whether a script, an unknown program or another stage may bring the program.
fn may_come(cx: &FileCx<'_>, stage: usize, before: usize, name: &str) -> bool {
    earlier(cx, stage, before).any(|number| match &cx.eval.step(number).command {
        Command::Copy(copy) => {
            copy.dest_path.ends_with(name)
                || copy.sources.iter().any(|s| s.ends_with(name))
                || ["/", "/usr", "/usr/", "/usr/bin", "/bin", "/usr/local/bin"]
                    .contains(&copy.dest_path.as_str())
                    && copy.sources.iter().any(|s| {
                        s.trim_matches('/').is_empty()
                            || s.ends_with("/bin")
                            || s.ends_with("/bin/")
                            || s.ends_with("/usr")
                    })
        }
        Command::Run(_) => {
            let facts = &cx.facts.instructions[number];
            facts.unclear
                || facts.commands.iter().any(|c| {
                    c.name.ends_with(".sh")
                        || (c.name.is_empty() && !c.program.text.is_empty())
                        || matches!(
                            c.name.as_str(),
                            "make"
                                | "ansible-playbook"
                                | "nix-env"
                                | "brew"
                                | "conda"
                                | "tar"
                                | "unzip"
                                | "dpkg"
                                | "rpm"
                                | "ln"
                        )
                        || (matches!(c.name.as_str(), "bash" | "sh") && c.operands().next().is_some())
                })
        }
        _ => false,
    })
}

/// A check of the same address with what the image has: how it is called in a message, and the command.
fn instead(
    cx: &FileCx<'_>,
    stage: usize,
    command: &layerwise_model::facts::Command,
) -> Option<(&'static str, String)> {
    let base = &cx.facts.stages[stage].base;
    let mut operands = command.operands_without(&[
        "-m",
        "--max-time",
        "--connect-timeout",
        "--retry",
        "-T",
        "-t",
        "--timeout",
        "--tries",
        "-o",
        "-O",
    ]);
    let url = operands.next().filter(|url| url.literal && operands.next().is_none())?;
    let text = url.text.as_str();
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/?=&%".contains(&b))
        && !text.contains("localhost;");
    if !plain
        || !text.starts_with("http://")
        || command.has_flag(&["H", "header", "X", "request", "d", "data", "u", "user"])
    {
        return None;
    }
    if base.family == Family::Alpine && command.name == "curl" {
        return Some(("`wget`", format!("wget -q --spider '{text}'")));
    }
    if base.official && base.name == "python" && !base.tag.starts_with('2') {
        return Some(("Python", format!("python -c \"import urllib.request as r; r.urlopen('{text}')\"")));
    }
    if base.official
        && base.name == "node"
        && cx.facts.stages[stage].installed.iter().all(|(m, p)| *m != Manager::Apk || p != "nodejs")
    {
        return Some((
            "Node",
            format!(
                "node -e \"fetch('{text}').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))\""
            ),
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn finds() {
        check(
            "E070",
            "FROM python:3.12-slim\nHEALTHCHECK CMD curl -f http://localhost:8000/ || exit 1\n                ^^^^ is not in `python:3.12-slim`\n",
        );
        for (text, expected) in [
            ("FROM python:3.12\nHEALTHCHECK CMD curl x\n", 0),
            ("FROM node:22-alpine\nHEALTHCHECK CMD wget -q x\n", 0),
            ("FROM node:22-alpine\nHEALTHCHECK CMD [\"curl\", \"x\"]\n", 1),
            ("FROM node:22-alpine AS b\nRUN apk add curl\nFROM b\nHEALTHCHECK CMD curl x\n", 0),
            ("FROM node:22-alpine AS b\nRUN apk add git\nFROM b\nHEALTHCHECK CMD curl x\n", 1),
            ("FROM node:22-alpine\nRUN apk add $PKGS\nHEALTHCHECK CMD curl x\n", 0),
            ("FROM node:22-slim\nRUN ./setup.sh\nHEALTHCHECK CMD curl x\n", 0),
            ("FROM node:22-slim\nCOPY --from=x /curl /usr/bin/curl\nHEALTHCHECK CMD curl x\n", 0),
            ("FROM node:22-slim\nHEALTHCHECK CMD curl x || wget y\n", 0),
            ("FROM x/y\nHEALTHCHECK CMD curl x\n", 0),
            ("FROM scratch\nHEALTHCHECK CMD [\"curl\", \"x\"]\n", 1),
        ] {
            assert_eq!(lines("E070", text).len(), expected, "{text}");
        }
        assert_eq!(
            fixed("E070", "FROM node:22-alpine\nHEALTHCHECK CMD curl -f http://localhost:3000/x || exit 1\n"),
            "FROM node:22-alpine\nHEALTHCHECK CMD wget -q --spider 'http://localhost:3000/x' || exit 1\n"
        );
        assert!(
            fixed("E070", "FROM node:22-slim\nHEALTHCHECK CMD curl -f http://localhost:3000/x\n")
                .contains("fetch(")
        );
    }
}
