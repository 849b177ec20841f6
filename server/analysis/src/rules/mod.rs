//! Rules: one file each.
//!
//! A rule of instruction scope sees one instruction and what it inherits, and its findings are kept as long as both stay
//! the same; a rule of file scope sees everything and runs on every edit, so it must be cheap.

use std::ops::Range;
use std::sync::Arc;

use layerwise_model::eval::Step;
use layerwise_model::{Context, Evaluation, File};
use layerwise_syntax::Instruction;

use crate::diagnostic::Severity;
use crate::fix::Fix;

mod stage_name_casing;

/// What a rule is.
#[derive(Debug)]
pub struct Meta {
    /// Its name, such as `stage-name-casing`.
    pub name: &'static str,
    /// Its code in the catalogue, such as `T003`.
    pub code: &'static str,
    /// How much its findings matter.
    pub severity: Severity,
    /// The check of `docker build --check` that it is, if it is one: its conditions and lines are BuildKit's exactly.
    pub buildkit: Option<&'static str>,
    /// Names that other tools have for it, BuildKit's included.
    pub equivalents: &'static [&'static str],
    /// Whether it is on unless it is switched off.
    pub default: bool,
    /// Whether BuildKit runs it only where `# check=experimental=` asks for it.
    pub experimental: bool,
    /// Whether it needs the build context.
    pub context: bool,
    /// Its page: headings "What it does", "Why it matters", "Example", "Use instead".
    pub doc: &'static str,
}

/// One finding, before it becomes a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where. Rules of instruction scope give bytes of the instruction's source, rules of file scope bytes of the document.
    pub range: Range<usize>,
    /// What to say.
    pub message: String,
    /// Ways to mend it; their ranges are like `range`.
    pub fixes: Vec<Fix>,
    /// Other places; their ranges are like `range`.
    pub related: Vec<(Range<usize>, String)>,
    /// Whether the text is unneeded.
    pub unnecessary: bool,
    /// Whether the text is deprecated.
    pub deprecated: bool,
}

impl Finding {
    /// A finding without fixes.
    pub fn new(range: Range<usize>, message: impl Into<String>) -> Finding {
        Finding {
            range,
            message: message.into(),
            fixes: Vec::new(),
            related: Vec::new(),
            unnecessary: false,
            deprecated: false,
        }
    }

    /// With a fix.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Finding {
        self.fixes.push(fix);
        self
    }
}

/// What a rule of instruction scope sees. It must not look at anything else: its findings are kept for as long as these
/// two stay the same.
#[derive(Clone, Copy)]
pub struct InstructionCx<'a> {
    /// The instruction.
    pub instruction: &'a Arc<Instruction>,
    /// What it inherits and does.
    pub step: &'a Step,
}

/// What a rule of file scope sees.
#[derive(Clone, Copy)]
pub struct FileCx<'a> {
    /// The file.
    pub file: &'a File,
    /// Its evaluation.
    pub eval: &'a Evaluation,
    /// The build context, if it is known.
    pub context: Option<&'a Context>,
}

/// How a rule looks.
#[derive(Clone, Copy)]
pub enum Check {
    /// At one instruction at a time.
    Instruction(fn(&InstructionCx<'_>, &mut Vec<Finding>)),
    /// At the whole file.
    File(fn(&FileCx<'_>, &mut Vec<Finding>)),
}

/// A rule.
pub struct Rule {
    /// What it is.
    pub meta: Meta,
    /// How it looks.
    pub check: Check,
}

/// Every rule, in the order of their codes.
pub fn all() -> &'static [&'static Rule] {
    &[&stage_name_casing::RULE]
}
