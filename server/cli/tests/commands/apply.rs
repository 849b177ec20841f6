//! `layerwise actions` and `layerwise apply`.

use serde_json::json;

use crate::Folder;

const APT: &str = "\
FROM debian:12
RUN apt-get update
RUN apt-get install -y curl
RUN rm -rf /var/lib/apt/lists/*
";

#[test]
fn actions_lists_what_an_editor_would_offer() {
    let folder = Folder::new(&[("Dockerfile", APT)]);
    let ran = folder.run(&["actions", "Dockerfile", "--format", "json"]);
    let all = ran.json();
    let merge = all.as_array().unwrap().iter().find(|a| a["id"] == "merge-run").expect("merge-run");
    assert_eq!(merge["kind"], "refactor.rewrite");
    assert_eq!(merge["applicability"], "safe");
    assert_eq!(merge["range"], json!({"start": {"line": 2, "column": 1}, "end": {"line": 4, "column": 32}}));
    assert!(!merge["title"].as_str().unwrap().is_empty());
    let ids = |line: &str| -> Vec<String> {
        let ran = folder.run(&["actions", "Dockerfile", "--line", line, "--format", "json"]);
        ran.json().as_array().unwrap().iter().map(|a| a["id"].as_str().unwrap().to_owned()).collect()
    };
    assert!(ids("4").contains(&"merge-run".to_owned()));
    assert!(!ids("1").contains(&"merge-run".to_owned()));
    let text = folder.run(&["actions", "Dockerfile", "--line", "4"]);
    assert!(text.out.starts_with("merge-run:") && text.out.contains("lines 2 to 4 (safe)"), "{}", text.out);
    assert_eq!((ran.status, text.status), (0, 0));
}

#[test]
fn apply_prints_a_diff_and_writes_only_when_asked() {
    let folder = Folder::new(&[("Dockerfile", APT)]);
    let diff = folder.run(&["apply", "merge-run", "Dockerfile", "--line", "3"]);
    assert_eq!(diff.status, 0, "{}", diff.err);
    assert!(diff.out.starts_with("--- a/Dockerfile\n+++ b/Dockerfile\n@@ "), "{}", diff.out);
    assert!(diff.out.contains("-RUN rm -rf /var/lib/apt/lists/*\n"), "{}", diff.out);
    assert_eq!(folder.read("Dockerfile"), APT, "printing does not write");
    let written = folder.run(&["apply", "merge-run", "Dockerfile", "--write"]);
    assert_eq!(written.status, 0, "{}", written.err);
    let after = folder.read("Dockerfile");
    assert_eq!(after.matches("RUN").count(), 1, "{after}");
    assert!(after.contains("&&") && after.contains("rm -rf /var/lib/apt/lists/*"), "{after}");
    let again = folder.run(&["apply", "merge-run", "Dockerfile", "--write"]);
    assert_eq!(again.status, 2);
    assert!(again.err.contains("not offered here"), "{}", again.err);
    assert_eq!(folder.read("Dockerfile"), after);
}

#[test]
fn two_places_need_a_line() {
    let text = format!("{APT}\n{APT}");
    let folder = Folder::new(&[("Dockerfile", &text)]);
    let ran = folder.run(&["apply", "merge-run", "Dockerfile"]);
    assert_eq!((ran.status, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("lines 2 to 4, lines 7 to 9; choose one with --line"), "{}", ran.err);
    assert_eq!(folder.run(&["apply", "merge-run", "Dockerfile", "--line", "8"]).status, 0);
}

#[test]
fn a_file_that_is_not_utf8_is_never_written() {
    let folder = Folder::new(&[]);
    let bytes = [APT.as_bytes(), b"# caf\xe9\n"].concat();
    folder.write("Dockerfile", &bytes);
    let ran = folder.run(&["apply", "merge-run", "Dockerfile", "--write"]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("not valid UTF-8"), "{}", ran.err);
    assert_eq!(std::fs::read(folder.path("Dockerfile")).unwrap(), bytes);
}
