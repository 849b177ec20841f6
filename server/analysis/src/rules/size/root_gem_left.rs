//! S040 `root-gem-left`.

use layerwise_model::facts::Command;

use super::layers::{Fixes, mounted, runs};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "root-gem-left",
        code: "S040",
        severity: Severity::Hint,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `gem update --system` that leaves the list of all gems in the home directory, in the stages that the image is made of.

## Why it matters

RubyGems downloads an index of all gems, and keeps it in `~/.gem` or, since version 3.3, in `~/.cache/gem`. Nothing in the
image reads it.

## Example

```dockerfile
FROM ruby:3.3-slim
RUN gem update --system 3.5.16
```

## Use instead

```dockerfile
FROM ruby:3.3-slim
RUN gem update --system 3.5.16 && rm -rf /root/.gem /root/.cache/gem
```
";

/// Whether a path is that of the index, or of a folder that it is in.
fn is_home(path: &str) -> bool {
    path.contains(".gem") || path.contains(".cache") || path.ends_with("/root")
}

/// The last RUN that deletes it.
fn last_deleted_in(cx: &FileCx<'_>) -> Option<usize> {
    let deletes = |c: &Command| c.name == "rm" && c.args.iter().any(|arg| is_home(&arg.text));
    runs(cx).filter(|run| run.facts.commands.iter().any(deletes)).map(|run| run.number).last()
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let mut last_deleted = None;
    let fixes = Fixes::new(cx);
    for run in runs(cx) {
        let commands = &run.facts.commands;
        let Some(command) = commands
            .iter()
            .rfind(|c| c.name == "gem" && c.subcommand() == Some("update") && c.has_flag(&["system"]))
        else {
            continue;
        };
        let gone = *last_deleted.get_or_insert_with(|| last_deleted_in(cx)) >= Some(run.number);
        if run.facts.unclear || gone || mounted(run.instruction).iter().any(|target| is_home(target)) {
            continue;
        }
        let message = "`gem update --system` leaves its index of all gems in this layer, in `~/.gem` or `~/.cache/gem`; delete it in the same RUN.";
        let mut finding = Finding::new(cx.file.absolute(run.number, command.range.clone()), message);
        if matches!(run.state.user.as_str(), "" | "root" | "0") {
            finding.fixes.extend(fixes.append(&run, command, "rm -rf /root/.gem /root/.cache/gem"));
        }
        out.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn indexes_that_stay() {
        check(
            "S040",
            "\
FROM ruby:3
RUN gem update --system && gem install a
    ^^^^^^^^^^^^^^^^^^^ leaves its index
",
        );
        for text in [
            "FROM ruby\nRUN gem update --system && rm -rf /root/.gem\n",
            "FROM ruby\nRUN gem update rake\n",
            "FROM ruby AS b\nRUN gem update --system\nFROM ruby\n",
        ] {
            assert_eq!(lines("S040", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S040", "FROM ruby\nRUN gem update --system\n"),
            "FROM ruby\nRUN gem update --system && \\\n    rm -rf /root/.gem /root/.cache/gem\n"
        );
    }
}
