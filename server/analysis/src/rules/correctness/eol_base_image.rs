//! E068 `eol-base-image`.

use std::collections::HashMap;
use std::sync::LazyLock;

use layerwise_model::eval::Base;
use layerwise_model::facts::BaseFacts;
use serde::Deserialize;

use crate::ranges::on_first_line;

use super::apt_key_removed::would_miss_apt_key;
use super::renamed_or_removed_package::would_be_gone;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::portability::would_miss_pip;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "eol-base-image",
        code: "E068",
        severity: Severity::Warning,

        fix: FixClass::Suggestion,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds base images whose version no longer gets security updates. The list is fixed: it holds what was past its end on 1 November 2026, so that the answer does not change with the day.

## Why it matters

Known holes stay open in such an image, and its package repositories are moved away sooner or later: `apt-get update` fails then.

## Example

```dockerfile
FROM node:16
```

## Use instead

```dockerfile
FROM node:24
```
";

#[derive(Debug, Default, Deserialize)]
struct Table {
    images: HashMap<String, Image>,
}

#[derive(Debug, Deserialize)]
struct Image {
    versions: Vec<Ended>,
}

/// A version that has ended.
#[derive(Debug, Deserialize)]
struct Ended {
    /// The version as tags have it: `3.8`, `buster`.
    tag: String,
    /// The day on which support ended.
    date: String,
    /// A version that is supported.
    next: Option<String>,
}

/// Sources: each image's entry names the project's page.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../data/end-of-life.json")).unwrap_or_default()
});

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (stage, evaluated) in cx.file.stages().iter().zip(&cx.eval.stages) {
        let Base::Image(reference) = &evaluated.base else { continue };
        let facts = BaseFacts::of(reference);
        let Some((name, ended)) = ended(&facts) else { continue };
        let instruction = cx.file.instruction(stage.from).1;
        let Some(word) = instruction.args().first() else { continue };
        let message = format!(
            "`{}:{}` is past its end: support for {name} {} ended on {}, and it gets no more security updates{}.",
            facts.name,
            facts.tag,
            ended.tag,
            ended.date,
            ended.next.as_ref().map(|next| format!("; {name} {next} is supported")).unwrap_or_default()
        );
        let finding =
            Finding::new(cx.file.absolute(stage.from, on_first_line(instruction, &word.range)), message);
        out.push(match fix(&word.value, &facts, name, ended) {
            Some((title, at, text)) => {
                let range = word.range.start + at..word.range.start + at + ended.tag.len();
                let verbatim = instruction.source().get(word.range.clone()) == Some(word.value.as_str());
                let fix = Fix::replace(title, cx.file.absolute(stage.from, range), text.clone());
                // Below 3.12, Alpine's python3 has pip in it.
                let pip = facts.name == "alpine" && would_miss_pip(cx, stage.index);
                let newer = BaseFacts::of(&reference.replacen(ended.tag.as_str(), &text, 1));
                let breaks = pip
                    || would_be_gone(cx, stage.index, &newer)
                    || would_miss_apt_key(cx, stage.index, &newer);
                if verbatim && !breaks { finding.fix(fix) } else { finding }
            }
            None => finding,
        });
    }
}

/// The version that has ended, of the image itself or of the distribution that its tag names.
fn ended(facts: &BaseFacts) -> Option<(&'static str, &'static Ended)> {
    let official = facts.official || facts.name.starts_with("mcr.microsoft.com/dotnet/");
    if !official || facts.tag.is_empty() {
        return None;
    }
    let (first, rest) = facts.tag.split_once('-').unwrap_or((&facts.tag, ""));
    let own = TABLE.images.get_key_value(facts.name.as_str());
    if let Some((name, image)) = own
        && let Some(ended) = find(image, first.trim_start_matches(['v', 'u']))
    {
        return Some((if name.contains("/dotnet/") { ".NET" } else { name }, ended));
    }
    for word in rest.split('-') {
        if let Some(version) = word.strip_prefix("alpine").filter(|v| !v.is_empty()) {
            let found = find(TABLE.images.get("alpine")?, version);
            return found.map(|ended| ("alpine", ended));
        }
        for name in ["debian", "ubuntu"] {
            let words = TABLE.images.get_key_value(name);
            let named = word.bytes().all(|b| b.is_ascii_alphabetic()) && !word.is_empty();
            if let Some((name, image)) = words.filter(|_| named)
                && let Some(ended) = image.versions.iter().find(|v| v.tag == word)
            {
                return Some((name, ended));
            }
        }
    }
    None
}

/// The entry for a version such as `3.8.10`, by as many of its numbers as the table tells apart.
fn find<'a>(image: &'a Image, version: &str) -> Option<&'a Ended> {
    let mut version = version;
    loop {
        if let Some(ended) = image.versions.iter().find(|ended| ended.tag == version) {
            return Some(ended);
        }
        // A part of a word (`3.13.0b1`, `jdk8u292`) is not a shorter version.
        version = version.rsplit_once('.')?.0;
    }
}

/// The same tag with a supported version, where the tag is nothing but the version, or the version and the variant.
fn fix(word: &str, facts: &BaseFacts, name: &str, ended: &Ended) -> Option<(String, usize, String)> {
    let next = ended.next.as_ref()?;
    let (_, tag) = word.rsplit_once(':').filter(|(_, tag)| *tag == facts.tag)?;
    let rest = tag.strip_prefix(ended.tag.as_str())?;
    let variants = ["", "-slim", "-alpine", "-fpm", "-apache", "-cli", "-fpm-alpine", "-cli-alpine"];
    let known = name == facts.name && variants.contains(&rest) && !word.contains('$');
    known.then(|| (format!("Use `{next}{rest}`"), word.len() - tag.len(), next.clone()))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn finds() {
        check(
            "E068",
            "\
FROM node:16-alpine AS a
     ^^^^^^^^^^^^^^ support for node 16 ended on 2023-09-11
FROM python:3.8.10-slim
     ^^^^^^^^^^^^^^^^^^ python 3.8 ended on 2024-10-07
FROM python:3.13-slim-buster
     ^^^^^^^^^^^^^^^^^^^^^^^ debian buster ended on 2024-06-30
FROM golang:1.26-alpine3.15
     ^^^^^^^^^^^^^^^^^^^^^^ alpine 3.15
FROM debian:10.3-slim
     ^^^^^^^^^^^^^^^^ debian 10
FROM node:24
FROM node
FROM python:3.13
FROM team/node:16
FROM a
FROM postgres:17.2
FROM ubuntu:24.04
",
        );
        assert_eq!(lines("E068", "ARG V=16\nFROM node:$V\n"), [2]);
        assert_eq!(fixed("E068", "FROM node:16-alpine AS x\n"), "FROM node:24-alpine AS x\n");
        assert_eq!(fixed("E068", "ARG V=16\nFROM node:$V\n"), "ARG V=16\nFROM node:$V\n");
        assert_eq!(fixed("E068", "FROM debian:buster-slim\n"), "FROM debian:trixie-slim\n");
        let pip = "FROM alpine:3.9\nRUN apk add python3\nRUN pip3 install x\n";
        assert_eq!(fixed("E068", pip), pip);
    }

    #[test]
    fn the_table_reads() {
        assert!(super::TABLE.images.len() > 10);
        for (name, image) in &super::TABLE.images {
            for ended in &image.versions {
                assert!(ended.date.as_str() < "2026-11-02" && ended.date.len() == 10, "{name} {}", ended.tag);
                let next = ended.next.as_ref();
                assert!(next.is_none_or(|next| super::find(image, next).is_none()), "{name} {next:?}");
            }
        }
    }
}
