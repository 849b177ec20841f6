//! C026 `chmod-after-copy`.

use layerwise_model::EntryKind;
use layerwise_model::eval::{Command, Copy, Source};
use layerwise_model::gopath::{path_base, path_clean, path_join};
use layerwise_model::selection::has_wildcard;
use layerwise_syntax::Form;

use super::support::move_out;
use crate::diagnostic::Severity;
use crate::fix::{Edit, Fix};
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "chmod-after-copy",
        code: "C026",
        severity: Severity::Info,
        equivalents: &["tally/prefer-copy-chmod"],
        fix: FixClass::Sometimes,
        supersedes: &["recursive-permission-change"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a RUN that does nothing but set the mode of the file that the COPY right above it brought.

## Why it matters

The file is stored a second time with its new mode, and a container is started for it whenever the file changes. `COPY
--chmod` needs neither. The fix is safe where the mode is a number.

## Example

```dockerfile
FROM alpine:3.20
COPY entrypoint.sh /usr/local/bin/entrypoint.sh
RUN chmod 755 /usr/local/bin/entrypoint.sh
```

## Use instead

```dockerfile
FROM alpine:3.20
COPY --chmod=755 entrypoint.sh /usr/local/bin/entrypoint.sh
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        for number in stage.body.clone().skip(1) {
            if let Some(Command::Run(_)) = cx.eval.steps.get(number).map(|s| &s.command) {
                out.extend(changed(cx, number));
            }
        }
    }
}

fn changed(cx: &FileCx<'_>, run: usize) -> Option<Finding> {
    let facts = &cx.facts.instructions[run];
    let [command] = facts.commands.as_slice() else { return None };
    if command.name != "chmod"
        || facts.unclear
        || !command.wrappers.is_empty()
        || !command.redirects.is_empty()
    {
        return None;
    }
    let [mode, path] = command.args.as_slice() else { return None };
    let copied = run.checked_sub(1)?;
    let step = cx.eval.steps.get(copied)?;
    let Command::Copy(copy @ Copy { add: false, .. }) = &step.command else { return None };
    let [source] = copy.sources.as_slice() else { return None };
    if !mode.literal || !path.literal || mode.is_flag() || has_wildcard(source) || !copy.inline.is_empty() {
        return None;
    }
    let (instruction, file) = (cx.file.instruction(run).1, cx.file.instruction(copied).1);
    if instruction.form() != Form::Exec && instruction.script()?.and_chain()?.len() != 1 {
        return None;
    }
    let below = path_clean(&format!("{}/{}", copy.dest_path, path_base(source)));
    let dest = path_clean(&copy.dest_path);
    let state = &cx.eval.step(run).state;
    let target = path_clean(&if path.text.starts_with('/') {
        path.text.clone()
    } else {
        path_join(&["/", &state.dir, &path.text])
    });
    // A folder's content lands in the destination, so that what has the source's name below it is a file.
    let is_file =
        target == below || (target == dest && !copy.dest_path.ends_with('/') && names_file(cx, copy, source));
    if !is_file {
        return None;
    }
    let octal = matches!(mode.text.len(), 3 | 4) && mode.text.chars().all(|c| ('0'..='7').contains(&c));
    let wanted = if octal { Some(mode.text.clone()) } else { resolved(cx, copy, source, &mode.text) };
    let shown = wanted.as_deref().unwrap_or("755");
    let message = format!(
        "`chmod {}` on line {} stores {} a second time; `COPY --chmod={shown}` sets the mode for nothing.",
        mode.text,
        cx.file.line(run),
        path_base(source)
    );
    let finding = Finding::new(cx.file.absolute(copied, head(file)), message)
        .see(cx.file.absolute(run, head(instruction)), "This layer holds the file again.");
    // Another one below would come right behind the COPY.
    let again =
        cx.facts.instructions.get(run + 1).is_some_and(|f| f.commands.iter().any(|c| c.name == "chmod"));
    let Some(wanted) = wanted.filter(|_| !again) else { return Some(finding) };
    let flag = format!("--chmod={wanted}");
    let edit = match file.flag_word("chmod") {
        Some(word) => Edit { range: cx.file.absolute(copied, word.range.clone()), text: flag },
        None => {
            let at = cx.file.absolute(copied, file.keyword().range.clone()).end;
            Edit { range: at..at, text: format!(" {flag}") }
        }
    };
    let Some(gone) = move_out(cx, run) else { return Some(finding) };
    let fix = Fix {
        edits: vec![edit, gone],
        ..Fix::replace(format!("Copy with `--chmod={wanted}` and drop the RUN"), 0..0, "")
    };
    Some(finding.fix(if octal { fix.safe() } else { fix }))
}

/// Whether a source is a file, as far as that is known.
fn names_file(cx: &FileCx<'_>, copy: &Copy, source: &str) -> bool {
    let known = cx.context.filter(|c| copy.from == Source::Context && c.incomplete.is_none());
    match known {
        Some(context) => {
            let path = layerwise_model::selection::source_path(source);
            context.get(&path).is_some_and(|e| e.kind == EntryKind::File)
        }
        None => path_base(source).contains('.') && !matches!(path_base(source), "." | ".."),
    }
}

/// The mode that `+x` makes of a file's.
fn resolved(cx: &FileCx<'_>, copy: &Copy, source: &str, mode: &str) -> Option<String> {
    if !matches!(mode, "+x" | "a+x" | "ugo+x") {
        return None;
    }
    let path = layerwise_model::selection::source_path(source);
    let known = cx
        .context
        .filter(|_| copy.from == Source::Context && copy.chmod.is_empty())
        .and_then(|c| c.get(&path));
    Some(known.map_or_else(|| "755".to_owned(), |entry| format!("{:o}", entry.mode & 0o777 | 0o111)))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn modes_of_copied_files() {
        check(
            "C026",
            "\
FROM a
WORKDIR /opt
COPY run.sh ./bin/
^^^^^^^^^^^^^^^^^^ `chmod +x` on line 4 stores run.sh a second time
RUN chmod +x /opt/bin/run.sh
",
        );
        for text in [
            "FROM a\nCOPY x.sh /x.sh\nRUN [\"chmod\", \"+x\", \"/x.sh\"]\n",
            "FROM a\nCOPY --from=b /out/app /app/\n# c\nRUN chmod 0755 /app/app\n",
            "FROM a\nWORKDIR /app\nCOPY x.sh .\nRUN chmod +x x.sh\n",
        ] {
            assert_eq!(lines("C026", text).len(), 1, "{text}");
        }
        for text in [
            "FROM a\nCOPY app /app\nRUN chmod 755 /app\n",
            "FROM a\nCOPY x.sh /x.sh\nRUN chmod -R 755 /x.sh\n",
            "FROM a\nCOPY x.sh /x.sh\nRUN chmod +x /x.sh && /x.sh\n",
            "FROM a\nCOPY *.sh /x/\nRUN chmod +x /x/x.sh\n",
            "FROM a\nCOPY x.sh /x.sh\nENV A=1\nRUN chmod +x /x.sh\n",
            "FROM a\nCOPY x.sh y.sh /x/\nRUN chmod +x /x/x.sh\n",
            "FROM a\nADD x.tar /x/\nRUN chmod +x /x/x.tar\n",
        ] {
            assert_eq!(lines("C026", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn the_copy_gets_the_mode() {
        assert_eq!(
            fixed("C026", "FROM a\nCOPY --chmod=644 x.sh /x.sh\nRUN chmod 0755 /x.sh\nCMD [\"x\"]\n"),
            "FROM a\nCOPY --chmod=0755 x.sh /x.sh\nCMD [\"x\"]\n"
        );
        assert_eq!(
            fixed("C026", "FROM a\nCOPY x.sh /\n\nRUN chmod +x /x.sh"),
            "FROM a\nCOPY --chmod=755 x.sh /\n\n"
        );
        let twice = "FROM a\nCOPY x.sh /\nRUN chmod +x /x.sh\nRUN chmod +x x.sh\n";
        assert_eq!(fixed("C026", twice), twice);
        let same = "FROM a\nCOPY x.sh /\nRUN chmod u+s /x.sh\n";
        assert_eq!(fixed("C026", same), same);
    }
}
