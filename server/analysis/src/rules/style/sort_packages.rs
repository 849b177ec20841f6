//! T008 `sort-packages`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::{Applicability, Edit, Fix};
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "sort-packages",
        code: "T008",
        severity: Severity::Hint,
        equivalents: &["tally/sort-packages"],
        default: false,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds packages of an install that are not in alphabetical order.

## Why it matters

In a sorted list a package is found at once, nobody adds it a second time, and a change is one line. The order
means nothing to package managers.

## Example

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y wget curl git
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y curl git wget
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) || cx.facts.unclear {
        return;
    }
    let source = cx.instruction.source();
    for install in &cx.facts.installs {
        let exec = cx.facts.commands.get(install.command).is_none_or(|command| command.exec);
        if exec || install.packages.len() < 2 || install.packages.iter().any(|p| !p.literal || p.is_path) {
            continue;
        }
        let words: Option<Vec<&str>> = install.packages.iter().map(|p| source.get(p.range.clone())).collect();
        let Some(words) = words else { continue };
        let mut sorted = words.clone();
        sorted.sort_by_cached_key(|word| word.trim_matches(['"', '\'']).to_ascii_lowercase());
        if sorted == words || words.iter().any(|word| word.contains(['\n', '\\'])) {
            continue;
        }
        let moved =
            install.packages.iter().zip(words.iter().zip(&sorted)).filter(|(_, (old, new))| old != new);
        let edits: Vec<Edit> = moved
            .map(|(package, (_, new))| Edit { range: package.range.clone(), text: (*new).to_owned() })
            .collect();
        let Some(first) = edits.first() else { continue };
        // Other managers may resolve in the order of the command.
        let applicability =
            if install.manager.is_system() { Applicability::Safe } else { Applicability::Suggestion };
        let finding = Finding::new(
            first.range.clone(),
            format!(
                "These {} packages are not in order, so that one is hard to find and easily added twice; sort them.",
                words.len()
            ),
        );
        out.push(finding.fix(Fix { title: "Sort the packages".to_owned(), applicability, edits }));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn order() {
        assert_eq!(
            fixed("T008", "FROM a\nRUN apt-get install -y \\\n  wget=1 \\\n  # c\n  curl \\\n  'a' && x\n"),
            "FROM a\nRUN apt-get install -y \\\n  'a' \\\n  # c\n  curl \\\n  wget=1 && x\n"
        );
        for run in ["apt-get install a b", "apt-get install $B a", "npm install ./b a", "apk add b"] {
            assert_eq!(lines("T008", &format!("FROM a\nRUN {run}\n")), [0; 0], "{run}");
        }
        assert_eq!(lines("T008", "FROM a\nRUN [\"apt-get\", \"install\", \"b\", \"a\"]\n"), [0; 0]);
        assert_eq!(lines("T008", "FROM a\nRUN <<EOF\nyarn add b a\nEOF\n"), [3]);
    }
}
