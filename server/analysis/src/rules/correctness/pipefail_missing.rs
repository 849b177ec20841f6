//! E048 `pipefail-missing`.

use layerwise_model::facts::{BaseFacts, Command, Shell, Tool};
use layerwise_syntax::{Form, Keyword};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "pipefail-missing",
        code: "E048",
        severity: Severity::Warning,
        equivalents: &["DL4006"],
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds pipes in RUN in a shell without `pipefail`. Pipes whose left side is only `echo`, `printf` or `yes` are fine.

## Why it matters

The status of a pipe is that of its last command. If the download on the left fails, the RUN succeeds, and the layer without
the file is kept in the cache.

## Example

```dockerfile
FROM debian:12
RUN curl -fsSL https://example.com/setup.sh | bash
```

## Use instead

```dockerfile
FROM debian:12
SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]
RUN curl -fsSL https://example.com/setup.sh | bash
```
";

/// Programs that do not fail, so that nothing is lost where they stand on the left.
const NEVER_FAIL: [&str; 7] = ["echo", "printf", "yes", "true", ":", "cat", "env"];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let mut fixed_stage = None;
    for (number, placed, instruction) in cx.file.all() {
        let facts = &cx.facts.instructions[number];
        let inner = instruction.trigger().unwrap_or(instruction);
        if facts.pipelines.is_empty() || inner.kind() != Some(Keyword::Run) || inner.form() != Form::Shell {
            continue;
        }
        let shell = cx.eval.step(number).state.shell.as_deref();
        if shell.is_some_and(|words| words.iter().any(|word| word.contains("pipefail"))) {
            continue;
        }
        let Some(script) = inner.script() else { continue };
        if sets_pipefail(&facts.commands, script.text()) {
            continue;
        }
        let Some((pipeline, left)) = facts.pipelines.iter().find_map(|pipeline| {
            let within = |c: &&Command| {
                pipeline.script_range.start <= c.script_range.start
                    && c.script_range.end <= pipeline.script_range.end
            };
            // What comes last is what the status is of.
            let mut commands: Vec<&Command> = facts.commands.iter().filter(within).collect();
            commands.pop();
            let left = commands.into_iter().find(|c| !c.name.is_empty() && can_fail(c))?;
            Some((pipeline, left.name.as_str()))
        }) else {
            continue;
        };
        let stage = cx.file.stage_of(number).map(|stage| stage.index);
        let base = stage.and_then(|stage| cx.facts.stages.get(stage)).map(|facts| &facts.base);
        let (setting, hint) = setting(base, facts.shell, shell);
        let message = format!(
            "If `{left}` fails, this RUN succeeds all the same: a pipe has the status of its last command; {hint}."
        );
        let finding = Finding::new(cx.file.absolute(number, pipeline.range.clone()), message);
        out.push(match setting.filter(|_| fixed_stage != Some(stage) && instruction.trigger().is_none()) {
            Some(setting) => {
                fixed_stage = Some(stage);
                let at = placed.start..placed.start;
                finding.fix(Fix::replace(format!("Add `{setting}` above"), at, format!("{setting}\n")))
            }
            None => finding,
        });
    }
}

/// Whether a command on the left of a pipe may fail; `cat file` may, `cat` of a heredoc does not.
fn can_fail(command: &Command) -> bool {
    match command.name.as_str() {
        "cat" => {
            let mut files = command.operands().peekable();
            let system = ["/etc/", "/proc/"];
            files.peek().is_some() && !files.any(|file| system.iter().any(|dir| file.text.starts_with(dir)))
        }
        name => !NEVER_FAIL.contains(&name),
    }
}

/// Whether a script switches it on itself.
fn sets_pipefail(commands: &[Command], text: &str) -> bool {
    text.contains("pipefail")
        && commands.iter().any(|c| {
            (c.name == "set" && c.args.iter().any(|arg| arg.text == "pipefail"))
                || c.args.iter().any(|arg| arg.text.contains("pipefail"))
        })
}

/// The SHELL to set, if the base image has such a shell, and what to say.
fn setting(
    base: Option<&BaseFacts>,
    shell: Option<Shell>,
    words: Option<&[String]>,
) -> (Option<&'static str>, String) {
    const BASH: &str = "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]";
    const ASH: &str = "SHELL [\"/bin/ash\", \"-o\", \"pipefail\", \"-c\"]";
    if let (Some(Shell::Bash), Some(first)) = (shell, words.and_then(|words| words.first())) {
        return (None, format!("add `-o pipefail` to SHELL with `{first}`"));
    }
    let default = base.and_then(BaseFacts::shell).flatten();
    let has_bash = base.is_some_and(|base| base.has(Tool::Bash) == Some(true));
    match (shell, default) {
        (None, Some(Shell::Ash)) => (Some(ASH), format!("write `{ASH}` above")),
        (None, Some(Shell::Dash)) => {
            let setting = has_bash.then_some(BASH);
            (setting, format!("dash may have no `pipefail`, so write `{BASH}` above"))
        }
        (None, _) if has_bash => (Some(BASH), format!("write `{BASH}` above")),
        _ => (None, format!("write `{BASH}` above if the image has bash")),
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn pipes() {
        check(
            "E048",
            "\
FROM debian:12
RUN curl x | bash
    ^^^^^^^^^^^^^ If `curl` fails
RUN a && V=$(wget -O- y | grep z)
             ^^^^^^^^^^^^^^^^^^^ If `wget` fails
RUN set -o pipefail && curl x | bash
RUN set -euo pipefail; curl x | bash
RUN echo a | tee b
RUN bash -o pipefail -c 'curl x | bash'
CMD curl x | bash
SHELL [\"/bin/bash\", \"-eo\", \"pipefail\", \"-c\"]
RUN curl x | bash
SHELL [\"/bin/bash\", \"-c\"]
RUN curl x | bash
    ^^^^^^^^^^^^^ add `-o pipefail` to SHELL
SHELL [\"pwsh\", \"-c\"]
RUN Get-X | Select-Object y
",
        );
        assert_eq!(lines("E048", "RUN wget -O - x | wc -l > /y\n"), [1]);
        assert_eq!(lines("E048", "FROM a\nONBUILD RUN wget -O - x | wc -l\n"), [2]);
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("E048", "FROM alpine:3\nRUN wget x | sh\nRUN wget y | sh\n"),
            "FROM alpine:3\nSHELL [\"/bin/ash\", \"-o\", \"pipefail\", \"-c\"]\nRUN wget x | sh\nRUN wget y | sh\n"
        );
        assert_eq!(
            fixed("E048", "FROM debian:12\nRUN wget x | sh\n"),
            "FROM debian:12\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN wget x | sh\n"
        );
        assert_eq!(fixed("E048", "FROM x\nRUN wget x | sh\n"), "FROM x\nRUN wget x | sh\n");
    }
}
