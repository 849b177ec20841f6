//! E081 `missing-ca-certificates`.

use layerwise_model::eval::{Command, Source};
use layerwise_model::facts::base::{Family, Tool};
use layerwise_syntax::Keyword;

use super::image_files::earlier;
use super::programs::source_range;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "missing-ca-certificates",
        code: "E081",
        severity: Severity::Warning,

        fix: FixClass::Suggestion,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds images from scratch that get a program and no CA certificates, where the file or the project's manifest says that the program talks TLS: the stage that builds it installs `ca-certificates` and no git, which needs them to fetch the source, or go.mod or Cargo.toml names a client library.

## Why it matters

Without the certificates every TLS connection fails: \"x509: certificate signed by unknown authority\".

## Example

```dockerfile
FROM alpine:3.20 AS build
RUN apk add --no-cache ca-certificates go
WORKDIR /src
COPY . .
RUN go build -o /app .
FROM scratch
COPY --from=build /app /app
ENTRYPOINT [\"/app\"]
```

## Use instead

```dockerfile
FROM alpine:3.20 AS build
RUN apk add --no-cache ca-certificates go
WORKDIR /src
COPY . .
RUN go build -o /app .
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /app /app
ENTRYPOINT [\"/app\"]
```
";

/// Modules that connect to servers on the internet.
const CLIENTS: [&str; 17] = [
    "aws-sdk-go",
    "google.golang.org/api",
    "cloud.google.com/go",
    "azure-sdk-for-go",
    "golang.org/x/oauth2",
    "go-resty",
    "slack-go",
    "stripe-go",
    "go-github",
    "sentry-go",
    "reqwest",
    "hyper-tls",
    "hyper-rustls",
    "native-tls",
    "aws-config",
    "telegram-bot-api",
    "discordgo",
];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let facts = &cx.facts.stages[stage.index];
        let last = cx.eval.target == Some(stage.index)
            || (cx.eval.target.is_none() && stage.index + 1 == cx.file.stages().len());
        if facts.base.family != Family::Scratch || !last {
            continue;
        }
        let mut taken = None;
        let mut starts = false;
        let mut certain = true;
        for number in earlier(cx, stage.index, usize::MAX) {
            let instruction = cx.file.instruction(number).1;
            let text = instruction.source().to_ascii_lowercase();
            starts |= matches!(instruction.kind(), Some(Keyword::Cmd | Keyword::Entrypoint));
            // A whole tree may hold them.
            certain &=
                !["cert", "/ssl", "ca-bundle", "/pki", ".pem", ".crt"].iter().any(|word| text.contains(word));
            if let Command::Copy(copy) = &cx.eval.step(number).command {
                let tree = ["/", "/etc", "/etc/"].contains(&copy.dest_path.as_str())
                    && copy.sources.iter().any(|s| {
                        copy.add
                            || s.ends_with('/')
                            || s.trim_matches('/')
                                .rsplit('/')
                                .next()
                                .is_some_and(|name| name.contains("root"))
                            || s.contains('*')
                            || s.trim_matches('/').is_empty()
                    });
                certain &= !tree;
                if let Source::Stage(from) = copy.from {
                    taken = Some((number, from, copy));
                }
            } else if matches!(cx.eval.step(number).command, Command::Run(_)) {
                certain = false;
            }
        }
        let Some((number, from, copy)) = taken.filter(|_| starts && certain) else { continue };
        let build = &cx.facts.stages[from];
        // Who installs git along with them needs them to fetch the source.
        let installed = build.has_package("ca-certificates") && !build.has_package("git");
        let client = cx.context.and_then(|context| {
            ["go.mod", "Cargo.toml"].iter().filter_map(|file| Some((*file, context.text(file)?))).find_map(
                |(file, text)| {
                    let fallback = text.contains("x509roots")
                        || text.contains("webpki-roots")
                        || text.contains("gwatts/rootcerts");
                    CLIENTS
                        .iter()
                        .find(|client| !fallback && text.contains(*client))
                        .map(|client| (file, *client))
                },
            )
        });
        let why = match client {
            _ if installed => "the stage that builds the program installs them".to_owned(),
            Some((file, client)) => format!("{file} names `{client}`, which connects with TLS"),
            None => continue,
        };
        let source = copy.sources.first().map_or("", String::as_str);
        let message = format!(
            "This image has no CA certificates, and {why}: TLS connections fail with \"certificate signed by unknown authority\"; copy /etc/ssl/certs/ca-certificates.crt too."
        );
        let finding = Finding::new(source_range(cx, number, source), message);
        let instruction = cx.file.instruction(number).1;
        let has = installed || build.base.has(Tool::Certificates) == Some(true);
        let at = cx.file.range(number).start;
        out.push(match instruction.flag("from") {
            Some(from) if has && !cx.file.instruction(number).1.keyword().value.is_empty() => {
                finding.fix(Fix::replace(
                    "Copy the CA certificates",
                    at..at,
                    format!("COPY --from={from} /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\n"),
                ))
            }
            _ => finding,
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines, with_texts};

    const BUILD: &str = "FROM golang:1.26-alpine AS b\nRUN apk add --no-cache ca-certificates\nRUN go build -o /x\nFROM scratch\n";

    #[test]
    fn finds() {
        let count = |rest: &str| lines("E081", &format!("{BUILD}{rest}\nENTRYPOINT [\"/x\"]\n")).len();
        assert_eq!(count("COPY --from=b /x /x"), 1);
        assert_eq!(
            count("COPY --from=b /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\nCOPY --from=b /x /x"),
            0
        );
        assert_eq!(count("COPY --from=b /etc/ssl /etc/ssl\nCOPY --from=b /x /x"), 0);
        assert_eq!(count("COPY --from=b /rootfs /"), 0);
        assert_eq!(count("COPY --from=b /build/rootfs /"), 0);
        let git = BUILD.replace("ca-certificates", "ca-certificates git");
        assert_eq!(lines("E081", &format!("{git}COPY --from=b /x /x\nENTRYPOINT [\"/x\"]\n")).len(), 0);
        assert_eq!(lines("E081", &format!("{BUILD}COPY --from=b /x /x\n")).len(), 0);
        let plain =
            "FROM golang:1.26 AS b\nRUN go build -o /x\nFROM scratch\nCOPY --from=b /x /x\nCMD [\"/x\"]\n";
        assert_eq!(lines("E081", plain).len(), 0);
        assert_eq!(
            with_texts("E081", &[("go.mod", "require github.com/aws/aws-sdk-go-v2 v1\n")], "", plain).len(),
            1
        );
        assert_eq!(with_texts("E081", &[("go.mod", "require x v1\n")], "", plain).len(), 0);
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("E081", &format!("{BUILD}COPY --from=b /x /x\nCMD [\"/x\"]\n")),
            format!(
                "{BUILD}COPY --from=b /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\nCOPY --from=b /x /x\nCMD [\"/x\"]\n"
            )
        );
    }
}
