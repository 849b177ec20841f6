//! E098 `cache-mount-permission`.

use layerwise_model::eval::Command;
use layerwise_syntax::mount::MountKind;

use crate::ranges::is_verbatim;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "cache-mount-permission",
        code: "E098",
        severity: Severity::Error,

        fix: FixClass::Suggestion,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds cache mounts in a RUN of a user that is not root, without `uid=`.

## Why it matters

A cache is made for root, with mode 0755. Another user cannot write to it, so the command fails or goes on without the cache.

## Example

```dockerfile
FROM node:22
USER 1000
RUN --mount=type=cache,target=/home/node/.npm npm ci
```

## Use instead

```dockerfile
FROM node:22
USER 1000
RUN --mount=type=cache,target=/home/node/.npm,uid=1000 npm ci
```
";

/// Source: the reference of RUN --mount=type=cache: `uid`, `gid` and `mode`.
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let Command::Run(run) = &cx.step.command else { return };
    if run.mounts.is_empty() || cx.onbuild {
        return;
    }
    let identity = cx.step.state.user.as_str();
    let (user, group) = identity.split_once(':').unwrap_or((identity, ""));
    let sudo = cx.facts.commands.iter().any(|command| command.wrappers.iter().any(|w| w == "sudo"));
    if matches!(user, "" | "root" | "0") || user.contains('$') || sudo {
        return;
    }
    let words: Vec<_> = cx.instruction.flag_values_words("mount").map(|(_, word)| word).collect();
    for (at, (mount, _)) in run.mounts.iter().enumerate() {
        let open = mount.mode.is_some_and(|mode| mode & 0o002 != 0);
        if mount.kind != MountKind::Cache
            || mount.uid.is_some()
            || mount.gid.is_some()
            || mount.read_only
            || open
        {
            continue;
        }
        let Some(word) = words.get(at) else { continue };
        let message = format!(
            "The cache at `{}` belongs to root, and this RUN is `{user}`'s, who cannot write to it; add `uid=` and `gid=`.",
            mount.target
        );
        let finding = Finding::new(crate::ranges::on_first_line(cx.instruction, &word.range), message);
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let end = word.range.end..word.range.end;
        out.push(if number(user) && is_verbatim(cx.instruction, word) {
            let gid = if number(group) { format!(",gid={group}") } else { String::new() };
            finding.fix(Fix::replace(format!("Add `uid={user}{gid}`"), end, format!(",uid={user}{gid}")))
        } else {
            finding
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn finds() {
        check(
            "E098",
            "FROM a\nUSER app\nRUN --mount=type=cache,target=/c x\n    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this RUN is `app`'s\n",
        );
        for run in [
            "--mount=type=cache,target=/c,uid=5 x",
            "--mount=type=cache,target=/c,mode=0777 x",
            "--mount=type=bind,target=/c x",
            "--mount=type=cache,target=/c sudo x",
        ] {
            assert!(lines("E098", &format!("FROM a\nUSER app\nRUN {run}\n")).is_empty(), "{run}");
        }
        assert!(lines("E098", "FROM a\nRUN --mount=type=cache,target=/c x\n").is_empty());
        assert!(
            lines("E098", "FROM a\nUSER app\nUSER root\nRUN --mount=type=cache,target=/c x\n").is_empty()
        );
        assert_eq!(
            fixed("E098", "FROM a\nUSER 10:20\nRUN --mount=type=cache,target=/c x\n"),
            "FROM a\nUSER 10:20\nRUN --mount=type=cache,target=/c,uid=10,gid=20 x\n"
        );
    }
}
