//! E092 `required-file-ignored`.

use layerwise_syntax::Keyword;

use super::image_files::{Found, at_path, of_kind};
use super::programs::dir_of;

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "required-file-ignored",
        code: "E092",
        severity: Severity::Error,

        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds installs of a Python project whose `pyproject.toml` or `setup.py` reads a README or licence that the ignore file keeps out.

## Why it matters

The build back end opens the file for the description of the package and stops when it is not there.

## Example

With this ignore file:

```dockerignore
*.md
```

```toml pyproject.toml
[project]
name = \"app\"
readme = \"README.md\"
```

```dockerfile
FROM python:3.13
WORKDIR /app
COPY . .
RUN pip install .
```

## Use instead

```dockerignore
*.md
!README.md
```

```dockerfile
FROM python:3.13
WORKDIR /app
COPY . .
RUN pip install .
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(context) = cx.context.filter(|context| context.incomplete.is_none()) else { return };
    for (number, stage) in of_kind(cx, &[Keyword::Run]) {
        let facts = &cx.facts.instructions[number];
        for command in &facts.commands {
            let builds = match command.name.as_str() {
                "poetry" => {
                    command.subcommand() == Some("install") && !command.has_flag(&["no-root", "only-root"])
                        || command.subcommand() == Some("build")
                }
                "uv" => {
                    matches!(command.subcommand(), Some("sync"))
                        && !command.has_flag(&["no-install-project", "no-install-workspace"])
                        || command.subcommand() == Some("build")
                }
                "hatch" | "flit" => matches!(command.subcommand(), Some("build" | "install")),
                name if name.starts_with("pip") => {
                    matches!(command.subcommand(), Some("install" | "wheel"))
                        && command.operands().any(|arg| arg.text == "." || arg.text.starts_with(".["))
                }
                name if name.starts_with("python") => command.has("setup.py") || command.has("build"),
                _ => false,
            };
            if !builds || facts.unclear {
                continue;
            }
            let Some(dir) = dir_of(cx, number, command) else { continue };
            for manifest in ["pyproject.toml", "setup.py"] {
                let place = |file: &str| format!("{}/{file}", dir.trim_end_matches('/'));
                let Found::Context { path, .. } = at_path(cx, stage, number, &place(manifest)) else {
                    continue;
                };
                let Some(text) = context.text(&path) else { continue };
                let folder = path.strip_suffix(manifest).unwrap_or_default();
                let missing = needed(manifest, text).into_iter().find_map(|file| {
                    let of_context = format!("{folder}{file}");
                    let (line, negated) = context.ignore.deciding_line(&of_context)?;
                    let absent = !negated && at_path(cx, stage, number, &place(&file)) == Found::No;
                    absent.then_some((of_context, line))
                });
                let Some((file, line)) = missing else { continue };
                let message = format!(
                    "{path} reads `{file}`, which line {line} of {} keeps out of the build context, so building the package fails; add `!{file}` at its end.",
                    context.ignore_file.as_deref().unwrap_or(".dockerignore")
                );
                let end = command.args.first().map_or(command.program.range.end, |arg| arg.range.end);
                let range = command.program.range.start..end.max(command.program.range.end);
                out.push(Finding::new(cx.file.absolute(number, range), message));
            }
        }
    }
}

/// The files that a Python manifest has opened: `readme`, `license = { file = ... }`, and names of READMEs in setup.py.
///
/// Source: the specification of `[project]` (PEP 621).
fn needed(manifest: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let quoted = || line.split(['"', '\'']).skip(1).step_by(2);
        let opens = if manifest == "setup.py" {
            line.contains("open(") || line.contains("read_text") || line.contains("read(")
        } else {
            ["readme", "license-file", "license"]
                .iter()
                .any(|key| line.strip_prefix(key).is_some_and(|r| r.trim_start().starts_with('=')))
                && (line.starts_with("readme") || line.contains("file"))
        };
        let names = quoted().filter(|name| {
            let upper = name.to_ascii_uppercase();
            ["README", "LICENSE", "LICENCE", "CHANGELOG", "HISTORY", "CHANGES"]
                .iter()
                .any(|start| upper.starts_with(start))
                && !name.contains(['*', '/'])
        });
        if opens {
            found.extend(names.map(str::to_owned));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::with_texts;

    #[test]
    fn finds() {
        let count = |manifest: &str, text: &str, ignore: &str, run: &str| {
            let dockerfile = format!("FROM python\nWORKDIR /app\nCOPY . .\nRUN {run}\n");
            with_texts("E092", &[(manifest, text)], ignore, &dockerfile).len()
        };
        let project = "[project]\nname = \"x\"\nreadme = \"README.md\"\n";
        assert_eq!(count("pyproject.toml", project, "*.md\n", "pip install ."), 1);
        assert_eq!(count("pyproject.toml", project, "*.md\n", "poetry install"), 1);
        assert_eq!(count("pyproject.toml", project, "*.md\n", "poetry install --no-root"), 0);
        assert_eq!(count("pyproject.toml", project, "*.md\n!README.md\n", "pip install ."), 0);
        assert_eq!(count("pyproject.toml", project, "", "pip install ."), 0);
        assert_eq!(count("pyproject.toml", project, "*.md\n", "pip install flask"), 0);
        assert_eq!(
            count("setup.py", "long_description=open('README.md').read()\n", "*.md\n", "pip install ."),
            1
        );
        assert_eq!(count("pyproject.toml", "license = \"MIT\"\n", "LICENSE\n", "pip install ."), 0);
        assert_eq!(
            count("pyproject.toml", "license = {file = \"LICENSE\"}\n", "LICENSE\n", "pip install ."),
            1
        );
    }
}
