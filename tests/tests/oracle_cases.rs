//! The plan against what a real engine did with `tests/oracle/cases`, as recorded in `tests/oracle/recorded.json`.
//!
//! `cargo dev oracle run` asks the engine again; this needs none.

use std::path::Path;

use layerwise_dev::oracle::case::read;
use layerwise_dev::oracle::compare::Judged;
use layerwise_dev::oracle::replay::{Answers, replay};

#[test]
fn recorded_answers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle");
    let answers = Answers::read(&folder.join("recorded.json")).expect("recorded answers");
    let cases = read(&folder.join("cases")).expect("cases");
    let temp = tempfile::tempdir().expect("a folder");
    let mut total = Judged::default();
    let mut ids = std::collections::HashSet::new();
    let mut unanswered = Vec::new();
    for case in &cases {
        assert!(ids.insert(case.id.as_str()), "two cases are named {}", case.id);
        match answers.cases.get(&case.id) {
            Some(answer) => match replay(case, answer, &answers.engine, &temp.path().join("case")) {
                Ok(judged) => total.add(judged),
                Err(error) => total.wrong.push(format!("{}: {error}", case.id)),
            },
            None => unanswered.push(case),
        }
    }
    for case in &unanswered {
        println!("SKIPPED: case {}: {} could not build it", case.id, answers.engine);
        assert!(!case.needs.is_empty(), "{}: no answer is recorded, and it needs nothing special", case.id);
    }
    println!("{} cases, {} steps judged, {} agree", cases.len() - unanswered.len(), total.steps, total.right);
    assert!(total.steps > 1_000, "nothing was judged");
    assert!(total.wrong.is_empty(), "{:#?}", total.wrong);
}
