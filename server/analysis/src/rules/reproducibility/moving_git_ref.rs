//! R021 `moving-git-ref`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "moving-git-ref",
        code: "R021",
        severity: Severity::Info,
        equivalents: &["tally/prefer-add-git"],
        supersedes: &["non-hermetic-run"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `git clone` in RUN, and ADD of a git repository, that take the newest commit of a branch: no tag or commit
is named, and the RUN checks out none.

## Why it matters

The same file clones other sources tomorrow. As long as the layer is in the cache it is the other way round: the
build does not see what has changed there.

## Example

```dockerfile
FROM alpine/git:2.45
RUN git clone https://github.com/moby/buildkit.git /src
```

## Use instead

```dockerfile
FROM alpine/git:2.45
RUN git clone --branch v0.17.0 --depth 1 https://github.com/moby/buildkit.git /src
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    match cx.instruction.kind() {
        Some(Keyword::Run) => {
            let git = |verb: &str| {
                cx.facts.named("git").any(|command| {
                    command.operands_without(&GLOBAL).next().is_some_and(|word| word.text == verb)
                })
            };
            if git("checkout") || git("reset") || git("switch") {
                return;
            }
            for command in cx.facts.named("git") {
                let mut words = command.operands_without(&GLOBAL);
                let Some(verb) = words.next().filter(|verb| verb.text == "clone") else { continue };
                let branch = command.flag_value(&["b", "branch"]);
                let what = match branch {
                    None => "its main branch".to_owned(),
                    Some(branch) if is_moving(branch) => format!("`{branch}`"),
                    Some(_) => continue,
                };
                out.push(Finding::new(
                    command.program.range.start..verb.range.end,
                    format!("This clones whatever is newest on {what} when the layer is built, and keeps it as long as the layer is in the cache; name a tag with `--branch`, or check out a commit."),
                ));
            }
        }
        Some(Keyword::Add) => {
            let sources = cx.instruction.args().len().saturating_sub(1);
            for word in cx.instruction.args().iter().take(sources) {
                let (url, fragment) = word.value.split_once('#').unwrap_or((&word.value, ""));
                let git = url.ends_with(".git") && (url.contains("://") || url.starts_with("git@"));
                let reference = fragment.split(':').next().unwrap_or_default();
                if git && (reference.is_empty() || is_moving(reference)) {
                    out.push(Finding::new(
                        word.range.clone(),
                        "This takes whatever is newest in the repository when the layer is built; name a tag or commit behind `#`.",
                    ));
                }
            }
        }
        _ => {}
    }
}

/// Flags of git itself that take the next word.
const GLOBAL: [&str; 4] = ["-C", "-c", "--git-dir", "--work-tree"];

/// Whether people call branches so, and not tags.
fn is_moving(branch: &str) -> bool {
    matches!(
        branch,
        "main"
            | "master"
            | "develop"
            | "dev"
            | "development"
            | "trunk"
            | "next"
            | "nightly"
            | "staging"
            | "HEAD"
    )
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn clones() {
        check(
            "R021",
            "\
FROM a
RUN git clone https://x/y && git -C z clone -b main https://x/z
    ^^^^^^^^^ its main branch
                             ^^^^^^^^^^^^^^ `main`
RUN git clone https://x/y && cd y && git checkout 1234567
RUN git clone -b v1.2 https://x/y && git clone --branch=$V https://x/y
ADD https://x/y.git https://x/z.git#v1 /
    ^^^^^^^^^^^^^^^ behind `#`
",
        );
        assert_eq!(lines("R021", "ONBUILD RUN git clone x\n"), [1]);
    }
}
