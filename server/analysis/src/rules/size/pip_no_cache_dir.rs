//! S007 `pip-no-cache-dir`.

use layerwise_model::facts::{Argument, Command, Manager};

use super::layers::{Cache, Fixes, Run, about, cache_bytes, call, runs, variable};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "pip-no-cache-dir",
        code: "S007",
        severity: Severity::Info,
        equivalents: &["DL3042"],
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `pip install` that leaves its download cache in the layer: without `--no-cache-dir`, without `PIP_NO_CACHE_DIR=1`,
without a cache mount over `~/.cache/pip` and without removing it in the same RUN.

## Why it matters

pip keeps each archive that it fetches and each wheel that it builds in `~/.cache/pip`, for a next time that never comes
in an image.

## Example

```dockerfile
FROM python:3.12-slim
RUN pip install flask
```

## Use instead

```dockerfile
FROM python:3.12-slim
RUN pip install --no-cache-dir flask
```
";

const CACHE: Cache = Cache {
    dirs: &["/root/.cache/pip"],
    cleans: |c| c.name.starts_with("pip") && c.has("cache") && (c.has("purge") || c.has("dir")),
    fills: |c| c.has("install"),
};

/// Source: pip's documentation on environment variables: a switch takes yes, true, on and 1.
fn is_on(value: &str) -> bool {
    !matches!(value.to_ascii_lowercase().as_str(), "" | "0" | "off" | "no" | "false" | "f" | "n")
}

/// The value that words such as `PIP_NO_CACHE_DIR=1` set.
fn set(words: &[Argument]) -> Option<&str> {
    words.iter().rev().find_map(|word| word.text.strip_prefix("PIP_NO_CACHE_DIR="))
}

/// Whether the environment of command `at` switches the cache off.
fn is_switched_off(cx: &FileCx<'_>, run: &Run<'_>, at: usize) -> bool {
    let commands = run.facts.commands.get(..at).unwrap_or_default();
    let own = run.facts.commands.get(at).and_then(|command| set(&command.assignments));
    let exported = || {
        commands.iter().rev().find_map(|command| match command.name.as_str() {
            "export" => set(&command.args),
            "" => set(&command.assignments),
            _ => None,
        })
    };
    let value = own.or_else(exported).or_else(|| variable(cx, run, "PIP_NO_CACHE_DIR"));
    value.is_some_and(is_on)
}

fn keeps(command: &Command) -> bool {
    command.name != "uv"
        && !command.has_flag(&["no-cache-dir", "no-cache", "cache-dir", "dry-run"])
        && !command.has_flag(&["help", "h"])
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let fixes = Fixes::new(cx);
    let mut emptied = None;
    for run in runs(cx) {
        for install in run.facts.installs.iter().filter(|install| install.manager == Manager::Pip) {
            let at = install.command;
            let command = &run.facts.commands[at];
            if !keeps(command) || !CACHE.stays(&run, at) || is_switched_off(cx, &run, at) {
                continue;
            }
            if emptied.get_or_insert_with(|| CACHE.last_emptied(cx)).is_some_and(|last| last > run.number) {
                continue;
            }
            let verb = command.args.iter().find(|arg| arg.text == install.verb);
            // How many packages a file names is not known here.
            let size = cache_bytes(command).filter(|_| !install.from_file);
            let size = size.map_or_else(String::new, |bytes| format!(" ({})", about(bytes)));
            let message = format!(
                "`pip install` leaves its download cache in this layer{size}; use `--no-cache-dir`, or a cache mount over `/root/.cache/pip`."
            );
            let mut finding = Finding::new(call(cx, &run, command, verb), message);
            finding.fixes.extend(verb.and_then(|verb| fixes.flag(&run, command, verb, "--no-cache-dir")));
            out.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn caches_that_stay() {
        check(
            "S007",
            "\
FROM python:3.12-slim
RUN pip install -r requirements.txt
    ^^^^^^^^^^^ in this layer; use
RUN x; python3 -m pip install flask
       ^^^^^^^^^^^^^^^^^^^^^^ in this layer (~3.8 MB)
RUN PIP_NO_CACHE_DIR=off pip3 install x
                         ^^^^^^^^^^^^ in this layer
",
        );
        let at = |text: &str| lines("S007", &format!("FROM python:3.12\n{text}\n"));
        for text in [
            "RUN pip install x --no-cache-dir",
            "RUN pip --no-cache-dir install x",
            "ENV PIP_NO_CACHE_DIR=1\nRUN pip install x",
            "RUN PIP_NO_CACHE_DIR=true pip install x",
            "RUN export PIP_NO_CACHE_DIR=on && pip install x",
            "RUN pip install x && rm -rf ~/.cache",
            "RUN pip install x && rm -rf /home/app/.cache/pip",
            "RUN pip install x && pip cache purge",
            "RUN --mount=type=cache,target=/root/.cache pip install x",
            "RUN --mount=type=cache,target=/home/app/.cache/pip pip install x",
            "RUN pipx install x",
            "RUN uv pip install --system x",
            "RUN pip install x && (",
        ] {
            assert_eq!(at(text), [0; 0], "{text}");
        }
        assert_eq!(at("ENV PIP_NO_CACHE_DIR=0\nRUN pip install x"), [3]);
        assert_eq!(lines("S007", "ENV PIP_NO_CACHE_DIR=yes\nRUN pip install x\n"), [0; 0]);
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S007", "FROM a\nRUN pip -q install \\\n  a && pip install b\n"),
            "FROM a\nRUN pip -q install --no-cache-dir \\\n  a && pip install --no-cache-dir b\n"
        );
    }
}
