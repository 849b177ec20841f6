//! Edits, and what they promise.

use std::ops::Range;

/// A replacement of bytes of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go.
    pub range: Range<usize>,
    /// The text that comes.
    pub text: String,
}

/// What a fix or refactoring promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Applicability {
    /// The built image is the same, provably.
    Safe,
    /// Likely what the user wants, but the user must look.
    Suggestion,
    /// Shown, never applied.
    DisplayOnly,
}

impl Applicability {
    /// The name in JSON: `safe`, `suggestion`, `display-only`.
    pub fn as_str(self) -> &'static str {
        match self {
            Applicability::Safe => "safe",
            Applicability::Suggestion => "suggestion",
            Applicability::DisplayOnly => "display-only",
        }
    }
}

/// A fix of a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in the imperative: "Rename the stage to `build`".
    pub title: String,
    /// What it promises.
    pub applicability: Applicability,
    /// The edits, in any order; they do not overlap.
    pub edits: Vec<Edit>,
}

impl Fix {
    /// A suggestion that replaces one range; see [`Self::safe`].
    pub fn replace(title: impl Into<String>, range: Range<usize>, text: impl Into<String>) -> Fix {
        let edits = vec![Edit { range, text: text.into() }];
        Fix { title: title.into(), applicability: Applicability::Suggestion, edits }
    }

    /// The same fix with the promise that the built image stays the same.
    #[must_use]
    pub fn safe(mut self) -> Fix {
        self.applicability = Applicability::Safe;
        self
    }
}

/// Applies edits to a text. Edits at the same place are applied in their order.
///
/// # Errors
/// `None` if edits overlap, reach past the text or cut a character in two.
pub fn apply(text: &str, edits: &[Edit]) -> Option<String> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|e| (e.range.start, e.range.end));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in sorted {
        if edit.range.start < at {
            return None;
        }
        out.push_str(text.get(at..edit.range.start)?);
        text.get(edit.range.clone())?;
        out.push_str(&edit.text);
        at = edit.range.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}
