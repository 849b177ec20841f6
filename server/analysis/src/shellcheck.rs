//! ShellCheck: which text it is given for an instruction, and what its answer says about the document.
//!
//! Pure: the program itself is run by `layerwise_host::shellcheck`. The text is the instruction's script as the shell gets
//! it, below a few lines that say what ShellCheck cannot know: the shell's options, what the Dockerfile's author switched
//! off, and the variables that ENV and ARG set, exported with the value 1 as hadolint has them.
//!
//! Source: ShellCheck's manual (`-f json1`, directives), and hadolint's documentation for the codes that make no sense in a
//! Dockerfile.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use layerwise_model::eval::Base;
use layerwise_model::facts::{BaseFacts, Shell};
use layerwise_model::{Evaluation, File};
use layerwise_syntax::shell::Script;
use layerwise_syntax::{Block, Instruction, Keyword};
use serde::Deserialize;

use crate::check::Selection;
use crate::diagnostic::{Diagnostic, Severity};
use crate::fix::{Applicability, Edit, Fix};
use crate::names::interned;
use crate::rules::{FixClass, Meta};
use crate::suppress::Suppressions;

/// What findings of ShellCheck are reported under. Their code is ShellCheck's own: `SC2086`.
pub const SHELLCHECK: Meta = Meta {
    name: "shellcheck",
    code: "P000",
    default: false,
    fix: FixClass::Suggestion,
    doc: include_str!("shellcheck.md"),
    ..Meta::DEFAULT
};

/// Codes that say nothing about a Dockerfile. hadolint leaves the first three out: files that a script sources are in the
/// image and not here, and ash is no mistake. SC1017 is about the line ends of the Dockerfile itself, and SC1009 repeats
/// where another message about the same syntax error stands.
const EXCLUDED: [u32; 5] = [1090, 1091, 2187, 1017, 1009];

/// Build arguments that BuildKit passes to every RUN.
const PREDEFINED: [&str; 10] = [
    "ALL_PROXY",
    "FTP_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// The longest script that is passed on, in bytes: ShellCheck's time grows faster than the text.
const MAX_SCRIPT: usize = 64 << 10;

/// How many findings of one script are taken in.
const MAX_FINDINGS: usize = 1_000;

/// A shell language that ShellCheck knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// POSIX sh: the shell is not known.
    Sh,
    /// bash, also where it is /bin/sh.
    Bash,
    /// dash, /bin/sh of Debian and Ubuntu.
    Dash,
    /// ksh.
    Ksh,
    /// BusyBox' ash, /bin/sh of Alpine.
    Busybox,
}

impl Dialect {
    /// The argument of ShellCheck's `-s`. Older versions than 0.10 do not know `busybox`; `dash` is nearest then.
    pub fn as_str(self) -> &'static str {
        match self {
            Dialect::Sh => "sh",
            Dialect::Bash => "bash",
            Dialect::Dash => "dash",
            Dialect::Ksh => "ksh",
            Dialect::Busybox => "busybox",
        }
    }
}

/// A script of the file as ShellCheck gets it.
#[derive(Clone, Debug)]
pub struct ShellScript {
    /// The number of its instruction.
    pub number: usize,
    /// Its language.
    pub dialect: Dialect,
    /// What ShellCheck gets on its standard input.
    pub input: String,
    /// Where the script itself begins in `input`.
    prefix: usize,
    /// Bytes at the start of the script that are not in `input`: a shebang line, which stands above the preamble.
    skipped: usize,
    script: Arc<Script>,
}

/// The scripts of a file, in order: shell forms and heredocs of RUN, CMD, ENTRYPOINT and HEALTHCHECK, those that ONBUILD
/// triggers too. Those of other shells (PowerShell, cmd, zsh) are left out, and those longer than 64 KiB.
///
/// Every call looks at all instructions; the cost is that of reading the scripts once.
pub fn scripts(file: &File, eval: &Evaluation) -> Vec<ShellScript> {
    let bases = default_shells(eval);
    let mut walk = Walk::default();
    let mut found = Vec::new();
    let mut number = 0;
    for placed in file.parsed().layer().blocks() {
        match &placed.block {
            Block::Comment(text) => walk.comment(text),
            Block::Blank | Block::Directive(..) => {}
            Block::Instruction(instruction) => {
                let stage = file.stage_of(number).map(|stage| stage.index);
                let base = stage.and_then(|stage| bases.get(stage).copied()).unwrap_or(Some(Dialect::Sh));
                walk.enter(instruction, stage);
                found.extend(walk.script(eval, number, instruction, base));
                walk.leave(instruction, stage);
                number += 1;
            }
        }
    }
    found
}

/// What /bin/sh is in each stage; `None` where there is none that ShellCheck knows.
fn default_shells(eval: &Evaluation) -> Vec<Option<Dialect>> {
    let mut shells: Vec<Option<Dialect>> = Vec::with_capacity(eval.stages.len());
    for stage in &eval.stages {
        let shell = match &stage.base {
            Base::Stage(below) => shells.get(*below).copied().unwrap_or(Some(Dialect::Sh)),
            Base::Image(reference) => match BaseFacts::of(reference).shell() {
                Some(Some(Shell::Bash)) => Some(Dialect::Bash),
                Some(Some(Shell::Dash)) => Some(Dialect::Dash),
                Some(Some(Shell::Ash)) => Some(Dialect::Busybox),
                Some(Some(Shell::PowerShell | Shell::Cmd | Shell::Other)) => None,
                _ => Some(Dialect::Sh),
            },
            _ => Some(Dialect::Sh),
        };
        shells.push(shell);
    }
    shells
}

/// The language of a shell by its words, as SHELL has them, or those of a shebang line; `sh` is what it is in the base image.
fn dialect<'a>(mut words: impl Iterator<Item = &'a str>, base: Option<Dialect>) -> Option<Dialect> {
    let name = |word: &'a str| word.rsplit(['/', '\\']).next().unwrap_or(word);
    let mut program = name(words.next()?);
    if program == "env" {
        program = name(words.find(|word| !word.starts_with('-') && !word.contains('='))?);
    }
    match program.strip_suffix(".exe").unwrap_or(program) {
        "sh" => base,
        "bash" => Some(Dialect::Bash),
        "dash" => Some(Dialect::Dash),
        "ash" | "busybox" => Some(Dialect::Busybox),
        "ksh" | "ksh93" | "mksh" | "oksh" => Some(Dialect::Ksh),
        _ => None,
    }
}

/// Whether the words behind a shell's name make it stop at the first error: `-e`, `-euxo`, `-o errexit`.
fn stops_at_errors<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    let mut stops = false;
    let mut option = false;
    for word in words.skip(1) {
        if std::mem::take(&mut option) {
            stops |= word == "errexit";
            continue;
        }
        if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.starts_with('-')) {
            stops |= letters.contains('e');
            option = letters.ends_with('o');
        }
    }
    stops
}

/// What is known on the way through a file.
#[derive(Default)]
struct Walk {
    /// `# hadolint shell=` before the first FROM.
    global_shell: Option<Vec<String>>,
    /// The same within the stage.
    shell: Option<Vec<String>>,
    /// SHELL and the names of ENV and ARG before the first FROM, which BuildKit refuses there; people check snippets.
    loose_shell: Option<Vec<String>>,
    loose_names: HashSet<String>,
    /// Names that ONBUILD sets in this stage.
    triggered: HashSet<String>,
    /// What `# shellcheck disable=` above the next instruction names.
    disabled: BTreeSet<String>,
}

impl Walk {
    fn comment(&mut self, line: &str) {
        let text = line.trim_start_matches('\u{feff}').trim_start().trim_start_matches('#').trim();
        self.disabled.extend(disabled(text));
        if let Some(rest) = text.strip_prefix("hadolint").map(str::trim)
            && let Some(shell) = rest.strip_prefix("shell").map(str::trim_start)
            && let Some(shell) = shell.strip_prefix('=')
        {
            self.shell = Some(shell.split_whitespace().map(str::to_owned).collect());
        }
    }

    fn enter(&mut self, instruction: &Instruction, stage: Option<usize>) {
        if instruction.kind() == Some(Keyword::From) {
            if stage == Some(0) {
                self.global_shell = self.shell.take();
            }
            self.shell = None;
            self.triggered.clear();
        }
        for comment in instruction.comments() {
            let text = &instruction.source()[comment.clone()];
            self.disabled.extend(disabled(text.trim_start().trim_start_matches('#').trim()));
        }
    }

    fn leave(&mut self, instruction: &Instruction, stage: Option<usize>) {
        self.disabled.clear();
        let names = |instruction: &Instruction| -> Vec<String> {
            let words = instruction.args().iter();
            words.map(|word| word.value.split('=').next().unwrap_or_default().to_owned()).collect()
        };
        match (instruction.kind(), stage) {
            (Some(Keyword::Shell), None) => {
                self.loose_shell = Some(instruction.args().iter().map(|word| word.value.clone()).collect());
            }
            (Some(Keyword::Shell), Some(_)) => self.shell = None,
            (Some(Keyword::Arg | Keyword::Env), None) => self.loose_names.extend(names(instruction)),
            (Some(Keyword::Onbuild), _) => {
                let inner = instruction.trigger();
                if let Some(inner) = inner.filter(|i| matches!(i.kind(), Some(Keyword::Arg | Keyword::Env))) {
                    self.triggered.extend(names(inner));
                }
            }
            _ => {}
        }
    }

    fn script(
        &self,
        eval: &Evaluation,
        number: usize,
        instruction: &Instruction,
        base: Option<Dialect>,
    ) -> Option<ShellScript> {
        let inner = instruction.trigger();
        let script = inner.unwrap_or(instruction).script()?;
        let text = script.text();
        if text.len() > MAX_SCRIPT || text.trim().is_empty() {
            return None;
        }
        let state = &eval.steps.get(number)?.state;
        let in_stage = state.in_stage;
        let words: Option<&[String]> = match (&self.shell, &state.shell) {
            (Some(words), _) => Some(words),
            (None, Some(words)) => Some(words),
            (None, None) if !in_stage && self.loose_shell.is_some() => self.loose_shell.as_deref(),
            (None, None) => self.global_shell.as_deref(),
        };
        let (mut dialect_found, mut stops) = match words {
            Some(words) => {
                let words = || words.iter().map(String::as_str);
                (dialect(words(), base), stops_at_errors(words()))
            }
            None => (base, false),
        };
        let mut skipped = 0;
        let shebang = text.lines().next().and_then(|line| line.strip_prefix("#!"));
        if let Some(line) = shebang {
            skipped = text.find('\n').map_or(text.len(), |at| at + 1);
            let words = || line.split_ascii_whitespace();
            dialect_found = dialect(words(), base);
            // `env bash -e`: the shell's words begin behind it.
            stops = stops_at_errors(words().skip_while(|word| word.ends_with("env") || *word == "-S"));
        }
        let dialect = dialect_found?;
        let mut input = String::with_capacity(text.len() + 256);
        input.push_str(if stops { "#!/bin/sh -e\n" } else { "#!/bin/sh\n" });
        if !self.disabled.is_empty() {
            let codes: Vec<&str> = self.disabled.iter().map(String::as_str).collect();
            input.push_str("# shellcheck disable=");
            input.push_str(&codes.join(","));
            input.push('\n');
        }
        let is_set = |name: &str| {
            PREDEFINED.contains(&name)
                || state.env.get(name).is_some()
                || state.args.contains(name)
                || (!in_stage && self.loose_names.contains(name))
                || (inner.is_some() && self.triggered.contains(name))
        };
        let body = text.get(skipped..)?;
        // Only those that the script names: whatever else is set makes no difference.
        for name in identifiers(body).into_iter().filter(|name| is_set(name)) {
            input.push_str("export ");
            input.push_str(name);
            input.push_str("=1\n");
        }
        let prefix = input.len();
        input.push_str(body);
        Some(ShellScript { number, dialect, input, prefix, skipped, script: Arc::clone(script) })
    }
}

/// The names in a text that a variable could have, each once, sorted.
fn identifiers(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| !word.is_empty() && !word.starts_with(|c: char| c.is_ascii_digit())).collect()
}

/// The codes of a comment `shellcheck disable=SC2086,SC1000-SC1999`, in that form; `all` is passed on as it is.
fn disabled(comment: &str) -> Vec<String> {
    let Some(rest) = comment.strip_prefix("shellcheck").filter(|rest| rest.starts_with([' ', '\t'])) else {
        return Vec::new();
    };
    let lists = rest.split_whitespace().filter_map(|word| word.strip_prefix("disable="));
    let is_code = |code: &str| {
        let digits = code.strip_prefix("SC").unwrap_or(code);
        (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    };
    let codes = lists.flat_map(|list| list.split(','));
    codes.filter(|word| *word == "all" || word.split('-').all(is_code)).map(str::to_owned).collect()
}

/// Whether a name is a code of ShellCheck's, such as `SC2086`, in any case.
pub fn is_code(name: &str) -> bool {
    let (letters, digits) = name.split_at_checked(2).unwrap_or_default();
    letters.eq_ignore_ascii_case("SC") && digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Whether findings of ShellCheck are wanted at all, of those that asked for it: rules were not named, or it was among them.
pub fn is_wanted(selection: &Selection) -> bool {
    let ours = |name: &String| SHELLCHECK.is_called(name);
    !selection.except.iter().any(ours)
        && (selection.only.is_empty() || selection.only.iter().any(|name| ours(name) || is_code(name)))
}

fn is_wanted_code(selection: &Selection, code: &str) -> bool {
    let named = |names: &[String]| {
        names.iter().any(|name| SHELLCHECK.is_called(name) || name.eq_ignore_ascii_case(code))
    };
    !named(&selection.except) && (selection.only.is_empty() || named(&selection.only))
}

/// What `-f json1` prints.
#[derive(Deserialize)]
struct Answer {
    comments: Vec<Comment>,
}

/// A place counts lines and characters from 1, and ends before `endColumn`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Comment {
    line: usize,
    end_line: usize,
    column: usize,
    end_column: usize,
    level: String,
    code: u32,
    message: String,
    #[serde(default)]
    fix: Option<Changes>,
}

#[derive(Deserialize)]
struct Changes {
    replacements: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    line: usize,
    end_line: usize,
    column: usize,
    end_column: usize,
    replacement: String,
    #[serde(default)]
    precedence: i64,
    /// `afterEnd` for what goes in front of a word, `beforeStart` for what goes behind one.
    #[serde(default)]
    insertion_point: String,
}

/// A script with the places of its lines.
struct Places<'a> {
    shell: &'a ShellScript,
    /// Where each line of the input starts.
    lines: Vec<usize>,
    /// Where the instruction stands in the document.
    start: usize,
}

impl Places<'_> {
    /// The offset in the input of a line and column from 1; columns count characters. What lies past a line's end is its end.
    fn offset(&self, line: usize, column: usize) -> Option<usize> {
        let start = *self.lines.get(line.checked_sub(1)?)?;
        let end = self.lines.get(line).map_or(self.shell.input.len(), |next| next - 1);
        let text = self.shell.input.get(start..end)?;
        let at = text.char_indices().nth(column.checked_sub(1)?).map_or(text.len(), |(at, _)| at);
        Some(start + at)
    }

    /// A range of the input in the script's text; `None` if it begins in the preamble.
    fn in_script(&self, from: (usize, usize), to: (usize, usize)) -> Option<Range<usize>> {
        let start = self.offset(from.0, from.1)?.checked_sub(self.shell.prefix)?;
        let end = self.offset(to.0, to.1)?.checked_sub(self.shell.prefix)?;
        let (start, end) = (start + self.shell.skipped, end + self.shell.skipped);
        (start <= end && end <= self.shell.script.text().len()).then_some(start..end)
    }

    fn in_document(&self, range: Range<usize>) -> Range<usize> {
        let range = self.shell.script.source_range(range);
        self.start + range.start..self.start + range.end
    }

    /// An empty range would not be seen: the character behind it, or else the one before it.
    fn visible(&self, range: Range<usize>) -> Range<usize> {
        if !range.is_empty() {
            return range;
        }
        let text = self.shell.script.text();
        let behind = text.get(range.start..).and_then(|rest| rest.chars().next()).filter(|c| *c != '\n');
        if let Some(c) = behind {
            return range.start..range.start + c.len_utf8();
        }
        let before = text.get(..range.start).and_then(|rest| rest.chars().next_back());
        range.start - before.map_or(0, char::len_utf8)..range.start
    }

    /// The edits of a fix; `None` where one of them is not in one piece in the document, or would break a line.
    fn edits(&self, changes: &Changes) -> Option<Vec<Edit>> {
        let mut sorted: Vec<&Change> = changes.replacements.iter().collect();
        sorted.sort_by_key(|change| (change.line, change.column, change.precedence));
        let mut edits: Vec<Edit> = Vec::new();
        for change in sorted {
            let range = self.in_script((change.line, change.column), (change.end_line, change.end_column))?;
            if !self.shell.script.is_contiguous(range.clone())
                || change.replacement.contains(['\n', '\r'])
                || (range.is_empty() && range.start == 0)
            {
                return None;
            }
            // Between two lines that are joined, what goes in front of a word belongs to the second.
            let before = self.shell.script.text().get(range.start..).and_then(|rest| rest.chars().next());
            let range = match before.filter(|_| range.is_empty() && change.insertion_point == "afterEnd") {
                Some(c) => {
                    let at = self.in_document(range.start..range.start + c.len_utf8()).start;
                    at..at
                }
                None => self.in_document(range),
            };
            if edits.last().is_some_and(|last| last.range.end > range.start) {
                return None;
            }
            edits.push(Edit { range, text: change.replacement.clone() });
        }
        (!edits.is_empty()).then_some(edits)
    }
}

/// What ShellCheck's answer about one of the file's scripts says about the document, sorted by place. `json` is what
/// `shellcheck -f json1` printed; an answer that is not understood says nothing. What the selection or a comment in the
/// file switches off is left out.
pub fn diagnostics(
    file: &File,
    selection: &Selection,
    answers: &[(ShellScript, impl AsRef<str>)],
) -> Vec<Diagnostic> {
    let suppressions = Suppressions::of(file, selection.check_options.as_deref());
    let mut found = Vec::new();
    for (shell, json) in answers {
        if shell.number >= file.len() {
            continue;
        }
        let Ok(answer) = serde_json::from_str::<Answer>(json.as_ref()) else { continue };
        let lines = std::iter::once(0).chain(shell.input.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let places = Places { shell, lines, start: file.instruction(shell.number).0.start };
        for comment in answer.comments.into_iter().take(MAX_FINDINGS) {
            found.extend(diagnostic(&places, &comment));
        }
    }
    found.retain(|d| is_wanted_code(selection, d.code) && !suppressions.covers(file, d));
    found.sort_by(|a, b| (a.range.start, a.range.end, a.code).cmp(&(b.range.start, b.range.end, b.code)));
    found.dedup();
    found
}

fn diagnostic(places: &Places<'_>, comment: &Comment) -> Option<Diagnostic> {
    if EXCLUDED.contains(&comment.code) || !(1000..=9999).contains(&comment.code) {
        return None;
    }
    let range = places.in_script((comment.line, comment.column), (comment.end_line, comment.end_column))?;
    let (code, names) = interned(&format!("SC{}", comment.code))?;
    let severity = match comment.level.as_str() {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        "info" => Severity::Info,
        _ => Severity::Hint,
    };
    let edits = comment.fix.as_ref().and_then(|changes| places.edits(changes));
    let fixes = edits.map(|edits| Fix {
        title: format!("Change it as ShellCheck proposes ({code})"),
        applicability: Applicability::Suggestion,
        edits,
    });
    Some(Diagnostic {
        range: places.in_document(places.visible(range)),
        rule: SHELLCHECK.name,
        code,
        severity,
        message: format!("{} (ShellCheck {code})", comment.message.trim_end()),
        equivalents: names,
        related: Vec::new(),
        fixes: fixes.into_iter().collect(),
        unnecessary: false,
        deprecated: false,
    })
}

/// Adds ShellCheck's findings to those of the rules and sorts them by place. Where a rule that knows a code as one of its
/// equivalents reports the same place, the rule's finding stays: it knows more about the image.
pub fn merge(found: &mut Vec<Diagnostic>, shell: Vec<Diagnostic>) {
    let mut ours: HashMap<&str, Vec<Range<usize>>> = HashMap::new();
    for d in found.iter() {
        for name in d.equivalents.iter().filter(|name| is_code(name)) {
            ours.entry(name).or_default().push(d.range.clone());
        }
    }
    let said = |d: &Diagnostic| {
        let ranges = ours.get(d.code).map_or(&[][..], Vec::as_slice);
        ranges.iter().any(|range| range.start < d.range.end && d.range.start < range.end)
    };
    let new: Vec<Diagnostic> = shell.into_iter().filter(|d| !said(d)).collect();
    found.extend(new);
    found.sort_by(|a, b| (a.range.start, a.range.end, a.rule).cmp(&(b.range.start, b.range.end, b.rule)));
}

#[cfg(test)]
mod tests {
    use layerwise_model::images::WellKnown;
    use layerwise_model::{Options, evaluate};
    use layerwise_syntax::Parsed;
    use serde_json::json;

    use super::*;
    use crate::fix::apply;

    fn parsed(text: &str) -> (File, Vec<ShellScript>) {
        let file = File::new(Parsed::new(text));
        let options = Options { all_stages: true, ..Options::default() };
        let eval = evaluate(&file, &options, &WellKnown);
        let found = scripts(&file, &eval);
        (file, found)
    }

    fn inputs(text: &str) -> Vec<(&'static str, String)> {
        parsed(text).1.into_iter().map(|script| (script.dialect.as_str(), script.input)).collect()
    }

    fn dialects(text: &str) -> Vec<&'static str> {
        inputs(text).into_iter().map(|(dialect, _)| dialect).collect()
    }

    #[test]
    fn the_dialect_is_that_of_the_shell() {
        for (base, expected) in
            [("debian:12", "dash"), ("alpine:3", "busybox"), ("fedora:40", "bash"), ("example.com/x", "sh")]
        {
            assert_eq!(dialects(&format!("FROM {base}\nRUN x\n")), [expected]);
            assert_eq!(dialects(&format!("FROM {base} AS a\nFROM a\nONBUILD RUN x\n")), [expected]);
        }
        let shell = |json: &str| dialects(&format!("FROM debian\nSHELL {json}\nRUN x\nCMD y\n"));
        assert_eq!(shell(r#"["/bin/bash", "-o", "pipefail", "-c"]"#), ["bash"; 2]);
        assert_eq!(shell(r#"["/bin/ash", "-c"]"#), ["busybox"; 2]);
        assert_eq!(shell(r#"["sh", "-c"]"#), ["dash"; 2]);
        assert_eq!(shell(r#"["ksh", "-c"]"#), ["ksh"; 2]);
        assert_eq!(shell(r#"["pwsh", "-c"]"#), [""; 0]);
        assert_eq!(shell(r#"["zsh", "-c"]"#), [""; 0]);
        assert_eq!(dialects("FROM debian\nRUN <<EOF\n#!/usr/bin/env bash\nx\nEOF\n"), ["bash"]);
        assert_eq!(dialects("FROM debian\nRUN <<EOF\n#!/usr/bin/env python3\nx\nEOF\n"), [""; 0]);
        assert_eq!(dialects("FROM mcr.microsoft.com/windows/nanoserver:ltsc2022\nRUN x\n"), [""; 0]);
        let pragma = "# hadolint shell=powershell.exe\nFROM a\nRUN x\nFROM b\nRUN y\n";
        assert_eq!(dialects(pragma), [""; 0]);
        let own = "FROM a\n# hadolint shell=/bin/bash\nRUN x\nFROM b\nRUN y\n";
        assert_eq!(dialects(own), ["bash", "sh"]);
    }

    #[test]
    fn the_preamble_says_what_the_dockerfile_knows() {
        let found = inputs(
            "ARG global\nFROM debian\nARG one=1\nENV two=2 three=3\n# shellcheck disable=SC2086,rm\nRUN echo $one $two $global \\\n  # shellcheck disable=2046\n  $(x)\nRUN y\n",
        );
        let expected = "#!/bin/sh\n# shellcheck disable=2046,SC2086\nexport one=1\nexport two=1\necho $one $two $global   $(x)";
        assert_eq!(found[0].1, expected);
        assert_eq!(found[1].1, "#!/bin/sh\ny");
        for (shell, line) in [
            (r#"["bash", "-o", "pipefail", "-c"]"#, "#!/bin/sh\n"),
            (r#"["bash", "-euo", "pipefail", "-c"]"#, "#!/bin/sh -e\n"),
            (r#"["bash", "-o", "errexit", "-c"]"#, "#!/bin/sh -e\n"),
        ] {
            let text = format!("FROM debian\nSHELL {shell}\nRUN x\n");
            assert!(inputs(&text)[0].1.starts_with(line), "{shell}");
        }
        assert_eq!(inputs("RUN <<EOF\n#!/bin/bash -e\nx\nEOF\n")[0].1, "#!/bin/sh -e\nx\n");
        // Snippets without a FROM, and what ONBUILD sets.
        assert_eq!(inputs("ENV a=1\nARG b\nRUN $a $b\n")[0].1, "#!/bin/sh\nexport a=1\nexport b=1\n$a $b");
        let onbuild = "FROM a\nONBUILD ARG b\nONBUILD RUN $b\nRUN $b\n";
        assert_eq!(
            inputs(onbuild).iter().map(|i| i.1.contains("export b")).collect::<Vec<_>>(),
            [true, false]
        );
    }

    fn comment(input: &str, part: &str, code: u32, level: &str) -> serde_json::Value {
        let at = input.find(part).expect("the part");
        let line = input[..at].matches('\n').count() + 1;
        let column = input[input[..at].rfind('\n').map_or(0, |n| n + 1)..at].chars().count() + 1;
        let end = column + part.chars().count();
        json!({
            "file": "-", "line": line, "endLine": line, "column": column, "endColumn": end, "level": level,
            "code": code, "message": "Words.",
            "fix": {"replacements": [
                {"line": line, "endLine": line, "column": column, "endColumn": column, "replacement": "\"",
                 "insertionPoint": "afterEnd", "precedence": 1},
                {"line": line, "endLine": line, "column": end, "endColumn": end, "replacement": "\"",
                 "insertionPoint": "beforeStart", "precedence": 1},
            ]},
        })
    }

    fn answered(text: &str, part: &str, code: u32, selection: &Selection) -> Vec<Diagnostic> {
        let (file, scripts) = parsed(text);
        let answers: Vec<(ShellScript, String)> = scripts
            .into_iter()
            .filter(|script| script.input[script.prefix..].contains(part))
            .map(|script| {
                let json = json!({"comments": [comment(&script.input, part, code, "info")]}).to_string();
                (script, json)
            })
            .collect();
        assert_eq!(answers.len(), 1, "{text}");
        diagnostics(&file, selection, &answers)
    }

    #[test]
    fn findings_stand_where_the_words_do() {
        for text in [
            "FROM a\nRUN x \\\n  # a comment\n  && echo é $word\n",
            "FROM a\nENV word=1\nRUN <<EOF\necho é \t$word\nEOF\n",
            "FROM a\nRUN <<-EOF\n\t#!/bin/bash\n\techo\n\t\techo é $word\n\tEOF\n",
            "FROM a\nONBUILD RUN echo \\\n$word\n",
            "FROM a\nHEALTHCHECK --interval=3s CMD curl $word\n",
            "# escape=`\nFROM a\nRUN echo `\n $word\n",
            "FROM a\r\nRUN echo \\\r\n  $word\r\n",
            "FROM a\nRUN cat <<EOF > /x && echo $word\nhello\nEOF\n",
        ] {
            let found = answered(text, "$word", 2086, &Selection::default());
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(&text[found[0].range.clone()], "$word", "{text}");
            assert_eq!((found[0].rule, found[0].code), ("shellcheck", "SC2086"));
            assert_eq!(found[0].message, "Words. (ShellCheck SC2086)");
            let fixed = apply(text, &found[0].fixes[0].edits).expect("edits that fit");
            assert_eq!(fixed, text.replace("$word", "\"$word\""));
        }
    }

    #[test]
    fn what_is_switched_off_is_not_said() {
        let text = "FROM a\nRUN echo $word\n";
        let of =
            |text: &str, code: u32, selection: Selection| answered(text, "$word", code, &selection).len();
        let only = |name: &str| Selection { only: vec![name.to_owned()], ..Selection::default() };
        let except = |name: &str| Selection { except: vec![name.to_owned()], ..Selection::default() };
        assert_eq!(of(text, 2086, Selection::default()), 1);
        for code in EXCLUDED {
            assert_eq!(of(text, code, Selection::default()), 0);
        }
        assert_eq!(of(text, 2086, only("sc2086")), 1);
        assert_eq!(of(text, 2086, only("shellcheck")), 1);
        assert_eq!(of(text, 2086, only("SC2046")), 0);
        assert_eq!(of(text, 2086, except("SC2086")), 0);
        assert_eq!(of(text, 2086, except("shellcheck")), 0);
        for comment in ["# hadolint ignore=SC2086", "# layerwise ignore=shellcheck"] {
            assert_eq!(of(&format!("FROM a\n{comment}\nRUN echo $word\n"), 2086, Selection::default()), 0);
        }
        assert_eq!(of("FROM a\n# hadolint ignore=SC2046\nRUN echo $word\n", 2086, Selection::default()), 1);
        assert_eq!(of("# hadolint global ignore=SC2086\nFROM a\nRUN $word\n", 2086, Selection::default()), 0);
        assert!(is_wanted(&Selection::default()) && is_wanted(&only("SC2086")) && !is_wanted(&only("E003")));
        assert!(!is_wanted(&except("shellcheck")) && is_wanted(&except("SC2086")));
    }

    #[test]
    fn strange_answers_say_nothing_and_never_panic() {
        let text = "FROM a\nRUN echo é\n";
        let (file, scripts) = parsed(text);
        for (json, expected) in [
            ("", 0),
            ("{}", 0),
            ("[]", 0),
            (
                r#"{"comments":[{"line":9,"endLine":9,"column":1,"endColumn":1,"level":"x","code":2000,"message":""}]}"#,
                0,
            ),
            (
                r#"{"comments":[{"line":0,"endLine":0,"column":0,"endColumn":0,"level":"x","code":2000,"message":""}]}"#,
                0,
            ),
            // In the preamble.
            (
                r#"{"comments":[{"line":1,"endLine":1,"column":1,"endColumn":1,"level":"error","code":2000,"message":""}]}"#,
                0,
            ),
            // Past the end of the line: its last character.
            (
                r#"{"comments":[{"line":2,"endLine":2,"column":99,"endColumn":99,"level":"error","code":2000,"message":""}]}"#,
                1,
            ),
            // Ends before it starts.
            (
                r#"{"comments":[{"line":2,"endLine":2,"column":4,"endColumn":2,"level":"error","code":2000,"message":""}]}"#,
                0,
            ),
            (
                r#"{"comments":[{"line":2,"endLine":2,"column":1,"endColumn":2,"level":"error","code":1,"message":""}]}"#,
                0,
            ),
        ] {
            let found = diagnostics(&file, &Selection::default(), &[(scripts[0].clone(), json)]);
            assert_eq!(found.len(), expected, "{json}");
            for d in found {
                assert_eq!(&text[d.range], "é");
            }
        }
    }

    #[test]
    fn a_rule_of_ours_says_it_instead() {
        let text = "FROM a\nRUN echo $word\n";
        let shell = answered(text, "$word", 2086, &Selection::default());
        let mut ours = shell.clone();
        ours[0].rule = "another";
        let mut found = ours.clone();
        merge(&mut found, shell.clone());
        assert_eq!(found, ours);
        ours[0].range = 0..4;
        let mut found = ours;
        merge(&mut found, shell);
        assert_eq!(found.len(), 2);
    }
}
