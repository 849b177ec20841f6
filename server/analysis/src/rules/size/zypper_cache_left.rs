//! S011 `zypper-cache-left`.

use layerwise_model::facts::Command;

use super::layers::{Cache, Fixes, call, runs};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "zypper-cache-left",
        code: "S011",
        severity: Severity::Info,
        equivalents: &["DL3036"],
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds zypper that installs or updates packages and leaves its cache in the layer: without `zypper clean` in the same RUN,
and without a mount over `/var/cache/zypp`.

## Why it matters

The cache holds the metadata of every repository, tens of megabytes that nothing in the image reads.

## Example

```dockerfile
FROM opensuse/leap:15.6
RUN zypper --non-interactive install nginx
```

## Use instead

```dockerfile
FROM opensuse/leap:15.6
RUN zypper --non-interactive install nginx && zypper clean --all
```
";

const CACHE: Cache = Cache {
    dirs: &["/var/cache/zypp"],
    cleans: |c| c.name == "zypper" && (c.has("clean") || c.has("cc")),
    fills: |c| c.name == "zypper",
};

/// Source: zypper(8).
const FETCHING: [&str; 13] = [
    "install",
    "in",
    "update",
    "up",
    "patch",
    "dist-upgrade",
    "dup",
    "source-install",
    "si",
    "install-new-recommends",
    "inr",
    "refresh",
    "ref",
];

/// Global flags whose value is the next word.
const VALUED: [&str; 8] =
    ["-R", "--root", "-D", "--reposd-dir", "-C", "--cache-dir", "--plus-repo", "--releasever"];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let fixes = Fixes::new(cx);
    for run in runs(cx) {
        let verb = |command: &'_ Command| {
            let verb = command.operands_without(&VALUED).next().cloned();
            verb.filter(|v| command.name == "zypper" && FETCHING.contains(&v.text.as_str()))
        };
        let last = run.facts.commands.iter().enumerate().rev().find_map(|(at, c)| Some((at, c, verb(c)?)));
        let Some((at, command, verb)) = last else { continue };
        if command.has_flag(&["root", "R", "cache-dir", "C"]) || !CACHE.stays(&run, at) {
            continue;
        }
        let message = format!(
            "`zypper {}` leaves the repositories' metadata in this layer; add `zypper clean --all` to the same RUN.",
            verb.text
        );
        let mut finding = Finding::new(call(cx, &run, command, Some(&verb)), message);
        finding.fixes.extend(fixes.append(&run, command, "zypper clean --all"));
        out.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn caches_that_stay() {
        check(
            "S011",
            "\
FROM opensuse/leap:15
RUN zypper clean && zypper -n in a
                    ^^^^^^^^^^^^ `zypper in` leaves
",
        );
        for run in [
            "zypper in a && zypper cc",
            "zypper in a && zypper -n clean -a",
            "zypper in a; rm -rf /var/cache/zypp/*",
            "--mount=type=cache,target=/var/cache/zypp zypper in a",
            "zypper rm a",
        ] {
            assert_eq!(lines("S011", &format!("FROM a\nRUN {run}\n")), [0; 0], "{run}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S011", "FROM a\nRUN zypper in a\n"),
            "FROM a\nRUN zypper in a && \\\n    zypper clean --all\n"
        );
    }
}
