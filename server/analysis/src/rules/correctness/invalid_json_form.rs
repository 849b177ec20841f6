//! E022 `invalid-json-form`.

use layerwise_syntax::{Form, Instruction, Keyword};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "invalid-json-form",
        code: "E022",
        severity: Severity::Error,
        equivalents: &["tally/invalid-json-form"],
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds arguments that look like a JSON array and are none: single or typographic quotes, no quotes, a comma at the end, a
single backslash.

## Why it matters

What is no JSON is taken as it stands: a shell gets `[node,` as the name of a program, and COPY looks for a file of that
name.

## Example

```dockerfile
FROM node:22
CMD ['node', 'server.js']
```

## Use instead

```dockerfile
FROM node:22
CMD [\"node\", \"server.js\"]
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let instruction = cx.instruction;
    let Some(kind) = instruction.kind() else { return };
    if instruction.form() == Form::Exec || !instruction.heredocs().is_empty() {
        return;
    }
    let shell = matches!(kind, Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck);
    if !shell && !matches!(kind, Keyword::Copy | Keyword::Add | Keyword::Volume) {
        return;
    }
    let skip = usize::from(kind == Keyword::Healthcheck);
    let args = instruction.args().get(skip..).unwrap_or_default();
    let (Some(first), Some(last)) = (args.first(), args.last()) else { return };
    if !first.value.starts_with('[') || first.value.starts_with("[[") {
        return;
    }
    let range = first.range.start..last.range.end;
    let text = match args {
        [only] => only.value.as_str(),
        _ => instruction.source().get(range.clone()).unwrap_or_default(),
    };
    let text = text.trim_end();
    let looks = if shell {
        // `[ -f x ]` is a test, and so is `[ \"$a\" = b ]`.
        is_quote(text[1..].chars().next())
            || (text.ends_with(']') && text.contains(',') && !text[1..].starts_with([' ', '\t']))
            || (text.ends_with(']') && text.contains(',') && is_quote(text[1..].trim_start().chars().next()))
    } else {
        text.ends_with(']')
    };
    if !looks {
        return;
    }
    let taken = if shell { "a shell gets it as it stands" } else { "its words are taken as they stand" };
    let message =
        format!("This is not valid JSON, {}, so {taken}; write `[\"...\", \"...\"]`.", reason(text));
    let finding = Finding::new(range.clone(), message);
    let verbatim = instruction.source().get(range.clone()).map(str::trim_end) == Some(text);
    out.push(match repaired(instruction, text).filter(|_| verbatim) {
        Some(json) => finding.fix(Fix::replace(format!("Use `{json}`"), range, json)),
        None => finding,
    });
}

fn is_quote(c: Option<char>) -> bool {
    matches!(c, Some('"' | '\'' | '\u{201c}' | '\u{201d}' | '\u{2018}' | '\u{2019}'))
}

/// Why a text is no JSON, as a part of a sentence.
fn reason(text: &str) -> &'static str {
    if text.contains(['\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}']) {
        "which knows no typographic quotes"
    } else if text.contains("] #") {
        "which has nothing behind its `]` (a comment needs a line of its own)"
    } else if !text.ends_with(']') {
        "which ends in `]`"
    } else if !text.contains('"') && text.contains('\'') {
        "which knows no single quotes"
    } else if text.trim_end_matches(']').trim_end().ends_with(',') {
        "which has no comma at the end"
    } else if !text.contains('"') {
        "which needs double quotes"
    } else if text.contains('\\') {
        "in which a backslash is written as two"
    } else {
        "which has double quotes around each string and commas between them"
    }
}

/// The array that was probably meant: strings in any quotes or none, separated by commas.
fn repaired(instruction: &Instruction, text: &str) -> Option<String> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    if inner.contains(['[', ']', '\\', '\n']) || inner.contains(instruction.escape()) {
        return None;
    }
    let mut items = Vec::new();
    let mut rest = inner.trim();
    while !rest.is_empty() {
        let (item, behind) = match rest.chars().next() {
            Some(open @ ('"' | '\'')) => {
                let (item, behind) = rest[1..].split_once(open)?;
                (item, behind.trim_start())
            }
            Some('\u{201c}' | '\u{201d}') => {
                let (item, behind) =
                    rest['\u{201c}'.len_utf8()..].split_once(['\u{201c}', '\u{201d}', '"'])?;
                (item, behind.trim_start())
            }
            Some('\u{2018}' | '\u{2019}') => {
                let (item, behind) =
                    rest['\u{2018}'.len_utf8()..].split_once(['\u{2018}', '\u{2019}', '\''])?;
                (item, behind.trim_start())
            }
            _ => {
                let end = rest.find(',').unwrap_or(rest.len());
                let item = rest[..end].trim();
                if item.is_empty() || item.contains(['"', '\'', ' ', '\u{201c}', '\u{201d}']) {
                    return None;
                }
                (item, &rest[end..])
            }
        };
        if item.contains(['"', '\u{201c}', '\u{201d}']) || item.chars().any(char::is_control) {
            return None;
        }
        items.push(format!("\"{item}\""));
        rest = match behind.strip_prefix(',') {
            Some(behind) => behind.trim_start(),
            None if behind.is_empty() => "",
            None => return None,
        };
    }
    (!items.is_empty()).then(|| format!("[{}]", items.join(", ")))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn arrays() {
        check(
            "E022",
            "\
FROM a
CMD ['node', 'x']
    ^^^^^^^^^^^^^ no single quotes
ENTRYPOINT [node, \"x\"]
           ^^^^^^^^^^^ double quotes around each
RUN [\"a\", \"b\",]
    ^^^^^^^^^^^ no comma at the end
RUN [\"a\" \"b\"]
    ^^^^^^^^^ commas between
RUN [echo, hello]
    ^^^^^^^^^^^^^ needs double quotes
VOLUME [/data, /logs]
       ^^^^^^^^^^^^^^ needs double quotes
COPY [src, dst]
     ^^^^^^^^^^ needs double quotes
CMD [\"a\", \"b\"
    ^^^^^^^^^ ends in `]`
HEALTHCHECK CMD ['a']
                ^^^^^ no single quotes
ONBUILD CMD ['a']
            ^^^^^ no single quotes
",
        );
        for good in [
            "RUN [ -f /x ] && echo \"a, b\"",
            "RUN [ \"$A\" = \"b\" ]",
            "RUN [[ a == b ]]",
            "CMD [\"x\"]",
            "COPY [a]*.txt /x",
            "CMD []",
            "RUN [ -z \"$x\" ] || echo [a,b]",
        ] {
            assert_eq!(lines("E022", &format!("FROM a\n{good}\n")), [0; 0], "{good}");
        }
    }

    #[test]
    fn fixes() {
        let fix = |text: &str| fixed("E022", &format!("FROM a\nCMD {text}\n"));
        assert_eq!(fix("['a', \"b\",c]"), "FROM a\nCMD [\"a\", \"b\", \"c\"]\n");
        assert_eq!(fix("[\u{201c}a\u{201d}]"), "FROM a\nCMD [\"a\"]\n");
        assert_eq!(fix("[\"a\",]"), "FROM a\nCMD [\"a\"]\n");
        for same in ["[\"a\" \"b\"]", "[\"a\"", "['a\"b']", "[\"C:\\x\"]"] {
            assert_eq!(fix(same), format!("FROM a\nCMD {same}\n"));
        }
    }
}
