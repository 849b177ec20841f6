//! What a rule says about a place.

use std::ops::Range;

use crate::fix::Fix;
use crate::shellcheck::SHELLCHECK;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; shown without a squiggle.
    Hint,
    /// A matter of style or information.
    Info,
    /// Probably a mistake.
    Warning,
    /// The build fails, or does not do what the file says.
    Error,
}

impl Severity {
    /// The severity of this name; see [`Self::as_str`].
    pub fn parse(name: &str) -> Option<Severity> {
        [Severity::Hint, Severity::Info, Severity::Warning, Severity::Error]
            .into_iter()
            .find(|s| s.as_str() == name)
    }

    /// The name in JSON and on the command line: `hint`, `info`, `warning`, `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Hint => "hint",
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// Where rules are explained: the folder of their pages.
pub const PAGES: &str = "https://github.com/layerwise/layerwise/blob/main/docs/rules/";

/// Where ShellCheck's codes are explained.
const SHELLCHECK_PAGES: &str = "https://www.shellcheck.net/wiki/";

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The bytes of the document that it is about.
    pub range: Range<usize>,
    /// The rule's name, such as `duplicate-stage-name`; `syntax` for what BuildKit's parser refuses.
    pub rule: &'static str,
    /// The rule's code in the catalogue, such as `E003`; `E000` for `syntax`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong, why it matters here and what to do.
    pub message: String,
    /// The names that other tools have for it: `DuplicateStageName`, `DL3024`.
    pub equivalents: &'static [&'static str],
    /// Other places that explain it: a range and a note.
    pub related: Vec<(Range<usize>, String)>,
    /// Ways to mend it.
    pub fixes: Vec<Fix>,
    /// Whether the text is unneeded (editors fade it out).
    pub unnecessary: bool,
    /// Whether it is about something deprecated (editors strike it through).
    pub deprecated: bool,
}

impl Diagnostic {
    /// The name that editors show: the rule's, or ShellCheck's own code.
    pub fn shown_code(&self) -> &'static str {
        if self.is_shellchecks() { self.code } else { self.rule }
    }

    /// The page that explains it, as an absolute URL; `None` for a user's own rule, which has none.
    pub fn url(&self) -> Option<String> {
        if self.is_shellchecks() {
            return Some(format!("{SHELLCHECK_PAGES}{}", self.code));
        }
        // A user's rule has no code beside its name.
        (self.code != self.rule).then(|| format!("{PAGES}{}", page_name(self.code, self.rule)))
    }

    fn is_shellchecks(&self) -> bool {
        self.rule == SHELLCHECK.name
    }
}

/// The file name of a rule's page.
pub fn page_name(code: &str, name: &str) -> String {
    format!("{code}-{name}.md")
}
