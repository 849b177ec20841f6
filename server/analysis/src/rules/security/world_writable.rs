//! X017 `world-writable`.

use layerwise_model::facts::Argument;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "world-writable",
        code: "X017",
        severity: Severity::Warning,
        equivalents: &["tally/world-writable-state-path-workaround"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds files that everyone may write: `chmod 777`, `chmod a+w`, `mkdir -m 777`, `COPY --chmod=777`. With the
sticky bit (`1777`), and for `/tmp`, that is how it has to be.

## Why it matters

Every user in the container can change the files, so whoever breaks into one program can put code into another.
Mostly the owner was wrong: `COPY --chown` or `chown` for the user that needs it is enough.

## Example

```dockerfile
FROM debian:12
RUN mkdir /data && chmod -R 777 /data
```

## Use instead

```dockerfile
FROM debian:12
RUN mkdir /data && chown 1000 /data
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let say = |mode: &str| {
        format!(
            "Mode `{mode}` lets every user in the container write here; give the files to the user that needs them with `chown`, or with `--chown` of COPY."
        )
    };
    match cx.instruction.kind() {
        Some(Keyword::Copy | Keyword::Add) => {
            let Some(flag) = cx.instruction.flag_word("chmod") else { return };
            let mode = cx.instruction.flag("chmod").unwrap_or_default();
            if is_open(mode) {
                out.push(Finding::new(flag.range.clone(), say(mode)));
            }
        }
        Some(Keyword::Run) => {
            for command in &cx.facts.commands {
                let mode: Option<&Argument> = match command.name.as_str() {
                    "chmod" => command.args.iter().find(|arg| !is_option(&arg.text)),
                    "mkdir" | "install" => value_of_mode(&command.args),
                    _ => None,
                };
                let Some(mode) = mode.filter(|mode| is_open(mode_of(&mode.text))) else { continue };
                let shared = |arg: &&Argument| {
                    matches!(arg.text.trim_end_matches('/'), "/tmp" | "/var/tmp" | "/dev/shm")
                        || arg.text.starts_with("/dev/")
                };
                if command.operands().any(|arg| shared(&arg)) {
                    continue;
                }
                out.push(Finding::new(mode.range.clone(), say(mode_of(&mode.text))));
            }
        }
        _ => {}
    }
}

/// `-R`, not `-rwx`, which takes rights away.
fn is_option(text: &str) -> bool {
    text.starts_with("--") || (text.starts_with('-') && text[1..].chars().all(|c| "Rcfv".contains(c)))
}

/// The argument that holds the mode of mkdir or install: the one behind `-m`, or the flag itself.
fn value_of_mode(args: &[Argument]) -> Option<&Argument> {
    let at = args.iter().position(|arg| {
        let short = arg.text.starts_with('-') && !arg.text.starts_with("--") && arg.text.ends_with('m');
        short
            || arg.text == "--mode"
            || arg.text.starts_with("--mode=")
            || (arg.text.starts_with("-m") && arg.text.len() > 2)
    })?;
    let own =
        args[at].text.starts_with("--mode=") || (args[at].text.starts_with("-m") && args[at].text.len() > 2);
    if own { args.get(at) } else { args.get(at + 1) }
}

fn mode_of(text: &str) -> &str {
    let text = text.strip_prefix("--mode=").unwrap_or(text);
    text.strip_prefix("-m").unwrap_or(text)
}

/// Whether a mode lets others write, without the sticky bit.
fn is_open(mode: &str) -> bool {
    if !mode.is_empty() && mode.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) {
        let digits = mode.trim_start_matches('0');
        let sticky = digits.len() == 4 && matches!(digits.as_bytes()[0], b'1' | b'3' | b'5' | b'7');
        let others = mode.bytes().next_back().unwrap_or(b'0') - b'0';
        return mode.len() >= 3 && others & 2 != 0 && !sticky;
    }
    mode.split(',').any(|clause| {
        let Some(at) = clause.find(['+', '=']) else { return false };
        let (who, what) = clause.split_at(at);
        let everyone = who.contains(['a', 'o']);
        let what = what[1..].split(['-', '+', '=']).next().unwrap_or_default();
        everyone && what.contains('w') && !what.contains('t')
    })
}

#[cfg(test)]
mod tests {
    use super::is_open;
    use crate::rules::testing::{check, lines};

    #[test]
    fn modes() {
        for mode in ["777", "0777", "666", "776", "a+rwx", "a=rwx", "ugo+w", "o+w", "u=rwx,o=rw", "2777"] {
            assert!(is_open(mode), "{mode}");
        }
        for mode in [
            "755",
            "1777",
            "01777",
            "775",
            "+x",
            "a+rx",
            "o-w",
            "u+w",
            "g+w",
            "u=rwX,go=rX",
            "$MODE",
            "",
            "7",
            "a+rwxt",
            "+w",
        ] {
            assert!(!is_open(mode), "{mode}");
        }
        check(
            "X017",
            "\
FROM a
RUN mkdir x && chmod -R 777 x
                        ^^^ `777`
COPY --chmod=777 a b
     ^^^^^^^^^^^ `777`
RUN chmod 777 /tmp && chmod -wx y && chmod u+x 777
RUN mkdir -pm 777 /a && install -d -m0777 /b && mkdir --mode=755 /c
              ^^^ write here
                                   ^^^^^^ write here
",
        );
        assert_eq!(lines("X017", "ONBUILD RUN chmod a+w x\n"), [1]);
    }
}
