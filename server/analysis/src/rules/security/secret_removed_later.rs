//! X007 `secret-removed-later`.

use layerwise_model::facts::{Argument, Command};
use layerwise_syntax::Keyword;

use super::secret_files::{copied, secret};
use crate::diagnostic::Severity;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "secret-removed-later",
        code: "X007",
        severity: Severity::Error,
        supersedes: &["secret-file-copied"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds files that hold secrets by their names, which one instruction puts into the image that is built and a
later RUN deletes.

## Why it matters

Each instruction makes a layer, and deleting a file in a later one hides it and frees nothing. Whoever can pull
the image can unpack the earlier layer and read it.

## Example

```dockerfile
FROM debian:12
COPY id_rsa /root/.ssh/id_rsa
RUN git clone git@example.com:team/app.git && rm /root/.ssh/id_rsa
```

## Use instead

```dockerfile
FROM debian:12
RUN --mount=type=ssh git clone git@example.com:team/app.git
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some((_, stage)) = stages::shipped(cx) else { return };
    let mut open = copied(cx);
    let mut written: Vec<(usize, std::ops::Range<usize>, String)> = Vec::new();
    for (number, instruction) in stages::chain(cx, stage) {
        if instruction.kind() != Some(Keyword::Run) {
            continue;
        }
        let Some(facts) = cx.facts.instructions.get(number) else { continue };
        let removed: Vec<&str> =
            facts.named("rm").flat_map(Command::operands).map(|word| word.text.as_str()).collect();
        if !removed.is_empty() {
            let line = cx.file.line(number);
            open.retain(|file| {
                let gone = file.number < number && removed.iter().any(|path| is_path_of(path, &file.dest));
                if gone {
                    out.push(Finding::new(file.range.clone(), message(&file.source, line)));
                }
                !gone
            });
            written.retain(|(_, range, path)| {
                let gone = removed.contains(&path.as_str());
                if gone {
                    out.push(Finding::new(range.clone(), message(path, line)));
                }
                !gone
            });
        }
        let targets = facts.commands.iter().flat_map(|command| &command.redirects).filter_map(|redirect| {
            let path = target(redirect)?;
            let holds = secret(path).is_some() || path.ends_with("/.npmrc");
            // What the same RUN deletes again leaves nothing.
            (holds && !removed.contains(&path)).then(|| (redirect, path.to_owned()))
        });
        for (redirect, path) in targets {
            if !written.iter().any(|(_, _, known)| *known == path) {
                written.push((number, cx.file.absolute(number, redirect.range.clone()), path));
            }
        }
    }
}

fn message(path: &str, line: usize) -> String {
    format!(
        "`{path}` stays in this layer, although line {line} deletes it: everyone who pulls the image can unpack it; use `RUN --mount=type=secret`."
    )
}

/// The file that a redirection writes.
fn target(redirect: &Argument) -> Option<&str> {
    let path = redirect.text.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix('>')?;
    Some(path.trim_start_matches('>').trim().trim_matches(['"', '\'']))
}

/// Whether a path as written in a script is this absolute path: `~` is somebody's home.
fn is_path_of(written: &str, absolute: &str) -> bool {
    let written = written.trim_end_matches('/');
    match written.strip_prefix('~').or_else(|| written.strip_prefix("$HOME")) {
        Some(rest) => {
            let home = absolute.strip_suffix(rest).unwrap_or_default();
            rest.len() > 1 && (home == "/root" || home.starts_with("/home/"))
        }
        None if written.starts_with('/') => {
            written.len() > 1
                && absolute.strip_prefix(written).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        None => absolute.rsplit('/').next() == Some(written.trim_start_matches("./")),
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, diagnostics, lines};

    #[test]
    fn removed() {
        check(
            "X007",
            "\
FROM a
COPY id_rsa .netrc /root/.ssh/
     ^^^^^^ line 5 deletes it
RUN echo $T > ~/.npmrc && npm ci
            ^^^^^^^^^^ line 5 deletes it
RUN echo $T > ~/.netrc && x && rm ~/.netrc
RUN rm -f /root/.ssh/id_rsa ~/.npmrc
",
        );
        assert_eq!(lines("X007", "FROM a\nCOPY .env .\nFROM b\nRUN rm .env\n"), [0; 0]);
        let both = diagnostics("FROM a\nCOPY .env /\nRUN rm /.env\n", &["X005", "X007"]);
        assert_eq!(both.iter().map(|d| d.code).collect::<Vec<_>>(), ["X007"]);
    }
}
