//! E015 `global-arg-out-of-scope`.

use std::collections::HashSet;
use std::ops::Range;

use layerwise_model::facts::InstructionFacts;
use layerwise_syntax::tree_sitter::Node;
use layerwise_syntax::{Form, Instruction, Keyword, suggest};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::variable;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "global-arg-out-of-scope",
        code: "E015",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds uses of an ARG that is declared before the first FROM, or of a predefined one such as `TARGETARCH`, in a stage that
does not declare it: in the shell text of RUN too, where BuildKit does not look.

## Why it matters

An ARG before the first FROM is seen by FROM alone. Inside a stage it is empty until the stage says `ARG name`, and the
build goes on with the empty text.

## Example

```dockerfile
ARG VERSION=1.2
FROM alpine:3.20
RUN wget https://example.com/tool-$VERSION.tar.gz
```

## Use instead

```dockerfile
ARG VERSION=1.2
FROM alpine:3.20
ARG VERSION
RUN wget https://example.com/tool-$VERSION.tar.gz
```
";

/// Variables that images of a language or server set by other names than their own.
const SET_BY_IMAGES: [&str; 6] =
    ["PG_MAJOR", "PG_VERSION", "GOPATH", "JAVA_HOME", "JAVA_VERSION", "GEM_HOME"];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let globals: HashSet<&str> = cx
        .eval
        .globals
        .iter()
        .map(|(name, _)| name)
        .chain(cx.eval.global_names.iter().map(String::as_str))
        .collect();
    for stage in cx.file.stages() {
        let base = cx.facts.stages.get(stage.index).map_or("", |facts| facts.base.name.as_str());
        let mut said: HashSet<String> = HashSet::new();
        for (number, placed, instruction) in cx.file.instructions(stage.body.clone()) {
            let step = cx.eval.step(number);
            let state = &step.state;
            let is_out = |name: &str| {
                globals.contains(name)
                    && !state.args.contains(name)
                    && state.env.get(name).is_none()
                    && (state.env_known || !is_set_by(base, name))
            };
            let mut used: Vec<(String, Range<usize>)> = Vec::new();
            if instruction.kind() == Some(Keyword::Run) && instruction.form() == Form::Shell {
                let source = instruction.source();
                if source.contains('$') && globals.iter().any(|name| source.contains(name) && is_out(name)) {
                    let facts = &cx.facts.instructions[number];
                    used = in_script(instruction, facts, &is_out);
                }
            } else if !state.env_known {
                // Where the base image's environment is known, `undefined-var` says it.
                for (name, near) in &step.unmatched {
                    let near = near.as_deref().is_some_and(|near| suggest::is_misspelling(name, near));
                    if !near && is_out(name) {
                        let range = variable(instruction, instruction.trimmed_range(), name, 0);
                        used.extend(range.map(|range| (name.clone(), range)));
                    }
                }
            }
            for (name, range) in used {
                // Once per stage: one ARG mends them all.
                if !said.insert(name.clone()) {
                    continue;
                }
                let message = match cx.eval.global_names.contains(&name) {
                    true => format!(
                        "`{name}` is declared before FROM and is empty inside this stage; add `ARG {name}` to the stage."
                    ),
                    false => {
                        format!("`{name}` is empty until the stage declares it; add `ARG {name}` above.")
                    }
                };
                let at = placed.start..placed.start;
                let fix = Fix::replace(format!("Add `ARG {name}` above"), at, format!("ARG {name}\n"));
                out.push(Finding::new(cx.file.absolute(number, range), message).fix(fix));
            }
        }
    }
}

/// Whether a base image probably sets a variable: node images set `NODE_VERSION`.
fn is_set_by(base: &str, name: &str) -> bool {
    let first = name.split('_').next().unwrap_or(name).to_ascii_lowercase();
    (name.contains('_') && first.len() > 1 && base.to_ascii_lowercase().contains(&first))
        || SET_BY_IMAGES.contains(&name)
}

/// The variables of a script that are out of scope, each at its first use.
fn in_script(
    instruction: &Instruction,
    facts: &InstructionFacts,
    is_out: &dyn Fn(&str) -> bool,
) -> Vec<(String, Range<usize>)> {
    let Some(script) = instruction.script().filter(|script| !script.has_error()) else { return Vec::new() };
    // What a script reads may set anything.
    if facts.commands.iter().any(|c| matches!(c.name.as_str(), "." | "source" | "eval" | "read")) {
        return Vec::new();
    }
    let text = script.text();
    let mut set: HashSet<&str> = HashSet::new();
    let mut used: Vec<(&str, Range<usize>)> = Vec::new();
    let mut stack: Vec<(Node<'_>, &str)> = vec![(script.root(), "")];
    while let Some((node, parent)) = stack.pop() {
        let kind = node.kind();
        if kind == "variable_name" {
            let range = node.byte_range();
            let name = &text[range.clone()];
            match parent {
                "simple_expansion" => used.push((name, range)),
                "expansion" if text[range.end..].starts_with('}') => used.push((name, range)),
                "expansion" => {}
                // `A=$A command` sets it for that command alone.
                "assignment of a command" => {}
                _ => drop(set.insert(name)),
            }
            continue;
        }
        let as_parent = if kind == "variable_assignment" && parent == "command" {
            "assignment of a command"
        } else {
            kind
        };
        let mut cursor = node.walk();
        let first = stack.len();
        stack.extend(node.named_children(&mut cursor).map(|child| (child, as_parent)));
        stack[first..].reverse();
    }
    let mut found: Vec<(String, Range<usize>)> = Vec::new();
    for (name, range) in used {
        if !set.contains(name) && is_out(name) && !found.iter().any(|(known, _)| known == name) {
            found.push((name.to_owned(), script.source_range(range)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn shell_text() {
        check(
            "E015",
            "\
ARG V=1
ARG W
FROM unknown AS a
RUN echo $V \"${W}\" $V
          ^ declared before FROM
               ^ declared before FROM
RUN echo $V
FROM unknown
ARG V
RUN echo $V $OTHER '$W' ${W:-default} \\$W
RUN tool --arch=$TARGETARCH
                 ^^^^^^^^^^ until the stage declares it
COPY $W /x
      ^ declared before FROM
",
        );
    }

    #[test]
    fn what_is_set_elsewhere() {
        let found = |run: &str| lines("E015", &format!("ARG V=1\nFROM unknown\n{run}\n")).len();
        for good in [
            "RUN V=2; echo $V",
            "RUN export V=2 && echo $V",
            "RUN for V in a b; do echo $V; done",
            "RUN . ./env && echo $V",
            "RUN read V && echo $V",
            "ENV V=3\nRUN echo $V",
            "RUN [\"echo\", \"$V\"]",
            "CMD echo $V",
        ] {
            assert_eq!(found(good), 0, "{good}");
        }
        assert_eq!(found("RUN V=$V make"), 1);
        assert_eq!(
            lines("E015", "ARG NODE_VERSION=22\nFROM node:$NODE_VERSION\nRUN echo $NODE_VERSION\n"),
            [0; 0]
        );
        let text = "ARG V=1\nFROM a\nRUN x\nRUN echo $V\n";
        assert_eq!(fixed("E015", text), "ARG V=1\nFROM a\nRUN x\nARG V\nRUN echo $V\n");
    }
}
