//! Running the rules, and keeping what an edit did not touch.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use layerwise_model::eval::Step;
use layerwise_model::{Context, Evaluation, File};
use layerwise_syntax::{Instruction, Problem};

use crate::diagnostic::{Diagnostic, Severity};
use crate::fix::{Edit, Fix};
use crate::rules::{self, Check, FileCx, Finding, InstructionCx, Meta, Rule};
use crate::suppress::Suppressions;

/// Which rules run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Run every rule there is, those that are off by default too.
    pub all: bool,
    /// Run just these (names, codes or equivalents), if there are any. Syntax errors are always reported.
    pub only: Vec<String>,
    /// Leave these out.
    pub except: Vec<String>,
    /// The options of `--build-arg BUILDKIT_DOCKERFILE_CHECK=`, which replace the file's `# check=` directive.
    pub check_options: Option<String>,
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
}

/// Runs the rules and keeps the findings of instructions that did not change.
#[derive(Default)]
pub struct Checker {
    kept: HashMap<(*const Instruction, *const Step), Kept>,
    selection: Option<Selection>,
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
    findings: Arc<Vec<(&'static Rule, Finding)>>,
}

impl Checker {
    /// What the last [`Self::check`] cost.
    pub fn work(&self) -> CheckWork {
        self.work
    }

    /// The diagnostics of a file, sorted by place.
    pub fn check(&mut self, input: &Input<'_>) -> Vec<Diagnostic> {
        if self.selection.as_ref() != Some(input.selection) {
            self.kept.clear();
            self.selection = Some(input.selection.clone());
        }
        self.work = CheckWork::default();
        let suppressions = Suppressions::of(input.file, input.selection.check_options.as_deref());
        let active: Vec<&'static Rule> =
            rules::all().iter().copied().filter(|r| is_active(r, input, &suppressions)).collect();
        let mut found = syntax_errors(input);
        found.extend(suppressions.errors().iter().cloned());
        let mut kept = HashMap::with_capacity(input.file.len());
        for (number, placed, instruction) in input.file.all() {
            let step = input.eval.step(number);
            let key = (Arc::as_ptr(instruction), Arc::as_ptr(step));
            let entry = match self.kept.remove(&key) {
                Some(entry) => entry,
                None => self.look(instruction, step, &active),
            };
            for (rule, finding) in entry.findings.iter() {
                found.push(diagnostic(&rule.meta, shifted(finding.clone(), placed.start)));
            }
            kept.insert(key, entry);
        }
        self.kept = kept;
        let cx = FileCx { file: input.file, eval: input.eval, context: input.context };
        for rule in &active {
            if let Check::File(check) = rule.check {
                self.work.file_rules += 1;
                let mut findings = Vec::new();
                check(&cx, &mut findings);
                found.extend(findings.into_iter().map(|f| diagnostic(&rule.meta, f)));
            }
        }
        found.retain(|d| !suppressions.covers(input.file, d));
        if suppressions.error() {
            for d in &mut found {
                let is_check =
                    rules::all().iter().any(|r| r.meta.name == d.rule && r.meta.buildkit.is_some());
                if is_check {
                    d.severity = Severity::Error;
                }
            }
        }
        found.sort_by(|a, b| (a.range.start, a.range.end, a.rule).cmp(&(b.range.start, b.range.end, b.rule)));
        found
    }

    fn look(&mut self, instruction: &Arc<Instruction>, step: &Arc<Step>, active: &[&'static Rule]) -> Kept {
        let cx = InstructionCx { instruction, step };
        let mut findings = Vec::new();
        for rule in active {
            if let Check::Instruction(check) = rule.check {
                self.work.instruction_rules += 1;
                let mut out = Vec::new();
                check(&cx, &mut out);
                findings.extend(out.into_iter().map(|f| (*rule, f)));
            }
        }
        Kept { instruction: Arc::clone(instruction), step: Arc::clone(step), findings: Arc::new(findings) }
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} findings)", self.instruction.keyword().value, self.findings.len())?;
        write!(f, " unmatched {}", self.step.unmatched.len())
    }
}

fn is_active(rule: &Rule, input: &Input<'_>, suppressions: &Suppressions) -> bool {
    let meta = &rule.meta;
    let named = |names: &[String]| {
        names.iter().any(|n| {
            n.eq_ignore_ascii_case(meta.name)
                || n.eq_ignore_ascii_case(meta.code)
                || meta.equivalents.contains(&n.as_str())
        })
    };
    if meta.context && input.context.is_none() {
        return false;
    }
    // BuildKit's experimental checks run only where the file asks for them.
    if meta.experimental && !suppressions.experimental(meta.buildkit.unwrap_or(meta.name)) {
        return false;
    }
    if named(&input.selection.except) {
        return false;
    }
    if !input.selection.only.is_empty() {
        return named(&input.selection.only);
    }
    meta.default || input.selection.all || meta.experimental
}

/// The name under which syntax errors are reported.
pub const SYNTAX: Meta = Meta {
    name: "syntax-error",
    code: "E000",
    severity: Severity::Error,
    buildkit: None,
    equivalents: &[],
    default: true,
    experimental: false,
    context: false,
    doc: "\
## What it does

Reports what BuildKit's parser refuses. Other findings in the file stay: one broken line hides nothing.

## Why it matters

The build fails before its first step.
",
};

/// What BuildKit's parser and its conversion refuse.
fn syntax_errors(input: &Input<'_>) -> Vec<Diagnostic> {
    let file = input.file;
    let mut found = Vec::new();
    let mut push =
        |range: Range<usize>, message: String| found.push(diagnostic(&SYNTAX, Finding::new(range, message)));
    let text = file.parsed().text();
    if let Some(message) = file.parsed().file_problem() {
        push(0..text.len().min(1), message.to_owned());
    }
    for block in file.parsed().layer().blocks() {
        if let layerwise_syntax::Block::Directive(directive, _) = &block.block {
            if let Some(message) = &directive.error {
                let range = directive.value_range.clone();
                push(block.start + range.start..block.start + range.end, message.clone());
            }
        }
    }
    for (number, placed, instruction) in file.all() {
        for Problem { range, message, .. } in instruction.problems() {
            push(placed.start + range.start..placed.start + range.end, message.clone());
        }
        if !instruction.is_valid() {
            continue;
        }
        let kind = instruction.kind();
        if file.stage_of(number).is_none() && kind != Some(layerwise_syntax::Keyword::Arg) {
            let keyword = &instruction.keyword().value;
            let range = file.absolute(number, instruction.keyword().range.clone());
            push(
                range,
                format!("{keyword} stands before the first FROM, where only ARG may; add a FROM above it."),
            );
        }
        if let Some(message) = &input.eval.step(number).error {
            push(file.absolute(number, head(instruction)), message.clone());
        }
    }
    if let (Some(message), Some(stage)) = (&input.eval.error, file.stages().last()) {
        push(file.range(stage.from), message.clone());
    }
    found
}

/// The first line of an instruction, without its continuation character and line break.
pub(crate) fn head(instruction: &Instruction) -> Range<usize> {
    let trimmed = instruction.trimmed_range();
    let source = &instruction.source()[trimmed.clone()];
    let line = source.find('\n').map_or(source, |at| &source[..at]);
    let line = line.trim_end().trim_end_matches(instruction.escape()).trim_end();
    trimmed.start..trimmed.start + line.len()
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
