//! Comments and directives that switch rules off: `# check=skip=...;error=true`.
//!
//! Source: frontend/dockerfile/linter/linter.go (`ParseLintOptions`).

use layerwise_model::File;
use layerwise_syntax::Block;

use crate::check::SYNTAX;
use crate::diagnostic::Diagnostic;
use crate::rules;

/// What a file switches off.
#[derive(Clone, Debug, Default)]
pub struct Suppressions {
    file: CheckOptions,
    /// Per instruction that has some: its number and the options in the comments right above it.
    lines: Vec<(usize, CheckOptions)>,
    errors: Vec<Diagnostic>,
}

/// The options of one `check=`.
#[derive(Clone, Debug, Default)]
struct CheckOptions {
    skip_all: bool,
    skip: Vec<String>,
    experimental_all: bool,
    experimental: Vec<String>,
    error: bool,
}

impl CheckOptions {
    /// # Errors
    /// The part that is no option.
    fn parse(text: &str) -> Result<CheckOptions, String> {
        let mut options = CheckOptions::default();
        for part in text.split(';').map(str::trim).filter(|p| !p.is_empty()) {
            let (key, value) = part.split_once('=').ok_or_else(|| part.to_owned())?;
            let value = value.trim();
            let names = || value.split(',').map(|n| n.trim().to_owned()).collect::<Vec<_>>();
            match key.trim() {
                "skip" if value == "all" => options.skip_all = true,
                "skip" => options.skip = names(),
                "experimental" if value == "all" => options.experimental_all = true,
                "experimental" => options.experimental = names(),
                "error" => {
                    options.error = match value {
                        "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
                        "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
                        _ => return Err(part.to_owned()),
                    }
                }
                _ => return Err(part.to_owned()),
            }
        }
        Ok(options)
    }

    fn skips(&self, rule: &str) -> bool {
        let Some(meta) = rules::all().iter().map(|r| &r.meta).find(|m| m.name == rule) else { return false };
        let named = |n: &String| n.eq_ignore_ascii_case(meta.name) || meta.equivalents.iter().any(|e| n == e);
        self.skip_all || self.skip.iter().any(named)
    }
}

impl Suppressions {
    /// Reads a file's directive and the comments above its instructions. `given` replaces the directive.
    pub fn of(file: &File, given: Option<&str>) -> Suppressions {
        let mut found = Suppressions::default();
        let blocks = file.parsed().layer().blocks();
        let mut directive = None;
        for block in blocks {
            if let Block::Directive(d, _) = &block.block {
                if d.name == "check" && d.error.is_none() {
                    directive = Some((
                        d.value.as_str(),
                        block.start + d.value_range.start..block.start + d.value_range.end,
                    ));
                }
            }
        }
        let text = given.map(|g| (g, 0..0)).or(directive);
        if let Some((text, range)) = text {
            match CheckOptions::parse(text) {
                Ok(options) => found.file = options,
                Err(part) => found.errors.push(Diagnostic {
                    range,
                    rule: SYNTAX.name,
                    code: SYNTAX.code,
                    severity: SYNTAX.severity,
                    message: format!(
                        "`{part}` is no option of `check`; it takes skip=, experimental= and error=."
                    ),
                    equivalents: &[],
                    related: Vec::new(),
                    fixes: Vec::new(),
                    unnecessary: false,
                    deprecated: false,
                }),
            }
        }
        for number in 0..file.len() {
            let mut at = file.block_of(number);
            while let Some(Block::Comment(text)) = at.checked_sub(1).map(|b| &blocks[b].block) {
                at -= 1;
                if let Some(options) = comment_options(text) {
                    found.lines.push((number, options));
                }
            }
        }
        found
    }

    /// What is wrong with the options themselves.
    pub fn errors(&self) -> &[Diagnostic] {
        &self.errors
    }

    /// Whether a finding of a check fails the build (`error=true`).
    pub fn error(&self) -> bool {
        self.file.error
    }

    /// Whether the file asks for an experimental check.
    pub fn experimental(&self, name: &str) -> bool {
        self.file.experimental_all || self.file.experimental.iter().any(|n| n == name)
    }

    /// Whether a diagnostic is switched off.
    pub fn covers(&self, file: &File, diagnostic: &Diagnostic) -> bool {
        if self.file.skips(diagnostic.rule) {
            return true;
        }
        let Some(number) = file.at(diagnostic.range.start) else { return false };
        self.lines.iter().any(|(n, options)| *n == number && options.skips(diagnostic.rule))
    }
}

/// `# check=skip=Rule // why` above an instruction.
fn comment_options(comment: &str) -> Option<CheckOptions> {
    let body = comment.trim_start().strip_prefix('#')?.trim();
    let (key, value) = body.split_once('=')?;
    if !key.trim().eq_ignore_ascii_case("check") {
        return None;
    }
    let value = value.split("//").next().unwrap_or(value);
    CheckOptions::parse(value.trim()).ok()
}
