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

fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

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
