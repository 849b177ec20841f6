//! E087 `install-before-manifest`.

use layerwise_model::eval::Command;

use super::dependency_steps::steps;
use super::image_files::{Found, brings};

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "install-before-manifest",
        code: "E087",
        severity: Severity::Error,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds installs that run before anything has brought the manifest that they read.

## Why it matters

The command does not find its manifest: it fails, or installs nothing.

## Example

```dockerfile
FROM python:3.13
WORKDIR /app
RUN pip install -r requirements.txt
COPY requirements.txt .
```

## Use instead

```dockerfile
FROM python:3.13
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for step in steps(cx) {
        if step.at(cx, &step.manifest) != Found::No {
            continue;
        }
        // npm, cargo, go and bundler look in the folders above, too.
        let mut above = step.dir.as_str();
        let mut elsewhere = false;
        while let Some((parent, _)) = above.rsplit_once('/').filter(|_| !step.manifest.contains('/')) {
            elsewhere |= step.at(cx, &format!("{parent}/{}", step.manifest)) != Found::No;
            above = parent;
        }
        if elsewhere {
            continue;
        }
        let path = step.path(&step.manifest);
        let body = cx.file.stages()[step.stage].body.clone();
        let later = (step.number + 1..body.end).find(|&number| {
            matches!(&cx.eval.step(number).command, Command::Copy(copy) if matches!(brings(cx, copy, &path), Some(Some(_))))
        });
        let range = step.range.clone();
        out.push(match later {
            Some(number) => Finding::new(
                range,
                format!(
                    "`{}` needs `{path}`, which line {} copies only afterwards; move that COPY above.",
                    step.name,
                    cx.file.line(number)
                ),
            )
            .see(cx.file.range(number), "This brings it"),
            None => Finding::new(
                range,
                format!("`{}` needs `{path}`, and nothing above brings it; copy it first.", step.name),
            ),
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines, with_texts};

    #[test]
    fn finds() {
        check(
            "E087",
            "\
FROM python:3.13
WORKDIR /app
RUN pip install -r requirements.txt
    ^^^^^^^^^^^ needs `/app/requirements.txt`, which line 4 copies only afterwards
COPY . .
",
        );
        for (above, run, expected) in [
            ("COPY package.json .", "npm ci", 0),
            ("", "npm ci", 1),
            ("", "npm install -g x", 0),
            ("", "npm install express", 0),
            ("RUN git clone x .", "npm ci", 0),
            ("RUN echo {} > package.json", "npm ci", 0),
            ("RUN apt-get update && apt-get install -y git", "npm ci", 1),
            ("COPY x/ /app/", "npm ci", 0),
            ("COPY package.json /other/", "npm ci", 1),
            ("COPY package.json /other/", "cd /other && npm ci", 0),
            ("COPY requirements.txt /tmp/", "pip install -r /tmp/requirements.txt", 0),
            ("COPY requirements.txt /tmp/", "pip install -r requirements.txt", 1),
            ("COPY --from=x /a /app", "yarn", 0),
            ("", "--mount=type=bind,target=. npm ci", 0),
            ("COPY go.mod go.sum ./", "go mod download", 0),
            ("RUN npm init -y", "npm install", 0),
            ("COPY package.json /", "npm install", 0),
            ("", "go mod download example.com/x@v1", 0),
        ] {
            let text = format!("FROM node:22\nWORKDIR /app\n{above}\nRUN {run}\n");
            assert_eq!(lines("E087", &text).len(), expected, "{above} {run}");
        }
        assert!(lines("E087", "FROM node:22\nRUN npm install\n").is_empty());
        assert!(lines("E087", "FROM node:8-onbuild\nWORKDIR /a\nRUN npm install\n").is_empty());
        let text = "FROM node\nWORKDIR /app\nCOPY web .\nRUN npm ci\n";
        assert_eq!(with_texts("E087", &[("web/a.js", "")], "", text).len(), 1);
        assert_eq!(with_texts("E087", &[("web/package.json", "")], "", text).len(), 0);
    }
}
