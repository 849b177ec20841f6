//! `layerwise plan`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Folder, Ran};

const DOCKERFILE: &str = "\
FROM alpine:3.20 AS build
ARG V
WORKDIR /app
COPY go.mod ./
RUN fetch
COPY . .
RUN build
FROM scratch
COPY --from=build /app/out /out
";

fn project() -> Folder {
    Folder::new(&[
        ("Dockerfile", DOCKERFILE),
        ("go.mod", "module x\n"),
        ("src/a.go", "1"),
        (".dockerignore", "ignored\n"),
    ])
}

/// The states by line.
fn states(ran: &Ran) -> BTreeMap<u64, String> {
    assert_eq!(ran.status, 0, "{}", ran.err);
    let json = ran.json();
    assert_eq!((&json["version"], &json["engine"]), (&json!(1), &json!("buildkit")));
    let steps = json["steps"].as_array().unwrap();
    steps.iter().map(|s| (s["line"].as_u64().unwrap(), s["state"].as_str().unwrap().to_owned())).collect()
}

/// The lines of the steps that run again.
fn rebuilt(ran: &Ran) -> Vec<u64> {
    states(ran).into_iter().filter(|(_, s)| s == "rebuilt").map(|(line, _)| line).collect()
}

fn plan(folder: &Folder, args: &[&str]) -> Ran {
    folder.run(&[&["plan", "--format", "json"], args].concat())
}

#[test]
fn without_git_it_is_a_cold_build_and_the_answer_says_so() {
    let folder = project();
    let ran = plan(&folder, &[]);
    assert_eq!(rebuilt(&ran), [1, 3, 4, 5, 6, 7, 9]);
    let before = ran.json()["before"].as_str().unwrap().to_owned();
    assert!(before.contains("cold build") && before.contains("not in a git repository"), "{before}");
}

#[test]
fn since_head_is_the_default() {
    let folder = project();
    folder.commit();
    let ran = plan(&folder, &[]);
    assert_eq!((rebuilt(&ran), ran.json()["before"].clone()), (vec![], json!("HEAD")));
    folder.write("src/a.go", "2");
    let ran = plan(&folder, &[]);
    assert_eq!(rebuilt(&ran), [6, 7]);
    assert_eq!(ran.json()["steps"][5]["because"], json!([{"file": "src/a.go"}]));
    assert_eq!(states(&ran)[&9], "depends");
    folder.write("ignored", "x");
    folder.git(&["checkout", "--quiet", "src"]);
    assert_eq!(
        rebuilt(&plan(&folder, &[])),
        Vec::<u64>::new(),
        "an untracked file that .dockerignore leaves out"
    );
    folder.write("Dockerfile", DOCKERFILE.replace("RUN fetch", "RUN fetch --all"));
    let ran = plan(&folder, &[]);
    assert_eq!(rebuilt(&ran), [5, 6, 7]);
    assert_eq!(ran.json()["steps"][4]["because"], json!([{"line": 5}]));
    folder.commit();
    assert_eq!(rebuilt(&plan(&folder, &["--since", "HEAD~1"])), [5, 6, 7]);
    let none = plan(&folder, &["--since", "v9"]);
    assert_eq!((none.status, none.out.as_str()), (2, ""));
    assert!(none.err.contains("no commit `v9`"), "{}", none.err);
}

#[test]
fn a_dockerfile_that_the_revision_lacks_is_a_cold_build() {
    let folder = Folder::new(&[("x", "")]);
    folder.commit();
    folder.write("Dockerfile", "FROM alpine:3.20\nRUN a\n");
    let ran = plan(&folder, &[]);
    assert_eq!(rebuilt(&ran), [1, 2]);
    assert!(ran.json()["before"].as_str().unwrap().contains("HEAD has no Dockerfile"));
}

#[test]
fn changed_names_paths_of_the_context() {
    let folder = project();
    assert_eq!(rebuilt(&plan(&folder, &["--changed", "go.mod"])), [4, 5, 6, 7]);
    assert_eq!(rebuilt(&plan(&folder, &["--changed", "src"])), [6, 7]);
    assert_eq!(rebuilt(&plan(&folder, &["--changed", "new/file"])), [6, 7]);
    assert_eq!(rebuilt(&plan(&folder, &["--changed", "ignored"])), Vec::<u64>::new());
    let here = folder.run_in("src", &["plan", "../Dockerfile", "--changed", "a.go", "--format", "json"]);
    assert_eq!(rebuilt(&here), [6, 7], "a path from here");
    let outside = plan(&folder, &["--changed", "../elsewhere"]);
    assert_eq!(outside.status, 2);
    assert!(outside.err.contains("not in the build context"), "{}", outside.err);
}

#[test]
fn the_side_before_can_be_given() {
    let folder = project();
    folder.write("old/Dockerfile", DOCKERFILE.replace("RUN build", "RUN build -v"));
    folder.write("old/go.mod", "module x\n");
    folder.write("old/src/a.go", "1");
    folder.write("old/.dockerignore", "ignored\n");
    folder.write(".dockerignore", "ignored\nold\n");
    folder.write("old/.dockerignore", "ignored\nold\n");
    // The Dockerfile stands in the context, so `COPY . .` changes with it.
    assert_eq!(rebuilt(&plan(&folder, &["--before", "old/Dockerfile"])), [6, 7]);
    let ran = plan(&folder, &["--before", "old/Dockerfile", "--before-context", "old", "--context", "."]);
    assert_eq!(rebuilt(&ran), [6, 7]);
    assert_eq!(ran.json()["context"], ".");
    folder.write("old/Dockerfile", DOCKERFILE);
    let args = ["--before", "old/Dockerfile", "--before-context", "old"];
    assert_eq!(rebuilt(&plan(&folder, &args)), Vec::<u64>::new(), "equal bytes in another folder");
    folder.write("old/go.mod", "module y\n");
    assert_eq!(rebuilt(&plan(&folder, &args)), [4, 5, 6, 7]);
}

#[test]
fn build_arguments_and_target_have_their_own_before() {
    let folder = project();
    let ran = plan(&folder, &["--build-arg", "V=2", "--before-build-arg", "V=1"]);
    assert_eq!(rebuilt(&ran), [5, 6, 7]);
    assert_eq!(
        rebuilt(&plan(&folder, &["--build-arg", "V=2", "--before-build-arg", "V=2"])),
        Vec::<u64>::new()
    );
    assert_eq!(
        rebuilt(&plan(&folder, &["--build-arg", "V=2", "--before", "Dockerfile"])),
        [5, 6, 7],
        "none before"
    );
    let ran = plan(&folder, &["--target", "build", "--changed", "go.mod"]);
    assert_eq!(states(&ran)[&9], "not-built");
    assert_eq!(ran.json()["target"], "build");
    let unknown = plan(&folder, &["--target", "nope"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.err.contains("`nope`"), "{}", unknown.err);
}

#[test]
fn a_missing_source_is_named_and_the_plan_still_comes() {
    let folder = project();
    std::fs::remove_file(folder.path("go.mod")).unwrap();
    let ran = plan(&folder, &["--context", "."]);
    assert_eq!(ran.status, 0);
    let json = ran.json();
    let copy: &Value = &json["steps"].as_array().unwrap()[3];
    assert_eq!((&copy["line"], &copy["missing"]), (&json!(4), &json!(["go.mod"])));
    let text = folder.run(&["plan", "--context", "."]);
    assert!(text.out.contains("this step will fail"), "{}", text.out);
    let unknown = plan(&folder, &[]);
    assert_eq!((unknown.status, unknown.json()["context"].clone()), (0, Value::Null));
    assert!(unknown.err.contains("--context"), "{}", unknown.err);
}

#[test]
fn the_text_goes_stage_by_stage_without_escapes() {
    let folder = project();
    let ran = folder.run(&["plan", "--changed", "src/a.go"]);
    assert_eq!(ran.status, 0);
    for part in ["\nbuild\n", "\nstage-1\n", "COPY . .", "src/a.go changes"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert!(!ran.out.contains('\x1b'));
}

#[test]
fn what_cannot_be_built_has_no_plan() {
    let folder = Folder::new(&[("Dockerfile", "FROM a\nFOO b\n"), ("empty/x", "")]);
    let ran = folder.run(&["plan"]);
    assert_eq!((ran.status, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("Dockerfile:2: Unknown instruction `FOO`"), "{}", ran.err);
    let ran = folder.run(&["plan", "--context", "empty"]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("no Dockerfile"), "{}", ran.err);
    let ran = folder.run(&["plan", "Dockerfile", "--context", "missing"]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("--context missing"), "{}", ran.err);
}

#[test]
fn every_format_can_be_written_to_a_file() {
    let folder = project();
    for (format, begins) in [
        ("text", "Dockerfile"),
        ("json", "{\n"),
        ("svg", "<svg "),
        ("mermaid", "flowchart TB\n"),
        ("html", "<!doctype html>\n"),
    ] {
        for command in ["plan", "graph"] {
            let printed = folder.run(&[command, "--format", format]);
            assert_eq!((printed.status, printed.out.starts_with(begins)), (0, true), "{command} {format}");
            let written = folder.run(&[command, "--format", format, "-o", "out"]);
            assert_eq!((written.status, written.out.as_str()), (0, ""), "{}", written.err);
            let text = std::fs::read_to_string(folder.path("out")).unwrap();
            assert!(text.starts_with(begins) && text.ends_with('\n'), "{command} {format}");
        }
    }
    let nowhere = folder.run(&["plan", "-o", "none/out"]);
    assert_eq!(nowhere.status, 2);
    assert!(nowhere.err.contains("none/out: not written"), "{}", nowhere.err);
}

#[test]
fn a_proposal_is_planned_for_the_same_edit() {
    let text = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n";
    let folder = Folder::new(&[
        ("Dockerfile", text),
        ("package.json", "{}"),
        ("package-lock.json", "{}"),
        ("src/index.js", "1"),
        (".dockerignore", "Dockerfile\n"),
    ]);
    let args = ["--changed", "src/index.js", "--proposal", "reorder-copy"];
    let json = plan(&folder, &args).json();
    let rebuilt = |plan: &Value| -> Vec<String> {
        let steps = plan["steps"].as_array().unwrap().iter().filter(|s| s["state"] == "rebuilt");
        steps.map(|s| s["instruction"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(rebuilt(&json), ["COPY . .", "RUN npm ci", "RUN npm run build"]);
    assert_eq!(rebuilt(&json["after"]["plan"]), ["COPY . .", "RUN npm run build"]);
    assert!(json["after"]["title"].as_str().is_some_and(|title| !title.is_empty()));
    for (args, message) in [
        (vec!["--proposal", "reorder-copi"], "did you mean `reorder-copy`?"),
        (vec!["--changed", "src/index.js", "--proposal", "merge-heredocs"], "there is no refactoring"),
        (vec!["--baseline", "none", "--proposal", "reorder-copy"], "no build before"),
    ] {
        let ran = plan(&folder, &args);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""));
        assert!(ran.err.contains(message), "{}", ran.err);
    }
    assert_eq!(folder.run(&["plan", "--proposal", "reorder-copy"]).status, 2);
}

#[test]
fn the_graph_is_that_of_one_build() {
    let folder = project();
    let json = folder.run(&["graph", "--format", "json", "--target", "build"]).json();
    assert_eq!((&json["version"], &json["target"]), (&json!(1), &json!("build")));
    let names: Vec<&str> =
        json["vertices"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect();
    assert_eq!(names[1..], ["WORKDIR /app", "COPY go.mod ./", "RUN fetch", "COPY . .", "RUN build"]);
    assert_eq!(json["stages"][1]["built"], false);
    let text = folder.run(&["graph"]);
    assert!(text.out.contains("COPY --from=build /app/out /out  < line 7 by content"), "{}", text.out);
}
