//! C011 `package-cache-mount-missing`.

use layerwise_model::eval::Command;
use layerwise_model::gopath::path_clean;
use layerwise_syntax::mount::MountKind;

use crate::actions::cache_cleanup::cleanups;
use crate::actions::cache_dirs::{CacheDir, cache_dirs, inside, mount_flag};
use crate::diagnostic::Severity;
use crate::fix::{Edit, Fix};
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
    let mut missing: Vec<CacheDir> = Vec::new();
    let mut programs: Vec<&str> = Vec::new();
    for command in &cx.facts.commands {
        for dir in cache_dirs(command, state, None) {
            let there = mounted.iter().any(|m| inside(&dir.path, m)) || missing.contains(&dir);
            if !there {
                missing.push(dir);
                if !programs.contains(&command.name.as_str()) {
                    programs.push(&command.name);
                }
            }
        }
    }
    if missing.is_empty() {
        return;
    }
    let flags: Vec<String> = missing.iter().map(mount_flag).collect();
    let message = format!(
        "When this runs again, {} downloads everything again; `{}` keeps it.",
        programs.join(" and "),
        flags.join(" ")
    );
    let finding = Finding::new(head(cx.instruction), message);
    // Elsewhere the home directory is another one, and the mount belongs to root. What other steps read or made, they must
    // have mounted as well: the refactoring `cache-mounts` looks after that.
    let root = matches!(state.user.as_str(), "" | "root" | "0" | "root:root" | "0:0");
    let lists = missing.iter().any(|dir| dir.path == "/var/lib/apt/lists");
    if !root || lists || missing.iter().any(|dir| dir.needed_later) {
        return out.push(finding);
    }
    let at = cx.instruction.keyword().range.end;
    let mut fix = Fix::replace("Add a cache mount", at..at, format!(" {}", flags.join(" ")));
    let targets: Vec<String> = missing.into_iter().map(|dir| dir.path).collect();
    let cuts = cleanups(cx.instruction, cx.facts, &targets).into_iter().filter_map(|cleanup| cleanup.cut);
    fix.edits.extend(cuts.map(|range| Edit { range, text: String::new() }));
    out.push(finding.fix(fix));
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
        let apt = "FROM a\nRUN apt-get update && apt-get install -y x\n";
        assert_eq!((fixed("C011", apt).as_str(), lines("C011", apt)), (apt, vec![2]));
        assert_eq!(
            fixed("C011", "FROM a\nRUN pip install --no-cache-dir -r r.txt\n"),
            "FROM a\nRUN --mount=type=cache,target=/root/.cache/pip pip install -r r.txt\n"
        );
        let go = "FROM golang\nRUN go mod download\nRUN go build .\n";
        assert_eq!((fixed("C011", go).as_str(), lines("C011", go)), (go, vec![2, 3]));
        let user = "FROM a\nUSER node\nRUN npm ci\n";
        assert_eq!(fixed("C011", user), user);
        for run in [
            "npm run build",
            "pipenv lock",
            "--mount=type=cache,target=/root npm ci",
            "go version",
            "apt-get update",
        ] {
            assert_eq!(lines("C011", &format!("FROM a\nRUN {run}\n")), [0; 0], "{run}");
        }
    }
}
