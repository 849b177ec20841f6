//! S038 `usr-src-left`.

use layerwise_model::facts::{Command, Purpose};
use layerwise_model::gopath::{path_clean, path_join};

use super::layers::{holds, mounted, runs};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta { name: "usr-src-left", code: "S038", severity: Severity::Info, doc: DOC, ..Meta::DEFAULT },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds RUNs that download or unpack sources, in `/usr/src` or elsewhere, build and `make install` them, and delete nothing
afterwards, in the stages that the image is made of.

## Why it matters

The sources and all that the compiler has made of them stay in the layer: many times what was installed.

## Example

```dockerfile
FROM debian:12
RUN cd /usr/src && curl -fsSL https://example.com/tool.tar.gz | tar -xz && cd tool && ./configure && make && make install
```

## Use instead

```dockerfile
FROM debian:12
RUN cd /usr/src && curl -fsSL https://example.com/tool.tar.gz | tar -xz && cd tool && ./configure && make && make install && rm -rf /usr/src/tool
```
";

/// Whether a command brings sources.
fn brings(command: &Command) -> bool {
    match command.name.as_str() {
        "tar" | "bsdtar" => {
            let first = command.args.first().map_or("", |arg| arg.text.as_str());
            command.has_flag(&["x", "extract", "get"]) || (!first.starts_with('-') && first.contains('x'))
        }
        "unzip" => true,
        "git" => command.subcommand() == Some("clone"),
        "svn" => matches!(command.subcommand(), Some("checkout" | "co" | "export")),
        "hg" => command.subcommand() == Some("clone"),
        _ => false,
    }
}

/// Whether a command installs what was built.
fn installs(command: &Command) -> bool {
    match command.name.as_str() {
        "make" | "gmake" | "ninja" => {
            command.operands().any(|arg| arg.text.starts_with("install")) && !command.has_flag(&["n"])
        }
        "cmake" => command.has_flag(&["install"]),
        _ => false,
    }
}

/// Whether a command takes files away, or what it does is not known.
fn may_remove(command: &Command) -> bool {
    matches!(
        command.name.as_str(),
        "rm" | "trap" | "find" | "mv" | "eval" | "xargs" | "git-clean" | "sh" | "bash"
    ) || (command.name == "git" && command.has("clean"))
        || command.name.ends_with(".sh")
        || command.args.iter().any(|arg| matches!(arg.text.as_str(), "clean" | "distclean"))
}

/// The last RUN that deletes a folder.
fn last_deleted_in(cx: &FileCx<'_>) -> Option<usize> {
    let deletes = |command: &Command| command.name == "rm" && command.has_flag(&["r", "R"]);
    runs(cx).filter(|run| run.facts.commands.iter().any(deletes)).map(|run| run.number).last()
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let mut last_deleted = None;
    for run in runs(cx) {
        let commands = &run.facts.commands;
        let Some(last) = commands.iter().rposition(installs) else { continue };
        let Some(first) = commands.iter().position(brings).filter(|first| *first < last) else { continue };
        let development = run
            .stage
            .and_then(|stage| cx.facts.stages.get(stage))
            .is_some_and(|stage| matches!(stage.purpose, Purpose::Development | Purpose::Test));
        let dir = folder(&run.state.dir, &commands[..last]);
        let away = mounted(run.instruction).iter().any(|target| match &dir {
            Some(dir) => holds(target, dir),
            None => true,
        });
        if development
            || run.facts.unclear
            || away
            || commands.iter().any(may_remove)
            // What a later RUN deletes is told there.
            || *last_deleted.get_or_insert_with(|| last_deleted_in(cx)) > Some(run.number)
        {
            continue;
        }
        let place = dir.map_or_else(String::new, |dir| format!(", in `{dir}`"));
        let message = format!(
            "The sources that `{} install` takes from stay in this layer with all that was built of them{place}; delete them in the same RUN.",
            commands[last].name
        );
        let range = cx.file.absolute(run.number, commands[last].range.clone());
        let there = cx.file.absolute(run.number, commands[first].range.clone());
        out.push(Finding::new(range, message).see(there, "They come from here"));
    }
}

/// The folder that the commands have changed to, if each says it plainly.
fn folder(start: &str, commands: &[Command]) -> Option<String> {
    let mut dir = if start.is_empty() { "/".to_owned() } else { start.to_owned() };
    for command in commands.iter().filter(|c| matches!(c.name.as_str(), "cd" | "pushd" | "popd")) {
        let [target] = command.args.as_slice() else { return None };
        if command.name != "cd"
            || !target.literal
            || target.text.starts_with(['-', '~'])
            || !command.top_level
        {
            return None;
        }
        dir =
            if target.text.starts_with('/') { target.text.clone() } else { path_join(&[&dir, &target.text]) };
    }
    let dir = path_clean(&dir);
    // The sources are around the folder that they are built in.
    let dir = dir.strip_suffix("/build").unwrap_or(&dir);
    (!matches!(dir, "" | "/")).then(|| dir.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn sources_that_stay() {
        check(
            "S038",
            "\
FROM debian
RUN curl x | tar xz -C /usr/src && cd /usr/src/x && make && make install
                                                            ^^^^^^^^^^^^ with all that was built of them, in `/usr/src/x`
RUN git clone https://x && cd x && cmake . && cmake --build . && cmake --install .
                                                                 ^^^^^^^^^^^^^^^^^ in `/x`
",
        );
        for text in [
            "FROM debian\nRUN tar xf x.tar && cd x && make install && cd .. && rm -r x\n",
            "FROM debian\nRUN tar xf x.tar && cd x && make install\nRUN rm -rf /x\n",
            "FROM debian\nRUN make install\n",
            "FROM debian\nRUN tar xf x.tar && make\n",
            "FROM debian AS b\nRUN tar xf x.tar && make install\nFROM debian\n",
            "FROM debian\nRUN --mount=type=tmpfs,target=/usr/src cd /usr/src && tar xf /x && make install\n",
        ] {
            assert_eq!(lines("S038", text), [0; 0], "{text}");
        }
    }
}
