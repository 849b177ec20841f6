//! Rules: one file each.
//!
//! A rule of instruction scope sees one instruction and what it inherits, and its findings are kept as long as both stay
//! the same; a rule of file scope sees everything and runs on every edit, so it must be cheap.

use std::ops::Range;
use std::sync::Arc;

use layerwise_model::eval::{StageEval, Step};
use layerwise_model::{Context, Evaluation, File};
use layerwise_syntax::Instruction;

use crate::diagnostic::Severity;
use crate::fix::Fix;

mod base_image_platform;
mod copy_ignored_file;
mod definition_description;
mod duplicate_stage_name;
mod empty_continuation;
mod expose_host_mapping;
mod expose_proto_casing;
mod from_as_casing;
mod from_platform_constant;
mod instruction_casing;
mod invalid_default_arg_in_from;
mod json_args_recommended;
mod legacy_key_value;
mod maintainer;
mod multiple_instructions;
mod redundant_target_platform;
mod reserved_stage_name;
mod secret_in_arg_env;
mod stage_name_casing;
#[cfg(test)]
pub(crate) mod testing;
mod undefined_arg_in_from;
mod undefined_var;
mod workdir_relative;

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

    /// As text that is not needed.
    #[must_use]
    pub(crate) fn unneeded(mut self) -> Finding {
        self.unnecessary = true;
        self
    }

    /// With another place that explains it.
    #[must_use]
    pub(crate) fn see(mut self, range: Range<usize>, note: impl Into<String>) -> Finding {
        self.related.push((range, note.into()));
        self
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
static ALL: &[&Rule] = &[
    &duplicate_stage_name::RULE,
    &reserved_stage_name::RULE,
    &undefined_arg_in_from::RULE,
    &invalid_default_arg_in_from::RULE,
    &undefined_var::RULE,
    &multiple_instructions::CMD,
    &multiple_instructions::ENTRYPOINT,
    &multiple_instructions::HEALTHCHECK,
    &json_args_recommended::RULE,
    &workdir_relative::RULE,
    &copy_ignored_file::RULE,
    &expose_host_mapping::RULE,
    &empty_continuation::RULE,
    &from_platform_constant::RULE,
    &redundant_target_platform::RULE,
    &base_image_platform::RULE,
    &instruction_casing::RULE,
    &from_as_casing::RULE,
    &stage_name_casing::RULE,
    &legacy_key_value::RULE,
    &maintainer::RULE,
    &expose_proto_casing::RULE,
    &definition_description::RULE,
    &secret_in_arg_env::RULE,
];

/// Every rule, in the order of their codes.
pub fn all() -> &'static [&'static Rule] {
    ALL
}

/// What the rule of this name (such as `stage-name-casing`) is; `None` for anything else, `syntax-error` included.
pub fn meta(name: &str) -> Option<&'static Meta> {
    ALL.iter().map(|rule| &rule.meta).find(|meta| meta.name == name)
}

impl Meta {
    /// What most rules share, for `..Meta::DEFAULT`.
    pub(crate) const DEFAULT: Meta = Meta {
        name: "",
        code: "",
        severity: Severity::Warning,
        buildkit: None,
        equivalents: &[],
        default: true,
        experimental: false,
        context: false,
        doc: "",
    };

    /// Whether `name` is one of the rule's names: its own or its code in any case, or an equivalent.
    pub fn is_called(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(self.name)
            || name.eq_ignore_ascii_case(self.code)
            || self.equivalents.contains(&name)
    }
}

/// The stages that the target needs, its own included, each with its number. BuildKit reads ONBUILD triggers only there,
/// even when it checks all stages.
pub(crate) fn built_stages(eval: &Evaluation) -> impl Iterator<Item = (usize, &StageEval)> {
    let mut built = vec![false; eval.stages.len()];
    let mut open: Vec<usize> = eval.target.into_iter().collect();
    while let Some(stage) = open.pop() {
        if !std::mem::replace(&mut built[stage], true) {
            open.extend(eval.stages[stage].deps.iter().map(|&(dep, _)| dep));
        }
    }
    eval.stages.iter().enumerate().filter(move |(index, _)| built[*index])
}
