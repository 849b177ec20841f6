//! E117 `use-shell-instruction`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "use-shell-instruction",
        code: "E117",
        severity: Severity::Warning,
        equivalents: &["DL4005"],
        fix: FixClass::Suggestion,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds RUN that replaces `/bin/sh` by a link to another shell.

## Why it matters

Scripts of the distribution count on their own `/bin/sh`, and an update of the package puts it back. The SHELL instruction says which shell RUN uses without changing the image's files.

## Example

```dockerfile
FROM debian:12
RUN ln -sf /bin/bash /bin/sh
```

## Use instead

```dockerfile
FROM debian:12
SHELL [\"/bin/bash\", \"-c\"]
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in cx.facts.named("ln") {
        let words: Vec<&str> = command.operands().map(|arg| arg.text.as_str()).collect();
        let [.., from, "/bin/sh" | "/usr/bin/sh"] = words.as_slice() else { continue };
        let finding = Finding::new(
            command.range.clone(),
            format!(
                "This makes `{from}` the shell of the whole image, also for the distribution's scripts; write `SHELL [\"{}\", \"-c\"]` instead.",
                full(from)
            ),
        );
        let alone = cx.facts.commands.len() == 1 && !command.exec && !cx.facts.unclear && !cx.onbuild;
        let known = from.ends_with("bash")
            && cx.instruction.flags().is_empty()
            && cx.instruction.heredocs().is_empty();
        let fix = Fix::replace(
            "Use SHELL",
            cx.instruction.trimmed_range(),
            format!("SHELL [\"{}\", \"-c\"]", full(from)),
        );
        out.push(if alone && known { finding.fix(fix) } else { finding });
    }
}

/// The path of a shell: links are often relative.
fn full(shell: &str) -> String {
    if shell.starts_with('/') {
        shell.to_owned()
    } else {
        format!("/bin/{}", shell.rsplit('/').next().unwrap_or(shell))
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn finds() {
        let text = "FROM a\nRUN ln -sfv /bin/bash /bin/sh\nRUN ln -sf /bin/true /sbin/initctl\nRUN rm /bin/sh && ln -s bash /bin/sh\n";
        assert_eq!(lines("E117", text), [2, 4]);
        assert_eq!(
            fixed("E117", "FROM a\nRUN ln -snf bash /bin/sh\n"),
            "FROM a\nSHELL [\"/bin/bash\", \"-c\"]\n"
        );
    }
}
