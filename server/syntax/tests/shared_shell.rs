//! Measures word expansion against the shell cases of the shared reference material, which is not part of the
//! repository: `../shared` beside the checkout, or the folder that `LAYERWISE_SHARED` names.

use std::collections::BTreeMap;
use std::path::PathBuf;

use layerwise_syntax::words::{ExpandError, Lex, variables};
use serde_json::Value;

fn shared(file: &str) -> Option<String> {
    let folder = std::env::var_os("LAYERWISE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    std::fs::read_to_string(folder.join(file)).ok()
}

fn strings(value: &Value) -> Vec<String> {
    let mut all: Vec<String> =
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    all.sort();
    all
}

fn environment(row: &Value) -> BTreeMap<String, String> {
    let pairs = row["env"].as_object().into_iter().flatten();
    let mut env: BTreeMap<_, _> =
        pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    for pair in row["env_list"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        env.insert(key.to_owned(), value.to_owned());
    }
    env
}

/// `Ok` or what differs.
fn check(row: &Value) -> Result<(), String> {
    let input = row["input"].as_str().ok_or("no input")?;
    let kind = row["kind"].as_str().ok_or("no kind")?;
    let escape = row["escape"].as_str().and_then(|escape| escape.chars().next()).unwrap_or('\\');
    let (lex, env) = (Lex::new(escape), environment(row));
    let refused = row["error"].as_bool() == Some(true);
    let differs = |got: String| Err(format!("{input:?} with {env:?}: {got}; the row: {row}"));
    let compare = |got: Result<Value, ExpandError>| match got {
        Err(_) if refused => Ok(()),
        Ok(got) if !refused && got == row["expect"] => Ok(()),
        Ok(got) => differs(got.to_string()),
        Err(error) => differs(error.to_string()),
    };
    match kind {
        "word" => compare(lex.process_word(input, &env).map(|expanded| expanded.value.into())),
        "words" => compare(lex.process_words(input, &env).map(Value::from)),
        _ if kind.starts_with("word_matches") => {
            let result = lex.process_word(input, &env);
            compare(result.clone().map(|expanded| expanded.value.into()))?;
            let sorted = |mut names: Vec<String>| {
                names.sort();
                names
            };
            // Upstream does not look at the names once a word is refused, so those rows state an error only.
            let Ok(expanded) = result else { return Ok(()) };
            let (matched, unmatched) = (sorted(expanded.matched), sorted(expanded.unmatched));
            if matched != strings(&row["matched"]) || unmatched != strings(&row["unmatched"]) {
                return differs(format!("matched {matched:?}, unmatched {unmatched:?}"));
            }
            let mut listed: Vec<_> = variables(input, escape).into_iter().map(|found| found.name).collect();
            listed.sort();
            listed.dedup();
            if listed != sorted([matched, unmatched].concat()) {
                return differs(format!("variables() lists {listed:?}"));
            }
            Ok(())
        }
        _ => Err(format!("a kind of row that this test does not know: {kind}")),
    }
}

#[test]
fn shared_shell_cases() {
    let Some(text) = shared("cases/shell.jsonl") else {
        println!("skipped: no ../shared");
        return;
    };
    let (mut checked, mut windows, mut disagreements) = (0, 0, Vec::new());
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let row: Value = serde_json::from_str(line).expect("a row is JSON");
        if row["platform"] == "windows" {
            windows += 1;
            continue;
        }
        checked += 1;
        disagreements.extend(check(&row).err());
    }
    println!(
        "shell.jsonl: {checked} rows checked, {} disagree, {windows} Windows rows left out",
        disagreements.len()
    );
    disagreements.iter().for_each(|disagreement| println!("  {disagreement}"));
    assert!(checked > 0, "the file has no rows");
    assert!(disagreements.is_empty(), "{} rows disagree", disagreements.len());
}
