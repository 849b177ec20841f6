//! Making a failing case small enough to be read.

use super::case::{Case, Text};

/// How many smaller cases are tried at most; each costs a few builds.
const MAX_TRIES: usize = 60;

/// The smallest case found for which `fails` still holds: without lines of the Dockerfile that the edits leave alone, without
/// files, without builds in between.
pub fn shrink(case: &Case, fails: impl Fn(&Case) -> bool) -> Case {
    let mut best = case.clone();
    let mut tries = 0;
    let mut attempt = |best: &mut Case, smaller: Option<Case>| {
        let Some(smaller) = smaller.filter(|_| tries < MAX_TRIES) else { return false };
        tries += 1;
        let still = fails(&smaller);
        if still {
            *best = smaller;
        }
        still
    };
    let shorter = Case { edits: best.edits.iter().skip(1).cloned().collect(), ..best.clone() };
    attempt(&mut best, Some(shorter).filter(|c| !c.edits.is_empty()));
    let mut at = lines(&best.dockerfile).len();
    while at > 0 {
        at -= 1;
        let smaller = without_line(&best, at);
        attempt(&mut best, smaller);
    }
    let paths: Vec<String> = best.files.keys().cloned().collect();
    for path in paths {
        let mut smaller = best.clone();
        smaller.files.remove(&path);
        attempt(&mut best, Some(smaller));
    }
    best
}

fn lines(text: &Text) -> Vec<String> {
    text.text().lines().map(str::to_owned).collect()
}

/// The case without a line of its Dockerfile; the same line goes from the Dockerfiles of the edits, the first that is equal and at
/// the same place or near it. `None` for a line that an edit has not.
fn without_line(case: &Case, at: usize) -> Option<Case> {
    let mut smaller = case.clone();
    let mut all = lines(&case.dockerfile);
    let line = all.get(at)?.clone();
    if line.starts_with("FROM") || line.contains("<<") {
        return None;
    }
    all.remove(at);
    smaller.dockerfile = Text::Lines(all);
    for edit in &mut smaller.edits {
        let Some(text) = &edit.dockerfile else { continue };
        let mut all = lines(text);
        let equal = (0..all.len()).filter(|i| all[*i] == line).min_by_key(|i| i.abs_diff(at))?;
        all.remove(equal);
        edit.dockerfile = Some(Text::Lines(all));
    }
    Some(smaller)
}
