//! How a file is written: line breaks, the escape character, how commands of one RUN stand below each other.

use layerwise_model::File;
use layerwise_syntax::{Block, Keyword};

/// A file's own habits, for text that is added to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// `\n` or `\r\n`.
    pub(crate) newline: &'static str,
    /// The escape character in force.
    pub(crate) escape: char,
    /// The white space before a continued command.
    pub(crate) indent: String,
    /// Whether `&&` stands at the start of a line rather than at the end of the one before.
    pub(crate) leading_and: bool,
}

impl Layout {
    /// The habits of a file. Where it shows none: `&& \` at the end of the line and four blanks.
    pub(crate) fn of(file: &File) -> Layout {
        let escape = file.parsed().layer().escape();
        let (mut crlf, mut lf) = (0usize, 0usize);
        let mut leading: Vec<(&str, usize)> = Vec::new();
        let mut trailing: Vec<(&str, usize)> = Vec::new();
        for (_, _, instruction) in file.all() {
            let source = instruction.source();
            match source.strip_suffix('\n') {
                Some(line) if line.ends_with('\r') => crlf += 1,
                Some(_) => lf += 1,
                None => {}
            }
            if instruction.kind() != Some(Keyword::Run) {
                continue;
            }
            let mut after_and = false;
            for (number, line) in source.split('\n').take(instruction.head_line_count()).enumerate() {
                let content = line.trim();
                if content.is_empty() || (number > 0 && content.starts_with('#')) {
                    continue;
                }
                let indent = &line[..line.len() - line.trim_start().len()];
                if number > 0 && content.starts_with("&&") {
                    count(&mut leading, indent);
                } else if number > 0 && after_and {
                    count(&mut trailing, indent);
                }
                after_and = content.strip_suffix(escape).is_some_and(|c| c.trim_end().ends_with("&&"));
            }
        }
        let total = |counts: &[(&str, usize)]| counts.iter().map(|c| c.1).sum::<usize>();
        let leading_and = total(&leading) > total(&trailing);
        let counts = if leading_and { leading } else { trailing };
        let indent = counts.into_iter().rev().max_by_key(|c| c.1).map_or("    ", |c| c.0);
        Layout {
            newline: if crlf > lf { "\r\n" } else { "\n" },
            escape,
            indent: if indent.is_empty() { "    ".to_owned() } else { indent.to_owned() },
            leading_and,
        }
    }

    /// What ends a line that is continued.
    pub(crate) fn continued(&self) -> String {
        format!(" {}{}", self.escape, self.newline)
    }

    /// What stands between two commands of an and-chain on two lines; comment lines go between them.
    pub(crate) fn and(&self, comments: &[&str]) -> String {
        let mut text = if self.leading_and { String::new() } else { " &&".to_owned() };
        text.push_str(&self.continued());
        for comment in comments {
            text.push_str(&self.indent);
            text.push_str(comment);
            text.push_str(self.newline);
        }
        text.push_str(&self.indent);
        if self.leading_and {
            text.push_str("&& ");
        }
        text
    }
}

fn count<'a>(counts: &mut Vec<(&'a str, usize)>, indent: &'a str) {
    if let Some(found) = counts.iter_mut().find(|c| c.0 == indent) {
        found.1 += 1;
    } else if counts.len() < 16 {
        // Hostile files could have a thousand indentations; the first few tell the habit.
        counts.push((indent, 1));
    }
}

/// The comment lines between two instructions, trimmed.
pub(crate) fn comments_between(file: &File, first: usize, second: usize) -> Vec<&str> {
    let blocks = file.parsed().layer().blocks();
    blocks[file.block_of(first) + 1..file.block_of(second)]
        .iter()
        .filter_map(|placed| match &placed.block {
            Block::Comment(text) => Some(text.trim()),
            _ => None,
        })
        .collect()
}

/// Whether a comment is an instruction to a tool about the line below it, so that it must not move.
pub(crate) fn is_pragma(comment: &str) -> bool {
    let text = comment.trim_start_matches(['#', ' ', '\t']);
    let word = text.split([' ', '\t', '=', ':']).next().unwrap_or_default();
    matches!(
        word.to_ascii_lowercase().as_str(),
        "hadolint"
            | "check"
            | "syntax"
            | "escape"
            | "shellcheck"
            | "tally"
            | "nosemgrep"
            | "checkov"
            | "trivy"
            | "kics-scan"
    )
}
