//! E053 `feature-needs-newer-syntax`.

use std::ops::Range;

use layerwise_syntax::{Block, Instruction, Keyword};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "feature-needs-newer-syntax",
        code: "E053",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds flags and heredocs that the version of `# syntax=docker/dockerfile:` is too old for. Nothing is said without such a line,
or where it names no minor version: then the newest is meant.

## Why it matters

The build fetches exactly the frontend that the line names, whatever the builder itself can do, and that one refuses the file.

## Example

```dockerfile
# syntax=docker/dockerfile:1.2
FROM debian:12
COPY --link app /app
```

## Use instead

```dockerfile
# syntax=docker/dockerfile:1
FROM debian:12
COPY --link app /app
```
";

/// The first minor version of `docker/dockerfile:1` with a flag, and that of its labs channel if it was there before.
/// Source: docs.docker.com/reference/dockerfile and docs.docker.com/build/buildkit/dockerfile-release-notes.
const FLAGS: [(Keyword, &str, u32, u32); 16] = [
    (Keyword::Run, "mount", 2, 1),
    (Keyword::Run, "network", 3, 1),
    (Keyword::Run, "security", 20, 1),
    (Keyword::Run, "device", 14, 14),
    (Keyword::Copy, "chmod", 2, 2),
    (Keyword::Add, "chmod", 2, 2),
    (Keyword::Copy, "link", 4, 4),
    (Keyword::Add, "link", 4, 4),
    (Keyword::Copy, "parents", 20, 7),
    (Keyword::Copy, "exclude", 19, 7),
    (Keyword::Add, "exclude", 19, 7),
    (Keyword::Add, "keep-git-dir", 6, 1),
    (Keyword::Add, "checksum", 6, 5),
    (Keyword::Add, "unpack", 17, 17),
    (Keyword::From, "platform", 0, 0),
    (Keyword::Healthcheck, "start-interval", 6, 6),
];

/// What `# syntax=` asks for.
struct Pinned {
    minor: u32,
    labs: bool,
    /// The version in the document.
    range: Range<usize>,
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(pinned) = pinned(cx) else { return };
    for (number, _, instruction) in cx.file.all() {
        let inner = instruction.trigger().unwrap_or(instruction);
        for (range, what, needed) in needs(inner, pinned.labs) {
            if needed <= pinned.minor {
                continue;
            }
            let message = format!(
                "{what} needs docker/dockerfile 1.{needed}, and the `# syntax=` line asks for 1.{}; ask for `docker/dockerfile:1`.",
                pinned.minor
            );
            let fix = Fix::replace("Ask for `docker/dockerfile:1`", pinned.range.clone(), "1");
            out.push(Finding::new(cx.file.absolute(number, range), message).fix(fix));
        }
    }
}

/// The version of Docker's own frontend, if the file names one down to the minor version.
fn pinned(cx: &FileCx<'_>) -> Option<Pinned> {
    let (start, value, range) =
        cx.file.parsed().layer().blocks().iter().find_map(|placed| match &placed.block {
            Block::Directive(directive, _) if directive.name == "syntax" => {
                Some((placed.start, directive.value.as_str(), directive.value_range.clone()))
            }
            _ => None,
        })?;
    let (name, version) = value.split_once(':')?;
    if !matches!(name, "docker/dockerfile" | "docker.io/docker/dockerfile" | "docker/dockerfile-upstream") {
        return None;
    }
    // A digest fixes the same version.
    let tag = version.split('@').next().unwrap_or(version);
    let (number, channel) = tag.split_once('-').unwrap_or((tag, ""));
    let mut parts = number.split('.');
    if parts.next() != Some("1") {
        return None;
    }
    let minor = parts.next()?.parse().ok()?;
    let at = start + range.start + name.len() + 1;
    Some(Pinned { minor, labs: !channel.is_empty(), range: at..start + range.end })
}

/// What an instruction uses: where, its name, and the minor version that has it.
fn needs(instruction: &Instruction, labs: bool) -> Vec<(Range<usize>, String, u32)> {
    let mut found = Vec::new();
    if !instruction.heredocs().is_empty() {
        found.push((head(instruction), "A heredoc".to_owned(), if labs { 3 } else { 4 }));
    }
    let Some(kind) = instruction.kind() else { return found };
    for flag in instruction.flags() {
        let name = flag.value.trim_start_matches("--").split('=').next().unwrap_or_default();
        let known = FLAGS.iter().find(|(keyword, flag, ..)| *keyword == kind && *flag == name);
        if let Some((_, _, stable, experimental)) = known {
            let needed = if labs { *experimental } else { *stable };
            found.push((flag.range.clone(), format!("`--{name}`"), needed));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn versions() {
        check(
            "E053",
            "\
# syntax=docker/dockerfile:1.3
FROM a
RUN --mount=type=cache,target=/x y
COPY --link --chown=1 a b
     ^^^^^^ `--link` needs docker/dockerfile 1.4
RUN <<EOF
^^^^^^^^^ A heredoc needs docker/dockerfile 1.4
x
EOF
ADD --unpack=true a b
    ^^^^^^^^^^^^^ 1.17
",
        );
        let found =
            |syntax: &str| lines("E053", &format!("# syntax={syntax}\nFROM a\nCOPY --parents a b\n")).len();
        assert_eq!(found("docker/dockerfile:1.19"), 1);
        assert_eq!(found("docker/dockerfile:1.7-labs"), 0);
        assert_eq!(found("docker/dockerfile:1.6-labs"), 1);
        for good in [
            "docker/dockerfile:1",
            "docker/dockerfile:1.20.0",
            "docker/dockerfile",
            "x/y:1.2",
            "docker/dockerfile:1-labs",
        ] {
            assert_eq!(found(good), 0, "{good}");
        }
        assert_eq!(
            fixed("E053", "# syntax=docker/dockerfile:1.2\nFROM a\nCOPY --link a b\n"),
            "# syntax=docker/dockerfile:1\nFROM a\nCOPY --link a b\n"
        );
    }
}
