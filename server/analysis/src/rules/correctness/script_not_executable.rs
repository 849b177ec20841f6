//! E072 `script-not-executable`.

use layerwise_model::eval::Command;

use super::started_scripts::{started, treated};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "script-not-executable",
        code: "E072",
        severity: Severity::Error,
        fix: FixClass::Safe,
        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds scripts of the build context that the image starts and that are not executable there: the file has no `x` bit, COPY has no `--chmod`, and no RUN changes it.

## Why it matters

COPY keeps the mode of the file. Starting it fails with \"permission denied\", in the build or only when the container starts.

## Example

The script has mode 0644:

```sh entrypoint.sh 0644
#!/bin/sh
exec \"$@\"
```

```dockerfile
FROM alpine:3.20
COPY entrypoint.sh /entrypoint.sh
ENTRYPOINT [\"/entrypoint.sh\"]
```

## Use instead

```dockerfile
FROM alpine:3.20
COPY --chmod=0755 entrypoint.sh /entrypoint.sh
ENTRYPOINT [\"/entrypoint.sh\"]
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for script in started(cx) {
        let Command::Copy(copy) = &cx.eval.step(script.by).command else { continue };
        let changed = ["chmod", "install ", "setfacl", "fix-permissions"];
        if script.entry.mode & 0o111 != 0
            || !copy.chmod.is_empty()
            || copy.add && script.source.contains(".tar")
            || treated(cx, script, &changed)
        {
            continue;
        }
        let instruction = cx.file.instruction(script.by).1;
        if instruction.flag_word("chmod").is_some() {
            continue;
        }
        let message = format!(
            "`{}` is not executable: `{}` has mode {:04o} in the build context and COPY keeps that, so starting it fails with \"permission denied\"; copy it with `--chmod=0755`.",
            script.path,
            script.source,
            script.entry.mode & 0o7777
        );
        let finding = Finding::new(script.range.clone(), message)
            .see(cx.file.absolute(script.by, crate::ranges::head(instruction)), "It is copied here");
        let keyword = instruction.keyword();
        let at = cx.file.absolute(script.by, keyword.range.end..keyword.range.end);
        // The mode is for everything that the instruction copies.
        let alone = copy.sources.len() == 1
            && super::image_files::clean(&copy.sources[0]) == script.source
            && copy.inline.is_empty();
        out.push(if alone {
            finding.fix(Fix::replace("Copy it with `--chmod=0755`", at, " --chmod=0755").safe())
        } else {
            finding
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::fix::apply;
    use crate::rules::testing::with_modes;

    #[test]
    fn finds() {
        let count = |mode: u32, text: &str| {
            let files = [("run.sh", mode, "#!/bin/sh\n"), ("bin/go.sh", mode, "#!/bin/sh\n")];
            with_modes("E072", &files, "", &format!("FROM alpine\n{text}\n")).len()
        };
        for (text, expected) in [
            ("COPY run.sh /\nENTRYPOINT [\"/run.sh\"]", 1),
            ("COPY run.sh /usr/local/bin/\nCMD [\"run.sh\", \"x\"]", 1),
            ("WORKDIR /app\nCOPY . .\nRUN ./bin/go.sh && ./run.sh", 2),
            ("COPY run.sh /\nRUN sh /run.sh", 0),
            ("COPY run.sh /\nENTRYPOINT [\"sh\", \"/run.sh\"]", 0),
            ("COPY --chmod=755 run.sh /\nCMD [\"/run.sh\"]", 0),
            ("COPY run.sh /\nRUN chmod +x /run.sh\nCMD [\"/run.sh\"]", 0),
            ("COPY run.sh /\nENTRYPOINT [\"/bin/x\"]\nCMD [\"/run.sh\"]", 0),
            ("COPY run.sh /other.sh\nCMD [\"/run.sh\"]", 0),
            ("COPY run.sh /other.sh\nCMD /other.sh --flag", 1),
        ] {
            assert_eq!(count(0o644, text), expected, "{text}");
            assert_eq!(count(0o755, text), 0, "{text}");
        }
    }

    #[test]
    fn fixes() {
        let text = "FROM a\nCOPY --chown=1 run.sh /\nENTRYPOINT [\"/run.sh\"]\n";
        let found = with_modes("E072", &[("run.sh", 0o644, "")], "", text);
        let fixed = apply(text, &found[0].fixes[0].edits);
        assert_eq!(
            fixed.as_deref(),
            Some("FROM a\nCOPY --chmod=0755 --chown=1 run.sh /\nENTRYPOINT [\"/run.sh\"]\n")
        );
    }
}
