//! E090 `local-path-dependency-missing`.

use layerwise_model::gopath::{path_clean, path_join};

use super::dependency_steps::steps;
use super::image_files::Found;

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "local-path-dependency-missing",
        code: "E090",
        severity: Severity::Error,

        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds installs whose manifest names a package by a path (`file:../lib`, `replace x => ./x`, `path = \"lib\"`, `-e .`) that is not copied before.

## Why it matters

The install reads that folder. It is in the build context but not in the image yet, so the install fails.

## Example

```text go.mod
module example.com/app
replace example.com/lib => ./lib
```

```text lib/go.mod
module example.com/lib
```

```dockerfile
FROM golang:1.26
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
```

## Use instead

```dockerfile
FROM golang:1.26
WORKDIR /src
COPY go.mod go.sum ./
COPY lib/go.mod lib/
RUN go mod download
COPY . .
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(context) = cx.context.filter(|context| context.incomplete.is_none()) else { return };
    for step in steps(cx) {
        let Found::Context { path: manifest, .. } = step.at(cx, &step.manifest) else { continue };
        let Some(text) = context.text(&manifest) else { continue };
        let folder = manifest.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (written, file) in local(&step.manifest, text) {
            let of_context = path_clean(&path_join(&[folder, &file]));
            let image = path_join(&[
                &path_join(&[&step.dir, step.manifest.rsplit_once('/').map_or("", |(d, _)| d)]),
                &file,
            ]);
            let known = context.get(&of_context).is_some();
            let outside = of_context.starts_with("..");
            if (!known && !outside) || step.at(cx, &image) != Found::No {
                continue;
            }
            let range = step.range.clone();
            let why = if outside {
                "which is outside the build context"
            } else {
                "which is not copied before this"
            };
            let message = format!("`{}` reads `{written}` of {manifest} and so `{image}`, {why}.", step.name);
            out.push(Finding::new(range, message));
            break;
        }
    }
}

/// The local packages that a manifest names: as written, and the file that must be there, relative to the manifest.
///
/// Sources: each package manager's documentation of its manifest.
fn local(manifest: &str, text: &str) -> Vec<(String, String)> {
    let name = manifest.rsplit('/').next().unwrap_or(manifest);
    let mut found = Vec::new();
    match name {
        "package.json" => {
            let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
            let groups = ["dependencies", "devDependencies", "optionalDependencies"];
            let values = groups
                .iter()
                .filter_map(|group| json.get(group)?.as_object())
                .flat_map(|group| group.values());
            for value in values.filter_map(|value| value.as_str()) {
                let path = ["file:", "link:", "portal:"].iter().find_map(|prefix| value.strip_prefix(prefix));
                let Some(path) = path.filter(|path| !path.starts_with(['/', '~'])) else { continue };
                let archive = path.ends_with(".tgz") || path.ends_with(".tar.gz");
                found.push((
                    value.to_owned(),
                    if archive { path.to_owned() } else { format!("{path}/package.json") },
                ));
            }
        }
        "go.mod" => {
            for line in text.lines() {
                let Some((_, to)) = line.split("//").next().unwrap_or(line).split_once("=>") else {
                    continue;
                };
                let to = to.split_whitespace().next().unwrap_or_default();
                if to.starts_with("./") || to.starts_with("../") {
                    found.push((format!("=> {to}"), format!("{to}/go.mod")));
                }
            }
        }
        "Cargo.toml" => {
            for line in text.lines().map(|line| line.split('#').next().unwrap_or(line)) {
                let dependency = line.contains('{') && line.contains('=');
                let Some((_, rest)) = line.split_once("path").filter(|_| dependency) else { continue };
                let Some(path) = rest.trim_start().strip_prefix('=').and_then(|rest| rest.split('"').nth(1))
                else {
                    continue;
                };
                found.push((format!("path = \"{path}\""), format!("{path}/Cargo.toml")));
            }
        }
        _ if name.ends_with(".txt") => {
            for line in text.lines().map(str::trim) {
                let path = ["-e ", "--editable "]
                    .iter()
                    .find_map(|flag| line.strip_prefix(flag))
                    .unwrap_or(line)
                    .trim();
                let include =
                    ["-r ", "-c ", "--requirement "].iter().find_map(|flag| line.strip_prefix(flag));
                if let Some(file) = include.map(str::trim).filter(|file| !file.contains([':', '$'])) {
                    found.push((line.to_owned(), file.to_owned()));
                } else if (path == "." || path.starts_with("./") || path.starts_with("../"))
                    && !path.contains('[')
                {
                    for file in ["setup.py", "pyproject.toml"] {
                        found.push((line.to_owned(), format!("{path}/{file}")));
                    }
                }
            }
        }
        _ => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::with_texts;

    #[test]
    fn finds() {
        let count = |manifest: &str, text: &str, other: &str, above: &str, run: &str| {
            let files = [(manifest, text), (other, "")];
            let text = format!("FROM node\nWORKDIR /app\nCOPY {manifest} ./\n{above}\nRUN {run}\nCOPY . .\n");
            with_texts("E090", &files, "", &text).len()
        };
        let package = "{\"dependencies\": {\"a\": \"file:lib/a\", \"b\": \"^1\"}}";
        assert_eq!(count("package.json", package, "lib/a/package.json", "", "npm i"), 1);
        assert_eq!(count("package.json", package, "lib/a/package.json", "COPY lib lib", "npm i"), 0);
        let outside = "{\"dependencies\": {\"a\": \"file:../a\"}}";
        assert_eq!(count("package.json", outside, "x", "", "npm i"), 1);
        assert_eq!(count("go.mod", "replace a => ./lib\n", "lib/go.mod", "", "go mod download"), 1);
        assert_eq!(count("go.mod", "replace a => b v1\n", "lib/go.mod", "", "go mod download"), 0);
        assert_eq!(count("Cargo.toml", "a = { path = \"lib\" }\n", "lib/Cargo.toml", "", "cargo fetch"), 1);
        assert_eq!(
            count("requirements.txt", "-e .\nflask\n", "setup.py", "", "pip install -r requirements.txt"),
            1
        );
        assert_eq!(
            count("requirements.txt", "-r base.txt\n", "base.txt", "", "pip install -r requirements.txt"),
            1
        );
        assert_eq!(
            count(
                "requirements.txt",
                "-r base.txt\n",
                "base.txt",
                "COPY base.txt .",
                "pip install -r requirements.txt"
            ),
            0
        );
        assert_eq!(
            count("requirements.txt", "flask\n", "setup.py", "", "pip install -r requirements.txt"),
            0
        );
    }
}
