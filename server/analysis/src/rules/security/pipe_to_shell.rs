//! X010 `pipe-to-shell`.

use layerwise_model::facts::Command;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta { name: "pipe-to-shell", code: "X010", severity: Severity::Info, doc: DOC, ..Meta::DEFAULT },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds what curl or wget fetch being run at once: `curl ... | sh`, `bash -c \"$(curl ...)\"`, `sh <(curl ...)`.

## Why it matters

Nothing checks what comes, so whoever gets into the server or the name service runs commands in the build. If
the download breaks off, half of the script has run, and without `pipefail` the RUN still succeeds when curl
fails.

## Example

```dockerfile
FROM debian:12
RUN curl -fsSL https://example.com/install.sh | sh
```

## Use instead

```dockerfile
FROM debian:12
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/install.sh /tmp/install.sh
RUN sh /tmp/install.sh
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    let commands = &cx.facts.commands;
    let mut last_end = 0;
    for pipeline in &cx.facts.pipelines {
        // Commands stand in the order of the script.
        let inside = commands.iter().filter(|c| within(&c.script_range, &pipeline.script_range));
        let mut fetch: Option<&Command> = None;
        for command in inside {
            if is_fetch(command) {
                fetch = Some(command);
            } else if let Some(fetch) =
                fetch.filter(|fetch| fetch.script_range.end <= command.script_range.start)
                && runs_input(command)
            {
                out.push(Finding::new(pipeline.range.clone(), message(fetch, &command.name)));
                last_end = pipeline.script_range.end;
                break;
            }
        }
    }
    // Substitutions: the fetch stands within the words of the shell.
    for fetch in commands.iter().filter(|c| is_fetch(c) && c.script_range.start >= last_end) {
        let outer = commands.iter().find(|c| {
            within(&fetch.script_range, &c.script_range)
                && c.script_range != fetch.script_range
                && (is_shell(&c.name) && takes_text(c) || matches!(c.name.as_str(), "eval" | "source" | "."))
        });
        if let Some(outer) = outer {
            out.push(Finding::new(outer.range.clone(), message(fetch, &outer.name)));
        }
    }
}

fn message(fetch: &Command, shell: &str) -> String {
    format!(
        "`{shell}` runs whatever `{}` gets, unchecked; fetch it into a file with `ADD --checksum=sha256:...`, and run that.",
        fetch.name
    )
}

fn within(inner: &std::ops::Range<usize>, outer: &std::ops::Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

fn is_fetch(command: &Command) -> bool {
    matches!(command.name.as_str(), "curl" | "wget")
}

fn is_shell(name: &str) -> bool {
    matches!(name, "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh")
}

/// `bash -c "$(...)"` and `bash <(...)`.
fn takes_text(command: &Command) -> bool {
    command.args.iter().any(|arg| {
        !arg.literal && (arg.text.contains("$(") || arg.text.contains('`') || arg.text.starts_with("<("))
    })
}

/// Whether a program runs what it reads: a shell or an interpreter without a script of its own.
fn runs_input(command: &Command) -> bool {
    let interpreter =
        matches!(command.name.as_str(), "python" | "python2" | "python3" | "perl" | "ruby" | "node" | "php");
    if !is_shell(&command.name) && !interpreter {
        return false;
    }
    let first =
        command.args.iter().find(|arg| !matches!(arg.text.as_str(), "-e" | "-x" | "-ex" | "-xe" | "-u"));
    match first.map(|arg| arg.text.as_str()) {
        None | Some("-") => true,
        Some("-s" | "-es" | "-s-" | "--") => is_shell(&command.name),
        Some(text) => {
            is_shell(&command.name)
                && text.starts_with('-')
                && !text.starts_with("--")
                && text.contains('s')
                && !text.contains('c')
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn pipes() {
        check(
            "X010",
            "\
FROM a
RUN x && curl -fsSL https://x | sudo -E bash - && y
         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `bash` runs whatever `curl` gets
RUN curl x | tar xz; wget -qO- x | sh -s -- -y
                     ^^^^^^^^^^^^^^^^^^^^^^^^^ `wget` gets
",
        );
        for (script, found) in [
            ("bash -c \"$(curl -fsSL https://x)\"", true),
            ("bash <(curl -s https://x)", true),
            ("eval \"$(wget -O- https://x)\"", true),
            ("curl x | python3 -", true),
            ("curl x | tee y | bash", true),
            ("curl x | python3 -m json.tool", false),
            ("curl x | python -c 'import json'", false),
            ("curl x | bash y.sh", false),
            ("curl -o x y && bash x", false),
            ("curl x | jq .a | xargs sh -c 'x'", false),
            ("V=$(curl x) && bash y", false),
            ("sh -c 'curl x'", false),
        ] {
            assert_eq!(!lines("X010", &format!("FROM a\nRUN {script}\n")).is_empty(), found, "{script}");
        }
    }
}
