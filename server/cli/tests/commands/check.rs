//! `layerwise check`.

use serde_json::json;

use crate::Folder;

#[test]
fn the_text_shows_the_line_and_a_caret() {
    let folder = Folder::new(&[("Dockerfile", "FROM debian:12\nRUM echo hi\n")]);
    let ran = folder.run(&["check", "Dockerfile"]);
    let expected = "\
error[unknown-instruction]: Unknown instruction `RUM`; did you mean `RUN`?
 --> Dockerfile:2:1
  |
2 | RUM echo hi
  | ^^^
  |
  = help: Change to `RUN` (suggestion)

Found 1 error in 1 of 1 file.
";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (1, expected, ""));
}

#[test]
fn the_json_has_the_documented_shape() {
    let folder = Folder::new(&[("d/Dockerfile", "FROM debian:12\n# é\n  RUM echo hi\n")]);
    let ran = folder.run(&["check", "--format", "json", "d"]);
    let mut found = ran.json();
    let message = found[0]["message"].take();
    assert!(message.as_str().unwrap().contains("RUM"));
    let expected = json!([{
        "file": "d/Dockerfile",
        "range": {"start": {"line": 3, "column": 3}, "end": {"line": 3, "column": 6}},
        "rule": "unknown-instruction",
        "code": "E001",
        "severity": "error",
        "message": null,
        "equivalents": ["tally/unknown-instruction"],
        "fixes": [{"title": "Change to `RUN`", "applicability": "suggestion"}],
    }]);
    assert_eq!((ran.status, found), (1, expected));
    let clean = Folder::new(&[("Dockerfile", "FROM debian:12\n")]);
    assert_eq!(clean.run(&["check", "--format", "json", "--no-context", "."]).json(), json!([]));
}

#[test]
fn folders_are_searched_and_named_files_are_taken_whatever_their_name() {
    let folder = Folder::new(&[
        ("Dockerfile", "X"),
        ("b/api.Dockerfile", "X"),
        ("b/Dockerfile.dev", "X"),
        ("b/Dockerfile.dev.dockerignore", "X"),
        ("c/Containerfile", "X"),
        ("c/notes.txt", "X"),
        ("out/Dockerfile", "X"),
        (".gitignore", "out\n"),
    ]);
    let files = |args: &[&str]| -> Vec<String> {
        let ran = folder.run(&[&["check", "--format", "json"], args].concat());
        assert_eq!(ran.status, 1, "{}", ran.err);
        let mut files: Vec<String> =
            ran.json().as_array().unwrap().iter().map(|f| f["file"].as_str().unwrap().to_owned()).collect();
        files.dedup();
        files
    };
    assert_eq!(files(&["."]), ["Dockerfile", "b/Dockerfile.dev", "b/api.Dockerfile", "c/Containerfile"]);
    assert_eq!(
        files(&["c/notes.txt", "b", "out/Dockerfile"]),
        ["c/notes.txt", "b/Dockerfile.dev", "b/api.Dockerfile", "out/Dockerfile"]
    );
    assert_eq!(
        files(&["b", "./b", "b/../b/api.Dockerfile"]),
        ["b/Dockerfile.dev", "b/api.Dockerfile"],
        "each once"
    );
}

#[test]
fn fail_on_decides_about_status_1() {
    let folder = Folder::new(&[("Dockerfile", "FROM debian:12 AS Build\nRUN x\n"), ("Broken", "FRM a\n")]);
    let status = |file: &str, level: &str| folder.run(&["check", file, "--fail-on", level]).status;
    assert_eq!(folder.run(&["check", "Dockerfile"]).status, 0, "a warning is below error");
    assert_eq!(
        [status("Dockerfile", "error"), status("Dockerfile", "hint"), status("Dockerfile", "never")],
        [0, 1, 0]
    );
    assert_eq!([status("Broken", "error"), status("Broken", "never")], [1, 0]);
}

#[test]
fn select_limits_the_rules_but_not_syntax_errors() {
    let folder = Folder::new(&[("Dockerfile", "FROM debian:12 AS Build\nRUM x\n")]);
    let rules = |select: &str| -> Vec<String> {
        let ran = folder.run(&["check", "--format", "json", "--select", select, "."]);
        ran.json().as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(rules("syntax-error"), ["syntax-error"]);
    assert!(rules("StageNameCasing").contains(&"stage-name-casing".to_owned()), "BuildKit's name");
    assert_eq!(rules("StageNameCasing").len(), 2);
    assert!(rules("ALL").contains(&"stage-name-casing".to_owned()));
    let typo = folder.run(&["check", "--select", "stage-name-casin", "."]);
    assert_eq!(typo.status, 2);
    assert!(typo.err.contains("did you mean `stage-name-casing`?"), "{}", typo.err);
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_checked() {
    let folder = Folder::new(&[("Dockerfile", "FRM a\n"), ("sub/x", "")]);
    let big = std::fs::File::create(folder.path("big.Dockerfile")).unwrap();
    big.set_len(100 << 20).unwrap();
    let ran = folder.run(&["check", "--format", "json", "missing", "big.Dockerfile", "Dockerfile"]);
    assert_eq!(ran.status, 2, "trouble wins over findings");
    assert_eq!(ran.json().as_array().unwrap().len(), 1);
    assert!(ran.err.contains("missing: no such file; check the path"), "{}", ran.err);
    assert!(ran.err.contains("big.Dockerfile: too large for a Dockerfile"), "{}", ran.err);
    let nothing = folder.run(&["check", "sub"]);
    assert_eq!(nothing.status, 0);
    assert!(nothing.err.contains("no Dockerfile"), "{}", nothing.err);
}

#[test]
fn bytes_that_are_not_utf8_are_shown_and_noted() {
    let folder = Folder::new(&[]);
    folder.write("Dockerfile", b"FROM debian:12\nRUM caf\xe9\n");
    let ran = folder.run(&["check", "Dockerfile"]);
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("RUM caf\u{fffd}"), "{}", ran.out);
    assert!(ran.err.contains("Dockerfile: line 2 is not valid UTF-8"), "{}", ran.err);
    folder.write("Dockerfile", b"FROM debian:12\nRUN a\0b\n");
    let ran = folder.run(&["check", "Dockerfile"]);
    assert!(ran.err.contains("line 2 has a NUL byte"), "{}", ran.err);
}

#[test]
fn the_order_does_not_depend_on_the_threads() {
    let files: Vec<(String, String)> = (0..300)
        .map(|i| (format!("{i:03}/Dockerfile"), format!("FROM a\nX{i}\n{}", "RUN x\n".repeat(300 - i))))
        .collect();
    let folder = Folder::new(&files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect::<Vec<_>>());
    let once = folder.run(&["check", "--format", "json", "."]).out;
    let files: Vec<String> = serde_json::from_str::<serde_json::Value>(&once)
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["file"].as_str().unwrap().to_owned())
        .collect();
    assert!(files.len() >= 300 && files.is_sorted());
    assert_eq!(folder.run(&["check", "--format", "json", "."]).out, once);
}

/// BuildKit's CopyIgnoredFile, which needs the context: experimental, so the file asks for it.
#[test]
fn the_context_is_found_and_can_be_left_out() {
    let dockerfile = "# check=experimental=all\nFROM debian:12\nCOPY secret.txt /\n";
    let folder = Folder::new(&[
        ("docker/Dockerfile", dockerfile),
        ("docker/other.Dockerfile", dockerfile),
        ("docker/other.Dockerfile.dockerignore", "nothing\n"),
        ("secret.txt", ""),
        (".dockerignore", "secret.txt\n"),
    ]);
    folder.git(&["init", "--quiet"]);
    let found = |args: &[&str]| -> Vec<String> {
        let all = folder.run(&[&["check", "--format", "json"], args].concat()).json();
        let ignored = all.as_array().unwrap().iter().filter(|f| f["equivalents"][0] == "CopyIgnoredFile");
        ignored.map(|f| f["file"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        found(&["."]),
        ["docker/Dockerfile"],
        "the nearest folder that has secret.txt; each its own ignore file"
    );
    assert_eq!(found(&["--no-context", "."]), Vec::<String>::new());
    assert_eq!(found(&["--select", "CopyIgnoredFile", "docker"]), ["docker/Dockerfile"]);
}

#[test]
fn every_format_is_what_it_says() {
    let folder =
        Folder::new(&[("a/Dockerfile", "FROM debian:12 AS Build\nRUM x\n"), ("b/Dockerfile", "FROM a\n")]);
    let run = |format: &str, path: &str| {
        folder.run(&["check", "--select", "StageNameCasing", "--format", format, path])
    };
    let sarif = run("sarif", ".").json();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 2);
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().len(), 2);
    assert_eq!(run("gitlab", ".").json().as_array().unwrap().len(), 2);
    assert!(run("github", ".").out.starts_with("::notice file=a/Dockerfile,line=1,"));
    assert_eq!(run("checkstyle", ".").out.matches("<file ").count(), 2);
    assert_eq!(run("junit", ".").out.matches("<testsuite ").count(), 2);
    for format in ["sarif", "gitlab", "json"] {
        let clean = run(format, "b");
        assert_eq!(clean.status, 0);
        clean.json();
    }
    assert_eq!(run("github", "b").out, "");
}

#[test]
fn max_warnings() {
    let folder = Folder::new(&[("Dockerfile", "FROM debian:12 AS a\nCMD x\nFROM debian:12\nCMD y\n")]);
    let status =
        |n: &str| folder.run(&["check", "--select", "JSONArgsRecommended", "--max-warnings", n, "."]).status;
    assert_eq!([status("2"), status("1"), status("0")], [0, 1, 1]);
}

#[test]
fn standard_input_has_a_name() {
    let folder = Folder::new(&[]);
    let ran =
        folder.run_with("FRM a\n", &["check", "-", "--format", "json", "--stdin-filename", "d/x.Dockerfile"]);
    assert_eq!((ran.status, ran.json()[0]["file"].as_str()), (1, Some("d/x.Dockerfile")));
    assert!(folder.run_with("FRM a\n", &["check", "-"]).out.contains("--> <stdin>:1:1"));
}

#[test]
fn since_a_revision_only_what_is_new() {
    let folder = Folder::new(&[
        ("Dockerfile", "FROM debian:12 AS One\nRUN a\n"),
        ("same/Dockerfile", "FROM debian:12 AS Same\n"),
    ]);
    folder.commit();
    folder.write("Dockerfile", "FROM debian:12 AS One\nRUN a\nFROM debian:12 AS Two\n");
    folder.write("new/Dockerfile", "FROM debian:12 AS New\n");
    let found = |args: &[&str]| -> Vec<(String, u64)> {
        let args = [&["check", "--format", "json", "--select", "StageNameCasing"], args].concat();
        let all = folder.run(&args).json();
        let place = |f: &serde_json::Value| {
            (f["file"].as_str().unwrap().to_owned(), f["range"]["start"]["line"].as_u64().unwrap())
        };
        all.as_array().unwrap().iter().map(place).collect()
    };
    assert_eq!(found(&["."]).len(), 4);
    let new = [("Dockerfile".to_owned(), 3), ("new/Dockerfile".to_owned(), 1)];
    assert_eq!(found(&["--since", "HEAD", "."]), new);
    folder.commit();
    assert!(found(&["--since", "HEAD", "."]).is_empty());
    assert_eq!(found(&["--since", "HEAD~1", "."]), new);
    let unknown = folder.run(&["check", "--since", "nope", "."]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.err.contains("git knows no commit `nope`"), "{}", unknown.err);
}
