//! T007 `definition-description`.

use layerwise_syntax::{Block, Keyword};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};
use crate::suppress::comment_text;

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "definition-description",
        code: "T007",
        severity: Severity::Info,
        buildkit: Some("InvalidDefinitionDescription"),
        equivalents: &["InvalidDefinitionDescription"],
        default: false,
        experimental: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds comments above a named stage or an ARG that do not begin with its name. BuildKit runs this check only where
`# check=experimental=InvalidDefinitionDescription` asks for it.

## Why it matters

`docker build --call=outline` and `--call=targets` show such a comment as the description if it begins with the name, and
drop it otherwise. A comment that is meant for something else is set apart by an empty comment, `#`; BuildKit looks past
empty lines.

## Example

```dockerfile
# check=experimental=InvalidDefinitionDescription
# the version to build
ARG VERSION=1
FROM alpine:3.20
```

## Use instead

```dockerfile
# check=experimental=InvalidDefinitionDescription
# VERSION is the version to build
ARG VERSION=1
FROM alpine:3.20
```
";

/// Source: frontend/dockerfile/instructions/parse.go (`validateDefinitionDescription`), frontend/dockerfile/parser/parser.go
/// (`PrevComment`: an empty comment forgets those above it, an empty line does not).
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let mut comment = "";
    let mut number = 0;
    for placed in cx.file.parsed().layer().blocks() {
        let instruction = match &placed.block {
            Block::Comment(text) => {
                comment = comment_text(text, placed.start == 0);
                continue;
            }
            Block::Instruction(instruction) => instruction,
            _ => continue,
        };
        let stage = cx.file.stage_of(number);
        number += 1;
        let comment = std::mem::take(&mut comment);
        if comment.is_empty() || !instruction.is_valid() {
            continue;
        }
        let names: Vec<&str> = match instruction.kind() {
            Some(Keyword::From) => stage.and_then(|s| s.name.as_deref()).into_iter().collect(),
            Some(Keyword::Arg) => {
                instruction.args().iter().map(|a| a.value.split('=').next().unwrap_or_default()).collect()
            }
            _ => continue,
        };
        let first = comment.split(' ').next().unwrap_or_default();
        if names.is_empty() || names.contains(&first) {
            continue;
        }
        let name = if let [name] = names[..] { name } else { "name" };
        let range = head(instruction);
        let message = format!(
            "The comment above is shown as the description of `{name}` only if it begins with that name: `# {name} ...`. If it is about something else, put an empty comment `#` below it."
        );
        let at = placed.start + instruction.source()[..range.start].rfind('\n').map_or(0, |at| at + 1);
        let fix = Fix::replace("Add an empty comment", at..at, "#\n").safe();
        out.push(Finding::new(placed.start + range.start..placed.start + range.end, message).fix(fix));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn comments() {
        let found = |text: &str| lines("T007", &format!("# check=experimental=all\n{text}"));
        assert_eq!(found("# foo is it\nARG foo\n# b\nFROM a AS b\n# x\nFROM a\n# x\nCOPY a b\n"), [0; 0]);
        assert_eq!(
            found("# bar\nARG foo\n# Base\nFROM a AS base\n# y\nARG x\n# z\nARG a=1 b=2\n"),
            [3, 5, 7, 9]
        );
        assert_eq!(found("# b\nARG a=1 b=2\nFROM x\n"), [0; 0]);
        assert_eq!(found("# bar\n#\nARG foo\nFROM x\n"), [0; 0]);
        assert_eq!(found("# bar\n\nARG foo\nFROM x\n"), [4]);
        assert_eq!(found("# bar\n# foo\nARG foo\nFROM x\n"), [0; 0]);
        assert_eq!(found(" # foo\nARG foo\nFROM x\n"), [3]);
        assert_eq!(lines("T007", "# check=experimental=all\nARG foo\nFROM x\n"), [0; 0]);
        // Nothing without the directive; skip has no say.
        assert_eq!(lines("T007", "\n# bar\nARG foo\nFROM x\n"), [0; 0]);
        assert_eq!(
            lines("T007", "# check=skip=all;experimental=InvalidDefinitionDescription\n# x\nARG foo\n"),
            [3]
        );
        assert_eq!(lines("T007", "FROM x\n# check=experimental=all\nARG foo\n# bar\nARG foo\n"), [3]);
    }

    #[test]
    fn fix() {
        let text = "# check=experimental=all\n# bar\n  ARG foo\nFROM x\n";
        assert_eq!(fixed("T007", text), "# check=experimental=all\n# bar\n#\n  ARG foo\nFROM x\n");
    }
}
