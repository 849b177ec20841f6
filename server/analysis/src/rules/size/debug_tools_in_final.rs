//! S046 `debug-tools-in-final`.

use layerwise_model::facts::{Install, Package};
use layerwise_syntax::Keyword;

use super::layers::{Run, call, chain, is_application, mentions_path, runs};
use crate::diagnostic::Severity;
use crate::fix::{Edit, Fix};
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "debug-tools-in-final",
        code: "S046",
        severity: Severity::Hint,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds editors, debuggers and monitors (vim, nano, htop, strace, gdb, tcpdump ...) that are installed in the stages of an image
that starts a program, and that nothing else in the file names. Images that people log in to, to work there, are left alone.

## Why it matters

The program does not need them: every pull transfers them, every scanner reports their faults, and whoever breaks in finds
them at hand. `docker debug` and `kubectl debug` bring such tools to a container that runs.

## Example

```dockerfile
FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends libpq5 vim && rm -rf /var/lib/apt/lists/*
COPY app /usr/local/bin/app
CMD [\"app\"]
```

## Use instead

```dockerfile
FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends libpq5 && rm -rf /var/lib/apt/lists/*
COPY app /usr/local/bin/app
CMD [\"app\"]
```
";

/// Packages with tools that people use by hand, and the program that each is known by.
const TOOLS: [(&str, &str); 28] = [
    ("vim", "vim"),
    ("vim-tiny", "vim"),
    ("vim-nox", "vim"),
    ("vim-minimal", "vim"),
    ("vim-enhanced", "vim"),
    ("vim-common", "vim"),
    ("vim-gtk", "vim"),
    ("neovim", "nvim"),
    ("nano", "nano"),
    ("emacs", "emacs"),
    ("emacs-nox", "emacs"),
    ("joe", "joe"),
    ("mc", "mc"),
    ("htop", "htop"),
    ("iotop", "iotop"),
    ("iftop", "iftop"),
    ("atop", "atop"),
    ("glances", "glances"),
    ("strace", "strace"),
    ("ltrace", "ltrace"),
    ("gdb", "gdb"),
    ("valgrind", "valgrind"),
    ("tcpdump", "tcpdump"),
    ("nmap", "nmap"),
    ("telnet", "telnet"),
    ("man-db", "man"),
    ("manpages", "man"),
    ("man-pages", "man"),
];

fn program(package: &Package) -> Option<&'static str> {
    let found = TOOLS.iter().find(|(name, _)| *name == package.name);
    found.filter(|_| package.literal).map(|(_, program)| *program)
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let mut application = None;
    for run in runs(cx) {
        for install in run.facts.installs.iter().filter(|install| install.manager.is_system()) {
            let tools: Vec<&Package> = install.packages.iter().filter(|p| program(p).is_some()).collect();
            if tools.is_empty()
                || !*application.get_or_insert_with(|| is_application(cx) && !is_for_people(cx))
            {
                continue;
            }
            let rest = without_tools(&run, &tools);
            let tools: Vec<&Package> =
                tools.into_iter().filter(|tool| !is_named(cx, &run, &rest, tool)).collect();
            if tools.is_empty() {
                continue;
            }
            let names: Vec<String> = tools.iter().map(|tool| format!("`{}`", tool.name)).collect();
            let message = format!(
                "{} in the image, though nothing in it uses {}; leave {} out, and debug with `docker debug` or `kubectl debug`.",
                match names.as_slice() {
                    [one] => format!("{one} is"),
                    several => format!("{} are", several.join(", ")),
                },
                if names.len() == 1 { "it" } else { "them" },
                if names.len() == 1 { "it" } else { "them" }
            );
            let range = match tools.as_slice() {
                [one] => cx.file.absolute(run.number, one.range.clone()),
                _ => call(cx, &run, &run.facts.commands[install.command], None),
            };
            let mut finding = Finding::new(range, message);
            finding.fixes.extend(without(cx, &run, install, &tools));
            out.push(finding);
        }
    }
}

/// What images have that people log in to, to work there.
const DESKS: [&str; 18] = [
    "openssh-server",
    "sshd",
    "xfce",
    "xorg",
    "vnc",
    "jupyter",
    "zsh",
    "tmux",
    "screen",
    "byobu",
    "terminator",
    "xterm",
    "code-server",
    "ttyd",
    "gotty",
    "rstudio",
    "bashrc",
    "vimrc",
];

/// Whether an image is one that people work in.
fn is_for_people(cx: &FileCx<'_>) -> bool {
    let stages = chain(cx).iter().filter_map(|stage| cx.file.stages().get(*stage));
    let mut all = stages.flat_map(|stage| stage.from..stage.body.end);
    all.any(|number| {
        let source = cx.file.instruction(number).1.source();
        DESKS.iter().any(|word| source.contains(word))
    })
}

/// Whether something else in the file names a tool's program, or takes the package away again. `rest` is the RUN without the
/// tools that it installs.
fn is_named(cx: &FileCx<'_>, run: &Run<'_>, rest: &str, tool: &Package) -> bool {
    let Some(program) = program(tool) else { return true };
    let names = |text: &str| {
        mentions_path(text, program)
            || (program == "vim" && mentions_path(text, "xxd"))
            || mentions_path(text, &tool.name)
    };
    let own = names(rest);
    let stages = chain(cx).iter().filter_map(|stage| cx.file.stages().get(*stage));
    let mut others = stages.flat_map(|stage| cx.file.instructions(stage.body.clone()));
    own || others
        .any(|(number, _, i)| number != run.number && i.kind() != Some(Keyword::Label) && names(i.source()))
}

/// The text of a RUN without these words: one package with an editor is no use of another.
fn without_tools(run: &Run<'_>, tools: &[&Package]) -> String {
    let source = run.instruction.source();
    let mut rest = String::with_capacity(source.len());
    let mut at = 0;
    for tool in tools {
        rest.push_str(source.get(at..tool.range.start).unwrap_or_default());
        at = tool.range.end.max(at);
    }
    rest.push_str(source.get(at..).unwrap_or_default());
    rest
}

/// Takes the words out of the list, if another package is left.
fn without(cx: &FileCx<'_>, run: &Run<'_>, install: &Install, tools: &[&Package]) -> Option<Fix> {
    let command = &run.facts.commands[install.command];
    let (_, whole) = cx.file.instruction(run.number);
    let source = whole.source();
    if command.exec || tools.len() >= install.packages.len() {
        return None;
    }
    let mut edits = Vec::new();
    for tool in tools {
        let before = command.args.iter().rfind(|arg| arg.range.end <= tool.range.start)?;
        let gap = source.get(before.range.end..tool.range.start)?;
        let plain = gap.chars().all(|c| c.is_whitespace() || c == whole.escape());
        if !plain || source.get(tool.range.clone()) != Some(tool.text.as_str()) {
            return None;
        }
        let range = cx.file.absolute(run.number, before.range.end..tool.range.end);
        edits.push(Edit { range, text: String::new() });
    }
    let names: Vec<String> = tools.iter().map(|tool| format!("`{}`", tool.name)).collect();
    let title = format!("Do not install {}", names.join(", "));
    Some(Fix { edits, ..Fix::replace(title, 0..0, "") })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn tools_for_people() {
        check(
            "S046",
            "\
FROM debian AS build
RUN apt-get install -y vim
FROM debian
RUN apt-get install -y curl vim
                            ^^^ `vim` is in the image
RUN apk add strace gdb jq
    ^^^ `strace`, `gdb` are in the image
CMD [\"app\"]
",
        );
        for text in [
            "FROM debian\nRUN apt-get install -y vim\n",
            "FROM debian\nRUN apt-get install -y vim\nCMD [\"bash\"]\n",
            "FROM debian\nENV EDITOR=vim\nRUN apt-get install -y vim\nCMD [\"a\"]\n",
            "FROM debian\nRUN apt-get install -y gdb && gdb -batch x\nCMD [\"a\"]\n",
            "FROM debian\nRUN apt-get install -y vim && vim -c x\nCMD [\"a\"]\n",
            "FROM debian AS dev\nRUN apt-get install -y vim\nCMD [\"a\"]\n",
            "FROM debian\nRUN apt-get install -y curl\nCMD [\"a\"]\n",
            "FROM debian\nRUN apt-get install -y vim openssh-server\nCMD [\"a\"]\n",
        ] {
            assert_eq!(lines("S046", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S046", "FROM a\nRUN apk add \\\n    nano \\\n    jq \\\n    htop\nCMD [\"x\"]\n"),
            "FROM a\nRUN apk add \\\n    jq\nCMD [\"x\"]\n"
        );
        assert_eq!(
            fixed("S046", "FROM a\nRUN yum install -y vim git vim-enhanced\nCMD [\"x\"]\n"),
            "FROM a\nRUN yum install -y git\nCMD [\"x\"]\n"
        );
        let same = "FROM a\nRUN apk add nano\nCMD [\"x\"]\n";
        assert_eq!(fixed("S046", same), same);
    }
}
