//! R005 `pip-unpinned`.

use layerwise_model::facts::{Command, Install, Manager, Package};
use layerwise_syntax::Keyword;

use super::pins::{self, Unpinned};
use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "pip-unpinned",
        code: "R005",
        severity: Severity::Warning,
        equivalents: &["DL3013"],
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds packages that pip (also as `python -m pip` and `uv pip`) or pipx install without a version. A constraint
such as `>=1.2` counts as one, and so does a reference behind `git+https://...@`; nothing is said where a
constraints file is given.

## Why it matters

Without a version the command takes what is newest when the layer is built. The same file builds another image
after the next release, and a layer in the cache hides that for as long as it stays there.

## Example

```dockerfile
FROM python:3.12
RUN pip install flask
```

## Use instead

```dockerfile
FROM python:3.12
RUN pip install flask==3.0.3
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    for (install, command) in pins::installs(cx, &[Manager::Pip]) {
        if skips(install, command) {
            continue;
        }
        let unpinned: Vec<Unpinned> = install
            .packages
            .iter()
            .filter(|package| is_unpinned(cx, package))
            .map(|package| Unpinned { name: package.name.clone(), range: package.range.clone() })
            .collect();
        let Some(first) = unpinned.first() else { continue };
        let example = format!("{}==<version>", first.name);
        pins::report(&unpinned, &example, out);
    }
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in cx.facts.named("pipx") {
        let mut words = command.operands_without(&[
            "--python",
            "--pip-args",
            "--index-url",
            "-i",
            "--suffix",
            "--preinstall",
        ]);
        if words.next().is_none_or(|verb| verb.text != "install") {
            continue;
        }
        let unpinned: Vec<Unpinned> = words
            .filter(|word| word.literal && !is_pinned(&word.text))
            .map(|word| Unpinned { name: word.text.clone(), range: word.range.clone() })
            .collect();
        let Some(first) = unpinned.first() else { continue };
        let example = format!("{}==<version>", first.name);
        pins::report(&unpinned, &example, out);
    }
}

/// With a constraints file the versions stand there.
fn skips(_: &Install, command: &Command) -> bool {
    command.has_flag(&["c", "constraint", "constraints", "build-constraint"])
}

fn is_unpinned(_: &InstructionCx<'_>, package: &Package) -> bool {
    !is_pinned(&package.text) && (package.literal || !package.text.contains(['$', '`']))
}

/// Whether a requirement says which version it wants, or names a file or folder.
fn is_pinned(text: &str) -> bool {
    if let Some(git) = text.strip_prefix("git+") {
        // What stands in front of the host may have the sign too: `ssh://git@host/path`.
        let path = git.split_once("://").map_or(git, |(_, rest)| rest);
        return path.split_once('/').is_some_and(|(_, path)| path.contains('@'));
    }
    text.contains(['=', '<', '>', '~', '!', '@', '/'])
        || text.starts_with('.')
        || [".whl", ".tar.gz", ".tar", ".zip", ".tar.bz2"].iter().any(|end| text.ends_with(end))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn versions() {
        for script in [
            "pip2 install MySQL_python",
            "python -m pip install --index-url url example",
            "pip install git+https://github.com/a/b.git#egg=b",
            "pipx install black",
            "pip install -r r.txt flask",
            "pip install a==1 b[c]",
            "pip install --root-user-action=ignore mypkg",
        ] {
            assert_eq!(lines("R005", &format!("FROM debian:12\nRUN {script}\n")), [2], "{script}");
            assert_eq!(lines("R005", &format!("ONBUILD RUN {script}\n")), [1], "{script}");
        }
        for script in [
            "pip install a==1",
            "pip install a~=1",
            "pip install -r requirements.txt",
            "pip install .",
            "pip install git+ssh://github.com/a/b.git@0.6#egg=b",
            "pip install foo/bar",
            "pip install 'a>=0.7'",
            "pip install x -c http://foo",
            "pipx install --python \"$(which python)\" \"poetry==1.8.5\"",
            "pip install $X",
            "pipenv install black",
            "pip install \"a==$V\"",
            "pip install --no-cache-dir --root-user-action ignore poetry==1.8.5",
        ] {
            assert_eq!(lines("R005", &format!("FROM debian:12\nRUN {script}\n")), [0; 0], "{script}");
        }
    }
}
