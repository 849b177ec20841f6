//! Running the rules, and keeping what an edit did not touch.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use layerwise_model::eval::Step;
use layerwise_model::facts::{FileFacts, InstructionFacts};
use layerwise_model::{Context, Evaluation, File};
use layerwise_syntax::{Block, Instruction, Keyword, Problem};

use crate::diagnostic::{Diagnostic, Severity};
use crate::fix::{Edit, Fix};
use crate::options::RuleOptions;
use crate::ranges::{head, on_first_line};
use crate::rules::{self, Check, FileCx, Finding, InstructionCx, Meta, Rule};
use crate::suppress::Suppressions;
use crate::user_rules::CompiledRule;

/// Which rules run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Run every rule there is, those that are off by default too.
    pub all: bool,
    /// Run just these (names, codes, equivalents or groups: see [`Meta::is_selected_by`]), if there are any. Syntax errors
    /// are always reported.
    pub only: Vec<String>,
    /// Leave these out.
    pub except: Vec<String>,
    /// Run these too, by name: what is off by default, or not in `only`.
    pub also: Vec<String>,
    /// How much the findings of these matter; of several that name a rule, the last one counts.
    pub severities: Vec<(String, Severity)>,
    /// The options of rules.
    pub options: RuleOptions,
    /// The options of `--build-arg BUILDKIT_DOCKERFILE_CHECK=`, which replace the file's `# check=` directive.
    pub check_options: Option<String>,
    /// The user's own rules, which run beside the others; names in `only`, `except`, `also` and
    /// `severities` count for them, too.
    pub user_rules: Vec<Arc<CompiledRule>>,
}

impl Selection {
    /// What is asked for here and now, over what a file of configuration (`base`) says: rules that are chosen replace those
    /// that are chosen there, and are not left out because of it; the rest is added.
    #[must_use]
    pub fn over(&self, base: &Selection) -> Selection {
        let mut found = base.clone();
        if !self.only.is_empty() || self.all {
            found.only.clone_from(&self.only);
            found.also.clear();
            found.except.clear();
        }
        found.all |= self.all;
        found.except.extend(self.except.iter().cloned());
        found.also.extend(self.also.iter().cloned());
        found.severities.extend(self.severities.iter().cloned());
        if self.options != RuleOptions::default() {
            found.options.clone_from(&self.options);
        }
        found.check_options = self.check_options.clone().or(found.check_options);
        found.user_rules.extend(self.user_rules.iter().cloned());
        found
    }

    /// Gives the findings of a rule a severity, which also switches it on; `off` switches it off. False if `level` is none of
    /// `error`, `warning`, `info`, `hint` and `off`.
    pub fn set_severity(&mut self, rule: &str, level: &str) -> bool {
        match Severity::parse(level) {
            None if level == "off" => self.except.push(rule.to_owned()),
            None => return false,
            Some(severity) => {
                // What is said later can switch on again what was off.
                self.except.retain(|other| other != rule);
                self.also.push(rule.to_owned());
                self.severities.push((rule.to_owned(), severity));
            }
        }
        true
    }

    fn severity(&self, meta: &Meta) -> Option<Severity> {
        let named = |(name, _): &&(String, Severity)| meta.is_selected_by(name);
        self.severities.iter().rev().find(named).map(|(_, severity)| *severity)
    }

    /// The severity that is asked for the findings of a user's rule, which has one name and is in no group.
    fn severity_of_own(&self, rule: &str) -> Option<Severity> {
        let named = |(name, _): &&(String, Severity)| name.eq_ignore_ascii_case(rule);
        self.severities.iter().rev().find(named).map(|(_, severity)| *severity)
    }
}

/// What there is to check.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The file.
    pub file: &'a File,
    /// Its evaluation, with all stages.
    pub eval: &'a Evaluation,
    /// The build context, if it is known.
    pub context: Option<&'a Context>,
    /// Which rules run.
    pub selection: &'a Selection,
    /// The Dockerfile's path as far as it is known: what a stage is for may be told by it.
    pub path: Option<&'a str>,
}

/// Runs the rules and keeps the findings of instructions that did not change.
#[derive(Default)]
pub struct Checker {
    /// By the addresses of instruction and step.
    kept: HashMap<(usize, usize), Kept>,
    /// The rules that made what is kept, by name.
    active: Vec<&'static str>,
    /// The options that made it.
    options: RuleOptions,
    work: CheckWork,
}

/// What a check cost; the unit of "incremental means work".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckWork {
    /// How often a rule of instruction scope looked at an instruction.
    pub instruction_rules: usize,
    /// How often a rule of file scope ran.
    pub file_rules: usize,
}

/// The findings of one instruction, in its own coordinates. It holds what its key points to, so that the addresses are
/// not given to others.
struct Kept {
    instruction: Arc<Instruction>,
    step: Arc<Step>,
    facts: Arc<InstructionFacts>,
    findings: Arc<Vec<(&'static Rule, Finding)>>,
}

impl Checker {
    /// What the last [`Self::check`] cost.
    pub fn work(&self) -> CheckWork {
        self.work
    }

    /// The diagnostics of a file, sorted by place.
    pub fn check(&mut self, input: &Input<'_>) -> Vec<Diagnostic> {
        self.work = CheckWork::default();
        let suppressions = Suppressions::of(input.file, input.selection.check_options.as_deref());
        let active: Vec<&'static Rule> =
            rules::all().iter().copied().filter(|r| is_active(r, input, &suppressions)).collect();
        let options = &input.selection.options;
        if !self.active.iter().copied().eq(active.iter().map(|rule| rule.meta.name))
            || self.options != *options
        {
            self.kept.clear();
            self.active = active.iter().map(|rule| rule.meta.name).collect();
            self.options.clone_from(options);
        }
        let mut found = syntax_errors(input);
        found.extend(suppressions.errors().iter().cloned());
        let mut kept = HashMap::with_capacity(input.file.len());
        let mut facts = Vec::with_capacity(input.file.len());
        for (number, placed, instruction) in input.file.all() {
            let step = input.eval.step(number);
            let key = (Arc::as_ptr(instruction).addr(), Arc::as_ptr(step).addr());
            let entry = match self.kept.remove(&key) {
                Some(entry) => entry,
                None => self.look(instruction, step, &active, options),
            };
            facts.push(Arc::clone(&entry.facts));
            for (rule, finding) in entry.findings.iter() {
                found.push(diagnostic(&rule.meta, shifted(finding.clone(), placed.start)));
            }
            kept.insert(key, entry);
        }
        self.kept = kept;
        self.triggers(input, &active, &mut found);
        let facts = FileFacts::of(input.file, input.eval, facts, input.path);
        let cx = FileCx::new(input.file, input.eval, &facts, input.context, options);
        for rule in &active {
            if let Check::File(check) = rule.check {
                self.work.file_rules += 1;
                let mut findings = Vec::new();
                check(&cx, &mut findings);
                found.extend(findings.into_iter().map(|f| diagnostic(&rule.meta, f)));
            }
        }
        for rule in &input.selection.user_rules {
            if rule.is_wanted(input.selection) {
                found.extend(rule.check(input.file));
            }
        }
        let ran = active.iter().map(|rule| rule.meta.name).collect();
        let own: Vec<&str> = input.selection.user_rules.iter().map(|rule| rule.name()).collect();
        for (rule, finding) in suppressions.leftovers(input.file, &found, &ran, &own) {
            if let Some(rule) = active.iter().find(|active| active.meta.name == rule) {
                found.push(diagnostic(&rule.meta, finding));
            }
        }
        found.retain(|d| !suppressions.covers(input.file, d));
        superseded(&active, &mut found);
        if !input.selection.severities.is_empty() {
            for d in &mut found {
                let severity = match rules::meta(d.rule) {
                    Some(meta) => input.selection.severity(meta),
                    None if own.contains(&d.rule) => input.selection.severity_of_own(d.rule),
                    None => None,
                };
                d.severity = severity.unwrap_or(d.severity);
            }
        }
        if suppressions.error() {
            for d in &mut found {
                if rules::meta(d.rule).is_some_and(|meta| meta.buildkit.is_some()) {
                    d.severity = Severity::Error;
                }
            }
        }
        found.sort_by(|a, b| (a.range.start, a.range.end, a.rule).cmp(&(b.range.start, b.range.end, b.rule)));
        found
    }

    /// The checks of `docker build --check` look at ONBUILD triggers where they run: below the FROM of a stage on top of
    /// the one that has them, if the target needs it.
    fn triggers(&mut self, input: &Input<'_>, active: &[&'static Rule], found: &mut Vec<Diagnostic>) {
        for (stage, evaluated) in rules::built_stages(input.eval) {
            let Some(from) = input.file.stages().get(stage).map(|s| s.from) else { continue };
            let range = input.file.absolute(from, head(input.file.instruction(from).1));
            for (position, instruction) in evaluated.trigger_instructions.iter().enumerate() {
                let step = Arc::new(evaluated.triggers[position].clone());
                let origin = match evaluated.trigger_origins[position] {
                    Some(onbuild) => format!("line {}", input.file.line(onbuild)),
                    None => "the base image".to_owned(),
                };
                let looked = self.look(instruction, &step, active, &input.selection.options);
                for (rule, finding) in looked.findings.iter().filter(|(r, _)| r.meta.buildkit.is_some()) {
                    let message =
                        format!("{} (From the ONBUILD of {origin}, which runs here.)", finding.message);
                    found.push(diagnostic(&rule.meta, Finding::new(range.clone(), message)));
                }
            }
        }
    }

    fn look(
        &mut self,
        instruction: &Arc<Instruction>,
        step: &Arc<Step>,
        active: &[&'static Rule],
        options: &RuleOptions,
    ) -> Kept {
        let facts = Arc::new(InstructionFacts::of(instruction, &step.state));
        let cx = InstructionCx { instruction, onbuild: false, step, facts: &facts, options };
        let triggered = instruction.trigger().map(|inner| InstructionCx {
            instruction: inner,
            onbuild: true,
            step,
            facts: &facts,
            options,
        });
        let mut findings = Vec::new();
        for rule in active {
            if let Check::Instruction(check) = rule.check {
                self.work.instruction_rules += 1;
                let mut out = Vec::new();
                check(&cx, &mut out);
                // BuildKit's checks look at triggers where they run: see `triggers`.
                if let Some(cx) = triggered.as_ref().filter(|_| rule.meta.buildkit.is_none()) {
                    check(cx, &mut out);
                }
                findings.extend(out.into_iter().map(|f| (*rule, f)));
            }
        }
        let (instruction, step) = (Arc::clone(instruction), Arc::clone(step));
        Kept { instruction, step, facts, findings: Arc::new(findings) }
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} findings)", self.instruction.keyword().value, self.findings.len())?;
        write!(f, " unmatched {}", self.step.unmatched.len())
    }
}

/// Leaves out what another rule says better at the same place.
fn superseded(active: &[&'static Rule], found: &mut Vec<Diagnostic>) {
    let better: HashMap<&str, &[&str]> = active
        .iter()
        .filter(|rule| !rule.meta.supersedes.is_empty())
        .map(|rule| (rule.meta.name, rule.meta.supersedes))
        .collect();
    let mut taken: HashMap<&str, Vec<Range<usize>>> = HashMap::new();
    for d in found.iter() {
        for name in better.get(d.rule).into_iter().copied().flatten() {
            taken.entry(name).or_default().push(d.range.clone());
        }
    }
    if taken.is_empty() {
        return;
    }
    // Sorted, and each with the furthest end so far, so that a file full of findings takes no square of their number.
    for ranges in taken.values_mut() {
        ranges.sort_unstable_by_key(|range| range.start);
        let mut furthest = 0;
        for range in ranges.iter_mut() {
            furthest = furthest.max(range.end);
            range.end = furthest;
        }
    }
    found.retain(|d| {
        let Some(ranges) = taken.get(d.rule) else { return true };
        let before = ranges.partition_point(|range| range.start < d.range.end);
        before == 0 || ranges[before - 1].end <= d.range.start
    });
}

/// Whether a rule that would run needs the build context; loading it would be of no use otherwise.
pub fn needs_context(file: &File, selection: &Selection) -> bool {
    let suppressions = Suppressions::of(file, selection.check_options.as_deref());
    rules::all().iter().any(|r| r.meta.context && is_wanted(&r.meta, selection, &suppressions))
}

fn is_active(rule: &Rule, input: &Input<'_>, suppressions: &Suppressions) -> bool {
    let known = !rule.meta.context || input.context.is_some();
    known && is_wanted(&rule.meta, input.selection, suppressions)
}

fn is_wanted(meta: &Meta, selection: &Selection, suppressions: &Suppressions) -> bool {
    let named = |names: &[String]| names.iter().any(|name| meta.is_selected_by(name));
    // BuildKit's experimental checks run only where the file asks for them.
    if meta.experimental && !suppressions.experimental(meta.buildkit.unwrap_or(meta.name)) {
        return false;
    }
    if named(&selection.except) {
        return false;
    }
    if selection.also.iter().any(|name| meta.is_called(name)) {
        return true;
    }
    if !selection.only.is_empty() {
        return named(&selection.only);
    }
    meta.default || selection.all || meta.experimental
}

/// The name under which syntax errors are reported.
pub const SYNTAX: Meta = Meta {
    name: "syntax-error",
    code: "E000",
    severity: Severity::Error,
    doc: "\
## What it does

Reports what BuildKit's parser refuses. Other findings in the file stay: one broken line hides nothing.

## Why it matters

The build fails before its first step.
",
    ..Meta::DEFAULT
};

/// What BuildKit's parser and its conversion refuse.
fn syntax_errors(input: &Input<'_>) -> Vec<Diagnostic> {
    let file = input.file;
    let mut found = Vec::new();
    let mut push = |finding: Finding| found.push(diagnostic(&SYNTAX, finding));
    let text = file.parsed().text();
    if let Some(message) = file.parsed().file_problem() {
        let end = text.byte_to_char_boundary(text.len().min(1));
        push(Finding::new(0..end, message));
    }
    for block in file.parsed().layer().blocks() {
        match &block.block {
            Block::Directive(directive, _) => {
                if let Some(message) = &directive.error {
                    let range = directive.value_range.clone();
                    push(Finding::new(block.start + range.start..block.start + range.end, message.as_str()));
                }
            }
            Block::Instruction(_) => break,
            _ => {}
        }
    }
    let outside = before_from(file);
    let without_stage = !outside.is_empty();
    outside.into_iter().for_each(&mut push);
    for (number, placed, instruction) in file.all() {
        for problem in instruction.problems() {
            push(shifted(problem_finding(instruction, problem), placed.start));
        }
        if !instruction.is_valid() {
            continue;
        }
        let step = input.eval.step(number);
        if let Some(message) = &step.error {
            let range = step.error_range.as_ref().map(|range| on_first_line(instruction, range));
            let range = range.unwrap_or_else(|| head(instruction));
            push(Finding::new(file.absolute(number, range), message.as_str()));
        }
    }
    let all_valid = || file.all().all(|(_, _, instruction)| instruction.is_valid());
    if file.stages().is_empty() && !file.is_empty() && !without_stage && all_valid() {
        let (placed, instruction) = file.instruction(0);
        let message = "There is no FROM in this file, so there is nothing to build; add `FROM image`.";
        push(shifted(Finding::new(head(instruction), message), placed.start));
    }
    if let Some(finding) = file_error(file, input.eval) {
        push(finding);
    }
    found
}

/// What stands before the first FROM and is no ARG. Without any FROM, one message says it all.
pub(crate) fn before_from(file: &File) -> Vec<Finding> {
    let first = file.stages().first().map_or(file.len(), |stage| stage.from);
    let outside = file
        .instructions(0..first)
        .filter(|(_, _, instruction)| instruction.is_valid() && instruction.kind() != Some(Keyword::Arg));
    let finding = |(number, _, instruction): (usize, _, &Arc<Instruction>)| {
        let keyword = &instruction.keyword().value;
        let range = file.absolute(number, instruction.keyword().range.clone());
        let message = if file.stages().is_empty() {
            format!(
                "There is no FROM above {keyword}, so there is no stage that it could belong to; start with `FROM image`."
            )
        } else {
            format!("{keyword} stands before the first FROM, where only ARG may; move it below a FROM.")
        };
        Finding::new(range, message)
    };
    outside.map(finding).take(if file.stages().is_empty() { 1 } else { usize::MAX }).collect()
}

/// Why nothing can be built, at the place that says so.
pub(crate) fn file_error(file: &File, eval: &Evaluation) -> Option<Finding> {
    let message = eval.error.as_ref()?;
    let at = eval.error_at.or(file.stages().last().map(|stage| stage.from))?;
    let instruction = file.instruction(at).1;
    let word = match instruction.kind() {
        Some(Keyword::From) => instruction.args().first(),
        Some(Keyword::Copy) => instruction.flag_word("from"),
        _ => instruction.flag_word("mount"),
    };
    let range = word.map_or_else(|| head(instruction), |word| on_first_line(instruction, &word.range));
    Some(Finding::new(file.absolute(at, range), message.as_str()))
}

/// What is wrong with an instruction by itself; for a misspelt keyword with the fix.
pub(crate) fn problem_finding(instruction: &Instruction, problem: &Problem) -> Finding {
    let finding = Finding::new(problem.range.clone(), problem.message.as_str());
    if instruction.kind().is_some() {
        return finding;
    }
    let word = instruction.keyword();
    let known = Keyword::ALL.iter().map(|keyword| keyword.as_str());
    match layerwise_syntax::suggest::nearest(&word.value, known, false) {
        Some(near) => {
            let text =
                if word.value == word.value.to_lowercase() { near.to_lowercase() } else { near.to_owned() };
            finding.fix(Fix::replace(format!("Change to `{text}`"), word.range.clone(), text))
        }
        None => finding,
    }
}

fn diagnostic(meta: &'static Meta, finding: Finding) -> Diagnostic {
    Diagnostic {
        range: finding.range,
        rule: meta.name,
        code: meta.code,
        severity: meta.severity,
        message: finding.message,
        equivalents: meta.equivalents,
        related: finding.related,
        fixes: finding.fixes,
        unnecessary: finding.unnecessary,
        deprecated: finding.deprecated,
    }
}

/// A finding moved from its instruction's coordinates to the document's.
fn shifted(mut finding: Finding, by: usize) -> Finding {
    let shift = |range: &Range<usize>| range.start + by..range.end + by;
    finding.range = shift(&finding.range);
    for (range, _) in &mut finding.related {
        *range = shift(range);
    }
    finding.fixes = finding
        .fixes
        .into_iter()
        .map(|fix| Fix {
            edits: fix.edits.into_iter().map(|e| Edit { range: shift(&e.range), text: e.text }).collect(),
            ..fix
        })
        .collect();
    finding
}

#[cfg(test)]
mod tests {
    use layerwise_model::images::WellKnown;
    use layerwise_model::{Evaluation, File, Options, evaluate_again};
    use layerwise_syntax::Document;

    use super::{Checker, Input, Selection};
    use crate::fix::apply;
    use crate::rules::testing::{check, diagnostics, lines};
    use crate::rules::{self, Check};

    /// What BuildKit's conversion refuses stands where it is, and hides nothing.
    #[test]
    fn errors_have_places() {
        check(
            "E000",
            "\
# escape=\\
ARG ok=1
FROM scratch AS a
EXPOSE 80 http 90000
          ^^^^ `http` cannot be exposed
EXPOSE 70000
       ^^^^^ larger than 65535
STOPSIGNAL SIGNOPE
           ^^^^^^^ is not a signal
STOPSIGNAL SIGTERM
COPY --from=$ok x y
     ^^^^^^^^^^ cannot use variables
COPY --from=later x y
     ^^^^^^^^^^^^ to be defined above
COPY --from=9 x y
     ^^^^^^^^ no stage number 9
COPY --chmod=999 x y
     ^^^^^^^^^^^ not an octal mode
COPY --chmod=u+x,g-w x y
COPY https://example.com/x y
     ^^^^^^^^^^^^^^^^^^^^^ ADD can
WORKDIR ${x:?must be set}
        ^^^^^^^^^^^^^^^^^ cannot be expanded
RUN --mount=type=$none x
    ^^^^^^^^^^^^^^^^^^ --mount
LABEL a=1 \\
^^^^^^^^^ cannot be expanded
  b=${
FROM --platform=linux/ a
     ^^^^^^^^^^^^^^^^^ is not valid
FROM --platform= scratch AS later
FROM Upper
     ^^^^^ is not an image name
NOPE x
^^^^ Unknown instruction
FROM $undeclared
     ^^^^^^^^^^^ is empty here
",
        );
        // What a build argument or an unknown base image gives is not known to be wrong.
        assert_eq!(
            lines("E000", "ARG v\nARG p\nFROM --platform=$p x:$v\nEXPOSE ${P}/tcp\nSTOPSIGNAL $S\n"),
            [0; 0]
        );
        assert_eq!(
            lines("E000", "FROM scratch\nARG P\nEXPOSE ${P}/tcp\nWORKDIR ${P:?}\nCOPY --chmod=$P x y\n"),
            [0; 0]
        );
    }

    #[test]
    fn files_without_stages_and_circles() {
        assert_eq!(lines("E000", ""), [1]);
        assert_eq!(lines("E000", "# only\n"), [1]);
        assert_eq!(lines("E000", "ARG a\nARG b\n"), [1]);
        assert_eq!(lines("E000", "ARG a\nRUN x\nCOPY a b\n"), [2]);
        assert_eq!(lines("E000", "RUN x\nCOPY a b\nFROM x\n"), [1, 2]);
        assert_eq!(lines("E000", "# syntax=a\n# syntax=b\nFROM x\n"), [2]);
        check(
            "E000",
            "FROM x AS a\nCOPY --from=b / /\n     ^^^^^^^^ to be defined above\nFROM a AS b\n     ^ in a circle\n",
        );
        assert_eq!(lines("E000", "FROM x AS a\nCOPY --from=a / /\n").len(), 2);
    }

    #[test]
    fn misspelt_instructions() {
        let text = "FROM scratch\nCPOY a b\nwrokdir /x\nBADCMD\n";
        let found = diagnostics(text, &[]);
        let fixes: Vec<_> = found.iter().filter_map(|d| d.fixes.first()).collect();
        assert_eq!(fixes.len(), 2, "{found:#?}");
        let edits: Vec<_> = fixes.iter().flat_map(|f| f.edits.clone()).collect();
        assert_eq!(apply(text, &edits).as_deref(), Some("FROM scratch\nCOPY a b\nworkdir /x\nBADCMD\n"));
    }

    #[test]
    fn triggers_are_found_where_they_run() {
        let text = "FROM scratch AS a\nONBUILD CMD x\nONBUILD WORKDIR y\nFROM a AS b\nFROM a\nLABEL x=y\n";
        let found: Vec<(&str, usize)> = diagnostics(text, &[])
            .iter()
            .map(|d| (d.rule, text[..d.range.start].matches('\n').count() + 1))
            .collect();
        // Stage b is not what is built.
        assert_eq!(found, [("json-args-recommended", 5), ("workdir-relative", 5)]);
    }

    fn run(document: &Document, checker: &mut Checker, before: Option<&Evaluation>) -> Evaluation {
        let file = File::new(document.parsed().clone());
        let options = Options { all_stages: true, ..Options::default() };
        let eval = evaluate_again(&file, &options, &WellKnown, before);
        let selection = Selection::default();
        let input = Input { file: &file, eval: &eval, context: None, selection: &selection, path: None };
        let found = checker.check(&input);
        // What is kept must not show.
        assert_eq!(found, Checker::default().check(&input));
        eval
    }

    #[test]
    fn an_edit_runs_rules_on_what_it_touches() {
        let mut text = "ARG VERSION=3\nFROM alpine:$VERSION AS base\nENV HOME_DIR=/x\n".to_owned();
        for number in 0..1666 {
            text.push_str(&format!("COPY a{number} b$HOME_DIR\nRUN x{number} $HOME_DIR \\\n  y\n"));
        }
        text.push_str("FROM base\nCMD x\n");
        let mut document = Document::new(&text);
        let mut checker = Checker::default();
        let mut eval = run(&document, &mut checker, None);
        let rules = rules::all()
            .iter()
            .filter(|r| matches!(r.check, Check::Instruction(_)) && !r.meta.experimental && r.meta.default)
            .count();
        assert_eq!(checker.work().instruction_rules, rules * eval.steps.len());
        let mut edit = |at: &str, old: usize, new: &str| {
            let start = document
                .parsed()
                .text()
                .slice(0..document.parsed().text().len())
                .find(at)
                .expect("the place");
            document.edit(start..start + old, new).expect("an edit");
            eval = run(&document, &mut checker, Some(&eval));
            checker.work().instruction_rules / rules
        };
        assert_eq!(edit("COPY a800", 4, "ADD"), 1);
        assert_eq!(edit("RUN x900 ", 8, "RUN z"), 1);
        // Only the lines above an instruction are new.
        assert_eq!(edit("COPY a10 ", 0, "# comment\n\n"), 0);
        assert_eq!(edit("FROM base", 0, "RUN new\n"), 1);
        // A variable reaches what comes after it.
        assert!(edit("ENV HOME_DIR=/x", 15, "ENV HOME_DIR=/y") > 3000);
    }
}
