//! `layerwise check --shellcheck`, with a program that stands in for ShellCheck.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::Folder;

/// Finds the word `bad` on the last line of what it gets, and writes a file when it runs at all.
const STAND_IN: &str = r#"#!/bin/sh
echo ran >> "$(dirname "$0")/ran"
if [ "$1" = --version ]; then echo 'version: 0.11.0'; exit; fi
text=$(cat)
lines=$(printf '%s\n' "$text" | wc -l)
printf '{"comments":[{"line":%d,"endLine":%d,"column":1,"endColumn":4,"level":"warning","code":2086,"message":"Bad."}]}' $lines $lines
"#;

fn folder() -> Folder {
    let folder = Folder::new(&[("Dockerfile", "FROM alpine:3.20\nRUN bad words\n")]);
    std::fs::create_dir(folder.path("bin")).unwrap();
    // Written by another process: were it open for writing here while another test starts one, it could not run.
    let mut child = Command::new("sh")
        .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
        .arg(folder.path("bin/shellcheck"))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(STAND_IN.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    folder
}

#[test]
fn it_runs_only_where_it_is_switched_on() {
    let folder = folder();
    folder.run(&["check", "--no-context", "Dockerfile"]);
    // Other rules are asked for: it has nothing to say.
    folder.run(&["check", "--no-context", "--shellcheck=bin/shellcheck", "--select", "E003", "Dockerfile"]);
    assert!(!folder.path("bin/ran").exists());
    let args = ["check", "--no-context", "--shellcheck=bin/shellcheck", "--format", "json", "Dockerfile"];
    let found = folder.run(&args).json();
    let found: Vec<_> = found.as_array().unwrap().iter().filter(|f| f["rule"] == "shellcheck").collect();
    assert_eq!(found.len(), 1, "{found:?}");
    let place = |side: &str| (&found[0]["range"][side]["line"], &found[0]["range"][side]["column"]);
    assert_eq!((place("start"), place("end")), ((&2.into(), &5.into()), (&2.into(), &8.into())));
    assert_eq!((found[0]["code"].as_str(), found[0]["severity"].as_str()), (Some("SC2086"), Some("warning")));
    assert_eq!(found[0]["message"], "Bad. (ShellCheck SC2086)");
    assert!(folder.path("bin/ran").exists());
}

#[test]
fn its_absence_is_no_error() {
    let folder = folder();
    for choice in ["--shellcheck=none/here", "--shellcheck=no-program-has-this-name"] {
        let ran = folder.run(&["check", "--no-context", choice, "--select", "shellcheck", "Dockerfile"]);
        assert_eq!((ran.status, ran.out.as_str()), (0, "Nothing found in 1 file.\n"), "{choice}");
        assert!(ran.err.contains("warning: --shellcheck:"), "{}", ran.err);
    }
}

#[test]
fn a_code_can_be_selected() {
    let folder = folder();
    let run = |select: &str| {
        let args = ["check", "--no-context", "--shellcheck=bin/shellcheck", "--select", select, "Dockerfile"];
        folder.run(&args).out.contains("Bad.")
    };
    assert!(run("SC2086") && run("shellcheck") && !run("SC2046"));
}
