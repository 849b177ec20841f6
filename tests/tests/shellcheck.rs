//! ShellCheck itself, where it is: the one in PATH or what `LAYERWISE_SHELLCHECK` names. Without it these tests say so and pass.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use layerwise_analysis::{Diagnostic, Selection, shellcheck};
use layerwise_host::shellcheck::{Script, ShellCheck};
use layerwise_model::images::WellKnown;
use layerwise_model::{File, Options, evaluate};
use layerwise_syntax::Parsed;

fn program() -> Option<ShellCheck> {
    let choice = std::env::var_os("LAYERWISE_SHELLCHECK").map_or("shellcheck".into(), PathBuf::from);
    match ShellCheck::find(&choice) {
        Ok(program) => Some(program),
        Err(why) => {
            println!("SKIPPED: no ShellCheck (set LAYERWISE_SHELLCHECK to the program): {why}");
            None
        }
    }
}

fn check(program: &ShellCheck, text: &str) -> Vec<Diagnostic> {
    let file = File::new(Parsed::new(text));
    let options = Options { all_stages: true, ..Options::default() };
    let eval = evaluate(&file, &options, &WellKnown);
    let scripts = shellcheck::scripts(&file, &eval);
    let asked: Vec<Script> = scripts
        .iter()
        .map(|script| Script { dialect: script.dialect.as_str(), text: script.input.clone() })
        .collect();
    let answers = program.check(&asked, Instant::now() + Duration::from_secs(120));
    let answers: Vec<_> = scripts.into_iter().zip(answers).map(|(s, a)| (s, a.expect("an answer"))).collect();
    shellcheck::diagnostics(&file, &Selection::default(), &answers)
}

fn found<'a>(program: &ShellCheck, text: &'a str) -> Vec<(&'static str, &'a str)> {
    check(program, text).into_iter().map(|d| (d.code, &text[d.range])).collect()
}

#[test]
fn findings_stand_at_their_words() {
    let Some(program) = program() else { return };
    let text = "\
FROM debian:12
ARG given
RUN apt-get update && \\
    # between the lines
    source /x && \\
    echo é $lost $given
RUN <<EOF
#!/bin/bash
\techo $lost
EOF
ONBUILD RUN cd \"$given\" && [[ -f x ]]
";
    assert_eq!(
        found(&program, text),
        [
            ("SC3046", "source /x"),
            ("SC2086", "$lost"),
            ("SC2154", "$lost"),
            ("SC2086", "$lost"),
            ("SC2154", "$lost"),
            ("SC3010", "[[ -f x ]]"),
        ]
    );
}

#[test]
fn each_shell_is_its_own() {
    let Some(program) = program() else { return };
    let codes = |base: &str, shell: &str| {
        let text = format!("FROM {base}\n{shell}RUN set -o pipefail; f() {{ local x=1; echo \"$x\"; }}; f\n");
        check(&program, &text).into_iter().map(|d| d.code).collect::<Vec<_>>()
    };
    // `local` is not POSIX, and every shell here has it.
    assert!(codes("example.com/x", "").contains(&"SC3043"));
    assert!(!codes("debian", "").contains(&"SC3043"));
    for (base, shell) in [("alpine", ""), ("fedora", ""), ("debian", "SHELL [\"/bin/bash\", \"-c\"]\n")] {
        assert_eq!(codes(base, shell), [""; 0], "{base} {shell}");
    }
    // Only where the shell stops by itself is `cd` without a check right.
    let cd = |shell: &str| found(&program, &format!("FROM x\nSHELL {shell}\nRUN cd /x; rm y\n")).len();
    assert_eq!(cd(r#"["/bin/bash", "-o", "pipefail", "-c"]"#), 1);
    assert_eq!(cd(r#"["/bin/bash", "-eo", "pipefail", "-c"]"#), 0);
}

#[test]
fn what_it_proposes_mends_the_finding() {
    let Some(program) = program() else { return };
    let text = "FROM x\nRUN echo one \\\n  $lost && cd `pwd`\n".to_owned();
    let before = check(&program, &text);
    let quoted = before.iter().find(|d| d.code == "SC2086").expect("SC2086");
    let fixed = layerwise_analysis::fix::apply(&text, &quoted.fixes[0].edits).expect("edits that fit");
    assert_eq!(fixed, text.replace("$lost", "\"$lost\""));
    assert!(check(&program, &fixed).iter().all(|d| d.code != "SC2086"));
}

/// hadolint's own rows: something is found where it finds something.
#[test]
fn shared_hadolint_rows() {
    let Some(program) = program() else { return };
    let shared = std::env::var_os("LAYERWISE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let Ok(rows) = std::fs::read_to_string(shared.join("cases/hadolint.jsonl")) else {
        println!("SKIPPED: no ../shared (set LAYERWISE_SHARED to the reference material)");
        return;
    };
    let (mut rows_compared, mut wrong) = (0, Vec::new());
    for row in rows.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a JSON row")) {
        if row["rule"] != "SC*" {
            continue;
        }
        rows_compared += 1;
        let text = row["dockerfile"].as_str().unwrap_or_default();
        let found = found(&program, text);
        if found.is_empty() == (row["expect"] == true) {
            wrong.push(format!("{}: {found:?} in {text:?}", row["test"]));
        }
    }
    println!("hadolint's ShellCheck rows: {} of {rows_compared} agree", rows_compared - wrong.len());
    assert_eq!(wrong, Vec::<String>::new());
}
