//! The pre-commit hooks and the GitHub Action at the repository's root: what they run does what they say.

use std::path::{Path, PathBuf};
use std::process::Command;

use yaml_rust2::{Yaml, YamlLoader};

use crate::{Folder, ran};

fn yaml(name: &str) -> Yaml {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    let text = std::fs::read_to_string(path).expect("the file");
    YamlLoader::load_from_str(&text).expect("YAML").remove(0)
}

#[test]
fn the_hooks_of_pre_commit() {
    let hooks = yaml(".pre-commit-hooks.yaml");
    let hooks = hooks.as_vec().expect("a list");
    assert_eq!(
        hooks.iter().map(|h| h["id"].as_str().unwrap()).collect::<Vec<_>>(),
        ["layerwise", "layerwise-fix"]
    );
    let folder = Folder::new(&[("Dockerfile", "FROM alpine:3.20\nENV a b\n"), ("bad/Dockerfile", "FRM x\n")]);
    let run = |hook: &Yaml, file: &str| {
        let entry: Vec<&str> = hook["entry"].as_str().unwrap().split(' ').skip(1).collect();
        folder.run(&[&entry[..], &[file]].concat()).status
    };
    assert_eq!(
        [run(&hooks[0], "Dockerfile"), run(&hooks[0], "bad/Dockerfile"), run(&hooks[1], "Dockerfile")],
        [0, 1, 0]
    );
    assert_eq!(folder.read("Dockerfile"), "FROM alpine:3.20\nENV a=b\n");
}

#[cfg(unix)]
#[test]
fn the_action() {
    let action = yaml("action.yml");
    let steps = action["runs"]["steps"].as_vec().expect("steps");
    let script = steps[1]["run"].as_str().expect("a script");
    let inputs = action["inputs"].as_hash().expect("inputs");
    let folder = Folder::new(&[("a/Dockerfile", "FROM alpine:3.20\nENV a b\n"), ("b/Dockerfile", "FRM x\n")]);
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_layerwise"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let run = |given: &[(&str, &str)]| {
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]);
        bash.current_dir(folder.path("")).env("PATH", &path);
        for (name, input) in inputs {
            let name = name.as_str().unwrap();
            let default = input["default"].as_str().expect("a default");
            let value = given.iter().find(|(n, _)| *n == name).map_or(default, |(_, value)| *value);
            bash.env(name.to_uppercase().replace('-', "_"), value);
        }
        ran(bash.output().expect("bash"))
    };
    let all = run(&[]);
    assert_eq!(all.status, 1, "{}", all.err);
    assert!(all.out.contains("::error file=b/Dockerfile,line=1"), "{}", all.out);
    assert_eq!(run(&[("paths", "a")]).status, 0);
    assert_eq!(run(&[("fail-on", "never"), ("paths", "a b")]).status, 0);
    let sarif = run(&[("format", "sarif"), ("output", "x.sarif")]);
    assert_eq!((sarif.status, sarif.out.as_str()), (1, ""));
    let log: serde_json::Value = serde_json::from_str(&folder.read("x.sarif")).expect("JSON");
    assert!(!log["runs"][0]["results"].as_array().unwrap().is_empty());
    // An input is no shell.
    assert_eq!(run(&[("paths", "$(touch hacked) `touch hacked`")]).status, 2);
    assert!(!folder.path("hacked").exists());
}
