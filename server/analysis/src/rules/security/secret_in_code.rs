//! X004 `secret-in-code`.

use super::tokens::tokens;
use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "secret-in-code",
        code: "X004",
        severity: Severity::Error,
        equivalents: &["tally/secrets-in-code"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds tokens and private keys written into the file: AWS access keys, tokens of GitHub, GitLab, Slack, Stripe,
npm, PyPI, Docker Hub and others, by the form that each has. Well-known placeholders are left alone.

## Why it matters

What is in the file is in the repository, in the build's history, and mostly in the image. Whoever reads one of
them can use the token. Revoke it: deleting the line does not help once it has been pushed.

## Example

```dockerfile
FROM node:22
RUN npm config set //npm.example.com/:_authToken npm_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8 && npm ci
```

## Use instead

```dockerfile
FROM node:22
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    // The source of what ONBUILD triggers is a part of the ONBUILD's.
    if cx.onbuild {
        return;
    }
    for (range, name) in tokens(cx.instruction.source()) {
        out.push(Finding::new(
            range,
            format!("This looks like {name}, which everyone who reads the file or pulls the image can use; revoke it, and pass a new one with `RUN --mount=type=secret`."),
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn tokens() {
        check(
            "X004",
            "\
FROM a
ENV T=glpat-a1B2c3D4e5F6g7H8i9J0 A=b
      ^^^^^^^^^^^^^^^^^^^^^^^^^^ a GitLab token
ONBUILD RUN x AKIAQ3EGRKZ5T7WVXY2B
              ^^^^^^^^^^^^^^^^^^^^ an AWS access key
RUN echo AKIAIOSFODNN7EXAMPLE
",
        );
    }
}
