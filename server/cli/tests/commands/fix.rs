//! `layerwise fix`.

use crate::Folder;

const BAD: &str = "FROM alpine:3.20 as Build\nENV a b\nCMD [\"x\"]\n";

#[test]
fn the_diff_is_printed_and_nothing_written() {
    let folder = Folder::new(&[("Dockerfile", BAD), ("ok/Dockerfile", "FROM alpine:3.20\n")]);
    let ran = folder.run(&["fix"]);
    assert_eq!(ran.status, 1, "{}", ran.err);
    assert!(ran.out.starts_with("--- a/Dockerfile\n+++ b/Dockerfile\n"), "{}", ran.out);
    assert!(ran.out.contains("+ENV a=b\n") && !ran.out.contains("ok/"), "{}", ran.out);
    assert!(ran.err.contains("in 1 of 2 files; --write applies them."), "{}", ran.err);
    assert_eq!(folder.read("Dockerfile"), BAD);
    assert_eq!(folder.run(&["fix", "--diff"]).out, ran.out);
    assert_eq!(folder.run(&["fix", "ok"]).status, 0);
}

#[test]
fn files_are_written_and_then_nothing_is_left() {
    let folder = Folder::new(&[("Dockerfile", BAD)]);
    let ran = folder.run(&["fix", "--write", "."]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.contains("Dockerfile: ") && ran.err.contains("Applied"), "{}{}", ran.out, ran.err);
    let once = folder.read("Dockerfile");
    assert!(once.contains("ENV a=b\n"), "{once}");
    let again = folder.run(&["fix", "--write", "."]);
    assert_eq!((again.status, again.out.as_str()), (0, ""));
    assert_eq!(folder.read("Dockerfile"), once);
}

#[test]
fn suggestions_only_where_they_are_asked_for() {
    let folder = Folder::new(&[("Dockerfile", "FROM alpine:3.20\nRUM x\n")]);
    assert_eq!(folder.run(&["fix"]).status, 0);
    assert!(folder.run(&["fix", "--unsafe"]).out.contains("+RUN x\n"));
    let selected = Folder::new(&[("Dockerfile", BAD)]);
    let out = selected.run(&["fix", "--select", "StageNameCasing,FromAsCasing"]).out;
    assert!(!out.contains("ENV a=b"), "{out}");
    let out = selected.run(&["fix", "--ignore", "legacy-key-value"]).out;
    assert!(!out.contains("ENV a=b"), "{out}");
}

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = Folder::new(&[]);
    let ran = folder.run_with(BAD, &["fix", "--write", "-"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.starts_with("FROM alpine:3.20 ") && ran.out.contains("ENV a=b\n"), "{}", ran.out);
    let diff = folder.run_with(BAD, &["fix", "-", "--stdin-filename", "x/Dockerfile"]);
    assert!(diff.out.starts_with("--- a/x/Dockerfile\n"), "{}", diff.out);
}

#[test]
fn a_file_that_is_not_utf8_stays() {
    let folder = Folder::new(&[]);
    folder.write("Dockerfile", b"FROM alpine:3.20\nENV a b\n# caf\xe9\n");
    let ran = folder.run(&["fix", "--write", "."]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("save it as UTF-8 first"), "{}", ran.err);
}
