//! What is written as JSON for others, held against the schemas that say what it has to be.

use std::collections::BTreeSet;

use jsonschema::Validator;
use layerwise_analysis::config::Config;
use serde_json::{Value, json};

use crate::{Folder, Ran};

/// The schema of SARIF 2.1.0; tests/data/README.md says whose it is.
const SARIF: &str = include_str!("../../../../tests/data/sarif-schema-2.1.0.json");
/// The schema of `layerwise.toml`, as it is published.
const CONFIGURATION: &str = include_str!("../../../../docs/layerwise.schema.json");

fn validator(schema: &str) -> Validator {
    let schema: Value = serde_json::from_str(schema).expect("JSON");
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema")
}

/// The schema has a pattern for a property that is not written here with a bracket that closes nothing, which JavaScript
/// alone takes for itself.
fn sarif() -> Validator {
    let (bracket, escaped) = ("-[a-zA-Z]{2}]?$", "-[a-zA-Z]{2}\\\\]?$");
    assert!(SARIF.contains(bracket));
    validator(&SARIF.replace(bracket, escaped))
}

fn errors(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

const OWN_RULE: &str = "\
[[rule]]
name = \"no-root-tools\"
language = \"shell\"
message = \"Leave `{tool}` out.\"
query = '((command name: (command_name) @tool) (#any-of? @tool \"sudo\"))'
";

const MANY: &str = "\
# syntax=docker/dockerfile:1
FROM debian:12 AS Build
# layerwise: ignore[json-args-recommended, workdir-relative] the first is used, the second is not
CMD echo größe
# layerwise: ignore[no-such-rule]
MAINTAINER me \u{1f427}
ENV a b
RUN sudo apt-get update && \\
    apt-get install curl \u{1f427}
RUN cd /x && ls | grep y
COPY . .
FROM Build
COPY --from=nothing \"ü ß\" /
EXPOSE http
CMD [\"a\"]
CMD [\"b\"]
FROM debian:12 AS build
";

fn project() -> Folder {
    let folder = Folder::new(&[
        ("layerwise.toml", OWN_RULE),
        ("Dockerfile", MANY),
        ("with spaces/a b.Dockerfile", "from debian\nRUN echo 'x\n"),
        ("größe #1%/文.Dockerfile", "FROM debian:latest\nADD a b\nadd c d"),
        ("crlf/Dockerfile", "FROM debian as x\r\nMAINTAINER me\r\nRUN <<E\r\ncd /\r\nsudo x\r\nE\r\n"),
        // What is found there stands at no character.
        ("empty/Dockerfile", ""),
        ("comment/Dockerfile", "# only\n"),
        ("open/Dockerfile", "FROM scratch\nRUN <<E\n"),
        ("clean/Dockerfile", "FROM scratch\n"),
    ]);
    folder.write("bytes/Dockerfile", b"FROM debian:12 AS \xff\xfe\nMAINTAINER me\n");
    folder
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a string: {value}"))
}

/// The results of a log that is valid, after what the schema cannot say.
fn results(validator: &Validator, ran: &Ran) -> Vec<Value> {
    assert!(ran.status < 2, "{}", ran.err);
    let log = ran.json();
    assert_eq!(errors(validator, &log), Vec::<String>::new());
    let [run] = log["runs"].as_array().expect("runs").as_slice() else { panic!("one run") };
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let described: Vec<&str> = rules.iter().map(|rule| text(&rule["id"])).collect();
    let results = run["results"].as_array().expect("results");
    let found: BTreeSet<&str> = results.iter().map(|result| text(&result["ruleId"])).collect();
    // Each once, and none that found nothing.
    assert_eq!(described, found.into_iter().collect::<Vec<_>>());
    for result in results {
        let region = &result["locations"][0]["physicalLocation"]["region"];
        let [line, column, end_line, end_column] =
            ["startLine", "startColumn", "endLine", "endColumn"].map(|name| region[name].as_u64());
        assert!((line, column) <= (end_line, end_column), "{result}");
    }
    results.clone()
}

fn uri_of(result: &Value) -> &str {
    text(&result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
}

#[test]
fn sarif_is_as_its_schema_says() {
    let (folder, validator) = (project(), sarif());
    let check = |args: &[&str]| folder.run(&[&["check", "--format", "sarif"], args].concat());
    let found = results(&validator, &check(&["--select", "ALL", "."]));
    let expected = [
        "Dockerfile",
        "bytes/Dockerfile",
        "comment/Dockerfile",
        "crlf/Dockerfile",
        "empty/Dockerfile",
        "gr%C3%B6%C3%9Fe%20%231%25/%E6%96%87.Dockerfile",
        "open/Dockerfile",
        "with%20spaces/a%20b.Dockerfile",
    ];
    let uris: BTreeSet<&str> = found.iter().map(uri_of).collect();
    for uri in expected {
        assert!(uris.iter().any(|one| one.trim_start_matches("./") == uri), "{uri}: {uris:?}");
    }
    let rules: BTreeSet<&str> = found.iter().map(|result| text(&result["ruleId"])).collect();
    for rule in ["no-root-tools", "syntax-error", "unused-suppression", "unknown-suppression", "maintainer"] {
        assert!(rules.contains(rule), "{rule}: {rules:?}");
    }
    for (what, has) in [
        ("fixes", found.iter().filter(|r| r.get("fixes").is_some()).count()),
        ("related places", found.iter().filter(|r| r.get("relatedLocations").is_some()).count()),
    ] {
        assert!(has > 0, "{what}");
    }
    // What stands above U+FFFF is one character: columns are counted as the log says.
    let bird = "MAINTAINER me \u{1f427}".chars().count() as u64 + 1;
    let ends: Vec<_> = found
        .iter()
        .filter(|r| r["ruleId"] == "maintainer" && !uri_of(r).contains('/'))
        .map(|r| r["locations"][0]["physicalLocation"]["region"]["endColumn"].as_u64())
        .collect();
    assert_eq!(ends, [Some(bird)]);
    // Absolute paths, nothing found, and no file at all.
    let absolute = folder.path("größe #1%");
    let found = results(&validator, &check(&["--no-context", absolute.to_str().expect("UTF-8")]));
    assert!(!found.is_empty() && found.iter().all(|r| uri_of(r).starts_with("file:///")), "{found:?}");
    assert_eq!(results(&validator, &check(&["clean"])), Vec::<Value>::new());
    folder.write("none/a.txt", "");
    assert_eq!(results(&validator, &check(&["none"])), Vec::<Value>::new());
}

#[test]
fn the_schema_of_sarif_refuses_what_is_none() {
    let (folder, validator) = (project(), sarif());
    let log = folder.run(&["check", "--format", "sarif", "Dockerfile"]).json();
    for (pointer, value) in [
        ("/version", json!("2.0.0")),
        ("/runs/0/tool", json!({})),
        ("/runs/0/columnKind", json!("bytes")),
        ("/runs/0/results/0/level", json!("hint")),
        ("/runs/0/results/0/message", json!("text")),
        ("/runs/0/results/0/locations/0/physicalLocation/region/startLine", json!(0)),
        ("/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri", json!("a b")),
    ] {
        let mut wrong = log.clone();
        *wrong.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        assert!(!errors(&validator, &wrong).is_empty(), "{pointer}");
    }
}

fn parsed(toml: &str) -> Value {
    toml::from_str(toml).unwrap_or_else(|error| panic!("{error}: {toml}"))
}

#[test]
fn the_schema_of_the_configuration_accepts_what_its_pages_show() {
    let schema: Value = serde_json::from_str(CONFIGURATION).expect("JSON");
    let wrong = jsonschema::meta::validate(&schema).err().map(|error| error.to_string());
    assert_eq!(wrong, None, "it is a schema");
    let validator = validator(CONFIGURATION);
    let pages =
        [include_str!("../../../../docs/configuration.md"), include_str!("../../../../docs/user-rules.md")];
    for page in pages.map(|page| page.replace("\r\n", "\n")) {
        let examples: Vec<&str> =
            page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```\n").next()).collect();
        assert!(!examples.is_empty());
        for example in examples {
            assert_eq!(errors(&validator, &parsed(example)), Vec::<String>::new(), "{example}");
        }
    }
    assert_eq!(errors(&validator, &parsed("")), Vec::<String>::new());
}

#[test]
fn the_schema_of_the_configuration_refuses_what_the_program_refuses() {
    let validator = validator(CONFIGURATION);
    for wrong in [
        "selct = []",
        "select = \"size\"",
        "ignore = [1]",
        "context = 1",
        "target = [\"a\"]",
        "[severity]\nmaintainer = \"loud\"",
        "severity = 1",
        "[rules]\ntrusted-registrys = []",
        "[rules]\nstrict-labels = 3",
        "[rules.required-labels]\na = \"urll\"",
        "[[overrides]]\nignore = []",
        "[[overrides]]\npaths = []\nnope = 1",
        "overrides = 1",
        "[[rule]]\nname = \"x\"",
        "[[rule]]\nname = \"x\"\nquery = \"(comment) @here\"\nmessage = \"m\"\nseverity = \"loud\"",
    ] {
        assert!(!errors(&validator, &parsed(wrong)).is_empty(), "the schema accepts {wrong}");
        assert!(!Config::parse(wrong).1.is_empty(), "the program accepts {wrong}");
    }
}
