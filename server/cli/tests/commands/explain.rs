//! `layerwise explain` and `layerwise rules`.

use crate::Folder;

#[test]
fn a_rule_is_explained_by_any_of_its_names() {
    let folder = Folder::new(&[]);
    let page = folder.run(&["explain", "stage-name-casing"]);
    assert_eq!((page.status, page.err.as_str()), (0, ""));
    assert!(
        page.out.starts_with("# stage-name-casing\n") && page.out.contains("\n## Fix safety\n"),
        "{}",
        page.out
    );
    for name in ["T003", "StageNameCasing"] {
        assert_eq!(folder.run(&["explain", name]).out, page.out);
    }
    assert!(folder.run(&["explain", "SC2086"]).out.starts_with("# shellcheck\n"));
}

#[test]
fn an_unknown_rule_has_neighbours() {
    let folder = Folder::new(&[]);
    let ran = folder.run(&["explain", "stage-name-cassing"]);
    assert_eq!((ran.status, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("did you mean `stage-name-casing`"), "{}", ran.err);
    assert!(folder.run(&["explain", "qqqqqqqqqqqqqqq"]).err.contains("layerwise rules"));
}

#[test]
fn the_list_has_every_rule() {
    let folder = Folder::new(&[]);
    let json = folder.run(&["rules", "--format", "json"]).json();
    let rules = json.as_array().unwrap();
    let casing = rules.iter().find(|rule| rule["code"] == "T003").unwrap();
    assert_eq!(
        (&casing["category"], &casing["severity"], &casing["default"]),
        (&"style".into(), &"info".into(), &true.into())
    );
    assert_eq!(casing["equivalents"], serde_json::json!(["StageNameCasing"]));
    assert!(casing["url"].as_str().unwrap().ends_with("/docs/rules/T003-stage-name-casing.md"));
    let text = folder.run(&["rules"]).out;
    for rule in rules {
        assert!(text.contains(rule["name"].as_str().unwrap()), "{rule}");
    }
}
