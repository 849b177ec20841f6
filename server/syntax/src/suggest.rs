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

/// As [`search`], but only what the word is likely a misspelling of ([`is_misspelling`]). BuildKit suggests more.
pub fn nearest<'a>(
    word: &str,
    options: impl IntoIterator<Item = &'a str>,
    case_sensitive: bool,
) -> Option<&'a str> {
    search(word, options, case_sensitive).filter(|option| is_misspelling(word, option))
}

/// Whether `word` is likely meant to be `meant`: a letter is wrong, missing or too many, or two neighbours are swapped; of
/// six letters and more, two may be wrong. Case makes no difference.
pub fn is_misspelling(word: &str, meant: &str) -> bool {
    let letters = |s: &str| s.to_lowercase().chars().collect::<Vec<char>>();
    let (word, meant) = (letters(word), letters(meant));
    if word.len().abs_diff(meant.len()) > 2 {
        return false;
    }
    let prefix = word.iter().zip(&meant).take_while(|(a, b)| a == b).count();
    let mut swapped = word.clone();
    if prefix + 1 < swapped.len() {
        swapped.swap(prefix, prefix + 1);
    }
    match levenshtein(&word, &meant) {
        0 => false,
        1 => word.len() > 1,
        2 => swapped == meant || word.len() >= 6,
        _ => false,
    }
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
    use super::{is_misspelling, nearest, search};

    #[test]
    fn misspellings() {
        for (word, meant) in
            [("CPOY", "COPY"), ("wrokdir", "WORKDIR"), ("RUNN", "RUN"), ("ENTRPOINT", "ENTRYPOINT")]
        {
            assert!(is_misspelling(word, meant), "{word} {meant}");
        }
        for (word, meant) in
            [("set", "USER"), ("}}ARG", "ARG"), ("NOPE", "COPY"), ("RUN", "run"), ("x", "xy")]
        {
            assert!(!is_misspelling(word, meant), "{word} {meant}");
        }
        assert_eq!(nearest("set", ["USER", "ENV"], false), None);
        assert_eq!(nearest("RUM", ["RUN", "FROM"], false), Some("RUN"));
    }

    #[test]
    fn searches() {
        let options = ["RUN", "FROM", "COPY"];
        assert_eq!(search("RUM", options, false), Some("RUN"));
        assert_eq!(search("fro", options, false), Some("FROM"));
        assert_eq!(search("run", options, false), None);
        assert_eq!(search("apt-get", options, false), None);
    }
}
