//! E052 `misplaced-directive`.

use layerwise_syntax::Block;

use crate::diagnostic::Severity;
use crate::fix::{Edit, Fix};
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "misplaced-directive",
        code: "E052",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `# syntax=` and `# escape=` below another comment, an empty line or an instruction.

## Why it matters

These lines count only at the top of the file. Anywhere else they are comments, and say nothing.

## Example

```dockerfile
# The image of the shop.
# syntax=docker/dockerfile:1
FROM node:22
```

## Use instead

```dockerfile
# syntax=docker/dockerfile:1
# The image of the shop.
FROM node:22
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let blocks = cx.file.parsed().layer().blocks();
    let has = |name: &str| {
        blocks.iter().any(|placed| matches!(&placed.block, Block::Directive(d, _) if d.name == name))
    };
    let mut said = Vec::new();
    for placed in blocks {
        let Block::Comment(text) = &placed.block else { continue };
        let Some((name, value)) =
            text.trim_start_matches('\u{feff}').trim().strip_prefix('#').and_then(|t| t.split_once('='))
        else {
            continue;
        };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        let meant = match name.as_str() {
            "syntax" => value.contains("dockerfile") && !value.contains(char::is_whitespace),
            "escape" => matches!(value, "\\" | "`"),
            _ => false,
        };
        if !meant || said.contains(&name) {
            continue;
        }
        let shown = text.trim();
        let start = placed.start + text.find('#').unwrap_or(0);
        let again = has(&name);
        let message = match again {
            true => format!(
                "`{shown}` is a comment here: only the one at the top of the file counts; remove this one."
            ),
            false => {
                format!("`{shown}` is a comment here: it counts only at the top of the file; move it there.")
            }
        };
        let finding = Finding::new(start..placed.start + text.trim_end().len(), message);
        let first = blocks.first().is_some_and(|b| b.start == placed.start);
        let bom =
            cx.file.parsed().text().slice(0..cx.file.parsed().text().len().min(3)).starts_with('\u{feff}');
        out.push(if name == "syntax" && !again && !first && !bom {
            let mut fix = Fix::replace("Move it to the top of the file", 0..0, "");
            fix.edits = vec![
                Edit { range: 0..0, text: format!("{shown}\n") },
                Edit { range: placed.range(), text: String::new() },
            ];
            finding.fix(fix)
        } else {
            finding
        });
        said.push(name);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn directives() {
        check(
            "E052",
            "\
# syntax=docker/dockerfile:1
# hello
# escape=`
^^^^^^^^^^ move it there
FROM a
# syntax=docker/dockerfile:1.2
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ remove this one
# syntax = none
",
        );
        assert_eq!(lines("E052", "\n#syntax=docker/dockerfile:1\nFROM a\n"), [2]);
        assert_eq!(
            lines("E052", "# escape=`\n# syntax=docker/dockerfile:1\nFROM a\n# check=skip=all\n"),
            [0; 0]
        );
        assert_eq!(
            fixed("E052", "# hi\n# syntax=docker/dockerfile:1\nFROM a\n"),
            "# syntax=docker/dockerfile:1\n# hi\nFROM a\n"
        );
    }
}
