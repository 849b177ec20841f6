//! T012 `use-workdir`.

use layerwise_model::gopath::path_join;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "use-workdir",
        code: "T012",
        severity: Severity::Hint,
        equivalents: &["DL3003"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds a RUN that begins with `cd` into a folder and goes on from there, and never changes the folder again.

## Why it matters

WORKDIR says where the following commands run, and makes the folder if it is missing. `cd` ends with the RUN,
and the next instruction starts from the old folder.

## Example

```dockerfile
FROM alpine:3.20
COPY . /app
RUN cd /app && make
```

## Use instead

```dockerfile
FROM alpine:3.20
COPY . /app
WORKDIR /app
RUN make
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    let [first, rest @ ..] = cx.facts.commands.as_slice() else { return };
    let moves = |name: &str| matches!(name, "cd" | "pushd" | "popd");
    if first.name != "cd" || !first.top_level || rest.is_empty() || rest.iter().any(|c| moves(&c.name)) {
        return;
    }
    let [folder] = first.args.as_slice() else { return };
    if !folder.literal || folder.text == "-" || folder.text.starts_with('~') {
        return;
    }
    // A temporary folder is no place that the image goes on working in.
    if folder.text.starts_with("/tmp") || folder.text.starts_with("/var/tmp") {
        return;
    }
    let there = if folder.text.starts_with('/') {
        folder.text.clone()
    } else {
        path_join(&["/", &cx.step.state.dir, &folder.text])
    };
    out.push(Finding::new(
        first.range.clone(),
        format!("`cd {}` holds for this RUN only; write `WORKDIR {there}` before it.", folder.text),
    ));
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn folders() {
        check(
            "T012",
            "\
FROM a
RUN cd /opt && make && make install
    ^^^^^^^ `WORKDIR /opt`
WORKDIR /src
RUN cd tool && make
    ^^^^^^^ `WORKDIR /src/tool`
RUN cd /opt && make && cd /x && make
RUN git clone x && cd x && make
RUN cd $HOME && make
RUN cd /tmp/x && make
RUN (cd /opt && make) && x
",
        );
    }
}
