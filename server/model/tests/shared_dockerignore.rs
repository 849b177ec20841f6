//! Measures `.dockerignore` handling against the cases of the shared reference material, which is not part of the
//! repository: `../shared` beside the checkout, or the folder that `LAYERWISE_SHARED` names.

use std::collections::BTreeMap;
use std::path::PathBuf;

use layerwise_model::dockerignore::{Dockerignore, MatchType, read_patterns};
use layerwise_model::gopath::path_clean;
use serde_json::Value;

fn shared(file: &str) -> Option<String> {
    let folder = std::env::var_os("LAYERWISE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    std::fs::read_to_string(folder.join(file)).ok()
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn expect<T: PartialEq + std::fmt::Debug>(got: T, wanted: T) -> Result<(), String> {
    if got == wanted { Ok(()) } else { Err(format!("{got:?} instead of {wanted:?}")) }
}

/// A path against patterns; `None` for an error.
fn matching(row: &Value) -> Result<(), String> {
    let path = row["path"].as_str().ok_or("no path")?;
    let api = row["api"].as_str().ok_or("no api")?;
    let wanted = if row["error"] == true { None } else { row["excluded"].as_bool() };
    let patterns = strings(&row["patterns"]);
    // The functions of the package clean the path; the methods take it as it is.
    let clean = path_clean(path);
    let got = Dockerignore::from_patterns(&patterns).ok().and_then(|ignore| match api {
        "Matches" => ignore.matches(&clean).ok(),
        "MatchesUsingParentResults" => {
            ignore.matches_or_parent_matches(&clean).ok().map(|_| !ignore.in_context(path))
        }
        _ => ignore.matches_or_parent_matches(&clean).ok(),
    });
    expect(got, wanted)?;
    let Ok(ignore) = Dockerignore::from_patterns(&patterns) else { return Ok(()) };
    if api == "MatchesOrParentMatches"
        && let Some(wanted) = wanted
    {
        expect(ignore.is_excluded(path), wanted).map_err(|it| format!("is_excluded: {it}"))?;
        let decided = ignore.deciding_line(path);
        expect(decided.is_some_and(|(_, negated)| !negated), wanted)
            .map_err(|it| format!("deciding_line: {it}"))?;
        if ignore.patterns().iter().all(|pattern| !pattern.is_negated()) {
            expect(!ignore.in_context(path), wanted).map_err(|it| format!("in_context: {it}"))?;
        }
    }
    Ok(())
}

fn compiling(row: &Value) -> Result<(), String> {
    let pattern = row["pattern"].as_str().ok_or("no pattern")?;
    let ignore = Dockerignore::from_patterns(&[pattern]).map_err(|error| error.to_string())?;
    let compiled = ignore.patterns().first().ok_or("no pattern compiled")?;
    let match_type = match compiled.match_type() {
        MatchType::Exact => "exactMatch",
        MatchType::Prefix => "prefixMatch",
        MatchType::Suffix => "suffixMatch",
        MatchType::Regexp => "regexpMatch",
    };
    expect(
        (match_type, compiled.regexp()),
        (row["match_type"].as_str().unwrap_or_default(), row["regexp"].as_str().unwrap_or_default()),
    )
}

fn context(ignore_file: &str, present: &[String], absent: &[String]) -> Result<(), String> {
    let ignore = Dockerignore::parse(ignore_file);
    for (paths, wanted) in [(present, true), (absent, false)] {
        for path in paths {
            expect(ignore.in_context(path), wanted).map_err(|it| format!("{path} in the context: {it}"))?;
            expect(!ignore.is_excluded(path), wanted).map_err(|it| format!("{path} not excluded: {it}"))?;
        }
    }
    Ok(())
}

/// Files of a build with several Dockerfiles, each with an ignore file of its own; what each build expects stands in
/// its RUN as `[ -f file ]` and `[ ! -f file ]`.
fn context_override(row: &Value) -> Result<(), String> {
    let files: BTreeMap<&str, &str> = row["files"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(path, text)| Some((path.as_str(), text.as_str()?)))
        .collect();
    let mut compared = 0;
    for (path, text) in &files {
        let Some(dockerfile) = path.strip_suffix(".dockerignore").and_then(|path| files.get(path)) else {
            continue;
        };
        let mut tests = dockerfile
            .split('[')
            .skip(1)
            .filter_map(|test| test.split_once(']').map(|(test, _)| test.trim()));
        for test in &mut tests {
            let (wanted, file) = match test.strip_prefix("! ") {
                Some(test) => (false, test),
                None => (true, test),
            };
            let file =
                file.strip_prefix("-f ").ok_or_else(|| format!("a test that is not about a file: {test}"))?;
            compared += 1;
            let (present, absent) =
                if wanted { (vec![file.to_owned()], vec![]) } else { (vec![], vec![file.to_owned()]) };
            context(text, &present, &absent)?;
        }
    }
    if compared == 0 { Err("nothing to compare".to_owned()) } else { Ok(()) }
}

/// `Ok` or what differs.
fn check(row: &Value) -> Result<(), String> {
    match row["kind"].as_str().unwrap_or_default() {
        "match" => matching(row),
        "compile" => compiling(row),
        "parse" => {
            let read = read_patterns(row["content"].as_str().unwrap_or_default());
            let read = read.map_err(|(line, _)| format!("line {line} is too long"))?;
            expect(read.into_iter().map(|(_, pattern)| pattern).collect(), strings(&row["patterns"]))
        }
        "context" => {
            let text = row["dockerignore"].as_str().unwrap_or_default();
            let (present, absent) = (strings(&row["present"]), strings(&row["absent"]));
            if present.is_empty() && absent.is_empty() {
                // Neither a file that is there nor one that is not: the build fails.
                return expect(Dockerignore::parse(text).failure().is_some(), true);
            }
            context(text, &present, &absent)
        }
        "context_override" => context_override(row),
        kind => Err(format!("a kind of row that this test does not know: {kind}")),
    }
}

#[test]
fn shared_dockerignore_cases() {
    let Some(text) = shared("cases/dockerignore.jsonl") else {
        println!("skipped: no ../shared");
        return;
    };
    let (mut checked, mut windows, mut disagreements) = (BTreeMap::<String, usize>::new(), 0, Vec::new());
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let row: Value = serde_json::from_str(line).expect("a row is JSON");
        if row["platform"] == "windows" {
            windows += 1;
            continue;
        }
        let kind =
            format!("{} {}", row["kind"].as_str().unwrap_or("?"), row["api"].as_str().unwrap_or_default());
        *checked.entry(kind.trim().to_owned()).or_default() += 1;
        disagreements.extend(check(&row).err().map(|why| format!("{why}; the row: {row}")));
    }
    let total: usize = checked.values().sum();
    println!("dockerignore.jsonl: {total} rows checked ({checked:?}), {} disagree", disagreements.len());
    println!("{windows} Windows rows left out");
    disagreements.iter().for_each(|disagreement| println!("  {disagreement}"));
    assert!(total > 0, "the file has no rows");
    assert!(disagreements.is_empty(), "{} rows disagree", disagreements.len());
}
