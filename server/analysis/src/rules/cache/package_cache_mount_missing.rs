//! C011 `package-cache-mount-missing`.

use layerwise_model::eval::Command;
use layerwise_model::facts::command::Command as Shell;
use layerwise_model::gopath::{path_clean, path_join};
use layerwise_syntax::mount::MountKind;

use super::support::inside;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "package-cache-mount-missing",
        code: "C011",
        severity: Severity::Info,
        equivalents: &["tally/prefer-package-cache-mounts"],
        default: false,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds installs and builds that download packages and have no cache mount for them. Off unless it is switched on: nearly
every file has some.

## Why it matters

When such a step runs again, it downloads everything again. With a cache mount it downloads only what changed, and what
was downloaded lies in no layer. On a builder that starts empty each time, such as a fresh CI runner, a mount brings
nothing.

## Example

```dockerfile
FROM python:3.13-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
```

## Use instead

```dockerfile
FROM python:3.13-slim
WORKDIR /app
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt
```
";

/// Caches of a program: the variable that moves it, where it is otherwise, and whether one build at a time may use it.
type Caches = &'static [(Option<&'static str>, &'static str, bool)];

/// Source: the programs' own documentation, as in `knowledge/ecosystems`.
fn caches(command: &Shell) -> Option<Caches> {
    let sub = command.subcommand();
    let is = |verbs: &[&str]| sub.is_some_and(|sub| verbs.contains(&sub));
    Some(match command.name.as_str() {
        "npm" if is(&["ci", "install", "i", "clean-install"]) => {
            &[(Some("npm_config_cache"), "/root/.npm", false)]
        }
        "yarn" if sub.is_none() || is(&["install", "add"]) => {
            &[(Some("YARN_CACHE_FOLDER"), "/usr/local/share/.cache/yarn", false)]
        }
        "pnpm" if is(&["install", "i", "add", "fetch"]) => &[(None, "/root/.local/share/pnpm/store", false)],
        "bun" if is(&["install", "i", "add"]) => {
            &[(Some("BUN_INSTALL_CACHE_DIR"), "/root/.bun/install/cache", false)]
        }
        name if (name.starts_with("pip") && !name.contains("pipenv") && !name.contains("pipx"))
            && is(&["install", "wheel", "download"]) =>
        {
            &[(Some("PIP_CACHE_DIR"), "/root/.cache/pip", false)]
        }
        "poetry" if is(&["install"]) => &[(Some("POETRY_CACHE_DIR"), "/root/.cache/pypoetry", false)],
        "uv" if is(&["sync", "pip"]) => &[(Some("UV_CACHE_DIR"), "/root/.cache/uv", false)],
        "go" if is(&["build", "install", "test"]) => {
            &[(Some("GOMODCACHE"), "/go/pkg/mod", false), (Some("GOCACHE"), "/root/.cache/go-build", false)]
        }
        "go" if is(&["mod"]) && command.has("download") => &[(Some("GOMODCACHE"), "/go/pkg/mod", false)],
        "cargo" if is(&["build", "install", "fetch"]) => &[(None, "/usr/local/cargo/registry", false)],
        "mvn" if sub.is_some() => &[(None, "/root/.m2", true)],
        "gradle" if sub.is_some() => &[(Some("GRADLE_USER_HOME"), "/root/.gradle", true)],
        "composer" if is(&["install", "require", "update"]) => {
            &[(Some("COMPOSER_CACHE_DIR"), "/root/.composer/cache", false)]
        }
        "dotnet" if is(&["restore", "publish", "build"]) => {
            &[(Some("NUGET_PACKAGES"), "/root/.nuget/packages", false)]
        }
        "apt-get" | "apt" if is(&["install"]) => {
            &[(None, "/var/cache/apt", true), (None, "/var/lib/apt", true)]
        }
        "apk" if is(&["add"]) => &[(None, "/var/cache/apk", true)],
        "dnf" | "microdnf" if is(&["install"]) => &[(None, "/var/cache/dnf", true)],
        "yum" if is(&["install"]) => &[(None, "/var/cache/yum", true)],
        "zypper" if is(&["install", "in"]) => &[(None, "/var/cache/zypp", true)],
        _ => return None,
    })
}

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.onbuild {
        return;
    }
    let Command::Run(run) = &cx.step.command else { return };
    let state = &cx.step.state;
    let mounted: Vec<String> = run
        .mounts
        .iter()
        .filter(|(mount, _)| matches!(mount.kind, MountKind::Cache | MountKind::Tmpfs))
        .map(|(mount, _)| path_clean(&mount.target))
        .collect();
    let mut missing: Vec<(String, bool)> = Vec::new();
    let mut programs: Vec<&str> = Vec::new();
    for command in &cx.facts.commands {
        let Some(caches) = caches(command) else { continue };
        for (variable, usual, locked) in caches {
            let moved = variable.and_then(|name| state.env.get(name)).filter(|path| !path.is_empty());
            let path = path_clean(&path_join(&["/", &state.dir, moved.unwrap_or(usual)]));
            let path = if moved.is_none() { (*usual).to_owned() } else { path };
            let there = mounted.iter().any(|m| inside(&path, m)) || missing.iter().any(|(p, _)| *p == path);
            if !there {
                missing.push((path, *locked));
                if !programs.contains(&command.name.as_str()) {
                    programs.push(&command.name);
                }
            }
        }
    }
    if missing.is_empty() {
        return;
    }
    let flags: Vec<String> = missing
        .iter()
        .map(|(path, locked)| {
            format!("--mount=type=cache,target={path}{}", if *locked { ",sharing=locked" } else { "" })
        })
        .collect();
    let message = format!(
        "When this runs again, {} downloads everything again; `{}` keeps it.",
        programs.join(" and "),
        flags.join(" ")
    );
    let finding = Finding::new(head(cx.instruction), message);
    // Elsewhere the home directory is another one, and the mount belongs to root.
    let root = matches!(state.user.as_str(), "" | "root" | "0" | "root:root" | "0:0");
    let at = cx.instruction.keyword().range.end;
    out.push(if root {
        finding.fix(Fix::replace("Add a cache mount", at..at, format!(" {}", flags.join(" "))))
    } else {
        finding
    });
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn downloads_that_are_not_kept() {
        check(
            "C011",
            "\
FROM golang
RUN --mount=type=cache,target=/go/pkg/mod go build .
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `--mount=type=cache,target=/root/.cache/go-build` keeps it
",
        );
        assert_eq!(
            fixed("C011", "FROM a\nENV npm_config_cache=/tmp/npm\nRUN npm ci\n"),
            "FROM a\nENV npm_config_cache=/tmp/npm\nRUN --mount=type=cache,target=/tmp/npm npm ci\n"
        );
        assert_eq!(
            fixed("C011", "FROM a\nRUN apt-get update && apt-get install -y x\n"),
            "FROM a\nRUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt,sharing=locked apt-get update && apt-get install -y x\n"
        );
        let user = "FROM a\nUSER node\nRUN npm ci\n";
        assert_eq!(fixed("C011", user), user);
        for run in [
            "npm run build",
            "pipenv install",
            "--mount=type=cache,target=/root npm ci",
            "go version",
            "apt-get update",
        ] {
            assert_eq!(lines("C011", &format!("FROM a\nRUN {run}\n")), [0; 0], "{run}");
        }
    }
}
