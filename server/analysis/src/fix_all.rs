//! Every safe fix at once.

use crate::diagnostic::Diagnostic;
use crate::fix::{Applicability, Edit};

/// The edits of the first safe fix of each finding, in the order of the text. A fix that touches what an earlier one
/// changes is left for the next time, so that the result is what applying them one after another gives.
pub fn safe_edits(findings: &[Diagnostic]) -> Vec<Edit> {
    let mut fixes: Vec<&[Edit]> = findings
        .iter()
        .filter_map(|f| f.fixes.iter().find(|x| x.applicability == Applicability::Safe))
        .map(|fix| fix.edits.as_slice())
        .filter(|edits| !edits.is_empty())
        .collect();
    fixes.sort_by_key(|edits| edits.iter().map(|e| (e.range.start, e.range.end)).min());
    let mut taken: Vec<Edit> = Vec::new();
    for edits in fixes {
        let free = edits.iter().all(|new| {
            // Fixes of two findings may agree on an edit; touching is too close for an insertion.
            taken.iter().all(|old| new.range.start > old.range.end || new.range.end < old.range.start)
        });
        if free {
            taken.extend(edits.iter().cloned());
        }
    }
    taken.sort_by_key(|e| (e.range.start, e.range.end));
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;
    use crate::fix::Fix;

    fn finding(applicability: Applicability, ranges: &[(usize, usize)]) -> Diagnostic {
        let edits = ranges.iter().map(|&(a, b)| Edit { range: a..b, text: "x".to_owned() }).collect();
        Diagnostic {
            range: 0..1,
            rule: "r",
            code: "R",
            severity: Severity::Info,
            message: String::new(),
            equivalents: &[],
            related: Vec::new(),
            fixes: vec![Fix { title: String::new(), applicability, edits }],
            unnecessary: false,
            deprecated: false,
        }
    }

    #[test]
    fn only_safe_fixes_that_do_not_touch() {
        let found = [
            finding(Applicability::Safe, &[(10, 12)]),
            finding(Applicability::Suggestion, &[(0, 1)]),
            finding(Applicability::Safe, &[(2, 4), (20, 21)]),
            finding(Applicability::Safe, &[(12, 13)]),
            finding(Applicability::Safe, &[(3, 5)]),
        ];
        let ranges: Vec<_> = safe_edits(&found).into_iter().map(|e| (e.range.start, e.range.end)).collect();
        assert_eq!(ranges, [(2, 4), (10, 12), (20, 21)]);
    }
}
