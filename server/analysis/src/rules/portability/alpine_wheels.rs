//! P004 `alpine-wheels`.

use layerwise_model::facts::{Family, Manager};

use crate::diagnostic::Severity;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "alpine-wheels",
        code: "P004",
        severity: Severity::Warning,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds pip on Alpine installing packages that have no wheels for musl and cannot be built there in any simple
way: torch, tensorflow, onnxruntime, mediapipe and others.

## Why it matters

Wheels for Linux are mostly made for the GNU C library, and Alpine has another one. For these packages pip finds
nothing to install, and the RUN fails.

## Example

```dockerfile
FROM python:3.12-alpine
RUN pip install torch==2.5.1
```

## Use instead

```dockerfile
FROM python:3.12-slim
RUN pip install torch==2.5.1
```
";

/// Source: the files that PyPI lists for each of them: no `musllinux` wheel and no source distribution.
const NONE: [&str; 12] = [
    "torch",
    "torchvision",
    "torchaudio",
    "tensorflow",
    "tensorflow-cpu",
    "tensorflow-gpu",
    "jaxlib",
    "onnxruntime",
    "onnxruntime-gpu",
    "mediapipe",
    "open3d",
    "paddlepaddle",
];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, _) in cx.file.all() {
        let Some(facts) = cx.facts.instructions.get(number) else { continue };
        let pip = facts.installs.iter().filter(|install| install.manager == Manager::Pip);
        for package in pip.flat_map(|install| &install.packages) {
            let name = package.name.to_ascii_lowercase().replace('_', "-");
            if !NONE.contains(&name.as_str())
                || stages::of(cx, number).is_none_or(|stage| stage.base.family != Family::Alpine)
            {
                continue;
            }
            out.push(Finding::new(
                cx.file.absolute(number, package.range.clone()),
                format!("`{}` has no wheel for Alpine's C library, so pip finds nothing to install; take a base image with glibc, such as `python:<version>-slim`.", package.name),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn wheels() {
        assert_eq!(
            lines(
                "P004",
                "FROM python:3.12-alpine\nRUN pip install flask 'torch>=2'\nRUN pip install numpy\n"
            ),
            [2]
        );
        assert_eq!(lines("P004", "FROM python:3.12-slim\nRUN pip install torch\n"), [0; 0]);
    }
}
