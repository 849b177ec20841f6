//! R025 `pip-self-upgrade`.

use layerwise_model::facts::Manager;

use super::pins;
use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "pip-self-upgrade",
        code: "R025",
        severity: Severity::Hint,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `pip install --upgrade pip` without a version.

## Why it matters

The pip that installs everything else is another one tomorrow. The base image brings one that was tested with
its Python.

## Example

```dockerfile
FROM python:3.12
RUN pip install --upgrade pip
```

## Use instead

```dockerfile
FROM python:3.12
RUN pip install --upgrade pip==24.3.1
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    for (install, command) in pins::installs(cx, &[Manager::Pip]) {
        if !command.has_flag(&["U", "upgrade"]) {
            continue;
        }
        for package in
            install.packages.iter().filter(|package| package.name == "pip" && package.version.is_none())
        {
            out.push(Finding::new(
                package.range.clone(),
                "This installs whatever pip is newest on the day of the build, and everything after it with that; leave it out, or name a version.",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn upgrades() {
        assert_eq!(
            lines(
                "R025",
                "FROM a\nRUN pip install -U pip setuptools\nRUN pip install -U pip==24\nRUN pip install pip\n"
            ),
            [2]
        );
    }
}
