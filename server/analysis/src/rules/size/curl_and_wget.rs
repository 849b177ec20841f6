//! S025 `curl-and-wget`.

use layerwise_model::facts::Command;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "curl-and-wget",
        code: "S025",
        severity: Severity::Info,
        equivalents: &["DL4001"],
        // Base images often have both, and then it is a matter of taste.
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds stages whose RUNs download with curl and with wget.

## Why it matters

One of them does, and each brings libraries of its own: some 5 to 15 MB where it has to be installed.

## Example

```dockerfile
FROM debian:12
RUN wget https://example.com/a
RUN curl -O https://example.com/b
```

## Use instead

```dockerfile
FROM debian:12
RUN curl -O https://example.com/a
RUN curl -O https://example.com/b
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let stages = cx.file.stages();
    let fragment = stages.is_empty().then(|| 0..cx.file.len());
    for body in stages.iter().map(|stage| stage.body.clone()).chain(fragment) {
        let mut first: Option<(usize, &Command)> = None;
        let used = cx
            .file
            .instructions(body)
            .filter(|(_, _, i)| i.trigger().unwrap_or(i).kind() == Some(Keyword::Run))
            .flat_map(|(number, ..)| cx.facts.instructions[number].commands.iter().map(move |c| (number, c)))
            .filter(|(_, c)| matches!(c.name.as_str(), "curl" | "wget"));
        for (number, command) in used {
            let Some((line, other)) = first else {
                first = Some((number, command));
                continue;
            };
            if other.name == command.name {
                continue;
            }
            let message = format!(
                "`{}` downloads here and `{}` on line {}; one of them is enough.",
                command.name,
                other.name,
                cx.file.line(line)
            );
            let range = cx.file.absolute(number, command.program.range.clone());
            let there = cx.file.absolute(line, other.program.range.clone());
            out.push(Finding::new(range, message).see(there, format!("`{}` downloads here", other.name)));
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn both_in_one_stage() {
        check(
            "S025",
            "\
FROM a AS b
RUN wget x && wget y
FROM a
RUN wget x
RUN [\"curl\", \"x\"]
     ^^^^^^ `wget` on line 4
",
        );
        assert_eq!(lines("S025", "RUN curl x | y\nRUN echo wget\n"), [0; 0]);
        assert_eq!(lines("S025", "RUN curl x; wget y\n"), [1]);
    }
}
