//! R011 `cargo-install-unlocked`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "cargo-install-unlocked",
        code: "R011",
        severity: Severity::Info,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `cargo install` without `--locked`.

## Why it matters

Without the flag cargo ignores the lock file that the program was released and tested with, and takes the newest
versions of everything it depends on, even where the version of the program itself is given. Builds break when
one of them asks for a newer compiler.

## Example

```dockerfile
FROM rust:1.82
RUN cargo install cargo-chef --version 0.1.68
```

## Use instead

```dockerfile
FROM rust:1.82
RUN cargo install --locked cargo-chef --version 0.1.68
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in cx.facts.named("cargo") {
        // `cargo +nightly install`
        let Some(verb) = command.operands().find(|word| !word.text.starts_with('+')) else { continue };
        if verb.text != "install" || command.has_flag(&["locked", "frozen", "list", "help"]) {
            continue;
        }
        let name = command
            .operands_without(&VALUED)
            .find(|word| word.text != "install" && !word.text.starts_with('+'));
        let what = name.map_or_else(|| "it".to_owned(), |name| format!("`{}`", name.text));
        let finding = Finding::new(
            command.program.range.start..verb.range.end,
            format!(
                "`cargo install` without `--locked` builds {what} with the newest dependencies instead of those that it was released with; add `--locked`."
            ),
        );
        let clean = !command.exec && !cx.facts.unclear && verb.literal;
        let fix = Fix::replace("Add `--locked`", verb.range.end..verb.range.end, " --locked");
        out.push(if clean { finding.fix(fix) } else { finding });
    }
}

const VALUED: [&str; 16] = [
    "--version",
    "--vers",
    "--git",
    "--branch",
    "--tag",
    "--rev",
    "--path",
    "--root",
    "--features",
    "-F",
    "--target",
    "--profile",
    "-j",
    "--jobs",
    "--registry",
    "--bin",
];

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn locked() {
        for (script, found) in [
            ("cargo install a", true),
            ("cargo +nightly install --version 1 a", true),
            ("cargo install --path .", true),
            ("cargo install --locked a", false),
            ("cargo install a --frozen", false),
            ("cargo build --release", false),
            ("cargo-binstall a", false),
        ] {
            assert_eq!(!lines("R011", &format!("FROM rust:1\nRUN {script}\n")).is_empty(), found, "{script}");
        }
        assert_eq!(
            fixed("R011", "FROM rust:1\nRUN x && \\\n  cargo install a # c\n"),
            "FROM rust:1\nRUN x && \\\n  cargo install --locked a # c\n"
        );
    }
}
