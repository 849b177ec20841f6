//! What BuildKit's instruction parser refuses: unknown keywords, flags and numbers of arguments.
//!
//! Source: frontend/dockerfile/instructions/{parse,bflag}.go.

use std::ops::Range;

use crate::duration;
use crate::heredoc;
use crate::instruction::{Form, Instruction, Problem, ProblemKind};
use crate::keyword::Keyword;
use crate::mount;
use crate::suggest;

/// How a flag is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FlagKind {
    /// `--x` or `--x=true`.
    Bool,
    /// `--x=value`, once.
    Text,
    /// `--x=value`, any number of times.
    Texts,
}

/// The flags that an instruction takes.
fn known_flags(kind: Keyword) -> &'static [(&'static str, FlagKind)] {
    use FlagKind::{Bool, Text, Texts};
    match kind {
        Keyword::Add => &[
            ("exclude", Texts),
            ("chown", Text),
            ("chmod", Text),
            ("link", Bool),
            ("keep-git-dir", Bool),
            ("checksum", Text),
            ("unpack", Bool),
        ],
        Keyword::Copy => &[
            ("exclude", Texts),
            ("parents", Bool),
            ("chown", Text),
            ("from", Text),
            ("chmod", Text),
            ("link", Bool),
        ],
        Keyword::From => &[("platform", Text)],
        Keyword::Healthcheck => &[
            ("interval", Text),
            ("timeout", Text),
            ("start-period", Text),
            ("start-interval", Text),
            ("retries", Text),
        ],
        Keyword::Run => &[("mount", Texts), ("network", Text), ("security", Text), ("device", Texts)],
        _ => &[],
    }
}

/// The names of the flags that an instruction takes, without `--`.
pub fn flag_names(kind: Keyword) -> impl Iterator<Item = &'static str> {
    known_flags(kind).iter().map(|(name, _)| *name)
}

/// Everything that is wrong with an instruction that the parser accepted.
pub(crate) fn check(i: &Instruction) -> Vec<Problem> {
    let Some(kind) = i.kind() else {
        let word = &i.keyword().value;
        let message = match suggest::nearest(word, Keyword::ALL.iter().map(|k| k.as_str()), false) {
            Some(near) => format!("Unknown instruction `{word}`; did you mean `{near}`?"),
            None => format!(
                "Unknown instruction `{word}`. A line that continues the one above needs a `{}` at that line's end.",
                i.escape()
            ),
        };
        return vec![Problem { range: i.keyword().range.clone(), message, kind: ProblemKind::Instruction }];
    };
    let mut found = Found { problems: Vec::new(), keyword: i.keyword().range.clone() };
    arguments(i, kind, &mut found);
    if !matches!(kind, Keyword::Arg | Keyword::Stopsignal) && !is_healthcheck_none(i, kind) {
        flags(i, kind, &mut found);
    }
    found.problems
}

struct Found {
    problems: Vec<Problem>,
    keyword: Range<usize>,
}

impl Found {
    fn at(&mut self, range: Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem { range, message: message.into(), kind: ProblemKind::Instruction });
    }

    fn instruction(&mut self, message: impl Into<String>) {
        self.at(self.keyword.clone(), message);
    }
}

fn is_healthcheck_none(i: &Instruction, kind: Keyword) -> bool {
    kind == Keyword::Healthcheck && i.args().first().is_some_and(|a| a.value.eq_ignore_ascii_case("none"))
}

fn arguments(i: &Instruction, kind: Keyword, found: &mut Found) {
    let args = i.args();
    match kind {
        Keyword::Env | Keyword::Label => {
            if args.is_empty() {
                found.instruction(format!("{kind} requires at least one argument: `{kind} name=value`."));
            }
            for triple in args.chunks(3).filter(|t| t[0].value.is_empty()) {
                found.at(
                    triple[0].range.start..triple[0].range.start + 1,
                    format!("{kind} names cannot be blank."),
                );
            }
        }
        Keyword::Maintainer | Keyword::User | Keyword::Workdir | Keyword::Stopsignal => {
            if args.is_empty() {
                found.instruction(format!("{kind} requires exactly one argument."));
            }
        }
        Keyword::Add | Keyword::Copy => match args {
            [] => found
                .instruction(format!("{kind} requires at least two arguments: a source and a destination.")),
            [only] => found.at(
                only.range.clone(),
                format!(
                    "{kind} requires at least two arguments, but there is only `{}`; add a destination.",
                    only.value
                ),
            ),
            [.., last] if heredoc::marker(&last.value).is_some() => {
                found.at(last.range.clone(), format!("{kind} cannot take a heredoc as its destination."));
            }
            _ => {}
        },
        Keyword::From => from(i, found),
        Keyword::Onbuild => match i.trigger() {
            None => {
                found.instruction("ONBUILD requires at least one argument: the instruction to run later.")
            }
            Some(trigger) => match trigger.kind() {
                Some(Keyword::Onbuild) => {
                    found.at(trigger.keyword().range.clone(), "ONBUILD cannot trigger another ONBUILD.");
                }
                Some(inner @ (Keyword::From | Keyword::Maintainer)) => {
                    found.at(
                        trigger.keyword().range.clone(),
                        format!("{inner} isn't allowed as an ONBUILD trigger."),
                    );
                }
                _ => {}
            },
        },
        Keyword::Healthcheck => healthcheck(i, found),
        Keyword::Expose | Keyword::Volume => {
            if args.is_empty() {
                found.instruction(format!("{kind} requires at least one argument."));
            }
            if kind == Keyword::Volume {
                for arg in args.iter().filter(|a| a.value.trim().is_empty()) {
                    found.at(arg.range.clone(), "A VOLUME cannot be an empty string.");
                }
            }
        }
        Keyword::Shell => {
            if args.is_empty() {
                found.instruction("SHELL requires at least one argument: `SHELL [\"/bin/sh\", \"-c\"]`.");
            } else if i.form() != Form::Exec {
                found.at(
                    args[0].range.clone(),
                    "SHELL requires its arguments in JSON form: `SHELL [\"/bin/sh\", \"-c\"]`.",
                );
            }
        }
        Keyword::Arg => {
            if args.is_empty() {
                found.instruction("ARG requires at least one argument: `ARG name` or `ARG name=default`.");
            }
            for arg in args.iter().filter(|a| a.value.starts_with('=')) {
                found.at(arg.range.clone(), "ARG names cannot be blank.");
            }
        }
        Keyword::Cmd | Keyword::Entrypoint | Keyword::Run => {}
    }
}

fn from(i: &Instruction, found: &mut Found) {
    match i.args() {
        [_] => {}
        [_, word, name] if word.value.eq_ignore_ascii_case("as") => {
            let lower = name.value.to_lowercase();
            let mut bytes = lower.bytes();
            let valid = bytes.next().is_some_and(|b| b.is_ascii_lowercase())
                && bytes
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'));
            if !valid {
                found.at(
                    name.range.clone(),
                    format!(
                        "`{}` cannot name a build stage; a name starts with a letter and holds letters, digits, `-`, `_` and `.`.",
                        name.value
                    ),
                );
            }
        }
        [] => found.instruction("FROM requires an image: `FROM image` or `FROM image AS name`."),
        [first, .., last] => found.at(
            first.range.start..last.range.end,
            "FROM requires either one or three arguments: `FROM image` or `FROM image AS name`.",
        ),
    }
}

fn healthcheck(i: &Instruction, found: &mut Found) {
    let Some((first, rest)) = i.args().split_first() else {
        found.instruction("HEALTHCHECK requires at least one argument: `CMD command` or `NONE`.");
        return;
    };
    match first.value.to_uppercase().as_str() {
        "NONE" => {
            if let (Some(a), Some(b)) = (rest.first(), rest.last()) {
                found.at(a.range.start..b.range.end, "HEALTHCHECK NONE takes no arguments.");
            }
        }
        "CMD" => {
            if rest.is_empty() {
                found.at(first.range.clone(), "A command is missing after HEALTHCHECK CMD.");
            }
        }
        _ => found.at(
            first.range.clone(),
            format!("HEALTHCHECK takes `CMD command` or `NONE`, not `{}`.", first.value),
        ),
    }
}

fn flags(i: &Instruction, kind: Keyword, found: &mut Found) {
    let known = known_flags(kind);
    let mut used: Vec<&str> = Vec::new();
    for flag in i.flags() {
        let Some(body) = flag.value.strip_prefix("--") else { continue };
        let (name, value) = match body.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (body, None),
        };
        let Some(&(name, flag_kind)) = known.iter().find(|(k, _)| *k == name) else {
            let message = match suggest::nearest(name, known.iter().map(|(k, _)| *k), true) {
                Some(near) => format!("{kind} has no flag `--{name}`; did you mean `--{near}`?"),
                None if known.is_empty() => format!("{kind} takes no flags; unknown flag `--{name}`."),
                None => format!("{kind} has no flag `--{name}`."),
            };
            found.at(flag.range.clone(), message);
            continue;
        };
        if flag_kind != FlagKind::Texts && used.contains(&name) {
            found.at(flag.range.clone(), format!("`--{name}` is given twice."));
            continue;
        }
        if flag_kind != FlagKind::Texts {
            used.push(name);
        }
        match (flag_kind, value) {
            (FlagKind::Bool, Some("")) | (FlagKind::Text | FlagKind::Texts, None) => {
                found.at(flag.range.clone(), format!("`--{name}` needs a value: `--{name}=...`."));
            }
            (FlagKind::Bool, Some(value)) if !matches!(value.to_lowercase().as_str(), "true" | "false") => {
                found.at(flag.range.clone(), format!("`--{name}` is true or false, not `{value}`."));
            }
            (_, Some(value)) => {
                if let Some(message) = flag_value(kind, name, value) {
                    found.at(flag.range.clone(), message);
                }
            }
            _ => {}
        }
    }
}

/// What is wrong with a flag's value, as far as it can be said before variables are known.
fn flag_value(kind: Keyword, name: &str, value: &str) -> Option<String> {
    match (kind, name) {
        (Keyword::Run, "mount") => mount::check(value).err(),
        (Keyword::Run, "network") => match value {
            "default" | "none" | "host" => None,
            _ => Some(format!("`--network={value}` is not default, none or host.")),
        },
        (Keyword::Run, "security") => match value {
            "insecure" | "sandbox" => None,
            _ => Some(format!("`--security={value}` is not sandbox or insecure.")),
        },
        (Keyword::Healthcheck, "retries") => match value.parse::<i32>() {
            _ if value.is_empty() => None,
            Ok(retries) if retries >= 0 => None,
            Ok(_) => Some("`--retries` cannot be negative.".to_owned()),
            Err(_) => Some(format!("`--retries={value}` is not a number.")),
        },
        (Keyword::Healthcheck, _) => match duration::parse(value) {
            _ if value.is_empty() => None,
            Some(nanos) if nanos == 0 || nanos >= 1_000_000 => None,
            Some(_) => Some(format!("`--{name}={value}` is less than 1ms.")),
            None => Some(format!("`--{name}={value}` is not a duration such as `30s` or `1m30s`.")),
        },
        _ => None,
    }
}
