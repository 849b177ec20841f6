//! P011 `crlf-heredoc`.

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta { name: "crlf-heredoc", code: "P011", severity: Severity::Warning, doc: DOC, ..Meta::DEFAULT },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds heredocs whose lines end with CR LF.

## Why it matters

The carriage return is a part of each line. A shell takes it for a part of the last word, so commands are not
found and files get a name with an invisible character at its end.

## Example

```dockerfile
FROM alpine:3.20
RUN <<EOF
echo hello\r
EOF
```

## Use instead

```dockerfile
FROM alpine:3.20
RUN <<EOF
echo hello
EOF
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.onbuild {
        return;
    }
    let source = cx.instruction.source();
    if let Some(heredoc) =
        cx.instruction.heredocs().iter().find(|heredoc| heredoc.content(source).contains('\r'))
    {
        out.push(Finding::new(
            crate::ranges::head(cx.instruction),
            format!("The lines of the heredoc `{}` end with CR LF, and the shell takes each CR for a part of the last word; save the file with LF.", heredoc.name),
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn line_ends() {
        assert_eq!(lines("P011", "FROM a\r\nRUN <<EOF\r\necho x\r\nEOF\r\n"), [2]);
        assert_eq!(lines("P011", "FROM a\r\nRUN x \\\r\n y\r\nCOPY <<E /x\na\nE\n"), [0; 0]);
    }
}
