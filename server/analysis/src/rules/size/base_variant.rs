//! S019 `sdk-image-as-final`, S020 `jdk-as-runtime` and S021 `fat-base-variant`: base images with more than what runs needs.

use layerwise_model::eval::Base;
use layerwise_model::facts::{BaseFacts, Family};

use super::layers::{about, chain, is_application, runs, starts, starts_development, target};
use crate::cost::bases;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static SDK: Rule = Rule {
    meta: Meta {
        name: "sdk-image-as-final",
        code: "S019",
        severity: Severity::Hint,
        equivalents: &["tally/gpu/prefer-runtime-final-stage"],
        doc: SDK_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(sdk),
};

pub(super) static JDK: Rule = Rule {
    meta: Meta {
        name: "jdk-as-runtime",
        code: "S020",
        severity: Severity::Hint,
        fix: FixClass::Suggestion,
        doc: JDK_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(jdk),
};

pub(super) static FAT: Rule = Rule {
    meta: Meta {
        name: "fat-base-variant",
        code: "S021",
        severity: Severity::Info,
        fix: FixClass::Suggestion,
        doc: FAT_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(fat),
};

const SDK_DOC: &str = "\
## What it does

Finds images that start a program and stand on an image for building: golang, rust, maven, gradle, the .NET SDK, CUDA's
`devel`. Nothing is said where the tool itself is what is started (`go run`, `mvn`), and of CUDA's where something is
compiled.

## Why it matters

Compilers, package managers and sources are hundreds of megabytes that nothing runs, and what they can do, an intruder can.

## Example

```dockerfile
FROM golang:1.23
WORKDIR /src
COPY . .
RUN go build -o /server .
CMD [\"/server\"]
```

## Use instead

```dockerfile
FROM golang:1.23 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -o /server .
FROM gcr.io/distroless/static
COPY --from=build /server /server
CMD [\"/server\"]
```
";

const JDK_DOC: &str = "\
## What it does

Finds images that start `java` and stand on a JDK (eclipse-temurin, openjdk up to 11) although nothing in their stages
compiles.

## Why it matters

A JRE has all that a program needs to run, without the compiler and its tools, at about half of the size.

## Example

```dockerfile
FROM eclipse-temurin:21
COPY app.jar /app.jar
CMD [\"java\", \"-jar\", \"/app.jar\"]
```

## Use instead

```dockerfile
FROM eclipse-temurin:21-jre
COPY app.jar /app.jar
CMD [\"java\", \"-jar\", \"/app.jar\"]
```
";

const FAT_DOC: &str = "\
## What it does

Finds images that start a program and stand on the full variant of node, python or ruby.

## Why it matters

The full variants hold compilers, the headers of dozens of libraries, Mercurial and ImageMagick: about 1 GB, where the slim
variant is a fifth of it. What has to be compiled can be compiled in a stage of its own.

## Example

```dockerfile
FROM python:3.12
CMD [\"python\", \"-m\", \"http.server\"]
```

## Use instead

```dockerfile
FROM python:3.12-slim
CMD [\"python\", \"-m\", \"http.server\"]
```
";

/// The image at the bottom of what is built: the instruction, its reference, what is known of it.
fn bottom<'a>(cx: &FileCx<'a>) -> Option<(usize, &'a str, &'a BaseFacts)> {
    let facts = cx.facts.stages.get(target(cx)?)?;
    let stage = *facts.chain.last()?;
    match &cx.eval.stages.get(stage)?.base {
        Base::Image(reference) => Some((cx.file.stages().get(stage)?.from, reference, &facts.base)),
        _ => None,
    }
}

/// ` (~831 MB)`, if the size of an image is known.
fn size(reference: &str) -> String {
    bases::lookup(reference).map_or_else(String::new, |row| format!(" ({})", about(row.bytes())))
}

/// The programs that CMD and ENTRYPOINT name, and every other word of theirs.
fn started<'a>(cx: &FileCx<'a>) -> impl Iterator<Item = &'a str> {
    starts(cx)
        .flat_map(|(_, instruction)| instruction.args().iter().flat_map(|arg| arg.value.split_whitespace()))
}

fn place(cx: &FileCx<'_>, from: usize) -> std::ops::Range<usize> {
    let instruction = cx.file.instruction(from).1;
    let range = instruction.args().first().map_or_else(|| head(instruction), |word| word.range.clone());
    cx.file.absolute(from, range)
}

/// The fix that gives the base image another tag, where the tag stands in the file as it is.
fn retag(cx: &FileCx<'_>, from: usize, base: &BaseFacts, tag: &str) -> Option<Fix> {
    let instruction = cx.file.instruction(from).1;
    let word = instruction.args().first()?;
    let written = instruction.source().get(word.range.clone())?;
    if written != word.value || written.contains(['$', '@']) {
        return None;
    }
    let (name, old) = match written.rsplit_once(':') {
        Some((name, old)) if !old.contains('/') => (name, old),
        _ => (written, ""),
    };
    (old == base.tag || (old.is_empty() && base.tag == "latest"))
        .then(|| Fix::replace(format!("Use `{name}:{tag}`"), place(cx, from), format!("{name}:{tag}")))
}

/// Whether a base image is for building, and the programs that are the tools of it.
fn tools(base: &BaseFacts) -> Option<&'static [&'static str]> {
    match base.name.as_str() {
        "golang" => {
            Some(&["go", "air", "gow", "reflex", "dlv", "gin", "CompileDaemon", "fresh", "bee", "revel"])
        }
        "rust" => Some(&["cargo", "rustc", "wasm-pack"]),
        "maven" => Some(&["mvn", "mvnw", "./mvnw"]),
        "gradle" => Some(&["gradle", "gradlew", "./gradlew"]),
        "mcr.microsoft.com/dotnet/sdk" | "mcr.microsoft.com/dotnet/core/sdk" => Some(&[]),
        "haskell" => Some(&["stack", "cabal", "ghci", "runghc"]),
        "nvidia/cuda" if base.tag.contains("devel") => Some(&[]),
        _ => None,
    }
}

fn sdk(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some((from, reference, base)) = bottom(cx) else { return };
    let Some(tools) = tools(base) else { return };
    if !is_application(cx) || starts_development(cx) {
        return;
    }
    let cuda = base.name == "nvidia/cuda";
    let dotnet = base.name.contains("dotnet");
    // A shell or the tool itself is what an image of tools starts.
    let words: Vec<&str> = started(cx).map(|word| word.rsplit('/').next().unwrap_or(word)).collect();
    let tool = words.iter().any(|word| tools.contains(word))
        || (dotnet
            && words.windows(2).any(|w| {
                w[0] == "dotnet" && matches!(w[1], "run" | "watch" | "test" | "build" | "tool" | "ef")
            }));
    let builds = || runs(cx).any(|run| run.facts.commands.iter().any(|command| compiles(&command.name)));
    let installs_tools = || {
        cx.facts.stages.get(target(cx).unwrap_or_default()).is_some_and(|facts| {
            facts.installed.iter().any(|(_, name)| {
                matches!(name.as_str(), "build-essential" | "ninja-build" | "cmake" | "gcc" | "g++" | "make")
            })
        })
    };
    if tool || (cuda && (builds() || installs_tools())) {
        return;
    }
    let instead = match base.name.as_str() {
        "golang" => "a stage on `gcr.io/distroless/static` or `alpine`",
        "rust" => "a stage on `debian:bookworm-slim`",
        "maven" | "gradle" => "a stage on a JRE (`eclipse-temurin:21-jre`)",
        _ if dotnet => "a stage on `mcr.microsoft.com/dotnet/aspnet`",
        _ if cuda => "the `runtime` variant",
        _ => "a stage of its own",
    };
    let message = if cuda {
        format!(
            "`{}` has the compilers and headers of CUDA, and nothing is compiled here; use {instead}.",
            base.name
        )
    } else {
        format!(
            "The image ships with all of `{}:{}`{}, which is for building; copy what it makes into {instead}.",
            base.name,
            base.tag,
            size(reference)
        )
    };
    out.push(Finding::new(place(cx, from), message));
}

/// Whether a program compiles.
fn compiles(name: &str) -> bool {
    matches!(
        name,
        "make"
            | "gmake"
            | "cmake"
            | "ninja"
            | "gcc"
            | "g++"
            | "cc"
            | "c++"
            | "clang"
            | "nvcc"
            | "meson"
            | "configure"
            | "javac"
            | "mvn"
            | "mvnw"
            | "gradle"
            | "gradlew"
            | "sbt"
            | "ant"
            | "jlink"
            | "jar"
            | "jdeps"
            | "bazel"
            | "kotlinc"
            | "scalac"
            | "lein"
            | "native-image"
            | "jshell"
            | "mill"
    )
}

fn jdk(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some((from, reference, base)) = bottom(cx) else { return };
    let temurin = base.name == "eclipse-temurin";
    let major = base.tag.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse::<u32>().ok());
    if !(temurin || base.name == "openjdk")
        || !base.official
        || base.tag.contains("jre")
        || base.family == Family::Windows
    {
        return;
    }
    let java = started(cx).any(|word| word.rsplit('/').next() == Some("java") || word.ends_with(".jar"));
    let compiling =
        || runs(cx).any(|run| run.facts.unclear || run.facts.commands.iter().any(|c| compiles(&c.name)));
    if !java || !is_application(cx) || compiling() {
        return;
    }
    // Releases in between have no JRE of their own any more.
    let Some(major) = major.filter(|major| temurin || matches!(major, 8 | 11 | 17 | 21)) else { return };
    let tag = if base.tag.contains("jdk") {
        base.tag.replacen("jdk", "jre", 1)
    } else {
        match base.tag.split_once('-') {
            Some((version, rest)) => format!("{version}-jre-{rest}"),
            None => format!("{}-jre", base.tag),
        }
    };
    // openjdk has no JRE for later releases, and none at all for some variants of these.
    let known = temurin
        || (matches!(major, 8 | 11)
            && base.tag.split('-').all(|w| {
                matches!(w, "jdk" | "slim" | "8" | "11" | "alpine" | "buster" | "bullseye" | "stretch")
            }));
    let instead = if known && (temurin || major == 8 || !tag.contains("alpine")) {
        format!("{}:{tag}", base.name)
    } else {
        format!("eclipse-temurin:{major}-jre")
    };
    let message = format!(
        "`{}:{}`{} has the compiler and its tools, and this image only starts `java`; use `{instead}`{}.",
        base.name,
        base.tag,
        size(reference),
        size(&instead)
    );
    let mut finding = Finding::new(place(cx, from), message);
    if temurin {
        finding.fixes.extend(retag(cx, from, base, &tag));
    }
    out.push(finding);
}

/// The tag of the slim variant; `None` for a tag that says more than version and release.
fn slim(base: &BaseFacts) -> Option<String> {
    const SUITES: [&str; 6] = ["stretch", "buster", "bullseye", "bookworm", "trixie", "jessie"];
    let mut parts = base.tag.split('-');
    let version = parts.next()?;
    let suite = parts.next();
    let versions = ["latest", "lts", "current", "stable"];
    let plain = version.chars().all(|c| c.is_ascii_digit() || c == '.') || versions.contains(&version);
    if !plain || suite.is_some_and(|suite| !SUITES.contains(&suite)) || parts.next().is_some() {
        return None;
    }
    Some(match (suite, base.name.as_str()) {
        (None, _) if version == "latest" => "slim".to_owned(),
        (None, _) => format!("{version}-slim"),
        (Some(suite), "node") => format!("{version}-{suite}-slim"),
        (Some(suite), _) => format!("{version}-slim-{suite}"),
    })
}

fn fat(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some((from, reference, base)) = bottom(cx) else { return };
    let known = matches!(base.name.as_str(), "node" | "python" | "ruby") && base.official;
    if !known || base.small || base.family != Family::Debian || !is_application(cx) || starts_development(cx)
    {
        return;
    }
    let Some(tag) = slim(base) else { return };
    // What is compiled here needs the compilers, unless it gets a stage of its own.
    let builds = runs(cx).any(|run| run.facts.commands.iter().any(|c| compiles(&c.name)));
    let instead = format!("{}:{tag}", base.name);
    let but = if builds { ", and what has to be compiled in a stage of its own" } else { "" };
    let message = format!(
        "`{}:{}`{} has compilers and headers that a running program does not need; use `{instead}`{}{but}.",
        base.name,
        base.tag,
        size(reference),
        size(&instead)
    );
    let mut finding = Finding::new(place(cx, from), message);
    if chain(cx).len() == 1 {
        finding.fixes.extend(retag(cx, from, base, &tag).filter(|_| !builds));
    }
    out.push(finding);
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn images_for_building() {
        check(
            "S019",
            "\
FROM golang:1.23
     ^^^^^^^^^^^ `golang:1.23` (~831 MB), which is for building
RUN go build -o /x
CMD [\"/x\"]
",
        );
        for text in [
            "FROM golang:1.23\nCMD [\"go\", \"run\", \".\"]",
            "FROM golang:1.23\nRUN go build",
            "FROM golang:1.23\nCMD bash -il",
            "FROM golang:1.23\nENTRYPOINT [\"/src/build.sh\"]",
            "FROM golang:1.23 AS dev\nCMD /x",
            "FROM golang:1.23 AS build\nFROM alpine\nCMD /x",
            "FROM mcr.microsoft.com/dotnet/sdk:8.0\nENTRYPOINT [\"dotnet\", \"watch\"]",
            "FROM nvidia/cuda:12.2.0-devel-ubuntu22.04\nRUN make\nCMD /x",
        ] {
            assert_eq!(lines("S019", &format!("{text}\n")), [0; 0], "{text}");
        }
        assert_eq!(
            lines("S019", "FROM mcr.microsoft.com/dotnet/sdk:8.0\nENTRYPOINT [\"dotnet\", \"a.dll\"]\n"),
            [1]
        );
        assert_eq!(lines("S019", "FROM nvidia/cuda:12.2.0-devel-ubuntu22.04\nCMD /x\n"), [1]);
    }

    #[test]
    fn compilers_of_java() {
        check(
            "S020",
            "\
FROM eclipse-temurin:21-jdk-jammy
     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ use `eclipse-temurin:21-jre-jammy` (~286 MB)
CMD [\"java\", \"-jar\", \"x\"]
",
        );
        for text in [
            "FROM eclipse-temurin:21-jre\nCMD java x",
            "FROM eclipse-temurin:21\nRUN ./mvnw package\nCMD java x",
            "FROM eclipse-temurin:21\nCMD ./start.sh",
            "FROM eclipse-temurin:21\nRUN x",
            "FROM openjdk:13\nCMD java x",
        ] {
            assert_eq!(lines("S020", &format!("{text}\n")), [0; 0], "{text}");
        }
        check(
            "S020",
            "FROM openjdk:17-jdk-alpine\n     ^^^^^^^^^^^^^^^^^^^^^ use `eclipse-temurin:17-jre`\nCMD java -jar x\n",
        );
        check(
            "S020",
            "FROM openjdk:8-alpine\n     ^^^^^^^^^^^^^^^^ use `openjdk:8-jre-alpine`\nCMD java -jar x\n",
        );
        assert_eq!(
            fixed("S020", "FROM eclipse-temurin:17-alpine\nCMD java -jar x\n"),
            "FROM eclipse-temurin:17-jre-alpine\nCMD java -jar x\n"
        );
    }

    #[test]
    fn full_variants() {
        check(
            "S021",
            "\
FROM python:3.12-bookworm AS base
     ^^^^^^^^^^^^^^^^^^^^ (~1.0 GB) has compilers and headers that a running program does not need; use `python:3.12-slim-bookworm` (~124 MB)
FROM base
CMD [\"python\"]
",
        );
        for text in [
            "FROM node:22-slim\nCMD x",
            "FROM node:22-alpine\nCMD x",
            "FROM node:22",
            "FROM node:22-onbuild\nCMD x",
            "FROM node:22\nCMD npm run dev",
            "FROM team/node:22\nCMD x",
        ] {
            assert_eq!(lines("S021", &format!("{text}\n")), [0; 0], "{text}");
        }
        for (old, new) in [
            ("node:22", "node:22-slim"),
            ("node", "node:slim"),
            ("node:22-bookworm", "node:22-bookworm-slim"),
            ("ruby:3.3", "ruby:3.3-slim"),
        ] {
            assert_eq!(fixed("S021", &format!("FROM {old}\nCMD x\n")), format!("FROM {new}\nCMD x\n"));
        }
        let same = "ARG V=3\nFROM python:$V\nCMD x\n";
        assert_eq!(fixed("S021", same), same);
    }
}
