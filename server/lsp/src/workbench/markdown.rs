//! Text of a file's as Markdown that shows it and does nothing else.

/// How many characters of one text are shown.
const MAX: usize = 120;

/// The text as inline code: backticks, HTML and links in it stay text; white space is collapsed, control characters and
/// those that turn the direction of text are replaced, and what is too long is cut.
pub(crate) fn code(text: &str) -> String {
    let mut shown = String::new();
    let mut left = MAX;
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 {
            shown.push(' ');
        }
        for c in word.chars() {
            if left == 0 {
                break;
            }
            left -= 1;
            shown.push(if is_unsafe(c) { '\u{fffd}' } else { c });
        }
        if left == 0 {
            shown.push_str("...");
            break;
        }
    }
    if shown.is_empty() {
        return "(empty)".to_owned();
    }
    // A fence that is longer than any run of backticks inside (CommonMark 0.31, "Code spans").
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if shown.starts_with('`') || shown.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{shown}{pad}{fence}")
}

/// A sentence with names out of a file in it, as Markdown: what stands in backticks stays code, everything else is text.
pub(crate) fn plain(sentence: &str) -> String {
    let parts: Vec<&str> = sentence.split('`').collect();
    // Every other part is code. With an odd number of backticks, some name has one: all of it is shown as one piece.
    if parts.len().is_multiple_of(2) {
        return code(sentence);
    }
    let mut shown = String::new();
    for (index, part) in parts.into_iter().enumerate() {
        if index % 2 == 1 {
            shown.push_str(&code(part));
            continue;
        }
        for c in part.chars() {
            if is_unsafe(c) {
                shown.push('\u{fffd}');
                continue;
            }
            // Any ASCII punctuation may be escaped (CommonMark 0.31, "Backslash escapes"); these can begin something.
            if "\\*_{}[]()<>#+!|~&@".contains(c) {
                shown.push('\\');
            }
            shown.push(c);
        }
    }
    shown
}

fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_text_but_for_its_code() {
        assert_eq!(plain("copy less than `COPY . .` does."), "copy less than `COPY . .` does.");
        assert_eq!(plain("[a](http://x) <b> *c* _d_"), r"\[a\]\(http://x\) \<b\> \*c\* \_d\_");
        assert_eq!(plain("a ` b <x>"), "``a ` b <x>``");
    }

    #[test]
    fn nothing_gets_out_of_the_code() {
        for (text, expected) in [
            ("COPY . .", "`COPY . .`"),
            ("a\n\n# b\t<script>", "`a # b <script>`"),
            ("`x`", "`` `x` ``"),
            ("a``b", "```a``b```"),
            ("\u{202e}evil\u{1b}[2J", "`\u{fffd}evil\u{fffd}[2J`"),
            ("", "(empty)"),
            ("  \n", "(empty)"),
        ] {
            assert_eq!(code(text), expected, "{text:?}");
        }
        assert!(code(&"`".repeat(500)).len() < 500);
        assert!(code(&"é ".repeat(500)).ends_with("...`"));
    }
}
