//! E042 `run-cd-no-effect`, E043 `run-export-no-effect`, E044 `run-activate-no-effect`, E045 `run-service-no-effect` and
//! E046 `run-etc-hosts-ephemeral`: what is lost when a RUN ends.

use layerwise_model::facts::{Command, InstructionFacts};
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static CD: Rule = Rule {
    meta: Meta {
        name: "run-cd-no-effect",
        code: "E042",
        severity: Severity::Warning,
        equivalents: &["DL3003"],
        fix: FixClass::Suggestion,
        doc: CD_DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(cd),
};

pub(super) static EXPORT: Rule = Rule {
    meta: Meta {
        name: "run-export-no-effect",
        code: "E043",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: EXPORT_DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(export),
};

pub(super) static ACTIVATE: Rule = Rule {
    meta: Meta {
        name: "run-activate-no-effect",
        code: "E044",
        severity: Severity::Warning,
        doc: ACTIVATE_DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(activate),
};

pub(super) static SERVICE: Rule = Rule {
    meta: Meta {
        name: "run-service-no-effect",
        code: "E045",
        severity: Severity::Warning,
        equivalents: &["DL3001"],
        doc: SERVICE_DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(service),
};

pub(super) static HOSTS: Rule = Rule {
    meta: Meta {
        name: "run-etc-hosts-ephemeral",
        code: "E046",
        severity: Severity::Warning,
        doc: HOSTS_DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(hosts),
};

const CD_DOC: &str = "\
## What it does

Finds RUN that does nothing but `cd`, or ends in it.

## Why it matters

Each RUN starts a shell of its own in WORKDIR. The folder that a `cd` went to is forgotten when the RUN ends.

## Example

```dockerfile
FROM alpine:3.20
RUN cd /app
RUN ls
```

## Use instead

```dockerfile
FROM alpine:3.20
WORKDIR /app
RUN ls
```
";

const EXPORT_DOC: &str = "\
## What it does

Finds RUN that does nothing but set variables, or ends in it.

## Why it matters

Each RUN starts a shell of its own: what `export` sets is gone when the RUN ends, and the container does not have it either.

## Example

```dockerfile
FROM alpine:3.20
RUN export APP_HOME=/app
```

## Use instead

```dockerfile
FROM alpine:3.20
ENV APP_HOME=/app
```
";

const ACTIVATE_DOC: &str = "\
## What it does

Finds RUN that ends in activating an environment: `source .../activate`, `conda activate`, `nvm use`.

## Why it matters

Activation changes the variables of that one shell. The next RUN has a new one, and so has the container.

## Example

```dockerfile
FROM python:3.12-slim
RUN python -m venv /venv && . /venv/bin/activate
```

## Use instead

```dockerfile
FROM python:3.12-slim
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
```
";

const SERVICE_DOC: &str = "\
## What it does

Finds RUN that ends in starting a service or a program in the background, and programs that are of no use in a build: editors,
`top`, `ps`, `shutdown`, `mount`.

## Why it matters

A layer holds files, not processes: everything that runs is ended with the RUN.

## Example

```dockerfile
FROM debian:12
RUN service ssh start
CMD [\"sleep\", \"infinity\"]
```

## Use instead

```dockerfile
FROM debian:12
CMD [\"/usr/sbin/sshd\", \"-D\"]
```
";

const HOSTS_DOC: &str = "\
## What it does

Finds RUN that ends in writing `/etc/hosts`, `/etc/resolv.conf`, or something in `/proc`, `/sys` or `/dev/shm`.

## Why it matters

The builder mounts these for each RUN, and Docker mounts its own over them when the container starts: what is written is in
no layer.

## Example

```dockerfile
FROM debian:12
RUN echo '10.0.0.2 db' >> /etc/hosts
```

## Use instead

`docker run --add-host db:10.0.0.2` or `extra_hosts` of Compose:

```dockerfile
FROM debian:12
```
";

/// The command in which a RUN ends, if its script is understood and it stands at the top level.
fn last<'a>(cx: &'a InstructionCx<'_>) -> Option<&'a Command> {
    let facts: &InstructionFacts = cx.facts;
    if cx.instruction.kind() != Some(Keyword::Run) || facts.unclear {
        return None;
    }
    let last = facts.commands.iter().rfind(|command| command.top_level && !command.exec)?;
    // What stands behind it may be a loop, a subshell, a pipeline or an alternative.
    let script = cx.instruction.script()?;
    let behind = script.text().get(last.script_range.end..)?.trim();
    let before = script.text().get(..last.script_range.start)?.trim_end();
    let only = behind.trim_start_matches(';').trim_start();
    let alone = only.is_empty() || only.starts_with('#') || matches!(only, "|| true" | "|| :" | "&");
    (alone && !before.ends_with("||")).then_some(last)
}

/// Whether the RUN does nothing else.
fn is_alone(cx: &InstructionCx<'_>, command: &Command) -> bool {
    cx.facts.commands.len() == 1 && command.redirects.is_empty()
}

/// A fix that puts another instruction in the place of a RUN that is nothing but this command, if its text is plain.
fn instead(cx: &InstructionCx<'_>, command: &Command, text: String) -> Option<Fix> {
    let instruction = cx.instruction;
    let plain = is_alone(cx, command)
        && !cx.onbuild
        && instruction.flags().is_empty()
        && instruction.heredocs().is_empty()
        && instruction.comments().is_empty()
        && instruction.script()?.text().trim() == instruction.source().get(command.range.clone())?.trim();
    plain.then(|| Fix::replace(format!("Use `{text}`"), instruction.trimmed_range(), text))
}

fn cd(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let Some(command) = last(cx).filter(|command| matches!(command.name.as_str(), "cd" | "pushd")) else {
        return;
    };
    let dir = command.args.first();
    let shown = dir.map_or("", |dir| dir.text.as_str());
    // The way back at the end of a chain is no more than that.
    if !is_alone(cx, command)
        && (shown.is_empty() || shown.starts_with("..") || matches!(shown, "-" | "/" | "~"))
    {
        return;
    }
    let what = if is_alone(cx, command) { "This RUN does nothing" } else { "This `cd` does nothing" };
    let message = format!("{what}: each RUN starts in WORKDIR again; use `WORKDIR {shown}`.");
    let message = if shown.is_empty() { message.replace("`WORKDIR `", "WORKDIR") } else { message };
    let finding = Finding::new(command.range.clone(), message);
    let plain =
        |dir: &&str| dir.starts_with('/') && !dir.contains([' ', '$', '`', '\\', '"', '\'', '*', '?', '~']);
    let fix = Some(shown).filter(plain).and_then(|dir| instead(cx, command, format!("WORKDIR {dir}")));
    out.push(match fix {
        Some(fix) => finding.fix(fix),
        None => finding,
    });
}

fn export(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let Some(command) = last(cx) else { return };
    let sets = match command.name.as_str() {
        "export" => command.args.iter().any(|arg| arg.text.contains('=')),
        "" => !command.assignments.is_empty() && command.args.is_empty(),
        "alias" => !command.args.is_empty(),
        _ => false,
    };
    if !sets {
        return;
    }
    if command.name == "alias" {
        let message = "This `alias` is gone when the RUN ends, and scripts have none; write a small script into the image.";
        out.push(Finding::new(command.range.clone(), message));
        return;
    }
    let words = if command.name.is_empty() { &command.assignments } else { &command.args };
    let pair =
        words.iter().map(|word| word.text.as_str()).find(|text| text.contains('=')).unwrap_or_default();
    let name = pair.split('=').next().unwrap_or_default();
    if is_secret(name) {
        let message = format!(
            "`{name}` is gone when this RUN ends; give secrets to the RUN that needs them with `--mount=type=secret`."
        );
        out.push(Finding::new(command.range.clone(), message));
        return;
    }
    // What is for the build only is none of the container's.
    let keyword = if name == "DEBIAN_FRONTEND" { "ARG" } else { "ENV" };
    let message = format!("`{name}` is gone when this RUN ends; set it with `{keyword} {name}=...`.");
    let finding = Finding::new(command.range.clone(), message);
    let fix = match words.as_slice() {
        [only] => cx.instruction.source().get(only.range.clone()).filter(|text| {
            // ENV knows `$NAME` and double quotes as the shell does, and nothing else.
            text.contains('=')
                && !text.contains(['`', '\\', '\n', '\'', '*', '~', '(', ';'])
                && !text.contains("$(")
                && text.matches('"').count() % 2 == 0
        }),
        _ => None,
    };
    out.push(match fix.and_then(|text| instead(cx, command, format!("{keyword} {text}"))) {
        Some(fix) => finding.fix(fix),
        None => finding,
    });
}

/// Whether a variable's name says that its value is nobody else's business.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "_KEY", "CREDENTIAL"].iter().any(|word| name.contains(word))
}

fn activate(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let Some(command) = last(cx) else { return };
    let first = command.args.first().map_or("", |arg| arg.text.as_str());
    let what = match (command.name.as_str(), first) {
        ("." | "source", "activate") => Some("conda's environment".to_owned()),
        ("." | "source", path) if path.ends_with("/activate") => {
            Some(format!("`{}`", path.trim_end_matches("/activate").trim_end_matches("/bin")))
        }
        ("." | "source", path)
            if path.ends_with("/nvm.sh") || path.ends_with("/cargo/env") || path.ends_with(".bashrc") =>
        {
            Some(format!("what `{path}` sets"))
        }
        ("conda" | "mamba" | "micromamba", "activate") => Some("conda's environment".to_owned()),
        ("nvm", "use") => Some("nvm's version".to_owned()),
        ("rvm", "use") => Some("rvm's version".to_owned()),
        ("pyenv", "shell" | "activate") => Some("pyenv's version".to_owned()),
        ("workon", _) => Some("the environment".to_owned()),
        _ => None,
    };
    if let Some(what) = what {
        let message = format!(
            "{}{} is in force only until this RUN ends; set PATH with ENV, or do it in each RUN that needs it.",
            what[..1].to_uppercase(),
            &what[1..]
        );
        out.push(Finding::new(command.range.clone(), message));
    }
}

/// Programs for somebody who sits at the machine, or that change the machine, with why they are of no use here.
const POINTLESS: [(&[&str], &str); 4] = [
    (
        &["vim", "vi", "nano", "emacs", "top", "htop"],
        "waits for somebody at a terminal, and a build has none",
    ),
    (&["shutdown", "reboot", "poweroff", "halt"], "has no machine that it could stop"),
    (&["ps", "free", "ifconfig"], "only shows the state of the builder"),
    (&["mount"], "needs rights that a build does not have, and a mount does not outlive the RUN"),
];

fn service(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() == Some(Keyword::Run) && !cx.facts.unclear {
        let insecure = cx.instruction.flag("security") == Some("insecure");
        for command in cx.facts.commands.iter().filter(|c| c.top_level && !c.exec && c.redirects.is_empty()) {
            let why = POINTLESS.iter().find(|(names, _)| names.contains(&command.name.as_str()));
            let Some((_, why)) = why.filter(|_| {
                !insecure
                    && !command.args.iter().any(|arg| arg.text.starts_with('+'))
                    && !command.has_flag(&["help", "version"])
            }) else {
                continue;
            };
            let message = format!("`{}` {why}; remove it.", command.name);
            out.push(Finding::new(command.range.clone(), message));
        }
    }
    let Some(command) = last(cx) else { return };
    let words: Vec<&str> = command.args.iter().map(|arg| arg.text.as_str()).collect();
    let starts = |word: &str| matches!(word, "start" | "restart" | "reload");
    let init =
        command.program.text.starts_with("/etc/init.d/") || command.program.text.starts_with("/etc/rc.d/");
    let name = match (command.name.as_str(), words.as_slice()) {
        ("service" | "rc-service", [name, verb, ..]) if starts(verb) => *name,
        ("systemctl", words) if words.iter().any(|word| starts(word)) => {
            words.iter().copied().rfind(|word| !starts(word) && !word.starts_with('-')).unwrap_or("a service")
        }
        ("invoke-rc.d", [name, verb, ..]) if starts(verb) => *name,
        (name, [verb, ..]) if init && starts(verb) => name,
        _ => {
            let text = cx.instruction.script().map(|script| script.text().trim_end()).unwrap_or_default();
            if text.ends_with('&')
                && !text.ends_with("&&")
                && !text.ends_with("\\&")
                && !command.name.is_empty()
            {
                let message = format!(
                    "`{}` is put in the background and ended with this RUN: a layer holds files, not processes; start it in ENTRYPOINT or CMD.",
                    command.name
                );
                out.push(Finding::new(command.range.clone(), message));
            }
            return;
        }
    };
    let message = format!(
        "`{name}` runs only until this RUN ends: a layer holds files, not processes; start it in ENTRYPOINT or CMD, or use it in the same RUN."
    );
    out.push(Finding::new(command.range.clone(), message));
}

fn hosts(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let Some(command) = last(cx) else { return };
    let target = |redirect: &str| {
        let at = redirect.find('>')?;
        Some(redirect[at..].trim_start_matches(['>', '|', '&']).trim().trim_matches(['"', '\'']).to_owned())
    };
    let mut paths: Vec<String> = command.redirects.iter().filter_map(|r| target(&r.text)).collect();
    if matches!(command.name.as_str(), "tee" | "cp" | "mv" | "ln" | "install") {
        paths.extend(command.args.last().map(|arg| arg.text.clone()));
    }
    if command.name == "sed" && command.has_flag(&["i", "in-place"]) {
        paths.extend(command.args.last().map(|arg| arg.text.clone()));
    }
    let lost = |path: &&String| {
        matches!(path.as_str(), "/etc/hosts" | "/etc/resolv.conf" | "/etc/hostname")
            || ["/proc/", "/sys/", "/dev/shm/"].iter().any(|dir| path.starts_with(dir))
    };
    if let Some(path) = paths.iter().find(lost) {
        let instead = match path.as_str() {
            "/etc/hosts" => "use `docker run --add-host`",
            "/etc/resolv.conf" => "use `docker run --dns`",
            "/etc/hostname" => "use `docker run --hostname`",
            _ => "do it when the container starts",
        };
        let message = format!(
            "`{path}` is no file of the image: what is written is gone when this RUN ends; {instead}."
        );
        out.push(Finding::new(command.range.clone(), message));
    } else if command.name == "sysctl" && command.has_flag(&["w", "p", "write"]) {
        let message = "`sysctl` changes the kernel of the build, not the image; use `docker run --sysctl`.";
        out.push(Finding::new(command.range.clone(), message));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    fn none(rule: &str, runs: &[&str]) {
        for run in runs {
            assert_eq!(lines(rule, &format!("FROM a\n{run}\n")), [0; 0], "{run}");
        }
    }

    #[test]
    fn folders() {
        check(
            "E042",
            "\
FROM a
RUN cd /opt
    ^^^^^^^ This RUN does nothing: each RUN starts in WORKDIR again; use `WORKDIR /opt`
RUN make && cd /opt
            ^^^^^^^ This `cd` does nothing
ONBUILD RUN cd /opt
            ^^^^^^^ does nothing
",
        );
        none(
            "E042",
            &[
                "RUN cd /x && make",
                "RUN (cd /x)",
                "RUN cd /x || make",
                "RUN [\"cd\", \"/x\"]",
                "CMD cd /x",
                "RUN cd /x; for a in b; do c; done",
                "RUN [ -d x ] || cd /x",
                "RUN cd a && make && cd ..",
            ],
        );
        assert_eq!(fixed("E042", "FROM a\nRUN cd /opt/x\nRUN y\n"), "FROM a\nWORKDIR /opt/x\nRUN y\n");
        assert_eq!(fixed("E042", "FROM a\nRUN cd x\n"), "FROM a\nRUN cd x\n");
    }

    #[test]
    fn variables() {
        check(
            "E043",
            "\
FROM a
RUN export A=1
    ^^^^^^^^^^ set it with `ENV A=...`
RUN make && export A=1 B=2
            ^^^^^^^^^^^^^^ `A` is gone
RUN A=1
    ^^^ `A` is gone
RUN alias ll='ls -l'
    ^^^^^^^^^^^^^^^^ alias
",
        );
        none(
            "E043",
            &[
                "RUN export A=1 && make",
                "RUN A=1 make",
                "RUN export -p",
                "RUN A=1; make $A",
                "RUN (export A=1)",
            ],
        );
        assert_eq!(fixed("E043", "FROM a\nRUN export PATH=$PATH:/x\n"), "FROM a\nENV PATH=$PATH:/x\n");
        assert_eq!(fixed("E043", "FROM a\nRUN export API_TOKEN=x\n"), "FROM a\nRUN export API_TOKEN=x\n");
        assert_eq!(fixed("E043", "FROM a\nRUN export A=$(date)\n"), "FROM a\nRUN export A=$(date)\n");
    }

    #[test]
    fn environments() {
        check(
            "E044",
            "\
FROM a
RUN python -m venv /v && . /v/bin/activate
                         ^^^^^^^^^^^^^^^^^ `/v` is in force only until
RUN conda activate x
    ^^^^^^^^^^^^^^^^ Conda's environment is in force
RUN nvm install 22 && nvm use 22
                      ^^^^^^^^^^ Nvm's version
",
        );
        none("E044", &["RUN . /v/bin/activate && pip install x", "RUN source ./env.sh"]);
    }

    #[test]
    fn services() {
        check(
            "E045",
            "\
FROM a
RUN service mysql start
    ^^^^^^^^^^^^^^^^^^^ `mysql` runs only until
RUN x && /etc/init.d/ssh start
         ^^^^^^^^^^^^^^^^^^^^^ `ssh` runs
RUN systemctl start nginx
    ^^^^^^^^^^^^^^^^^^^^^ `nginx` runs
RUN top && x
    ^^^ waits for somebody
RUN redis-server --port 1 &
    ^^^^^^^^^^^^^^^^^^^^^ `redis-server` is put in the background
",
        );
        none(
            "E045",
            &[
                "RUN service mysql start && mysql -e x",
                "RUN systemctl enable nginx",
                "RUN x & y",
                "RUN service x stop",
                "RUN ps | grep x",
                "RUN apt-get install vim",
            ],
        );
    }

    #[test]
    fn files_outside_the_image() {
        check(
            "E046",
            "\
FROM a
RUN echo a >> /etc/hosts
    ^^^^^^^^^^^^^^^^^^^^ use `docker run --add-host`
RUN sysctl -w a=b
    ^^^^^^^^^^^^^ kernel of the build
RUN echo 1 > /proc/sys/x
    ^^^^^^^^^^^^^^^^^^^^ when the container starts
",
        );
        none(
            "E046",
            &[
                "RUN echo a >> /etc/hosts && curl b",
                "RUN echo a > /etc/hosts.allow",
                "RUN cat /proc/cpuinfo > /dev/null",
            ],
        );
    }
}
