//! "Did you mean": the nearest of some words.

/// The word of `options` at the smallest edit distance below 3 from `word`; `None` if there is none or `word` is one of
/// them. Of equally near ones, the first. Source: util/suggest/error.go.
pub fn search<'a>(
    word: &str,
    options: impl IntoIterator<Item = &'a str>,
    case_sensitive: bool,
) -> Option<&'a str> {
    let fold = |s: &str| if case_sensitive { s.to_owned() } else { s.to_lowercase() };
    let word: Vec<char> = fold(word).chars().collect();
    let mut best: Option<(usize, &str)> = None;
    for option in options {
        let folded: Vec<char> = fold(option).chars().collect();
        if folded == word {
            return None;
        }
        if word.len().abs_diff(folded.len()) > 2 {
            continue;
        }
        let distance = levenshtein(&word, &folded);
        if distance < best.map_or(3, |(d, _)| d) {
            best = Some((distance, option));
        }
    }
    best.map(|(_, option)| option)
}

fn levenshtein(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::search;

    #[test]
    fn nearest() {
        let options = ["RUN", "FROM", "COPY"];
        assert_eq!(search("RUM", options, false), Some("RUN"));
        assert_eq!(search("fro", options, false), Some("FROM"));
        assert_eq!(search("run", options, false), None);
        assert_eq!(search("apt-get", options, false), None);
    }
}
