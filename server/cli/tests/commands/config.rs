//! `layerwise.toml`, as `check` and `fix` use it.

use crate::Folder;

const BAD: &str = "FROM debian:12 AS Build\nENV a b\nMAINTAINER me\n";

fn rules(folder: &Folder, args: &[&str]) -> Vec<(String, String)> {
    let ran = folder.run(&[&["check", "--no-context", "--format", "json"], args].concat());
    assert!(ran.status < 2, "{}", ran.err);
    let text = |f: &serde_json::Value, name: &str| f[name].as_str().unwrap().to_owned();
    ran.json().as_array().unwrap().iter().map(|f| (text(f, "rule"), text(f, "severity"))).collect()
}

fn named(found: &[(String, String)]) -> Vec<&str> {
    found.iter().map(|(rule, _)| rule.as_str()).collect()
}

#[test]
fn the_nearest_configuration_counts() {
    let folder = Folder::new(&[
        ("layerwise.toml", "select = [\"legacy-key-value\"]\n"),
        ("Dockerfile", BAD),
        (
            "sub/layerwise.toml",
            "ignore = [\"legacy-key-value\", \"stage-name-casing\"]\n[severity]\nmaintainer = \"hint\"\n",
        ),
        ("sub/deep/Dockerfile", BAD),
    ]);
    assert_eq!(named(&rules(&folder, &["Dockerfile"])), ["legacy-key-value"]);
    let sub = rules(&folder, &["sub"]);
    assert!(
        !named(&sub).contains(&"legacy-key-value") && !named(&sub).contains(&"stage-name-casing"),
        "{sub:?}"
    );
    assert!(sub.contains(&("maintainer".to_owned(), "hint".to_owned())), "{sub:?}");
    // What the command line chooses wins.
    assert_eq!(named(&rules(&folder, &["Dockerfile", "--select", "maintainer"])), ["maintainer"]);
    assert_eq!(named(&rules(&folder, &["sub", "--select", "legacy-key-value"])), ["legacy-key-value"]);
    assert!(named(&rules(&folder, &["--no-config", "Dockerfile"])).len() > 2);
    assert_eq!(named(&rules(&folder, &["--config", "layerwise.toml", "sub"])), ["legacy-key-value"]);
    // Standard input is where its name says.
    let args = ["check", "-", "--stdin-filename", "sub/x", "--format", "json", "--no-context"];
    let ran = folder.run_with("FROM debian:12 AS Build\n", &args);
    assert_eq!(ran.json(), serde_json::json!([]));
}

#[test]
fn overrides_options_and_severities() {
    let folder = Folder::new(&[
        (
            "layerwise.toml",
            "select = [\"stage-name-casing\", \"maintainer\"]\n[rules]\ntrusted-registries = [\"good.example\"]\n\
             [[overrides]]\npaths = [\"dev\"]\nseverity = { maintainer = \"off\" }\n",
        ),
        ("Dockerfile", "FROM bad.example/a\nMAINTAINER me\n"),
        ("dev/Dockerfile", "FROM bad.example/a\nMAINTAINER me\n"),
    ]);
    assert!(named(&rules(&folder, &["Dockerfile"])).contains(&"maintainer"));
    assert_eq!(named(&rules(&folder, &["dev"])), Vec::<&str>::new());
    assert_eq!(folder.run(&["fix", "dev"]).status, 0);
}

#[test]
fn what_is_wrong_is_said_at_its_place_once() {
    let folder = Folder::new(&[
        ("layerwise.toml", "select = [\n  \"maintaner\",\n]\nfoo = 1\n"),
        ("Dockerfile", BAD),
        ("b/Dockerfile", BAD),
    ]);
    for command in ["check", "fix"] {
        let ran = folder.run(&[command, "."]);
        assert_eq!(ran.status, 2);
        assert_eq!(
            ran.err
                .matches("layerwise.toml:2:3: There is no rule `maintaner`; did you mean `maintainer`?")
                .count(),
            1,
            "{}",
            ran.err
        );
        assert!(ran.err.contains("layerwise.toml:4:1: There is no key `foo`"), "{}", ran.err);
    }
    assert_eq!(folder.run(&["check", "--config", "none.toml", "."]).status, 2);
}

#[test]
fn the_context_is_where_the_configuration_says() {
    let dockerfile = "# check=experimental=all\nFROM debian:12\nCOPY secret.txt /\n";
    let folder = Folder::new(&[
        ("layerwise.toml", "context = \"app\"\n"),
        ("docker/Dockerfile", dockerfile),
        ("app/secret.txt", ""),
        ("app/.dockerignore", "secret.txt\n"),
    ]);
    let found = folder.run(&["check", "--format", "json", "--select", "CopyIgnoredFile", "."]).json();
    assert_eq!(found.as_array().unwrap().len(), 1);
    let none =
        folder.run(&["check", "--no-config", "--format", "json", "--select", "CopyIgnoredFile", "."]).json();
    assert_eq!(none, serde_json::json!([]));
}

#[test]
fn every_command_has_the_context_and_the_target_of_the_configuration() {
    let dockerfile = "FROM debian:12 AS base\nCOPY a.txt /\nFROM base AS last\nRUN true\n";
    let folder = Folder::new(&[
        ("layerwise.toml", "context = \"app\"\ntarget = \"base\"\n"),
        ("docker/Dockerfile", dockerfile),
        ("app/a.txt", "a"),
        ("docker/a.txt", "b"),
    ]);
    let built = |args: &[&str]| {
        let ran = folder.run(&[args, &["docker/Dockerfile", "--format", "json"]].concat());
        assert_eq!(ran.status, 0, "{args:?}: {}", ran.err);
        let json = ran.json();
        (json["context"].clone(), json["target"].clone())
    };
    let text = serde_json::Value::from;
    for command in [&["plan"][..], &["graph"]] {
        assert_eq!(built(command), (text("app"), text("base")), "{command:?}");
        let flags = [command, &["--context", "docker", "--target", "last"]].concat();
        assert_eq!(built(&flags), (text("docker"), text("last")), "{command:?}");
        assert_eq!(
            built(&[command, &["--no-config"]].concat()),
            (text("docker"), text("last")),
            "{command:?}"
        );
    }
    assert_eq!(folder.run(&["actions", "docker/Dockerfile"]).status, 0);
    // Only the folder of the configuration has it, and only without its target the last stage is built.
    let why = |args: &[&str]| folder.run(&[&["why"], args, &["docker/Dockerfile"]].concat());
    let last = |flags: &[&str]| why(&[&["4"], flags].concat()).out;
    assert_ne!(last(&[]), last(&["--target", "last"]));
    assert_eq!(last(&["--target", "last", "--context", "docker"]), last(&["--no-config"]));
    assert!(why(&["app/a.txt"]).out.contains("1 of 2 steps rebuilds"));
    assert!(why(&["app/a.txt", "--no-config"]).out.contains("none of 3 steps"));
    let wrong = Folder::new(&[("layerwise.toml", "targt = \"x\"\n"), ("Dockerfile", "FROM scratch\n")]);
    for command in ["plan", "graph", "actions"] {
        let ran = wrong.run(&[command, "Dockerfile"]);
        assert_eq!(ran.status, 2, "{command}");
        assert!(ran.err.contains("layerwise.toml:1:1: There is no key `targt`"), "{}", ran.err);
        assert_eq!(wrong.run(&[command, "Dockerfile", "--no-config"]).status, 0, "{command}");
    }
}

#[test]
fn refactorings_have_the_context_of_the_configuration() {
    let folder = Folder::new(&[
        ("layerwise.toml", "context = \"app\"\n"),
        ("docker/Dockerfile", "FROM node:22\nWORKDIR /a\nCOPY . .\nRUN npm ci\nCMD [\"node\", \"a.js\"]\n"),
        ("app/package.json", "{}"),
        ("app/package-lock.json", "{}"),
        ("app/a.js", "1"),
    ]);
    let offered = |args: &[&str]| {
        let ran = folder.run(&[&["actions", "docker/Dockerfile", "--format", "json"], args].concat());
        assert_eq!(ran.status, 0, "{}", ran.err);
        ran.json().as_array().unwrap().iter().any(|offer| offer["id"] == "reorder-copy")
    };
    assert!(offered(&[]));
    assert!(!offered(&["--no-config"]), "the folder of the Dockerfile has no package.json");
    let diff = folder.run(&["apply", "reorder-copy", "docker/Dockerfile"]);
    assert!(diff.status == 0 && diff.out.contains("+COPY package"), "{}{}", diff.out, diff.err);
    assert_eq!(folder.run(&["apply", "reorder-copy", "docker/Dockerfile", "--no-config"]).status, 2);
}

const OWN: &str = "\
[[rule]]
name = \"no-root-tools\"
language = \"shell\"
message = \"Leave it out.\"
query = '((command name: (command_name) @here) (#eq? @here \"sudo\"))'
";

#[test]
fn flags_and_severities_know_the_rules_of_the_user() {
    let text = "FROM debian:12 AS Build\nMAINTAINER me\nRUN sudo x\n";
    let folder = Folder::new(&[
        ("layerwise.toml", OWN),
        ("Dockerfile", text),
        (
            "hint/layerwise.toml",
            &format!("select = [\"maintainer\"]\n[severity]\nno-root-tools = \"hint\"\n{OWN}"),
        ),
        ("hint/Dockerfile", text),
        ("off/layerwise.toml", &format!("[severity]\nno-root-tools = \"off\"\n{OWN}")),
        ("off/Dockerfile", text),
        ("none/layerwise.toml", ""),
        ("none/Dockerfile", text),
        (
            "comment/Dockerfile",
            "FROM debian:12\n# layerwise: ignore[no-root-tools] it is there\nRUN sudo x\n",
        ),
    ]);
    let found = |args: &[&str]| rules(&folder, args);
    let own = |severity: &str| ("no-root-tools".to_owned(), severity.to_owned());
    assert_eq!(found(&["Dockerfile", "--select", "no-root-tools"]), [own("warning")]);
    assert_eq!(
        named(&found(&["Dockerfile", "--select", "NO-ROOT-TOOLS,maintainer"])),
        ["maintainer", "no-root-tools"]
    );
    let without = found(&["Dockerfile", "--ignore", "no-root-tools"]);
    assert!(without.len() > 1 && !named(&without).contains(&"no-root-tools"), "{without:?}");
    // A severity switches on, as it does for our rules.
    assert_eq!(named(&found(&["hint"])), ["maintainer", "no-root-tools"]);
    assert_eq!(found(&["hint"])[1], own("hint"));
    assert!(!named(&found(&["off"])).contains(&"no-root-tools"));
    assert!(named(&found(&["Dockerfile", "--select", "ALL"])).contains(&"no-root-tools"));
    // One of several files has it: that is enough.
    assert_eq!(found(&["none", "Dockerfile", "--select", "no-root-tools"]), [own("warning")]);
    // Comments know it, too.
    let comment = found(&["comment"]);
    assert!(!named(&comment).contains(&"no-root-tools") && !named(&comment).contains(&"unknown-suppression"));
    for (args, message) in [
        (&["check", "Dockerfile", "--select", "no-root-tool"][..], "did you mean `no-root-tools`?"),
        (&["fix", "Dockerfile", "--ignore", "no-root-tool"], "did you mean `no-root-tools`?"),
        (&["check", "Dockerfile", "--select", "ALL,maintaner"], "did you mean `maintainer`?"),
        (
            &["check", "Dockerfile", "--select", "no-root-tools", "--no-config"],
            "there is no rule `no-root-tools`",
        ),
        (&["check", "none", "--select", "no-root-tools"], "there is no rule `no-root-tools`"),
    ] {
        let ran = folder.run(args);
        assert_eq!(ran.status, 2, "{args:?}: {}", ran.out);
        assert!(ran.err.contains(message), "{args:?}: {}", ran.err);
    }
}
