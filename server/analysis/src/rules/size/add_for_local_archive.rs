//! S024 `add-for-local-archive`.

use layerwise_model::facts::Command;
use layerwise_syntax::{Instruction, Keyword};

use super::layers::is_shipped;
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "add-for-local-archive",
        code: "S024",
        severity: Severity::Info,
        equivalents: &["DL3010"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a tar archive of the build context that COPY puts into the image and a later RUN of the stage unpacks.

## Why it matters

The archive stays in the layer of COPY, beside what was unpacked from it, even if a RUN removes it. ADD unpacks a local tar
archive by itself and leaves nothing else.

## Example

```dockerfile
FROM debian:12
COPY app.tar.gz /tmp/
RUN tar -xzf /tmp/app.tar.gz -C /opt
```

## Use instead

```dockerfile
FROM debian:12
ADD app.tar.gz /opt/
```
";

/// Source: BuildKit unpacks tar archives, plain or packed by gzip, bzip2, xz or zstd.
const ARCHIVES: [&str; 9] =
    [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tar.Z"];

fn base_name(path: &str) -> &str {
    path.trim_matches('"').rsplit('/').next().unwrap_or(path)
}

/// Whether a command unpacks a tar archive.
fn unpacks(command: &Command) -> bool {
    let Some(first) = command.args.first() else { return false };
    let old = |text: &str| {
        !text.starts_with('-') && text.contains('x') && text.chars().all(|c| c.is_ascii_alphabetic())
    };
    matches!(command.name.as_str(), "tar" | "bsdtar")
        && (command.has_flag(&["x", "extract", "get"]) || old(&first.text))
}

fn copies(instruction: &Instruction) -> bool {
    instruction.kind() == Some(Keyword::Copy)
        && instruction.flag("from").is_none()
        && instruction.heredocs().is_empty()
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, instruction) in cx.file.all().filter(|(_, _, i)| copies(i)) {
        let stage = cx.file.stage_of(number);
        let Some((dest, sources)) = instruction.args().split_last() else { continue };
        let archive = |word: &&layerwise_syntax::Word| ARCHIVES.iter().any(|end| word.value.ends_with(end));
        let mut sources = sources.iter().filter(archive).peekable();
        if sources.peek().is_none() || !is_shipped(cx, stage.map(|stage| stage.index)) {
            continue;
        }
        let end = stage.map_or(cx.file.len(), |stage| stage.body.end);
        for source in sources {
            // A destination that is no archive is the folder that it goes into.
            let is_file = archive(&dest);
            let name = base_name(if is_file { &dest.value } else { &source.value });
            let mut below = number + 1..end;
            let Some(at) = below.find(|n| {
                let facts = &cx.facts.instructions[*n];
                facts
                    .commands
                    .iter()
                    .any(|c| unpacks(c) && c.args.iter().any(|arg| base_name(&arg.text) == name))
            }) else {
                continue;
            };
            let message = format!(
                "`{name}` stays in this layer although line {} unpacks it; ADD unpacks it by itself.",
                cx.file.line(at)
            );
            let range = cx.file.absolute(number, source.range.clone());
            out.push(Finding::new(range, message).see(cx.file.range(at), "It is unpacked here"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn archives_that_are_unpacked_later() {
        check(
            "S024",
            "\
FROM debian AS build
COPY a.tar /
RUN tar xf /a.tar
FROM debian
COPY x.txt dist/a.tar.gz /tmp/
           ^^^^^^^^^^^^^ `a.tar.gz` stays in this layer although line 6 unpacks it
RUN cd /opt && tar -xzf /tmp/a.tar.gz && rm /tmp/a.tar.gz
COPY b.tgz /c.tgz
     ^^^^^ `c.tgz` stays
RUN tar --extract --file /c.tgz
",
        );
        for text in [
            "COPY a.tar /\nRUN tar -cf /a.tar x",
            "COPY a.tar /\nRUN tar -xf /b.tar",
            "COPY --from=x a.tar /\nRUN tar -xf /a.tar",
            "COPY a.zip /\nRUN unzip /a.zip",
            "COPY a.tar /\nFROM x\nRUN tar -xf /a.tar",
            "ADD a.tar /\nRUN tar -xf /a.tar",
        ] {
            assert_eq!(lines("S024", &format!("FROM debian\n{text}\n")), [0; 0], "{text}");
        }
    }
}
