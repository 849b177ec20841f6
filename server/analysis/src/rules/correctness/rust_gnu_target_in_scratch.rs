//! E080 `rust-gnu-target-in-scratch`.

use layerwise_model::facts::base::Libc;

use super::programs::{image, is_cargo_program, source_path, source_range, taken};

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "rust-gnu-target-in-scratch",
        code: "E080",
        severity: Severity::Error,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds Rust programs that are built against glibc and then copied to scratch or distroless/static.

## Why it matters

Rust's usual target on Debian links the C library dynamically. Without it the container stops at once with \"no such file or directory\", although the program is there. Build for a `musl` target, or use `gcr.io/distroless/cc`.

## Example

```dockerfile
FROM rust:1 AS build
WORKDIR /src
COPY . .
RUN cargo build --release
FROM scratch
COPY --from=build /src/target/release/app /app
```

## Use instead

```dockerfile
FROM rust:1 AS build
WORKDIR /src
COPY . .
RUN cargo build --release
FROM gcr.io/distroless/cc-debian12
COPY --from=build /src/target/release/app /app
```
";

/// Source: the Rust reference, "Static and dynamic C runtimes".
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for copy in taken(cx) {
        let from = &cx.facts.stages[copy.from].base;
        // Texts are looked at last: there may be many.
        let copies_libraries = || {
            super::image_files::earlier(cx, copy.stage, usize::MAX).any(|number| {
                let text = cx.file.instruction(number).1.source();
                text.contains("/lib64")
                    || text.contains("ld-linux")
                    || text.contains("libc.so")
                    || text.contains("/lib/x86")
            })
        };
        if cx.facts.stages[copy.stage].base.libc() != Some(Libc::None)
            || from.libc() != Some(Libc::Glibc)
            || copies_libraries()
        {
            continue;
        }
        for source in
            copy.sources.iter().filter(|source| is_cargo_program(cx, copy.from, &source_path(source)))
        {
            out.push(Finding::new(
                source_range(cx, copy.number, source),
                format!(
                    "`{source}` is linked against the glibc of `{}`, and `{}` has no C library, so it does not start there; build with `--target x86_64-unknown-linux-musl` or use gcr.io/distroless/cc.",
                    image(cx, copy.from),
                    image(cx, copy.stage)
                ),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn finds() {
        let text = |base: &str, build: &str, path: &str, to: &str| {
            format!("FROM {base} AS b\nWORKDIR /s\nRUN {build}\nFROM {to}\nCOPY --from=b {path} /x\n")
        };
        for (base, build, path, to, expected) in [
            ("rust:1", "cargo build --release", "/s/target/release/x", "scratch", 1),
            ("rust:1", "cargo build --release", "/s/target/release/x", "gcr.io/distroless/static", 1),
            ("rust:1", "cargo build --release", "/s/target/release/x", "gcr.io/distroless/cc", 0),
            ("rust:1", "cargo build --release", "/etc/passwd", "scratch", 0),
            ("rust:1-alpine", "cargo build --release", "/s/target/release/x", "scratch", 0),
            (
                "rust:1",
                "RUSTFLAGS='-C target-feature=+crt-static' cargo build --release",
                "/s/target/release/x",
                "scratch",
                0,
            ),
            (
                "rust:1",
                "cargo build --target x86_64-unknown-linux-musl",
                "/s/target/x86_64-unknown-linux-musl/debug/x",
                "scratch",
                0,
            ),
        ] {
            assert_eq!(
                lines("E080", &text(base, build, path, to)).len(),
                expected,
                "{base} {build} {path} {to}"
            );
        }
    }
}
