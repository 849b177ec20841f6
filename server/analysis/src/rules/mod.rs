//! Rules: one file each, in a folder per category.
//!
//! A rule of instruction scope sees one instruction and what it inherits, and its findings are kept as long as both stay
//! the same; a rule of file scope sees everything and runs on every edit, so it must be cheap.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use layerwise_model::eval::{StageEval, Step};
use layerwise_model::facts::{FileFacts, InstructionFacts};
use layerwise_model::{Context, Evaluation, File};
use layerwise_syntax::Instruction;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::options::RuleOptions;
use correctness::dependency_steps::Step as DependencyStep;
use correctness::started_scripts::Started;

mod cache;
mod correctness;
mod downloads;
pub mod page;
mod portability;
mod reproducibility;
mod security;
mod size;
mod stages;
mod style;
#[cfg(test)]
pub(crate) mod testing;

/// What a rule is about. The first letter of its code says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// The build fails, or the image does not do what the file says (`E`).
    Correctness,
    /// Steps run again that need not (`C`).
    Cache,
    /// Bytes in the image that it does not need (`S`).
    Size,
    /// Secrets and rights (`X`).
    Security,
    /// The same file builds another image tomorrow (`R`).
    Reproducibility,
    /// How the file reads (`T`).
    Style,
    /// Other builders, platforms and shells (`P`).
    Portability,
}

impl Category {
    /// All of them, in the order of their pages.
    pub const ALL: [Category; 7] = [
        Category::Correctness,
        Category::Cache,
        Category::Size,
        Category::Security,
        Category::Reproducibility,
        Category::Style,
        Category::Portability,
    ];

    /// The name in configuration and JSON: `correctness`.
    pub fn as_str(self) -> &'static str {
        match self {
            Category::Correctness => "correctness",
            Category::Cache => "cache",
            Category::Size => "size",
            Category::Security => "security",
            Category::Reproducibility => "reproducibility",
            Category::Style => "style",
            Category::Portability => "portability",
        }
    }
}

/// What the fixes of a rule promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixClass {
    /// There is none.
    None,
    /// The built image is the same.
    Safe,
    /// Some findings have a safe fix, others a suggestion or none.
    Sometimes,
    /// Suggestions, which the user has to look at.
    Suggestion,
}

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
    /// Whether it enforces what a team agreed on, such as labels; such rules are off by default.
    pub policy: bool,
    /// What its fixes promise.
    pub fix: FixClass,
    /// Names of rules that say less at the same place: where ranges overlap, their findings are left out.
    pub supersedes: &'static [&'static str],
    /// Whether BuildKit runs it only where `# check=experimental=` asks for it.
    pub experimental: bool,
    /// Whether it needs the build context.
    pub context: bool,
    /// The options that it reads, by their names in `layerwise.toml`.
    pub options: &'static [&'static str],
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

/// What a rule of instruction scope sees. It must not look at anything else: its findings are kept for as long as the
/// instruction, the step and the options stay the same.
#[derive(Clone, Copy)]
pub struct InstructionCx<'a> {
    /// The instruction; inside ONBUILD, what that triggers. Ranges are of the source of the whole instruction.
    pub instruction: &'a Instruction,
    /// Whether it stands behind ONBUILD. Then `step` is that of the ONBUILD, which tells the state only.
    pub onbuild: bool,
    /// What it inherits and does.
    pub step: &'a Step,
    /// Its facts.
    pub facts: &'a InstructionFacts,
    /// The options of rules.
    pub options: &'a RuleOptions,
}

/// What a rule of file scope sees.
pub struct FileCx<'a> {
    /// The file.
    pub file: &'a File,
    /// Its evaluation.
    pub eval: &'a Evaluation,
    /// Its facts.
    pub facts: &'a FileFacts,
    /// The build context, if it is known.
    pub context: Option<&'a Context>,
    /// The options of rules.
    pub options: &'a RuleOptions,
    /// What the first rule that needs it works out for the others.
    pub(crate) started: OnceCell<Vec<Started>>,
    /// The same.
    pub(crate) dependency_steps: OnceCell<Vec<DependencyStep>>,
}

impl<'a> FileCx<'a> {
    /// What rules see of a file with these facts.
    pub fn new(
        file: &'a File,
        eval: &'a Evaluation,
        facts: &'a FileFacts,
        context: Option<&'a Context>,
        options: &'a RuleOptions,
    ) -> FileCx<'a> {
        let (started, dependency_steps) = (OnceCell::new(), OnceCell::new());
        FileCx { file, eval, facts, context, options, started, dependency_steps }
    }
}

/// How a rule looks.
#[derive(Clone, Copy)]
pub enum Check {
    /// At one instruction at a time.
    Instruction(fn(&InstructionCx<'_>, &mut Vec<Finding>)),
    /// At the whole file.
    File(fn(&FileCx<'_>, &mut Vec<Finding>)),
    /// At the comments that switch rules off, once everything else has been found: [`crate::suppress`] does it.
    Suppressions,
}

/// A rule.
pub struct Rule {
    /// What it is.
    pub meta: Meta,
    /// How it looks.
    pub check: Check,
}

static ALL: LazyLock<Vec<&'static Rule>> = LazyLock::new(|| {
    let mut all: Vec<&'static Rule> = [
        correctness::RULES,
        cache::RULES,
        size::RULES,
        security::RULES,
        reproducibility::RULES,
        style::RULES,
        portability::RULES,
    ]
    .concat();
    all.sort_by_key(|rule| (rule.meta.category(), rule.meta.code));
    all
});

/// Every rule, by category and code.
pub fn all() -> &'static [&'static Rule] {
    &ALL
}

/// What the rule of this name (such as `stage-name-casing`) is; `None` for anything else, `syntax-error` included.
pub fn meta(name: &str) -> Option<&'static Meta> {
    static BY_NAME: LazyLock<HashMap<&'static str, &'static Meta>> =
        LazyLock::new(|| ALL.iter().map(|rule| (rule.meta.name, &rule.meta)).collect());
    BY_NAME.get(name).copied()
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
        policy: false,
        fix: FixClass::None,
        supersedes: &[],
        experimental: false,
        context: false,
        options: &[],
        doc: "",
    };

    /// What it is about.
    pub fn category(&self) -> Category {
        match self.code.as_bytes().first() {
            Some(b'C') => Category::Cache,
            Some(b'S') => Category::Size,
            Some(b'X') => Category::Security,
            Some(b'R') => Category::Reproducibility,
            Some(b'T') => Category::Style,
            Some(b'P') => Category::Portability,
            _ => Category::Correctness,
        }
    }

    /// Whether `name` chooses the rule: one of its names, `ALL`, `default` for one that is on by default, or its category
    /// unless it enforces a policy.
    pub fn is_selected_by(&self, name: &str) -> bool {
        self.is_called(name)
            || name.eq_ignore_ascii_case("all")
            || self.default && name.eq_ignore_ascii_case("default")
            || !self.policy && name.eq_ignore_ascii_case(self.category().as_str())
    }

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
