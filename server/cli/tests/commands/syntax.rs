//! `layerwise syntax`.

use serde_json::{Value, json};

use crate::Folder;

fn one(text: &str) -> Value {
    let folder = Folder::new(&[("Dockerfile", text)]);
    let ran = folder.run(&["syntax", "Dockerfile", "--format", "json"]);
    assert_eq!((ran.status, ran.err.as_str(), ran.out.lines().count()), (0, "", 1));
    ran.json()
}

#[test]
fn instructions_are_as_buildkit_has_them() {
    let text = "\
# syntax=docker/dockerfile:1
from --platform=$P alpine AS b
ENV A=1 B=\"x y\"
LABEL old style
RUN --mount=type=cache,target=/c \\
  # why
  make  all
CMD [\"a\", \"b\"]
COPY <<EOF <<-\"X\" /d/
hi
EOF
there
X
ONBUILD RUN ls
";
    let found = one(text);
    let expected = json!([
        {"start_line": 2, "end_line": 2, "keyword": "FROM", "flags": ["--platform=$P"], "form": "words",
         "args": ["alpine", "AS", "b"], "heredocs": []},
        {"start_line": 3, "end_line": 3, "keyword": "ENV", "flags": [], "form": "words",
         "args": ["A", "1", "=", "B", "\"x y\"", "="], "heredocs": []},
        {"start_line": 4, "end_line": 4, "keyword": "LABEL", "flags": [], "form": "words",
         "args": ["old", "style", ""], "heredocs": []},
        {"start_line": 5, "end_line": 7, "keyword": "RUN", "flags": ["--mount=type=cache,target=/c"], "form": "shell",
         "args": ["make  all"], "heredocs": []},
        {"start_line": 8, "end_line": 8, "keyword": "CMD", "flags": [], "form": "exec", "args": ["a", "b"], "heredocs": []},
        {"start_line": 9, "end_line": 13, "keyword": "COPY", "flags": [], "form": "words",
         "args": ["<<EOF", "<<-\"X\"", "/d/"], "heredocs": ["EOF", "X"]},
        {"start_line": 14, "end_line": 14, "keyword": "ONBUILD", "flags": [], "form": "words", "args": [], "heredocs": [],
         "trigger": {"start_line": 14, "end_line": 14, "keyword": "RUN", "flags": [], "form": "shell", "args": ["ls"],
                     "heredocs": []}},
    ]);
    assert_eq!(found["instructions"], expected);
    assert_eq!((&found["errors"], &found["file"]), (&json!([]), &json!("Dockerfile")));
}

#[test]
fn errors_come_in_the_order_in_which_buildkit_meets_them() {
    let found = one("RUN early\nFROM a\nFOO bar\nENV x\n");
    let lines: Vec<u64> =
        found["errors"].as_array().unwrap().iter().map(|e| e["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [4, 1, 3], "the parser's own first, then instruction by instruction");
    assert_eq!(
        found["instructions"][2]["args"],
        json!([""]),
        "an unknown instruction has one empty argument"
    );
    assert_eq!(one("# only a comment\n")["errors"][0]["line"], 1);
    assert_eq!(one("ARG A=1\n")["errors"], json!([]), "the parser takes a file without FROM");
}

#[test]
fn one_line_a_file_in_the_order_given_and_trouble_beside() {
    let folder = Folder::new(&[("a", "FROM a\n"), ("b", "FROM b\n")]);
    let ran = folder.run(&["syntax", "b", "missing", "a", "."]);
    assert_eq!(ran.status, 2);
    let files: Vec<Value> =
        ran.out.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()["file"].clone()).collect();
    assert_eq!(files, ["b", "a"]);
    assert!(ran.err.contains("missing: no such file"), "{}", ran.err);
    assert!(ran.err.contains(".: is a directory"), "{}", ran.err);
}
