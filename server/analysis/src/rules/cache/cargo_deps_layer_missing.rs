//! C032 `cargo-deps-layer-missing`.

use super::support::{first_uses, report_use};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "cargo-deps-layer-missing",
        code: "C032",
        severity: Severity::Info,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `cargo build` and `cargo install --path` below a COPY of all sources where no step has built or fetched the crates
before.

## Why it matters

An edit of any source file runs the step again, and it downloads and compiles every crate again, which takes far longer
than the project itself. A cache mount keeps what was compiled, and cargo-chef makes a layer of the dependencies.

## Example

```dockerfile
FROM rust:1.85
WORKDIR /app
COPY . .
RUN cargo build --release
```

## Use instead

```dockerfile
FROM rust:1.85
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/app/target cargo build --release && cp target/release/app /usr/local/bin/
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for used in first_uses(cx, true) {
        let command = used.command;
        let found = command.name == "cargo"
            && (matches!(command.subcommand(), Some("build" | "b" | "test" | "rustc"))
                || (command.subcommand() == Some("install") && command.flag_value(&["path"]).is_some()))
            && !command.has_flag(&["offline", "frozen"]);
        if found && used.is_first(cx, &["cargo", "cargo-chef"]) {
            out.push(report_use(cx, &used, "cargo compiles every crate again each time; give the RUN cache mounts for the registry and the target folder, or build the dependencies with cargo-chef first"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn builds_without_a_layer_for_crates() {
        check(
            "C032",
            "\
FROM rust
WORKDIR /app
COPY . .
RUN cargo build --release
^^^^^^^^^^^^^^^^^^^^^^^^^ cargo compiles every crate again
",
        );
        let text = "FROM rust\nCOPY . /x\nRUN cd /x && cargo install --path .\n";
        assert_eq!(lines("C032", text).len(), 1);
        for text in [
            "FROM rust\nWORKDIR /x\nCOPY . .\nRUN --mount=type=cache,target=target cargo build\n",
            "FROM rust AS c\nCOPY --from=p /r.json r.json\nRUN cargo chef cook\nFROM rust\nCOPY . .\nCOPY --from=c /t target\nRUN cargo build\n",
            "FROM rust\nWORKDIR /x\nCOPY Cargo.toml .\nRUN mkdir src && touch src/main.rs && cargo build\nCOPY . .\nRUN cargo build\n",
            "FROM rust\nWORKDIR /x\nCOPY . .\nRUN cargo install ripgrep\n",
        ] {
            assert_eq!(lines("C032", text), [0; 0], "{text}");
        }
    }
}
