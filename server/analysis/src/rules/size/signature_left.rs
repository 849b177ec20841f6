//! S039 `signature-left`.

use super::layers::{Fixes, holds, mounted, runs};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "signature-left",
        code: "S039",
        severity: Severity::Hint,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds RUNs that download a signature, verify it with gpg and leave it in the layer, in the stages that the image is made of.

## Why it matters

Once it has been verified, nothing needs the signature. It is small, but it stays beside the program for good, and its name
says nothing to whoever finds it there.

## Example

```dockerfile
FROM debian:12
RUN curl -fsSLO https://example.com/app && curl -fsSLO https://example.com/app.asc && gpg --verify app.asc app
```

## Use instead

```dockerfile
FROM debian:12
RUN curl -fsSLO https://example.com/app && curl -fsSLO https://example.com/app.asc && gpg --verify app.asc app && rm app.asc
```
";

/// What the names of signatures end in.
const ENDS: [&str; 4] = [".asc", ".sig", ".sign", ".gpg"];

/// How many signatures of one RUN are followed.
const MAX_LOOKS: usize = 32;

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let fixes = Fixes::new(cx);
    for run in runs(cx) {
        let commands = &run.facts.commands;
        let mut looked = 0;
        for (at, command) in commands.iter().enumerate() {
            let gpg = matches!(command.name.as_str(), "gpg" | "gpg2" | "gpgv");
            if !gpg || run.facts.unclear || !(command.name == "gpgv" || command.has_flag(&["verify"])) {
                continue;
            }
            let Some(signature) =
                command.operands().find(|arg| ENDS.iter().any(|end| bare(&arg.text).ends_with(end)))
            else {
                continue;
            };
            if looked == MAX_LOOKS {
                break;
            }
            looked += 1;
            let path = bare(&signature.text);
            let name = path.rsplit('/').next().unwrap_or(path);
            let fetched = commands[..at].iter().any(|c| {
                matches!(c.name.as_str(), "curl" | "wget" | "aria2c")
                    && c.args.iter().any(|arg| bare(&arg.text).ends_with(name))
            });
            // One rm of a folder or pattern may be its own.
            let gone = commands.iter().any(|c| match c.name.as_str() {
                "rm" | "find" | "mv" | "trap" | "unlink" | "shred" => c.args.iter().any(|arg| {
                    let text = bare(&arg.text);
                    // The keyring's folder holds no signature.
                    if arg.is_flag() || text.contains("GNUPG") {
                        return false;
                    }
                    text.ends_with(name)
                        || text.contains(['*', '{', '?'])
                        || c.has_flag(&["r", "R"])
                        || c.name != "rm"
                }),
                _ => false,
            });
            let mounted = mounted(run.instruction).iter().any(|target| holds(target, path));
            if !fetched || gone || mounted {
                continue;
            }
            let message = format!(
                "`{name}` stays in this layer, although nothing needs it once it has been verified; delete it in the same RUN."
            );
            let mut finding = Finding::new(cx.file.absolute(run.number, command.range.clone()), message);
            let stays = path.starts_with(['/', '$']) || run.facts.named("cd").next().is_none();
            let source = run.instruction.source();
            if let Some(text) =
                source.get(signature.range.clone()).filter(|text| stays && !text.contains('\n'))
            {
                finding.fixes.extend(fixes.append(&run, command, &format!("rm {text}")));
            }
            out.push(finding);
        }
    }
}

fn bare(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn signatures_that_stay() {
        check(
            "S039",
            "\
FROM debian
RUN curl -o /x.asc https://x/x.asc && gpg --batch --verify /x.asc /x
                                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `x.asc` stays
",
        );
        for text in [
            "FROM a\nRUN curl -O https://x/x.asc && gpg --verify x.asc x && rm x.asc\n",
            "FROM a\nRUN curl -O https://x/x.asc && gpg --verify x.asc x && rm -rf /tmp/x\n",
            "FROM a\nRUN curl -O https://x/x.asc && gpg --verify x.asc x && rm *.asc\n",
            "FROM a\nRUN gpg --verify x.asc x\n",
            "FROM a AS b\nRUN curl -O https://x/x.asc && gpg --verify x.asc x\nFROM a\n",
        ] {
            assert_eq!(lines("S039", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S039", "FROM a\nRUN wget https://x/x.sig && gpg --verify x.sig x\n"),
            "FROM a\nRUN wget https://x/x.sig && gpg --verify x.sig x && \\\n    rm x.sig\n"
        );
    }
}
