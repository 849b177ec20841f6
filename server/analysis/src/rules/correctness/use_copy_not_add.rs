//! E116 `use-copy-not-add`.

use layerwise_model::eval::{Command, is_url};
use layerwise_syntax::Keyword;
use layerwise_syntax::words::{Lex, NoEnv};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "use-copy-not-add",
        code: "E116",
        severity: Severity::Warning,
        equivalents: &["DL3020"],
        fix: FixClass::Sometimes,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds ADD where every source is a plain file or folder of the build context.

## Why it matters

ADD unpacks archives, by their content and not by their name, and fetches URLs. For plain files COPY does the same without these surprises.

## Example

```dockerfile
FROM alpine:3.20
ADD app.conf /etc/app.conf
```

## Use instead

```dockerfile
FROM alpine:3.20
COPY app.conf /etc/app.conf
```
";

/// Ends of names that archives have, and what is compressed.
const ARCHIVES: [&str; 21] = [
    ".tar", ".gz", ".tgz", ".bz2", ".xz", ".z", ".lz", ".lzma", ".tb2", ".tbz", ".tbz2", ".tlz", ".tpz",
    ".txz", ".tz", ".zst", ".tzst", ".tar.br", ".taz", ".bz", ".lz4",
];

/// Source: the reference of ADD: what it does beyond COPY.
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let instruction = cx.instruction;
    if instruction.kind() != Some(Keyword::Add) || instruction.args().len() < 2 {
        return;
    }
    let special = instruction.flags().iter().any(|flag| {
        ["--checksum", "--keep-git-dir", "--unpack"].iter().any(|name| flag.value.starts_with(name))
    });
    let sources: Vec<String> = match &cx.step.command {
        Command::Copy(copy) if !cx.onbuild => copy.sources.clone(),
        _ => {
            let lex = Lex::new(instruction.escape());
            let words = &instruction.args()[..instruction.args().len() - 1];
            words
                .iter()
                .filter(|word| !word.value.starts_with("<<"))
                .map(|word| {
                    let value = lex.process_word(&word.value, &NoEnv);
                    value.map_or_else(|_| word.value.clone(), |done| done.value)
                })
                .collect()
        }
    };
    let plain = |source: &String| {
        let lower = source.to_ascii_lowercase();
        let git = lower.starts_with("github.com/") || lower.contains(".git#") || lower.ends_with(".git");
        !source.is_empty() && !is_url(source) && !git && !ARCHIVES.iter().any(|end| lower.ends_with(end))
    };
    let written = instruction.args()[..instruction.args().len() - 1].iter();
    // A variable that a build argument sets may name anything.
    if special
        || sources.is_empty()
        || !sources.iter().all(plain)
        || written.clone().any(|w| w.value.contains('$'))
    {
        return;
    }
    let keyword = instruction.keyword();
    let message = format!(
        "ADD is for archives and URLs, and `{}` is neither; COPY does just what is needed here.",
        sources.first().map_or("", String::as_str)
    );
    let finding = Finding::new(keyword.range.clone(), message);
    // A name without an end may be an archive's, which only ADD unpacks.
    let certain = sources.iter().all(|source| {
        let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or(source);
        !source.contains(['*', '?', '['])
            && (source.ends_with('/') || name == "." || name.rfind('.').is_some_and(|at| at + 1 < name.len()))
    });
    let text = if keyword.value.bytes().all(|b| b.is_ascii_lowercase()) { "copy" } else { "COPY" };
    let fix = Fix::replace(format!("Use `{text}`"), keyword.range.clone(), text);
    out.push(finding.fix(if certain { fix.safe() } else { fix }));
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{diagnostics, fixed, lines};

    #[test]
    fn finds() {
        for (add, expected) in [
            ("ADD file.tar /x/", 0),
            ("ADD \"file.tgz\" /x/", 0),
            ("ADD \"http://x/file\" /x/", 0),
            ("ADD git@example.com:a/b.git /x", 0),
            ("ADD --checksum=sha256:0 a /x", 0),
            ("ADD $X /x", 0),
            ("ADD file.zip /x/", 1),
            ("ADD . /x/", 1),
            ("ADD a b.tar /x/", 0),
            ("ONBUILD ADD a.txt /x/", 1),
            ("COPY a /x", 0),
        ] {
            assert_eq!(lines("E116", &format!("FROM a\n{add}\n")).len(), expected, "{add}");
            assert_eq!(lines("E116", &format!("{add}\n")).len(), expected, "{add}");
        }
        assert_eq!(fixed("E116", "FROM a\nadd --chown=1 a.txt /x\n"), "FROM a\ncopy --chown=1 a.txt /x\n");
        let rootfs = diagnostics("FROM a\nADD rootfs /\n", &["E116"]);
        assert_eq!(rootfs[0].fixes[0].applicability, crate::Applicability::Suggestion);
    }
}
