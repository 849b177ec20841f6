//! Comments and directives that switch rules off.
//!
//! * `# check=skip=Rule,...;experimental=Rule,...;error=true` at the top of the file, and above one instruction
//!   `# check=skip=Rule // why`, exactly as BuildKit has them. Source: frontend/dockerfile/linter/linter.go.
//! * `# layerwise: ignore[rule, ...] reason` above an instruction, `# layerwise: ignore-file[rule, ...] reason` for the whole
//!   file: see [`ours`].
//! * `# hadolint ignore=DL3006,...` and `# tally ignore=hadolint/DL3006,...;reason=...` above an instruction; with `global` in
//!   front of `ignore` for the whole file. They know every name that a rule has.
//! * `# dockerfile-utils: ignore` above an instruction: everything.

mod ours;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use layerwise_model::File;
use layerwise_syntax::Block;
use layerwise_syntax::lines::detect_directive;

use crate::check::SYNTAX;
use crate::diagnostic::Diagnostic;
use crate::rules::{self, Finding, Meta};

pub use ours::ignore_here;

/// The checks that BuildKit runs over the file as a whole, where it does not look at the comments above an instruction.
const WHOLE_FILE: [&str; 6] = [
    "ConsistentInstructionCasing",
    "DuplicateStageName",
    "InvalidBaseImagePlatform",
    "InvalidDefaultArgInFrom",
    "NoEmptyContinuation",
    "ReservedStageName",
];

/// What a file switches off.
#[derive(Clone, Debug, Default)]
pub struct Suppressions {
    file: CheckOptions,
    /// Names that `global ignore=` comments give.
    ignored: Vec<String>,
    /// Per instruction that has some: what the comments above it say.
    instructions: HashMap<usize, Comments>,
    ours: ours::Ours,
    errors: Vec<Diagnostic>,
}

/// What the comments above an instruction say.
#[derive(Clone, Debug, Default)]
struct Comments {
    check: Option<CheckOptions>,
    ignored: Vec<String>,
}

/// The options of one `check=`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct CheckOptions {
    skip_all: bool,
    skip: Vec<String>,
    experimental_all: bool,
    experimental: Vec<String>,
    error: bool,
}

impl CheckOptions {
    /// Parses the options as `ParseLintOptions` does.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    fn parse(text: &str) -> Result<CheckOptions, String> {
        let mut options = CheckOptions::default();
        let text = text.trim();
        if text.is_empty() {
            return Ok(options);
        }
        // BuildKit splits in three and leaves a fourth part to the third.
        for part in text.splitn(3, ';') {
            let known = "it takes `skip=`, `experimental=` and `error=`, with `;` between them";
            let Some((key, value)) = part.split_once('=') else {
                return Err(format!("`{}` is no option of `check`: {known}.", part.trim()));
            };
            let value = value.trim();
            let names = || value.split(',').map(|n| n.trim().to_owned()).collect();
            match key.trim() {
                "skip" if value == "all" => options.skip_all = true,
                "skip" => options.skip = names(),
                "experimental" if value == "all" => options.experimental_all = true,
                "experimental" => options.experimental = names(),
                "error" => {
                    options.error = match value {
                        "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
                        "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
                        _ => return Err(format!("`error` of `check` is true or false, not `{value}`.")),
                    }
                }
                key => return Err(format!("`{key}` is no option of `check`: {known}.")),
            }
        }
        Ok(options)
    }

    /// Whether `skip=` names a rule. BuildKit compares its own names letter by letter and keeps what it does not know,
    /// so our other rules can be skipped by any of their names. Its experimental checks cannot be skipped.
    fn skips(&self, meta: &Meta) -> bool {
        match meta.buildkit {
            Some(_) if meta.experimental => false,
            Some(name) => self.skip_all || self.skip.iter().any(|n| n == name),
            None => self.skip_all || self.skip.iter().any(|n| meta.is_called(n)),
        }
    }

    fn asks_for(&self, name: &str) -> bool {
        self.experimental_all || self.experimental.iter().any(|n| n == name)
    }
}

impl Suppressions {
    /// Reads a file's directive and the comments above its instructions. `given` replaces the directive.
    pub fn of(file: &File, given: Option<&str>) -> Suppressions {
        let mut found = Suppressions::default();
        let given = given.map(|text| (text.to_owned(), 0..0));
        if let Some((text, range)) = given.or_else(|| directive(file)) {
            match CheckOptions::parse(&text) {
                Ok(options) => found.file = options,
                Err(message) => found.errors.push(error(range, message)),
            }
        }
        let mut comments: Vec<&str> = Vec::new();
        let mut number = 0;
        let blocks = file.parsed().layer().blocks();
        for (index, placed) in blocks.iter().enumerate() {
            if matches!(placed.block, Block::Comment(_)) {
                found.ours.read(blocks, index, number);
            }
            match &placed.block {
                Block::Comment(text) => match comment_text(text, placed.start == 0) {
                    // An empty comment ends what belongs to the next instruction; an empty line does not.
                    "" => comments.clear(),
                    text => comments.push(text),
                },
                Block::Instruction(_) => {
                    if !comments.is_empty() {
                        found.read_comments(number, &comments);
                        comments.clear();
                    }
                    number += 1;
                }
                Block::Blank | Block::Directive(..) => {}
            }
        }
        found.read_comments(number, &comments);
        found.ours.finish();
        found
    }

    fn read_comments(&mut self, number: usize, comments: &[&str]) {
        let mut read = Comments::default();
        let mut checks = comments.iter().filter_map(|text| check_value(text));
        // The first counts, and one that is not well-formed says nothing.
        read.check = checks.next().and_then(|text| CheckOptions::parse(text).ok());
        for text in comments {
            match ignored(text) {
                Some((true, names)) => self.ignored.extend(names.map(str::to_owned)),
                Some((false, names)) => read.ignored.extend(names.map(str::to_owned)),
                None => {}
            }
        }
        if read.check.is_some() || !read.ignored.is_empty() {
            self.instructions.insert(number, read);
        }
    }

    /// What is wrong with the options themselves: BuildKit refuses the file.
    pub fn errors(&self) -> &[Diagnostic] {
        &self.errors
    }

    /// Whether a finding of a check fails the build (`error=true`).
    pub fn error(&self) -> bool {
        self.file.error
    }

    /// Whether the file asks for an experimental check, anywhere.
    pub fn experimental(&self, name: &str) -> bool {
        self.file.asks_for(name)
            || self.instructions.values().any(|c| c.check.as_ref().is_some_and(|check| check.asks_for(name)))
    }

    /// The comments of ours that nobody needs, each with the name of the rule that says so. `found` is what there is
    /// without any comment, `ran` the rules that ran, `own` the names of the user's.
    pub(crate) fn leftovers(
        &self,
        file: &File,
        found: &[Diagnostic],
        ran: &HashSet<&'static str>,
        own: &[&str],
    ) -> Vec<(&'static str, Finding)> {
        self.ours.leftovers(file, found, ran, own)
    }

    /// Whether a diagnostic is switched off.
    pub fn covers(&self, file: &File, diagnostic: &Diagnostic) -> bool {
        if self.ours.cover(file, diagnostic) {
            return true;
        }
        let Some(meta) = rules::meta(diagnostic.rule) else { return self.covers_named(file, diagnostic) };
        let ignores = |names: &[String]| names.iter().any(|n| n == "all" || meta.is_called(n));
        if self.file.skips(meta) || ignores(&self.ignored) {
            return true;
        }
        if meta.experimental && !self.file.asks_for(meta.buildkit.unwrap_or(meta.name)) {
            let number = file.at(diagnostic.range.start);
            let comments = number.and_then(|n| self.instructions.get(&n)).and_then(|c| c.check.as_ref());
            if !comments.is_some_and(|check| check.asks_for(meta.buildkit.unwrap_or(meta.name))) {
                return true;
            }
        }
        if self.instructions.is_empty() {
            return false;
        }
        let at = |byte: usize| file.at(byte).and_then(|number| self.instructions.get(&number));
        if at(diagnostic.range.start).is_some_and(|comments| ignores(&comments.ignored)) {
            return true;
        }
        let check = match meta.buildkit {
            Some(name) if WHOLE_FILE.contains(&name) => None,
            // BuildKit finds it at the later instruction and reports it at the earlier one.
            Some("MultipleInstructionsDisallowed") => {
                diagnostic.related.first().and_then(|(r, _)| at(r.start))
            }
            _ => at(diagnostic.range.start),
        };
        check.and_then(|comments| comments.check.as_ref()).is_some_and(|check| check.skips(meta))
    }
}

/// What is no rule of ours: ShellCheck's findings and users' rules, by name, code and equivalents.
impl Suppressions {
    fn covers_named(&self, file: &File, diagnostic: &Diagnostic) -> bool {
        if diagnostic.rule == SYNTAX.name {
            return false;
        }
        let called = |name: &String| {
            name == "all"
                || name.eq_ignore_ascii_case(diagnostic.rule)
                || name.eq_ignore_ascii_case(diagnostic.code)
                || diagnostic.equivalents.contains(&name.as_str())
        };
        let skips = |check: &CheckOptions| check.skip_all || check.skip.iter().any(called);
        let above = file.at(diagnostic.range.start).and_then(|number| self.instructions.get(&number));
        skips(&self.file)
            || self.ignored.iter().any(called)
            || above.is_some_and(|c| c.ignored.iter().any(called) || c.check.as_ref().is_some_and(skips))
    }
}

fn error(range: Range<usize>, message: String) -> Diagnostic {
    Diagnostic {
        range,
        rule: SYNTAX.name,
        code: SYNTAX.code,
        severity: SYNTAX.severity,
        message,
        equivalents: &[],
        related: Vec::new(),
        fixes: Vec::new(),
        unnecessary: false,
        deprecated: false,
    }
}

/// The value of the `# check=` directive and where it stands. BuildKit looks for it apart from its parser, behind a shebang
/// line too.
fn directive(file: &File) -> Option<(String, Range<usize>)> {
    let blocks = file.parsed().layer().blocks();
    let comments = blocks.iter().map_while(|placed| match &placed.block {
        Block::Comment(text) | Block::Directive(_, text) => Some((placed.start, text.as_ref())),
        _ => None,
    });
    let mut top = String::new();
    for (_, text) in comments.clone() {
        top.push_str(text);
        top.push('\n');
    }
    let (value, line) = detect_directive(&top, "check", false)?;
    let (start, text) = comments.clone().nth(line)?;
    let at = text.rfind(&value)?;
    Some((value.clone(), start + at..start + at + value.len()))
}

/// A comment as BuildKit keeps it: without the first character of its line, trimmed. (A `#` behind white space stays.)
pub(crate) fn comment_text(line: &str, first: bool) -> &str {
    let line = if first { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
    let mut chars = line.chars();
    chars.next();
    chars.as_str().trim()
}

/// The value of a `check=` comment up to its first blank; what follows is for the reader.
fn check_value(comment: &str) -> Option<&str> {
    let (key, value) = comment.trim_start_matches('#').split_once('=')?;
    let value = value.trim().split(' ').next().unwrap_or_default();
    key.trim().eq_ignore_ascii_case("check").then_some(value).filter(|v| !v.is_empty())
}

/// The names that an `ignore=` comment gives, and whether it is global.
fn ignored(comment: &str) -> Option<(bool, impl Iterator<Item = &str>)> {
    let rest = comment.trim_start_matches('#').trim_start();
    if let Some(rest) = rest.strip_prefix("dockerfile-utils:") {
        // It says no names and means everything.
        return (rest.trim() == "ignore").then_some((false, split_names("all", ['#', ';'])));
    }
    let tools = ["hadolint", "layerwise", "tally"];
    let (tool, rest) = tools.iter().find_map(|tool| Some((*tool, rest.strip_prefix(tool)?)))?;
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let (global, rest) = match rest.strip_prefix("global") {
        Some(rest) => (true, rest.trim_start()),
        None => (false, rest),
    };
    let names = rest.strip_prefix("ignore")?.trim_start().strip_prefix('=')?;
    // tally's names have a slash; a reason stands behind a semicolon there.
    Some((global, split_names(names, if tool == "tally" { ['#', ';'] } else { ['#', '/'] })))
}

/// Names are separated by commas; anything behind them explains. What stands before the name of a rule of hadolint's or
/// BuildKit's says whose it is.
fn split_names(names: &str, ends: [char; 2]) -> impl Iterator<Item = &str> {
    let end = names.find(ends).unwrap_or(names.len());
    let names = names.get(..end).unwrap_or_default().split(',');
    let names = names.map(|name| name.trim().split(' ').next().unwrap_or_default());
    let bare = |name| {
        let stripped =
            ["hadolint/", "buildkit/", "shellcheck/"].iter().find_map(|tool| str::strip_prefix(name, tool));
        stripped.unwrap_or(name)
    };
    names.map(bare).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{CheckOptions, ignored};
    use crate::rules::testing;

    #[test]
    fn options() {
        let parsed = |text: &str| CheckOptions::parse(text);
        assert_eq!(parsed(""), Ok(CheckOptions::default()));
        let options = parsed(" skip = A , B ; error = True ; experimental = all ").unwrap_or_default();
        assert_eq!(options.skip, ["A", "B"]);
        assert!(options.error && options.experimental_all && !options.skip_all);
        assert!(parsed("skip=all").is_ok_and(|o| o.skip_all));
        // A later part replaces an earlier one of the same name.
        assert!(parsed("skip=A;skip=B").is_ok_and(|o| o.skip == ["B"]));
        for bad in
            ["skip", "foo=bar", "error=yes", "error=", "skip=A;", ";", "error=true;skip=A;error=false;skip=B"]
        {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ignore_comments() {
        let names = |text| ignored(text).map(|(global, names)| (global, names.collect::<Vec<_>>()));
        assert_eq!(names("hadolint ignore=DL3006,DL3008"), Some((false, vec!["DL3006", "DL3008"])));
        assert_eq!(names("hadolint global ignore = DL3006"), Some((true, vec!["DL3006"])));
        assert_eq!(names("layerwise ignore=T001 # old"), Some((false, vec!["T001"])));
        assert_eq!(names("layerwise ignores=T001"), None);
        assert_eq!(names("hadolint shell=bash"), None);
        let tally =
            "tally global ignore=hadolint/DL3006, buildkit/StageNameCasing,tally/max-lines;reason=old, yes";
        assert_eq!(names(tally), Some((true, vec!["DL3006", "StageNameCasing", "tally/max-lines"])));
        assert_eq!(names("dockerfile-utils: ignore"), Some((false, vec!["all"])));
        assert_eq!(names("dockerfile-utils: ignored"), None);
    }

    /// Lines of the findings of all default rules.
    fn findings(text: &str) -> Vec<(&'static str, usize)> {
        testing::diagnostics(text, &[]).iter().map(|d| (d.rule, testing::line(text, d.range.start))).collect()
    }

    #[test]
    fn directives_and_comments() {
        let file = |top: &str, above: &str| format!("{top}FROM a:1\n{above}MAINTAINER me\nCMD x\n");
        let both = [("maintainer", 0), ("json-args-recommended", 0)];
        for (top, above, expected) in [
            ("", "", &both[..]),
            ("# check=skip=MaintainerDeprecated\n", "", &both[1..]),
            ("# check=skip=maintainerdeprecated\n", "", &both[..]),
            ("# check=skip=all\n", "", &[]),
            ("#!/bin/x\n# check=skip=all\n", "", &[]),
            ("\u{feff}# check=skip=all\n", "", &[]),
            ("\n# check=skip=all\n", "", &both[..]),
            ("# hello\n# check=skip=all\n", "", &both[..]),
            ("", "# check=skip=MaintainerDeprecated\n", &both[1..]),
            ("", "# check=skip=MaintainerDeprecated // why\n\n", &both[1..]),
            ("", "# check=skip=MaintainerDeprecated\n#\n", &both[..]),
            ("", "# check=skip=X\n# check=skip=MaintainerDeprecated\n", &both[..]),
            ("", "# check=skip=all // all of it\n", &both[1..]),
            ("", "# hadolint ignore=DL4000\n", &both[1..]),
            ("", "# hadolint ignore=DL4000,DL3025\n", &both[1..]),
            ("# hadolint global ignore=DL4000,DL3025\n", "", &[]),
            ("", "# layerwise ignore=T005\n", &both[1..]),
            ("", "# layerwise ignore=all\n", &both[1..]),
            ("", "# tally ignore=hadolint/DL4000;reason=x\n", &both[1..]),
            ("# tally global ignore=buildkit/MaintainerDeprecated,DL3025\n", "", &[]),
            ("", "# dockerfile-utils: ignore\n", &both[1..]),
        ] {
            let found = findings(&file(top, above));
            let rules: Vec<&str> = found.iter().map(|(rule, _)| *rule).collect();
            let expected: Vec<&str> = expected.iter().map(|(rule, _)| *rule).collect();
            assert_eq!(rules, expected, "{top}{above}");
        }
    }

    #[test]
    fn what_buildkit_finds_in_the_whole_file_is_not_skipped_by_line() {
        let text = "FROM scratch AS a\n# check=skip=DuplicateStageName\nFROM scratch AS a\n";
        assert_eq!(findings(text), [("duplicate-stage-name", 3)]);
        assert_eq!(findings(&text.replace("check=skip=", "layerwise ignore=")), [] as [(&str, usize); 0]);
        let text = "FROM scratch\n# check=skip=MultipleInstructionsDisallowed\nCMD [\"a\"]\nCMD [\"b\"]\n";
        assert_eq!(findings(text), [("multiple-cmd", 3)]);
        let text = "FROM scratch\nCMD [\"a\"]\n# check=skip=MultipleInstructionsDisallowed\nCMD [\"b\"]\n";
        assert_eq!(findings(text), [] as [(&str, usize); 0]);
    }

    #[test]
    fn errors() {
        let text = "# check=skip=A;nope=1\nFROM scratch\n";
        let found = testing::diagnostics(text, &[]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].rule, "syntax-error");
        assert_eq!(&text[found[0].range.clone()], "skip=A;nope=1");
        let text = "# check=error=true\nFROM scratch\nCMD x\n";
        let found = testing::diagnostics(text, &[]);
        assert_eq!(found[0].severity, crate::Severity::Error);
    }
}
